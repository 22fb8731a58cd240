"""The settings of a learner and of a fit, each checked whenever it is given."""

from collections.abc import Callable, Iterable, Sequence
from inspect import isfunction, ismethod, signature
from typing import Any, Generic, Self, TypeVar, final, overload

import numpy as np

from chainrule.architecture.checks import check_number, check_whole
from chainrule.errors import InvalidParameter, nearest_name
from chainrule.optimizers import LBFGS, Adam, Optimizer
from chainrule.optimizers.schedules import as_schedule

__all__ = [
    "Setting",
    "check_batch_size",
    "check_callbacks",
    "check_dropout",
    "check_max_grad_norm",
    "check_n_jobs",
    "check_optimizer",
    "check_verbose",
    "dropout_per_layer",
    "require_full_batch",
    "require_known_length",
]

V = TypeVar("V")

# The optimizers by the names that `solver` of the estimators has.
_BY_NAME = {
    "adam": "Adam(1e-3)",
    "adamw": "AdamW(1e-3)",
    "nadam": "Nadam(1e-3)",
    "rmsprop": "RMSprop(1e-3)",
    "adagrad": "Adagrad(1e-2)",
    "rprop": "Rprop()",
    "sgd": "SGD(0.1)",
}


@final
class Setting(Generic[V]):
    """A setting of a learner, checked whenever it is set."""

    def __init__(self, check: Callable[[Any], V]) -> None:
        self._check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    @overload
    def __get__(self, learner: None, owner: type) -> Self: ...
    @overload
    def __get__(self, learner: object, owner: type) -> V: ...
    def __get__(self, learner: object | None, owner: type) -> Self | V:
        return self if learner is None else getattr(learner, self._name)

    def __set__(self, learner: Any, value: Any) -> None:
        setattr(learner, self._name, self._check(value))
        learner._row_stepper = None  # made for the settings as they were


def check_batch_size(batch_size: Any) -> int | None:
    """Return a batch size, None for all examples at once."""
    if batch_size is None:
        return None
    try:
        return check_whole("batch_size", batch_size)
    except InvalidParameter as error:
        raise InvalidParameter(f"{error} All examples at once are batch_size=None.") from None


def check_optimizer(optimizer: Any) -> Optimizer:
    """Return an optimizer, Adam if there is none.

    Raises
    ------
    InvalidParameter
        If it is something else, or L-BFGS.
    """
    if optimizer is None:
        return Adam()
    if isinstance(optimizer, LBFGS):
        raise InvalidParameter(
            "L-BFGS searches along lines, which a Learner, one step a batch, does not do: give "
            "it to an estimator, as in cr.MLPRegressor(solver=cr.LBFGS()), or take another "
            "optimizer, such as cr.Rprop(), here."
        )
    if isinstance(optimizer, Optimizer):
        return optimizer
    meant = "cr.Adam(1e-3)"
    called = optimizer.__name__ if isinstance(optimizer, type) else optimizer
    if isinstance(called, str) and (near := nearest_name(called, _BY_NAME)) is not None:
        meant = f"cr.{_BY_NAME[near]}"
    elif isinstance(optimizer, int | float) and optimizer > 0:
        meant = f"cr.Adam({optimizer:g})"
    raise InvalidParameter(
        f"optimizer must be an optimizer such as cr.Adam(1e-3). Got {optimizer!r} instead. Did you "
        f"mean {meant}?"
    )


def check_n_jobs(n_jobs: Any) -> int | None:
    """Return a number of threads, None if the engine chooses."""
    return n_jobs if n_jobs is None or n_jobs == -1 else check_whole("n_jobs", n_jobs)


def check_max_grad_norm(max_grad_norm: Any) -> float | None:
    """Return the longest norm of a gradient, None if it may be any."""
    if max_grad_norm is None:
        return None
    return check_number("max_grad_norm", max_grad_norm, low_included=False)


def check_dropout(dropout: Any) -> float | tuple[float, ...]:
    """Return a probability, or one per hidden layer."""
    if isinstance(dropout, list | tuple | np.ndarray) and np.ndim(dropout) == 1:
        return tuple(check_number(f"dropout[{i}]", p, high=1) for i, p in enumerate(dropout))
    return check_number("dropout", dropout, high=1)


def dropout_per_layer(dropout: float | Sequence[float], n_hidden: int) -> tuple[float, ...]:
    """Return a probability per hidden layer.

    Raises
    ------
    InvalidParameter
        If there is another number of them.
    """
    if not isinstance(dropout, Sequence):
        return (dropout,) * n_hidden
    if len(dropout) != n_hidden:
        layers = f"{n_hidden} hidden layer{'s' if n_hidden != 1 else ''}"
        raise InvalidParameter(
            f"dropout must be a number, or a list with one per hidden layer. Got {len(dropout)} of "
            f"them for {layers}; dropout_input is that of the inputs."
        )
    return tuple(dropout)


def check_verbose(verbose: Any) -> int | str:
    """Return what is to be seen of a fit.

    Raises
    ------
    InvalidParameter
        If it is something else than a truth value or one of two names.
    """
    if verbose in ("bar", "auto") or (isinstance(verbose, int | np.bool_) and verbose >= 0):
        return verbose if isinstance(verbose, str) else int(verbose)
    raise InvalidParameter(
        f"verbose must be False, True for a line per epoch, 'bar' for a progress bar on stderr, or "
        f"'auto' for one if that is a terminal. Got {verbose!r} instead."
    )


def check_callbacks(callbacks: Any) -> list[Callable[..., bool | None]]:
    """Return a list of functions.

    Raises
    ------
    InvalidParameter
        If it is something else.
    """
    if callbacks is None:
        return []
    if not isinstance(callbacks, Iterable) or not all(map(callable, listed := list(callbacks))):
        raise InvalidParameter(
            f"callbacks must be a list of functions (learner, record). Got {callbacks!r} instead."
        )
    for callback in listed:
        if isinstance(callback, type):
            name = callback.__name__
            raise InvalidParameter(
                f"callbacks must be a list of functions (learner, record). Got the class {name} "
                f"instead: give one of its objects, as in {name}(...)."
            )
        if (isfunction(callback) or ismethod(callback)) and not _takes_two(callback):
            raise InvalidParameter(
                f"callbacks must be a list of functions (learner, record). Got {callback!r}, which "
                f"does not take two arguments."
            )
    return listed


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        signature(function).bind(None, None)
    except TypeError:
        return False
    return True


def require_full_batch(optimizer: Optimizer, batch_size: int, n_examples: int) -> None:
    """Raise if an optimizer that needs all examples at once would get a part of them."""
    if optimizer.needs_full_batch and batch_size < n_examples:
        raise InvalidParameter(
            f"{type(optimizer).__name__} goes by the sign of the gradient over all examples, which "
            f"mini-batches of {batch_size} out of {n_examples} would change by chance: set "
            f"batch_size=None, or use another optimizer."
        )


def require_known_length(optimizer: Optimizer) -> None:
    """Raise if a schedule takes its length from a fit, for steps that are part of none."""
    schedule = as_schedule(optimizer.learning_rate)
    if schedule.is_open:
        raise InvalidParameter(
            f"The schedule {type(schedule).__name__} takes its length from a fit, and single steps "
            f"have none: give its number of steps, as in cr.Cosine(0.1, steps=1000). Got "
            f"{schedule!r}."
        )
