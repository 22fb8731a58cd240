"""``chainrule predict`` and ``chainrule evaluate``: a saved model on another table."""

import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from chainrule.cli.exits import note
from chainrule.cli.inputs import AS_TEXT, Column, say_unseen, unseen_texts, use_inputs
from chainrule.cli.metrics import measure
from chainrule.cli.output import print_whole, writing
from chainrule.cli.report import count, show_scores
from chainrule.cli.tables import read_table, require_column, to_csv
from chainrule.cli.target import known_labels, spell
from chainrule.errors import InvalidFile, UnwritablePath
from chainrule.files import read_model
from chainrule.network import Network
from chainrule.storage import check_writable, write_file
from chainrule.training import Learner

__all__ = ["Saved", "evaluate", "inputs_of", "open_model", "predict", "refuse_to_overwrite_inputs"]


_HEADER = b"prediction"


@dataclass(frozen=True)
class Saved:
    """A model with what the command noted about it."""

    pipeline: Pipeline
    task: str
    target: str
    columns: list[Column]
    text_columns: list[str]
    left_out: list[str]

    @property
    def known(self) -> set[str]:
        """The columns that the training table had, so that they are no surprise."""
        return {self.target, *self.left_out, *(column.name for column in self.columns)}

    @property
    def classes(self) -> Any:
        """The labels of a classifier, else None."""
        return self.pipeline.classes_ if self.task == "classification" else None


def predict(model_path: str, table_path: str, output: str | None, force: bool = False) -> None:
    """Write the predictions for a table as CSV.

    Parameters
    ----------
    model_path : str
        A file from ``chainrule train --model``.
    table_path : str
        A table with the model's input columns.
    output : str or None
        Where to; None is stdout.
    force : bool
        Whether to overwrite a file that holds something else than predictions.

    Raises
    ------
    ChainruleError
        If something in them cannot be used; nothing is written then.
    """
    if output is not None:
        check_writable(output)
        refuse_to_overwrite_inputs(output, model_path, table_path)
        if os.path.isfile(output) and not force and not _holds_predictions(output):
            raise UnwritablePath(
                f"'{output}' exists and holds something else than predictions, so it is not "
                "overwritten; give another name with -o, or --force."
            )
    saved = open_model(model_path)
    table = read_table(table_path, saved.text_columns)
    inputs = inputs_of(saved, table, table_path)
    columns = [pl.Series("prediction", saved.pipeline.predict(inputs))]
    if saved.task == "classification":
        probabilities = saved.pipeline.predict_proba(inputs)
        for label, column in zip(saved.classes, probabilities.T, strict=True):
            columns.append(pl.Series(f"probability_{spell(label)}", column))
    text = to_csv(pl.DataFrame(columns))
    if output is None:
        print_whole(text)
    else:
        with writing(output):
            write_file(output, text.encode())


def evaluate(model_path: str, table_path: str) -> None:
    """Report how good a saved model is on a table that has the target.

    Parameters
    ----------
    model_path : str
        A file from ``chainrule train --model``.
    table_path : str
        A table with the model's input columns and its target.

    Raises
    ------
    ChainruleError
        If something in them cannot be used.
    """
    saved = open_model(model_path)
    table = read_table(table_path, saved.text_columns)
    require_column(table, saved.target, table_path)
    target = known_labels(table[saved.target], saved.task, saved.classes, table_path)
    missing = table.height - len(target.rows)
    if missing:
        have = "has" if missing == 1 else "have"
        note(
            f"{missing} of {count(table.height, 'row')} {have} no value in '{saved.target}': "
            "left out."
        )
    inputs = inputs_of(saved, table[target.rows], table_path, target.rows)
    scores = measure(saved.pipeline, saved.task, inputs, target.values)
    show_scores(f"On the {count(len(target.values), 'row')} of {table_path}", {"network": scores})


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


def _holds_predictions(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(len(_HEADER) + 1)
    except OSError:  # it can be replaced, but what it holds cannot be seen
        return False
    return start in (b"", _HEADER) or (start[:-1] == _HEADER and start[-1:] in b",\r\n")


def open_model(path: str) -> Saved:
    """Read a model with what the command noted about it.

    Parameters
    ----------
    path : str
        A file from ``chainrule train --model``.

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
        columns = [Column(each["name"], each["kind"]) for each in about["columns"]]
        target, task = str(about["target"]), str(about["task"])
        left_out = [str(name) for name in about.get("left_out", ())]
        texts = [column.name for column in columns if column.kind in AS_TEXT]
        if about["target_is_text"]:
            texts.append(target)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFile(
            f"'{path}' holds a model that `chainrule train` did not make, so its columns are not "
            "known; open it in Python with cr.load, or give a file from `chainrule train --model`."
        ) from error
    return Saved(pipeline, task, target, columns, texts, left_out)


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
    inputs = use_inputs(table, saved.columns, path, rows)
    if unused := [name for name in table.columns if name not in saved.known]:
        more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
        listed = ", ".join(f"'{name}'" for name in unused[:5])
        note(f"'{path}' has columns that the model does not take; not used: {listed}{more}.")
    if unseen := unseen_texts(saved.pipeline.steps[0][1], inputs):
        note(say_unseen(unseen, len(inputs)))
    return inputs
