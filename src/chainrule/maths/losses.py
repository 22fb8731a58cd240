"""Output pairs: hypothesis, loss and the delta they share, as ONE object (notes 8, B.1, B.2).

The notes advise to look at hypothesis and cost together, because back-propagation needs only
delta^(L) = dJ/dz. For the canonical pairs (the GLMs) it is the same simple residual,

    delta^(L) = h - y        per example, before the 1/M of the cost,

which for the softmax could not come from BP1's elementwise product: its Jacobian
h_r (1{r=k} - h_k) is not diagonal. The teaching pair (logistic with squared error) shows the
general form of BP1 instead. Every loss is computed from the raw z, so nothing overflows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from scipy.special import expit, xlogy

from chainrule.errors import NotTrainable, unknown_name
from chainrule.maths.activations import identity, logistic_prime, softplus, step
from chainrule.maths.arrays import Float, Function

__all__ = ["LOSSES", "Loss", "Targets", "get_loss"]

Targets: TypeAlias = Literal["real", "nonnegative", "binary", "classes"]
"""What Y holds: real numbers, numbers >= 0, zeros and ones, or one class of K per example."""


@final
@dataclass(frozen=True)
class Loss:
    """A hypothesis h(z), a loss, and the delta of the output layer, which belong together.

    Parameters
    ----------
    name : str
        What it is called in messages and files.
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
        What y may hold.
    differentiable : bool, default=True
        False for a hypothesis that only propagates forward (the indicator).

    Notes
    -----
    The cost is J = (1/M) sum of `per_example` plus penalties; delta enters as BP1.2.

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


# Logistic + cross entropy (8.2, B.1; blog image 21). With h = 1/(1 + e^-z):
#   -log h = softplus(-z) and -log(1 - h) = softplus(z).
def cross_entropy(z: Float, y: Float) -> Float:
    """-sum_k [y log h + (1 - y) log(1 - h)]."""
    return (y * softplus(-z) + (1 - y) * softplus(z)).sum(axis=1)


# Softmax + log loss (8.3, A.3, B.2): -log h_y = log sum_k e^(z_k) - z_y. Subtracting the largest
# z first changes nothing and keeps e^z in range.
def softmax(z: Float) -> Float:
    """exp(z) / sum_k exp(z_k)."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_loss(z: Float, y: Float) -> Float:
    """-log h_y for one-hot y."""
    shifted = z - z.max(axis=1, keepdims=True)
    log_h = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(y * log_h).sum(axis=1)


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


# The indicator as output hypothesis (2.3): forward only.
def no_loss(z: Float, y: Float) -> Float:
    """Refuse: nothing can be learned through a step."""
    raise NotTrainable(_INDICATOR)


def no_delta(z: Float, h: Float, y: Float) -> Float:
    """Refuse: nothing can be learned through a step."""
    raise NotTrainable(_INDICATOR)


_INDICATOR = (
    "The indicator (step) as output has h' = 0 wherever it exists, so it has no loss to descend "
    "and no delta. Train with loss='cross_entropy', whose logistic hypothesis is the smooth step."
)

_TABLE = (
    Loss("squared_error", "identity", identity, squared_error, residual),
    Loss("cross_entropy", "logistic", expit, cross_entropy, residual, "binary"),
    Loss("log_loss", "softmax", softmax, log_loss, residual, "classes"),
    Loss("poisson", "exp", exponential, poisson, residual, "nonnegative"),
    Loss("logistic_squared_error", "logistic", expit, logistic_squared_error, general_bp1),
    Loss("indicator", "step", step, no_loss, no_delta, "binary", differentiable=False),
)

LOSSES: dict[str, Loss] = {loss.name: loss for loss in _TABLE}
"""The built-in output pairs by the name of their loss."""


def get_loss(loss: str | Loss) -> Loss:
    """Return the output pair of that name, or the user's own as it is.

    Raises
    ------
    UnknownName
        If there is no built-in loss of that name; the message suggests the nearest.

    Examples
    --------
    >>> from chainrule.maths.losses import get_loss
    >>> get_loss("log_loss").hypothesis_name
    'softmax'
    """
    if isinstance(loss, Loss):
        return loss
    # Callers without a type checker get the sentence too.
    if isinstance(loss, str) and loss in LOSSES:  # pyright: ignore[reportUnnecessaryIsInstance]
        return LOSSES[loss]
    raise unknown_name("loss", loss, LOSSES)
