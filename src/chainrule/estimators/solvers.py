"""From the estimators' `solver` and `learning_rate`, names or objects, to an optimizer."""

from collections.abc import Callable
from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import InvalidParameter
from chainrule.optimizers import (
    LBFGS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Adaptive,
    Constant,
    Cosine,
    ExponentialDecay,
    InverseScaling,
    Nadam,
    OneCycle,
    Optimizer,
    RMSprop,
    Rprop,
    Schedule,
    StepDecay,
)
from chainrule.optimizers.schedules import as_schedule

__all__ = [
    "SCHEDULES",
    "STOCHASTIC",
    "has_own_rate",
    "is_lbfgs",
    "is_stochastic",
    "make_optimizer",
    "needs_full_batch",
    "require_possible_solver",
    "schedule_of",
]

STOCHASTIC: dict[str, Callable[[Any, Any], Optimizer]] = {
    "sgd": lambda e, rate: SGD(rate, e.momentum, bool(e.nesterovs_momentum and e.momentum)),
    "adam": lambda e, rate: Adam(rate, e.beta_1, e.beta_2, e.epsilon),
    "adamw": lambda e, rate: AdamW(rate, e.beta_1, e.beta_2, e.epsilon),
    "nadam": lambda e, rate: Nadam(rate, e.beta_1, e.beta_2, e.epsilon),
    "adagrad": lambda e, rate: Adagrad(rate),
    "rmsprop": lambda e, rate: RMSprop(rate),
    "rprop": lambda e, rate: Rprop(rate),
}
"""The names of `solver` besides "lbfgs", with what each makes of an estimator's parameters."""

SCHEDULES: dict[str, Callable[[Any], Schedule]] = {
    "constant": lambda e: Constant(e.learning_rate_init),
    "invscaling": lambda e: InverseScaling(e.learning_rate_init, e.power_t),
    "adaptive": lambda e: Adaptive(e.learning_rate_init),
    "step": lambda e: StepDecay(e.learning_rate_init),
    "exponential": lambda e: ExponentialDecay(e.learning_rate_init),
    "cosine": lambda e: Cosine(e.learning_rate_init),
    "one_cycle": lambda e: OneCycle(e.learning_rate_init),
}
"""The names of `learning_rate`."""

_ONLY_FOR_SGD = ("invscaling", "adaptive")  # in scikit-learn, where "adam" overlooks them


def is_lbfgs(solver: Any) -> bool:
    """Whether a solver is L-BFGS."""
    return isinstance(solver, LBFGS) or (isinstance(solver, str) and solver == "lbfgs")


def needs_full_batch(solver: Any) -> bool:
    """Whether a solver's steps are only meant for all examples at once."""
    by_name = isinstance(solver, str) and solver == "rprop"
    return by_name or (isinstance(solver, Optimizer) and solver.needs_full_batch)


def is_stochastic(solver: Any) -> bool:
    """Whether a solver may see a part of the examples at a time."""
    return not is_lbfgs(solver) and not needs_full_batch(solver)


def has_own_rate(solver: Any) -> bool:
    """Whether the solver brings its own learning rate."""
    return isinstance(solver, Optimizer)


def schedule_of(estimator: Any) -> Schedule:
    """Return the schedule of an estimator's learning rate, before it gets its length."""
    solver, rate = estimator.solver, estimator.learning_rate
    if isinstance(solver, Optimizer):
        return as_schedule(solver.learning_rate)
    if not isinstance(rate, str):
        return as_schedule(rate)
    if rate == "constant" or (solver == "adam" and rate in _ONLY_FOR_SGD):
        return as_schedule(estimator.learning_rate_init)
    return SCHEDULES[rate](estimator)


def make_optimizer(estimator: Any, total_steps: int) -> Optimizer:
    """Return the optimizer of an estimator.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    total_steps : int
        How many steps `max_iter` epochs take: what schedules without a length last.
    """
    solver, schedule = estimator.solver, schedule_of(estimator)
    if not isinstance(solver, Optimizer):
        constant = isinstance(schedule, Constant)
        return STOCHASTIC[solver](
            estimator, schedule.initial if constant else schedule.over(total_steps)
        )
    if not schedule.is_open or not is_dataclass(solver):
        return solver
    # The same settings, checked again.
    return replace(solver, learning_rate=schedule.over(total_steps))  # pyright: ignore[reportReturnType, reportCallIssue]


def require_possible_solver(estimator: Any) -> None:
    """Raise if an estimator's solver cannot be together with its other parameters."""
    kind, solver, rate = type(estimator).__name__, estimator.solver, estimator.learning_rate
    lbfgs = is_lbfgs(solver)
    for name in ("dropout", "dropout_input"):
        if lbfgs and np.any(getattr(estimator, name)):
            raise InvalidParameter(
                f"The '{name}' parameter of {kind} must be 0 with solver='lbfgs', which compares "
                f"costs that dropout makes random. Got {getattr(estimator, name)!r} instead: use "
                f"solver='adam' or 'sgd'."
            )
    if lbfgs and estimator.max_grad_norm is not None:
        raise InvalidParameter(
            f"The 'max_grad_norm' parameter of {kind} must be None with solver='lbfgs', whose line "
            f"search finds the length of each step. Got {estimator.max_grad_norm!r} instead."
        )
    constant = isinstance(rate, str) and rate == "constant"
    if has_own_rate(solver) and not constant:
        raise InvalidParameter(
            f"The 'learning_rate' parameter of {kind} must be 'constant' where the solver is an "
            f"object, which brings its own rate. Got {rate!r} instead: put the schedule into the "
            f"solver, as in cr.SGD(cr.Cosine(0.1))."
        )
    if isinstance(solver, str) and solver == "rprop" and not constant:
        raise InvalidParameter(
            f"The 'learning_rate' parameter of {kind} must be 'constant' with solver='rprop', "
            f"whose steps find their own sizes. Got {rate!r} instead."
        )
