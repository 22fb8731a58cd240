"""The built-in output pairs by name, and as plain values for files."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeAlias

from chainrule.errors import InvalidParameter, NotTrainable, unknown_name
from chainrule.maths.activations import step
from chainrule.maths.arrays import Float
from chainrule.maths.class_losses import CrossEntropy, GroupedLogLoss, LogLoss
from chainrule.maths.loss import Loss, Parametric, Targets, pair_of
from chainrule.maths.regression_losses import (
    ABSOLUTE_ERROR,
    LOGISTIC_SQUARED_ERROR,
    POISSON,
    SQUARED_ERROR,
    Huber,
    Quantile,
)

__all__ = [
    "LOSSES",
    "CrossEntropy",
    "GroupedLogLoss",
    "Huber",
    "LogLoss",
    "Loss",
    "Parametric",
    "Quantile",
    "Targets",
    "describe_loss",
    "get_loss",
    "is_built_in_loss",
    "loss_from",
]

Description: TypeAlias = str | dict[str, Any]


# The indicator as output hypothesis (2.3): forward only.
def no_loss(z: Float, y: Float) -> Float:
    """Refuse: a step function passes no gradient."""
    raise NotTrainable(_INDICATOR)


def no_delta(z: Float, h: Float, y: Float) -> Float:
    """Refuse: a step function passes no gradient."""
    raise NotTrainable(_INDICATOR)


_INDICATOR = (
    "The indicator (step) as output has h' = 0 wherever it exists, so it has no loss to descend "
    "and no delta. Train with loss='cross_entropy', whose logistic hypothesis is the smooth step."
)

_TABLE = (
    SQUARED_ERROR,
    ABSOLUTE_ERROR,
    pair_of(Huber()),
    pair_of(Quantile()),
    POISSON,
    pair_of(CrossEntropy()),
    pair_of(LogLoss()),
    LOGISTIC_SQUARED_ERROR,
    Loss("indicator", "step", step, no_loss, no_delta, "binary", differentiable=False),
)

LOSSES: dict[str, Loss] = {loss.name: loss for loss in _TABLE}
"""The built-in output pairs by the name of their loss, each with its default parameters."""

_PARAMETRIC: dict[str, type[Parametric]] = {
    made.name: made for made in (Huber, Quantile, CrossEntropy, LogLoss, GroupedLogLoss)
}


def get_loss(loss: str | Loss | Parametric) -> Loss:
    """Return the output pair of that name or description, or the user's own unchanged.

    Raises
    ------
    UnknownName
        If there is no built-in loss of that name; the message suggests the nearest.

    Examples
    --------
    >>> from chainrule.maths.losses import get_loss
    >>> get_loss("log_loss").hypothesis_name
    'softmax'
    >>> get_loss(Huber(1.0)) is get_loss("huber")
    True
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, Parametric):
        return pair_of(loss)
    # Callers without a type checker get this message too.
    if isinstance(loss, str) and loss in LOSSES:  # pyright: ignore[reportUnnecessaryIsInstance]
        return LOSSES[loss]
    raise unknown_name("loss", loss, LOSSES)


def is_built_in_loss(loss: Loss) -> bool:
    """Whether the pair is one of ours, not the user's."""
    if LOSSES.get(loss.name) is loss:
        return True
    return loss.made_of is not None and pair_of(loss.made_of) is loss


def describe_loss(loss: Loss) -> Description | Loss:
    """Return a pair as plain values for JSON: its name, with its parameters if it needs them.

    The user's own is returned unchanged.

    Examples
    --------
    >>> from chainrule.maths.losses import Quantile, describe_loss, get_loss
    >>> describe_loss(get_loss("quantile")), describe_loss(get_loss(Quantile([0.1, 0.9])))
    ('quantile', {'name': 'quantile', 'quantiles': [0.1, 0.9]})
    """
    if not is_built_in_loss(loss):
        return loss
    made_of = loss.made_of
    if made_of is None or LOSSES.get(loss.name) is loss:
        return loss.name
    values = {field.name: getattr(made_of, field.name) for field in fields(made_of)}  # pyright: ignore[reportArgumentType] - each is a dataclass
    plain = {key: [*v] if isinstance(v, tuple) else v for key, v in values.items()}  # pyright: ignore[reportUnknownVariableType] - numbers
    return {"name": loss.name, **plain}


def loss_from(description: object) -> Loss:
    """Return the pair that `describe_loss` described, every part checked.

    Raises
    ------
    InvalidParameter
        If the description is invalid, or a parameter is outside its allowed values.
    """
    if not isinstance(description, Mapping):
        return get_loss(description)  # pyright: ignore[reportArgumentType] - checked there
    given: dict[str, Any] = dict(description)  # pyright: ignore[reportUnknownArgumentType] - JSON
    name = given.pop("name", None)
    if not isinstance(name, str) or name not in _PARAMETRIC:
        raise unknown_name("loss with parameters", name, _PARAMETRIC)
    made = _PARAMETRIC[name]
    expected = [field.name for field in fields(made)]  # pyright: ignore[reportArgumentType] - each is a dataclass
    if given.keys() != set(expected):
        raise InvalidParameter(
            f"The loss {name} has the parameters {expected}. Got {sorted(map(str, given))} instead."
        )
    return pair_of(made(**given))
