"""MathML: formulas for a web page, in the part of MathML that browsers draw (MathML Core)."""

import re
from collections.abc import Sequence
from html import escape
from typing import final

from chainrule.working.formulas.expressions import Symbol
from chainrule.working.typesetting.face import Face

__all__ = ["MathFace"]

_THIN, _MEDIUM = '<mspace width="0.17em"/>', '<mspace width="0.3em"/>'
_UPRIGHT = "ΔΦ1"  # capital Greek letters are upright in a book


@final
class MathFace(Face[str]):
    """Draws MathML, without the math element around it."""

    stacked = True

    def mark(self, sign: str) -> str:
        """Return a sign; a space between factors is a thin one."""
        if sign == " ":
            return _THIN
        stripped = sign.strip()
        if stripped in ("+", "-", "⊙") and sign.endswith(" "):
            return f'<mo form="infix">{_minus(stripped)}</mo>'
        if stripped == "-":
            return '<mo form="prefix">−</mo>'
        if stripped in ("(", ")"):
            return f'<mo stretchy="false">{stripped}</mo>'
        if stripped == ",":
            return "<mo>,</mo>"
        return f"<mo>{escape(stripped)}</mo>"

    def gap(self) -> str:
        """Return nothing: operators have their own space."""
        return ""

    def glue(self, pieces: Sequence[str]) -> str:
        """Return pieces one after another."""
        return "".join(pieces)

    def in_brackets(self, piece: str) -> str:
        """Return a piece in round brackets, which grow with its height."""
        tall = any(tag in piece for tag in ("<mfrac", "<mtable", "<munder>"))
        fence = "" if tall else ' stretchy="false"'
        return (
            f'<mrow><mo{fence} form="prefix">(</mo>{piece}<mo{fence} form="postfix">)</mo></mrow>'
        )

    def number(self, mantissa: str, exponent: int) -> str:
        """Return a number, a power of ten written out."""
        sign = '<mo form="prefix">−</mo>' if mantissa.startswith("-") else ""
        value = f"{sign}<mn>{mantissa.lstrip('-')}</mn>"
        if exponent:
            power = f"<msup><mn>10</mn><mn>{_minus(str(exponent))}</mn></msup>"
            value = f"{value}<mo>×</mo>{power}"
        return f"<mrow>{value}</mrow>" if sign or exponent else value

    def symbol(self, symbol: Symbol) -> str:
        """Return a symbol with its indices."""
        name = _identifier(symbol.name)
        if symbol.mark == "hat":
            name = f'<mover accent="true">{name}<mo>^</mo></mover>'
        short = all(len(index) == 1 for index in symbol.below)
        comma = "" if short else "<mo>,</mo>"
        below = f"<mrow>{comma.join(map(_index, symbol.below))}</mrow>"
        above = "".join(
            f'<mo stretchy="false">(</mo>{_index(index)}<mo stretchy="false">)</mo>'
            for index in symbol.above
        )
        if symbol.below and symbol.above:
            return f"<msubsup>{name}{below}<mrow>{above}</mrow></msubsup>"
        if symbol.below:
            return f"<msub>{name}{below}</msub>"
        return f"<msup>{name}<mrow>{above}</mrow></msup>" if symbol.above else name

    def fraction(self, above: str, below: str) -> str:
        """Return a fraction."""
        return f"<mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>"

    def power(self, base: str, exponent: str, *, simple: bool) -> str:
        """Return a power."""
        return f"<msup><mrow>{base}</mrow><mrow>{exponent}</mrow></msup>"

    def function(self, name: str, *, prime: bool) -> str:
        """Return the name of a function."""
        written = _identifier(name)
        if prime:
            written = f"<msup>{written}<mo>′</mo></msup>"
        return f"{written}<mo>&#x2061;</mo>"  # function application

    def big_sum(self, index: str, upto: str) -> str:
        """Return a sum over an index."""
        sign = '<mo movablelimits="false">∑</mo>'
        if upto:
            below = f"<mrow>{_index(index)}<mo>=</mo><mn>1</mn></mrow>"
            return f"<munderover>{sign}{below}{_index(upto)}</munderover>"
        return f"<munder>{sign}{_index(index)}</munder>"

    def absolute(self, piece: str) -> str:
        """Return an absolute value."""
        bar = '<mo stretchy="false" form="{}">|</mo>'
        return f"<mrow>{bar.format('prefix')}{piece}{bar.format('postfix')}</mrow>"

    def root(self, piece: str) -> str:
        """Return a square root."""
        return f"<msqrt>{piece}</msqrt>"

    def indicator(self, left: str, relation: str, right: str) -> str:
        """Return 1{...}."""
        brace = '<mo stretchy="false" form="{}">{}</mo>'
        return (
            f"<mrow><mn>1</mn>{brace.format('prefix', '{')}{left}"
            f"<mo>{escape(relation)}</mo>{right}{brace.format('postfix', '}')}</mrow>"
        )

    def cases(self, cases: Sequence[tuple[str, str]]) -> str:
        """Return cases behind a brace."""
        rows = "".join(
            f"<mtr><mtd>{value}</mtd><mtd><mrow>{_condition(when)}</mrow></mtd></mtr>"
            for value, when in cases
        )
        return f'<mrow><mo form="prefix">{{</mo><mtable class="cases">{rows}</mtable></mrow>'

    def partial(self, of: str, by: str) -> str:
        """Return a partial derivative."""
        return f"<mfrac><mrow><mo>∂</mo>{of}</mrow><mrow><mo>∂</mo>{by}</mrow></mfrac>"

    def nabla(self, of: str, by: str) -> str:
        """Return a gradient."""
        return f"<mrow><msub><mo>∇</mo><mrow>{by}</mrow></msub>{_THIN}{of}</mrow>"

    def transposed(self, piece: str) -> str:
        """Return a transposed matrix."""
        return f"<msup><mrow>{piece}</mrow><mi>T</mi></msup>"

    def padded(self, piece: str, figures: int, *, point: bool) -> str:
        """Return a number with an invisible rest."""
        return f"<mrow>{piece}<mphantom><mn>{'.' * point}{'0' * figures}</mn></mphantom></mrow>"

    def matrix(self, rows: Sequence[Sequence[str]]) -> str:
        """Return a matrix; its brackets are lines at the table's sides, in any font alike."""
        body = "".join(
            f"<mtr>{''.join(f'<mtd>{entry}</mtd>' for entry in row)}</mtr>" for row in rows
        )
        return f'<mtable class="matrix">{body}</mtable>'

    def with_shape(self, piece: str, shape: tuple[int, int]) -> str:
        """Return a matrix symbol over its shape."""
        size = f"<mn>{shape[0]}</mn><mo>×</mo><mn>{shape[1]}</mn>"
        under = f'<mrow class="shape">{_MEDIUM}{size}{_MEDIUM}</mrow>'
        return f'<munder class="shaped"><mrow>{piece}</mrow>{under}</munder>'

    def rest(self, count: int, value: str) -> str:
        """Return the sum of the other terms, with their number under it."""
        fence = '<mo stretchy="false" form="{}">{}</mo>'
        inside = f"<mrow>{fence.format('prefix', '[')}{value}{fence.format('postfix', ']')}</mrow>"
        return f'<munder class="rest">{inside}<mtext class="shape">{count} more</mtext></munder>'

    def words(self, text: str) -> str:
        """Return words."""
        return f"<mtext>{escape(text)}</mtext>"

    def relation(self, sign: str) -> str:
        """Return a sign between formulas."""
        return f'<mo form="infix">{"≔" if sign == ":=" else sign}</mo>'


def _condition(words: str) -> str:
    """Return words in which a single letter is a formula."""
    # A space at the end of an mtext takes no room, one that does not break does.
    parts = re.split(r"\b([zrkd])\b", words.replace(" ", "\u00a0"))
    return "".join(
        f"<mi>{part}</mi>" if at % 2 else f"<mtext>{escape(part)}</mtext>"
        for at, part in enumerate(parts)
        if part
    )


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _identifier(name: str) -> str:
    if len(name) == 1:
        upright = ' mathvariant="normal"' if name in _UPRIGHT else ""
        return f"<mi{upright}>{escape(name)}</mi>"
    return f"<mi>{escape(name)}</mi>"


def _index(text: str) -> str:
    if text.isdigit():
        return f"<mn>{text}</mn>"
    for sign in "+-":
        head, found, tail = text.partition(sign)
        if found and head:
            return f"<mi>{escape(head)}</mi><mo>{_minus(sign)}</mo><mn>{escape(tail)}</mn>"
    return f"<mi>{_minus(escape(text))}</mi>"
