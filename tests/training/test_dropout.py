"""Dropout: inverted, on hidden layers, recomputable from the step's number alone."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.maths.random import dropout_mask
from chainrule.optimizers import Optimizer

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))
P, SEED = 0.4, 77


class Recorder(Optimizer):
    """Moves nothing and writes down each gradient."""

    learning_rate = 1.0

    def __init__(self):
        self.grads = []

    def init(self, theta):
        return {}

    def update(self, theta, grad, state, t, rate):
        self.grads.append(grad.copy())


def make(g="tanh", sizes=(3, 5, 4, 2), dtype="float64"):
    net = cr.Network(sizes, g, "squared_error", dtype=dtype, seed=4)
    net.theta += 0.1
    return net


def masks(net, n, step):
    return [
        dropout_mask(n, width, P, SEED, layer, step) / (1 - P)
        for layer, width in enumerate(net.sizes[1:-1], start=1)
    ]


def cost(net, step, X=X, Y=Y):
    """The mean squared error of a step's thinned network, in plain NumPy."""
    a = X
    for W, b, mask in zip(net.weights[:-1], net.biases[:-1], masks(net, len(X), step), strict=True):
        a = np.tanh(a @ W + b) * mask
    h = a @ net.weights[-1] + net.biases[-1]
    return ((h - Y) ** 2).sum() / 2 / len(X)


def test_masks_are_recomputable_from_the_steps_number():
    net = make()
    learner = cr.Learner(net, Recorder(), dropout=P, seed=SEED)
    costs = [learner.step(X, Y) for _ in range(6)]
    np.testing.assert_allclose(costs, [cost(net, step) for step in range(6)], rtol=1e-12)
    assert len(set(costs)) == 6  # each step has masks of its own


def test_in_a_fit_steps_count_over_batches_and_epochs():
    net = make()
    learner = cr.Learner(net, Recorder(), dropout=P, seed=SEED, batch_size=4, shuffle=False)
    history = learner.fit(X, Y, epochs=2)
    for epoch in (0, 1):
        first = cost(net, 2 * epoch, X[:4], Y[:4])
        second = cost(net, 2 * epoch + 1, X[4:], Y[4:])
        assert history.costs[epoch] == pytest.approx(4 / 6 * first + 2 / 6 * second, rel=1e-12)


def test_the_gradient_is_that_of_the_thinned_network():
    net, recorder = make(), Recorder()
    cr.Learner(net, recorder, dropout=P, seed=SEED).step(X, Y)
    slopes = np.empty(net.n_parameters)
    for i in range(net.n_parameters):
        sides = []
        for t in (1e-4, -1e-4, 2e-4, -2e-4):
            moved = net.copy()
            moved.theta[i] += t
            sides.append(cost(moved, 0))
        slopes[i] = (8 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / 12e-4
    np.testing.assert_allclose(recorder.grads[0], slopes, rtol=1e-8, atol=1e-9)


def test_what_was_left_out_has_no_gradient():
    net, recorder = make(sizes=(3, 40, 2)), Recorder()
    cr.Learner(net, recorder, dropout=P, seed=SEED).step(X[0], Y[0])
    grad = cr.Network.from_theta(net.architecture, recorder.grads[0])
    out = ~dropout_mask(1, 40, P, SEED, 1, 0)[0]
    assert 5 < out.sum() < 30
    assert not grad.weights[0][:, out].any()
    assert not grad.biases[0][out].any()
    assert not grad.weights[1][out].any()
    assert grad.weights[1][~out].all()


def test_the_expected_hypothesis_is_the_whole_networks():
    # With identity nodes and one hidden layer h is linear in the mask, so E h is h without one;
    # at Y = h the cost is then half the variance of h, known too: sum_k p/(1-p) sum_j (a_j W_jk)^2.
    net = make("identity", (3, 30, 1))
    x = X[:1]
    h = net(x)
    learner = cr.Learner(net, Recorder(), dropout=P, seed=SEED)
    costs = [learner.step(x, h) for _ in range(3000)]
    a = x @ net.weights[0] + net.biases[0]
    variance = P / (1 - P) * ((a[0] * net.weights[1][:, 0]) ** 2).sum()
    assert np.mean(costs) == pytest.approx(variance / 2, rel=0.1)
    # delta = h(mask) - h, the gradient by the last bias, is 0 on average.
    deltas = np.array([grad_of_last_bias(net, g) for g in learner.optimizer.grads])
    assert abs(deltas.mean()) < 4 * np.sqrt(variance / 3000)
    assert deltas.var() == pytest.approx(variance, rel=0.1)


def grad_of_last_bias(net, grad):
    return cr.Network.from_theta(net.architecture, grad).biases[-1][0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_probability_of_0_is_no_dropout_bit_for_bit(dtype):
    a, b = make(dtype=dtype), make(dtype=dtype)
    cr.Learner(a, batch_size=4, dropout=0.0).fit(X, Y, epochs=4)
    cr.Learner(b, batch_size=4).fit(X, Y, epochs=4)
    assert a.theta.tobytes() == b.theta.tobytes()
    c = make(dtype=dtype)
    cr.Learner(c, batch_size=4, dropout=0.1).fit(X, Y, epochs=4)
    assert c.theta.dtype == dtype
    assert c.theta.tobytes() != a.theta.tobytes()


def test_without_hidden_layers_there_is_nothing_to_leave_out():
    a, b = make(sizes=(3, 2)), make(sizes=(3, 2))
    cr.Learner(a, dropout=0.9).fit(X, Y, epochs=2)
    cr.Learner(b).fit(X, Y, epochs=2)
    assert np.array_equal(a.theta, b.theta)


def test_predictions_know_no_dropout():
    net = make()
    before = net(X)
    cr.Learner(net, Recorder(), dropout=0.9).step(X, Y)
    assert np.array_equal(net(X), before)
