"""Gradient descent, with momentum (notes 10.1-10.4).

Batch, online and mini-batch descent are the same line, W := W - alpha grad_W J, over different
batches. Momentum, left open in the notes, lets the gradient accumulate in a velocity:

    classical   v := mu v + g      theta := theta - alpha v              (Polyak 1964)
    Nesterov    v := mu v + g      theta := theta - alpha (g + mu v)     (Nesterov 1983)

in PyTorch's form: the learning rate multiplies the velocity, and Nesterov's look-ahead uses the
gradient at the current point (Sutskever et al. 2013).
"""

from dataclasses import dataclass
from typing import final

from chainrule.architecture.checks import check_flag, check_number
from chainrule.errors import InvalidParameter
from chainrule.maths.arrays import Float
from chainrule.optimizers.interface import Optimizer, OptimizerState, settle, zeros_as
from chainrule.optimizers.schedules import Schedule, checked_rate

__all__ = ["SGD"]


@final
@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, with classical or Nesterov momentum.

    Parameters
    ----------
    learning_rate : float or Schedule
        The notes' alpha, greater than 0.
    momentum : float, default=0.0
        The notes' mu, in [0, 1]: the fraction of the velocity that is kept.
    nesterov : bool, default=False
        Look ahead along the velocity; needs momentum > 0.

    Raises
    ------
    InvalidParameter
        If a setting is outside its interval.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.SGD(0.1, momentum=0.9, nesterov=True)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    """

    learning_rate: float | Schedule
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        momentum = check_number("momentum of SGD", self.momentum, high=1, high_included=True)
        settle(self, learning_rate=checked_rate(self.learning_rate), momentum=momentum)
        check_flag("nesterov of SGD", self.nesterov)
        if self.nesterov and not self.momentum:
            raise InvalidParameter(
                "nesterov=True of SGD needs a momentum, and it is 0. Give a "
                "momentum such as 0.9, or nesterov=False."
            )

    def init(self, theta: Float) -> OptimizerState:
        """Return a velocity of 0, or nothing without momentum."""
        return {"velocity": zeros_as(theta)} if self.momentum else {}

    def update(self, theta: Float, grad: Float, state: OptimizerState, t: int, rate: float) -> None:
        """Make one step of gradient descent in place."""
        if not self.momentum:
            theta -= rate * grad
            return
        v = state["velocity"]
        v *= self.momentum
        v += grad
        theta -= rate * (grad + self.momentum * v if self.nesterov else v)
