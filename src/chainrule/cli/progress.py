"""A progress bar over the epochs of a training, as a scikit-learn callback."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

__all__ = ["Progress"]


class Progress:
    """Show the epochs of a training on stderr, if that is a terminal.

    Use it as a context manager around ``fit``, so that the terminal is restored whatever happens.
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("training", total=None)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def setup(self, estimator: Any, context: Any) -> None:
        """Take the number of epochs as the length of the bar."""
        self._bar.update(self._task, total=context.max_subtasks)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing: an epoch counts when it is done."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Count an epoch."""
        if context.parent is not None:
            self._bar.advance(self._task)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing: the context manager ends the bar."""
