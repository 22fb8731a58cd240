"""Whether an answer agrees with a value: its shape, and its digits on paper."""

import numpy as np
from numpy.typing import NDArray

from chainrule.maths.arrays import Float

__all__ = ["agree", "fitted"]


def fitted(given: Float, value: Float) -> Float | None:
    """Return an answer in the shape of a value: a row or column may be given as a list."""
    if given.shape == value.shape:
        return given
    plain = [size for size in given.shape if size != 1]
    expected = [size for size in value.shape if size != 1]
    if given.size == value.size and len(expected) <= 1 and plain == expected:
        return given.reshape(value.shape)
    return None


def agree(given: Float, value: Float, tolerance: float) -> NDArray[np.bool_]:
    """Return a mask of the numbers that agree.

    The tolerance is relative to each number; for one that is smaller than a tenth of its quantity's
    largest, it is relative to that tenth, since it comes from larger, rounded numbers.
    """
    if given.shape != value.shape:
        return np.zeros(value.shape, bool)
    largest = float(np.abs(value).max(initial=0.0)) or 1.0
    allowed = tolerance * np.maximum(np.abs(value), largest / 10)
    return np.abs(given - value) <= allowed
