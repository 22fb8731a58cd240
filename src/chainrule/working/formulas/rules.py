"""The optimizers' update rules as formulas.

Each rule says, step by step, what it makes of a parameter theta and its derivative g. A rule that
is not known here is explained by what it does: by how much it moves each parameter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from chainrule.working.formulas.document import Inline
from chainrule.working.formulas.expressions import Expression, Number, Symbol

__all__ = ["ALPHA", "Line", "Part", "Rule", "Settings", "Step", "Terms", "make_step"]

Terms: TypeAlias = Mapping[str, Expression]
"""What a step's formula may use: "theta", "g", and the names of the steps before."""

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
        What it makes: "theta" in the last step.
    letter : str
        What that is called.
    symbols, numbers : callable
        The formula, of the terms: with the settings as letters, and as numbers.
    state : str
        The optimizer's array that holds it from step to step; empty for what is made anew.
    mark : str
        "hat" for a corrected mean.
    tabled : bool
        Whether it has a column of its own where parameters are in a table.
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
    """What is computed once for all parameters: a letter, its formula, and its value."""

    left: Symbol
    symbols: Expression
    numbers: Expression
    value: float
    brief: bool = True


@final
@dataclass(frozen=True)
class Part:
    """Words, and what is computed once for all parameters."""

    words: tuple[Inline, ...]
    lines: tuple[Line, ...] = ()


@final
@dataclass(frozen=True)
class Rule:
    """An update rule as formulas.

    Attributes
    ----------
    name : str
        What it is called in a sentence.
    settings : tuple of (letter, value)
    steps : tuple of Step
        Of a weight; empty for a rule that is not known here.
    words : tuple of inlines
        What the rule does, and why.
    parts : tuple of Part
        What is computed once, before the parameters.
    of_biases : tuple of Step or None
        The steps of a bias, if they are others.
    biases : str
        How the biases differ then.
    tag : str
        Where the notes have it.
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
