"""Forward and back-propagation, symbol for symbol (notes 5.2, 6.2).

The notes have examples in columns; here rows are examples, so each line is the transpose of the
notes' equation. ``a[0]`` is X and ``a[-1]`` is H; ``weights[l]`` leads from ``a[l]`` to ``z[l]``.

Dropout (notes 9.4, left open there; Srivastava et al. 2014, inverted form) multiplies what a
hidden layer passes on by a mask that holds 0 or 1/(1-p). What the next layer reads is kept as
``reads``: without dropout it is a itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from chainrule.maths.activations import Activation
from chainrule.maths.arrays import Float, Function

__all__ = ["Forward", "Gradients", "back_propagate", "forward_propagate", "propagate_to_output"]


@final
@dataclass(frozen=True)
class Forward:
    """What the forward pass computed: z and a of every layer, and what each layer read."""

    z: list[Float]
    a: list[Float]
    reads: list[Float]

    @property
    def h(self) -> Float:
        """The hypotheses, (n, K)."""
        return self.a[-1]


@final
@dataclass(frozen=True)
class Gradients:
    """What the backward pass computed: delta = dJ/dz of every layer, and dJ/dW, dJ/db."""

    delta: list[Float]
    grad_weights: list[Float]
    grad_biases: list[Float]


def forward_propagate(
    X: Any,
    weights: Sequence[Float],
    biases: Sequence[Float],
    activations: Sequence[Activation],
    hypothesis: Function,
    masks: Sequence[Float] | None = None,
) -> Forward:
    """Propagate a batch forward and keep every z and a.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, N)
        The batch, one example a row. A single example is a batch of one (FP1).
    weights, biases : sequences of arrays of shapes (s_in, s_out) and (s_out,)
        The parameters of each layer.
    activations : sequence of Activation
        One per hidden layer.
    hypothesis : callable
        h, the output's function.
    masks : sequence of arrays, optional
        Dropout: for each hidden layer the factors of its activations.

    Returns
    -------
    Forward
    """
    z: list[Float] = []
    a: list[Float] = [X]
    reads: list[Float] = [X]
    for hidden, g in enumerate(activations):
        z.append(reads[-1] @ weights[hidden] + biases[hidden])  # FP2.1: Z = B + W A
        a.append(g(z[-1]))  # FP2.1: A = g(Z)
        reads.append(a[-1] if masks is None else a[-1] * masks[hidden])
    z.append(reads[-1] @ weights[-1] + biases[-1])  # FP2.2: Z = B + W A
    a.append(hypothesis(z[-1]))  # FP2.2: H = h(Z)
    return Forward(z, a, reads)


def propagate_to_output(
    X: Any, weights: Sequence[Float], biases: Sequence[Float], activations: Sequence[Activation]
) -> Float:
    """Propagate a batch to the output's z, keeping nothing else: what prediction needs."""
    a = X
    for g, W, b in zip(activations, weights[:-1], biases[:-1], strict=True):
        a = g(a @ W + b)  # FP2.1
    return a @ weights[-1] + biases[-1]  # FP2.2, before h


def back_propagate(
    forward: Forward,
    output_delta: Float,
    weights: Sequence[Float],
    activations: Sequence[Activation],
    masks: Sequence[Float] | None = None,
) -> Gradients:
    """Propagate the output's delta backward and collect the gradients.

    Parameters
    ----------
    forward : Forward
        The forward pass of the same batch.
    output_delta : array of shape (n, K)
        Delta^(L) = dJ/dZ^(L) (BP1.2), from the output pair.
    weights : sequence of arrays
        The weights of each layer.
    activations : sequence of Activation
        One per hidden layer.
    masks : sequence of arrays, optional
        The dropout masks of the forward pass.

    Returns
    -------
    Gradients
        Without penalties, which depend on the weights alone.
    """
    delta = [output_delta]  # BP1.2
    for hidden in reversed(range(len(activations))):
        error = delta[0] @ weights[hidden + 1].T  # BP2.2: (W^(l+1))^T Delta^(l+1)
        if masks is not None:
            error = error * masks[hidden]  # dJ/da through the mask
        g_prime = activations[hidden].derivative(forward.z[hidden], forward.a[hidden + 1])
        delta.insert(0, error * g_prime)  # BP2.2: ... elementwise times g'(Z^(l))
    return Gradients(
        delta=delta,
        grad_weights=[read.T @ d for read, d in zip(forward.reads, delta, strict=True)],  # BP3.2
        grad_biases=[d.sum(axis=0) for d in delta],  # BP4.2
    )
