"""A derivation: one content, four faces."""

from dataclasses import dataclass
from typing import final

from chainrule.working.document import Document

__all__ = ["Derivation"]


@final
@dataclass(frozen=True, repr=False)
class Derivation:
    """The working of a network, to be read as text, Markdown, LaTeX or HTML.

    Printed, it is the plain text; in a notebook it is shown as HTML.

    Attributes
    ----------
    document : Document
        The content, before any face.

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

    def text(self, width: int = 96) -> str:
        """Return it as plain text for a terminal.

        Parameters
        ----------
        width : int, default=96
            Columns to stay within, where a formula lets it; at least 40.

        Returns
        -------
        str
        """
        from chainrule.working.text import draw_text

        return draw_text(self.document, max(40, width))

    def markdown(self) -> str:
        """Return it as Markdown with formulas between dollars, as GitHub and Jupyter read it.

        Returns
        -------
        str
        """
        from chainrule.working.markdown import draw_markdown

        return draw_markdown(self.document)

    def latex(self) -> str:
        """Return it as a LaTeX document, which pdflatex compiles as it is.

        Returns
        -------
        str
        """
        from chainrule.working.latex import draw_latex

        return draw_latex(self.document)

    def html(self) -> str:
        """Return it as a web page with MathML, which loads nothing from anywhere.

        Returns
        -------
        str
        """
        from chainrule.working.html import draw_page

        return draw_page(self.document)

    def _repr_html_(self) -> str:
        """Return it as a part of a web page, for a notebook."""
        from chainrule.working.html import draw_fragment

        return draw_fragment(self.document)

    def __str__(self) -> str:
        """Return the plain text."""
        return self.text()

    def __repr__(self) -> str:
        """Return the title."""
        return f"Derivation({self.document.title!r})"
