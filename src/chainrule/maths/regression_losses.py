"""Output pairs for numbers: squared, absolute, Huber, quantile, Poisson, and the teaching pair.

With r = z - y, the identity as hypothesis and the sum over outputs:

    name       loss per output                                  delta = dloss/dz
    squared    r^2/2                                            r
    absolute   |r|                                              sign r
    Huber      r^2/2 where |r| <= d, else d (|r| - d/2)         r clipped to [-d, d]
    quantile   (1 - q) r where r > 0, else -q r                 1 - q where r > 0, -q where r < 0

At the kink r = 0 of the absolute and the quantile loss the subgradient 0 is taken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, final

import numpy as np
from scipy.special import expit, xlogy

from chainrule.errors import InvalidParameter
from chainrule.maths.activations import identity, logistic_prime
from chainrule.maths.arrays import Float
from chainrule.maths.loss import Loss, Parametric, as_number

__all__ = [
    "ABSOLUTE_ERROR",
    "LOGISTIC_SQUARED_ERROR",
    "POISSON",
    "SQUARED_ERROR",
    "Huber",
    "Quantile",
    "residual",
]


# The canonical pairs share one delta (8.1-8.3 and B.1, B.2, read per example):
#   identity + quadratic:       d/dz 1/2 (z - y)^2                  = z - y             = h - y
#   logistic + cross entropy:   (-y/h + (1-y)/(1-h)) h (1-h)        = -y(1-h) + (1-y)h  = h - y
#   softmax + log loss:         sum_r (-y_r/h_r) h_r (1{r=k} - h_k) = -y_k + h_k        = h - y
#   exp + half deviance:        d/dz (-y z + e^z)                   = e^z - y           = h - y
def residual(z: Float, h: Float, y: Float) -> Float:
    """H - y, the delta of every canonical pair."""
    return h - y


# Identity + quadratic (8.1): 1/2 sum_k (h_k - y_k)^2.
def squared_error(z: Float, y: Float) -> Float:
    """Half the squared distance of z and y."""
    return 0.5 * np.square(z - y).sum(axis=1)


# Identity + absolute error (beyond the notes): h estimates the median of y, and an outlier pulls
# no harder than any other example.
def absolute_error(z: Float, y: Float) -> Float:
    """sum_k |z_k - y_k|."""
    return np.abs(z - y).sum(axis=1)


def sign_of_residual(z: Float, h: Float, y: Float) -> Float:
    """1 where z > y, -1 where z < y, 0 at the kink."""
    return np.sign(z - y)


# Exp + half Poisson deviance (beyond the notes): sum_k [y log(y/h) - y + h] with log h = z.
def exponential(z: Float) -> Float:
    """exp(z); infinite where it is out of range."""
    with np.errstate(over="ignore"):
        return np.exp(z)


def poisson(z: Float, y: Float) -> Float:
    """Half the Poisson deviance of counts y from the mean exp(z)."""
    return (xlogy(y, y) - y * z - y + exponential(z)).sum(axis=1)


# Logistic + quadratic, the teaching pair: BP1 in its general form, grad_H J * h'(Z). The factor
# h' = h (1 - h) is near 0 when h is confidently wrong: learning is slow just where it should be
# fast, which is the case for the log in the cross entropy (blog, "Cost Function").
def logistic_squared_error(z: Float, y: Float) -> Float:
    """Half the squared distance of logistic(z) and y."""
    return squared_error(expit(z), y)


def general_bp1(z: Float, h: Float, y: Float) -> Float:
    """grad_h * h' (BP1.2), for the logistic hypothesis and the quadratic cost."""
    return residual(z, h, y) * logistic_prime(h)


SQUARED_ERROR = Loss("squared_error", "identity", identity, squared_error, residual)
ABSOLUTE_ERROR = Loss(
    "absolute_error", "identity", identity, absolute_error, sign_of_residual, kinks=(0.0,)
)
POISSON = Loss("poisson", "exp", exponential, poisson, residual, "nonnegative")
LOGISTIC_SQUARED_ERROR = Loss(
    "logistic_squared_error", "logistic", expit, logistic_squared_error, general_bp1
)


@final
@dataclass(frozen=True)
class Huber(Parametric):
    """Huber's loss: squared near the target, absolute far from it, so that outliers count less.

    With r = h - y and h = z (the identity), summed over the outputs,

        loss = r^2/2 where abs(r) <= delta, else delta (abs(r) - delta/2);
        delta^(L) = dloss/dz = r, clipped to [-delta, delta].

    Parameters
    ----------
    delta : float, default=1.0
        The residual at which squared becomes absolute, in units of y; greater than 0. Larger values
        come closer to the squared error, smaller ones to `delta` times the absolute error.

    Raises
    ------
    InvalidParameter
        If delta is not a number greater than 0.

    References
    ----------
    Huber, P. J., "Robust estimation of a location parameter", Annals of Mathematical Statistics,
    1964. Values and gradients are those of PyTorch's HuberLoss.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], loss=cr.Huber(delta=2.0), init="zeros", dtype="float64")
    >>> trace = net.trace([[0.0], [0.0]], [-1.0, 10.0])  # h = 0, r = 1 and -10
    >>> trace.cost  # the mean of 1/2 and 2 (10 - 1)
    9.25
    >>> trace.delta[-1].ravel().tolist()  # each by M = 2
    [0.5, -1.0]
    """

    delta: float = 1.0
    name: ClassVar[str] = "huber"

    def __post_init__(self) -> None:
        """Check delta."""
        if not 0 < as_number(self.delta) < np.inf:
            raise InvalidParameter(
                f"delta of Huber must be a number greater than 0. Got {self.delta!r} instead."
            )
        object.__setattr__(self, "delta", as_number(self.delta))

    @property
    def numbers(self) -> tuple[float, ...]:
        """Delta."""
        return (self.delta,)

    def make_pair(self) -> Loss:
        """Make the output pair."""
        d = self.delta  # a Python float, which keeps float32

        def per_example(z: Float, y: Float) -> Float:
            r = np.abs(z - y)
            near = np.minimum(r, d)  # near (r - near/2) is r^2/2 within d, and d (r - d/2) beyond
            return (near * (r - 0.5 * near)).sum(axis=1)

        def delta(z: Float, h: Float, y: Float) -> Float:
            return np.clip(z - y, -d, d)

        return Loss(
            self.name, "identity", identity, per_example, delta, kinks=(-d, d), made_of=self
        )


@final
@dataclass(frozen=True)
class Quantile(Parametric):
    """The quantile (pinball) loss: h estimates quantiles of y, two of them an interval.

    With r = h - y and h = z (the identity), summed over targets and quantiles q,

        loss = (1 - q) r where r > 0, else -q r;
        delta^(L) = dloss/dz = 1 - q where r > 0, -q where r < 0, 0 at the kink.

    Its mean is least where a part q of the y lies below h. Each target has one output per
    quantile, target by target: with Q quantiles, outputs 0 ... Q-1 are those of the first target.

    Parameters
    ----------
    quantiles : float or sequence of float, default=0.5
        In (0, 1), increasing; 0.5 is the median, [0.1, 0.9] an interval that holds 80 % of y.

    Raises
    ------
    InvalidParameter
        If a quantile is outside (0, 1), or they do not increase.

    Notes
    -----
    The outputs are trained together but are free to cross, where data are few; `MLPRegressor`
    sorts its predictions; the hypotheses of a `Network` are not sorted.

    References
    ----------
    Koenker, R. and Bassett, G., "Regression quantiles", Econometrica, 1978.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 2], loss=cr.Quantile([0.1, 0.9]), init="zeros", dtype="float64")
    >>> trace = net.trace([[0.0]], [2.0])  # h = 0, r = -2
    >>> round(trace.cost, 12), trace.delta[-1].tolist()
    (2.0, [[-0.1, -0.9]])
    """

    quantiles: float | Sequence[float] = 0.5
    name: ClassVar[str] = "quantile"

    def __post_init__(self) -> None:
        """Check the quantiles, and keep them as a tuple."""
        given = self.quantiles
        numbers = [as_number(q) for q in (given if isinstance(given, Iterable) else [given])]
        inside = bool(numbers) and all(0 < q < 1 for q in numbers)
        if not inside or any(a >= b for a, b in pairwise(numbers)):
            raise InvalidParameter(
                f"quantiles must be numbers in (0, 1), each larger than the one before, such as "
                f"0.5 or [0.1, 0.9]. Got {given!r} instead."
            )
        object.__setattr__(self, "quantiles", tuple(numbers))

    @property
    def numbers(self) -> tuple[float, ...]:
        """The quantiles."""
        return tuple(np.atleast_1d(self.quantiles).tolist())

    @property
    def outputs_per_target(self) -> int:
        """The number of quantiles."""
        return len(self.numbers)

    def misfit(self, n_outputs: int) -> str | None:
        """Return an error message if the outputs cannot be divided among the quantiles."""
        per_target = self.outputs_per_target
        if n_outputs % per_target == 0:
            return None
        return (
            f"{self!r} needs {per_target} outputs for each target. Got {n_outputs} outputs: give "
            f"{per_target} for one target, {2 * per_target} for two."
        )

    def make_pair(self) -> Loss:
        """Make the output pair."""
        quantiles = np.array(self.numbers)

        def of_outputs(z: Float) -> Float:
            return np.tile(quantiles, z.shape[1] // len(quantiles)).astype(z.dtype)

        def per_example(z: Float, y: Float) -> Float:
            r, q = z - y, of_outputs(z)
            return np.where(r > 0, (1 - q) * r, -q * r).sum(axis=1)

        def delta(z: Float, h: Float, y: Float) -> Float:
            r, q = z - y, of_outputs(z)
            return np.where(r > 0, 1 - q, np.where(r < 0, -q, r * 0))  # NaN stays NaN

        return Loss(self.name, "identity", identity, per_example, delta, kinks=(0.0,), made_of=self)
