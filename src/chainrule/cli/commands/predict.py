"""``chainrule predict``: the predictions for a table, which may be larger than memory."""

import io
import os
import tempfile
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import polars as pl

from chainrule.cli.console.output import as_json, print_json, print_parts, writing
from chainrule.cli.saved import Saved, open_model, refuse_to_overwrite_inputs
from chainrule.cli.tables.batches import in_batches, read_batches
from chainrule.cli.tables.labels import spell
from chainrule.cli.tables.reading import USUAL
from chainrule.cli.tables.spellings import Rules
from chainrule.cli.tables.unseen_values import UnseenValues
from chainrule.errors import UnwritablePath
from chainrule.storage import check_writable, write_file

__all__ = ["predict"]

_HEADER = b"prediction"
_CELLS = 2**22  # prepared numbers that are in memory at a time
_MOST_ROWS = 2**16
_IN_MEMORY = 32 * 2**20  # bytes of predictions that need no file of their own
_PART = 2**20


def predict(
    model_path: str,
    table_path: str,
    output: str | None,
    force: bool = False,
    proba: bool = True,
    to_script: bool = False,
    rules: Rules = USUAL,
) -> None:
    """Write the predictions for a table as CSV.

    Parameters
    ----------
    model_path : str
        A file from ``chainrule train --model``.
    table_path : str
        A table with the model's input columns; "-" is standard input.
    output : str or None
        Where to; None is stdout.
    force : bool
        Whether to overwrite a file that holds something else than predictions.
    proba : bool
        Whether to add the probability of each class.
    to_script : bool
        Whether stdout gets JSON: the predictions, or with `output` what was written.
    rules : Rules
        What the user says of the table's cells.

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
    saved = open_model(model_path, rules)
    lines = to_script and output is None
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as aside:
        rows, columns = _predict_aside(aside, saved, table_path, proba, lines)
        aside.seek(0)
        about = {
            "model": model_path,
            "table": table_path,
            "target": saved.target,
            "rows": rows,
            "columns": columns,
        }
        if output is not None:
            with writing(output):
                write_file(output, _parts(aside))
            if to_script:
                print_json({**about, "output": output})
        elif to_script:
            start = as_json(about)[:-1]
            print_parts([f'{start}, "predictions": [\n'.encode(), *_parts(aside), b"\n]}\n"])
        else:
            print_parts(_parts(aside))


def _predict_aside(
    aside: IO[bytes], saved: Saved, path: str, proba: bool, lines: bool
) -> tuple[int, list[str]]:
    """Write the predictions into a file aside, as CSV or as JSON, line by line.

    Only when the last row has turned out to be in order does anything leave it.
    """
    surprises = UnseenValues(saved.pipeline.steps[0][1], saved.known, path)
    names = [column.name for column in saved.columns]
    tables = surprises.of_tables(read_batches(path, saved.rules, names))
    rows, columns = 0, list[str]()
    for inputs in in_batches(tables, saved.columns, path, _rows_at_once(saved)):
        surprises.of_inputs(inputs)
        found = _predictions(saved, inputs, proba)
        if lines:
            objects = (as_json(row) for row in found.iter_rows(named=True))
            text = ",\n".join(objects)
            aside.write((f",\n{text}" if rows else text).encode())
        else:
            buffer = io.BytesIO()
            found.write_csv(buffer, include_header=not rows)
            aside.write(buffer.getbuffer())
        rows, columns = rows + found.height, found.columns
    surprises.say(rows)
    return rows, columns


def _predictions(saved: Saved, inputs: pl.DataFrame, proba: bool) -> pl.DataFrame:
    prepared = saved.pipeline[:-1].transform(inputs)
    network: Any = saved.pipeline[-1]
    columns = [pl.Series("prediction", network.predict(prepared))]
    if saved.task == "classification" and proba:
        probabilities = network.predict_proba(prepared)
        for label, column in zip(saved.classes, probabilities.T, strict=True):
            columns.append(pl.Series(f"probability_{spell(label)}", np.ascontiguousarray(column)))
    return pl.DataFrame(columns)


def _rows_at_once(saved: Saved) -> int:
    steps: Any = saved.pipeline[:-1]
    width = len(steps.get_feature_names_out())
    return max(1, min(_MOST_ROWS, _CELLS // max(width, 1)))


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(_PART):
        yield part


def _holds_predictions(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(len(_HEADER) + 1)
    except OSError:  # it can be replaced, but what it holds cannot be seen
        return False
    return start in (b"", _HEADER) or (start[:-1] == _HEADER and start[-1:] in b",\r\n")
