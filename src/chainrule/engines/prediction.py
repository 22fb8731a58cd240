"""Forward passes: hypotheses, weighted sums of a layer and losses, by the fastest engine."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.architecture import Architecture, Parameters
from chainrule.architecture.inputs import is_sparse
from chainrule.architecture.rows import Rows
from chainrule.engines.interface import Examples
from chainrule.engines.native import WIDEST_WRITTEN_OUT, native_knows, predict_natively
from chainrule.engines.reference import hypotheses as predict_by_reference
from chainrule.maths.activations import Activation
from chainrule.maths.arrays import Float
from chainrule.maths.losses import LOSSES

__all__ = ["hidden_activations", "hypotheses", "losses_of", "weighted_sums"]

_VALUES_AT_ONCE = 2**15


def hypotheses(architecture: Architecture, parameters: Parameters, X: Any) -> Float:
    """Return H (FP2.1, FP2.2) for checked X, by the fastest engine that supports every part."""
    if isinstance(X, Rows):  # in blocks, so that they are never all copied
        H = np.empty((len(X), architecture.sizes[-1]), architecture.dtype)
        at_once = max(1, _VALUES_AT_ONCE // X.shape[1])
        for start in range(0, len(X), at_once):
            rows = slice(start, start + at_once)
            H[rows] = hypotheses(architecture, parameters, X[rows])
        return H
    # Wide sparse rows go through SciPy, which multiplies them without converting them to dense.
    wide = is_sparse(X) and architecture.sizes[0] > WIDEST_WRITTEN_OUT
    if native_knows(architecture) and not wide:
        return predict_natively(architecture, parameters, X)
    return predict_by_reference(architecture, parameters, X)


def weighted_sums(
    architecture: Architecture, parameters: Parameters, X: Any, layer: int = -1
) -> Float:
    """Return Z (FP2.1) of a layer for checked X, computed as hypotheses are.

    Parameters
    ----------
    architecture, parameters
        The network.
    X : array, CSR matrix or Rows
        The examples, checked.
    layer : int, default=-1
        The index of the layer: 0 is the first hidden layer, -1 the output.
    """
    hidden = range(architecture.n_layers - 1)[layer]
    # The layers up to it form a network whose hypothesis is z itself.
    part = Architecture(
        architecture.sizes[: hidden + 2],
        architecture.activations[:hidden],
        LOSSES["squared_error"],
        architecture.dtype,
    )
    return hypotheses(part, Parameters(part, parameters.theta[: part.n_parameters]), X)


def hidden_activations(
    architecture: Architecture, parameters: Parameters, X: Any
) -> Iterator[tuple[Activation, Float]]:
    """Yield the activation g of each hidden layer and its a = g(z), of checked X, first to last.

    They are those of `hypotheses` up to rounding, and no layer is computed twice.
    """
    a, start = X, 0
    for (s_in, s_out), g in zip(architecture.shapes, architecture.activations, strict=False):
        stop = start + (s_in + 1) * s_out
        # A single layer is a network whose hypothesis is z itself.
        part = Architecture((s_in, s_out), (), LOSSES["squared_error"], architecture.dtype)
        z = hypotheses(part, Parameters(part, parameters.theta[start:stop]), a)
        a = np.asarray(g(z), architecture.dtype)  # a user's function may return another dtype
        start = stop
        yield g, a


def losses_of(architecture: Architecture, z: Float, examples: Examples) -> float:
    """Return the mean loss of examples, by their weights, from the output's weighted sums."""
    losses = np.asarray(architecture.loss.per_example(z, examples.Y), np.float64)
    if examples.weight is None:
        return float(losses.mean())
    counts = examples.weight > 0  # 0 * inf would be NaN
    if not counts.any():
        return float("nan")
    return float(np.average(losses[counts], weights=examples.weight[counts]))
