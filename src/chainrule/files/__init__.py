"""Files: trained models on disk; reading a file executes no code from it."""

from chainrule.files.model import write_model
from chainrule.files.saving import load, read_model, save

__all__ = ["load", "read_model", "save", "write_model"]
