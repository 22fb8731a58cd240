"""The target column: the task it asks for, and its values as scikit-learn takes them."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.cli.tables import LARGEST
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

    @property
    def classes(self) -> np.ndarray:
        """The distinct labels."""
        return np.unique(self.values)


def read_target(column: pl.Series, task: str | None, path: str) -> Target:
    """Read the target column for training.

    Parameters
    ----------
    column : polars.Series
        The column.
    task : str or None
        One of `TASKS`, or None to guess it from the values.
    path : str
        Where the table is from, for messages.

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
    present = _simplify(column.drop_nulls(), path)
    guessed, why = _guess(present)
    chosen = task or guessed
    values = _labels(present) if chosen == "classification" else _quantities(present, chosen)
    if task is not None:
        why = "as --task says"
    return Target(column.name, chosen, why, values, rows, present.dtype == pl.String)


def known_labels(column: pl.Series, task: str, classes: np.ndarray | None, path: str) -> Target:
    """Read the target column of a table to evaluate a model on.

    Parameters
    ----------
    column : polars.Series
        The column; read as text if the model's labels are text.
    task : str
        The model's task.
    classes : ndarray or None
        The labels that a classifier knows.
    path : str
        Where the table is from, for messages.

    Returns
    -------
    Target

    Raises
    ------
    InvalidInput
        If a label is none of the classes, or values do not suit the task.
    """
    if classes is None:
        return read_target(column, task, path)
    if column.null_count() == len(column):
        raise InvalidInput(f"The target '{column.name}' of '{path}' has no values.")
    present = _simplify(column.drop_nulls(), path)
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
    return Target(column.name, task, "the model's", labels, rows, present.dtype == pl.String)


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
        beyond = column.filter(column.abs() > LARGEST)
        if len(beyond):
            what = "infinite" if math.isinf(beyond[0]) else f"{beyond[0]:g}, beyond {LARGEST:g},"
            raise InvalidInput(
                f"The target '{column.name}' of '{path}' is {what} in a row; "
                "correct or empty that cell."
            )
        whole = (column == column.round()) & (column.abs() < 2**53)
        return column.cast(pl.Int64) if whole.all() else column.cast(pl.Float64)
    if column.dtype.is_integer():
        return column.cast(pl.Int64)
    if column.dtype in (pl.String, pl.Boolean):
        return column
    raise InvalidInput(
        f"The target '{column.name}' of '{path}' holds values of type {column.dtype}; "
        "give a column of labels or numbers."
    )


def _guess(column: pl.Series) -> tuple[str, str]:
    if column.dtype == pl.String:
        return "classification", "the target is text"
    if column.dtype == pl.Boolean:
        return "classification", "the target is true or false"
    if column.dtype.is_float():
        return "regression", "the target has decimals"
    distinct = column.n_unique()
    if distinct <= MOST_CLASSES:
        return "classification", f"the target has only {distinct} different whole numbers"
    return "regression", f"the target has {distinct} different numbers"


def _labels(column: pl.Series) -> np.ndarray:
    if column.dtype.is_float():
        raise InvalidInput(
            f"The target '{column.name}' has decimals, for instance {column[0]!r}, which are no "
            "classes; use --task regression."
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
