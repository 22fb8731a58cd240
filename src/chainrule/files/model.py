"""Save and load estimators and pipelines as skops files.

A model file is a zip with skops' description and arrays, and one JSON member of ours, the card: the
format's number, the versions that wrote it, and what the command keeps about the model. Reading
one executes nothing from it and unpacks nothing to disk: skops builds the types on a written list.
"""

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import skops.io
from sklearn.base import BaseEstimator
from skops.io.exceptions import UnsupportedTypeException, UntrustedTypesFoundException

from chainrule.errors import InvalidFile, InvalidInput, MissingFile
from chainrule.files.allowed import ALLOWED
from chainrule.files.content import ZIP_MAGIC, is_pickle, name_content
from chainrule.storage import write_file

__all__ = ["load", "read_model", "save", "write_model"]

FORMAT = 1
CARD = "chainrule.json"
SCHEMA = "schema.json"
WRITERS = ("chainrule", "scikit-learn", "skops", "numpy")


def save(model: BaseEstimator, path: str | os.PathLike[str]) -> None:
    """Write an estimator, or a scikit-learn pipeline around one, to a model file.

    Parameters
    ----------
    model : estimator or Pipeline
        The model, fitted or not. Callbacks set on it are not saved.
    path : str or path-like
        The file, used as given, with any suffix or none. It is written whole or not at all.

    Raises
    ------
    InvalidInput
        If the model holds something that a model file cannot, for instance a function of yours.
    UnwritablePath
        If the file cannot be written.

    See Also
    --------
    load : Read it back.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn.preprocessing import StandardScaler
    >>> scaler = StandardScaler().fit([[1.0], [3.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(scaler, pathlib.Path(folder, "model"))
    ...     load(pathlib.Path(folder, "model")).transform([[5.0]])
    array([[3.]])
    """
    write_model(model, path)


def load(path: str | os.PathLike[str]) -> Any:
    """Read a model file.

    Nothing in the file is executed; only types on a written list are made. Predictions are
    the saved model's, bit for bit.

    Parameters
    ----------
    path : str or path-like
        The file. Its kind is told by its content, not by its name.

    Returns
    -------
    estimator or Pipeline

    Raises
    ------
    MissingFile
        If there is no such file.
    InvalidFile
        If it is no model file, is damaged, holds a foreign type, or is of a newer format.

    See Also
    --------
    save : Write one.
    """
    return read_model(path)[0]


def write_model(
    model: BaseEstimator,
    path: str | os.PathLike[str],
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a model file with what a program wants to know about the model again.

    Parameters
    ----------
    model : estimator or Pipeline
        The model.
    path : str or path-like
        The file.
    about : mapping, optional
        Whatever JSON can hold.

    Raises
    ------
    InvalidInput, UnwritablePath
        As `save`.
    """
    if not isinstance(model, BaseEstimator):
        raise InvalidInput(
            f"A model file holds an estimator or a Pipeline; given: {type(model).__name__}."
        )
    try:
        with _callbacks_taken_off(model):
            content = skops.io.dumps(model)
    except UnsupportedTypeException as error:
        raise InvalidInput(f"This model cannot be saved: {error}") from error
    # Better now than when someone needs the file.
    if foreign := _foreign_types(content):
        raise InvalidInput(
            f"This model cannot be saved: it holds {_listed(foreign)}, and a model file holds "
            "only types of scikit-learn and chainrule; replace that part."
        )
    card = {
        "format": FORMAT,
        "versions": {name: _installed(name) for name in WRITERS},
        "about": None if about is None else dict(about),
    }
    with io.BytesIO(content) as buffer:
        with ZipFile(buffer, "a") as archive:
            archive.writestr(CARD, json.dumps(card, indent=2))
        write_file(path, buffer.getvalue())


def read_model(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any] | None]:
    """Read a model file, and what was noted about the model.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    model : estimator or Pipeline
    about : dict or None
        As given to `write_model`; None when nothing was.

    Raises
    ------
    MissingFile, InvalidFile
        As `load`.
    """
    name = os.fspath(path)
    content = _read(name)
    card = _read_card(name, content)
    try:
        model = skops.io.loads(content, trusted=list(ALLOWED))
    except UntrustedTypesFoundException as error:
        raise InvalidFile(
            f"'{name}' was not opened: it holds {_listed(_foreign_types(content))}, and a model "
            "file holds only types of scikit-learn and chainrule."
        ) from error
    except MemoryError:
        raise
    except Exception as error:
        # The content is not ours to trust: whatever goes wrong while reading it is its fault.
        raise InvalidFile(
            f"'{name}' cannot be read as a model: it is damaged or was written by another "
            f"version{_other_versions(card)}; take another copy or train again."
        ) from error
    if not isinstance(model, BaseEstimator):
        raise InvalidFile(
            f"'{name}' holds no model but an object of type {type(model).__name__}; "
            "give a file that cr.save or `chainrule train --model` wrote."
        )
    return model, card["about"]


def _read(name: str) -> bytes:
    """Read a file's bytes, once it is known to be a zip."""
    hint = "give a file that cr.save or `chainrule train --model` wrote"
    try:
        content = Path(name).read_bytes()
    except FileNotFoundError as error:
        raise MissingFile(f"There is no file '{name}'; {hint}.") from error
    except IsADirectoryError as error:
        raise InvalidFile(f"'{name}' is a folder, not a model file; {hint}.") from error
    except (OSError, ValueError) as error:
        raise InvalidFile(f"'{name}' cannot be read ({error}); {hint}.") from error
    if not content:
        raise InvalidFile(f"'{name}' is empty, not a model file; {hint}.")
    if is_pickle(content):
        raise InvalidFile(
            f"'{name}' is a pickle, and opening one could run any code, so chainrule never does; "
            f"{hint}."
        )
    if len(content) >= len(ZIP_MAGIC) and not content.startswith(ZIP_MAGIC):
        raise InvalidFile(f"'{name}' is not a model file but {name_content(content)}; {hint}.")
    return content


def _read_card(name: str, content: bytes) -> dict[str, Any]:
    """Read our own member, or stand in for it where skops itself wrote the file."""
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            members = archive.namelist()
            text = archive.read(CARD) if CARD in members else None
            card = {"format": 0} if text is None else json.loads(text)
        known = isinstance(card, dict) and type(card.get("format")) is int
        if not known or not isinstance(card.get("about"), dict | None):
            raise ValueError("the card is not one of ours")
    except Exception as error:
        what = "cut short or damaged" if isinstance(error, BadZipFile) else "damaged"
        raise InvalidFile(
            f"'{name}' is {what} and cannot be read as a model; take another copy or train again."
        ) from error
    if SCHEMA not in members:
        inside = "a zip with a pickle in it" if _any_pickle(members) else "another kind of zip file"
        raise InvalidFile(
            f"'{name}' is not a model file but {inside}; "
            "give a file that cr.save or `chainrule train --model` wrote."
        )
    if card["format"] > FORMAT:
        raise InvalidFile(
            f"'{name}' has format {card['format']}, newer than the {FORMAT} that chainrule "
            f"{_installed('chainrule')} reads; upgrade chainrule."
        )
    return {"versions": {}, "about": None} | card


def _any_pickle(members: list[str]) -> bool:
    return any(member.endswith((".pkl", ".pickle")) for member in members)


def _foreign_types(content: bytes) -> list[str]:
    return sorted(set(skops.io.get_untrusted_types(data=content)) - set(ALLOWED))


def _listed(types: list[str]) -> str:
    return f"the type{'s' if len(types) > 1 else ''} {', '.join(types)}"


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # chainrule, run from a checkout that is not installed
        return "not installed"


def _other_versions(card: Mapping[str, Any]) -> str:
    """Say which packages had another version when the file was written."""
    versions = card["versions"] if isinstance(card["versions"], dict) else {}
    other = [
        f"{name} {versions[name]} (here {_installed(name)})"
        for name in WRITERS
        if name in versions and versions[name] != _installed(name)
    ]
    return f" ({', '.join(other)})" if other else ""


@contextmanager
def _callbacks_taken_off(model: BaseEstimator) -> Iterator[None]:
    """Take scikit-learn's callbacks off a model and the models in it while it is saved.

    A progress bar watched the training; it is no part of what was learned.
    """
    taken: list[tuple[dict[str, Any], Any]] = []
    seen: set[int] = set()

    def take(thing: object) -> None:
        if id(thing) in seen or isinstance(thing, str | np.ndarray):
            return
        seen.add(id(thing))
        if isinstance(thing, BaseEstimator):
            attributes = vars(thing)
            if "_skl_callbacks" in attributes:
                taken.append((attributes, attributes.pop("_skl_callbacks")))
            take(attributes)
        elif isinstance(thing, Mapping):
            for value in thing.values():
                take(value)
        elif isinstance(thing, list | tuple):
            for value in thing:
                take(value)

    take(model)
    try:
        yield
    finally:
        for attributes, callbacks in taken:
            attributes["_skl_callbacks"] = callbacks
