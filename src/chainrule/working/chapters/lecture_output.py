"""The output layer's lecture: hypothesis, loss, and the delta they lead to (notes 8, A, B)."""

from chainrule.working.chapters.context import Context
from chainrule.working.chapters.output_symbols import delta_of
from chainrule.working.formulas.document import Block, Emphasis, Paragraph, say
from chainrule.working.formulas.expressions import BigSum, Equal, Symbol
from chainrule.working.formulas.pairs.pair import K, h, residual, y, z

__all__ = ["derivation_of_pair", "not_convex", "why_canonical"]


def derivation_of_pair(ctx: Context) -> list[Block]:
    """Return the blocks that lead from an output pair to its delta."""
    pair = ctx.pair
    if pair.derivation is None:
        return _own_loss(ctx)
    blocks = pair.derivation(ctx.number)
    if not pair.smoothing:
        return blocks
    smooth = say(
        "With label smoothing {} is the smoothed target. Nothing else changes: its entries lie "
        "between 0 and 1, and those of classes that exclude each other still add up to 1.",
        Symbol("y"),
    )
    return [*blocks, Paragraph(smooth)]


def _own_loss(ctx: Context) -> list[Block]:
    loss = ctx.subject.net.architecture.loss
    return [
        Paragraph(
            say(
                "The loss {}, with the hypothesis {}, is your own, or one without a "
                "derivation here. Its derivative by {} is computed by its function `delta`, which "
                "must be the derivative of its function `per_example`. The finite differences "
                "below "
                "show whether it is.",
                Emphasis(loss.name),
                Emphasis(loss.hypothesis_name),
                z,
            )
        )
    ]


def not_convex(ctx: Context) -> list[Block]:
    """Return the effect of the logarithm on the shape of the cost."""
    if not ctx.pair.by_logarithm or ctx.L == 2:
        return []
    return [
        Paragraph(
            say(
                "The blog (Cost Function) says that the logarithm makes the cost convex, so that "
                "descent finds the global minimum. That is true without hidden layers. With them, "
                "as "
                "here, {} is not convex in the weights, whatever the loss.",
                Symbol("J"),
            ),
            aside=True,
        )
    ]


def why_canonical(ctx: Context) -> list[Block]:
    """Return why delta is h - y for the canonical pairs, and what replaces it otherwise."""
    pair = ctx.pair
    if pair.normalizer is None:
        if not pair.known:
            return []
        return [
            Paragraph(
                say(
                    "For the canonical pairs (identity and squared error, logistic and cross "
                    "entropy, softmax and log loss) {} remains. This pair is not one of them, so "
                    "{} "
                    "takes its place.",
                    residual(h, y),
                    delta_of(ctx, K, ""),
                )
            )
        ]
    A = Symbol("N")
    return [
        Paragraph(
            say(
                "Such a simple result is not an accident. Written with {}, the loss is {} up to "
                "terms that "
                "do not depend on {}, and here {}. That is minus the logarithm of a likelihood, "
                "as in a generalized linear model, and the hypothesis is the slope of {}. So one "
                "term differentiates to {} and the other to {}, in this canonical pair as in the "
                "others.",
                z,
                A - BigSum(K, y * z),
                Symbol("z"),
                Equal(A, pair.normalizer),
                A,
                h,
                y,
            )
        )
    ]
