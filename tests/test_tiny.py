"""A tour of the whole library in seconds: if this passes, most of it works."""

import copy

import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
CLASSES = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int) + (X[:, 3] > 1)
TARGETS = {
    "squared_error": np.column_stack([np.sin(X[:, 0]), X[:, 1] ** 2, X[:, 2]]),
    "cross_entropy": (X[:, :3] > 0).astype(int),
    "log_loss": CLASSES,
    "poisson": RNG.poisson(np.exp(X[:, :3] / 2)),
}


@pytest.mark.parametrize("loss", TARGETS)
def test_from_a_network_to_a_trained_one(loss):
    Y = TARGETS[loss]
    weight = RNG.uniform(0.5, 2, size=60)
    net = cr.Network([4, 10, 6, 3], ["tanh", "gelu"], loss, seed=1)
    assert net(X).shape == (60, 3)
    assert net(X[0]).shape == (3,)

    trace = net.trace(X, Y, weight, l2=0.1, l1=0.01)
    assert len(trace.a) == 4
    np.testing.assert_allclose(trace.h, net(X), rtol=1e-6, atol=1e-6)  # by the other engine
    check = cr.check_gradients(net, X, Y, weight, l2=0.1, l1=0.01)
    assert check.passed
    assert "passed" in str(check)

    learner = cr.Learner(net, cr.Adam(0.01), l2=0.1, l1=0.01, dropout=0.1, batch_size=16, seed=2)
    history = learner.fit(X, Y, epochs=30, sample_weight=weight)
    assert len(history) == 30
    assert history.costs[-1] < history.costs[0]
    assert learner.step(X[:8], Y[:8]) > 0
    assert (learner.n_epochs, learner.n_steps) == (30, 30 * 4 + 1)
    assert cr.check_gradients(learner, X, Y).passed

    other = copy.deepcopy(net)
    other.weights[0] = np.zeros((4, 10))
    assert not np.array_equal(other(X), net(X))
    assert np.array_equal(net.copy()(X), net(X))


def test_the_three_kinds_of_descent():
    for batch_size, rate in ((1, 0.01), (8, 0.05), (None, 0.05)):
        net = cr.Network([4, 8, 2], loss="log_loss", seed=3)
        learner = cr.Learner(net, cr.SGD(rate, 0.9, nesterov=True), batch_size=batch_size)
        history = learner.fit(X, CLASSES > 0, epochs=200, tol=1e-3, n_iter_no_change=5)
        assert (net(X).argmax(axis=1) == (CLASSES > 0)).mean() > 0.9
        assert len(history) <= 200


def test_own_parts():
    sine = cr.Activation("sine", np.sin, np.cos)
    cosh = cr.Loss(
        "log_cosh",
        "identity",
        hypothesis=lambda z: z,
        per_example=lambda z, y: np.log(np.cosh(z - y)).sum(axis=1),
        delta=lambda z, h, y: np.tanh(h - y),
    )
    net = cr.Network([4, 8, 3], sine, cosh)
    assert cr.check_gradients(net, X, TARGETS["squared_error"]).passed
    history = cr.Learner(net, cr.Adam(0.01)).fit(X, TARGETS["squared_error"], epochs=20)
    assert history.costs[-1] < history.costs[0]


def test_a_mistake_is_one_clear_sentence():
    with pytest.raises(cr.errors.ChainruleError, match="did you mean 'tanh'"):
        cr.Network([4, 8, 3], activation="tahn")
