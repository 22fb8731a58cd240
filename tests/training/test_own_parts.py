"""The user's own activations and losses: on the reference engine, looked at once, or refused."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import InvalidParameter, WrongDerivative
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.differences import activation_mismatch, loss_mismatch
from chainrule.maths.losses import LOSSES, get_loss

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 2)), rng.normal(size=(20, 2))
ROWS = {
    "real": Y,
    "nonnegative": rng.poisson(2, size=(20, 2)),
    "binary": rng.integers(2, size=(20, 2)),
    "classes": np.eye(2)[rng.integers(2, size=20)],
    "groups": np.eye(2)[rng.integers(2, size=20)],
}
MADE = [
    cr.Huber(0.2), cr.Quantile([0.1, 0.9]), cr.CrossEntropy(0.3), cr.LogLoss(0.3),
    cr.GroupedLogLoss([2], 0.1),
]  # fmt: skip
OURS = [*(one for one in LOSSES.values() if one.differentiable), *map(get_loss, MADE)]
SMOOTH = [g for g in ACTIVATIONS.values() if g.differentiable]


def train_all_ways(activation, loss):
    """Every way into training; each starts with a new network."""
    for dtype in ("float32", "float64"):
        learner = cr.Learner(cr.Network([2, 3, 2], activation, loss, dtype=dtype))
        assert learner.engine == "reference"
        yield lambda learner=learner: learner.fit(X, Y, epochs=1)
        yield lambda learner=learner: learner.step(X, Y)
        yield lambda learner=learner: learner.step(X[0], Y[0])
    for solver in ("adam", "lbfgs"):
        settings = {"solver": solver, "max_iter": 2, "hidden_layer_sizes": 3}
        yield lambda s=settings: cr.MLPRegressor(loss, activation=activation, **s).fit(X, Y)


@pytest.mark.parametrize("g", SMOOTH, ids=lambda g: g.name)
def test_the_right_activations_are_right_and_scaled_ones_wrong(g):
    assert activation_mismatch(replace(g)) is None
    for factor in (0, 0.5, 1.01, -1, np.nan):
        wrong = replace(g, g_prime=lambda v, k=factor: k * g.g_prime(v))
        found = activation_mismatch(wrong)
        assert found is not None
        at = np.array([[found.z]])
        np.testing.assert_allclose(found.slope, g.derivative(at, g.g(at))[0, 0], rtol=1e-6)
        np.testing.assert_equal(found.derivative, factor * g.derivative(at, g.g(at))[0, 0])


@pytest.mark.parametrize("loss", OURS, ids=lambda loss: repr(loss.made_of or loss.name))
@pytest.mark.parametrize("scale", [1, 1000])
def test_the_right_losses_are_right_and_scaled_ones_wrong(loss, scale):
    rows = ROWS[loss.targets] * (scale if loss.targets in ("real", "nonnegative") else 1)
    assert loss_mismatch(replace(loss), rows, 2) is None
    for factor in (0, 0.5, 1.01, -1, np.nan):
        wrong = replace(loss, delta=lambda z, h, y, k=factor: k * loss.delta(z, h, y))
        found = loss_mismatch(wrong, rows, 2)
        assert found is not None
        at = [np.array([[v]]) for v in (found.z, found.y)]
        if loss.targets != "classes" and loss.made_of is None:  # outputs by themselves
            right = loss.delta(at[0], loss.hypothesis(at[0]), at[1])[0, 0]
            np.testing.assert_allclose(found.slope, right, rtol=1e-4)
            np.testing.assert_allclose(found.derivative, factor * right, rtol=1e-12)


def test_a_wrong_activation_is_refused_before_anything_changes():
    wrong = cr.Activation("half sine", np.sin, lambda z: np.cos(z) / 2)
    for train in train_all_ways(wrong, "squared_error"):
        with pytest.raises(WrongDerivative, match=r"activation 'half sine' .* z = \S+ g_prime"):
            train()
    net = cr.Network([2, 3, 2], wrong, "squared_error")
    start = net.theta.copy()
    with pytest.raises(WrongDerivative):
        cr.Learner(net).fit(X, Y)
    np.testing.assert_array_equal(net.theta, start)
    # Forward it propagates, and what checks gradients says how wrong it is.
    assert net(X).shape == (20, 2)
    assert not cr.check_gradients(net, X, Y).passed


def test_a_wrong_loss_is_refused():
    wrong = cr.Loss(
        "cubic", "identity", lambda z: z,
        per_example=lambda z, y: (np.abs(z - y) ** 3).sum(axis=1),
        delta=lambda z, h, y: 3 * (h - y) ** 2,
    )  # fmt: skip
    sentence = (
        r"delta of the loss 'cubic' .* output \d, at z = \S+ and y = \S+, delta gives \S+ and"
    )
    for train in train_all_ways("tanh", wrong):
        with pytest.raises(WrongDerivative, match=sentence):
            train()


SINE, SQUARE = cr.Activation("sine", np.sin, np.cos), get_loss("squared_error")
UNUSABLE = {
    "g_prime\\(z\\) of arrays": (replace(SINE, g_prime=lambda z, a: np.cos(z)), SQUARE),
    "g_prime\\(a\\) of arrays": (replace(SINE, g=lambda: 0, takes="a"), SQUARE),
    "Got \\(3,\\) and \\(3, 2\\)": (replace(SINE, g=lambda z: z.sum(axis=1)), SQUARE),
    "Got \\(3, 2\\) and \\(\\)": (replace(SINE, g_prime=lambda z: 1.0), SQUARE),
    "delta\\(z, h, y\\)": ("tanh", replace(SQUARE, delta=lambda z, y: z - y)),
    "per_example\\(z, y\\)": ("tanh", replace(SQUARE, per_example=lambda z: z.sum(axis=1))),
    "hypotheses of the shape of z, \\(3, 2\\). Got \\(\\)": (
        "tanh",
        replace(SQUARE, hypothesis=lambda z: z.sum()),
    ),
}


@pytest.mark.parametrize("sentence", UNUSABLE)
def test_functions_that_cannot_be_called_or_return_another_shape(sentence):
    for train in train_all_ways(*UNUSABLE[sentence]):
        with pytest.raises(InvalidParameter, match=sentence):
            train()


def test_a_part_that_is_right_is_looked_at_once():
    calls = []

    def g_prime(z):
        calls.append(z.shape)
        return np.cos(z)

    own = cr.Activation("sine", np.sin, g_prime)
    learner = cr.Learner(cr.Network([2, 3, 4, 2], own, "squared_error"), batch_size=None)
    learner.fit(X, Y, epochs=5)
    cr.Learner(learner.net.copy()).step(X, Y)
    assert [shape for shape in calls if shape[1] == 1] == [(23, 1)]
    assert len(calls) == 2 + 6 * 2  # its shape, its values; six steps, for two layers each
    # A copy that says the same is another object, and may be another function.
    with pytest.raises(WrongDerivative):
        cr.Learner(cr.Network([2, 3, 2], replace(own, g=np.cos), "squared_error")).step(X, Y)


def test_what_is_not_smooth_everywhere_is_not_accused():
    kinked = cr.Activation("shrink", lambda z: np.sign(z) * np.maximum(abs(z) - 0.5, 0),
                           lambda z: (abs(z) > 0.5) * 1.0)  # fmt: skip
    stairs = cr.Activation("stairs", np.floor, np.zeros_like)
    logarithm = cr.Activation("log", np.log, lambda z: 1 / z)  # NaN below 0
    hinge = cr.Loss(
        "hinge", "identity", lambda z: z,
        per_example=lambda z, y: np.maximum(0, 1 - y * z).sum(axis=1),
        delta=lambda z, h, y: np.where(y * z < 1, -y, 0),
    )  # fmt: skip
    for g in (kinked, stairs, logarithm):
        assert activation_mismatch(g) is None
    assert loss_mismatch(hinge, np.sign(Y), 2) is None
    assert loss_mismatch(hinge, Y, 2) is None


@given(st.floats(-3, 3), st.floats(0.1, 5), st.floats(-2, 2))
def test_own_waves_are_right(a, b, c):
    own = cr.Activation(
        "wave", lambda z: a * np.sin(b * z + c), lambda z: a * b * np.cos(b * z + c)
    )
    assert activation_mismatch(own) is None


def test_many_outputs_and_few_rows():
    own = replace(LOSSES["squared_error"])
    wide = cr.Network([2, 500], loss=own)
    cr.Learner(wide).step(X[:1], np.zeros((1, 500)))
    assert loss_mismatch(own, np.zeros((1, 500)), 500) is None
    assert loss_mismatch(replace(own, delta=lambda z, h, y: 2 * (h - y)), np.zeros((1, 1)), 1)


def test_own_parts_are_deep_copied_and_still_right():
    own = replace(LOSSES["squared_error"], name="own")
    model = cr.MLPRegressor(own, hidden_layer_sizes=3, max_iter=2)
    with pytest.warns(UserWarning, match="hasn't converged"):
        model.fit(X, Y)
    assert model.engine_ == "reference"
    assert copy.deepcopy(model).partial_fit(X, Y).engine_ == "reference"


@pytest.mark.parametrize("of_the_user", [["own", "relu"], ["own", "own", "tanh"], ["relu", "own"]])
def test_an_activation_may_return_another_type(of_the_user):
    half = np.float64(0.5)  # times which float32 becomes float64
    own = cr.Activation("half", lambda z: z * half, lambda z: np.full_like(z, half))
    kinds = [own if name == "own" else name for name in of_the_user]
    net = cr.Network([4, *(5 for _ in kinds), 1], kinds, "squared_error")
    X = np.random.default_rng(0).normal(size=(70, 4)).astype("float32")
    history = cr.Learner(net, cr.SGD(0.01)).fit(X, X[:, 0], epochs=6)
    assert len(history) == 6
    assert net(X).dtype == np.float32
