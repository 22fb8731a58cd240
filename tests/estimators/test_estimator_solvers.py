"""Solvers and schedules, by name and as objects."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.estimators.recipe import SCHEDULES, SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OBJECTS = {
    "sgd": lambda rate: cr.SGD(rate, 0.9, nesterov=True),
    "adam": cr.Adam,
    "adamw": cr.AdamW,
    "nadam": cr.Nadam,
    "adagrad": cr.Adagrad,
    "rmsprop": cr.RMSprop,
    "rprop": cr.Rprop,
}
BY_NAME = {
    "invscaling": cr.InverseScaling,
    "adaptive": cr.Adaptive,
    "step": cr.StepDecay,
    "exponential": cr.ExponentialDecay,
    "cosine": cr.Cosine,
    "one_cycle": cr.OneCycle,
}
SETTINGS = {
    "hidden_layer_sizes": (8,), "max_iter": 12, "random_state": 0, "n_iter_no_change": np.inf,
}  # fmt: skip


def theta(iris, kind=MLPClassifier, **settings):
    return kind(**{**SETTINGS, **settings}).fit(*iris).network_.theta


def test_all_names_are_compared():
    assert OBJECTS.keys() == SOLVERS.keys()
    assert BY_NAME.keys() | {"constant"} == SCHEDULES.keys()


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("name", OBJECTS)
def test_a_name_is_the_object_with_the_rate(name, kind, iris):
    by_name = theta(iris, kind, solver=name, learning_rate_init=0.002)
    assert np.array_equal(by_name, theta(iris, kind, solver=OBJECTS[name](0.002)))
    assert not np.array_equal(by_name, theta(iris, kind, solver=OBJECTS[name](0.003)))


@pytest.mark.parametrize("name", BY_NAME)
def test_a_schedules_name_is_the_object_over_all_epochs(name, iris):
    settings = {"solver": "adamw", "batch_size": 32}
    by_name = theta(iris, learning_rate=name, learning_rate_init=0.02, **settings)
    schedule = BY_NAME[name](0.02)
    assert np.array_equal(by_name, theta(iris, learning_rate=schedule, **settings))
    own = theta(iris, solver=cr.AdamW(schedule), batch_size=32)
    assert np.array_equal(by_name, own)
    steps = 12 * 5  # of 150 examples in batches of 32
    assert np.array_equal(own, theta(iris, solver=cr.AdamW(schedule.over(steps)), batch_size=32))


def test_a_function_of_the_step(iris):
    constant = theta(iris, solver="nadam", learning_rate_init=0.02)
    assert np.array_equal(constant, theta(iris, solver="nadam", learning_rate=lambda step: 0.02))


def test_adam_overlooks_what_scikit_learns_does(iris):
    constant = theta(iris, solver="adam")
    for name in ("invscaling", "adaptive"):
        with pytest.warns(cr.errors.IgnoredParameter, match=f"learning_rate='{name}'"):
            assert np.array_equal(constant, theta(iris, solver="adam", learning_rate=name))
    assert not np.array_equal(constant, theta(iris, solver="adam", learning_rate="cosine"))


@pytest.mark.parametrize("rate", ["cosine", "one_cycle", cr.Warmup(cr.StepDecay(0.02), 7)])
def test_partial_fits_go_on_along_the_schedule(rate, iris):
    settings = {**SETTINGS, "solver": "adamw", "learning_rate": rate, "batch_size": 32}
    whole = MLPClassifier(**settings).fit(*iris)
    parts = MLPClassifier(**settings)
    for _ in range(settings["max_iter"]):
        parts.partial_fit(*iris, classes=[0, 1, 2])
    assert np.array_equal(whole.network_.theta, parts.network_.theta)


@pytest.mark.parametrize(
    "solver", [cr.AdamW(1e-2, weight_decay=0.1), cr.SGD(cr.Warmup(cr.Cosine(0.1), 9)), cr.LBFGS(5)]
)
def test_objects_are_cloned_kept_and_saved(solver, iris, tmp_path):
    model = MLPClassifier(**SETTINGS, solver=solver)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert copy.solver == solver
    assert repr(solver).replace(" ", "") in "".join(repr(model).split())
    model.fit(*iris)
    cr.save(model, tmp_path / "model")
    for back in (cr.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert back.get_params() == model.get_params()
        np.testing.assert_array_equal(back.predict_proba(iris[0]), model.predict_proba(iris[0]))
        if hasattr(back, "partial_fit"):
            again = clone(model).fit(*iris).partial_fit(*iris)
            assert np.array_equal(back.partial_fit(*iris).network_.theta, again.network_.theta)


def test_lbfgs_as_an_object_is_lbfgs(iris):
    assert np.array_equal(theta(iris, solver="lbfgs"), theta(iris, solver=cr.LBFGS()))
    assert not np.array_equal(theta(iris, solver="lbfgs"), theta(iris, solver=cr.LBFGS(2)))


@pytest.mark.parametrize("solver", ["rprop", cr.Rprop()])
def test_rprop_takes_all_examples(solver, iris):
    X, y = np.tile(iris[0], (3, 1)), np.tile(iris[1], 3)  # more than the 200 of "auto"
    model = MLPClassifier(**SETTINGS, solver=solver).fit(X, y)
    assert model._learner.n_steps == SETTINGS["max_iter"]
    assert not hasattr(model, "partial_fit")
    with pytest.raises(ValueError, match=r"^The 'batch_size' parameter of MLPClassifier must be"):
        MLPClassifier(**SETTINGS, solver=solver, batch_size=50).fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "adamw", cr.SGD(0.1)])
def test_max_grad_norm_bounds_the_steps(solver, iris):
    as_it_is = theta(iris, solver=solver)
    assert np.array_equal(as_it_is, theta(iris, solver=solver, max_grad_norm=1e6))
    assert not np.array_equal(as_it_is, theta(iris, solver=solver, max_grad_norm=0.1))
    start = theta(iris, solver=cr.SGD(1e-30), max_iter=1)
    moved = theta(iris, solver=cr.SGD(0.5), max_iter=1, max_grad_norm=0.1)
    assert np.linalg.norm(moved - start) == pytest.approx(0.05, rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"solver": cr.SGD(0.1), "learning_rate": "cosine"}, "'learning_rate' .* brings its own"),
        ({"solver": "rprop", "learning_rate": "cosine"}, "'learning_rate' .* solver='rprop'"),
        ({"solver": "lbfgs", "max_grad_norm": 1.0}, "'max_grad_norm' .* None with solver='lbfgs'"),
        ({"solver": cr.LBFGS(), "dropout": 0.5}, "'dropout' .* 0 with solver='lbfgs'"),
        ({"solver": "adamW"}, r"'solver' .* Did you mean 'adamw'\?"),
        ({"solver": "adam", "learning_rate": "cosin"}, r"'learning_rate' .* mean 'cosine'\?"),
    ],
)
def test_what_cannot_be_together_gets_a_sentence(settings, sentence, iris):
    with pytest.raises(ValueError, match=f"^The {sentence}"):
        MLPClassifier(**{**SETTINGS, **settings}).fit(*iris)


def test_a_rate_too_large_blames_the_one_that_counts(iris):
    for settings, what in (
        ({"solver": cr.SGD(1e300)}, "its learning rate"),
        ({"solver": "sgd", "learning_rate_init": 1e300}, "learning_rate_init"),
    ):
        model = MLPRegressor(**settings, max_iter=5)
        with pytest.raises(ValueError, match=f"a tenth of {what}"):
            model.fit(*iris)
