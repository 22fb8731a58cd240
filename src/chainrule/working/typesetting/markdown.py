"""Markdown with formulas between dollars, as GitHub, Jupyter and pandoc read it."""

import re
from collections.abc import Sequence

from chainrule.working.formulas.document import (
    Block,
    Code,
    Document,
    Emphasis,
    Equation,
    Inline,
    Items,
    Paragraph,
    Section,
    Table,
)
from chainrule.working.typesetting.latex import equation_lines, inline_formula

__all__ = ["draw_markdown"]


def draw_markdown(document: Document) -> str:
    """Return a document as Markdown.

    Parameters
    ----------
    document : Document

    Returns
    -------
    str
    """
    lines = [f"# {_escape(document.title)}", ""]
    for block in document.blocks:
        lines += _block(block, 2)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines) + "\n"


def _block(block: Block, depth: int) -> list[str]:
    match block:
        case Section():
            lines = [f"{'#' * min(depth, 6)} {_inlines(block.title)}", ""]
            for inner in block.blocks:
                lines += _block(inner, depth + 1)
            return lines
        case Paragraph():
            text = _inlines(block.parts)
            return [f"> {text}" if block.aside else text, ""]
        case Items():
            return [*(f"- {_inlines(item)}" for item in block.items), ""]
        case Table():
            header, *rows = ([_cell(cell) for cell in row] for row in (block.header, *block.rows))
            caption = [_inlines(block.caption), ""] if block.caption else []
            rule = ["---:" if numeric else "---" for numeric in block.numeric]
            return [*caption, *(f"| {' | '.join(row)} |" for row in (header, rule, *rows)), ""]
        case Equation():
            return _equation(block)


def _equation(equation: Equation) -> list[str]:
    rows = " \\\\\n".join(equation_lines(equation))
    tag = f" \\tag{{{equation.tag}}}" if equation.tag else ""
    body = f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}{tag}"
    # MathJax and KaTeX support neither mathtools' aligned matrices nor \lvert in tables.
    return ["$$", _plain(body), "$$", ""]


def _plain(code: str) -> str:
    code = code.replace(r"\begin{bmatrix*}[r]", r"\begin{bmatrix}")
    return code.replace(r"\end{bmatrix*}", r"\end{bmatrix}")


def _cell(parts: Sequence[Inline]) -> str:
    return _inlines(parts).replace("|", r"\|")


def _inlines(parts: Sequence[Inline]) -> str:
    found = ""
    for part in parts:
        match part:
            case str():
                found += _escape(part)
            case Code():
                found += f"`{part.text}`"
            case Emphasis():
                found += f"*{_escape(part.text)}*" if part.text.strip() else part.text
            case _:
                found += f"${_plain(inline_formula(part))}$"
    return found


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#$|~])", r"\\\1", text)
