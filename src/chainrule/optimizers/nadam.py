"""Nadam: Adam with Nesterov's look ahead (Dozat 2016).

    m := beta_1 m + (1 - beta_1) g,  v := beta_2 v + (1 - beta_2) g^2          as in Adam
    mu_t = beta_1 (1 - 0.96^(t psi) / 2)                                    the momentum of step t
    m_hat = mu_{t+1} m / (1 - mu_1 ... mu_{t+1}) + (1 - mu_t) g / (1 - mu_1 ... mu_t)
    theta := theta - alpha m_hat / (sqrt(v / (1 - beta_2^t)) + epsilon)

in PyTorch's form. The product of the momenta is remembered, since no formula gives it from t.
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

__all__ = ["Nadam"]


@final
@dataclass(frozen=True)
class Nadam(Optimizer):
    """Adam that looks ahead along its momentum, as Nesterov's descent does.

    Parameters
    ----------
    learning_rate : float or Schedule
        The notes' alpha, greater than 0.
    beta_1 : float, default=0.9
        The decay rate of the gradient's running mean, in [0, 1).
    beta_2 : float, default=0.999
        The decay rate of the running mean of its square, in [0, 1).
    epsilon : float, default=1e-8
        Prevents a division by zero, greater than 0.
    momentum_decay : float, default=0.004
        The psi above: how fast the momentum grows from half of beta_1 to all of it, at least 0.

    Raises
    ------
    InvalidParameter
        If a setting is outside its interval; in training, if epsilon is too small for the
        network's dtype.

    References
    ----------
    Dozat, T., "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Nadam(0.01)
    Nadam(learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-08, momentum_decay=0.004)
    """

    learning_rate: float | Schedule = 2e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float = 4e-3

    def __post_init__(self) -> None:
        """Check the settings."""
        settle(
            self,
            learning_rate=checked_rate(self.learning_rate),
            beta_1=check_number("beta_1 of Nadam", self.beta_1, high=1),
            beta_2=check_number("beta_2 of Nadam", self.beta_2, high=1),
            epsilon=check_number("epsilon of Nadam", self.epsilon, low_included=False),
            momentum_decay=check_number("momentum_decay of Nadam", self.momentum_decay),
        )

    def init(self, theta: Float) -> OptimizerState:
        """Return means of 0, and the empty product of momenta.

        Raises
        ------
        InvalidParameter
            If epsilon is rounded to 0 in the dtype of the parameters.
        """
        require_usable_epsilon(self, self.epsilon, theta)
        return {
            "mean": zeros_as(theta),
            "square": zeros_as(theta),
            "momentum_product": np.ones(1),
        }

    def update(self, theta: Float, grad: Float, state: OptimizerState, t: int, rate: float) -> None:
        """Make one step of Nadam in place."""
        m, v, product = state["mean"], state["square"], state["momentum_product"]
        mu, mu_next = self._momentum(t), self._momentum(t + 1)
        product *= mu
        m *= self.beta_1
        m += (1 - self.beta_1) * grad
        v *= self.beta_2
        v += (1 - self.beta_2) * grad * grad
        size = np.sqrt(v / (1 - self.beta_2**t)) + self.epsilon
        so_far = float(product[0])
        of_grad, of_mean = (1 - mu) / (1 - so_far), mu_next / (1 - so_far * mu_next)
        theta -= rate * (of_grad * grad + of_mean * m) / size

    def _momentum(self, t: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))
