"""Read a whole file that someone says is one of ours."""

import os
import stat

from chainrule.errors import InvalidFile, MissingFile

__all__ = ["read_file"]


def read_file(
    path: str | os.PathLike[str], hint: str = "give a file that chainrule wrote"
) -> bytearray:
    """Read a regular file into memory.

    A device or a pipe could be endless, or never answer, so it is refused before it is opened.

    Parameters
    ----------
    path : str or path-like
        The file, used as given. A link is followed.
    hint : str
        What to do, the end of each error's sentence.

    Returns
    -------
    bytearray
        The content, for its owner to do with as it likes.

    Raises
    ------
    MissingFile
        If there is no such file.
    InvalidFile
        If it is a folder, a device or a pipe, or the system refuses to read it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "note")
    ...     _ = path.write_bytes(b"z = Wa + b")
    ...     read_file(path)
    bytearray(b'z = Wa + b')
    """
    name = os.fspath(path)
    try:
        mode = os.stat(name).st_mode
        if stat.S_ISDIR(mode):
            raise InvalidFile(f"'{name}' is a folder, not a file; {hint}.")
        if not stat.S_ISREG(mode):
            raise InvalidFile(f"'{name}' is a device or a pipe, not a file; {hint}.")
        with open(name, "rb") as file:
            content = bytearray(os.fstat(file.fileno()).st_size)
            filled = file.readinto(content)
            del content[filled:]
            content += file.read()  # it may have grown meanwhile
    except FileNotFoundError as error:
        raise MissingFile(f"There is no file '{name}'; {hint}.") from error
    except InvalidFile:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte in it
        raise InvalidFile(f"'{name}' cannot be read ({error}); {hint}.") from error
    return content
