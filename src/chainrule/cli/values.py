"""Read one setting, from the text after a flag or from a value of TOML: one rule for both."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule.errors import InvalidParameter, NotTrainable, UnknownName, unknown_name

__all__ = [
    "DATES",
    "Reader",
    "activations",
    "choice",
    "class_weight",
    "dates",
    "grid",
    "mark",
    "marks",
    "names",
    "number",
    "numbers",
    "or_word",
    "sizes",
    "switch",
    "text",
    "whole",
]

Reader = Callable[[str, Any], Any]
"""From what the setting is called in a sentence, and what was given, to the value."""

DATES = ("dmy", "mdy", "ymd", "none")
_REAL = (int, float)


def whole(low: int, high: float = math.inf) -> Reader:
    """Read a whole number from low to high."""

    def read(called: str, given: Any) -> int:
        try:
            if isinstance(given, bool | float):
                raise ValueError
            value = int(given)
        except (TypeError, ValueError):
            raise InvalidParameter(
                f"{called} must be a whole number. Got '{_shown(given)}' instead."
            ) from None
        _check(called, value, low, high)
        return value

    return read


def number(
    low: float, high: float = math.inf, *, open_low: bool = False, open_high: bool = False
) -> Reader:
    """Read a finite number from low to high; an open end is not itself allowed."""

    def read(called: str, given: Any) -> float:
        try:
            if isinstance(given, bool):
                raise ValueError
            value = float(given)
        except (TypeError, ValueError):
            raise InvalidParameter(
                f"{called} must be a number. Got '{_shown(given)}' instead."
            ) from None
        _check(called, value, low, high, open_low, open_high)
        return value

    return read


def numbers(each: Reader) -> Reader:
    """Read one number, or several with commas between them: one per hidden layer."""

    def read(called: str, given: Any) -> Any:
        parts = _parts(given)
        return each(called, given) if len(parts) < 2 else [each(called, part) for part in parts]

    return read


def or_word(each: Reader, *words: str, also: Any = None) -> Reader:
    """Read one of some words, or else what `each` reads; `also` stands for the first word."""

    def read(called: str, given: Any) -> Any:
        if isinstance(given, str) and given.strip().lower() in words:
            return given.strip().lower() if also is None else also
        try:
            return each(called, given)
        except InvalidParameter as error:
            listed = " or ".join(f"'{word}'" for word in words)
            raise InvalidParameter(f"{str(error).rstrip('.')}; {listed} is allowed, too.") from None

    return read


def choice(what: str, choices: Sequence[str]) -> Reader:
    """Read one of some names."""

    def read(called: str, given: Any) -> str:
        if given not in choices:
            raise unknown_name(what, given, choices)
        return given

    return read


def switch(called: str, given: Any) -> bool:
    """Read true or false."""
    if not isinstance(given, bool):
        raise InvalidParameter(f"{called} is true or false. Got '{_shown(given)}' instead.")
    return given


def text(called: str, given: Any) -> str:
    """Read some text, such as a path or the name of a column."""
    if not isinstance(given, str) or not given:
        raise InvalidParameter(f"{called} takes text. Got '{_shown(given)}' instead.")
    return given


def names(called: str, given: Any) -> tuple[str, ...]:
    """Read the names of columns: a list, or text with commas between them."""
    if isinstance(given, str):
        return tuple(name.strip() for name in given.split(",") if name.strip())
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return tuple(given)
    raise InvalidParameter(f"{called} takes names of columns. Got '{_shown(given)}' instead.")


def mark(words: Mapping[str, str]) -> Reader:
    """Read a mark between digits: itself, or its name; `words` has the marks by their names."""

    def read(called: str, given: Any) -> str:
        if isinstance(given, str):
            for each in (given, given.strip().lower()):
                if each in words.values():
                    return each
                if each in words:
                    return words[each]
        listed = ", ".join(f"'{each}' ({name})" if each else name for name, each in words.items())
        raise InvalidParameter(f"{called} takes one of {listed}. Got '{_shown(given)}' instead.")

    return read


def marks(called: str, given: Any) -> tuple[str, ...]:
    """Read cells: a list, or text with commas between them."""
    cells = given.split(",") if isinstance(given, str) else _parts(given)
    if any(isinstance(cell, bool | dict | list) for cell in cells):
        raise InvalidParameter(f"{called} takes cells. Got '{_shown(given)}' instead.")
    found = tuple(str(cell).strip() for cell in cells)
    if not any(found):
        raise InvalidParameter(
            f"{called} takes cells, with commas, for instance -99,unknown, or 'only' if no others "
            "than empty ones are missing."
        )
    return tuple(cell for cell in found if cell)


def dates(called: str, given: Any) -> str:
    """Read the order of day, month and year, or a format such as %d.%m.%Y."""
    if isinstance(given, str) and "%" in given:
        return given.strip()
    if given not in DATES:
        raise InvalidParameter(
            f"{called} takes {', '.join(DATES)}, or a format such as %d.%m.%Y. Got "
            f"'{_shown(given)}' instead."
        )
    return str(given)


def sizes(called: str, given: Any) -> tuple[int, ...]:
    """Read the sizes of the hidden layers, or 'none'."""
    if given == [] or (isinstance(given, str) and given.strip().lower() == "none"):
        return ()
    try:
        found = tuple(int(part) for part in _parts(given))
        exact = all(isinstance(part, str) or type(part) is int for part in _parts(given))
    except (TypeError, ValueError):
        found, exact = (0,), False
    if not exact or min(found) < 1:
        raise InvalidParameter(
            f"{called} takes whole numbers from 1 up, separated by commas, for instance 64,64, "
            f"or 'none'; given: '{_shown(given)}'."
        )
    return found


def activations(called: str, given: Any) -> Any:
    """Read the name of an activation, or one for each hidden layer."""
    from chainrule.maths.activations import ACTIVATIONS

    trainable = [each for each, g in ACTIVATIONS.items() if g.differentiable]
    found = [part.strip() if isinstance(part, str) else part for part in _parts(given)]
    for name in found:
        if name in ACTIVATIONS and name not in trainable:
            raise NotTrainable(
                f"{called} {name} lets no gradient through, so nothing could be learned; "
                "use logistic, its smooth relative, or tanh."
            )
        if name not in trainable:
            raise unknown_name("activation", name, trainable)
    return found if len(found) > 1 else found[0]


def class_weight(called: str, given: Any) -> Any:
    """Read 'balanced', or the weights of classes by label: 'no=1,yes=5' or a TOML table."""
    if given == "balanced":
        return given
    try:
        pairs = (
            dict(given)
            if isinstance(given, dict)
            else dict(part.rsplit("=", 1) for part in given.split(","))
        )
    except (AttributeError, TypeError, ValueError):
        raise InvalidParameter(
            f"{called} is 'balanced', or a number for each class, for instance no=1,yes=5. Got "
            f"'{_shown(given)}' instead."
        ) from None
    weigh = number(0)
    return {str(label).strip(): weigh(called, weight) for label, weight in pairs.items()}


def grid(called: str, given: Any) -> Any:
    """Read how many penalties to try, or which."""
    parts = _parts(given)
    if len(parts) == 1 and not isinstance(given, list):
        try:
            return whole(1, 1000)(called, given)
        except UnknownName:
            raise
        except InvalidParameter:
            pass
    found = [number(0)(called, part) for part in parts]
    if len(found) < 2:
        raise InvalidParameter(
            f"{called} takes how many penalties to try, or two and more of them, for instance "
            f"0.01,0.1,1. Got '{_shown(given)}' instead."
        )
    return found


def _parts(given: Any) -> list[Any]:
    if isinstance(given, list):
        return given
    return given.split(",") if isinstance(given, str) else [given]


def _shown(given: Any) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    return ",".join(map(str, given)) if isinstance(given, list) else str(given)


def _check(
    called: str,
    value: float,
    low: float,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    above = low < value if open_low else low <= value
    below = value < high if open_high else value <= high
    if not (above and below and math.isfinite(value)):
        limit = f" {'above' if open_low else 'from'} {low:g}"
        if high != math.inf:
            limit += f" {'below' if open_high else 'to'} {high:g}"
        raise InvalidParameter(f"{called} takes a number{limit}; given: {value}.")
