"""The gradient check must fail for wrong derivatives, leave out kinks, and touch nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import errors
from chainrule.maths.losses import get_loss

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))


def quadratic(z, y):
    return 0.5 * np.square(z - y).sum(axis=1)


def loss_with(delta, per_example=quadratic):
    return cr.Loss("own", "identity", lambda z: z, per_example, delta)


WRONG_ACTIVATIONS = {
    "a factor": lambda z: 1.0001 * np.cos(z),
    "an offset": lambda z: np.cos(z) + 1e-5,
    "a sign for z < -0.5": lambda z: np.where(z < -0.5, -np.cos(z), np.cos(z)),
    "of z instead of a": lambda z: 1 - z * z,
    "NaN": lambda z: np.where(z > 0.5, np.nan, np.cos(z)),
}
WRONG_DELTAS = {
    "a factor": lambda z, h, y: 1.0001 * (h - y),
    "an offset": lambda z, h, y: h - y + 1e-5,
    "a sign": lambda z, h, y: y - h,
    "zero": lambda z, h, y: 0 * h,
    "one output": lambda z, h, y: (h - y) * [1, 1 + 1e-4],
    "infinite": lambda z, h, y: (h - y) / 0.0,
}
SIZES = {"element by element": [3, 4, 4, 2], "directions only": [3, 60, 60, 2]}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("wrong", sorted(WRONG_ACTIVATIONS))
def test_a_wrong_activation_fails(wrong, sizes):
    own = cr.Activation("own", np.sin, WRONG_ACTIVATIONS[wrong])
    net = cr.Network(sizes, ["tanh", own], "squared_error", dtype="float64")
    check = cr.check_gradients(net, X, Y)
    assert not check.passed
    assert "FAILED" in str(check)
    right = cr.Activation("own", np.sin, np.cos)
    net = cr.Network(sizes, ["tanh", right], "squared_error", dtype="float64")
    assert cr.check_gradients(net, X, Y).passed


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("wrong", sorted(WRONG_DELTAS))
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_a_wrong_delta_fails(wrong, sizes):
    net = cr.Network(sizes, "tanh", loss_with(WRONG_DELTAS[wrong]), dtype="float64")
    check = cr.check_gradients(net, X, Y)
    assert not check.passed
    assert not check.max_relative_error <= 1e-6
    net = cr.Network(sizes, "tanh", loss_with(lambda z, h, y: h - y), dtype="float64")
    assert cr.check_gradients(net, X, Y).passed


def test_a_cost_of_nan_fails_though_the_delta_is_right():
    def per_example(z, y):
        value = quadratic(z, y)
        value[2] = np.nan
        return value

    net = cr.Network([3, 4, 2], loss=loss_with(lambda z, h, y: h - y, per_example))
    check = cr.check_gradients(net, X, Y)
    assert check.max_relative_error == np.inf
    assert not check.passed


def test_a_wrong_hidden_layer_is_found_in_the_layers_before_it():
    # g' of layer 2 enters the gradients of layers 0 and 1 of weights, not those after it.
    own = cr.Activation("own", np.sin, WRONG_ACTIVATIONS["a factor"])
    net = cr.Network([3, 5, 5, 5, 2], ["tanh", own, "tanh"], "squared_error", dtype="float64")
    errors_ = [
        max(c.weights_error, c.biases_error) for c in cr.check_gradients(net, X, Y).per_layer
    ]
    assert [e > 1e-6 for e in errors_] == [True, True, False, False]


def test_an_error_in_a_single_entry_of_a_big_layer_is_seen():
    # One example of 300 features, of which delta's error reaches the bias and the weights of
    # output 0 alone; a direction of +1 and -1 shows it undiminished.
    def delta(z, h, y):
        d = h - y
        d[:, 0] += 1e-4
        return d

    x = np.zeros((1, 300))
    x[0, 0] = 1
    net = cr.Network([300, 10], loss=loss_with(delta), dtype="float64")
    assert net.n_parameters > 2000
    check = cr.check_gradients(net, x, np.zeros((1, 10)))
    assert not check.passed
    expected = 1e-4 / check.max_gradient
    assert check.per_layer[0].biases_error == pytest.approx(expected, rel=1e-3)
    assert check.per_layer[0].weights_error == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("g", ["tanh", "relu", "gelu", "selu"])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "poisson"])
def test_a_big_network_passes_by_directions(g, loss):
    net = cr.Network([20, 120, 80, 4], g, loss, seed=1)
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(30, 20))
    targets = rng.integers(4, size=30) if loss == "log_loss" else rng.poisson(1, size=(30, 4))
    check = cr.check_gradients(net, rows, targets, l2=0.5, l1=0.01)
    assert check.passed, str(check)
    assert check.n_checked + check.n_left_out == 3 * 2 * 8


def test_small_networks_are_checked_element_by_element():
    net = cr.Network([3, 4, 2], loss="squared_error")
    check = cr.check_gradients(net, X, Y)
    assert check.n_checked == net.n_parameters + 2 * 2 * 8
    assert [c.layer for c in check.per_layer] == [0, 1]
    assert check.n_left_out == 0


def test_computed_in_float64_and_nothing_is_changed():
    net = cr.Network([3, 4, 2], "relu", "squared_error", dtype="float32")
    before, rows, targets = net.theta.copy(), X.copy(), Y.copy()
    weight = np.arange(1.0, 8)
    check = cr.check_gradients(net, rows, targets, sample_weight=weight, l2=1, l1=1)
    assert check.max_relative_error < 1e-8  # float32 would see no more than 1e-3
    assert net.theta.dtype == np.float32
    assert np.array_equal(net.theta, before)
    assert np.array_equal(rows, X)
    assert np.array_equal(targets, Y)
    assert weight.tolist() == list(range(1, 8))


def test_max_gradient_is_over_all_of_theta():
    net = cr.Network([3, 4, 2], loss="squared_error", dtype="float64")
    trace = net.trace(X, Y, l2=0.3)
    largest = max(abs(g).max() for g in [*trace.grad_weights, *trace.grad_biases])
    assert cr.check_gradients(net, X, Y, l2=0.3).max_gradient == pytest.approx(largest, rel=1e-12)


def test_what_crosses_a_kink_is_left_out_and_counted():
    # z = w x + b is exactly 0 at the first node: every move of its parameters crosses the kink.
    net = cr.Network([1, 2, 1], "relu", "squared_error", dtype="float64")
    net.weights[0] = [[0.0, 1.0]]
    net.biases[0] = [0.0, 0.5]
    net.weights[1] = [[1.0], [1.0]]
    check = cr.check_gradients(net, [[1.0]], [0.0])
    first, second = check.per_layer
    # 8 directions and 1 element each for w and b of the first node; those of the second remain.
    assert first.n_left_out == 18
    assert first.n_checked == 2
    assert second.n_left_out == 0
    assert check.n_left_out == 18
    assert check.passed
    without = cr.Activation("relu", lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0)
    blind = cr.Network.from_theta(
        cr.Network([1, 2, 1], without, "squared_error", dtype="float64").architecture, net.theta
    )
    assert not cr.check_gradients(blind, [[1.0]], [0.0]).passed


def test_near_a_kink_a_smaller_step_still_compares():
    net = cr.Network([1, 1, 1], "relu", "squared_error", dtype="float64")
    net.weights[0], net.biases[0] = [[1.0]], [0.0]
    net.weights[1] = [[1.0]]
    check = cr.check_gradients(net, [[1e-5]], [3.0])
    assert check.n_left_out == 0
    assert check.passed


def test_if_everything_is_left_out_it_did_not_pass():
    net = cr.Network([2, 3, 1], "relu", "squared_error", init="zeros", dtype="float64")
    layer = cr.check_gradients(net, [[1.0, 2.0]], [0.0]).per_layer[0]
    assert np.isnan(layer.weights_error)
    assert np.isnan(layer.biases_error)
    assert layer.n_checked == 0
    nothing = cr.GradientCheck((layer,), 1.0)
    assert np.isnan(nothing.max_relative_error)
    assert not nothing.passed


def test_an_l1_weight_of_zero_has_the_slope_zero():
    net = cr.Network([2, 2], loss="squared_error", init="zeros", dtype="float64")
    check = cr.check_gradients(net, [[1.0, 2.0]], [[1.0, 1.0]], l1=2.0)
    assert check.passed
    assert check.n_left_out == 0


def test_a_gradient_of_zero_passes():
    net = cr.Network([2, 1], loss="squared_error", init="zeros", dtype="float64")
    check = cr.check_gradients(net, [[1.0, 2.0]], [0.0])
    assert check.max_gradient == 0
    assert check.passed


def test_a_learner_brings_its_penalties():
    net = cr.Network([3, 4, 2], loss="squared_error", dtype="float64")
    learner = cr.Learner(net, l2=0.7, l1=0.2)
    check = cr.check_gradients(learner, X, Y)
    assert check == cr.check_gradients(net, X, Y, l2=0.7, l1=0.2)
    assert check.passed
    assert check.max_gradient != cr.check_gradients(net, X, Y).max_gradient
    assert cr.check_gradients(learner, X, Y, l2=0, l1=0) == cr.check_gradients(net, X, Y)


def test_printed_it_is_a_table():
    net = cr.Network([3, 4, 2], loss="squared_error")
    lines = str(cr.check_gradients(net, X, Y)).splitlines()
    assert len(lines) == 1 + 2 + 1
    assert lines[0].split() == ["layer", "weights", "biases", "checked", "left", "out"]
    assert [line.split()[0] for line in lines[1:3]] == ["0", "1"]
    assert lines[-1].startswith("passed: ")


@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    seed=st.integers(0, 2**64 - 1),
    g=st.sampled_from(["identity", "tanh", "relu", "gelu", "silu"]),
    loss=st.sampled_from(["squared_error", "cross_entropy", "poisson"]),
    scale=st.sampled_from([0.01, 1.0, 3.0]),
)
def test_random_networks_pass(sizes, seed, g, loss, scale):
    net = cr.Network(sizes, g, loss, seed=seed, dtype="float64")
    rng = np.random.default_rng(seed)
    rows = scale * rng.normal(size=(3, sizes[0]))
    targets = rng.integers(2, size=(3, sizes[-1]))
    check = cr.check_gradients(net, rows, targets, l2=0.1)
    assert check.max_relative_error <= 1e-6 or check.n_checked == 0, str(check)


def test_bad_input():
    net = cr.Network([3, 4, 2], loss="squared_error")
    with pytest.raises(errors.InvalidInput, match="X contains NaN"):
        cr.check_gradients(net, X * np.nan, Y)
    with pytest.raises(errors.InvalidInput, match="X has 7 examples and Y has 6"):
        cr.check_gradients(net, X, Y[:6])
    for name in ("l2", "l1"):
        with pytest.raises(errors.InvalidParameter, match=f"{name} must be .* Got -1 instead"):
            cr.check_gradients(net, X, Y, **{name: -1})
    with pytest.raises(errors.NotTrainable, match="'step'"):
        cr.check_gradients(cr.Network([3, 4, 2], "step", "squared_error"), X, Y)
    with pytest.raises(errors.NotTrainable, match="'indicator'"):
        cr.check_gradients(cr.Network([3, 4, 2], loss="indicator"), X, Y)
    with pytest.raises(TypeError, match="Got dict instead"):
        cr.check_gradients({}, X, Y)


def test_own_parts_as_subtly_wrong_pairs_of_built_in_ones():
    # The slip in the notes' errata: h' applied twice to the cross entropy's delta.
    pair = get_loss("cross_entropy")
    wrong = cr.Loss(
        "twice", "logistic", pair.hypothesis, pair.per_example,
        lambda z, h, y: (h - y) * h * (1 - h), "binary",
    )  # fmt: skip
    labels = (Y > 0).astype(int)
    assert not cr.check_gradients(cr.Network([3, 4, 2], loss=wrong), X, labels).passed
    assert cr.check_gradients(cr.Network([3, 4, 2], loss=pair), X, labels).passed
