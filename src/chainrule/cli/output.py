"""What the command has written so far, so that it can say so when it is interrupted."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrule.cli.exits import progress_of_output

__all__ = ["print_whole", "writing"]


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Let a file be written to its end, although the user presses Ctrl-C.

    Only then is it known, and said, whether it was written. A device or a pipe may wait forever
    for a reader, so it can be interrupted, and what arrived is not known.

    Parameters
    ----------
    path : str
        The destination.

    Raises
    ------
    KeyboardInterrupt
        Afterwards, if the user asked for it.
    """
    if Path(path).exists() and not Path(path).is_file():
        progress_of_output.in_doubt = True
        yield
        return
    with _ctrl_c_later():
        yield
        progress_of_output.files.append(path)


def print_whole(text: str) -> None:
    """Print the result of a command.

    Parameters
    ----------
    text : str
        All of it.
    """
    progress_of_output.in_doubt = True
    sys.stdout.write(text)
    sys.stdout.flush()


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only there it can be caught
        yield
        return
    asked = []
    before = signal.signal(signal.SIGINT, lambda *_: asked.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt
