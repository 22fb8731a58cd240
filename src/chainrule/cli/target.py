"""The target column: the task it asks for, and its values as scikit-learn takes them."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.cli.kinds import Odd
from chainrule.cli.spellings import PLAIN, Spelling, read_as
from chainrule.cli.tables import LARGEST, called
from chainrule.errors import InvalidInput, unknown_name

__all__ = ["TASKS", "Target", "known_labels", "read_target", "spell"]

TASKS = ("classification", "regression", "counts")
MOST_CLASSES = 20  # more distinct whole numbers than that are taken as quantities


@dataclass(frozen=True)
class Target:
    """The target of a task: its values, which rows they are from, and why this task."""

    name: str
    task: str
    why: str
    values: np.ndarray
    rows: np.ndarray  # the rows that have a target
    is_text: bool
    guessed: bool  # the task, from the values

    @property
    def classes(self) -> np.ndarray:
        """The distinct labels."""
        return np.unique(self.values)


def read_target(column: pl.Series, task: str | None, path: str, odd: Odd | None = None) -> Target:
    """Read the target column for training.

    Parameters
    ----------
    column : polars.Series
        The column.
    task : str or None
        One of `TASKS`, or None to guess it from the values.
    path : str
        Where the table is from, for messages.
    odd : Odd, optional
        The cells that make text of it although it looks like numbers.

    Returns
    -------
    Target
        Without the rows in which it is missing.

    Raises
    ------
    UnknownName
        If there is no such task.
    InvalidInput
        If the values do not suit the task.
    """
    if task is not None and task not in TASKS:
        raise unknown_name("task", task, TASKS)
    if column.dtype == pl.Null or column.null_count() == len(column):
        raise InvalidInput(f"The target '{column.name}' of '{path}' has no values.")
    rows = column.is_not_null().arg_true().to_numpy()
    present = _simplify(column, path).drop_nulls()
    _refuse_stray_text(column, path, task, odd)
    guess, why = _guess(present)
    chosen = task or guess
    values = _labels(present) if chosen == "classification" else _quantities(present, chosen)
    is_text = present.dtype == pl.String
    return Target(column.name, chosen, why, values, rows, is_text, task is None)


def known_labels(
    column: pl.Series,
    task: str,
    classes: np.ndarray | None,
    path: str,
    spelling: Spelling = PLAIN,
) -> Target:
    """Read the target column of a table to evaluate a model on.

    Parameters
    ----------
    column : polars.Series
        The column.
    task : str
        The model's task.
    classes : ndarray or None
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
        If a label is none of the classes, or values do not suit the task.
    """
    if column.dtype == pl.String and (classes is None or classes.dtype.kind != "U"):
        column = read_as(column, "number", spelling)
    if classes is None:
        return read_target(column, task, path)
    if column.null_count() == len(column):
        raise InvalidInput(f"The target '{column.name}' of '{path}' has no values.")
    present = _simplify(column, path).drop_nulls()
    values = present.to_numpy()
    # Compared as text: an 'a' among numbers is an unknown label, not another type.
    spelled = {spell(label): label for label in classes}
    unknown = sorted({spell(value) for value in values} - set(spelled))
    if unknown:
        raise InvalidInput(
            f"The label '{unknown[0]}' in column '{column.name}' of '{path}' is no class of the "
            f"model; its classes are {_list(list(spelled))}."
        )
    labels = np.array([spelled[spell(value)] for value in values], dtype=classes.dtype)
    rows = column.is_not_null().arg_true().to_numpy()
    is_text = present.dtype == pl.String
    return Target(column.name, task, "the model's", labels, rows, is_text, guessed=False)


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


def _simplify(column: pl.Series, path: str) -> pl.Series:
    """Make whole floats integers, and refuse what is neither a label nor a number."""
    if column.dtype.is_float():
        beyond = (column.abs() > LARGEST).arg_true()
        if len(beyond):
            value = column[beyond[0]]
            what = "infinite" if math.isinf(value) else f"{value:g}, beyond {LARGEST:g},"
            raise InvalidInput(
                f"The target '{column.name}' of '{path}' is {what} in row {beyond[0] + 1}; "
                "correct or empty that cell."
            )
        whole = (column == column.round()) & (column.abs() < 2**53)
        return column.cast(pl.Int64) if whole.all() else column.cast(pl.Float64)
    if column.dtype.is_integer():
        for kind in (pl.Int64, pl.UInt64):
            cast = column.cast(kind, strict=False)
            if cast.null_count() == column.null_count():
                return cast
        return column.cast(pl.Float64)  # of 128 bits
    if column.dtype in (pl.String, pl.Boolean):
        return column
    raise InvalidInput(
        f"The target '{column.name}' of '{path}' holds {called(column)}; "
        "give a column of labels or numbers."
    )


def _refuse_stray_text(column: pl.Series, path: str, task: str | None, odd: Odd | None) -> None:
    """Refuse quantities among which a few cells are text, unless they are said to be classes."""
    if odd is None or task == "classification" or column.dtype != pl.String:
        return
    if task or column.n_unique() > MOST_CLASSES:
        missing = f", --missing '{odd.cell}' if it means that nothing is known"
        raise InvalidInput(
            f"The target '{column.name}' of '{path}' {odd.said()}; correct or empty what is not a "
            f"number{missing if odd.distinct == 1 else ''}, or add --task classification if all "
            "are names."
        )


def _guess(column: pl.Series) -> tuple[str, str]:
    if column.dtype == pl.String:
        return "classification", "the target is text"
    if column.dtype == pl.Boolean:
        return "classification", "the target is true or false"
    if column.dtype.is_float():
        return "regression", "the target has decimals or very large numbers"
    distinct = column.n_unique()
    if distinct <= MOST_CLASSES:
        return "classification", f"the target has only {distinct} different whole numbers"
    return "regression", f"the target has {distinct} different numbers"


def _labels(column: pl.Series) -> np.ndarray:
    if column.dtype.is_float():
        odd = column.filter((column != column.round()) | (column.abs() >= 2**53))[0]
        raise InvalidInput(
            f"The target '{column.name}' has decimals or very large numbers, for instance {odd}, "
            "which are no classes; use --task regression."
        )
    values = column.to_numpy()
    labels = values.astype(str) if column.dtype == pl.String else values
    names, counts = np.unique(labels, return_counts=True)
    if len(names) < 2:
        raise InvalidInput(
            f"The target '{column.name}' has one class only, '{spell(names[0])}'; "
            "a classifier needs two or more."
        )
    if counts.min() < 2:
        raise InvalidInput(
            f"Class '{spell(names[counts.argmin()])}' of the target '{column.name}' has only one "
            "row, so none can be held out; add rows of that class or remove this one."
        )
    return labels


def _quantities(column: pl.Series, task: str) -> np.ndarray:
    if column.dtype == pl.String:
        raise InvalidInput(
            f"The target '{column.name}' is text, for instance {column[0]!r}, which is no "
            f"quantity for --task {task}; use --task classification."
        )
    values = column.cast(pl.Float64).to_numpy()
    if task == "counts" and values.min() < 0:
        raise InvalidInput(
            f"The target '{column.name}' has a negative value, {values.min():g}, and counts have "
            "none; use --task regression."
        )
    return values


def _list(names: list[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{name}'" for name in names[:most]) + more
