"""Files on disk: everything that writes one goes through here."""

from chainrule.storage.atomic import check_writable, write_file
from chainrule.storage.reading import read_file
from chainrule.storage.tensors import read_tensors, write_tensors

__all__ = ["check_writable", "read_file", "read_tensors", "write_file", "write_tensors"]
