"""Exercises: small networks with friendly numbers, worked out on paper and graded."""

from chainrule.exercises.exercise import Exercise, exercise
from chainrule.exercises.grading import Grade, Mark

__all__ = ["Exercise", "Grade", "Mark", "exercise"]
