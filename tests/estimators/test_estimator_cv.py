"""The penalty by cross-validation: the grid search's scores, over one copy of X."""

import inspect
import threading
import tracemalloc
import unittest
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr
from chainrule import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV
from chainrule.errors import Diverged

SINGLE = {MLPClassifierCV: MLPClassifier, MLPRegressorCV: MLPRegressor}
BOTH = pytest.mark.parametrize("kind", list(SINGLE))
ALPHAS = [1e-3, 1.0, 30.0]
SETTINGS = {"hidden_layer_sizes": 6, "max_iter": 15, "random_state": 0, "batch_size": 20}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(72, 5))
WEIGHT = RNG.uniform(0.5, 2, 72)
Y = {
    MLPClassifierCV: np.array(["a", "b", "c"])[(X @ RNG.normal(size=(5, 3))).argmax(axis=1)],
    MLPRegressorCV: X[:, 0] * X[:, 1] + RNG.normal(size=72) / 3,
}


def quietly(model, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)


def searched(kind, X, y, *, alphas=ALPHAS, cv=3, scoring=None, **settings):
    single = SINGLE[kind](**SETTINGS | settings)
    return quietly(GridSearchCV(single, {"alpha": alphas}, cv=cv, scoring=scoring), X, y)


@BOTH
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"solver": "lbfgs"},
        {"solver": "sgd", "dropout": 0.2, "dropout_input": 0.1},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"engine": "reference", "max_iter": 5},
        {"batch_size": "auto", "shuffle": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, lambda X: X.astype(np.float32)])
def test_scores_and_choice_are_the_grid_searchs(kind, settings, form):
    X_, y = form(X), Y[kind]
    model = quietly(kind(ALPHAS, cv=3, **SETTINGS | settings), X_, y)
    grid = searched(kind, X_, y, **settings)
    theirs = np.array([grid.cv_results_[f"split{k}_test_score"] for k in range(3)])
    exact = settings.get("solver") != "lbfgs"  # BLAS, whose rounding depends on its threads
    np.testing.assert_allclose(model.scores_, theirs, rtol=0 if exact else 0.05, atol=0)
    assert model.alpha_ == grid.best_params_["alpha"] == ALPHAS[model.best_index_]
    if exact:
        assert model.best_score_ == grid.best_score_
        best = grid.best_estimator_
        assert model.network_.theta.tobytes() == best.network_.theta.tobytes()
        np.testing.assert_array_equal(model.predict(X_), best.predict(X_))
        assert model.score(X_, y) == best.score(X_, y)


SCORINGS = [
    (MLPClassifierCV, "neg_log_loss"),
    (MLPClassifierCV, "roc_auc_ovr"),
    (MLPRegressorCV, "neg_mean_absolute_error"),
    (MLPRegressorCV, make_scorer(mean_absolute_error, greater_is_better=False)),
    (MLPRegressorCV, lambda model, X, y: -abs(model.predict(X) - y).mean()),
]


@pytest.mark.parametrize(("kind", "scoring"), SCORINGS, ids=range(len(SCORINGS)))
def test_any_scorer(kind, scoring):
    model = quietly(kind(ALPHAS, cv=3, scoring=scoring, **SETTINGS), X, Y[kind])
    grid = searched(kind, X, Y[kind], scoring=scoring)
    np.testing.assert_allclose(model.scores_.mean(axis=0), grid.cv_results_["mean_test_score"])
    assert model.alpha_ == grid.best_params_["alpha"]
    np.testing.assert_allclose(model.score(X, Y[kind]), grid.score(X, Y[kind]))


def test_the_loss():
    y = Y[MLPRegressorCV]
    model = quietly(MLPRegressorCV(ALPHAS, cv=3, scoring="loss", **SETTINGS), X, y)
    grid = searched(MLPRegressorCV, X, y, scoring="neg_mean_squared_error")
    np.testing.assert_allclose(
        2 * model.scores_.mean(axis=0), grid.cv_results_["mean_test_score"], rtol=1e-12
    )
    assert model.score(X, y) == pytest.approx(-((model.predict(X) - y) ** 2).mean() / 2)


@BOTH
def test_threads_change_no_bit(kind):
    thetas, others = set(), threading.active_count()  # those that tests before have left
    for n_jobs in (None, 1, 2, 5, -1):
        settings = SETTINGS | {"n_jobs": n_jobs}
        model = quietly(kind(ALPHAS, cv=2, **settings), X, Y[kind], sample_weight=WEIGHT)
        thetas.add((model.network_.theta.tobytes(), model.scores_.tobytes()))
    assert len(thetas) == 1
    assert threading.active_count() <= others


@BOTH
def test_weights_count_in_training_and_score(kind):
    splits = list(KFold(3).split(X))
    model = kind(ALPHAS, cv=splits, **SETTINGS)
    quietly(model, X, Y[kind], sample_weight=WEIGHT)
    for k, (train, test) in enumerate(splits):
        single = SINGLE[kind](alpha=ALPHAS[1], **SETTINGS)
        quietly(single, X[train], Y[kind][train], sample_weight=WEIGHT[train])
        score = single.score(X[test], Y[kind][test], sample_weight=WEIGHT[test])
        assert model.scores_[k, 1] == pytest.approx(score, rel=1e-12)


@BOTH
def test_groups_and_splitters(kind):
    groups = np.arange(72) % 4
    by_groups = quietly(kind(ALPHAS, cv=GroupKFold(4), **SETTINGS), X, Y[kind], groups=groups)
    assert by_groups.scores_.shape == (4, 3)
    listed = list(GroupKFold(4).split(X, groups=groups))
    again = quietly(kind(ALPHAS, cv=listed, **SETTINGS), X, Y[kind])
    np.testing.assert_array_equal(by_groups.scores_, again.scores_)


@BOTH
def test_what_is_drawn_is_drawn_once(kind):
    settings = SETTINGS | {"random_state": np.random.RandomState(3)}
    a = quietly(kind([0.1, 0.1], cv=3, **settings), X, Y[kind])
    np.testing.assert_array_equal(a.scores_[:, 0], a.scores_[:, 1])
    assert a.best_index_ == 0  # of equal ones the first


@BOTH
def test_without_refit(kind):
    model = kind(ALPHAS, cv=2, refit=False, **SETTINGS)
    with pytest.raises(NotFittedError):
        model.predict(X)
    quietly(model, X, Y[kind])
    assert model.alpha_ in ALPHAS
    assert not hasattr(model, "coefs_")
    with pytest.raises(AttributeError, match="fitted with refit=False"):
        model.predict(X)


@BOTH
def test_one_warning_for_all_fits(kind):
    with pytest.warns(ConvergenceWarning) as caught:
        kind(ALPHAS, cv=2, refit=False, **SETTINGS | {"max_iter": 2}).fit(X, Y[kind])
    assert len(caught) == 1
    assert "6 of 6 fits did not converge" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_a_penalty_that_diverges_is_not_chosen():
    settings = SETTINGS | {"solver": "sgd", "activation": "identity", "learning_rate_init": 0.05}
    y = Y[MLPRegressorCV]
    with pytest.warns(ConvergenceWarning) as caught:
        model = MLPRegressorCV([1e30, 0.1], cv=2, **settings).fit(X, y)
    assert any("diverged with alpha in [1e+30]" in str(w.message) for w in caught)
    assert np.isnan(model.scores_[:, 0]).all()
    assert model.alpha_ == 0.1
    with pytest.raises(Diverged, match="in some fold for every penalty"):
        quietly(MLPRegressorCV([1e30], cv=2, **settings), X, y)


def test_one_copy_of_x():
    rng = np.random.default_rng(1)
    big = rng.normal(size=(4000, 200))
    y = rng.integers(0, 2, 4000)
    model = MLPClassifierCV(
        [0.1, 1.0], cv=5, n_jobs=2, hidden_layer_sizes=2, max_iter=2, random_state=0
    )
    quietly(clone(model), big[:50], y[:50])  # what is loaded first
    tracemalloc.start()
    try:
        quietly(model, big, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < big.nbytes / 2  # a copy of four fifths of it would be more


@BOTH
def test_files_and_copies(kind, tmp_path):
    model = quietly(kind(ALPHAS, cv=2, **SETTINGS), X, Y[kind])
    cr.save(model, tmp_path / "model")
    back = cr.load(tmp_path / "model")
    np.testing.assert_array_equal(back.predict(X), model.predict(X))
    assert back.alpha_ == model.alpha_
    np.testing.assert_array_equal(back.scores_, model.scores_)
    assert back.get_params() == model.get_params() == clone(model).get_params()
    assert repr(clone(model)).startswith(f"{kind.__name__}(alphas=[")


@BOTH
def test_parameters_are_those_of_the_single_estimator(kind):
    own, single = inspect.signature(kind).parameters, inspect.signature(SINGLE[kind]).parameters
    gone = {"alpha", "checkpoint", "resume", "warm_start"}
    assert set(own) == set(single) - gone | {"alphas", "cv", "refit"}
    for name in set(own) & set(single):
        assert own[name].default == single[name].default
    for name in own:
        assert f"\n{name} : " in inspect.getdoc(kind), name
    with pytest.raises(TypeError, match="unexpected keyword argument 'alpha'"):
        kind(alpha=1.0)


@BOTH
def test_in_a_pipeline_with_names(kind):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = make_pipeline(StandardScaler().set_output(transform="pandas"), kind(2, **SETTINGS))
    quietly(model, frame, Y[kind]).predict(frame)
    assert list(model[-1].feature_names_in_) == list(model[-1].best_estimator_.feature_names_in_)
    np.testing.assert_allclose(model[-1].alphas_, [1e-4, 1e2])


@BOTH
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alphas", []),
        ("alphas", [-1.0]),
        ("alphas", [np.nan]),
        ("alphas", ["a"]),
        ("alphas", 0),
        ("cv", "three"),
        ("refit", "yes"),
        ("scoring", "acuracy"),
        ("dropout", [0.1, 0.2]),
        ("n_jobs", 0),
        ("momentum", 2),
    ],
)
def test_bad_values(kind, name, value):
    sentence = rf"^The '{name}' parameter of \w+ must be .*\. Got .* instead"
    with pytest.raises(ValueError, match=sentence):
        kind(**SETTINGS | {name: value}).fit(X, Y[kind])


SMALL = {"cv": 2, "max_iter": 30, "hidden_layer_sizes": (10,), "learning_rate_init": 0.05}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::chainrule.errors.TrainingWarning")  # unscaled tables
@parametrize_with_checks(
    [kind([0.01, 1.0], solver=s, **SMALL) for kind in SINGLE for s in ("lbfgs", "adam")]
)
def test_scikit_learns_check(estimator, check):
    try:
        check(estimator)
    except unittest.SkipTest:
        assert check.func.__name__ in {
            "check_array_api_input",
            "check_classifiers_multilabel_output_format_decision_function",
        }
        raise
