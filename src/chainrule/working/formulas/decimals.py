"""The decimal notation of printed numbers: their digits, and powers of ten."""

import math

import numpy as np

__all__ = ["decimal", "rounded", "unit"]

_FLOAT32_DIGITS = 7  # a float32 holds no more, so 5.1 need not become 5.0999999046


def decimal(value: float, digits: int) -> tuple[str, int]:
    """Return a number in decimal notation: the mantissa, and the exponent of ten.

    A number that does not need more digits is printed exactly, such as 0.5. Any other is
    rounded, and trailing zeros are kept to show the precision: 0.50000.

    Parameters
    ----------
    value : float
        The number.
    digits : int
        Significant digits.

    Returns
    -------
    mantissa : str
        With "-" in front of a negative number.
    exponent : int
        0 for numbers of ordinary size, which have no power of ten.

    Examples
    --------
    >>> from chainrule.working.formulas.decimals import decimal
    >>> decimal(0.5, 5), decimal(1 / 3, 5), decimal(-1.25e-9, 5)
    (('0.5', 0), ('0.33333', 0), ('-1.25', -9))
    """
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "-∞"}.get(value, "NaN"), 0
    if value == 0:
        return "0", 0
    exact = _shortest(value, digits)
    figures, _, tail = (exact or f"{value:.{digits - 1}e}").partition("e")
    exponent = int(tail or "0")
    if not -4 <= exponent < max(digits, 5):
        return figures, exponent
    decimals = max(0, len(figures.lstrip("-").replace(".", "")) - 1 - exponent)
    return f"{float(f'{figures}e{exponent}'):.{decimals}f}", 0


def rounded(value: float, digits: int) -> float:
    """Return the value that `decimal` prints."""
    if not math.isfinite(value):
        return value
    mantissa, exponent = decimal(value, digits)
    return float(f"{mantissa}e{exponent}")


def unit(value: float, digits: int) -> float:
    """Return the value of one unit in the last of the given number of significant digits.

    Examples
    --------
    >>> from chainrule.working.formulas.decimals import unit
    >>> unit(0.76159, 5), unit(-123.45, 5)
    (1e-05, 0.01)
    """
    if value == 0 or not math.isfinite(value):
        return 0.0
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return float(f"1e{exponent - digits + 1}")


def _shortest(value: float, digits: int) -> str:
    """Return the number in scientific notation if it does not need more digits, else nothing."""
    if float(f"{value:.{digits - 1}e}") == value:
        return np.format_float_scientific(value, trim="-")
    narrow = np.float32(value) if abs(value) < 1e38 else None
    if narrow is not None and digits <= _FLOAT32_DIGITS and float(narrow) == value:
        text = np.format_float_scientific(narrow, trim="-")
        if sum(c.isdigit() for c in text.partition("e")[0]) <= digits:
            return text
    return ""
