"""The clipping of gradients, as formulas."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule.maths.arrays import Float
from chainrule.working.formulas.document import say
from chainrule.working.formulas.expressions import BigSum, Expression, Number, Partial, Sqrt, Symbol
from chainrule.working.formulas.rules import Line, Part, Rule, make_step
from chainrule.working.formulas.symbols import COST

__all__ = ["with_clipping"]

_N, _G, _C = Symbol("n"), Symbol("G"), Symbol("c")
_TINY = 1e-6  # what `engines.reference.clip` adds to a gradient's length


def with_clipping(
    rule: Rule,
    grad_weights: Sequence[Float],
    grad_biases: Sequence[Float],
    max_norm: float,
    scale: float,
) -> Rule:
    """Return a rule that first scales down a gradient that is too long.

    Parameters
    ----------
    rule : Rule
    grad_weights, grad_biases : sequences of arrays
        The gradient, penalties included.
    max_norm : float
        The maximum norm.
    scale : float
        The factor of the gradient: 1 if it is short enough.
    """
    of_weights, of_biases = (
        float(sum(np.sum(np.square(g)) for g in gs)) for gs in (grad_weights, grad_biases)
    )
    squares = [BigSum(name, Partial(COST, Symbol(name)) ** 2) for name in ("w", "b")]
    norm = float(np.sqrt(of_weights + of_biases))
    length = Line(
        _N,
        Sqrt(squares[0] + squares[1]),
        Sqrt(Number(of_weights) + Number(of_biases)),
        norm,
    )
    words = (
        "Gradients that are longer than {} over all parameters are scaled down to it "
        "(`max_grad_norm`), so that no single step is too large."
    )
    limit = (*rule.settings, (_G, max_norm))
    if scale == 1:
        short = say(words + " This one is short enough, and is not changed:", _G)
        return replace(rule, settings=limit, parts=(*rule.parts, Part(short, (length,))))
    factor = Line(_C, _G / (_N + _TINY), Number(max_norm) / (Number(norm) + _TINY), scale)

    def scaled(*, g: Expression, c: Expression, **_: Expression) -> Expression:
        return c * g

    step = make_step("g", "g", scaled, {"c": (_C, scale)})
    long = say(words + " This one is longer:", _G)
    return replace(
        rule,
        settings=limit,
        steps=(replace(step, tabled=True), *rule.steps) if rule.steps else (),
        of_biases=rule.of_biases and (replace(step, tabled=True), *rule.of_biases),
        parts=(*rule.parts, Part(long, (length, factor))),
        tag="",
    )
