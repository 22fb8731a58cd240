"""What is said of a parameter whose value cannot be: what it may be, and what may have been meant.

The table of constraints is scikit-learn's, and so is the form of the sentence: "The 'x' parameter
of Y must be ... Got z instead."
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from numbers import Integral, Real
from os import PathLike
from typing import Any, Final

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from chainrule.calls import require_known_names
from chainrule.errors import InvalidParameter, nearest_name
from chainrule.maths.activations import Activation
from chainrule.maths.losses import CrossEntropy, Huber, LogLoss, Loss, Quantile
from chainrule.optimizers import LBFGS, Optimizer, Schedule
from chainrule.training import Checkpoint

__all__ = ["UnusableParameter", "require_allowed", "require_known_params", "shown"]

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_LONGEST: Final = 80

_NAMED: dict[Any, tuple[str, ...]] = {
    "boolean": ("True", "False"),
    "verbose": ("True", "False", "a whole number >= 0"),
    "random_state": ("a whole number >= 0 and < 2**32", "a np.random.RandomState", "None"),
    "cv_object": ("a whole number >= 2", "a splitter of scikit-learn", "a list of splits", "None"),
    None: ("None",),
    callable: ("a function",),
    dict: ("a dict",),
    str: ("a path",),
    PathLike: ("a path",),
    Activation: ("a cr.Activation of your own",),
    Checkpoint: ("a cr.Checkpoint",),
    CrossEntropy: ("cr.CrossEntropy(...)",),
    Huber: ("cr.Huber(...)",),
    LogLoss: ("cr.LogLoss(...)",),
    Loss: ("a cr.Loss of your own",),
    Quantile: ("cr.Quantile(...)",),
    LBFGS: ("cr.LBFGS(...)",),
    Optimizer: ("an optimizer such as cr.SGD(0.1)",),
    Schedule: ("a schedule such as cr.Cosine(0.01)",),
}

_LISTS: dict[str, str] = {
    "hidden_layer_sizes": "a list such as (64, 32)",
    "activation": "a list with one per hidden layer",
    "dropout": "a list with one per hidden layer",
    "quantile": "a list such as [0.1, 0.9]",
    "class_weight": "a list with one dict per column of classes",
    "alphas": "a list of numbers >= 0",
}

_LISTS_OF_NUMBERS: Final = frozenset({"hidden_layer_sizes", "dropout", "quantile", "alphas"})

# What None most likely means, where it is not allowed.
_FOR_NONE: dict[str, Any] = {
    "hidden_layer_sizes": (),
    "activation": "identity",
    "solver": "adam",
    "batch_size": "auto",
    "alpha": 0,
    "l1": 0,
    "dropout": 0,
    "dropout_input": 0,
    "momentum": 0,
    "tol": 0,
    "n_iter_no_change": np.inf,
    "learning_rate": "constant",
    "engine": "auto",
}

# Parameters that are taken for each other.
_CONFUSED: dict[str, tuple[str, ...]] = {
    "learning_rate": ("learning_rate_init", "solver"),
    "learning_rate_init": ("learning_rate",),
    "solver": ("learning_rate_init",),
    "loss": ("hidden_layer_sizes",),
    "early_stopping": ("n_iter_no_change", "validation_fraction"),
    "activation": ("hidden_layer_sizes",),
    "shuffle": ("random_state",),
    "alphas": ("alpha",),
}

_SHARES: Final = frozenset({"dropout", "dropout_input", "quantile", "validation_fraction"})
_YES: Final = frozenset({"yes", "true", "on", "1"})
_NO: Final = frozenset({"no", "false", "off", "0"})

_ADVICE: dict[tuple[str, str], str] = {
    ("activation", "step"): (
        "The step function has g' = 0 wherever it exists, so nothing is learned through it: use "
        "'logistic', the smooth step, 'tanh' or 'relu'."
    ),
    ("quantile", "median"): "The median is quantile=0.5.",
    ("activation", "softmax"): (
        "The softmax of the output comes with the classifier's loss; activation is that of the "
        "hidden layers, such as 'relu'."
    ),
    **{
        ("engine", name): "chainrule computes on the processor: leave engine at 'auto'."
        for name in ("gpu", "cuda", "mps", "torch", "tpu")
    },
    **{
        ("loss", name): "It is a loss for numbers: use MLPRegressor, or loss='log_loss'."
        for name in ("squared_error", "absolute_error", "huber", "quantile", "poisson")
    },
    **{
        ("loss", name): "It is a loss for classes: use MLPClassifier, or loss='squared_error'."
        for name in ("log_loss", "cross_entropy")
    },
}


# Where nothing better can be said, by the parameter and whether a function or class was given.
_LAST_ADVICE: dict[tuple[str, bool], str] = {
    ("activation", True): "A function needs its derivative: make a cr.Activation of both.",
    ("loss", True): "A function needs its derivative: make a cr.Loss of both.",
    ("checkpoint", False): "Give the name of a file, such as 'run.ckpt'.",
    ("random_state", False): "Give a seed, such as random_state=0.",
    ("batch_size", False): "All examples at once are batch_size=len(X).",
}


class UnusableParameter(InvalidParameter, InvalidParameterError):
    """Our error for a parameter that cannot be, which is scikit-learn's too."""


def require_allowed(estimator: Any) -> None:
    """Raise if a parameter of an estimator has a value that its constraints do not allow.

    A plain value that was found good once is not looked at again, since a look takes as long as
    many steps of a small network.

    Raises
    ------
    UnusableParameter
        With what is allowed, what was given, and what may have been meant.
    """
    for name in sorted(estimator._parameter_constraints):
        value = getattr(estimator, name)
        check = _check_once if type(value) in _PLAIN else _check
        try:
            check(type(estimator), name, value)
        except InvalidParameterError:
            raise _unusable(type(estimator), name, value) from None


def require_known_params(estimator: Any, params: dict[str, Any]) -> None:
    """Raise if an estimator does not have one of these parameters; nested ones are left alone.

    Raises
    ------
    UnknownName
        With the parameter that may have been meant.
    """
    own = {name: value for name, value in params.items() if "__" not in name}
    begin = "Invalid parameter '{name}' for estimator {called}."
    names = estimator._get_param_names()
    require_known_names(type(estimator).__name__, own, names, begin=begin)


def shown(value: object) -> str:
    """Return how a value is shown in a sentence: as code, shortened."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _check(kind: type, name: str, value: Any) -> None:
    """Raise scikit-learn's error if an estimator's parameter cannot have that value."""
    mine = {name: _constraints(kind)[name]}
    validate_parameter_constraints(mine, {name: value}, caller_name=kind.__name__)


def _constraints(kind: Any) -> dict[str, Sequence[Any]]:
    return kind._parameter_constraints


_check_once = lru_cache(maxsize=10_000, typed=True)(_check)  # what it raises is not remembered


def _allows(kind: type, name: str, value: Any) -> bool:
    if name not in _constraints(kind):
        return False
    try:
        _check(kind, name, value)
    except InvalidParameterError:
        return False
    return True


def _unusable(kind: type, name: str, value: Any) -> UnusableParameter:
    hint = _hint(kind, name, value)
    return UnusableParameter(
        f"The '{name}' parameter of {kind.__name__} must be "
        f"{_in_words(name, _constraints(kind)[name], value)}. Got {shown(value)} instead."
        f"{f' {hint}' if hint else ''}"
    )


# --- what is allowed, in words -----------------------------------------------------------------


def _in_words(name: str, constraints: Sequence[Any], value: Any) -> str:
    """Say what is allowed, the kind of value that was given first."""
    ordered = sorted(constraints, key=lambda each: not _is_of_kind(each, value))
    words = list(dict.fromkeys(word for each in ordered for word in _words(name, each, value)))
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _is_of_kind(constraint: Any, value: Any) -> bool:
    """Whether a constraint is for values like this one."""
    if isinstance(value, str) and _number_in(value) is None:
        return isinstance(constraint, StrOptions)
    if isinstance(value, str | Real) and not isinstance(value, bool):
        return isinstance(constraint, Interval)
    if isinstance(value, list | tuple | np.ndarray):
        return constraint in ("array-like", list, tuple, np.ndarray)
    return False


def _words(name: str, constraint: Any, value: Any) -> Sequence[str]:
    """Return the words for one constraint; of names, the likeliest first and the others sorted."""
    if isinstance(constraint, StrOptions) and type(constraint) is not StrOptions:
        return [str(constraint)]  # it has words of its own
    if isinstance(constraint, StrOptions):
        near = nearest_name(value, constraint.options)
        return [f"'{each}'" for each in sorted(constraint.options, key=lambda o: (o != near, o))]
    if isinstance(constraint, Interval):
        return [_interval(constraint)]
    if isinstance(constraint, Options):
        return [_shown(each) for each in sorted(constraint.options)]
    if constraint in ("array-like", list, tuple, np.ndarray):
        return [_LISTS.get(name, "a list")]
    return _NAMED[constraint]


def _interval(interval: Any) -> str:
    """Say an interval: "a whole number >= 1", "a number >= 0 and < 1"."""
    low, high = interval.left, interval.right
    bounds = list[str]()
    if low is not None:
        bounds.append(f"{'>=' if interval.closed in ('left', 'both') else '>'} {low:g}")
    if high is not None:
        bounds.append(f"{'<=' if interval.closed in ('right', 'both') else '<'} {high:g}")
    kind = "a whole number" if interval.type is Integral else "a number"
    return " ".join([kind, " and ".join(bounds)]).strip()


# --- what may have been meant ------------------------------------------------------------------


def _hint(kind: type, name: str, value: Any) -> str:
    """Return a sentence on what may have been meant, or nothing."""
    if getattr(value, "ndim", 0) > (name in _LISTS_OF_NUMBERS):
        return f"Data go to fit: {kind.__name__}().fit(X, y)."
    if isinstance(value, str) and (name, value.lower()) in _ADVICE:
        return _ADVICE[name, value.lower()]
    for parameter, meant in _meant(kind, name, value):
        if _allows(kind, parameter, meant):
            return (
                f"Did you mean {_shown(meant)}?"
                if parameter == name and isinstance(meant, str)
                else f"Did you mean {parameter}={_shown(meant)}?"
            )
    return _LAST_ADVICE.get((name, callable(value)), "")


def _shown(value: Any) -> str:
    return "np.inf" if isinstance(value, float) and value == np.inf else shown(value)


def _meant(kind: type, name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what may have been meant, as a parameter and its value, the likeliest first."""
    number = value
    if isinstance(value, str):
        number = _number_in(value)
        yield from _by_text(kind, name, value)
    elif value is None and name in _FOR_NONE:
        yield name, _FOR_NONE[name]
    elif callable(value):
        yield from _by_name(kind, name, getattr(value, "__name__", ""))
    elif isinstance(value, list | tuple) and not np.shape(value)[1:]:
        yield name, tuple(int(each) if isinstance(each, float) else each for each in value)
    if isinstance(number, int | float | np.number) and not isinstance(number, bool):
        yield from _by_number(name, float(number))
        yield from ((other, number) for other in _CONFUSED.get(name, ()))
    yield from ((other, value) for other in _CONFUSED.get(name, ()))


def _by_text(kind: type, name: str, text: str) -> Iterator[tuple[str, Any]]:
    """Yield what a text may mean: a number, a name, yes or no, a value of another parameter."""
    if (number := _number_in(text)) is not None:
        yield name, number
    yield from _by_name(kind, name, text)
    if text.lower() in _YES | _NO:
        yield name, text.lower() in _YES
    if name == "n_jobs":
        yield name, -1
    others = [
        other
        for other, constraints in _constraints(kind).items()
        if any(type(each) is StrOptions and text.lower() in each.options for each in constraints)
    ]
    if len(others) == 1:
        yield others[0], text.lower()


def _by_name(kind: type, name: str, called: str) -> Iterator[tuple[str, Any]]:
    """Yield the name here of what is called so elsewhere."""
    for each in _constraints(kind)[name]:
        if isinstance(each, StrOptions) and (near := nearest_name(called, each.options)):
            yield name, near


def _by_number(name: str, number: float) -> Iterator[tuple[str, Any]]:
    """Yield what a number may mean: a truth value, a whole number, percent."""
    if number.is_integer():
        if number in (0.0, 1.0):
            yield name, bool(number)
        yield name, int(number)
    if name in _SHARES and 1 < number <= 100:
        yield name, number / 100


def _number_in(text: str) -> float | int | None:
    """Return the number that a text spells, or None."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
