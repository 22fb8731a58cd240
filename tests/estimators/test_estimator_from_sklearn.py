"""`cr.from_sklearn`: the same predictions as scikit-learn's own, and all that ours can do."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import chainrule as cr
from chainrule import errors

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(120, 4))
THIRDS = np.digitize(X[:, 0], [-0.5, 0.5])
TARGETS = {
    "binary": (X[:, 0] > 0).astype(int) * 2 + 3,
    "multiclass": THIRDS,
    "str": np.array(["a", "b", "c"])[THIRDS],
    "multilabel": (X[:, :3] > 0).astype(int),
    "sparse": sparse.csr_matrix((X[:, :3] > 0).astype(int)),
    "regression": X[:, 0],
    "multi-target": X[:, :2],
    "poisson": np.exp(X[:, 0]),
}


def dense(y):
    return y.toarray() if sparse.issparse(y) else y


def fitted(kind, **settings):
    """Return scikit-learn's estimator, and the data it was fitted on."""
    y = TARGETS[kind]
    common = {"hidden_layer_sizes": (6, 5), "max_iter": 4, "random_state": 0, **settings}
    if kind in ("regression", "multi-target", "poisson"):
        loss = "poisson" if kind == "poisson" else "squared_error"
        return neural_network.MLPRegressor(loss=loss, **common), y
    return neural_network.MLPClassifier(**common), y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", TARGETS)
def test_predictions_are_the_same(kind, activation, dtype):
    theirs, y = fitted(kind, activation=activation)
    data = X.astype(dtype)
    theirs.fit(data, y)
    ours = cr.from_sklearn(theirs)
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-13}
    assert ours.network_.theta.dtype == dtype
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_array_equal(dense(ours.predict(data)), dense(theirs.predict(data)))
        np.testing.assert_allclose(ours.predict_proba(data), theirs.predict_proba(data), **close)
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    else:
        np.testing.assert_allclose(ours.predict(data), theirs.predict(data), **close)
    assert ours.score(data, y) == pytest.approx(theirs.score(data, y), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("kind", TARGETS)
def test_it_is_left_alone_and_ours_is_kept_and_goes_on(kind, tmp_path):
    theirs, y = fitted(kind, solver="sgd")
    theirs.fit(X, y)
    before = [W.copy() for W in theirs.coefs_]
    ours = cr.from_sklearn(theirs)
    assert ours.get_params() == {**ours.get_params(), **theirs.get_params()}
    for name in ("n_iter_", "t_", "loss_", "loss_curve_", "n_layers_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name)
    cr.save(ours, tmp_path / "m")
    back = cr.load(tmp_path / "m")
    np.testing.assert_array_equal(dense(back.predict(X)), dense(ours.predict(X)))
    ours.partial_fit(X, y)
    assert not np.array_equal(ours.coefs_[0], before[0])
    for now, then in zip(theirs.coefs_, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_names_of_columns_and_early_stopping_are_taken_over():
    pd = pytest.importorskip("pandas")
    data = pd.DataFrame(X, columns=list("abcd"))
    theirs, y = fitted("multiclass", early_stopping=True)
    ours = cr.from_sklearn(theirs.fit(data, y))
    assert ours.feature_names_in_.tolist() == list("abcd")
    assert ours.validation_scores_ == theirs.validation_scores_
    np.testing.assert_array_equal(ours.predict(data), theirs.predict(data))
    with pytest.raises(ValueError, match="feature names"):
        ours.predict(data.rename(columns={"a": "e"}))


def test_what_it_does_not_take():
    with pytest.raises(NotFittedError):
        cr.from_sklearn(neural_network.MLPClassifier())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(errors.InvalidInput, match="Got an object of LogisticRegression"):
            cr.from_sklearn(LogisticRegression())  # pyright: ignore[reportArgumentType]
