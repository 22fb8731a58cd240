"""The value of a formula of numbers, computed from the printed numbers."""

import math
from collections.abc import Callable, Mapping

from scipy.special import ndtr

from chainrule.working.formulas.decimals import rounded
from chainrule.working.formulas.expressions import (
    Abs,
    Call,
    Expression,
    Hadamard,
    Indicator,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sqrt,
    Sum,
    Symbol,
)

__all__ = ["evaluate"]

_FUNCTIONS: dict[str, Callable[..., float]] = {
    "tanh": math.tanh,
    "cos": math.cos,
    "log": math.log,
    "max": max,
    "clip": lambda x, low, high: min(max(x, low), high),
    "Φ": lambda x: float(ndtr(x)),
    "φ": lambda x: math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
    "sign": lambda x: float((x > 0) - (x < 0)),
}


def evaluate(
    expression: Expression, functions: Mapping[str, Callable[..., float]] | None = None
) -> float:
    """Return the value of an expression of numbers, computed from the printed numbers.

    Parameters
    ----------
    expression : Expression
        Numbers only, no matrices.
    functions : mapping, optional
        Further functions by name, such as a user's own activation.

    Returns
    -------
    float
        NaN or infinity where Python would raise: a calculator shows an error there too.

    Examples
    --------
    >>> from chainrule.working.formulas.evaluation import evaluate
    >>> from chainrule.working.formulas.expressions import Number, exp
    >>> evaluate(1 / (1 + exp(Number(0.0))))
    0.5
    """
    known = _FUNCTIONS | dict(functions or {})

    def value(e: Expression) -> float:  # noqa: PLR0911, PLR0912 - a table
        match e:
            case Number():
                return rounded(e.value, e.digits)
            case Symbol(name="π"):
                return math.pi
            case Rest():
                return value(e.value)
            case Sum():
                return math.fsum(map(value, e.terms))
            case Negative():
                return -value(e.of)
            case Product() | Hadamard():
                return math.prod(map(value, e.factors))
            case Quotient():
                return value(e.above) / value(e.below)
            case Power(base=Symbol(name="e")):
                return math.exp(value(e.exponent))
            case Power():
                return value(e.base) ** value(e.exponent)
            case Abs():
                return abs(value(e.of))
            case Sqrt():
                return math.sqrt(value(e.of))
            case Indicator():
                left, right = value(e.left), value(e.right)
                return float(
                    {">": left > right, "≥": left >= right, "=": left == right}[e.relation]
                )
            case Call():
                name = f"{e.name}'" if e.prime else e.name
                return known[name](*map(value, e.arguments))
            case _:
                raise TypeError(f"{type(e).__name__} has no single value")

    try:
        return value(expression)
    except OverflowError:
        return math.inf
    except (ZeroDivisionError, ValueError):
        return math.nan
