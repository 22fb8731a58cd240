"""Named arrays and a JSON header in one safetensors file, whose content is never trusted.

The file is the public safetensors format: eight bytes with the length of a JSON description, the
description, the numbers. Ours has one entry of metadata, "chainrule", whose text is the header:
JSON again, with the format's version and two SHA-256 digests, of the tensors and of the header
itself. `docs/format.md` describes the format for other programs.

The safetensors package writes; reading is our own code, because every number comes from an
untrusted file. The package would copy each array, and accept JSON with duplicate keys.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import numpy as safetensors_numpy

from chainrule import __version__
from chainrule.errors import InvalidFile, InvalidInput
from chainrule.storage.atomic import write_file
from chainrule.storage.json_text import MAX_BYTES, parse_json, short, too_deep, too_large
from chainrule.storage.paths import path_of
from chainrule.storage.reading import damaged, read_file

__all__ = ["FORMAT_VERSION", "dump_tensors", "parse_tensors", "read_tensors", "write_tensors"]

FORMAT = "chainrule"
FORMAT_VERSION = 1

Tensors: TypeAlias = dict[str, NDArray[Any]]

_DTYPES = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "U8": np.dtype("u1"),
    "U32": np.dtype("<u4"),
    "U64": np.dtype("<u8"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}

_MAX_DIMENSIONS = 8
_ZIP_MAGIC = b"PK\x03\x04"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}", re.ASCII)
_OWN = ("format", "format_version", "chainrule", "tensors_sha256", "header_sha256")
# The end of the header: its own digest comes last, so that it covers all the text before it.
_END = re.compile(r'"header_sha256": "([0-9a-f]{64})"\}\Z')


def write_tensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, NDArray[Any]],
    header: Mapping[str, Any],
) -> None:
    """Write arrays and a header to a file, atomically.

    Parameters
    ----------
    path : str or path-like
        The file, used as given.
    tensors : mapping of str to array
        Of float32, float64, int32, int64, uint8, uint32 or uint64. The names consist of letters,
        digits and ``_./-``.
    header : mapping
        Plain values for JSON, without NaN and infinity. ``format``, ``format_version``,
        ``chainrule`` (the version that writes) and the digests are added.

    Raises
    ------
    InvalidInput
        If a name, a dtype or the header cannot be written.
    UnwritablePath
        If the file cannot be written; the old one is then unchanged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "file")
    ...     write_tensors(path, {"theta": np.arange(3.0)}, {"kind": "example"})
    ...     tensors, header = read_tensors(path)
    >>> tensors, header["kind"]
    ({'theta': array([0., 1., 2.])}, 'example')
    """
    write_file(path, dump_tensors(tensors, header))


def read_tensors(path: str | os.PathLike[str]) -> tuple[Tensors, dict[str, Any]]:
    """Read arrays and header from an untrusted file.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    tensors : dict of str to array
        Writable, and views of one buffer with the file's content.
    header : dict

    Raises
    ------
    MissingFile
        If the file does not exist.
    InvalidFile
        If it is not a file of this kind, is damaged, or of a newer format.
    """
    return parse_tensors(read_file(path), path_of(path))


def dump_tensors(tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> bytes:
    """Return the content of the file that `write_tensors` would write.

    The same tensors and header give the same bytes.

    Raises
    ------
    InvalidInput
        As `write_tensors`.
    """
    little = {name: _as_written(name, tensor) for name, tensor in tensors.items()}
    if clash := [name for name in _OWN if name in header]:
        raise InvalidInput(f"The header's '{clash[0]}' is added automatically: leave it out.")
    try:
        text = json.dumps(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "chainrule": __version__,
                **header,
                "tensors_sha256": _digest(little),
            },
            allow_nan=False,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"The header cannot be written as JSON: {error}.") from error
    opening = text[:-1] + ', "header_sha256": "'
    text = opening + _digest_of_header(opening) + '"}'
    if (reason := too_large(text)) or (reason := too_deep(json.loads(text))):
        raise InvalidInput(f"The header cannot be written: it {reason}.")
    return safetensors_numpy.save(little, {FORMAT: text})


def parse_tensors(content: bytes | bytearray, name: str) -> tuple[Tensors, dict[str, Any]]:
    """Parse the content of a file, as `read_tensors` does.

    Parameters
    ----------
    content : bytes or bytearray
        The content, of which the arrays are views.
    name : str
        The file's name, for the errors.

    Returns
    -------
    tensors : dict of str to array
    header : dict

    Raises
    ------
    InvalidFile
        As `read_tensors`.
    """
    description, data = _split(content, name)
    metadata = description.pop("__metadata__", None)
    text = metadata.get(FORMAT) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise InvalidFile(
            f"'{name}' is a safetensors file, but chainrule did not write it; give a file that "
            f"cr.save wrote."
        )
    header = parse_json(text, name)
    version = header.get("format_version")
    if header.get("format") != FORMAT or type(version) is not int or version < 1:
        raise damaged(name, "its header is not one of ours")
    if version > FORMAT_VERSION:
        raise InvalidFile(
            f"'{name}' has format {short(version)}, newer than the {FORMAT_VERSION} that "
            f"chainrule {__version__} reads; upgrade chainrule."
        )
    end = _END.search(text)
    if end is None or end[1] != _digest_of_header(text[: end.start(1)]):
        raise damaged(name, "its header was changed after it was written (SHA-256)")
    tensors = _view(description, data, name)
    if header.get("tensors_sha256") != _digest(tensors):
        raise damaged(name, "its numbers were changed after they were written (SHA-256)")
    return tensors, header


def _split(content: bytes | bytearray, name: str) -> tuple[dict[str, Any], memoryview]:
    """Return the description of the tensors, and the bytes they are in."""
    whole = memoryview(content)
    size = int.from_bytes(whole[:8], "little")
    if whole[:4] == _ZIP_MAGIC:
        raise InvalidFile(
            f"'{name}' is a zip file, like those of estimators and pipelines; open it with cr.load."
        )
    if len(whole) < 8 or size > len(whole) - 8:
        raise InvalidFile(
            f"'{name}' is damaged or cut short at {len(whole)} bytes, or is not a safetensors "
            "file; take another copy, or give a file that cr.save wrote."
        )
    if size > MAX_BYTES:
        raise damaged(name, f"its header claims {size} bytes, more than the {MAX_BYTES} allowed")
    try:
        text = str(whole[8 : 8 + size], "ascii")
    except UnicodeDecodeError:
        raise damaged(name, "it is not a safetensors file, or its header is damaged") from None
    return parse_json(text, name), whole[8 + size :]


def _view(description: Mapping[str, Any], data: memoryview, name: str) -> Tensors:
    """Return the tensors as views, after checking that they fill the data exactly."""
    places: list[tuple[int, int, str, np.dtype[Any], list[int]]] = []
    for tensor, entry in description.items():
        known = isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}
        if not known or _NAME.fullmatch(tensor) is None:
            raise damaged(name, f"its tensor {short(tensor)} is not described as one of ours")
        code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        dtype = _DTYPES.get(code) if isinstance(code, str) else None
        if dtype is None:
            raise damaged(
                name, f"its tensor '{tensor}' has the type {short(code)}, not one of {[*_DTYPES]}"
            )
        if not (_are_counts(shape, max(len(data), MAX_BYTES)) and len(shape) <= _MAX_DIMENSIONS):
            raise damaged(name, f"its tensor '{tensor}' has the shape {short(shape)}")
        if not (_are_counts(offsets, len(data)) and len(offsets) == 2):
            raise damaged(name, f"its tensor '{tensor}' is said to lie at {short(offsets)}")
        begin, end = offsets
        if end - begin != math.prod(shape) * dtype.itemsize:
            raise damaged(
                name, f"its tensor '{tensor}' of shape {shape} is said to have {end - begin} bytes"
            )
        places.append((begin, end, tensor, dtype, shape))
    places.sort(key=lambda place: place[:2])
    tensors: Tensors = {}
    last = 0
    for begin, end, tensor, dtype, shape in places:
        if begin != last:
            what = "overlaps the one before" if begin < last else "comes after a gap"
            raise damaged(name, f"its tensor '{tensor}' {what}")
        last = end
        try:
            tensors[tensor] = np.frombuffer(data[begin:end], dtype).reshape(shape)
        except ValueError:  # no elements, in more dimensions than NumPy can count
            raise damaged(name, f"its tensor '{tensor}' has the shape {short(shape)}") from None
    if last != len(data):
        raise damaged(name, f"it has {len(data)} bytes of numbers and describes {last}")
    return tensors


def _are_counts(values: object, largest: int) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value <= largest for value in values
    )


def _as_written(name: str, tensor: NDArray[Any]) -> NDArray[Any]:
    array = np.asarray(tensor)
    dtype = array.dtype.newbyteorder("<")
    if dtype not in _NAMES or array.ndim > _MAX_DIMENSIONS or _NAME.fullmatch(name) is None:
        raise InvalidInput(
            f"A file holds arrays of {', '.join(map(str, _NAMES))} under names of letters, digits "
            f"and _./-. Got {name!r}: {array.ndim} dimensions of {array.dtype}."
        )
    # Not ascontiguousarray, which makes a single number an array of one.
    return np.asarray(array, dtype, order="C")


def _digest(tensors: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of names, types, shapes and numbers, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        shape = ",".join(map(str, tensor.shape))
        digest.update(f"{name} {_NAMES[tensor.dtype]} [{shape}]\n".encode())
        digest.update(tensor.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _digest_of_header(opening: str) -> str:
    return hashlib.sha256(opening.encode()).hexdigest()
