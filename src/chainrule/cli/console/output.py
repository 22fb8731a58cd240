"""What the command has written so far, so that it can say so when it is interrupted."""

import json
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.cli.console.exits import progress_of_output

__all__ = [
    "as_json",
    "ctrl_c_ends",
    "print_json",
    "print_parts",
    "print_whole",
    "to_stderr",
    "writing",
]


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


def print_parts(parts: Iterable[bytes]) -> None:
    """Print the result of a command, part by part.

    Parameters
    ----------
    parts : iterable of bytes
        In UTF-8.
    """
    progress_of_output.in_doubt = True
    sys.stdout.flush()
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.flush()


def print_json(result: Mapping[str, Any]) -> None:
    """Print the result of a command for a script: one JSON object, and nothing else.

    Parameters
    ----------
    result : mapping
        Numbers that are not finite become null.
    """
    print_whole(as_json(result, indent=2) + "\n")


def as_json(value: Any, indent: int | None = None) -> str:
    """Return JSON, with null for numbers that it cannot hold.

    Parameters
    ----------
    value : object
        Of plain values, NumPy's scalars and arrays, lists and mappings.
    indent : int, optional
        As of `json.dumps`.

    Returns
    -------
    str
    """
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)


@contextmanager
def to_stderr() -> Iterator[None]:
    """Send what libraries print to stderr: stdout is for results."""
    with redirect_stdout(sys.stderr):
        yield


@contextmanager
def ctrl_c_ends() -> Iterator[list[bool]]:
    """Let Ctrl-C end the command.

    As scikit-learn's, the estimators take it for the wish to keep what they have learned so far.
    """
    asked: list[bool] = []

    def interrupt(*_: object) -> None:
        asked.append(True)
        raise KeyboardInterrupt

    with _at_ctrl_c(interrupt):
        yield asked
    if asked:
        raise KeyboardInterrupt


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    asked = []
    with _at_ctrl_c(lambda *_: asked.append(True)):
        yield
    if asked:
        raise KeyboardInterrupt


@contextmanager
def _at_ctrl_c(handler: Callable[..., None]) -> Iterator[None]:
    """Handle Ctrl-C, except where it is ignored: a shell's background jobs are to keep running."""
    before = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if before is signal.SIG_IGN or not in_main_thread:  # only there it can be caught
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
