"""The optimizers' update rules as formulas.

Each rule computes, step by step, the new value of a parameter theta from its derivative g. A rule
without formulas here is explained by its effect: how much it moves each parameter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from chainrule.working.formulas.document import Inline
from chainrule.working.formulas.expressions import Expression, Number, Symbol

__all__ = ["ALPHA", "Line", "Part", "Rule", "Settings", "Step", "Terms", "make_step"]

Terms: TypeAlias = Mapping[str, Expression]
"""The terms of a step's formula: "theta", "g", and the names of earlier steps."""

Settings: TypeAlias = Mapping[str, tuple[Symbol, float]]
"""A rule's settings: the name in its formulas, the letter, and the value."""

ALPHA = Symbol("α")


@final
@dataclass(frozen=True)
class Step:
    """One line of a rule.

    Attributes
    ----------
    name : str
        The name of its result: "theta" in the last step.
    letter : str
        The letter of its result.
    symbols, numbers : callable
        The formula, of the terms: with the settings as letters, and as numbers.
    state : str
        The optimizer's array that holds it from step to step; empty for values that are not kept.
    mark : str
        "hat" for a corrected mean.
    tabled : bool
        Whether it gets a column in a table of parameters.
    """

    name: str
    letter: str
    symbols: Callable[[Terms], Expression]
    numbers: Callable[[Terms], Expression]
    state: str = ""
    mark: Literal["", "hat"] = ""
    tabled: bool = False


@final
@dataclass(frozen=True)
class Line:
    """A quantity computed once for all parameters: a letter, its formula, and its value."""

    left: Symbol
    symbols: Expression
    numbers: Expression
    value: float
    brief: bool = True


@final
@dataclass(frozen=True)
class Part:
    """Words, and a quantity computed once for all parameters."""

    words: tuple[Inline, ...]
    lines: tuple[Line, ...] = ()


@final
@dataclass(frozen=True)
class Rule:
    """An update rule as formulas.

    Attributes
    ----------
    name : str
        Its name in a sentence.
    settings : tuple of (letter, value)
    steps : tuple of Step
        The steps of a weight; empty for a rule without formulas here.
    words : tuple of inlines
        The explanation of the rule.
    parts : tuple of Part
        The quantities computed once, before the parameters.
    of_biases : tuple of Step or None
        The steps of a bias, if they differ.
    biases : str
        The difference of the biases, in words.
    tag : str
        Its place in the notes.
    linear : bool
        Whether matrices of numbers can be put into its formulas.
    """

    name: str
    settings: tuple[tuple[Symbol, float], ...]
    steps: tuple[Step, ...]
    words: tuple[Inline, ...] = ()
    parts: tuple[Part, ...] = ()
    of_biases: tuple[Step, ...] | None = None
    biases: str = ""
    tag: str = ""
    linear: bool = False

    def steps_of(self, theta: Symbol) -> tuple[Step, ...]:
        """Return the steps of a weight or a bias, whichever the symbol is."""
        is_bias = theta.name == "b" or theta.below[:1] == ("b",)
        return self.steps if self.of_biases is None or not is_bias else self.of_biases


def make_step(
    name: str,
    letter: str,
    formula: Callable[..., Expression],
    settings: Settings,
    *,
    state: str = "",
    mark: Literal["", "hat"] = "",
) -> Step:
    """Return a step whose formula is written once, for letters and for numbers."""
    letters = {key: symbol for key, (symbol, _) in settings.items()}
    values = {key: Number(value) for key, (_, value) in settings.items()}
    return Step(
        name,
        letter,
        lambda terms: formula(**terms, **letters),
        lambda terms: formula(**terms, **values),
        state,
        mark,
    )
