"""The pairs with the logistic function or the step as hypothesis."""

from collections.abc import Callable

from chainrule.maths.losses import CrossEntropy
from chainrule.working.formulas.activations import logistic
from chainrule.working.formulas.document import Block, Equation, Paragraph, chain, say
from chainrule.working.formulas.expressions import (
    BigSum,
    Expression,
    Indicator,
    Negative,
    Number,
    Partial,
    Symbol,
    exp,
)
from chainrule.working.formulas.pairs.identity import HALF, squares
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

__all__ = ["INDICATOR", "TEACHING_PAIR", "cross_entropy", "general"]


# --- cross entropy --------------------------------------------------------------------------------


def _logs(z: Numbers, h: Numbers, y: Numbers) -> tuple[Summed, ...]:
    def mixed(y: Number, one: Expression, zero: Expression) -> Expression:
        """Return y one + (1 - y) zero; of a certain target one of the two is left."""
        if y.value in (0, 1):
            return one if y.value else zero
        return y * one + (1 - y) * zero

    by_h = [mixed(b, log(a), log(1 - a)) for a, b in zip(h, y, strict=True)]
    by_z = [mixed(b, log(1 + exp(-a)), log(1 + exp(a))) for a, b in zip(z, y, strict=True)]
    return Summed(tuple(by_h), Negative), Summed(tuple(by_z), itself)


def _derive_cross_entropy(number: Callable[[float], Number]) -> list[Block]:
    return [
        Paragraph(
            say(
                "The hypothesis is the logistic function, which is read as a probability, and the "
                "loss is minus the logarithm of the probability that it gives to the target "
                "(notes 8.2, blog images 16 and 19). First the slope of the hypothesis, by the "
                "quotient rule (notes A.1, blog images 31 to 33):"
            )
        ),
        Equation(
            (
                chain(h, logistic(z)),
                chain(
                    Partial(h, z),
                    exp(-z) / (1 + exp(-z)) ** 2,
                    1 / (1 + exp(-z)) - (1 / (1 + exp(-z))) ** 2,
                    h * (1 - h),
                ),
            ),
            "notes A.1",
        ),
        Paragraph(
            say(
                "Then the loss, by the chain rule; the denominators are just what the slope of the "
                "hypothesis cancels:"
            )
        ),
        Equation(
            (
                chain(
                    Partial(LOSS, z),
                    Partial(LOSS, h) * Partial(h, z),
                    (-(y / h) + (1 - y) / (1 - h)) * h * (1 - h),
                    -(y * (1 - h)) + (1 - y) * h,
                    residual(h, y),
                ),
            ),
            "notes B.1",
        ),
        Paragraph(
            say(
                "Blog image 30 derives the same in twelve steps. Its first two have {} where it "
                "must be {}, its step 4 differentiates a product where there is a function of a "
                "function, and its step 9 has lost a minus. Notes 8.2 sum this over the examples, "
                "but each example has its own {}: that sum belongs to the gradients.",
                (1 - Symbol("y")) * (1 - log(Symbol("h"))),
                (1 - Symbol("y")) * log(1 - Symbol("h")),
                Symbol("δ"),
            ),
            aside=True,
        ),
    ]


def cross_entropy(loss: CrossEntropy) -> Pair:
    """Return the cross entropy with its label smoothing."""
    return Pair(
        "cross_entropy",
        of_z(logistic),
        _logs,
        residual,
        lambda z, other: logistic(z),
        lambda h, y: Negative(BigSum(K, y * log(h) + (1 - y) * log(1 - h))),
        _derive_cross_entropy,
        normalizer=BigSum(K, log(1 + exp(z))),
        by_logarithm=True,
        in_notes=True,
        smoothing=loss.label_smoothing,
    )


# --- the teaching pair: logistic and squared error ------------------------------------------------


def general(h: Expression, y: Expression, k: object = 0) -> Expression:
    """BP1 in full for the logistic hypothesis: (h - y) h (1 - h)."""
    return (h - y) * h * (1 - h)


def _derive_teaching_pair(number: Callable[[float], Number]) -> list[Block]:
    return [
        Paragraph(
            say(
                "The hypothesis is the logistic function, but the loss half the squared distance: "
                "not a canonical pair, and kept for teaching. BP1 stands here in its general form, "
                "and nothing cancels:"
            )
        ),
        Equation(
            (
                chain(Partial(h, z), h * (1 - h)),
                chain(Partial(LOSS, z), Partial(LOSS, h) * Partial(h, z), general(h, y)),
            ),
            "notes 6.1.1",
        ),
        Paragraph(
            say(
                "The factor {} is close to 0 not only where {} is right, but also where it is "
                "confidently wrong: learning is slowest where there is most to learn. That is the "
                "argument "
                "for the logarithm in the cross entropy (blog, Cost Function), with which the "
                "factor cancels.",
                h * (1 - h),
                h,
            )
        ),
    ]


TEACHING_PAIR = Pair(
    "logistic_squared_error",
    of_z(logistic),
    squares,
    general,
    lambda z, other: logistic(z),
    lambda h, y: HALF * BigSum(K, (h - y) ** 2),
    _derive_teaching_pair,
)


# --- the step, forward only -----------------------------------------------------------------------


def _step(z: Expression) -> Expression:
    return Indicator(z, "≥", Number(0.0))


INDICATOR = Pair(
    "indicator",
    of_z(_step),
    lambda z, h, y: (),
    None,
    lambda z, other: _step(z),
    None,
    None,
)
