"""The report on stdout, as rich tables."""

import math
import sys
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chainrule.cli.metrics import Scores

__all__ = ["count", "say", "show_examples", "show_facts", "show_scores"]

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


def show_scores(title: str, scores: Mapping[str, Scores]) -> None:
    """Print the metrics of some models under each other.

    Parameters
    ----------
    title : str
        Over the table.
    scores : mapping of str to Scores
        By the name of the model.
    """
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("")
    metrics = next(iter(scores.values())).metrics
    for metric in metrics:
        arrow = "↓" if metric in _LOWER_IS_BETTER else "↑"
        table.add_column(f"{metric} {arrow}", justify="right")
    for name, each in scores.items():
        table.add_row(name, *(_number(value) for value in each.metrics.values()))
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


def _number(value: float) -> str:
    """Return four digits, without an exponent for everyday sizes."""
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.4g}"


def _print(table: Table) -> None:
    # Captured first: rich would end the process by itself when the reader of a pipe has gone.
    console = Console(highlight=False)
    with console.capture() as capture:
        console.print(table)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    say("\n".join(line for line in lines if line))
