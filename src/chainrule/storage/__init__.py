"""Files on disk: everything that writes one goes through here."""

from chainrule.storage.atomic import check_writable, write_file

__all__ = ["check_writable", "write_file"]
