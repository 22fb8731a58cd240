"""Compare a derivative with finite differences of its function, at sample points.

A difference quotient counts only where it has settled: those of two widths, each combined
from two so that errors of order t^2 cancel (Richardson), must agree. Where they do not there is a
kink, too much rounding, or a value that is not finite, and the point is ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from chainrule.maths.activations import Activation
from chainrule.maths.arrays import Float
from chainrule.maths.loss import Loss

Sides: TypeAlias = NDArray[np.bool_]

__all__ = ["Mismatch", "activation_mismatch", "loss_mismatch"]

_WIDTHS = (1e-3, 1e-4)
_SETTLED, _RIGHT = 1e-5, 1e-3  # how far apart, relative to the slopes' size or 1
_ROWS, _COLUMNS = 12, 6  # of a loss that are checked


@final
@dataclass(frozen=True)
class Mismatch:
    """A derivative that is not the slope: at which z (and y, in which column), and both numbers."""

    z: float
    derivative: float
    slope: float
    y: float | None = None
    column: int = 0


def activation_mismatch(g: Activation) -> Mismatch | None:
    """Return the first point where g' is not the slope of g, or None.

    Parameters
    ----------
    g : Activation
        Called with float64 columns (n, 1) of z between -4 and 4.

    Examples
    --------
    >>> from chainrule.maths.activations import Activation
    >>> activation_mismatch(Activation("cube", lambda z: z**3, lambda z: 3 * z**2)) is None
    True
    """
    # Away from the round numbers at which kinks are.
    z = (np.linspace(-4, 4, 23) + 0.0271828)[:, None]
    with np.errstate(all="ignore"):
        stated = np.asarray(g.derivative(z, np.asarray(g.g(z))))
        slope, settled = _slopes(g.g, z, np.ones_like(z))
        if stated.shape != z.shape or slope.shape != z.shape:
            return None  # the forward pass reports it
        row = _worst(stated[:, 0], slope[:, 0], settled[:, 0])
    if row is None:
        return None
    return Mismatch(float(z[row, 0]), float(stated[row, 0]), float(slope[row, 0]))


def loss_mismatch(loss: Loss, y: Float, n_outputs: int) -> Mismatch | None:
    """Return a point where delta is not the slope of the loss by z, or None.

    Parameters
    ----------
    loss : Loss
        Called with float64 rows of z, about 0 and, if targets are real, about y.
    y : array of shape (n, n_outputs)
        Targets as in training, some of which are used.
    n_outputs : int
        K.
    """
    rows = np.linspace(0, len(y) - 1, min(len(y), _ROWS)).astype(int)
    targets = np.tile(y[rows].astype(np.float64), (2, 1))
    z = 1.5 * np.random.default_rng(0).normal(size=targets.shape)
    if loss.targets == "real":
        z[len(rows) :] += targets[len(rows) :]
    with np.errstate(all="ignore"):
        delta = np.asarray(loss.delta(z, loss.hypothesis(z), targets))
        for column in np.linspace(0, n_outputs - 1, min(n_outputs, _COLUMNS)).astype(int).tolist():
            direction = np.zeros_like(z)
            direction[:, column] = 1
            slope, settled = _slopes(lambda at: loss.per_example(at, targets), z, direction)
            if delta.shape != z.shape or slope.shape != (len(z),):
                return None  # the first step reports it
            row = _worst(delta[:, column], slope, settled)
            if row is not None:
                z_there, y_there = float(z[row, column]), float(targets[row, column])
                stated = float(delta[row, column])
                return Mismatch(z_there, stated, float(slope[row]), y_there, column)
    return None


def _slopes(f: Callable[[Float], Float], z: Float, direction: Float) -> tuple[Float, Sides]:
    """Return the slopes of f along a direction, and which of them are settled."""

    def difference(t: float) -> Float:
        return (np.asarray(f(z + t * direction)) - np.asarray(f(z - t * direction))) / (2 * t)

    wide, narrow = ((4 * difference(t / 2) - difference(t)) / 3 for t in _WIDTHS)
    return wide, np.abs(wide - narrow) <= _SETTLED * np.maximum(1, np.abs(wide))


def _worst(stated: Float, slope: Float, settled: Sides) -> int | None:
    """Return the number of the worst point, if it is wrong."""
    error = np.abs(stated - slope) / np.maximum(1, np.abs(slope))
    # A derivative that is NaN where there is a slope is the worst error.
    error = np.where(settled, np.where(np.isnan(error), np.inf, error), 0)
    worst = int(error.argmax())
    return worst if error[worst] > _RIGHT else None
