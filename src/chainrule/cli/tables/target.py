"""The target column: the task it asks for, and its values as scikit-learn takes them."""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.cli.console.exits import note
from chainrule.cli.guesses import Guess, following
from chainrule.cli.tables.kinds import Odd, ways
from chainrule.cli.tables.labels import EXACT, Labels, find_labels, label_names, spell
from chainrule.cli.tables.labels import has_target as has_label
from chainrule.cli.tables.reading import LARGEST, Cells, as_cells, called
from chainrule.cli.tables.spellings import PLAIN, Spelling, read_as
from chainrule.errors import InvalidInput, InvalidParameter, unknown_name

__all__ = ["TASKS", "Target", "has_target", "known_target", "read_target"]

TASKS = ("classification", "regression", "counts")
MOST_CLASSES = 20  # more distinct whole numbers than that are taken as quantities
_CODE, _LONG = r"^\s*[+-]?0[0-9]+\s*$", r"^\s*[+-]?[0-9]+\s*$"


@dataclass(frozen=True)
class Target:
    """The target of a task: its values, which rows they are from, and why this task.

    Attributes
    ----------
    name, task : str
        The column, and one of `TASKS`.
    values : ndarray
        Labels, or numbers.
    rows : ndarray
        The rows that have a target.
    labels : Labels or None
        The classes of a classification.
    guess : Guess or None
        That of the task.
    gaps : Guess or None
        That cells with something in them are missing.
    merged : Guess or None
        That different spellings are one class.
    """

    name: str
    task: str
    values: np.ndarray
    rows: np.ndarray
    labels: Labels | None = None
    guess: Guess | None = None
    gaps: Guess | None = None
    merged: Guess | None = None

    @property
    def guesses(self) -> tuple[Guess | None, ...]:
        """All that was guessed of it."""
        return self.guess, self.gaps, self.merged

    @property
    def classes(self) -> np.ndarray | None:
        """The distinct labels of a classification."""
        return None if self.labels is None else self.labels.classes


def read_target(
    column: pl.Series,
    cells: pl.Series | None,
    task: str | None,
    path: str,
    *,
    as_names: bool = False,
    odd: Odd | None = None,
    missing: Collection[str] = (),
) -> Target:
    """Read the target column for training.

    Parameters
    ----------
    column : polars.Series
        The column, as it was read.
    cells : polars.Series or None
        The same, as its cells are spelled; labels come back so. By default as they would be in CSV.
    task : str or None
        One of `TASKS`, or None to guess it from the values.
    path : str
        Where the table is from, for messages.
    as_names : bool
        Whether every cell that is not empty is a label, just as it is.
    odd : Odd, optional
        The cells that make text of it although it looks like numbers.
    missing : collection of str
        Cells that the user said to be missing.

    Returns
    -------
    Target
        Without the rows in which it is missing.

    Raises
    ------
    UnknownName
        If there is no such task.
    InvalidInput, InvalidParameter
        If the values do not suit the task.
    """
    if task is not None and task not in TASKS:
        raise unknown_name("task", task, TASKS)
    cells = as_cells(column) if cells is None else cells
    if as_names:
        column = _as_names(column, cells, task, path)
    gaps = None if as_names else _gaps(column, cells, missing)
    with following(gaps):
        if column.null_count() == len(column):
            raise InvalidInput(f"The target '{column.name}' of '{path}' has no values.")
    there = column.is_not_null()
    rows, present, spelled = there.arg_true().to_numpy(), column.drop_nulls(), cells.filter(there)
    guess = None
    if as_names:
        task = "classification"
    else:
        is_whole = _is_whole(present, spelled)
        if not is_whole:
            _refuse_what_is_neither(column, task, path)
        _refuse_stray_text(column, path, task, odd)
        if task is None:
            task, guess = _guess(present, spelled, is_whole)
        elif task == "classification" and present.dtype.is_float() and not is_whole:
            raise _no_classes(present)
        if task != "classification":
            _refuse_what_is_neither(column, task, path)
    with following(guess, gaps):
        if task != "classification":
            return Target(column.name, task, _quantities(present, task), rows, None, guess, gaps)
        kind = "names" if as_names else _kind(present, spelled)
        labels, values, merged = find_labels(kind, present, spelled)
        with following(merged):
            _require_classes(column.name, labels, values)
    if merged is not None:
        note(str(merged))
    return Target(column.name, task, values, rows, labels, guess, gaps, merged)


def known_target(
    cells: Cells,
    name: str,
    task: str,
    labels: Labels | None,
    path: str,
    spelling: Spelling = PLAIN,
) -> Target:
    """Read the target column of a table to evaluate a model on.

    Parameters
    ----------
    cells : Cells
        The table, with this column as it is spelled.
    name, task : str
        The column, and the model's task.
    labels : Labels or None
        The labels that a classifier knows.
    path : str
        Where the table is from, for messages.
    spelling : Spelling
        How its numbers are spelled.

    Returns
    -------
    Target

    Raises
    ------
    InvalidInput
        If a label is not one of the classes, or values do not suit the task.
    """
    column, spelled = cells.table[name], cells.spelled
    assert spelled is not None
    if column.dtype == pl.String and (labels is None or labels.kind in ("number", "truth")):
        column = read_as(column, "number", spelling)
    if labels is None:
        return read_target(column, spelled, task, path)
    rows, values = labels.match(column, spelled, path)
    if not len(rows):
        with following(_gaps(column, spelled)):
            raise InvalidInput(f"The target '{name}' of '{path}' has no values.")
    return Target(name, task, values, rows, labels)


def has_target(cells: Cells, name: str, labels: Labels | None) -> pl.Series:
    """Tell which rows have a target.

    Parameters
    ----------
    cells : Cells
        A table, with the target as it is spelled if it is there.
    name : str
        The target.
    labels : Labels or None
        Those of a classifier.

    Returns
    -------
    polars.Series
        Of booleans.
    """
    if cells.spelled is None:
        return pl.Series([False] * cells.table.height)
    return has_label(cells.table[name], cells.spelled, labels)


def _as_names(column: pl.Series, cells: pl.Series, task: str | None, path: str) -> pl.Series:
    """Return cells as they are; only those without anything in them are missing."""
    if task not in (None, "classification"):
        raise InvalidParameter(
            f"--categorical '{column.name}' says that the target holds names, and --task {task} "
            "that it holds quantities; leave one of them out."
        )
    if cells.null_count() > column.null_count():  # lists and the like
        _refuse_what_is_neither(column, None, path)
    return cells.set(cells.str.strip_chars() == "", None)


def _gaps(column: pl.Series, cells: pl.Series, said: Collection[str] = ()) -> Guess | None:
    """Return that cells with something in them were taken as missing, if any were."""
    marks = cells.filter(column.is_null()).str.strip_chars()
    marks = marks.filter((marks != "") & ~marks.is_in(list(said)))
    if not len(marks):
        return None
    name, one = column.name, len(marks) == 1
    shown = label_names(marks.unique(maintain_order=True).to_list(), 4)
    return Guess(
        f"{'1 cell' if one else f'{len(marks)} cells'} of the target '{name}' "
        f"{'is' if one else 'are'} missing",
        f"{shown} usually {'means' if marks.n_unique() == 1 else 'mean'} that",
        f"add --categorical '{name}', which takes all cells as labels, or --missing only",
    )


def _is_whole(present: pl.Series, spelled: pl.Series) -> bool:
    """Tell whether all values are whole numbers that can be told apart."""
    if present.dtype.is_integer():
        return True
    if not present.dtype.is_float():
        return False
    exact = (present == present.round()) & (present.abs() < EXACT)
    return bool(exact.all()) or bool(spelled.str.contains(_LONG).all())


def _refuse_what_is_neither(column: pl.Series, task: str | None, path: str) -> None:
    """Refuse what is neither a label nor a number."""
    if column.dtype.is_float():
        beyond = (column.abs() > LARGEST).arg_true()
        if len(beyond):
            value = column[beyond[0]]
            what = "infinite" if math.isinf(value) else f"{value:g}, beyond {LARGEST:g},"
            raise InvalidInput(
                f"The target '{column.name}' of '{path}' is {what} in row {beyond[0] + 1}; "
                "correct or empty that cell."
            )
    elif not (column.dtype.is_numeric() or column.dtype in (pl.String, pl.Boolean)):
        is_label = column.dtype in (pl.Date, pl.Datetime, pl.Time)
        if is_label and task == "classification":
            return
        more = f"; to take them as labels, add --categorical '{column.name}'" if is_label else ""
        raise InvalidInput(
            f"The target '{column.name}' of '{path}' holds {called(column)}; "
            f"give a column of labels or numbers{more}."
        )


def _refuse_stray_text(column: pl.Series, path: str, task: str | None, odd: Odd | None) -> None:
    """Refuse quantities among which a few cells are text, unless they are said to be classes."""
    if odd is None or task == "classification" or column.dtype != pl.String:
        return
    if task or column.n_unique() > MOST_CLASSES:
        what = ways(
            "correct or empty what is not a number",
            odd.may_be_missing,
            "add --task classification if all are names",
        )
        raise InvalidInput(f"The target '{column.name}' of '{path}' {odd.said()}; {what}.")


def _guess(present: pl.Series, spelled: pl.Series, is_whole: bool) -> tuple[str, Guess]:
    """Guess the task from the values."""
    task = "classification"
    if present.dtype == pl.String:
        odd = present.filter(present.cast(pl.Float64, strict=False).is_null())
        why = f"the target is text, such as '{odd[0]}'" if len(odd) else "the target is text"
    elif present.dtype == pl.Boolean:
        why = "the target is true or false"
    elif not is_whole:
        task, why = "regression", "the target has decimals or very large numbers"
    elif (distinct := spelled.str.strip_chars().n_unique()) <= MOST_CLASSES:
        why = f"the target has only {distinct} different whole numbers"
    elif spelled.str.contains(_CODE).any():
        code = spelled.filter(spelled.str.contains(_CODE))[0].strip()
        why = f"the target has numbers that begin with 0, such as '{code}'"
    else:
        task, why = "regression", f"the target has {distinct} different numbers"
    other = "regression" if task == "classification" else "classification"
    remedy = f"add --task {other}"
    if present.dtype == pl.String:
        remedy += ", which says what is not a number"
    return task, Guess(f"the task is {task}", why, remedy)


def _kind(present: pl.Series, spelled: pl.Series) -> str:
    """Return what the labels of a column are compared by."""
    if present.dtype == pl.Boolean:
        return "truth"
    return "number" if present.dtype.is_numeric() else "text"


def _no_classes(present: pl.Series) -> InvalidInput:
    odd = present.filter((present != present.round()) | (present.abs() >= EXACT))[0]
    return InvalidInput(
        f"The target '{present.name}' has decimals or very large numbers, for instance {odd}, "
        f"which are not classes; use --task regression, or add --categorical '{present.name}' if "
        "they are names."
    )


def _require_classes(name: str, labels: Labels, values: np.ndarray) -> None:
    counts = np.unique(values, return_counts=True)[1]
    if len(counts) < 2:
        raise InvalidInput(
            f"The target '{name}' has one class only, '{spell(labels.classes[0])}'; "
            "a classifier needs two or more."
        )
    if counts.min() < 2:
        raise InvalidInput(
            f"Class '{spell(labels.classes[counts.argmin()])}' of the target '{name}' has only one "
            "row, so none can be held out; add rows of that class or remove this one."
        )


def _quantities(present: pl.Series, task: str) -> np.ndarray:
    if present.dtype == pl.String:
        odd = present.filter(present.cast(pl.Float64, strict=False).is_null())
        raise InvalidInput(
            f"The target '{present.name}' is text, for instance {odd[0]!r}, which is not a "
            f"quantity for --task {task}; use --task classification."
        )
    values = present.cast(pl.Float64).to_numpy()
    if task == "counts" and values.min() < 0:
        raise InvalidInput(
            f"The target '{present.name}' has a negative value, {values.min():g}, and counts have "
            "none; use --task regression."
        )
    return values
