"""Checkpoints of a learner: who goes on from one has the bits of a fit that never stopped."""

import importlib
import itertools
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import chainrule as cr
from chainrule.engines import native, reference
from chainrule.errors import CheckpointMismatch, InvalidFile, InvalidParameter
from chainrule.optimizers import Adaptive, InverseScaling, Optimizer
from chainrule.training import checkpoint as module

# Fits of random numbers for a moment, about which there is much to diagnose.
pytestmark = pytest.mark.filterwarnings("ignore::chainrule.errors.TrainingWarning")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(37, 3))
Y = np.column_stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]])
WEIGHT = RNG.uniform(0.5, 2, size=37)

RULES = {
    "SGD": cr.SGD(0.05),
    "momentum": cr.SGD(0.02, 0.9),
    "Nesterov, invscaling": cr.SGD(InverseScaling(0.05), 0.9, nesterov=True),
    "momentum, adaptive": cr.SGD(Adaptive(0.3), 0.5),
    "Adam": cr.Adam(0.02),
    "Adam, invscaling": cr.Adam(InverseScaling(0.05, 0.3)),
}
DATA = {
    "dense": (X, None),
    "weighted": (X, WEIGHT),
    "sparse": (sparse.csr_matrix(np.where(X > 0.5, X, 0)), None),
}
ENGINES = pytest.mark.parametrize("engine", ["reference", "native"])


def make(rule="Adam", dtype="float64", engine="native", **settings):
    net = cr.Network([3, 6, 2], "tanh", "squared_error", dtype=dtype, seed=1)
    settings = {"batch_size": 8, "seed": 4, "l2": 0.1, "dropout": 0.2} | settings
    return cr.Learner(net, RULES.get(rule, rule), engine=engine, **settings)


def state(learner):
    """All that decides the next bit, and what was recorded."""
    kept = learner.__getstate__()
    records = [(r["epoch"], r["cost"], r["learning_rate"]) for r in learner.history]
    return (
        learner.net.theta.tobytes(),
        [array.tobytes() for array in kept["optimizer_state"].values()],
        kept["progress"],
        records,
        learner.history.stopped_by,
    )


def interrupt_in(monkeypatch, step):
    """Raise KeyboardInterrupt in a step of the reference engine, as Ctrl-C would."""
    original, steps = reference.cost_and_gradients, itertools.count()

    def counted(*args, **kwargs):
        if next(steps) == step:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(reference, "cost_and_gradients", counted)


# --- the same bits ---


@ENGINES
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("tol", [None, 0.02])
def test_going_on_gives_the_bits_of_one_fit(tmp_path, engine, rule, dtype, data, tol):
    rows, weight = DATA[data]
    fit = {"tol": tol, "n_iter_no_change": 2, "sample_weight": weight}
    whole = make(rule, dtype, engine)
    whole.fit(rows, Y, epochs=30, **fit)
    for epochs in (1, 4, 11, 30):
        part = make(rule, dtype, engine)
        part.fit(rows, Y, epochs=epochs, checkpoint=tmp_path / "run", resume=True, **fit)
    assert state(part) == state(whole)
    # and so do the steps after it
    assert part.step(X, Y) == whole.step(X, Y)
    assert part.net.theta.tobytes() == whole.net.theta.tobytes()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("step", [0, 1, 4, 5, 7, 23, 24])
def test_interrupted_in_any_step_of_an_epoch(tmp_path, monkeypatch, rule, step):
    fit = {"epochs": 6, "tol": 0.02, "n_iter_no_change": 1}
    whole = make(rule, engine="reference")
    whole.fit(X, Y, **fit)
    part = make(rule, engine="reference")
    with monkeypatch.context() as patch:
        interrupt_in(patch, step)
        with pytest.raises(KeyboardInterrupt):
            part.fit(X, Y, checkpoint=tmp_path / "run", **fit)
    assert part.n_steps == step
    again = make(rule, engine="reference")
    again.fit(X, Y, checkpoint=tmp_path / "run", resume=True, **fit)
    assert state(again) == state(whole)
    # In a notebook the learner is still there: it goes on, too.
    part.fit(X, Y, checkpoint=tmp_path / "run", resume=True, **fit)
    assert state(part) == state(whole)


class Torn(Optimizer):
    """Gradient descent that is interrupted in the middle of an update."""

    learning_rate = 0.05
    at = -1

    def init(self, theta):
        return {"last": np.zeros_like(theta)}

    def update(self, theta, grad, state, t, rate):
        theta[: len(theta) // 2] -= rate * grad[: len(theta) // 2]
        if t == Torn.at:
            raise KeyboardInterrupt
        theta[len(theta) // 2 :] -= rate * grad[len(theta) // 2 :]
        state["last"][...] = grad


def test_a_torn_update_is_never_kept(tmp_path, monkeypatch):
    whole = make(Torn(), engine="reference")
    whole.fit(X, Y, epochs=6)
    for at in range(1, 30):
        path = tmp_path / f"run {at}"
        part = make(Torn(), engine="reference")
        with monkeypatch.context() as patch:
            patch.setattr(Torn, "at", at)
            with pytest.raises(KeyboardInterrupt):
                part.fit(X, Y, epochs=6, checkpoint=cr.Checkpoint(path, every_epochs=1))
        again = make(Torn(), engine="reference")
        again.fit(X, Y, epochs=6, checkpoint=path, resume=True)
        assert state(again) == state(whole)


@ENGINES
def test_checkpoints_do_not_change_a_bit(tmp_path, engine):
    expected, seen = make(engine=engine), make(engine=engine)
    expected.fit(X, Y, epochs=8)
    seen.fit(X, Y, epochs=8, checkpoint=cr.Checkpoint(tmp_path / "run", every_seconds=0))
    assert state(seen) == state(expected)


@pytest.mark.filterwarnings("ignore::chainrule.errors.TrainingWarning")  # a row a step saturates
@ENGINES
def test_time_that_is_up_inside_epochs(tmp_path, engine):
    n, width, batch_size = (3000, 6, 10) if engine == "reference" else (100_000, 64, 1)
    rows = np.random.default_rng(0).normal(size=(n, 3))
    targets = np.column_stack([rows[:, 0], rows[:, 1] ** 2])

    def learner():
        net = cr.Network([3, width, width, 2], loss="squared_error", seed=1)
        rule = RULES["Adam, invscaling"]
        return cr.Learner(net, rule, dropout=0.1, batch_size=batch_size, engine=engine)

    whole = learner()
    whole.fit(rows, targets, epochs=2)
    stopped = []
    for _ in range(200):
        part = learner()
        history = part.fit(
            rows, targets, epochs=2, checkpoint=tmp_path / "run", resume=True, max_seconds=0.02
        )
        stopped.append((history.stopped_by, len(history)))
        if history.stopped_by == "epochs":
            break
    assert state(part) == state(whole)
    assert stopped.count(("max_seconds", 0)) > 0  # inside the first epoch
    # What was done is in the learner also if it was not a whole epoch.
    part = learner()
    before = part.net.theta.copy()
    history = part.fit(rows, targets, epochs=2, max_seconds=0.02)
    assert (len(history), history.stopped_by) == (0, "max_seconds")
    assert (part.net.theta != before).any()
    assert part.n_epochs == 0


@given(cuts=st.lists(st.integers(1, 25), max_size=4), every=st.integers(1, 9))
def test_wherever_it_is_cut(tmp_path_factory, cuts, every):
    path = tmp_path_factory.mktemp("cut") / "run"
    whole = make("momentum, adaptive")
    whole.fit(X, Y, epochs=25, tol=0.01, n_iter_no_change=1)
    for epochs in [*sorted(cuts), 25]:
        part = make("momentum, adaptive")
        where = cr.Checkpoint(path, every_epochs=every)
        part.fit(X, Y, epochs=epochs, tol=0.01, n_iter_no_change=1, checkpoint=where, resume=True)
    assert state(part) == state(whole)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_on_other_processors_and_threads(tmp_path, monkeypatch, dtype):
    levels = list(importlib.import_module("chainrule.engines._cpu").levels())
    cores = [importlib.import_module(f"chainrule.engines._native_{level}") for level in levels]
    whole = make(dtype=dtype, n_jobs=1)
    whole.fit(X, Y, epochs=12)
    for epochs, core in zip(range(2, 13, 2), itertools.cycle(cores), strict=False):
        monkeypatch.setattr(native, "load_core", lambda core=core: core)
        part = make(dtype=dtype, n_jobs=epochs // 2)
        part.fit(X, Y, epochs=epochs, checkpoint=tmp_path / "run", resume=True)
    assert state(part) == state(whole)


# --- what going on means ---


def test_without_a_file_it_starts_fresh(tmp_path):
    fresh, resumed = make(), make()
    fresh.fit(X, Y, epochs=3)
    resumed.fit(X, Y, epochs=3, checkpoint=tmp_path / "run", resume=True)
    assert state(fresh) == state(resumed)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run"]


@pytest.mark.parametrize("ended", ["epochs", "convergence", "callback"])
def test_what_is_done_is_returned_as_it_is(tmp_path, monkeypatch, ended):
    fit = {
        "epochs": 5 if ended == "epochs" else 500,
        "tol": 0.01 if ended == "convergence" else None,
        "callbacks": [lambda learner, record: record["epoch"] == 7] if ended == "callback" else [],
    }
    done, again = make(), make()
    done.fit(X, Y, checkpoint=tmp_path / "run", **fit)
    assert done.history.stopped_by == ended
    before = (tmp_path / "run").read_bytes()
    monkeypatch.setattr(type(again._engine), "epochs", None)  # nothing is to be computed
    again.fit(X, Y, checkpoint=tmp_path / "run", resume=True, **fit)
    assert state(again) == state(done)
    assert (tmp_path / "run").read_bytes() == before


def test_without_resume_a_checkpoint_is_replaced(tmp_path):
    make(seed=1).fit(X, Y, epochs=4, checkpoint=tmp_path / "run")
    make(seed=2).fit(X, Y, epochs=3, checkpoint=tmp_path / "run")
    again = make(seed=2)
    assert len(again.fit(X, Y, epochs=3, checkpoint=tmp_path / "run", resume=True)) == 3
    # The one it replaced is there still, once.
    (tmp_path / "run").write_bytes(b"")
    with pytest.warns(cr.errors.CheckpointWarning, match="goes on from the checkpoint before"):
        again = make(seed=1).fit(X, Y, epochs=4, checkpoint=tmp_path / "run", resume=True)
    assert len(again) == 4


def test_several_fits_in_a_row_have_a_file_each(tmp_path):
    def script(first, second, resume):
        learner = make()
        a = learner.fit(X, Y, epochs=first, checkpoint=tmp_path / "a", resume=resume)
        b = learner.fit(X, Y + 1, epochs=second, checkpoint=tmp_path / "b", resume=resume)
        assert [r["epoch"] for r in [*a, *b]] == list(range(1, first + second + 1))
        return state(learner)

    whole = script(6, 9, resume=False)
    script(6, 4, resume=False)
    assert script(6, 9, resume=True) == whole
    # In the other's file the second one finds other data, or another start.
    learner = make()
    learner.fit(X, Y, epochs=6)
    with pytest.raises(CheckpointMismatch, match="weights it started from"):
        learner.fit(X, Y, epochs=6, checkpoint=tmp_path / "a", resume=True)


def test_epochs_of_a_learner_that_has_trained_before(tmp_path):
    whole, part = make(), make()
    for learner in (whole, part):
        learner.fit(X, Y, epochs=5)
    whole.fit(X, Y, epochs=6)
    part.fit(X, Y, epochs=2, checkpoint=tmp_path / "run")
    history = part.fit(X, Y, epochs=6, checkpoint=tmp_path / "run", resume=True)
    assert [record["epoch"] for record in history] == list(range(6, 12))
    assert state(part) == state(whole)


def test_steps_after_a_fit_are_another_start(tmp_path):
    learner = make()
    learner.fit(X, Y, epochs=2, checkpoint=tmp_path / "run")
    learner.step(X, Y)
    with pytest.raises(CheckpointMismatch, match="weights it started from"):
        learner.fit(X, Y, epochs=6, checkpoint=tmp_path / "run", resume=True)


class Counting:
    """A callback with a memory, that stops after some epochs."""

    def __init__(self, most):
        self.most, self.seen, self.begun, self.costs = most, 0, 0, []

    def on_epoch_begin(self, learner):
        self.begun += 1

    def __call__(self, learner, record):
        self.seen += 1
        self.costs.append(record["cost"])
        return self.seen == self.most

    def state_dict(self):
        return {"seen": self.seen, "costs": self.costs}

    def load_state_dict(self, state):
        self.seen, self.costs = int(state["seen"]), state["costs"].tolist()


@ENGINES
def test_a_callback_keeps_its_memory(tmp_path, engine):
    whole, expected = make(engine=engine), Counting(9)
    whole.fit(X, Y, epochs=20, callbacks=[print_nothing, expected])
    for epochs in (2, 5, 20):
        part, counting = make(engine=engine), Counting(9)
        callbacks = [counting, print_nothing]
        fit = {"checkpoint": tmp_path / "run", "resume": True, "callbacks": callbacks}
        part.fit(X, Y, epochs=epochs, **fit)
    assert state(part) == state(whole)
    assert (counting.seen, counting.costs) == (9, expected.costs)
    assert counting.begun == 4  # it hears of the epochs that are made now
    with pytest.raises(CheckpointMismatch, match="callbacks"):
        make(engine=engine).fit(X, Y, epochs=20, checkpoint=tmp_path / "run", resume=True)


class Remembering(Counting):
    """A callback that remembers numbers of a type."""

    def __init__(self, value):
        super().__init__(10**6)
        self.value = value

    def state_dict(self):
        return {"value": self.value}

    def load_state_dict(self, state):
        self.value = state["value"]


@pytest.mark.parametrize(
    "value", [True, 3, 2.5, np.float16(1), np.arange(3, dtype="i1"), np.zeros((2, 0)), [[1, 2]]]
)
def test_numbers_that_a_callback_remembers(tmp_path, value):
    fit = {"checkpoint": tmp_path / "run", "resume": True}
    make().fit(X, Y, epochs=2, callbacks=[Remembering(value)], **fit)
    other = Remembering(None)
    with pytest.raises(cr.errors.InvalidInput, match=r"must hold numbers.*NoneType.*Remembering"):
        make().fit(X, Y, epochs=3, callbacks=[other], **fit)
    other.value = 0
    make().fit(X, Y, epochs=3, callbacks=[other], **fit)
    np.testing.assert_array_equal(other.value, np.asarray(value))


def print_nothing(learner, record):
    return None


class CtrlC(Counting):
    """Counts epochs, and presses Ctrl-C in the middle of that, or at the beginning of one."""

    def __init__(self, epoch, *, at_begin=False, times=1):
        super().__init__(10**6)
        self.epoch, self.at_begin, self.times = epoch, at_begin, times

    def press(self):
        for _ in range(self.times):
            signal.raise_signal(signal.SIGINT)

    def on_epoch_begin(self, learner):
        if self.at_begin and learner.n_epochs == self.epoch:
            self.press()

    def __call__(self, learner, record):
        self.seen += 1
        if not self.at_begin and record["epoch"] == self.epoch:
            self.press()
        self.costs.append(record["cost"])


@ENGINES
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("epoch", [1, 4, 6])
@pytest.mark.parametrize("at_begin", [False, True])
def test_ctrl_c_where_it_would_leave_an_epoch_half_told(tmp_path, engine, epoch, at_begin):
    fit = {"epochs": 7, "tol": 0.02, "n_iter_no_change": 1}
    whole, expected = make(engine=engine), CtrlC(-1)
    whole.fit(X, Y, **fit, callbacks=[expected])
    part, callback = make(engine=engine), CtrlC(epoch, at_begin=at_begin)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        part.fit(X, Y, **fit, callbacks=[callback], checkpoint=tmp_path / "run")
    assert signal.getsignal(signal.SIGINT) is before
    assert callback.seen == len(callback.costs) == len(part.history) == epoch
    again, callback = make(engine=engine), CtrlC(-1)
    again.fit(X, Y, **fit, callbacks=[callback], checkpoint=tmp_path / "run", resume=True)
    assert state(again) == state(whole)
    assert callback.costs == expected.costs


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_is_at_once(tmp_path):
    learner, callback = make(), CtrlC(3, times=2)
    with pytest.raises(KeyboardInterrupt):
        learner.fit(X, Y, epochs=7, callbacks=[callback], checkpoint=tmp_path / "run")
    assert (callback.seen, len(callback.costs)) == (3, 2)
    assert not (tmp_path / "run").exists()  # half told, it could not be gone on with


def test_where_ctrl_c_is_ignored_it_is_not_heard(tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a background job of a shell
    try:
        learner, callback = make(), CtrlC(3)
        learner.fit(X, Y, epochs=7, callbacks=[callback], checkpoint=tmp_path / "run")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert callback.seen == len(learner.history) == 7


def test_another_thread_hears_of_no_signals(tmp_path):
    learner = make()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(learner.fit, X, Y, epochs=3, checkpoint=tmp_path / "run").result()
    assert learner.history.stopped_by == "epochs"


@pytest.mark.parametrize("checkpoint", [False, True])
def test_the_engine_still_runs_many_epochs_a_call(tmp_path, monkeypatch, checkpoint):
    learner, calls = make(), []
    run = learner._engine.epochs
    monkeypatch.setattr(learner._engine, "epochs", lambda *a: calls.append(a[4]) or run(*a))
    saved = []
    write = module.write_tensors
    monkeypatch.setattr(module, "write_tensors", lambda *a: saved.append(a) or write(*a))
    learner.fit(X, Y, epochs=300, checkpoint=tmp_path / "run" if checkpoint else None)
    assert calls == [300]
    assert len(saved) == checkpoint


@pytest.mark.parametrize("every", [1, 4, 100])
def test_every_so_many_epochs(tmp_path, monkeypatch, every):
    saved = []
    monkeypatch.setattr(
        module, "write_tensors", lambda path, tensors, header: saved.append(header["progress"])
    )
    make().fit(X, Y, epochs=10, checkpoint=cr.Checkpoint(tmp_path / "run", every_epochs=every))
    assert [each["epoch"] for each in saved] == sorted({*range(every, 11, every), 10})


# --- more epochs than were asked for at first ---

OPEN = [
    cr.Cosine(0.05),
    cr.OneCycle(0.05),
    cr.StepDecay(0.05),
    cr.ExponentialDecay(0.05),
    cr.Warmup(cr.Cosine(0.05), 4),
]


def rates_of(history):
    return [record["learning_rate"] for record in history]


@pytest.mark.parametrize("schedule", OPEN, ids=repr)
def test_a_schedule_of_the_fits_length_goes_on_stretched(tmp_path, schedule):
    kept = {"checkpoint": tmp_path / "run", "resume": True}
    first = make(cr.SGD(schedule)).fit(X, Y, epochs=3, **kept)
    raised = make(cr.SGD(schedule))
    history = raised.fit(X, Y, epochs=9, **kept)
    whole = make(cr.SGD(schedule)).fit(X, Y, epochs=9)
    assert rates_of(history) == rates_of(first) + rates_of(whole)[3:]
    again = make(cr.SGD(schedule))
    again.fit(X, Y, epochs=9, **kept)
    assert state(again) == state(raised)


def test_a_schedule_of_the_fits_length_is_not_cut_short(tmp_path):
    kept = {"checkpoint": tmp_path / "run", "resume": True}
    stop = [lambda learner, record: record["epoch"] == 2]
    make(cr.SGD(cr.Cosine(0.05))).fit(X, Y, epochs=9, callbacks=stop, **kept)
    with pytest.raises(CheckpointMismatch, match="schedule in epochs is 5 here and 9 in the file"):
        make(cr.SGD(cr.Cosine(0.05))).fit(X, Y, epochs=5, **kept)


# --- what is refused ---

OTHERS = {
    "seed": lambda fit: make(seed=9).fit(X, Y, **fit),
    "optimizer's name": lambda fit: make("SGD").fit(X, Y, **fit),
    "optimizer's learning_rate": lambda fit: make(cr.Adam(0.03)).fit(X, Y, **fit),
    "l2": lambda fit: make(l2=0.2).fit(X, Y, **fit),
    "l1": lambda fit: make(l1=0.2).fit(X, Y, **fit),
    "dropout": lambda fit: make(dropout=0.0).fit(X, Y, **fit),
    "batch_size": lambda fit: make(batch_size=9).fit(X, Y, **fit),
    "shuffle": lambda fit: make(shuffle=False).fit(X, Y, **fit),
    "engine": lambda fit: make(engine="reference").fit(X, Y, **fit),
    "tol": lambda fit: make().fit(X, Y, tol=0.1, **fit),
    "architecture's dtype": lambda fit: make(dtype="float32").fit(X, Y, **fit),
    "architecture's layers": lambda fit: other_network(sizes=[3, 7, 2]).fit(X, Y, **fit),
    "architecture's activations": lambda fit: other_network(activation="relu").fit(X, Y, **fit),
    "architecture's loss": lambda fit: other_network(loss=cr.Huber(2.0)).fit(X, Y, **fit),
    "seed of the network": lambda fit: other_network(seed=2).fit(X, Y, **fit),
    "data differ: X holds": lambda fit: make().fit(one_changed(X), Y, **fit),
    "data differ: Y holds": lambda fit: make().fit(X, one_changed(Y), **fit),
    "data differ: X": lambda fit: make().fit(sparse.csr_matrix(X), Y, **fit),
    "data differ: 30 examples": lambda fit: make().fit(X[:30], Y[:30], **fit),
    "data differ: sample_weight": lambda fit: make().fit(X, Y, sample_weight=WEIGHT, **fit),
    "2 epochs are asked for": lambda fit: make().fit(X, Y, **fit | {"epochs": 2}),
    "table": lambda fit: make().fit(X, Y, **fit | {"checkpoint": about(fit, table=2)}),
    "the day is None here": lambda fit: make().fit(
        X, Y, **fit | {"checkpoint": about(fit, table=1, day=None)}
    ),
}


def other_network(sizes=(3, 6, 2), activation="tanh", loss="squared_error", seed=1):
    net = cr.Network(sizes, activation, loss, dtype="float64", seed=seed)
    return cr.Learner(net, RULES["Adam"], batch_size=8, seed=4, l2=0.1, dropout=0.2)


def one_changed(array):
    changed = array.copy()
    changed[-1, -1] = np.nextafter(changed[-1, -1], np.inf)
    return changed


def about(fit, **what):
    return cr.Checkpoint(fit["checkpoint"].path, about=what)


@pytest.mark.parametrize("name", OTHERS)
def test_another_training_is_refused_with_the_difference(tmp_path, monkeypatch, name):
    checkpoint = cr.Checkpoint(tmp_path / "run", about={"table": 1})
    make().fit(X, Y, epochs=3, checkpoint=checkpoint)
    before = (tmp_path / "run").read_bytes()
    learners = []
    fit = cr.Learner.fit
    monkeypatch.setattr(
        cr.Learner,
        "fit",
        lambda self, *a, **k: learners.append((self, state(self))) or fit(self, *a, **k),
    )
    with pytest.raises(CheckpointMismatch, match=name) as caught:
        OTHERS[name]({"epochs": 5, "checkpoint": checkpoint, "resume": True})
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    (learner, then) = learners[0]
    assert state(learner) == then  # nothing changed
    assert (tmp_path / "run").read_bytes() == before


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        ({"resume": True}, "resume=True goes on from a checkpoint"),
        ({"checkpoint": 3}, "checkpoint must be a path"),
        ({"resume": 1, "checkpoint": "x"}, "resume must be True or False"),
        ({"max_seconds": 0}, "max_seconds must be"),
        ({"max_seconds": float("nan")}, "max_seconds must be"),
    ],
)
def test_what_cannot_be_given(fit, message):
    with pytest.raises(InvalidParameter, match=message):
        make().fit(X, Y, **fit)


@pytest.mark.parametrize(
    "settings",
    [
        {"path": b"run"},
        {"path": None},
        {"path": "run", "every_epochs": 0},
        {"path": "run", "every_seconds": -1},
        {"path": "run", "about": "text"},
        {"path": "run", "about": {"x": object()}},
    ],
)
def test_settings_that_no_checkpoint_has(settings):
    with pytest.raises((InvalidParameter, cr.errors.InvalidInput)):
        cr.Checkpoint(**settings)


def test_no_other_file_is_written_over(tmp_path):
    files = net, text, damaged = [tmp_path / name for name in ("net", "text", "damaged")]
    make().net.save(net)
    text.write_text("mine")
    make().fit(X, Y, epochs=2, checkpoint=damaged)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    for path, resume in itertools.product(files, (False, True)):
        before = path.read_bytes()
        with pytest.raises((InvalidParameter, InvalidFile), match=path.name):
            make().fit(X, Y, epochs=2, checkpoint=path, resume=resume)
        assert path.read_bytes() == before
