"""Quantile regression, and the other losses of the regressor."""

import numpy as np
import pytest
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import d2_pinball_score, r2_score

import chainrule as cr
from chainrule import MLPRegressor
from chainrule.errors import InvalidParameter

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 2))
Y = np.column_stack([X[:, 0] + 0.1 * rng.normal(size=80), X[:, 1]])
FAST = {"hidden_layer_sizes": 5, "max_iter": 8, "n_iter_no_change": 50, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def heteroscedastic(n, seed):
    """A wave whose noise grows along x, to 15 times what it was."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=n)
    return x[:, None], np.sin(3 * x) + (0.8 + 0.7 * x) * rng.normal(size=n)


def interval_regressor(**settings):
    settings = {
        "hidden_layer_sizes": 16, "activation": "tanh", "learning_rate_init": 0.003, "alpha": 0,
        "max_iter": 300, "n_iter_no_change": 300, "batch_size": 1000, "random_state": 0,
        "quantile": [0.1, 0.5, 0.9],
    } | settings  # fmt: skip
    return MLPRegressor("quantile", **settings)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_interval_of_80_percent_covers_80_percent_of_new_points(seed):
    model = interval_regressor(random_state=seed).fit(*heteroscedastic(6000, seed))
    X_new, y_new = heteroscedastic(20_000, seed + 100)
    low, middle, high = model.predict(X_new).T
    inside = (low <= y_new) & (y_new <= high)
    assert model.engine_ == "native"
    assert 0.78 <= inside.mean() <= 0.82
    assert abs((y_new <= middle).mean() - 0.5) < 0.04
    # Not only on the whole: where the noise is small the interval is short.
    for part in (X_new[:, 0] < -0.3, abs(X_new[:, 0]) < 0.3, X_new[:, 0] > 0.3):
        assert 0.75 <= inside[part].mean() <= 0.85
    width = high - low
    assert width[X_new[:, 0] > 0.9].mean() > 5 * width[X_new[:, 0] < -0.9].mean()


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
def test_without_hidden_layers_it_is_scikit_learns_quantile_regression(q):
    y = Y[:, 0]
    theirs = QuantileRegressor(quantile=q, alpha=0).fit(X, y)
    ours = MLPRegressor(
        "quantile", (), quantile=q, alpha=0, batch_size=80, learning_rate_init=0.003,
        max_iter=3000, n_iter_no_change=4000, random_state=0,
    ).fit(X, y)  # fmt: skip
    losses = [
        np.maximum(q * r, (q - 1) * r).mean() for r in (y - m.predict(X) for m in (ours, theirs))
    ]
    assert losses[0] <= 1.01 * losses[1]  # theirs is the least there is
    assert losses[1] <= losses[0] + 1e-12


SHAPES = [
    (Y[:, 0], 0.3, (80,)),
    (Y[:, 0], [0.3], (80,)),
    (Y[:, 0], [0.1, 0.5, 0.9], (80, 3)),
    (Y, 0.3, (80, 2)),
    (Y, (0.1, 0.9), (80, 2, 2)),
    (Y[:, :1].tolist(), np.array([0.1, 0.9]), (80, 2)),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize(("y", "quantile", "shape"), SHAPES)
def test_shapes_of_predictions(y, quantile, shape):
    for loss in ("quantile", cr.Quantile(quantile)):
        model = MLPRegressor(loss, quantile=quantile, **FAST).fit(X, y)
        predicted = model.predict(X)
        assert predicted.shape == shape
        several = np.size(quantile) > 1
        assert not several or (np.diff(predicted, axis=-1) >= 0).all()
        H = model.network_(X)
        assert H.shape == (80, np.prod(shape[1:], dtype=int))
        expected = np.sort(H.reshape(shape), axis=-1) if several else H.reshape(shape)
        np.testing.assert_array_equal(predicted, expected)
        by_hand = predicted if several else predicted[..., None]
        scores = [
            d2_pinball_score(y, by_hand[..., i], alpha=q)
            for i, q in enumerate(np.atleast_1d(quantile))
        ]
        assert model.score(X, y) == pytest.approx(np.mean(scores), rel=1e-12)


def test_targets_do_not_mix():
    # With a layer of its own each (none), two targets are two regressions.
    settings = {
        "quantile": [0.2, 0.8],
        "alpha": 0,
        "warm_start": True,
        **FAST,
        "hidden_layer_sizes": (),
    }
    both = MLPRegressor("quantile", **settings).fit(X, Y)
    each = [MLPRegressor("quantile", **settings).fit(X, Y[:, t]) for t in (0, 1)]
    for t, one in enumerate(each):
        columns = slice(2 * t, 2 * t + 2)
        one.coefs_[0], one.intercepts_[0] = both.coefs_[0][:, columns], both.intercepts_[0][columns]
        one.fit(X, Y[:, t])
    both.fit(X, Y)
    np.testing.assert_allclose(
        both.predict(X), np.stack([one.predict(X) for one in each], axis=1), rtol=1e-10
    )


@pytest.mark.parametrize("quantile", [0.9, [0.1, 0.9]])
def test_early_stopping_watches_the_loss_that_is_asked_for(quantile):
    model = MLPRegressor("quantile", quantile=quantile, early_stopping=True, **FAST).fit(X, Y[:, 0])
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert len(model.validation_scores_) == 8


@pytest.mark.filterwarnings("ignore::chainrule.errors.UnscaledTarget")  # by the outliers
@pytest.mark.parametrize(
    "loss", ["absolute_error", "huber", cr.Huber(0.1), cr.Huber(np.float32(2))]
)
def test_robust_losses_are_not_pulled_by_outliers(loss):
    y = Y[:, 0].copy()
    y[:8] += 1000
    settings = {**FAST, "max_iter": 300, "learning_rate_init": 0.01, "batch_size": 80}
    model = MLPRegressor(loss, **settings).fit(X, y)
    assert model.engine_ == "native"
    assert r2_score(Y[8:, 0], model.predict(X[8:])) > 0.8
    assert model.score(X, y) == r2_score(y, model.predict(X))
    squared = MLPRegressor(**settings).fit(X, y)
    assert squared.score(X[8:], Y[8:, 0]) < 0.5


def test_gradients_of_the_estimator_are_checked_with_repeated_targets():
    model = MLPRegressor("quantile", quantile=[0.1, 0.9], **FAST).fit(X, Y)
    assert cr.check_gradients(model, X, Y).passed


WRONG = [0, 1, -0.1, "0.5", None, [], [0.5, 0.5], [0.9, 0.1], [0.1, 1.0], ["a"], [[0.1, 0.9]]]


@pytest.mark.parametrize("quantile", WRONG, ids=repr)
def test_bad_quantiles_give_the_sentence(quantile):
    model = MLPRegressor("quantile", quantile=quantile, **FAST)
    with pytest.raises(ValueError, match=r"The 'quantile' parameter of MLPRegressor must be .*Got"):
        model.fit(X, Y)
    assert not hasattr(model, "network_")


def test_a_warm_start_needs_as_many_quantiles():
    model = MLPRegressor("quantile", quantile=[0.1, 0.9], warm_start=True, **FAST).fit(X, Y)
    with pytest.raises(InvalidParameter, match="layers of the fit before"):
        model.set_params(quantile=0.5).fit(X, Y)
