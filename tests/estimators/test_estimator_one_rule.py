"""One rule for what a row counts, trained on or judged by: the same rows have the same scores.

A row counts its sample weight times the weight of its class, which is of the rows trained on.
"""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, recall_score
from sklearn.model_selection import train_test_split

import chainrule as cr
from chainrule import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV

N, EPOCHS = 60, 4
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, 4))
SIGNAL = X @ RNG.normal(size=(4, 3))
BINARY = (SIGNAL[:, 0] > 0.9).astype(int)
WORDS = np.array(["a", "b", "c"])[SIGNAL.argmax(axis=1)]
LABELS = (SIGNAL > 0.5).astype(int)
COLUMNS = np.column_stack([SIGNAL.argmax(axis=1), BINARY])
Y = {
    "binary": BINARY,
    "multiclass": WORDS,
    "multilabel": LABELS,
    "sparse multilabel": sparse.csr_matrix(LABELS),
    "columns of classes": COLUMNS,
    "regression": SIGNAL[:, 0],
    "multi-target": SIGNAL,
    "poisson": np.exp(SIGNAL[:, 0] / 2).round(),
}
CLASS_WEIGHTS = {
    "binary": {0: 0.5, 1: 4.0},
    "multiclass": {"a": 3.0, "c": 0.25},  # b is not named, and weighs 1
    "columns of classes": [{0: 3.0}, {1: 5.0}],
}
SCORINGS = {
    "binary": "average_precision",
    "multiclass": "neg_log_loss",
    "multilabel": "f1_macro",
    "sparse multilabel": "f1_macro",
    "regression": "neg_median_absolute_error",
    "multi-target": "neg_mean_absolute_error",
    "poisson": "neg_mean_poisson_deviance",
}
GIVEN = RNG.uniform(0.2, 3, N)
SEED = 1


def own(estimator, rows, y, sample_weight=None):
    """A scoring of the user's, which looks at the weights as well as at the predictions."""
    return estimator.score(rows, y, sample_weight) + (0 if sample_weight is None else 10)


def class_weights_of(problem):
    if Y[problem].dtype.kind == "f":
        return [None]
    return [None, "balanced", *(["dict"] if problem in CLASS_WEIGHTS else [])]


CASES = [
    (problem, by_class, weighted, scoring)
    for problem in Y
    for by_class in class_weights_of(problem)
    for weighted in (False, True)
    for scoring in dict.fromkeys([None, "loss", SCORINGS.get(problem), own])
]


def fit(model, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)


def weights_of_classes(given, y_train, y):
    """The documented rule, by another hand: n / (K n_c) of the rows that are trained on."""
    if given is None:
        return None
    dense = [part.toarray() if sparse.issparse(part) else part for part in (y_train, y)]
    train, rows = (part[:, None] if part.ndim == 1 else part for part in dense)
    weight = np.ones(len(rows))
    for k in range(rows.shape[1]):
        by_label = given[k] if isinstance(given, list) else given
        if given == "balanced":
            labels, counts = np.unique(train[:, k], return_counts=True)
            by_label = dict(zip(labels, len(train) / (len(labels) * counts), strict=True))
        weight *= [by_label.get(label, 1.0) for label in rows[:, k]]
    return weight


def setting(problem, by_class, weighted, scoring):
    """Return the estimator's class, its settings, the two parts of the rows, and their weights."""
    y = Y[problem]
    kind = MLPRegressor if y.dtype.kind == "f" else MLPClassifier
    settings = {"hidden_layer_sizes": (5,), "max_iter": EPOCHS, "random_state": SEED, "tol": 0.0}
    settings |= {"learning_rate_init": 0.05, "batch_size": 10, "scoring": scoring}
    if kind is MLPClassifier:
        settings["class_weight"] = CLASS_WEIGHTS[problem] if by_class == "dict" else by_class
    elif problem == "poisson":
        settings["loss"] = "poisson"
    rows = train_test_split(
        np.arange(N),
        test_size=0.3,
        random_state=SEED,
        stratify=y if problem == "binary" else None,
    )
    return kind, settings, rows, GIVEN if weighted else None


def at(weight, rows):
    return None if weight is None else weight[rows]


def same(one, other):
    assert one.network_.theta.tobytes() == other.network_.theta.tobytes()
    for name in ("validation_scores_", "validation_loss_curve_", "best_validation_score_"):
        assert getattr(one, name) == getattr(other, name), name
    assert np.isfinite(one.validation_scores_).all()


@pytest.mark.parametrize(("problem", "by_class", "weighted", "scoring"), CASES)
def test_the_same_rows_have_the_same_scores_on_every_way(problem, by_class, weighted, scoring):
    kind, settings, (kept, out), given = setting(problem, by_class, weighted, scoring)
    y = Y[problem]
    stops = settings | {"early_stopping": True}
    inside = fit(kind(validation_fraction=0.3, **stops), X, y, given)
    validation = {"X_val": X[out], "y_val": y[out], "sample_weight_val": at(given, out)}
    outside = fit(kind(**stops), X[kept], y[kept], at(given, kept), **validation)
    same(inside, outside)

    watched = fit(kind(**settings), X[kept], y[kept], at(given, kept), **validation)
    assert watched.validation_scores_ == inside.validation_scores_

    # By hand: the documented weights as sample weights, to the bit.
    class_weight = settings.get("class_weight")
    parts = [
        by_rows if given is None else given[rows] * (1 if by_rows is None else by_rows)
        for rows in (kept, out)
        for by_rows in [weights_of_classes(class_weight, y[kept], y[rows])]
    ]
    plain = stops if class_weight is None else stops | {"class_weight": None}
    validation["sample_weight_val"] = parts[1]
    same(inside, fit(kind(**plain), X[kept], y[kept], parts[0], **validation))

    # One fold of a cross-validation is judged as the last epoch of that fit.
    around = {MLPClassifier: MLPClassifierCV, MLPRegressor: MLPRegressorCV}[kind]
    if not sparse.issparse(y):
        search = around([1e-4], cv=[(kept, out)], refit=False, **settings)
        assert fit(search, X, y, given).scores_.item() == watched.validation_scores_[-1]

    # Epoch by epoch, scored by hand with the same weights.
    if by_class != "balanced" and scoring is None and not sparse.issparse(y):
        model, scores = kind(**settings), []
        first = {"classes": watched.classes_} if kind is MLPClassifier else {}
        for _ in range(EPOCHS):
            model.partial_fit(X[kept], y[kept], at(given, kept), **first)
            scores.append(model.score(X[out], y[out], parts[1]))
        np.testing.assert_allclose(scores, inside.validation_scores_, rtol=1e-12)
        assert np.argmax(scores) == np.argmax(inside.validation_scores_)
        assert model.network_.theta.tobytes() == watched.network_.theta.tobytes()


@pytest.mark.parametrize("how", ["held out", "given", "fold"])
def test_the_weights_of_classes_are_those_of_the_rows_trained_on(how):
    """Whatever share of the validation rows a class has, and where it has none in training."""
    y = np.where(np.arange(N) == 7, 2, BINARY)  # a class of one row, which is validated on
    kept = np.flatnonzero(np.arange(N) % 3 != 1)
    out = np.flatnonzero(np.arange(N) % 3 == 1)
    settings = {"max_iter": 2, "hidden_layer_sizes": (3,), "class_weight": "balanced"}
    if how == "held out":
        for seed in range(99):
            kept, out = train_test_split(np.arange(N), test_size=0.3, random_state=seed)
            if 7 in out:
                break
        model = MLPClassifier(
            early_stopping=True, validation_fraction=0.3, random_state=seed, **settings
        )
        fit(model, X, y)
        n0, n1 = np.bincount(y[kept])
        np.testing.assert_allclose(
            model.class_weight_, [len(kept) / 2 / n0, len(kept) / 2 / n1, 0], rtol=1e-15
        )
        weight = model.class_weight_[y[out]]
        assert model.score(X[out], y[out], weight) in model.validation_scores_
        return
    kept, out = kept[kept != 7], out[out != 7]
    n0, n1 = np.bincount(y[kept])
    expected = np.array([len(kept) / 2 / n0, len(kept) / 2 / n1])
    rare = out[np.r_[np.flatnonzero(y[out] == 1), np.flatnonzero(y[out] == 0)[:2]]]
    if how == "given":
        model = MLPClassifier(random_state=0, **settings)
        fit(model, X[kept], y[kept], X_val=X[rare], y_val=y[rare])
        np.testing.assert_allclose(model.class_weight_, expected, rtol=1e-15)
        score = model.validation_scores_[-1]
    else:
        search = MLPClassifierCV([1e-4], cv=[(kept, rare)], random_state=0, refit=False, **settings)
        score = fit(search, X, BINARY).scores_.item()
        model = fit(MLPClassifier(random_state=0, **settings), X[kept], y[kept])
    right = model.predict(X[rare]) == y[rare]
    assert score == pytest.approx(np.average(right, weights=expected[y[rare]]), rel=1e-14)


def test_a_rare_class_is_found_with_validation_data_of_ones_own():
    """Without the weights of the classes, the first epoch would be the best: all rows common."""
    rng = np.random.default_rng(0)
    y = (rng.random(3000) < 0.03).astype(int)
    rows = rng.normal(size=(3000, 3)) + 1.2 * y[:, None]
    parts = train_test_split(rows, y, random_state=0, stratify=y)
    X_train, X_val, y_train, y_val = parts
    settings = {"hidden_layer_sizes": (8,), "early_stopping": True, "random_state": 0}
    model = MLPClassifier(class_weight="balanced", **settings)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    found = recall_score(y_val, model.predict(X_val))
    assert found > 0.7
    balanced = weights_of_classes("balanced", y_train, y_val)
    best = accuracy_score(y_val, model.predict(X_val), sample_weight=balanced)
    assert model.best_validation_score_ == pytest.approx(best)
    loss = log_loss(y_val, model.predict_proba(X_val), sample_weight=balanced)
    assert min(abs(np.array(model.validation_loss_curve_) - loss)) < 1e-6


def test_what_class_weight_was_is_kept_with_the_model(tmp_path):
    model = fit(MLPClassifier((3,), class_weight="balanced", max_iter=2), X, LABELS)
    assert [list(each) for each in model.class_weight_] == [
        [N / 2 / (N - n), N / 2 / n] for n in LABELS.sum(axis=0)
    ]
    cr.save(model, tmp_path / "m")
    for one, other in zip(cr.load(tmp_path / "m").class_weight_, model.class_weight_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert fit(MLPClassifier((3,), max_iter=2), X, LABELS).class_weight_ is None
    assert not hasattr(MLPClassifier(), "class_weight_")
    assert not hasattr(fit(MLPRegressor(max_iter=2), X, SIGNAL), "class_weight_")


def test_a_scoring_has_to_take_the_weights_of_classes():
    model = MLPClassifier(class_weight="balanced", scoring=lambda model, X, y: 1.0, max_iter=2)
    with pytest.raises(cr.errors.InvalidParameter, match="given or of their classes"):
        model.fit(X[:40], BINARY[:40], X_val=X[40:], y_val=BINARY[40:])


@pytest.mark.parametrize("way", ["given", "held out", "fold"])
def test_validation_rows_that_all_weigh_nothing_are_refused(way):
    rows = np.r_[np.flatnonzero(BINARY == 0), np.flatnonzero(BINARY == 1)]
    X_, y = X[rows], BINARY[rows]
    settings = {"class_weight": {0: 0.0, 1: 1.0}, "max_iter": 2, "random_state": 0}
    zeros, weight, given = np.flatnonzero(y == 0)[:5], np.ones(N), {}
    model = MLPClassifier(early_stopping=way == "held out", **settings)
    if way == "given":
        given = {"X_val": X_[zeros], "y_val": y[zeros]}
    elif way == "held out":
        _, out = train_test_split(np.arange(N), test_size=0.1, random_state=0, stratify=y)
        weight[out] = 0
    else:
        kept = np.setdiff1d(np.arange(N), zeros)
        model = MLPClassifierCV([1.0], cv=[(kept, zeros)], **settings)
    with pytest.raises(cr.errors.InvalidInput, match="Each row weighs 0"):
        model.fit(X_, y, weight, **given)


def test_gradients_are_checked_on_rows_of_one_class_too():
    model = fit(MLPClassifier((3,), "tanh", class_weight="balanced", max_iter=2), X, WORDS)
    rows = WORDS == "b"
    assert cr.check_gradients(model, X[rows], WORDS[rows]).passed


def test_folds_may_be_masks():
    mask = np.arange(N) % 3 == 0
    settings = {"max_iter": 2, "hidden_layer_sizes": (3,), "random_state": 0, "refit": False}
    by_mask = MLPRegressorCV([1.0], cv=[(~mask, mask)], **settings)
    numbers = [(np.flatnonzero(~mask), np.flatnonzero(mask))]
    by_numbers = MLPRegressorCV([1.0], cv=numbers, **settings)
    y = SIGNAL[:, 0]
    assert fit(by_mask, X, y).scores_.item() == fit(by_numbers, X, y).scores_.item()
