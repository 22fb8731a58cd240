"""The steps before the network in a Pipeline, as numbers for a program.

Imputers, scalers and one-hot encoders, alone or in a ColumnTransformer, make each feature of the
network from one column of the table. A C program takes the number of a category: the place
of the column that is 1 among those that the encoder makes from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from chainrule.errors import InvalidInput
from chainrule.files.categories import is_missing, places_of
from chainrule.files.scalers import affine, is_identity
from chainrule.maths.arrays import Float

__all__ = ["Feature", "Preparation", "cells_of", "preparation_of"]

_UNKNOWN = "a value that was not seen in training"


@final
@dataclass(frozen=True)
class Feature:
    """One input of the network: (v - offset) / scale.

    v is the number in column `source`, or `fill` if that is missing; or whether it is missing; or
    whether the place of its category is `place`. A text is filled in for a missing category.
    `missing` is the missing value in the table: NaN or None.
    """

    source: int
    kind: Literal["number", "missing", "category"] = "number"
    place: int = 0
    fill: float | str = np.nan
    offset: float = 0.0
    scale: float = 1.0
    missing: Any = field(default=np.nan, compare=False)


@final
@dataclass(frozen=True)
class Preparation:
    """All features, and the categories of each column.

    Attributes
    ----------
    n_columns : int
        The number of columns of the table.
    names : list of str or None
        The names of the columns.
    features : list of Feature
        In the order of the network's inputs.
    places : dict of int to dict
        For each column of categories the place of each, None for missing ones; -1 for none.
    others : dict of int to int
        The place of all other categories; -1 for none.
    seen : dict of int to list
        For each column of categories the values that a cell may hold: those seen in training, the
        missing value, and an unseen one if those are accepted.
    """

    n_columns: int
    names: list[str] | None
    features: list[Feature]
    places: dict[int, dict[Any, int]] = field(default_factory=dict)
    others: dict[int, int] = field(default_factory=dict)
    seen: dict[int, list[Any]] = field(default_factory=dict)

    def cells(self, table: Any) -> NDArray[Any]:
        """Return the cells of a user's table (objects), missing ones as in training."""
        cells = cells_of(table, self.names, self.n_columns)
        for i, seen in self.seen.items():
            missing = [value for value in seen if is_missing(value)]
            gone = [is_missing(value) for value in cells[:, i]]
            cells[gone, i] = missing[:1] or None
        return cells

    def numbers(self, cells: NDArray[Any]) -> Float:
        """Return cells as a C program takes them: categories as their numbers."""
        rows = np.zeros(cells.shape)
        for i in sorted({f.source for f in self.features}):
            column = cells[:, i]
            if i in self.places:
                known, other = self.places[i], self.others[i]
                keys = [None if is_missing(each) else each for each in column]
                rows[:, i] = [known.get(key, other) for key in keys]
            else:
                try:
                    rows[:, i] = column.astype(np.float64)
                except (TypeError, ValueError) as error:
                    raise InvalidInput(
                        f"Column {i} of X must hold numbers, for the test vectors: {error}."
                    ) from None
        return rows

    def values(self, cells: NDArray[Any], rows: Float) -> NDArray[Any]:
        """Return the cells for the model, for rows that `numbers` made from cells.

        Their numbers are those of the rows, which may have been rounded to float32.
        """
        if not self.places:
            return rows.astype(np.float64)
        values = rows.astype(np.float64).astype(object)
        for i in self.places:
            values[:, i] = cells[:, i]
        return values

    def apply(self, rows: Float) -> Float:
        """Return the network's inputs for rows as a C program takes them."""
        columns = []
        for f in self.features:
            v = rows[:, f.source]
            if f.kind == "missing":
                v = np.isnan(v)
            elif f.kind == "category":
                v = v == f.place
            else:
                v = np.where(np.isnan(v), f.fill, v)
            columns.append((v - f.offset) / f.scale)
        return np.stack(columns, axis=1)

    def draw(self, n: int) -> NDArray[Any]:
        """Return the cells of random rows, with missing numbers where they are imputed."""
        random = np.random.default_rng(0)
        normal = random.standard_normal((n, self.n_columns))
        cells = normal.astype(object)
        for f in self.features:
            if f.kind == "number":
                column = normal[:, f.source] * f.scale + f.offset
                gone = random.random(n) < (0.0 if np.isnan(f.fill) else 0.2)
                cells[:, f.source] = np.where(gone, np.nan, column)
        for i, seen in self.seen.items():
            cells[:, i] = [seen[k] for k in random.integers(len(seen), size=n)]
        return cells


def cells_of(table: Any, names: Sequence[str] | None, n_columns: int) -> NDArray[Any]:
    """Return the cells of a user's table as objects, of shape (n, n_columns).

    Raises
    ------
    InvalidInput
        If it has other columns.
    """
    if names is not None and hasattr(table, "columns"):
        absent = [name for name in names if name not in table.columns]
        if absent:
            raise InvalidInput(
                f"X lacks the column{'s' if len(absent) > 1 else ''} "
                f"{', '.join(map(repr, absent[:5]))}, for the test vectors."
            )
        cells = np.empty((len(table), n_columns), object)
        for i, name in enumerate(names):
            cells[:, i] = np.asarray(table[name]).tolist()
        return cells
    if hasattr(table, "toarray"):
        table = table.toarray()
    cells = np.array(table.to_numpy() if hasattr(table, "to_numpy") else table, dtype=object)
    if cells.shape[1:] != (n_columns,):
        raise InvalidInput(
            f"X needs rows of {n_columns} values, for the test vectors. Got shape {cells.shape} "
            f"instead."
        )
    return cells


def preparation_of(model: Any) -> tuple[Preparation | None, Any, tuple[Float, Float] | None]:
    """Take a Pipeline apart.

    Parameters
    ----------
    model : object
        A fitted model, unwrapped by `chainrule.files.unwrapped`, or anything else.

    Returns
    -------
    preparation : Preparation or None
        The steps before; None for a network or estimator alone.
    last : object
        The network or estimator at the end.
    target : (array, array) or None
        Scale and offset of the network's outputs, if the target was scaled too.

    Raises
    ------
    InvalidInput
        If there is something that a program cannot express.
    """
    steps: list[Any] = []
    last, target = model, None
    while isinstance(last, Pipeline | TransformedTargetRegressor):
        if isinstance(last, Pipeline):
            steps += [step for _, step in last.steps[:-1]]
            last = last.steps[-1][1]
        else:
            scale, offset = _target(last.transformer_)
            if target is not None:  # one inside another
                scale, offset = scale * target[0], offset * target[0] + target[1]
            target = scale, offset
            last = last.regressor_
    if not steps:
        return None, last, target
    n = int(model.n_features_in_)
    names = getattr(model, "feature_names_in_", None)
    made = Preparation(n, None if names is None else [str(name) for name in names], [])
    features = [Feature(i) for i in range(n)]
    for step in steps:
        features = _through(step, features, made)
    for f in features:
        if f.kind != "category" and f.source in made.places:
            raise _used_twice(made, f.source)
    return replace(made, features=features), last, target


def _used_twice(made: Preparation, source: int) -> InvalidInput:
    column = f"{source}" if made.names is None else f"'{made.names[source]}'"
    return InvalidInput(
        f"A program in C or JavaScript takes a column as a number or as one set of categories. "
        f"Column {column} is used in two ways: use to_onnx, or give the network alone."
    )


def _through(step: Any, features: Sequence[Feature], made: Preparation) -> list[Feature]:
    """Return the features after a step."""
    if is_identity(step):
        return list(features)
    if isinstance(step, Pipeline):
        for _, each in step.steps:
            features = _through(each, features, made)
        return list(features)
    if isinstance(step, ColumnTransformer):
        numbers: Mapping[str, Any] = step._transformer_to_input_indices
        parts = [(part, numbers[name]) for name, part, _ in step.transformers_ if part != "drop"]
        return [f for part, at in parts for f in _through(part, [features[i] for i in at], made)]
    clips = bool(getattr(step, "clip", False))
    scaled = None if clips else affine(step)
    if scaled is not None:
        scale, offset = (np.broadcast_to(each, len(features)).tolist() for each in scaled)
        pairs = zip(features, offset, scale, strict=True)
        return [replace(f, offset=f.offset + m * f.scale, scale=f.scale * s) for f, m, s in pairs]
    if isinstance(step, SelectorMixin):
        kept: Any = step.get_support()
        return list(compress(features, kept))
    raw = [Feature(f.source) for f in features] == list(features)
    filled = [Feature(f.source, fill=f.fill) for f in features] == list(features)
    if (raw and type(step) is SimpleImputer) or (filled and type(step) is OneHotEncoder):
        is_imputer = type(step) is SimpleImputer
        return _imputed(step, features) if is_imputer else _encoded(step, features, made)
    raise InvalidInput(
        f"A program in C or JavaScript holds imputers of numbers, scalers, one-hot encoders and "
        f"selectors before its network. Here is {type(step).__name__}"
        f"{' that clips' if clips else ''}: use to_onnx, or give the network alone."
    )


def _target(transformer: Any) -> tuple[Float, Float]:
    """Return scale and offset of the inverse transform of a target."""
    found = affine(transformer)
    if found is None:
        functions = getattr(transformer, "func", None), getattr(transformer, "inverse_func", None)
        of = ", ".join(getattr(each, "__name__", "?") for each in functions if each is not None)
        raise InvalidInput(
            f"A program in C or JavaScript can undo only the scaling of a target. Here it was "
            f"transformed by {type(transformer).__name__}{f' ({of})' if of else ''}: use to_onnx, "
            f"or give the network alone and transform its outputs back in your program."
        )
    return found


def _imputed(imputer: Any, features: Sequence[Feature]) -> list[Feature]:
    given = np.asarray(imputer.statistics_).tolist()
    texts = any(isinstance(each, str) for each in given)
    if not is_missing(imputer.missing_values) or (texts and imputer.add_indicator):
        raise InvalidInput(
            "A program in C or JavaScript imputes missing values only, and has indicators for "
            "numbers only: use to_onnx, or give the network alone."
        )
    pairs = zip(features, given, strict=True)
    filled = [
        replace(
            f,
            fill=fill if isinstance(fill, str) else float(fill),
            missing=imputer.missing_values,
        )
        for f, fill in pairs
        if not is_missing(fill)
    ]
    if not imputer.add_indicator:
        return filled
    at = imputer.indicator_.features_
    return filled + [replace(features[i], kind="missing") for i in at]


def _encoded(encoder: Any, features: Sequence[Feature], made: Preparation) -> list[Feature]:
    encoded: list[Feature] = []
    for i, f in enumerate(features):
        places, width, other = places_of(encoder, i)
        seen = encoder.categories_[i].tolist()
        odd = [v for v in seen if not (v is None or isinstance(v, str | int | float))]
        if odd:
            raise InvalidInput(
                f"A program in C or JavaScript takes categories that are strings, numbers, true or "
                f"false. Here is {odd[0]!r} of type {type(odd[0]).__name__}: use to_onnx, or give "
                f"the network alone."
            )
        keys = [None if is_missing(each) else each for each in seen]
        known = dict(zip(keys, places.tolist(), strict=True))
        if not is_missing(f.fill):
            known.setdefault(None, known.get(f.fill, other))
        if (known, other) != (made.places.get(f.source, known), made.others.get(f.source, other)):
            raise _used_twice(made, f.source)
        made.places[f.source], made.others[f.source] = known, other
        missing = [] if is_missing(f.fill) else [f.missing]
        before = made.seen.get(f.source, [_UNKNOWN])
        refused = encoder.handle_unknown == "error" or _UNKNOWN not in before
        made.seen[f.source] = [*missing, *seen, *([] if refused else [_UNKNOWN])]
        encoded += [Feature(f.source, "category", place) for place in range(width)]
    return encoded
