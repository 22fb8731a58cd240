"""Confidence intervals, by independent oracles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, d2_tweedie_score, r2_score

from chainrule.cli.intervals import Z, _by_rows, intervals, wilson
from chainrule.cli.metrics import score


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_wilsons_interval_is_scipys(n, part):
    k = round(part * n)
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def make(task, n, seed=0):
    rng = np.random.default_rng(seed)
    if task == "classification":
        P = rng.dirichlet([1, 1, 1], n)
        y = np.array([rng.choice(3, p=p) for p in P])
        return y, P, np.arange(3)
    h = rng.gamma(3, size=n)
    return (rng.poisson(h) if task == "counts" else h + rng.normal(size=n)), h, None


@pytest.mark.parametrize("task", ["classification", "regression", "counts"])
def test_resampled_metrics_are_those_of_the_rows_drawn(task):
    y, predicted, classes = make(task, 200)
    compute = _by_rows(score(task, y, predicted, classes), y, predicted)
    drawn = np.random.default_rng(1).integers(200, size=200)
    expected = dict(score(task, y[drawn], predicted[drawn], classes).metrics)
    if task == "classification":
        right = predicted.argmax(axis=1)[drawn]
        assert expected["balanced accuracy"] == balanced_accuracy_score(y[drawn], right)
        del expected["accuracy"]  # in closed form
    elif task == "regression":
        assert expected["R²"] == r2_score(y[drawn], predicted[drawn])
    else:
        assert expected["D²"] == d2_tweedie_score(y[drawn], predicted[drawn], power=1)
    assert compute(drawn) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("task", ["classification", "regression", "counts"])
def test_an_interval_holds_the_value_and_is_as_wide_as_the_normal_one(task):
    y, predicted, classes = make(task, 400)
    scores = score(task, y, predicted, classes)
    found = intervals(scores, y, predicted)
    assert found.keys() == scores.metrics.keys()
    assert all(found[name].low < value < found[name].high for name, value in scores.metrics.items())
    mean = {"classification": "log loss", "regression": "MAE", "counts": "deviance"}[task]
    rows = np.abs(y - predicted) if task == "regression" else scores.rows
    wide = 2 * Z * rows.std(ddof=1) / np.sqrt(400)
    assert found[mean].high - found[mean].low == pytest.approx(wide, rel=0.12)
    assert {each.method for each in found.values()} <= {"wilson", "bootstrap"}
    assert intervals(scores, y, predicted) == found


def test_of_one_row_there_is_no_interval():
    y, predicted, _ = make("regression", 1)
    assert intervals(score("regression", y, predicted), y, predicted) == {}
    y, predicted = np.full(9, 2.0), np.full(9, 2.5)  # R² is none
    assert "MAE" in intervals(score("regression", y, predicted), y, predicted)
