"""What an example counts: sample weights and class weights."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_sample_weight

from chainrule import MLPClassifier


def fit(kind, X, y, sample_weight=None, **settings):
    # One full batch; few iterations, since each doubles rounding for a solver with a line search.
    base = {"hidden_layer_sizes": (6,), "activation": "tanh", "random_state": 0, "max_iter": 30}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(**{**base, **settings}).fit(X, y, sample_weight)


PENALTIES = {"alpha": {"alpha": 0.5}, "l1": {"alpha": 0, "l1": 0.05}, "both": {"l1": 0.05}}


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("weights", ["two", "whole", "zeros"])
def test_a_weight_is_a_row_that_many_times(make, kind, solver, penalty, weights):
    estimator, settings, X, y = make(kind)
    rng = np.random.default_rng(3)
    times = {
        "two": np.full(len(X), 2),
        "whole": rng.integers(1, 4, len(X)),
        "zeros": rng.integers(0, 3, len(X)),
    }[weights]
    assert weights != "zeros" or (times == 0).sum() > 10
    settings = {**settings, **PENALTIES[penalty], "solver": solver}
    if solver == "lbfgs":
        settings["max_iter"] = 10
    weighted = fit(estimator, X, y, times, **settings)
    repeated = fit(estimator, np.repeat(X, times, axis=0), np.repeat(y, times, axis=0), **settings)
    np.testing.assert_allclose(weighted.network_.theta, repeated.network_.theta, rtol=0, atol=1e-8)
    assert weighted.loss_ == pytest.approx(repeated.loss_, abs=1e-8)
    unweighted = fit(estimator, X, y, **settings)
    if weights != "two" or penalty != "both":
        assert np.abs(weighted.network_.theta - unweighted.network_.theta).max() > 1e-5


def test_weights_of_one_are_no_weights(make, kind, solver):
    estimator, settings, X, y = make(kind)
    settings = {**settings, "solver": solver, "batch_size": 20}
    weighted = fit(estimator, X, y, np.ones(len(X)), **settings)
    np.testing.assert_allclose(
        weighted.network_.theta, fit(estimator, X, y, **settings).network_.theta, atol=1e-10
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True], ids=["alone", "with sample_weight"])
@pytest.mark.parametrize("problem", ["binary", "multiclass", "multilabel", "strings"])
def test_balanced_is_the_matching_sample_weight_to_the_bit(make, solver, problem, weighted, dtype):
    _, _, X, y = make("multiclass" if problem == "strings" else problem)
    if problem == "strings":
        y = np.array(["up", "down", "left"])[y]
    X = X.astype(dtype)
    given = np.random.default_rng(2).uniform(0.1, 3, len(X)) if weighted else None
    matching = compute_sample_weight("balanced", y)
    matching = matching if given is None else matching * given
    settings = {"solver": solver, "batch_size": 25}
    balanced = fit(MLPClassifier, X, y, given, class_weight="balanced", **settings)
    by_hand = fit(MLPClassifier, X, y, matching, **settings)
    np.testing.assert_array_equal(balanced.network_.theta, by_hand.network_.theta)
    plain = fit(MLPClassifier, X, y, given, **settings)
    assert not np.array_equal(balanced.network_.theta, plain.network_.theta)


@pytest.mark.parametrize("weighted", [False, True], ids=["alone", "with sample_weight"])
def test_a_dict_is_the_matching_sample_weight_to_the_bit(make, solver, weighted):
    _, _, X, y = make("multiclass")
    labels = np.array(["a", "b", "c"])[y]
    given = np.random.default_rng(2).uniform(0.1, 3, len(X)) if weighted else None
    by_class = np.array([0.5, 3.0, 1.0])[y]  # a class that is not named weighs 1
    by_class = by_class if given is None else by_class * given
    named = fit(MLPClassifier, X, labels, given, class_weight={"a": 0.5, "b": 3}, solver=solver)
    by_hand = fit(MLPClassifier, X, labels, by_class, solver=solver)
    np.testing.assert_array_equal(named.network_.theta, by_hand.network_.theta)


def test_a_dict_in_partial_fit_though_a_class_is_missing(make):
    _, _, X, y = make("multiclass")
    weights = {0: 0.5, 1: 3.0, 2: 1.5}
    two = y < 2
    models = [MLPClassifier((6,), random_state=0, class_weight=cw) for cw in (weights, None)]
    models[0].partial_fit(X[two], y[two], classes=[0, 1, 2])
    models[1].partial_fit(X[two], y[two], np.array([0.5, 3.0])[y[two]], classes=[0, 1, 2])
    np.testing.assert_array_equal(models[0].network_.theta, models[1].network_.theta)


def test_balanced_helps_the_rare_class():
    rng = np.random.default_rng(0)
    y = (np.arange(400) < 20).astype(int)
    X = rng.normal(size=(400, 2)) + y[:, None]
    plain, balanced = (
        fit(MLPClassifier, X, y, class_weight=cw, max_iter=300) for cw in (None, "balanced")
    )
    assert plain.predict(X)[y == 1].mean() < 0.5 < balanced.predict(X)[y == 1].mean()


def test_balanced_is_not_for_partial_fit(make):
    _, _, X, y = make("binary")
    with pytest.raises(
        ValueError, match="'class_weight' parameter of MLPClassifier must be a dict"
    ):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1])


def test_a_dict_is_not_for_multi_label(make):
    _, _, X, y = make("multilabel")
    with pytest.raises(ValueError, match="must be 'balanced' or None for multi-label"):
        MLPClassifier(class_weight={0: 2}).fit(X, y)


def test_a_dict_with_an_unknown_class(make):
    _, _, X, y = make("binary")
    with pytest.raises(ValueError, match="class_weight"):
        MLPClassifier(class_weight={0: 2, 7: 1}).fit(X, y)


@pytest.mark.parametrize(
    "labels", [("01", "02"), ("1", "1.0"), (" 1", "1"), (0.0, 1.0), (False, True)]
)
def test_class_weights_are_found_by_the_labels_themselves(make, labels):
    _, settings, X, y = make("binary")
    spelled = np.array(labels)[y]
    weights = dict(zip(labels, [0.5, 3.0], strict=True))
    named = fit(MLPClassifier, X, spelled, class_weight=weights, **settings)
    counted = fit(MLPClassifier, X, y, np.array([0.5, 3.0])[y], **settings)
    np.testing.assert_array_equal(named.network_.theta, counted.network_.theta)


@pytest.mark.parametrize(
    "bad", [[1, 2], np.full(60, -1.0), np.full(60, np.nan), np.zeros(60), np.ones((60, 2))]
)
def test_unusable_sample_weights(make, kind, bad):
    estimator, settings, X, y = make(kind)
    with pytest.raises(ValueError, match=r"(?i)sample.?weight"):
        estimator(**settings).fit(X, y, bad)


def test_score_takes_sample_weight(make, kind):
    estimator, settings, X, y = make(kind)
    model = fit(estimator, X, y, **settings)
    weight = np.r_[np.ones(30), np.zeros(30)]
    assert model.score(X, y, weight) == pytest.approx(model.score(X[:30], y[:30]))


@pytest.mark.filterwarnings("ignore::chainrule.errors.UnscaledTarget")  # by rows of weight 0
def test_early_stopping_scores_with_the_weights(make):
    """Held-out rows of weight 0 count neither in training nor in the validation score."""
    kind, _, X, y = make("regression", n=200)
    settings = {"early_stopping": True, "validation_fraction": 0.4}
    weight = np.random.default_rng(0).integers(0, 2, 200)
    wrong = np.where(weight == 0, 1e6, y)
    with_wrong, without = (fit(kind, X, t, weight, **settings) for t in (wrong, y))
    np.testing.assert_array_equal(with_wrong.validation_scores_, without.validation_scores_)
