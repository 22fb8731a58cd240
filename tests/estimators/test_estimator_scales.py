"""Validation data on another scale, or in another form, than what is trained on."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import UnscaledValidation

# Labels of which several may hold, though each row here has a single one.
one_label_a_row = pytest.mark.filterwarnings("ignore:Each row of y has a single 1")


RNG = np.random.default_rng(0)
SETTINGS = {"hidden_layer_sizes": (2,), "max_iter": 1, "random_state": 0}
TABLES = {
    name: getattr(datasets, f"load_{name}")(return_X_y=True)
    for name in ("iris", "wine", "breast_cancer", "digits")
}
SCALERS = {
    "standard": StandardScaler(),
    "min-max": MinMaxScaler(),
    "robust": RobustScaler(),
    "quantiles": QuantileTransformer(n_quantiles=20),
}
NORMAL = RNG.normal(size=(120, 3))
TARGETS = {
    "price": RNG.lognormal(12, 0.5, 120),
    "far from 0": 500 + 10 * NORMAL[:, 0],
    "wide": 100 * NORMAL[:, 0],
    "negative": -1000 * RNG.random(120),
    "whole numbers": RNG.integers(20, 400, 120),
    "two columns": np.column_stack([RNG.random(120), 1e4 + 100 * RNG.random(120)]),
}


def said(model, X, y, X_val, y_val):
    """Return what is said of the validation data, once at most and at the line of the user."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, X_val=X_val, y_val=y_val)
    found = [each for each in caught if each.category is UnscaledValidation]
    assert len(found) <= 1
    assert all(each.filename == __file__ for each in found)
    return str(found[0].message) if found else ""


def network(y):
    kind = MLPRegressor if np.asarray(y).dtype.kind == "f" else MLPClassifier
    return kind(**SETTINGS)


@pytest.mark.parametrize("scaler", SCALERS)
@pytest.mark.parametrize("table", TABLES)
def test_inputs_that_were_not_scaled(table, scaler):
    X, y = TABLES[table]
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    scaled, scale = SCALERS[scaler].fit_transform(X), SCALERS[scaler].transform
    assert not said(network(y), scaled, y, scale(X_val), y_val)
    assert not said(network(y), X, y, X_val, y_val)
    message = said(network(y), scaled, y, X_val, y_val)
    assert message.startswith("X_val is not scaled as X is: column ")
    assert "scaler.transform(X_val)" in message


def test_the_column_is_named():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(NORMAL, columns=["age", "size", "rate"])
    y = (NORMAL[:, 0] > 0).astype(int)
    other = frame.assign(size=frame["size"] * 30 + 400)
    message = said(network(y), frame[:80], y[:80], other[80:], y[80:])
    assert "column 'size' goes from 3" in message
    other["rate"] += 1000
    message = said(network(y), frame[:80], y[:80], other[80:], y[80:])
    assert message.startswith("X_val is not scaled as X is: column 'size' goes from ")
    assert ", and 1 more column differs. " in message


@pytest.mark.parametrize("forms", [(0, 0), (0, 1), (1, 0)], ids=["both", "X", "X_val"])
def test_sparse_inputs(forms):
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.3, (200, 30)) * rng.integers(5, 50, (200, 30)).astype(float)
    y = np.arange(200) % 2
    form, form_val = ([sparse.csr_matrix, np.asarray][i] for i in forms)
    scaler = MaxAbsScaler().fit(counts[:150])
    scaled, scaled_val = scaler.transform(counts[:150]), scaler.transform(counts[150:])
    assert not said(network(y), form(scaled), y[:150], form_val(scaled_val), y[150:])
    message = said(network(y), form(scaled), y[:150], form_val(counts[150:]), y[150:])
    assert message.startswith("X_val is not scaled as X is: its values go from 5 to 1")


@pytest.mark.parametrize("scaler", ["standard", "min-max", "robust"])
@pytest.mark.parametrize("target", TARGETS)
def test_targets_that_were_not_transformed(target, scaler):
    y, y_val = TARGETS[target][:90], TARGETS[target][90:]
    X, X_val, scaler = NORMAL[:90], NORMAL[90:], SCALERS[scaler]
    around = TransformedTargetRegressor(MLPRegressor(**SETTINGS), transformer=scaler)
    scaler.fit(y.reshape(90, -1))
    scaled_val = scaler.transform(y_val.reshape(30, -1)).reshape(y_val.shape)
    assert not said(around, X, y, X_val, scaled_val)
    message = said(around, X, y, X_val, y_val)
    assert message.startswith("y_val is not scaled as y is: ")
    assert "TransformedTargetRegressor transforms y alone" in message
    assert not said(MLPRegressor(**SETTINGS), X, y, X_val, y_val)
    assert said(MLPRegressor(**SETTINGS), X, y, X_val, scaled_val)  # the reverse


def test_the_logarithm_of_a_target():
    y = np.exp(3 + NORMAL[:, 0])
    around = TransformedTargetRegressor(
        MLPRegressor(**SETTINGS), func=np.log, inverse_func=np.exp, check_inverse=False
    )
    X, X_val = NORMAL[:90], NORMAL[90:]
    assert said(around, X, y[:90], X_val, y[90:])
    assert not said(around, X, y[:90], X_val, np.log(y[90:]))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_both_are_one_warning():
    y = 1000 + 50 * NORMAL[:, 0]
    model = make_pipeline(MLPRegressor(**SETTINGS))
    scaled = StandardScaler().fit_transform(y[:90, None]).ravel()
    with pytest.warns(UnscaledValidation) as caught:
        model.fit(
            NORMAL[:90],
            scaled,
            mlpregressor__X_val=1e3 * NORMAL[90:],
            mlpregressor__y_val=y[90:],
        )
    (message,) = [str(each.message) for each in caught if each.category is UnscaledValidation]
    assert "X_val is not scaled" in message
    assert "y_val is not scaled" in message


TIME = np.arange(400.0)
AWKWARD = {
    "trends": np.column_stack([TIME, np.sqrt(TIME), np.sin(TIME / 40)]),
    "walks": RNG.normal(size=(400, 3)).cumsum(axis=0),
    "rare ones": (RNG.random((400, 12)) < 0.005).astype(float),
    "long tails": RNG.standard_cauchy((400, 3)),
    "constants": np.column_stack([np.ones(400), RNG.random(400)]),
    "groups": np.repeat(RNG.normal(size=(20, 3)), 20, axis=0) + RNG.normal(size=(400, 3)) / 2,
    "large": (1e6 + RNG.normal(size=(400, 3))).astype(np.float32),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("n_val", [3, 10, 100])
@pytest.mark.parametrize("order", ["as it comes", "shuffled"])
@pytest.mark.parametrize("table", AWKWARD)
def test_nothing_is_said_of_one_table_however_odd(table, order, n_val, scaled):
    X = AWKWARD[table]
    if order == "shuffled":
        X = X[np.random.default_rng(1).permutation(len(X))]
    X, X_val = X[:-n_val], X[-n_val:]
    if scaled:
        scaler = StandardScaler().fit(X)
        X, X_val = scaler.transform(X), scaler.transform(X_val)
    y, y_val = (part[:, 0].astype(float) for part in (X, X_val))
    assert not said(MLPRegressor(**SETTINGS), X, y, X_val, y_val)


# --- in another form ---------------------------------------------------------------------------

INDEX = (NORMAL @ RNG.normal(size=(3, 3))).argmax(axis=1)
TWO = INDEX == 0
YES = np.where(TWO, "Yes", "No")

UNUSABLE = {
    "text for numbers": (INDEX, INDEX.astype(str), "type str where the known ones are of type int"),
    "numbers for text": (INDEX.astype(str), INDEX, "type int where the known ones are of type str"),
    "text for booleans": (TWO, TWO.astype(str), "type str where the known ones are of type bool"),
    "capitals": (YES, np.char.lower(YES), r"\('no', 'yes'\) are spelled otherwise"),
    "spaces": (YES, np.char.add(YES, " "), r"\('No ', 'Yes '\) are spelled otherwise"),
    "a class more": (INDEX, np.where(np.arange(120) > 115, 7, INDEX), r"Not known: 7\. Leave"),
    "-1 for 0": (TWO.astype(int), 2 * TWO - 1, r"Not known: -1\. Leave those rows out"),
    "one-hot": (INDEX, np.eye(3, dtype=int)[INDEX], "one class for each row.*argmax"),
    "one-hot of two": (YES, np.column_stack([TWO, ~TWO]).astype(int), "one class for each row"),
    "not one-hot": (np.eye(3, dtype=int)[INDEX], INDEX, "needs 3 columns of 0 and 1"),
    "a label less": (np.eye(3, dtype=int)[INDEX], np.eye(3, dtype=int)[INDEX][:, :2], "3 columns"),
    "probabilities": (TWO, NORMAL[:, 0], "continuous"),
    "bytes": (YES, YES.astype(bytes), "bytes"),
}


@one_label_a_row
@pytest.mark.parametrize("case", UNUSABLE)
def test_labels_in_another_form(case):
    y, y_val, sentence = UNUSABLE[case]
    with pytest.raises(
        cr.errors.InvalidInput, match=f"(?s)The validation data cannot be used.*{sentence}"
    ):
        MLPClassifier(**SETTINGS).fit(NORMAL[:60], y[:60], X_val=NORMAL[60:], y_val=y_val[60:])


@one_label_a_row
@pytest.mark.parametrize("case", [case for case in UNUSABLE if case not in ("probabilities",)])
def test_partial_fit_says_the_same(case):
    y, other, sentence = UNUSABLE[case]
    model = MLPClassifier(**SETTINGS).partial_fit(NORMAL, y, classes=np.unique(y))
    before = model.network_.theta.copy()
    with pytest.raises((ValueError, TypeError), match=sentence):
        model.partial_fit(NORMAL, other)
    np.testing.assert_array_equal(model.network_.theta, before)


SAME = {
    "int, float": (INDEX, INDEX.astype(float)),
    "bool, int": (TWO, TWO.astype(int)),
    "int, bool": (TWO.astype(int), TWO),
    "str, object": (YES, YES.astype(object)),
    "object, str": (YES.astype(object), YES),
    "a list": (INDEX, INDEX.tolist()),
    "sparse labels": (np.eye(3, dtype=int)[INDEX], sparse.csr_matrix(np.eye(3, dtype=int)[INDEX])),
}


@one_label_a_row
@pytest.mark.parametrize("case", SAME)
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_labels_of_another_type_that_are_the_same(case, class_weight):
    y, y_val = SAME[case]
    scores = []
    for given in (y, y_val):
        model = MLPClassifier(**SETTINGS, class_weight=class_weight)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(NORMAL[:60], y[:60], X_val=NORMAL[60:], y_val=given[60:])
        scores.append([*model.validation_scores_, *model.validation_loss_curve_])
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frame: frame[["b", "a", "c"]], "must be in the same order"),
        (lambda frame: frame.rename(columns={"a": "x"}), "unseen at fit time"),
        (lambda frame: frame.assign(d=1.0), "unseen at fit time"),
        (lambda frame: frame.drop(columns="c"), "now missing"),
    ],
)
def test_columns_in_another_order(change, sentence):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(NORMAL, columns=list("abc"))
    with pytest.raises(
        cr.errors.InvalidInput, match=f"(?s)The validation data cannot be used.*{sentence}"
    ):
        MLPClassifier(**SETTINGS).fit(frame, INDEX, X_val=change(frame), y_val=INDEX)


@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_several_targets_in_another_order(kind):
    pd = pytest.importorskip("pandas")
    Y = pd.DataFrame(NORMAL if kind is MLPRegressor else NORMAL > 0, columns=list("uvw"))
    Y = Y if kind is MLPRegressor else Y.astype(int)
    for other in (Y[["v", "u", "w"]], Y.rename(columns={"w": "x"})):
        with pytest.raises(cr.errors.InvalidInput, match=r"y_val has the columns \['.* and y has"):
            kind(**SETTINGS).fit(NORMAL, Y, X_val=NORMAL, y_val=other)
    for other in (Y, Y.to_numpy()):
        said(kind(**SETTINGS), NORMAL, Y, NORMAL, other)
    one = Y[["u"]].rename(columns={"u": "other"}).iloc[:, 0]
    said(kind(**SETTINGS), NORMAL, Y["u"], NORMAL, one)
