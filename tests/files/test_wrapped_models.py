"""Models of scikit-learn around ours: each comes back with equal predictions, or one sentence."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import loguniform
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import (
    BaggingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the import possible
from sklearn.impute import SimpleImputer
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

import chainrule as cr
from chainrule import errors

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
X = np.abs(np.random.default_rng(0).normal(size=(40, 3)))
SIGN, Y = (X[:, 0] > 0.7) * 1, X[:, :2] * 3
TABLE = pd.DataFrame(X, columns=list("abc")).assign(s=np.where(X[:, 1] > 0.5, "x", "y"))
ALPHAS = {"alpha": [0.1, 1.0]}
NET, REG = cr.MLPClassifier(**SETTINGS), cr.MLPRegressor(**SETTINGS)


def numbers_and_texts(choose_numbers=None, choose_texts=None):
    texts = choose_texts or make_column_selector(dtype_exclude=np.number)
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), choose_numbers or [0, 1, 2]),
        (OneHotEncoder(), texts),
    )


def selected():
    return numbers_and_texts(make_column_selector(dtype_include=np.number))


PASSED = make_column_transformer(
    (OneHotEncoder(), make_column_selector(pattern="^s")), remainder="passthrough"
)
NESTED = make_column_transformer((selected(), lambda table: table.columns), remainder="drop")
SEARCH = GridSearchCV(make_pipeline(selected(), NET), {"mlpclassifier__alpha": [0.1, 1]}, cv=2)
SAVED = {
    "selectors": (make_pipeline(selected(), NET), TABLE, SIGN),
    "a selector, the rest passed": (make_pipeline(PASSED, NET), TABLE, SIGN),
    "a function": (make_pipeline(numbers_and_texts(lambda t: ["a", "b"]), NET), TABLE, SIGN),
    "an index": (make_pipeline(numbers_and_texts(lambda t: t.columns[:2]), NET), TABLE, SIGN),
    "nested": (make_pipeline(NESTED, NET), TABLE, SIGN),
    "selectors in a template": (
        TransformedTargetRegressor(make_pipeline(selected(), REG), transformer=StandardScaler()),
        TABLE,
        Y[:, 0],
    ),
    "a search over selectors": (SEARCH, TABLE, SIGN),
    "grid": (GridSearchCV(NET, ALPHAS, cv=2), X, SIGN),
    "grid, own score": (GridSearchCV(NET, ALPHAS, cv=2, scoring="roc_auc"), X, SIGN),
    "grid, several scores": (
        GridSearchCV(
            NET,
            {"hidden_layer_sizes": [(3,), (4, 2)], "activation": ["relu", "tanh"]},
            cv=StratifiedKFold(2),
            scoring=["roc_auc", "accuracy"],
            refit="accuracy",
        ),
        X,
        SIGN,
    ),
    "grid, named scores": (
        GridSearchCV(NET, ALPHAS, cv=2, scoring={"auc": "roc_auc"}, refit="auc"),
        X,
        SIGN,
    ),
    "grid, repeated folds": (
        GridSearchCV(NET, ALPHAS, cv=RepeatedStratifiedKFold(n_splits=2, n_repeats=2)),
        X,
        SIGN,
    ),
    "grid, folds by hand": (
        GridSearchCV(REG, ALPHAS, cv=[(np.arange(20), np.arange(20, 40))]),
        X,
        Y,
    ),
    "grid, not fitted again": (GridSearchCV(NET, ALPHAS, cv=2, refit=False), X, SIGN),
    "random, of lists": (RandomizedSearchCV(NET, ALPHAS, n_iter=2, cv=2), X, SIGN),
    "halving": (HalvingGridSearchCV(NET, ALPHAS, cv=2, random_state=0, min_resources=20), X, SIGN),
    "halving, random": (
        HalvingRandomSearchCV(NET, ALPHAS, n_candidates=2, cv=2, random_state=0, min_resources=20),
        X,
        SIGN,
    ),
    "a search at the end": (
        make_pipeline(StandardScaler(), GridSearchCV(NET, ALPHAS, cv=2)),
        X,
        SIGN,
    ),
    "calibrated": (CalibratedClassifierCV(NET, cv=2), X, SIGN),
    "calibrated, isotonic": (CalibratedClassifierCV(NET, method="isotonic", cv=2), X, SIGN),
    "calibrated, temperature": (CalibratedClassifierCV(NET, method="temperature", cv=2), X, SIGN),
    "votes": (VotingClassifier([("a", NET), ("b", NET)], voting="soft"), X, SIGN),
    "votes on numbers": (VotingRegressor([("a", REG), ("b", REG)]), X, Y[:, 0]),
    "stacked": (StackingClassifier([("a", NET)], cv=2), X, SIGN),
    "bagged": (BaggingRegressor(REG, 2), X, Y[:, 0]),
    "one against the rest": (OneVsRestClassifier(NET), X, SIGN),
    "several outputs": (MultiOutputRegressor(REG), X, Y),
    "a chain": (ClassifierChain(NET), X, (Y > 1).astype(int)),
    "a threshold": (FixedThresholdClassifier(NET, threshold=0.3), X, SIGN),
    "functions of NumPy": (make_pipeline(FunctionTransformer(np.log1p), NET), X, SIGN),
    "a scaled target": (TransformedTargetRegressor(REG, transformer=MinMaxScaler()), X, Y),
    "a function of the target": (
        TransformedTargetRegressor(REG, func=np.log1p, inverse_func=np.expm1),
        X,
        Y,
    ),
    "a powered target": (TransformedTargetRegressor(REG, transformer=PowerTransformer()), X, Y),
    "quantiles of the target": (
        TransformedTargetRegressor(REG, transformer=QuantileTransformer(n_quantiles=9)),
        X,
        Y,
    ),
}


@pytest.mark.parametrize("name", SAVED)
def test_it_comes_back_and_predicts_the_same(name, tmp_path):
    model, rows, y = SAVED[name]
    model.fit(rows, y)
    before = {key: id(value) for key, value in vars(model).items()}
    cr.save(model, tmp_path / "m")
    assert {key: id(value) for key, value in vars(model).items()} == before
    back = cr.load(tmp_path / "m")
    methods = ("predict", "predict_proba", "score") if hasattr(model, "predict") else ()
    for method in [each for each in methods if hasattr(model, each)]:
        given = (rows, y) if method == "score" else (rows,)
        ours, theirs = getattr(model, method)(*given), getattr(back, method)(*given)
        np.testing.assert_array_equal(ours, theirs)
    if hasattr(model, "cv_results_"):
        assert back.best_params_ == model.best_params_
        np.testing.assert_array_equal(
            np.ma.getdata(back.cv_results_["params"]), model.cv_results_["params"]
        )
    cr.save(back, tmp_path / "again")
    back.fit(rows, y)


def test_the_file_holds_the_columns_and_the_model_keeps_its_selector(tmp_path):
    model = make_pipeline(selected(), NET).fit(TABLE, SIGN)
    cr.save(model, tmp_path / "m")
    assert isinstance(model[0].transformers[0][2], make_column_selector)
    back = cr.load(tmp_path / "m")
    assert [columns for *_, columns in back[0].transformers] == [["a", "b", "c"], ["s"]]
    turned = TABLE[["s", "c", "b", "a"]].assign(more=1)
    np.testing.assert_array_equal(back.predict_proba(turned), model.predict_proba(TABLE))


def trees():
    return VotingClassifier([("a", NET), ("b", RandomForestClassifier(2))])


def chosen(scoring):
    return GridSearchCV(NET, ALPHAS, cv=2, scoring=scoring)


OWN = FunctionTransformer(lambda rows: rows)
REFUSED = {
    "distributions": (
        RandomizedSearchCV(NET, {"alpha": loguniform(0.1, 1)}, n_iter=2, cv=2),
        "save its best_estimator_",
    ),
    "a score of one's own": (chosen(lambda m, A, b: m.score(A, b)), "save its best_estimator_"),
    "a made score": (chosen(make_scorer(f1_score)), "save its best_estimator_"),
    "a search over a function": (
        GridSearchCV(make_pipeline(OWN, NET), {}, cv=2),
        "own function or class is code",
    ),
    "a function": (make_pipeline(OWN, NET), "your own function or class is code.*np.log1p"),
    "a chosen threshold": (
        TunedThresholdClassifierCV(NET, cv=2),
        "save its estimator_, and note its best_threshold_",
    ),
    "trees": (trees(), "_tree.Tree.*replace that part"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_file_holds_is_one_sentence_with_what_to_do(name, tmp_path):
    model, said = REFUSED[name]
    model.fit(X, SIGN)
    attributes = set(vars(model))
    with pytest.raises(errors.InvalidInput, match=said) as caught:
        cr.save(model, tmp_path / "m")
    assert "\n" not in str(caught.value)
    assert set(vars(model)) == attributes
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("choose", [make_column_selector("a"), lambda table: ["a"]])
def test_a_function_that_has_not_chosen_yet_is_said(choose, tmp_path):
    model = make_pipeline(ColumnTransformer([("n", StandardScaler(), choose)]), NET)
    with pytest.raises(errors.InvalidInput, match=r"by (make_column_selector|<lambda>).*Fit it"):
        cr.save(model, tmp_path / "m")
    assert model[0].transformers[0][2] is choose
