"""Tables that the tests of the estimators share: small, standardized, fixed."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from chainrule import MLPClassifier, MLPRegressor

KINDS = ("binary", "multiclass", "multilabel", "regression", "multi-target", "poisson")


def problem(kind, n=60, seed=0):
    """Return an estimator class, its settings, X (n, 4) and y of a kind of problem."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    signal = X @ rng.normal(size=(4, 3))
    if kind == "binary":
        return MLPClassifier, {}, X, (signal[:, 0] > 0).astype(int)
    if kind == "multiclass":
        return MLPClassifier, {}, X, signal.argmax(axis=1)
    if kind == "multilabel":
        return MLPClassifier, {}, X, (signal > 0).astype(int)
    if kind == "regression":
        return MLPRegressor, {}, X, signal[:, 0]
    if kind == "multi-target":
        return MLPRegressor, {}, X, signal
    return MLPRegressor, {"loss": "poisson"}, X, rng.poisson(np.exp(signal[:, 0] / 2)).astype(float)


@pytest.fixture(params=KINDS)
def kind(request):
    """Each kind of problem."""
    return request.param


@pytest.fixture(params=["adam", "sgd", "lbfgs"])
def solver(request):
    """Each solver."""
    return request.param


@pytest.fixture
def make():
    """The maker of problems, for tests that choose the kinds themselves."""
    return problem


@pytest.fixture(scope="session")
def iris():
    """Iris, standardized."""
    X, y = load_iris(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y
