"""Parameters: scikit-learn's own, the new ones, their documentation, and bad values."""

import inspect
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.estimators import parameters
from chainrule.maths.losses import get_loss

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
NEW = {
    MLPClassifier: {"loss", "class_weight"},
    MLPRegressor: {"quantile"},
}
for names in NEW.values():
    names |= {"dropout", "dropout_input", "l1", "max_grad_norm", "engine", "n_jobs"}
    names |= {"checkpoint", "resume", "max_seconds", "scoring", "transform_layer"}


def parameters_of(kind):
    return dict(inspect.signature(kind).parameters)


@BOTH
def test_scikit_learns_parameters_with_its_defaults_and_order(kind):
    ours, theirs = parameters_of(kind), parameters_of(getattr(neural_network, kind.__name__))
    assert [name for name in ours if name in theirs] == list(theirs)
    for name, parameter in theirs.items():
        assert ours[name].default == parameter.default, name
        assert ours[name].kind == parameter.kind, name
    assert set(ours) - set(theirs) == NEW[kind]


@BOTH
def test_new_parameters_are_keyword_only(kind):
    for name in NEW[kind]:
        assert parameters_of(kind)[name].kind is inspect.Parameter.KEYWORD_ONLY


@BOTH
def test_same_methods_as_scikit_learns(kind):
    theirs = getattr(neural_network, kind.__name__)
    public = {name for name in dir(theirs()) if not name.startswith("_")}
    assert not public - set(dir(kind()))
    for name in ("fit", "partial_fit", "predict", "score"):
        reference = inspect.signature(getattr(theirs(), name)).parameters
        ours = list(inspect.signature(getattr(kind(), name)).parameters)
        more = ["X_val", "y_val", "sample_weight_val"] if name == "fit" else []
        assert ours == [*reference, *more], name


@BOTH
def test_get_and_set_params(kind):
    assert kind().get_params().keys() == parameters_of(kind).keys()
    assert kind().set_params(dropout=0.25, l1=0.5).get_params()["dropout"] == 0.25
    assert repr(kind(dropout=0.25)) == f"{kind.__name__}(dropout=0.25)"


def documented(docstring, section):
    """Return {name: (type line, text)} of a numpydoc section."""
    body = re.search(rf"\n *{section}\n *-+\n(.*?)(?=\n\n *[A-Z]\w+\n *-+\n|\Z)", docstring, re.S)
    assert body is not None
    found, names = {}, []
    for line in inspect.cleandoc("\n" + body[1]).splitlines():
        if line and not line.startswith(" "):
            head, _, kind = line.partition(" : ")
            names = [name.strip() for name in head.split(",")]
            found |= dict.fromkeys(names, (kind, ""))
        else:
            found |= {name: (found[name][0], f"{found[name][1]} {line.strip()}") for name in names}
    return found


@pytest.mark.parametrize(
    "kind", [MLPClassifier, MLPRegressor, cr.MLPClassifierCV, cr.MLPRegressorCV]
)
def test_every_parameter_is_documented(kind):
    described = documented(kind.__doc__, "Parameters")
    assert list(described) == list(parameters_of(kind))
    for name, (type_line, text) in described.items():
        default = parameters_of(kind)[name].default
        shown = f'"{default}"' if isinstance(default, str) else f"{default}"
        value = type_line.split("default=")[1]
        assert value == shown or float(value) == default, name
        assert len(text.split()) >= 6, f"{name} says too little"


def test_a_docstring_is_completed_in_the_order_of_the_constructor():
    @parameters.documented(
        {"b": "b : int\n    Shared.", "c": "c : int\n    Not taken."}, {"d_": "d_ : int"}
    )
    class Own:
        """Something.

        More of it.

        Parameters
        ----------
        a : list of int
            One line,

            and another after a gap.

        Examples
        --------
        >>> 1
        1
        """

        def __init__(self, b, a):
            pass

    assert inspect.getdoc(Own) == inspect.cleandoc("""Something.

        More of it.

        Parameters
        ----------
        b : int
            Shared.
        a : list of int
            One line,

            and another after a gap.

        Attributes
        ----------
        d_ : int

        Examples
        --------
        >>> 1
        1
        """)
    assert parameters.described(Own, "Parameters").keys() == {"a", "b"}


def test_a_class_without_docstring_stays_without():
    """As all are with ``python -OO``."""
    assert parameters.documented()(type("Own", (), {})).__doc__ is None


@BOTH
def test_every_attribute_is_documented(kind, iris):
    model = fitted(kind, iris)
    described = documented(kind.__doc__, "Attributes")
    there = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    assert there | {"coefs_", "intercepts_"} == set(described) - {"feature_names_in_"}


BAD = {
    "hidden_layer_sizes": [0, -3, (5, 0), (2.5,), "ten", None],
    "activation": ["tahn", "step", 3, ["tanh", "tanh", "tanh"], ["tanh", "tahn"], ("tanh", 3)],
    "solver": ["rmsprob", None, cr.SGD, 0.1],
    "alpha": [-1, "x", np.nan],
    "batch_size": [0, -1, "all", 2.5],
    "learning_rate": ["cosinus", 0.1, None],
    "learning_rate_init": [0, -1, "x"],
    "power_t": [-1, None],
    "max_iter": [0, 1.5, "x"],
    "shuffle": ["yes"],
    "random_state": [-1, "seed", 2.5],
    "tol": [-1, "x"],
    "verbose": [-1, "loud"],
    "warm_start": ["no"],
    "momentum": [-0.1, 1.1],
    "nesterovs_momentum": ["yes"],
    "early_stopping": ["yes"],
    "validation_fraction": [1.0, -0.1],
    "beta_1": [1.0, -0.1],
    "beta_2": [1.0, -0.1],
    "epsilon": [0.0, -1],
    "n_iter_no_change": [0, 2.5, -1],
    "max_fun": [0, 2.5],
    "loss": ["hinge", 3],
    "dropout": [1.0, -0.1, 1.5, "half", None, [0.5], (0.1, 0.2, 0.3), [0.5, 1.0], [0.5, "a"]],
    "dropout_input": [1.0, -0.1, "half", [0.5, 0.5]],
    "l1": [-1, "x"],
    "class_weight": ["even", [1, 2], {0: -1.0}, {0: "two"}, {0: np.inf}, {0: np.nan}],
    "max_grad_norm": [0, -1, "x"],
    "quantile": [0, 1.0, "half", None, [], [0.9, 0.1], [0.5, 1.5]],
    "engine": ["gpu", None],
    "n_jobs": [0, -2, 1.5, "all"],
    "checkpoint": [3, b"run.ckpt", ["run.ckpt"]],
    "resume": ["yes", True],  # without a checkpoint
    "max_seconds": [0, -1, "x", np.nan],
    "transform_layer": [2, -3, 0.5, "last", None],
    "scoring": ["acuracy", 3, ["accuracy"]],
}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (kind, name, value)
        for kind in (MLPClassifier, MLPRegressor)
        for name in parameters_of(kind)
        for value in BAD[name]
    ],
)
def test_a_bad_value_gets_scikit_learns_sentence(kind, name, value, iris):
    model = kind(**{"hidden_layer_sizes": (3, 3), "max_iter": 1, name: value})
    sentence = rf"^The '{name}' parameter of {kind.__name__} must be .*\. Got .* instead[.:]"
    with pytest.raises(ValueError, match=sentence) as raised:
        model.fit(*iris)
    assert repr(value)[1:-1] in str(raised.value)
    assert not hasattr(model, "coefs_")


def test_dropout_is_not_for_lbfgs(iris):
    with pytest.raises(ValueError, match=r"^The 'dropout' parameter of MLPClassifier must be 0 "):
        MLPClassifier(solver="lbfgs", dropout=0.5).fit(*iris)


def test_a_list_of_activations_says_which_name_is_unknown(iris):
    with pytest.raises(ValueError, match="did you mean 'tanh'"):
        MLPClassifier((3, 3), ["relu", "tahn"]).fit(*iris)


# --- the new parameters do something ---------------------------------------------------------


def fitted(kind, iris, **settings):
    base = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
    model = kind(**{**base, "n_iter_no_change": np.inf, **settings})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*iris)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_dropout_changes_training_not_prediction(kind, solver, iris):
    without, half = (fitted(kind, iris, solver=solver, dropout=p) for p in (0.0, 0.5))
    assert not np.array_equal(without.network_.theta, half.network_.theta)
    np.testing.assert_array_equal(half.predict(iris[0]), half.predict(iris[0]))
    again = fitted(kind, iris, solver=solver, dropout=0.5)
    np.testing.assert_array_equal(half.network_.theta, again.network_.theta)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_l1_makes_weights_smaller_and_leaves_biases_free(kind, solver, iris):
    settings = {"solver": solver, "alpha": 0, "learning_rate_init": 0.01, "max_iter": 100}
    small, large = (fitted(kind, iris, l1=l1, **settings) for l1 in (0.0, 20.0))
    assert sum(np.abs(W).sum() for W in large.coefs_) < 0.3 * sum(
        np.abs(W).sum() for W in small.coefs_
    )
    assert np.abs(large.intercepts_[-1]).max() > 0.01


@BOTH
def test_a_list_of_activations_is_one_per_hidden_layer(kind, iris):
    settings = {"hidden_layer_sizes": (5, 4), "max_iter": 3}
    same = fitted(kind, iris, activation=["tanh", "tanh"], **settings)
    np.testing.assert_array_equal(
        same.network_.theta, fitted(kind, iris, activation="tanh", **settings).network_.theta
    )
    mixed = fitted(kind, iris, activation=("gelu", "tanh"), **settings)
    assert [g.name for g in mixed.network_.architecture.activations] == ["gelu", "tanh"]


@pytest.mark.parametrize(
    "activation", ["leaky_relu", "elu", "selu", "softplus", "silu", "gelu", "mish"]
)
def test_more_activations_learn(activation, iris):
    settings = {"activation": activation, "max_iter": 100, "learning_rate_init": 0.02}
    assert fitted(MLPClassifier, iris, **settings).score(*iris) > 0.9


def test_own_activation_and_loss(iris):
    sine = cr.Activation("sine", np.sin, np.cos, takes="z")
    log_cosh = cr.Loss(
        "log_cosh",
        "identity",
        hypothesis=lambda z: z,
        per_example=lambda z, y: np.log(np.cosh(z - y)).sum(axis=1),
        delta=lambda z, h, y: np.tanh(h - y),
    )
    settings = {"activation": sine, "loss": log_cosh, "max_iter": 100, "learning_rate_init": 0.02}
    model = fitted(MLPRegressor, iris, **settings)
    assert model.score(*iris) > 0.8
    assert model.engine_ == "reference"
    assert cr.check_gradients(model, *iris).passed


FOCAL = 2.0


def focal(name, targets):
    """Return (1 - h_y)^2 times the log loss, h_y being what the right class gets."""
    canonical = get_loss(name)

    def of_right(h, y):
        return np.where(y == 1, h, 1 - h)

    def per_example(z, y):
        h = canonical.hypothesis(z)
        if targets == "classes":
            right = (h * y).sum(axis=1)
            return -((1 - right) ** FOCAL) * np.log(right)
        right = of_right(h, y)
        return (-((1 - right) ** FOCAL) * np.log(right)).sum(axis=1)

    def delta(z, h, y):
        one = targets == "classes"
        right = (h * y).sum(axis=1, keepdims=True) if one else of_right(h, y)
        slope = FOCAL * right * np.log(right) * (1 - right) ** (FOCAL - 1) - (1 - right) ** FOCAL
        # dright/dz is right (y - h), of logistic outputs right (1 - right) times the sign of y.
        return slope * (y - h) if one else slope * (1 - right) * np.where(y == 1, 1, -1)

    return cr.Loss(
        "focal", canonical.hypothesis_name, canonical.hypothesis, per_example, delta, targets
    )


@pytest.mark.parametrize(
    ("name", "targets"), [("log_loss", "classes"), ("cross_entropy", "binary")]
)
def test_own_loss_of_a_classifier(name, targets, iris):
    X, y = iris
    words = np.array(["a", "b", "c"])[y]
    settings = {"max_iter": 100, "learning_rate_init": 0.02, "early_stopping": True}
    model = fitted(MLPClassifier, (X, words), loss=focal(name, targets), **settings)
    assert model.score(X, words) > 0.9
    assert model.engine_ == "reference"
    assert model.predict_proba(X).sum(axis=1) == pytest.approx(1)
    assert cr.check_gradients(model, X, words).passed
    # That it takes the place of ours: without its factor it is the same trajectory.
    plain = replace(get_loss(name), name="mine")
    mine, ours = (
        fitted(MLPClassifier, (X, words), loss=loss, engine="reference") for loss in (plain, name)
    )
    assert np.array_equal(mine.network_.theta, ours.network_.theta)


def test_own_loss_of_two_classes_or_several_labels(iris):
    X, y = iris
    for targets in (y % 2, np.column_stack([y % 2, y < 2]), np.column_stack([y, y % 2])):
        model = fitted(MLPClassifier, (X, targets), loss=focal("cross_entropy", "binary"))
        assert model.predict(X).shape == targets.shape
        with pytest.raises(cr.errors.InvalidParameter, match="must have targets='binary' for"):
            fitted(MLPClassifier, (X, targets), loss=focal("log_loss", "classes"))
    with pytest.raises(cr.errors.InvalidParameter, match=r"Got 'mine' with targets='real'"):
        fitted(MLPClassifier, iris, loss=replace(get_loss("squared_error"), name="mine"))


def test_one_vs_all(iris):
    softmax, one_vs_all = (
        fitted(MLPClassifier, iris, loss=loss, max_iter=100, learning_rate_init=0.02)
        for loss in ("log_loss", "cross_entropy")
    )
    assert (softmax.out_activation_, one_vs_all.out_activation_) == ("softmax", "logistic")
    assert one_vs_all.score(*iris) > 0.9
    H = one_vs_all.network_(iris[0])
    assert not np.allclose(H.sum(axis=1), 1)
    np.testing.assert_allclose(one_vs_all.predict_proba(iris[0]), H / H.sum(axis=1, keepdims=True))


def test_engine_and_n_jobs_change_no_bit(iris):
    first = fitted(MLPClassifier, iris, engine="auto")
    assert first.engine_ in {"reference", "native"}
    for settings in ({"n_jobs": 1}, {"n_jobs": 2}, {"n_jobs": -1}):
        other = fitted(MLPClassifier, iris, **settings)
        np.testing.assert_array_equal(first.network_.theta, other.network_.theta)
    assert fitted(MLPClassifier, iris, engine="reference").engine_ == "reference"


def test_no_hidden_layer_is_a_linear_model(iris):
    from sklearn.linear_model import LogisticRegression

    X, y = iris
    settings = {"solver": "lbfgs", "alpha": 1.0, "tol": 1e-9, "max_iter": 2000}
    model = MLPClassifier((), **settings).fit(X, y)
    linear = LogisticRegression(C=1.0, tol=1e-9, max_iter=2000).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), linear.predict_proba(X), atol=1e-4)
