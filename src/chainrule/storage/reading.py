"""Read a whole file that should be one of ours, with errors that say what is wrong with it."""

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO

from chainrule.errors import ChainruleError, InvalidFile, MissingFile, TooLarge
from chainrule.storage.paths import path_of

__all__ = ["checked_values", "damaged", "open_file", "read_file"]


@contextmanager
def open_file(
    path: str | os.PathLike[str], hint: str = "give a file that chainrule wrote"
) -> Generator[BinaryIO]:
    """Open a regular file.

    A device or a pipe could be endless, or never answer, so it is refused before it is opened.

    Parameters
    ----------
    path : str or path-like
        The file, used as given. A link is followed.
    hint : str
        The advice at the end of each error.

    Yields
    ------
    file object

    Raises
    ------
    MissingFile
        If the file does not exist.
    InvalidFile
        If it is a folder, a device or a pipe, or the system refuses to read it.
    """
    name = path_of(path)
    try:
        mode = os.stat(name).st_mode
        if stat.S_ISDIR(mode):
            raise InvalidFile(f"'{name}' is a folder, not a file; {hint}.")
        if not stat.S_ISREG(mode):
            raise InvalidFile(f"'{name}' is a device or a pipe, not a file; {hint}.")
        with open(name, "rb") as file:
            yield file
    except FileNotFoundError as error:
        raise MissingFile(f"There is no file '{name}'; {hint}.") from error
    except ChainruleError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte in it
        raise InvalidFile(f"'{name}' cannot be read ({error}); {hint}.") from error


def read_file(
    path: str | os.PathLike[str], hint: str = "give a file that chainrule wrote"
) -> bytearray:
    """Read a regular file into memory.

    Parameters
    ----------
    path, hint
        As for `open_file`.

    Returns
    -------
    bytearray
        The content, which the caller may change.

    Raises
    ------
    MissingFile, InvalidFile
        As `open_file`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "note")
    ...     _ = path.write_bytes(b"z = Wa + b")
    ...     read_file(path)
    bytearray(b'z = Wa + b')
    """
    with open_file(path, hint) as file:
        content = bytearray(os.fstat(file.fileno()).st_size)
        filled = file.readinto(content)  # pyright: ignore[reportAttributeAccessIssue]
        del content[filled:]
        content += file.read()  # it may have grown meanwhile
    return content


def damaged(name: str, reason: str) -> InvalidFile:
    """Make the error for a file whose content was changed, or contradicts itself.

    Examples
    --------
    >>> print(damaged("net", "it is cut short"))
    'net' is damaged and cannot be opened: it is cut short; take another copy or train again.
    """
    return InvalidFile(
        f"'{name}' is damaged and cannot be opened: {reason}; take another copy or train again."
    )


@contextmanager
def checked_values(name: str) -> Generator[None]:
    """Turn the error of a check of a value into one about the file that the value is from.

    Raises
    ------
    InvalidFile
        Instead of any other of our errors, except one about memory.
    """
    try:
        yield
    except (InvalidFile, TooLarge):
        raise
    except ChainruleError as error:
        text = " ".join(str(error).split())
        text = text if len(text) <= 300 else text[:297] + "..."
        raise damaged(name, text.rstrip(".")) from error
