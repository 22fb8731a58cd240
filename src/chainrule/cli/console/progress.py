"""A progress bar over the epochs of a training, as a scikit-learn callback."""

from collections.abc import Callable
from typing import Any

from chainrule.training.progress import Bar

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
        self._bar: Bar | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin, with the number of epochs as the length of the bar."""
        self._on_start()
        self._bar = Bar(context.max_subtasks, always=False)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing: an epoch counts when it is done."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Count an epoch, and those before a resumed fit; the fit as a whole is a task too."""
        if context.task_name != "epoch" or self._bar is None:
            return
        scores = getattr(estimator, "validation_scores_", None)
        self._bar.show(estimator.n_iter_, estimator.loss_, scores[-1] if scores else None)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing: the context manager ends the bar."""
