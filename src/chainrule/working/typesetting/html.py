"""HTML: a complete page, and a part of a page for a notebook, without external files."""

from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from chainrule.working.formulas.document import (
    Block,
    Chain,
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
from chainrule.working.typesetting.mathml import MathFace

__all__ = ["draw_fragment", "draw_page"]

FACE = MathFace()

# The browser itself makes sure that nothing is loaded and nothing runs.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@cache
def _style() -> str:
    return files("chainrule.working").joinpath("page.css").read_text(encoding="utf-8")


def draw_page(document: Document) -> str:
    """Return a document as a whole web page.

    Parameters
    ----------
    document : Document

    Returns
    -------
    str
    """
    return (
        "<!doctype html>\n<!-- chainrule explain -->\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(document.title)}</title>\n<style>\n{_style()}</style>\n</head>\n"
        f'<body class="chainrule-page">\n{_article(document)}\n</body>\n</html>\n'
    )


def draw_fragment(document: Document) -> str:
    """Return a document as a part of a page, with its style.

    Parameters
    ----------
    document : Document

    Returns
    -------
    str
    """
    return f"<style>\n{_style()}</style>\n{_article(document)}\n"


def _article(document: Document) -> str:
    # The sizes of a network stay on one line.
    title = escape(document.title).replace("-", "\N{NON-BREAKING HYPHEN}")
    parts = [f"<h1>{title}</h1>", _contents(document)]
    for number, block in enumerate(document.blocks, start=1):
        parts.append(_block(block, 2, str(number)))
    return f'<article class="chainrule-working">\n{"".join(parts)}</article>'


def _contents(document: Document) -> str:
    """Return the list of sections."""
    entries = [
        f"<li>{_inlines(block.title)}</li>"
        for block in document.blocks
        if isinstance(block, Section)
    ]
    return f'<ol class="contents">{"".join(entries)}</ol>\n'


def _block(block: Block, depth: int, number: str) -> str:
    match block:
        case Section():
            return _section(block, depth, number)
        case Paragraph():
            kind = ' class="aside"' if block.aside else ""
            return f"<p{kind}>{_inlines(block.parts)}</p>\n"
        case Items():
            items = "".join(f"<li>{_inlines(item)}</li>" for item in block.items)
            return f"<ul>{items}</ul>\n"
        case Table():
            return _table(block)
        case Equation():
            return _equation(block)


def _section(section: Section, depth: int, number: str) -> str:
    level = min(depth, 6)
    heading = f'<span class="number">{number}</span> {_inlines(section.title)}'
    parts = [f"<section>\n<h{level}>{heading}</h{level}>\n"]
    count = 0
    for block in section.blocks:
        if isinstance(block, Section):
            count += 1
        parts.append(_block(block, depth + 1, f"{number}.{count}"))
    return "".join([*parts, "</section>\n"])


def _equation(equation: Equation) -> str:
    rows = [row for chain in equation.chains for row in _chain(chain)]
    # The tag is beside the first step; the others have the whole width.
    (left, first), *others = rows
    tag = f'<div class="tag">({escape(equation.tag)})</div>' if equation.tag else ""
    kind = "step tagged" if tag else "step"
    head = f'<div class="left">{left}</div><div class="{kind}">{first}</div>{tag}'
    rest = [
        f'<div class="left">{left}</div><div class="step">{step}</div>' for left, step in others
    ]
    return f'<div class="equation">{head}{"".join(rest)}</div>\n'


def _chain(chain: Chain) -> list[tuple[str, str]]:
    """Return a chain as rows: the left side of the sign, and the sign with its right side."""
    left = _math(FACE.draw(chain.left))
    steps = [_step(sign, FACE.segments(e)) for sign, e in chain.steps]
    note = f' <span class="note">{_inlines(chain.note)}</span>' if chain.note else ""
    if chain.compact:
        return [(left, "<wbr>".join(steps) + note)]
    steps[-1] += note
    return [(left if at == 0 else "", step) for at, step in enumerate(steps)]


def _step(sign: str, segments: Sequence[str]) -> str:
    first, *others = segments
    relation = FACE.relation(sign)
    pieces = [_math(f"{relation}{first}"), *map(_math, others)]
    return "<wbr>".join(pieces)


def _math(code: str) -> str:
    return f'<math displaystyle="true"><mrow>{code}</mrow></math>'


def _table(table: Table) -> str:
    kinds = [' class="value"' if numeric else "" for numeric in table.numeric]
    head = "".join(
        f'<th scope="col"{kind}>{_inlines(cell)}</th>'
        for kind, cell in zip(kinds, table.header, strict=True)
    )
    columns = [
        [_math(cell) for cell in FACE.draw_column([cell[0] for cell in column])]
        if numeric
        else [_inlines(cell) for cell in column]
        for numeric, column in zip(table.numeric, zip(*table.rows, strict=True), strict=True)
    ]
    rows = "".join(
        f"<tr>{''.join(f'<td{k}>{cell}</td>' for k, cell in zip(kinds, row, strict=True))}</tr>"
        for row in zip(*columns, strict=True)
    )
    caption = f"<caption>{_inlines(table.caption)}</caption>" if table.caption else ""
    inside = f"{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    size = "table wide" if table.is_wide else "table"
    return f'<div class="{size}"><table>{inside}</table></div>\n'


def _inlines(parts: Sequence[Inline]) -> str:
    found = ""
    for part in parts:
        match part:
            case str():
                found += escape(part, quote=False).replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
            case Code():
                found += f"<code>{escape(part.text)}</code>"
            case Emphasis():
                found += f"<em>{escape(part.text)}</em>"
            case _:
                found += f"<math><mrow>{FACE.draw(part)}</mrow></math>"
    return found
