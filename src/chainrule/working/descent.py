"""One step of the optimizer with numbers, and the cost after it (GD, notes 10)."""

from collections.abc import Callable

import numpy as np

from chainrule.architecture import Parameters
from chainrule.optimizers import SGD
from chainrule.working.context import Context
from chainrule.working.document import (
    Block,
    Chain,
    Equation,
    Inline,
    Paragraph,
    Section,
    Table,
    say,
)
from chainrule.working.evaluation import evaluate
from chainrule.working.expressions import (
    Equal,
    Expression,
    Nabla,
    Number,
    Partial,
    Symbol,
    WithShape,
)
from chainrule.working.forward import incoming
from chainrule.working.precision import settled
from chainrule.working.rules import Rule, Step, Terms, rule_of
from chainrule.working.symbols import COST
from chainrule.working.update import Update

__all__ = ["descent_section"]


def descent_section(ctx: Context, done: Update) -> Section:
    """Return the section on one step of the optimizer."""
    rule = rule_of(done.optimizer, done.rate, done.t)
    blocks: list[Block] = [Paragraph(_opening(ctx, done, rule)), Paragraph(rule.remark)]
    blocks += _general(ctx, rule)
    for layer in ctx.shown.layers:
        parts: list[Block] = []
        if ctx.view != "scalar":
            parts += _matrices(ctx, done, rule, layer)
        if ctx.view != "matrix":
            for node in ctx.shown.nodes[layer]:
                parts += _node(ctx, done, rule, layer, node)
        if parts:
            title = f"Layer {layer}, the output" if layer == ctx.L else f"Layer {layer}"
            blocks.append(Section(say(title), tuple(parts)))
    blocks.append(Section(say("The cost after it"), tuple(_after(ctx, done))))
    return Section(say("One step of " + rule.name + ", with numbers"), tuple(blocks))


def _opening(ctx: Context, done: Update, rule: Rule) -> tuple[Inline, ...]:
    settings: list[Inline] = []
    for symbol, value in rule.settings:
        settings += [", " if settings else " ", Equal(symbol, ctx.number(value))]
    if done.own:
        text = say(f"This is step {done.t} of the model's own training, by {rule.name} with")
    elif ctx.subject.learner is None:
        text = say(f"The model brings no update rule along. Shown is {rule.name} with")
    else:
        text = say(f"Shown is a first step of {rule.name}, instead of the model's own rule, with")
    return (*text, *settings, ".")


def _general(ctx: Context, rule: Rule) -> list[Block]:
    if not rule.steps:
        return []
    weight, bias = ctx.notation.weight("i", "j", "ℓ"), ctx.notation.bias("i", "ℓ")
    tag = "notes 10.1" if len(rule.steps) == 1 else ""
    tag = "notes 10.4" if len(rule.steps) == 2 else tag
    chains = [
        *_lines(rule, weight, Partial(COST, weight)),
        *(_lines(rule, bias, Partial(COST, bias)) if len(rule.steps) == 1 else []),
    ]
    if len(rule.steps) == 1:
        return [Equation(tuple(chains), tag)]
    entrywise = " Of matrices, squares, roots and fractions are meant entry by entry."
    entrywise = entrywise if len(rule.steps) > 2 and ctx.view != "scalar" else ""
    also = Paragraph(say("The biases {} do the same." + entrywise, bias))
    return [Equation(tuple(chains), tag), also]


def _lines(rule: Rule, theta: Symbol, gradient: Expression) -> list[Chain]:
    """Return a rule's steps for one parameter, in letters."""
    terms = _letters(rule, theta, gradient)
    return [Chain(_made(step, theta), ((_is(step), step.symbols(terms)),)) for step in rule.steps]


def _letters(rule: Rule, theta: Symbol, gradient: Expression) -> Terms:
    terms: dict[str, Expression] = {"theta": theta, "g": gradient}
    for step in rule.steps[:-1]:
        terms[step.name] = _made(step, theta)
    return terms


def _made(step: Step, theta: Symbol) -> Symbol:
    """Return the symbol of what a step makes, with the indices of the parameter."""
    if step.name == "theta":
        return theta
    return Symbol(step.letter, theta.below, theta.above, "hat" if step.hat else "")


def _is(step: Step) -> str:
    """Return ":=" for what was there before, "=" for what is made anew."""
    return ":=" if step.state or step.name == "theta" else "="


# --- matrices -----------------------------------------------------------------------------------


def _matrices(ctx: Context, done: Update, rule: Rule, layer: int) -> list[Block]:
    notation, shown = ctx.notation, ctx.shown
    here, before = shown.in_matrix(layer), shown.in_matrix(layer - 1)
    s_here, s_before = shown.sizes[layer - 1], shown.sizes[layer - 2]
    at = layer - 2
    parts: list[tuple[Symbol, tuple[int, int], Callable[[Parameters], np.ndarray], list[int]]] = [
        (
            notation.weights(layer),
            notation.shape(s_here, s_before),
            lambda p: p.weights[at],
            before,
        ),
        (notation.biases(layer), notation.shape(s_here, 1), lambda p: p.biases[at][None], [0]),
    ]
    gradients = (ctx.grad_weights(layer), ctx.grad_biases(layer)[None])
    chains: list[Chain] = []
    for (symbol, shape, take, rows), grad in zip(parts, gradients, strict=True):
        chains += _matrix_lines(ctx, done, rule, symbol, shape, take, rows, here, grad)
    return [Equation(tuple(chains), "notes 10.1" if len(rule.steps) == 1 else "")]


def _matrix_lines(
    ctx: Context,
    done: Update,
    rule: Rule,
    symbol: Symbol,
    shape: tuple[int, int],
    take: Callable[[Parameters], np.ndarray],
    rows: list[int],
    columns: list[int],
    grad: np.ndarray,
) -> list[Chain]:
    after = ctx.matrix(take(done.after), rows, columns)
    if not rule.steps:
        return [Chain(WithShape(symbol, shape), ((":=", after),))]
    linear = isinstance(done.optimizer, SGD)
    # What is kept for W and for b are two things of the same name: m_W and m_b.
    named = Symbol(symbol.name, (symbol.name,), symbol.above)
    letters = {
        name: WithShape(letter, shape)
        for name, letter in {
            **_letters(rule, named, Nabla(COST, symbol)),
            "theta": symbol,
        }.items()
    }
    found: list[Chain] = []
    values = {"theta": take(done.before), "g": grad}
    for name, memory in done.state_before.items():
        values[_name_of(rule, name)] = take(memory)
    for step in rule.steps:
        made = symbol if step.name == "theta" else _made(step, named)
        if step.state:
            result = take(done.state_after[step.state])
        elif step.name == "theta":
            result = take(done.after)
        else:
            continue  # the corrected means are in the line after
        steps: list[tuple[str, Expression]] = [(_is(step), step.symbols(letters))]
        if linear:
            d = _linear_digits(ctx, step, values, result, (rows, columns))
            numbers = {n: ctx.matrix(v, rows, columns, d) for n, v in values.items()}
            steps.append(("=", step.numbers(numbers)))
        steps.append(("=", ctx.matrix(result, rows, columns)))
        values[step.name] = result
        found.append(Chain(WithShape(made, shape), tuple(steps)))
    return found


def _name_of(rule: Rule, state: str) -> str:
    return next(step.name for step in rule.steps if step.state == state)


def _linear_digits(
    ctx: Context,
    step: Step,
    values: dict[str, np.ndarray],
    result: np.ndarray,
    shown: tuple[list[int], list[int]],
) -> int:
    """Return how many digits the matrices of a step need to give its result."""
    names = list(values)

    def compute(*arrays: np.ndarray) -> np.ndarray:
        found = np.empty(arrays[0].shape)
        for at in np.ndindex(found.shape):
            terms = {n: Number(float(a[at])) for n, a in zip(names, arrays, strict=True)}
            found[at] = evaluate(step.numbers(terms))
        return found

    return ctx.array_digits(compute, [(values[n], *shown) for n in names], (result, *shown))


# --- one node -----------------------------------------------------------------------------------


def _node(ctx: Context, done: Update, rule: Rule, layer: int, node: int) -> list[Block]:
    keep = incoming(ctx, layer, node)
    notation, at, i = ctx.notation, layer - 2, node - 1
    chains: list[Chain] = []
    entries: list[tuple[Symbol, Callable[[Parameters], float], float]] = [
        (
            notation.weight(node, j + 1, layer),
            lambda p, j=j: float(p.weights[at][j, i]),
            float(ctx.grad_weights(layer)[j, i]),
        )
        for j in keep
    ]
    entries.append(
        (
            notation.bias(node, layer),
            lambda p: float(p.biases[at][i]),
            float(ctx.grad_biases(layer)[i]),
        )
    )
    title = Paragraph(say(f"*Node {layer}.{node}*"))
    if len(rule.steps) == 1 or not rule.steps:
        for symbol, take, grad in entries:
            chains += _parameter_lines(ctx, done, rule, symbol, take, grad, brief=True)
        return [title, Equation(tuple(chains), "notes 10.1" if rule.steps else "")]
    chains = _parameter_lines(ctx, done, rule, *entries[0], brief=False)
    rows = [_row(ctx, done, rule, *entry) for entry in entries]
    return [title, Equation(tuple(chains)), Table(_header(rule), tuple(rows))]


def _values(
    done: Update, rule: Rule, take: Callable[[Parameters], float], grad: float
) -> dict[str, float]:
    values = {"theta": take(done.before), "g": grad}
    for name, memory in done.state_before.items():
        values[_name_of(rule, name)] = take(memory)
    return values


def _parameter_lines(
    ctx: Context,
    done: Update,
    rule: Rule,
    symbol: Symbol,
    take: Callable[[Parameters], float],
    grad: float,
    *,
    brief: bool,
) -> list[Chain]:
    """Return a rule's steps for one parameter, with numbers."""
    if not rule.steps:
        old, new = take(done.before), take(done.after)
        numbers = settled([Number(old) + Number(new - old)], new, ctx.digits)
        return [Chain(symbol, ((":=", numbers), ("=", ctx.number(new))), compact=True)]
    letters = _letters(rule, symbol, Partial(COST, symbol))
    values = _values(done, rule, take, grad)
    found: list[Chain] = []
    for step in rule.steps:
        terms = {name: Number(value) for name, value in values.items()}
        formula = step.numbers(terms)
        result = _result(done, step, take, formula)
        numbers = settled([formula], result, ctx.digits)
        steps: list[tuple[str, Expression]] = [("=", numbers), ("=", ctx.number(result))]
        if brief:
            steps[0] = (":=", numbers)
        else:
            steps.insert(0, (_is(step), step.symbols(letters)))
        found.append(Chain(_made(step, symbol), tuple(steps), compact=True))
        values[step.name] = result
    return found


def _result(
    done: Update, step: Step, take: Callable[[Parameters], float], formula: Expression
) -> float:
    """Return what the optimizer itself made of a parameter; what it does not keep is computed."""
    if step.state:
        return take(done.state_after[step.state])
    return take(done.after) if step.name == "theta" else evaluate(formula)


def _header(rule: Rule) -> tuple[tuple[Inline, ...], ...]:
    w = Symbol("w")
    header: list[tuple[Inline, ...]] = [("parameter",), ("before",), (Partial(COST, w),)]
    for step in rule.steps:
        if step.state:
            header += [say("{} before", _made(step, w)), say("{} after", _made(step, w))]
    return (*header, ("after",))


def _row(
    ctx: Context,
    done: Update,
    rule: Rule,
    symbol: Symbol,
    take: Callable[[Parameters], float],
    grad: float,
) -> tuple[tuple[Inline, ...], ...]:
    row: list[tuple[Inline, ...]] = [
        (symbol,),
        (ctx.number(take(done.before)),),
        (ctx.number(grad),),
    ]
    for step in rule.steps:
        if step.state:
            row.append((ctx.number(take(done.state_before[step.state])),))
            row.append((ctx.number(take(done.state_after[step.state])),))
    row.append((ctx.number(take(done.after)),))
    return tuple(row)


# --- the cost after ----------------------------------------------------------------------------


def _after(ctx: Context, done: Update) -> list[Block]:
    cost = ctx.computed.cost
    assert cost is not None
    change = done.cost - cost
    if not np.isfinite(change):
        text = say("The step leads where the cost is no number any more: it is far too long.")
        return [Paragraph(text)]
    word = "falls" if change < 0 else "rises" if change > 0 else "stays"
    sentence = say(
        f"The cost {word} from {{}} to {{}} on the same examples, a change of {{}}."
        + (" A step that makes it rise is too long for this place." if change > 0 else ""),
        ctx.number(cost),
        ctx.number(done.cost),
        ctx.number(change),
    )
    return [Paragraph(sentence)]
