"""Recognize the kind of a file by its content, for error messages."""

import re

__all__ = ["ONNX", "PROGRAM", "ZIP_MAGIC", "is_pickle", "looks_like_tensors", "name_content"]

ZIP_MAGIC = b"PK\x03\x04"

ONNX, PROGRAM = "an ONNX model", "a program that chainrule exported"

_MAGICS = {
    b"PAR1": "a Parquet table",
    b"\x1f\x8b": "a gzip file",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"%PDF": "a PDF document",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x78\x01": "zlib data",
    b"\x78\x5e": "zlib data",
    b"\x78\x9c": "zlib data",
    b"\x78\xda": "zlib data",
    ZIP_MAGIC: "a zip file",
}

# A ModelProto: the version of its format (field 1, a small number), then the next of its fields.
_ONNX_START = re.compile(rb"\x08[\x01-\x1f][\x12\x1a\x22\x2a\x32\x3a\x42]", re.DOTALL)
_PROGRAM_MARK = b"Written by chainrule "

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # its mark at the start, in either order of bytes

# How protocols 0 and 1 begin: a global, or a mark and a container. They end with a full stop.
_OLD_PICKLE = re.compile(rb"c[\w.]+\n\w+\n|\((?:[dlti]p?\d|c[\w.]+\n)|[\]}]q|[\])}]\.")


def is_pickle(data: bytes) -> bool:
    r"""Return whether a file's content is a Python pickle, without unpickling it.

    Parameters
    ----------
    data : bytes
        The content.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_pickle(b"\x80\x04\x95\x00"), is_pickle(b"PK\x03\x04")
    (True, False)
    """
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    return data.endswith(b".") and _OLD_PICKLE.match(data) is not None


def looks_like_tensors(start: bytes) -> bool:
    r"""Return whether a file is in the safetensors format: a length, and JSON of that length.

    Parameters
    ----------
    start : bytes
        The first bytes of the content, at least 9.

    Returns
    -------
    bool

    Examples
    --------
    >>> looks_like_tensors(b'\x02\0\0\0\0\0\0\0{}'), looks_like_tensors(b"PK\x03\x04")
    (True, False)
    """
    return start[8:9] == b"{" and start[5:8] == b"\0\0\0"


def name_content(data: bytes) -> str:
    """Name the kind of a file that is not a model file.

    Parameters
    ----------
    data : bytes
        The content.

    Returns
    -------
    str
        The kind that it looks like, with its article.
    """
    for magic, name in _MAGICS.items():
        if data.startswith(magic):
            return name
    if data.startswith(_UTF_16):
        return "UTF-16 text"
    start = data[:4096]
    if _ONNX_START.match(start):
        return ONNX
    if _PROGRAM_MARK in start:
        return PROGRAM
    controls = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in start)
    # Bytes above 127 may be letters of some encoding.
    return "binary" if b"\0" in data or controls > len(start) / 20 else "text"
