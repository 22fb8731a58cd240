"""What looks on at a fit, above all its progress: a bar or a line on stderr, with the time left."""

import importlib.util
import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, final

from chainrule.training.history import History

__all__ = ["Bar", "Progress", "Verbose", "Watcher"]

Verbose: TypeAlias = bool | int | str
"""False, True for a line per epoch on stdout, "bar" or "auto" for a bar on stderr."""

_A_TERMINAL_EVERY: Final = 0.1  # seconds
_A_FILE_EVERY: Final = 1.0


class Watcher(ABC):
    """Looks at a fit when its time has come, and at its end.

    Attributes
    ----------
    next_time : float
        When the engine is to come back for it, also inside an epoch, on the clock of
        ``time.monotonic``.
    """

    next_time: float = math.inf

    @abstractmethod
    def look(self, history: History, epochs_made: float) -> None:
        """Look at a fit that goes on, after so many epochs and a part of the next."""

    @abstractmethod
    def end(self, history: History) -> None:
        """Look at a fit that has come to its end."""

    def close(self) -> None:  # noqa: B027 - not everyone has something to put away
        """Put away what is shown, however the fit ended."""


@final
class Bar:
    """A bar on stderr: rich's on a terminal if it is installed, else a line that is written over.

    Where stderr is no terminal it gets a line a second, if that was asked for.

    Parameters
    ----------
    total : int
        Epochs at most.
    always : bool
        Whether to show it also where stderr is no terminal.
    """

    def __init__(self, total: int, *, always: bool) -> None:
        self._total = total
        self._stream = sys.stderr
        self._on_terminal = self._stream is not None and self._stream.isatty()
        self.is_shown = self._on_terminal or (always and self._stream is not None)
        self.every = _A_TERMINAL_EVERY if self._on_terminal else _A_FILE_EVERY
        self._begin = self._next = time.monotonic()
        self._first: float | None = None  # what was done when it was first shown
        self._width = 0
        self._rich: Any = None

    def __enter__(self) -> "Bar":
        """Do nothing: it begins when it is first shown."""
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the terminal as it was."""
        self.stop()

    def show(
        self, done: float, cost: float, validation: float | None = None, *, at_once: bool = False
    ) -> None:
        """Show how many epochs are done, with a part of the one that is going on.

        Not more often than the eye can follow.

        Parameters
        ----------
        done : float
        cost : float
            Of the last epoch; NaN if there is none.
        validation : float, optional
            The score on validation data.
        at_once : bool, default=False
            Whether to show it however short ago something else was shown.
        """
        if not self.is_shown or (time.monotonic() < self._next and not at_once):
            return
        self._next = time.monotonic() + self.every
        if self._first is None:
            self._first = math.floor(done)
        text = f"epoch {math.floor(done)} of {self._total}"
        text += "" if math.isnan(cost) else f", cost {cost:.4g}"
        text += "" if validation is None else f", validation {validation:.4g}"
        if self._first < done < self._total:
            elapsed = time.monotonic() - self._begin
            left = elapsed / (done - self._first) * (self._total - done)
            if math.isfinite(left):
                minutes, seconds = divmod(round(left), 60)
                text += f", {minutes}:{seconds:02} left"
        if not self._on_terminal:
            self._write(f"{text}\n")
        elif importlib.util.find_spec("rich") is None:
            self._write(f"\r{text:<{self._width}}")
            self._width = len(text)
        else:
            self._show_richly(done, text)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._rich is not None:
            self._rich.stop()
        elif self._on_terminal and self._width:
            self._write(f"\r{'':<{self._width}}\r")
        self.is_shown = False

    def _show_richly(self, done: float, text: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichBar

        if self._rich is None:
            columns = (BarColumn(), TextColumn("{task.description}", markup=False))
            console = Console(file=self._stream)
            self._rich = RichBar(*columns, console=console, transient=True, auto_refresh=False)
            self._rich.add_task(text, total=self._total)
            self._rich.start()
        task = self._rich.task_ids[0]
        self._rich.update(task, completed=done, description=text, refresh=True)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


@final
class Progress(Watcher):
    """Shows the bar of one fit of a learner.

    Parameters
    ----------
    bar : Bar
    callbacks : sequence of callable
        If one of them has ``scores`` of validation data, the last of them is shown.
    """

    def __init__(self, bar: Bar, callbacks: Sequence[Callable[..., Any]]) -> None:
        self._bar, self._callbacks = bar, callbacks
        self.next_time = time.monotonic() + bar.every

    def look(self, history: History, epochs_made: float) -> None:
        """Show how far it is."""
        self._show(history, epochs_made)
        self.next_time = time.monotonic() + self._bar.every

    def end(self, history: History) -> None:
        """Show the last epoch."""
        self._show(history, len(history), at_once=True)
        self.close()

    def _show(self, history: History, epochs_made: float, *, at_once: bool = False) -> None:
        cost = history[-1]["cost"] if history else math.nan
        scores = [scores for c in self._callbacks if (scores := getattr(c, "scores", None))]
        self._bar.show(epochs_made, cost, scores[0][-1] if scores else None, at_once=at_once)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()
