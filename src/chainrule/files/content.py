"""Tell what a file is from its content, for the sentence that says what it is not."""

import re

__all__ = ["ZIP_MAGIC", "is_pickle", "name_content"]

ZIP_MAGIC = b"PK\x03\x04"

_MAGICS = {
    b"PAR1": "a Parquet table",
    b"\x1f\x8b": "a gzip file",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"%PDF": "a PDF document",
    ZIP_MAGIC: "a zip file",
}

# How protocols 0 and 1 begin: a global, or a mark and a container. They end with a full stop.
_OLD_PICKLE = re.compile(rb"c[\w.]+\n\w+\n|\((?:[dlti]p?\d|c[\w.]+\n)|[\]}]q|[\])}]\.")


def is_pickle(data: bytes) -> bool:
    r"""Tell whether a file's content is a Python pickle, without opening it as one.

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


def name_content(data: bytes) -> str:
    """Name the kind of a file that is not a model file.

    Parameters
    ----------
    data : bytes
        The content.

    Returns
    -------
    str
        What it looks like, with its article.
    """
    for magic, name in _MAGICS.items():
        if data.startswith(magic):
            return name
    try:
        # The first part may end inside a character.
        data[:4096].decode()
    except UnicodeDecodeError as error:
        if error.start < min(len(data), 4096) - 3:
            return "binary"
    return "binary" if b"\0" in data[:4096] else "text"
