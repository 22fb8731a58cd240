"""Formulas as MathML, made while the site is built: browsers draw it, no script is loaded."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

_NAMED = re.compile(r"(<mi>(?:log|tanh)</mi>|<mo>(?:sign|max)</mo>)(?=<m(?!o))")
_NOT_UNDERSTOOD = re.compile(r"\\[A-Za-z]+|<m[io][^>]*>&<")


def mathml(latex: str, display: str) -> str:
    """Return the MathML of a formula.

    Raises
    ------
    ExtensionError
        If a command of it would stand in the page as it is.
    """
    formula = convert(latex.strip(), display=display)
    if left := _NOT_UNDERSTOOD.search(formula):
        raise ExtensionError(f"The formula {latex!r} has {left.group()!r}, which MathML lacks.")
    # No operator's space around the partial sign; a little after a function's name.
    formula = formula.replace("<mo>&#x02202;</mo>", "<mi>&#x02202;</mi>")
    return _NAMED.sub(r'\1<mspace width="0.17em" />', formula)


def visit_math(self: Any, node: nodes.math) -> None:
    """Write a formula inside a line."""
    self.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_displaymath(self: Any, node: nodes.math_block) -> None:
    """Write a formula of its own line, which scrolls by itself where the page is narrow."""
    self.body.append(self.starttag(node, "div", CLASS="formula", tabindex="0"))
    self.body.append(mathml(node.astext(), "block"))
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
