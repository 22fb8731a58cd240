"""Copies: clone, deepcopy, pickle and joblib, and what goes on after them."""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from chainrule import MLPClassifier, MLPRegressor


def through_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


WAYS = {
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "joblib": through_joblib,
}


def fit(estimator, settings, X, y, **more):
    base = {"hidden_layer_sizes": (5,), "max_iter": 4, "random_state": 0, "batch_size": 25}
    model = estimator(**{**base, **settings, **more})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_is_the_same_and_independent(make, kind, solver, way, tmp_path):
    estimator, settings, X, y = make(kind)
    model = fit(estimator, settings, X, y, solver=solver)
    again = WAYS[way](model, tmp_path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.network_.theta, model.network_.theta)
    assert again.get_params() == model.get_params()
    # coefs_ and intercepts_ are views of the copy's theta, not of the original's.
    assert all(np.shares_memory(W, again.network_.theta) for W in again.coefs_)
    assert all(np.shares_memory(b, again.network_.theta) for b in again.intercepts_)
    assert not np.shares_memory(again.network_.theta, model.network_.theta)
    before = model.network_.theta.copy()
    again.coefs_[0][...] = 0
    again.intercepts_[-1][...] = 5
    assert not np.array_equal(again.network_.theta, model.network_.theta)
    np.testing.assert_array_equal(model.network_.theta, before)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stochastic", ["adam", "sgd"])
def test_partial_fit_goes_on_as_if_never_copied(make, kind, stochastic, way, tmp_path):
    """The optimizer's memory, the shuffles and the dropout masks go with the copy."""
    estimator, settings, X, y = make(kind)
    model = fit(estimator, settings, X, y, solver=stochastic, dropout=0.3)
    again = WAYS[way](model, tmp_path)
    for _ in range(3):
        model.partial_fit(X, y)
        again.partial_fit(X, y)
    np.testing.assert_array_equal(again.network_.theta, model.network_.theta)
    assert again.loss_curve_ == model.loss_curve_
    assert again.t_ == model.t_


def test_partial_fits_are_one_fit(make, kind):
    estimator, settings, X, y = make(kind)
    whole = fit(estimator, settings, X, y, max_iter=6, dropout=0.2, tol=0)
    parts = fit(estimator, settings, X, y, max_iter=2, dropout=0.2, tol=0)
    for _ in range(4):
        parts.partial_fit(X, y)
    np.testing.assert_array_equal(whole.network_.theta, parts.network_.theta)


def test_a_clone_is_not_fitted(make, kind):
    estimator, settings, X, y = make(kind)
    model = fit(estimator, settings, X, y)
    fresh = clone(model)
    assert not hasattr(fresh, "network_")
    with pytest.raises(NotFittedError):
        fresh.predict(X)
    np.testing.assert_array_equal(
        fit(estimator, fresh.get_params(), X, y).network_.theta, model.network_.theta
    )


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_coefs_do_not_exist_before_fit(kind):
    for name in ("coefs_", "intercepts_"):
        assert not hasattr(kind(), name)
        with pytest.raises(AttributeError, match=f"has no {name} before it is fitted"):
            setattr(kind(), name, [])


def test_assigned_coefs_take_effect(make, kind):
    estimator, settings, X, y = make(kind)
    model = fit(estimator, settings, X, y)
    other = fit(estimator, settings, X, y, random_state=7)
    model.coefs_ = [W.copy() for W in other.coefs_]
    model.intercepts_ = [b.copy() for b in other.intercepts_]
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    model.coefs_[0] = np.zeros((4, 5))
    assert not model.network_.weights[0].any()
    with pytest.raises(ValueError, match="shape"):
        model.coefs_[0] = np.zeros((5, 4))
    with pytest.raises(ValueError, match="needs 2 arrays"):
        model.coefs_ = [np.zeros((4, 5))]


def test_a_copy_of_scikit_learns_own_weights(iris):
    """From a model that was trained there: the parameters are the same arrays."""
    from sklearn import neural_network

    X, y = iris
    theirs = neural_network.MLPClassifier((5,), max_iter=300, tol=1e-2).fit(X, y)
    ours = fit(MLPClassifier, {}, X, y)
    ours.coefs_, ours.intercepts_ = theirs.coefs_, theirs.intercepts_
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-12)
