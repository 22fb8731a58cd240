"""Estimators and whole Pipelines, judged by ONNX Runtime: labels, probabilities, predictions."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)

import chainrule as cr
from chainrule import errors
from chainrule.files.onnx.checking import require_same_answers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLOSE = {"float32": 1e-5, "float64": 1e-13}
SETTINGS = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}

X = np.random.default_rng(0).normal(size=(200, 4))
SIGN, THIRDS, FOURTHS = X[:, 0] > 0, np.digitize(X[:, 0], [-1, 1]), np.digitize(X[:, 1], [-1, 0, 1])
LABELS = {
    "int": SIGN * 3 + 2,
    "bool": SIGN,
    "str": np.where(SIGN, "yes", "no"),
    "object": np.where(SIGN, "ja", "nein").astype(object),
    "float": SIGN * 2.0,
    "classes": THIRDS + 5,
    "str classes": np.array(["ä", "b c", ""])[THIRDS],
    "multilabel": (X[:, :3] > 0).astype(int),
    "columns": np.c_[THIRDS, FOURTHS],
    "str columns": np.c_[np.array(list("abc"))[THIRDS], np.array(list("defg"))[FOURTHS]],
}


def require_same(model, data, answers, far, close, **options):
    """Compare what ONNX Runtime answers with the model's own answers."""
    got = answers(cr.to_onnx(model, **options), data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unknown categories
        ours = model.predict(data)
        probabilities = model.predict_proba(data) if hasattr(model, "predict_proba") else None
    if probabilities is None:
        assert far(got["variable"].reshape(ours.shape), ours) <= close
        return got
    label = "label_0" if "label" in getattr(data, "columns", ()) else "label"
    assert list(got) == [label, "probabilities"]
    np.testing.assert_array_equal(got[label], ours)
    several = isinstance(probabilities, list)
    pairs = (
        zip(got["probabilities"], probabilities, strict=True)
        if several
        else [(got["probabilities"], probabilities)]
    )
    for theirs, mine in pairs:
        assert far(theirs, mine) <= close
    return got


@pytest.mark.parametrize("loss", ["log_loss", "cross_entropy"])
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("kind", LABELS)
def test_labels_are_the_users(kind, dtype, loss, answers, far):
    data, y = X.astype(dtype), LABELS[kind]
    model = cr.MLPClassifier(**SETTINGS, loss=loss).fit(data, y)
    got = require_same(model, data, answers, far, CLOSE[dtype])
    kinds = {"i": "i", "b": "b", "f": "f"}
    assert got["label"].dtype.kind == kinds.get(np.asarray(y).dtype.kind, "O")


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, ()),
        ({"loss": "poisson"}, ()),
        ({"loss": "huber", "activation": "gelu"}, ()),
        ({"loss": "quantile", "quantile": 0.9}, ()),
        ({"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}, (3,)),
    ],
)
def test_regression(settings, shape, n_targets, dtype, answers, far):
    y = np.abs(X[:, :n_targets]) if n_targets > 1 else np.abs(X[:, 0])
    model = cr.MLPRegressor(**SETTINGS, **settings).fit(X.astype(dtype), y)
    got = require_same(model, X.astype(dtype), answers, far, CLOSE[dtype])
    targets = () if shape and n_targets == 1 else (n_targets,)
    assert got["variable"].shape == (200, *targets, *shape)
    assert got["variable"].dtype == dtype


def test_sparse_labels_and_shares_of_nothing(answers, far):
    model = cr.MLPClassifier(**SETTINGS).fit(X, sparse.csr_matrix(LABELS["multilabel"]))
    np.testing.assert_array_equal(
        answers(cr.to_onnx(model), X)["label"], model.predict(X).toarray()
    )
    one_vs_all = cr.MLPClassifier(**SETTINGS, loss="cross_entropy").fit(X, LABELS["classes"])
    one_vs_all.network_.theta[...] = 0
    one_vs_all.network_.biases[-1] = np.full(3, -1e4)
    got = require_same(one_vs_all, X, answers, far, 0)
    np.testing.assert_array_equal(got["probabilities"], np.full((200, 3), 1 / 3))


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_best_of_a_cross_validation_or_search(kind, answers, far):
    if kind == "classifier":
        model = cr.MLPClassifierCV([0.1, 1], cv=2, **SETTINGS).fit(X, LABELS["str"])
        single = cr.MLPClassifier(**SETTINGS)
        y = LABELS["str"]
    else:
        model = cr.MLPRegressorCV([0.1, 1], cv=2, **SETTINGS).fit(X, X[:, 0])
        single, y = cr.MLPRegressor(**SETTINGS), X[:, 0]
    require_same(model, X, answers, far, 1e-13)
    whole = make_pipeline(StandardScaler(), single)
    name = f"{type(single).__name__.lower()}__alpha"
    search = GridSearchCV(whole, {name: [0.1, 1]}, cv=2).fit(X, y)
    require_same(search, X, answers, far, 1e-13)


def table():
    rng = np.random.default_rng(1)
    data = pd.DataFrame(X * [1, 100, 1e-3, 1] + [0, 1000, 0, 5])
    data.columns = ["petal length (cm)", "petal_length_cm", "label", "X"]
    data.iloc[3, 0] = data.iloc[7, 3] = np.nan
    color = rng.choice(
        ["red", "green", "blue", "rare", "rarer"], 200, p=[0.4, 0.3, 0.28, 0.01, 0.01]
    )
    data["color"] = color.astype(object)
    data.loc[5, "color"] = None
    data["grade"] = rng.integers(1, 5, 200)
    data["half"] = rng.choice([0.5, 1.5, np.nan], 200)
    return data


NUMBERS = ["petal length (cm)", "petal_length_cm", "label", "X"]
ENCODERS = [
    {"handle_unknown": "ignore"},
    {"handle_unknown": "ignore", "drop": "first"},
    {"handle_unknown": "ignore", "drop": "if_binary", "sparse_output": False},
    {"handle_unknown": "infrequent_if_exist", "min_frequency": 5, "max_categories": 50},
    {"handle_unknown": "infrequent_if_exist", "max_categories": 3},
    {"handle_unknown": "warn", "min_frequency": 60, "drop": "first"},
    {"handle_unknown": "infrequent_if_exist"},
]


def prepared(encoder, imputer=None):
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, **(imputer or {})), StandardScaler()
    )
    return ColumnTransformer(
        [
            ("numbers", numbers, NUMBERS),
            ("texts", OneHotEncoder(**encoder), ["color", "grade", "half"]),
        ]
    )


@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_tables_with_categories_and_missing_values(encoder, answers, far):
    data = table()
    model = make_pipeline(prepared(encoder), cr.MLPClassifier(**SETTINGS)).fit(data, LABELS["str"])
    require_same(model, data, answers, far, 1e-13)
    odd = data.assign(grade=data["grade"] + 2, half=data["half"] + 1)
    odd.loc[:20, "color"] = "never seen"
    odd.loc[30:40, "color"] = None
    odd.loc[50:60, "X"] = np.nan
    require_same(model, odd, answers, far, 1e-13)
    require_same(model, odd, answers, far, 1e-5, dtype="float32")


def test_inputs_have_the_columns_names_and_kinds():
    data = table()
    model = make_pipeline(prepared(ENCODERS[0]), cr.MLPClassifier(**SETTINGS))
    graph = cr.to_onnx(model.fit(data, LABELS["str"])).graph
    assert [each.name for each in graph.input] == list(data.columns)
    kinds = [each.type.tensor_type.elem_type for each in graph.input]
    assert kinds == [11] * 4 + [8] + [11] * 2  # double, string
    names = {each.name for side in (graph.input, graph.output) for each in side}
    assert len(names) == len(data.columns) + 2


def test_missing_texts_are_imputed_and_empty_columns_left_out(answers, far):
    data = table().assign(nothing=np.nan)
    data.loc[:9, "color"] = np.nan
    texts = make_pipeline(
        SimpleImputer(strategy="most_frequent"),
        OneHotEncoder(handle_unknown="ignore"),
    )
    numbers = SimpleImputer(strategy="constant", fill_value=-1.0, add_indicator=True)
    dropping = SimpleImputer(add_indicator=True)
    parts = (texts, ["color"]), (numbers, ["label", "half"]), (dropping, ["X", "nothing"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the empty column
        model = make_pipeline(make_column_transformer(*parts), cr.MLPClassifier(**SETTINGS))
        model.fit(data, LABELS["str"])
    require_same(model, data, answers, far, 1e-13)


ONE_HOT = OneHotEncoder(handle_unknown="ignore")
COLUMNS = {
    "slices": [(StandardScaler(), slice("a", "c")), (ONE_HOT, slice("s", "t"))],
    "masks": [(StandardScaler(), [True] * 3 + [False] * 2), (ONE_HOT, [3, 4])],
    "kinds": [(ONE_HOT, make_column_selector("[st]")), (StandardScaler(), ["b"])],
    "rest passes": [(ONE_HOT, ["s", "t"])],
    "dropped": [(StandardScaler(), ["a"]), (ONE_HOT, ["s"]), ("drop", ["t"])],
    "nested": [
        (make_pipeline(make_column_transformer((ONE_HOT, ["t"]), (ONE_HOT, [0]))), ["s", "t"]),
        (MinMaxScaler(), ["c", "a"]),
    ],
    "ordinal": [
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["s"]),
        (OrdinalEncoder(encoded_missing_value=-2, min_frequency=40), ["t", "b"]),
    ],
}


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("parts", COLUMNS.values(), ids=COLUMNS)
def test_columns_are_chosen_in_any_way(parts, dtype, answers, far):
    rng = np.random.default_rng(2)
    data = pd.DataFrame(X[:, :3], columns=list("abc"))
    s, t = rng.choice(list("xyz"), 200), rng.choice(["u", "v"], 200)
    data = data.assign(b=data["b"].round(), s=s, t=t)
    rest = "passthrough" if len(parts) == 1 else "drop"
    model = make_pipeline(
        make_column_transformer(*parts, remainder=rest), cr.MLPClassifier(**SETTINGS)
    ).fit(data, SIGN)
    require_same(model, data, answers, far, CLOSE[dtype], dtype=dtype)
    made = cr.to_onnx(model, data.assign(s="new") if parts[0][0] is ONE_HOT else data, dtype=dtype)
    assert {each.name for each in made.graph.input} <= set(data.columns)


def test_a_table_of_numbers_alone_loses_nothing(answers, far):
    data = pd.DataFrame(X * 1e-3 + 1e6, columns=["b", "a", "X", "label"])
    model = make_pipeline(StandardScaler(), cr.MLPClassifier(**SETTINGS)).fit(data, SIGN)
    require_same(model, data, answers, far, 1e-13)
    assert [each.name for each in cr.to_onnx(model).graph.input] == list(data.columns)


@pytest.mark.parametrize("evaluator", ["onnxruntime", "onnx"])
def test_rows_to_check_on_find_what_has_another_meaning(evaluator, monkeypatch):
    if evaluator == "onnx":
        monkeypatch.setattr("chainrule.files.onnx.checking.find_spec", lambda name: None)
    model = cr.MLPClassifier(**SETTINGS).fit(X, THIRDS)
    made = cr.to_onnx(model, X)
    model.network_.biases[-1][0] += 1e-3
    with pytest.raises(errors.InvalidInput, match="differ from this model's on 200 of the 200"):
        require_same_answers(made, model, X)
    for kind in ("str", "multilabel", "columns"):
        cr.to_onnx(cr.MLPClassifier(**SETTINGS).fit(X, LABELS[kind]), X)
    cr.to_onnx(cr.MLPRegressor(**SETTINGS).fit(X, X[:, 0]), X, dtype="float32")
    cr.to_onnx(cr.Network([4, 3, 2]), sparse.csr_matrix(X))


def test_what_skl2onnx_cannot_convert_is_one_sentence():
    with pytest.raises(errors.InvalidInput, match="skl2onnx cannot convert this model"):
        cr.to_onnx(make_pipeline(KNNImputer(), cr.MLPClassifier(**SETTINGS)).fit(X, SIGN))
    steps = (PolynomialFeatures(2), StandardScaler(), cr.MLPClassifier(**SETTINGS))
    data = pd.DataFrame(X).astype({0: int}).rename(columns=str)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cr.to_onnx(make_pipeline(*steps).fit(data, SIGN), data, dtype="float32")


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize(
    "around",
    [
        {"transformer": StandardScaler()},
        {"transformer": MinMaxScaler((1, 3))},
        {"func": np.log1p, "inverse_func": np.expm1},
        {"func": np.log, "inverse_func": np.exp},
        {"func": np.sqrt, "inverse_func": np.square},
    ],
    ids=str,
)
def test_transformed_targets(around, dtype, answers, far):
    network = make_pipeline(StandardScaler(), cr.MLPRegressor(**SETTINGS))
    model = TransformedTargetRegressor(network, **around).fit(X, np.exp(X[:, 0]) + 1000)
    got = answers(cr.to_onnx(model, dtype=dtype), X)["variable"]
    assert far(got[:, 0], model.predict(X)) <= CLOSE[dtype]


def test_an_empty_text_beside_missing_ones_is_refused():
    data = pd.DataFrame({"s": ["", None, "a", "b"] * 50})
    model = make_pipeline(make_column_transformer((ONE_HOT, ["s"])), cr.MLPClassifier(**SETTINGS))
    with pytest.raises(errors.InvalidInput, match=r"no missing strings \(they are '' there"):
        cr.to_onnx(model.fit(data, SIGN))


THRESHOLDS = {FixedThresholdClassifier: {}, TunedThresholdClassifierCV: {"cv": 2}}


def test_labels_at_another_threshold_and_other_calibrations_are_refused():
    """skl2onnx converts them, with other labels or probabilities than theirs."""
    single = cr.MLPClassifier(**SETTINGS)
    for kind, settings in THRESHOLDS.items():
        with pytest.raises(errors.InvalidInput, match=f"{kind.__name__} at another threshold"):
            cr.to_onnx(kind(single, **settings).fit(X, SIGN))
    with pytest.raises(errors.InvalidInput, match="with method='sigmoid' only"):
        cr.to_onnx(CalibratedClassifierCV(single, method="isotonic", cv=2).fit(X, SIGN))


WRAPPERS = {
    "calibrated": CalibratedClassifierCV(cr.MLPClassifier(**SETTINGS), cv=2),
    "bagged": BaggingClassifier(cr.MLPClassifier(**SETTINGS), 2, random_state=0),
    "one against the rest": OneVsRestClassifier(cr.MLPClassifier(**SETTINGS)),
    "votes, soft": VotingClassifier(
        [("a", cr.MLPClassifier(**SETTINGS)), ("b", LogisticRegression())], voting="soft"
    ),
    "votes, hard": VotingClassifier(
        [("a", cr.MLPClassifier(**SETTINGS)), ("b", LogisticRegression())]
    ),
    "stacked": StackingClassifier([("a", cr.MLPClassifier(**SETTINGS))], cv=2),
}


@pytest.mark.parametrize("kind", WRAPPERS)
def test_several_networks_in_one_model(kind, answers, far):
    model = WRAPPERS[kind].fit(X, SIGN * 1)
    got = answers(cr.to_onnx(model, X), X)
    np.testing.assert_array_equal(got["label"], model.predict(X))
    if hasattr(model, "predict_proba"):
        assert far(got["probabilities"], model.predict_proba(X)) <= 1e-6  # of float32 in between


def test_votes_are_compared():
    model = WRAPPERS["votes, hard"].fit(X, LABELS["str"])
    made = cr.to_onnx(model, X)
    model.estimators_[0].network_.biases[-1] += 9
    with pytest.raises(errors.InvalidInput, match="instead of 'yes' in row"):
        require_same_answers(made, model, X)


@pytest.mark.parametrize("rows", [X[0], 3.0])
def test_rows_to_check_on_are_rows(rows):
    with pytest.raises(errors.InvalidInput, match="X needs rows"):
        cr.to_onnx(cr.Network([4, 2]), rows)


def test_what_cannot_be_converted_is_said(answers):
    with pytest.raises(NotFittedError):
        cr.to_onnx(cr.MLPClassifier())
    model = TransformedTargetRegressor(
        cr.MLPRegressor(**SETTINGS), func=np.cbrt, inverse_func=lambda y: y**3
    ).fit(X, X[:, 0])
    with pytest.raises(errors.InvalidInput, match="cannot undo the transform of a target"):
        cr.to_onnx(model)
    middle = make_pipeline(cr.MLPClassifier(**SETTINGS), LogisticRegression()).fit(X, SIGN)
    with pytest.raises(errors.InvalidInput, match="in the middle of a Pipeline"):
        cr.to_onnx(middle)
    chosen = cr.MLPClassifierCV([1.0], cv=2, refit=False, **SETTINGS).fit(X, SIGN)
    with pytest.raises(errors.InvalidInput, match="refit=False"):
        cr.to_onnx(chosen)
    mixed = np.c_[LABELS["object"], LABELS["object"]]
    mixed[:, 1] = [1 + (i % 2) for i in range(200)]
    with pytest.raises((errors.InvalidInput, ValueError, TypeError)):
        cr.to_onnx(cr.MLPClassifier(**SETTINGS).fit(X, mixed))


def test_skl2onnx_itself_knows_ours(answers):
    import skl2onnx

    import chainrule.files.onnx.pipelines  # noqa: F401 - it registers them

    model = make_pipeline(StandardScaler(), cr.MLPClassifier(**SETTINGS)).fit(X, LABELS["str"])
    made = skl2onnx.to_onnx(model, X.astype(np.float32), target_opset=18)
    got = answers(made, X)
    np.testing.assert_array_equal(got["output_label"], model.predict(X))
    first = model.predict_proba(X)[0]
    assert got["output_probability"][0] == pytest.approx(
        dict(zip(model.classes_, first, strict=True)), abs=1e-6
    )
