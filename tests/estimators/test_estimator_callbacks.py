"""The callback protocol of sklearn.callback."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier, MLPRegressor


class Recorder:
    """Keeps what it hears; stops or raises in an epoch if asked to."""

    def __init__(self, stop_at=None, raise_at=None, error=ValueError):
        self.heard = []
        self.stop_at, self.raise_at, self.error = stop_at, raise_at, error

    def setup(self, estimator, context):
        self.heard.append(("setup", context.task_name, None, {"epochs": context.max_subtasks}))

    def teardown(self, estimator, context):
        self.heard.append(("teardown", context.task_name, None, {}))

    def on_fit_task_begin(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        passed = {"X": X, "y": y, "metadata": metadata, "fitted": fitted_estimator}
        self.heard.append(("begin", context.task_name, context.task_id, passed))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        passed = {"X": X, "y": y, "metadata": metadata, "fitted": fitted_estimator}
        self.heard.append(("end", context.task_name, context.task_id, passed))
        if context.task_name == "epoch" and context.task_id == self.raise_at:
            raise self.error("as the test asked")
        return context.task_name == "epoch" and context.task_id == self.stop_at

    def names(self):
        return [(event, task) for event, task, _, _ in self.heard]

    def ends(self):
        return [
            p["fitted"] for event, task, _, p in self.heard if (event, task) == ("end", "epoch")
        ]


class Propagated(Recorder):
    """One that meta-estimators hand on."""

    max_propagation_depth = None


def fit(model, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)


def small(kind, solver="adam", **settings):
    base = {"hidden_layer_sizes": (5,), "max_iter": 4, "random_state": 0, "tol": 0}
    return kind(**{**base, "solver": solver, "n_iter_no_change": np.inf, **settings})


def test_one_task_an_epoch_begun_and_ended_in_turn(make, kind, solver):
    estimator, settings, X, y = make(kind)
    recorder = Recorder()
    model = fit(small(estimator, solver, **settings).set_callbacks(recorder), X, y)
    assert model.n_iter_ == 4
    epochs = [("begin", "epoch"), ("end", "epoch")] * 4
    assert recorder.names() == [
        ("setup", "fit"),
        ("begin", "fit"),
        *epochs,
        ("end", "fit"),
        ("teardown", "fit"),
    ]
    ids = [i for event, task, i, _ in recorder.heard if (event, task) == ("begin", "epoch")]
    assert ids == [0, 1, 2, 3]
    assert not {name for name in vars(model) if "callback_fit" in name or "teardown" in name}


def test_callbacks_change_no_bit(make, kind, solver):
    estimator, settings, X, y = make(kind)
    plain = fit(small(estimator, solver, **settings), X, y)
    watched = fit(small(estimator, solver, **settings).set_callbacks(Recorder()), X, y)
    np.testing.assert_array_equal(plain.network_.theta, watched.network_.theta)


def test_the_fitted_estimator_is_the_one_that_stopped_there(make, kind, solver):
    """It predicts as a fit of that many epochs, also after the later ones."""
    estimator, settings, X, y = make(kind)
    recorder = Recorder()
    fit(small(estimator, solver, **settings).set_callbacks(recorder), X, y)
    for n_epochs, stopped in enumerate(recorder.ends(), start=1):
        shorter = fit(small(estimator, solver, max_iter=n_epochs, **settings), X, y)
        np.testing.assert_allclose(stopped.predict(X), shorter.predict(X), rtol=1e-12)
        np.testing.assert_array_equal(stopped.network_.theta, shorter.network_.theta)
        assert stopped.score(X, y) == pytest.approx(shorter.score(X, y))
        assert stopped.n_iter_ == n_epochs
        assert stopped.loss_ == shorter.loss_
        assert getattr(stopped, "loss_curve_", None) == getattr(shorter, "loss_curve_", None)


def test_a_kept_fitted_estimator_trains_on_its_own(make, kind):
    estimator, settings, X, y = make(kind)
    recorder = Recorder()
    model = fit(small(estimator, **settings).set_callbacks(recorder), X, y)
    before = model.network_.theta.copy()
    kept = recorder.ends()[1].set_callbacks()
    start = kept.network_.theta.copy()
    kept.partial_fit(X, y)
    assert not np.array_equal(kept.network_.theta, start)
    np.testing.assert_array_equal(model.network_.theta, before)
    pickle.dumps(kept)


def test_callbacks_get_the_users_targets_and_weights(make, solver):
    _, _, X, y = make("multiclass")
    labels = np.array(["x", "y", "z"])[y]
    recorder, weight = Recorder(), np.linspace(1, 2, len(X))
    model = small(MLPClassifier, solver, class_weight="balanced").set_callbacks(recorder)
    fit(model, X, labels, weight)
    for event, _, _, passed in recorder.heard:
        if event in {"begin", "end"}:
            np.testing.assert_array_equal(passed["X"], X)
            np.testing.assert_array_equal(passed["y"], labels)
            np.testing.assert_array_equal(passed["metadata"]["sample_weight"], weight)


def test_with_early_stopping_they_get_what_is_trained_on(make):
    kind, _, X, y = make("binary", n=100)
    recorder = Recorder()
    model = small(kind, early_stopping=True, validation_fraction=0.3).set_callbacks(recorder)
    fit(model, X, y, np.ones(100))
    passed = recorder.heard[1][3]
    assert len(passed["X"]) == len(passed["y"]) == len(passed["metadata"]["sample_weight"]) == 70
    # Each sees the validation score of its epoch.
    lengths = [len(stopped.validation_scores_) for stopped in recorder.ends()]
    assert lengths == [1, 2, 3, 4]


def test_stopping_is_honored_without_a_warning(make, kind, solver):
    estimator, settings, X, y = make(kind)
    recorder = Recorder(stop_at=1)
    model = small(estimator, solver, **settings).set_callbacks(recorder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, y)
    assert model.n_iter_ == 2
    assert recorder.names()[-2:] == [("end", "fit"), ("teardown", "fit")]
    shorter = fit(small(estimator, solver, max_iter=2, **settings), X, y)
    np.testing.assert_array_equal(model.network_.theta, shorter.network_.theta)


def test_one_that_stops_does_not_silence_the_other(make, solver):
    kind, _, X, y = make("binary")
    first, second = Recorder(stop_at=0), Recorder()
    model = small(kind, solver).set_callbacks(first, second)
    model.fit(X, y)
    assert model.n_iter_ == 1
    assert first.names() == second.names()


def test_teardown_also_after_an_error(make, solver):
    kind, _, X, y = make("binary")
    recorder, other = Recorder(raise_at=1), Recorder()
    model = small(kind, solver).set_callbacks(recorder, other)
    with pytest.raises(ValueError, match="as the test asked"):
        model.fit(X, y)
    assert recorder.names()[-2:] == [("end", "epoch"), ("teardown", "fit")]
    assert other.names()[-1] == ("teardown", "fit")
    recorder.raise_at = None
    assert fit(model, X, y).n_iter_ == 4


def test_interrupted_by_a_callback(make, solver):
    kind, _, X, y = make("binary")
    recorder = Recorder(raise_at=1, error=KeyboardInterrupt)
    model = small(kind, solver).set_callbacks(recorder)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    # The epoch that was interrupted ended once.
    assert recorder.names().count(("end", "epoch")) == 2
    assert recorder.names()[-2:] == [("end", "fit"), ("teardown", "fit")]
    shorter = fit(small(kind, solver, max_iter=2), X, y)
    np.testing.assert_array_equal(model.network_.theta, shorter.network_.theta)


def test_partial_fit_is_a_fit_of_one_epoch(make):
    kind, _, X, y = make("binary")
    recorder = Recorder()
    model = small(kind).set_callbacks(recorder)
    for _ in range(2):
        model.partial_fit(X, y, classes=[0, 1])
    once = ["setup", "begin", "begin", "end", "end", "teardown"]
    assert [event for event, *_ in recorder.heard] == once * 2
    assert recorder.heard[0][3]["epochs"] == 1
    fit(model, X, y)
    assert recorder.heard[12][3]["epochs"] == model.max_iter == 4


def test_scoring_monitor(make, kind, solver):
    estimator, settings, X, y = make(kind)
    if estimator is MLPClassifier and y.ndim == 1:
        y = np.array(["a", "b", "c"])[y]
    score = "accuracy" if estimator is MLPClassifier else "r2"
    monitor = ScoringMonitor(scoring=score)
    model = fit(small(estimator, solver, **settings).set_callbacks(monitor), X, y)
    log = monitor.get_logs().data_as_pandas
    epochs = log[log.task_name == "epoch"]
    assert len(epochs) == 4
    assert epochs[score].iloc[-1] == pytest.approx(model.score(X, y))
    first = fit(small(estimator, solver, max_iter=1, **settings), X, y)
    assert epochs[score].iloc[0] == pytest.approx(first.score(X, y))


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_progress_bar(kind, solver, iris, capsys):
    model = small(kind, solver).set_callbacks(ProgressBar())
    fit(model, *iris)
    shown = capsys.readouterr().out
    assert kind.__name__ in shown
    assert "100%" in shown


def test_propagated_from_a_pipeline(iris, solver):
    recorder = Propagated()
    model = make_pipeline(StandardScaler(), small(MLPClassifier, solver)).set_callbacks(recorder)
    fit(model, *iris)
    assert recorder.names().count(("begin", "epoch")) == 4
    assert recorder.names().count(("end", "epoch")) == 4
    assert recorder.names()[0][0] == "setup"
    assert recorder.names()[-1][0] == "teardown"
    assert not hasattr(model[-1], "_skl_callbacks")


def test_propagated_from_a_grid_search(iris):
    recorder = Propagated()
    pipeline = make_pipeline(StandardScaler(), small(MLPClassifier))
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [0.1, 1.0]}, cv=2, n_jobs=1)
    fit(search.set_callbacks(recorder), *iris)
    fits = 2 * 2 + 1
    assert recorder.names().count(("end", "epoch")) == 4 * fits
    assert [event for event, _ in recorder.names()].count("setup") == 1
    assert [event for event, _ in recorder.names()].count("teardown") == 1


def test_progress_bar_over_a_grid_search(iris, capsys):
    search = GridSearchCV(small(MLPClassifier), {"alpha": [0.1, 1.0]}, cv=2)
    fit(search.set_callbacks(ProgressBar()), *iris)
    shown = capsys.readouterr().out
    assert "GridSearchCV" in shown
    assert "MLPClassifier" in shown


def test_only_callbacks_are_taken():
    with pytest.raises(TypeError, match="FitCallback"):
        MLPClassifier().set_callbacks(print)
