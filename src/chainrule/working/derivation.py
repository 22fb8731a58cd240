"""A derivation: one content in four formats."""

from dataclasses import dataclass
from typing import final

from chainrule.storage import keep_text
from chainrule.working.formulas.document import Document
from chainrule.working.typesetting.rendered import Destination, Rendered, width_and_path

__all__ = ["Derivation"]


@final
@dataclass(frozen=True, repr=False)
class Derivation(Rendered):
    """The working of a network, as text, Markdown, LaTeX or HTML.

    Printed, it is the plain text; in a notebook it is shown as HTML.

    Attributes
    ----------
    document : Document
        The content, independent of the format.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], loss="squared_error")
    >>> working = cr.explain(net, [0.5, -1.0], 2.0)
    >>> working
    Derivation('The working of a 2-3-1 network')
    >>> working.html()[:15], working.latex().count("tag{BP1.1}") > 0
    ('<!doctype html>', True)
    """

    document: Document

    def text(self, width: int | Destination = 96, path: Destination = None) -> str:
        """Return it as plain text for a terminal.

        Parameters
        ----------
        width : int, default=96
            The maximum line length, if the formulas allow it; at least 40.
        path : str or path-like, optional
            A file to write it to as well, atomically. It may be given in place of the
            width.

        Returns
        -------
        str
        """
        from chainrule.working.typesetting.text import draw_text

        columns, to = width_and_path(width, path, 96)
        return keep_text(draw_text(self.document, max(40, columns)), to)

    def __repr__(self) -> str:
        """Return the title."""
        return f"Derivation({self.document.title!r})"

    def _content(self) -> Document:
        return self.document
