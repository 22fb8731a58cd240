"""Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015).

    m := beta_1 m + (1 - beta_1) g          the gradient's running mean
    v := beta_2 v + (1 - beta_2) g^2        and that of its square
    theta := theta - alpha (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)

The divisions by 1 - beta^t correct for m and v starting from 0. epsilon is added after that, as in
PyTorch.
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

__all__ = ["Adam"]


@final
@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: each parameter's step is scaled by its gradient's own running size.

    Parameters
    ----------
    learning_rate : float or Schedule, default=1e-3
        The notes' alpha, greater than 0.
    beta_1 : float, default=0.9
        The decay rate of the gradient's running mean, in [0, 1).
    beta_2 : float, default=0.999
        The decay rate of the running mean of its square, in [0, 1).
    epsilon : float, default=1e-8
        Prevents a division by zero, greater than 0.

    Raises
    ------
    InvalidParameter
        If a setting is outside its interval; in training, if epsilon is too small for the
        network's dtype.

    References
    ----------
    Kingma, D. P. and Ba, J., "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Adam(0.01)
    Adam(learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-08)
    """

    learning_rate: float | Schedule = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Check the settings."""
        settle(
            self,
            learning_rate=checked_rate(self.learning_rate),
            beta_1=check_number("beta_1 of Adam", self.beta_1, high=1),
            beta_2=check_number("beta_2 of Adam", self.beta_2, high=1),
            epsilon=check_number("epsilon of Adam", self.epsilon, low_included=False),
        )

    def init(self, theta: Float) -> OptimizerState:
        """Return means of 0.

        Raises
        ------
        InvalidParameter
            If epsilon is rounded to 0 in the dtype of the parameters: 0/0 is NaN.
        """
        require_usable_epsilon(self, self.epsilon, theta)
        return {"mean": zeros_as(theta), "square": zeros_as(theta)}

    def update(self, theta: Float, grad: Float, state: OptimizerState, t: int, rate: float) -> None:
        """Make one step of Adam in place."""
        m, v = state["mean"], state["square"]
        m *= self.beta_1
        m += (1 - self.beta_1) * grad
        v *= self.beta_2
        v += (1 - self.beta_2) * grad * grad
        m_hat = m / (1 - self.beta_1**t)
        v_hat = v / (1 - self.beta_2**t)
        theta -= rate * m_hat / (np.sqrt(v_hat) + self.epsilon)
