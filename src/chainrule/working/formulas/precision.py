"""The number of digits of each line, so that the printed line can be checked.

A result is printed with a number of significant digits. Its right-hand side, computed from the
printed numbers, must give the result to within one unit of the last digit: where terms cancel, they
are printed with more digits.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.working.formulas.decimals import rounded, unit
from chainrule.working.formulas.evaluation import evaluate
from chainrule.working.formulas.expressions import Expression, Number, map_numbers

__all__ = ["MOST_DIGITS", "digits_for_arrays", "recomputes", "settled", "with_digits"]

MOST_DIGITS = 17  # digits that tell any two float64 apart


def recomputes(
    expression: Expression, result: float, digits: int, functions: Mapping[str, Any]
) -> bool:
    """Whether an expression gives a result to within one unit of its last digit, as printed."""
    off = abs(evaluate(expression, functions) - rounded(result, digits))
    return bool(off <= 1.0001 * unit(result, digits))


def settled(
    ways: Sequence[Expression],
    result: float,
    digits: int,
    functions: Mapping[str, Any] | None = None,
) -> Expression:
    """Return the first form of a result that can be recomputed, with the digits it needs.

    Parameters
    ----------
    ways : sequence of Expression
        Of numbers; the preferred one first.
    result : float
        Their value.
    digits : int
        Significant digits of the result, and of the numbers where they suffice.
    functions : mapping, optional
        A user's functions by name.

    Returns
    -------
    Expression
        The last form with all digits if none can be recomputed, because of rounding in float64.
    """
    known = functions or {}
    for way in ways:
        for more in range(digits, MOST_DIGITS + 1):
            tried = with_digits(way, more)
            if recomputes(tried, result, digits, known):
                return tried
    return with_digits(ways[-1], MOST_DIGITS)


def with_digits(expression: Expression, digits: int) -> Expression:
    """Return an expression whose numbers are printed with the given number of digits."""
    return map_numbers(expression, lambda number: Number(number.value, digits))


def digits_for_arrays(
    compute: Callable[..., NDArray[Any]],
    arrays: Sequence[NDArray[Any]],
    result: NDArray[Any],
    digits: int,
) -> int:
    """Return the number of digits for arrays, so that each entry can be recomputed."""
    shown = _rounded(result, digits)
    allowed = 1.0001 * np.vectorize(unit, otypes=[float])(result, digits)
    for more in range(digits, MOST_DIGITS + 1):
        off = np.abs(compute(*(_rounded(array, more) for array in arrays)) - shown)
        if bool((off <= allowed).all()):
            return more
    return MOST_DIGITS


def _rounded(array: NDArray[Any], digits: int) -> NDArray[Any]:
    return np.vectorize(rounded, otypes=[float])(array, digits)
