"""Without a hidden layer a trained network is scikit-learn's linear model, coefficient by
coefficient. How the lambdas translate (S is the sum of the sample weights):

    ours:                  J = (1/S) sum w loss + (l2/2S) sum W^2
    Ridge                  sum w (y - h)^2 + alpha ||W||^2      = 2S J with  l2 = alpha
    LogisticRegression     C sum w loss + ||W||^2 / 2           = C S J with l2 = 1/C
    PoissonRegressor       (1/S) sum w loss + (alpha/2) ||W||^2 = J with     l2 = alpha S
"""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge

import chainrule as cr

RNG = np.random.default_rng(4)
M = 80
X = RNG.normal(size=(M, 3)) @ [[1, 0.4, 0], [0, 1, 0.3], [0, 0, 1]] + [0.5, 0, -1]
SCORE = X @ [0.8, -0.5, 0.3] + 0.2
WEIGHTS = {"no weights": None, "weights": RNG.uniform(0.2, 3, size=M)}
TOLERANCE = 1e-4


def total(w):
    return M if w is None else w.sum()


def noise(kind, *parameters):
    """Noise from a generator of the test's own, so that no test depends on another."""
    return getattr(np.random.default_rng(7), kind)(*parameters)


def trained(K, loss, Y, w, l2, rate=0.3, epochs=800):
    net = cr.Network([3, K], loss=loss, init="zeros", dtype="float64")
    learner = cr.Learner(net, cr.SGD(rate, 0.9, nesterov=True), l2=l2, batch_size=None)
    learner.fit(X, Y, epochs=epochs, sample_weight=w)
    trace = net.trace(X, Y, w, l2=l2)
    gradient = max(abs(g).max() for g in [*trace.grad_weights, *trace.grad_biases])
    assert gradient < 1e-8  # it has converged
    return net.weights[0].T, net.biases[0]


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, np.reshape(other, one.shape), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("w", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("K", [1, 2])
def test_linear_regression(K, w):
    Y = np.column_stack([SCORE, -2 * SCORE + X[:, 0]])[:, :K] + noise("normal", 0, 1, (M, K))
    model = LinearRegression().fit(X, Y, sample_weight=w)
    assert_same(trained(K, "squared_error", Y, w, 0), (model.coef_, model.intercept_))


@pytest.mark.parametrize("w", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("alpha", [0.1, 10.0, 100.0])
def test_ridge(alpha, w):
    Y = SCORE + noise("normal", 0, 1, M)
    model = Ridge(alpha=alpha).fit(X, Y, sample_weight=w)
    assert_same(trained(1, "squared_error", Y, w, alpha), (model.coef_, model.intercept_))


@pytest.mark.parametrize("w", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("C", [0.05, 1.0, np.inf])
def test_binary_logistic_regression(C, w):
    y = (SCORE + noise("logistic", 0, 1, M) > 0).astype(int)
    model = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y, sample_weight=w)
    assert_same(trained(1, "cross_entropy", y, w, 1 / C), (model.coef_, model.intercept_))


@pytest.mark.parametrize("w", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("C", [0.05, 1.0])
def test_multinomial_logistic_regression(C, w):
    y = np.digitize(SCORE + noise("logistic", 0, 1, M), [-0.7, 0.7])
    model = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y, sample_weight=w)
    W, b = trained(3, "log_loss", y, w, 1 / C)
    # The penalty fixes the weights, but a shift of all the intercepts changes no probability.
    assert_same((W, b - b.mean()), (model.coef_, model.intercept_ - model.intercept_.mean()))


@pytest.mark.parametrize("w", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("alpha", [0.0, 0.1, 2.0])
def test_poisson_regression(alpha, w):
    y = noise("poisson", np.exp(SCORE / 2)).astype(float)
    model = PoissonRegressor(alpha=alpha, tol=1e-10, max_iter=10_000).fit(X, y, sample_weight=w)
    l2 = alpha * total(w)
    assert_same(trained(1, "poisson", y, w, l2, 0.02, 4000), (model.coef_, model.intercept_))
