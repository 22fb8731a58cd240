"""Where an exporter writes to: a path, given by name or in the place of the rows."""

import os
from typing import Any

from chainrule.errors import InvalidInput, InvalidParameter
from chainrule.storage import check_writable, is_path, path_of

__all__ = ["destination"]


def destination(model: Any, X: Any, path: Any) -> tuple[Any, str | None]:
    """Return the rows and the path that an exporter was given, either of which may be None.

    ``to_c(model, "net.c")`` is what a hand writes by itself, so a path in the place of X is one.

    Raises
    ------
    InvalidInput
        If the path is something else, or stands before the model.
    InvalidParameter
        If there are two paths.
    UnwritablePath
        If the file could not be written: before the work, not after it.
    """
    if is_path(model):
        raise InvalidInput(f"The model comes first, then the path. Got {os.fspath(model)!r} first.")
    if isinstance(X, bytes) or hasattr(X, "write"):
        path_of(X)  # says what is needed
    if is_path(X):
        if path is not None:
            raise InvalidParameter(
                f"One path is needed. Got two, {os.fspath(X)!r} and {path!r}: X= takes rows for a "
                f"check."
            )
        X, path = None, X
    if path is None:
        return X, None
    name = path_of(path)
    check_writable(name)
    return X, name
