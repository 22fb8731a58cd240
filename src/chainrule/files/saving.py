"""`cr.save` and `cr.load`: every kind of model, each in its kind of file."""

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
    """Write a network, a learner, an estimator, or a scikit-learn model around one to a file.

    That is a Pipeline, a parameter search with its results, a TransformedTargetRegressor, an
    ensemble, a calibration. If a ColumnTransformer chooses its columns by a function, such as a
    ``make_column_selector``, the file, and the model read from it, has the chosen columns instead.

    Parameters
    ----------
    model : Network, Learner or estimator
        The model, trained or not. Callbacks set on it are not saved.
    path : str or path-like
        The file, used as given, with any suffix or none. It is written atomically.

    Raises
    ------
    InvalidInput
        If the model holds something that a file cannot, for instance your own function. Nothing
        is written then.
    UnwritablePath
        If the file cannot be written; the old one is then unchanged.

    See Also
    --------
    load : The inverse.

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
    """Read a file that `save` wrote.

    No code in the file is executed; only types on a fixed list are made. Predictions are
    those of the saved model, bit for bit, and so are the next training steps.

    Parameters
    ----------
    path : str or path-like
        The file. Its kind is recognized by its content, not by its name.

    Returns
    -------
    Network, Learner, estimator or Pipeline

    Raises
    ------
    MissingFile
        If the file does not exist.
    InvalidFile
        If it is not such a file, is damaged, holds a foreign type, or is of a newer format.

    See Also
    --------
    save : The inverse.
    """
    return read_model(path)[0]


def read_model(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any] | None]:
    """Read a file that `save` wrote, and the command's information about the model.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    model : Network, Learner, estimator or Pipeline
    about : dict or None
        As given to `write_model`, or None.

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
