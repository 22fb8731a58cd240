"""Every kind of model, however it is wrapped, opened by all that look inside it."""

import warnings

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import chainrule as cr
from chainrule.opening import network_of, open_model, take_apart

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, size=(40, 3))
TARGETS = {
    "classes": np.where(X[:, 0] > 3, "yes", "no"),
    "numbers": 100 + 50 * X[:, 0] - X[:, 1],
}
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}


def classifier():
    return cr.MLPClassifier(**SMALL)


def regressor():
    return cr.MLPRegressor(**SMALL)


def scaled_target(model):
    return TransformedTargetRegressor(model, transformer=StandardScaler())


CLASSIFIERS = {
    "estimator": classifier,
    "pipeline": lambda: make_pipeline(StandardScaler(), classifier()),
    "pipeline of one": lambda: make_pipeline(classifier()),
    "pipeline in a pipeline": lambda: make_pipeline(
        MinMaxScaler(), make_pipeline(StandardScaler(), PCA(2), classifier())
    ),
    "search": lambda: GridSearchCV(classifier(), {"alpha": [0.1, 1]}, cv=2),
    "random search over a pipeline": lambda: RandomizedSearchCV(
        make_pipeline(StandardScaler(), classifier()),
        {"mlpclassifier__alpha": [0.1, 1]},
        n_iter=2,
        cv=2,
        random_state=0,
    ),
    "search at a pipeline's end": lambda: make_pipeline(
        StandardScaler(), GridSearchCV(classifier(), {"alpha": [0.1, 1]}, cv=2)
    ),
    "cross-validated penalty": lambda: cr.MLPClassifierCV(alphas=[0.1, 1], cv=2, **SMALL),
    "threshold": lambda: FixedThresholdClassifier(classifier(), threshold=0.4),
    "tuned threshold": lambda: TunedThresholdClassifierCV(classifier(), cv=2),
    "frozen": lambda: FrozenEstimator(classifier().fit(X, TARGETS["classes"])),
}
REGRESSORS = {
    "estimator": regressor,
    "quantiles": lambda: cr.MLPRegressor("quantile", quantile=[0.1, 0.9], **SMALL),
    "lbfgs": lambda: cr.MLPRegressor(solver="lbfgs", **SMALL),
    "scaled target": lambda: scaled_target(regressor()),
    "pipeline in a scaled target": lambda: scaled_target(
        make_pipeline(StandardScaler(), regressor())
    ),
    "scaled target in a pipeline": lambda: make_pipeline(
        StandardScaler(), scaled_target(regressor())
    ),
    "search over a scaled target": lambda: GridSearchCV(
        scaled_target(regressor()), {"regressor__alpha": [0.1, 1]}, cv=2
    ),
    "scaled target of a cross-validated penalty": lambda: scaled_target(
        cr.MLPRegressorCV(alphas=[0.1, 1], cv=2, **SMALL)
    ),
}
CASES = {
    f"{kind}: {name}": (make, kind)
    for kind, models in (("classes", CLASSIFIERS), ("numbers", REGRESSORS))
    for name, make in models.items()
}


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def fitted(request):
    """A fitted model of each kind, with its targets."""
    make, kind = request.param
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make().fit(X, TARGETS[kind]), TARGETS[kind]


def test_the_network_sees_what_the_model_predicts_from(fitted):
    model, y = fitted
    opened = open_model(model, X, y)
    h = opened.given(opened.X)
    if hasattr(model, "predict_proba"):
        np.testing.assert_allclose(h[:, -1], model.predict_proba(X)[:, -1], rtol=1e-6)
        assert opened.output_names == ("yes",)
        assert opened.labels == tuple(y)
        return
    for transformer in reversed(take_apart(model).targets):
        h = transformer.inverse_transform(h)
    np.testing.assert_allclose(np.sort(h, axis=1).squeeze(), model.predict(X), rtol=1e-6)
    seen = np.repeat(y[:, None], opened.Y.shape[1], axis=1)
    for transformer in take_apart(model).targets:
        seen = transformer.transform(seen)
    np.testing.assert_allclose(opened.Y, seen)


def test_all_that_looks_inside_opens_it(fitted):
    model, y = fitted
    assert cr.check_gradients(model, X, y).passed
    assert cr.compare(model, X[:5], y[:5]).differences_error < 1e-6
    working = cr.explain(model, X[0], y[:1], lecture=False).text()
    assert "FP1.1" in working
    assert "BP2.1" in working
    text = " ".join(working.split())
    for transformer in take_apart(model).targets:
        assert f"The targets were transformed by {type(transformer).__name__}" in text
    for steps in take_apart(model).before:
        assert f"({' and '.join(type(s).__name__ for _, s in steps.steps)})." in text


def test_all_displays_open_it(fitted):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    model, y = fitted
    net = network_of(model)
    assert cr.NetworkDisplay.from_estimator(model).net is net
    cr.NetworkDisplay.from_estimator(model, X[:1], y[:1])
    cr.DistributionDisplay.from_estimator(model, X, y)
    cr.CostDisplay.from_estimator(model, X, y, n_points=3)
    cr.WeightsDisplay.from_estimator(model)
    cr.ActivationDisplay.from_estimator(model)
    cr.LossDisplay.from_estimator(model)
    several = np.ndim(model.predict(X)) == 2
    features = {"features": (0, 1), "grid_resolution": 4, "output": 0 if several else None}
    cr.DecisionRegionDisplay.from_estimator(model, X, y, **features)
    if take_apart(model).core.solver != "lbfgs":
        curves = cr.LossCurveDisplay.from_estimator(model)
        assert len(curves.costs) == take_apart(model).core.n_iter_
    pyplot.close("all")


@pytest.mark.parametrize(
    "model", [LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression()), {}]
)
def test_other_models_are_refused_by_their_names(model):
    inner = model.steps[-1][1] if hasattr(model, "steps") else model
    if hasattr(model, "fit"):
        model.fit(X, TARGETS["classes"])
    for look in (
        lambda: cr.explain(model, X, TARGETS["classes"]),
        lambda: cr.check_gradients(model, X, TARGETS["classes"]),
        lambda: cr.WeightsDisplay.from_estimator(model),
    ):
        with pytest.raises(TypeError, match=f"Got {type(inner).__name__} instead"):
            look()
