"""`cr.save` and `cr.load`: whatever can be kept, each in its kind of file."""

import os
from typing import Any

from sklearn.base import BaseEstimator

from chainrule.errors import InvalidInput
from chainrule.files.content import looks_like_tensors
from chainrule.files.model import HINT, open_model, write_model
from chainrule.network import Network
from chainrule.network.network_file import require_kind
from chainrule.storage import is_path, open_file, path_of, read_tensors
from chainrule.training import Learner

__all__ = ["load", "read_model", "save"]

_READERS = {"network": Network.from_parts, "learner": Learner.from_parts}


def save(model: Network | Learner | BaseEstimator, path: str | os.PathLike[str]) -> None:
    """Write a network, a learner, an estimator, or what scikit-learn puts around one to a file.

    That is a Pipeline, a search for parameters with its results, a TransformedTargetRegressor, an
    ensemble, a calibration. Where a ColumnTransformer chooses its columns by a function, such as a
    ``make_column_selector``, the file holds the columns that it chose, and so does what is opened.

    Parameters
    ----------
    model : Network, Learner or estimator
        The model, trained or not. Callbacks set on it are not saved.
    path : str or path-like
        The file, used as given, with any suffix or none. It is written whole or not at all.

    Raises
    ------
    InvalidInput
        If the model holds something that a file cannot, for instance a function of yours. Nothing
        is written then.
    UnwritablePath
        If the file cannot be written; the old one is then as it was.

    See Also
    --------
    load : Read it back.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], loss="squared_error")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cr.save(net, pathlib.Path(folder, "net"))
    ...     cr.load(pathlib.Path(folder, "net"))
    Network([2, 3, 1], activation='tanh', loss='squared_error', dtype='float32')
    """
    if is_path(model):
        raise InvalidInput(
            f"cr.save takes the model first and then the path: cr.save(model, {str(model)!r})."
        )
    if isinstance(model, Network | Learner):
        model.save(path)
    else:
        write_model(model, path)


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote.

    Nothing in the file is executed; only types on a written list are made. Predictions are
    the saved model's, bit for bit, and so are the next training steps.

    Parameters
    ----------
    path : str or path-like
        The file. Its kind is told by its content, not by its name.

    Returns
    -------
    Network, Learner, estimator or Pipeline

    Raises
    ------
    MissingFile
        If there is no such file.
    InvalidFile
        If it is no such file, is damaged, holds a foreign type, or is of a newer format.

    See Also
    --------
    save : Write one.
    """
    return read_model(path)[0]


def read_model(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any] | None]:
    """Read what `save` wrote, and what the command noted about it.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    model : Network, Learner, estimator or Pipeline
    about : dict or None
        As given to `write_model`; None when nothing was.

    Raises
    ------
    MissingFile, InvalidFile
        As `load`.
    """
    name = path_of(path)
    with open_file(name, HINT) as file:
        if not looks_like_tensors(file.read(16)):
            file.seek(0)
            return open_model(file, name)
    tensors, header = read_tensors(name)
    kind = require_kind(header, tuple(_READERS), name)
    return _READERS[kind](tensors, header, name), None
