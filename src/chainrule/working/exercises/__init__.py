"""Exercises: small networks with friendly numbers, worked out on paper and graded."""

from chainrule.working.exercises.exercise import Exercise, exercise
from chainrule.working.exercises.grading import Grade, Mark

__all__ = ["Exercise", "Grade", "Mark", "exercise"]
