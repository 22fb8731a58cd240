"""The path that an exporter writes to, given by name or in place of the rows."""

import os
from typing import Any

from chainrule.errors import InvalidInput, InvalidParameter
from chainrule.storage import check_writable, is_path, path_of

__all__ = ["destination"]


def destination(model: Any, X: Any, path: Any) -> tuple[Any, str | None]:
    """Return the rows and the path given to an exporter, either of which may be None.

    ``to_c(model, "net.c")`` is the natural call, so a path in place of X is accepted.

    Raises
    ------
    InvalidInput
        If the path is something else, or comes before the model.
    InvalidParameter
        If there are two paths.
    UnwritablePath
        If the file cannot be written; this is checked before the export.
    """
    if is_path(model):
        raise InvalidInput(f"The model comes first, then the path. Got {os.fspath(model)!r} first.")
    if isinstance(X, bytes) or hasattr(X, "write"):
        path_of(X)  # raises
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
