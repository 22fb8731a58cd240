"""The settings of a training: flags, a file in TOML, and defaults, in this order."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from chainrule.cli.options import OPTIONS, Option
from chainrule.errors import InvalidFile, InvalidParameter, MissingFile, UnknownName

__all__ = ["collect"]


def collect(flags: Mapping[str, Any], config: str | None) -> dict[str, Any]:
    """Return the value of each option.

    Parameters
    ----------
    flags : mapping
        What was given on the command line, by key; None where nothing was.
    config : str or None
        A file in TOML, whose keys are the options' or scikit-learn's names. Flags win over it.

    Returns
    -------
    dict
        By key; None where nothing was given and the command has no default of its own.

    Raises
    ------
    ChainruleError
        If the file cannot be read, has an unknown key, or a value cannot be.
    """
    found = {key: option.default for key, option in OPTIONS.items()}
    if config is not None:
        for key, given in _read(config).items():
            option = _option(key, config)
            read = option.read(f"'{key}' in '{config}'", given)
            if flags.get(option.key) is None:  # but it must be in order all the same
                found[option.key] = read
    for key, given in flags.items():
        if given is not None:
            option = OPTIONS[key]
            found[key] = option.read(option.flag, given)
    return found


def _option(key: str, config: str) -> Option:
    plain = key.replace("-", "_")
    if plain in OPTIONS:
        return OPTIONS[plain]
    for option in OPTIONS.values():
        if plain == option.other:
            return option
    known = [*OPTIONS, *(option.other for option in OPTIONS.values() if option.other)]
    near = get_close_matches(plain.lower(), known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "chainrule train --help lists them."
    raise UnknownName(f"Unknown key '{key}' in '{config}': {hint}")


def _read(path: str) -> dict[str, Any]:
    try:
        content = Path(path).read_bytes().decode()
        found = tomllib.loads(content)
    except FileNotFoundError:
        raise MissingFile(f"There is no file '{path}' for --config.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, tomllib.TOMLDecodeError):
            raise InvalidFile(f"'{path}' is no TOML ({error}); mend it.") from None
        raise InvalidFile(f"'{path}' cannot be read as TOML ({error}).") from None
    twice: dict[str, str] = {}
    for key in found:
        option = _option(key, path).key
        if option in twice:
            raise InvalidParameter(
                f"'{twice[option]}' and '{key}' in '{path}' are the same setting; keep one of them."
            )
        twice[option] = key
    return found
