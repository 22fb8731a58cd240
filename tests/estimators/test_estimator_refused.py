"""A refused fit changes nothing, and says what may have been meant."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)

REFUSED = {
    "negative weights": lambda m: m.fit(X, y, sample_weight=-np.ones(150)),
    "NaN": lambda m: m.fit(np.where(X > 7, np.nan, X), y),
    "one class of other rows": lambda m: m.fit(X[:, :2], [0] * 150),
    "unknown activation": lambda m: m.set_params(activation=["tahn"]).fit(X, y),
    "too large": lambda m: m.set_params(hidden_layer_sizes=(10**7, 10**7)).fit(X, y),
    "diverged": lambda m: m.set_params(solver="sgd", learning_rate_init=1e308).fit(X, y),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_refused_fit_leaves_the_estimator_as_it_was(refused):
    model = cr.MLPClassifier(10, max_iter=40, tol=1, n_iter_no_change=30, random_state=0)
    model.fit(X, y)
    before, state = model.predict_proba(X), dict(vars(model))
    with pytest.raises((ValueError, MemoryError)):
        refused(model)
    fitted = {k: v for k, v in vars(model).items() if k.endswith("_")}
    assert fitted == {k: v for k, v in state.items() if k.endswith("_")}
    np.testing.assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_refused_first_fit_leaves_it_unfitted(refused):
    model = cr.MLPClassifier(10, max_iter=5, random_state=0)
    with pytest.raises((ValueError, MemoryError)):
        refused(model)
    assert not [name for name in vars(model) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize(
    ("targets", "classes"),
    [
        (y, [0, 1, 2]),
        (np.column_stack([y, y]), [[0, 1, 2]] * 2),
        (np.column_stack([y > 0, y > 1]) * 1, [0, 1]),
    ],
)
def test_a_refused_first_partial_fit_leaves_no_classes(targets, classes):
    model = cr.MLPClassifier(3)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full_like(X, np.nan), targets, classes=classes)
    assert vars(model) == before


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ({"activation": "tahn"}, "Did you mean 'tanh'?"),
        ({"solver": "adm"}, "Did you mean 'adam'?"),
        ({"engine": "nativ"}, "Did you mean 'native'?"),
        ({"loss": "logloss"}, "Did you mean 'log_loss'?"),
        ({"activation": "step"}, "g' = 0 wherever it exists"),
    ],
)
def test_the_sentence_says_what_may_have_been_meant(setting, hint):
    (name,) = setting
    with pytest.raises(
        ValueError, match=f"The '{name}' parameter of MLPClassifier must be"
    ) as error:
        cr.MLPClassifier(**setting).fit(X, y)
    assert hint in str(error.value)


def test_the_scorers_are_not_all_listed():
    with pytest.raises(ValueError, match="get_scorer_names") as error:
        cr.MLPClassifier(scoring="accuracyy").fit(X, y)
    assert "Got 'accuracyy' instead. Did you mean 'accuracy'?" in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("factor", [1e200, np.float64("1e160")])
def test_lbfgs_on_numbers_without_a_finite_cost(factor):
    for data in ((X * factor, y), (X, y * factor)):
        with pytest.raises(cr.errors.Diverged, match=r"in iteration 1: z .* scale X and y"):
            cr.MLPRegressor(solver="lbfgs", random_state=0).fit(*data)


@pytest.mark.parametrize(
    "made", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_copies_of_the_weights_are_plain_lists_of_their_own(made):
    model = cr.MLPClassifier(5, max_iter=2, tol=10, n_iter_no_change=1, random_state=0).fit(X, y)
    best = made(model.coefs_)
    assert type(best) is list
    before = [W.copy() for W in best]
    model.network_.theta[...] = 0
    for kept, W in zip(best, before, strict=True):
        np.testing.assert_array_equal(kept, W)


@pytest.mark.parametrize("setting", ["learning_rate_init", "alpha", "momentum"])
def test_numpy_numbers_are_numbers(setting):
    # From np.logspace, say: they must not widen a float32 network's steps.
    def theta(kind):
        model = cr.MLPClassifier(
            5, solver="sgd", max_iter=3, tol=10, n_iter_no_change=1, random_state=0,
            engine="reference", **{setting: kind(0.01)},
        )  # fmt: skip
        return model.fit(X.astype(np.float32), y).network_.theta

    np.testing.assert_array_equal(theta(float), theta(np.float64))
