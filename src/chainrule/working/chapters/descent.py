"""One step of the optimizer with numbers, and the cost after it (GD, notes 10)."""

from collections.abc import Callable
from itertools import product

import numpy as np

from chainrule.architecture import Parameters
from chainrule.working.chapters.context import Context
from chainrule.working.chapters.forward import incoming
from chainrule.working.chapters.learning_rates import rate_part
from chainrule.working.formulas.clipping import with_clipping
from chainrule.working.formulas.document import (
    Block,
    Chain,
    Equation,
    Inline,
    Paragraph,
    Section,
    Table,
    say,
)
from chainrule.working.formulas.evaluation import evaluate
from chainrule.working.formulas.expressions import (
    Cases,
    Equal,
    Expression,
    Nabla,
    Number,
    Partial,
    Symbol,
    WithShape,
    map_numbers,
)
from chainrule.working.formulas.precision import MOST_DIGITS, recomputes, settled, with_digits
from chainrule.working.formulas.rules import Part, Rule, Step
from chainrule.working.formulas.symbols import COST
from chainrule.working.formulas.update_rules import rule_of
from chainrule.working.numbers.update import Update

__all__ = ["descent_section"]


def descent_section(ctx: Context, done: Update) -> Section:
    """Return the section on one step of the optimizer."""
    rule = _rule(ctx, done)
    blocks: list[Block] = [Paragraph(_opening(ctx, done, rule)), Paragraph(rule.words)]
    if done.schedule is not None:
        blocks += _once(ctx, rate_part(done.schedule, done.progress, done.rate))
    if done.rate == 0:
        nothing = (
            "With a rate of 0 this step does not change the parameters; `optimizer=` shows a "
            "step of another rule."
        )
        blocks.append(Paragraph(say(nothing), aside=True))
    for part in rule.parts:
        blocks += _once(ctx, part)
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


def _rule(ctx: Context, done: Update) -> Rule:
    rule = rule_of(done.optimizer, done.rate, done.t, done.remembered)
    gradients = ctx.computed.gradients
    if done.max_norm is None or gradients is None:
        return rule
    return with_clipping(
        rule, gradients.grad_weights, gradients.grad_biases, done.max_norm, done.scale
    )


def _opening(ctx: Context, done: Update, rule: Rule) -> tuple[Inline, ...]:
    settings: list[Inline] = []
    for symbol, value in rule.settings:
        settings += [", " if settings else " ", Equal(symbol, ctx.number(value))]
    if done.own:
        text = say(f"This is step {done.t} of the model's own training, by {rule.name} with")
    elif ctx.subject.learner is None:
        text = say(f"The model has no update rule. Shown is {rule.name} with")
    else:
        text = say(f"Shown is a first step of {rule.name}, instead of the model's own rule, with")
    return (*text, *settings, ".")


def _once(ctx: Context, part: Part) -> list[Block]:
    """Return the quantities that are computed once for all parameters."""
    words = tuple(
        map_numbers(each, lambda number: ctx.number(number.value))
        if isinstance(each, Expression)
        else each
        for each in part.words
    )
    chains = [
        ctx.line(line.left, [line.symbols], [line.numbers], line.value, compact=line.brief)
        for line in part.lines
    ]
    return [Paragraph(words), Equation(tuple(chains))] if chains else [Paragraph(words)]


def _general(ctx: Context, rule: Rule) -> list[Block]:
    """Return the rule in letters, for any weight."""
    if not rule.steps:
        return []
    weight, bias = ctx.notation.weight("i", "j", "ℓ"), ctx.notation.bias("i", "ℓ")
    chains = _lines(rule, weight, Partial(COST, weight))
    if len(rule.steps) == 1:
        return [Equation((*chains, *_lines(rule, bias, Partial(COST, bias))), rule.tag)]
    but = f", {rule.biases}" if rule.biases else ""
    entrywise = " Squares, roots and fractions of matrices are taken entry by entry."
    entrywise = entrywise if len(rule.steps) > 2 and ctx.view != "scalar" else ""
    also = Paragraph(say(f"The biases {{}} do the same{but}." + entrywise, bias))
    return [Equation(tuple(chains), rule.tag), also]


def _lines(rule: Rule, theta: Symbol, gradient: Expression) -> list[Chain]:
    """Return a rule's steps for one parameter, in letters."""
    return [
        Chain(_made(step, theta), ((_is(step), formula),))
        for step, formula in _in_letters(rule, theta, gradient)
    ]


def _in_letters(
    rule: Rule,
    theta: Symbol,
    gradient: Expression,
    *,
    named: Symbol | None = None,
    wrap: Callable[[Expression], Expression] = lambda e: e,
) -> list[tuple[Step, Expression]]:
    """Return a rule's steps with their formulas in letters.

    Parameters
    ----------
    rule : Rule
    theta : Symbol
        The parameter, or a matrix of them.
    gradient : Expression
        Its derivative.
    named : Symbol, optional
        The symbol whose indices the results of the steps get, if not theta.
    wrap : callable, optional
        A function applied to each symbol.
    """
    steps, named = rule.steps_of(theta), named or theta
    terms: dict[str, Expression] = {"theta": wrap(theta), "g": wrap(gradient)}
    terms |= {step.name: wrap(_made(step, named)) for step in steps if step.state}
    found: list[tuple[Step, Expression]] = []
    for step in steps:
        found.append((step, step.symbols(terms)))
        terms[step.name] = wrap(_made(step, named))
    return found


def _made(step: Step, theta: Symbol) -> Symbol:
    """Return the symbol of a step's result, with the indices of the parameter."""
    if step.name == "theta":
        return theta
    return Symbol(step.letter, theta.below, theta.above, step.mark)


def _first_step(step: Step, formula: Expression) -> list[tuple[str, Expression]]:
    """Return the beginning of a line; cases are written out once, with the rule."""
    return [] if isinstance(formula, Cases) else [(_is(step), formula)]


def _is(step: Step) -> str:
    """Return ":=" for values that existed before the step, "=" for new ones."""
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
    return [Equation(tuple(chains), rule.tag if len(rule.steps) == 1 else "")]


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
    if not rule.steps:
        after = ctx.matrix(take(done.after), rows, columns)
        return [Chain(WithShape(symbol, shape), ((":=", after),))]
    # The state of W and that of b have the same name: m_W and m_b.
    named = Symbol(symbol.name, (symbol.name,), symbol.above)
    written = _in_letters(
        rule, symbol, Nabla(COST, symbol), named=named, wrap=lambda e: WithShape(e, shape)
    )
    values = {"theta": take(done.before), "g": grad}
    values |= {s.name: take(done.state_before[s.state]) for s, _ in written if s.state}
    found: list[Chain] = []
    for step, formula in written:
        if step.state:
            result = take(done.state_after[step.state])
        elif step.name == "theta":
            result = take(done.after)
        elif step.tabled:
            result = _entry_by_entry(step, values, rows, columns)
        else:
            continue  # the corrected means are in the line after
        steps = _first_step(step, formula)
        if rule.linear:
            d = _linear_digits(ctx, step, values, result, rows, columns)
            numbers = {n: ctx.matrix(v, rows, columns) for n, v in values.items()}
            steps.append(("=", with_digits(step.numbers(numbers), d)))
        steps.append(("=" if steps else _is(step), ctx.matrix(result, rows, columns)))
        values[step.name] = result
        made = symbol if step.name == "theta" else _made(step, named)
        found.append(Chain(WithShape(made, shape), tuple(steps)))
    return found


def _entry_by_entry(
    step: Step, values: dict[str, np.ndarray], rows: list[int], columns: list[int]
) -> np.ndarray:
    """Return the result of a step for the entries that are shown."""
    found = np.full(values["theta"].shape, np.nan)
    for at in product(rows, columns):
        found[at] = evaluate(step.numbers({n: Number(float(v[at])) for n, v in values.items()}))
    return found


def _linear_digits(
    ctx: Context,
    step: Step,
    values: dict[str, np.ndarray],
    result: np.ndarray,
    rows: list[int],
    columns: list[int],
) -> int:
    """Return the number of digits for a step's numbers, so that each entry can be recomputed."""
    formulas = [
        (step.numbers({n: Number(float(v[at])) for n, v in values.items()}), float(result[at]))
        for at in product(rows, columns)
    ]
    for more in range(ctx.digits, MOST_DIGITS):
        if all(recomputes(with_digits(f, more), r, ctx.digits, {}) for f, r in formulas):
            return more
    return MOST_DIGITS


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
    if len(rule.steps) <= 1:
        for symbol, take, grad in entries:
            chains += _parameter_lines(ctx, done, rule, symbol, take, grad, brief=True)
        return [title, Equation(tuple(chains), rule.tag)]
    chains = _parameter_lines(ctx, done, rule, *entries[0], brief=False)
    rows = [_row(ctx, done, rule, *entry) for entry in entries]
    return [title, Equation(tuple(chains)), Table(_header(rule), tuple(rows))]


def _results(
    done: Update, rule: Rule, theta: Symbol, take: Callable[[Parameters], float], grad: float
) -> list[tuple[Step, Expression, float]]:
    """Return a parameter's steps: the formula of numbers, and the optimizer's results.

    Results that it does not keep are computed.
    """
    steps = rule.steps_of(theta)
    values = {"theta": take(done.before), "g": grad}
    values |= {step.name: take(done.state_before[step.state]) for step in steps if step.state}
    found: list[tuple[Step, Expression, float]] = []
    for step in steps:
        formula = step.numbers({name: Number(value) for name, value in values.items()})
        if step.state:
            result = take(done.state_after[step.state])
        else:
            result = take(done.after) if step.name == "theta" else evaluate(formula)
        found.append((step, formula, result))
        values[step.name] = result
    return found


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
    written = _in_letters(rule, symbol, Partial(COST, symbol))
    made = _results(done, rule, symbol, take, grad)
    found: list[Chain] = []
    for (step, letters), (_, formula, result) in zip(written, made, strict=True):
        numbers = settled([formula], result, ctx.digits)
        steps = [] if brief else _first_step(step, letters)
        shown = [] if isinstance(numbers, Number) else [numbers]
        for each in (*shown, ctx.number(result)):
            steps.append(("=" if steps else _is(step), each))
        found.append(Chain(_made(step, symbol), tuple(steps), compact=True))
    return found


def _header(rule: Rule) -> tuple[tuple[Inline, ...], ...]:
    w = Symbol("w")
    header: list[tuple[Inline, ...]] = [("parameter",), ("before",), (Partial(COST, w),)]
    for step in rule.steps:
        if step.state:
            header += [say("{} before", _made(step, w)), say("{} after", _made(step, w))]
        elif step.tabled:
            header.append((_made(step, w),))
    return (*header, ("after",))


def _row(
    ctx: Context,
    done: Update,
    rule: Rule,
    symbol: Symbol,
    take: Callable[[Parameters], float],
    grad: float,
) -> tuple[tuple[Inline, ...], ...]:
    numbers = [take(done.before), grad]
    for step, _, result in _results(done, rule, symbol, take, grad):
        if step.state:
            numbers.append(take(done.state_before[step.state]))
        if step.state or step.tabled:
            numbers.append(result)
    numbers.append(take(done.after))
    return ((symbol,), *((ctx.number(each),) for each in numbers))


# --- the cost after ----------------------------------------------------------------------------


def _after(ctx: Context, done: Update) -> list[Block]:
    cost = ctx.computed.cost
    assert cost is not None
    change = done.cost - cost
    if not np.isfinite(change):
        text = say("After this step the cost is NaN or infinite: the step is far too long.")
        return [Paragraph(text)]
    if change == 0:
        text = "The cost stays at {} on the same examples: the step changes nothing there."
        return [Paragraph(say(text, ctx.number(cost)))]
    word = "falls" if change < 0 else "rises"
    sentence = say(
        f"The cost {word} from {{}} to {{}} on the same examples, a change of {{}}."
        + (" A step that increases the cost is too long here." if change > 0 else ""),
        ctx.number(cost),
        ctx.number(done.cost),
        ctx.number(change),
    )
    return [Paragraph(sentence)]
