"""Grades: which answers are right, to the digits that paper has, and a hint where one is not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InvalidInput, InvalidParameter, unknown_name
from chainrule.exercises.following import followed
from chainrule.exercises.hints import hint_for, slips
from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.arrays import Float

__all__ = ["Grade", "Mark", "grade"]


@final
@dataclass(frozen=True)
class Mark:
    """What an answer is worth.

    Attributes
    ----------
    name : str
        The quantity.
    right : bool
        Whether every number of it is right.
    entries : array of bool
        Which of its numbers are, in the quantity's shape.
    hint : str
        The equation to use, and the slip if it is known; empty if the answer is right.
    follows : bool
        Whether a wrong answer follows from the wrong answers before it: the slip is there.
    """

    name: str
    right: bool
    entries: NDArray[np.bool_]
    hint: str = ""
    follows: bool = False

    def __bool__(self) -> bool:
        """Whether it is right."""
        return self.right

    def __str__(self) -> str:
        """Return a line."""
        if self.right:
            return f"{self.name}: right"
        if self.follows:
            return f"{self.name}: follows. {self.hint}"
        wrong, size = int((~self.entries).sum()), self.entries.size
        some = "" if wrong == size else f" in {wrong} of {size} numbers"
        return f"{self.name}: wrong{some}. {self.hint}"


@final
class Grade(Mapping[str, Mark]):
    """The marks of some answers, by the name of the quantity; true if all are right.

    Attributes
    ----------
    marks : dict of str to Mark
    missing : tuple of str
        What was asked and not answered.

    Examples
    --------
    >>> import chainrule as cr
    >>> ex = cr.exercise(sizes=[2, 1], loss="squared_error", activation=[], seed=1)
    >>> grade = ex.check(**{name: value for name, value in ex.answers.items()})
    >>> bool(grade), grade.missing, grade.n_right == len(grade)
    (True, (), True)
    """

    def __init__(self, marks: dict[str, Mark], missing: tuple[str, ...]) -> None:
        self.marks, self.missing = marks, missing

    @property
    def n_right(self) -> int:
        """How many answers are right."""
        return sum(mark.right for mark in self.marks.values())

    def __getitem__(self, name: str) -> Mark:
        """Return the mark of a quantity."""
        return self.marks[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of what was answered."""
        return iter(self.marks)

    def __len__(self) -> int:
        """Return how many answers there are."""
        return len(self.marks)

    def __bool__(self) -> bool:
        """Whether every answer is right; what is missing does not count."""
        return self.n_right == len(self)

    def __str__(self) -> str:
        """Return a line for each answer, and what is missing."""
        lines = [str(mark) for mark in self.marks.values()]
        if self.missing:
            lines.append(f"Not answered: {', '.join(self.missing)}.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return how many answers are right."""
        return f"Grade({self.n_right} of {len(self)} right)"


def grade(
    problem: Problem,
    known: Mapping[str, Quantity],
    asked: tuple[str, ...],
    answers: Mapping[str, Any],
    tolerance: float,
) -> Grade:
    """Grade answers by name.

    Raises
    ------
    InvalidInput
        If there is no answer, or one holds no numbers.
    InvalidParameter
        If the tolerance is not between 0 and 1.
    UnknownName
        If there is no such quantity; the message suggests the nearest.
    """
    if not 0 < tolerance < 1:
        raise InvalidParameter(f"tolerance must be between 0 and 1. Got {tolerance!r} instead.")
    if not answers:
        raise InvalidInput(
            f"Give at least one answer by its name, such as {asked[0]}=...; asked are "
            f"{', '.join(asked)}."
        )
    own: dict[str, Float] = {}
    given: dict[str, Float] = {}
    for name, answer in answers.items():
        if name not in known:
            raise unknown_name("quantity", name, known)
        given[name] = _as_array(name, answer)
        fitted = _fitted(given[name], known[name].value)
        if fitted is not None and np.isfinite(fitted).all():
            own[name] = fitted
    marks = {
        name: _follow(
            problem, known, own, _mark(problem, known[name], answer, tolerance), tolerance
        )
        for name, answer in given.items()
    }
    return Grade(marks, tuple(name for name in asked if name not in answers))


def _follow(
    problem: Problem,
    known: Mapping[str, Quantity],
    own: Mapping[str, Float],
    mark: Mark,
    tolerance: float,
) -> Mark:
    """Return the mark of an answer that is wrong only because those before it are."""
    if mark.right or mark.name not in own:
        return mark
    with np.errstate(all="ignore"):  # somebody's numbers may be anything
        value, used = followed(problem, known, own, mark.name)
        if not used or not _agree(own[mark.name], value, tolerance).all():
            return mark
    said = f"It is what follows from your own {' and '.join(used)}: look for the slip there."
    return replace(mark, hint=said, follows=True)


def _mark(problem: Problem, quantity: Quantity, given: Float, tolerance: float) -> Mark:
    value, name = quantity.value, quantity.name
    fitted = _fitted(given, value)
    hint = hint_for(problem, quantity)
    if fitted is None:
        shape = "a number" if value.ndim == 0 else f"the shape {value.shape}"
        said = f"{hint} The answer needs {shape}; this has the shape {given.shape}"
        if given.shape == value.T.shape and _agree(given, value.T, tolerance).all():
            said += ": the right numbers, transposed"
        return Mark(name, False, np.zeros(value.shape, bool), f"{said}.")
    entries = _agree(fitted, value, tolerance)
    if entries.all():
        return Mark(name, True, entries)
    for wrong, said in slips(problem, quantity):
        told_apart = not _agree(wrong, value, 5 * tolerance).all()
        if told_apart and wrong.shape == value.shape and _agree(fitted, wrong, tolerance).all():
            return Mark(name, False, entries, f"{hint} Here {said}.")
    return Mark(name, False, entries, hint)


def _as_array(name: str, answer: Any) -> Float:
    try:
        return np.asarray(answer, np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"The answer {name} must hold numbers in rows of equal length. Got {answer!r} instead."
        ) from None


def _fitted(given: Float, value: Float) -> Float | None:
    """Return an answer in the shape of what is right: a row or column may be given as a list."""
    if given.shape == value.shape:
        return given
    plain = [size for size in given.shape if size != 1]
    expected = [size for size in value.shape if size != 1]
    if given.size == value.size and len(expected) <= 1 and plain == expected:
        return given.reshape(value.shape)
    return None


def _agree(given: Float, value: Float, tolerance: float) -> NDArray[np.bool_]:
    """Return which numbers are right.

    To a part of themselves; a number that is less than a tenth of the largest of its quantity, to
    that part of this tenth, for it comes out of larger ones that were rounded.
    """
    if given.shape != value.shape:
        return np.zeros(value.shape, bool)
    largest = float(np.abs(value).max(initial=0.0)) or 1.0
    allowed = tolerance * np.maximum(np.abs(value), largest / 10)
    return np.abs(given - value) <= allowed
