"""The learner: continuing, converging, watching, steps, weights, sparse input, its settings."""

import copy
import os
import pickle
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import chainrule as cr
from chainrule import errors
from chainrule.engines.stopping import Plateau
from chainrule.training.interrupts import DeferInterrupts

RNG = np.random.default_rng(8)
X = RNG.normal(size=(30, 3))
Y = np.column_stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]])
RULES = {"SGD": cr.SGD(0.05), "momentum": cr.SGD(0.02, 0.9), "Adam": cr.Adam(0.01)}


def make(dtype="float64", **more):
    settings = {"activation": "tanh", "loss": "squared_error", "seed": 1} | more
    return cr.Network([3, 6, 2], dtype=dtype, **settings)


# --- learning ---

XOR_X, XOR_Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_xor_is_learned_from_20_of_20_seeds(dtype):
    learned = []
    for seed in range(20):
        net = cr.Network([2, 8, 1], "tanh", "cross_entropy", dtype=dtype, seed=seed)
        cr.Learner(net, cr.Adam(0.05), batch_size=None, seed=seed).fit(XOR_X, XOR_Y, epochs=300)
        learned.append(((net(XOR_X)[:, 0] > 0.5) == XOR_Y).all())
    assert sum(learned) == 20


def test_xor_online_with_momentum():
    for seed in range(5):
        net = cr.Network([2, 8, 1], "tanh", "cross_entropy", seed=seed)
        cr.Learner(net, cr.SGD(0.1, 0.9), batch_size=1, seed=seed).fit(XOR_X, XOR_Y, epochs=200)
        assert ((net(XOR_X)[:, 0] > 0.5) == XOR_Y).all()


@pytest.mark.parametrize("start", [0.0, 0.3])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_equal_starting_weights_keep_hidden_nodes_identical(start, rule):
    net = cr.Network([2, 8, 1], "tanh", "cross_entropy", init="zeros", dtype="float64")
    net.theta += start
    cr.Learner(net, rule, batch_size=None).fit(XOR_X, XOR_Y, epochs=100)
    assert net.biases[1] != start or start == 0  # it did train
    np.testing.assert_allclose(net.weights[0], net.weights[0][:, :1] + np.zeros((2, 8)), rtol=1e-12)
    np.testing.assert_allclose(net.biases[0], net.biases[0][0], rtol=1e-12)
    np.testing.assert_allclose(net.weights[1], net.weights[1][0, 0], rtol=1e-12)
    assert not ((net(XOR_X)[:, 0] > 0.5) == XOR_Y).all()


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        ("squared_error", Y),
        ("cross_entropy", (Y > 0).astype(int)),
        ("log_loss", (Y[:, 0] > 0).astype(int)),
        ("poisson", np.floor(abs(3 * Y))),
        ("logistic_squared_error", (Y > 0).astype(int)),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 8, None])
def test_every_loss_falls(loss, targets, batch_size):
    net = make(loss=loss)
    history = cr.Learner(net, cr.Adam(0.02), batch_size=batch_size).fit(X, targets, epochs=60)
    assert history.costs[-1] < 0.7 * history.costs[0]


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_penalties_shrink_weights_and_not_biases(penalty):
    sizes = []
    for strength in (0, 3, 60):
        net = make()
        learner = cr.Learner(net, cr.SGD(0.01), batch_size=None, **{penalty: strength})
        learner.fit(X, Y + 2, epochs=800)
        sizes.append(sum(abs(W).sum() for W in net.weights))
    assert sizes[0] > sizes[1] > 3 * sizes[2]
    # With no weights left the output's bias alone is the mean of Y.
    np.testing.assert_allclose(net.biases[1], (Y + 2).mean(axis=0), atol=0.1)


# --- same bits ---

SCRIPT = """
import hashlib, numpy as np, chainrule as cr
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
net = cr.Network([3, 6, 2], "gelu", "squared_error", seed=5)
learner = cr.Learner(net, cr.Adam(0.01), l2=0.1, dropout=0.3, batch_size=8, seed=9)
costs = learner.fit(X, Y, epochs=4).costs
print(hashlib.sha256(net.theta.tobytes() + repr(costs).encode()).hexdigest())
"""


def test_same_seed_same_bits_run_after_run(capsys):
    there = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    ]
    exec(SCRIPT, {})  # here strings have other hashes
    (digest,) = {*there, capsys.readouterr().out}
    assert len(digest) == 65


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_same_seed_same_bits_and_another_seed_others(rule, dropout):
    def run(seed):
        net = make("float32")
        cr.Learner(net, rule, dropout=dropout, batch_size=7, seed=seed).fit(X, Y, epochs=3)
        return net.theta.tobytes()

    assert run(3) == run(3)
    assert run(3) != run(4)


# --- continuing ---


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("batch_size", [7, None])
def test_two_fits_of_n_epochs_are_one_of_2n(rule, batch_size):
    def learner():
        return cr.Learner(
            make("float32"), rule, l1=0.01, dropout=0.2, batch_size=batch_size, seed=2
        )

    once, twice = learner(), learner()
    costs = once.fit(X, Y, epochs=6).costs
    first, second = twice.fit(X, Y, epochs=3), twice.fit(X, Y, epochs=3)
    assert twice.net.theta.tobytes() == once.net.theta.tobytes()
    assert first.costs + second.costs == costs
    assert [r["epoch"] for r in [*first, *second]] == [1, 2, 3, 4, 5, 6]
    assert twice.n_epochs == once.n_epochs == 6
    assert twice.n_steps == once.n_steps == 6 * (5 if batch_size else 1)
    assert once.n_examples_seen == 6 * 30


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))],
    ids=["copy", "pickle"],
)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_copied_learner_goes_on_with_its_own_network(duplicate, rule):
    one = cr.Learner(make(), rule, dropout=0.2, batch_size=7)
    one.fit(X, Y, epochs=2)
    other = duplicate(one)
    before = one.net.theta.copy()
    other.fit(X, Y, epochs=2)
    assert np.array_equal(one.net.theta, before)
    one.fit(X, Y, epochs=2)
    assert np.array_equal(one.net.theta, other.net.theta)
    assert not np.array_equal(one.net.theta, before)


def test_writes_to_the_network_between_fits_count():
    net = make()
    learner = cr.Learner(net, cr.SGD(0.1), batch_size=None)
    learner.fit(X, Y, epochs=2)
    net.theta[:] = make(seed=9).theta
    learner.fit(X, Y, epochs=1)
    fresh = make(seed=9)
    cr.Learner(fresh, cr.SGD(0.1), batch_size=None).fit(X, Y, epochs=1)
    assert np.array_equal(net.theta, fresh.theta)


# --- converging ---


@given(
    costs=st.lists(st.sampled_from([1.0, 0.9, 0.89, 0.5, 0.2, 1.5]), max_size=30),
    tol=st.sampled_from([0.0, 0.05, 0.3]),
    patience=st.integers(1, 4),
)
def test_the_rule(costs, tol, patience):
    plateau = Plateau(tol, patience)
    reached = [plateau.reached(cost) for cost in costs]
    improved = [
        cost <= min(costs[:i], default=np.inf) - tol or i == 0 for i, cost in enumerate(costs)
    ]
    expected = [i > patience and not any(improved[i - patience : i + 1]) for i in range(len(costs))]
    first = expected.index(True) if True in expected else len(costs)
    assert reached[: first + 1] == expected[: first + 1]


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_fit_stops_at_a_plateau(patience):
    # X = 0 and Y = 0 from zeros: the cost is 0 from the start. The first epoch improves on
    # nothing; then patience + 1 that do not.
    net = cr.Network([1, 1], loss="squared_error", init="zeros")
    history = cr.Learner(net, cr.SGD(0.1)).fit(
        [[0.0]], [0.0], epochs=100, tol=0.1, n_iter_no_change=patience
    )
    assert len(history) == patience + 2
    assert history.converged


def test_fit_runs_all_its_epochs_without_tol():
    net = cr.Network([1, 1], loss="squared_error", init="zeros")
    history = cr.Learner(net, cr.SGD(0.1)).fit([[0.0]], [0.0], epochs=50)
    assert len(history) == 50
    assert not history.converged


def test_fit_stops_by_the_rule_on_its_own_costs():
    history = cr.Learner(make(), cr.SGD(0.2), batch_size=None).fit(
        X, Y, epochs=5000, tol=1e-4, n_iter_no_change=5
    )
    assert history.converged
    costs = history.costs
    assert 10 < len(costs) < 5000
    last = costs[-6:]
    best = np.minimum.accumulate(costs)[-7:-1]
    assert all(cost > b - 1e-4 for cost, b in zip(last, best, strict=True))
    assert costs[-1] < costs[0] / 2


# --- watching ---


def test_callbacks_hear_of_every_epoch_and_can_stop():
    net = make()
    learner = cr.Learner(net, cr.SGD(0.1), batch_size=8)
    heard, also = [], []

    def stop_at_4(who, record):
        assert who is learner
        assert who.n_epochs == record["epoch"]
        heard.append((dict(record), net.theta.copy()))
        return record["epoch"] == 4

    history = learner.fit(X, Y, epochs=10, callbacks=[stop_at_4, lambda _, r: also.append(r)])
    assert [r["epoch"] for r in history] == [1, 2, 3, 4]
    assert [r for r, _ in heard] == list(history)
    assert also == list(history)
    assert not history.converged
    for (_, a), (_, b) in pairwise(heard):
        assert not np.array_equal(a, b)
    assert np.array_equal(heard[-1][1], net.theta)
    assert set(history[0]) == {"epoch", "cost", "gradient_norm", "learning_rate", "seconds"}
    assert all(r["seconds"] >= 0 and r["learning_rate"] == 0.1 for r in history)
    assert len(learner.fit(X, Y, epochs=3, callbacks=[lambda *_: None])) == 3


def test_an_error_in_a_callback_arrives():
    def fail(*_):
        raise KeyError("mine")

    learner = cr.Learner(make())
    with pytest.raises(KeyError, match="mine"):
        learner.fit(X, Y, epochs=5, callbacks=[fail])
    assert learner.n_epochs == 1


def test_history_is_a_sequence():
    history = cr.Learner(make(), batch_size=None).fit(X, Y, epochs=3)
    assert len(history) == len(history.costs) == 3
    assert [r["cost"] for r in history] == history.costs
    assert history[-1]["epoch"] == 3
    assert [r["epoch"] for r in history[:2]] == [1, 2]
    assert history[1] in history
    assert "3 epochs" in repr(history)
    assert repr(cr.History()) == "History(no epochs)"


# --- steps ---


@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.parametrize("weight", [None, np.linspace(0, 2, 5)], ids=["no weights", "weights"])
def test_a_step_treats_its_batch_as_the_training_set(weight, engine):
    net = make()
    before = net.copy()
    learner = cr.Learner(net, cr.SGD(0.1), l2=0.4, l1=0.1, engine=engine)
    cost = learner.step(X[:5], Y[:5], weight)
    trace = before.trace(X[:5], Y[:5], weight, l2=0.4, l1=0.1)
    assert cost == (trace.cost if engine == "reference" else pytest.approx(trace.cost, rel=1e-13))
    for layer in range(2):
        expected = before.weights[layer] - 0.1 * trace.grad_weights[layer]
        np.testing.assert_allclose(net.weights[layer], expected, rtol=1e-12)
        expected = before.biases[layer] - 0.1 * trace.grad_biases[layer]
        np.testing.assert_allclose(net.biases[layer], expected, rtol=1e-12)


def test_one_example_is_a_batch_of_one():
    one, other = make(), make()
    for x, y in zip(X[:5], Y[:5], strict=True):
        a = cr.Learner(one, cr.SGD(0.1)).step(x, y)
        b = cr.Learner(other, cr.SGD(0.1)).step(x[None], y[None])
        assert a == b
    assert np.array_equal(one.theta, other.theta)
    history = cr.Learner(one, cr.SGD(0.1)).fit(X[0], Y[0], epochs=2)
    assert len(history) == 2


def test_the_data_are_not_changed():
    rows, targets, weight = X.copy(), Y.copy(), np.ones(30)
    cr.Learner(make(), l2=1, dropout=0.5).fit(rows, targets, epochs=2, sample_weight=weight)
    assert np.array_equal(rows, X)
    assert np.array_equal(targets, Y)
    assert (weight == 1).all()


# --- sample weights ---


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize(("l2", "l1"), [(0, 0), (0.5, 0), (0, 0.2)])
def test_weight_2_is_twice_and_weight_0_is_never(rule, l2, l1):
    counts = np.resize([2, 1, 0, 3], 30)
    rows = np.repeat(np.arange(30), counts)
    weighted, repeated = make(), make()
    settings = {"l2": l2, "l1": l1, "batch_size": None}
    a = cr.Learner(weighted, rule, **settings).fit(X, Y, epochs=15, sample_weight=counts)
    b = cr.Learner(repeated, rule, **settings).fit(X[rows], Y[rows], epochs=15)
    np.testing.assert_allclose(a.costs, b.costs, rtol=1e-10)
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-8, atol=1e-11)


def test_weights_of_one_are_none():
    a, b = make(), make()
    cr.Learner(a, batch_size=8).fit(X, Y, epochs=3, sample_weight=np.ones(30))
    cr.Learner(b, batch_size=8).fit(X, Y, epochs=3)
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-12)


def test_a_batch_whose_weights_are_all_0_moves_nothing_but_by_the_penalty():
    weight = np.zeros(30)
    weight[:10] = 1
    net = make()
    cr.Learner(net, cr.SGD(0.1), batch_size=10, shuffle=False).fit(
        X, Y, epochs=1, sample_weight=weight
    )
    other = make()
    # M/(B S) of the first batch is 30/(10*10): three times the mean over its own ten.
    cr.Learner(other, cr.SGD(0.3)).step(X[:10], Y[:10])
    np.testing.assert_allclose(net.theta, other.theta, rtol=1e-11)


# --- sparse ---


@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csr_matrix, sparse.coo_array])
def test_sparse_rows_train_as_dense_ones(form, batch_size):
    dense = np.where(abs(X) > 0.7, X, 0)
    a, b = make(), make()
    settings = {"l2": 0.1, "batch_size": batch_size}
    one = cr.Learner(a, cr.Adam(0.01), **settings).fit(form(dense), Y, epochs=3)
    other = cr.Learner(b, cr.Adam(0.01), **settings).fit(dense, Y, epochs=3)
    np.testing.assert_allclose(one.costs, other.costs, rtol=1e-10)
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-8, atol=1e-10)


# --- diverging ---


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_diverging_is_said_and_not_warned_of(dtype):
    net = make(dtype, activation="identity")
    learner = cr.Learner(net, cr.SGD(1e4), batch_size=None)
    with pytest.raises(errors.Diverged) as caught:
        learner.fit(X, Y, epochs=1000)
    assert "learning rate 10000" in str(caught.value)
    assert f"step {learner.n_steps}" in str(caught.value)
    assert isinstance(caught.value, ArithmeticError)
    assert isinstance(caught.value, ValueError)


# --- settings ---


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        *[({"dropout": p}, "dropout") for p in (1, 1.0, -0.1, 1.5, np.nan, "0.5", None, True)],
        *[({"l2": v}, "l2") for v in (-1, -1e-9, np.nan, np.inf, "1", None)],
        *[({"l1": v}, "l1") for v in (-1, -1e-9, np.nan, np.inf, "1", None)],
        *[({"batch_size": v}, "batch_size") for v in (0, -1, 1.5, 32.0, "32", True, np.inf)],
        *[({"seed": v}, "seed") for v in (-1, 2**64, 0.5, None, "1")],
        *[({"n_jobs": v}, "n_jobs") for v in (0, -2, 1.5, "all")],
        *[({"optimizer": v}, "optimizer") for v in ("adam", 0.1, cr.Adam)],
        *[({"engine": v}, "engine") for v in ("fast", None, "Native ", 1)],
        *[({"net": v}, "net") for v in (None, [3, 2], "net")],
    ],
    ids=repr,
)
def test_wrong_settings(settings, name):
    net = make()
    before = net.theta.copy()
    (given_,) = settings.values()
    with pytest.raises(errors.InvalidParameter) as caught:
        cr.Learner(**({"net": net} | settings))
    assert name in str(caught.value)
    shown = type(given_).__name__ if name == "net" else repr(given_)
    assert shown in str(caught.value)
    assert np.array_equal(net.theta, before)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        *[({"epochs": v}, "epochs") for v in (0, -5, 1.5, "10", None)],
        *[({"tol": v}, "tol") for v in (-1e-9, np.nan, "1e-4")],
        *[({"n_iter_no_change": v}, "n_iter_no_change") for v in (0, -1, np.nan, "3", None)],
    ],
    ids=repr,
)
def test_wrong_settings_of_fit(settings, name):
    net = make()
    before = net.theta.copy()
    learner = cr.Learner(net)
    (given_,) = settings.values()
    with pytest.raises(errors.InvalidParameter) as caught:
        learner.fit(X, Y, **settings)
    assert name in str(caught.value)
    assert f"Got {given_!r} instead" in str(caught.value)
    assert np.array_equal(net.theta, before)
    assert learner.n_steps == 0


def test_engines_by_name():
    assert cr.Learner(make()).engine == "native"
    assert cr.Learner(make(), engine="native").engine == "native"
    assert cr.Learner(make(), engine="reference").engine == "reference"
    with pytest.raises(errors.UnknownName, match="'refrence': did you mean 'reference'"):
        cr.Learner(make(), engine="refrence")


def test_defaults_are_the_designs():
    learner = cr.Learner(make())
    assert learner.optimizer == cr.Adam(1e-3)
    assert (learner.l2, learner.l1, learner.dropout, learner.batch_size) == (0, 0, 0, 32)
    assert (learner.seed, learner.n_jobs, learner.shuffle) == (0, None, True)


def test_what_it_looks_like():
    net = cr.Network([2, 3, 1], activation="tanh", loss="cross_entropy")
    assert repr(cr.Learner(net, cr.SGD(0.1))) == f"Learner({net!r}, {cr.SGD(0.1)!r})"
    learner = cr.Learner(net, cr.SGD(0.1), l2=0.5, dropout=[0.2], engine="reference")
    assert repr(learner).endswith(", l2=0.5, dropout=(0.2,), engine='reference')")


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_ctrl_c_between_the_engine_and_the_history_loses_no_epoch(engine, monkeypatch):
    original, calls = DeferInterrupts.hold, []

    def hold(self):
        calls.append(self)
        if len(calls) == 1:
            raise KeyboardInterrupt
        original(self)

    monkeypatch.setattr(DeferInterrupts, "hold", hold)
    net = cr.Network([2, 3, 1], loss="squared_error", seed=0)
    learner = cr.Learner(net, cr.SGD(0.01), batch_size=None, engine=engine)
    heard = []
    with pytest.raises(KeyboardInterrupt):
        learner.fit(np.ones((4, 2)), np.ones(4), epochs=3, callbacks=[lambda *_: heard.append(1)])
    assert learner.n_epochs == len(learner.history) == len(heard) == 1
