"""The known mistakes in an exercise, each with its effect and its explanation."""

from chainrule.exercises.mistakes.backward import BACKWARD
from chainrule.exercises.mistakes.cost import COST
from chainrule.exercises.mistakes.forward import FORWARD
from chainrule.exercises.mistakes.gradient import GRADIENT
from chainrule.exercises.mistakes.mistake import Mistake
from chainrule.exercises.mistakes.step import STEP

__all__ = ["MISTAKES", "Mistake"]

MISTAKES: tuple[Mistake, ...] = (*FORWARD, *COST, *BACKWARD, *GRADIENT, *STEP)
"""All of them; rows of the same name are variants of one mistake."""
