"""Penalties on the weights: L2 and L1, value and gradient (notes 9.2, 9.3; blog images 21, 38, 39).

    L2:  (lambda/2M) sum w^2    gradient  (lambda/M) w         a Gaussian prior on w
    L1:  (lambda/M) sum |w|     gradient  (lambda/M) sign(w)   a Laplace prior on w

The M of the notes is S here, the sum of the sample weights (S = M without them). Biases are never
penalized: shifting an activation to the left or right does not add complexity.
"""

from collections.abc import Iterable

import numpy as np

from chainrule.maths.arrays import Float

__all__ = ["penalty", "penalty_gradient"]


def penalty(weights: Iterable[Float], l2: float, l1: float, total: float) -> float:
    """Return the penalties' part of the cost.

    Parameters
    ----------
    weights : iterable of arrays
        The weight matrices, without biases.
    l2, l1 : float
        The notes' lambda of each penalty; 0 for no penalty.
    total : float
        S, the sum of the sample weights.

    Returns
    -------
    float
        (l2/2S) sum w^2 + (l1/S) sum abs(w).
    """
    value = 0.0
    for W in weights:
        if l2:
            value += 0.5 * l2 * float(np.vdot(W, W))
        if l1:
            value += l1 * float(np.abs(W).sum())
    return value / total


def penalty_gradient(W: Float, l2: float, l1: float, total: float) -> Float:
    """Return the penalties' part of dJ/dW, (l2 W + l1 sign(W))/S, with sign(0) = 0."""
    return (l2 * W + l1 * np.sign(W)) / total
