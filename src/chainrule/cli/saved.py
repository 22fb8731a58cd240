"""A saved model and a table: what the commands after the training share."""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from chainrule.cli.console.exits import note
from chainrule.cli.console.reply import count
from chainrule.cli.intervals import Interval, intervals
from chainrule.cli.metrics import Scores, outputs, score
from chainrule.cli.tables.inputs import Column, use_inputs
from chainrule.cli.tables.labels import Labels
from chainrule.cli.tables.reading import USUAL, read_cells, require_column
from chainrule.cli.tables.spellings import Rules, Spelling
from chainrule.cli.tables.target import Target, known_target
from chainrule.cli.tables.unseen_values import UnseenValues
from chainrule.errors import InvalidFile, UnwritablePath
from chainrule.files import read_model
from chainrule.network import Network
from chainrule.training import Learner

__all__ = [
    "Measured",
    "Saved",
    "inputs_of",
    "measure_on",
    "open_model",
    "read_known",
    "refuse_to_overwrite_inputs",
]


@dataclass(frozen=True)
class Saved:
    """A model with what the command noted about it."""

    pipeline: Pipeline
    task: str
    target: str
    columns: list[Column]
    rules: Rules  # what the user said of the cells, at training or now
    spelling: Spelling  # of the target
    left_out: list[str]
    labels: Labels | None  # of a classifier

    @property
    def known(self) -> set[str]:
        """The columns that the training table had, so that they are no surprise."""
        return {self.target, *self.left_out, *(column.name for column in self.columns)}

    @property
    def classes(self) -> Any:
        """The labels of a classifier, else None."""
        return None if self.labels is None else self.labels.classes


@dataclass(frozen=True)
class Measured:
    """A table with its target, and what a model says of its rows."""

    saved: Saved
    table: pl.DataFrame
    inputs: pl.DataFrame
    target: Target
    predicted: np.ndarray
    scores: Scores
    intervals: Mapping[str, Interval]

    @property
    def positions(self) -> np.ndarray:
        """The targets; of a classification, the positions of the labels among the classes."""
        return _positions(self.saved, self.target)


def measure_on(model_path: str, table_path: str, rules: Rules = USUAL) -> Measured:
    """Measure a saved model on the rows of a table that have the target.

    Parameters
    ----------
    model_path : str
        A file from ``chainrule train --model``.
    table_path : str
        A table with the model's input columns and its target.
    rules : Rules
        What the user says of the table's cells.

    Returns
    -------
    Measured

    Raises
    ------
    ChainruleError
        If something in them cannot be used.
    """
    saved = open_model(model_path, rules)
    table, target = read_known(saved, table_path)
    inputs = inputs_of(saved, table, table_path, target.rows)
    predicted = outputs(saved.pipeline, saved.task, inputs)
    scores = score(saved.task, target.values, predicted, saved.classes)
    found = intervals(scores, _positions(saved, target), predicted)
    return Measured(saved, table, inputs, target, predicted, scores, found)


def _positions(saved: Saved, target: Target) -> np.ndarray:
    if saved.classes is None:
        return target.values
    return np.searchsorted(saved.classes, target.values)


def read_known(saved: Saved, path: str) -> tuple[pl.DataFrame, Target]:
    """Read the rows of a table that have a model's target.

    Parameters
    ----------
    saved : Saved
        The model.
    path : str
        The table.

    Returns
    -------
    table : polars.DataFrame
        The rows that have it.
    target : Target

    Raises
    ------
    ChainruleError
        If it is not a table, has no such column, or no value in it.
    """
    cells = read_cells(path, saved.rules, saved.target)
    table = cells.table
    require_column(table, saved.target, path)
    target = known_target(cells, saved.target, saved.task, saved.labels, path, saved.spelling)
    missing = table.height - len(target.rows)
    if missing:
        have = "has" if missing == 1 else "have"
        note(
            f"{missing} of {count(table.height, 'row')} {have} no value in '{saved.target}': "
            "left out."
        )
    return table[target.rows], target


def refuse_to_overwrite_inputs(output: str, *inputs: str) -> None:
    """Refuse a destination that is one of a command's inputs.

    Parameters
    ----------
    output : str
        The destination.
    *inputs : str
        The files that are read.

    Raises
    ------
    UnwritablePath
        If it is one of them.
    """
    for path in inputs:
        if os.path.exists(path) and os.path.exists(output) and os.path.samefile(path, output):
            raise UnwritablePath(
                f"'{output}' is an input of this command, so it is not overwritten; "
                "give another name with -o."
            )


def open_model(path: str, rules: Rules = USUAL) -> Saved:
    """Read a model with what the command noted about it.

    Parameters
    ----------
    path : str
        A file from ``chainrule train --model``.
    rules : Rules
        What the user says of the cells of tables now.

    Returns
    -------
    Saved

    Raises
    ------
    MissingFile, InvalidFile
        If there is no such file, or it holds no such model.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pipeline, about = read_model(path)
    if isinstance(pipeline, Network | Learner):
        raise InvalidFile(
            f"'{path}' holds a {type(pipeline).__name__}, which knows neither the columns nor the "
            "labels of a table; use it in Python with cr.load, or give a file from "
            "`chainrule train --model`."
        )
    if any(issubclass(each.category, InconsistentVersionWarning) for each in caught):
        note(
            f"'{path}' was written with another version of scikit-learn; "
            "train again if its results look wrong."
        )
    try:
        if about is None:
            raise ValueError("no note about the model")
        columns = [Column.from_data(each, rules) for each in about["columns"]]
        target, task = str(about["target"]), str(about["task"])
        left_out = [str(name) for name in about.get("left_out", ())]
        classes: Any = pipeline.classes_ if task == "classification" else None
        labels = None if classes is None else Labels.of_model(classes, about)
        spelling = Spelling(**about.get("target_spelling", {})).under(rules)
        rules = rules.over(Rules.from_data(about.get("rules", {})))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidFile(
            f"'{path}' holds a model that `chainrule train` did not make, so its columns are not "
            "known; open it in Python with cr.load, or give a file from `chainrule train --model`."
        ) from error
    return Saved(pipeline, task, target, columns, rules, spelling, left_out, labels)


def inputs_of(
    saved: Saved, table: pl.DataFrame, path: str, rows: np.ndarray | None = None
) -> pl.DataFrame:
    """Take a model's input columns out of a table, and note what it has not seen in training.

    Parameters
    ----------
    saved : Saved
        The model.
    table : polars.DataFrame
        The table.
    path : str
        Where it is from, for messages.
    rows : ndarray, optional
        Where in that file the table's rows are, counted from 0.

    Returns
    -------
    polars.DataFrame
    """
    surprises = UnseenValues(saved.pipeline.steps[0][1], saved.known, path)
    inputs = use_inputs(next(surprises.of_tables(iter([table]))), saved.columns, path, rows)
    surprises.of_inputs(inputs)
    surprises.say(len(inputs))
    return inputs
