"""Learning-rate schedules: the rate as a function of the progress of the training.

A schedule holds frozen settings, like an optimizer. It returns the rates of many steps at once, and
gets the number of plateaus of the cost. Schedules that depend on the length of the training have a
number of steps, or take it from the fit: "open" ones run once through each fit.
"""

import math
from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, TypeAlias, cast, final

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture.checks import check_number, check_whole
from chainrule.architecture.inputs import as_numbers
from chainrule.calls import NamesChecked
from chainrule.errors import InvalidInput, InvalidParameter
from chainrule.maths.curves import exponential, half_cosine

__all__ = [
    "Adaptive",
    "Constant",
    "Cosine",
    "ExponentialDecay",
    "FromFunction",
    "InverseScaling",
    "OneCycle",
    "Schedule",
    "StepDecay",
    "Warmup",
    "as_schedule",
    "checked_rate",
    "rates_of",
]

Numbers: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]


class Schedule(NamesChecked, ABC):
    """A learning-rate schedule. It defines `rates`, or `rate` if that depends on the epoch alone.

    Attributes
    ----------
    changes : bool
        Whether the rate may change without a plateau.
    steps : int or None
        Its length in steps; None in an open one, and in those without a length.
    """

    changes: ClassVar[bool] = True

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the learning rates of some steps.

        Parameters
        ----------
        steps : array of int
            The number of each step, 0 for the first.
        examples : array of int
            The number of examples seen before the epoch of each step, counting repetitions.
        reductions : int
            The number of reductions of the rate at plateaus.

        Returns
        -------
        array of float64, as long as `steps`
        """
        seen, epochs = np.unique(examples, return_inverse=True)
        return np.array([self.rate(count, reductions) for count in seen.tolist()])[epochs]

    def rate(self, examples: int, reductions: int, step: int = 0) -> float:
        """Return the learning rate of one step."""
        if type(self).rates is Schedule.rates:
            raise NotImplementedError(f"{type(self).__name__} defines neither rates nor rate.")
        return float(rates_of(self, np.array([step]), np.array([examples]), reductions)[0])

    def reduces(self, rate: float) -> bool:
        """Whether to continue with a reduced rate at a plateau instead of stopping."""
        return False

    @property
    def is_open(self) -> bool:
        """Whether it takes its length from the fit."""
        return False

    def over(self, steps: int) -> Self:
        """Return the schedule with this length, if it is open."""
        return self


@final
@dataclass(frozen=True)
class Constant(Schedule):
    """A constant rate.

    Parameters
    ----------
    initial : float
        The rate, greater than 0.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.SGD(cr.Constant(0.1)).learning_rate.rate(0, 0, step=1000)
    0.1
    """

    initial: float
    changes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the settings."""
        rate = check_number("learning_rate", self.initial, low_included=False)
        object.__setattr__(self, "initial", rate)  # a Python float: NumPy's would widen float32

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the rate for each step."""
        return np.full(len(steps), self.initial)


@final
@dataclass(frozen=True)
class InverseScaling(Schedule):
    """initial / (t + 1)^power, t being the examples seen: scikit-learn's "invscaling".

    As there, the rate changes from epoch to epoch, not within one.

    Parameters
    ----------
    initial : float
        The rate at the start, greater than 0.
    power : float, default=0.5
        How fast it falls, at least 0.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.InverseScaling(0.1).rate(examples=99, reductions=0)
    0.01
    """

    initial: float
    power: float = 0.5

    def __post_init__(self) -> None:
        """Check the settings."""
        rate = check_number("learning_rate", self.initial, low_included=False)
        object.__setattr__(self, "initial", rate)  # a Python float: NumPy's would widen float32
        object.__setattr__(self, "power", check_number("power of InverseScaling", self.power))

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the rate of each step's epoch."""
        seen, epochs = np.unique(examples, return_inverse=True)
        return np.array([self._after(count) for count in seen.tolist()])[epochs]

    def _after(self, examples: int) -> float:
        try:
            return self.initial / (examples + 1) ** self.power
        except OverflowError:
            return 0.0


@final
@dataclass(frozen=True)
class Adaptive(Schedule):
    """The initial rate, divided by 5 at each plateau until it is 1e-6: scikit-learn's "adaptive".

    Parameters
    ----------
    initial : float
        The rate at the start, greater than 0.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Adaptive(0.5).rate(0, reductions=1)
    0.1
    """

    initial: float
    changes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the settings."""
        rate = check_number("learning_rate", self.initial, low_included=False)
        object.__setattr__(self, "initial", rate)  # a Python float: NumPy's would widen float32

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the rate after the given number of reductions."""
        return np.full(len(steps), self.initial / 5**reductions)

    def reduces(self, rate: float) -> bool:
        """Whether the rate is still above 1e-6."""
        return rate > 1e-6


@final
@dataclass(frozen=True)
class StepDecay(Schedule):
    """initial * factor^(t // every): a fall at regular intervals (PyTorch's StepLR).

    Parameters
    ----------
    initial : float
        The rate at the start, greater than 0.
    every : int, optional
        The number of steps between falls; by default a third of the fit.
    factor : float, default=0.1
        The factor of each fall, in (0, 1].

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.StepDecay(0.8, every=100, factor=0.5)
    >>> [schedule.rate(0, 0, step) for step in (0, 99, 100, 250)]
    [0.8, 0.8, 0.4, 0.2]
    """

    initial: float
    every: int | None = None
    factor: float = 0.1

    def __post_init__(self) -> None:
        """Check the settings."""
        _settle_decay(self, "every")

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the rate of each step."""
        falls, which = np.unique(steps // _length(self.every), return_inverse=True)
        return np.array([self.initial * self.factor**n for n in falls.tolist()])[which]

    @property
    def is_open(self) -> bool:
        """Whether it takes its length from the fit."""
        return self.every is None

    def over(self, steps: int) -> Self:
        """Return one that falls after each third of that number of steps, if it is open."""
        return replace(self, every=max(1, -(-steps // 3))) if self.is_open else self


class _Spanning(Schedule):
    """The base of schedules with a length in steps, by default that of the fit."""

    steps: int | None

    @property
    def is_open(self) -> bool:
        """Whether it takes its length from the fit."""
        return self.steps is None

    def over(self, steps: int) -> Self:
        """Return one of that length, if it is open."""
        return replace(cast(Any, self), steps=steps) if self.is_open else self


@final
@dataclass(frozen=True)
class ExponentialDecay(_Spanning):
    """initial * factor^(t / steps): the same fall in every step (Optax's exponential_decay).

    Parameters
    ----------
    initial : float
        The rate at the start, greater than 0.
    steps : int, optional
        The number of steps until it is ``factor * initial``; by default those of the fit. After
        that it continues to fall.
    factor : float, default=0.01
        In (0, 1].

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.ExponentialDecay(1.0, steps=100, factor=0.25)
    >>> [round(schedule.rate(0, 0, step), 4) for step in (0, 50, 100, 200)]
    [1.0, 0.5, 0.25, 0.0625]
    """

    initial: float
    steps: int | None = None
    factor: float = 0.01

    def __post_init__(self) -> None:
        """Check the settings."""
        _settle_decay(self, "steps")

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the rate of each step."""
        exponents = math.log(self.factor) * (steps / _length(self.steps))
        return self.initial * exponential(np.maximum(exponents, -700.0))


@final
@dataclass(frozen=True)
class Cosine(_Spanning):
    """From initial to final along half a cosine, then final (PyTorch's CosineAnnealingLR).

    Parameters
    ----------
    initial : float
        The rate at the start, greater than 0.
    steps : int, optional
        The number of steps until it is `final`; by default those of the fit.
    final : float, default=0.0
        The final rate, at least 0.

    References
    ----------
    Loshchilov, I. and Hutter, F., "SGDR: stochastic gradient descent with warm restarts", ICLR
    2017.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.Cosine(0.1, steps=100)
    >>> [round(schedule.rate(0, 0, step), 4) for step in (0, 50, 100, 200)]
    [0.1, 0.05, 0.0, 0.0]
    """

    initial: float
    steps: int | None = None
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        _settle_length(self, "steps")
        for name, low_included in (("initial", False), ("final", True)):
            value = getattr(self, name)
            checked = check_number(f"{name} of Cosine", value, low_included=low_included)
            object.__setattr__(self, name, checked)

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the rate of each step."""
        way = half_cosine(np.minimum(steps / _length(self.steps), 1))
        return self.final + (self.initial - self.final) * way


@final
@dataclass(frozen=True)
class OneCycle(_Spanning):
    """Up to a peak and down to almost nothing, each along half a cosine (PyTorch's OneCycleLR).

    The rate is ``peak / div_factor`` in the first step, `peak` after `pct_start` of the steps, and
    ``peak / div_factor / final_div_factor`` in the last one and after it. The momentum does not
    change.

    Parameters
    ----------
    peak : float
        The highest rate, greater than 0.
    steps : int, optional
        Its length in steps; by default that of the fit.
    pct_start : float, default=0.3
        The fraction of the steps in which the rate rises, in [0, 1].
    div_factor : float, default=25.0
        Greater than 0.
    final_div_factor : float, default=1e4
        Greater than 0.

    References
    ----------
    Smith, L. N. and Topin, N., "Super-convergence: very fast training of neural networks using
    large learning rates", 2018.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.OneCycle(0.5, steps=100)
    >>> [round(schedule.rate(0, 0, step), 4) for step in (0, 29, 99)]
    [0.02, 0.5, 0.0]
    """

    peak: float
    steps: int | None = None
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        """Check the settings."""
        _settle_length(self, "steps")
        for name in ("peak", "div_factor", "final_div_factor"):
            value = check_number(f"{name} of OneCycle", getattr(self, name), low_included=False)
            object.__setattr__(self, name, value)
        part = check_number("pct_start of OneCycle", self.pct_start, high=1, high_included=True)
        object.__setattr__(self, "pct_start", part)

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the rate of each step."""
        t, last = steps.astype(np.float64), float(_length(self.steps) - 1)
        top = max(self.pct_start * (last + 1) - 1, 0.0)
        first_rate = self.peak / self.div_factor
        last_rate = first_rate / self.final_div_factor
        # The remaining fraction of the way up to the peak, and down to the end.
        up = half_cosine(np.minimum(t / max(top, 1e-300), 1.0))
        down = half_cosine(np.clip((t - top) / max(last - top, 1e-300), 0.0, 1.0))
        rising = first_rate + (self.peak - first_rate) * (1 - up)
        falling = last_rate + (self.peak - last_rate) * down
        return np.where(t <= top, rising if top > 0 else self.peak, falling)


@final
@dataclass(frozen=True)
class Warmup(Schedule):
    """A linear rise to the first rate of another schedule, which then follows.

    The rate of step t < `steps` is (t + 1)/(steps + 1) of the other's first one, so that no step
    is lost at rate 0.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
        The rate or schedule that follows; its steps are counted from there on.
    steps : int
        The number of steps of the rise.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.Warmup(cr.Cosine(0.1, steps=100), steps=4)
    >>> [round(schedule.rate(0, 0, step), 4) for step in (0, 1, 3, 4, 54)]
    [0.02, 0.04, 0.08, 0.1, 0.05]
    """

    learning_rate: "float | Schedule | Callable[[int], float]"
    steps: int

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "learning_rate", checked_rate(self.learning_rate))
        object.__setattr__(self, "steps", check_whole("steps of Warmup", self.steps))

    @property
    def after(self) -> Schedule:
        """The other schedule."""
        return as_schedule(self.learning_rate)

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the rate of each step."""
        rates = rates_of(self.after, np.maximum(steps - self.steps, 0), examples, reductions)
        rises = steps < self.steps
        if rises.any():
            # The first rate is that of step 0, regardless of the examples seen meanwhile.
            start = np.zeros(1, np.int64)
            goal = rates_of(self.after, start, start, reductions)[0]
            rates = np.where(rises, goal * ((steps + 1) / (self.steps + 1)), rates)
        return rates

    def reduces(self, rate: float) -> bool:
        """Whether the other schedule reduces its rate at a plateau."""
        return self.after.reduces(rate)

    @property
    def is_open(self) -> bool:
        """Whether the other schedule takes its length from the fit."""
        return self.after.is_open

    def over(self, steps: int) -> Self:
        """Return one whose other schedule takes the remaining steps, if it is open."""
        if not self.is_open:
            return self
        return replace(self, learning_rate=self.after.over(max(1, steps - self.steps)))


@final
@dataclass(frozen=True)
class FromFunction(Schedule):
    """A user's function that returns the rate of each step, given its number.

    Everything that takes a learning rate also takes the function itself.

    Parameters
    ----------
    function : callable
        ``function(step)`` with step an int, 0 for the first: a number that is at least 0. It is
        called for many steps ahead, in order, and may be called twice for the same step, so its
        result must depend only on the step.

    Examples
    --------
    >>> import chainrule as cr
    >>> optimizer = cr.SGD(lambda step: 0.1 / (1 + step / 100))
    >>> optimizer.learning_rate.rate(0, 0, step=100)
    0.05
    """

    function: Callable[[int], float]

    def rates(self, steps: Counts, examples: Counts, reductions: int) -> Numbers:
        """Return the function's rates, after checking them."""
        what = "The value of the learning rate's function"
        try:
            rates = [self.function(t) for t in steps.tolist()]
        except TypeError as error:
            raise InvalidParameter(
                f"The learning rate's function cannot be called with the number of a step: "
                f"{error}. Give one like lambda step: 0.1 / (1 + step)."
            ) from error
        checked = zip(steps.tolist(), rates, strict=True)
        return np.array([check_number(f"{what} for step {t}", r) for t, r in checked], np.float64)


def checked_rate(learning_rate: "float | Schedule | Callable[[int], float]") -> "float | Schedule":
    """Return a schedule unchanged, a function as a schedule, or a number as a checked float."""
    if isinstance(learning_rate, Schedule):
        return learning_rate
    if isinstance(learning_rate, type):
        name = learning_rate.__name__
        raise InvalidParameter(
            f"learning_rate must be a number, a schedule or a function. Got the class {name} "
            f"instead: give one of its objects, as in {name}(0.1)."
        )
    given: object = learning_rate
    if isinstance(given, str) and given.isidentifier():  # and no number in quotes
        raise InvalidParameter(
            f"learning_rate must be a number, a schedule or a function. Got {given!r} "
            f"instead: a schedule is an object, as in cr.SGD(cr.Cosine(0.1))."
        )
    if callable(learning_rate):
        return FromFunction(learning_rate)
    return Constant(learning_rate).initial


def as_schedule(learning_rate: "float | Schedule | Callable[[int], float]") -> Schedule:
    """Return the schedule itself, that of a function, or a constant one."""
    checked = checked_rate(learning_rate)
    return checked if isinstance(checked, Schedule) else Constant(checked)


def rates_of(schedule: Schedule, steps: Counts, examples: Counts, reductions: int) -> Numbers:
    """Return the learning rates of some steps, after a look at them: the schedule may be a user's.

    Parameters
    ----------
    schedule, steps, examples, reductions
        As for `Schedule.rates`.

    Raises
    ------
    InvalidParameter
        If they are not one finite number of at least 0 for each step.
    """
    given: Any = schedule.rates(steps, examples, reductions)
    try:
        rates = np.ascontiguousarray(as_numbers(given, "rates", np.dtype(np.float64)))
        usable = np.shape(given) == steps.shape and (rates >= 0).all() and np.isfinite(rates).all()
    except InvalidInput:
        rates, usable = None, False
    if rates is None or not usable:
        raise InvalidParameter(
            f"The learning rates of {type(schedule).__name__} must be an array with one finite "
            f"number of at least 0 for each of the {len(steps)} steps asked for. Got "
            f"{' '.join(repr(given).split())[:60]} instead."
        )
    return rates


_ENDLESS = 2**53


def _length(steps: int | None) -> int:
    """Return the length; an open schedule without one is treated as at its beginning."""
    return _ENDLESS if steps is None else steps


def _settle_length(schedule: Schedule, name: str) -> None:
    given = getattr(schedule, name)
    if given is not None:
        what = f"{name} of {type(schedule).__name__}"
        object.__setattr__(schedule, name, check_whole(what, given))


def _settle_decay(schedule: "StepDecay | ExponentialDecay", length: str) -> None:
    kind = type(schedule).__name__
    _settle_length(schedule, length)
    initial = check_number(f"initial of {kind}", schedule.initial, low_included=False)
    factor = check_number(
        f"factor of {kind}", schedule.factor, high=1, low_included=False, high_included=True
    )
    object.__setattr__(schedule, "initial", initial)
    object.__setattr__(schedule, "factor", factor)
