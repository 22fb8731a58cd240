"""Write and read estimators and pipelines as skops files.

A model file is a zip with skops' description and arrays, and one JSON member of ours, the card.
Reading one executes nothing from it and unpacks nothing to disk: the archive and the description
are checked first, then skops builds the types on a fixed list.
"""

import contextlib
import io
import os
import pickle
from collections.abc import Mapping
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

import skops.io
from sklearn.base import BaseEstimator
from sklearn.model_selection import TunedThresholdClassifierCV
from skops.io.exceptions import UnsupportedTypeException, UntrustedTypesFoundException

from chainrule.errors import ChainruleError, InvalidFile, InvalidInput
from chainrule.files.allowed import ALLOWED
from chainrule.files.archive import Unusable, check_array, check_members, digest, open_archive
from chainrule.files.card import CARD, make_card, other_versions, read_card
from chainrule.files.consistent import (
    check_consistent,
    curves_as_lists,
    estimators_in,
    forget_checkpoint,
)
from chainrule.files.content import ONNX, PROGRAM, ZIP_MAGIC, is_pickle, name_content
from chainrule.files.in_memory import in_memory
from chainrule.files.saved_form import complete, saved_form
from chainrule.files.schema import check_schema
from chainrule.storage import write_file

__all__ = ["HINT", "open_model", "write_model"]

SCHEMA = "schema.json"
_MAPPED = "numpy.memmap"
_LIBRARIES = ("numpy", "scipy", "sklearn", "chainrule")
_REMEDIES = {
    ONNX: "read a chain of layers with cr.from_onnx, or ",
    PROGRAM: "a model cannot be read back from it: ",
}
HINT = "give a file that cr.save or `chainrule train --model` wrote"


def write_model(
    model: BaseEstimator,
    path: str | os.PathLike[str],
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a model file, with information about the model for the program that opens it.

    Parameters
    ----------
    model : estimator or Pipeline
        The model. Callbacks set on it are not saved.
    path : str or path-like
        The file.
    about : mapping, optional
        Plain values for JSON.

    Raises
    ------
    InvalidInput
        If the model holds something that a model file cannot, for instance your own function.
    UnwritablePath
        If the file cannot be written.
    """
    if not isinstance(model, BaseEstimator):
        raise InvalidInput(
            f"A model file holds an estimator, a Pipeline, a Network or a Learner. Got an object "
            f"of type "
            f"{type(model).__name__}."
        )
    content = _described(model)
    foreign = _foreign_types(io.BytesIO(content))  # better now than when someone needs the file
    if _MAPPED in foreign:
        with contextlib.suppress(pickle.PicklingError, AttributeError, TypeError):
            content = _described(in_memory(model))
            foreign = _foreign_types(io.BytesIO(content))
    with io.BytesIO(content) as buffer:
        if foreign:
            raise _unsaved(foreign, model)
        try:
            with open_archive(buffer) as archive:
                check_members(archive)
                card = make_card(about, _examine(archive))
        except Unusable as error:
            if error.foreign:
                raise _unsaved([str(error)], model) from None
            raise InvalidInput(f"This model cannot be saved: {error}.") from None
        except BadZipFile as error:
            raise InvalidInput(f"This model is too large for a model file ({error}).") from None
        with ZipFile(buffer, "a") as archive:
            archive.writestr(CARD, card)
        write_file(path, buffer.getvalue())


def _described(model: BaseEstimator) -> bytes:
    """Return a model as skops writes it."""
    try:
        with saved_form(model):
            return skops.io.dumps(model)
    except UnsupportedTypeException as error:
        raise InvalidInput(f"This model cannot be saved: {error}") from error


def open_model(file: BinaryIO, name: str) -> tuple[Any, dict[str, Any] | None]:
    """Read a model file, and the information about the model.

    Parameters
    ----------
    file : binary file
        Open at its start.
    name : str
        Its name, for the errors.

    Returns
    -------
    model : estimator or Pipeline
    about : dict or None
        As given to `write_model`, or None.

    Raises
    ------
    InvalidFile
        If it is not a model file, is damaged, holds a foreign type, or is of a newer format.
    """
    _require_zip(file, name)
    card: dict[str, Any] | None = None
    try:
        with open_archive(file) as archive:
            _require_model(archive, name)
            check_members(archive)
            card = read_card(archive, name)
            sha256 = _examine(archive)
    except (InvalidFile, MemoryError):
        raise
    except Unusable as error:
        if error.foreign:
            _refuse(name, [str(error)])
        raise _unreadable(name, card, str(error)) from None
    except Exception as error:  # of zipfile, which does not expect a zip to be hostile
        raise InvalidFile(
            f"'{name}' is cut short or damaged and cannot be read as a model "
            f"({str(error)[:80]!r}); take another copy or train again."
        ) from error
    try:
        if card["sha256"] is not None and card["sha256"] != sha256:
            _refuse(name, _foreign_types(file))
            raise _unreadable(name, card, "it was changed after it was written (SHA-256)")
        model = skops.io.load(file, trusted=list(ALLOWED))  # pyright: ignore[reportArgumentType]
        if not isinstance(model, BaseEstimator):
            raise InvalidFile(
                f"'{name}' does not hold a model but an object of type {type(model).__name__}; "
                f"{HINT}."
            )
        check_consistent(model)
        complete(model)
        for estimator in estimators_in(model):
            forget_checkpoint(estimator)
            curves_as_lists(estimator)
    except UntrustedTypesFoundException:
        _refuse(name, _foreign_types(file))
        raise
    except (InvalidFile, MemoryError):
        raise
    except Exception as error:
        # The content is not trusted: every error while reading is reported as one of the file.
        ours = isinstance(error, ChainruleError)
        raise _unreadable(name, card, str(error)[:200] if ours else type(error).__name__) from error
    return model, card["about"]


def _require_zip(file: BinaryIO, name: str) -> None:
    """Raise with the kind of the file unless it is a zip."""
    content = file.read(4096)  # enough to recognize its kind; a large table is not read whole
    if content.startswith(ZIP_MAGIC):
        return
    if len(content) == 4096:
        file.seek(-1, os.SEEK_END)
        content += file.read(1)
    if not content:
        raise InvalidFile(f"'{name}' is empty, not a model file; {HINT}.")
    if is_pickle(content):
        raise InvalidFile(
            f"'{name}' is a pickle, and opening one could run any code, so chainrule never does; "
            f"{HINT}."
        )
    if len(content) >= len(ZIP_MAGIC):
        raise InvalidFile(
            f"'{name}' is not a model file but {name_content(content)}; "
            f"{_REMEDIES.get(name_content(content), '')}{HINT}."
        )


def _require_model(archive: ZipFile, name: str) -> None:
    """Raise with the kind of the zip unless it is a model file."""
    members = archive.namelist()
    if SCHEMA not in members:
        pickled = any(member.endswith((".pkl", ".pickle")) for member in members)
        inside = "a zip with a pickle in it" if pickled else "another kind of zip file"
        raise InvalidFile(f"'{name}' is not a model file but {inside}; {HINT}.")


def _examine(archive: ZipFile) -> str:
    """Check everything that skops is going to read, and return its SHA-256.

    Raises
    ------
    Unusable, BadZipFile
        If anything differs from what saving writes.
    """
    try:
        text = archive.read(SCHEMA).decode()
    except UnicodeDecodeError:
        raise Unusable("its description is not text") from None
    arrays = check_schema(text, archive.namelist())
    for member in arrays:
        check_array(archive, member)
    return digest(archive, {SCHEMA, *arrays})


def _foreign_types(file: BinaryIO) -> list[str]:
    """Return the types of a checked file that are not on the list."""
    found = skops.io.get_untrusted_types(file=file)  # pyright: ignore[reportArgumentType]
    return sorted(set(found) - set(ALLOWED))


def _refuse(name: str, foreign: list[str]) -> None:
    """Raise if there are foreign types."""
    if foreign:
        raise InvalidFile(
            f"'{name}' was not opened: it holds {_listed(foreign)}, not on the list of types that "
            "a model file may hold. Open only files that chainrule wrote."
        )


def _unsaved(foreign: list[str], model: BaseEstimator) -> InvalidInput:
    return InvalidInput(
        f"This model cannot be saved: it holds {_listed(foreign)}, not on the list of types that a "
        f"model file may hold; {_advice(foreign, model)}, or save the network alone."
    )


def _advice(foreign: list[str], model: BaseEstimator) -> str:
    """Return the advice about foreign types, the most helpful one that applies."""
    best = getattr(model, "best_estimator_", None)
    if best is not None and not _foreign_to_files(best):
        return "save its best_estimator_"  # its distributions or scoring functions are foreign
    if any(isinstance(each, TunedThresholdClassifierCV) for each in estimators_in(model)):
        return "save its estimator_, and note its best_threshold_"
    if any(name.partition(".")[0] not in _LIBRARIES for name in foreign):
        return (
            "your own function or class is code, which a file cannot hold: use one of "
            "NumPy's, such as np.log1p, or apply it before the model"
        )
    return "replace that part"


def _foreign_to_files(model: BaseEstimator) -> bool:
    """Whether a model holds something that a model file may not."""
    try:
        with saved_form(model), io.BytesIO(skops.io.dumps(model)) as buffer:
            return bool(_foreign_types(buffer))
    except (InvalidInput, UnsupportedTypeException):
        return True


def _listed(types: list[str]) -> str:
    # The names come from the file, so they may be anything.
    names = ["".join(filter(str.isprintable, name))[:100] for name in types]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"the type{'s' if len(names) > 1 else ''} {', '.join(names[:5])}{more}"


def _unreadable(name: str, card: Mapping[str, Any] | None, reason: str) -> InvalidFile:
    reason = " ".join(reason.split()).rstrip(".")
    return InvalidFile(
        f"'{name}' cannot be read as a model: it is damaged or was written by another version"
        f"{other_versions(card) if card else ''} ({reason}); take another copy or train again."
    )
