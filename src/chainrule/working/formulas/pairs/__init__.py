"""The output pairs as formulas, one record for each loss."""

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.maths.arrays import Float
from chainrule.maths.losses import (
    CrossEntropy,
    GroupedLogLoss,
    Huber,
    LogLoss,
    Loss,
    Quantile,
    is_built_in_loss,
)
from chainrule.working.formulas.expressions import Call, Expression
from chainrule.working.formulas.pairs.exponential import POISSON
from chainrule.working.formulas.pairs.identity import (
    ABSOLUTE_ERROR,
    SQUARED_ERROR,
    huber,
    quantile,
)
from chainrule.working.formulas.pairs.logistic import (
    INDICATOR,
    TEACHING_PAIR,
    cross_entropy,
    general,
)
from chainrule.working.formulas.pairs.pair import Numbers, Pair, Summed, itself, residual
from chainrule.working.formulas.pairs.softmax import grouped_log_loss, log_loss

__all__ = ["Pair", "Summed", "general", "pair_of", "residual", "smoothed"]

_BY_NAME = {
    pair.name: pair for pair in (SQUARED_ERROR, ABSOLUTE_ERROR, POISSON, TEACHING_PAIR, INDICATOR)
}
_MADE_OF: dict[type, Callable[[Any], Pair]] = {
    CrossEntropy: cross_entropy,
    LogLoss: log_loss,
    GroupedLogLoss: grouped_log_loss,
    Huber: huber,
    Quantile: quantile,
}


def pair_of(loss: Loss) -> Pair:
    """Return a loss's formulas; for a user's own, calls of its functions."""
    if is_built_in_loss(loss):
        return _MADE_OF[type(loss.made_of)](loss.made_of) if loss.made_of else _BY_NAME[loss.name]

    def hypothesis(z: Numbers, k: int) -> Summed:
        values = np.array([[each.value for each in z]])
        h = loss.hypothesis(values)
        if np.array_equal(h, values):
            return Summed((z[k],), itself)
        if _alone(loss.hypothesis, values[0, k]) == h[0, k]:
            return Summed((Call(loss.hypothesis_name, (z[k],)),), itself)
        return Summed((Call(f"{loss.hypothesis_name}_{k + 1}", tuple(z)),), itself)

    def losses(z: Numbers, h: Numbers, y: Numbers) -> tuple[Summed, ...]:
        return (Summed((Call(loss.name, (*z, *y)),), itself),)

    def in_symbols(z: Expression, other: Expression) -> Expression:
        return Call(loss.hypothesis_name, (z,))

    return Pair(loss.name, hypothesis, losses, None, in_symbols, None, None, known=False)


def smoothed(loss: Loss, Y: Float) -> Float:
    """Return targets after label smoothing, unchanged without it."""
    e = pair_of(loss).smoothing
    if not e:
        return Y
    if isinstance(loss.made_of, GroupedLogLoss):
        competing = np.repeat(loss.made_of.groups, loss.made_of.groups)
    else:
        competing = np.full(Y.shape[1], 2 if loss.name == "cross_entropy" else Y.shape[1])
    return np.round((1 - e) * Y + e / competing, 15)  # 0.95, not 0.9500000000000001


def _alone(hypothesis: Callable[[Float], Float], z: float) -> float:
    """Return the hypothesis as a function of one z, if it is one."""
    try:
        return float(hypothesis(np.array([[z]]))[0, 0])
    except Exception:  # a function of the user's that needs all of its outputs
        return float("nan")
