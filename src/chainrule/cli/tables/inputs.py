"""The input columns: their kinds, and their preparation with scikit-learn's ColumnTransformer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule.cli.guesses import Guess, following
from chainrule.cli.tables.kinds import Decision, decide_column, missing_hint, quoted, ways
from chainrule.cli.tables.reading import LARGEST, called, require_column
from chainrule.cli.tables.spellings import (
    ORDERS,
    PLAIN,
    Rules,
    Spelling,
    are_gaps,
    read_as,
)
from chainrule.errors import InvalidInput

__all__ = [
    "AS_TEXT",
    "Column",
    "choose_inputs",
    "make_preparation",
    "rare_texts",
    "say_unseen",
    "unseen_texts",
    "use_inputs",
]

AS_TEXT = ("text", "category")
MIN_FREQUENCY, MAX_CATEGORIES = 5, 50

# What the values of a kind are called in a sentence.
_NEEDED = {"number": "numbers", "text": "text", "date": "dates", "category": "categories"}


@dataclass(frozen=True)
class Column:
    """An input column and its kind.

    The kinds are "number" (booleans are 0 and 1), "date", "text", and "category": numbers that
    the user declared to be names. Text that stands for numbers or dates has a spelling.
    """

    name: str
    kind: str
    spelling: Spelling = PLAIN

    @property
    def guess(self) -> Guess | None:
        """That it is of this kind, unless the user declared it."""
        if self.kind == "category":
            return None
        spelled = {"date": "--dates", "number": "--decimal, --thousands"}.get(self.kind)
        how = "" if self.spelling == PLAIN or spelled is None else f", or with {spelled}"
        return Guess(
            f"the column '{self.name}' holds {_needed(self)}",
            "it did in the training table"
            if self.kind == "text"
            else "all its cells in the training table are so",
            f"train with --categorical '{self.name}'{how}",
        )

    def as_data(self) -> dict[str, Any]:
        """Return what a file keeps of it."""
        data: dict[str, Any] = {"name": self.name, "kind": self.kind}
        return data if self.spelling == PLAIN else {**data, "spelling": asdict(self.spelling)}

    @staticmethod
    def from_data(data: Mapping[str, Any], rules: Rules) -> "Column":
        """Make it from what a file keeps, and what the user says of the cells instead."""
        spelling = Spelling(**data.get("spelling", {}))
        return Column(data["name"], data["kind"], spelling.under(rules))


def choose_inputs(
    table: pl.DataFrame,
    decision: Decision,
    target: str,
    drop: Sequence[str],
    as_text: Sequence[str],
    path: str,
) -> tuple[list[Column], list[str]]:
    """Choose the input columns of a table and their kinds.

    Parameters
    ----------
    table : polars.DataFrame
        The rows of the table that are used.
    decision : Decision
        What its columns of text are.
    target : str
        The column to predict, which is no input.
    drop, as_text : sequence of str
        Columns to leave out, and columns whose numbers are names of categories.
    path : str
        Where the table is from, for messages.

    Returns
    -------
    columns : list of Column
    notes : list of str
        What the user should know about columns left out, or perhaps taken otherwise than meant.

    Raises
    ------
    UnknownName
        If a column to drop or to take as text does not exist.
    InvalidInput
        If a column holds lists or the like, or no column is left.
    """
    for name in (*drop, *as_text):
        require_column(table, name, path)
    columns, empty, notes = [], [], []
    for series in table.get_columns():
        name = series.name
        if name == target or name in drop:
            continue
        kind = "category" if name in as_text else _kind(series)
        if kind is None:
            raise InvalidInput(
                f"Column '{name}' of '{path}' holds {called(series)}, which cannot "
                f"be used; leave it out with --drop '{name}'."
            )
        if series.null_count() == len(series):
            empty.append(name)
        else:
            columns.append(Column(name, kind, decision.spellings.get(name, PLAIN)))
            odd = decision.odd.get(name)
            if kind == "text" and odd is not None:
                what = ways(
                    f"mend the cell{'' if odd.count == 1 else 's'}",
                    odd.may_be_missing,
                    f"add --categorical '{name}' to say it is meant",
                )
                notes.append(f"column '{name}' {odd.said()}: it is taken as text; {what}.")
    if not columns:
        without = ""
        if empty:
            names = ", ".join(f"'{name}'" for name in empty[:6])
            without = f"; these have no values: {names}{', ...' if len(empty) > 6 else ''}"
            without += " (cells such as NA count as missing; '--missing only' says otherwise)"
        raise InvalidInput(f"'{path}' has no column with data to predict '{target}' from{without}.")
    if empty:
        notes.append(f"left out, because without a value: {', '.join(empty)}.")
    return columns, notes


def use_inputs(
    table: pl.DataFrame, columns: Sequence[Column], path: str, rows: np.ndarray | None = None
) -> pl.DataFrame:
    """Take the input columns out of a table, in the types that the preparation was made for.

    Parameters
    ----------
    table : polars.DataFrame
        Any table that has the columns, in any order, and perhaps others.
    columns : sequence of Column
        The inputs of the model.
    path : str
        Where the table is from, for messages.
    rows : ndarray, optional
        Where in that file the table's rows are, counted from 0; by default, all from the first on.

    Returns
    -------
    polars.DataFrame
        Numbers and dates (as days since 1970) as floats, texts as strings; missing cells null.

    Raises
    ------
    UnknownName
        If a column is missing.
    InvalidInput
        If a column is of another kind, or infinite.
    """
    used = []
    for column in columns:
        require_column(table, column.name, path)
        with following(column.guess):
            used.append(_use_column(table, column, path, rows))
    return pl.DataFrame(used)


def make_preparation(columns: Sequence[Column]) -> ColumnTransformer:
    """Make the transformer from input columns to the numbers that a network takes.

    Numbers: missing ones become the median, with an indicator; then mean 0 and deviation 1.
    Texts: one column per category; rare and unknown ones share one.

    Parameters
    ----------
    columns : sequence of Column
        The inputs.

    Returns
    -------
    ColumnTransformer
    """
    texts = [column.name for column in columns if column.kind in AS_TEXT]
    numbers = [column.name for column in columns if column.name not in texts]
    scale = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", add_indicator=True)),
            ("scale", StandardScaler()),
        ]
    )
    encode = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=MIN_FREQUENCY,
        max_categories=MAX_CATEGORIES,
        sparse_output=False,
    )
    parts = [("numbers", scale, numbers), ("texts", encode, texts)]
    return ColumnTransformer([part for part in parts if part[2]])


def rare_texts(columns: Sequence[Column], inputs: pl.DataFrame) -> list[str]:
    """Return the text columns of which every value is rare, so that all are taken as one.

    Parameters
    ----------
    columns : sequence of Column
        The inputs.
    inputs : polars.DataFrame
        The rows to learn from.

    Returns
    -------
    list of str
    """
    return [
        column.name
        for column in columns
        if column.kind in AS_TEXT
        and 0
        < inputs[column.name].drop_nulls().unique_counts().to_numpy().max(initial=0)
        < MIN_FREQUENCY
    ]


def unseen_texts(preparation: ColumnTransformer, inputs: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Count the texts that were not seen in training, of each column that has some.

    Parameters
    ----------
    preparation : ColumnTransformer
        Fitted.
    inputs : polars.DataFrame
        From `use_inputs`.

    Returns
    -------
    dict of str to dict of str to int
        For each column the number of rows of each such text, the most frequent first.
    """
    if "texts" not in preparation.named_transformers_:
        return {}
    encoder = preparation.named_transformers_["texts"]
    found = {}
    for name, known in zip(encoder.feature_names_in_, encoder.categories_, strict=True):
        present = inputs[name].drop_nulls()
        unknown = present.filter(~present.is_in([each for each in known if each is not None]))
        if len(unknown):
            counts = unknown.value_counts().sort(["count", name], descending=[True, False])
            found[str(name)] = dict(counts.iter_rows())
    return found


def say_unseen(unseen: Mapping[str, Mapping[str, int]], rows: int) -> str:
    """Return the sentence about texts that were not seen in training.

    Parameters
    ----------
    unseen : mapping
        From `unseen_texts`, not empty.
    rows : int
        How many rows there are.

    Returns
    -------
    str
    """
    columns = []
    for name, counts in unseen.items():
        more = f" and {len(counts) - 1} more" if len(counts) > 1 else ""
        columns.append(f"'{next(iter(counts))}'{more} in column '{name}' ({sum(counts.values())})")
    return (
        f"values that were not seen in training are grouped as unknown (number of the {rows} rows "
        f"in brackets): {', '.join(columns)}."
    )


def _kind(series: pl.Series) -> str | None:
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        return "number"
    if series.dtype in (pl.String, pl.Null):
        return "text"
    return "date" if series.dtype in (pl.Date, pl.Datetime) else None


def _use_column(
    table: pl.DataFrame, column: Column, path: str, rows: np.ndarray | None
) -> pl.Series:
    series = table[column.name]
    if series.dtype == pl.String and column.kind not in AS_TEXT:
        series = read_as(series, column.kind, column.spelling)
    kind = _kind(series)
    if series.null_count() == len(series):  # a column without values is of every kind
        dtype = pl.String if column.kind in AS_TEXT else pl.Float64
        return pl.Series(column.name, [None] * len(series), dtype)
    if column.kind == "category" and kind is not None:
        return _spelled(series)
    if kind != column.kind:
        example, hint = _odd_one(series, column)
        shown = quoted(example) if isinstance(example, str) else repr(example)
        held = decide_column(series)[0] if series.dtype == pl.String else series
        held = series if _kind(held) == column.kind else held  # spelled in another way
        raise InvalidInput(
            f"Column '{column.name}' of '{path}' holds {called(held)}, for instance {shown}, where "
            f"the model needs {_needed(column)}; {ways('correct the column', hint)}."
        )
    if kind == "text":
        return series
    if kind == "date":
        return series.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64) / 86_400e6
    numbers = series.cast(pl.Float64)
    beyond = (numbers.abs() > LARGEST).arg_true()
    if len(beyond):
        value = numbers[beyond[0]]
        row = beyond[0] if rows is None else rows[beyond[0]]
        what = "infinite" if math.isinf(value) else f"{value:g}, beyond {LARGEST:g},"
        raise InvalidInput(
            f"Column '{column.name}' of '{path}' is {what} in row {row + 1}; "
            "correct the cell, or empty it if the value is not known."
        )
    return numbers


def _spelled(series: pl.Series) -> pl.Series:
    """Return numbers as the names that they are; 1.0 is 1, whatever else is in the column."""
    if not series.dtype.is_float():
        return series.cast(pl.String)
    names = series.cast(pl.Int64, strict=False).cast(pl.String)
    whole = (series.round() == series) & names.is_not_null()
    return names.zip_with(whole.fill_null(False), series.cast(pl.String))


def _needed(column: Column) -> str:
    if column.kind == "number" and column.spelling.unit:
        return f"numbers with '{column.spelling.unit}'"
    return _NEEDED[column.kind]


def _odd_one(series: pl.Series, column: Column) -> tuple[object, str]:
    """Return a value that keeps a column from being of its kind, and what may help."""
    present = series.drop_nulls()
    if present.dtype != pl.String or column.kind in AS_TEXT:
        return present[0], ""
    kind, spelling = column.kind, column.spelling
    cells = present.unique(maintain_order=True)
    if spelling.gaps:
        cells = cells.filter(~are_gaps(cells))
    cell = next(each for each in cells if not _can_be(each, kind, spelling))
    other = "," if spelling.decimal == "." else "."
    if kind == "number" and _can_be(cell, kind, replace(spelling, decimal=other, thousands=None)):
        return cell, f"add --decimal '{other}'"
    if kind == "date":
        for order in ORDERS:
            if _can_be(cell, kind, replace(spelling, dates=order)):
                return cell, f"add --dates {order}"
    return cell, missing_hint(cell)


def _can_be(cell: str, kind: str, spelling: Spelling) -> bool:
    return read_as(pl.Series([cell]), kind, spelling).dtype != pl.String
