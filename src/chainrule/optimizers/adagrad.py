"""Adagrad (Duchi, Hazan and Singer, "Adaptive subgradient methods", JMLR 12, 2011).

    s := s + g^2                            the sum over all steps
    theta := theta - alpha g / (sqrt(s) + epsilon)

Parameters whose gradient is mostly 0, as with sparse features, keep long steps.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from chainrule.architecture.checks import check_number
from chainrule.maths.arrays import Float
from chainrule.optimizers.interface import (
    Optimizer,
    OptimizerState,
    require_usable_epsilon,
    settle,
    zeros_as,
)
from chainrule.optimizers.schedules import Schedule, checked_rate

__all__ = ["Adagrad"]


@final
@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad: each parameter's rate falls with the sum of its squared gradients.

    Parameters
    ----------
    learning_rate : float or Schedule
        The notes' alpha, greater than 0.
    epsilon : float, default=1e-10
        Prevents a division by zero, greater than 0.

    Raises
    ------
    InvalidParameter
        If a setting is outside its interval; in training, if epsilon is too small for the
        network's dtype.

    References
    ----------
    Duchi, J., Hazan, E. and Singer, Y., "Adaptive subgradient methods for online learning and
    stochastic optimization", JMLR 12, 2011.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Adagrad(0.05)
    Adagrad(learning_rate=0.05, epsilon=1e-10)
    """

    learning_rate: float | Schedule = 1e-2
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        """Check the settings."""
        settle(
            self,
            learning_rate=checked_rate(self.learning_rate),
            epsilon=check_number("epsilon of Adagrad", self.epsilon, low_included=False),
        )

    def init(self, theta: Float) -> OptimizerState:
        """Return sums of 0.

        Raises
        ------
        InvalidParameter
            If epsilon is rounded to 0 in the dtype of the parameters.
        """
        require_usable_epsilon(self, self.epsilon, theta)
        return {"sum": zeros_as(theta)}

    def update(self, theta: Float, grad: Float, state: OptimizerState, t: int, rate: float) -> None:
        """Make one step of Adagrad in place."""
        s = state["sum"]
        s += grad * grad
        theta -= rate * grad / (np.sqrt(s) + self.epsilon)
