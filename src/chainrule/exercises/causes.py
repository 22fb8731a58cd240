"""Find the mistakes that lead to an answer."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import final

import numpy as np

from chainrule.exercises.agreement import agree, fitted
from chainrule.exercises.attempt import Attempt
from chainrule.exercises.mistakes import MISTAKES, Mistake
from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.arrays import Float

__all__ = ["PAPER", "Cause", "causes_of", "followed"]

PAPER = 0.005
"""The relative tolerance between an answer of three digits and a mistake's result."""

_EXACT = 1e-6

_FORWARD = frozenset({"z", "a", "h"})
_STEP = frozenset({"new_weights", "new_biases"})
_GRADIENTS = _STEP | {"grad_weights", "grad_biases"}
_OF_WEIGHTS = frozenset({"grad_weights", "new_weights"})
_REACHES = {
    "losses": frozenset({"cost"}),
    "penalty": frozenset({"cost"}),
    "cost": frozenset({"cost"}),
    "divisor": _GRADIENTS | {"cost", "delta"},
    "slope": _GRADIENTS | {"delta"},
    "error": _GRADIENTS | {"delta"},
    "delta": _GRADIENTS | {"delta"},
    "decay": _OF_WEIGHTS,
    "grad_weights": _OF_WEIGHTS,
    "grad_biases": frozenset({"grad_biases", "new_biases"}),
    "new_weights": frozenset({"new_weights"}),
    "new_biases": frozenset({"new_biases"}),
}
"""The kinds of quantity that a rule affects; a rule of the forward pass affects all."""


@final
@dataclass(frozen=True)
class Cause:
    """A mistake that leads to an answer: its name, and the sentence without its full stop."""

    name: str
    said: str


def followed(
    p: Problem, known: Mapping[str, Quantity], own: Mapping[str, Float], quantity: Quantity
) -> Iterator[tuple[Float, tuple[str, ...]]]:
    """Yield the values of a quantity that follow from a learner's own earlier answers.

    Parameters
    ----------
    p : Problem
    known : dict of str to Quantity
    own : dict of str to array
        The other answers, in the shapes of the correct ones.
    quantity : Quantity

    Yields
    ------
    value : array
        In the form of the exercise: first with missing quantities computed from the answers, then
        with missing quantities assumed correct.
    used : tuple of str
        The answers that it was computed from.
    """
    for rest in ({}, {name: each.value for name, each in known.items() if name not in own}):
        attempt = Attempt(p, {}, {**rest, **own})
        value = attempt.answer(quantity)
        yield value, tuple(name for name in attempt.used if name in own)


def causes_of(
    p: Problem,
    known: Mapping[str, Quantity],
    own: Mapping[str, Float],
    sure: Set[str],
    quantity: Quantity,
    given: Float,
) -> tuple[Cause, ...]:
    """Return the mistakes that lead to a wrong answer: several if its numbers do not say which.

    Parameters
    ----------
    p : Problem
    known : dict of str to Quantity
    own : dict of str to array
        The other answers, in the shapes of the correct ones.
    sure : set of str
        The quantities that are certainly correct: they were given, or answered correctly.
    quantity : Quantity
        The quantity in question.
    given : array
        The answer, in any shape.
    """
    inputs = Attempt(p, {}, {name: each.value for name, each in known.items()})
    inputs.answer(quantity)
    had_inputs = sure >= inputs.used.keys()
    near = [
        match
        for mistake in MISTAKES
        if _concerns(mistake, quantity)
        for match in _matches(mistake, p, known, own, quantity, given)
    ]
    near = [match for match in near if match.is_exact] or near
    if had_inputs:  # then it is not an earlier mistake
        near = [match for match in near if match.is_here] or near
    names = dict.fromkeys(match.mistake.name for match in near)
    first = [next(match for match in near if match.mistake.name == name) for name in names]
    return tuple(_cause(p, quantity, match.mistake) for match in first)


@final
@dataclass(frozen=True)
class _Match:
    """A mistake that leads to an answer.

    Attributes
    ----------
    mistake : Mistake
    is_exact : bool
        Whether it agrees to more digits than on paper; mistakes that only come near are then
        ignored.
    is_here : bool
        Whether it needs no mistake in the quantities before.
    """

    mistake: Mistake
    is_exact: bool
    is_here: bool


def _cause(p: Problem, quantity: Quantity, mistake: Mistake) -> Cause:
    said = mistake.said if isinstance(mistake.said, str) else mistake.said(p, quantity)
    return Cause(mistake.name, said)


def _concerns(mistake: Mistake, quantity: Quantity) -> bool:
    """Whether a mistake can change a quantity at all."""
    if mistake.kinds and quantity.kind not in mistake.kinds:
        return False
    return any(quantity.kind in _REACHES.get(kind, (quantity.kind,)) for kind in mistake.rules)


def _matches(
    mistake: Mistake,
    p: Problem,
    known: Mapping[str, Quantity],
    own: Mapping[str, Float],
    quantity: Quantity,
    given: Float,
) -> Iterator[_Match]:
    """Yield the ways in which a mistake leads to an answer."""
    for only_here, attempt in _attempts(mistake, p, known, own, quantity):
        try:
            wrong = attempt.answer(quantity)
        except ValueError:  # a table of pairs that does not fit later quantities
            continue
        answer = fitted(given, wrong)
        if answer is None or not np.isfinite(wrong).all():
            continue
        is_exact = bool(agree(answer, wrong, _EXACT).all())
        # If the mistake makes little difference, rounding may have caused it.
        is_apart = is_exact or not agree(wrong, quantity.value, 10 * PAPER).all()
        if not is_apart or not agree(answer, wrong, PAPER).all():
            continue
        yield _Match(mistake, is_exact, only_here)


def _attempts(
    mistake: Mistake,
    p: Problem,
    known: Mapping[str, Quantity],
    own: Mapping[str, Float],
    quantity: Quantity,
) -> Iterator[tuple[bool, Attempt]]:
    """Yield the computations with the mistake, and whether it is made only here.

    Only here, with correct earlier numbers; in this layer; everywhere. Each with the learner's own
    earlier answers, and without them.
    """
    right = {name: each.value for name, each in known.items()}
    rests = [right]
    if mistake.everywhere:
        # A mistake in the forward pass changes h, so it is not one of a single layer in the
        # backward pass.
        if quantity.kind in _FORWARD or not _FORWARD & mistake.rules.keys():
            rests.append({n: v for n, v in right.items() if known[n].layer != quantity.layer})
        rests.append({})
    for answers in (own, {}) if own else ({},):
        for rest in rests:
            yield rest is right, Attempt(p, mistake.rules, {**rest, **answers})
