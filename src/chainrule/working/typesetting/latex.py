"""LaTeX: formulas, and a document that pdflatex compiles with standard packages only."""

import re
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

__all__ = ["LatexFace", "Piece", "draw_latex", "equation_lines", "inline_formula"]

_GREEK = {
    "α": r"\alpha", "β": r"\beta", "δ": r"\delta", "ε": r"\varepsilon", "λ": r"\lambda",
    "μ": r"\mu", "ω": r"\omega", "Δ": r"\Delta", "Φ": r"\Phi", "φ": r"\varphi", "ℓ": r"\ell",
    "σ": r"\sigma", "θ": r"\theta", "η": r"\eta", "ρ": r"\rho", "ψ": r"\psi", "τ": r"\tau",
    "π": r"\pi",
}  # fmt: skip
_FUNCTIONS = {"tanh", "log", "max", "sinh", "cosh", "cos"}
_SIGNS = {
    "·": r"\cdot ", "⊙": r"\odot ", "⋯": r"\cdots ", "⋮": r"\vdots ", "⋱": r"\ddots ",
    "/": "/", ">": ">", "≥": r"\ge ", "=": "=", "≈": r"\approx ", ":=": r"\mathrel{:=}",
}  # fmt: skip


@final
@dataclass(frozen=True)
class Piece:
    """LaTeX code, and its approximate width in characters when typeset."""

    code: str
    width: float


@final
class LatexFace(Face[Piece]):
    """Draws LaTeX's mathematics."""

    stacked = True

    def mark(self, sign: str) -> Piece:
        """Return a sign."""
        if sign == " ":
            return Piece(" ", 0.4)
        stripped = sign.strip()
        code = _SIGNS.get(stripped, stripped)
        return Piece(code + " " * (sign.endswith(" ") and not code.endswith(" ")), len(sign))

    def gap(self) -> Piece:
        """Return nothing: LaTeX adds the space itself."""
        return Piece(" ", 0.6)

    def glue(self, pieces: Sequence[Piece]) -> Piece:
        """Return pieces one after another."""
        return Piece("".join(p.code for p in pieces), sum(p.width for p in pieces))

    def in_brackets(self, piece: Piece) -> Piece:
        """Return a piece in round brackets, which grow with its height."""
        tall = any(sign in piece.code for sign in (r"\frac", "bmatrix", r"\sum"))
        code = rf"\left({piece.code}\right)" if tall else f"({piece.code})"
        return Piece(code, piece.width + 2)

    def number(self, mantissa: str, exponent: int) -> Piece:
        """Return a number, a power of ten written out."""
        if mantissa.lstrip("-") in ("∞", "NaN"):
            return Piece(mantissa.replace("∞", r"\infty").replace("NaN", r"\mathrm{NaN}"), 3)
        power = rf"\times 10^{{{exponent}}}" if exponent else ""
        return Piece(mantissa + power, len(mantissa) + (5 if exponent else 0))

    def symbol(self, symbol: Symbol) -> Piece:
        """Return a symbol with its indices."""
        name = _letter(symbol.name)
        if symbol.mark == "hat":
            name = rf"\hat{{{name}}}"
        short = all(len(index) == 1 for index in symbol.below)
        below = ("" if short else ",").join(map(_letters, symbol.below))
        above = "".join(f"({_letters(index)})" for index in symbol.above)
        code = name + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
        indices = max(sum(map(len, symbol.below)), sum(len(i) + 2 for i in symbol.above))
        return Piece(code, len(symbol.name) + 0.65 * indices)

    def fraction(self, above: Piece, below: Piece) -> Piece:
        """Return a fraction."""
        return Piece(
            rf"\frac{{{above.code}}}{{{below.code}}}", 0.8 * max(above.width, below.width) + 0.5
        )

    def power(self, base: Piece, exponent: Piece, *, simple: bool) -> Piece:
        """Return a power."""
        return Piece(f"{base.code}^{{{exponent.code}}}", base.width + 0.7 * exponent.width)

    def function(self, name: str, *, prime: bool) -> Piece:
        """Return a name: a known one, a Greek letter, or upright."""
        if name in _FUNCTIONS:
            code = f"\\{name}"
        elif name in _GREEK or len(name) == 1:
            code = _letter(name)
        else:
            code = rf"\operatorname{{{escape(name)}}}"
        return Piece(code + "'" * prime, len(name) + prime)

    def big_sum(self, index: str, upto: str) -> Piece:
        """Return a sum over an index."""
        if upto:
            return Piece(rf"\sum_{{{index}=1}}^{{{upto}}} ", 3)
        return Piece(rf"\sum_{{{index}}} ", 2)

    def absolute(self, piece: Piece) -> Piece:
        """Return an absolute value."""
        return Piece(rf"\lvert {piece.code}\rvert ", piece.width + 1)

    def root(self, piece: Piece) -> Piece:
        """Return a square root."""
        return Piece(rf"\sqrt{{{piece.code}}}", piece.width + 1)

    def indicator(self, left: Piece, relation: str, right: Piece) -> Piece:
        """Return 1{...}."""
        code = rf"1\{{{left.code} {_SIGNS[relation]} {right.code}\}}"
        return Piece(code, left.width + right.width + 5)

    def cases(self, cases: Sequence[tuple[Piece, str]]) -> Piece:
        """Return cases behind a brace."""
        rows = r" \\ ".join(rf"{value.code} & \text{{{_words(when)}}}" for value, when in cases)
        width = max(value.width + len(when) for value, when in cases) + 3
        return Piece(rf"\begin{{cases}} {rows} \end{{cases}}", width)

    def partial(self, of: Piece, by: Piece) -> Piece:
        """Return a partial derivative."""
        return Piece(
            rf"\frac{{\partial {of.code}}}{{\partial {by.code}}}",
            0.8 * max(of.width, by.width) + 1.5,
        )

    def nabla(self, of: Piece, by: Piece) -> Piece:
        """Return a gradient."""
        return Piece(rf"\nabla_{{{by.code}}} {of.code}", 1 + 0.7 * by.width + of.width)

    def transposed(self, piece: Piece) -> Piece:
        """Return a transposed matrix."""
        return Piece(f"{piece.code}^{{T}}", piece.width + 0.7)

    def padded(self, piece: Piece, figures: int, *, point: bool) -> Piece:
        """Return a number with an invisible rest."""
        rest = "." * point + "0" * figures
        return Piece(rf"{piece.code}\phantom{{{rest}}}", piece.width + len(rest))

    def matrix(self, rows: Sequence[Sequence[Piece]]) -> Piece:
        """Return a matrix in square brackets, numbers flush right."""
        body = r" \\ ".join(" & ".join(entry.code for entry in row) for row in rows)
        columns = [max(row[c].width for row in rows) for c in range(len(rows[0]))]
        width = sum(columns) + 1.6 * len(columns) + 1
        return Piece(rf"\begin{{bmatrix*}}[r] {body} \end{{bmatrix*}}", width)

    def with_shape(self, piece: Piece, shape: tuple[int, int]) -> Piece:
        """Return a matrix symbol over its shape."""
        under = rf"{shape[0]} \times {shape[1]}"
        width = max(piece.width, 0.7 * (len(str(shape[0])) + len(str(shape[1])) + 2))
        return Piece(rf"\underset{{{under}}}{{{piece.code}}}", width + 0.4)

    def rest(self, count: int, value: Piece) -> Piece:
        """Return the sum of the other terms, with their number under it."""
        return Piece(
            rf"\underset{{\text{{{count} more}}}}{{[{value.code}]}}", max(value.width + 2, 7)
        )

    def words(self, text: str) -> Piece:
        """Return words."""
        return Piece(rf"\text{{{escape(text)}}}", len(text))

    def relation(self, sign: str) -> Piece:
        """Return a sign between formulas."""
        return Piece(f" {_SIGNS[sign]} ", 3)


def _letter(name: str) -> str:
    if len(name) == 1:
        return _GREEK.get(name, name)
    return rf"\mathrm{{{escape(name)}}}"


def _letters(text: str) -> str:
    if len(text) > 1 and text.isalpha():  # a word, such as "max"
        return rf"\mathrm{{{text}}}"
    return "".join(_GREEK.get(c, c) for c in text)


def _words(text: str) -> str:
    """Return words in which a single letter is a formula, and comparisons are signs."""
    with_signs = re.sub(r"([≤≠])", lambda m: {"≤": r"$\le$", "≠": r"$\ne$"}[m[1]], text)
    return re.sub(r"\b([zrkd])\b", r"$\1$", with_signs).replace(">", "$>$").replace("=", "$=$")


_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "“": "``", "”": "''", "’": "'", "–": "--", "—": "---", "…": r"\dots{}",
    "\N{NO-BREAK SPACE}": "~", "×": r"$\times$", "⊙": r"$\odot$", "≤": r"$\le$", "≠": r"$\ne$",
    "≥": r"$\ge$", "≈": r"$\approx$", "→": r"$\to$",
}  # fmt: skip


def escape(text: str) -> str:
    """Return words as LaTeX; letters that pdflatex's fonts lack by their number."""
    return "".join(_escaped(c) for c in text)


def _escaped(c: str) -> str:
    if c in _SPECIAL:
        return _SPECIAL[c]
    if c in _GREEK:
        return f"${_GREEK[c]}$"
    if ord(c) < 32 or ord(c) == 127:
        return " "
    known = ord(c) < 127 or c in "äöüÄÖÜßáàâãåæçéèêëíìîïñóòôõøúùûýÿÁÀÂÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÕØÚÙÛÝ"
    return c if known else f"[U+{ord(c):04X}]"


# --- documents -----------------------------------------------------------------------------------

FACE = LatexFace()
_ROOM = 80.0  # characters that a line of mathematics holds

_HEAD = r"""% chainrule explain
\documentclass[10pt,a4paper,fleqn]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{lmodern}
\usepackage{textcomp}
\usepackage{amsmath,amssymb}
\usepackage{mathtools}
\usepackage[margin=22mm]{geometry}
\setcounter{MaxMatrixCols}{60}
\setlength{\arraycolsep}{3pt}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.6em}
\setlength{\mathindent}{1.2em}
\allowdisplaybreaks
"""


_WIDE_TABLE = r"{\footnotesize\setlength{\tabcolsep}{2pt}"


def draw_latex(document: Document) -> str:
    """Return a document as a LaTeX file.

    Parameters
    ----------
    document : Document

    Returns
    -------
    str
    """
    lines = [_HEAD, r"\begin{document}", ""]
    lines += [rf"{{\LARGE {escape(document.title)}\par}}", r"\bigskip", ""]
    for block in document.blocks:
        lines += _block(block, 0)
    # An empty line before a display would be an additional paragraph.
    lines = [
        line
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
        if line or not after.startswith(r"\begin{align}")
    ]
    return "\n".join([*lines, r"\end{document}", ""])


def inline_formula(part: Inline) -> str:
    """Return a formula among words, without its dollars."""
    if isinstance(part, str | Code | Emphasis):
        raise TypeError("words are not a formula")
    return FACE.draw(part).code.strip()


def equation_lines(equation: Equation, room: float = _ROOM) -> list[str]:
    """Return an equation's rows for an ``aligned`` environment."""
    rows: list[str] = []
    beside_tag = room - 0.9 * len(equation.tag) - 4 if equation.tag else room
    for chain in equation.chains:
        rows += _chain(chain, room if rows else beside_tag, room)
    return rows


def _block(block: Block, depth: int) -> list[str]:
    match block:
        case Section():
            kind = ("section", "subsection", "subsubsection")[min(depth, 2)]
            lines = [rf"\{kind}{{{_inlines(block.title)}}}", ""]
            for inner in block.blocks:
                lines += _block(inner, depth + 1)
            return lines
        case Paragraph():
            text = _inlines(block.parts)
            return [rf"{{\small {text}}}" if block.aside else text, ""]
        case Items():
            items = [rf"\item {_inlines(item)}" for item in block.items]
            return [r"\begin{itemize}", *items, r"\end{itemize}", ""]
        case Table():
            return _table(block)
        case Equation():
            return _equation(block)


def _equation(equation: Equation) -> list[str]:
    rows = equation_lines(equation)
    tag = rf" \tag{{{escape(equation.tag)}}}" if equation.tag else r" \notag"
    rows[0] += tag
    rows[1:] = [rf"{row} \notag" for row in rows[1:]]
    body = " \\\\\n".join(rows)
    return [r"\begin{align}", body, r"\end{align}", ""]


def _chain(chain: Chain, first: float, room: float) -> list[str]:
    """Return a chain as rows; the first has less room if the tag is beside it."""
    left = FACE.draw(chain.left)
    steps = [(FACE.relation(sign), FACE.segments(e)) for sign, e in chain.steps]
    note = rf" \quad \text{{{_inlines(chain.note)}}}" if chain.note else ""
    beside = 0.85 * sum(_length(part) for part in chain.note) + 2 if chain.note else 0.0
    wide = left.width + sum(s.width + sum(p.width for p in ps) for s, ps in steps) + beside
    if chain.compact and wide <= first:
        whole = "".join(
            ("&" if at == 0 else "") + s.code + "".join(p.code for p in ps)
            for at, (s, ps) in enumerate(steps)
        )
        return [f"{left.code} {whole}{note}"]
    rows: list[str] = []
    width = 0.0
    for at, (sign, segments) in enumerate(steps):
        row = f"{left.code if at == 0 else ''} &{sign.code}"
        width = start = left.width + 3
        for segment in segments:
            if width + segment.width > (room if rows else first) and width > start:
                rows.append(row)
                row, width = r" &\quad ", start + 1
            row += segment.code
            width += segment.width
        rows.append(row)
    if width + beside > room and note:
        rows.append(f" &{note}")
    else:
        rows[-1] += note
    return rows


def _length(part: Inline) -> float:
    match part:
        case str():
            return len(part)
        case Code() | Emphasis():
            return len(part.text)
        case _:
            return FACE.draw(part).width


def _inlines(parts: Sequence[Inline]) -> str:
    found = ""
    for part in parts:
        match part:
            case str():
                found += escape(part)
            case Code():
                found += rf"\texttt{{{escape(part.text)}}}"
            case Emphasis():
                found += rf"\emph{{{escape(part.text)}}}"
            case _:
                found += f"${inline_formula(part)}$"
    return found


def _table(table: Table) -> list[str]:
    kinds = "".join("r" if numeric else "l" for numeric in table.numeric)
    columns = [
        [f"${cell.code}$" for cell in FACE.draw_column([cell[0] for cell in column])]
        if numeric
        else [_inlines(cell) for cell in column]
        for numeric, column in zip(table.numeric, zip(*table.rows, strict=True), strict=True)
    ]
    rows = [" & ".join(row) + r" \\" for row in zip(*columns, strict=True)]
    lines = [_inlines(table.caption), ""] if table.caption else []
    return [
        *lines,
        _WIDE_TABLE if table.is_wide else r"{\small\setlength{\tabcolsep}{4pt}",
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\hline",
        " & ".join(map(_inlines, table.header)) + r" \\",
        r"\hline",
        *rows,
        r"\hline",
        r"\end{tabular}}",
        "",
    ]
