"""Files: whatever was trained on disk, without anything in a file being executed."""

from chainrule.files.model import write_model
from chainrule.files.saving import load, read_model, save

__all__ = ["load", "read_model", "save", "write_model"]
