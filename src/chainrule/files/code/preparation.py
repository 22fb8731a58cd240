"""What stands before the network in a Pipeline, as numbers that a program can follow.

Imputers, scalers and one-hot encoders, alone or in a ColumnTransformer, make each feature of the
network from one column of the table. A text enters a C program as the number of its place: the
column, of those that the encoder makes of it, that is 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import InvalidInput
from chainrule.files.categories import is_missing, places_of
from chainrule.maths.arrays import Float

__all__ = ["Feature", "Preparation", "preparation_of"]

_SCALERS = (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler)


@final
@dataclass(frozen=True)
class Feature:
    """One input of the network: (v - offset) / scale.

    v is the number in column `source`, or `fill` if that is missing; or whether it is missing; or
    whether the place of its category is `place`. A text is filled in for a missing category.
    """

    source: int
    kind: Literal["number", "missing", "category"] = "number"
    place: int = 0
    fill: float | str = np.nan
    offset: float = 0.0
    scale: float = 1.0


@final
@dataclass(frozen=True)
class Preparation:
    """All features, and what the categories of a column are.

    Attributes
    ----------
    n_columns : int
        Of the table.
    names : list of str or None
        Of the columns.
    features : list of Feature
        In the order of the network's inputs.
    places : dict of int to dict
        For each column of categories the place of each, None for missing ones; -1 for none.
    others : dict of int to int
        The place of all other categories; -1 for none.
    """

    n_columns: int
    names: list[str] | None
    features: list[Feature]
    places: dict[int, dict[Any, int]] = field(default_factory=dict)
    others: dict[int, int] = field(default_factory=dict)

    def numbers(self, table: Any) -> Float:
        """Return the rows of a table as a C program takes them: categories as their places."""
        rows = np.zeros((len(table), self.n_columns))
        used = {f.source for f in self.features}
        whole = None if hasattr(table, "columns") else np.asarray(table)
        if whole is not None and whole.shape[1:] != (self.n_columns,):
            raise InvalidInput(
                f"X needs rows of {self.n_columns} values, for the test vectors. Got shape "
                f"{whole.shape} instead."
            )
        for i in sorted(used):
            column = table[self.names[i]] if whole is None and self.names else whole[:, i]  # pyright: ignore[reportOptionalSubscript]
            values: NDArray[Any] = np.asarray(column)
            if i in self.places:
                known, other = self.places[i], self.others[i]
                keys = [None if is_missing(each) else each for each in values.tolist()]
                rows[:, i] = [known.get(key, other) for key in keys]
            else:
                try:
                    rows[:, i] = values.astype(np.float64)
                except (TypeError, ValueError) as error:
                    raise InvalidInput(f"Column {i} of X holds no numbers ({error}).") from None
        return rows

    def values(self, rows: Float) -> list[list[Any]]:
        """Return rows of numbers as a table has them: a category in the place of its number."""
        back = {
            i: {place: "" if key is None else key for key, place in places.items()}
            for i, places in self.places.items()
        }
        unknown = "a value that was not seen in training"
        return [
            [back[i].get(v, unknown) if i in back else v for i, v in enumerate(row)]
            for row in rows.tolist()
        ]

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

    def draw(self, n: int) -> Float:
        """Return random rows, with missing numbers where there is a value for them."""
        random = np.random.default_rng(0)
        rows = random.standard_normal((n, self.n_columns))
        for f in self.features:
            if f.kind == "number":
                column = rows[:, f.source] * f.scale + f.offset
                gone = random.random(n) < (0.0 if np.isnan(f.fill) else 0.2)
                rows[:, f.source] = np.where(gone, np.nan, column)
        for i, places in self.places.items():
            rows[:, i] = random.choice(sorted({*places.values(), self.others[i]}), n)
        return rows


def preparation_of(model: Any) -> tuple[Preparation | None, Any, tuple[Float, Float] | None]:
    """Take a Pipeline apart.

    Returns
    -------
    preparation : Preparation or None
        What stands before; None for a network or estimator alone.
    last : object
        The network or estimator at the end.
    target : (array, array) or None
        Scale and offset of the network's outputs, where the target was scaled too.

    Raises
    ------
    InvalidInput
        If there is something that a program does not hold.
    sklearn.exceptions.NotFittedError
        If it was not fitted.
    """
    if isinstance(model, BaseEstimator):
        check_is_fitted(model)
        model = getattr(model, "best_estimator_", model)  # of a search for parameters
    steps: list[Any] = []
    last, target = model, None
    while isinstance(last, Pipeline | TransformedTargetRegressor):
        if isinstance(last, Pipeline):
            steps += [step for _, step in last.steps[:-1]]
            last = last.steps[-1][1]
        else:
            target = _affine(last.transformer_)
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
    """Return what becomes of features in a step."""
    if step is None or step == "passthrough" or _is_identity(step):
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
    if type(step) in _SCALERS and not clips:
        scale, offset = _affine(step)
        pairs = zip(features, offset.tolist(), scale.tolist(), strict=True)
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


def _is_identity(step: Any) -> bool:
    return isinstance(step, FunctionTransformer) and step.func is None


def _affine(scaler: Any) -> tuple[Float, Float]:
    """Return scale and offset of a scaler, whose inverse is v * scale + offset."""
    if type(scaler) not in _SCALERS or getattr(scaler, "clip", False):
        raise InvalidInput(
            f"A program in C or JavaScript takes back a target that was scaled. Here it was "
            f"transformed by {scaler!r}: use to_onnx."
        )
    ends = np.zeros((2, scaler.n_features_in_))
    ends[1] = 1
    zero, one = scaler.inverse_transform(ends)
    return one - zero, zero


def _imputed(imputer: Any, features: Sequence[Feature]) -> list[Feature]:
    given = np.asarray(imputer.statistics_).tolist()
    texts = any(isinstance(each, str) for each in given)
    if not is_missing(imputer.missing_values) or (texts and imputer.add_indicator):
        raise InvalidInput(
            "A program in C or JavaScript imputes for missing values only, and has indicators of "
            "numbers alone: use to_onnx, or give the network alone."
        )
    pairs = zip(features, given, strict=True)
    filled = [
        replace(f, fill=fill if isinstance(fill, str) else float(fill))
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
        keys = [None if is_missing(each) else each for each in encoder.categories_[i].tolist()]
        known = dict(zip(keys, places.tolist(), strict=True))
        if not is_missing(f.fill):
            known.setdefault(None, known.get(f.fill, other))
        if (known, other) != (made.places.get(f.source, known), made.others.get(f.source, other)):
            raise _used_twice(made, f.source)
        made.places[f.source], made.others[f.source] = known, other
        encoded += [Feature(f.source, "category", place) for place in range(width)]
    return encoded
