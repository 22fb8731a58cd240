"""The backward pass with numbers: delta of each layer, from the output to the first (BP1, BP2)."""

from collections.abc import Sequence

import numpy as np

from chainrule.maths.arrays import Float
from chainrule.working.chapters.context import Context
from chainrule.working.chapters.forward import dropout_symbol
from chainrule.working.chapters.gradients import gradient_equations, gradient_matrices
from chainrule.working.chapters.output_symbols import delta_of, share
from chainrule.working.formulas.activations import holding
from chainrule.working.formulas.document import Block, Equation, Paragraph, Section, chain, say
from chainrule.working.formulas.expressions import (
    BigSum,
    Call,
    Expression,
    Hadamard,
    Number,
    Partial,
    Product,
    Sum,
    Symbol,
    Transpose,
    WithShape,
    substituted,
)
from chainrule.working.formulas.pairs import general
from chainrule.working.formulas.symbols import COST

__all__ = ["backward_section"]


def backward_section(ctx: Context) -> Section:
    """Return the section on the backward pass."""
    opening = Paragraph(
        say(
            "From the output back to the first layer: the errors {} first, then the gradients that "
            "follow from them. Each gradient is printed with its estimate by finite differences: "
            "{} "
            "at two nearby points, one on either side, and the slope between them. That does not "
            "need "
            "back-propagation, only the forward pass.",
            Symbol("δ"),
            COST,
        )
    )
    layers = [_layer(ctx, layer) for layer in reversed(ctx.shown.layers)]
    return Section(say("Backward, with numbers"), (opening, *layers))


def _layer(ctx: Context, layer: int) -> Section:
    blocks: list[Block] = []
    if ctx.view != "scalar":
        blocks += [*_delta_matrix(ctx, layer), *gradient_matrices(ctx, layer)]
    if ctx.view != "matrix":
        for node in ctx.shown.nodes[layer]:
            blocks.append(Paragraph(say(f"*Node {layer}.{node}*")))
            blocks += [_delta(ctx, layer, node, m) for m in ctx.shown.examples]
            blocks += gradient_equations(ctx, layer, node)
    title = f"Layer {layer}, the output" if layer == ctx.L else f"Layer {layer}"
    return Section(say(title), tuple(blocks))


# --- matrices -----------------------------------------------------------------------------------


def _delta_matrix(ctx: Context, layer: int) -> list[Block]:
    notation, shown = ctx.notation, ctx.shown
    left = WithShape(notation.array("δ", layer), notation.shape(shown.sizes[layer - 1], ctx.n))
    result = ctx.matrix(ctx.delta(layer), shown.examples_in_matrix, shown.in_matrix(layer))
    if layer < ctx.L:
        steps = _hidden_steps(ctx, layer)
        return [Equation((chain(left, *steps, result),), notation.tag("BP2"))]
    steps = _output_steps(ctx)
    found: list[Block] = [Equation((chain(left, *steps, result),), notation.tag("BP1"))]
    if not steps:
        counted = ", times each example's weight in the cost" if ctx.n > 1 else ""
        if ctx.pair.known:
            text = f"Entry by entry, as the nodes show below: {{}}{counted}."
            found.append(Paragraph(say(text, delta_of(ctx, "k", "m", "L"))))
        else:
            text = f"These are the values of the loss's own function `delta`{counted}."
            found.append(Paragraph(say(text)))
    elif ctx.subject.weight is not None:
        found.append(Paragraph(say("{} holds each example's weight divided by S.", Symbol("C"))))
    return found


def _output_steps(ctx: Context) -> list[Expression]:
    """Return Delta^(L) of a pair whose formula is known: in symbols, and in numbers."""
    notation, shown, pair = ctx.notation, ctx.shown, ctx.pair
    h, weight = ctx.a(ctx.L), ctx.subject.weight
    if not (pair.canonical or pair.delta is general):
        return []
    Y = ctx.Y
    ms, here = shown.examples_in_matrix, shown.in_matrix(ctx.L)
    shape = notation.shape(shown.sizes[-1], ctx.n)
    c = np.broadcast_to(
        np.ones((ctx.n, 1)) if weight is None else weight[:, None] / ctx.computed.total, h.shape
    )
    divisor = ctx.n if weight is None else 1
    in_full = not pair.canonical

    def compute(h: Float, Y: Float, c: Float) -> Float:
        return c * (h - Y) * (h * (1 - h) if in_full else 1) / divisor

    parts = [(values, ms, here) for values in (h, Y, c)]
    d = ctx.array_digits(compute, parts, (ctx.delta(ctx.L), ms, here))

    def write(H: Expression, Y: Expression, C: Expression, over: Expression) -> Expression:
        factors = [H - Y, *((H, 1 - H) if in_full else ())]
        if weight is not None:
            factors.insert(0, C)
        product = Hadamard(tuple(factors)) if len(factors) > 1 else factors[0]
        return product if divisor == 1 else 1 / over * product

    symbols = write(
        WithShape(notation.array("h"), shape),
        WithShape(notation.array("y"), shape),
        WithShape(Symbol("C"), shape),
        Symbol("M"),
    )
    numbers = write(
        ctx.matrix(h, ms, here, d),
        ctx.matrix(Y, ms, here, d),
        ctx.matrix(c, ms, here, d),
        Number(float(ctx.n)),
    )
    return [symbols, numbers]


def _hidden_steps(ctx: Context, layer: int) -> list[Expression]:
    """Return Delta^(l) = (W^(l+1))^T Delta^(l+1) * g'(Z^(l)): in symbols, and in numbers."""
    notation, shown = ctx.notation, ctx.shown
    ms, here, after = (
        shown.examples_in_matrix,
        shown.in_matrix(layer),
        shown.in_matrix(layer + 1),
    )
    s_here, s_after = shown.sizes[layer - 1], shown.sizes[layer]
    W, next_delta, mask = ctx.weights(layer + 1), ctx.delta(layer + 1), ctx.mask(layer)
    slope = ctx.activation(layer).derivative(ctx.z(layer), ctx.a(layer))
    shape = notation.shape(s_here, ctx.n)
    factors = [slope] if mask is None else [mask, slope]

    def compute(next_delta: Float, W: Float, *factors: Float) -> Float:
        error = next_delta @ W.T
        for factor in factors:
            error = error * factor
        return error

    d = ctx.array_digits(
        compute,
        [(next_delta, ms, after), (W, here, after), *((f, ms, here) for f in factors)],
        (ctx.delta(layer), ms, here),
        whole=len(after) == s_after,
    )
    back = notation.product(
        WithShape(Transpose(notation.weights(layer + 1)), notation.shape(s_here, s_after)),
        WithShape(notation.array("δ", layer + 1), notation.shape(s_after, ctx.n)),
    )
    slopes = Call("g", (WithShape(notation.array("z", layer), shape),), prime=True)
    r = WithShape(dropout_symbol(ctx, layer), shape)
    symbols = (back, slopes) if mask is None else (back, r, slopes)
    # W^T is given transposed already, for both orientations.
    numbers = notation.product(
        ctx.matrix(W.T, after, here, d), ctx.matrix(next_delta, ms, after, d)
    )
    return [
        Hadamard(symbols),
        Hadamard((numbers, *(ctx.matrix(factor, ms, here, d) for factor in factors))),
    ]


# --- one node -----------------------------------------------------------------------------------


def _delta(ctx: Context, layer: int, node: int, m: int) -> Equation:
    notation = ctx.notation
    left = notation.of_node("δ", node, layer, m + 1)
    result = float(ctx.delta(layer)[m, node - 1])
    by = Partial(COST, notation.of_node("z", node, layer, m + 1))
    if layer == ctx.L:
        symbols, numbers = _of_output(ctx, node, m)
        line = ctx.line(left, [by, symbols], [numbers], result, compact=True)
        return Equation((line,), notation.tag("BP1"))
    symbols, numbers = _of_hidden(ctx, layer, node, m)
    return Equation((ctx.line(left, [by, *symbols], [numbers], result),), notation.tag("BP2"))


def _of_output(ctx: Context, node: int, m: int) -> tuple[Expression, Expression]:
    """Return delta of an output: its example's weight times the derivative of its loss."""
    pair, Y = ctx.pair, ctx.subject.Y
    assert Y is not None
    h, y = Number(float(ctx.a(ctx.L)[m, node - 1])), Number(float(ctx.Y[m, node - 1]))
    factor = ctx.factor(m)
    symbols = delta_of(ctx, node, m + 1)
    if pair.delta is not None:
        numbers = pair.delta(h, y, node - 1)
    else:
        loss = ctx.subject.net.architecture.loss
        z, of = ctx.z(ctx.L)[m : m + 1], ctx.a(ctx.L)[m : m + 1]
        numbers = Number(float(loss.delta(z, of, Y[m : m + 1])[0, node - 1]))
    if factor is None:
        return symbols, numbers
    return share(ctx, m + 1) * symbols, factor * numbers


def _of_hidden(ctx: Context, layer: int, node: int, m: int) -> tuple[list[Expression], Expression]:
    """Return delta of a hidden node: the errors it contributes to, times its own slope."""
    notation, mask = ctx.notation, ctx.mask(layer)
    W, errors = ctx.weights(layer + 1)[node - 1], ctx.delta(layer + 1)[m]
    shares = np.abs(ctx.delta(layer + 1) * W).sum(axis=0)
    keep = ctx.shown.largest(list(shares), asked=(layer, node) in ctx.shown.asked)
    z, a = Number(float(ctx.z(layer)[m, node - 1])), Number(float(ctx.a(layer)[m, node - 1]))
    of_z = notation.of_node("z", node, layer, m + 1)
    of_a = notation.of_node("a", node, layer, m + 1)

    def term(i: object) -> Expression:
        return Product(
            (
                notation.of_node("δ", i, layer + 1, m + 1),
                notation.weight(i, node, layer + 1),
            )
        )

    symbolic = [term(i + 1) for i in range(len(W))]
    numeric = [
        Product((Number(float(e)), Number(float(w)))) for e, w in zip(errors, W, strict=True)
    ]
    form = ctx.form(layer)
    slope_symbol = substituted(holding(form.derivation[-1], z.value), {"z": of_z, "a": of_a})
    slope = form.slope(z, a)
    r: list[Expression] = [] if mask is None else [notation.of_node("r", node, layer, m + 1)]
    r_value = [] if mask is None else [Number(float(mask[m, node - 1]))]

    def product(total: Expression, r: Sequence[Expression], slope: Expression) -> Expression:
        return Product((total, *r, slope))

    general = Call("g", (of_z,), prime=True)
    symbols = [
        product(BigSum("i", term("i")), r, general),
        product(Sum(tuple(ctx.symbols(symbolic, keep))), r, slope_symbol),
    ]
    return symbols, product(Sum(tuple(ctx.terms(numeric, keep))), r_value, slope)
