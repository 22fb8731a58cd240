"""Model files: estimators and pipelines on disk, without anything in them being executed."""

from chainrule.files.model import load, read_model, save, write_model

__all__ = ["load", "read_model", "save", "write_model"]
