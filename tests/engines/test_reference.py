"""The reference engine through its own interface."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import errors
from chainrule.engines import (
    Engine,
    Examples,
    NativeEngine,
    Objective,
    ReferenceEngine,
    Task,
    TrainingState,
    choose_engine,
    hypotheses,
)
from chainrule.engines.reference import cost_and_gradients, flat_gradient
from chainrule.engines.reference import hypotheses as predict_by_reference

RNG = np.random.default_rng(6)
X, Y = RNG.normal(size=(9, 3)), RNG.normal(size=(9, 2))
WEIGHT = RNG.uniform(0.1, 2, size=9)


def make(dtype="float64"):
    return cr.Network([3, 4, 2], "tanh", "squared_error", dtype=dtype)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("auto", NativeEngine), ("native", NativeEngine), ("reference", ReferenceEngine)],
)
def test_choose(name, kind):
    engine = choose_engine(name, make().architecture, cr.Adam())
    assert isinstance(engine, Engine)
    assert type(engine) is kind
    assert engine.name == ("reference" if kind is ReferenceEngine else "native")


@pytest.mark.parametrize("wrong", ["refrence", "cuda", "", None, 1])
def test_unknown_engines(wrong):
    with pytest.raises(errors.UnknownName) as caught:
        choose_engine(wrong, make().architecture, cr.Adam())
    assert repr(wrong) in str(caught.value)
    for name in ("auto", "reference", "native"):
        assert repr(name) in str(caught.value)


def test_examples_count_and_weigh():
    plain, weighted = Examples(X, Y), Examples(X, Y, WEIGHT)
    assert len(plain) == plain.total == 9
    assert weighted.total == pytest.approx(WEIGHT.sum(), rel=1e-15)
    part = weighted.take(slice(2, 5))
    assert len(part) == 3
    assert np.array_equal(part.X, X[2:5])
    assert np.array_equal(part.weight, WEIGHT[2:5])
    rows = np.array([4, 0, 4])
    assert np.array_equal(weighted.take(rows).Y, Y[rows])
    assert plain.take(rows).weight is None
    # A sum of many float32 weights is taken in float64.
    many = Examples(np.empty((10**6, 0)), np.empty((10**6, 0)), np.full(10**6, 0.1, np.float32))
    assert many.total == pytest.approx(1e5, rel=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_batchs_gradient_knows_the_training_set_it_is_from(weighted):
    # (M/(B S)) sum over the batch + penalty/S, with M = 50 and S = 80 told, B = 9 given.
    net = make()
    batch = Examples(X, Y, WEIGHT if weighted else None)
    got = cost_and_gradients(net.architecture, net.parameters, batch, 50, 80.0, l2=0.5, l1=0.2)
    alone = net.trace(X, Y, WEIGHT if weighted else None)
    scale = 50 / (9 * 80) * batch.total
    weights = np.concatenate([W.ravel() for W in net.weights])
    penalty = (0.25 * (weights**2).sum() + 0.2 * abs(weights).sum()) / 80
    assert got.cost == pytest.approx(scale * alone.cost + penalty, rel=1e-13)
    for layer, W in enumerate(net.weights):
        expected = scale * alone.grad_weights[layer] + (0.5 * W + 0.2 * np.sign(W)) / 80
        np.testing.assert_allclose(got.gradients.grad_weights[layer], expected, rtol=1e-12)
        np.testing.assert_allclose(
            got.gradients.grad_biases[layer], scale * alone.grad_biases[layer], rtol=1e-12
        )


def test_a_flat_gradient_has_thetas_order():
    net = make()
    result = cost_and_gradients(net.architecture, net.parameters, Examples(X, Y), 9, 9.0)
    one = cr.Network.from_theta(net.architecture, flat_gradient(net.architecture, result.gradients))
    for layer in range(2):
        assert np.array_equal(one.weights[layer], result.gradients.grad_weights[layer])
        assert np.array_equal(one.biases[layer], result.gradients.grad_biases[layer])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_changes_the_state_and_nothing_else(dtype):
    net, rule = make(dtype), cr.SGD(0.1, 0.9)
    theta = net.theta
    state = TrainingState(net.parameters, rule.init(net.theta))
    batch = Examples(X.astype(dtype), Y.astype(dtype), WEIGHT.astype(dtype))
    before, cost = theta.copy(), net.trace(X, Y, WEIGHT, l2=0.1).cost
    task = Task(net.architecture, Objective(l2=0.1), rule, batch_size=9)
    engine = ReferenceEngine()
    assert engine.takes(task, batch)
    assert engine.prepare(batch) is batch
    got = engine.step(task, state, batch, 0.1)
    assert got == cost
    assert (state.step, state.epoch, state.examples) == (1, 0, 9)
    assert net.theta is theta
    assert theta.dtype == state.optimizer_state["velocity"].dtype == dtype
    assert not np.array_equal(theta, before)
    assert np.array_equal(batch.X, X.astype(dtype))
    assert np.array_equal(batch.Y, Y.astype(dtype))
    np.testing.assert_allclose(before - 0.1 * state.optimizer_state["velocity"], theta, rtol=1e-5)


@pytest.mark.parametrize("g", ["tanh", "relu", "gelu", "mish", "selu", "softplus"])
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy", "poisson"])
def test_float32_follows_float64(g, loss):
    labels = (Y > 0).astype(int)
    wide = cr.Network([3, 8, 8, 2], g, loss, dtype="float64", seed=2)
    narrow = wide.copy("float32")
    wide.theta = narrow.theta
    a, b = wide.trace(X, labels, WEIGHT, 0.1, 0.1), narrow.trace(X, labels, WEIGHT, 0.1, 0.1)
    assert b.cost == pytest.approx(a.cost, rel=1e-5)
    for one, other in zip(
        [*a.delta, *a.grad_weights, *a.grad_biases],
        [*b.delta, *b.grad_weights, *b.grad_biases],
        strict=True,
    ):
        assert other.dtype == np.float32
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=3e-6)


def test_hypotheses_are_the_networks():
    net = make()
    H = predict_by_reference(net.architecture, net.parameters, X)
    assert np.array_equal(H, net.trace(X, Y).h)
    assert np.array_equal(hypotheses(net.architecture, net.parameters, X), net(X))
    np.testing.assert_allclose(H, net(X), rtol=1e-12)
    own = cr.Network([3, 4, 2], cr.Activation("own", np.tanh, lambda z: 1 - np.tanh(z) ** 2))
    np.testing.assert_array_equal(
        predict_by_reference(own.architecture, own.parameters, X.astype("float32")), own(X)
    )
