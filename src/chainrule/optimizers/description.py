"""Optimizers and schedules as plain values for files, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from chainrule.errors import InvalidInput, InvalidParameter, unknown_name
from chainrule.optimizers.adagrad import Adagrad
from chainrule.optimizers.adam import Adam
from chainrule.optimizers.adamw import AdamW
from chainrule.optimizers.interface import Optimizer
from chainrule.optimizers.nadam import Nadam
from chainrule.optimizers.rmsprop import RMSprop
from chainrule.optimizers.rprop import Rprop
from chainrule.optimizers.schedules import (
    Adaptive,
    Constant,
    Cosine,
    ExponentialDecay,
    InverseScaling,
    OneCycle,
    Schedule,
    StepDecay,
    Warmup,
)
from chainrule.optimizers.sgd import SGD

__all__ = ["OPTIMIZERS", "SCHEDULES", "describe_optimizer", "describe_schedule", "optimizer_from"]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    rule.__name__: rule for rule in (SGD, Adagrad, RMSprop, Adam, AdamW, Nadam, Rprop)
}
SCHEDULES: dict[str, type[Schedule]] = {
    schedule.__name__: schedule
    for schedule in (
        Constant,
        InverseScaling,
        Adaptive,
        StepDecay,
        ExponentialDecay,
        Cosine,
        OneCycle,
        Warmup,
    )
}


def describe_optimizer(optimizer: Optimizer) -> dict[str, Any]:
    """Return an optimizer as its name and settings, plain values for JSON.

    Parameters
    ----------
    optimizer : Optimizer
        One of ours.

    Returns
    -------
    dict

    Raises
    ------
    InvalidInput
        If it, or its schedule, is the user's own: a file holds no code.

    Examples
    --------
    >>> from chainrule.optimizers import SGD, Adaptive
    >>> describe_optimizer(SGD(Adaptive(0.1), momentum=0.9))["learning_rate"]
    {'name': 'Adaptive', 'initial': 0.1}
    """
    return _describe(optimizer, "optimizer", OPTIMIZERS)


def describe_schedule(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as its name and settings, plain values for JSON.

    Raises
    ------
    InvalidInput
        If it is the user's own.
    """
    return _describe(schedule, "schedule", SCHEDULES)


def optimizer_from(description: object) -> Optimizer:
    """Return the optimizer that `describe_optimizer` described, and check every part.

    Raises
    ------
    InvalidParameter
        If the description is invalid, or a setting is outside its allowed values.
    """
    return _made(description, "optimizer", OPTIMIZERS)


def _describe(part: Any, what: str, table: Mapping[str, type[Any]]) -> dict[str, Any]:
    name = type(part).__name__
    if table.get(name) is not type(part):
        raise InvalidInput(
            f"The {what} {name} is your own, and a file holds no code: keep it in your program, "
            f"and save the Network alone."
        )
    settings = {field.name: getattr(part, field.name) for field in fields(part)}
    return {"name": name} | {
        key: _describe(value, "schedule", SCHEDULES) if isinstance(value, Schedule) else value
        for key, value in settings.items()
    }


def _made(description: object, what: str, table: Mapping[str, type[Any]]) -> Any:
    given: dict[str, Any] = dict(description) if isinstance(description, dict) else {}  # pyright: ignore[reportUnknownArgumentType] - JSON
    name = given.pop("name", None)
    if not isinstance(name, str) or name not in table:
        raise unknown_name(what, name, table)
    expected = [field.name for field in fields(table[name])]
    if given.keys() != set(expected):
        raise InvalidParameter(
            f"The {what} {name} has the settings {expected}. Got {sorted(given)} instead."
        )
    if isinstance(given.get("learning_rate"), dict):
        given["learning_rate"] = _made(given["learning_rate"], "schedule", SCHEDULES)
    return table[name](**given)
