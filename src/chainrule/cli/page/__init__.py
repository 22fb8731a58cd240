"""``chainrule report``: one web page on a model and how it does on a table."""

from chainrule.cli.page.making import report

__all__ = ["report"]
