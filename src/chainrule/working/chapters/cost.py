"""The cost with numbers: each example's loss, and their sum with the penalties."""

import numpy as np

from chainrule.working.chapters.context import Context
from chainrule.working.chapters.forward import total
from chainrule.working.chapters.lecture import cost_symbols
from chainrule.working.chapters.output_symbols import loss_of
from chainrule.working.formulas.document import (
    Block,
    Chain,
    Equation,
    Paragraph,
    Section,
    chain,
    say,
)
from chainrule.working.formulas.expressions import (
    Abs,
    BigSum,
    Expression,
    Number,
    Product,
    Sum,
    Symbol,
)
from chainrule.working.formulas.symbols import COST

__all__ = ["cost_section"]


def cost_section(ctx: Context) -> Section:
    """Return the section on the loss and the cost."""
    shown = ctx.shown.examples_in_matrix
    blocks: list[Block] = [Equation(tuple(_loss(ctx, m) for m in shown))]
    if len(shown) < ctx.n:
        blocks.append(
            Paragraph(
                say(f"The losses of {ctx.n - len(shown)} more examples are in the sum below.")
            )
        )
    blocks.append(Equation((*_squares_and_sizes(ctx), _cost(ctx))))
    if ctx.computed.overflowed:
        blocks.append(
            Paragraph(
                say(
                    "Some numbers became too large for float64, so there is no gradient "
                    "here, and nothing to propagate back: scale the inputs, or start from smaller "
                    "weights."
                )
            )
        )
    return Section(say("The cost, with numbers"), tuple(blocks))


def _loss(ctx: Context, m: int) -> Chain:
    losses = ctx.computed.losses
    assert losses is not None
    z, h, y = (
        [Number(float(v)) for v in values[m]] for values in (ctx.z(ctx.L), ctx.a(ctx.L), ctx.Y)
    )
    ways = [total(ctx, way) for way in ctx.pair.losses(z, h, y)]
    symbol = loss_of(ctx, m + 1)
    return ctx.line(ctx.notation.loss(m + 1), [symbol], ways, float(losses[m]), compact=True)


def _squares_and_sizes(ctx: Context) -> list[Chain]:
    """Return the sums over all weights for the penalties, layer by layer."""
    w = Symbol("w")
    weights = ctx.subject.net.weights
    found: list[Chain] = []
    if ctx.subject.l2:
        sums = [float(np.vdot(W, W)) for W in weights]
        found.append(_over_layers(ctx, BigSum("w", w**2), sums))
    if ctx.subject.l1:
        sums = [float(np.abs(W).sum()) for W in weights]
        found.append(_over_layers(ctx, BigSum("w", Abs(w)), sums))
    return found


def _over_layers(ctx: Context, left: Expression, sums: list[float]) -> Chain:
    if len(sums) == 1:
        return chain(left, ctx.number(sums[0]))
    numbers = Sum(tuple(Number(s) for s in sums))
    return ctx.line(left, [], [numbers], float(np.sum(sums)), compact=True)


def _cost(ctx: Context) -> Chain:
    subject, losses, cost = ctx.subject, ctx.computed.losses, ctx.computed.cost
    assert losses is not None
    assert cost is not None
    S = ctx.computed.total
    weight = subject.weight
    if weight is None:
        each: list[Expression] = [Number(float(value)) for value in losses]
        size = np.abs(losses)
    else:
        # An example of weight 0 does not count, even if its loss is infinite.
        each = [
            Product((Number(float(w)), Number(float(value) if w or np.isfinite(value) else 0.0)))
            for w, value in zip(weight, losses, strict=True)
        ]
        size = np.where(weight == 0, 0, np.abs(weight * losses))
    terms = ctx.terms(each, ctx.shown.largest(list(size), asked=False))
    data: Expression = terms[0] if len(terms) == 1 else Sum(tuple(terms))
    if ctx.n > 1 or weight is not None:
        data = Number(1.0) / Number(S) * data
    added: list[Expression] = []
    weights = subject.net.weights
    alone = ctx.alone
    if subject.l2:
        squares = Number(float(sum(np.vdot(W, W) for W in weights)))
        below: Expression = Number(2.0) if alone else Product((Number(2.0), Number(S)))
        added.append(Number(subject.l2) / below * squares)
    if subject.l1:
        sizes = Number(float(sum(np.abs(W).sum() for W in weights)))
        strength: Expression = Number(subject.l1) if alone else Number(subject.l1) / Number(S)
        added.append(strength * sizes)
    numbers = Sum((data, *added)) if added else data
    return ctx.line(COST, [cost_symbols(ctx)], [numbers], cost, compact=True)
