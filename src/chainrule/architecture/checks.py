"""Checks of single settings: each returns a valid value, or raises one clear error."""

import math
import operator
from numbers import Real
from typing import Any

import numpy as np

from chainrule.errors import InvalidParameter

__all__ = ["check_dtype", "check_flag", "check_names", "check_number", "check_seed", "check_whole"]


def check_whole(name: str, given: object, *, at_least: int = 1) -> int:
    """Return `given` as an int if it is a whole number, at least `at_least`.

    Raises
    ------
    InvalidParameter
        Otherwise.
    """
    expected = f"{name} must be a whole number, at least {at_least}."
    if isinstance(given, bool | np.bool_):
        raise InvalidParameter(f"{expected} Got {given!r} instead.")
    try:
        whole = operator.index(given)  # pyright: ignore[reportArgumentType] - this is the check
    except TypeError:
        raise InvalidParameter(f"{expected} Got {given!r} instead.") from None
    if whole < at_least:
        raise InvalidParameter(f"{expected} Got {whole} instead.")
    return whole


def check_number(
    name: str,
    given: object,
    *,
    low: float = 0.0,
    high: float = math.inf,
    low_included: bool = True,
    high_included: bool = False,
) -> float:
    """Return `given` as a float if it is a number in the interval.

    Raises
    ------
    InvalidParameter
        Otherwise.
    """
    interval = f"{'[' if low_included else '('}{low:g}, {high:g}{']' if high_included else ')'}"
    message = f"{name} must be a number in {interval}. Got {given!r} instead."
    if isinstance(given, bool | np.bool_) or not isinstance(given, Real):
        raise InvalidParameter(message)
    try:
        number = float(given)
    except OverflowError:  # a whole number of more than 308 digits
        raise InvalidParameter(message) from None
    above = number >= low if low_included else number > low
    below = number <= high if high_included else number < high
    if not (above and below):
        raise InvalidParameter(message)
    return number


def check_flag(name: str, given: object) -> bool:
    """Return `given` as a bool if it is True or False.

    Raises
    ------
    InvalidParameter
        Otherwise.
    """
    if given is True or (isinstance(given, np.bool_) and given == np.True_):
        return True
    if given is False or isinstance(given, np.bool_):
        return False
    raise InvalidParameter(f"{name} must be True or False. Got {given!r} instead.")


def check_seed(given: object) -> int:
    """Return `given` as a seed, 0 <= seed < 2**64.

    Raises
    ------
    InvalidParameter
        Otherwise.
    """
    seed = check_whole("seed", given, at_least=0)
    if seed >= 2**64:
        raise InvalidParameter(f"seed must be less than 2**64. Got {seed} instead.")
    return seed


def check_dtype(given: Any) -> np.dtype[np.floating[Any]]:
    """Return `given` as a dtype if it is float32 or float64.

    Raises
    ------
    InvalidParameter
        Otherwise.
    """
    try:
        dtype = None if given is None else np.dtype(given)
    except TypeError:
        dtype = None
    if dtype is None or dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise InvalidParameter(f"dtype must be 'float32' or 'float64'. Got {given!r} instead.")
    return dtype


def check_names(name: str, given: Any, count: int) -> tuple[str, ...] | None:
    """Return `given` as a tuple of strings if it is `count` different ones; None stays None.

    Raises
    ------
    InvalidParameter
        Otherwise.
    """
    if given is None:
        return None
    try:
        listed = () if isinstance(given, str) else tuple(given)
    except TypeError:
        listed = ()
    texts = tuple(str(each) for each in listed if isinstance(each, str))
    if not len(set(texts)) == len(listed) == count:
        raise InvalidParameter(
            f"{name} must be {count} different strings, one per input. Got {_short(given)} instead."
        )
    return texts


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
