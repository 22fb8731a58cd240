"""Batch, online and mini-batch descent agree where they must."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.batches import batches
from chainrule.maths.random import permutation
from chainrule.optimizers import Optimizer

RNG = np.random.default_rng(3)
M = 23
X, Y = RNG.normal(size=(M, 3)), RNG.normal(size=(M, 2))
WEIGHT = RNG.uniform(0, 3, size=M)
WEIGHT[4] = 0


class Recorder(Optimizer):
    """Moves nothing and writes down each gradient."""

    learning_rate = 1.0

    def __init__(self):
        self.grads = []

    def init(self, theta):
        return {}

    def update(self, theta, grad, state, t, rate):
        assert t == len(self.grads) + 1
        assert rate == 1.0
        self.grads.append(grad.copy())


def make(**more):
    settings = {"activation": ["tanh", "softplus"], "loss": "squared_error", "dtype": "float64"}
    net = cr.Network([3, 5, 4, 2], **(settings | more))
    net.theta += 0.1  # biases too
    return net


def flat(net, trace):
    one = net.copy()
    for layer, (dW, db) in enumerate(zip(trace.grad_weights, trace.grad_biases, strict=True)):
        one.weights[layer], one.biases[layer] = dW, db
    return one.theta


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2, 7, 22, 23, 99, None])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["no weights", "weights"])
@pytest.mark.parametrize(("l2", "l1"), [(0, 0), (0.7, 0), (0, 0.3), (0.7, 0.3)])
def test_an_epochs_gradients_add_up_to_grad_j(batch_size, weight, l2, l1, shuffle):
    net, recorder = make(), Recorder()
    learner = cr.Learner(net, recorder, l2=l2, l1=l1, batch_size=batch_size, shuffle=shuffle)
    history = learner.fit(X, Y, epochs=1, sample_weight=weight)
    B = min(batch_size or M, M)
    sizes = [B] * (M // B) + [M % B] * (M % B > 0)  # a short last batch
    assert len(recorder.grads) == len(sizes)
    mean = sum(size / M * grad for size, grad in zip(sizes, recorder.grads, strict=True))
    whole = net.trace(X, Y, weight, l2=l2, l1=l1)
    np.testing.assert_allclose(mean, flat(net, whole), rtol=1e-12, atol=1e-12)
    assert history[0]["cost"] == pytest.approx(whole.cost, rel=1e-12)


@pytest.mark.parametrize("loss", ["cross_entropy", "log_loss", "poisson"])
def test_for_the_other_losses_too(loss):
    labels = (Y > 0).astype(int) if loss != "log_loss" else (Y[:, 0] > 0).astype(int)
    net, recorder = make(loss=loss), Recorder()
    cr.Learner(net, recorder, l2=0.3, batch_size=5).fit(X, labels, epochs=1, sample_weight=WEIGHT)
    mean = (
        sum(
            len(g) * grad for g, grad in zip(["_" * 5] * 4 + ["_" * 3], recorder.grads, strict=True)
        )
        / M
    )
    expected = flat(net, net.trace(X, labels, WEIGHT, l2=0.3))
    np.testing.assert_allclose(mean, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "rule",
    [cr.SGD(0.1), cr.SGD(0.1, 0.9), cr.SGD(0.1, 0.9, nesterov=True), cr.Adam(0.01)],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batch_size_m_is_batch_descent_step_for_step(rule, dtype):
    trajectories = []
    for batch_size in (M, None, M + 1, 10**9):
        net = make(dtype=dtype)
        seen = []
        cr.Learner(net, rule, l2=0.1, batch_size=batch_size, seed=batch_size or 0).fit(
            X,
            Y,
            epochs=20,
            sample_weight=WEIGHT,
            callbacks=[lambda learner, record, seen=seen: seen.append(learner.net.theta.copy())],
        )
        trajectories.append(np.array(seen))
    net, seen = make(dtype=dtype), []
    learner = cr.Learner(net, rule, l2=0.1)
    for _ in range(20):
        learner.step(X, Y, WEIGHT)
        seen.append(net.theta.copy())
    trajectories.append(np.array(seen))
    for other in trajectories[1:]:
        assert other.tobytes() == trajectories[0].tobytes()


def test_batch_descent_is_the_notes_line():
    # W := W - alpha grad_W J; b := b - alpha grad_b J (10.1), from trace alone.
    net, by_hand = make(), make()
    cr.Learner(net, cr.SGD(0.2), l2=0.5, batch_size=None).fit(X, Y, epochs=10)
    for _ in range(10):
        trace = by_hand.trace(X, Y, l2=0.5)
        for layer in range(3):
            by_hand.weights[layer] = by_hand.weights[layer] - 0.2 * trace.grad_weights[layer]
            by_hand.biases[layer] = by_hand.biases[layer] - 0.2 * trace.grad_biases[layer]
    np.testing.assert_allclose(net.theta, by_hand.theta, rtol=1e-12)


def test_online_descent_is_one_example_after_the_other():
    net, by_hand = make(), make()
    cr.Learner(net, cr.SGD(0.05), batch_size=1, shuffle=False).fit(X, Y, epochs=2)
    stepper = cr.Learner(by_hand, cr.SGD(0.05))
    for _ in range(2):
        for x, y in zip(X, Y, strict=True):
            stepper.step(x, y)
    np.testing.assert_allclose(net.theta, by_hand.theta, rtol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 4, 5, 22])
@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_every_example_is_met_once_an_epoch_in_a_new_order(batch_size, epoch):
    rows = list(batches(M, batch_size, shuffle=True, seed=0, epoch=epoch))
    assert [len(r) for r in rows[:-1]] == [batch_size] * (len(rows) - 1)
    order = np.concatenate(rows)
    assert sorted(order.tolist()) == list(range(M))
    assert order.tolist() != list(range(M))
    other = np.concatenate(list(batches(M, batch_size, shuffle=True, seed=0, epoch=epoch + 1)))
    assert order.tolist() != other.tolist()
    other = np.concatenate(list(batches(M, batch_size, shuffle=True, seed=1, epoch=epoch)))
    assert order.tolist() != other.tolist()
    # The order does not depend on the batch size.
    other = np.concatenate(list(batches(M, 3, shuffle=True, seed=0, epoch=epoch)))
    assert order.tolist() == other.tolist()


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_a_fit_takes_each_epochs_own_order(seed):
    net, recorder = make(), Recorder()
    learner = cr.Learner(net, recorder, batch_size=1, seed=seed)
    learner.fit(X, Y, epochs=2)
    learner.fit(X, Y, epochs=1)  # goes on with epoch 2
    for epoch in range(3):
        for i, row in enumerate(permutation(M, seed, epoch)):
            expected = flat(net, net.trace(X[row], Y[row]))
            np.testing.assert_allclose(recorder.grads[M * epoch + i], expected, rtol=1e-12)


def test_without_shuffling_the_order_is_the_tables():
    rows = np.concatenate([np.arange(M)[r] for r in batches(M, 5, shuffle=False, seed=0, epoch=3)])
    assert rows.tolist() == list(range(M))
