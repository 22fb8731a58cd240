"""The general derivation as matrices: all nodes and examples at once (notes 5.2, 6.2)."""

from chainrule.working.chapters.context import Context
from chainrule.working.formulas.document import Block, Equation, Paragraph, Section, say, short
from chainrule.working.formulas.expressions import (
    Call,
    Dots,
    Expression,
    Hadamard,
    Nabla,
    Symbol,
    Transpose,
)
from chainrule.working.formulas.symbols import AFTER, BEFORE, COST, HERE, LAST

__all__ = ["all_at_once"]


def all_at_once(ctx: Context) -> Section:
    """Return the four equations as matrices."""
    notation = ctx.notation
    Z, A = notation.array("z", HERE), notation.array("a", HERE)
    W, A_before = notation.weights(HERE), notation.array("a", BEFORE)
    B = notation.array("b", HERE)
    Delta = notation.array("δ", HERE)
    one: Expression = Transpose(Symbol("1")) if notation.rows else Symbol("1")
    examples = "examples" if notation.many else "the example"
    way = f"{examples} in rows" if notation.rows else f"{examples} in columns"
    if not notation.many:
        way = "the example as a row" if notation.rows else "the example as a column"
    hidden = (
        [
            Equation(
                (short(A, Call("g", (Z,)), Call("g", (B + notation.product(W, A_before),))),),
                notation.tag("hidden"),
            ),
        ]
        if ctx.L > 2
        else []
    )
    Z_L = notation.array("z", LAST)
    last = Equation(
        (
            short(
                notation.array("h"),
                notation.array("a", LAST),
                Call("h", (Z_L,)),
                Call(
                    "h",
                    (
                        notation.array("b", LAST)
                        + notation.product(notation.weights(LAST), notation.array("a", "L-1")),
                    ),
                ),
            ),
        ),
        notation.tag("output"),
    )
    back: list[Block] = []
    if ctx.pair.canonical and ctx.subject.weight is None:
        difference = notation.array("h") - notation.array("y")
        back.append(
            Equation(
                (
                    short(
                        notation.array("δ", LAST),
                        1 / Symbol("M") * difference if notation.many else difference,
                    ),
                ),
                notation.tag("BP1"),
            )
        )
    if ctx.L > 2:
        error = notation.product(Transpose(notation.weights(AFTER)), notation.array("δ", AFTER))
        back.append(
            Equation(
                (short(Delta, Hadamard((error, Call("g", (Z,), prime=True)))),),
                notation.tag("BP2"),
            )
        )
    back.append(
        Equation(
            (short(Nabla(COST, W), notation.product(Delta, Transpose(A_before))),),
            notation.tag("BP3"),
        )
    )
    back.append(
        Equation(
            (
                short(
                    Nabla(COST, notation.biases(HERE)),
                    notation.product(Delta, one) if notation.many else Delta,
                ),
            ),
            notation.tag("BP4"),
        )
    )
    return Section(
        say("All nodes at once"),
        (
            Paragraph(
                say(
                    f"With {way}, the same equations are products of matrices. {{}} multiplies "
                    "entry by entry"
                    + (", and {} is a vector of ones." if notation.many else ".")
                    + (
                        " Every equation of the notes, which have examples in columns, is "
                        "transposed: "
                        "{} is the entry in row {} and column {} of {}."
                        if notation.rows
                        else " {} is the entry in row {} and column {} of {}."
                    ),
                    Dots("⊙"),
                    *((Symbol("1"),) if notation.many else ()),
                    notation.weight("i", "j", HERE),
                    Symbol("j" if notation.rows else "i"),
                    Symbol("i" if notation.rows else "j"),
                    W,
                )
            ),
            *hidden,
            last,
            *back,
        ),
    )
