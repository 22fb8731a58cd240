"""The general derivation, back: hidden layers, slopes, weights and biases (BP2, BP3, BP4)."""

from chainrule.working.chapters.context import Context
from chainrule.working.chapters.gradients import penalty_terms
from chainrule.working.formulas.activations import Form
from chainrule.working.formulas.document import (
    Block,
    Emphasis,
    Equation,
    Paragraph,
    Section,
    chain,
    say,
    short,
)
from chainrule.working.formulas.expressions import (
    BigSum,
    Call,
    Expression,
    Partial,
    Product,
    Sum,
    Symbol,
)
from chainrule.working.formulas.symbols import AFTER, BEFORE, COST, HERE

__all__ = ["activation_slopes", "hidden_layers", "weights_and_biases"]


def hidden_layers(ctx: Context) -> Section:
    """Return the derivation of a layer's errors from those of the next (BP2)."""
    m = "m" if ctx.notation.many else ""
    z, a = ctx.notation.of_node("z", "j", HERE, m), ctx.notation.of_node("a", "j", HERE, m)
    delta, delta_i = (
        ctx.notation.of_node("δ", "j", HERE, m),
        ctx.notation.of_node("δ", "i", AFTER, m),
    )
    z_i = ctx.notation.of_node("z", "i", AFTER, m)
    w = ctx.notation.weight("i", "j", AFTER)
    masked = ctx.computed.masks is not None
    r = (ctx.notation.of_node("r", "j", HERE, m),) if masked else ()
    slope = Call("g", (z,), prime=True)
    last = Product((BigSum("i", delta_i * w), *r, slope))
    return Section(
        say("The hidden layers"),
        (
            Paragraph(
                say(
                    "The output of a hidden node is an input of every node of the next layer, so "
                    "its "
                    "{} affects the cost along as many paths. The chain rule multiplies along "
                    "each path "
                    "(how much the cost changes with the {} at its end, how much that changes with "
                    "{}, and {} with {}) and adds up the paths.",
                    z,
                    z_i,
                    a,
                    a,
                    z,
                )
            ),
            Equation(
                (
                    chain(
                        delta,
                        Partial(COST, z),
                        BigSum("i", Partial(COST, z_i) * Partial(z_i, a) * Partial(a, z)),
                        BigSum("i", Product((delta_i, w, *r, slope))),
                        last,
                    ),
                ),
                f"{ctx.notation.tag('BP2')}, blog images 34 to 36",
            ),
            Paragraph(
                say(
                    "The weights are those of the forward pass, used in the other direction. Notes "
                    "6.1.2 write the matrix of layer {} with the entries of layer {}, and blog "
                    "image 36 has the equation for the last layer too, whose error comes from the "
                    "loss. The blog multiplies by all of {}, but its column of biases must be "
                    "removed: "
                    "no path leads back through a bias.",
                    Symbol("ℓ") + 1,
                    Symbol("ℓ"),
                    Symbol("θ"),
                ),
                aside=True,
            ),
        ),
    )


def activation_slopes(ctx: Context) -> Section:
    """Return g and g' of each activation of the network."""
    forms: dict[str, Form] = {}
    layers: dict[str, list[int]] = {}
    for layer in range(2, ctx.L):
        form = ctx.form(layer)
        forms[form.name] = form
        layers.setdefault(form.name, []).append(layer)
    blocks: list[Block] = [
        Paragraph(
            say(
                "The missing factor is {}, the slope of the activation, as a function of {} or of "
                "{}, whichever "
                "is simpler.",
                Call("g", (Symbol("z"),), prime=True),
                Symbol("z"),
                Symbol("a"),
            )
        )
    ]
    for name, form in forms.items():
        z = Symbol("z")
        where = f"layer{'s' if len(layers[name]) > 1 else ''} {', '.join(map(str, layers[name]))}"
        blocks.append(Paragraph((Emphasis(name), f" ({where}). ", *form.remark)))
        blocks.append(
            Equation(
                (
                    chain(Call("g", (z,)), form.symbolic),
                    chain(Call("g", (z,), prime=True), *form.derivation),
                ),
            )
        )
    return Section(say("The slopes of the activations"), tuple(blocks))


def weights_and_biases(ctx: Context) -> Section:
    """Return the derivation of the gradients from the errors (BP3, BP4)."""
    notation = ctx.notation
    m = "m" if notation.many else ""
    z = ctx.notation.of_node("z", "i", HERE, m)
    w, b = notation.weight("i", "j", HERE), notation.bias("i", HERE)
    delta, a = ctx.notation.of_node("δ", "i", HERE, m), ctx.notation.of_node("a", "j", BEFORE, m)
    read = (a,) if ctx.computed.masks is None else (ctx.notation.of_node("r", "j", BEFORE, m), a)

    def summed(e: Expression) -> Expression:
        return BigSum("m", e) if notation.many else e

    weights: tuple[Expression, ...] = (
        summed(Partial(COST, z) * Partial(z, w)),
        summed(Product((delta, *read))),
    )
    blocks: list[Block] = [
        Paragraph(
            say(
                "{} is a sum, so its derivative by one weight is what that weight multiplies, and "
                "by the bias it is 1."
                + (" Every example contributes, so the terms are added up:" if m else ""),
                ctx.notation.of_node("z", "i", HERE, m),
            )
        ),
        Equation(
            (short(Partial(COST, w), *weights),),
            f"{notation.tag('BP3')}, blog images 30 and 37",
        ),
        Equation(
            (
                short(
                    Partial(COST, b),
                    summed(Partial(COST, z) * Partial(z, b)),
                    summed(delta),
                ),
            ),
            notation.tag("BP4"),
        ),
    ]
    if ctx.subject.l2 or ctx.subject.l1:
        blocks += _penalized(ctx, w)
    return Section(say("The weights and the biases"), tuple(blocks))


def _penalized(ctx: Context, w: Symbol) -> list[Block]:
    both = bool(ctx.subject.l2 and ctx.subject.l1)
    added = penalty_terms(ctx, w, numbers=False)
    which = "penalties add" if both else "penalty adds"
    return [
        Paragraph(
            say(
                f"To the derivative by a weight the {which} {{}}, weight by weight (not a sum over "
                "all of them, as blog image 39 has it); the sign of 0 is 0.",
                added[0] if len(added) == 1 else Sum(tuple(added)),
            )
        )
    ]
