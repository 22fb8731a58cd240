"""Rprop, in the form iRPROP- (Igel and Huesken, "Improving the Rprop learning algorithm", 2000).

Only the sign of the gradient counts. Each parameter has its own step size:

    the sign is that of the step before    the step size grows by eta+, and theta goes against g
    it has changed: a minimum was jumped   the step size shrinks by eta-, and theta stays
"""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from chainrule.architecture.checks import check_number
from chainrule.errors import InvalidParameter
from chainrule.maths.arrays import Float
from chainrule.optimizers.interface import Optimizer, OptimizerState, settle, zeros_as
from chainrule.optimizers.schedules import Schedule

__all__ = ["Rprop"]


@final
@dataclass(frozen=True)
class Rprop(Optimizer):
    """Rprop: steps along the gradient's sign, with a separate size for each parameter.

    Only for the gradient over all examples (``batch_size=None``): from batch to batch the sign
    would change by chance, and the steps shrink to nothing.

    Parameters
    ----------
    learning_rate : float, default=0.01
        The size of the first step, greater than 0. The sizes change by themselves, so that no
        schedule applies.
    eta_minus : float, default=0.5
        The factor of the size when the sign has changed, in (0, 1).
    eta_plus : float, default=1.2
        The factor when the sign has not changed, greater than 1.
    min_step, max_step : float, default=1e-6 and 50.0
        The bounds of the sizes.

    Raises
    ------
    InvalidParameter
        If a setting is outside its interval.

    References
    ----------
    Riedmiller, M. and Braun, H., "A direct adaptive method for faster backpropagation learning:
    the RPROP algorithm", ICNN 1993; Igel, C. and Huesken, M., "Improving the Rprop learning
    algorithm", NC 2000.

    Examples
    --------
    >>> import chainrule as cr
    >>> X, Y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    >>> net = cr.Network([1, 1], loss="squared_error", dtype="float64")
    >>> history = cr.Learner(net, cr.Rprop(), batch_size=None).fit(X, Y, epochs=200)
    >>> net.theta.round(4).tolist()
    [1.0, 2.0]
    """

    learning_rate: float | Schedule = 1e-2
    eta_minus: float = 0.5
    eta_plus: float = 1.2
    min_step: float = 1e-6
    max_step: float = 50.0
    needs_full_batch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        if isinstance(self.learning_rate, Schedule) or callable(self.learning_rate):
            raise InvalidParameter(
                f"learning_rate of Rprop is the size of its first step; later ones find their own, "
                f"so that no schedule applies. Got {self.learning_rate!r}: give a number."
            )
        low = check_number("min_step of Rprop", self.min_step, low_included=False)
        settle(
            self,
            learning_rate=check_number("learning_rate", self.learning_rate, low_included=False),
            eta_minus=check_number(
                "eta_minus of Rprop", self.eta_minus, high=1, low_included=False
            ),
            eta_plus=check_number("eta_plus of Rprop", self.eta_plus, low=1, low_included=False),
            min_step=low,
            max_step=check_number("max_step of Rprop", self.max_step, low=low),
        )

    def init(self, theta: Float) -> OptimizerState:
        """Return a previous gradient of 0, and the size of the first step."""
        return {
            "previous": zeros_as(theta),
            "step_size": np.full(theta.shape, self.learning_rate, theta.dtype),
        }

    def update(self, theta: Float, grad: Float, state: OptimizerState, t: int, rate: float) -> None:
        """Make one step of iRPROP- in place; the rate is in the step sizes already."""
        previous, size = state["previous"], state["step_size"]
        agree = np.sign(grad) * np.sign(previous)
        size[agree > 0] *= self.eta_plus
        size[agree < 0] *= self.eta_minus
        np.clip(size, self.min_step, self.max_step, out=size)
        previous[...] = np.where(agree < 0, 0, grad)
        theta -= np.sign(previous) * size
