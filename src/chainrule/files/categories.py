"""The columns that a OneHotEncoder makes from its categories."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["groups_rare", "is_missing", "is_same", "places_of"]


def is_missing(value: object) -> bool:
    """Whether a category stands for missing cells: None, or NaN."""
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def places_of(encoder: Any, i: int) -> tuple[NDArray[Any], int, int]:
    """Return the column of each category of input i (-1: none), their number, that of unknowns.

    Rare categories share the last column, and so do unknown ones if the encoder is set up so.
    """
    known = encoder.categories_[i]
    places = np.arange(len(known))
    rare = encoder.infrequent_categories_[i] if groups_rare(encoder) else None
    other = -1
    if rare is not None:
        is_rare = np.array([any(is_same(each, r) for r in rare) for each in known])
        other = int((~is_rare).sum())
        places = np.where(is_rare, other, np.cumsum(~is_rare) - 1)
    width = int(places.max(initial=-1)) + 1
    dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[i]
    if dropped is not None:
        gone = places[int(dropped)]
        places = np.where(places == gone, -1, places - (places > gone))
        other = -1 if other == gone else other - (other > gone)
        width -= 1
    grouped = encoder.handle_unknown in ("infrequent_if_exist", "warn")
    return places, width, other if grouped else -1


def groups_rare(encoder: Any) -> bool:
    """Whether an encoder has one column for all rare categories."""
    return encoder.min_frequency is not None or encoder.max_categories is not None


def is_same(a: object, b: object) -> bool:
    """Whether two categories are equal; NaN and None both stand for missing cells."""
    return a == b or (is_missing(a) and is_missing(b))
