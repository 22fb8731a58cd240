"""The worksheet: the network, given values, blanks, and the solution."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.arrays import Float
from chainrule.working.chapters.context import Context
from chainrule.working.chapters.elision import choose_shown
from chainrule.working.chapters.lecture import cost_symbols
from chainrule.working.chapters.output_symbols import delta_of, hypothesis_of, loss_of
from chainrule.working.formulas.activations import form_of
from chainrule.working.formulas.document import (
    Block,
    Chain,
    Document,
    Emphasis,
    Equation,
    Inline,
    Paragraph,
    Section,
    Table,
    chain,
    say,
    short,
)
from chainrule.working.formulas.expressions import (
    Call,
    Equal,
    Expression,
    Matrix,
    Number,
    Symbol,
    WithShape,
    Words,
)
from chainrule.working.formulas.symbols import COST
from chainrule.working.numbers.one_pass import compute
from chainrule.working.numbers.subject import subject_of

__all__ = ["worksheet"]

_BLANK = Words("______")
_DIGITS = 4


def worksheet(
    problem: Problem,
    known: Mapping[str, Quantity],
    asked: Sequence[str],
    given: Sequence[str],
    seed: int | None,
    solution: Sequence[Block] = (),
) -> Document:
    """Return the worksheet as a document, independent of the output format.

    Parameters
    ----------
    problem : Problem
    known : dict of str to Quantity
    asked : sequence of str
        The quantities to find, which get blanks.
    given : sequence of str
        The quantities that are printed with their values.
    seed : int or None
        The seed of the exercise, to make it again.
    solution : sequence of blocks
        The blocks after it.
    """
    sizes = "-".join(map(str, problem.net.sizes))
    number = "" if seed is None else f", number {seed}"
    blocks: list[Block] = [
        Section(say("The network"), tuple(_network(problem))),
        Section(say("To find"), tuple(_tasks(problem, known, asked, given))),
    ]
    if solution:
        answers = [_line(known[name], _numbers(problem, known[name].value)) for name in asked]
        blocks.append(Section(say("The answers"), tuple(answers)))
        blocks += solution
    return Document(f"Exercise: a {sizes} network{number}", tuple(blocks))


def _network(p: Problem) -> list[Block]:
    architecture, notation = p.net.architecture, p.notation
    sizes, loss = p.net.sizes, architecture.loss
    names = [Emphasis(g.name.replace("_", " ")) for g in architecture.activations]
    hidden: tuple[Inline, ...] = say("no hidden layer")
    if names:
        parts = " and ".join(f"{size} {{}}" for size in sizes[1:-1])
        nodes = "node" if sizes[-2] == 1 else "nodes"
        hidden = say(f"{'a layer' if len(names) == 1 else 'layers'} of {parts} {nodes}", *names)
    outputs = say(
        f", and {sizes[-1]} output{'s' if sizes[-1] > 1 else ''} with the hypothesis {{}} and the "
        f"loss {{}}.",
        Emphasis(loss.hypothesis_name),
        Emphasis(loss.name.replace("_", " ")),
    )
    inputs = say(f"It has {sizes[0]} input{'s' if sizes[0] > 1 else ''}, ")
    blocks: list[Block] = [Paragraph((*inputs, *hidden, *outputs))]
    blocks += _reminders(p)
    N, n = sizes[0], len(p.X)
    shaped = [(notation.array("x"), notation.shape(N, n), p.turned(p.X))]
    shaped.append((notation.array("y"), notation.shape(sizes[-1], n), p.turned(p.Y)))
    for layer in range(2, p.L + 1):
        size, before = sizes[layer - 1], sizes[layer - 2]
        W, b = p.net.weights[layer - 2], p.net.biases[layer - 2]
        shaped.append((notation.weights(layer), notation.shape(size, before), p.turned(W)))
        shaped.append((notation.biases(layer), notation.shape(size, 1), p.turned(b[None])))
    pairs = [short(WithShape(symbol, shape), _matrix(value, 17)) for symbol, shape, value in shaped]
    blocks += [Equation((one, other)) for one, other in zip(pairs[::2], pairs[1::2], strict=True)]
    return blocks


def _reminders(p: Problem) -> list[Block]:
    """Return the formulas of g and its slope, and of the output."""
    found: list[Block] = []
    for g in dict.fromkeys(p.net.architecture.activations):
        form = form_of(g)
        if form.known and g.differentiable:
            z = Symbol("z")
            value = short(Call("g", (z,)), form.symbolic)
            slope = short(Call("g", (z,), prime=True), form.derivation[-1])
            found.append(Paragraph(say("{}:", Emphasis(g.name.replace("_", " ")))))
            found.append(Equation((value, slope)))
    pair = p.net.architecture.loss
    names = [Emphasis(_plain(name)) for name in (pair.hypothesis_name, pair.name)]
    output = say("The output, {} with {}:", *names)
    found += [Paragraph(output), Equation(tuple(_of_output(p)))]
    if p.l2:
        strength = Equal(Symbol("λ"), Number(p.l2))
        found.append(Paragraph(say("With an L2 penalty on the weights: {}.", strength)))
    return found


def _of_output(p: Problem) -> Iterator[Chain]:
    """Yield the formulas of h, the loss, J and delta of the output."""
    subject = subject_of(p.net, p.X, p.targets, None, p.l2, None)
    shown = choose_shown(p.net.sizes, len(p.X))
    computed = compute(subject, dropout=False)
    ctx = Context(subject, computed, p.notation, shown, _DIGITS, "both", {})
    yield short(p.notation.of_output("h", "k", "m"), hypothesis_of(ctx, "k", "m"))
    if p.cost is None:
        return
    loss, many = p.notation.loss("m"), p.notation.many
    yield short(loss, loss_of(ctx, "m"))
    yield short(COST, cost_symbols(ctx))
    if p.back is None:
        return
    delta = delta_of(ctx, "k", "m")
    scaled = 1 / Symbol("M") * delta if many else delta
    yield short(p.notation.of_node("δ", "k", p.L, "m"), scaled)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _tasks(
    p: Problem, known: Mapping[str, Quantity], asked: Sequence[str], given: Sequence[str]
) -> list[Block]:
    blocks: list[Block] = []
    if given:
        blocks.append(Paragraph(say("Given is, rounded:")))
        blocks += [_line(known[name], _numbers(p, known[name].value)) for name in given]
    find = "Find, to three significant digits or more"
    if p.notation.many:
        find += f" (examples are {'rows' if p.notation.rows else 'columns'} of the matrices)"
    if any(name.startswith("new_") for name in asked):
        find += f", after one step of gradient descent with a rate of {p.rate:g}"
    blocks.append(Paragraph(say(f"{find}:")))
    blocks += [_line(known[name], _blanks(p, known[name].value)) for name in asked]
    header = (say("name"), say("what"), say("shape"))
    rows = tuple(_named(known[name]) for name in asked)
    caption = say("Their names in `check`:")
    blocks.append(Table(header, rows, caption))
    return blocks


def _named(quantity: Quantity) -> tuple[tuple[Inline, ...], ...]:
    """Return a row of the table of names: the name, the symbol, the shape."""
    symbol, shape = quantity.symbol, "a number"
    if isinstance(symbol, WithShape):
        symbol, shape = symbol.of, f"{symbol.shape[0]}×{symbol.shape[1]}"
    return say(f"`{quantity.name}`"), say("{}", symbol), say(shape)


def _line(quantity: Quantity, right: Expression) -> Equation:
    return Equation((chain(quantity.symbol, right),), quantity.tag)


def _as_matrix(p: Problem, value: Float) -> Float:
    """Return a vector as the matrix that is printed: a bias is a row where examples are."""
    return p.turned(value[None]) if value.ndim == 1 else value


def _numbers(p: Problem, value: Float) -> Expression:
    if value.ndim == 0:
        return Number(float(value), _DIGITS)
    return _matrix(_as_matrix(p, value), _DIGITS)


def _blanks(p: Problem, value: Float) -> Expression:
    if value.ndim == 0:
        return _BLANK
    shape = np.shape(_as_matrix(p, value))
    return Matrix(tuple((_BLANK,) * shape[1] for _ in range(shape[0])))


def _matrix(value: Float, digits: int) -> Matrix:
    return Matrix(tuple(tuple(Number(float(v), digits) for v in row) for row in value))
