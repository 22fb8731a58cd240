"""``chainrule explain``: the working of a saved model on rows of a table."""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from chainrule.cli.console.exits import note
from chainrule.cli.console.output import as_json as as_json_text
from chainrule.cli.console.output import print_whole, writing
from chainrule.cli.console.reply import count
from chainrule.cli.models import network_of
from chainrule.cli.saved import Saved, inputs_of, open_model, refuse_to_overwrite_inputs
from chainrule.cli.tables.reading import USUAL, Cells, read_cells
from chainrule.cli.tables.spellings import Rules
from chainrule.cli.tables.target import has_target, known_target
from chainrule.errors import InvalidInput, InvalidParameter, UnwritablePath, unknown_name
from chainrule.storage import check_writable, write_file
from chainrule.working import Derivation
from chainrule.working import explain as show_working

__all__ = ["Choices", "explain"]

_SUFFIXES = {".html": "html", ".htm": "html", ".tex": "latex", ".md": "markdown", ".txt": "text"}
_FORMATS = ("html", "latex", "markdown", "text")
# How a working begins, whichever its format.
_STARTS = (
    b"<!doctype html>\n<!-- chainrule explain -->",
    b"% chainrule explain",
    b"# The working of ",
    b"The working of ",
)


@dataclass(frozen=True)
class Choices:
    """What to explain, as it was given on the command line."""

    model: str
    table: str
    rows: str
    nodes: Sequence[str]
    layers: Sequence[str]
    view: str
    orientation: str
    rules: Rules = USUAL


def explain(
    choices: Choices,
    output: str | None,
    form: str | None,
    force: bool,
    as_json: bool = False,
) -> None:
    """Show the working of a saved model on rows of a table.

    Parameters
    ----------
    choices : Choices
        The model, the table, and which part of it.
    output : str or None
        Where to; None is stdout.
    form : str or None
        One of the formats; None takes the one that `output` ends like, and text for stdout.
    force : bool
        Whether to overwrite a file that holds something else than a working.
    as_json : bool
        Whether stdout gets the numbers for scripts.

    Raises
    ------
    ChainruleError
        If something in them cannot be used; nothing is written then.
    """
    form = _format(output, form)
    if output is not None:
        _check_destination(output, choices, force)
    saved = open_model(choices.model, choices.rules)
    cells = read_cells(choices.table, saved.rules, saved.target)
    rows = _read_rows(choices.rows, cells.table.height, choices.table)
    cells = cells.of_rows(rows)
    table = cells.table
    inputs = inputs_of(saved, table, choices.table, rows)
    targets = _targets(saved, cells, choices.table, rows)
    derivation = show_working(
        saved.pipeline,
        inputs,
        targets,
        nodes=list(choices.nodes) or None,
        layers=[_read_layer(each) for each in choices.layers] or None,
        view=choices.view,
        orientation=choices.orientation,
    )
    content = _draw(derivation, form, output)
    if output is not None:
        with writing(output):
            write_file(output, content.encode())
    elif not as_json:
        print_whole(content)
    if as_json:
        about = {"model": choices.model, "table": choices.table, "rows": rows + 1, "output": output}
        numbers = _numbers(saved, inputs, targets)
        print_whole(as_json_text({**about, **numbers}) + "\n")


def _numbers(saved: Saved, inputs: pl.DataFrame, targets: Any) -> dict[str, Any]:
    """Return what the working shows, by the notes' names; the inputs are layer 1."""
    network: Any = network_of(saved.pipeline)
    prepared = saved.pipeline[:-1].transform(inputs)
    if targets is None:
        return {"h": network.network_(prepared)}
    last: Any = saved.pipeline[-1]
    if hasattr(last, "transformer_"):
        targets = last.transformer_.transform(np.reshape(targets, (-1, 1))).ravel()
    if getattr(network, "class_weight", None) == "balanced":
        network.set_params(class_weight=None)  # as in the working, which says so
    problem = network.gradient_problem(prepared, targets)
    trace = problem.net.trace(
        problem.X, problem.Y, problem.sample_weight, l2=problem.l2, l1=problem.l1
    )
    names = ("a", "z", "delta", "grad_weights", "grad_biases", "cost", "h")
    return {name: getattr(trace, name) for name in names}


def _draw(derivation: Derivation, form: str, output: str | None) -> str:
    if form == "text":
        here = output is None and sys.stdout.isatty()
        columns = shutil.get_terminal_size().columns if here else 96
        return derivation.text(min(max(columns, 60), 120))
    draw = {"html": derivation.html, "latex": derivation.latex, "markdown": derivation.markdown}
    return draw[form]()


def _format(output: str | None, form: str | None) -> str:
    if form is not None:
        if form not in _FORMATS:
            raise unknown_name("format", form, _FORMATS)
        return form
    if output is None:
        return "text"
    suffix = os.path.splitext(output)[1].lower()
    if suffix not in _SUFFIXES:
        raise InvalidParameter(
            f"'{output}' does not end in .html, .tex, .md or .txt; add --format with one of "
            f"{', '.join(_FORMATS)}."
        )
    return _SUFFIXES[suffix]


def _check_destination(output: str, choices: Choices, force: bool) -> None:
    check_writable(output)
    refuse_to_overwrite_inputs(output, choices.model, choices.table)
    if os.path.isfile(output) and not force and not _holds_a_working(output):
        raise UnwritablePath(
            f"'{output}' exists and holds something else than a working, so it is not "
            "overwritten; give another name with -o, or --force."
        )


def _holds_a_working(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(max(map(len, _STARTS)))
    except OSError:  # it can be replaced, but what it holds cannot be seen
        return False
    return not start or start.startswith(_STARTS)


def _read_rows(text: str, height: int, path: str) -> np.ndarray:
    """Return the rows that "3,17-19" names, counted from 0."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None:
            raise InvalidParameter(
                f"--row takes the number of a row, or a few such as 3,17-19; given: '{text}'."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= height:
            raise InvalidInput(
                f"'{path}' has no row{'s' if first != last else ''} {part.strip()}: its "
                f"{count(height, 'row')} {'is' if height == 1 else 'are'} counted from 1 to "
                f"{height}."
            )
        found += range(first - 1, last)
    return np.array(found)


def _read_layer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidParameter(f"--layer takes whole numbers from 2; given: '{text}'.") from None


def _targets(saved: Saved, cells: Cells, path: str, rows: np.ndarray) -> Any:
    """Return the rows' targets, or None with a note if there are none."""
    there = has_target(cells, saved.target, saved.labels)
    if not there.any():
        note(f"'{path}' has no value in '{saved.target}' there, so only the way forward is shown.")
        return None
    if not there.all():
        empty = int(rows[(~there).arg_true()[0]]) + 1
        raise InvalidInput(
            f"Row {empty} of '{path}' has no value in '{saved.target}', which the cost needs; "
            "leave it out of --row."
        )
    known = known_target(cells, saved.target, saved.task, saved.labels, path, saved.spelling)
    return known.values
