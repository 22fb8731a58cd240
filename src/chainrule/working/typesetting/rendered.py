"""Results that can be rendered in four formats: text, Markdown, LaTeX and HTML."""

import os
from abc import ABC, abstractmethod
from typing import Any

from chainrule.storage import is_path, keep_text
from chainrule.working.formulas.document import Document

__all__ = ["Destination", "Rendered", "width_and_path"]

Destination = str | os.PathLike[str] | None


class Rendered(ABC):
    """A document that is printed as text, and shown by a notebook as HTML."""

    @abstractmethod
    def _content(self) -> Document:
        """Return the content, independent of the format."""

    @abstractmethod
    def text(self) -> str:
        """Return it as plain text for a terminal."""

    def markdown(self, path: Destination = None) -> str:
        """Return it as Markdown with formulas between dollars, as GitHub and Jupyter read it.

        Parameters
        ----------
        path : str or path-like, optional
            A file to write it to as well, atomically.

        Returns
        -------
        str

        Raises
        ------
        UnwritablePath
            If the file cannot be written.
        """
        from chainrule.working.typesetting.markdown import draw_markdown

        return keep_text(draw_markdown(self._content()), path)

    def latex(self, path: Destination = None) -> str:
        """Return it as a LaTeX document, ready for pdflatex.

        Parameters
        ----------
        path : str or path-like, optional
            A file to write it to as well, atomically.

        Returns
        -------
        str

        Raises
        ------
        UnwritablePath
            If the file cannot be written.
        """
        from chainrule.working.typesetting.latex import draw_latex

        return keep_text(draw_latex(self._content()), path)

    def html(self, path: Destination = None) -> str:
        """Return it as a web page with MathML, which loads no other files.

        Parameters
        ----------
        path : str or path-like, optional
            A file to write it to as well, atomically.

        Returns
        -------
        str

        Raises
        ------
        UnwritablePath
            If the file cannot be written.
        """
        from chainrule.working.typesetting.html import draw_page

        return keep_text(draw_page(self._content()), path)

    def _repr_html_(self) -> str:
        """Return it as a part of a web page, for a notebook."""
        from chainrule.working.typesetting.html import draw_fragment

        return draw_fragment(self._content())

    def __str__(self) -> str:
        """Return the plain text."""
        return self.text()


def width_and_path(width: Any, path: Destination, default: int) -> tuple[int, Destination]:
    """Return a width and a path, which may be given in place of it: ``text("working.txt")``."""
    return (default, width) if is_path(width) and path is None else (width, path)
