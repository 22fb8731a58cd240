"""Reference and native follow one trajectory: parameters, costs, counts, stops, gradients."""

import dataclasses
import itertools
import random
import re

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule import errors
from chainrule.engines import native
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES
from chainrule.maths.random import permutation
from chainrule.optimizers import Adaptive, InverseScaling

from .conftest import MADE, targets

TRAINABLE = [name for name, g in ACTIVATIONS.items() if g.differentiable]
TRAINABLE_LOSSES = [name for name, loss in LOSSES.items() if loss.differentiable] + list(MADE)
RULES = {
    "SGD": cr.SGD(0.01),
    "momentum": cr.SGD(0.002, 0.9),
    "Nesterov": cr.SGD(0.002, 0.9, nesterov=True),
    "Adam": cr.Adam(0.003),
    "AdamW": cr.AdamW(0.003, weight_decay=0.3),
    "Nadam": cr.Nadam(0.003),
    "Adagrad": cr.Adagrad(0.003),
    "RMSprop": cr.RMSprop(0.001),
    "Rprop": cr.Rprop(0.001),
}
CLIPS = {"as it is": None, "clipped": 0.3}
PENALTIES = {"none": (0, 0), "L2": (0.5, 0), "L1": (0, 0.2), "both": (0.5, 0.2)}
HIDDEN = {0: [], 1: [6], 3: [5, 17, 4]}
OTHERS = list(itertools.product(RULES, PENALTIES, (0.0, 0.3), (False, True), HIDDEN, CLIPS))
N, BATCH, EPOCHS = 23, 5, 10  # 5 batches an epoch, the last one of 3: 50 steps


def pair(sizes, g, loss, rule, dtype="float64", seed=0, **settings):
    """Two learners of the same network, one for each engine."""
    net = cr.Network(sizes, g, MADE.get(loss, loss), dtype=dtype, seed=seed)
    net.theta += 0.05
    learners = [
        cr.Learner(net.copy(), rule, engine=engine, seed=seed + 1, **settings)
        for engine in ("reference", "native")
    ]
    assert [one.engine for one in learners] == ["reference", "native"]
    return learners


def batch_size_for(rule, usual):
    """All examples for a rule that needs them."""
    return None if RULES[rule].needs_full_batch else usual


def slower(rule, factor):
    """The rule at a lower rate: where training explodes, so does every rounding error."""
    return dataclasses.replace(rule, learning_rate=rule.learning_rate / factor)


def require_agreement(g, loss, others, make_targets, dtype="float64", tolerance=1e-10):
    rule, penalty, dropout, weighted, hidden, clips = others
    batch_size = batch_size_for(rule, BATCH)
    epochs = EPOCHS if batch_size else 50
    l2, l1 = PENALTIES[penalty]
    seed = random.Random(repr((g, loss, others))).randrange(10**6)
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(N, 3)), make_targets(loss, N, 2, rng)
    weight = np.where(rng.random(N) < 0.2, 0, rng.uniform(0.2, 3, size=N)) if weighted else None
    one, other = pair(
        [3, *HIDDEN[hidden], 2],
        g,
        loss,
        slower(RULES[rule], 5 if loss == "poisson" else 1),
        dtype,
        seed,
        l2=l2,
        l1=l1,
        dropout=dropout,
        batch_size=batch_size,
        max_grad_norm=CLIPS[clips],
    )
    if loss == "poisson":  # e^z of the first z would be too steep
        one.net.theta *= 0.3
        other.net.theta *= 0.3
    start = one.net.theta.copy()
    costs = [
        learner.fit(X, Y, epochs=epochs, sample_weight=weight).costs for learner in (one, other)
    ]
    assert one.n_steps == other.n_steps == 50
    assert one.n_examples_seen == other.n_examples_seen == epochs * N
    np.testing.assert_allclose(
        other.net.theta, one.net.theta, rtol=tolerance, atol=tolerance, err_msg=repr(others)
    )
    np.testing.assert_allclose(costs[1], costs[0], rtol=tolerance, err_msg=repr(others))
    assert abs(one.net.theta - start).max() > 1e-3


@pytest.mark.parametrize("loss", TRAINABLE_LOSSES)
@pytest.mark.parametrize("g", TRAINABLE)
def test_50_steps_agree(g, loss, make_targets):
    for others in random.Random(g + loss).sample(OTHERS, 3):
        require_agreement(g, loss, others, make_targets)


@pytest.mark.soak
@pytest.mark.parametrize("loss", TRAINABLE_LOSSES)
@pytest.mark.parametrize("g", TRAINABLE)
def test_50_steps_agree_whatever_the_parts(g, loss, make_targets):
    for others in OTHERS:
        require_agreement(g, loss, others, make_targets)


@pytest.mark.parametrize("loss", TRAINABLE_LOSSES)
@pytest.mark.parametrize("g", TRAINABLE)
def test_50_steps_agree_in_float32(g, loss, make_targets):
    (others,) = random.Random(loss + g).sample(OTHERS, 1)
    require_agreement(g, loss, others, make_targets, "float32", 2e-4)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("width", [1, 15, 16, 17, 31, 33, 257])
def test_every_width_agrees(width, rule):
    rng = np.random.default_rng(width)
    X, Y = rng.normal(size=(101, width)), rng.normal(size=(101, width))
    one, other = pair(
        [width, width, width], "tanh", "squared_error", slower(RULES[rule], width), l2=0.3,
        l1=0.01, dropout=0.3, batch_size=batch_size_for(rule, 98),
    )  # fmt: skip
    costs = [learner.fit(X, Y, epochs=5).costs for learner in (one, other)]
    np.testing.assert_allclose(costs[1], costs[0], rtol=1e-11)
    np.testing.assert_allclose(other.net.theta, one.net.theta, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rule", RULES)
def test_single_steps_agree(rule):
    rng = np.random.default_rng(2)
    one, other = pair([3, 6, 2], "silu", "log_loss", RULES[rule], l2=0.1, l1=0.1, dropout=0.3)
    for i in range(50):
        X, Y = rng.normal(size=(1 + i % 4, 3)), rng.integers(0, 2, size=1 + i % 4)
        weight = rng.uniform(0.1, 2, size=len(Y)) if i % 3 else None
        costs = [learner.step(X, Y, weight) for learner in (one, other)]
        assert costs[1] == pytest.approx(costs[0], rel=1e-11)
        assert one.n_steps == other.n_steps == i + 1
        assert one.n_epochs == other.n_epochs == 0
    assert one.n_examples_seen == other.n_examples_seen
    np.testing.assert_allclose(other.net.theta, one.net.theta, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("batch_size", [1, 7, 32, None])
def test_a_step_is_one_step_however_many_rows_it_gets(batch_size):
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
    one, other = pair([3, 6, 2], "tanh", "squared_error", cr.SGD(0.1), batch_size=batch_size)
    expected = one.net.trace(X, Y).cost
    for learner in (one, other):
        assert learner.step(X, Y) == pytest.approx(expected, rel=1e-12)
        assert (learner.n_steps, learner.n_epochs, learner.n_examples_seen) == (1, 0, 50)
    np.testing.assert_allclose(other.net.theta, one.net.theta, rtol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_sparse_rows_agree(batch_size):
    rng = np.random.default_rng(4)
    X, Y = sparse.random_array((40, 30), density=0.1, rng=rng, format="csr"), rng.normal(size=40)
    settings = {"l1": 0.01, "dropout": 0.2, "batch_size": batch_size}
    one, other = pair([30, 8, 1], "tanh", "squared_error", cr.Adam(0.01), **settings)
    for learner in (one, other):
        learner.fit(X, Y, epochs=3)
    np.testing.assert_allclose(other.net.theta, one.net.theta, rtol=1e-10, atol=1e-10)


# --- the order of the examples and the masks are the same, seen through what training does ---


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("n", [2, 3, 5, 64, 1000, 4097])
def test_the_visiting_order_is_the_permutation(n, seed):
    # Zero data with one-hot targets: at rate 1 each step sets the bias to Y, so that the cost
    # of a step depends on two examples that follow one another.
    Y = np.random.default_rng(n).normal(size=n)
    net = cr.Network([1, 1], loss="squared_error", init="zeros", dtype="float64")
    learner = cr.Learner(net, cr.SGD(1.0), batch_size=1, seed=seed, engine="native")
    at = 0.0
    for epoch in range(3):
        order = permutation(n, seed, epoch)
        cost = learner.fit(np.zeros((n, 1)), Y, epochs=1).costs[0]
        assert net.biases[0][0] == pytest.approx(Y[order[-1]], rel=1e-12)
        visited = np.concatenate([[at], Y[order]])
        assert cost == pytest.approx(0.5 * np.mean(np.diff(visited) ** 2), rel=1e-11)
        at = Y[order[-1]]


def test_without_shuffling_the_order_is_the_given_one():
    Y = np.random.default_rng(0).normal(size=100)
    net = cr.Network([1, 1], loss="squared_error", init="zeros", dtype="float64")
    learner = cr.Learner(net, cr.SGD(1.0), batch_size=1, shuffle=False, engine="native")
    cost = learner.fit(np.zeros((100, 1)), Y, epochs=1).costs[0]
    assert cost == pytest.approx(0.5 * np.mean(np.diff(np.concatenate([[0], Y])) ** 2), rel=1e-12)


@pytest.mark.parametrize("p", [0.001, 0.25, 0.5, 0.9, 1 - 2.0**-33])
@pytest.mark.parametrize("width", [1, 3, 4, 5, 255, 256, 257, 600])
def test_masks_agree(width, p):
    # Equal costs over steps: a single node kept here and not there would change them by far more.
    rng = np.random.default_rng(width)
    X, Y = rng.normal(size=(9, 2)), rng.normal(size=(9, 1))
    one, other = pair([2, width, width, 1], "tanh", "squared_error", cr.SGD(1e-6), dropout=p)
    for step in (0, 1, 2**32 - 1, 2**32, 2**63):
        for learner in (one, other):
            learner._state.step = step
        costs = [learner.step(X, Y) for learner in (one, other)]
        assert costs[1] == pytest.approx(costs[0], rel=1e-9)
        assert one.n_steps == other.n_steps == step + 1


# --- stopping ---


@pytest.mark.parametrize("patience", [1, 3, 10])
@pytest.mark.parametrize("tol", [0.0, 1e-4, 1e-2])
@pytest.mark.parametrize("rule", RULES)
def test_both_stop_at_the_same_epoch(rule, tol, patience):
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
    batch_size = batch_size_for(rule, 8)
    one, other = pair([3, 4, 1], "tanh", "squared_error", RULES[rule], batch_size=batch_size)
    stop = {"epochs": 120, "tol": tol, "n_iter_no_change": patience}
    a, b = one.fit(X, Y, **stop), other.fit(X, Y, **stop)
    assert len(a) == len(b)
    assert a.converged == b.converged
    assert (one.n_steps, one.n_epochs) == (other.n_steps, other.n_epochs)
    assert (one.n_steps, one.n_epochs) == ((4 if batch_size else 1) * len(a), len(a))
    assert [r["epoch"] for r in a] == [r["epoch"] for r in b]
    np.testing.assert_allclose(other.net.theta, one.net.theta, rtol=1e-9, atol=1e-9)
    # The rule starts anew with the next fit.
    assert len(one.fit(X, Y, **stop)) == len(other.fit(X, Y, **stop))


def test_stops_are_met_in_some_of_these():
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
    _, other = pair([3, 4, 1], "tanh", "squared_error", cr.SGD(0.05), batch_size=8)
    history = other.fit(X, Y, epochs=120, tol=1e-2, n_iter_no_change=3)
    assert history.converged
    assert len(history) < 120


@pytest.mark.parametrize("schedule", [Adaptive(0.1), InverseScaling(0.1)], ids=repr)
def test_schedules_agree(schedule):
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
    one, other = pair([3, 4, 1], "tanh", "squared_error", cr.SGD(schedule), batch_size=8)
    a, b = (learner.fit(X, Y, epochs=60, tol=1e-2, n_iter_no_change=2) for learner in (one, other))
    rates = [[record["learning_rate"] for record in history] for history in (a, b)]
    assert rates[0] == rates[1]
    assert len(set(rates[0])) > 1
    np.testing.assert_allclose(other.net.theta, one.net.theta, rtol=1e-9, atol=1e-9)


# --- gradients ---


@pytest.mark.parametrize("loss", TRAINABLE_LOSSES)
@pytest.mark.parametrize("g", TRAINABLE)
def test_native_gradients_are_the_derivative_of_the_native_cost(g, loss, make_targets):
    rng = np.random.default_rng(7)
    X, Y = rng.normal(size=(6, 3)), make_targets(loss, 6, 2, rng)
    weight = rng.uniform(0.3, 2, size=6)
    net = cr.Network([3, 5, 4, 2], g, MADE.get(loss, loss), dtype="float64", seed=7)
    net.theta += rng.uniform(0.05, 0.1, size=net.n_parameters)
    settings = {"l2": 0.3, "l1": 0.1, "dropout": 0.3, "engine": "native", "seed": 3}

    def cost_at(theta):  # of the first step, whose mask is always the same
        copy = cr.Network.from_theta(net.architecture, theta)
        return cr.Learner(copy, cr.SGD(1e-9), **settings).step(X, Y, weight)

    moved = net.copy()
    cr.Learner(moved, cr.SGD(1.0), **settings).step(X, Y, weight)
    gradient = net.theta - moved.theta
    t = 1e-6
    differences = [
        (cost_at(net.theta + t * e) - cost_at(net.theta - t * e)) / (2 * t)
        for e in np.eye(net.n_parameters)
    ]
    assert abs(gradient).max() > 1e-3
    np.testing.assert_allclose(gradient, differences, atol=1e-7 * max(1, abs(gradient).max()))


@pytest.mark.parametrize("loss", TRAINABLE_LOSSES)
@pytest.mark.parametrize("g", TRAINABLE)
def test_native_gradients_are_the_traced_and_checked_ones(g, loss, make_targets):
    rng = np.random.default_rng(8)
    X, Y = rng.normal(size=(6, 3)), make_targets(loss, 6, 2, rng)
    net = cr.Network([3, 5, 4, 2], g, MADE.get(loss, loss), dtype="float64", seed=7)
    trace = net.trace(X, Y, l2=0.3, l1=0.1)
    assert cr.check_gradients(net, X, Y, l2=0.3, l1=0.1).passed
    moved = net.copy()
    cost = cr.Learner(moved, cr.SGD(1.0), l2=0.3, l1=0.1, engine="native").step(X, Y)
    assert cost == pytest.approx(trace.cost, rel=1e-12)
    for W, after, gradient in zip(
        [*net.weights, *net.biases],
        [*moved.weights, *moved.biases],
        [*trace.grad_weights, *trace.grad_biases],
        strict=True,
    ):
        np.testing.assert_allclose(W - after, gradient, rtol=1e-11, atol=1e-14)


# Few classes go through the core many rows at once, more row by row, and groups each by itself.
SHAPED = [
    *((cr.LogLoss(e), k) for e in (0.0, 0.2) for k in (2, 3, 4, 5, 8, 9, 17, 33)),
    *((cr.GroupedLogLoss(k, e), sum(k)) for e in (0.0, 0.2) for k in ([2], [3, 2, 4], [17, 2, 31])),
    *((cr.Quantile(q), n * len(q)) for q in ([0.1, 0.9], [0.1, 0.3, 0.5]) for n in (1, 2, 7, 11)),
    *((loss, k) for loss in (cr.Huber(0.3), cr.CrossEntropy(0.2)) for k in (1, 9, 33)),
]


@pytest.mark.parametrize(("loss", "n_outputs"), SHAPED, ids=repr)
def test_losses_of_every_width_agree(loss, n_outputs):
    rng = np.random.default_rng(n_outputs)
    X, Y = rng.normal(size=(41, 3)), targets(loss, 41, n_outputs, rng)
    weight = np.where(rng.random(41) < 0.2, 0, rng.uniform(0.2, 3, size=41))
    one, other = pair([3, 5, n_outputs], "tanh", loss, cr.Adam(0.01), batch_size=16)
    for weighted in (weight, None):
        costs = [
            learner.fit(X, Y, epochs=4, sample_weight=weighted).costs for learner in (one, other)
        ]
        np.testing.assert_allclose(costs[1], costs[0], rtol=1e-11)
    np.testing.assert_allclose(other.net.theta, one.net.theta, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(other.net(X), one.net(X), rtol=1e-10, atol=1e-10)


# --- predictions ---


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("g", ACTIVATIONS)
def test_predictions_agree(g, loss, dtype):
    from chainrule.engines.reference import hypotheses

    net = cr.Network([3, 17, 5, 3], g, loss, dtype=dtype, seed=1)
    X = np.random.default_rng(1).normal(size=(50, 3)).astype(dtype)
    expected = hypotheses(net.architecture, net.parameters, X)
    rounding = 1e-6 if dtype == "float32" else 1e-13
    got = net(X)
    assert got.dtype == dtype
    if loss == "indicator":  # jumps where z is about 0: there rounding may decide
        assert (got == expected).mean() > 0.97
    else:
        np.testing.assert_allclose(got, expected, rtol=10 * rounding, atol=rounding)


@pytest.mark.parametrize("loss", ["cross_entropy", "log_loss", "poisson", "squared_error"])
@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
def test_huge_z_agree(loss, size, make_targets):
    rng = np.random.default_rng(1)
    net = cr.Network([2, 3], loss=loss, dtype="float64", seed=1)
    net.weights[0] = size * net.weights[0]
    X, Y = rng.normal(size=(8, 2)), make_targets(loss, 8, 3, rng)
    results = []
    for engine in ("reference", "native"):
        learner = cr.Learner(net.copy(), cr.SGD(1e-3), engine=engine)
        try:
            results.append((learner.step(X, Y), learner.net.theta))
        except errors.Diverged as error:
            results.append((re.sub("-?nan", "nan", str(error)), None))
    (a, theta_a), (b, theta_b) = results
    if isinstance(a, str):
        assert a == b
    else:
        assert b == pytest.approx(a, rel=1e-12)
        np.testing.assert_allclose(theta_b, theta_a, rtol=1e-11)


def test_the_numbers_of_the_core_are_those_of_the_tables():
    assert set(native.load_core().activations) == set(ACTIVATIONS)
    assert set(native.load_core().losses) == {*LOSSES, "grouped_log_loss"}
