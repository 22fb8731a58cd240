"""L-BFGS: the same minimum, in place, watched, in the network's dtype."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import chainrule as cr
from chainrule import errors
from chainrule.training.lbfgs import minimize_lbfgs

RNG = np.random.default_rng(5)
X = RNG.normal(size=(50, 3))
Y = X @ [1.0, -2.0, 0.5] + 3 + RNG.normal(size=50)
WEIGHT = RNG.uniform(0.2, 3, size=50)


@pytest.mark.parametrize("w", [None, WEIGHT], ids=["no weights", "weights"])
def test_ridge_and_logistic_regression(w):
    net = cr.Network([3, 1], loss="squared_error", dtype="float64")
    result = minimize_lbfgs(net, X, Y, sample_weight=w, l2=7.0, tol=1e-9)
    model = Ridge(alpha=7.0).fit(X, Y, sample_weight=w)
    np.testing.assert_allclose(net.weights[0][:, 0], model.coef_, atol=1e-6)
    np.testing.assert_allclose(net.biases[0], model.intercept_, atol=1e-6)
    assert result.converged
    assert result.cost == pytest.approx(net.trace(X, Y, w, l2=7.0).cost, rel=1e-12)

    labels = (Y > 3).astype(int)
    net = cr.Network([3, 1], loss="cross_entropy", dtype="float64")
    minimize_lbfgs(net, X, labels, sample_weight=w, l2=2.0, tol=1e-9)
    model = LogisticRegression(C=0.5, tol=1e-10).fit(X, labels, sample_weight=w)
    np.testing.assert_allclose(net.weights[0].T, model.coef_, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_place_and_watched(dtype):
    net = cr.Network([3, 6, 1], loss="squared_error", dtype=dtype)
    theta, costs, began = net.theta, [], []

    def watch(cost):
        costs.append(cost)
        assert net.trace(X, Y).cost == pytest.approx(cost, rel=1e-4)
        return len(costs) == 5

    result = minimize_lbfgs(
        net, X, Y, on_iteration=watch, on_iteration_begin=lambda: began.append(len(costs))
    )
    assert net.theta is theta
    assert theta.dtype == dtype
    assert result.n_iter == 5
    assert began == [0, 1, 2, 3, 4]
    assert costs == sorted(costs, reverse=True)
    assert not result.converged


def test_max_iter():
    net = cr.Network([3, 6, 1], loss="squared_error")
    result = minimize_lbfgs(net, X, Y, max_iter=3)
    assert result.n_iter == 3
    assert not result.converged


def test_bad_input_changes_nothing():
    net = cr.Network([3, 6, 1], loss="squared_error")
    before = net.theta.copy()
    with pytest.raises(errors.InvalidInput, match="X contains NaN"):
        minimize_lbfgs(net, X * np.nan, Y)
    with pytest.raises(errors.NotTrainable):
        minimize_lbfgs(cr.Network([3, 6, 1], "step", "squared_error"), X, Y)
    assert np.array_equal(net.theta, before)
