"""Networks for pen and paper: weights in halves, small integer inputs, no extreme values."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from chainrule.architecture.inputs import check_batch
from chainrule.errors import InvalidParameter
from chainrule.maths.arrays import Float
from chainrule.maths.propagation import Forward, back_propagate, forward_propagate
from chainrule.maths.random import Purpose, words
from chainrule.network import Network

__all__ = ["MOST_EXAMPLES", "MOST_NODES", "friendly"]

MOST_NODES, MOST_EXAMPLES, MOST_LAYERS = 8, 6, 6
_ATTEMPTS = 200
_WEIGHTS = (-1.5, -1.0, -1.0, -0.5, -0.5, 0.5, 0.5, 1.0, 1.0, 1.5)
_BIASES = (-1.0, -0.5, 0.0, 0.5, 1.0)
_INPUTS = (-2.0, -1.0, 0.0, 1.0, 1.0, 2.0, 3.0)
_REAL = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
_COUNTS = (0.0, 1.0, 2.0, 3.0, 4.0)


@final
class _Draws:
    """Numbers drawn one after another from a stream of random words."""

    def __init__(self, seed: int, attempt: int, n: int) -> None:
        self.words = words(n, seed, Purpose.EXERCISE, step=attempt)
        self.used = 0

    def below(self, n: int, shape: tuple[int, ...]) -> Any:
        """Return whole numbers from 0 to n - 1."""
        count = int(np.prod(shape))
        taken = self.words[self.used : self.used + count]
        self.used += count
        return (taken.astype(np.uint64) * np.uint64(n) >> np.uint64(32)).astype(int).reshape(shape)

    def of(self, values: Sequence[float], shape: tuple[int, ...]) -> Float:
        """Return some of these values."""
        return np.array(values)[self.below(len(values), shape)]


def friendly(
    sizes: Sequence[int], activation: Any, loss: Any, n_examples: int, seed: int
) -> tuple[Network, Float, Float]:
    """Return a network, inputs and targets that are easy to compute with.

    Of up to 200 draws the first is used in which nothing is extreme: no z where a sigmoid is
    flat or too near a kink, no layer without an error.

    Raises
    ------
    InvalidParameter
        If the network is too large for pen and paper, or its loss too unusual.
    """
    net = Network(sizes, activation, loss, init="zeros", dtype="float64", seed=seed)
    if max(net.sizes) > MOST_NODES or n_examples > MOST_EXAMPLES or len(net.sizes) > MOST_LAYERS:
        raise InvalidParameter(
            f"An exercise is for pen and paper: at most {MOST_LAYERS} layers of at most "
            f"{MOST_NODES} nodes, and {MOST_EXAMPLES} examples. Got sizes={list(net.sizes)} and "
            f"n_examples={n_examples}: see cr.explain for larger networks."
        )
    made_of = net.architecture.loss.made_of
    several = made_of is not None and made_of.outputs_per_target > 1
    if several or net.architecture.loss.targets == "groups":
        raise InvalidParameter(
            f"The loss '{net.architecture.loss.name}' with several outputs for one target is not "
            f"supported in exercises: use one output for each target."
        )
    best = (np.inf, 0)
    for attempt in range(_ATTEMPTS):
        found = _badness(net, *_draw(net, n_examples, seed, attempt))
        best = min(best, (found, attempt))
        if not found:
            break
    X, targets = _draw(net, n_examples, seed, best[1])
    return net, X, targets


def _draw(net: Network, n: int, seed: int, attempt: int) -> tuple[Float, Float]:
    """Fill the network with numbers, and return inputs and targets."""
    N, K = net.sizes[0], net.sizes[-1]
    draws = _Draws(seed, attempt, net.n_parameters + n * (N + K))
    for W, b in zip(net.weights, net.biases, strict=True):
        W[...] = draws.of(_WEIGHTS, W.shape)
        b[...] = draws.of(_BIASES, b.shape)
    X = draws.of(_INPUTS, (n, N))
    kind = net.architecture.loss.targets
    if kind == "classes":
        return X, draws.below(K, (n,)).astype(float)
    values = {"binary": (0.0, 1.0), "nonnegative": _COUNTS}.get(kind, _REAL)
    return X, draws.of(values, (n, K))


def _badness(net: Network, X: Float, targets: Float) -> float:
    """Return a penalty for numbers that are hard to compute with: 0 if there are none."""
    architecture = net.architecture
    loss = architecture.loss
    _, Y, _ = check_batch(architecture, X, targets)
    forward = forward_propagate(
        X, net.weights, net.biases, architecture.activations, loss.hypothesis
    )
    bad = float((~X.any(axis=1)).sum())
    bad += len(X) - len(np.unique(X, axis=0))
    bad += float(len(X) > 1 and len(np.unique(Y, axis=0)) == 1)
    bad += np.maximum(np.abs(forward.z[-1]) - (2.5 if loss.targets != "real" else 9), 0).sum()
    for g, z in zip(architecture.activations, forward.z, strict=False):
        bad += np.maximum(np.abs(z) - (3 if not g.kinks else 9), 0).sum()
        bad += sum((np.abs(z - kink) < 0.2).sum() for kink in g.kinks)
    if not loss.differentiable or not all(g.differentiable for g in architecture.activations):
        return bad
    bad += sum((np.abs(forward.z[-1] - Y - kink) < 0.2).sum() for kink in loss.kinks)
    return bad + _badness_of_errors(net, forward, Y)


def _badness_of_errors(net: Network, forward: Forward, Y: Float) -> float:
    """Return the number of layers whose errors are nearly all 0, or partly tiny."""
    delta = net.architecture.loss.delta(forward.z[-1], forward.h, Y)
    bad = float((np.abs(delta) < 0.04).sum())
    back = back_propagate(forward, delta, net.weights, net.architecture.activations)
    for d in back.delta:
        size = np.abs(d)
        bad += float((size > 0).mean() < 0.5) + float(((size > 0) & (size < 1e-3)).sum())
    return bad
