"""Files on disk: all writing of files goes through this package."""

from chainrule.storage.atomic import check_writable, keep_text, write_file
from chainrule.storage.json_text import parse_json, short, too_large
from chainrule.storage.paths import is_path, path_of
from chainrule.storage.reading import checked_values, damaged, open_file, read_file
from chainrule.storage.tensors import parse_tensors, read_tensors, write_tensors

__all__ = [
    "check_writable",
    "checked_values",
    "damaged",
    "is_path",
    "keep_text",
    "open_file",
    "parse_json",
    "parse_tensors",
    "path_of",
    "read_file",
    "read_tensors",
    "short",
    "too_large",
    "write_file",
    "write_tensors",
]
