"""``chainrule evaluate``: a model measured on a table that has the target."""

from chainrule.cli.console.reply import Reply, count, intervals_as_data
from chainrule.cli.intervals import how_intervals
from chainrule.cli.saved import measure_on
from chainrule.cli.tables.reading import USUAL
from chainrule.cli.tables.spellings import Rules

__all__ = ["evaluate"]


def evaluate(model_path: str, table_path: str, as_json: bool = False, rules: Rules = USUAL) -> None:
    """Report how good a saved model is on a table that has the target.

    Parameters
    ----------
    model_path : str
        A file from ``chainrule train --model``.
    table_path : str
        A table with the model's input columns and its target.
    as_json : bool
        Whether it is for scripts.
    rules : Rules
        What the user says of the table's cells.

    Raises
    ------
    ChainruleError
        If something in them cannot be used.
    """
    measured = measure_on(model_path, table_path, rules)
    reply = Reply(as_json)
    rows = len(measured.target.values)
    reply.facts(
        {},
        model=model_path,
        table=table_path,
        task=measured.saved.task,
        target=measured.saved.target,
        rows=rows,
        intervals=intervals_as_data(measured.intervals),
    )
    title = f"On the {count(rows, 'row')} of {table_path}"
    reply.scores(title, {"network": measured.scores}, measured.intervals)
    reply.say(how_intervals(measured.intervals, rows))
    reply.end()
