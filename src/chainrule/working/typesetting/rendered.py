"""What is shown in four faces: text, Markdown, LaTeX and HTML."""

from abc import ABC, abstractmethod

from chainrule.working.formulas.document import Document

__all__ = ["Rendered"]


class Rendered(ABC):
    """A document that is printed as text, and shown by a notebook as HTML."""

    @abstractmethod
    def _content(self) -> Document:
        """Return the content, before any face."""

    @abstractmethod
    def text(self) -> str:
        """Return it as plain text for a terminal."""

    def markdown(self) -> str:
        """Return it as Markdown with formulas between dollars, as GitHub and Jupyter read it.

        Returns
        -------
        str
        """
        from chainrule.working.typesetting.markdown import draw_markdown

        return draw_markdown(self._content())

    def latex(self) -> str:
        """Return it as a LaTeX document, which pdflatex compiles as it is.

        Returns
        -------
        str
        """
        from chainrule.working.typesetting.latex import draw_latex

        return draw_latex(self._content())

    def html(self) -> str:
        """Return it as a web page with MathML, which loads nothing from anywhere.

        Returns
        -------
        str
        """
        from chainrule.working.typesetting.html import draw_page

        return draw_page(self._content())

    def _repr_html_(self) -> str:
        """Return it as a part of a web page, for a notebook."""
        from chainrule.working.typesetting.html import draw_fragment

        return draw_fragment(self._content())

    def __str__(self) -> str:
        """Return the plain text."""
        return self.text()
