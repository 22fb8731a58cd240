"""Checkpoints and what happens to files: cut short, full disks, folders that go, kills, Ctrl-C."""

import itertools
import os
import resource
import shutil
import signal
import subprocess
import time
import warnings
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import CheckpointMismatch, CheckpointWarning, InvalidFile, UnwritablePath
from chainrule.storage import atomic, read_tensors, write_tensors
from chainrule.training.checkpoint import read_checkpoint

# Fits of random numbers for a moment, about which there is much to diagnose.
pytestmark = pytest.mark.filterwarnings("ignore::chainrule.errors.TrainingWarning")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(20, 3))
Y = X[:, :1] ** 2


def make():
    net = cr.Network([3, 2, 1], "tanh", "squared_error", seed=1)
    return cr.Learner(net, cr.Adam(0.02), batch_size=8, dropout=0.2)


def bits(learner):
    return learner.net.theta.tobytes(), learner.n_steps, learner.history.costs


def fit(epochs, path, **settings):
    learner = make()
    checkpoint = cr.Checkpoint(path, every_epochs=1)
    learner.fit(X, Y, epochs=epochs, checkpoint=checkpoint, **settings)
    return bits(learner)


@contextmanager
def one_warning(match):
    with pytest.warns(CheckpointWarning, match=match) as caught:
        yield
    assert [w.category for w in caught].count(CheckpointWarning) == 1


@pytest.fixture
def run(tmp_path):
    """A checkpoint of 4 epochs, with the one of 3 before it."""
    fit(4, tmp_path / "run")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run.previous"]
    return tmp_path / "run"


# --- damage ---


def test_cut_short_at_every_byte(run):
    content, expected = run.read_bytes(), fit(6, run.parent / "whole")
    before = run.with_name("run.previous")
    kept = before.read_bytes()
    _, header = read_tensors(before)
    for length in range(len(content)):
        run.write_bytes(content[:length])
        with one_warning("goes on from the checkpoint before"):
            assert read_checkpoint(run).header == header
        before.write_bytes(kept[: length % len(kept)])
        with pytest.raises(InvalidFile, match="damaged"):
            fit(6, run, resume=True)
        assert run.read_bytes() == content[:length]
        before.write_bytes(kept)
        if length % 211 == 0:
            with one_warning("goes on from the checkpoint before"):
                assert fit(6, run, resume=True) == expected
            before.write_bytes(kept)


def test_the_good_one_before_is_not_replaced_by_a_damaged_one(run, monkeypatch):
    expected, kept = fit(6, run.parent / "whole"), run.with_name("run.previous").read_bytes()
    run.write_bytes(b"damaged")

    def full(*_):
        raise OSError(28, "full")

    monkeypatch.setattr(atomic, "_write_aside", full)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert fit(6, run, resume=True) == expected
    assert [w.category for w in caught].count(CheckpointWarning) == 2
    assert run.with_name("run.previous").read_bytes() == kept


def without(key):
    return lambda tensors, header: (tensors.pop(key, None), header.pop(key, None))


def put(key, value):
    return lambda tensors, header: header.update({key: value})


def counter(key, value):
    return lambda tensors, header: header["progress"].update({key: value})


def tensor(key, value):
    return lambda tensors, header: tensors.update({key: np.asarray(value)})


KEYS = ["theta", "epoch", "optimizer.mean", "history.cost", "history.seconds", "plateau", "start"]
CHANGES = {
    **{f"without {key}": without(key) for key in [*KEYS, "progress", "first_epoch", "callbacks"]},
    **{f"{key} is {value!r}": put(key, value) for key, value in itertools.product(
        ["first_epoch", "progress", "start", "stopped_by", "callbacks"], [-1, 1.5, {}, "x"])},
    **{f"{key} is {value!r}": counter(key, value) for key, value in itertools.product(
        ["step", "epoch", "position", "reductions"], [-1, 2**62 + 1, 1.0, None, True, "1", 20])
       if value != 20 or key in ("epoch", "position")},
    **{f"{key} is {np.shape(value)}": tensor(key, value) for key, value in itertools.product(
        ["theta", "epoch", "optimizer.square", "history.cost", "plateau"],
        [1.0, np.zeros(0), np.zeros((2, 2)), np.zeros(11, np.int32)])},
    "a plateau of NaN": tensor("plateau", [1.0, np.nan]),
    "half a plateau": tensor("plateau", [1.0, 0.5]),
    "an endless plateau": tensor("plateau", [1.0, np.inf]),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_parts_that_contradict_each_other(run, change):
    settings = {"tol": 1e-9}
    fit(4, run, **settings)
    tensors, header = read_tensors(run)
    for own in ("format", "format_version", "chainrule", "tensors_sha256", "header_sha256"):
        header.pop(own)
    change(tensors, header)
    write_tensors(run, tensors, header)
    before = run.read_bytes()
    learner = make()
    then = bits(learner)
    with pytest.raises((InvalidFile, CheckpointMismatch)) as caught:
        learner.fit(X, Y, epochs=6, checkpoint=run, resume=True, **settings)
    assert str(run) in str(caught.value)
    assert bits(learner) == then
    assert run.read_bytes() == before


# --- where it cannot be written ---


def test_a_folder_that_was_never_there(tmp_path):
    with pytest.raises(UnwritablePath, match="make it first"):
        fit(3, tmp_path / "no" / "run")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_device_that_is_full():
    learner = make()
    learner.fit(X, Y, epochs=6)
    with one_warning("could not be written.*The training goes on"):
        assert fit(6, "/dev/full") == bits(learner)


def test_a_folder_that_disappears_and_comes_back(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    expected = make()
    expected.fit(X, Y, epochs=9)
    learner = make()

    def callback(_, record):
        if record["epoch"] == 3:
            shutil.rmtree(folder)
        if record["epoch"] == 7:
            folder.mkdir()

    where = cr.Checkpoint(folder / "run", every_epochs=1)
    with one_warning("does not exist"):
        learner.fit(X, Y, epochs=9, checkpoint=where, callbacks=[callback])
    assert bits(learner) == bits(expected)
    again = make()  # it was written again, as soon as that could be
    again.fit(X, Y, epochs=9, checkpoint=where, resume=True, callbacks=[callback])
    assert bits(again) == bits(expected)


def test_a_disk_that_is_full_keeps_the_last_good_one(tmp_path):
    expected = fit(30, tmp_path / "whole")
    path = tmp_path / "run"
    fit(3, path)
    kept = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) // 2, hard))
    try:
        with one_warning("could not be written"):
            assert fit(30, path, resume=True) == expected
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == kept
    assert fit(30, path, resume=True) == expected
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "run", "run.previous", "whole", "whole.previous"
    ]  # fmt: skip


def test_without_links_the_one_before_is_a_copy(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(1, "no links")))
    fit(4, tmp_path / "run")
    (tmp_path / "run").write_bytes(b"")
    with one_warning("goes on from the checkpoint before"):
        assert fit(6, tmp_path / "run", resume=True) == fit(6, tmp_path / "whole")


def test_through_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "here").symlink_to(tmp_path / "there" / "run")
    fit(4, tmp_path / "here")
    names = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*"))
    assert names == ["here", "there", "there/run", "there/run.previous"]
    assert fit(6, tmp_path / "here", resume=True) == fit(6, tmp_path / "whole")


# --- kills ---

BEGIN = """
import hashlib, sys, warnings
import numpy as np, chainrule as cr

path, every, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]) or None
checkpoint = cr.Checkpoint(path, every_seconds=every)
rng = np.random.default_rng(0)
X = rng.normal(size=(4000, 8))
print("ready", flush=True)
"""
LEARNER = """
net = cr.Network([8, 24, 24, 2], "tanh", "squared_error", seed=1)
learner = cr.Learner(net, cr.SGD(0.01, 0.9), batch_size=1, dropout=0.1, l2=0.1, seed=3)
learner.fit(
    X, np.sin(X[:, :2]), epochs=120, tol=1e-9, n_iter_no_change=1000,
    checkpoint=checkpoint, resume=True, max_seconds=seconds,
)
kept = learner.history.costs
"""
# Its epochs are short, and scored each.
ESTIMATOR = """
warnings.filterwarnings("ignore", "Stochastic Optimizer")
model = cr.MLPClassifier(
    (24, 24), batch_size=8, dropout=0.1, random_state=2, early_stopping=True, max_iter=60,
    n_iter_no_change=10**6, checkpoint=checkpoint, resume=True, max_seconds=seconds,
)
model.fit(X, (np.sin(2 * X).sum(axis=1) > 0) * 1)
learner, net = model._learner, model.network_
kept = model.loss_curve_, model.validation_scores_, model.best_validation_score_, model.t_
"""
END = """
state = learner.__getstate__()
digest = hashlib.sha256(net.theta.tobytes())
for array in state["optimizer_state"].values():
    digest.update(array.tobytes())
digest.update(repr((state["progress"], kept)).encode())
print(learner.history.stopped_by, digest.hexdigest(), flush=True)
"""
SCRIPTS = {"learner": BEGIN + LEARNER + END, "estimator": BEGIN + ESTIMATOR + END}


@pytest.fixture(scope="module")
def training(pythons):
    """Return what begins a training in a process of its own."""

    @contextmanager
    def begin(kind, path, every=0.02, seconds=0):
        settings = ("-W", "error", "-c", SCRIPTS[kind], path, every, seconds)
        with pythons.start(*settings) as process:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
            yield process

    return begin


@pytest.fixture(scope="module")
def finished(training):
    """Return what trains to the end."""

    def train(kind, path, **settings):
        with training(kind, path, **settings) as process:
            out, err = process.stdout.read(), process.stderr.read()
            assert (process.wait(), err) == (0, "")
        return out.split()

    return train


@pytest.fixture(scope="module")
def never_stopped(training, tmp_path_factory):
    """What a training that was never stopped ends with, and how long it takes."""

    @cache
    def result(kind):
        path = tmp_path_factory.mktemp("whole") / "run"
        with training(kind, path) as process:
            begin = time.monotonic()
            out = process.stdout.read()
            return out.split(), time.monotonic() - begin

    return result


@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("learner", 2),
        ("estimator", 1),
        pytest.param("learner", 50, marks=pytest.mark.soak),
        pytest.param("estimator", 50, marks=pytest.mark.soak),
    ],
)
def test_killed_at_random_moments(tmp_path, training, finished, never_stopped, kind, kills):
    (expected, seconds), tries = never_stopped(kind), itertools.count()
    assert expected[0] == "epochs"
    for part in np.random.default_rng(kills).uniform(0, 1, size=kills):
        landed = False
        while not landed:
            path = tmp_path / f"run {next(tries)}"
            with training(kind, path) as process:
                begin = time.monotonic()
                try:
                    process.wait(timeout=part * seconds)
                    seconds = time.monotonic() - begin  # the machine is less busy than it was
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    landed = process.wait() == -signal.SIGKILL
            assert finished(kind, path) == expected


@pytest.mark.parametrize("kind", SCRIPTS)
def test_stopped_again_and_again(tmp_path, finished, never_stopped, kind):
    expected, seconds = never_stopped(kind)
    for _ in range(50):
        out = finished(kind, tmp_path / "run", seconds=seconds / 3)
        if out[0] != "max_seconds":
            break
    assert out == expected


def test_ctrl_c_writes_a_last_one(tmp_path, training, finished, never_stopped):
    expected, seconds = never_stopped("learner")
    with training("learner", tmp_path / "run", every=3600) as process:
        time.sleep(seconds / 3)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.stderr.read()
    _, header = read_tensors(tmp_path / "run")
    assert header["progress"]["step"] > 0
    assert finished("learner", tmp_path / "run") == expected
