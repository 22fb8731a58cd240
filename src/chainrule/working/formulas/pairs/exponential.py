"""The pair with the exponential function as hypothesis: Poisson's deviance, for counts."""

from collections.abc import Callable

from chainrule.working.formulas.document import Block, Equation, Paragraph, chain, say
from chainrule.working.formulas.expressions import BigSum, Expression, Number, Partial, exp
from chainrule.working.formulas.pairs.pair import (
    LOSS,
    K,
    Numbers,
    Pair,
    Summed,
    h,
    itself,
    log,
    of_z,
    residual,
    y,
    z,
)

__all__ = ["POISSON"]


def _deviance(z: Numbers, h: Numbers, y: Numbers) -> tuple[Summed, ...]:
    def by_h(a: Number, b: Number) -> Expression:
        return b * log(b / a) - b + a if b.value else a

    def by_z(a: Number, b: Number) -> Expression:
        return b * log(b) - b * a - b + exp(a) if b.value else exp(a)

    return (
        Summed(tuple(by_h(a, b) for a, b in zip(h, y, strict=True)), itself),
        Summed(tuple(by_z(a, b) for a, b in zip(z, y, strict=True)), itself),
    )


def _derive_poisson(number: Callable[[float], Number]) -> list[Block]:
    return [
        Paragraph(
            say(
                "The hypothesis is the exponential function, a mean of counts, and the loss half "
                "the deviance of a Poisson distribution with that mean: a pair of the same family, "
                "beyond the notes. Where {} is 0, the term with its logarithm is 0. The "
                "exponential "
                "function is its own slope:",
                y,
            )
        ),
        Equation(
            (
                chain(h, exp(z)),
                chain(Partial(h, z), exp(z), h),
                chain(
                    Partial(LOSS, z),
                    Partial(LOSS, h) * Partial(h, z),
                    (-(y / h) + Number(1.0)) * h,
                    residual(h, y),
                ),
            ),
            "",
        ),
    ]


POISSON = Pair(
    "poisson",
    of_z(exp),
    _deviance,
    residual,
    lambda z, other: exp(z),
    lambda h, y: BigSum(K, y * log(y / h) - y + h),
    _derive_poisson,
    normalizer=BigSum(K, exp(z)),
)
