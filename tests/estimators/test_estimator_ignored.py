"""Parameters that change nothing, given the others, are said once; nothing else is."""

import warnings
from itertools import product

import numpy as np
import pytest
from sklearn.base import clone

import chainrule as cr
from chainrule.errors import IgnoredParameter

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
y = (X[:, 0] > 0).astype(int)
SOLVERS = ("adam", "adamw", "nadam", "sgd", "rmsprop", "adagrad", "rprop", "lbfgs")


def ignored(model, *data, **more):
    """Return the message on parameters without effect, or None."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.set_params(max_iter=1, hidden_layer_sizes=model.hidden_layer_sizes).fit(*data, **more)
    said = [str(each.message) for each in caught if each.category is IgnoredParameter]
    assert len(said) <= 1
    return said[0] if said else None


@pytest.mark.parametrize("kind", [cr.MLPClassifier, cr.MLPRegressor])
@pytest.mark.parametrize("solver", SOLVERS)
def test_defaults_are_never_named(kind, solver):
    assert ignored(kind(hidden_layer_sizes=(4,), solver=solver), X, y) is None


# Where each parameter has an effect: what is not the default and used, then what makes it unused.
USED = [
    ("momentum", 0.5, {"solver": "sgd"}, {"solver": "adam"}),
    ("momentum", 0.5, {"solver": "sgd"}, {"solver": cr.SGD(0.1)}),
    ("beta_1", 0.5, {"solver": "adamw"}, {"solver": "sgd"}),
    ("beta_2", 0.5, {"solver": "nadam"}, {"solver": "rmsprop"}),
    ("epsilon", 1e-6, {"solver": "adam"}, {"solver": "adagrad"}),
    ("power_t", 1.0, {"solver": "sgd", "learning_rate": "invscaling"}, {"solver": "sgd"}),
    ("learning_rate", "adaptive", {"solver": "sgd"}, {"solver": "adam"}),
    ("learning_rate", "invscaling", {"solver": "adamw"}, {"solver": "adam"}),
    ("learning_rate_init", 0.1, {}, {"solver": cr.Adam(0.1)}),
    ("learning_rate_init", 0.1, {}, {"learning_rate": cr.Cosine(0.1)}),
    ("max_fun", 99, {"solver": "lbfgs"}, {"solver": "adam"}),
    ("early_stopping", True, {}, {"solver": "lbfgs"}),
    ("validation_fraction", 0.3, {"early_stopping": True}, {}),
    ("scoring", "f1", {"early_stopping": True}, {}),
    ("dropout", 0.5, {}, {"hidden_layer_sizes": ()}),
    ("engine", "native", {}, {"solver": "lbfgs"}),
]


@pytest.mark.parametrize(("name", "value", "used", "unused"), USED)
def test_what_has_an_effect_is_not_named_and_what_has_none_is(name, value, used, unused):
    given = {"hidden_layer_sizes": (4,), name: value}
    assert ignored(cr.MLPClassifier(**given | used), X, y) is None
    model = cr.MLPClassifier(**given | unused)
    said = ignored(model, X, y)
    assert said is not None
    assert f"makes no use of {name}={value!r} (" in said
    assert ignored(clone(model), X, y) == said
    assert model.get_params()[name] == value


def test_it_is_true_that_they_have_no_effect():
    def theta(**settings):
        model = cr.MLPClassifier((4,), max_iter=3, random_state=0, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IgnoredParameter)
            return model.fit(X, y).network_.theta

    for name, value, _, unused in USED:
        if "hidden_layer_sizes" not in unused and name != "engine":
            assert np.array_equal(theta(**unused), theta(**unused, **{name: value})), name


def test_own_validation_data_use_a_score_and_no_fraction():
    data = {"X_val": X, "y_val": y}
    assert ignored(cr.MLPClassifier((4,), scoring="f1"), X, y, **data) is None
    model = cr.MLPClassifier((4,), early_stopping=True, validation_fraction=0.3)
    assert "validation_fraction=0.3 (X_val was given)" in (ignored(model, X, y, **data) or "")


def test_all_of_them_stand_in_one_warning():
    settings = {"momentum": 0.5, "power_t": 1.0, "max_fun": 9}
    said = ignored(cr.MLPClassifier((4,), **settings), X, y) or ""
    assert all(f"{name}=" in said for name in settings)
    assert said.index("max_fun") < said.index("momentum") < said.index("power_t")


def test_partial_fit_says_nothing_and_folds_have_a_score():
    with warnings.catch_warnings():
        warnings.simplefilter("error", IgnoredParameter)
        cr.MLPClassifier((4,), scoring="f1").partial_fit(X, y, classes=[0, 1])
        settings = {"max_iter": 1, "cv": 2, "hidden_layer_sizes": (4,)}
        cr.MLPClassifierCV([0.1], scoring="f1", **settings).fit(X, y)
    with pytest.warns(IgnoredParameter, match="MLPClassifierCV makes no use of momentum=0.5"):
        cr.MLPClassifierCV([0.1], momentum=0.5, **settings).fit(X, y)


@pytest.mark.parametrize(
    ("loss", "quantile"),
    [*product(["squared_error", "huber", cr.Quantile(0.5)], [0.9, [0.1, 0.9]])],
)
def test_a_quantile_without_its_loss_is_refused(loss, quantile):
    model = cr.MLPRegressor(loss, (4,), quantile=quantile)
    with pytest.raises(cr.errors.InvalidParameter, match="unless loss='quantile'"):
        model.fit(X, y)
    assert clone(model).get_params()["quantile"] == quantile
    for asked in ("quantile", cr.Quantile(quantile)):
        cr.MLPRegressor(asked, (4,), quantile=quantile, max_iter=1).fit(X, y)
