"""Several columns of classes at once ("multiclass-multioutput"): a softmax for each."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

import chainrule as cr
from chainrule import MLPClassifier
from chainrule.errors import CheckpointMismatch, InvalidInput, InvalidParameter

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 3))
NUMBERS = np.column_stack([(X @ rng.normal(size=(3, k))).argmax(axis=1) for k in (3, 2, 4)])
NAMES = np.array([["red", "green", "blue", "violet"][k] for k in NUMBERS.ravel()]).reshape(90, 3)
Y = {
    "numbers": NUMBERS,
    "floats": NUMBERS * 1.0 - 1,
    "names": NAMES,
    "objects": NAMES.astype(object),
}
FAST = {"hidden_layer_sizes": 8, "max_iter": 60, "n_iter_no_change": 99, "random_state": 0}
LOSSES = ["log_loss", "cross_entropy", cr.LogLoss(0.1), cr.CrossEntropy(0.1)]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(y=NUMBERS, **settings):
    return MLPClassifier(**FAST | {"learning_rate_init": 0.02, "batch_size": 30} | settings).fit(
        X, y
    )


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("labels", Y)
def test_the_form_is_that_of_scikit_learns_trees(labels, loss, solver):
    y = Y[labels]
    model = fitted(y, loss=loss, solver=solver)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(
        X, NUMBERS if labels == "names" else y
    )
    if labels != "names":  # of which trees have none
        assert [c.tolist() for c in model.classes_] == [c.tolist() for c in tree.classes_]
        assert model.predict(X).shape == tree.predict(X).shape == (90, 3)
    predicted, probabilities = model.predict(X), model.predict_proba(X)
    assert isinstance(model.classes_, list)
    assert predicted.dtype.kind == y.dtype.kind
    assert [p.shape for p in probabilities] == [p.shape for p in tree.predict_proba(X)]
    for column, classes, p, log_p in zip(
        predicted.T, model.classes_, probabilities, model.predict_log_proba(X), strict=True
    ):
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
        assert (classes[p.argmax(axis=1)] == column).all()
        np.testing.assert_allclose(np.exp(log_p), p, rtol=1e-12)
    assert model.score(X, y) == (predicted == y).all(axis=1).mean() > 0.5
    weight = np.arange(90.0)
    right = (predicted == y).all(axis=1)
    assert model.score(X, y, weight) == pytest.approx(weight[right].sum() / weight.sum(), rel=1e-12)
    assert model.n_outputs_ == 9
    assert model.engine_ == ("reference" if solver == "lbfgs" else "native")
    assert cr.check_gradients(model, X, y).passed


@pytest.mark.parametrize("labels", Y)
def test_frames(labels):
    names = ["first", "second", "third"]
    frame = pd.DataFrame(Y[labels], columns=names)
    model, other = fitted(frame), fitted(Y[labels])
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    assert model.score(X, frame) == other.score(X, frame) > 0.5
    assert cross_val_score(model, X, frame, cv=3).shape == (3,)


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_columns_do_not_mix(engine):
    # Without hidden layers the groups are regressions of their own.
    settings = {"hidden_layer_sizes": (), "warm_start": True, "engine": engine, "max_iter": 5}
    whole = fitted(**settings)
    at = 0
    for k, y in zip((3, 2, 4), NUMBERS.T, strict=True):
        columns = slice(at, at + k)
        at += k
        network = cr.Network([3, k], dtype="float64", init="zeros")
        network.weights[0], network.biases[0] = (
            whole.coefs_[0][:, columns],
            whole.intercepts_[0][columns],
        )
        alone = network.trace(X, y)
        trace = whole.network_.trace(X, NUMBERS)
        np.testing.assert_allclose(trace.delta[-1][:, columns], alone.delta[-1], rtol=1e-12)


def test_one_softmax_and_a_group_of_two_are_what_they_were():
    # Two classes in a group have a softmax, which is the logistic function of the difference.
    model = fitted()
    z = model.network_.trace(X, NUMBERS).z[-1][:, 3:5]
    logistic = 1 / (1 + np.exp(z[:, 0] - z[:, 1]))
    np.testing.assert_allclose(model.predict_proba(X)[1][:, 1], logistic, rtol=1e-12)


def test_class_weights_are_products_of_the_columns():
    by_column = [{0: 1, 1: 2, 2: 0.5}, {0: 3, 1: 1}, {0: 1, 1: 1, 2: 2, 3: 0}]
    weight = np.prod([[w[k] for k in y] for w, y in zip(by_column, NUMBERS.T, strict=True)], axis=0)
    one, other = fitted(class_weight=by_column), MLPClassifier(**fitted().get_params())
    other.fit(X, NUMBERS, sample_weight=weight)
    np.testing.assert_array_equal(one.network_.theta, other.network_.theta)

    counts = [np.bincount(y) for y in NUMBERS.T]
    balanced = np.prod(
        [90 / (len(n) * n[y]) for n, y in zip(counts, NUMBERS.T, strict=True)], axis=0
    )
    one, other = fitted(class_weight="balanced"), other.fit(X, NUMBERS, sample_weight=balanced)
    np.testing.assert_allclose(one.network_.theta, other.network_.theta, rtol=1e-9)


@pytest.mark.parametrize(
    "wrong", [{0: 1}, [{0: 1}], [{}, {}, {}, {}], [{0: -1}, {}, {}], [None] * 3]
)
def test_class_weights_that_do_not_fit(wrong):
    with pytest.raises(InvalidParameter, match=r"'class_weight' parameter .* Got"):
        fitted(class_weight=wrong)


def test_a_list_of_class_weights_is_for_columns():
    with pytest.raises(InvalidParameter, match="for one column of classes"):
        fitted(NUMBERS[:, 0], class_weight=[{0: 1}])


def test_early_stopping_and_copies():
    model = fitted(early_stopping=True)
    assert model.best_validation_score_ == max(model.validation_scores_)
    for copy in (pickle.loads(pickle.dumps(model)), clone(model).fit(X, NUMBERS)):
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))


@pytest.mark.parametrize("labels", Y)
def test_a_file_gives_it_back(labels, tmp_path):
    model = fitted(Y[labels], loss=cr.LogLoss(0.1))
    cr.save(model, tmp_path / "model")
    back = cr.load(tmp_path / "model")
    np.testing.assert_array_equal(back.predict(X), model.predict(X))
    assert back.loss == model.loss
    assert back.network_.architecture.loss is model.network_.architecture.loss


def test_a_checkpoint_goes_on_to_the_same_bits(tmp_path):
    whole = fitted(max_iter=9)
    fitted(max_iter=5, checkpoint=tmp_path / "run")
    resumed = fitted(max_iter=9, checkpoint=tmp_path / "run", resume=True)
    np.testing.assert_array_equal(resumed.network_.theta, whole.network_.theta)
    with pytest.raises(CheckpointMismatch, match="classes"):
        fitted(NAMES, max_iter=9, checkpoint=tmp_path / "run", resume=True)


def test_partial_fit_is_told_the_classes_of_each_column():
    classes = [[0, 1, 2], [0, 1], [0, 1, 2, 3]]
    model = MLPClassifier(**FAST)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, NUMBERS)
    model.partial_fit(X[:2], NUMBERS[:2], classes=classes)  # not all classes are there
    model.partial_fit(X[:2] * 0, NUMBERS[:2] * 0)  # nor do these look like several columns
    model.partial_fit(X, NUMBERS, classes=classes)
    assert model.n_outputs_ == 9
    assert model.n_iter_ == 1
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, NUMBERS, classes=classes[:2])
    with pytest.raises(InvalidInput, match=r"classes not in `self\.classes_`"):
        model.partial_fit(X, NUMBERS + 1)
    with pytest.raises(InvalidInput, match="needs 3 columns"):
        model.partial_fit(X, NUMBERS[:, :2])
    theta = model.network_.theta.copy()
    copy = MLPClassifier(**FAST).partial_fit(X[:2], NUMBERS[:2], classes=classes)
    copy.partial_fit(X[:2] * 0, NUMBERS[:2] * 0).partial_fit(X, NUMBERS)
    np.testing.assert_array_equal(copy.network_.theta, theta)


def test_warm_starts_need_the_same_classes():
    model = fitted(warm_start=True)
    model.fit(X, NUMBERS)
    for other in (NUMBERS % 3, NUMBERS[:, :2], NUMBERS[:, 0]):
        with pytest.raises(InvalidInput, match=r"same classes|3 columns"):
            model.fit(X, other)
    single = fitted(NUMBERS[:, 0], warm_start=True)
    with pytest.raises(InvalidInput, match="3 columns of classes, and the first fit had one"):
        single.fit(X, NUMBERS)


def test_a_column_of_one_class_is_named():
    y = NUMBERS.copy()
    y[:, 1] = 7
    with pytest.raises(InvalidInput, match=r"column 1 of y contains one class only: \[7\]"):
        fitted(y)


def test_zeros_and_ones_are_several_labels_as_before():
    model = fitted(NUMBERS % 2)
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.out_activation_ == "logistic"


@pytest.mark.parametrize(("y", "outputs"), [(NUMBERS[:, 1], 1), (NUMBERS[:, 2], 4), (NUMBERS, 9)])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_label_smoothing_of_every_kind(loss, y, outputs):
    model = fitted(y, loss=loss, max_iter=400, alpha=0)
    assert model.network_.sizes[-1] == outputs
    assert model.engine_ == "native"
    probabilities = model.predict_proba(X)
    column = probabilities[2] if outputs == 9 else probabilities
    surety = np.median(column.max(axis=1))
    assert surety > 0.999 if isinstance(loss, str) else surety < 0.96
