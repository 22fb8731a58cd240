"""Expressions: the formulas of a derivation as small frozen trees.

A tree is typeset elsewhere in four formats (text, Markdown, LaTeX, MathML). A formula is
written once, as a Python function of expressions: given symbols it is the line of the notes, given
numbers it is the same line with this network's numbers in it, which can be computed.
"""

from abc import ABC
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, final

__all__ = [
    "DOTS",
    "PI",
    "Abs",
    "BigSum",
    "Call",
    "Cases",
    "Dots",
    "E",
    "Equal",
    "Expression",
    "Hadamard",
    "Indicator",
    "Like",
    "Matrix",
    "Nabla",
    "Negative",
    "Number",
    "Partial",
    "Power",
    "Product",
    "Quotient",
    "Rest",
    "Sqrt",
    "Sum",
    "Symbol",
    "Transpose",
    "WithShape",
    "Words",
    "as_expression",
    "call",
    "exp",
    "is_numeric",
    "map_numbers",
    "substituted",
]


class Expression(ABC):  # noqa: B024 - the root of the tree's types; the faces tell them apart
    """A formula, or a part of one. Python's operators build larger ones."""

    def __add__(self, other: "Like") -> "Expression":
        return Sum((*_terms(self), *_terms(as_expression(other))))

    def __radd__(self, other: "Like") -> "Expression":
        return as_expression(other) + self

    def __sub__(self, other: "Like") -> "Expression":
        return Sum((*_terms(self), Negative(as_expression(other))))

    def __rsub__(self, other: "Like") -> "Expression":
        return as_expression(other) - self

    def __mul__(self, other: "Like") -> "Expression":
        return Product((*_factors(self), *_factors(as_expression(other))))

    def __rmul__(self, other: "Like") -> "Expression":
        return as_expression(other) * self

    def __truediv__(self, other: "Like") -> "Expression":
        return Quotient(self, as_expression(other))

    def __rtruediv__(self, other: "Like") -> "Expression":
        return as_expression(other) / self

    def __pow__(self, other: "Like") -> "Expression":
        return Power(self, as_expression(other))

    def __neg__(self) -> "Expression":
        return Negative(self)


Like: TypeAlias = Expression | float | int


@final
@dataclass(frozen=True)
class Number(Expression):
    """A number, and the number of significant digits to print."""

    value: float
    digits: int = 17

    def __neg__(self) -> "Number":
        return Number(-self.value, self.digits)


@final
@dataclass(frozen=True)
class Symbol(Expression):
    """A letter with the notes' indices: nodes below, the layer and the example above in brackets.

    A name of several letters is a word and set upright. `mark` is "hat" for a corrected mean, or
    "'" for a derivative.
    """

    name: str
    below: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    mark: Literal["", "hat", "'"] = ""


@final
@dataclass(frozen=True)
class Sum(Expression):
    """Terms added, or subtracted where they are a `Negative`."""

    terms: tuple[Expression, ...]


@final
@dataclass(frozen=True)
class Negative(Expression):
    """Minus something."""

    of: Expression


@final
@dataclass(frozen=True)
class Product(Expression):
    """Factors multiplied; for matrices the matrix product."""

    factors: tuple[Expression, ...]


@final
@dataclass(frozen=True)
class Hadamard(Expression):
    """Factors multiplied element by element."""

    factors: tuple[Expression, ...]


@final
@dataclass(frozen=True)
class Quotient(Expression):
    """A fraction."""

    above: Expression
    below: Expression


@final
@dataclass(frozen=True)
class Power(Expression):
    """A power; with the base e the exponential function."""

    base: Expression
    exponent: Expression


@final
@dataclass(frozen=True)
class Call(Expression):
    """A function of some arguments. `prime` makes it the derivative."""

    name: str
    arguments: tuple[Expression, ...]
    prime: bool = False


@final
@dataclass(frozen=True)
class Abs(Expression):
    """An absolute value."""

    of: Expression


@final
@dataclass(frozen=True)
class Sqrt(Expression):
    """A square root."""

    of: Expression


@final
@dataclass(frozen=True)
class Indicator(Expression):
    """1 where the relation of left and right holds, else 0."""

    left: Expression
    relation: Literal[">", "≥", "="]
    right: Expression


@final
@dataclass(frozen=True)
class BigSum(Expression):
    """A sum over an index."""

    index: str
    of: Expression
    upto: str = ""


@final
@dataclass(frozen=True)
class Cases(Expression):
    """One value or another: (value, the words of its condition)."""

    cases: tuple[tuple[Expression, str], ...]


@final
@dataclass(frozen=True)
class Equal(Expression):
    """An equation among words."""

    left: Expression
    right: Expression


@final
@dataclass(frozen=True)
class Partial(Expression):
    """A partial derivative."""

    of: Expression
    by: Expression


@final
@dataclass(frozen=True)
class Nabla(Expression):
    """The gradient of something by a matrix or a vector."""

    of: Expression
    by: Expression


@final
@dataclass(frozen=True)
class Transpose(Expression):
    """A transposed matrix."""

    of: Expression


@final
@dataclass(frozen=True)
class Matrix(Expression):
    """A matrix of numbers, perhaps with `Dots` where rows or columns are left out."""

    rows: tuple[tuple[Expression, ...], ...]


@final
@dataclass(frozen=True)
class WithShape(Expression):
    """A matrix symbol with its shape under it."""

    of: Expression
    shape: tuple[int, int]


@final
@dataclass(frozen=True)
class Rest(Expression):
    """The part of a long sum that is not written out: the number of its terms, and their sum."""

    count: int
    value: Number


@final
@dataclass(frozen=True)
class Dots(Expression):
    """Omitted entries: "⋯" in a row, "⋮" in a column, "⋱" in both."""

    kind: Literal["⋯", "⋮", "⋱", "⊙"] = "⋯"


@final
@dataclass(frozen=True)
class Words(Expression):
    """Words among formulas."""

    text: str


E = Symbol("e")
PI = Symbol("π")
DOTS = Dots()


def as_expression(value: Like) -> Expression:
    """Return an expression unchanged, and a number as a `Number`."""
    return value if isinstance(value, Expression) else Number(float(value))


def call(name: str) -> Callable[..., Expression]:
    """Return a function that writes calls of a function of that name."""
    return lambda *arguments: Call(name, tuple(map(as_expression, arguments)))


def exp(x: Like) -> Expression:
    """Return e to the power of x."""
    return Power(E, as_expression(x))


def is_numeric(expression: Expression) -> bool:
    """Whether there are only numbers in it, no symbols but e and π."""
    if isinstance(expression, Symbol):
        return expression in (E, PI)
    if isinstance(expression, Words | Dots | Cases | Equal | Partial | Nabla | BigSum | WithShape):
        return False
    return all(map(is_numeric, _parts(expression)))


def map_numbers(expression: Any, change: Callable[[Number], Number]) -> Any:
    """Return the tree with every number changed."""
    if isinstance(expression, Number):
        return change(expression)
    if isinstance(expression, tuple):
        return tuple(map_numbers(each, change) for each in expression)
    if not isinstance(expression, Expression):
        return expression
    changed = {
        f.name: map_numbers(getattr(expression, f.name), change) for f in _fields(expression)
    }
    return replace(expression, **changed)  # pyright: ignore[reportArgumentType] - all are dataclasses


def substituted(expression: Any, by_name: Mapping[str, Expression]) -> Any:
    """Return the tree with symbols that have no indices replaced by their names."""
    if isinstance(expression, Symbol) and not (expression.below or expression.above):
        return by_name.get(expression.name, expression)
    if isinstance(expression, tuple):
        return tuple(substituted(each, by_name) for each in expression)
    if not isinstance(expression, Expression):
        return expression
    changed = {
        f.name: substituted(getattr(expression, f.name), by_name) for f in _fields(expression)
    }
    return replace(expression, **changed)  # pyright: ignore[reportArgumentType] - all are dataclasses


def _terms(e: Expression) -> Iterable[Expression]:
    return e.terms if isinstance(e, Sum) else (e,)


def _factors(e: Expression) -> Iterable[Expression]:
    return e.factors if isinstance(e, Product) else (e,)


def _fields(e: Expression) -> Any:
    return fields(e)  # pyright: ignore[reportArgumentType] - all are dataclasses


def _parts(e: Any) -> Iterable[Expression]:
    for field in _fields(e):
        yield from _expressions_in(getattr(e, field.name))


def _expressions_in(value: Any) -> Iterable[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _expressions_in(each)
