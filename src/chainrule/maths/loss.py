"""Output pairs: hypothesis, loss and the delta they share, as ONE object (notes 8, B.1, B.2).

The notes advise considering hypothesis and cost together, because back-propagation needs only
delta^(L) = dJ/dz. For the canonical pairs (the GLMs) it is the same simple residual,

    delta^(L) = h - y        per example, before the 1/M of the cost,

which for the softmax could not come from BP1's elementwise product: its Jacobian
h_r (1{r=k} - h_k) is not diagonal. The teaching pair (logistic with squared error) shows the
general form of BP1 instead. Every loss is computed from the raw z, so nothing overflows.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from numbers import Real
from typing import Any, ClassVar, Literal, TypeAlias, final

import numpy as np

from chainrule.calls import NamesChecked
from chainrule.maths.arrays import Float, Function

__all__ = ["Loss", "Parametric", "Targets", "as_number", "pair_of"]

Targets: TypeAlias = Literal["real", "nonnegative", "binary", "classes", "groups"]
"""The kind of targets: real numbers, numbers >= 0, zeros and ones, one class of K per example, or
one class of each of several groups."""


@final
@dataclass(frozen=True)
class Loss:
    """A hypothesis h(z), a loss, and the delta of the output layer, which belong together.

    Parameters
    ----------
    name : str
        Its name in messages and files.
    hypothesis_name : str
        The name of h.
    hypothesis : callable
        h(z): an array (n, K) in, an array (n, K) out.
    per_example : callable
        ``per_example(z, y)``, the loss of each example, shape (n,): from z, not from h, so that
        log-sum-exp and softplus keep it from overflowing.
    delta : callable
        ``delta(z, h, y)``, the derivative of each example's loss by z, shape (n, K).
    targets : {"real", "nonnegative", "binary", "classes"}, default="real"
        The kind of targets that y holds. The columns of y are those of z.
    differentiable : bool, default=True
        False for a hypothesis that only propagates forward (the indicator).
    kinks : tuple of float, default=()
        The z - y at which delta or its derivative jumps: finite differences across one are not
        estimates of delta.
    made_of : Parametric or None, default=None
        The description with parameters that a built-in loss was made from, such as
        ``cr.Huber(2.0)``; None for your own.

    Notes
    -----
    The cost is J = (1/M) sum of `per_example` plus penalties; delta enters as BP1.2. Your own
    loss runs on the reference engine (``learner.engine`` says so), and the first training with
    it begins with a comparison of its delta with finite differences; see
    `chainrule.errors.WrongDerivative`.

    Examples
    --------
    A user's own loss, the log-cosh, with the identity as hypothesis:

    >>> import numpy as np
    >>> import chainrule as cr
    >>> log_cosh = cr.Loss(
    ...     "log_cosh", "identity",
    ...     hypothesis=lambda z: z,
    ...     per_example=lambda z, y: np.log(np.cosh(z - y)).sum(axis=1),
    ...     delta=lambda z, h, y: np.tanh(h - y),
    ... )
    >>> net = cr.Network([2, 4, 1], loss=log_cosh)
    >>> cr.check_gradients(net, [[0.5, -1.0]], [0.3]).passed
    True
    """

    name: str
    hypothesis_name: str
    hypothesis: Function
    per_example: Callable[[Float, Float], Float]
    delta: Callable[[Float, Float, Float], Float]
    targets: Targets = "real"
    differentiable: bool = True
    kinks: tuple[float, ...] = ()
    made_of: "Parametric | None" = field(default=None, repr=False, kw_only=True)


class Parametric(NamesChecked, ABC):
    """The description of a loss with parameters: frozen, comparable, and savable in a file."""

    name: ClassVar[str]

    @abstractmethod
    def make_pair(self) -> Loss:
        """Make the output pair; call `pair_of` instead, which makes it once."""

    @property
    @abstractmethod
    def numbers(self) -> tuple[float, ...]:
        """The parameters as plain numbers, as the compiled core takes them."""

    @property
    def outputs_per_target(self) -> int:
        """How many outputs share one column of y."""
        return 1

    def misfit(self, n_outputs: int) -> str | None:
        """Return the reason why a network cannot have this loss, or None if it can."""
        return None

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore the description, every part checked: it may come from a file."""
        self.__init__(**state)


def as_number(given: object) -> float:
    """Return a number as a float, and NaN for anything else: no interval contains NaN."""
    if isinstance(given, Real) and not isinstance(given, bool | np.bool_):
        with suppress(OverflowError):  # a whole number of more than 308 digits
            return float(given)
    return math.nan


@cache
def pair_of(described: Parametric) -> Loss:
    """Return the output pair of a description: the same object for equal ones.

    Examples
    --------
    >>> from chainrule.maths.regression_losses import Huber
    >>> pair_of(Huber(2)) is pair_of(Huber(2.0)), pair_of(Huber(2)).name
    (True, 'huber')
    """
    return described.make_pair()
