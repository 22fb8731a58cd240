"""A learner's file gives back a learner that goes on as if it had never been saved."""

import copy
import hashlib
import tracemalloc
from itertools import product

import numpy as np
import pytest

import chainrule as cr
from chainrule import optimizers
from chainrule.architecture.checks import check_number
from chainrule.engines.native import load_core
from chainrule.errors import InvalidInput, InvalidParameter
from chainrule.optimizers import (
    Adaptive,
    Constant,
    InverseScaling,
    Optimizer,
    Schedule,
    describe_optimizer,
    optimizer_from,
)
from chainrule.optimizers.description import OPTIMIZERS, SCHEDULES
from chainrule.training.history import COLUMNS, Record

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
TARGETS = {
    ("squared_error", 1): X[:, 0],
    ("squared_error", 2): X[:, :2],
    ("cross_entropy", 1): X[:, 0] > 0,
    ("cross_entropy", 3): X > 0,  # several labels an example
    ("log_loss", 3): np.arange(30) % 3,
    ("poisson", 1): np.arange(30) % 4,
}
RULES = [
    cr.SGD(0.01),
    cr.SGD(0.01, momentum=0.9),
    cr.SGD(InverseScaling(0.02, 0.4), momentum=0.5, nesterov=True),
    cr.SGD(Adaptive(0.01)),
    cr.Adam(),
    cr.Adam(Constant(0.003), 0.8, 0.99, 1e-6),
    cr.Adam(InverseScaling(0.003)),
]


def check_goes_on(back: cr.Learner, learner: cr.Learner, Y) -> None:
    """Compare two learners, then what becomes of them."""
    assert back.__getstate__()["progress"] == learner.__getstate__()["progress"]
    assert list(back.history) == list(learner.history)
    assert back.history.stopped_by == learner.history.stopped_by
    assert back.net.training_data == learner.net.training_data
    for name in ("l2", "l1", "dropout", "batch_size", "seed", "n_jobs", "shuffle", "engine"):
        assert getattr(back, name) == getattr(learner, name)
    assert back.optimizer == learner.optimizer
    ours, theirs = (each.__getstate__()["optimizer_state"] for each in (back, learner))
    assert {k: v.tobytes() for k, v in ours.items()} == {k: v.tobytes() for k, v in theirs.items()}
    assert back.net.theta.tobytes() == learner.net.theta.tobytes()
    for each in (back, learner):
        each.fit(X, Y, epochs=2)
        each.step(X[:4], Y[:4])
        each.step(X[0], Y[0])
    assert back.net.theta.tobytes() == learner.net.theta.tobytes()
    assert back.history.costs == learner.history.costs
    assert back.learning_rate == learner.learning_rate


@pytest.mark.parametrize(
    ("rule", "hidden", "case", "dtype"),
    [*product(RULES, [[], [5], [4, 6]], TARGETS, ["float32", "float64"])],
    ids=lambda value: str(value)[:30],
)
def test_the_next_steps_have_the_same_bits(tmp_path, rule, hidden, case, dtype):
    loss, outputs = case
    net = cr.Network([3, *hidden, outputs], "tanh", loss, dtype=dtype, seed=1)
    learner = cr.Learner(net, rule, l2=0.1, l1=0.01, dropout=0.2, batch_size=7, seed=3)
    learner.fit(X, TARGETS[case], epochs=3, tol=0.5, n_iter_no_change=1)
    learner.save(tmp_path / "learner")
    check_goes_on(cr.Learner.load(tmp_path / "learner"), learner, TARGETS[case])


@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": None, "shuffle": False},
        {"n_jobs": 2, "l1": 0.5},
        {"batch_size": 1, "seed": 2**63},
    ],
)
def test_settings_and_a_learner_that_has_not_trained(tmp_path, engine, settings):
    if engine == "native" and load_core() is None:
        pytest.skip("no native engine here")
    Y = TARGETS["log_loss", 3]
    learner = cr.Learner(cr.Network([3, 4, 3]), engine=engine, **settings)
    learner.save(tmp_path / "learner")
    check_goes_on(cr.Learner.load(tmp_path / "learner"), learner, Y)
    learner.save(tmp_path / "learner")
    check_goes_on(cr.Learner.load(tmp_path / "learner"), learner, Y)


def test_a_reduced_rate_stays_reduced(tmp_path):
    learner = cr.Learner(cr.Network([3, 4, 3]), cr.SGD(Adaptive(0.5)))
    learner.fit(X, TARGETS["log_loss", 3], epochs=30, tol=10.0, n_iter_no_change=1)
    assert learner.learning_rate < 0.5
    learner.save(tmp_path / "learner")
    assert cr.Learner.load(tmp_path / "learner").learning_rate == learner.learning_rate


def test_the_network_of_a_loaded_learner_is_trained_in_place(tmp_path):
    learner = cr.Learner(cr.Network([3, 4, 3]))
    learner.save(tmp_path / "learner")
    back = cr.Learner.load(tmp_path / "learner")
    net, before = back.net, back.net.theta.copy()
    back.step(X, TARGETS["log_loss", 3])
    assert back.net is net
    assert not np.array_equal(net.theta, before)
    np.testing.assert_array_equal(learner.net.theta, before)


def test_the_digest_of_the_training_data_is_of_shapes_and_dtypes(tmp_path):
    learner = cr.Learner(cr.Network([3, 4, 3]))
    assert learner.net.training_data is None
    digests = set()
    weight = np.ones(30)
    for data in [(X, np.arange(30) % 3), (X + 1, np.arange(30) % 2), (X[:20], np.arange(20) % 3)]:
        learner.fit(*data, epochs=1)
        digests.add(learner.net.training_data)
    assert len(digests) == 2  # the second has other values only
    learner.fit(X, np.arange(30) % 3, epochs=1, sample_weight=weight)
    line = b"X 30x3 float32, Y 30x3 float32, weight 30 float32"
    assert learner.net.training_data == hashlib.sha256(line).hexdigest()
    learner.net.save(tmp_path / "net")
    assert cr.Network.load(tmp_path / "net").training_data == learner.net.training_data


class OwnRule(Optimizer):
    """Does nothing."""

    learning_rate = 0.1

    def init(self, theta):
        return {}

    def update(self, theta, grad, state, t, rate):
        pass


class OwnSchedule(Schedule):
    """Always the same."""

    def rate(self, examples, reductions):
        return 0.1


@pytest.mark.parametrize(
    ("rule", "named"),
    [(OwnRule(), "optimizer OwnRule"), (cr.SGD(OwnSchedule()), "schedule OwnSchedule")],
)
def test_a_rule_of_the_users_own_is_named_and_nothing_is_written(tmp_path, rule, named):
    learner = cr.Learner(cr.Network([3, 4, 3]), rule)
    with pytest.raises(InvalidInput, match=named):
        learner.save(tmp_path / "learner")
    assert list(tmp_path.iterdir()) == []
    learner.net.save(tmp_path / "net")  # as the sentence advises


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_described_rule_is_the_same_rule(rule):
    assert optimizer_from(describe_optimizer(rule)) == rule


def test_every_rule_and_schedule_of_ours_can_be_described():
    ours = [each for each in vars(optimizers).values() if isinstance(each, type)]
    rules = {each for each in ours if issubclass(each, Optimizer)} - {Optimizer}
    schedules = {each for each in ours if issubclass(each, Schedule)} - {Schedule}
    assert {*OPTIMIZERS.values()} == rules
    assert {*SCHEDULES.values()} == schedules


def test_every_column_of_the_history_is_kept():
    assert COLUMNS.keys() == Record.__annotations__.keys()


@pytest.mark.parametrize("number", [10**400, -(10**400)])
def test_a_whole_number_that_no_float_holds_is_refused(number):
    with pytest.raises(InvalidParameter, match="must be a number"):
        check_number("l2", number)


def test_a_rate_that_falls_below_every_float_is_0():
    assert InverseScaling(0.1, 1e300).rate(100, 0) == 0.0


def test_copies_do_not_share_the_optimizers_memory():
    learner = cr.Learner(cr.Network([3, 4, 3]))
    learner.step(X, TARGETS["log_loss", 3])
    shallow, deep = copy.copy(learner), copy.deepcopy(learner)
    assert shallow.net is learner.net
    assert deep.net is not learner.net
    for each in (shallow, deep):
        pairs = zip(
            each.__getstate__()["optimizer_state"].values(),
            learner.__getstate__()["optimizer_state"].values(),
            strict=True,
        )
        for ours, theirs in pairs:
            assert not np.shares_memory(ours, theirs)
            np.testing.assert_array_equal(ours, theirs)


def test_what_a_file_held_is_not_in_memory_twice(tmp_path):
    """Beside the memory itself there are theta and a page here and there."""
    learner = cr.Learner(cr.Network([500, 1000, 3]))
    learner.step(rng.normal(size=(2, 500)), [0, 1])
    cr.save(learner, tmp_path / "learner")
    size = (tmp_path / "learner").stat().st_size
    tracemalloc.start()
    back = cr.load(tmp_path / "learner")
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert back.net.theta.tobytes() == learner.net.theta.tobytes()
    assert now < 1.1 * size + 2**20
    assert peak < 2 * size + 2**20
