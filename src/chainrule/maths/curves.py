"""The curves of learning-rate schedules, computed with sums and products only.

NumPy's and the C library's cos and exp differ in the last bit from one processor to another. Here
every rounding is fixed, so that a rate has the same bits everywhere.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["exponential", "half_cosine"]

Numbers = NDArray[np.float64]

# The Taylor coefficients that affect the result: of sin(u)/u in u^2 for u <= pi/2, and of e^r for
# |r| <= 0.35.
_SINE: Final = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(12)]
_EXP: Final = [1 / math.factorial(k) for k in range(15)]
_LN2_HIGH: Final = 0.6931471803691238  # its last bits are 0, so that small multiples are exact
_LN2_LOW: Final = 1.9082149292705877e-10


def half_cosine(x: Numbers) -> Numbers:
    """Return (1 + cos(pi x)) / 2 for 0 <= x <= 1: from 1 down to 0, flat at both ends.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.maths.curves import half_cosine
    >>> half_cosine(np.array([0, 0.25, 0.5, 1])).round(4).tolist()
    [1.0, 0.8536, 0.5, 0.0]
    """
    u = math.pi * (0.5 - x)  # cos(pi x) = sin u
    return np.clip((1 + u * _polynomial(_SINE, u * u)) / 2, 0, 1)


def exponential(x: Numbers) -> Numbers:
    """Return e^x for |x| < 700, up to a few roundings.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.maths.curves import exponential
    >>> exponential(np.array([0, 1, -2])).round(4).tolist()
    [1.0, 2.7183, 0.1353]
    """
    n = np.rint(x / math.log(2))
    return np.ldexp(_polynomial(_EXP, (x - n * _LN2_HIGH) - n * _LN2_LOW), n.astype(np.int64))


def _polynomial(coefficients: list[float], x: Numbers) -> Numbers:
    """Return the polynomial's value, by Horner's rule."""
    total = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total *= x
        total += c
    return total
