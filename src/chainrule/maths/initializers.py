"""Starting weights, scaled so that signals neither vanish nor explode.

With independent weights of variance v, a node's z has variance fan_in * v * E[a^2], and going
back its delta has fan_out * v. Glorot and Bengio (2010) compromise between both with v = 2/(fan_in
+ fan_out); He et al. (2015) take v = 2/fan_in, since the rectifier halves E[a^2]; LeCun et al.
(1998) take v = 1/fan_in. A uniform distribution in (-r, r) has variance r^2/3.

Zeros never break the symmetry: all nodes of a layer then stay identical.
"""

from collections.abc import Callable
from math import sqrt
from typing import TypeAlias

import numpy as np

from chainrule.errors import unknown_name
from chainrule.maths.arrays import Float
from chainrule.maths.random import Purpose, normal, uniform

__all__ = ["INITIALIZERS", "get_initializer", "initializer_for"]

Initializer: TypeAlias = Callable[[int, int, int, int], Float]
"""(fan_in, fan_out, seed, layer) to a float64 matrix (fan_in, fan_out)."""

_PLAIN_SCALE = 0.05


def _normal(variance: Callable[[int, int], float]) -> Initializer:
    def initialize(fan_in: int, fan_out: int, seed: int, layer: int) -> Float:
        draws = normal(fan_in * fan_out, seed, Purpose.INITIALIZE, layer)
        draws *= sqrt(variance(fan_in, fan_out))
        return draws.reshape(fan_in, fan_out)

    return initialize


def _uniform(variance: Callable[[int, int], float]) -> Initializer:
    def initialize(fan_in: int, fan_out: int, seed: int, layer: int) -> Float:
        draws = uniform(fan_in * fan_out, seed, Purpose.INITIALIZE, layer)
        draws *= 2
        draws -= 1
        draws *= sqrt(3 * variance(fan_in, fan_out))
        return draws.reshape(fan_in, fan_out)

    return initialize


def _orthogonal(fan_in: int, fan_out: int, seed: int, layer: int) -> Float:
    """Return a matrix with orthonormal columns or rows, whichever are fewer (Saxe et al. 2014)."""
    tall = (max(fan_in, fan_out), min(fan_in, fan_out))
    draws = normal(fan_in * fan_out, seed, Purpose.INITIALIZE, layer).reshape(tall)
    basis, R = np.linalg.qr(draws)
    # The signs make Q uniform over all orthogonal matrices, whatever QR's own convention.
    Q = basis * np.where(np.diag(R) < 0, -1.0, 1.0)
    return Q if fan_in >= fan_out else np.ascontiguousarray(Q.T)


def _zeros(fan_in: int, fan_out: int, seed: int, layer: int) -> Float:
    return np.zeros((fan_in, fan_out))


def _glorot(fan_in: int, fan_out: int) -> float:
    return 2 / (fan_in + fan_out)


def _he(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1 / fan_in


INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": _uniform(_glorot),
    "glorot_normal": _normal(_glorot),
    "he_uniform": _uniform(_he),
    "he_normal": _normal(_he),
    "lecun_uniform": _uniform(_lecun),
    "lecun_normal": _normal(_lecun),
    "orthogonal": _orthogonal,
    "normal": _normal(lambda fan_in, fan_out: _PLAIN_SCALE**2),
    "uniform": _uniform(lambda fan_in, fan_out: _PLAIN_SCALE**2 / 3),
    "zeros": _zeros,
}
"""The initializers by name; "normal" is N(0, 0.05^2), "uniform" is U(-0.05, 0.05)."""

_RECTIFYING = frozenset({"relu", "leaky_relu", "elu", "softplus", "silu", "gelu", "mish"})


def initializer_for(activation_name: str | None) -> str:
    """Return the initializer that ``init="auto"`` chooses for the weights into a layer.

    Rectifiers and similar activations: "he_uniform". SELU, which is derived for it: "lecun_normal".
    All others, and the output layer (None): "glorot_uniform".
    """
    if activation_name in _RECTIFYING:
        return "he_uniform"
    return "lecun_normal" if activation_name == "selu" else "glorot_uniform"


def get_initializer(name: str) -> Initializer:
    """Return the initializer of that name.

    Raises
    ------
    UnknownName
        If there is no initializer of that name; the message suggests the nearest.
    """
    # Callers without a type checker get this message too.
    if isinstance(name, str) and name in INITIALIZERS:  # pyright: ignore[reportUnnecessaryIsInstance]
        return INITIALIZERS[name]
    raise unknown_name("initializer", name, ["auto", *INITIALIZERS])
