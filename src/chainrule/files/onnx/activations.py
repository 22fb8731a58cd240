"""Activations and hypotheses as nodes of a graph: z in, a or h out.

If ONNX has an operator of that name whose constants fit the dtype, it is used, so that a viewer
shows it; its attributes are float32. ONNX Runtime has no Erf for float64: there the normal
distribution function is computed from its tail, as in the core.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from chainrule.files.onnx.graph import Graph
from chainrule.files.plain import NORMAL_TAIL, NORMAL_TAIL_END, NORMAL_TAIL_MIDDLE
from chainrule.maths.activations import LEAK, SELU_ALPHA, SELU_SCALE

__all__ = ["ACTIVATION_NODES", "HYPOTHESIS_NODES", "softmax_nodes"]


def _step(g: Graph, z: str) -> str:
    return g.add("Where", g.add("GreaterOrEqual", z, g.number(0)), g.number(1), g.number(0))


def _leaky_relu(g: Graph, z: str) -> str:
    if g.dtype == np.float32:
        return g.add("LeakyRelu", z, alpha=LEAK)
    return g.add("Max", z, g.add("Mul", z, g.number(LEAK)))


def _selu(g: Graph, z: str) -> str:
    if g.dtype == np.float32:
        return g.add("Selu", z, alpha=SELU_ALPHA, gamma=SELU_SCALE)
    curved = g.add("Mul", g.add("Elu", z, alpha=1.0), g.number(SELU_SCALE * SELU_ALPHA))
    straight = g.add("Mul", z, g.number(SELU_SCALE))
    return g.add("Where", g.add("Greater", z, g.number(0)), straight, curved)


def _silu(g: Graph, z: str) -> str:
    return g.add("Mul", z, g.add("Sigmoid", z))


def _gelu(g: Graph, z: str) -> str:
    if g.dtype == np.float64:
        return g.add("Mul", z, _normal_cdf(g, z))
    erf = g.add("Erf", g.add("Mul", z, g.number(math.sqrt(0.5))))
    return g.add("Mul", z, g.add("Mul", g.add("Add", erf, g.number(1)), g.number(0.5)))


def _normal_cdf(g: Graph, z: str) -> str:
    """Phi(z): a tail where z < 0, 1 minus a tail elsewhere."""
    a = g.add("Min", g.add("Abs", z), g.number(NORMAL_TAIL_END))
    below = g.add("Add", a, g.number(NORMAL_TAIL_MIDDLE))
    y = g.add("Div", g.add("Sub", a, g.number(NORMAL_TAIL_MIDDLE)), below)
    q = g.number(NORMAL_TAIL[-1])
    for coefficient in NORMAL_TAIL[-2::-1]:
        q = g.add("Add", g.add("Mul", q, y), g.number(coefficient))
    density = g.add("Exp", g.add("Mul", g.add("Mul", a, a), g.number(-0.5)))
    tail = g.add("Div", g.add("Mul", density, q), below)
    other = g.add("Sub", g.number(1), tail)
    return g.add("Where", g.add("Less", z, g.number(0)), tail, other)


def _mish(g: Graph, z: str) -> str:
    return g.add("Mul", z, g.add("Tanh", g.add("Softplus", z)))


def _identity(g: Graph, z: str) -> str:
    return z


ACTIVATION_NODES: dict[str, Callable[[Graph, str], str]] = {
    "identity": _identity,
    "logistic": lambda g, z: g.add("Sigmoid", z),
    "tanh": lambda g, z: g.add("Tanh", z),
    "relu": lambda g, z: g.add("Relu", z),
    "step": _step,
    "leaky_relu": _leaky_relu,
    "elu": lambda g, z: g.add("Elu", z, alpha=1.0),
    "selu": _selu,
    "softplus": lambda g, z: g.add("Softplus", z),
    "silu": _silu,
    "gelu": _gelu,
    "mish": _mish,
}
"""The built-in hidden activations by name."""

HYPOTHESIS_NODES: dict[str, Callable[[Graph, str], str]] = {
    "identity": _identity,
    "logistic": ACTIVATION_NODES["logistic"],
    "exp": lambda g, z: g.add("Exp", z),
    "step": _step,
}
"""The hypotheses by name, except the softmax, which has groups."""


def softmax_nodes(g: Graph, z: str, groups: Sequence[int]) -> str:
    """Add a softmax for each group of outputs, side by side."""
    if len(groups) == 1:
        return g.add("Softmax", z, axis=1)
    parts = g.add_several(
        "Split",
        [z, g.constant(np.array(groups, np.int64), "groups")],
        [g.fresh("z_of_group") for _ in groups],
        axis=1,
    )
    return g.add("Concat", *(g.add("Softmax", part, axis=1) for part in parts), axis=1)
