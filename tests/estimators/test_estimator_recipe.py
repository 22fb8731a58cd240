"""The recipe: an estimator's parameters in the notes' terms, and the short way to the engine."""

import dataclasses
import inspect
import re
import traceback

import numpy as np
import pytest

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.engines import NativeEngine
from chainrule.estimators.recipe import Recipe, recipe_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])


def test_nobody_changes_a_recipe():
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe_of(MLPClassifier()).alpha = 1.0  # pyright: ignore[reportAttributeAccessIssue]


def test_every_field_is_documented():
    for field in dataclasses.fields(Recipe):
        assert re.search(rf"^.*\b{field.name}\b.* : ", inspect.getdoc(Recipe), re.M), field.name


@BOTH
@pytest.mark.parametrize("n", [1, 7, 200, 201, 1000])
@pytest.mark.parametrize("size", ["auto", 1, 32, 500])
@pytest.mark.parametrize("solver", ["adam", "sgd", "rprop", "lbfgs", cr.Rprop(0.1), cr.LBFGS(3)])
def test_the_notes_lambdas_and_batch(kind, n, size, solver):
    recipe = recipe_of(kind(solver=solver, batch_size=size, alpha=0.3, l1=0.2))
    whole = solver == "rprop" or isinstance(solver, cr.Rprop)
    if solver == "lbfgs" or isinstance(solver, cr.LBFGS):
        assert recipe.lambdas(n) == (0.3, 0.2)
        return
    if whole and size != "auto" and size < n:
        with pytest.raises(cr.errors.InvalidParameter, match=rf"{kind.__name__}.*Got {size}"):
            recipe.batch_size_for(n)
        return
    batch = {"auto": n if whole else min(200, n)}.get(size, min(n, size if size != "auto" else n))
    assert recipe.batch_size_for(n) == batch
    np.testing.assert_allclose(recipe.lambdas(n), [0.3 * n / batch, 0.2 * n / batch], rtol=1e-15)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"solver": "sgd"}, cr.SGD(0.001, 0.9, nesterov=True)),
        ({"solver": "sgd", "momentum": 0.0}, cr.SGD(0.001)),
        ({"learning_rate_init": 0.1, "beta_1": 0.5}, cr.Adam(0.1, 0.5)),
        ({"learning_rate": "adaptive"}, cr.Adam(0.001)),
        ({"solver": "sgd", "learning_rate": "adaptive"}, cr.SGD(cr.Adaptive(0.001), 0.9, True)),
        ({"learning_rate": "cosine"}, cr.Adam(cr.Cosine(0.001, 10 * 4))),
        ({"learning_rate": cr.Cosine(0.5, 7)}, cr.Adam(cr.Cosine(0.5, 7))),
        ({"solver": cr.AdamW(cr.Cosine(0.5))}, cr.AdamW(cr.Cosine(0.5, 10 * 4))),
        ({"solver": cr.AdamW(0.5)}, cr.AdamW(0.5)),
    ],
)
def test_the_optimizer_of_a_fit(given, rule):
    """Ten epochs of 100 examples in batches of 32 are 40 steps."""
    recipe = recipe_of(MLPRegressor(**given, max_iter=10, batch_size=32))
    assert recipe.optimizer_for(100) == rule


@BOTH
def test_one_call_of_partial_fit_is_one_epoch(kind):
    estimator = kind(max_iter=7, max_seconds=3.0)
    whole, part = recipe_of(estimator), recipe_of(estimator, incremental=True)
    assert (whole.epochs, whole.max_seconds) == (7, 3.0)
    assert (part.epochs, part.max_seconds, part.max_iter) == (1, None, 7)


def test_the_learner_knows_every_setting():
    """A name that it does not know would be set all the same, and change nothing."""
    settings = recipe_of(MLPClassifier()).learner_settings(10)
    assert settings.keys() <= inspect.signature(cr.Learner).parameters.keys()


@BOTH
def test_the_way_from_fit_to_the_product_is_short(kind, iris, monkeypatch):
    """A fit that one can follow: a few frames, in a few files."""
    stacks, run = [], NativeEngine._run

    def watched(*args, **kwargs):
        stacks.append(traceback.extract_stack()[:-1])
        return run(*args, **kwargs)

    monkeypatch.setattr(NativeEngine, "_run", watched)
    here = len(traceback.extract_stack())
    kind(hidden_layer_sizes=2, max_iter=1, n_iter_no_change=np.inf, tol=0).fit(*iris)
    frames = stacks[0][here:]
    assert len(frames) + 1 <= 15  # with _run itself
    assert len({frame.filename for frame in frames}) <= 9
