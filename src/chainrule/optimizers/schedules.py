"""Learning-rate schedules: the rate as a function of how far training is.

A schedule is frozen settings, like an optimizer. It is asked at the start of an epoch, and told
when the cost has reached a plateau.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

from chainrule.architecture.checks import check_number

__all__ = ["Adaptive", "Constant", "InverseScaling", "Schedule", "as_schedule", "checked_rate"]


class Schedule(ABC):
    """A learning-rate schedule."""

    @abstractmethod
    def rate(self, examples: int, reductions: int) -> float:
        """Return the learning rate.

        Parameters
        ----------
        examples : int
            Examples seen so far, each as often as it was seen.
        reductions : int
            How often the rate was reduced at a plateau.
        """

    def reduces(self, rate: float) -> bool:
        """Whether to go on with a reduced rate at a plateau, rather than to stop."""
        return False


@final
@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate always.

    Parameters
    ----------
    initial : float
        The rate, greater than 0.
    """

    initial: float

    def __post_init__(self) -> None:
        """Check the settings."""
        rate = check_number("learning_rate", self.initial, low_included=False)
        object.__setattr__(self, "initial", rate)  # a float: NumPy's would widen float32

    def rate(self, examples: int, reductions: int) -> float:
        """Return the rate."""
        return self.initial


@final
@dataclass(frozen=True)
class InverseScaling(Schedule):
    """initial / (t + 1)^power, t being the examples seen: scikit-learn's "invscaling".

    Parameters
    ----------
    initial : float
        The rate at the start, greater than 0.
    power : float, default=0.5
        How fast it falls, at least 0.
    """

    initial: float
    power: float = 0.5

    def __post_init__(self) -> None:
        """Check the settings."""
        rate = check_number("learning_rate", self.initial, low_included=False)
        object.__setattr__(self, "initial", rate)  # a float: NumPy's would widen float32
        object.__setattr__(self, "power", check_number("power of InverseScaling", self.power))

    def rate(self, examples: int, reductions: int) -> float:
        """Return the rate after so many examples."""
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
    """

    initial: float

    def __post_init__(self) -> None:
        """Check the settings."""
        rate = check_number("learning_rate", self.initial, low_included=False)
        object.__setattr__(self, "initial", rate)  # a float: NumPy's would widen float32

    def rate(self, examples: int, reductions: int) -> float:
        """Return the rate after so many reductions."""
        return self.initial / 5**reductions

    def reduces(self, rate: float) -> bool:
        """Whether the rate is still above 1e-6."""
        return rate > 1e-6


def checked_rate(learning_rate: "float | Schedule") -> "float | Schedule":
    """Return a schedule as it is, or a checked float."""
    if isinstance(learning_rate, Schedule):
        return learning_rate
    return Constant(learning_rate).initial


def as_schedule(learning_rate: "float | Schedule") -> Schedule:
    """Return the schedule itself, or a constant one of that rate."""
    return learning_rate if isinstance(learning_rate, Schedule) else Constant(learning_rate)
