"""AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).

    W := (1 - alpha d) W          the weights only, never the biases; then a step of Adam

An L2 penalty in the gradient is divided by Adam's running size like the rest of it, so that weights
with large gradients are hardly shrunk. Applied outside the gradient, the decay d is the same for
all weights.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np

from chainrule.architecture.checks import check_number
from chainrule.maths.arrays import Float
from chainrule.optimizers.adam import Adam
from chainrule.optimizers.interface import (
    Optimizer,
    OptimizerState,
    require_usable_epsilon,
    settle,
)
from chainrule.optimizers.schedules import Schedule, checked_rate

__all__ = ["AdamW"]


@final
@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay, which does not affect biases.

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
    weight_decay : float, default=0.01
        The fraction of each weight that a step removes, times the rate; at least 0. It is not part
        of the cost: the penalties of `Learner` and the estimators' `alpha` come in addition.

    Raises
    ------
    InvalidParameter
        If a setting is outside its interval; in training, if epsilon is too small for the
        network's dtype.

    References
    ----------
    Loshchilov, I. and Hutter, F., "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.AdamW(0.01, weight_decay=0.1)
    AdamW(learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.1)
    """

    learning_rate: float | Schedule = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        """Check the settings."""
        settle(
            self,
            learning_rate=checked_rate(self.learning_rate),
            weight_decay=check_number("weight_decay of AdamW", self.weight_decay),
            beta_1=check_number("beta_1 of AdamW", self.beta_1, high=1),
            beta_2=check_number("beta_2 of AdamW", self.beta_2, high=1),
            epsilon=check_number("epsilon of AdamW", self.epsilon, low_included=False),
        )

    def init(self, theta: Float) -> OptimizerState:
        """Return Adam's means of 0.

        Raises
        ------
        InvalidParameter
            If epsilon is rounded to 0 in the dtype of the parameters.
        """
        require_usable_epsilon(self, self.epsilon, theta)
        return self._adam().init(theta)

    def decay(self, weights: Iterable[Float], rate: float) -> None:
        """Shrink the weights in place."""
        for W in weights:
            np.multiply(W, 1 - rate * self.weight_decay, out=W)

    def update(self, theta: Float, grad: Float, state: OptimizerState, t: int, rate: float) -> None:
        """Make one step of Adam in place."""
        self._adam().update(theta, grad, state, t, rate)

    def _adam(self) -> Adam:
        return Adam(1.0, self.beta_1, self.beta_2, self.epsilon)  # the rate comes with each step
