"""Numbers as people read them: without an exponent for everyday sizes."""

import math

__all__ = ["number", "short"]

EVERYDAY = 1e9  # up to here all digits before the point are read more easily than an exponent


def number(value: float) -> str:
    """Return a number for a column of a table: three decimals, or four digits and more.

    Parameters
    ----------
    value : float
        The number.

    Returns
    -------
    str
    """
    if math.isnan(value):
        return "-"
    if abs(value) < 10:
        return f"{value:.3f}"
    return f"{value:,.0f}" if 1000 <= abs(value) < EVERYDAY else f"{value:,.4g}"


def short(value: float, digits: int = 3) -> str:
    """Return a number for a sentence, with no more digits than it takes.

    Parameters
    ----------
    value : float
        The number.
    digits : int
        Significant ones; of larger numbers there are all before the point.

    Returns
    -------
    str
    """
    large = max(1000, 10**digits) <= abs(value) < EVERYDAY
    return f"{value:,.0f}" if large else f"{value:,.{digits}g}"
