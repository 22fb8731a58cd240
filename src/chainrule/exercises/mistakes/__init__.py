"""The mistakes that people make in an exercise, each with what it leads to and what to say."""

from chainrule.exercises.mistakes.backward import BACKWARD
from chainrule.exercises.mistakes.cost import COST
from chainrule.exercises.mistakes.forward import FORWARD
from chainrule.exercises.mistakes.gradient import GRADIENT
from chainrule.exercises.mistakes.mistake import Mistake
from chainrule.exercises.mistakes.step import STEP

__all__ = ["MISTAKES", "Mistake"]

MISTAKES: tuple[Mistake, ...] = (*FORWARD, *COST, *BACKWARD, *GRADIENT, *STEP)
"""All of them; rows of the same name are one mistake that is made in several ways."""
