"""RMSprop (Hinton, lecture 6e of "Neural networks for machine learning", 2012).

    v := rho v + (1 - rho) g^2              the running mean of the square
    theta := theta - alpha g / (sqrt(v) + epsilon)

in PyTorch's form, epsilon outside of the root.
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

__all__ = ["RMSprop"]


@final
@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop: each parameter's step is scaled by its gradient's own running size.

    Parameters
    ----------
    learning_rate : float or Schedule
        The notes' alpha, greater than 0.
    rho : float, default=0.99
        The decay rate of the running mean of the gradient's square, in [0, 1); PyTorch's ``alpha``.
    epsilon : float, default=1e-8
        Prevents a division by zero, greater than 0.

    Raises
    ------
    InvalidParameter
        If a setting is outside its interval; in training, if epsilon is too small for the
        network's dtype.

    References
    ----------
    Tieleman, T. and Hinton, G., lecture 6.5 of "Neural networks for machine learning", 2012.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.RMSprop(1e-3)
    RMSprop(learning_rate=0.001, rho=0.99, epsilon=1e-08)
    """

    learning_rate: float | Schedule = 1e-2
    rho: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Check the settings."""
        settle(
            self,
            learning_rate=checked_rate(self.learning_rate),
            rho=check_number("rho of RMSprop", self.rho, high=1),
            epsilon=check_number("epsilon of RMSprop", self.epsilon, low_included=False),
        )

    def init(self, theta: Float) -> OptimizerState:
        """Return means of 0.

        Raises
        ------
        InvalidParameter
            If epsilon is rounded to 0 in the dtype of the parameters.
        """
        require_usable_epsilon(self, self.epsilon, theta)
        return {"square": zeros_as(theta)}

    def update(self, theta: Float, grad: Float, state: OptimizerState, t: int, rate: float) -> None:
        """Make one step of RMSprop in place."""
        v = state["square"]
        v *= self.rho
        v += (1 - self.rho) * grad * grad
        theta -= rate * grad / (np.sqrt(v) + self.epsilon)
