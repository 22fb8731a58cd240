"""Write a whole file or nothing.

The bytes go into a file aside, in the same folder, reach the disk, and only then take the
destination's name. A reader sees the old file or the new one, never a half of either.
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
        If the destination cannot be written; it is then as it was before.

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
        If the file cannot be written; it is then as it was before.
    """
    if path is not None:
        write_file(path, text.encode())
    return text


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out whether a file could be written, before the work that would be lost.

    An empty file is made aside and removed again: the only answer that also holds for a
    read-only file system, a full quota, or for root.

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
    """Tell whether the path is a device or a pipe, which cannot be replaced."""
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
    """Name the file aside; short, so that any allowed destination has one."""
    return destination.with_name(f".chainrule-{secrets.token_hex(6)}.part")


def _write_aside(destination: Path, parts: Iterable[bytes]) -> None:
    aside = _aside(destination)
    try:
        # O_EXCL: never through a link that someone put there. 0o666: as open() would, less umask.
        with open(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), "wb") as file:
            if destination.exists():
                os.chmod(aside, stat.S_IMODE(destination.stat().st_mode))
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, destination)
    except BaseException:  # Ctrl-C too leaves nothing behind
        aside.unlink(missing_ok=True)
        raise
    # The new name is on disk only when the folder is. Some file systems cannot sync a folder.
    with contextlib.suppress(OSError):
        folder = os.open(destination.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _unwritable(path: str, error: Exception) -> UnwritablePath:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return UnwritablePath(f"Cannot write '{path}': {reason[:1].lower()}{reason[1:]}.")
