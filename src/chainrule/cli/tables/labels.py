"""Labels: each is spelled as its cells are, and cells are compared by what they stand for.

So '01' stays '01', and a table that has 1 in that place has the same label.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from chainrule.cli.guesses import Guess
from chainrule.errors import InvalidInput

__all__ = [
    "EXACT",
    "KINDS",
    "Labels",
    "find_labels",
    "has_target",
    "key_of",
    "label_names",
    "spell",
]

KINDS = ("names", "text", "truth", "number")
EXACT = 2**53  # from here on floats no longer tell whole numbers apart
_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")


@dataclass(frozen=True)
class Labels:
    """The classes of a target.

    Attributes
    ----------
    kind : str
        What the cells stand for: "number" and "truth" (true or false) are compared by their value,
        "text" without the spaces around it; "names" were declared to be taken as they are.
    classes : ndarray
        Spelled as in the training table, in the order of the model.
    keys : sequence of str
        What the cells of each class are compared by.
    """

    kind: str
    classes: np.ndarray
    keys: Sequence[str]

    def match(
        self, column: pl.Series, cells: pl.Series, path: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the labels in a column of another table.

        Parameters
        ----------
        column : polars.Series
            The column, as it was read.
        cells : polars.Series
            The same, spelled as in the file.
        path : str
            Where the table is from, for messages.

        Returns
        -------
        rows : ndarray
            The rows that have a label.
        labels : ndarray
            Of the classes, one for each of those rows.

        Raises
        ------
        InvalidInput
            If a label is not one of the classes.
        """
        keys = _keys(self.kind, column, cells)
        there = has_target(column, cells, self)
        distinct = pl.DataFrame({"cell": cells, "key": keys, "there": there})
        positions: list[int | None] = []
        unknown = []
        pairs = distinct.unique(maintain_order=True)
        for cell, key, there in pairs.iter_rows():
            at = self._places.get(cell, self._by_key.get(key)) if there else None
            if at is None and there:
                at = self.position(cell)
            if at is None and there:
                unknown.append(cell.strip())
            positions.append(at)
        if unknown:
            raise InvalidInput(
                f"The label '{min(unknown)}' in column '{column.name}' of '{path}' is not a class "
                f"of the model; its classes are {label_names(self.classes)}."
            )
        found = pairs.with_columns(at=pl.Series(positions, dtype=pl.Int64))
        at = distinct.join(
            found, on=["cell", "key", "there"], how="left", nulls_equal=True, maintain_order="left"
        )["at"]
        rows = at.is_not_null().arg_true().to_numpy()
        return rows, self.classes[at.drop_nulls().to_numpy()]

    def position(self, name: str) -> int | None:
        """Return which class a name is, as the user or another table spells it; None if none is.

        Parameters
        ----------
        name : str
            Spelled as the class, or with other spaces around it, or another form of the same value.

        Returns
        -------
        int or None
        """
        if name in self._places:
            return self._places[name]
        if self.kind != "names":
            return self._by_key.get(key_of(name, self.kind))
        alike = [at for each, at in self._places.items() if each.strip() == name.strip()]
        return alike[0] if len(alike) == 1 else None

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {spell(label): at for at, label in enumerate(self.classes)}

    @cached_property
    def _by_key(self) -> Mapping[str | None, int]:
        return {key: at for at, key in enumerate(self.keys)}

    def as_data(self) -> dict[str, Any]:
        """Return what a model file keeps of it, besides the classes."""
        return {
            "target_is_text": self.kind in ("names", "text"),  # all that earlier versions know
            "target_kind": self.kind,
            "target_keys": list(self.keys),
        }

    @staticmethod
    def of_model(classes: np.ndarray, about: Any) -> "Labels":
        """Make them of a model's classes and what its file says of the target.

        Parameters
        ----------
        classes : ndarray
            The model's.
        about : mapping
            What the file says.

        Returns
        -------
        Labels

        Raises
        ------
        KeyError, TypeError, ValueError
            If it says nothing of the kind.
        """
        kind = about.get("target_kind")
        if kind is None:  # of a file that only told text from other labels
            kind = "text" if about["target_is_text"] else "number"
        keys = about.get("target_keys")
        if keys is None:
            names = [spell(label) for label in classes]
            keys = names if kind == "names" else [key_of(name, kind) for name in names]
        if kind not in KINDS or len(keys) != len(classes):
            raise ValueError("no such labels")
        return Labels(kind, classes, [str(key) for key in keys])


def find_labels(
    kind: str, column: pl.Series, cells: pl.Series
) -> tuple[Labels, np.ndarray, Guess | None]:
    """Find the classes of a column to train on.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    column : polars.Series
        Its values, none missing.
    cells : polars.Series
        The same, spelled as in the file.

    Returns
    -------
    labels : Labels
    values : ndarray
        The class of each row.
    merged : Guess or None
        That different spellings are one class, if any were.
    """
    keys = _keys(kind, column, cells)
    spelled = cells if kind in ("text", "names") else cells.str.strip_chars()
    counted = (
        pl.DataFrame({"key": keys, "name": spelled})
        .group_by("key", "name", maintain_order=True)
        .len()
        .sort("len", descending=True, maintain_order=True)
    )
    chosen = counted.unique("key", keep="first", maintain_order=True)
    names = chosen["name"].to_list()
    labels = _typed(names, column)
    order = np.argsort(labels, kind="stable")
    places = pl.DataFrame({"key": chosen["key"][order], "at": np.arange(len(order))})
    at = pl.DataFrame({"key": keys}).join(places, on="key", how="left", maintain_order="left")["at"]
    found = Labels(kind, labels[order], places["key"].to_list())
    return found, found.classes[at.to_numpy()], _merged(column.name, counted, kind)


def has_target(column: pl.Series, cells: pl.Series, labels: Labels | None) -> pl.Series:
    """Tell which rows have a target.

    Parameters
    ----------
    column : polars.Series
        The column, as it was read.
    cells : polars.Series
        The same, spelled as in the file.
    labels : Labels or None
        Those of a classifier: one such as 'None' is a label, which is missing in other columns.

    Returns
    -------
    polars.Series
        Of booleans.
    """
    if labels is None:
        return column.is_not_null()
    if labels.kind == "names":
        return (cells.str.strip_chars() != "").fill_null(False)
    # One such as 'None' is a label here.
    names = pl.Series([spell(label) for label in labels.classes], dtype=pl.String)
    return column.is_not_null() | cells.is_in(names.implode()).fill_null(False)


def spell(label: object) -> str:
    """Return a label as it is in a table: booleans in lower case, as CSV has them.

    Parameters
    ----------
    label : object
        A class.

    Returns
    -------
    str
    """
    return str(label).lower() if isinstance(label, bool | np.bool_) else str(label)


def label_names(classes: Sequence[Any] | np.ndarray, most: int = 12) -> str:
    """Return labels for a sentence.

    Parameters
    ----------
    classes : sequence
        The labels.
    most : int
        How many are named.

    Returns
    -------
    str
    """
    more = f" and {len(classes) - most} more" if len(classes) > most else ""
    return ", ".join(f"'{spell(label)}'" for label in classes[:most]) + more


def key_of(cell: str, kind: str = "number") -> str:
    """Return what a cell is compared by: 1, 1.0 and 01 are the same number.

    Parameters
    ----------
    cell : str
        Spelled as in a file.
    kind : str
        Of the labels.

    Returns
    -------
    str
    """
    text = cell.strip()
    if kind == "text":
        return text
    if _WHOLE.fullmatch(text):
        return str(int(text.partition(".")[0]))
    if text.lower() in ("true", "false"):
        return text.lower()
    try:
        value = float(text)
    except ValueError:
        return text
    return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)


def _keys(kind: str, column: pl.Series, cells: pl.Series) -> pl.Series:
    """Return what each cell is compared by."""
    if kind == "names":
        return cells
    if kind == "text":
        return cells.str.strip_chars()
    # Whole numbers of very many digits are exact only as text.
    is_read = column.dtype.is_integer() or column.dtype == pl.Boolean
    is_long = not is_read and cells.str.contains(rf"^\s*{_WHOLE.pattern}\s*$").all()
    is_read |= column.dtype.is_float() and not is_long
    return _mapped(column.cast(pl.String) if is_read else cells)


def _mapped(text: pl.Series) -> pl.Series:
    distinct = text.drop_nulls().unique()
    keys = pl.Series([key_of(each) for each in distinct], dtype=pl.String)
    return text.replace_strict(distinct, keys, default=None, return_dtype=pl.String)


def _typed(names: list[str], column: pl.Series) -> np.ndarray:
    """Return labels as numbers or booleans, if these are spelled just so; else as text."""
    if column.dtype == pl.Boolean:
        found = np.array([name == "true" for name in names])
    elif column.dtype.is_numeric():
        try:
            found = np.array([int(name) for name in names], np.int64)
        except (ValueError, OverflowError):
            found = pl.Series(names).cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    else:
        return np.array(names, dtype=str)
    same = [spell(label) for label in found] == names
    return found if same else np.array(names, dtype=str)


def _merged(name: str, counted: pl.DataFrame, kind: str) -> Guess | None:
    several = counted.group_by("key", maintain_order=True).agg("name")
    several = several.filter(pl.col("name").list.len() > 1)
    if not several.height:
        return None
    spellings = several["name"][0].to_list()
    why = {
        "text": "differ in spaces only",
        "truth": "are the same",
        "number": "are the same number",
    }
    more = f" (and so {several.height - 1} more)" if several.height > 1 else ""
    return Guess(
        f"{label_names(spellings, 4)} in the target '{name}' are one class, '{spellings[0]}'{more}",
        f"they {why[kind]}",
        f"add --categorical '{name}', which keeps them apart",
    )
