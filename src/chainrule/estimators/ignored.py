"""Parameters that were set and change nothing, given the others: said once a fit.

scikit-learn overlooks them silently, so they are no errors. What has its default is never named,
nor what is of steps and set with "lbfgs", which makes none: whoever compares solvers sets it.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache
from inspect import signature
from typing import Any, Final, Literal

import numpy as np

from chainrule.calls import level_of_the_user
from chainrule.errors import IgnoredParameter
from chainrule.estimators.recipe import (
    has_own_rate,
    hidden_layers,
    is_lbfgs,
    overlooks_schedule,
)
from chainrule.estimators.sentences import shown

__all__ = ["warn_of_ignored"]

_OF_OPTIMIZERS: Final = ("learning_rate_init", "momentum", "beta_1", "beta_2", "epsilon")
_OF_ADAM: Final = ("beta_1", "beta_2", "epsilon")


def warn_of_ignored(estimator: Any, *, validation: Literal["given", "folds", "none"]) -> None:
    """Warn if parameters were set that change nothing in this fit.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or one of their cross-validated forms
    validation : {"given", "folds", "none"}
        Whether validation data were given, or scores are those of folds.
    """
    reasons = dict[str, str]()
    _look_at_solver(estimator, reasons)
    _look_at_rate(estimator, reasons)
    stops = estimator.early_stopping and not is_lbfgs(estimator.solver)
    if validation == "given":
        reasons["validation_fraction"] = "X_val was given"
    elif not estimator.early_stopping:
        reasons["validation_fraction"] = "it is for early_stopping=True"
    if validation == "none" and not stops:
        reasons["scoring"] = "it is for early_stopping=True, or X_val and y_val in fit"
    if not hidden_layers(estimator):
        reasons["dropout"] = "there is no hidden layer; dropout_input is for the inputs"
    defaults = _defaults(type(estimator))
    found = [
        f"{name}={shown(value)} ({why})"
        for name, why in sorted(reasons.items())
        if name in defaults and not _is(value := getattr(estimator, name), defaults[name])
    ]
    if found:
        warnings.warn(
            f"{type(estimator).__name__} makes no use of {', '.join(found)}. Change the other "
            f"parameter, or leave {'this one' if len(found) == 1 else 'these'} out.",
            IgnoredParameter,
            stacklevel=level_of_the_user(),
        )


def _look_at_solver(estimator: Any, reasons: dict[str, str]) -> None:
    """Add what the solver does not take."""
    solver = estimator.solver
    if is_lbfgs(solver):
        reasons["early_stopping"] = "solver='lbfgs' holds out no examples"
        if estimator.engine == "native":
            reasons["engine"] = "solver='lbfgs' always has the reference engine"
        return
    reasons["max_fun"] = "it is for solver='lbfgs'"
    if has_own_rate(solver):
        name = type(solver).__name__
        reasons |= dict.fromkeys(
            _OF_OPTIMIZERS, f"the solver is an object, and has its own: cr.{name}(...)"
        )
        return
    if solver != "sgd":
        reasons["momentum"] = "it is for solver='sgd'"
    if solver not in ("adam", "adamw", "nadam"):
        reasons |= dict.fromkeys(_OF_ADAM, "it is for solver='adam', 'adamw' and 'nadam'")


def _look_at_rate(estimator: Any, reasons: dict[str, str]) -> None:
    """Add what the schedule of the learning rate does not take, and schedules not taken."""
    solver, rate = estimator.solver, estimator.learning_rate
    if is_lbfgs(solver):
        return
    if not isinstance(rate, str):
        reasons["learning_rate_init"] = "learning_rate is an object, and has its own"
    elif overlooks_schedule(solver, rate):
        reasons["learning_rate"] = (
            "as in scikit-learn it is for solver='sgd'; 'cosine' is for 'adam' too"
        )
    if rate != "invscaling" or "learning_rate" in reasons:
        reasons["power_t"] = "it is for solver='sgd' with learning_rate='invscaling'"


@lru_cache
def _defaults(kind: Callable[..., Any]) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in signature(kind).parameters.items()}


def _is(value: Any, default: Any) -> bool:
    """Whether a value is the default; of a list all its entries."""
    return value is default or bool(np.all(np.asarray(value == default)))
