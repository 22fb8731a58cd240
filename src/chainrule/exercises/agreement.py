"""When an answer agrees with a value: its shape, and the digits that paper has."""

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
    """Return which numbers agree.

    To a part of themselves; a number that is less than a tenth of the largest of its quantity, to
    that part of this tenth, for it comes out of larger ones that were rounded.
    """
    if given.shape != value.shape:
        return np.zeros(value.shape, bool)
    largest = float(np.abs(value).max(initial=0.0)) or 1.0
    allowed = tolerance * np.maximum(np.abs(value), largest / 10)
    return np.abs(given - value) <= allowed
