"""Validation data: the user's own or held out, by the cost or any scorer, the best weights kept."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score, get_scorer, log_loss, make_scorer, mean_squared_error
from sklearn.model_selection import train_test_split

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(3)
X = RNG.normal(size=(90, 4))
LABELS = np.array(["no", "yes", "maybe"])[(X @ RNG.normal(size=(4, 3))).argmax(axis=1)]
NUMBERS = X[:, 0] * X[:, 1] + RNG.normal(size=90) / 2
WEIGHT = RNG.uniform(0.5, 2, size=90)
TARGETS = {MLPClassifier: LABELS, MLPRegressor: NUMBERS}
BOTH = pytest.mark.parametrize("kind", list(TARGETS))


def early(kind, **settings):
    base = {"hidden_layer_sizes": 8, "learning_rate_init": 0.05, "max_iter": 40, "random_state": 0}
    return kind(**{**base, "early_stopping": True, "n_iter_no_change": 5, **settings})


def fit(model, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)


def parts(kind):
    y = TARGETS[kind]
    return X[:60], y[:60], {"X_val": X[60:], "y_val": y[60:]}


@BOTH
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scoring", [None, "loss"])
def test_held_out_rows_and_the_same_rows_given_are_one_fit(kind, weighted, scoring):
    y = TARGETS[kind]
    inside = early(kind, validation_fraction=0.3, scoring=scoring)
    rows = np.arange(90)
    kept, out = train_test_split(rows, test_size=0.3, random_state=0)
    weights = {"sample_weight": WEIGHT} if weighted else {}
    fit(inside, X, y, **weights)
    if weighted:
        weights = {"sample_weight": WEIGHT[kept], "sample_weight_val": WEIGHT[out]}
    outside = early(kind, scoring=scoring)
    fit(outside, X[kept], y[kept], X_val=X[out], y_val=y[out], **weights)
    assert inside.network_.theta.tobytes() == outside.network_.theta.tobytes()
    for name in ("validation_scores_", "validation_loss_curve_", "best_validation_score_"):
        assert getattr(inside, name) == getattr(outside, name)
    assert inside.n_iter_ == outside.n_iter_ == len(inside.validation_scores_)


SCORINGS = {
    MLPClassifier: [None, "loss", "accuracy", "neg_log_loss", "f1_macro", "roc_auc_ovr"],
    MLPRegressor: [None, "loss", "r2", "neg_mean_absolute_error"],
}


@pytest.mark.parametrize(
    ("kind", "scoring"), [(kind, s) for kind, names in SCORINGS.items() for s in names]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_weights_are_those_of_the_best_score(kind, scoring, weighted):
    rows, y, validation = parts(kind)
    if weighted:
        validation["sample_weight_val"] = WEIGHT[60:]
    model = fit(early(kind, scoring=scoring), rows, y, **validation)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    weight = {"sample_weight": WEIGHT[60:]} if weighted else {}
    val = validation["X_val"], validation["y_val"]
    if scoring == "loss":
        if kind is MLPClassifier:
            cost = log_loss(val[1], model.predict_proba(val[0]), **weight)
        else:
            cost = mean_squared_error(val[1], model.predict(val[0]), **weight) / 2
        score = -cost
    else:
        scorer = kind.score if scoring is None else get_scorer(scoring)
        score = scorer(model, *val, **weight)
    assert model.best_validation_score_ == pytest.approx(score, rel=1e-9)


@BOTH
def test_the_own_scorer_sees_a_usable_estimator(kind):
    pd = pytest.importorskip("pandas")
    rows, y, validation = parts(kind)
    names = list("abcd")
    validation["X_val"] = pd.DataFrame(validation["X_val"], columns=names)
    seen = []

    def scoring(model, X_val, y_val):
        seen.append((X_val, np.array(model.coefs_[0])))
        return model.score(X_val, y_val)

    model = fit(early(kind, scoring=scoring), pd.DataFrame(rows, columns=names), y, **validation)
    named = fit(early(kind), rows, y, **parts(kind)[2])
    assert model.validation_scores_ == named.validation_scores_
    assert all(np.array_equal(X_val, X[60:]) for X_val, _ in seen)
    assert len(seen) == model.n_iter_
    assert not np.array_equal(seen[0][1], seen[-1][1])


@BOTH
def test_validation_data_of_another_type_are_cast(kind):
    rows, y, validation = parts(kind)
    model = fit(early(kind), rows.astype(np.float32), y, **validation)
    validation["X_val"] = validation["X_val"].astype(np.float32)
    again = fit(early(kind), rows.astype(np.float32), y, **validation)
    assert model.validation_loss_curve_ == again.validation_loss_curve_


def test_a_made_scorer():
    rows, y, validation = parts(MLPClassifier)
    made = make_scorer(f1_score, average="macro")
    by_name = fit(early(MLPClassifier, scoring="f1_macro"), rows, y, **validation)
    assert fit(early(MLPClassifier, scoring=made), rows, y, **validation).validation_scores_ == (
        by_name.validation_scores_
    )


UNSCORED = {
    "returns a number, and it returned 'high'": {"scoring": lambda model, X, y: "high"},
    "returns a number, and it returned None": {"scoring": lambda model, X, y: None},
    "predicts. could not convert": {"scoring": "r2"},
    "predicts. pos_label=1": {"scoring": "f1", "y_val": np.resize(["no", "yes"], 30)},
    "takes sample_weight as well": {"scoring": lambda model, X, y: 1.0, "weighted": True},
}


@pytest.mark.parametrize("sentence", UNSCORED)
def test_a_scoring_that_cannot_score_is_one_sentence(sentence):
    case = dict(UNSCORED[sentence])
    Xt, y, given = parts(MLPClassifier)
    if case.pop("weighted", False):
        given["sample_weight_val"] = WEIGHT[60:]
    if "y_val" in case:
        given["y_val"] = case.pop("y_val")
        Xt, y = Xt[y != "maybe"], y[y != "maybe"]
    with pytest.raises(cr.errors.InvalidParameter, match=sentence) as caught:
        early(MLPClassifier, **case).fit(Xt, y, **given)
    assert "The 'scoring' parameter of MLPClassifier must be one that" in str(caught.value)


def test_scores_that_are_never_a_number_are_told():
    Xt, y, given = parts(MLPRegressor)
    model = early(MLPRegressor, scoring=lambda model, X, y: np.nan)
    with pytest.warns(cr.TrainingWarning, match="NaN in each of 6 epochs"):
        model.fit(Xt, y, **given)
    learner = cr.Learner(cr.Network([4, 3, 1], loss="squared_error", seed=0))
    stop = cr.EarlyStopping(X, NUMBERS, score=lambda net: np.nan, n_iter_no_change=2)
    with pytest.warns(cr.TrainingWarning, match="NaN in each of 3 epochs"):
        learner.fit(X, NUMBERS, callbacks=[stop])
    with pytest.raises(cr.errors.InvalidParameter, match="score must return a number"):
        learner.fit(X, NUMBERS, callbacks=[cr.EarlyStopping(X, NUMBERS, score=lambda net: None)])


def test_a_divergence_under_early_stopping_says_what_to_do():
    model = early(MLPRegressor, solver="sgd", learning_rate_init=1e5)
    with pytest.warns(ConvergenceWarning, match="tenth of learning_rate_init"):
        model.fit(X, NUMBERS)


@BOTH
def test_patience_and_the_smallest_improvement(kind):
    rows, y, validation = parts(kind)
    model = early(kind, scoring="loss", n_iter_no_change=3, tol=0.01, max_iter=500)
    model.fit(rows, y, **validation)
    best, without = -np.inf, 0
    for i, score in enumerate(model.validation_scores_, start=1):
        without = 0 if score >= best + 0.01 else without + 1
        best = max(best, score)
        assert (without > 3) == (i == model.n_iter_)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_without_early_stopping_validation_only_watches(kind, solver):
    rows, y, validation = parts(kind)
    settings = {"early_stopping": False, "solver": solver, "learning_rate_init": 0.01}
    watched = fit(early(kind, **settings), rows, y, **validation)
    plain = fit(early(kind, **settings), rows, y)
    assert watched.network_.theta.tobytes() == plain.network_.theta.tobytes()
    assert watched.loss_curve_ == plain.loss_curve_
    assert watched.best_loss_ == plain.best_loss_
    assert len(watched.validation_loss_curve_) == watched.n_iter_
    assert plain.validation_loss_curve_ is plain.validation_scores_ is None
    assert watched.validation_scores_[-1] == pytest.approx(
        watched.score(validation["X_val"], validation["y_val"])
    )


@BOTH
def test_validation_data_that_cannot_be(kind):
    rows, y, validation = parts(kind)
    X_val, y_val = validation["X_val"], validation["y_val"]
    bad = [
        ({"X_val": X_val}, r"X_val and y_val go together.* Got no y_val"),
        ({"y_val": y_val}, r"X_val and y_val go together.* Got no X_val"),
        ({"sample_weight_val": WEIGHT[60:]}, "X_val and y_val go together"),
        ({"X_val": X_val[:, :3], "y_val": y_val}, "The validation data cannot be used.*3 features"),
        ({"X_val": X_val[:9], "y_val": y_val}, "The validation data cannot be used.*inconsistent"),
        ({"X_val": X_val * np.nan, "y_val": y_val}, "The validation data cannot be used.*NaN"),
    ]
    if kind is MLPClassifier:
        bad.append(({"X_val": X_val[:1], "y_val": ["never"]}, "The validation data.*classes not"))
    else:
        bad.append(({"X_val": X_val, "y_val": np.c_[y_val, y_val]}, "The validation data.*output"))
    for given, sentence in bad:
        model = early(kind)
        with pytest.raises(ValueError, match=sentence):
            model.fit(rows, y, **given)
        assert not hasattr(model, "network_")
    with pytest.raises(ValueError, match=r"X_val and y_val are for solvers .* Got solver='lbfgs'"):
        early(kind, solver="lbfgs", early_stopping=False).fit(rows, y, **validation)


# --- the Learner's ---------------------------------------------------------------------------


def learner(seed=0, **settings):
    net = cr.Network([4, 12, 1], "tanh", "squared_error", dtype="float64", seed=seed)
    return cr.Learner(net, cr.Adam(0.03), batch_size=20, **settings)


def stopping(**settings):
    settings = {"tol": 1e-4, "n_iter_no_change": 4} | settings
    return cr.EarlyStopping(X[60:], NUMBERS[60:], **settings)


@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_learner_stops_with_the_best_weights(engine, weighted):
    weight = WEIGHT[60:] if weighted else None
    one, callback = learner(engine=engine), stopping(sample_weight=weight)
    history = one.fit(X[:60], NUMBERS[:60], epochs=500, callbacks=[callback])
    assert history.stopped_by == "callback"
    best = int(np.argmin(callback.losses)) + 1
    assert best < len(history) == len(callback.scores) < 500
    again = learner(engine=engine)
    again.fit(X[:60], NUMBERS[:60], epochs=best)
    assert one.net.theta.tobytes() == again.net.theta.tobytes()
    errors = (one.net(X[60:])[:, 0] - NUMBERS[60:]) ** 2 / 2
    assert -callback.best_score == pytest.approx(np.average(errors, weights=weight))


def test_the_best_weights_also_where_epochs_run_out_or_the_cost_diverges():
    one, callback = learner(), stopping(n_iter_no_change=np.inf)
    one.fit(X[:60], NUMBERS[:60], epochs=60, callbacks=[callback])
    best = int(np.argmin(callback.losses)) + 1
    assert best < 60
    again = learner()
    again.fit(X[:60], NUMBERS[:60], epochs=best)
    assert one.net.theta.tobytes() == again.net.theta.tobytes()
    wild = cr.Learner(one.net.copy(), cr.SGD(1e200), batch_size=None)
    callback = stopping()
    with pytest.raises(cr.errors.Diverged):
        wild.fit(X[:60], NUMBERS[:60], epochs=60, callbacks=[callback])
    assert np.isfinite(wild.net.theta).all()


def test_a_score_of_the_users():
    callback = stopping(score=lambda net: float(len(net.sizes)))
    history = learner().fit(X, NUMBERS, epochs=50, callbacks=[callback])
    assert callback.scores == [3.0] * len(history)
    assert len(history) == 1 + 4 + 1  # the first is the best; 4 may fail, one more ends it


def test_its_memory_is_in_the_checkpoints(tmp_path):
    path = tmp_path / "run.ckpt"
    whole, callback = learner(), stopping()
    history = whole.fit(X[:60], NUMBERS[:60], epochs=500, callbacks=[callback])
    for epochs in (3, len(history) - 2, 500, 500):
        part, memory = learner(), stopping()
        part.fit(
            X[:60],
            NUMBERS[:60],
            epochs=epochs,
            callbacks=[memory],
            checkpoint=path,
            resume=path.exists(),
        )
    assert part.net.theta.tobytes() == whole.net.theta.tobytes()
    assert (memory.scores, memory.losses) == (callback.scores, callback.losses)
    other = cr.EarlyStopping(X[50:80], NUMBERS[50:80], tol=1e-4, n_iter_no_change=4)
    with pytest.raises(cr.errors.CheckpointMismatch, match="other validation data"):
        learner().fit(
            X[:60], NUMBERS[:60], epochs=500, callbacks=[other], checkpoint=path, resume=True
        )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"tol": -1}, "tol must be"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be"),
        ({"score": 3}, "score must be a function"),
    ],
)
def test_settings_that_cannot_be(settings, sentence):
    with pytest.raises(cr.errors.InvalidParameter, match=sentence):
        stopping(**settings)


def test_data_that_do_not_fit_the_network():
    callback = cr.EarlyStopping(X[:, :3], NUMBERS)
    with pytest.raises(cr.errors.InvalidInput, match="3 features"):
        learner().fit(X, NUMBERS, callbacks=[callback])
