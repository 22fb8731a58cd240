"""What an optimizer is: a frozen rule with two functions, init and update."""

from abc import ABC, abstractmethod
from typing import TypeAlias

from chainrule.maths.arrays import Float
from chainrule.optimizers.schedules import Schedule

__all__ = ["Optimizer", "OptimizerState"]

OptimizerState: TypeAlias = dict[str, Float]
"""What an optimizer remembers between steps: named arrays as long as theta."""


class Optimizer(ABC):
    """An update rule.

    The rule itself is frozen settings; what it remembers is the state, which its owner keeps. So
    one rule can train many networks, and a state can be saved as plain arrays.

    Attributes
    ----------
    learning_rate : float or Schedule
        The step size, the notes' alpha.
    """

    learning_rate: float | Schedule

    @abstractmethod
    def init(self, theta: Float) -> OptimizerState:
        """Return the state before the first step.

        Parameters
        ----------
        theta : array of shape (n_parameters,)
            The parameters to be optimized; not changed.

        Returns
        -------
        dict of str to arrays of shape (n_parameters,)
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
            What `init` returned, as the steps before left it.
        t : int
            The number of this step, 1 for the first.
        rate : float
            The learning rate of this step.
        """
