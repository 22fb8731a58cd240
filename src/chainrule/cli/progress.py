"""A progress bar over the epochs of a training, as a scikit-learn callback."""

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

__all__ = ["Progress"]


class Progress:
    """Show the epochs of a training on stderr, if that is a terminal.

    Use it as a context manager around ``fit``, so that the terminal is restored whatever happens.

    Parameters
    ----------
    on_start : callable
        Called when the network is made and its training begins, before the bar is shown.
    """

    def __init__(self, on_start: Callable[[], None]) -> None:
        self._on_start = on_start
        console = Console(stderr=True)
        columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("training", total=None)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin, with the number of epochs as the length of the bar."""
        self._on_start()
        self._bar.start()
        self._bar.update(self._task, total=context.max_subtasks)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing: an epoch counts when it is done."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Count an epoch, and those before a resumed fit; the fit as a whole is a task too."""
        if context.task_name == "epoch":
            self._bar.update(self._task, completed=estimator.n_iter_)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing: the context manager ends the bar."""
