"""Edges: what once slipped through a check, or failed one it should have passed."""

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule import errors


def reg(**k):
    return cr.Network([2, 3, 1], loss="squared_error", **k)


# ragged input reaches NumPy's own ValueError in trace/step/fit/check_gradients
@pytest.mark.parametrize("call", ["trace", "step", "fit", "check"])
def test_ragged_x(call):
    net = reg()
    L = cr.Learner(net)
    f = {
        "trace": net.trace,
        "step": L.step,
        "fit": L.fit,
        "check": lambda *a: cr.check_gradients(net, *a),
    }[call]
    with pytest.raises(errors.InvalidInput, match="X must hold"):
        f([[1.0], [1.0, 2.0]], [1.0, 2.0])


def test_ragged_classes():
    with pytest.raises(errors.InvalidInput):
        cr.Network([2, 3]).trace([[1, 2], [1, 2]], [[1], [2, 3]])


def test_ragged_y_of_one_example():
    with pytest.raises(errors.InvalidInput):
        cr.Network([2, 2], loss="squared_error").trace([1, 2], [[1], [2, 3]])


# text and dates pass for numbers
@pytest.mark.parametrize(
    "x",
    [
        [["1", "2"]],
        np.array([["1", "2"]], object),
        np.array([[b"1", b"2"]]),
        np.array([["2020-01-01", "2020-01-02"]], "datetime64[D]"),
        np.array([[1, 2]], "timedelta64[D]"),
    ],
    ids=repr,
)
def test_text_and_dates_are_no_numbers(x):
    with pytest.raises(errors.InvalidInput, match="must hold real numbers"):
        reg()(x)


# sparse
def test_sparse_complex():
    with pytest.raises(errors.InvalidInput):
        reg()(sparse.csr_array(np.array([[1j, 2]])))


def test_sparse_too_large_for_float32():
    with pytest.raises(errors.InvalidInput, match="infinity"):
        reg()(sparse.csr_array(np.array([[1e300, 2]])))


def test_sparse_one_dimensional():
    with pytest.raises(errors.InvalidInput, match="two dimensions"):
        reg()(sparse.coo_array(np.array([1.0, 2.0])))


# writing into weights
@pytest.mark.parametrize(
    "value",
    [np.full((2, 3), 1e300), np.full((2, 3), 1j), np.full((2, 3), "1")],
    ids=["1e300", "1j", "text"],
)
def test_writing(value):
    net = reg()
    before = net.theta.copy()
    with pytest.raises(errors.InvalidInput):
        net.weights[0] = value
    assert np.array_equal(net.theta, before)


# a Views is a mutable list: the views can be lost
@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.append(1),
        lambda v: v.clear(),
        lambda v: v.pop(),
        lambda v: v.reverse(),
        lambda v: v.__delitem__(0),
        lambda v: v.extend([1]),
        lambda v: v.__iadd__([1]),
        lambda v: v.insert(0, 1),
    ],
)
def test_views_cannot_be_lost(change):
    net = reg()
    h = net([1.0, 2.0])
    with pytest.raises((TypeError, AttributeError)):
        change(net.weights)
    assert net([1.0, 2.0]) == h


# the last update explodes, which no cost has seen
def test_a_step_that_explodes():
    net = cr.Network([2, 1], loss="squared_error")
    with pytest.raises(errors.Diverged):
        cr.Learner(net, cr.SGD(1e38)).step([1e5, 1e5], [1e5])


# ELU: g'' jumps at 0, where a wide difference is off by O(t)
def test_elu_near_0():
    net = cr.Network([1, 1, 1], "elu", "cross_entropy", seed=246, dtype="float64")
    X = 0.01 * np.random.default_rng(246).normal(size=(3, 1))
    assert cr.check_gradients(net, X, [0, 1, 1], l2=0.1).passed


# gelu' squares z
@pytest.mark.parametrize("z", [np.array([1e20], "f4"), np.array([1e200], "f8")])
def test_gelu_prime_overflows(z):
    g = cr.Network([1, 1, 2], "gelu").architecture.activations[0]
    assert g.derivative(z, g(z)) == 1


# sizes of any length
def test_huge_sizes():
    with pytest.raises(errors.TooLarge):
        cr.Network([10**400, 10])


# dropout next to 1: p 2^32 rounds to 2^32, every node is left out, so E h is not h
def test_dropout_near_1():
    from chainrule.maths.random import dropout_mask

    p = 1 - 1e-12
    word = np.array([[2**32 - 1]], np.uint32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.maths.random.words", lambda *args: np.repeat(word, 4))
        assert dropout_mask(1, 4, p, 0, 1, 0).all()


# an example of weight 0 whose loss overflows poisons the cost, and warns outside the Learner
def test_weight_0_is_absent_even_if_its_loss_is_infinite():
    net = cr.Network([1, 1], loss="poisson", init="zeros")
    net.weights[0] = [[1.0]]
    t = net.trace([[1000.0], [0.0]], [1.0, 2.0], [0.0, 1.0])
    assert np.isfinite(t.cost)


# a user's loss of shape (n, 1), as keepdims gives it, silently becomes an n x n sum
def test_per_example_of_the_wrong_shape_is_refused():
    own = cr.Loss(
        "own", "identity", lambda z: z, lambda z, y: 0.5 * (z - y) ** 2, lambda z, h, y: h - y
    )
    net = cr.Network([1, 1], loss=own, dtype="float64")
    data = [[1.0], [2.0]], [1.0, 5.0], [1.0, 2.0]
    with pytest.raises(errors.InvalidParameter, match=r"shape \(2,\)"):
        net.trace(*data)


# tiny weights
def test_scaling_weights_changes_nothing_down_to_the_smallest():
    net = reg(dtype="float64")
    a = net.trace([[1, 1], [2, 1]], [1, 2], [1.0, 2.0]).cost
    assert net.trace([[1, 1], [2, 1]], [1, 2], [1e-300, 2e-300]).cost == pytest.approx(a)
    with pytest.raises(errors.InvalidInput, match="Scale it up"):
        net.trace([[1, 1], [2, 1]], [1, 2], [1e-310, 2e-310])


# unstandardized data: the difference moves z by |x| t, too far, and a right gradient FAILS
@pytest.mark.parametrize("g", ["tanh", "logistic", "elu", "gelu"])
def test_raw_tables_pass(g):
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    check = cr.check_gradients(cr.Network([30, 8, 1], g, "cross_entropy"), X, y)
    assert check.passed, str(check)


# settings and callbacks that are none, found before anything is changed
@pytest.mark.parametrize(
    ("name", "value"),
    [("dropout", 2), ("l2", -5), ("batch_size", 0), ("batch_size", 2.5), ("shuffle", "no")],
)
def test_settings_are_checked_whenever_they_are_set(name, value):
    learner = cr.Learner(reg())
    before = getattr(learner, name)
    with pytest.raises(errors.InvalidParameter, match="Got"):
        setattr(learner, name, value)
    assert getattr(learner, name) == before


@pytest.mark.parametrize("callbacks", [3, [3], [print, None]])
def test_callbacks_that_cannot_be_called(callbacks):
    learner = cr.Learner(reg())
    with pytest.raises(errors.InvalidParameter, match="callbacks must be"):
        learner.fit([[1, 2]], [1], epochs=1, callbacks=callbacks)
    assert learner.n_steps == 0


# a trace is the user's: nothing that was written into it comes back
def test_a_trace_shares_nothing():
    X = np.ones((2, 2), np.float32)
    net = cr.Network([2, 3, 1], "identity", "squared_error")
    trace = net.trace(X, [1, 2])
    arrays = [*trace.a, *trace.z, *trace.delta, X, net.theta]
    for i, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[i + 1 :])


def test_memory_that_is_refused_after_all(monkeypatch):
    def refuse(*_, **__):
        raise MemoryError

    monkeypatch.setattr("chainrule.architecture.parameters.np.zeros", refuse)
    with pytest.raises(errors.TooLarge, match="not available"):
        reg()
