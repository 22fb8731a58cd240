"""The output layer's formulas in symbols: hypothesis, loss, delta, and an example's weight."""

from chainrule.working.chapters.context import Context
from chainrule.working.formulas.expressions import Call, Expression, Partial, Symbol
from chainrule.working.formulas.pairs.pair import K

__all__ = ["delta_of", "hypothesis_of", "loss_of", "share"]


def hypothesis_of(ctx: Context, node: object, m: object, layer: object = None) -> Expression:
    """Return h_k as a formula of z, for this network's symbols."""
    layer = ctx.L if layer is None else layer
    z, other = (ctx.notation.of_node("z", index, layer, m) for index in (node, "r"))
    return ctx.pair.hypothesis_symbol(z, other)


def share(ctx: Context, m: object) -> Expression:
    """Return the factor of an example's loss in J, as symbols: 1/M, or its weight over S."""
    if ctx.subject.weight is None:
        return 1 / Symbol("M")
    return Symbol("ω", (), (str(m),) if ctx.notation.many else ()) / Symbol("S")


def delta_of(ctx: Context, node: object, m: object, layer: object = None) -> Expression:
    """Return the derivative of an example's loss by z_k, as symbols."""
    of_h = ctx.notation.of_output("h", node, m)
    of_y = ctx.notation.of_output("y", node, m)
    if ctx.pair.delta is not None:
        return ctx.pair.delta(of_h, of_y, node - 1 if isinstance(node, int) else node)
    of_z = ctx.notation.of_node("z", node, ctx.L if layer is None else layer, m)
    return Partial(ctx.notation.loss(m), of_z)


def loss_of(ctx: Context, m: object) -> Expression:
    """Return an example's loss as a formula of h and y."""
    if ctx.pair.loss_symbol is None:
        name = ctx.subject.net.architecture.loss.name
        return Call(name, (ctx.notation.array("z", ctx.L), ctx.notation.array("y")))
    of_h, of_y = ctx.notation.of_output("h", K, m), ctx.notation.of_output("y", K, m)
    return ctx.pair.loss_symbol(of_h, of_y)
