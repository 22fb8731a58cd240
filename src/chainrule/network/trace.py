"""A trace: every number of one pass forward and back, under the names of the notes."""

from dataclasses import dataclass
from typing import final

from chainrule.maths.arrays import Float

__all__ = ["Trace"]


@final
@dataclass(frozen=True)
class Trace:
    """Every z, a, delta and gradient of a network on a batch.

    The code counts from 0 what the notes count from 1 or 2: ``a[0]`` is the notes' A^(1) = X, and
    ``z[0]``, ``delta[0]``, ``grad_weights[0]`` belong to the notes' layer 2. All arrays have
    examples in rows.

    Attributes
    ----------
    a : list of L arrays of shapes (n, s_l)
        Activations (FP2.1, FP2.2); ``a[0]`` is X and ``a[-1]`` is h.
    z : list of L-1 arrays of shapes (n, s_l)
        Weighted inputs.
    delta : list of L-1 arrays of shapes (n, s_l)
        dJ/dz (BP1.2, BP2.2), so ``delta[-1]`` is (h - Y)/M for a canonical pair without weights.
    grad_weights : list of L-1 arrays of shapes (s_in, s_out)
        dJ/dW (BP3.2), penalties included.
    grad_biases : list of L-1 arrays of shapes (s_out,)
        dJ/db (BP4.2).
    cost : float
        J, penalties included.
    """

    a: list[Float]
    z: list[Float]
    delta: list[Float]
    grad_weights: list[Float]
    grad_biases: list[Float]
    cost: float

    @property
    def h(self) -> Float:
        """The hypotheses, (n, K)."""
        return self.a[-1]
