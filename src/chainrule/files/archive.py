"""The zip of a model file, checked before anything in it is used.

Members are stored without compression, so nothing can be larger than the file; nothing
is unpacked to disk; each array's own header is compared with the bytes that follow it.
"""

import hashlib
import math
import os
import re
import stat
import struct
from collections.abc import Iterable
from typing import BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from chainrule.storage import short

__all__ = ["Unusable", "check_array", "check_members", "digest", "open_archive"]

_MAX_DIRECTORY = 4 * 2**20  # its entries take ten times as much in memory
_END = struct.Struct("<4s4H2LH")  # the record at the end, with the place and size of the directory
_END_MAGIC, _ZIP64_MAGIC = b"PK\x05\x06", b"PK\x06\x07"
_ZIP64_LOCATOR = 20

# The header that np.save writes, of an array of plain values.
_ARRAY = re.compile(
    rb"\{'descr': '[<>|=]([biufcUSmM])(\d{1,9})(\[[a-zA-Z0-9]{1,8}\])?', "
    rb"'fortran_order': (?:False|True), 'shape': \(((?:\d{1,19}, ?)*(?:\d{1,19})?)\), \} *\n"
)
_ARRAY_MAGIC, _ARRAY_VERSIONS = b"\x93NUMPY", (b"\x01\x00", b"\x02\x00", b"\x03\x00")
_MAX_HEADER = 10_000
_MAX_DIMENSIONS = 32
_MAX_EMPTY = 2**31  # of a dimension, or bytes of an element, in an array without data


class Unusable(Exception):
    """Why a model file cannot be used, as the end of a sentence.

    Parameters
    ----------
    reason : str
        The reason.
    foreign : bool, default=False
        Whether it is a type that no model file holds.
    """

    def __init__(self, reason: str, *, foreign: bool = False) -> None:
        super().__init__(reason)
        self.foreign = foreign


def open_archive(file: BinaryIO) -> ZipFile:
    """Open a zip after checking that its directory is small and complete.

    Parameters
    ----------
    file : binary file
        Of the whole model file.

    Raises
    ------
    BadZipFile
        If the directory is missing, incomplete, or too large.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size - _ZIP64_LOCATOR))
    tail = file.read()
    if len(tail) < _END.size:
        raise BadZipFile("cut short")
    magic, disk, first_disk, here, entries, length, start, comment = _END.unpack(tail[-_END.size :])
    whole = magic == _END_MAGIC and disk == first_disk == comment == 0 and here == entries
    if not whole or start + length != size - _END.size or tail.startswith(_ZIP64_MAGIC):
        raise BadZipFile("no directory at its end")
    if length > _MAX_DIRECTORY:
        raise BadZipFile("a directory of more than 4 MiB")
    archive = ZipFile(file)
    if len(archive.infolist()) != entries:
        raise BadZipFile("a directory with another number of entries than it states")
    return archive


def check_members(archive: ZipFile) -> None:
    """Raise if a member is compressed, duplicated or not a plain file, or members are too large.

    Raises
    ------
    Unusable
        With the member's name.
    """
    names = set[str]()
    for member in archive.infolist():
        name = member.filename
        if name in names:
            raise Unusable(f"it has two members named {short(name)}")
        names.add(name)
        if member.compress_type != ZIP_STORED or member.compress_size != member.file_size:
            raise Unusable(f"its member {short(name)} is compressed, unlike those of a model file")
        if member.flag_bits & 0x1:
            raise Unusable(f"its member {short(name)} is encrypted")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise Unusable(f"its member {short(name)} is a link, or not a file")
    held = archive.start_dir
    if sum(member.file_size for member in archive.infolist()) > held:
        raise Unusable(f"its members claim more than the {held} bytes of the file")


def check_array(archive: ZipFile, name: str) -> None:
    """Raise if an array's header does not fit the bytes that follow, or it holds objects.

    Parameters
    ----------
    archive : ZipFile
    name : str
        A member in NumPy's format.

    Raises
    ------
    Unusable
        With the member's name.
    """
    with archive.open(name) as member:
        start = member.read(12)
        version = start[6:8]
        long = version != b"\x01\x00"  # versions 2 and 3 have a longer length
        length = int.from_bytes(start[8:12] if long else start[8:10], "little")
        known = start.startswith(_ARRAY_MAGIC) and version in _ARRAY_VERSIONS
        if not known or length > _MAX_HEADER:
            raise Unusable(f"its member {short(name)} is not an array")
        header = start[12 if long else 10 :] + member.read(length - (0 if long else 2))
    found = _ARRAY.fullmatch(header)
    if found is None:
        raise Unusable(f"its member {short(name)} is not an array of numbers, strings or dates")
    kind, width, _, dimensions = found.groups()
    itemsize = int(width) * (4 if kind == b"U" else 1)
    shape = [int(each) for each in dimensions.replace(b" ", b"").split(b",") if each]
    held = archive.getinfo(name).file_size - (12 if long else 10) - length
    if len(shape) > _MAX_DIMENSIONS or math.prod(shape) * itemsize != held:
        raise Unusable(f"its member {short(name)} has a shape that does not fit its {held} bytes")
    if not held and max([itemsize, *shape]) > _MAX_EMPTY:
        raise Unusable(f"its member {short(name)} has an impossible shape")


def digest(archive: ZipFile, names: Iterable[str]) -> str:
    """Return the SHA-256 of members, in the order of their names: each name, size and content."""
    sha = hashlib.sha256()
    for name in sorted(names):
        sha.update(f"{name} {archive.getinfo(name).file_size}\n".encode())
        with archive.open(name) as member:
            while chunk := member.read(2**20):
                sha.update(chunk)
    return sha.hexdigest()
