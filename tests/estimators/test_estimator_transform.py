"""A network as a feature extractor: the activations of a hidden layer."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
SETTINGS = {"hidden_layer_sizes": (7, 5), "max_iter": 5, "random_state": 0}


def fitted(kind, data, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(**SETTINGS | settings).fit(*data)


@BOTH
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", ["softplus", "identity"]])
@pytest.mark.parametrize("layer", [0, 1, -1, -2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_what_trace_shows(kind, activation, layer, dtype, iris):
    X, y = iris[0].astype(dtype), iris[1]
    model = fitted(kind, (X, y), activation=activation, transform_layer=layer)
    found = model.transform(X)
    shown = model.network_.trace(X, model._encode(y, learn=False)).a[1:-1][layer]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, shown, rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-6)
    np.testing.assert_array_equal(model.transform(sparse.csr_matrix(X)), found)
    assert len(model.get_feature_names_out()) == found.shape[1] == (7, 5)[layer]


@BOTH
def test_an_own_activation(kind, iris):
    sine = cr.Activation("sine", np.sin, np.cos, takes="z")
    model = fitted(kind, iris, activation=sine, transform_layer=0)
    W, b = model.coefs_[0], model.intercepts_[0]
    np.testing.assert_allclose(model.transform(iris[0]), np.sin(iris[0] @ W + b))


@BOTH
def test_the_layer_can_be_chosen_after_the_fit(kind, iris):
    model = fitted(kind, iris)
    last = model.transform(iris[0])
    first = model.set_params(transform_layer=0).transform(iris[0])
    W, b = model.coefs_[1], model.intercepts_[1]
    np.testing.assert_allclose(last, np.maximum(first @ W + b, 0))


@pytest.mark.parametrize(
    ("kind", "then"),
    [(MLPClassifier, LogisticRegression()), (MLPRegressor, Ridge()),
     (MLPClassifierCV, LogisticRegression()), (MLPRegressorCV, Ridge())],
)  # fmt: skip
def test_as_a_step_of_a_pipeline(kind, then, iris):
    pytest.importorskip("pandas")
    several = {"alphas": 2, "cv": 2} if kind in (MLPClassifierCV, MLPRegressorCV) else {}
    more = {"max_iter": 50, "learning_rate_init": 0.02, "activation": "tanh"}
    extractor = kind(**SETTINGS | several | more)
    model = make_pipeline(StandardScaler(), extractor, then).set_output(transform="pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*iris)
    assert model.score(*iris) > 0.85
    names = [f"{kind.__name__.lower()}{i}" for i in range(5)]
    assert list(model[:-1].get_feature_names_out()) == names
    assert list(model[:-1].transform(iris[0]).columns) == names
    assert list(then.feature_names_in_) == names


@BOTH
def test_where_there_is_no_such_layer(kind, iris):
    linear = fitted(kind, iris, hidden_layer_sizes=())
    with pytest.raises(ValueError, match="transform needs a hidden layer, and the network has 0"):
        linear.transform(iris[0])
    model = fitted(kind, iris).set_params(transform_layer=2)
    with pytest.raises(ValueError, match=r"the network has 2 of them\. Got transform_layer=2"):
        model.transform(iris[0])
    with pytest.raises(NotFittedError):
        kind().transform(iris[0])
