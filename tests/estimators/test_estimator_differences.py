"""The differences that docs/sklearn-differences.md lists, where no other test holds them.

Where it is quick, scikit-learn's side is held too: a test that fails because scikit-learn has
changed says which line of the list has to go.
"""

import warnings

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

from chainrule import MLPClassifier, MLPRegressor

THEIRS = {
    MLPClassifier: neural_network.MLPClassifier,
    MLPRegressor: neural_network.MLPRegressor,
}
BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])


def fit(model, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)


def test_one_class_is_refused_here_and_learned_there(iris):
    X = iris[0]
    assert (fit(THEIRS[MLPClassifier](3, max_iter=2), X, np.zeros(150)).predict(X) == 0).all()
    with pytest.raises(ValueError, match="one class only"):
        MLPClassifier(3).fit(X, np.zeros(150))


def test_the_place_of_adams_epsilon(iris):
    """With an epsilon that matters, theirs makes smaller first steps."""
    settings = {"hidden_layer_sizes": 5, "epsilon": 1e-2, "max_iter": 3, "random_state": 0}
    ours, theirs = (fit(one(**settings), *iris) for one in (MLPRegressor, THEIRS[MLPRegressor]))
    assert ours.loss_curve_[0] == pytest.approx(theirs.loss_curve_[0], rel=1e-12)
    assert ours.loss_curve_[2] < theirs.loss_curve_[2]
    # With the default it is a matter of 1e-6.
    settings |= {"epsilon": 1e-8, "max_iter": 50}
    ours, theirs = (fit(one(**settings), *iris) for one in (MLPRegressor, THEIRS[MLPRegressor]))
    for mine, reference in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=0, atol=1e-5)


def test_velocity_of_a_falling_rate(iris):
    """The rate multiplies the velocity outside, so it takes effect at once."""
    settings = {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1}
    settings |= {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0}
    for momentum, same in ((0.0, True), (0.9, False)):
        ours, theirs = (
            fit(one(momentum=momentum, **settings), *iris)
            for one in (MLPRegressor, THEIRS[MLPRegressor])
        )
        assert np.allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10) == same


def test_a_weight_means_the_same_in_every_batch(iris):
    """A batch of zeros is no error, and a row's pull does not depend on its neighbors."""
    X, y = iris
    weight = np.r_[np.zeros(50), np.ones(100)]
    settings = {"hidden_layer_sizes": 3, "batch_size": 50, "shuffle": False, "max_iter": 2}
    with pytest.raises(ZeroDivisionError):
        fit(THEIRS[MLPClassifier](**settings), X, y, weight)
    assert np.isfinite(fit(MLPClassifier(**settings), X, y, weight).loss_)


def test_batches_add_up_to_the_gradient_of_the_cost(iris):
    """With weights and a penalty: three tiny steps on thirds are three on the whole."""
    X, y = iris
    weight = np.random.default_rng(0).uniform(0, 3, 150)
    settings = {"solver": "sgd", "momentum": 0, "shuffle": False, "max_iter": 1}
    settings |= {"hidden_layer_sizes": 4, "random_state": 0, "activation": "tanh"}
    steps = {}
    for size in (150, 50):
        model = MLPClassifier(batch_size=size, alpha=3.0 * size / 150, **settings)
        start = fit(model.set_params(learning_rate_init=1e-300), X, y, weight).network_.theta
        end = fit(model.set_params(learning_rate_init=1e-7), X, y, weight).network_.theta
        steps[size] = (end - start) / 1e-7
    np.testing.assert_allclose(steps[50], 3 * steps[150], rtol=0, atol=1e-5)
    assert np.abs(steps[150]).max() > 0.01


def test_partial_fit_takes_a_new_order_each_time(iris):
    X, y = iris
    settings = {"hidden_layer_sizes": 3, "batch_size": 10, "solver": "sgd", "momentum": 0}
    model = MLPClassifier(random_state=0, **settings).partial_fit(X, y, classes=[0, 1, 2])
    steps = []
    start = [W.copy() for W in (*model.coefs_, *model.intercepts_)]
    for _ in range(2):
        model.coefs_, model.intercepts_ = start[:2], start[2:]
        model.partial_fit(X, y)
        steps.append(model.network_.theta.copy())
    assert not np.array_equal(*steps)


def test_divergence_is_told_at_once(iris):
    model = MLPRegressor(solver="sgd", learning_rate_init=1e6, random_state=0, max_iter=10**6)
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*\(epoch \d") as raised:
        model.fit(*iris)
    assert "with the learning rate 1e+06" in str(raised.value)
    assert "tenth of learning_rate_init" in str(raised.value)


@BOTH
def test_a_warm_start_holds_out_the_same_rows(kind, iris, monkeypatch):
    """Rows trained on in one fit would leak into the validation score of the next."""
    import chainrule.estimators.validation as module

    held_out = []
    original = module.train_test_split

    def split(*args, **kwargs):
        parts = original(*args, **kwargs)
        held_out.append(parts[1].copy())
        return parts

    monkeypatch.setattr(module, "train_test_split", split)
    model = kind(3, max_iter=2) if kind is MLPClassifier else kind("squared_error", 3, max_iter=2)
    model.set_params(early_stopping=True, warm_start=True, random_state=0)
    for _ in range(3):
        fit(model, *iris)
    np.testing.assert_array_equal(held_out[0], held_out[1])
    np.testing.assert_array_equal(held_out[0], held_out[2])


def test_a_warm_start_judges_convergence_anew(iris):
    settings = {"hidden_layer_sizes": 3, "tol": 1.0, "n_iter_no_change": 5, "random_state": 0}
    ours, theirs = (
        one(warm_start=True, **settings) for one in (MLPClassifier, THEIRS[MLPClassifier])
    )
    assert ours.fit(*iris).n_iter_ == theirs.fit(*iris).n_iter_ == 7
    assert ours.fit(*iris).n_iter_ == 7
    assert theirs.fit(*iris).n_iter_ == 1


def test_solvers_can_take_turns(iris):
    model = fit(MLPClassifier(5, solver="lbfgs", max_iter=5, warm_start=True), *iris)
    first = model.loss_
    assert fit(model.set_params(solver="adam", max_iter=20), *iris).loss_ < first
    assert fit(model.set_params(solver="lbfgs"), *iris).loss_ < first


def test_partial_fit_with_warm_start_may_lack_classes(iris):
    X, y = iris
    for kind, refused in ((MLPClassifier, False), (THEIRS[MLPClassifier], True)):
        model = fit(kind(3, max_iter=2, warm_start=True), X, y)
        if refused:
            with pytest.raises(ValueError, match="same classes"):
                model.partial_fit(X[:60], y[:60])
        else:
            model.partial_fit(X[:60], y[:60])


def test_lbfgs_on_float32_is_the_rounded_result_of_float64(iris):
    X = iris[0].astype("float32")
    settings = {"hidden_layer_sizes": 5, "solver": "lbfgs", "max_iter": 30, "random_state": 0}
    narrow = fit(MLPRegressor(**settings), X, iris[1])
    wide = fit(MLPRegressor(**settings), X.astype("float64"), iris[1])
    assert narrow.network_.theta.dtype == narrow.predict(X).dtype == "float32"
    theirs = fit(THEIRS[MLPRegressor](**settings), X, iris[1])
    assert theirs.coefs_[0].dtype == theirs.predict(X).dtype == "float64"
    # Only the starting weights were rounded differently.
    assert narrow.loss_ == pytest.approx(wide.loss_, rel=1e-2)


@pytest.mark.filterwarnings("ignore::chainrule.errors.TrainingWarning")  # made to go wrong
def test_a_cost_of_sure_and_wrong_predictions_is_not_clipped():
    X = np.array([[1e4], [-1e4]])
    settings = {"solver": "sgd", "learning_rate_init": 1e-300, "alpha": 0, "max_iter": 1}
    for kind in (MLPClassifier, THEIRS[MLPClassifier]):
        models = [kind((), random_state=0, **settings) for _ in range(2)]
        worst = max(fit(m, X, y).loss_ for m, y in zip(models, ([0, 1], [1, 0]), strict=True))
        assert worst > 1000 if kind is MLPClassifier else worst < 37


def test_log_of_probability_zero(iris):
    X = np.array([[-1e4], [1e4]])
    model = fit(MLPClassifier((), solver="lbfgs", alpha=0, random_state=0), X, [0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_P = model.predict_log_proba(X * 10)
    assert np.isneginf(log_P).any()


def test_early_stopping_can_be_switched_between_warm_starts(iris):
    model = fit(MLPClassifier(3, max_iter=3, warm_start=True, random_state=0), *iris)
    fit(model.set_params(early_stopping=True), *iris)
    assert (model.best_loss_, len(model.validation_scores_)) == (None, 3)
    fit(model.set_params(early_stopping=False), *iris)
    assert model.validation_scores_ is model.best_validation_score_ is None
    assert model.best_loss_ <= model.loss_
