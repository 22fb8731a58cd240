"""The gradients with numbers and their finite differences (BP3, BP4)."""

from collections.abc import Sequence

import numpy as np

from chainrule.maths.arrays import Float
from chainrule.maths.penalties import penalty_gradient
from chainrule.working.chapters.context import Context
from chainrule.working.chapters.forward import incoming, read_numbers, read_symbols, reading_symbol
from chainrule.working.formulas.document import Chain, Equation, Inline, say
from chainrule.working.formulas.expressions import (
    BigSum,
    Expression,
    Matrix,
    Nabla,
    Number,
    Partial,
    Product,
    Sum,
    Symbol,
    Transpose,
    WithShape,
    Words,
    call,
)
from chainrule.working.formulas.symbols import COST
from chainrule.working.numbers.differences import Entry

__all__ = ["entries_shown", "gradient_equations", "gradient_matrices", "penalty_terms"]

sign = call("sign")


def entries_shown(ctx: Context) -> list[Entry]:
    """Return the parameters whose gradients are shown."""
    found: dict[Entry, None] = {}
    for layer in ctx.shown.layers:
        if ctx.view != "scalar":
            for i in ctx.shown.in_matrix(layer):
                for j in (None, *ctx.shown.in_matrix(layer - 1)):
                    found[Entry(layer - 2, i, j)] = None
        if ctx.view != "matrix":
            for node in ctx.shown.nodes[layer]:
                for j in (None, *incoming(ctx, layer, node)):
                    found[Entry(layer - 2, node - 1, j)] = None
    return list(found)


def penalty_terms(ctx: Context, w: Expression, numbers: bool) -> list[Expression]:
    """Return the penalties' part of the gradient of a weight, or of a matrix of them."""
    l2, l1, S = ctx.subject.l2, ctx.subject.l1, ctx.computed.total
    both = bool(l2 and l1)
    found: list[Expression] = []
    for value, name, of in ((l2, "2", w), (l1, "1", sign(w))):
        if not value:
            continue
        strength: Expression = Number(value) if numbers else Symbol("λ", (name,) if both else ())
        over = Number(S) if numbers else total_symbol(ctx)
        found.append((strength if ctx.alone else strength / over) * of)
    return found


def total_symbol(ctx: Context) -> Symbol:
    """Return S, the sum of the weights, or M where each example counts 1."""
    return Symbol("M" if ctx.subject.weight is None else "S")


# --- matrices -----------------------------------------------------------------------------------


def gradient_matrices(ctx: Context, layer: int) -> list[Equation]:
    """Return BP3 and BP4 of a layer as matrices."""
    return [
        Equation((_weights_chain(ctx, layer),), ctx.notation.tag("BP3")),
        Equation((_biases_chain(ctx, layer),), ctx.notation.tag("BP4")),
    ]


def _weights_chain(ctx: Context, layer: int) -> Chain:
    notation, shown, subject = ctx.notation, ctx.shown, ctx.subject
    ms, here, before = (
        shown.examples_in_matrix,
        shown.in_matrix(layer),
        shown.in_matrix(layer - 1),
    )
    s_here, s_before = shown.sizes[layer - 1], shown.sizes[layer - 2]
    delta, read, grad = ctx.delta(layer), ctx.reads(layer), ctx.grad_weights(layer)
    penalized = bool(subject.l2 or subject.l1)
    added = penalty_gradient(ctx.weights(layer), subject.l2, subject.l1, ctx.computed.total)

    def compute(delta: Float, read: Float, added: Float) -> Float:
        return read.T @ delta + added

    d = ctx.array_digits(
        compute,
        [(delta, ms, here), (read, ms, before), (added, before, here)],
        (grad, before, here),
        whole=len(ms) == ctx.n,
    )
    symbols = notation.product(
        WithShape(notation.array("δ", layer), notation.shape(s_here, ctx.n)),
        WithShape(Transpose(reading_symbol(ctx, layer)), notation.shape(ctx.n, s_before)),
    )
    numbers = notation.product(ctx.matrix(delta, ms, here, d), ctx.matrix(read.T, before, ms, d))
    if penalized:
        W = WithShape(notation.weights(layer), notation.shape(s_here, s_before))
        symbols = Sum((symbols, *penalty_terms(ctx, W, numbers=False)))
        numbers = numbers + ctx.matrix(added, before, here, d)
    left = WithShape(Nabla(COST, notation.weights(layer)), notation.shape(s_here, s_before))
    estimates = np.array([[_estimate(ctx, Entry(layer - 2, i, j)) for i in here] for j in before])
    shown_grad = grad[np.ix_(before, here)]
    step, note = _beside(ctx, estimates, shown_grad, ctx.matrix(grad, before, here))
    return Chain(
        left,
        (
            ("=", symbols),
            ("=", numbers),
            ("=", ctx.matrix(grad, before, here)),
            ("≈", step),
        ),
        note,
    )


def _biases_chain(ctx: Context, layer: int) -> Chain:
    notation, shown = ctx.notation, ctx.shown
    ms, here = shown.examples_in_matrix, shown.in_matrix(layer)
    s_here = shown.sizes[layer - 1]
    delta, grad = ctx.delta(layer), ctx.grad_biases(layer)
    symbol = WithShape(notation.array("δ", layer), notation.shape(s_here, ctx.n))
    steps: list[tuple[str, Expression]] = []
    if notation.many:
        d = ctx.array_digits(
            lambda e: e.sum(axis=0, keepdims=True),
            [(delta, ms, here)],
            (grad[None], [0], here),
            whole=len(ms) == ctx.n,
        )
        one: Expression = Symbol("1")
        one = WithShape(Transpose(one) if notation.rows else one, notation.shape(ctx.n, 1))
        ones = ctx.matrix(np.ones((1, ctx.n)), [0], ms)
        steps.append(("=", notation.product(symbol, one)))
        steps.append(("=", notation.product(ctx.matrix(delta, ms, here, d), ones)))
    else:
        steps.append(("=", symbol))
    result = ctx.matrix(grad[None], [0], here)
    estimates = np.array([[_estimate(ctx, Entry(layer - 2, i, None)) for i in here]])
    step, note = _beside(ctx, estimates, grad[None][:, here], result)
    left = WithShape(Nabla(COST, notation.biases(layer)), notation.shape(s_here, 1))
    return Chain(left, (*steps, ("=", result), ("≈", step)), note)


def _estimate(ctx: Context, entry: Entry) -> float:
    found = ctx.slopes.get(entry)
    return np.nan if found is None else found


def _beside(
    ctx: Context, estimates: Float, grad: Float, like: Matrix
) -> tuple[Expression, tuple[Inline, ...]]:
    """Return the estimates as a matrix like that of the gradient, and their largest difference."""
    values = iter((estimates if ctx.notation.rows else estimates.T).ravel())

    def entry(e: Expression) -> Expression:
        if not isinstance(e, Number):
            return e
        value = float(next(values))
        return Words("kink") if np.isnan(value) else ctx.number(value)

    rows = tuple(tuple(entry(e) for e in row) for row in like.rows)
    off = np.abs(estimates - grad)
    if np.isnan(off).all():
        return Matrix(rows), say("no finite difference: a kink is too near")
    text = "finite differences, off by at most {}"
    if np.isnan(off).any():
        text += "; none where a kink is too near"
    return Matrix(rows), say(text, Number(float(np.nanmax(off)), 2))


# --- one node -----------------------------------------------------------------------------------


def gradient_equations(ctx: Context, layer: int, node: int) -> list[Equation]:
    """Return BP3 and BP4 of a node: dJ/dw of each weight that leads to it, and dJ/db."""
    keep = incoming(ctx, layer, node)
    chains = [_weight_line(ctx, layer, node, j, first=j == keep[0]) for j in keep]
    return [
        Equation(tuple(chains), ctx.notation.tag("BP3")),
        Equation((_bias_line(ctx, layer, node),), ctx.notation.tag("BP4")),
    ]


def _weight_line(ctx: Context, layer: int, node: int, j: int, *, first: bool) -> Chain:
    notation = ctx.notation
    w = notation.weight(node, j + 1, layer)
    delta, W = ctx.delta(layer)[:, node - 1], ctx.weights(layer)

    def term(m: object, at: int) -> Expression:
        error = notation.of_node("δ", node, layer, m)
        return Product((error, *read_symbols(ctx, layer, j + 1, at)))

    values = [
        Product((Number(float(delta[m])), *read_numbers(ctx, layer, j, m))) for m in range(ctx.n)
    ]
    keep = ctx.shown.largest(
        list(np.abs(delta * ctx.reads(layer)[:, j])), asked=(layer, node) in ctx.shown.asked
    )
    numbers = Sum(
        (
            *ctx.terms(values, keep),
            *penalty_terms(ctx, Number(float(W[j, node - 1])), numbers=True),
        )
    )
    symbols: list[Expression] = []
    if first:
        error = notation.of_node("δ", node, layer, "m")
        inputs = _read_of_any(ctx, layer, j)
        one = Product((error, *inputs))
        data = BigSum("m", one) if notation.many else one
        symbols.append(_sum((data, *penalty_terms(ctx, w, numbers=False))))
    result = float(ctx.grad_weights(layer)[j, node - 1])
    note = _apart(ctx, Entry(layer - 2, node - 1, j), result)
    return ctx.line(Partial(COST, w), symbols, [_sum(numbers.terms)], result, note, compact=True)


def _read_of_any(ctx: Context, layer: int, j: int) -> tuple[Expression, ...]:
    """Return the input from node j for an example m."""
    return tuple(
        Symbol(s.name, s.below, (*s.above[:-1], "m") if ctx.notation.many else s.above)
        for s in read_symbols(ctx, layer, j + 1, 0)
        if isinstance(s, Symbol)
    )


def _bias_line(ctx: Context, layer: int, node: int) -> Chain:
    notation, delta = ctx.notation, ctx.delta(layer)[:, node - 1]
    result = float(ctx.grad_biases(layer)[node - 1])
    left = Partial(COST, notation.bias(node, layer))
    note = _apart(ctx, Entry(layer - 2, node - 1, None), result)
    any_one = notation.of_node("δ", node, layer, "m")
    if not notation.many:
        return ctx.line(left, [any_one], [Number(result)], result, note, compact=True)
    keep = ctx.shown.largest(list(np.abs(delta)), asked=(layer, node) in ctx.shown.asked)
    numbers = _sum(ctx.terms([Number(float(d)) for d in delta], keep))
    return ctx.line(left, [BigSum("m", any_one)], [numbers], result, note, compact=True)


def _sum(terms: Sequence[Expression]) -> Expression:
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def _apart(ctx: Context, entry: Entry, result: float) -> tuple[Inline, ...]:
    estimate = ctx.slopes.get(entry)
    if estimate is None:
        return say("no finite difference: a kink is too near")
    off = Number(abs(estimate - result), 2)
    return say("finite difference {}, off by {}", ctx.number(estimate), off)
