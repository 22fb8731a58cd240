"""The common part of all formats: the order of operations, brackets, and line breaks.

A format draws pieces (boxes of text, LaTeX, MathML) and joins them; this module chooses the pieces.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from chainrule.working.formulas.decimals import decimal
from chainrule.working.formulas.expressions import (
    Abs,
    BigSum,
    Call,
    Cases,
    Dots,
    Equal,
    Expression,
    Hadamard,
    Indicator,
    Matrix,
    Nabla,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Rest,
    Sqrt,
    Sum,
    Symbol,
    Transpose,
    WithShape,
    Words,
    is_numeric,
)

__all__ = ["Face"]

P = TypeVar("P")

# The precedence of each operation, from an equation to an atom.
_EQUATION, _SUM, _WIDE, _PRODUCT, _POWER, _ATOM = range(6)
_LONG = 4  # terms below a fraction line, above which it is written with a slash


class Face(ABC, Generic[P]):
    """Draws formulas as pieces of some kind.

    Attributes
    ----------
    stacked : bool
        Whether fractions are drawn one above the other, and so need no brackets.
    """

    stacked: bool

    # --- defined by each format -------------------------------------------------------------------

    @abstractmethod
    def mark(self, sign: str) -> P:
        """Return "+", "-", "·", "⊙", "(", ")", "," or a space between factors."""

    @abstractmethod
    def gap(self) -> P:
        """Return the space between two pieces on one line."""

    @abstractmethod
    def glue(self, pieces: Sequence[P]) -> P:
        """Return pieces side by side."""

    @abstractmethod
    def in_brackets(self, piece: P) -> P:
        """Return a piece in round brackets of the same height."""

    @abstractmethod
    def number(self, mantissa: str, exponent: int) -> P:
        """Return a number, with a power of ten unless the exponent is 0."""

    @abstractmethod
    def symbol(self, symbol: Symbol) -> P:
        """Return a symbol with its indices."""

    @abstractmethod
    def fraction(self, above: P, below: P) -> P:
        """Return a fraction, for a format that stacks them."""

    @abstractmethod
    def power(self, base: P, exponent: P, *, simple: bool) -> P:
        """Return a power; simple if the exponent is one number or letter."""

    @abstractmethod
    def function(self, name: str, *, prime: bool) -> P:
        """Return the name of a function."""

    @abstractmethod
    def big_sum(self, index: str, upto: str) -> P:
        """Return the sign of a sum over an index."""

    @abstractmethod
    def absolute(self, piece: P) -> P:
        """Return an absolute value."""

    @abstractmethod
    def root(self, piece: P) -> P:
        """Return a square root."""

    @abstractmethod
    def indicator(self, left: P, relation: str, right: P) -> P:
        """Return 1{left relation right}."""

    @abstractmethod
    def cases(self, cases: Sequence[tuple[P, str]]) -> P:
        """Return values with their conditions under each other."""

    @abstractmethod
    def partial(self, of: P, by: P) -> P:
        """Return a partial derivative."""

    @abstractmethod
    def nabla(self, of: P, by: P) -> P:
        """Return a gradient."""

    @abstractmethod
    def transposed(self, piece: P) -> P:
        """Return a transposed matrix."""

    @abstractmethod
    def padded(self, piece: P, figures: int, *, point: bool) -> P:
        """Return a number with room for a number of figures, and a decimal point, after it."""

    @abstractmethod
    def matrix(self, rows: Sequence[Sequence[P]]) -> P:
        """Return a matrix."""

    @abstractmethod
    def with_shape(self, piece: P, shape: tuple[int, int]) -> P:
        """Return a matrix symbol with its shape under it."""

    @abstractmethod
    def rest(self, count: int, value: P) -> P:
        """Return the sum of the terms that are not written out."""

    @abstractmethod
    def words(self, text: str) -> P:
        """Return words among formulas."""

    @abstractmethod
    def relation(self, sign: str) -> P:
        """Return "=", ":=" or "≈"."""

    # --- common to all formats ----------------------------------------------------------------

    def draw(self, e: Expression) -> P:
        """Return a formula as one piece."""
        return self.glue(self.segments(e))

    def segments(self, e: Expression) -> list[P]:  # noqa: PLR0911 - a table
        """Return a formula as pieces between which a line may break."""
        match e:
            case Sum():
                return self._sum(e)
            case Negative():
                return self._prefixed([self.mark("-")], self._within(e.of, _WIDE))
            case Product():
                return self._product(e)
            case Hadamard():
                return self._hadamard(e)
            case BigSum():
                return self._prefixed([self.big_sum(e.index, e.upto)], self._within(e.of, _PRODUCT))
            case Quotient() if not self._is_stacked(e):
                below = self._within(e.below, _POWER)
                above = self._within(e.above, _PRODUCT)
                return [*above[:-1], self.glue([above[-1], self.mark("/"), below[0]]), *below[1:]]
            case Call():
                return self._call(e)
            case _:
                return [self._atom(e)]

    def _is_stacked(self, e: Quotient) -> bool:
        """Whether a fraction is drawn one above the other: a long one has to break instead."""
        long = isinstance(e.below, Sum) and len(_flat(e.below.terms)) > _LONG
        return self.stacked and not long

    def _atom(self, e: Expression) -> P:  # noqa: PLR0911, PLR0912 - a table
        match e:
            case Number():
                return self.number(*decimal(e.value, e.digits))
            case Symbol():
                return self.symbol(e)
            case Quotient():
                return self.fraction(self.draw(e.above), self.draw(e.below))
            case Power():
                simple = isinstance(e.exponent, Number) and e.exponent.value >= 0
                simple = simple or e.exponent == Symbol(getattr(e.exponent, "name", ""))
                base = self.glue(self._within(e.base, _ATOM))
                of = e.base.of if isinstance(e.base, WithShape) else e.base
                indexed = isinstance(of, Symbol) and of.above
                if indexed or (self.stacked and isinstance(of, Quotient | Partial)):
                    base = self.in_brackets(base)
                return self.power(base, self.draw(e.exponent), simple=simple)
            case Abs():
                return self.absolute(self.draw(e.of))
            case Sqrt():
                return self.root(self.draw(e.of))
            case Indicator():
                return self.indicator(self.draw(e.left), e.relation, self.draw(e.right))
            case Cases():
                return self.cases([(self.draw(value), when) for value, when in e.cases])
            case Equal():
                return self.glue([self.draw(e.left), self.relation("="), self.draw(e.right)])
            case Partial():
                return self.partial(self.draw(e.of), self.draw(e.by))
            case Nabla():
                return self.nabla(self.draw(e.of), self.draw(e.by))
            case Transpose():
                return self.transposed(self._base_of_transpose(e.of))
            case Matrix():
                return self._matrix(e)
            case WithShape():
                return self.with_shape(self.draw(e.of), e.shape)
            case Rest():
                return self.rest(e.count, self.draw(e.value))
            case Dots():
                return self.mark(e.kind)
            case Words():
                return self.words(e.text)
            case _:
                raise TypeError(f"{type(e).__name__} cannot be drawn")

    def _matrix(self, e: Matrix) -> P:
        """Return a matrix whose numbers have as many figures after the point in each column."""
        columns = [self.draw_column(column) for column in zip(*e.rows, strict=True)]
        return self.matrix(list(zip(*columns, strict=True)))

    def draw_column(self, cells: Sequence[Expression]) -> list[P]:
        """Return a column of formulas, numbers with as many figures after the point."""
        after = list(map(_after_point, cells))
        most = max((n for n in after if n is not None), default=0)
        column: list[P] = []
        for cell, own in zip(cells, after, strict=True):
            drawn = self.draw(cell)
            if own is not None and own < most:
                drawn = self.padded(drawn, most - own, point=own == 0)
            column.append(drawn)
        return column

    def _base_of_transpose(self, e: Expression) -> P:
        plain = isinstance(e, Symbol) and not e.above
        return self.draw(e) if plain else self.in_brackets(self.draw(e))

    def _sum(self, e: Sum) -> list[P]:
        found: list[P] = []
        for term in _flat(e.terms):
            negative, of = _without_sign(term)
            part = self._within(of, _WIDE)
            if found:
                part = self._prefixed([self.mark("- " if negative else "+ ")], part)
                found = self._apart(found, part)
            else:
                found = self._prefixed([self.mark("-")], part) if negative else part
        return found

    def _product(self, e: Product) -> list[P]:
        found: list[P] = []
        factors = list(e.factors)
        for at, factor in enumerate(factors):
            last = at == len(factors) - 1
            needed = _WIDE if last and isinstance(factor, BigSum) else _PRODUCT
            part = self._within(factor, needed)
            if not found:
                found = part
            elif has_matrix(factors[at - 1]) and has_matrix(factor):
                found = [*found[:-1], self.glue([found[-1], self.mark(" ")]), *part]
            else:
                times = "·" if _numeric_scalar(factors[at - 1]) and _numeric(factor) else " "
                found = [*found[:-1], self.glue([found[-1], self.mark(times), part[0]]), *part[1:]]
        return found

    def _hadamard(self, e: Hadamard) -> list[P]:
        first, *others = e.factors
        found = self._within(first, _PRODUCT)
        for factor in others:
            part = self._prefixed([self.mark("⊙ ")], self._within(factor, _PRODUCT))
            found = self._apart(found, part)
        return found

    def _call(self, e: Call) -> list[P]:
        first, *others = e.arguments
        inside = self.segments(first)
        for argument in others:
            comma = self.glue([inside[-1], self.mark(",")])
            inside = self._apart([*inside[:-1], comma], self.segments(argument))
        return self._prefixed([self.function(e.name, prime=e.prime)], self._enclosed(inside))

    def _within(self, e: Expression, needed: int) -> list[P]:
        """Return a part of a larger formula, in brackets if its precedence is lower."""
        inside = self.segments(e)
        if self._level(e) >= needed:
            return inside
        return self._enclosed([self.glue(inside)] if has_matrix(e) else inside)

    def _enclosed(self, inside: list[P]) -> list[P]:
        if len(inside) <= 2:  # a short one holds together
            return [self.in_brackets(self.glue(inside))]
        first, *middle, last = inside
        return [
            self.glue([self.mark("("), first]),
            *middle,
            self.glue([last, self.mark(")")]),
        ]

    def _prefixed(self, before: list[P], part: list[P]) -> list[P]:
        return [self.glue([*before, part[0]]), *part[1:]]

    def _apart(self, before: list[P], after: list[P]) -> list[P]:
        """Return pieces after others, at a distance when they are on one line."""
        return [*before[:-1], self.glue([before[-1], self.gap()]), *after]

    def _level(self, e: Expression) -> int:  # noqa: PLR0911, PLR0912 - a table
        match e:
            case Equal() | Cases():
                return _EQUATION
            case Sum():
                terms = _flat(e.terms)
                return _SUM if len(terms) > 1 else self._level(terms[0])
            case Negative():
                return _SUM
            case BigSum() | Hadamard():
                return _WIDE
            case Product():
                several = len(e.factors) > 1
                return _PRODUCT if several else self._level(next(iter(e.factors)))
            case Nabla():
                return _PRODUCT
            case WithShape():
                return self._level(e.of)
            case Quotient():
                return _ATOM if self._is_stacked(e) else _PRODUCT
            case Partial():
                return _ATOM if self.stacked else _PRODUCT
            case Power():
                return _POWER
            case Number():
                if e.value < 0:
                    return _SUM
                return _PRODUCT if self.stacked and decimal(e.value, e.digits)[1] else _ATOM
            case _:
                return _ATOM


def has_matrix(e: Expression) -> bool:
    """Whether there is a matrix of numbers in it."""
    match e:
        case Matrix():
            return True
        case Sum():
            return any(map(has_matrix, e.terms))
        case Product() | Hadamard():
            return any(map(has_matrix, e.factors))
        case Negative() | Transpose():
            return has_matrix(e.of)
        case _:
            return False


def _after_point(e: Expression) -> int | None:
    """Return the number of figures after a number's decimal point."""
    if not isinstance(e, Number):
        return None
    mantissa, exponent = decimal(e.value, e.digits)
    return None if exponent else len(mantissa.partition(".")[2])


def _numeric(e: Expression) -> bool:
    return is_numeric(e) or has_matrix(e)


def _numeric_scalar(e: Expression) -> bool:
    return is_numeric(e) and not has_matrix(e)


def _flat(terms: Iterable[Expression]) -> list[Expression]:
    found: list[Expression] = []
    for term in terms:
        found += _flat(term.terms) if isinstance(term, Sum) else [term]
    return found


def _without_sign(term: Expression) -> tuple[bool, Expression]:
    if isinstance(term, Negative):
        return True, term.of
    if isinstance(term, Number) and term.value < 0:
        return True, -term
    return False, term
