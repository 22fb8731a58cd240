"""The pairs with the softmax as hypothesis: one group of classes, or several side by side."""

from collections.abc import Callable
from typing import Any

from chainrule.maths.losses import GroupedLogLoss, LogLoss
from chainrule.working.formulas.document import Block, Equation, Paragraph, chain, listed, say
from chainrule.working.formulas.expressions import (
    BigSum,
    Call,
    Cases,
    Expression,
    Indicator,
    Negative,
    Number,
    Partial,
    Sum,
    Symbol,
    exp,
)
from chainrule.working.formulas.pairs.pair import (
    LOSS,
    K,
    Numbers,
    Pair,
    Summed,
    h,
    itself,
    log,
    residual,
    y,
    z,
)

__all__ = ["grouped_log_loss", "log_loss"]

_LARGE = 30.0  # z from which e^z is written after subtracting the largest z
h_r, y_r, z_r = Symbol("h", ("r",)), Symbol("y", ("r",)), Symbol("z", ("r",), ("L",))


def log_loss(loss: LogLoss) -> Pair:
    """Return the log loss with its label smoothing."""
    return _pair(loss, "log_loss", _softmax, _log_of_softmax, _derive_log_loss)


def grouped_log_loss(loss: GroupedLogLoss) -> Pair:
    """Return several softmax side by side: each output belongs to one."""

    def group_of(k: int) -> slice:
        return next(group for group in loss.columns if group.start <= k < group.stop)

    def hypothesis(z: Numbers, k: int) -> Summed:
        group = group_of(k)
        return _softmax(z[group], k - group.start)

    def losses(z: Numbers, h: Numbers, y: Numbers) -> tuple[Summed, ...]:
        ways = [_log_of_softmax(z[g], h[g], y[g]) for g in loss.columns]
        by_h = [term for way, _ in ways for term in way.terms]
        by_z = [way.around(Sum(way.terms)) for _, way in ways]
        return Summed(tuple(by_h), Negative), Summed(tuple(by_z), itself)

    def derivation(number: Callable[[float], Number]) -> list[Block]:
        opening = Paragraph(
            say(
                f"The outputs are several groups, of {listed(list(loss.groups))} classes, each "
                "with its own softmax and log loss; the losses add up. What follows holds "
                "within each group, and sums go over its outputs alone."
            )
        )
        return [opening, *_derive_log_loss(number)]

    return _pair(loss, loss.name, hypothesis, losses, derivation)


def _pair(loss: Any, name: str, hypothesis: Any, losses: Any, derivation: Any) -> Pair:
    return Pair(
        name,
        hypothesis,
        losses,
        residual,
        lambda z, other: exp(z) / BigSum("r", exp(other)),
        lambda h, y: Negative(BigSum(K, y * log(h))),
        derivation,
        normalizer=log(BigSum(K, exp(z))),
        by_logarithm=True,
        in_notes=name == "log_loss",
        smoothing=loss.label_smoothing,
    )


def _softmax(z: Numbers, k: int) -> Summed:
    largest = max(z, key=lambda each: each.value)
    if abs(largest.value) < _LARGE:
        return Summed(tuple(exp(each) for each in z), lambda total: exp(z[k]) / total)
    return Summed(
        tuple(exp(each - largest) for each in z), lambda total: exp(z[k] - largest) / total
    )


def _log_of_softmax(z: Numbers, h: Numbers, y: Numbers) -> tuple[Summed, ...]:
    right = [k for k, each in enumerate(y) if each.value]
    largest = max(z, key=lambda each: each.value)
    certain = len(right) == 1 and y[right[0]].value == 1

    def weighed(k: int, e: Expression) -> Expression:
        return e if certain else y[k] * e

    def around(total: Expression) -> Expression:
        found = log(total) + largest
        for k in right:
            found = found - weighed(k, z[k])
        return found

    by_h = Summed(tuple(weighed(k, log(h[k])) for k in right), Negative)
    return by_h, Summed(tuple(exp(each - largest) for each in z), around)


def _derive_log_loss(number: Callable[[float], Number]) -> list[Block]:
    total = BigSum("i", exp(Symbol("z", ("i",), ("L",))))
    jacobian = h_r * (Indicator(Symbol("r"), "=", Symbol("k")) - h)
    return [
        Paragraph(
            say(
                "The hypothesis is the softmax, whose outputs are positive and add up to 1, and "
                "the loss is minus the logarithm of the one for the right class, for which {} is 1 "
                "(notes 8.3). Each output depends on every {}, through the denominator, so there "
                "are two cases (notes A.3):",
                y,
                Symbol("z"),
            )
        ),
        Equation(
            (
                chain(h_r, exp(z_r) / total),
                chain(
                    Partial(h_r, z),
                    Cases(
                        (
                            (exp(z) / total - (exp(z) / total) ** 2, "if r = k"),
                            (-(exp(z_r) * exp(z) / total**2), "if r ≠ k"),
                        )
                    ),
                    jacobian,
                ),
            ),
            "notes A.3",
        ),
        Paragraph(
            say(
                "That is a full matrix of derivatives, not a diagonal, so BP1's product element by "
                "element does not hold for the softmax: the chain rule has to sum over all "
                "outputs. (Notes 8.3 give the diagonal {} alone, and the last line of A.3 has {} "
                "where it must be {}.) The entries of {} add up to 1:",
                h * (1 - h),
                _g("r"),
                _g("k"),
                Symbol("y"),
            )
        ),
        Equation(
            (
                chain(
                    Partial(LOSS, z),
                    BigSum("r", Partial(LOSS, h_r) * Partial(h_r, z)),
                    BigSum("r", -(y_r / h_r) * jacobian),
                    -y + h * BigSum("r", y_r),
                    residual(h, y),
                ),
            ),
            "notes B.2",
        ),
    ]


def _g(index: str) -> Expression:
    return Call("g", (Symbol("z", ("r",)),)) * (
        Symbol("δ", ("r", "k")) - Call("g", (Symbol("z", (index,)),))
    )
