"""One mistake: the rules that somebody has who makes it, and the sentence that names it."""

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
        The cause. Several rows of the same name are one mistake that is made in several ways; the
        first that leads to the answer is said.
    rules : dict of str to Rule
        What is changed, by the kind of quantity; all else stays right. Where the mistake cannot be
        made, in another network or layer, the rule returns what is right.
    said : str or callable
        What comes after "Here": a sentence in plain words without its full stop.
    kinds : tuple of str, default=()
        The kinds of quantity that it is looked for in; all if empty.
    everywhere : bool, default=True
        Whether somebody who makes it makes it in all layers; otherwise it is a slip of the pen,
        and what comes before is right.
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
    """Return a rule that leads to so many times what is right."""
    right = RIGHT[kind]
    return only_where(kind, holds, lambda n, layer: factor * right(n, layer))
