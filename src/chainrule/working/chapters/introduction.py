"""The introduction: the network, its examples, how to read the numbers, omitted parts."""

from chainrule.working.chapters.context import Context
from chainrule.working.chapters.gradients import total_symbol
from chainrule.working.formulas.document import (
    Block,
    Emphasis,
    Equation,
    Inline,
    Items,
    Paragraph,
    Section,
    Table,
    chain,
    listed,
    say,
)
from chainrule.working.formulas.expressions import Equal, Number, Symbol, WithShape
from chainrule.working.numbers.dropout import dropout_words

__all__ = ["opening_section"]

_NAMES = 40  # features up to which each is named


def opening_section(ctx: Context, kind: str) -> Section:
    """Return the first section.

    Parameters
    ----------
    ctx : Context
    kind : str
        The kind of the model, such as "MLPClassifier".
    """
    blocks: list[Block] = [Paragraph(_network(ctx, kind))]
    settings = _settings(ctx)
    if settings:
        blocks.append(Items(tuple(settings)))
    blocks += _inputs(ctx)
    blocks += _outputs(ctx)
    if ctx.view != "scalar":
        blocks.append(_data_matrices(ctx))
    else:
        blocks += _data_lines(ctx)
    blocks.append(Paragraph(_reading(ctx)))
    left_out = ctx.shown.left_out(ctx.view)
    if left_out:
        blocks.append(Section(say("What is left out"), (Items(tuple(left_out)),)))
    return Section(
        say("The network and its " + ("examples" if ctx.n > 1 else "example")), tuple(blocks)
    )


def _network(ctx: Context, kind: str) -> tuple[Inline, ...]:
    architecture, given = ctx.subject.net.architecture, ctx.subject.given
    sizes = architecture.sizes
    names = [g.name for g in architecture.activations]
    if not names:
        hidden = say("no hidden layer")
    elif len(names) == 1:
        hidden = say(f"a hidden layer of {_count(sizes[1], '{} node')}", Emphasis(names[0]))
    else:
        parts = [f"{size} {{}}" for size in sizes[1:-1]]
        text = f"hidden layers of {', '.join(parts[:-1])} and {parts[-1]} nodes"
        hidden = say(text, *map(Emphasis, names))
    loss = architecture.loss
    of = "" if kind == "Network" else f" of this {kind}"
    outputs = say(
        f", and {_count(sizes[-1], 'output')} with the hypothesis {{}} and the loss {{}}: "
        f"{given.n_parameters:,} parameters in {given.architecture.dtype}.",
        Emphasis(loss.hypothesis_name),
        Emphasis(loss.name.replace("_", " ")),
    )
    if given.architecture.dtype != "float64":
        narrow = given.architecture.dtype
        outputs += say(
            f" Everything here is computed in float64 from these, so its own {narrow} results "
            f"differ in their last digits."
        )
    return (*say(f"The network{of} has {_count(sizes[0], 'input')}, "), *hidden, *outputs)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _settings(ctx: Context) -> list[tuple[Inline, ...]]:
    subject = ctx.subject
    found = [say(remark) for remark in subject.remarks]
    if subject.l2:
        found.append(
            say("An L2 penalty with {}.", Equal(_strength(ctx, "2"), ctx.number(subject.l2)))
        )
    if subject.l1:
        found.append(
            say("An L1 penalty with {}.", Equal(_strength(ctx, "1"), ctx.number(subject.l1)))
        )
    if subject.weight is not None:
        found.append(
            say(
                "Each example counts with a weight {}; they add up to {}.",
                Symbol("ω"),
                Equal(Symbol("S"), ctx.number(ctx.computed.total)),
            )
        )
    if (subject.l2 or subject.l1) and subject.Y is not None:
        these = "these examples stand" if ctx.n > 1 else "this example stands"
        found.append(
            say(
                f"As in `trace` and `step`, {these} for the whole training set: penalties are "
                "divided by {}.",
                Equal(total_symbol(ctx), ctx.number(ctx.computed.total)),
            )
        )
    if ctx.pair.smoothing and subject.Y is not None:
        e, loss = Symbol("e"), subject.net.architecture.loss
        classes = Number(2.0) if loss.name == "cross_entropy" else Symbol("K")
        of = "classes of its group" if loss.name == "grouped_log_loss" else "classes"
        found.append(
            say(
                "Label smoothing with {}: every target {} is taken as {}"
                + ("." if loss.name == "cross_entropy" else f", {{}} being the number of {of}."),
                Equal(e, ctx.number(ctx.pair.smoothing)),
                Symbol("y"),
                (1 - e) * Symbol("y") + e / classes,
                *(() if loss.name == "cross_entropy" else (Symbol("K"),)),
            )
        )
    of_dropout = dropout_words(subject.learner, shown=ctx.computed.dropout is not None)
    if of_dropout:
        found.append(of_dropout)
    if subject.Y is None:
        found.append(
            say(
                "No target {} was given, so there is no loss, and nothing to propagate back.",
                Symbol("y"),
            )
        )
    return found


def _strength(ctx: Context, which: str) -> Symbol:
    both = bool(ctx.subject.l2 and ctx.subject.l1)
    return Symbol("λ", (which,) if both else ())


def _inputs(ctx: Context) -> list[Block]:
    names = ctx.subject.input_names
    if not names:
        return []
    shown = range(len(names)) if len(names) <= _NAMES else ctx.shown.in_matrix(1)
    ms = ctx.shown.examples_in_matrix
    header: list[tuple[Inline, ...]] = [(Symbol("j"),), ("input",)]
    header += [(ctx.notation.of_output("x", "j", m + 1),) for m in ms]
    rows = tuple(
        (
            (str(j + 1),),
            (names[j],),
            *((ctx.number(float(ctx.a(1)[m, j])),) for m in ms),
        )
        for j in shown
    )
    caption = say("The inputs, as the network sees them.")
    if len(shown) < len(names):
        numbers = listed([j + 1 for j in shown])
        caption = say(f"Inputs {numbers} of {len(names)}, as the network sees them.")
    return [Table(tuple(header), rows, caption)]


def _outputs(ctx: Context) -> list[Block]:
    subject = ctx.subject
    names = subject.output_names
    if subject.labels and len(subject.labels) <= _NAMES:
        said = (
            say("The target is {}.", Emphasis(subject.labels[0]))
            if ctx.n == 1
            else say(
                "The targets are " + ", ".join("{}" for _ in subject.labels) + ".",
                *map(Emphasis, subject.labels),
            )
        )
    else:
        said = ()
    blocks: list[Block] = [Paragraph(said)] if said else []
    if not names:
        return blocks
    ms = ctx.shown.examples_in_matrix
    header: list[tuple[Inline, ...]] = [(Symbol("k"),), ("stands for",)]
    header += [(ctx.notation.of_output("h", "k", m + 1),) for m in ms]
    if subject.Y is not None:
        header += [(ctx.notation.of_output("y", "k", m + 1),) for m in ms]
    shown = ctx.shown.in_matrix(ctx.L)
    rows = []
    for k in shown:
        row: list[tuple[Inline, ...]] = [(str(k + 1),), (names[k],)]
        row += [(ctx.number(float(ctx.a(ctx.L)[m, k])),) for m in ms]
        if subject.Y is not None:
            row += [(ctx.number(float(ctx.Y[m, k])),) for m in ms]
        rows.append(tuple(row))
    return [*blocks, Table(tuple(header), tuple(rows), say("The outputs."))]


def _data_matrices(ctx: Context) -> Equation:
    notation, shown, subject = ctx.notation, ctx.shown, ctx.subject
    ms = shown.examples_in_matrix
    chains = [
        chain(
            WithShape(notation.array("x"), notation.shape(shown.sizes[0], ctx.n)),
            ctx.matrix(ctx.a(1), ms, shown.in_matrix(1)),
        )
    ]
    if subject.Y is not None:
        chains.append(
            chain(
                WithShape(notation.array("y"), notation.shape(shown.sizes[-1], ctx.n)),
                ctx.matrix(ctx.Y, ms, shown.in_matrix(ctx.L)),
            )
        )
    return Equation(tuple(chains))


def _data_lines(ctx: Context) -> list[Block]:
    subject = ctx.subject
    if subject.Y is None:
        return []
    chains = [
        chain(
            ctx.notation.of_output("y", k + 1, m + 1),
            ctx.number(float(ctx.Y[m, k])),
            compact=True,
        )
        for m in ctx.shown.examples
        for k in ctx.shown.in_matrix(ctx.L)
    ]
    return [Equation(tuple(chains))]


def _reading(ctx: Context) -> tuple[Inline, ...]:
    return say(
        f"Numbers are rounded to {ctx.digits} significant digits. Where terms nearly cancel they "
        "have more, so that every printed line can be checked: its right-hand side gives "
        "its left-hand side, up to one unit of the last digit. Tags such as {} are those of the "
        "lecture notes “Artificial Neural Networks”, images those of the article “Everything you "
        "need to know about Neural Networks and Backpropagation”; where either has an error, the "
        "equation "
        "here is the right one.",
        ctx.notation.tag("BP1") if ctx.subject.Y is not None else ctx.notation.tag("output"),
    )
