"""Ctrl-C, held back where it would leave an epoch half told.

The engines can be interrupted anywhere. What follows an epoch, callbacks above all, is short and
changes many things that belong together; interrupted there, a fit could not be kept.
"""

import signal
import threading
from types import FrameType
from typing import Any, Self, final

__all__ = ["DeferInterrupts"]


@final
class DeferInterrupts:
    """Holds Ctrl-C back while it is entered, except where it is let through.

    A second Ctrl-C is never held back. Where Ctrl-C is ignored, as in a background job of a shell,
    it stays ignored.

    Parameters
    ----------
    active : bool
        Whether to do anything at all. Only the main thread hears of signals; in others it does
        nothing either.

    Examples
    --------
    >>> import signal
    >>> from chainrule.training.interrupts import DeferInterrupts
    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> done = []
    >>> try:
    ...     with DeferInterrupts(active=True) as held:
    ...         signal.raise_signal(signal.SIGINT)
    ...         done.append("whole")
    ...         held.let_through()
    ...         done.append("more")
    ... except KeyboardInterrupt:
    ...     print(done)
    ['whole']
    >>> _ = signal.signal(signal.SIGINT, before)
    """

    def __init__(self, *, active: bool) -> None:
        self._active = active and threading.current_thread() is threading.main_thread()
        self._handler: Any = None
        self._waiting: tuple[int, FrameType | None] | None = None
        self._open = False

    def __enter__(self) -> Self:
        """Begin to hold back."""
        handler = signal.getsignal(signal.SIGINT) if self._active else None
        if callable(handler):
            self._handler = handler
            signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Let through what was held back, unless something else ends the fit."""
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            if kind is None:
                self.let_through()

    def let_through(self) -> None:
        """Let Ctrl-C through from now on, also one that was held back."""
        self._open = True
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._handler(*waiting)

    def hold(self) -> None:
        """Hold it back again."""
        self._open = False

    def _take(self, signum: int, frame: FrameType | None) -> None:
        if self._open or self._waiting is not None:
            self._handler(signum, frame)
        else:
            self._waiting = signum, frame
