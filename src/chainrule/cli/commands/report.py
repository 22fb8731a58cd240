"""From a model and a table to the page: what is measured, in which order it is shown."""

import hashlib
import os
from pathlib import Path

from chainrule.cli.console.output import writing
from chainrule.cli.console.reply import Reply, intervals_as_data, scores_as_data
from chainrule.cli.description import training_of
from chainrule.cli.intervals import how_intervals
from chainrule.cli.models import network_of
from chainrule.cli.page import sections
from chainrule.cli.page.html import START, page
from chainrule.cli.page.importance import importances
from chainrule.cli.saved import measure_on, refuse_to_overwrite_inputs
from chainrule.cli.tables.reading import USUAL
from chainrule.cli.tables.spellings import Rules
from chainrule.displays.style import pyplot
from chainrule.errors import UnwritablePath
from chainrule.storage import check_writable, write_file

__all__ = ["report"]


def report(
    model_path: str,
    table_path: str,
    output: str,
    force: bool = False,
    as_json: bool = False,
    rules: Rules = USUAL,
) -> None:
    """Write one self-contained web page on a model and how it does on a table.

    Parameters
    ----------
    model_path : str
        A file from ``chainrule train --model``.
    table_path : str
        A table with the model's input columns and its target.
    output : str
        Where to.
    force : bool
        Whether to overwrite a file that holds something else than a report.
    as_json : bool
        Whether it is for scripts.
    rules : Rules
        What the user says of the table's cells.

    Raises
    ------
    ChainruleError
        If something in them cannot be used; nothing is written then.
    """
    pyplot()  # without matplotlib there is no report
    check_writable(output)
    refuse_to_overwrite_inputs(output, model_path, table_path)
    if os.path.isfile(output) and not force and not _holds_a_report(output):
        raise UnwritablePath(
            f"'{output}' exists and holds something else than a report, so it is not overwritten; "
            "give another name with -o, or --force."
        )
    measured = measure_on(model_path, table_path, rules)
    rows = len(measured.target.values)
    network = network_of(measured.saved.pipeline)
    importance = importances(measured)
    title = f"{Path(model_path).name}: how it predicts {measured.saved.target}"
    parts = [
        sections.summary(measured, table_path),
        sections.metrics(measured, how_intervals(measured.intervals, rows)),
        sections.confusion(measured) if measured.saved.classes is not None else "",
        sections.residuals(measured) if measured.saved.classes is None else "",
        sections.calibration(measured),
        sections.importance(importance),
        sections.curves(network),
        sections.data(measured, table_path),
        sections.network(measured, network, training_of(network)),
    ]
    digest = hashlib.sha256(Path(model_path).read_bytes()).hexdigest()
    content = page(title, parts, f"{model_path}, sha256 {digest}")
    with writing(output):
        write_file(output, content.encode())
    reply = Reply(as_json)
    reply.say(
        f"Wrote {output}: {len(content) / 1e6:.1f} MB, open it in a browser.",
        output=output,
        model=model_path,
        table=table_path,
        task=measured.saved.task,
        rows=rows,
        scores={"network": scores_as_data(measured.scores)},
        intervals=intervals_as_data(measured.intervals),
        importance=[
            {"column": name, "mean": mean, "deviation": deviation}
            for name, mean, deviation in importance.columns
        ],
    )
    reply.end()


def _holds_a_report(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(len(START))
    except OSError:  # it can be replaced, but what it holds cannot be seen
        return False
    return start in (b"", START.encode())
