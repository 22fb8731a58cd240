"""Hidden activations: g(z) and g'(·), one table (notes 7, A.1, A.2; blog "Activation Functions").

Back-propagation needs g' at every hidden node (BP2.2). Some derivatives are simplest in z, others
in a = g(z), which the forward pass has anyway; each entry says which one its derivative takes.
The derivation stands above the code it justifies. Every function keeps the dtype it is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from scipy.special import expit, ndtr

from chainrule.errors import InvalidParameter, unknown_name
from chainrule.maths.arrays import Float, Function

__all__ = ["ACTIVATIONS", "Activation", "activations_per_layer", "get_activation"]


@final
@dataclass(frozen=True)
class Activation:
    """A hidden activation g with its derivative.

    Parameters
    ----------
    name : str
        Its name in messages and files.
    g : callable
        Elementwise g(z): an array in, an array of the same shape and dtype out.
    g_prime : callable
        Elementwise g', of z or of a as `takes` says.
    takes : {"z", "a"}, default="z"
        The argument of `g_prime`: the weighted input z, or the activation a = g(z).
    kinks : tuple of float, default=()
        The z at which g' or g'' jumps: finite differences across one are not estimates of g'.
    differentiable : bool, default=True
        False where g' carries no information (the step function): such a network propagates
        forward only.

    Notes
    -----
    The derivative enters back-propagation in BP2.1 and BP2.2. Your own activation runs on
    the reference engine (``learner.engine`` says so), and the first training with it begins with a
    comparison of its derivative with finite differences; see `chainrule.errors.WrongDerivative`.

    Examples
    --------
    A user's own activation, the square:

    >>> import numpy as np
    >>> import chainrule as cr
    >>> square = cr.Activation("square", g=lambda z: z * z, g_prime=lambda z: 2 * z)
    >>> square(np.array([-1.0, 3.0]))
    array([1., 9.])
    >>> net = cr.Network([2, 4, 1], activation=square, loss="squared_error")
    >>> cr.check_gradients(net, [[0.5, -1.0]], [0.3]).passed
    True
    """

    name: str
    g: Function
    g_prime: Function
    takes: Literal["z", "a"] = "z"
    kinks: tuple[float, ...] = ()
    differentiable: bool = True

    def __post_init__(self) -> None:
        """Refuse values that would otherwise fail later, far from the cause."""
        if self.takes not in ("z", "a"):
            raise unknown_name("argument for a derivative to take", self.takes, ("z", "a"))

    def __call__(self, z: Float) -> Float:
        """Return a = g(z)."""
        return self.g(z)

    def derivative(self, z: Float, a: Float) -> Float:
        """Return g', computed from z or from a as `takes` says."""
        return self.g_prime(z if self.takes == "z" else a)


# Step: 1{z >= 0} (notes 7.1). g' = 0 wherever it exists, so no gradient passes through.
# The blog's threshold t, "activate if z > t", is a bias of -t.
def step(z: Float) -> Float:
    """1 where z >= 0, else 0."""
    return (z >= 0).astype(z.dtype)


def zeros_like(z: Float) -> Float:
    """The step's derivative wherever it exists."""
    return np.zeros_like(z)


# Identity: g = z, g' = 1. Linear layers compose to one linear layer (blog, "Linear Function").
def identity(z: Float) -> Float:
    """Z itself."""
    return z


def ones_like(z: Float) -> Float:
    """The identity's derivative."""
    return np.ones_like(z)


# Logistic: g = 1/(1 + e^-z) (notes 7.2). With A.1:
#   g' = e^-z / (1 + e^-z)^2 = g - g^2 = a (1 - a).
def logistic(z: Float) -> Float:
    """1 / (1 + exp(-z)), without overflow."""
    return expit(z)


def logistic_prime(a: Float) -> Float:
    """A (1 - a)."""
    return a * (1 - a)


# Tanh: g = sinh/cosh (notes 7.3). With A.2: g' = (cosh^2 - sinh^2)/cosh^2 = 1 - a^2.
def tanh_prime(a: Float) -> Float:
    """1 - a^2."""
    return 1 - a * a


# Rectifier: g = max(0, z) (notes 7.4). g' = 1{z > 0} = 1{a > 0}, and 0 at z = 0.
def relu(z: Float) -> Float:
    """max(0, z)."""
    return np.maximum(z, 0)


def relu_prime(a: Float) -> Float:
    """1 where a > 0, else 0."""
    return (a > 0).astype(a.dtype)


# Leaky rectifier: z for z > 0, else 0.01 z, so that no node is ever dead.
LEAK = 0.01


def leaky_relu(z: Float) -> Float:
    """Z where z > 0, else 0.01 z."""
    return np.where(z > 0, z, LEAK * z)


def leaky_relu_prime(z: Float) -> Float:
    """1 where z > 0, else 0.01."""
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAK))


# ELU: z for z > 0, else e^z - 1 (alpha = 1), so g' = 1, else e^z: continuous at 0.
# The minimum keeps exp from overflowing on the side that np.where throws away.
def elu(z: Float) -> Float:
    """Z where z > 0, else exp(z) - 1."""
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def elu_prime(z: Float) -> Float:
    """exp(min(z, 0))."""
    return np.exp(np.minimum(z, 0))


# SELU: scale * ELU with alpha chosen such that activations keep mean 0 and variance 1
# (Klambauer et al. 2017). g' jumps at 0, from scale * alpha to scale.
SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def selu(z: Float) -> Float:
    """Scale * (z where z > 0, else alpha (exp(z) - 1))."""
    return SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0)))


def selu_prime(z: Float) -> Float:
    """Scale * (1 where z > 0, else alpha exp(z))."""
    return SELU_SCALE * np.where(z > 0, z.dtype.type(1), SELU_ALPHA * np.exp(np.minimum(z, 0)))


# Softplus: log(1 + e^z), the smooth rectifier; g' = e^z/(1 + e^z) = logistic(z).
def softplus(z: Float) -> Float:
    """log(1 + exp(z)), without overflow."""
    return np.logaddexp(z.dtype.type(0), z)


# SiLU (swish): z s with s = logistic(z); g' = s + z s (1 - s).
def silu(z: Float) -> Float:
    """Z * logistic(z)."""
    return z * expit(z)


def silu_prime(z: Float) -> Float:
    """S (1 + z (1 - s)), s = logistic(z)."""
    s = expit(z)
    return s * (1 + z * (1 - s))


# GELU, exact: z Phi(z) = z (1 + erf(z/sqrt 2))/2; g' = Phi(z) + z phi(z), phi the normal density.
# ndtr is Phi without the cancellation of 1 + erf at large negative z.
INVERSE_SQRT_2PI = 0.39894228040143267793994605993438


def gelu(z: Float) -> Float:
    """Z * Phi(z)."""
    return z * ndtr(z)


def gelu_prime(z: Float) -> Float:
    """Phi(z) + z phi(z)."""
    near = np.clip(z, -40, 40)  # beyond, the density is 0 and z^2 might overflow
    return ndtr(z) + near * (INVERSE_SQRT_2PI * np.exp(-0.5 * near * near))


# Mish: z t with t = tanh(softplus(z)); t' = (1 - t^2) logistic(z), so g' = t + z (1 - t^2) s.
def mish(z: Float) -> Float:
    """Z * tanh(softplus(z))."""
    return z * np.tanh(softplus(z))


def mish_prime(z: Float) -> Float:
    """T + z (1 - t^2) logistic(z), t = tanh(softplus(z))."""
    t = np.tanh(softplus(z))
    return t + z * (1 - t * t) * expit(z)


_TABLE = (
    Activation("identity", identity, ones_like),
    Activation("logistic", logistic, logistic_prime, takes="a"),
    Activation("tanh", np.tanh, tanh_prime, takes="a"),
    Activation("relu", relu, relu_prime, takes="a", kinks=(0.0,)),
    Activation("step", step, zeros_like, kinks=(0.0,), differentiable=False),
    Activation("leaky_relu", leaky_relu, leaky_relu_prime, kinks=(0.0,)),
    Activation("elu", elu, elu_prime, kinks=(0.0,)),
    Activation("selu", selu, selu_prime, kinks=(0.0,)),
    Activation("softplus", softplus, logistic),
    Activation("silu", silu, silu_prime),
    Activation("gelu", gelu, gelu_prime),
    Activation("mish", mish, mish_prime),
)

ACTIVATIONS: dict[str, Activation] = {activation.name: activation for activation in _TABLE}
"""The built-in hidden activations by name."""


def get_activation(activation: str | Activation) -> Activation:
    """Return the activation of that name, or the user's own unchanged.

    Raises
    ------
    UnknownName
        If there is no built-in activation of that name; the message suggests the nearest.

    Examples
    --------
    >>> from chainrule.maths.activations import get_activation
    >>> get_activation("tanh").takes
    'a'
    """
    if isinstance(activation, Activation):
        return activation
    # Callers without a type checker get this message too.
    if isinstance(activation, str) and activation in ACTIVATIONS:  # pyright: ignore[reportUnnecessaryIsInstance]
        return ACTIVATIONS[activation]
    raise unknown_name("activation", activation, ACTIVATIONS)


def activations_per_layer(
    activation: str | Activation | Sequence[str | Activation], n_hidden: int
) -> tuple[Activation, ...]:
    """Return one activation per hidden layer, from one for all or from a list.

    Raises
    ------
    InvalidParameter
        If a list does not have one entry per hidden layer.
    UnknownName
        If a name is unknown.
    """
    if isinstance(activation, str | Activation):
        return (get_activation(activation),) * n_hidden
    try:
        listed = list(activation)
    except TypeError:
        raise unknown_name("activation", activation, ACTIVATIONS) from None
    if len(listed) != n_hidden:
        raise InvalidParameter(
            f"A list of activations needs one entry per hidden layer: got {len(listed)} for "
            f"{n_hidden} hidden layer{'s' if n_hidden != 1 else ''}. Give {n_hidden}, or one name "
            f"for all layers."
        )
    return tuple(get_activation(one) for one in listed)
