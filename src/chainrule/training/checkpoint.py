"""Checkpoints: how far a training is, in a file, so that no crash costs more than a moment.

A checkpoint holds all that decides the next bit: the parameters, the optimizer's memory, the
counters, also inside an epoch, the memory of the convergence rule and of callbacks, the history;
and what the training is (`identity`). Randomness needs no place in it, since it is computed from
the counters.
"""

import contextlib
import math
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

from numpy.typing import NDArray

from chainrule.architecture.checks import check_number, check_whole
from chainrule.calls import level_of_the_user
from chainrule.errors import (
    ChainruleError,
    CheckpointMismatch,
    CheckpointWarning,
    InvalidFile,
    InvalidParameter,
    MissingFile,
)
from chainrule.network.network_file import require_kind
from chainrule.storage import check_writable, read_file, read_tensors, write_file, write_tensors
from chainrule.training.identity import Identity, difference, plain

__all__ = [
    "Checkpoint",
    "CheckpointWriter",
    "Saved",
    "as_checkpoint",
    "mismatch",
    "read_checkpoint",
]

KIND: Final = "checkpoint"

Tensors = dict[str, NDArray[Any]]


@final
@dataclass(frozen=True)
class Checkpoint:
    """Where and how often a training is written to a file.

    It is written aside and renamed, so that a crash leaves a whole one, and the one before is kept
    beside it, with ``.previous`` after its name, in case the disk damages it. That other data are
    refused costs reading every value of X, Y and the weights once a fit: about a second a gigabyte.

    Parameters
    ----------
    path : str or path-like
        The file, used as given, with any suffix or none.
    every_epochs : int, optional
        Write it after so many epochs each.
    every_seconds : float or None, default=60.0
        Write it after so many seconds each, also inside an epoch; None never does. It is written
        at the end, at Ctrl-C and when time is up in any case.
    about : mapping, optional
        What else must be as it was for a training to go on, for instance
        ``{"table": "2024-05", "features": 3}``: names with numbers or text.

    Raises
    ------
    InvalidParameter
        If the path is none, or a number is outside its interval.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import chainrule as cr
    >>> X, Y = [[0.0], [1.0]], [1.0, 3.0]
    >>> def train(epochs, folder):
    ...     learner = cr.Learner(cr.Network([1, 3, 1], loss="squared_error"), cr.Adam(0.1))
    ...     checkpoint = cr.Checkpoint(pathlib.Path(folder, "run.ckpt"), every_epochs=5)
    ...     learner.fit(X, Y, epochs=epochs, checkpoint=checkpoint, resume=True)
    ...     return learner.net.theta.tolist()
    >>> with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
    ...     _ = train(12, one)  # and then on to 20, with the bits of 20 at once
    ...     train(20, one) == train(20, other)
    True
    """

    path: str | os.PathLike[str]
    every_epochs: int | None = None
    every_seconds: float | None = 60.0
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the settings."""
        if not isinstance(self.path, str | os.PathLike):
            raise InvalidParameter(
                f"checkpoint must be a path or a cr.Checkpoint. Got {self.path!r} instead."
            )
        if self.every_epochs is not None:
            check_whole("every_epochs", self.every_epochs)
        if self.every_seconds is not None:
            check_number("every_seconds", self.every_seconds)
        if not isinstance(self.about, Mapping):
            raise InvalidParameter(f"about must be a mapping of names. Got {self.about!r} instead.")
        plain(self.about)


def as_checkpoint(given: Any, resume: bool) -> Checkpoint | None:
    """Return a checkpoint for a path, or as it is; None for None.

    Raises
    ------
    InvalidParameter
        If it is something else, or if a training is to be resumed from nowhere.
    """
    if given is None:
        if resume:
            raise InvalidParameter(
                "resume=True goes on from a checkpoint, and there is none: give "
                "checkpoint='run.ckpt' too, or resume=False."
            )
        return None
    return given if isinstance(given, Checkpoint) else Checkpoint(given)


@final
@dataclass(frozen=True)
class Saved:
    """The content of a checkpoint's file, and which file that was.

    Attributes
    ----------
    tensors, header
        As `read_tensors` returns them.
    name : str
        The file's name: that of the checkpoint, or of the one before.
    """

    tensors: Tensors
    header: dict[str, Any]
    name: str


def read_checkpoint(path: str | os.PathLike[str], *, quiet: bool = False) -> Saved | None:
    """Return what a checkpoint holds, or the one before it if it is damaged; None without a file.

    Parameters
    ----------
    path : str or path-like
        The file.
    quiet : bool, default=False
        Whether not to warn that it is the one before.

    Raises
    ------
    InvalidFile
        If both are damaged, or it is a file of another kind.
    """
    name = os.fspath(path)
    try:
        return _read(name)
    except MissingFile:
        return None
    except InvalidFile as error:
        try:
            before = _read(_previous(name))
        except (MissingFile, InvalidFile):
            raise error from None
        reason = str(error).partition("; take another")[0].rstrip(".")
        if not quiet:
            warnings.warn(
                f"{reason}. The training goes on from the checkpoint before, '{before.name}'.",
                CheckpointWarning,
                stacklevel=level_of_the_user(),
            )
        return before


def _read(name: str) -> Saved:
    tensors, header = read_tensors(name)
    require_kind(header, (KIND,), name)
    return Saved(tensors, header, name)


def _previous(name: str) -> str:
    """Return the name of the checkpoint before; links are followed as for the file itself."""
    return f"{os.path.realpath(name)}.previous"


@final
class CheckpointWriter:
    """Writes the checkpoints of one fit, when they are due; a failure is a warning, and only one.

    Parameters
    ----------
    checkpoint : Checkpoint
    identity : dict
        What the training is.
    """

    def __init__(self, checkpoint: Checkpoint, identity: Identity) -> None:
        self.path = os.fspath(checkpoint.path)
        self.identity = identity
        self._every_epochs = checkpoint.every_epochs
        every_seconds = checkpoint.every_seconds
        self._every_seconds = math.inf if every_seconds is None else every_seconds
        self._warned = False
        self._is_good = False  # whether the file there is worth to be kept
        self._file = _file_at(self.path)  # the one that it began with, or wrote
        self._shared = False
        self.wait(0)

    def require_place(self) -> None:
        """Raise unless a checkpoint can be written here, over nothing but a checkpoint.

        Raises
        ------
        UnwritablePath, InvalidParameter
            If it cannot. Nothing is written.
        """
        check_writable(self.path)
        if os.path.isfile(self.path) and os.path.getsize(self.path):
            try:
                _read(self.path)
                self._is_good = True
            except InvalidFile as error:
                raise InvalidParameter(
                    f"'{self.path}' exists and is no checkpoint that could be replaced: give "
                    f"another name, or delete it. ({error})"
                ) from None

    def read(self) -> Saved | None:
        """Return the checkpoint to go on from, if there is one.

        Raises
        ------
        InvalidFile
            If it is damaged, and the one before too.
        CheckpointMismatch
            If it is of another training.
        """
        saved = read_checkpoint(self.path)
        if saved is None:
            return None
        identity = saved.header.get("identity")
        other = difference(identity if isinstance(identity, dict) else {}, self.identity)
        if other is not None:
            raise mismatch(saved.name, other)
        self._is_good = saved.name == self.path
        return saved

    def wait(self, n_epochs: int) -> None:
        """Count epochs and seconds to the next checkpoint from now on."""
        self._epochs_then, self._last = n_epochs, time.monotonic()

    @property
    def next_time(self) -> float:
        """When the next one is due at the latest, on the clock of ``time.monotonic``."""
        return self._last + self._every_seconds

    def epochs_left(self, n_epochs: int) -> float:
        """How many epochs there are before the next one is due."""
        if self._every_epochs is None:
            return math.inf
        return self._epochs_then + self._every_epochs - n_epochs

    def is_due(self, n_epochs: int) -> bool:
        """Whether it is time for one."""
        return self.epochs_left(n_epochs) <= 0 or time.monotonic() >= self.next_time

    def save(self, tensors: Tensors, header: dict[str, Any], n_epochs: int) -> None:
        """Write a checkpoint and keep the one before; warn if that fails, and go on."""
        self._look_for_another()
        try:
            if self._is_good:
                _keep(self.path)
            write_tensors(self.path, tensors, {"kind": KIND, "identity": self.identity, **header})
            self._is_good = True
            self._file = _file_at(self.path)
        except (ChainruleError, OSError, MemoryError) as error:
            self._warn(str(error) or type(error).__name__)
        self.wait(n_epochs)

    def _look_for_another(self) -> None:
        """Warn, once, if another training writes its checkpoints to the same file."""
        there = _file_at(self.path)
        if there not in (None, self._file) and not self._shared:
            self._shared = True
            warnings.warn(
                f"'{self.path}' was written by another training since this one last did so, and "
                f"is replaced: give each training a file of its own, or neither can be resumed.",
                CheckpointWarning,
                stacklevel=level_of_the_user(),
            )

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"The checkpoint could not be written: {reason} The training goes on, and what was "
                f"written before stays.",
                CheckpointWarning,
                stacklevel=level_of_the_user(),
            )


def _file_at(path: str) -> tuple[int, int] | None:
    """Return what tells the file at a path from any that replaces it; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def mismatch(name: str, what: str) -> CheckpointMismatch:
    """Make the error for a checkpoint of another training."""
    return CheckpointMismatch(
        f"'{name}' is the checkpoint of another training: {what}. Go on as it was, give another "
        f"file, or do not resume, which starts anew over it."
    )


def _keep(name: str) -> None:
    """Give the checkpoint that will be replaced a second name, under which it stays.

    There is one under its own name at every moment, so that a crash in between costs nothing.
    """
    current, previous = os.path.realpath(name), _previous(name)
    if not os.path.isfile(current):
        return
    aside = f"{previous}.part"
    with contextlib.suppress(OSError, ChainruleError):  # a second copy is welcome, but no more
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(aside)
            os.link(current, aside)
            os.replace(aside, previous)
        except OSError:  # a file system without links
            write_file(previous, bytes(read_file(current)))
