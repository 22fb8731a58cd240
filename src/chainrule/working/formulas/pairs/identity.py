"""The pairs with the identity as hypothesis: squared, absolute, Huber's, and quantile losses."""

from collections.abc import Callable

from chainrule.maths.losses import Huber, Quantile
from chainrule.working.formulas.document import Block, Equation, Paragraph, chain, say
from chainrule.working.formulas.expressions import (
    Abs,
    BigSum,
    Call,
    Cases,
    Equal,
    Expression,
    Indicator,
    Number,
    Partial,
    Power,
    Symbol,
    call,
)
from chainrule.working.formulas.pairs.pair import (
    LOSS,
    K,
    Numbers,
    Pair,
    Summed,
    h,
    itself,
    of_z,
    residual,
    y,
    z,
)

__all__ = ["ABSOLUTE_ERROR", "SQUARED_ERROR", "half", "huber", "quantile", "squares"]

HALF = Number(1.0) / Number(2.0)


def half(e: Expression) -> Expression:
    """E/2."""
    return HALF * e


def identity(z: Expression, other: Expression) -> Expression:
    """H = z."""
    return z


# --- squared error --------------------------------------------------------------------------------


def squares(z: Numbers, h: Numbers, y: Numbers) -> tuple[Summed, ...]:
    """Half the sum of the squared residuals."""
    terms = tuple(Power(a - b, Number(2.0)) for a, b in zip(h, y, strict=True))
    return (Summed(terms, half),)


def _derive_squared_error(number: Callable[[float], Number]) -> list[Block]:
    return [
        Paragraph(
            say(
                "The hypothesis is the identity, {}, and the loss half the squared distance from "
                "the target (notes 8.1). Differentiation brings down the exponent 2, which "
                "the half cancels:",
                Equal(h, z),
            )
        ),
        Equation(
            (
                chain(
                    Partial(LOSS, z),
                    Partial(LOSS, h) * Partial(h, z),
                    (h - y) * Number(1.0),
                    residual(h, y),
                ),
            ),
            "notes 8.1",
        ),
    ]


SQUARED_ERROR = Pair(
    "squared_error",
    of_z(itself),
    squares,
    residual,
    identity,
    lambda h, y: HALF * BigSum(K, (h - y) ** 2),
    _derive_squared_error,
    normalizer=BigSum(K, HALF * z**2),
    in_notes=True,
)


# --- absolute error -------------------------------------------------------------------------------


def _absolutes(z: Numbers, h: Numbers, y: Numbers) -> tuple[Summed, ...]:
    return (Summed(tuple(Abs(a - b) for a, b in zip(h, y, strict=True)), itself),)


def _derive_absolute_error(number: Callable[[float], Number]) -> list[Block]:
    return [
        Paragraph(
            say(
                "The hypothesis is the identity, {}, and the loss the distance from the target. "
                "Its mean is least at the median, and an outlier has no more influence than any "
                "other "
                "example. Its slope is 1 above the target and -1 below; at the kink between, 0 is "
                "taken.",
                Equal(h, z),
            )
        ),
        Equation((chain(Partial(LOSS, z), call("sign")(h - y)),)),
    ]


ABSOLUTE_ERROR = Pair(
    "absolute_error",
    of_z(itself),
    _absolutes,
    lambda h, y, k: call("sign")(h - y),
    identity,
    lambda h, y: BigSum(K, Abs(h - y)),
    _derive_absolute_error,
)


# --- Huber's loss ---------------------------------------------------------------------------------


def huber(loss: Huber) -> Pair:
    """Return Huber's loss with its own delta."""
    d = Number(loss.delta)

    def of_one(h: Number, y: Number) -> Expression:
        if abs(h.value - y.value) <= loss.delta:
            return half(Power(h - y, Number(2.0)))
        return d * (Abs(h - y) - d / Number(2.0))

    return Pair(
        loss.name,
        of_z(itself),
        lambda z, h, y: (Summed(tuple(map(of_one, h, y)), itself),),
        lambda h, y, k: call("clip")(h - y, -d, d),
        identity,
        lambda h, y: BigSum(K, Call("huber", (h - y,))),
        lambda number: _derive_huber(number(loss.delta)),
    )


def _derive_huber(delta: Number) -> list[Block]:
    d, r = Symbol("d"), Symbol("r")
    return [
        Paragraph(
            say(
                "The hypothesis is the identity, {}, and the loss Huber's: squared near the target "
                "and absolute from {} on, here {}, which limits the influence of outliers.",
                Equal(h, z),
                d,
                Equal(d, delta),
            )
        ),
        Equation(
            (
                chain(
                    Call("huber", (r,)),
                    Cases(
                        (
                            (Number(1.0) / Number(2.0) * r**2, "if |r| ≤ d"),
                            (d * (Abs(r) - d / 2), "if |r| > d"),
                        )
                    ),
                ),
                chain(Partial(LOSS, z), call("clip")(h - y, -d, d)),
            )
        ),
    ]


# --- quantiles ------------------------------------------------------------------------------------


def quantile(loss: Quantile) -> Pair:
    """Return the loss of one quantile, or of several outputs for each target."""
    quantiles = loss.numbers

    def above_less_q(h: Expression, y: Expression, k: object) -> Expression:
        """1 - q above the target, -q below it."""
        if isinstance(h, Number) and isinstance(y, Number) and h.value == y.value:
            return Number(0.0)  # at the kink
        q = Number(quantiles[k % len(quantiles)]) if isinstance(k, int) else Symbol("q", (str(k),))
        return Indicator(h, ">", y) - q

    def losses(z: Numbers, h: Numbers, y: Numbers) -> tuple[Summed, ...]:
        each = zip(h, y, range(len(h)), strict=True)
        return (Summed(tuple(above_less_q(a, b, k) * (a - b) for a, b, k in each), itself),)

    return Pair(
        loss.name,
        of_z(itself),
        losses,
        above_less_q,
        identity,
        lambda h, y: BigSum(K, above_less_q(h, y, K) * (h - y)),
        lambda number: _derive_quantile(quantiles),
    )


def _derive_quantile(quantiles: tuple[float, ...]) -> list[Block]:
    q = Symbol("q", (K,))
    *others, last = [f"{each:g}" for each in quantiles]
    which = f"{', '.join(others)} and {last}" if others else last
    are = "quantiles of a target's outputs are" if others else "quantile is"
    return [
        Paragraph(
            say(
                "The hypothesis is the identity, {}, and the loss that of a quantile {}: above the "
                "target {} counts with {}, below with {}, so that its mean is least where that "
                f"part of the targets lies below. The {are} {which}.",
                Equal(h, z),
                q,
                h,
                1 - q,
                q,
            )
        ),
        Equation((chain(Partial(LOSS, z), Indicator(h, ">", y) - q),)),
    ]
