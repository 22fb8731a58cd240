"""Grades: which answers are right, to the digits on paper, and hints for wrong ones."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InvalidInput, InvalidParameter, unknown_name
from chainrule.exercises.agreement import agree, fitted
from chainrule.exercises.causes import PAPER, Cause, causes_of, followed
from chainrule.exercises.hints import hint_for
from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.arrays import Float

__all__ = ["Grade", "Mark", "grade"]

_MOST_CAUSES = 3
"""If more mistakes than this lead to the same number, none is named."""


@final
@dataclass(frozen=True)
class Mark:
    """The mark of an answer.

    Attributes
    ----------
    name : str
        The quantity.
    right : bool
        Whether every number of it is right.
    entries : array of bool
        Which of its numbers are right, in the quantity's shape.
    hint : str
        The equation to use, and the mistake if it is known; empty if the answer is right.
    follows : bool
        Whether a wrong answer follows from earlier wrong answers, where the mistake is.
    causes : tuple of str
        The names of the mistakes that lead to a wrong answer, such as "slope_at_activation";
        several if its numbers do not say which, and none if no known one does. For counting what
        a class has not understood.
    """

    name: str
    right: bool
    entries: NDArray[np.bool_]
    hint: str = ""
    follows: bool = False
    causes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether it is right."""
        return self.right

    def __str__(self) -> str:
        """Return the mark as a line of text."""
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
        The quantities that were not answered.

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
        """The number of right answers."""
        return sum(mark.right for mark in self.marks.values())

    def __getitem__(self, name: str) -> Mark:
        """Return the mark of a quantity."""
        return self.marks[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the answers."""
        return iter(self.marks)

    def __len__(self) -> int:
        """Return the number of answers."""
        return len(self.marks)

    def __bool__(self) -> bool:
        """Whether every answer is right; missing ones do not count."""
        return self.n_right == len(self)

    def __str__(self) -> str:
        """Return a line for each answer, and the missing ones."""
        lines = [str(mark) for mark in self.marks.values()]
        if self.missing:
            lines.append(f"Not answered: {', '.join(self.missing)}.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return a short summary."""
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
        If there is no answer, or one does not hold numbers.
    InvalidParameter
        If the tolerance is not between 0 and 1.
    UnknownName
        If a quantity is unknown; the message suggests the nearest.
    """
    if not 0 < tolerance < 1:
        raise InvalidParameter(f"tolerance must be between 0 and 1. Got {tolerance!r} instead.")
    if not answers:
        raise InvalidInput(
            f"Give at least one answer by its name, such as {asked[0]}=...; asked are "
            f"{', '.join(asked)}."
        )
    given: dict[str, Float] = {}
    for name, answer in answers.items():
        if name not in known:
            raise unknown_name("quantity", name, known)
        given[name] = _as_array(name, answer)
    own = {name: fitted(answer, known[name].value) for name, answer in given.items()}
    usable = {name: a for name, a in own.items() if a is not None and np.isfinite(a).all()}
    right = {
        name: np.zeros(known[name].value.shape, bool)
        if answer is None
        else agree(answer, known[name].value, tolerance)
        for name, answer in own.items()
    }
    wrong = {name for name, entries in right.items() if not entries.all()}
    first = min(list(known).index(name) for name in asked)
    sure = {*list(known)[:first], *right} - wrong
    marks: dict[str, Mark] = {}
    for name, entries in right.items():
        others = {other: value for other, value in usable.items() if other != name}
        if name not in wrong:
            marks[name] = Mark(name, True, entries)
        elif name in usable and (
            said := _follows(problem, known, others, wrong, known[name], usable[name], tolerance)
        ):
            marks[name] = Mark(name, False, entries, said, follows=True)
        else:
            marks[name] = _wrong(problem, known, others, sure, known[name], given[name], entries)
    return Grade(marks, tuple(name for name in asked if name not in answers))


def _follows(
    p: Problem,
    known: Mapping[str, Quantity],
    others: Mapping[str, Float],
    wrong: Set[str],
    quantity: Quantity,
    answer: Float,
    tolerance: float,
) -> str:
    """Return the hint for a wrong answer that follows from others; None if it does not."""
    with np.errstate(all="ignore"):  # a learner's numbers may be anything
        for value, used in followed(p, known, others, quantity):
            if not used or not agree(answer, value, tolerance).all():
                continue
            if slips := [name for name in used if name in wrong]:
                return (
                    f"It follows from your own {' and '.join(slips)}: look for the mistake there."
                )
            return (
                f"It follows from your own {' and '.join(used)} with the digits that "
                "you gave: keep more digits."
            )
    return ""


def _wrong(
    p: Problem,
    known: Mapping[str, Quantity],
    others: Mapping[str, Float],
    sure: Set[str],
    quantity: Quantity,
    given: Float,
    entries: NDArray[np.bool_],
) -> Mark:
    """Return the mark of an answer that is wrong in itself."""
    value, hint = quantity.value, hint_for(p, quantity)
    if fitted(given, value) is None:
        shape = "a number" if value.ndim == 0 else f"the shape {value.shape}"
        hint += f" The answer needs {shape}; this has the shape {given.shape}"
        is_turned = given.shape == value.T.shape and agree(given, value.T, PAPER).all()
        hint += ": the right numbers, transposed." if is_turned else "."
    with np.errstate(all="ignore"):
        causes = causes_of(p, known, others, sure, quantity, given)
    return Mark(
        quantity.name,
        False,
        entries,
        f"{hint}{_said(causes)}",
        causes=tuple(cause.name for cause in causes),
    )


def _said(causes: Sequence[Cause]) -> str:
    """Return the hint about the mistakes that lead to an answer, of which there may be several."""
    if not causes:
        return ""
    if len(causes) == 1:
        return f" Here {causes[0].said}."
    if len(causes) > _MOST_CAUSES:
        return ""
    *first, last = (cause.said for cause in causes)
    return f" Several mistakes lead to this: either {'; or '.join(first)}; or {last}."


def _as_array(name: str, answer: Any) -> Float:
    try:
        return np.asarray(answer, np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"The answer {name} must hold numbers in rows of equal length. Got {answer!r} instead."
        ) from None
