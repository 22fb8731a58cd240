"""Plain text: formulas as boxes of characters, for a terminal."""

import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

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
from chainrule.working.formulas.expressions import Symbol
from chainrule.working.typesetting.face import Face

__all__ = ["Box", "TextFace", "draw_text"]

_BELOW = dict(zip("0123456789+-aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_ABOVE = dict(zip("0123456789+-ℓLmMkn", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ˡᴸᵐᴹᵏⁿ", strict=True))


@final
@dataclass(frozen=True)
class Box:
    """Lines of equal length; the one at `base` is aligned with neighboring boxes.

    The last `under` lines hold shapes, which brackets do not enclose.
    """

    lines: tuple[str, ...]
    base: int = 0
    under: int = 0

    @property
    def width(self) -> int:
        """Its width in columns."""
        return _width(self.lines[0])

    @property
    def tall(self) -> bool:
        """Whether it has more than one line, shapes aside."""
        return len(self.lines) - self.under > 1


def _width(text: str) -> int:
    return sum(not unicodedata.combining(c) for c in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


@final
class TextFace(Face[Box]):
    """Draws boxes."""

    stacked = False

    def mark(self, sign: str) -> Box:
        """Return a sign."""
        return Box((sign,))

    def gap(self) -> Box:
        """Return a space."""
        return Box((" ",))

    def glue(self, pieces: Sequence[Box]) -> Box:
        """Return boxes side by side, their bases on one line."""
        above = max(p.base for p in pieces)
        below = max(len(p.lines) - p.base for p in pieces)
        under = below - max(len(p.lines) - p.under - p.base for p in pieces)
        lines = [""] * (above + below)
        for p in pieces:
            blank = " " * p.width
            start = above - p.base
            for at in range(len(lines)):
                inside = 0 <= at - start < len(p.lines)
                lines[at] += p.lines[at - start] if inside else blank
        return Box(tuple(lines), above, under)

    def in_brackets(self, piece: Box) -> Box:
        """Return a box in round brackets."""
        if not piece.tall:
            return self.glue([Box(("(",)), piece, Box((")",))])
        return _framed(piece, "⎛⎜⎝", "⎞⎟⎠")

    def number(self, mantissa: str, exponent: int) -> Box:
        """Return a number as Python reads it."""
        return Box((f"{mantissa}e{exponent}" if exponent else mantissa,))

    def symbol(self, symbol: Symbol) -> Box:
        """Return a symbol with Unicode's small figures, the layer and the example in brackets."""
        name = f"{symbol.name}\N{COMBINING CIRCUMFLEX ACCENT}" if symbol.mark else symbol.name
        return Box((name + _below(symbol.below) + _above(symbol.above),))

    def fraction(self, above: Box, below: Box) -> Box:
        """Refuse: fractions are written in a line."""
        raise TypeError("plain text has no stacked fractions")

    def power(self, base: Box, exponent: Box, *, simple: bool) -> Box:
        """Return base^exponent."""
        raised = exponent if simple else self.in_brackets(exponent)
        return self.glue([base, Box(("^",)), raised])

    def function(self, name: str, *, prime: bool) -> Box:
        """Return a name."""
        return Box((f"{name}'" if prime else name,))

    def big_sum(self, index: str, upto: str) -> Box:
        """Return a capital sigma with its index."""
        return Box((f"Σ{_below((index,))} ",))

    def absolute(self, piece: Box) -> Box:
        """Return a box between bars."""
        return self.glue([Box(("|",)), piece, Box(("|",))])

    def root(self, piece: Box) -> Box:
        """Return a root."""
        return self.glue([Box(("√",)), self.in_brackets(piece)])

    def indicator(self, left: Box, relation: str, right: Box) -> Box:
        """Return 1{...}."""
        return self.glue([Box(("1{",)), left, Box((f" {relation} ",)), right, Box(("}",))])

    def cases(self, cases: Sequence[tuple[Box, str]]) -> Box:
        """Return cases under each other behind a brace."""
        width = max(value.width for value, _ in cases)
        rows = [f"{_pad(value.lines[0], width)}   {when}" for value, when in cases]
        longest = max(map(_width, rows))
        signs = ["⎧", *("⎨" for _ in rows[2:]), "⎩"]
        lines = [f"{s} {_pad(row, longest)}" for s, row in zip(signs, rows, strict=True)]
        return Box(tuple(lines), 0)

    def partial(self, of: Box, by: Box) -> Box:
        """Return ∂of/∂by."""
        return self.glue([Box(("∂",)), of, Box(("/∂",)), by])

    def nabla(self, of: Box, by: Box) -> Box:
        """Return the gradient of something by something."""
        return self.glue([Box(("∇_",)), by, Box((" ",)), of])

    def transposed(self, piece: Box) -> Box:
        """Return a box with a small T."""
        return self.glue([piece, Box(("ᵀ",))])

    def padded(self, piece: Box, figures: int, *, point: bool) -> Box:
        """Return a number with blanks after it."""
        return Box((piece.lines[0] + " " * (figures + point),))

    def matrix(self, rows: Sequence[Sequence[Box]]) -> Box:
        """Return a matrix, its columns flush right."""
        columns: list[list[str]] = []
        for column in zip(*rows, strict=True):
            width = max(entry.width for entry in column)
            columns.append([" " * (width - entry.width) + entry.lines[0] for entry in column])
        texts = [[column[r] for column in columns] for r in range(len(rows))]
        lines = ["  ".join(column[r] for column in columns) for r in range(len(texts))]
        if len(lines) == 1:
            return Box((f"[ {lines[0]} ]",))
        return _framed(Box(tuple(lines), (len(lines) - 1) // 2), "⎡⎢⎣", "⎤⎥⎦", " ")

    def with_shape(self, piece: Box, shape: tuple[int, int]) -> Box:
        """Return a box with the shape on the line under it."""
        under = f"{shape[0]}×{shape[1]}"
        width = max(piece.width, len(under))
        lines = [f"{line:^{width + len(line) - _width(line)}}" for line in (*piece.lines, under)]
        return Box(tuple(lines), piece.base, 1)

    def rest(self, count: int, value: Box) -> Box:
        """Return [count more: value]."""
        return self.glue([Box((f"[{count} more: ",)), value, Box(("]",))])

    def words(self, text: str) -> Box:
        """Return words."""
        return Box((text,))

    def relation(self, sign: str) -> Box:
        """Return a sign between spaces."""
        return Box((f" {sign} ",))


def _below(indices: Sequence[str]) -> str:
    if not indices:
        return ""
    small = ["".join(_BELOW.get(c, c) for c in index) for index in indices]
    if any(c not in _BELOW for index in indices for c in index):
        return f"_{','.join(indices)}"
    return ("" if all(len(index) == 1 for index in indices) else ",").join(small)


def _above(indices: Sequence[str]) -> str:
    return "".join(f"⁽{''.join(_ABOVE.get(c, c) for c in index)}⁾" for index in indices)


def _framed(box: Box, left: str, right: str, gap: str = "") -> Box:
    """Return a box of several lines between brackets of the same height."""
    n = len(box.lines)
    lefts = [left[0], *left[1] * (n - 2), left[2]]
    rights = [right[0], *right[1] * (n - 2), right[2]]
    lines = [f"{a}{gap}{line}{gap}{b}" for a, line, b in zip(lefts, box.lines, rights, strict=True)]
    return Box(tuple(lines), box.base)


def _aligned(column: Sequence[str]) -> list[str]:
    """Return the entries of a column with their decimal points under each other."""
    heads = [entry.partition(".")[0] if entry[-1:].isdigit() else entry for entry in column]
    before = max(map(_width, heads))
    moved = [" " * (before - _width(h)) + entry for h, entry in zip(heads, column, strict=True)]
    width = max(map(_width, moved))
    return [_pad(entry, width) for entry in moved]


# --- blocks --------------------------------------------------------------------------------------

FACE = TextFace()
_INDENT = "  "


def draw_text(document: Document, width: int) -> str:
    """Return a document as plain text.

    Parameters
    ----------
    document : Document
    width : int
        The maximum line length, if the formulas allow it.

    Returns
    -------
    str
    """
    lines = [document.title, "=" * _width(document.title), ""]
    for number, block in enumerate(document.blocks, start=1):
        lines += _block(block, width, str(number))
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(line.rstrip() for line in lines).replace(_GLUE, " ") + "\n"


def _block(block: Block, width: int, number: str) -> list[str]:
    match block:
        case Section():
            return _section(block, width, number)
        case Paragraph():
            return [*_wrapped(_inlines(block.parts), width), ""]
        case Items():
            lines: list[str] = []
            for item in block.items:
                lines += _wrapped(_inlines(item), width, "- ")
            return [*lines, ""]
        case Table():
            return _table(block, width)
        case Equation():
            return _equation(block, width)


def _wrapped(text: str, width: int, bullet: str = "") -> list[str]:
    """Return lines of words; after a bullet they are indented."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _section(section: Section, width: int, number: str) -> list[str]:
    title = f"{number}  {_inlines(section.title)}"
    under = "-" if number.count(".") == 0 else ""
    lines = ["", title, under * _width(title), ""] if under else ["", title, ""]
    count = 0
    for block in section.blocks:
        if isinstance(block, Section):
            count += 1
        lines += _block(block, width, f"{number}.{count}")
    return lines


_GLUE = "\N{NO-BREAK SPACE}"


def _inlines(parts: Sequence[Inline]) -> str:
    """Return words and formulas in a line; formulas hold together."""
    found = ""
    for part in parts:
        match part:
            case str():
                found += part
            case Code():
                found += f"`{part.text}`"
            case Emphasis():
                found += part.text
            case _:
                box = FACE.draw(part)
                found += "; ".join(line.strip() for line in box.lines).replace(" ", _GLUE)
    return found


def _equation(equation: Equation, width: int) -> list[str]:
    lefts = [FACE.draw(c.left) for c in equation.chains]
    indent = min(max(left.width for left in lefts), width // 3)
    room = width - len(_INDENT)
    beside_tag = room - (len(equation.tag) + 4 if equation.tag else 0)
    boxes: list[Box] = []
    for drawn, left in zip(equation.chains, lefts, strict=True):
        first = room if boxes else beside_tag
        boxes += _chain(drawn, left, indent, first, room)
    lines: list[str] = []
    for at, box in enumerate(boxes):
        if at and max(len(box.lines), len(boxes[at - 1].lines)) > 1:
            lines.append("")
        for row, line in enumerate(box.lines):
            text = _INDENT + line
            if at == 0 and row == box.base and equation.tag:
                text = _pad(text.rstrip(), width - len(equation.tag) - 2)
                text += f"({equation.tag})" if text.endswith(" ") else f"  ({equation.tag})"
            lines.append(text)
    return [*lines, ""]


def _chain(chain: Chain, left: Box, indent: int, first: int, room: int) -> list[Box]:
    """Return a chain as rows: each step on a separate one, long ones broken between terms.

    The first row has less room than the others if the equation's tag is beside it.
    """
    head = Box(tuple(" " * (indent - left.width) + line for line in left.lines), left.base)
    steps = [(FACE.relation(sign), FACE.segments(e)) for sign, e in chain.steps]
    note = Box((f"    ({_inlines(chain.note)})",)) if chain.note else None
    if chain.compact:
        whole = [head]
        for sign, segments in steps:
            whole += [sign, *segments]
        line = FACE.glue([*whole, note] if note else whole)
        if line.width <= first:
            return [line]
    rows: list[Box] = []
    for at, (sign, segments) in enumerate(steps):
        start = head if at == 0 else Box((" " * head.width,))
        blank = Box((" " * (head.width + sign.width),))
        row = FACE.glue([start, sign])
        for segment in segments:
            fits = row.width + segment.width <= (room if rows else first)
            fits = fits or row.width <= blank.width
            if not fits:
                rows.append(row)
                row = blank
            row = FACE.glue([row, segment])
        rows.append(row)
    if note is not None:
        last = FACE.glue([rows[-1], note])
        if last.width <= room:
            rows[-1] = last
        else:
            rows.append(FACE.glue([Box((" " * indent,)), note]))
    return rows


def _table(table: Table, width: int) -> list[str]:
    cells = [[_inlines(cell) for cell in row] for row in (table.header, *table.rows)]
    columns = [_aligned_cells([row[c] for row in cells]) for c in range(len(table.header))]
    lines = [_INDENT + "  ".join(column[r] for column in columns) for r in range(len(cells))]
    rule = _INDENT + "  ".join("-" * _width(column[0]) for column in columns)
    caption = _wrapped(_inlines(table.caption), width) if table.caption else []
    return [*caption, *([""] if caption else []), lines[0], rule, *lines[1:], ""]


def _aligned_cells(column: Sequence[str]) -> list[str]:
    head, *body = column
    numbers = all(_is_number(cell) for cell in body)
    body = _aligned(body) if numbers and body else list(body)
    width = max(map(_width, (head, *body)))
    if numbers:
        return [" " * (width - _width(cell)) + cell for cell in (head, *body)]
    return [_pad(cell, width) for cell in (head, *body)]


def _is_number(text: str) -> bool:
    if text == "-":  # none
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
