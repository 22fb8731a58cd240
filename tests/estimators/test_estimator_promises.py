"""What scikit-learn's own tests of its MLP promise to users, held to here.

Each test names the behavior, not the test it comes from. What differs is in
docs/sklearn-differences.md, and tested in test_estimator_differences.py.
"""

import re
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import roc_auc_score

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
ACTIVATIONS = pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])


def quietly(method, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return method(*args, **kwargs)


def fit(model, *args, **kwargs):
    return quietly(model.fit, *args, **kwargs)


@pytest.fixture(scope="module", params=[2, 3])
def digits(request):
    """The first digits, scaled to [0, 1]: two and three classes."""
    X, y = load_digits(n_class=request.param, return_X_y=True)
    return X[:200] / 16, y[:200]


@pytest.fixture(scope="module")
def noisy_line():
    X, y = make_regression(n_samples=200, n_features=10, bias=20, noise=100, random_state=7)
    return X, (y - y.mean()) / y.std()


# --- what is learned -----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_larger_alpha_makes_weights_smaller(kind, solver, iris):
    sums = []
    for alpha in (0, 5, 50):
        model = kind(hidden_layer_sizes=10, alpha=alpha, solver=solver, random_state=1)
        model = fit(model.set_params(learning_rate_init=0.01), *iris)
        sums.append([np.abs(W).sum() for W in model.coefs_])
    assert (np.diff(sums, axis=0) < 0).all()


@ACTIVATIONS
def test_lbfgs_classifies(digits, activation):
    X, y = digits
    model = MLPClassifier(50, activation, solver="lbfgs", max_iter=150, random_state=1)
    fit(model, X[:150], y[:150])
    assert model.score(X[:150], y[:150]) > 0.95
    assert model.predict(X[150:]).dtype.kind == y.dtype.kind


@ACTIVATIONS
def test_lbfgs_regresses(noisy_line, activation):
    model = MLPRegressor("squared_error", 50, activation, solver="lbfgs", tol=1e-3)
    fit(model.set_params(random_state=1), *noisy_line)
    # The nonlinear ones fit the noise too.
    assert model.score(*noisy_line) > (0.80 if activation == "identity" else 0.98)


@BOTH
def test_max_fun_limits_lbfgs(kind, iris):
    model = kind(hidden_layer_sizes=10, solver="lbfgs", max_fun=10, tol=0.0, max_iter=150)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        model.fit(*iris)
    assert 0 < model.n_iter_ <= 10


def test_multi_label(make):
    _, _, X, y = make("multilabel")
    settings = {"activation": "logistic", "alpha": 1e-5, "random_state": 0}
    model = MLPClassifier(50, solver="lbfgs", max_iter=150, **settings)
    assert fit(model, X, y).score(X, y) > 0.97
    model = MLPClassifier(50, solver="sgd", learning_rate_init=0.5, **settings)
    for _ in range(300):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.score(X, y) > 0.9
    # Its rows are not stratified.
    assert fit(MLPClassifier(early_stopping=True), X, y).predict(X).shape == y.shape


def test_multi_target():
    X, y = make_regression(n_samples=200, n_targets=5, random_state=11)
    model = MLPRegressor(hidden_layer_sizes=50, solver="lbfgs", tol=1e-2, random_state=1)
    assert fit(model, X, y).score(X, y) > 0.9


def test_probabilities(digits):
    X, y = digits
    model = MLPClassifier(5, activation="logistic", random_state=1, learning_rate_init=0.01)
    P = fit(model, X, y).predict_proba(X)
    assert P.shape == (200, len(np.unique(y)))
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(P))
    np.testing.assert_array_equal(model.classes_[P.argmax(axis=1)], model.predict(X))
    scores = P[:, 1] if P.shape[1] == 2 else P
    assert roc_auc_score(y, scores, multi_class="ovr") > 0.99


def test_probabilities_of_several_labels_do_not_sum_to_one(make):
    _, _, X, y = make("multilabel")
    model = fit(MLPClassifier(30, solver="lbfgs", random_state=0), X, y)
    P = model.predict_proba(X)
    np.testing.assert_array_equal(P > 0.5, y)
    assert np.square(P.sum(axis=1) - 1).sum() > 1


@pytest.mark.parametrize("seed", range(3))
def test_poisson_without_hidden_layer_is_the_glm(seed):
    rng = np.random.default_rng(seed)
    X = np.linspace(0, 1, 100)[:, None]
    y = rng.poisson(np.exp(X[:, 0] + 1)).astype(float)
    glm = PoissonRegressor(alpha=0, tol=1e-7).fit(X, y)
    settings = {"activation": "identity", "alpha": 0, "solver": "lbfgs", "tol": 1e-7}
    for hidden in ((), (1,)):
        model = MLPRegressor("poisson", hidden, random_state=seed, **settings).fit(X, y)
        np.testing.assert_allclose(model.predict(X), glm.predict(X), rtol=1e-4)
    other = MLPRegressor("squared_error", (1,), random_state=seed, **settings).fit(X, y)
    assert not np.allclose(other.predict(X), glm.predict(X), rtol=1e-4)


@ACTIVATIONS
@pytest.mark.parametrize("n_classes", [2, 3])
def test_gradients(activation, n_classes):
    rng = np.random.default_rng(42)
    X, y = rng.random((5, 10)), np.arange(5) % n_classes
    model = MLPClassifier(10, activation, solver="lbfgs", alpha=1e-5, max_iter=1, random_state=1)
    assert cr.check_gradients(fit(model, X, y), X, y).passed


# --- partial_fit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_partial_fit_regresses_as_fit(noisy_line, momentum):
    X, y = noisy_line
    settings = {"solver": "sgd", "learning_rate_init": 0.01, "batch_size": 200, "tol": 0}
    settings |= {"momentum": momentum, "random_state": 1}
    whole = fit(MLPRegressor(max_iter=100, **settings), X, y)
    parts = MLPRegressor(**settings)
    for _ in range(100):
        parts.partial_fit(X, y)
    np.testing.assert_array_equal(whole.predict(X), parts.predict(X))
    assert parts.score(X, y) > 0.65


def test_partial_fit_classifies_as_fit(digits):
    X, y = digits
    settings = {"solver": "sgd", "random_state": 1, "alpha": 1e-5, "learning_rate_init": 0.2}
    whole = fit(MLPClassifier(max_iter=100, tol=0, **settings), X, y)
    parts = MLPClassifier(**settings)
    for _ in range(100):
        parts.partial_fit(X, y, classes=np.unique(y))
    np.testing.assert_array_equal(whole.predict(X), parts.predict(X))
    assert parts.score(X, y) > 0.95


def test_partial_fit_knows_classes_that_come_later():
    model = MLPClassifier(random_state=0)
    model.partial_fit([[1], [2], [3]], ["a", "b", "c"], classes=["a", "b", "c", "d"])
    assert model.classes_.tolist() == ["a", "b", "c", "d"]
    assert model.predict_proba([[1]]).shape == (1, 4)
    for _ in range(300):
        model.partial_fit([[4]], ["d"])
    assert model.predict([[4]]) == ["d"]


def test_partial_fit_and_classes():
    X = [[3, 2], [1, 6]]
    model = MLPClassifier(solver="sgd")
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, [1, 0])
    with pytest.raises(ValueError, match="class"):
        model.partial_fit(X, [1, 0], classes=[2])
    model.partial_fit(X, [1, 0], classes=[0, 1])
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, [1, 0], classes=[1, 2])
    with pytest.raises(ValueError, match="has classes not in"):
        model.partial_fit(X, [1, 2])


@BOTH
def test_partial_fit_is_for_stochastic_solvers(kind, iris):
    assert not hasattr(kind(solver="lbfgs"), "partial_fit")
    assert hasattr(kind(solver="sgd"), "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as raised:
        _ = kind(solver="lbfgs").partial_fit
    assert "use solver='adam' or 'sgd'" in str(raised.value)
    early = fit(kind(early_stopping=True, random_state=0), *iris)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        early.partial_fit(*iris)


@BOTH
def test_partial_fit_after_lbfgs(kind, iris):
    """A change of solver goes on from the weights, and has the attributes of the new one."""
    model = fit(kind(hidden_layer_sizes=5, solver="lbfgs", max_iter=5, random_state=0), *iris)
    assert not hasattr(model, "loss_curve_")
    loss = model.loss_
    model.set_params(solver="adam").partial_fit(*iris)
    assert model.loss_curve_[0] == pytest.approx(loss, rel=0.01)
    fit(model.set_params(solver="lbfgs"), *iris)
    assert not hasattr(model, "loss_curve_")


# --- warm start ----------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_start_goes_on(kind, solver, iris):
    settings = {"hidden_layer_sizes": 5, "solver": solver, "max_iter": 5, "random_state": 0}
    cold, warm = (fit(kind(warm_start=w, **settings), *iris) for w in (False, True))
    first = warm.loss_
    fit(cold, *iris)
    fit(warm, *iris)
    assert cold.loss_ == first
    assert warm.loss_ < first
    assert warm.n_iter_ == cold.n_iter_ == 5


def test_warm_start_needs_the_same_classes(iris):
    X, y = iris
    model = MLPClassifier(2, solver="lbfgs", warm_start=True, random_state=42, tol=1e-2)
    fit(model, X, y)
    fit(model, X, np.repeat([0, 1, 2], [40, 40, 70]))
    for other in (np.repeat([0, 1], 75), np.repeat([0, 1, 3], 50), np.arange(150) % 5):
        message = (
            "warm_start can only be used where `y` has the same classes as in the previous call "
            f"to fit. Previously got [0 1 2], `y` has {np.unique(other)}"
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            model.fit(X, other)


@BOTH
def test_warm_start_needs_the_same_layers(kind, iris):
    model = fit(kind(hidden_layer_sizes=2, warm_start=True, max_iter=2), *iris)
    with pytest.raises(ValueError, match="needs the layers of the fit before"):
        model.set_params(hidden_layer_sizes=3).fit(*iris)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_start_makes_max_iter_iterations_each_time(kind, solver, iris):
    model = kind(hidden_layer_sizes=20, solver=solver, warm_start=True, n_iter_no_change=np.inf)
    model.set_params(random_state=0, tol=0 if solver == "lbfgs" else 1e-4)
    for max_iter in (3, 3, 6):
        with pytest.warns(ConvergenceWarning):
            model.set_params(max_iter=max_iter).fit(*iris)
        assert model.n_iter_ == max_iter


@BOTH
def test_warm_start_with_early_stopping(kind, iris):
    model = kind(max_iter=10, random_state=0, warm_start=True, early_stopping=True)
    fit(model, *iris)
    n_scores, best = len(model.validation_scores_), model.best_validation_score_
    fit(model.set_params(max_iter=20), *iris)
    assert len(model.validation_scores_) > n_scores
    assert model.best_validation_score_ >= best
    fit(model.set_params(early_stopping=False), *iris)
    assert model.validation_scores_ is None
    assert model.best_loss_ == pytest.approx(min(model.loss_curve_[-20:]))
    fit(model.set_params(early_stopping=True), *iris)
    assert len(model.validation_scores_) == model.n_iter_


# --- when it stops -------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_tolerance_ends_the_fit(kind, solver, iris):
    model = kind(hidden_layer_sizes=5, tol=0.5, max_iter=3000, solver=solver)
    assert model.fit(*iris).n_iter_ < 3000


@pytest.mark.parametrize("n_iter_no_change", [2, 5, 10, 50])
def test_n_iter_no_change(n_iter_no_change, digits):
    """It stops after one epoch more than that without improvement."""
    model = MLPClassifier(tol=0.01, max_iter=3000, solver="sgd", random_state=0)
    model.set_params(n_iter_no_change=n_iter_no_change).fit(*digits)
    curve = np.array(model.loss_curve_)
    best = np.r_[np.inf, np.minimum.accumulate(curve)[:-1]]
    failed = curve > best - 0.01
    assert failed[-n_iter_no_change - 1 :].all()
    assert not failed[-n_iter_no_change - 2]


@pytest.mark.parametrize("n_iter_no_change", [2, 5, 10])
def test_n_iter_no_change_under_early_stopping(n_iter_no_change, digits):
    model = MLPClassifier(tol=0.01, max_iter=3000, early_stopping=True, random_state=0)
    scores = model.set_params(n_iter_no_change=n_iter_no_change).fit(*digits).validation_scores_
    best = np.r_[-np.inf, np.maximum.accumulate(scores)[:-1]]
    failed = np.array(scores) < best + 0.01
    assert failed[-n_iter_no_change - 1 :].all()
    assert not failed[-n_iter_no_change - 2]


def test_n_iter_no_change_infinite(digits):
    model = MLPClassifier(5, tol=1e9, max_iter=300, solver="sgd", n_iter_no_change=np.inf)
    with pytest.warns(ConvergenceWarning):
        assert model.fit(*digits).n_iter_ == 300


@pytest.mark.parametrize("early", [False, True])
def test_the_adaptive_rate_falls_to_the_end(early, iris, capsys):
    model = MLPClassifier(5, tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive")
    model.set_params(early_stopping=early, random_state=0, verbose=True).fit(*iris)
    assert model.n_iter_ < 3000
    printed = capsys.readouterr().out
    rates = [float(rate) for rate in re.findall(r"Setting learning rate to (\S+)", printed)]
    assert rates == pytest.approx([0.001 / 5**k for k in range(1, 6)], abs=1e-6)


def test_best_loss_is_the_lowest_not_the_last(iris):
    model = MLPClassifier(5, solver="sgd", learning_rate_init=0.5, batch_size=10, max_iter=20)
    fit(model.set_params(random_state=0, n_iter_no_change=np.inf), *iris)
    assert model.best_loss_ == min(model.loss_curve_) < model.loss_ == model.loss_curve_[-1]


@BOTH
def test_early_stopping(kind, digits):
    X, y = digits
    model = kind(tol=0.2, max_iter=3000, solver="sgd", early_stopping=True, random_state=0)
    model.fit(X, y)
    assert model.n_iter_ < 3000
    assert model.best_loss_ is None
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_
    assert max(scores) == model.best_validation_score_ > scores[-2] - 0.2
    model.set_params(early_stopping=False).fit(X, y)
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None
    assert model.best_loss_ == min(model.loss_curve_)


@BOTH
def test_early_stopping_keeps_the_best_weights(kind, noisy_line):
    X, y = noisy_line
    y = np.digitize(y, [-0.5, 0.5]) if kind is MLPClassifier else y
    settings = {"hidden_layer_sizes": 50, "learning_rate_init": 0.05, "random_state": 0}
    model = kind(early_stopping=True, validation_fraction=0.3, **settings)
    fit(model, X, y)
    best = int(np.argmax(model.validation_scores_))
    assert best < model.n_iter_ - 1
    stopped = kind(early_stopping=True, validation_fraction=0.3, max_iter=best + 1, **settings)
    np.testing.assert_array_equal(fit(stopped, X, y).network_.theta, model.network_.theta)


def test_early_stopping_is_stratified():
    X = np.arange(80.0).reshape(40, 2)
    with pytest.raises(ValueError, match="The least populated classes in y have only 1 member"):
        MLPClassifier(early_stopping=True).fit(X, [0] * 39 + [1])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_takes_text(iris, n_classes):
    keep = iris[1] < n_classes
    X, y = iris[0][keep], np.array(["a", "b", "c"], dtype=object)[iris[1][keep]]
    model = fit(MLPClassifier(early_stopping=True, max_iter=50, random_state=42), X, y)
    assert len(model.validation_scores_) == model.n_iter_
    assert np.isfinite(model.validation_scores_).all()


def test_a_validation_part_that_is_too_small():
    X, y = make_regression(n_samples=2, n_features=5, random_state=0)
    with pytest.raises(ValueError, match="The validation set is too small"):
        MLPRegressor(early_stopping=True, random_state=0).fit(X, y)


def test_divergence_under_early_stopping_keeps_the_best_weights(iris):
    model = MLPRegressor(activation="identity", solver="sgd", learning_rate_init=1)
    model.set_params(early_stopping=True, max_iter=20, random_state=0)
    with pytest.warns(ConvergenceWarning, match="best weights so far are kept"):
        model.fit(*iris)
    assert isinstance(model.validation_scores_[-1], float)
    assert np.isnan(model.validation_scores_[-1])
    assert np.isfinite(model.predict(iris[0])).all()


@pytest.mark.filterwarnings("ignore::chainrule.errors.TrainingWarning")  # made to go wrong
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_weights_that_are_not_finite(solver):
    rng = np.random.default_rng(0)
    X = np.finfo(np.float64).max * rng.uniform(size=(10, 2))
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        MLPRegressor(solver=solver).fit(X, rng.standard_normal(10))


# --- order, output -------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_same_random_state_gives_the_same_model(kind, make, solver, shuffle):
    estimator, settings, X, y = make(kind)
    settings = {**settings, "solver": solver, "shuffle": shuffle, "batch_size": 7, "max_iter": 3}
    first, second, other = (
        fit(estimator(hidden_layer_sizes=5, random_state=seed, **settings), X, y)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.network_.theta, second.network_.theta)
    assert not np.array_equal(first.network_.theta, other.network_.theta)


def test_shuffle_matters(noisy_line):
    settings = {"hidden_layer_sizes": 1, "max_iter": 1, "batch_size": 1, "random_state": 0}
    models = [fit(MLPRegressor(shuffle=s, **settings), *noisy_line) for s in (True, False)]
    assert not np.array_equal(models[0].coefs_[0], models[1].coefs_[0])


def test_a_random_state_instance_moves_on(iris):
    state = np.random.RandomState(0)
    first, second = (fit(MLPClassifier(5, max_iter=2, random_state=state), *iris) for _ in range(2))
    assert not np.array_equal(first.network_.theta, second.network_.theta)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("verbose", [True, 10])
def test_verbose(kind, solver, verbose, iris, capsys):
    model = kind(hidden_layer_sizes=2, solver=solver, max_iter=2, verbose=verbose)
    fit(model, *iris)
    if solver != "lbfgs":
        model.partial_fit(*iris)
    printed = capsys.readouterr().out.splitlines()
    assert printed[1] == (
        f"Iteration 2, loss = {model.loss_curve_[1]:.8f}"
        if solver != "lbfgs"
        else f"Iteration 2, loss = {model.loss_:.8f}"
    )
    assert len(printed) == (2 if solver == "lbfgs" else 3)
    fit(model.set_params(verbose=False), *iris)
    assert capsys.readouterr().out == ""


def test_verbose_says_why_it_stops(iris, capsys):
    model = MLPClassifier(2, tol=10, n_iter_no_change=3, verbose=True).fit(*iris)
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Training loss did not improve more than tol=10.000000 for 3 consecutive epochs. Stopping."
    )
    model.set_params(early_stopping=True).fit(*iris)
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].startswith("Validation score: 0.")
    assert printed[-1] == (
        "Validation score did not improve more than tol=10.000000 for 3 consecutive epochs. "
        "Stopping."
    )


@BOTH
def test_a_batch_larger_than_the_table_is_clipped_with_one_warning(kind, iris):
    with pytest.warns(UserWarning, match="larger than sample size. It is going to be clipped") as w:
        kind(batch_size=151, tol=1e9, n_iter_no_change=1).fit(*iris)
    assert len(w) == 1


def test_fine_tuning_a_loaded_model(tmp_path):
    import joblib

    model = MLPRegressor(hidden_layer_sizes=42, random_state=42, learning_rate_init=0.01)
    fit(model, [[2]], [4])
    joblib.dump(model, tmp_path / "mlp")
    loaded = joblib.load(tmp_path / "mlp")
    for _ in range(200):
        loaded.partial_fit([[2]], [1])
    np.testing.assert_allclose(loaded.predict([[2]]), [1], rtol=1e-4)


def test_a_worked_example():
    """One step on one example, worked by hand: the numbers of scikit-learn's own test."""
    model = MLPClassifier((2,), "logistic", solver="sgd", learning_rate_init=0.1, alpha=0.1)
    model.set_params(momentum=0, random_state=1)
    X, y = np.array([[0.6, 0.8, 0.7]]), np.array([0])
    model.partial_fit(X, y, classes=[0, 1])
    model.coefs_ = [[[0.1, 0.2], [0.3, 0.1], [0.5, 0]], [[0.1], [0.2]]]
    model.intercepts_ = [[0.1, 0.1], [1.0]]
    model.partial_fit(X, y)
    hidden = [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]]
    np.testing.assert_allclose(model.coefs_[0], hidden, atol=1e-3)
    np.testing.assert_allclose(model.coefs_[1], [[0.04706], [0.154089]], atol=1e-3)
    np.testing.assert_allclose(model.intercepts_[0], [0.098333, 0.09626], atol=1e-3)
    np.testing.assert_allclose(model.intercepts_[1], [0.9235], atol=1e-3)
    assert model.predict_proba(X)[0, 1] == pytest.approx(0.739, abs=1e-3)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_watching_each_epoch_changes_nothing(kind, iris, capsys):
    # Unwatched, the engine runs thousands of epochs at once, and all are taken in at the end.
    fitted = []
    for verbose in (False, True):
        model = kind(hidden_layer_sizes=3, warm_start=True, random_state=0, verbose=verbose)
        model.set_params(max_iter=300, n_iter_no_change=5, tol=0.01, learning_rate_init=0.03)
        for _ in range(2):
            model.fit(*iris)
        names = ("n_iter_", "t_", "loss_", "best_loss_", "loss_curve_")
        fitted.append([getattr(model, name) for name in names])
        assert 5 < model.n_iter_ < len(model.loss_curve_) < 300
    assert fitted[0] == fitted[1]
    assert "Iteration" in capsys.readouterr().out
