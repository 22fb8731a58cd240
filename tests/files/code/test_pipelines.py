"""Whole Pipelines as programs: what stands before the network, and behind it."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

import chainrule as cr
from chainrule import errors
from chainrule.files.code.common import program

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {"hidden_layer_sizes": (6,), "max_iter": 4, "random_state": 0}
rng = np.random.default_rng(0)
TABLE = pd.DataFrame(rng.normal(size=(80, 3)) * [1, 100, 1e-3] + [0, 1e4, 0], columns=list("abc"))
Y = TABLE["a"].to_numpy() > 0
TABLE.loc[[3, 8], "b"] = np.nan
TABLE["color"] = ["red"] * 40 + ["green"] * 35 + ["rare"] * 2 + ["*/", None, None]
TABLE["grade"] = rng.integers(1, 4, 80)
ODD = TABLE.assign(a=np.nan, grade=7)[:20]
ODD.loc[:9, "color"] = "never seen"
NUMBERS = ["c", "a", "b"]

IMPUTED = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
GROUPED = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5)
BEFORE = {
    "as the command": ColumnTransformer(
        [("numbers", IMPUTED, NUMBERS), ("texts", GROUPED, ["color", "grade"])]
    ),
    "scaled twice": make_column_transformer(
        (make_pipeline(SimpleImputer(), RobustScaler(), MinMaxScaler(), MaxAbsScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore", drop="first"), [3, 4]),
    ),
    "categories imputed": make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="most_frequent"), GROUPED), ["color", "grade"]),
    ),
    "missing ones named": make_column_transformer(
        (
            make_pipeline(
                SimpleImputer(strategy="constant", fill_value="none"),
                OneHotEncoder(handle_unknown="ignore"),
            ),
            ["color"],
        ),
    ),
    "passed": make_pipeline(
        make_column_transformer(
            (SimpleImputer(strategy="constant", fill_value=3.0), slice("a", "c")), remainder="drop"
        ),
        StandardScaler(),
    ),
}


def own_answers(model, table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unknown categories
        if hasattr(model, "classes_"):
            return model.predict_proba(table)[:, 1]
        return model.predict(table)


def as_json(table):
    rows = [[None if pd.isna(v) else v for v in row] for row in table.astype(object).to_numpy()]
    return repr(rows).replace("None", "null")


SCALED = TransformedTargetRegressor(cr.MLPRegressor(**SETTINGS), transformer=StandardScaler())


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_programs_prepare_as_the_pipeline_does(before, kind, self_test, in_node):
    if kind == "classifier":
        model = make_pipeline(before, cr.MLPClassifier(**SETTINGS)).fit(TABLE, Y)
    else:
        model = make_pipeline(before, SCALED).fit(TABLE, 1000 + 50 * TABLE["c"])
    table = pd.concat([TABLE, ODD])
    ours = own_answers(model, table)
    np.testing.assert_allclose(program(model, table, None).H[:, 0], ours, rtol=1e-12)
    assert self_test(cr.to_c(model, table)) == 0
    assert self_test(cr.to_c(model, dtype="float32")) == 0
    got = in_node(cr.to_js(model), f"[m.test(), ...{as_json(table)}.map((x) => m.predict(x)[0])]")
    np.testing.assert_allclose(got, [0, *ours], rtol=1e-12)
    assert in_node(cr.to_js(model, table, dtype="float32"), "m.test()") == 0


def test_the_comment_tells_the_numbers_of_categories():
    model = make_pipeline(BEFORE["as the command"], cr.MLPClassifier(**SETTINGS)).fit(TABLE, Y)
    head = [line.strip() for line in cr.to_c(model).split("*/")[0].splitlines()]
    start = head.index('The numbers of the categories of input "color" (3):')
    assert head[start + 1 :][:4] == ['2 "* /"', '0 "green"', '2 "rare"', '1 "red"']
    assert head[start + 5 :][:2] == ["2 a missing one", "2 any other"]
    start = head.index('The numbers of the categories of input "grade" (4):')
    assert head[start + 1 :][:4] == ['0 "1"', '1 "2"', '2 "3"', "-1 any other"]
    assert "#define NET_INPUTS 5" in cr.to_c(model)


def test_an_empty_text_is_missing_unless_it_is_a_category(self_test, in_node):
    for texts in (["", None, "a", "b"], [None, "a", "b", "c"]):
        table = pd.DataFrame({"s": texts * 10})
        before = make_column_transformer((OneHotEncoder(), ["s"]))
        model = make_pipeline(before, cr.MLPClassifier(**SETTINGS)).fit(table, Y[:40])
        assert self_test(cr.to_c(model, table)) == 0
        ours = own_answers(model, table[:4])
        calls = ", ".join(f"m.predict([{json.dumps(text)}])[0]" for text in texts)
        got = in_node(cr.to_js(model), f"[m.test(), {calls}, m.predict([''])[0]]")
        empty = texts.index("" if "" in texts else None)
        np.testing.assert_allclose(got, [0, *ours, ours[empty]], rtol=1e-12)


def test_rows_for_the_vectors_are_the_columns_of_the_model():
    model = make_pipeline(StandardScaler(), cr.MLPClassifier(**SETTINGS)).fit(TABLE[["a", "c"]], Y)
    turned = TABLE[["c", "b", "a"]]
    np.testing.assert_array_equal(
        program(model, turned, None).H[:, 0], model.predict_proba(TABLE[["a", "c"]])[:, 1]
    )
    with pytest.raises(errors.InvalidInput, match="X lacks the column 'c', for the test"):
        cr.to_c(model, TABLE[["a"]])
    array = make_pipeline(StandardScaler(), cr.MLPClassifier(**SETTINGS)).fit(
        TABLE[["a", "c"]].to_numpy(), Y
    )
    np.testing.assert_array_equal(program(array, TABLE[["a", "c"]], None).X, TABLE[["a", "c"]])


def test_categories_of_another_kind_are_refused():
    table = pd.DataFrame({"day": pd.to_datetime(["2026-01-01", "2026-01-02"] * 40).astype(object)})
    before = make_column_transformer((OneHotEncoder(), ["day"]))
    model = make_pipeline(before, cr.MLPClassifier(**SETTINGS)).fit(table, Y)
    with pytest.raises(errors.InvalidInput, match="categories that are strings, numbers"):
        cr.to_js(model)


def test_arrays_searches_and_scaled_targets_of_several_columns(self_test, in_node):
    X = rng.normal(size=(60, 3)) + 5
    network = make_pipeline(StandardScaler(), cr.MLPRegressor(**SETTINGS))
    several = TransformedTargetRegressor(network, transformer=MinMaxScaler())
    several.fit(X, X[:, :2] * [1, 1000])
    for model in (several, GridSearchCV(network, {}, cv=2).fit(X, X[:, 0])):
        H, ours = program(model, X, None).H, model.predict(X)
        np.testing.assert_allclose(H.reshape(ours.shape), ours, rtol=1e-12)
        assert self_test(cr.to_c(model)) == in_node(cr.to_js(model), "m.test()") == 0


@pytest.mark.parametrize(
    "other", [StandardScaler(), OneHotEncoder(drop="first"), OneHotEncoder(min_frequency=30)]
)
def test_a_column_that_is_used_in_two_ways_is_refused(other):
    before = make_column_transformer((OneHotEncoder(), ["grade"]), (other, ["grade"]))
    model = make_pipeline(before, cr.MLPClassifier(**SETTINGS)).fit(TABLE, Y)
    for write in (cr.to_c, cr.to_js):
        with pytest.raises(errors.InvalidInput, match="Column 'grade' is used in two ways"):
            write(model)
    same = make_column_transformer((OneHotEncoder(), ["grade"]), (OneHotEncoder(), ["grade"]))
    model = make_pipeline(same, cr.MLPClassifier(**SETTINGS)).fit(TABLE, Y)
    np.testing.assert_allclose(program(model, TABLE, None).H[:, 0], own_answers(model, TABLE))


def test_what_a_program_does_not_hold():
    X = rng.normal(size=(60, 3))
    y = X[:, 0] > 0
    net = cr.MLPClassifier(**SETTINGS)
    for before, said in {
        PCA(2): "Here is PCA:",
        MinMaxScaler(clip=True): "Here is MinMaxScaler that clips",
        SimpleImputer(missing_values=-1): "imputes missing values only",
    }.items():
        with pytest.raises(errors.InvalidInput, match=f"program in C or JavaScript .*{said}"):
            cr.to_c(make_pipeline(before, net).fit(X, y))
    twice = make_pipeline(StandardScaler(), SimpleImputer(), net).fit(X, y)
    with pytest.raises(errors.InvalidInput, match="Here is SimpleImputer"):
        cr.to_js(twice)
    regressor = cr.MLPRegressor(**SETTINGS)
    logs = TransformedTargetRegressor(regressor, func=np.log, inverse_func=np.exp)
    with pytest.raises(errors.InvalidInput, match="undo only the scaling of a target"):
        cr.to_c(logs.fit(X, np.exp(X[:, 0])))
    scaled = make_pipeline(StandardScaler(), net).fit(X, y)
    for wrong in (X[:, :2], X[0], [["a", "b", "c"]]):
        with pytest.raises(errors.InvalidInput):
            cr.to_c(scaled, wrong)
