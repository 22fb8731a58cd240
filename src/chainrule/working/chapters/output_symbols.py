"""The output layer's formulas in symbols: hypothesis, loss, delta, and what an example counts."""

from collections.abc import Callable

from chainrule.working.chapters.context import Context
from chainrule.working.formulas.activations import logistic
from chainrule.working.formulas.expressions import (
    Abs,
    BigSum,
    Call,
    Expression,
    Indicator,
    Negative,
    Number,
    Partial,
    Symbol,
    call,
    exp,
)

__all__ = ["delta_of", "hypothesis_of", "loss_of", "share"]

log = call("log")
K = "k"


def hypothesis_of(ctx: Context, node: object, m: object, layer: object = None) -> Expression:
    """Return h_k as a formula of z, for this network's symbols."""
    layer = ctx.L if layer is None else layer
    z = ctx.notation.of_node("z", node, layer, m)
    pair = ctx.pair
    if pair.name in ("log_loss", "grouped_log_loss") and pair.known:
        other = ctx.notation.of_node("z", "r", layer, m)
        return exp(z) / BigSum("r", exp(other))
    plain: dict[str, Callable[[Expression], Expression]] = {
        "squared_error": lambda z: z,
        "absolute_error": lambda z: z,
        "huber": lambda z: z,
        "quantile": lambda z: z,
        "cross_entropy": logistic,
        "logistic_squared_error": logistic,
        "poisson": exp,
        "indicator": lambda z: Indicator(z, "≥", Number(0.0)),
    }
    if pair.known:
        return plain[pair.name](z)
    return Call(ctx.subject.net.architecture.loss.hypothesis_name, (z,))


def share(ctx: Context, m: object) -> Expression:
    """Return what an example's loss counts for in J, as symbols: 1/M, or its weight over S."""
    if ctx.subject.weight is None:
        return 1 / Symbol("M")
    return Symbol("ω", (), (str(m),) if ctx.notation.many else ()) / Symbol("S")


def delta_of(ctx: Context, node: object, m: object, layer: object = None) -> Expression:
    """Return the derivative of an example's loss by z_k, as symbols."""
    of_h = ctx.notation.of_output("h", node, m)
    of_y = ctx.notation.of_output("y", node, m)
    if ctx.pair.name == "quantile" and ctx.pair.known and not isinstance(node, int):
        return Indicator(of_h, ">", of_y) - Symbol("q", (str(node),))
    if ctx.pair.delta is not None:
        return ctx.pair.delta(of_h, of_y, node - 1 if isinstance(node, int) else 0)
    of_z = ctx.notation.of_node("z", node, ctx.L if layer is None else layer, m)
    return Partial(ctx.notation.loss(m), of_z)


def loss_of(ctx: Context, m: object) -> Expression:  # noqa: PLR0911 - a table
    """Return an example's loss as a formula of h and y."""
    of_h, of_y = ctx.notation.of_output("h", K, m), ctx.notation.of_output("y", K, m)
    pair = ctx.pair
    if not pair.known:
        name = ctx.subject.net.architecture.loss.name
        return Call(name, (ctx.notation.array("z", ctx.L), ctx.notation.array("y")))
    if pair.name in ("squared_error", "logistic_squared_error"):
        return Number(1.0) / Number(2.0) * BigSum(K, (of_h - of_y) ** 2)
    if pair.name == "cross_entropy":
        return Negative(BigSum(K, of_y * log(of_h) + (1 - of_y) * log(1 - of_h)))
    if pair.name in ("log_loss", "grouped_log_loss"):
        return Negative(BigSum(K, of_y * log(of_h)))
    if pair.name == "absolute_error":
        return BigSum(K, Abs(of_h - of_y))
    if pair.name == "huber":
        return BigSum(K, Call("huber", (of_h - of_y,)))
    if pair.name == "quantile":
        above = Indicator(of_h, ">", of_y) - Symbol("q", (K,))
        return BigSum(K, above * (of_h - of_y))
    return BigSum(K, of_y * log(of_y / of_h) - of_y + of_h)
