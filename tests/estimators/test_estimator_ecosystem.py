"""The estimators inside scikit-learn's tools."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import DecisionBoundaryDisplay, partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import estimator_html_repr, get_tags

from chainrule import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSIFIER = MLPClassifier((8,), solver="lbfgs", max_iter=60, random_state=0)
REGRESSOR = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=60, random_state=0)


@pytest.fixture(scope="module")
def binary(iris):
    return iris[0][50:], iris[1][50:] - 1


def test_kinds_are_told():
    assert is_classifier(CLASSIFIER)
    assert not is_regressor(CLASSIFIER)
    assert is_regressor(REGRESSOR)
    assert not is_classifier(REGRESSOR)
    assert get_tags(CLASSIFIER).classifier_tags.multi_label
    assert all(get_tags(model).input_tags.sparse for model in (CLASSIFIER, REGRESSOR))


def test_grid_search(iris):
    grid = {"alpha": [1e-4, 1.0, 1e5], "activation": ["tanh", ["relu"]]}
    search = GridSearchCV(CLASSIFIER, grid, cv=3).fit(*iris)
    assert search.best_score_ > 0.9
    assert search.best_params_["alpha"] < 1e5
    assert search.best_estimator_.score(*iris) == search.score(*iris)
    scores = search.cv_results_["mean_test_score"]
    assert scores.min() < 0.5 < scores.max()


def test_new_parameters_can_be_searched(iris):
    grid = {"dropout": [0.0, 0.5], "l1": [0.0, 0.1], "class_weight": [None, "balanced"]}
    model = MLPClassifier((5,), max_iter=10, random_state=0)
    search = RandomizedSearchCV(model, grid, n_iter=4, cv=2, random_state=0, error_score="raise")
    assert len(search.fit(*iris).cv_results_["params"]) == 4


def test_grid_search_in_processes(iris):
    """Estimators go to other processes and come back, with the same results."""
    grid = {"alpha": [1e-3, 1.0]}
    one, two = (GridSearchCV(CLASSIFIER, grid, cv=2, n_jobs=n).fit(*iris) for n in (1, 2))
    np.testing.assert_allclose(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )


def test_pipeline(iris):
    model = make_pipeline(StandardScaler(), clone(CLASSIFIER)).fit(*iris)
    assert model.score(*iris) > 0.95
    alone = clone(CLASSIFIER).fit(StandardScaler().fit_transform(iris[0]), iris[1])
    np.testing.assert_array_equal(alone.network_.theta, model[-1].network_.theta)


def test_clone_keeps_every_parameter():
    settings = {"dropout": 0.1, "l1": 0.2, "n_jobs": 2, "activation": ["tanh", "relu"]}
    for model in (
        MLPClassifier((3, 2), class_weight={0: 2}, loss="cross_entropy").set_params(**settings),
        MLPRegressor("poisson", (3, 2)).set_params(**settings),
    ):
        assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(("model", "lowest"), [(CLASSIFIER, 0.9), (REGRESSOR, 0.8)])
def test_cross_validation(model, lowest, iris):
    order = np.random.default_rng(0).permutation(150)
    X, y = iris[0][order], iris[1][order]
    scores = cross_val_score(model, X, y, cv=3)
    assert scores.min() > lowest
    again = cross_validate(model, X, y, cv=3, return_train_score=True)
    np.testing.assert_allclose(again["test_score"], scores)
    assert cross_val_predict(model, X, y, cv=3).shape == (150,)


def test_calibration(binary):
    model = CalibratedClassifierCV(CLASSIFIER, cv=3).fit(*binary)
    assert roc_auc_score(binary[1], model.predict_proba(binary[0])[:, 1]) > 0.95
    np.testing.assert_allclose(model.predict_proba(binary[0]).sum(axis=1), 1)


def test_calibration_with_weights(binary):
    weight = np.where(binary[1] == 0, 1.0, 3.0)
    plain = CalibratedClassifierCV(CLASSIFIER, cv=3).fit(*binary)
    weighted = CalibratedClassifierCV(CLASSIFIER, cv=3).fit(*binary, sample_weight=weight)
    share = [model.predict_proba(binary[0])[:, 1].mean() for model in (plain, weighted)]
    assert share[1] > share[0] + 0.05


def test_permutation_importance(iris):
    rng = np.random.default_rng(0)
    X = np.c_[iris[0][:, 2], rng.normal(size=150)]
    model = clone(CLASSIFIER).set_params(alpha=1.0).fit(X, iris[1])
    importance = permutation_importance(model, X, iris[1], random_state=0).importances_mean
    assert importance[0] > 0.3 > 0.1 > importance[1]


def test_partial_dependence(iris):
    model = clone(REGRESSOR).fit(*iris)
    found = partial_dependence(model, iris[0], features=[2], grid_resolution=5)
    assert found["average"].shape == (1, 5)
    assert found["average"][0, -1] > found["average"][0, 0]


@pytest.mark.parametrize("method", ["predict", "predict_proba", "auto"])
@pytest.mark.parametrize("classes", [2, 3])
def test_decision_boundary_display(iris, method, classes):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    keep = iris[1] < classes
    X, y = iris[0][keep][:, 2:], iris[1][keep]
    model = clone(CLASSIFIER).fit(X, y)
    display = DecisionBoundaryDisplay.from_estimator(
        model, X, response_method=method, grid_resolution=20
    )
    assert display.response.shape[:2] == (20, 20)
    assert np.ptp(display.response) > 0.5
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(iris, voting):
    members = [("mlp", CLASSIFIER), ("linear", LogisticRegression())]
    model = VotingClassifier(members, voting=voting).fit(*iris)
    assert model.score(*iris) > 0.95
    weighted = VotingClassifier(members, voting=voting).fit(*iris, sample_weight=np.ones(150))
    assert (weighted.predict(iris[0]) == model.predict(iris[0])).mean() > 0.97


def test_other_ensembles(iris):
    order = np.random.default_rng(0).permutation(150)
    X, y = iris[0][order], iris[1][order]
    assert VotingRegressor([("mlp", REGRESSOR), ("ridge", Ridge())]).fit(X, y).score(X, y) > 0.9
    stacked = StackingRegressor([("mlp", REGRESSOR)], Ridge(), cv=2)
    assert stacked.fit(X, y).score(X, y) > 0.9
    bag = BaggingClassifier(CLASSIFIER, n_estimators=2, random_state=0).fit(X, y)
    assert bag.score(X, y) > 0.9


def test_wrappers_of_targets(make):
    _, _, X, y = make("multi-target")
    assert MultiOutputRegressor(REGRESSOR).fit(X, y).predict(X).shape == y.shape
    logged = TransformedTargetRegressor(REGRESSOR, func=np.log1p, inverse_func=np.expm1)
    assert (logged.fit(X, y[:, 0] ** 2).predict(X) > -1).all()
    _, _, X, labels = make("multilabel")
    assert ClassifierChain(CLASSIFIER).fit(X, labels).predict(X).shape == labels.shape


def test_curves(iris):
    """learning_curve with incremental learning runs partial_fit over growing parts."""
    order = np.random.default_rng(0).permutation(150)
    X, y = iris[0][order], iris[1][order]
    model = MLPClassifier((8,), learning_rate_init=0.05, random_state=0)
    _, _, scores = learning_curve(
        model, X, y, cv=2, exploit_incremental_learning=True, train_sizes=[20, 40, 70]
    )
    assert scores.shape == (3, 2)
    _, test = validation_curve(CLASSIFIER, X, y, param_name="alpha", param_range=[1e-3, 1e5], cv=2)
    assert test[0].mean() > test[1].mean()


def test_feature_selection(iris):
    model = MLPClassifier((4,), solver="lbfgs", max_iter=20, random_state=0)
    chosen = SequentialFeatureSelector(model, n_features_to_select=1, cv=2).fit(*iris)
    assert chosen.get_support().sum() == 1


# --- metadata, output containers, representation -------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_sample_weight_is_routed(binary, routing):
    X, y = binary
    weight = np.where(y == 0, 1.0, 5.0)
    model = clone(CLASSIFIER).set_fit_request(sample_weight=True)
    model = model.set_score_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    pipeline = make_pipeline(scaler, model).fit(X, y, sample_weight=weight)
    alone = clone(CLASSIFIER).fit(StandardScaler().fit_transform(X), y, weight)
    np.testing.assert_array_equal(pipeline[-1].network_.theta, alone.network_.theta)
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4]}, cv=2)
    search.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(search.best_estimator_[-1].network_.theta, alone.network_.theta)


def test_sample_weight_that_is_not_asked_for_is_not_routed(binary, routing):
    X, y = binary
    model = clone(CLASSIFIER).set_fit_request(sample_weight=False)
    pipeline = make_pipeline(FunctionTransformer(), model)
    with pytest.raises(TypeError, match="sample_weight"):
        pipeline.fit(X, y, sample_weight=np.ones(len(y)))


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_requests_can_be_set(kind, routing):
    model = kind().set_fit_request(sample_weight=True).set_partial_fit_request(sample_weight=True)
    requests = model.get_metadata_routing()
    assert requests.fit.requests["sample_weight"] is True
    assert requests.partial_fit.requests["sample_weight"] is True


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_of_a_pipeline(iris, container):
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    scaler = StandardScaler().set_output(transform=container)
    model = make_pipeline(scaler, clone(CLASSIFIER)).fit(frame, y)
    assert model[-1].feature_names_in_.tolist() == list("abcd")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.score(frame, y) > 0.95
    assert make_pipeline(scaler, clone(CLASSIFIER)).set_output(transform=container) is not None


@pytest.mark.parametrize("model", [CLASSIFIER, REGRESSOR], ids=lambda m: type(m).__name__)
def test_representations(model, iris):
    name = type(model).__name__
    assert repr(model).startswith(f"{name}(")
    assert "max_iter=60" in repr(model)
    for shown in (clone(model), clone(model).fit(*iris), make_pipeline(clone(model))):
        html = estimator_html_repr(shown)
        assert name in html
        assert "dropout" in html
        assert html.count("<div") == html.count("</div")
    bundle = clone(model)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}


def test_convergence_warnings_are_scikit_learns(iris):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        MLPClassifier((3,), max_iter=2, random_state=0).fit(*iris)
    with pytest.warns(ConvergenceWarning, match=r"lbfgs failed to converge after 2 iteration"):
        MLPClassifier((3,), solver="lbfgs", max_iter=2, random_state=0).fit(*iris)
