"""The forward pass with numbers: z = b + W a and a = g(z), layer by layer (FP1, FP2)."""

from collections.abc import Sequence

import numpy as np

from chainrule.working.chapters.context import Context
from chainrule.working.chapters.output_symbols import hypothesis_of
from chainrule.working.formulas.activations import holding
from chainrule.working.formulas.document import (
    Block,
    Chain,
    Equation,
    Paragraph,
    Section,
    chain,
    say,
)
from chainrule.working.formulas.evaluation import evaluate
from chainrule.working.formulas.expressions import (
    BigSum,
    Call,
    Expression,
    Hadamard,
    Number,
    Product,
    Sum,
    Symbol,
    WithShape,
    substituted,
)
from chainrule.working.formulas.pairs import Summed

__all__ = [
    "activation_symbol",
    "dropout_symbol",
    "forward_section",
    "incoming",
    "read_numbers",
    "read_symbols",
    "reading_symbol",
    "total",
]


def forward_section(ctx: Context) -> Section:
    """Return the section on the forward pass."""
    layers = [_layer(ctx, layer) for layer in ctx.shown.layers]
    return Section(say("Forward, with numbers"), tuple(layers))


def _layer(ctx: Context, layer: int) -> Section:
    before, here = ctx.shown.sizes[layer - 2], ctx.shown.sizes[layer - 1]
    what = "inputs" if layer == 2 else "nodes"
    what = what[:-1] if before == 1 else what
    loss = ctx.subject.net.architecture.loss
    if layer == ctx.L:
        name, of, which = loss.hypothesis_name, "output", ", the output"
    else:
        name, of, which = ctx.activation(layer).name, "node", ""
    ends = f"{of}s" if here > 1 else of
    title = say(f"Layer {layer}{which}: from {before} {what} to {here} {{}} {ends}", name)
    blocks: list[Block] = []
    if ctx.view != "scalar":
        blocks += _matrices(ctx, layer)
    if ctx.view != "matrix":
        for node in ctx.shown.nodes[layer]:
            blocks += _node(ctx, layer, node)
    return Section(title, tuple(blocks))


# --- matrices -----------------------------------------------------------------------------------


def _matrices(ctx: Context, layer: int) -> list[Block]:
    notation, shown, n = ctx.notation, ctx.shown, ctx.n
    here, before = shown.in_matrix(layer), shown.in_matrix(layer - 1)
    s_here, s_before = shown.sizes[layer - 1], shown.sizes[layer - 2]
    ms = shown.examples_in_matrix
    z, a, read = ctx.z(layer), ctx.a(layer), ctx.reads(layer)
    B = np.broadcast_to(ctx.biases(layer), z.shape)
    W = ctx.weights(layer)
    many = notation.shape(s_here, n)
    Z = WithShape(notation.array("z", layer), many)
    symbols = WithShape(notation.array("b", layer), many) + notation.product(
        WithShape(notation.weights(layer), notation.shape(s_here, s_before)),
        WithShape(reading_symbol(ctx, layer), notation.shape(s_before, n)),
    )
    d = ctx.array_digits(
        lambda b, w, r: b + r @ w,
        [(B, ms, here), (W, before, here), (read, ms, before)],
        (z, ms, here),
        whole=len(before) == s_before,
    )
    numbers = Sum(
        (
            ctx.matrix(B, ms, here, d),
            notation.product(ctx.matrix(W, before, here, d), ctx.matrix(read, ms, before, d)),
        )
    )
    chains = [chain(Z, symbols, numbers, ctx.matrix(z, ms, here))]
    A = WithShape(notation.array("a", layer), many)
    if layer == ctx.L:
        H = WithShape(notation.array("h"), many)
        h = Call(ctx.subject.net.architecture.loss.hypothesis_name, (Z,))
        chains.append(chain(H, A, h, ctx.matrix(a, ms, here), compact=True))
    else:
        g = Call(ctx.activation(layer).name, (Z,))
        chains.append(chain(A, g, ctx.matrix(a, ms, here), compact=True))
    mask = ctx.mask(layer)
    if mask is not None:
        part = (mask, ms, here), (a, ms, here)
        d = ctx.array_digits(lambda r, x: r * x, part, (mask * a, ms, here))
        factors = (ctx.matrix(mask, ms, here, d), ctx.matrix(a, ms, here, d))
        left = Hadamard((WithShape(dropout_symbol(ctx, layer), many), A))
        chains.append(chain(left, Hadamard(factors), ctx.matrix(mask * a, ms, here)))
    return [Equation(tuple(chains), notation.tag("output" if layer == ctx.L else "hidden"))]


def activation_symbol(ctx: Context, layer: int) -> Expression:
    """Return A of a layer, X for the first."""
    return ctx.notation.array("x") if layer == 1 else ctx.notation.array("a", layer)


def reading_symbol(ctx: Context, layer: int) -> Expression:
    """Return the inputs of a layer: A of the layer before, times dropout's factors."""
    a = activation_symbol(ctx, layer - 1)
    if ctx.mask(layer - 1) is None:
        return a
    return Hadamard((dropout_symbol(ctx, layer - 1), a))


def dropout_symbol(ctx: Context, layer: int) -> Symbol:
    """Return the symbol of dropout's factors of a layer."""
    return Symbol("R" if ctx.notation.many else "r", (), (str(layer),))


# --- one node -----------------------------------------------------------------------------------


def incoming(ctx: Context, layer: int, node: int) -> list[int]:
    """Return the nodes of the layer before, from 0, whose terms in a node's z are shown."""
    shares = np.abs(ctx.reads(layer) * ctx.weights(layer)[:, node - 1]).sum(axis=0)
    return ctx.shown.largest(list(shares), asked=(layer, node) in ctx.shown.asked)


def read_symbols(ctx: Context, layer: int, j: object, m: int) -> tuple[Expression, ...]:
    """Return the input of layer `layer` from node j: a, or x, and with dropout its factor r."""
    before = layer - 1
    if before == 1:
        return (ctx.notation.of_output("x", j, m + 1),)
    a = ctx.notation.of_node("a", j, before, m + 1)
    if ctx.mask(before) is None:
        return (a,)
    return (ctx.notation.of_node("r", j, before, m + 1), a)


def read_numbers(ctx: Context, layer: int, j: int, m: int) -> tuple[Number, ...]:
    """Return the numbers of `read_symbols`, of node j counted from 0."""
    value, mask = Number(float(ctx.a(layer - 1)[m, j])), ctx.mask(layer - 1)
    return (value,) if mask is None else (Number(float(mask[m, j])), value)


def _node(ctx: Context, layer: int, node: int) -> list[Block]:
    blocks: list[Block] = []
    notation = ctx.notation
    keep = incoming(ctx, layer, node)
    W, b = ctx.weights(layer), ctx.biases(layer)
    for m in ctx.shown.examples:
        z, a = float(ctx.z(layer)[m, node - 1]), float(ctx.a(layer)[m, node - 1])
        of_z = notation.of_node("z", node, layer, m + 1)
        symbols = [
            Product((notation.weight(node, j + 1, layer), *read_symbols(ctx, layer, j + 1, m)))
            for j in range(len(W))
        ]
        numbers = [
            Product((Number(float(W[j, node - 1])), *read_numbers(ctx, layer, j, m)))
            for j in range(len(W))
        ]
        bias = notation.bias(node, layer)
        any_one = Product((notation.weight(node, "j", layer), *read_symbols(ctx, layer, "j", m)))
        written = [Sum((bias, BigSum("j", any_one))), Sum((bias, *ctx.symbols(symbols, keep)))]
        sums = Sum((Number(float(b[node - 1])), *ctx.terms(numbers, keep)))
        chains = [ctx.line(of_z, written, [sums], z)]
        chains.append(_activation(ctx, layer, node, m, of_z, z, a))
        tag = notation.tag("output" if layer == ctx.L else "hidden")
        blocks.append(Equation(tuple(chains), tag))
    return [Paragraph(say(f"*Node {layer}.{node}*")), *blocks]


def _activation(
    ctx: Context, layer: int, node: int, m: int, of_z: Expression, z: float, a: float
) -> Chain:
    notation = ctx.notation
    if layer < ctx.L:
        form = ctx.form(layer)
        left = notation.of_node("a", node, layer, m + 1)
        way = form.value(Number(z))
        symbol = substituted(holding(form.symbolic, z), {"z": of_z})
        return ctx.line(left, [symbol], [way], a, compact=True)
    left = notation.of_output("h", node, m + 1)
    zs = [Number(float(v)) for v in ctx.z(layer)[m]]
    way = total(ctx, ctx.pair.hypothesis(zs, node - 1), asked=(layer, node) in ctx.shown.asked)
    symbol = hypothesis_of(ctx, node, m + 1)
    of_a = notation.of_node("a", node, layer, m + 1)
    return ctx.line(left, [of_a, symbol], [way], a, compact=True)


def total(ctx: Context, summed: Summed, *, asked: bool = False) -> Expression:
    """Return a sum over outputs for display: whole, or the largest terms and the rest."""
    terms: Sequence[Expression] = summed.terms
    if len(terms) == 1:
        return summed.around(terms[0])
    sizes = [abs(evaluate(term, ctx.functions)) for term in terms]
    return summed.around(Sum(tuple(ctx.terms(terms, ctx.shown.largest(sizes, asked=asked)))))
