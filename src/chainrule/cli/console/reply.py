"""The report on stdout, as rich tables."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chainrule.cli.console.output import print_json
from chainrule.cli.digits import number
from chainrule.cli.intervals import Interval
from chainrule.cli.metrics import Scores

__all__ = [
    "Reply",
    "count",
    "intervals_as_data",
    "metric_key",
    "say",
    "scores_as_data",
    "show_examples",
    "show_facts",
    "show_scores",
    "show_table",
]

_LOWER_IS_BETTER = ("log loss", "deviance", "MAE", "RMSE")


def say(sentence: str) -> None:
    """Print a sentence, as it is.

    Parameters
    ----------
    sentence : str
        The text.
    """
    sys.stdout.write(f"{sentence}\n")


def count(number: int, what: str) -> str:
    """Return a number of things, with an s for any but one.

    Parameters
    ----------
    number : int
        How many.
    what : str
        One of them.

    Returns
    -------
    str
    """
    return f"{number} {what}{'' if number == 1 else 's'}"


def show_facts(facts: Mapping[str, str]) -> None:
    """Print what was done, a line each.

    Parameters
    ----------
    facts : mapping of str to str
        What each line is about, and what it says.
    """
    for name, fact in facts.items():
        say(f"{name:<10}{fact}")
    sys.stdout.flush()  # a training may follow: who reads a pipe or a log should see this before


def show_scores(
    title: str,
    scores: Mapping[str, Scores],
    intervals: Mapping[str, Interval] | None = None,
) -> None:
    """Print the metrics of some models under each other.

    Parameters
    ----------
    title : str
        Over the table.
    scores : mapping of str to Scores
        By the name of the model.
    intervals : mapping of str to Interval, optional
        Of the metrics of the last model.
    """
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("")
    metrics = next(iter(scores.values())).metrics
    for metric in metrics:
        arrow = "↓" if metric in _LOWER_IS_BETTER else "↑"
        table.add_column(f"{metric} {arrow}", justify="right")
    for name, each in scores.items():
        table.add_row(name, *(number(value) for value in each.metrics.values()))
    if intervals:
        found = [intervals.get(metric) for metric in metrics]
        table.add_row("95 % from", *("-" if each is None else number(each.low) for each in found))
        table.add_row("to", *("-" if each is None else number(each.high) for each in found))
    _print(table)


@final
class Reply:
    """What a command tells: at once for people, or at its end, as one JSON object, for scripts.

    Parameters
    ----------
    as_json : bool
        Whether it is for scripts.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.result: dict[str, Any] = {}

    def facts(self, facts: Mapping[str, str], **data: Any) -> None:
        """Tell what was done, a line each; `data` is the same for scripts."""
        self.result.update(data)
        if not self.as_json:
            show_facts(facts)

    def say(self, sentence: str, **data: Any) -> None:
        """Tell a sentence."""
        self.result.update(data)
        if not self.as_json:
            say(sentence)

    def scores(
        self,
        title: str,
        scores: Mapping[str, Scores],
        intervals: Mapping[str, Interval] | None = None,
    ) -> None:
        """Tell the metrics of some models, perhaps with their intervals."""
        self.result["scores"] = {
            name.replace(" ", "_"): scores_as_data(each) for name, each in scores.items()
        }
        if not self.as_json:
            show_scores(title, scores, intervals)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], **data: Any) -> None:
        """Tell a table."""
        self.result.update(data)
        if not self.as_json:
            show_table(header, rows)

    def end(self) -> None:
        """Tell scripts all of it."""
        if self.as_json:
            print_json(self.result)


def scores_as_data(scores: Scores) -> dict[str, float]:
    """Return metrics under names for scripts.

    Parameters
    ----------
    scores : Scores
        Of a model.

    Returns
    -------
    dict of str to float
    """
    return {metric_key(name): value for name, value in scores.metrics.items()}


def intervals_as_data(intervals: Mapping[str, Interval]) -> dict[str, dict[str, Any]]:
    """Return intervals under names for scripts.

    Parameters
    ----------
    intervals : mapping of str to Interval
        By the name of the metric.

    Returns
    -------
    dict
    """
    return {metric_key(name): asdict(each) for name, each in intervals.items()}


def metric_key(name: str) -> str:
    """Return the name of a metric for scripts, such as "balanced_accuracy" and "r2".

    Parameters
    ----------
    name : str
        As people read it.

    Returns
    -------
    str
    """
    return name.lower().replace(" ", "_").replace("²", "2")


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table.

    Parameters
    ----------
    header : sequence of str
        Over the columns; those after the first are numbers if they begin with a space.
    rows : sequence of sequence of str
        The cells.
    """
    table = Table(box=box.SIMPLE_HEAD)
    for name in header:
        table.add_column(Text(name.strip()), justify="right" if name[:1] == " " else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _print(table)


def show_examples(rows: Sequence[tuple[str, str, str]]) -> None:
    """Print the bundled tables.

    Parameters
    ----------
    rows : sequence of (name, size, what it is)
        The tables.
    """
    table = Table("name", "size", "what it is", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*row)
    _print(table)


def _print(table: Table) -> None:
    # Captured first: rich would end the process by itself when the reader of a pipe has gone.
    console = Console(highlight=False)
    with console.capture() as capture:
        console.print(table)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    say("\n".join(line for line in lines if line))
