"""Exercises: small networks with simple numbers, to work out on paper, and grading."""

from chainrule.exercises.exercise import Exercise, exercise
from chainrule.exercises.grading import Grade, Mark

__all__ = ["Exercise", "Grade", "Mark", "exercise"]
