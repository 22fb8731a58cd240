"""The command keeps how far a training is, goes on from there, and stops in time."""

import os
import signal
from itertools import count

import polars as pl
import pytest

import chainrule as cr
from chainrule.engines import native

OTHER = "label,class,good,visits"
TRAIN = ("train", "t.csv", "--target", "price", "--drop", OTHER, "--hidden", "8,8")


@pytest.fixture
def train(run, long_table):
    """Train on the prices of a table, and return what was said and the model's predictions."""
    long_table.write_csv("t.csv")

    def call(*more):
        ended = run(*TRAIN, "--model", "m", *more)
        assert ended.code == 0, ended
        return ended, cr.load("m").predict(long_table)

    return call


def test_it_goes_on_to_the_same_model(train, long_table):
    _, whole = train("--epochs", 12)
    for epochs in (5, 12):
        ended, part = train("--epochs", epochs, "--checkpoint", "c", "--resume")
        assert f"; {epochs} epochs in" in ended.out
    assert (part == whole).all()
    assert sorted(os.listdir()) == ["c", "c.previous", "m", "t.csv"]


def test_time_that_is_up_is_said(train):
    ended, _ = train("--epochs", 100_000, "--max-seconds", "0.001")
    assert "before it converged; --max-seconds was over." in ended.err
    ended, _ = train("--epochs", 100_000, "--max-seconds", "0.001", "--checkpoint", "c")
    assert "before it converged; --max-seconds was over; --resume goes on." in ended.err


def test_what_is_refused(refused, long_table):
    long_table.write_csv("t.csv")
    assert "--resume goes on from a checkpoint: add --checkpoint" in refused(*TRAIN, "--resume")
    assert "--max-seconds" in refused(*TRAIN, "--max-seconds", "0")
    assert "--max-seconds" in refused(*TRAIN, "--max-seconds", "soon")
    assert "does not exist" in refused(*TRAIN, "--checkpoint", "no/c")
    same = refused(*TRAIN, "--checkpoint", "m", "--model", "./m")
    assert "--checkpoint and --model are the same file" in same
    assert "the table are the same file" in refused(*TRAIN, "--checkpoint", "t.csv")


def test_another_training_is_refused(train, refused, long_table):
    train("--epochs", 2, "--checkpoint", "c")
    more = ("--checkpoint", "c", "--resume", "--epochs", 3)
    assert "random_state is 1 here and 0 in the file" in refused(*TRAIN, *more, "--seed", 1)
    assert "architecture's layers" in refused(*TRAIN, *more, "--hidden", "9")
    long_table.with_columns(pl.col("price") ** 2).write_csv("t.csv")
    assert "data differ: Y holds other values" in refused(*TRAIN, *more)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_is_a_note(train):
    ended, _ = train("--epochs", 3, "--checkpoint", "/dev/full")
    assert ended.err.count("note: The checkpoint could not be written") == 1


@pytest.mark.usefixtures("ctrl_c")
def test_interrupted_it_says_how_to_go_on(run, train, monkeypatch, long_table):
    _, whole = train("--epochs", 12)
    os.remove("m")
    epochs = native.NativeEngine.epochs
    calls = count(1)

    def pressed(*given, **more):
        if next(calls) == 5:
            signal.raise_signal(signal.SIGINT)
        return epochs(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(native.NativeEngine, "epochs", pressed)
        ended = run(*TRAIN, "--epochs", 12, "--checkpoint", "c", "--model", "m")
    assert ended.code == 130
    assert ended.err == "chainrule: interrupted; it goes on from 'c' with --resume.\n"
    assert sorted(os.listdir()) == ["c", "t.csv"]
    _, part = train("--epochs", 12, "--checkpoint", "c", "--resume")
    assert (part == whole).all()
