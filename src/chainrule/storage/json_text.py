"""JSON from an untrusted file."""

import json
import math
from typing import Any, Never

from chainrule.storage.reading import damaged

__all__ = ["MAX_BYTES", "parse_json", "short", "too_deep", "too_large"]

# JSON in memory takes up to 30 times the size of its text; these limits bound that.
MAX_BYTES = 8 * 2**20
_MAX_VALUES = 250_000
_MAX_DEPTH = 32


def parse_json(text: str, name: str) -> dict[str, Any]:
    """Parse a JSON object without duplicate keys or infinite numbers, of limited size and depth.

    Parameters
    ----------
    text : str
        The JSON, in ASCII.
    name : str
        The name of the file, for the errors.

    Raises
    ------
    InvalidFile
        If it is anything else.

    Examples
    --------
    >>> parse_json('{"sizes": [4, 10, 3]}', "file")
    {'sizes': [4, 10, 3]}
    """

    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) != len(pairs):
            raise ValueError("has a key twice")
        return values

    def finite(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            raise ValueError("has a number that is not finite")
        return value

    def whole(digits: str) -> int:
        value = int(digits) if len(digits) <= 20 else 2**64
        if not -(2**63) <= value < 2**64:
            raise ValueError("has a whole number of more than 64 bits")
        return value

    def refuse(constant: str) -> Never:
        raise ValueError(f"has the number {constant}")

    try:
        if reason := too_large(text):
            raise ValueError(reason)
        parsed = json.loads(
            text,
            object_pairs_hook=without_duplicates,
            parse_float=finite,
            parse_int=whole,
            parse_constant=refuse,
        )
        if reason := too_deep(parsed):
            raise ValueError(reason)
    except json.JSONDecodeError:
        raise damaged(name, "its header is not JSON") from None
    except RecursionError:
        raise damaged(name, "its header is nested too deeply") from None
    except ValueError as error:
        raise damaged(name, f"its header {error}") from None
    if not isinstance(parsed, dict):
        raise damaged(name, "its header is not a JSON object")
    return parsed


def too_large(text: str) -> str | None:
    """Return why a JSON text is too large to parse, or an empty string."""
    if len(text) > MAX_BYTES:
        return f"has {len(text)} bytes, more than {MAX_BYTES}"
    if not text.isascii():
        return "has characters that are not ASCII"
    if text.count(",") + text.count("[") + text.count("{") > _MAX_VALUES:
        return f"has more than {_MAX_VALUES} values"
    return None


def too_deep(parsed: Any) -> str | None:
    """Return an error if lists and objects are nested too deeply, without recursion."""
    level = [parsed]
    for _ in range(_MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        if not inner:
            return None
        level = inner
    return f"is nested more than {_MAX_DEPTH} deep"


def short(value: object) -> str:
    """Return a value's representation, shortened if it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
