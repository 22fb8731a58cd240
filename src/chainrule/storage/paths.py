"""The paths of files that users give."""

import os
from typing import Any

from chainrule.errors import InvalidInput

__all__ = ["is_path", "path_of"]


def is_path(given: Any) -> bool:
    """Whether something is a path: a str, or path-like as a pathlib.Path.

    Examples
    --------
    >>> import pathlib
    >>> is_path("net.c"), is_path(pathlib.Path("net.c")), is_path([[0.5, 1.0]])
    (True, True, False)
    """
    return isinstance(given, str | os.PathLike)


def path_of(given: Any) -> str:
    """Return a path as text.

    Raises
    ------
    InvalidInput
        If it is something else, such as an open file.

    Examples
    --------
    >>> import pathlib
    >>> path_of(pathlib.Path("net.c"))
    'net.c'
    """
    if is_path(given):
        return os.fsdecode(given)
    what = "an open file" if hasattr(given, "write") else f"an object of {type(given).__name__}"
    raise InvalidInput(
        f"The path of a file is needed, as a str or a pathlib.Path. Got {what} instead."
    )
