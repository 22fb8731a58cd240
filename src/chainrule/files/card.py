"""The card: the member of a model file that chainrule adds to those of skops."""

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from zipfile import ZipFile

from chainrule.errors import InvalidFile, InvalidInput
from chainrule.storage import damaged, parse_json, too_large

__all__ = ["CARD", "make_card", "other_versions", "read_card"]

CARD = "chainrule.json"
FORMAT = 1
_WRITERS = ("chainrule", "scikit-learn", "skops", "numpy")


def make_card(about: Mapping[str, Any] | None, sha256: str) -> str:
    """Return the card of a new model file.

    Parameters
    ----------
    about : mapping or None
        Information about the model for the program that opens it, as plain values for JSON.
    sha256 : str
        Of the description and the arrays.

    Raises
    ------
    InvalidInput
        If `about` is too large.
    """
    text = json.dumps(
        {
            "format": FORMAT,
            "versions": {name: _installed(name) for name in _WRITERS},
            "sha256": sha256,
            "about": None if about is None else dict(about),
        },
        indent=2,
    )
    if reason := too_large(text):
        raise InvalidInput(f"This model cannot be saved: the information about it {reason}.")
    return text


def read_card(archive: ZipFile, name: str) -> dict[str, Any]:
    """Read the card, or make a default one if skops itself wrote the file.

    Returns
    -------
    dict
        With ``format``, ``versions``, ``sha256`` (or None) and ``about`` (or None).

    Raises
    ------
    InvalidFile
        If it is not a card, or of a newer format.
    """
    card: dict[str, Any] = {"format": 0}
    if CARD in archive.namelist():
        try:
            card = parse_json(archive.read(CARD).decode("ascii"), name)
        except UnicodeDecodeError:
            raise damaged(name, "its header is not text") from None
    card = {"versions": {}, "about": None, "sha256": None} | card
    whole = type(card.get("format")) is int and isinstance(card["versions"], dict)
    if not whole or not isinstance(card["about"], dict | None):
        raise damaged(name, "its header is not one of ours")
    if card["format"] > FORMAT:
        raise InvalidFile(
            f"'{name}' has format {card['format']}, newer than the {FORMAT} that chainrule "
            f"{_installed('chainrule')} reads; upgrade chainrule."
        )
    return card


def other_versions(card: Mapping[str, Any]) -> str:
    """Return the packages that had another version when the file was written, as text."""
    versions = card["versions"]
    other = [
        f"{name} {str(versions[name])[:20]} (here {_installed(name)})"
        for name in _WRITERS
        if name in versions and versions[name] != _installed(name)
    ]
    return f" ({', '.join(other)})" if other else ""


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # chainrule, run from a checkout that is not installed
        return "not installed"
