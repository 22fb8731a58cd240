"""How the native engine runs: Ctrl-C, fork, threads, what counts, what is refused, memory."""

import contextlib
import copy
import gc
import os
import pickle
import resource
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule import errors
from chainrule.engines import native, threads
from chainrule.engines.native import load_core

from .conftest import levels

RNG = np.random.default_rng(9)
X, Y = RNG.normal(size=(60, 5)), RNG.normal(size=(60, 2))


def make(engine="native", dtype="float64", **settings):
    net = cr.Network([5, 9, 2], "tanh", "squared_error", dtype=dtype, seed=2)
    settings = {"l2": 0.1, "dropout": 0.2, "batch_size": 7, "seed": 1} | settings
    return cr.Learner(net, cr.Adam(0.01), engine=engine, **settings)


# --- Ctrl-C ---


def learner_of(rows, width, batch, n_jobs):
    rng = np.random.default_rng(0)
    net = cr.Network([width, width, 3], "tanh", "squared_error", seed=0)
    learner = cr.Learner(net, cr.SGD(1e-4), batch_size=batch, n_jobs=n_jobs, engine="native")
    return learner, rng.normal(size=(rows, width)), rng.normal(size=(rows, 3))


def press_after(seconds, pressed):
    """Press Ctrl-C in a while, and note how much processor time this process had taken by then."""

    def press():
        time.sleep(seconds)
        pressed.append(time.process_time())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(
    ("rows", "width", "batch", "n_jobs"),
    [
        (1, 1, None, 1),  # millions of epochs a second: their records are not to be waited for
        (50, 4, 1, 1),
        (50, 4, None, 1),
        (3000, 64, 32, 1),
        (3000, 64, 32, 2),
        (3000, 64, None, 2),
    ],
)
def test_ctrl_c_is_answered_and_leaves_a_usable_model(rows, width, batch, n_jobs):
    learner, X, Y = learner_of(rows, width, batch, n_jobs)
    learner.fit(X, Y, epochs=1)
    per_epoch, seconds, done = -(-rows // (batch or rows)), 0.1, 0
    while not done:  # on a busy machine it may be pressed before the first epoch has ended
        before, pressed, former = learner.n_epochs, [], learner.history
        thread = press_after(seconds, pressed)
        with pytest.raises(KeyboardInterrupt):  # a Ctrl-C that is lost fails here, and soon
            learner.fit(X, Y, epochs=10**9, max_seconds=60)
        # About 0.05 s. Processor time: how long others have the processor is not of our making.
        assert time.process_time() - pressed[0] < 2
        thread.join()
        history = () if learner.history is former else learner.history
        done = len(history)
        assert learner.n_epochs == before + done
        epochs = [record["epoch"] for record in history]
        assert epochs == list(range(before + 1, before + done + 1))
        assert 0 <= learner.n_steps - per_epoch * learner.n_epochs < per_epoch
        assert np.isfinite(learner.net(X)).all()
        assert len(learner.fit(X, Y, epochs=1)) == 1
        seconds *= 2


@pytest.mark.usefixtures("ctrl_c")
def test_handlers_of_the_users_run_while_it_trains():
    learner, X, Y = learner_of(3000, 64, 32, 1)
    pressed, heard, first = [], [], threading.Event()

    def hear(*_):  # the first is no reason to end
        heard.append(time.process_time())
        if first.is_set():
            raise KeyboardInterrupt
        first.set()

    def press_twice():
        press_after(0.1, pressed).join()
        if first.wait(20):
            press_after(0.1, pressed).join()

    signal.signal(signal.SIGINT, hear)
    thread = threading.Thread(target=press_twice)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        learner.fit(X, Y, epochs=10**9, max_seconds=60)
    thread.join()
    assert len(heard) == 2
    assert all(b - a < 2 for a, b in zip(pressed, heard, strict=True))


def test_where_ctrl_c_is_ignored_it_trains_on():
    learner, X, Y = learner_of(50, 4, None, 1)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        thread = press_after(0.02, [])
        while thread.is_alive():
            assert len(learner.fit(X, Y, epochs=1000)) == 1000
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_error_in_a_signal_handler_arrives():
    class MineError(Exception):
        pass

    def fail(*_):
        raise MineError

    learner = make()
    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(MineError):
            learner.fit(X, Y, epochs=10**8)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert learner.n_epochs == len(learner.history) > 0
    assert np.isfinite(learner.net.theta).all()
    assert len(learner.fit(X, Y, epochs=2)) == 2


def test_an_interrupted_fit_goes_on_as_if_it_were_one():
    # Interrupted between two steps; the steps it made are those of an uninterrupted fit.
    learner, whole = make(batch_size=None), make(batch_size=None)
    before = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            learner.fit(X, Y, epochs=10**8)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert learner.n_epochs == learner.n_steps == len(learner.history)
    whole.fit(X, Y, epochs=learner.n_steps)
    assert whole.net.theta.tobytes() == learner.net.theta.tobytes()


@pytest.fixture
def interrupt_after():
    """Return a function after which SIGALRM raises KeyboardInterrupt in so many seconds."""
    handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, handler)


WIDE = [784, 512, 512, 10]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_long_step_is_given_up(n_jobs, interrupt_after):
    # It takes some half a second, so what the interruption leaves is the step before.
    rows, classes = np.ones((20_000, 784), "float32"), np.arange(20_000) % 10
    net = cr.Network(WIDE, "relu", seed=0)
    learner = cr.Learner(net, cr.Adam(1e-4), batch_size=None, n_jobs=n_jobs, engine="native")
    after_first = []

    def begin(learner, _):
        after_first.append(net.theta.copy())
        interrupt_after(0.1)

    with pytest.raises(KeyboardInterrupt):
        learner.fit(rows, classes, epochs=3, callbacks=[begin])
    assert (learner.n_steps, learner.n_epochs, len(learner.history)) == (1, 1, 1)
    assert learner.n_examples_seen == 20_000
    (expected,) = after_first
    assert np.array_equal(net.theta, expected)
    learner.step(rows[:10], classes[:10])
    assert not np.array_equal(net.theta, expected)


def test_predictions_of_many_rows_are_given_up(interrupt_after):
    net, rows = cr.Network(WIDE, "relu", seed=0), np.ones((40_000, 784), "float32")
    for threads_ in (1, 2):
        net(rows[:1])
        H = np.full((40_000, 10), np.nan, "float32")
        interrupt_after(0.05)
        with pytest.raises(KeyboardInterrupt):
            net.parameters.predictor.predict(net.theta, rows, H, threads_)
        assert np.isfinite(H[0]).all()
        assert np.isnan(H).any()
    interrupt_after(0.05)
    with pytest.raises(KeyboardInterrupt):
        net(rows)
    assert np.isfinite(net(rows[:100])).all()


# --- fork ---

FORK = """
import os, sys, threading, numpy as np, chainrule as cr
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(200, 5)), rng.normal(size=(200, 2))

def train(n_jobs):
    net = cr.Network([5, 9, 2], "tanh", "squared_error", seed=2)
    learner = cr.Learner(net, cr.Adam(0.01), n_jobs=n_jobs, dropout=0.2, engine="native")
    learner.fit(X, Y, epochs=20)
    return learner

first = train(2)
expected = first.net.theta.tobytes() + first.net(X).tobytes()
stop = threading.Event()

def keep_training():
    other = train(1)
    while not stop.is_set():
        other.fit(X, Y, epochs=20)

thread = threading.Thread(target=keep_training, daemon=True)
if {during}:
    thread.start()
good = []
for i in range(5):
    child = os.fork()
    if child == 0:
        again = train(1 + i % 2)
        same = again.net.theta.tobytes() + again.net(X).tobytes() == expected
        same = same and first.net(X).tobytes() == expected[len(first.net.theta.tobytes()):]
        first.fit(X, Y, epochs=1)  # the parent's own learner goes on, too
        os._exit(7 if same else 8)
    _, status = os.waitpid(child, 0)
    good.append(os.waitstatus_to_exitcode(status))
stop.set()
if thread.is_alive():
    thread.join()
again = train(2)
print(good, again.net.theta.tobytes() + again.net(X).tobytes() == expected)
"""


@pytest.mark.parametrize("during", [False, True], ids=["after", "while another thread trains"])
def test_fork(during, pythons):
    result = pythons.run("-c", FORK.format(during=during))
    assert result.returncode == 0, result.stderr
    assert result.stdout == "[7, 7, 7, 7, 7] True\n"


FORK_OF_THE_SAME = """
import os, signal, threading, time, warnings, numpy as np, chainrule as cr
warnings.simplefilter("ignore", DeprecationWarning)  # Python's of fork beside threads
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(2000, 64)), rng.normal(size=(2000, 2))
many = np.tile(X, (20, 1)).astype("float32")
net = cr.Network([64, 64, 2], "tanh", "squared_error", seed=2)
learner = cr.Learner(net, cr.SGD(1e-5), engine="native")
learner.fit(X, Y, epochs=1)
stop = threading.Event()

def keep(at_it):
    while not stop.is_set():
        at_it()

at_it = {{"fit": lambda: learner.fit(X, Y, epochs=50), "predict": lambda: net(many)}}["{what}"]
thread = threading.Thread(target=keep, args=(at_it,))
thread.start()
good = []
for i in range(5):
    time.sleep(0.05)
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends a child that waits
        before = learner.n_steps
        learner.fit(X, Y, epochs=2)
        learner.step(X[:9], Y[:9])
        learner.step(X[0], Y[0])
        same = np.array_equal(net(many), net.copy()(many))
        whole = learner.n_steps == before + 2 * 63 + 2 and np.isfinite(net.theta).all()
        os._exit(7 if same and whole else 8)
    _, status = os.waitpid(child, 0)
    good.append(os.waitstatus_to_exitcode(status))
stop.set()
thread.join()
print(good)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
@pytest.mark.parametrize("what", ["fit", "predict"])
def test_a_child_uses_what_its_parent_is_using(what, python):
    result = python(FORK_OF_THE_SAME.format(what=what))
    assert result.returncode == 0, result.stderr
    assert result.stdout == "[7, 7, 7, 7, 7]\n"


# --- several Python threads ---


def trained(seed, n_jobs=1):
    learner = make(seed=seed, n_jobs=n_jobs)
    costs = learner.fit(X, Y, epochs=60).costs
    return learner.net.theta.tobytes(), costs


@pytest.mark.parametrize("n_jobs", [1, 2, None])
def test_learners_in_threads_are_as_one_after_another(n_jobs):
    expected = [trained(seed) for seed in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda seed: trained(seed, n_jobs), range(12))) == expected


def test_threads_do_run_while_another_trains():
    learner, counted, training = make(), 0, threading.Event()

    def train():
        try:
            learner.fit(X, Y, epochs=20_000)
        finally:
            training.set()

    thread = threading.Thread(target=train)
    thread.start()
    while not training.is_set():
        counted += 1
        time.sleep(0.001)
    thread.join()
    assert counted > 20  # it would be 1 if training kept the interpreter's lock


def test_one_network_predicts_in_many_threads():
    net = cr.Network([5, 40, 40, 3], "gelu", "log_loss", seed=1)
    batches = [RNG.normal(size=(n, 5)).astype("float32") for n in (1, 7, 97, 500, 2000)] * 6
    expected = [net(batch).tobytes() for batch in batches]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(5):
            assert [H.tobytes() for H in pool.map(net, batches)] == expected
        rows = list(np.concatenate(batches[:4]))
        alone = [net(row).tobytes() for row in rows]
        assert [h.tobytes() for h in pool.map(net, rows)] == alone


def test_one_learner_in_many_threads_does_not_break():
    # What comes out depends on who is first; each call is whole.
    learner = make()
    with ThreadPoolExecutor(4) as pool:
        histories = list(pool.map(lambda _: learner.fit(X, Y, epochs=20), range(8)))
    assert np.isfinite(learner.net.theta).all()
    assert all(np.isfinite(history.costs).all() for history in histories)


# --- subnormal numbers ---


def test_the_callers_mode_for_subnormal_numbers_is_back(flushes):
    learner = make(n_jobs=2)
    assert not flushes()
    learner.fit(X, Y, epochs=2)
    assert not flushes()
    learner.step(X, Y)
    learner.step(X[0], Y[0])
    assert not flushes()
    learner.net(X)
    learner.net(X[0])
    assert not flushes()
    with pytest.raises(errors.Diverged):
        cr.Learner(learner.net.copy(), cr.SGD(1e200), engine="native").fit(X, Y, epochs=50)
    assert not flushes()
    seen = []
    learner.fit(X, Y, epochs=2, callbacks=[lambda *_: seen.append(flushes())])
    with ThreadPoolExecutor(1) as pool:
        seen.append(pool.submit(lambda: (learner.fit(X, Y, epochs=1), flushes())[1]).result())
    assert seen == [False, False, False]


def test_signal_handlers_run_in_the_callers_mode(flushes):
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(flushes()))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        learner = make()
        while not seen:
            learner.fit(X, Y, epochs=50_000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen == [False]


def test_subnormal_numbers_count_as_zero_in_training_on_every_thread():
    # Weights that a penalty shrinks come to the subnormal range, where the reference goes on.
    for n_jobs in (1, 3):
        net = cr.Network([200, 40, 40], "identity", "squared_error", dtype="float32", seed=0)
        net.theta *= 1e-30
        reference = net.copy()
        for engine, one in (("native", net), ("reference", reference)):
            learner = cr.Learner(
                one, cr.SGD(0.5), l2=100.0, batch_size=None, n_jobs=n_jobs, engine=engine
            )
            learner.fit(np.zeros((100, 200)), np.zeros((100, 40)), epochs=25)
        least = np.finfo("float32").smallest_normal
        assert ((reference.theta != 0) & (abs(reference.theta) < least)).any()
        assert not ((net.theta != 0) & (abs(net.theta) < least)).any()
        assert abs(net.theta).max() < 10 * least


# --- what the user writes counts ---


def test_writes_between_calls_count():
    net = make().net
    fresh = net.copy()
    rule = cr.SGD(0.1)
    learner = cr.Learner(net, rule, batch_size=None, shuffle=False, engine="native")
    net(X), net(X[0]), learner.fit(X, Y, epochs=1), learner.step(X, Y), learner.step(X[0], Y[0])
    writes = [
        lambda net: net.theta.fill(0.25),
        lambda net: net.weights[0].__setitem__((0, 0), 7.0),
        lambda net: net.weights.__setitem__(1, np.ones((9, 2))),
        lambda net: net.biases[-1].__setitem__(slice(None), [3.0, -3.0]),
        lambda net: net.thetas[0].__setitem__((slice(None), 0), 0.5),
        lambda net: setattr(net, "theta", np.linspace(-1, 1, net.n_parameters)),
    ]
    for write in writes:
        for call in (
            lambda net, learner: net(X),
            lambda net, learner: net(X[0]),
            lambda net, learner: net(sparse.csr_array(X)),
            lambda net, learner: learner.fit(X, Y, epochs=2).costs,
            lambda net, learner: learner.step(X, Y),
            lambda net, learner: learner.step(X[0], Y[0]),
        ):
            write(net)
            fresh.theta = net.theta
            got = call(net, learner)
            again = cr.Learner(fresh, rule, batch_size=None, shuffle=False, engine="native")
            assert np.array_equal(got, call(fresh, again))
            assert np.array_equal(net.theta, fresh.theta)


def test_changed_settings_count():
    learner = make()
    learner.fit(X, Y, epochs=1)
    learner.step(X[0], Y[0])
    for name, value in [
        ("l2", 3.0), ("l1", 0.5), ("dropout", 0.0), ("dropout", 0.5), ("seed", 77),
        ("batch_size", 3), ("batch_size", None), ("shuffle", False), ("n_jobs", 2),
    ]:  # fmt: skip
        setattr(learner, name, value)
        other = copy.deepcopy(learner)
        assert getattr(other, name) == value
        for one in (learner, other):
            one.step(X[0], Y[0])
            one.fit(X, Y, epochs=2)
            one.step(X[1], Y[1])
        assert learner.net.theta.tobytes() == other.net.theta.tobytes()


def test_targets_and_rows_changed_between_calls_count():
    learner, other = make(), make()
    rows, targets = X.copy(), Y.copy()
    learner.fit(rows, targets, epochs=1)
    other.fit(X, Y, epochs=1)
    rows *= 2
    targets += 1
    assert learner.fit(rows, targets, epochs=1).costs == other.fit(2 * X, Y + 1, epochs=1).costs
    assert learner.net.theta.tobytes() == other.net.theta.tobytes()


# --- one example at once ---


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "loss",
    [
        *("squared_error", "log_loss", "cross_entropy", "poisson"),
        *("absolute_error", cr.Huber(0.3), cr.Quantile([0.1, 0.9]), cr.LogLoss(0.1)),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "rule", [cr.SGD(0.01), cr.SGD(1e-3, 0.9), cr.SGD(1e-3, 0.9, True), cr.Adam(0.01)], ids=repr
)
def test_the_short_way_is_the_long_one(rule, loss, dtype, make_targets):
    rng = np.random.default_rng(3)
    rows, targets = rng.normal(size=(30, 5)).astype(dtype), make_targets(loss, 30, 2, rng)
    targets = targets if targets.ndim == 1 else targets.astype(dtype)
    net = cr.Network([5, 17, 2], "gelu", loss, dtype=dtype, seed=2)
    learners = [
        cr.Learner(net.copy(), rule, l2=0.1, l1=0.01, dropout=0.3, engine="native")
        for _ in range(3)
    ]
    for x, y in zip(rows, targets, strict=True):
        costs = [
            learners[0].step(x, y),
            learners[1].step(x[None], [y]),
            learners[2].step(x.tolist(), y),
        ]
        assert costs[0] == costs[1] == costs[2]
        assert len({one.net.theta.tobytes() for one in learners}) == 1
        assert learners[0].net(x).tobytes() == learners[0].net(x[None]).tobytes()
    assert {(one.n_steps, one.n_epochs, one.n_examples_seen) for one in learners} == {(30, 0, 30)}


def test_the_short_way_refuses_what_the_long_one_does():
    learner = make()
    net = learner.net
    learner.step(X[0], Y[0])
    before = net.theta.copy()
    for x, y in [
        (X[0][:4], Y[0]), (np.append(X[0], 1.0), Y[0]), (X[0] * np.nan, Y[0]),
        (X[0], Y[0] * np.inf), (X[0], Y[0][:1]), (X[0], 3.0), (X[0].astype(complex), Y[0]),
        (X[0].astype("U"), Y[0]), (X[0, :0], Y[0]), (X[0], None),
    ]:  # fmt: skip
        with pytest.raises(errors.InvalidInput):
            learner.step(x, y)
    for x in (X[0][:4], np.append(X[0], 1.0), X[0] * np.nan, X[0].astype("U"), X[0, :0]):
        with pytest.raises(errors.InvalidInput):
            net(x)
    assert np.array_equal(net.theta, before)
    assert learner.n_steps == 1
    classes = cr.Learner(cr.Network([5, 3], seed=0), engine="native")
    x = X[0].astype("float32")
    for wrong in (3, -1, 10**30, 0.5, "a", None):
        with pytest.raises(errors.InvalidInput):
            classes.step(x, wrong)
    assert classes.n_steps == 0
    assert classes.step(x, np.int8(2)) == cr.Learner(cr.Network([5, 3], seed=0)).step([x], [2])


@pytest.mark.parametrize("form", ["strided", "read-only", "integers", "float32", "big-endian"])
def test_a_single_row_in_any_form(form):
    x = np.round(X[0] * 4)
    forms = {
        "strided": lambda: np.repeat(x, 2)[::2],
        "read-only": lambda: np.frombuffer(x.tobytes()),
        "integers": lambda: x.astype(int),
        "float32": lambda: x.astype("float32"),
        "big-endian": lambda: x.astype(">f8"),
    }
    one, other = make(), make()
    for _ in range(2):
        assert one.net(forms[form]()).tobytes() == other.net(x).tobytes()
        assert one.step(forms[form](), Y[0]) == other.step(x, Y[0])


# --- which engine runs ---


@pytest.mark.parametrize("level", ["v5", "avx2", "V4", " v4", "native"])
def test_a_wrong_level_is_a_clear_error(level, monkeypatch):
    monkeypatch.setenv("CHAINRULE_ISA", level)
    load_core.cache_clear()
    with pytest.raises(errors.UnknownName) as caught:
        make()
    for word in ("CHAINRULE_ISA", repr(level), "'v3'", "'v4'"):
        assert word in str(caught.value)
    monkeypatch.undo()
    assert make().engine == "native"


def test_an_empty_level_is_none(monkeypatch):
    monkeypatch.setenv("CHAINRULE_ISA", "")
    load_core.cache_clear()
    assert load_core().isa == levels()[-1]


def test_a_level_that_this_processor_lacks_is_a_clear_error(monkeypatch):
    (lacking, *_) = [level for level in ("v3", "v4", "neon") if level not in levels()] or [None]
    if lacking is None:
        pytest.skip("this processor has every level")
    monkeypatch.setenv("CHAINRULE_ISA", lacking)
    load_core.cache_clear()
    for attempt in (make, lambda: make("auto"), lambda: cr.Network([2, 2])([1.0, 2.0])):
        with pytest.raises(errors.InvalidParameter) as caught:
            attempt()
        for word in (f"CHAINRULE_ISA={lacking}", *levels(), "unset"):
            assert word in str(caught.value)
    monkeypatch.undo()
    assert make().engine == "native"


def test_without_a_core_the_reference_serves_with_one_warning(use_no_core):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learner = make("auto")
        learner.fit(X, Y, epochs=3)
        learner.step(X[0], Y[0])
        other = make("auto")
        other.net(X), other.net(X[0])
    assert learner.engine == other.engine == "reference"
    (warning,) = caught
    with pytest.raises(errors.InvalidParameter) as refused:
        make("native")
    assert "reference engine is used" in str(warning.message)
    assert "engine='auto'" in str(refused.value)
    for said in (str(warning.message), str(refused.value)):
        assert "x86-64-v3" in said
        # The remedy is another one: to install again, or another machine.
        assert ("processor" in said) == (use_no_core == "old processor")
        assert ("install chainrule again" in said) == (use_no_core != "old processor")
    reference = make("reference")
    reference.fit(X, Y, epochs=3)
    reference.step(X[0], Y[0])
    assert learner.net.theta.tobytes() == reference.net.theta.tobytes()


SINE = cr.Activation("sine", np.sin, np.cos)
SHADOW = cr.Activation("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2)
COSH = cr.Loss(
    "log_cosh",
    "identity",
    hypothesis=lambda z: z,
    per_example=lambda z, y: np.log(np.cosh(z - y)).sum(axis=1),
    delta=lambda z, h, y: np.tanh(h - y),
)


class Rule(cr.optimizers.Optimizer):
    learning_rate = 0.1

    def init(self, theta):
        return {}

    def update(self, theta, grad, state, t, rate):
        theta -= rate * grad


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ({"activation": SINE}, cr.SGD(0.1)),
        ({"activation": SHADOW}, cr.SGD(0.1)),
        ({"activation": ["tanh", SINE]}, cr.SGD(0.1)),
        ({"loss": COSH}, cr.SGD(0.1)),
        ({}, Rule()),
    ],
    ids=["activation", "of a built-in's name", "one of two", "loss", "rule"],
)
def test_own_parts_run_on_the_reference_and_not_natively(parts, rule):
    net = cr.Network([5, 4, 4, 2], **{"loss": "squared_error"} | parts)
    assert cr.Learner(net, rule).engine == "reference"
    with pytest.raises(errors.InvalidParameter) as caught:
        cr.Learner(net, rule, engine="native")
    for word in ("engine='native'", "built-in", "'auto'", "'reference'"):
        assert word in str(caught.value)
    assert len(cr.Learner(net, rule).fit(X, Y, epochs=2)) == 2


def test_sparse_rows_too_wide_to_write_out(monkeypatch):
    monkeypatch.setattr(native, "_LARGEST_SPARSE_BATCH", 8 * 5 * 20)
    rows = sparse.csr_array(X)
    assert make(batch_size=20).fit(rows, Y, epochs=1)
    with pytest.raises(errors.InvalidParameter, match="smaller batches"):
        make(batch_size=21).fit(rows, Y, epochs=1)
    learner = make("auto", batch_size=21)
    assert learner.engine == "native"
    learner.fit(rows, Y, epochs=1)
    assert learner.engine == "reference"
    net = make().net
    np.testing.assert_array_equal(net(rows), net(X))  # in parts


def test_sparse_rows_with_columns_outside_are_refused():
    for wrong in (5, -1, 10**6):
        rows = sparse.csr_array(X)
        rows.indices = rows.indices.copy()
        rows.indices[7] = wrong
        with pytest.raises(errors.InvalidInput, match="indices of the sparse X do not fit"):
            make().fit(rows, Y, epochs=1)


# --- how many threads ---


@pytest.fixture
def limits(monkeypatch, tmp_path):
    """Return a function that pretends to have so many processors and such a quota."""

    def forget():
        getattr(threads._quota, "cache_clear", lambda: None)()

    def pretend(processors, quota):
        (tmp_path / "cpu.max").write_text(quota)
        monkeypatch.setattr(threads, "_CGROUP_QUOTAS", (str(tmp_path / "cpu.max"),))
        monkeypatch.setattr(threads, "_processors", lambda: processors)
        monkeypatch.setattr(threads, "_limit", [])  # another test's, by threadpoolctl
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        forget()

    yield pretend
    monkeypatch.undo()
    forget()


def test_available_threads(limits, monkeypatch):
    limits(8, "600000 100000")
    assert threads.available_threads() == 6
    for value, expected in (("3", 3), ("1", 1), ("100", 6), ("", 6), (" 2 ", 2), ("4,2", 4)):
        monkeypatch.setenv("OMP_NUM_THREADS", value)
        assert threads.available_threads() == expected
    for wrong in ("0", "-1", "two", "1.5", "²"):
        monkeypatch.setenv("OMP_NUM_THREADS", wrong)
        with pytest.raises(errors.InvalidParameter) as caught:
            threads.available_threads()
        assert "OMP_NUM_THREADS" in str(caught.value)
        assert repr(wrong) in str(caught.value)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("150000 100000", 2), ("50000 100000", 1), ("400000 100000", 4), ("max 100000", 8)],
)
def test_the_quota_of_a_control_group_counts(quota, expected, limits):
    limits(8, quota)
    assert threads.available_threads() == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="has no processor affinity")
def test_affinity_counts(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = os.sched_getaffinity(0)
    assert threads._processors() == len(before)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert threads.available_threads() == 1
    finally:
        os.sched_setaffinity(0, before)


def threads_now():
    """The threads that there are, but for those that are ending.

    Linux lists a thread for a while after it was joined, longer where processors are busy.
    """
    found = set()
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError), open(f"/proc/self/task/{thread}/stat") as file:
            flags = int(file.read().rpartition(")")[2].split()[6])
            if not flags & 0x4:  # PF_EXITING
                found.add(thread)
    return found


def threads_while(train):
    """The most threads that there were at a time which this made, over some looks at it.

    It is done again until it was looked at often enough: on a busy machine the one who looks may
    have no processor while it lasts.
    """
    most, looks, stop, began = [0], [0], threading.Event(), threading.Event()
    before = set()

    def look():
        before.update(threads_now())
        began.set()
        while not stop.is_set():
            most[0] = max(most[0], len(threads_now() - before))
            looks[0] += 1
            time.sleep(0.0005)

    watcher = threading.Thread(target=look)
    watcher.start()
    began.wait()
    try:
        while looks[0] < 20:
            train()
    finally:
        stop.set()
        watcher.join()
    return most[0]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
def test_as_many_threads_as_asked_for_and_small_nets_on_one(limits, monkeypatch):
    assert threads_while(lambda: make(n_jobs=1).fit(X, Y, epochs=2000)) == 0
    assert threads_while(lambda: make(n_jobs=3, batch_size=60).fit(X, Y, epochs=500)) == 2
    limits(2, "max 100000")
    assert threads_while(lambda: make(n_jobs=None).fit(X, Y, epochs=2000)) == 0
    assert threads_while(lambda: make(n_jobs=-1).fit(X, Y, epochs=500)) == 1
    # The work of a step decides.
    wide, rows = cr.Network([300, 300, 1], loss="squared_error"), np.zeros((512, 300))

    def train():
        cr.Learner(wide, batch_size=512).fit(rows, np.zeros(512), epochs=60)

    assert threads_while(train) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads_while(train) == 0
    assert threads_while(lambda: make(n_jobs=-1).fit(X, Y, epochs=2000)) == 0


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_without_number(dtype):
    # A batch of 7 rows is at most two tiles of rows, and this net has two layers of weights.
    few, many = (make(n_jobs=n, dtype=dtype) for n in (2, 10_000))
    assert threads_while(lambda: many.fit(X, Y, epochs=500)) == 1
    few.fit(X, Y, epochs=many.n_epochs)
    assert few.net.theta.tobytes() == many.net.theta.tobytes()
    # Thousands of tiles; the processors are what is short.
    rows, targets = np.tile(X, (1000, 1)), np.tile(Y, (1000, 1))
    few, many = (make(n_jobs=n, batch_size=None, dtype=dtype) for n in (1, 10_000))
    assert 0 < threads_while(lambda: many.fit(rows, targets, epochs=2)) < 4 * os.cpu_count()
    few.fit(rows, targets, epochs=many.n_epochs)
    assert few.net.theta.tobytes() == many.net.theta.tobytes()


def test_threadpoolctl_sees_and_limits():
    import threadpoolctl

    make().fit(X, Y, epochs=1)
    # One for each core that is loaded; all of them have one limit.
    pools = threadpoolctl.ThreadpoolController().select(user_api="chainrule").info()
    before = threads.available_threads()
    assert pools
    assert {pool["num_threads"] for pool in pools} == {before}
    with threadpoolctl.threadpool_limits(1, user_api="chainrule"):
        assert threads.available_threads() == 1
        assert threads_while(lambda: make(n_jobs=-1).fit(X, Y, epochs=2000)) == 0
    with threadpoolctl.threadpool_limits(1):
        assert threads.available_threads() == 1
    assert threads.available_threads() == before


# --- diverging ---


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_diverging_stops_at_once_and_keeps_the_finished_epochs(dtype, n_jobs):
    results = []
    for engine in ("reference", "native"):
        net = cr.Network([5, 9, 2], "identity", "squared_error", dtype=dtype, seed=2)
        learner = cr.Learner(net, cr.SGD(2.0), batch_size=25, n_jobs=n_jobs, engine=engine)
        with np.errstate(all="ignore"), pytest.raises(errors.Diverged) as caught:
            learner.fit(X, Y, epochs=10**6)
        history = learner.history
        assert 0 < len(history) == learner.n_epochs < 1000
        assert np.isfinite(history.costs).all()
        assert f"step {learner.n_steps} (epoch {learner.n_epochs + 1})" in str(caught.value)
        assert 3 * len(history) < learner.n_steps <= 3 * len(history) + 3
        results.append((learner.n_epochs, learner.n_steps))
    assert results[0] == results[1]


def test_a_step_that_diverges_says_so():
    for x, y in ((X, Y), (X[0], Y[0])):
        net = cr.Network([5, 2], loss="squared_error", dtype="float64", seed=2)
        net.theta *= 1e200
        learner = cr.Learner(net, cr.SGD(0.1), engine="native")
        with pytest.raises(errors.Diverged, match="cost became inf"):
            learner.step(x, y)
        assert learner.n_epochs == 0


def test_weights_that_go_to_infinity_with_the_last_update_are_said():
    for x, y in ((X, Y), (X[0], Y[0])):
        net = cr.Network([5, 2], loss="squared_error", dtype="float64", seed=2)
        with pytest.raises(errors.Diverged, match="infinite"):
            cr.Learner(net, cr.SGD(1.7e308), batch_size=60).step(1e3 * x, y)


def test_an_infinite_penalty_diverges():
    for engine in ("reference", "native"):
        net = cr.Network([1, 1], loss="cross_entropy", init="zeros", dtype="float32")
        net.weights[0] = [[1e20]]
        learner = cr.Learner(net, cr.SGD(1e-3), l2=1.0, engine=engine)
        with np.errstate(all="ignore"), pytest.raises(errors.Diverged):
            learner.fit([[1.0], [1.0]], [1, 1], epochs=3)


# --- copies and memory ---


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies_after_native_use(duplicate):
    learner = make()
    learner.fit(X, Y, epochs=3)
    learner.step(X[0], Y[0])
    learner.net(X), learner.net(X[0])
    other = duplicate(learner)
    assert other.engine == "native"
    assert (other.n_steps, other.n_epochs) == (learner.n_steps, 3)
    for one in (learner, other) if duplicate is not copy.copy else (other,):
        one.fit(X, Y, epochs=3)
        one.step(X[0], Y[0])
    if duplicate is not copy.copy:  # whose network is shared
        assert other.net.theta.tobytes() == learner.net.theta.tobytes()
        assert other.net(X[0]).tobytes() == learner.net(X[0]).tobytes()
    net = duplicate(learner.net)
    assert net(X).tobytes() == learner.net(X).tobytes()
    size = len(pickle.dumps(learner))
    assert size < 40_000  # the state, and none of the engine's buffers


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def fit_tiny(n):
    rows, targets = X[:12], Y[:12]
    for i in range(n):
        learner = make(dtype=("float32", "float64")[i % 2], n_jobs=1 + (i % 16 == 0))
        learner.fit(rows, targets, epochs=2)
        learner.step(rows[0], targets[0])
        learner.net(rows)
        learner.net(rows[0])
        if i % 10 == 0:
            with contextlib.suppress(errors.Diverged), np.errstate(all="ignore"):
                cr.Learner(learner.net, cr.SGD(1e300), engine="native").fit(rows, targets)


@pytest.mark.skipif(not os.path.isfile("/proc/self/statm"), reason="reads memory in /proc")
@pytest.mark.parametrize("n", [2000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_no_leak_over_many_fits(n):
    fit_tiny(500)
    gc.collect()
    before = resident()
    fit_tiny(n)
    gc.collect()
    # A leak of one tiny net's buffers, some 10 kB, would be 20 MB over 2,000.
    assert resident() - before < 4e6


NO_COPY = """
import numpy as np, chainrule as cr

def most():  # bytes of memory so far
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))

X, Y = np.ones((400_000, 50), "float32"), np.ones((400_000, 1), "float32")  # X: 80 MB
net = cr.Network([50, 1], loss="squared_error", seed=0)
learner = cr.Learner(net, cr.SGD(1e-3), batch_size={batch_size}, n_jobs=1, engine="native")
learner.fit(X[:100], Y[:100], epochs=1)
net(X[:100])
before = most()
{what}
print(most() - before)
"""


@pytest.mark.skipif(not os.path.isfile("/proc/self/status"), reason="reads memory in /proc")
@pytest.mark.parametrize(
    ("batch_size", "what", "allowed"),
    [
        # A full batch needs each row's loss and delta, in whole vectors; predictions 1.6 MB.
        (64, "learner.fit(X, Y, epochs=1)", 20e6),
        (None, "learner.fit(X, Y, epochs=1)", 60e6),
        (64, "net(X)", 8e6),
    ],
)
def test_no_copy_of_rows_that_are_right(batch_size, what, allowed, python):
    result = python(NO_COPY.format(batch_size=batch_size, what=what))
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < allowed
