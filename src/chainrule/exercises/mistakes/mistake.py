"""One mistake: its wrong rules, and the sentence that explains it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

from chainrule.exercises.attempt import RIGHT, Attempt, Rule
from chainrule.exercises.quantities import Problem, Quantity

__all__ = ["BACK", "GRADIENTS", "Mistake", "Said", "at_output", "hidden", "only_where", "times"]

Said: TypeAlias = str | Callable[[Problem, Quantity], str]

GRADIENTS = ("grad_weights", "grad_biases")
BACK = ("delta", *GRADIENTS)


@final
@dataclass(frozen=True)
class Mistake:
    """A wrong rule in place of a right one.

    Attributes
    ----------
    name : str
        The cause. Rows of the same name are variants of one mistake; the first one that leads to
        the answer is reported.
    rules : dict of str to Rule
        The changed rules, by the kind of quantity; all others stay correct. Where the mistake
        cannot occur, in another network or layer, the rule returns the correct value.
    said : str or callable
        The text after "Here": a sentence without its full stop.
    kinds : tuple of str, default=()
        The kinds of quantity in which it is searched for; all if empty.
    everywhere : bool, default=True
        Whether it is usually made in all layers; otherwise it is a slip in one place,
        and everything before it is correct.
    """

    name: str
    rules: Mapping[str, Rule]
    said: Said
    kinds: tuple[str, ...] = ()
    everywhere: bool = True


def at_output(n: Attempt, layer: int) -> bool:
    """Whether a layer is the output."""
    return layer == n.L


def hidden(n: Attempt, layer: int) -> bool:
    """Whether a layer is hidden."""
    return layer < n.L


def only_where(kind: str, holds: Callable[[Attempt, int], bool], rule: Rule) -> dict[str, Rule]:
    """Return a rule that is changed for some layers or networks, and right for the others."""
    right = RIGHT[kind]
    return {kind: lambda n, layer: (rule if holds(n, layer) else right)(n, layer)}


def times(kind: str, factor: float, holds: Callable[[Attempt, int], bool]) -> dict[str, Rule]:
    """Return a rule that gives a multiple of the correct value."""
    right = RIGHT[kind]
    return only_where(kind, holds, lambda n, layer: factor * right(n, layer))
