"""The same random_state, one full batch: both libraries compute the same.

scikit-learn's own MLP is the oracle. Both draw the same starting weights from `random_state`, and
where no shuffle follows, what they learn differs by rounding only.
"""

import warnings

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

from chainrule import MLPClassifier, MLPRegressor

TOLERANCE = 1e-8

OPTIMIZERS = {
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd"},
    "plain": {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.1},
    "invscaling": {
        "solver": "sgd",
        "learning_rate": "invscaling",
        "power_t": 0.2,
        "learning_rate_init": 0.5,
        "momentum": 0,
    },
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.5,
        "momentum": 0,
        "tol": 1e-2,
        "n_iter_no_change": 3,
    },
    # scikit-learn adds epsilon before the correction of the bias, chainrule after it.
    "adam": {"solver": "adam", "epsilon": 1e-30, "learning_rate_init": 0.01},
}


def fit_quietly(model, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)


def fit_both(kind, settings, X, y, sample_weight=None):
    """Fit ours and theirs."""
    base = {"batch_size": len(X), "shuffle": False, "random_state": 0, "max_iter": 60}
    settings = {"hidden_layer_sizes": (7, 5), **base, **settings}
    theirs = getattr(neural_network, kind.__name__)
    return tuple(fit_quietly(one(**settings), X, y, sample_weight) for one in (kind, theirs))


def assert_same_parameters(ours, theirs, tolerance=TOLERANCE):
    for mine, reference in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_allclose(mine, reference, rtol=0, atol=tolerance)


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_descent_is_scikit_learns(make, kind, optimizer, alpha, weighted):
    estimator, settings, X, y = make(kind)
    weight = np.random.default_rng(1).uniform(0.2, 2, len(X)) if weighted else None
    settings = {**settings, "activation": "tanh", "alpha": alpha, **OPTIMIZERS[optimizer]}
    if kind in {"multi-target", "poisson"} and "learning_rate_init" in settings:
        settings["learning_rate_init"] /= 10
    if kind == "multi-target":
        settings["tol"] = 0  # theirs takes the mean over targets for loss_, and so for the plateau
    ours, theirs = fit_both(estimator, settings, X, y, weight)

    assert_same_parameters(ours, theirs)
    assert ours.n_iter_ == theirs.n_iter_ > 10
    assert ours.t_ == theirs.t_
    if kind == "multi-target":
        return
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=TOLERANCE)
    assert ours.loss_ == pytest.approx(theirs.loss_, abs=TOLERANCE)
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_, abs=TOLERANCE)


def test_the_adaptive_rate_was_reduced(make):
    """What the case above compares is not only the first rate."""
    _, _, X, y = make("binary")
    settings = {**OPTIMIZERS["adaptive"], "activation": "tanh"}
    adaptive, _ = fit_both(MLPClassifier, settings, X, y)
    constant, _ = fit_both(MLPClassifier, {**settings, "learning_rate": "constant"}, X, y)
    assert adaptive.n_iter_ > constant.n_iter_


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("batch_size", [20, 60])
def test_batches_in_order_are_scikit_learns(make, kind, activation, batch_size):
    estimator, settings, X, y = make(kind)
    settings = {**settings, "activation": activation, "batch_size": batch_size, "alpha": 0.1}
    ours, theirs = fit_both(estimator, {**settings, "epsilon": 1e-30}, X, y)
    assert_same_parameters(ours, theirs)


# Not several targets: there scikit-learn's loss is a mean over them, its gradient that of the sum.
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression", "poisson"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_lbfgs_is_scikit_learns(make, kind, activation, alpha):
    estimator, settings, X, y = make(kind)
    # A few iterations: rounding grows with each line search.
    settings = {**settings, "solver": "lbfgs", "alpha": alpha, "activation": activation}
    ours, theirs = fit_both(estimator, {**settings, "max_iter": 8}, X, y)
    assert_same_parameters(ours, theirs, 1e-6)
    assert ours.loss_ == pytest.approx(theirs.loss_, abs=TOLERANCE)


def test_the_loss_is_the_sum_over_targets_not_their_mean(make):
    kind, _, X, y = make("multi-target")
    ours, theirs = fit_both(kind, {"alpha": 0, "epsilon": 1e-30}, X, y)
    assert_same_parameters(ours, theirs)
    np.testing.assert_allclose(ours.loss_curve_, 3 * np.array(theirs.loss_curve_), rtol=1e-12)


def test_equal_weights_predict_alike(make, kind):
    estimator, settings, X, y = make(kind)
    ours, theirs = fit_both(estimator, {**settings, "epsilon": 1e-30}, X, y)
    new = np.random.default_rng(5).normal(size=(40, 4))
    np.testing.assert_allclose(ours.predict(new), theirs.predict(new), rtol=0, atol=TOLERANCE)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=TOLERANCE)
    for method in ("predict_proba", "predict_log_proba"):
        assert hasattr(ours, method) == hasattr(theirs, method)
        if hasattr(ours, method):
            mine, reference = getattr(ours, method)(new), getattr(theirs, method)(new)
            np.testing.assert_allclose(mine, reference, rtol=0, atol=TOLERANCE)


def test_same_attributes(make, kind):
    """Every public attribute of a fitted estimator of theirs exists here, equal if it can be."""
    estimator, settings, X, y = make(kind)
    for extra in ({}, {"solver": "sgd"}, {"solver": "lbfgs"}):
        ours, theirs = fit_both(estimator, {**settings, **extra, "max_iter": 3}, X, y)
        public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
        assert public >= {"coefs_", "intercepts_", "n_iter_", "loss_", "out_activation_"}
        assert not {name for name in public if not hasattr(ours, name)}
        for name in ("n_layers_", "n_outputs_", "n_iter_", "t_", "out_activation_"):
            assert getattr(ours, name) == getattr(theirs, name), name


def test_partial_fit_is_scikit_learns(make, kind):
    estimator, settings, X, y = make(kind)
    settings = {**settings, "epsilon": 1e-30, "max_iter": 1}
    ours, theirs = fit_both(estimator, settings, X, y)
    weight = np.random.default_rng(1).uniform(0.2, 2, len(X))
    for sample_weight in (None, weight, None):
        ours.partial_fit(X, y, sample_weight)
        theirs.partial_fit(X, y, sample_weight)
        assert ours.n_iter_ == theirs.n_iter_ == 1
    assert_same_parameters(ours, theirs)
    assert ours.t_ == theirs.t_ == 4 * len(X)
    assert len(ours.loss_curve_) == len(theirs.loss_curve_) == 4


def test_the_adaptive_rate_falls_over_partial_fits_as_scikit_learns(make):
    kind, _, X, y = make("binary")
    settings = {**OPTIMIZERS["adaptive"], "max_iter": 1}
    ours, theirs = fit_both(kind, settings, X, y)
    # Theirs counts the epoch of fit too, where nothing improved on infinity.
    for _ in range(50):
        ours.partial_fit(X, y)
        theirs.partial_fit(X, y)
    assert theirs._optimizer.learning_rate < 0.5
    assert_same_parameters(ours, theirs)


def test_warm_start_goes_on_as_scikit_learns(make, kind):
    estimator, settings, X, y = make(kind)
    settings = {**settings, "epsilon": 1e-30, "max_iter": 5, "warm_start": True}
    ours, theirs = fit_both(estimator, settings, X, y)
    for model in (ours, theirs):
        fit_quietly(model.set_params(max_iter=7), X, y)
    assert_same_parameters(ours, theirs)
    assert ours.n_iter_ == theirs.n_iter_ == 7
    assert ours.t_ == theirs.t_ == 12 * len(X)
    assert len(ours.loss_curve_) == len(theirs.loss_curve_) == 12


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("random_state", ["int", "instance", "global"])
def test_starting_weights_are_scikit_learns_to_the_bit(iris, activation, dtype, random_state):
    X, y = iris[0].astype(dtype), iris[1]
    started = []
    for kind in (MLPClassifier, neural_network.MLPClassifier):
        np.random.seed(7)  # noqa: NPY002 - random_state=None is NumPy's global generator
        state = {"int": 3, "instance": np.random.RandomState(3), "global": None}[random_state]
        model = kind((5, 4), activation, alpha=0, solver="sgd", random_state=state)
        model.set_params(learning_rate_init=1e-300, max_iter=1)
        started.append(fit_quietly(model, X, y))
    ours, theirs = started
    for mine, reference in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_array_equal(mine, reference)
        assert mine.dtype == reference.dtype == dtype


def test_default_settings_predict_what_scikit_learns_do(iris):
    """Tables of up to 200 rows make one batch, whose order is rounding only."""
    X, y = iris
    for kind in (MLPClassifier, MLPRegressor):
        ours, theirs = fit_both(kind, {"shuffle": True, "batch_size": "auto"}, X, y)
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-4)


def test_other_activations_start_as_the_network_does(iris):
    from chainrule import Network

    model = MLPClassifier((10,), "gelu", solver="sgd", learning_rate_init=1e-30, random_state=3)
    fit_quietly(model.set_params(alpha=0, max_iter=1), *iris)
    network = Network([4, 10, 3], "gelu", "log_loss", dtype="float64", seed=3)
    np.testing.assert_allclose(model.network_.theta, network.theta, rtol=0, atol=1e-25)
