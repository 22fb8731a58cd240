"""What is to be seen of a training: the records, lines, a bar."""

import importlib.util
import io
import pickle
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule.errors import InvalidInput, InvalidParameter, MissingExtra
from chainrule.training.progress import Bar

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(60, 7)), rng.integers(0, 3, 60)


def flat_gradient(trace):
    pairs = zip(trace.grad_biases, trace.grad_weights, strict=True)
    return np.concatenate([part.ravel() for pair in pairs for part in pair])


@settings(max_examples=25, deadline=None)
@given(
    hidden=st.lists(st.sampled_from([1, 3, 16, 33, 130]), min_size=1, max_size=3),
    dtype=st.sampled_from(["float32", "float64"]),
    engine=st.sampled_from(["native", "reference"]),
    l2=st.sampled_from([0.0, 0.5]),
    l1=st.sampled_from([0.0, 0.5]),
    n=st.sampled_from([1, 5, 60]),
)
def test_the_norm_of_batch_descent_is_that_of_the_gradient(hidden, dtype, engine, l2, l1, n):
    net = cr.Network([7, *hidden, 3], activation="tanh", loss="log_loss", dtype=dtype, seed=0)
    learner = cr.Learner(net, cr.SGD(0.1), l2=l2, l1=l1, batch_size=None, engine=engine)
    for _ in range(2):
        expected = np.linalg.norm(flat_gradient(net.trace(X[:n], Y[:n], l2=l2, l1=l1)))
        record = learner.fit(X[:n], Y[:n], epochs=1)[0]
        assert record["gradient_norm"] == pytest.approx(
            expected, rel=1e-10 if dtype == "float64" else 1e-5
        )


def test_the_engines_have_the_same_norms():
    norms = []
    for engine in ("native", "reference"):
        net = cr.Network([7, 20, 3], loss="log_loss", dtype="float64", seed=0)
        learner = cr.Learner(net, cr.Adam(0.01), l2=0.1, dropout=0.3, batch_size=7, engine=engine)
        norms.append([r["gradient_norm"] for r in learner.fit(X, Y, epochs=5)])
    assert norms[0] == pytest.approx(norms[1], rel=1e-10)


def test_a_frame_of_the_records():
    learner = cr.Learner(cr.Network([7, 4, 3]), cr.Adam(0.01))
    history = learner.fit(X, Y, epochs=3)
    frame = history.to_frame()
    assert frame.to_dict("records") == list(history)
    assert cr.History().to_frame().columns.tolist() == frame.columns.tolist()


def test_without_pandas_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match="pip install pandas"):
        cr.History().to_frame()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_history_of_an_estimator(tmp_path):
    model = cr.MLPClassifier((4,), max_iter=4, random_state=0, warm_start=True).fit(X, Y)
    assert model.history_.costs == model.loss_curve_
    assert {r["learning_rate"] for r in model.history_} == {0.001}
    assert all(r["gradient_norm"] > 0 and r["seconds"] >= 0 for r in model.history_)
    model.fit(X, Y)
    model.partial_fit(X, Y)
    assert model.history_.costs == model.loss_curve_
    assert [r["epoch"] for r in model.history_] == list(range(1, 10))
    cr.save(model, tmp_path / "model")
    for copy in (pickle.loads(pickle.dumps(model)), cr.load(tmp_path / "model")):
        assert list(copy.history_) == list(model.history_)
        copy.partial_fit(X, Y)
        assert len(copy.history_) == 10
    model.set_params(warm_start=False).fit(X, Y)
    assert len(model.history_) == 4


@pytest.mark.parametrize(
    "break_it",
    [
        lambda s: s.pop("cost"),
        lambda s: s.update(cost=s["cost"][1:]),
        lambda s: s.update(epoch=s["epoch"].astype(float)),
        lambda s: s.update(cost=[1.0]),
        lambda s: s.update(stopped_by="whim"),
    ],
)
def test_a_damaged_history_is_refused(break_it):
    state = cr.Learner(cr.Network([7, 4, 3])).fit(X, Y, epochs=3).__getstate__()
    break_it(state)
    with pytest.raises(InvalidInput, match="damaged"):
        cr.History().__setstate__(state)


def test_lines_per_epoch(capsys):
    learner = cr.Learner(cr.Network([7, 4, 3]))
    history = learner.fit(X, Y, epochs=2, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"Epoch {r['epoch']}, cost = {r['cost']:.8f}" for r in history]


@pytest.mark.parametrize("verbose", ["loud", None, -1, 0.5, [1]])
def test_what_verbose_may_be(verbose):
    with pytest.raises(InvalidParameter, match="verbose must be"):
        cr.Learner(cr.Network([7, 4, 3])).fit(X, Y, epochs=1, verbose=verbose)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("rich", [True, False])
@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_bar_on_a_terminal(monkeypatch, rich, engine):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: find(name) if rich or name != "rich" else None
    )
    net, same = (cr.Network([7, 4, 3], seed=0) for _ in range(2))
    cr.Learner(net, engine=engine).fit(X, Y, epochs=5, verbose="auto")
    assert "epoch 5 of 5, cost" in stream.getvalue()
    cr.Learner(same, engine=engine).fit(X, Y, epochs=5)
    assert np.array_equal(net.theta, same.theta)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_a_bar_only_where_it_can_be_seen_or_is_asked_for(capsys, settings):
    for verbose, is_shown in (("auto", False), ("bar", True), (False, False)):
        cr.MLPClassifier((4,), max_iter=3, verbose=verbose, **settings).fit(X, Y)
        out, err = capsys.readouterr()
        assert out == ""
        assert ("of 3, cost" in err) == is_shown
    if settings.get("early_stopping"):
        cr.MLPClassifier((4,), max_iter=3, verbose="bar", **settings).fit(X, Y)
        assert ", validation " in capsys.readouterr().err


def test_the_bar_goes_when_a_fit_fails(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)

    def fail(learner, record):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cr.Learner(cr.Network([7, 4, 3])).fit(X, Y, epochs=3, verbose="bar", callbacks=[fail])
    assert stream.getvalue() == "" or stream.getvalue().endswith("\x1b[2K")


@given(done=st.floats(0, 100), cost=st.floats(allow_nan=True), validation=st.none() | st.floats())
@example(done=5e-324, cost=0.0, validation=None)
def test_the_bar_takes_any_numbers(done, cost, validation):
    stream, before = io.StringIO(), sys.stderr
    try:
        sys.stderr = stream
        with Bar(100, always=True) as bar:
            bar.show(0, cost, at_once=True)
            bar.show(done, cost, validation, at_once=True)
    finally:
        sys.stderr = before
    assert f"epoch {int(done)} of 100" in stream.getvalue()


def test_convergence_is_no_diagnosis():
    assert not issubclass(ConvergenceWarning, cr.TrainingWarning)
