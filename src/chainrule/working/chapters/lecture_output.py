"""The output layer's lecture: hypothesis, loss, and the delta they lead to (notes 8, A, B).

A template for each output pair, from the chain rule to delta^(L), as the notes and the blog's
image 30 derive it, with their slips mended.
"""

from collections.abc import Callable

from chainrule.maths.losses import GroupedLogLoss, Huber, Quantile
from chainrule.working.chapters.context import Context
from chainrule.working.chapters.elision import listed
from chainrule.working.chapters.output_symbols import delta_of
from chainrule.working.formulas.activations import logistic
from chainrule.working.formulas.document import Block, Emphasis, Equation, Paragraph, chain, say
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
    Symbol,
    call,
    exp,
)
from chainrule.working.formulas.pairs import general, residual

__all__ = ["derivation_of_pair", "not_convex", "why_canonical"]

log = call("log")
K = "k"
h, y, z = Symbol("h", (K,)), Symbol("y", (K,)), Symbol("z", (K,), ("L",))
h_r, y_r, z_r = Symbol("h", ("r",)), Symbol("y", ("r",)), Symbol("z", ("r",), ("L",))
LOSS = Symbol("loss")


# --- the derivations ------------------------------------------------------------------------------


def derivation_of_pair(ctx: Context) -> list[Block]:
    """Return the blocks that lead from an output pair to its delta."""
    pair = ctx.pair
    templates: dict[str, Callable[[], list[Block]]] = {
        "squared_error": _squared_error,
        "cross_entropy": _cross_entropy,
        "log_loss": _log_loss,
        "grouped_log_loss": lambda: _groups(ctx),
        "absolute_error": _absolute_error,
        "huber": lambda: _huber(ctx),
        "quantile": lambda: _quantile(ctx),
        "poisson": _poisson,
        "logistic_squared_error": _teaching_pair,
    }
    if not pair.known:
        return _own_loss(ctx)
    if not pair.smoothing:
        return templates[pair.name]()
    smooth = say(
        "With label smoothing {} is the smoothed target. Nothing else changes: its entries lie "
        "between 0 and 1, and those of classes that exclude each other still add up to 1.",
        Symbol("y"),
    )
    return [*templates[pair.name](), Paragraph(smooth)]


def _squared_error() -> list[Block]:
    return [
        Paragraph(
            say(
                "The hypothesis is the identity, {}, and the loss half the squared distance from "
                "the target (notes 8.1). Differentiated, the square gives its exponent away, which "
                "is what the half is for:",
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


def _cross_entropy() -> list[Block]:
    return [
        Paragraph(
            say(
                "The hypothesis is the logistic function, which reads as a probability, and the "
                "loss is minus the logarithm of the probability that it gives to what happened "
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
                "Blog image 30 goes the same way in twelve steps. Its first two have {} where it "
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


def _log_loss() -> list[Block]:
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


def _poisson() -> list[Block]:
    return [
        Paragraph(
            say(
                "The hypothesis is the exponential function, a mean of counts, and the loss half "
                "the deviance of a Poisson distribution with that mean: a pair of the same family, "
                "beyond the notes. Where {} is 0, its logarithm counts nothing. The exponential "
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


def _teaching_pair() -> list[Block]:
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
                "surely wrong: learning is slowest where there is most to learn. That is the case "
                "for the logarithm in the cross entropy (blog, Cost Function), with which the "
                "factor cancels.",
                h * (1 - h),
                h,
            )
        ),
    ]


def _groups(ctx: Context) -> list[Block]:
    made_of = ctx.subject.net.architecture.loss.made_of
    assert isinstance(made_of, GroupedLogLoss)
    sizes = listed(list(made_of.groups))
    opening = Paragraph(
        say(
            f"The outputs are several groups, of {sizes} classes, each with a softmax and a log "
            "loss of its own; the losses add up. What follows holds within each group, and sums go "
            "over its outputs alone."
        )
    )
    return [opening, *_log_loss()]


def _absolute_error() -> list[Block]:
    return [
        Paragraph(
            say(
                "The hypothesis is the identity, {}, and the loss the distance from the target. "
                "Its mean is least at the median, and an outlier pulls no harder than any other "
                "example. Its slope is 1 above the target and -1 below; at the kink between, 0 is "
                "taken.",
                Equal(h, z),
            )
        ),
        Equation((chain(Partial(LOSS, z), call("sign")(h - y)),)),
    ]


def _huber(ctx: Context) -> list[Block]:
    made_of = ctx.subject.net.architecture.loss.made_of
    assert isinstance(made_of, Huber)
    d, r = Symbol("d"), Symbol("r")
    return [
        Paragraph(
            say(
                "The hypothesis is the identity, {}, and the loss Huber's: squared near the target "
                "and absolute from {} on, here {}, so that outliers pull no harder than that.",
                Equal(h, z),
                d,
                Equal(d, ctx.number(made_of.delta)),
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


def _quantile(ctx: Context) -> list[Block]:
    made_of = ctx.subject.net.architecture.loss.made_of
    assert isinstance(made_of, Quantile)
    q = Symbol("q", (K,))
    *others, last = [f"{each:g}" for each in made_of.numbers]
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


def _own_loss(ctx: Context) -> list[Block]:
    loss = ctx.subject.net.architecture.loss
    return [
        Paragraph(
            say(
                "The loss {}, with the hypothesis {}, is one of your own, or one without a "
                "derivation here. Its derivative by {} is what its function `delta` returns, which "
                "must be the derivative of its function `per_example`. Whether it is, the finite "
                "differences below tell.",
                Emphasis(loss.name),
                Emphasis(loss.hypothesis_name),
                z,
            )
        )
    ]


def not_convex(ctx: Context) -> list[Block]:
    """Return what the logarithm does for the shape of the cost, and what it does not."""
    with_log = ("cross_entropy", "log_loss", "grouped_log_loss")
    if ctx.pair.name not in with_log or not ctx.pair.known or ctx.L == 2:
        return []
    return [
        Paragraph(
            say(
                "The blog (Cost Function) has it that the logarithm makes the cost convex, so that "
                "descent finds the global minimum. That is so without hidden layers. With them, as "
                "here, {} is not convex in the weights, whatever the loss.",
                Symbol("J"),
            ),
            aside=True,
        )
    ]


def why_canonical(ctx: Context) -> list[Block]:
    """Return why delta is h - y for the canonical pairs, and what is there instead otherwise."""
    pair = ctx.pair
    if not pair.canonical:
        if not pair.known:
            return []
        return [
            Paragraph(
                say(
                    "For the canonical pairs (identity and squared error, logistic and cross "
                    "entropy, softmax and log loss) {} remains. This pair is none of them, so {} "
                    "takes its place.",
                    residual(h, y),
                    delta_of(ctx, K, ""),
                )
            )
        ]
    normalizers: dict[str, Expression] = {
        "squared_error": BigSum(K, Number(1.0) / Number(2.0) * z**2),
        "cross_entropy": BigSum(K, log(1 + exp(z))),
        "log_loss": log(BigSum(K, exp(z))),
        "grouped_log_loss": log(BigSum(K, exp(z))),
        "poisson": BigSum(K, exp(z)),
    }
    A = Symbol("N")
    return [
        Paragraph(
            say(
                "So simple a result is no accident. Written with {}, the loss is {} up to what "
                "does not depend on {}, and here {}. That is minus the logarithm of a likelihood, "
                "as in a generalized linear model, and the hypothesis is the slope of {}. So one "
                "term differentiates to {} and the other to {}, in this canonical pair as in the "
                "others.",
                z,
                A - BigSum(K, y * z),
                Symbol("z"),
                Equal(A, normalizers[pair.name]),
                A,
                h,
                y,
            )
        )
    ]


def _g(index: str) -> Expression:
    return Call("g", (Symbol("z", ("r",)),)) * (
        Symbol("δ", ("r", "k")) - Call("g", (Symbol("z", (index,)),))
    )
