"""Write files atomically.

The bytes are written to a temporary file in the same folder and flushed to the disk; only then is
it renamed to the destination. A reader sees either the old file or the new one, whole.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from chainrule.errors import UnwritablePath
from chainrule.storage.paths import path_of

__all__ = ["check_writable", "keep_text", "write_file"]


def write_file(path: str | os.PathLike[str], content: bytes | Iterable[bytes]) -> None:
    """Write a file, atomically.

    Parameters
    ----------
    path : str or path-like
        The destination, used as given. A link is followed; a device or pipe is written directly.
    content : bytes or iterable of bytes
        The whole content, or its parts in order.

    Raises
    ------
    UnwritablePath
        If the destination cannot be written; it is then unchanged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "note")
    ...     write_file(path, b"z = Wa + b")
    ...     path.read_bytes()
    b'z = Wa + b'
    """
    given = path_of(path)
    parts = (content,) if isinstance(content, bytes) else content
    try:
        if _is_stream(given):
            with open(given, "wb") as file:
                file.writelines(parts)
        else:
            _write_aside(_destination(given), parts)
    except (OSError, ValueError) as error:
        raise _unwritable(given, error) from error


def keep_text(text: str, path: str | os.PathLike[str] | None) -> str:
    """Write a text to a file, if there is a path, and return the text.

    Raises
    ------
    InvalidInput
        If the path is something else.
    UnwritablePath
        If the file cannot be written; it is then unchanged.
    """
    if path is not None:
        write_file(path, text.encode())
    return text


def check_writable(path: str | os.PathLike[str]) -> None:
    """Check that a file can be written, before work whose result would be lost.

    An empty temporary file is created next to it and removed again: the only check that also works
    for a read-only file system, a full quota, and for root.

    Parameters
    ----------
    path : str or path-like
        The destination. It is not touched.

    Raises
    ------
    UnwritablePath
        If it cannot be written, and why.
    """
    given = path_of(path)
    try:
        if _is_stream(given):
            return
        destination = _destination(given)
        if destination.exists() and not os.access(destination, os.W_OK):
            raise PermissionError(None, "it is write-protected")
        aside = _aside(destination)
        os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        aside.unlink()
    except (OSError, ValueError) as error:
        raise _unwritable(given, error) from error


def _is_stream(path: str) -> bool:
    """Return whether the path is a device or a pipe, which cannot be replaced."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _destination(path: str) -> Path:
    """Return the file to replace, links followed, once its folder is known to exist."""
    if not path:
        raise OSError(None, "the path is empty")
    destination = Path(os.path.realpath(path))
    folder = destination.parent
    if destination.is_dir() or path.endswith(os.sep):
        raise IsADirectoryError(None, "it is a folder; add a file name")
    if not folder.exists():
        raise FileNotFoundError(None, f"the folder '{folder}' does not exist; make it first")
    if not folder.is_dir():
        raise NotADirectoryError(None, f"'{folder}' is a file, not a folder")
    return destination


def _aside(destination: Path) -> Path:
    """Return the name of the temporary file; short, so that every destination can have one."""
    return destination.with_name(f".chainrule-{secrets.token_hex(6)}.part")


def _write_aside(destination: Path, parts: Iterable[bytes]) -> None:
    aside = _aside(destination)
    try:
        # O_EXCL: never follow a link that someone put there. 0o666 minus the umask, as open() does.
        with open(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), "wb") as file:
            if destination.exists():
                os.chmod(aside, stat.S_IMODE(destination.stat().st_mode))
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, destination)
    except BaseException:  # Ctrl-C must not leave the file behind either
        aside.unlink(missing_ok=True)
        raise
    # The new name is on disk only once the folder is. Some file systems cannot sync a folder.
    with contextlib.suppress(OSError):
        folder = os.open(destination.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _unwritable(path: str, error: Exception) -> UnwritablePath:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return UnwritablePath(f"Cannot write '{path}': {reason[:1].lower()}{reason[1:]}.")
