"""The interface of optimizers: a frozen rule with two functions, init and update."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, TypeAlias

import numpy as np

from chainrule.calls import NamesChecked
from chainrule.errors import InvalidParameter
from chainrule.maths.arrays import Float
from chainrule.optimizers.schedules import Schedule

__all__ = ["Optimizer", "OptimizerState", "require_usable_epsilon", "settle", "zeros_as"]

OptimizerState: TypeAlias = dict[str, Float]
"""The state of an optimizer between steps: named arrays as long as theta, or of one number."""


class Optimizer(NamesChecked, ABC):
    """An update rule.

    The rule itself holds frozen settings; its state between steps is kept by the caller. So
    one rule can train many networks, and a state can be saved as plain arrays.

    Attributes
    ----------
    learning_rate : float or Schedule
        The step size, the notes' alpha.
    needs_full_batch : bool
        Whether its steps are only meant for the gradient over all examples.
    """

    learning_rate: float | Schedule
    needs_full_batch: ClassVar[bool] = False

    @abstractmethod
    def init(self, theta: Float) -> OptimizerState:
        """Return the state before the first step.

        Parameters
        ----------
        theta : array of shape (n_parameters,)
            The parameters to optimize; not changed.

        Returns
        -------
        dict of str to arrays of shape (n_parameters,) or (1,)
        """

    @abstractmethod
    def update(self, theta: Float, grad: Float, state: OptimizerState, t: int, rate: float) -> None:
        """Make one step: change theta and the state in place.

        Parameters
        ----------
        theta : array of shape (n_parameters,)
            The parameters.
        grad : array of shape (n_parameters,)
            The gradient of J at theta; not changed.
        state : dict
            The state returned by `init`, as changed by the earlier steps.
        t : int
            The number of this step, 1 for the first.
        rate : float
            The learning rate of this step.
        """

    def decay(self, weights: Iterable[Float], rate: float) -> None:
        """Shrink the weights in place before `update`, if the rule does so; never the biases.

        Parameters
        ----------
        weights : iterable of arrays
            Of every layer.
        rate : float
            The learning rate of this step.
        """
        return


def settle(rule: object, **checked: object) -> None:
    """Set checked values on a frozen rule.

    They become Python floats: NumPy floats would widen a float32 network's steps.
    """
    for name, value in checked.items():
        object.__setattr__(rule, name, value)


def zeros_as(theta: Float) -> Float:
    """Return an array of zeros, as long as theta."""
    return np.zeros(theta.shape, theta.dtype)


def require_usable_epsilon(rule: Optimizer, epsilon: float, theta: Float) -> None:
    """Raise if epsilon is rounded to 0 in the dtype of the parameters: 0/0 is NaN.

    Raises
    ------
    InvalidParameter
        If it is.
    """
    least = np.finfo(theta.dtype).smallest_normal
    if theta.dtype.type(epsilon) < least:
        wider = ", or dtype='float64'" if theta.dtype == np.float32 else ""
        raise InvalidParameter(
            f"epsilon of {type(rule).__name__} must be at least {least:.2g} in {theta.dtype}, "
            f"where smaller numbers are rounded to 0. Got {epsilon!r}: use a larger one{wider}."
        )
