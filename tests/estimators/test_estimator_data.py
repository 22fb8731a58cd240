"""What X and y may be: sparse, frames, float32, labels of any kind."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor

CONTAINERS = [
    getattr(sparse, f"{form}_{kind}")
    for form in ("csr", "csc", "coo")
    for kind in ("matrix", "array")
]


def fit(model, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)


def small(kind, **settings):
    base = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0, "batch_size": 25}
    return kind(**{**base, **settings})


# --- sparse --------------------------------------------------------------------------------------


@pytest.fixture
def never_dense(monkeypatch):
    """Make every way of X (which has 4 columns) from sparse to dense raise."""

    def guard(original):
        def refuse(self, *args, **kwargs):
            assert self.shape[1] != 4, "a sparse X was made dense"
            return original(self, *args, **kwargs)  # scikit-learn's LabelBinarizer, for y

        return refuse

    for container in CONTAINERS:
        for way in ("toarray", "todense"):
            monkeypatch.setattr(container, way, guard(getattr(container, way)))


def test_the_guard_holds(never_dense):
    for container in CONTAINERS:
        for way in ("toarray", "todense"):
            with pytest.raises(AssertionError, match="made dense"):
                getattr(container(np.eye(4)), way)()


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda c: c.__name__)
def test_sparse_gives_what_dense_gives(make, kind, solver, container, never_dense):
    estimator, settings, X, y = make(kind)
    X = np.where(np.abs(X) > 1, X, 0)
    settings = {**settings, "solver": solver}
    if solver != "lbfgs":
        settings["dropout"] = 0.2
    dense = fit(small(estimator, **settings), X, y)
    thin = fit(small(estimator, **settings), container(X), y)
    np.testing.assert_allclose(thin.network_.theta, dense.network_.theta, rtol=0, atol=1e-10)
    np.testing.assert_allclose(
        dense.predict(container(X)).astype(float), dense.predict(X).astype(float), rtol=1e-10
    )
    if estimator is MLPClassifier:
        np.testing.assert_allclose(
            dense.predict_proba(container(X)), dense.predict_proba(X), rtol=1e-12
        )
    if solver != "lbfgs":
        for model, given in ((thin, container(X)), (dense, X)):
            model.partial_fit(given, y)
        np.testing.assert_allclose(thin.network_.theta, dense.network_.theta, rtol=0, atol=1e-10)
    assert cr.check_gradients(thin, container(X), y).passed


def test_sparse_with_early_stopping(make, kind, never_dense):
    estimator, settings, X, y = make(kind)
    X = np.where(np.abs(X) > 1, X, 0)
    model = small(estimator, early_stopping=True, validation_fraction=0.3, **settings)
    scores = fit(model, X, y).validation_scores_
    assert fit(model, sparse.csr_array(X), y).validation_scores_ == pytest.approx(scores)


def test_a_wide_sparse_table_that_would_not_fit_dense():
    """A million columns by 2000 rows are 15 GiB dense."""
    X = sparse.random_array((2000, 1_000_000), density=1e-6, format="csr", rng=0)
    y = np.arange(2000) % 2
    model = fit(small(MLPClassifier, hidden_layer_sizes=(1,), max_iter=1, batch_size=2000), X, y)
    assert model.predict(X).shape == (2000,)


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda c: c.__name__)
def test_sparse_indicators_come_back_sparse(make, solver, container):
    _, _, X, y = make("multilabel")
    dense = fit(small(MLPClassifier, solver=solver), X, y)
    thin = fit(small(MLPClassifier, solver=solver), X, container(y))
    np.testing.assert_array_equal(dense.network_.theta, thin.network_.theta)
    predicted = thin.predict(X)
    assert sparse.issparse(predicted)
    assert predicted.format == "csr"
    np.testing.assert_array_equal(predicted.toarray(), dense.predict(X))
    assert thin.score(X, container(y)) == dense.score(X, y)


# --- frames --------------------------------------------------------------------------------------

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame}
NAMES = ["length", "width", "height", "weight"]


@pytest.fixture(params=FRAMES)
def frame(request):
    """A maker of data frames."""
    return lambda X, names=NAMES: FRAMES[request.param](dict(zip(names, X.T, strict=True)))


def test_frames(make, kind, solver, frame):
    estimator, settings, X, y = make(kind)
    settings = {**settings, "solver": solver}
    plain = fit(small(estimator, **settings), X, y)
    target = y if y.ndim == 1 else frame(y, ["p", "q", "r"])
    named = fit(small(estimator, **settings), frame(X), target)
    np.testing.assert_array_equal(plain.network_.theta, named.network_.theta)
    assert named.feature_names_in_.tolist() == NAMES
    assert not hasattr(plain, "feature_names_in_")
    np.testing.assert_array_equal(named.predict(frame(X)), plain.predict(X))


def test_names_that_differ_are_refused(make, kind, frame):
    estimator, settings, X, y = make(kind)
    model = fit(small(estimator, **settings), frame(X), y)
    for names in (["length", "width", "height", "hue"], NAMES[::-1]):
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame(X, names))
        with pytest.raises(ValueError, match="feature names should match"):
            model.partial_fit(frame(X, names), y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


def test_names_that_appear_are_warned_of(make, frame):
    kind, _, X, y = make("binary")
    model = fit(small(kind), X, y)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        model.predict(frame(X))


def test_early_stopping_keeps_the_names(make, kind, frame):
    """Scoring the held-out rows must not warn that they have lost their names."""
    estimator, settings, X, y = make(kind)
    model = small(estimator, early_stopping=True, validation_fraction=0.3, **settings)
    fit(model, frame(X), y)
    assert model.feature_names_in_.tolist() == NAMES


@pytest.mark.parametrize("series", [pd.Series, pl.Series, list, tuple])
@pytest.mark.parametrize("labels", [[3, 7], ["no", "yes"], [False, True], [-1.0, 1.0]])
def test_y_as_a_series_of_any_labels(make, series, labels):
    _, _, X, y = make("binary")
    model = fit(small(MLPClassifier, max_iter=100), X, series([labels[i] for i in y]))
    assert model.classes_.tolist() == labels
    predicted = model.predict(X)
    assert predicted.dtype == model.classes_.dtype
    assert set(predicted.tolist()) == set(labels)
    plain = fit(small(MLPClassifier, max_iter=100), X, y)
    np.testing.assert_array_equal(plain.network_.theta, model.network_.theta)
    np.testing.assert_array_equal(model.classes_[plain.predict(X)], predicted)


@pytest.mark.parametrize("labels", [["b", "a", "c"], [10, -3, 7]])
def test_labels_of_several_classes_are_sorted(make, solver, labels):
    _, _, X, y = make("multiclass")
    given = np.array(labels, dtype=object if isinstance(labels[0], str) else None)[y]
    model = fit(small(MLPClassifier, solver=solver, max_iter=100), X, given)
    assert model.classes_.tolist() == sorted(labels)
    assert model.score(X, given) == (model.predict(X) == given).mean() > 0.5
    likeliest = model.predict_proba(X).argmax(axis=1)
    np.testing.assert_array_equal(model.classes_[likeliest], model.predict(X))


def test_a_column_as_y_warns_and_is_flattened(make):
    kind, settings, X, y = make("regression")
    with pytest.warns(DataConversionWarning, match="column-vector"):
        column = fit(small(kind, **settings), X, y[:, None])
    np.testing.assert_array_equal(column.predict(X), fit(small(kind), X, y).predict(X))
    assert column.predict(X).shape == (60,)


# --- kinds of problem ----------------------------------------------------------------------------

SHAPES = {
    "binary": ("logistic", 1, (60,)),
    "multiclass": ("softmax", 3, (60,)),
    "multilabel": ("logistic", 3, (60, 3)),
    "regression": ("identity", 1, (60,)),
    "multi-target": ("identity", 3, (60, 3)),
    "poisson": ("exp", 1, (60,)),
}


def test_kinds_of_problem(make, kind, solver):
    estimator, settings, X, y = make(kind)
    model = fit(small(estimator, solver=solver, **settings), X, y)
    assert (model.out_activation_, model.n_outputs_, model.predict(X).shape) == SHAPES[kind]
    assert model.network_.sizes == (4, 5, model.n_outputs_)
    assert model.n_features_in_ == 4
    assert model.n_layers_ == 3
    if estimator is MLPRegressor:
        return
    P = model.predict_proba(X)
    assert P.shape == (60, len(model.classes_))
    assert ((P > 0.4) & (P < 0.6)).any()  # some are near, so where they part matters
    if kind == "multilabel":
        np.testing.assert_array_equal(model.predict(X), P > 0.5)
    else:
        np.testing.assert_array_equal(model.predict(X), model.classes_[P.argmax(axis=1)])
    assert ((P >= 0) & (P <= 1)).all()
    assert np.allclose(P.sum(axis=1), 1) == (kind != "multilabel")
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(P))


def test_gradients_of_fitted_estimators(make, kind, solver):
    """check_gradients takes estimators, with their penalties and the weights of the rows."""
    estimator, settings, X, y = make(kind)
    settings = {**settings, "solver": solver, "activation": "tanh", "alpha": 0.5, "l1": 0.01}
    if estimator is MLPClassifier:
        settings["class_weight"] = "balanced"
    model = fit(small(estimator, **settings), X, y)
    weight = np.linspace(0.5, 2, 60)
    for sample_weight in (None, weight):
        check = cr.check_gradients(model, X, y, sample_weight)
        assert check.passed, str(check)
    problem = model.gradient_problem(X, y)
    per_batch = 1 if solver == "lbfgs" else 60 / 25
    assert (problem.l2, problem.l1) == (0.5 * per_batch, 0.01 * per_batch)


# --- dtype ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_float_types_are_kept(make, kind, solver, dtype):
    estimator, settings, X, y = make(kind)
    X = X.astype(dtype)
    model = fit(small(estimator, solver=solver, **settings), X, y)
    if solver != "lbfgs":
        model.partial_fit(X, y)
    assert {array.dtype for array in [*model.coefs_, *model.intercepts_]} == {np.dtype(dtype)}
    if estimator is MLPRegressor:
        assert model.predict(X).dtype == dtype
    else:
        assert model.predict_proba(X).dtype == dtype
        assert model.predict_log_proba(X).dtype == dtype
    assert isinstance(model.loss_, float)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float16", object])
def test_other_numbers_become_float64(make, dtype):
    kind, _, X, y = make("binary")
    X = np.abs(X).astype(dtype)
    model = fit(small(kind), X, y)
    assert model.network_.theta.dtype == "float64"
    np.testing.assert_array_equal(
        model.network_.theta, fit(small(kind), X.astype("float64"), y).network_.theta
    )


def test_the_networks_dtype_is_fixed_by_the_first_fit(make, kind):
    estimator, settings, X, y = make(kind)
    model = fit(small(estimator, warm_start=True, **settings), X.astype("float32"), y)
    fit(model, X, y)
    model.partial_fit(X, y)
    assert model.network_.theta.dtype == "float32"
    output = model.predict_proba(X) if estimator is MLPClassifier else model.predict(X)
    assert output.dtype == "float32"
    narrow = X.astype("float32")
    cast = model.predict_proba(narrow) if estimator is MLPClassifier else model.predict(narrow)
    np.testing.assert_array_equal(output, cast)


def test_float32_and_float64_predict_alike(make, kind, solver):
    estimator, settings, X, y = make(kind)
    settings = {**settings, "solver": solver, "max_iter": 20}
    wide, narrow = (fit(small(estimator, **settings), X.astype(t), y) for t in ("f8", "f4"))
    np.testing.assert_allclose(narrow.network_.theta, wide.network_.theta, rtol=0, atol=1e-2)


# --- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [np.zeros(20), ["a"] * 20, np.ones(20, dtype=int)])
def test_one_class_only(y):
    with pytest.raises(ValueError, match="class"):
        MLPClassifier().fit(np.ones((20, 2)), y)
    with pytest.raises(ValueError, match="class"):
        MLPClassifier().partial_fit(np.ones((20, 2)), y, classes=y[:1])


def test_continuous_labels():
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(np.ones((20, 2)), np.linspace(0, 1, 20))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_missing_values(make, kind, value):
    estimator, settings, X, y = make(kind)
    bad = X.copy()
    bad[3, 1] = value
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        estimator(**settings).fit(bad, y)
    if estimator is MLPRegressor:
        target = y.astype(float).copy()
        target[3] = value
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            estimator(**settings).fit(X, target)


def test_negative_counts(make):
    kind, settings, X, y = make("poisson")
    with pytest.raises(ValueError, match="'poisson' takes targets >= 0"):
        kind(**settings).fit(X, y - 1)


def test_another_number_of_features(make, kind):
    estimator, settings, X, y = make(kind)
    model = fit(small(estimator, **settings), X, y)
    for method in (model.predict, lambda X: model.partial_fit(X, y)):
        with pytest.raises(ValueError, match="3 features"):
            method(X[:, :3])


def test_a_refused_fit_leaves_the_estimator_as_it_was(make, kind):
    estimator, settings, X, y = make(kind)
    model = fit(small(estimator, warm_start=True, **settings), X, y)
    before, predicted = model.network_.theta.copy(), model.predict(X)
    for bad in (X[:-1], np.full_like(X, np.nan)):
        with pytest.raises(ValueError, match=r"inconsistent|NaN"):
            model.fit(bad, y)
    np.testing.assert_array_equal(model.network_.theta, before)
    np.testing.assert_array_equal(model.predict(X), predicted)
