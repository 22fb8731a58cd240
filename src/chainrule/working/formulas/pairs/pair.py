"""The formulas of an output pair: hypothesis, loss and delta, for symbols and numbers.

As in `chainrule.maths.losses` hypothesis and loss are ONE thing. Where the notes' formula loses
its digits (the logarithm of an h that rounds to 0 or 1), there is a second one, computed from z,
as in the code.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from chainrule.working.formulas.document import Block
from chainrule.working.formulas.expressions import Expression, Number, Symbol, call

__all__ = ["LOSS", "K", "Pair", "Summed", "h", "itself", "log", "of_z", "residual", "y", "z"]

log = call("log")
K = "k"
h, y, z = Symbol("h", (K,)), Symbol("y", (K,)), Symbol("z", (K,), ("L",))
LOSS = Symbol("loss")

Numbers: TypeAlias = Sequence[Number]


@final
@dataclass(frozen=True)
class Summed:
    """A sum over outputs, and a function of it."""

    terms: tuple[Expression, ...]
    around: Callable[[Expression], Expression]


def itself(e: Expression) -> Expression:
    """E, of which nothing more is made."""
    return e


def of_z(f: Callable[[Any], Expression]) -> Callable[[Numbers, int], Summed]:
    """Return the hypothesis that is one function of each z by itself."""
    return lambda z, k: Summed((f(z[k]),), itself)


def residual(h: Expression, y: Expression, k: object = 0) -> Expression:
    """H - y."""
    return h - y


@final
@dataclass(frozen=True)
class Pair:
    """An output pair as formulas of the numbers of one example, in symbols, and in words.

    Attributes
    ----------
    hypothesis : callable
        ``hypothesis(z, k)``: h_k as a sum over outputs, with numbers.
    losses : callable
        ``losses(z, h, y)``: ways to write the example's loss with numbers, the notes' first.
    delta : callable or None
        ``delta(h_k, y_k, k)``: the derivative of the loss by z_k, with numbers or, where k is a
        letter, symbols; None if it is known by its values only.
    hypothesis_symbol : callable
        ``hypothesis_symbol(z_k, z_r)``: h_k in symbols, z_r being the z that a sum goes over.
    loss_symbol : callable or None
        ``loss_symbol(h_k, y_k)``: the loss in symbols; None if it is known by its values only.
    derivation : callable or None
        ``derivation(number)``: the blocks that lead from the pair to its delta, in which
        `number` writes the loss's own numbers; None if there is nothing to derive.
    normalizer : expression or None
        Of a canonical pair, whose delta is h - y: the term of the loss besides sum y z.
    by_logarithm : bool
        Whether the loss is a logarithm of probabilities.
    in_notes : bool
        Whether it is in the notes.
    known : bool
        Whether the formulas are written here.
    smoothing : float
        The label smoothing.
    """

    name: str
    hypothesis: Callable[[Numbers, int], Summed]
    losses: Callable[[Numbers, Numbers, Numbers], tuple[Summed, ...]]
    delta: Callable[[Expression, Expression, Any], Expression] | None
    hypothesis_symbol: Callable[[Expression, Expression], Expression]
    loss_symbol: Callable[[Expression, Expression], Expression] | None
    derivation: Callable[[Callable[[float], Number]], list[Block]] | None
    normalizer: Expression | None = None
    by_logarithm: bool = False
    in_notes: bool = False
    known: bool = True
    smoothing: float = 0.0

    @property
    def canonical(self) -> bool:
        """Whether the pair is canonical, so that delta is h - y."""
        return self.normalizer is not None
