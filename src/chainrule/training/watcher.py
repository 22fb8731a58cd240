"""What looks on while a network trains: now and then, without the engine hearing of each epoch."""

import math
from abc import ABC, abstractmethod

from chainrule.training.history import History

__all__ = ["Watcher"]


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
