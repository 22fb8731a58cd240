"""Estimators and Pipelines on tables that differ from the training table: what they say."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
NUMBERS = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "c"])
TABLE = NUMBERS.assign(color=["red"] * 30 + ["green"] * 27 + ["rare"] * 3)
Y = (NUMBERS["a"] > 0).to_numpy()
SETTINGS = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}


@pytest.fixture(params=[cr.MLPClassifier, cr.MLPRegressor])
def estimator(request):
    return request.param(**SETTINGS).fit(NUMBERS, Y.astype(int))


@pytest.fixture
def pipeline():
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5)
    parts = [("numbers", StandardScaler(), ["a", "b", "c"]), ("texts", encoder, ["color"])]
    return make_pipeline(ColumnTransformer(parts), cr.MLPClassifier(**SETTINGS)).fit(TABLE, Y)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="b"), "Feature names seen at fit time, yet now missing:\n- b"),
        (lambda t: t.assign(extra=1), "Feature names unseen at fit time:\n- extra"),
        (lambda t: t[["c", "b", "a"]], "must be in the same order as they were in fit"),
        (lambda t: t.rename(columns={"a": "e"}), "Feature names unseen at fit time:\n- e"),
        (lambda t: t.assign(a="text"), "could not convert string to float: 'text'"),
        (lambda t: t.assign(a=np.nan), "contains NaN"),
        (lambda t: t.to_numpy()[:, :2], "2 features, but MLP.* is expecting 3 features"),
    ],
)
def test_estimators_refuse_other_columns(estimator, change, said):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=said):
            estimator.predict(change(NUMBERS))


def test_an_array_without_names_is_warned_of(estimator):
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        estimator.predict(NUMBERS.to_numpy())


def test_pipelines_find_columns_by_name(pipeline):
    expected = pipeline.predict_proba(TABLE)
    other = TABLE.assign(extra="unused")[["color", "extra", "c", "a", "b"]]
    np.testing.assert_array_equal(pipeline.predict_proba(other), expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="color"), "columns are missing: {'color'}"),
        (lambda t: t.assign(a="text"), "could not convert string to float: 'text'"),
    ],
)
def test_pipelines_refuse_missing_columns_and_other_types(pipeline, change, said):
    with pytest.raises(ValueError, match=said):
        pipeline.predict(change(TABLE))


def test_pipelines_group_unseen_categories_as_trained(pipeline):
    of = {c: pipeline.predict_proba(TABLE.assign(color=c)) for c in ("rare", "new", "red")}
    np.testing.assert_array_equal(of["new"], of["rare"])
    assert not np.array_equal(of["new"], of["red"])
    pipeline.set_params(columntransformer__texts__handle_unknown="warn")
    pipeline.fit(TABLE, Y)
    with pytest.warns(UserWarning, match="Found unknown categories in columns"):
        pipeline.predict(TABLE.assign(color="new"))
