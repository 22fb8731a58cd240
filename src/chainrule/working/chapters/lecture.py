"""The general derivation: from the chain rule to the four equations (notes 5, 6; blog 30, 34-37).

A template for each equation, filled in for this network's activations, loss and penalties.
"""

from chainrule.working.chapters.context import Context
from chainrule.working.chapters.gradients import total_symbol
from chainrule.working.chapters.lecture_back import (
    activation_slopes,
    hidden_layers,
    weights_and_biases,
)
from chainrule.working.chapters.lecture_matrices import all_at_once
from chainrule.working.chapters.lecture_output import derivation_of_pair, not_convex, why_canonical
from chainrule.working.chapters.output_symbols import delta_of, hypothesis_of, loss_of, share
from chainrule.working.formulas.document import (
    Block,
    Emphasis,
    Equation,
    Items,
    Paragraph,
    Section,
    say,
    short,
)
from chainrule.working.formulas.expressions import (
    Abs,
    BigSum,
    Call,
    Equal,
    Expression,
    Number,
    Partial,
    Sum,
    Symbol,
)
from chainrule.working.formulas.symbols import BEFORE, COST, HERE, LAST

__all__ = ["cost_symbols", "lecture_section", "no_way_back"]


def lecture_section(ctx: Context) -> Section:
    """Return the general derivation for this architecture and loss."""
    parts = [_forward(ctx)]
    if ctx.subject.net.architecture.loss.differentiable:
        parts.append(_cost(ctx))
    if ctx.computed.why_not:
        parts.append(no_way_back(ctx))
    else:
        parts += [_errors(ctx), _output(ctx)]
        if ctx.L > 2:
            parts += [hidden_layers(ctx), activation_slopes(ctx)]
        parts.append(weights_and_biases(ctx))
        parts.append(all_at_once(ctx))
    return Section(say("From the chain rule to the four equations"), tuple(parts))


def _forward(ctx: Context) -> Section:
    notation = ctx.notation
    z, b, w = (
        ctx.notation.of_node("z", "i", HERE),
        notation.bias("i", HERE),
        notation.weight("i", "j", HERE),
    )
    weighted = short(z, b + BigSum("j", w * ctx.notation.of_node("a", "j", BEFORE)))
    blocks: list[Block] = [
        Paragraph(
            say(
                f"Layers are counted from 1, the input, to L = {ctx.L}, the output. A node {{}} of "
                "layer {} reads every node {} of the layer before, weights these values, adds its "
                "bias, and applies its activation {} to the sum; in the last layer {} "
                "is the hypothesis, called {} (notes 4 and 5).",
                Symbol("i"),
                Symbol("ℓ"),
                Symbol("j"),
                Symbol("g"),
                Symbol("g"),
                Symbol("h"),
            )
        ),
        Equation((weighted,), ""),
    ]
    if ctx.L > 2:
        a = short(ctx.notation.of_node("a", "i", HERE), Call("g", (z,)))
        blocks.append(Equation((a,), notation.tag("hidden")))
    h = notation.of_output("h", "k")
    of_L = ctx.notation.of_node("a", "k", LAST)
    blocks.append(
        Equation((short(h, of_L, hypothesis_of(ctx, "k", "", LAST)),), notation.tag("output"))
    )
    if ctx.computed.masks is not None:
        blocks.append(
            Paragraph(
                say(
                    "With dropout, a layer reads {} instead of {}, where {} is 0 for a node that "
                    "is left out and {} for one that is kept; {} is the probability of being left "
                    "out.",
                    ctx.notation.of_node("r", "j", BEFORE) * ctx.notation.of_node("a", "j", BEFORE),
                    ctx.notation.of_node("a", "j", BEFORE),
                    Symbol("r"),
                    1 / (1 - Symbol("p")),
                    Symbol("p"),
                )
            )
        )
    return Section(say("Forward"), tuple(blocks))


def cost_symbols(ctx: Context) -> Expression:
    """Return J as a formula of the losses and the penalties."""
    notation, subject = ctx.notation, ctx.subject
    total = total_symbol(ctx)
    loss = notation.loss("m")
    if subject.weight is not None:
        data: Expression = 1 / total * BigSum("m", Symbol("ω", (), ("m",)) * loss, upto="M")
    elif notation.many:
        data = 1 / total * BigSum("m", loss, upto="M")
    else:
        data = loss
    terms, both = [data], bool(subject.l2 and subject.l1)
    w = Symbol("w")
    over = None if ctx.alone else total
    if subject.l2:
        strength = Symbol("λ", ("2",) if both else ())
        below = 2 * over if over is not None else Number(2.0)
        terms.append(strength / below * BigSum("w", w**2))
    if subject.l1:
        strength = Symbol("λ", ("1",) if both else ())
        terms.append((strength if over is None else strength / over) * BigSum("w", Abs(w)))
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def _cost(ctx: Context) -> Section:
    subject = ctx.subject
    blocks: list[Block] = [
        Paragraph(
            say(
                "The loss says how far an example's hypothesis is from its target {}, and the cost "
                "{} is the quantity that is minimized: "
                + (
                    "the mean of the losses"
                    if subject.weight is None and ctx.notation.many
                    else "their mean, each counted with its weight ω"
                    if subject.weight is not None
                    else "here, with one example, its loss"
                )
                + (", and the penalties." if subject.l2 or subject.l1 else "."),
                Symbol("y"),
                COST,
            )
        ),
        Equation(
            (
                short(ctx.notation.loss("m"), loss_of(ctx, "m")),
                short(COST, cost_symbols(ctx)),
            ),
            _sources(ctx),
        ),
    ]
    if subject.l2 or subject.l1:
        blocks.append(
            Paragraph(
                say(
                    "The penalties include all weights but no biases: a bias only shifts an "
                    "activation to the left or right, which does not add complexity."
                )
            )
        )
    return Section(say("The cost"), tuple(blocks))


def _sources(ctx: Context) -> str:
    """Return where the notes have the loss and the penalties, if they do."""
    in_notes = ctx.pair.in_notes
    penalties = [
        name for name, value in (("9.2", ctx.subject.l2), ("9.3", ctx.subject.l1)) if value
    ]
    found = [*(["8"] if in_notes else []), *([" and ".join(penalties)] if penalties else [])]
    return f"notes {', '.join(found)}" if found else ""


def _errors(ctx: Context) -> Section:
    m = "m" if ctx.notation.many else ""
    delta, z = ctx.notation.of_node("δ", "i", HERE, m), ctx.notation.of_node("z", "i", HERE, m)
    penalized = ctx.subject.l2 or ctx.subject.l1
    every = "Apart from the penalties, every" if penalized else "Every"
    return Section(
        say("The error of a node"),
        (
            Paragraph(
                say(
                    f"{every} parameter affects the cost only through the {{}} of its own node. "
                    "So one number per node is enough: how much the cost "
                    "changes with that {}, which the notes call the node's error.",
                    Symbol("z"),
                    Symbol("z"),
                )
            ),
            Equation((short(delta, Partial(COST, z)),), "notes 6"),
            Paragraph(
                say(
                    "It is a sensitivity rather than a mistake. Where {} is 0.2, a {} that is "
                    "larger by a thousandth makes {} larger by about 0.2 thousandths; where it is "
                    "negative, smaller. A node whose error is 0 has no influence on the cost of "
                    "these "
                    "examples, and their gradient does not change its weights. Only in the last "
                    "layer can it also be read as a mistake, since there it is computed from the "
                    "distance "
                    "between hypothesis and target.",
                    delta,
                    z,
                    COST,
                )
            ),
        ),
    )


def _output(ctx: Context) -> Section:
    m = "m" if ctx.notation.many else ""
    delta = ctx.notation.of_node("δ", "k", LAST, m)
    by_z = Partial(COST, ctx.notation.of_node("z", "k", LAST, m))
    derivative = delta_of(ctx, "k", m, LAST)
    alone = ctx.factor(0) is None
    result = derivative if alone else share(ctx, "m") * derivative
    blocks: list[Block] = [*derivation_of_pair(ctx)]
    blocks.append(
        Paragraph(
            say("With one example the cost is its loss, and so:")
            if alone
            else say(
                "The loss of an example enters the cost with the factor {}, and no other example's "
                "loss depends on its {}. So:",
                share(ctx, "m"),
                Symbol("z"),
            )
        )
    )
    blocks.append(Equation((short(delta, by_z, result),), ctx.notation.tag("BP1")))
    if ctx.pair.canonical and ctx.notation.many:
        blocks.append(
            Paragraph(
                say(
                    "Notes 8.1 to 8.3 call the matrix of these the derivative by {}. It is the one "
                    "by {}: put into BP1.2 as printed, the slope of the hypothesis would count "
                    "twice.",
                    Symbol("H"),
                    Symbol("Z", (), ("L",)),
                ),
                aside=True,
            )
        )
    blocks += [*why_canonical(ctx), *not_convex(ctx)]
    return Section(say("The output layer"), tuple(blocks))


def no_way_back(ctx: Context) -> Section:
    """Return why a step function blocks the gradient."""
    architecture = ctx.subject.net.architecture
    steps = [
        layer for layer, g in enumerate(architecture.activations, start=2) if not g.differentiable
    ]
    items = [
        say(f"Layer {layer} has the activation {{}}.", Emphasis(ctx.activation(layer).name))
        for layer in steps
    ]
    if not architecture.loss.differentiable:
        name = Emphasis(architecture.loss.hypothesis_name)
        items.append(say("The output has the hypothesis {}.", name))
    z = Symbol("z")
    return Section(
        say("Why there is no backward pass"),
        (
            Items(tuple(items)),
            Paragraph(
                say(
                    "Such a function jumps from 0 to 1 and is flat everywhere else (notes 7.1): "
                    "{} wherever it exists. A factor of 0 in BP1 or BP2 makes every "
                    "error before it 0, and with the errors every gradient. A small change of a "
                    "weight changes nothing at all, and so does not show in which direction to go.",
                    Equal(Call("g", (z,), prime=True), Number(0.0)),
                )
            ),
            Paragraph(
                say(
                    "To learn, the step is smoothed: the logistic function is a gradual "
                    "step, and its slope {} shows the direction.",
                    Symbol("a") * (1 - Symbol("a")),
                )
            ),
        ),
    )
