"""Gradient checking: back-propagation against central differences.

The derivative of J along a direction v is the slope of J(theta + t v) at t = 0. Two widths of
central differences are combined so that their errors of order t^2 cancel (Richardson), and the
difference is taken term by term before summing, which saves the digits that J - J would lose:

    D(t) = sum [J_m(theta + t v) - J_m(theta - t v)] / 2t,    (4 D(t) - D(2t)) / 3.

Where a kink lies between the two sides (a rectifier's z changes sign, an L1 weight does, the
residual of an absolute error), the difference is not an estimate of the derivative. It is then
computed again with a much smaller t, and left out and counted if a kink is still crossed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture.inputs import check_batch
from chainrule.engines.interface import Examples
from chainrule.engines.reference import cost_and_gradients
from chainrule.maths.arrays import Float
from chainrule.maths.propagation import forward_propagate
from chainrule.maths.random import Purpose, words
from chainrule.network.network import Network

__all__ = ["GradientCheck", "GradientProblem", "LayerCheck", "check_network"]

TOLERANCE = 1e-6
Sides: TypeAlias = NDArray[np.bool_]
_SMALL = 2000  # parameters up to which every single one is checked
_DIRECTIONS = 8  # random directions for each layer's weights and for its biases
_WIDE, _NARROW = 2e-4, 1e-7  # t, relative to the size of the values that are moved


@final
@dataclass(frozen=True)
class GradientProblem:
    """A network with the data and penalties for the check of its gradient."""

    net: Network
    X: Any
    Y: Any
    sample_weight: Any = None
    l2: float = 0.0
    l1: float = 0.0


@final
@dataclass(frozen=True)
class LayerCheck:
    """The differences between back-propagation and finite differences in one layer.

    Attributes
    ----------
    layer : int
        The layer, 0 for the one that reads X.
    weights_error, biases_error : float
        The largest difference relative to max abs grad J; NaN if every entry was left out.
    n_checked, n_left_out : int
        The numbers of entries and directions compared, and left out because of a kink.
    """

    layer: int
    weights_error: float
    biases_error: float
    n_checked: int
    n_left_out: int


@final
@dataclass(frozen=True)
class GradientCheck:
    """The result of `chainrule.check_gradients`, which prints as a table.

    Attributes
    ----------
    per_layer : tuple of LayerCheck
    max_gradient : float
        max abs grad J over all of theta; the errors are relative to it.
    """

    per_layer: tuple[LayerCheck, ...]
    max_gradient: float

    @property
    def max_relative_error(self) -> float:
        """The largest difference relative to max abs grad J; NaN if nothing could be compared."""
        errors = [e for layer in self.per_layer for e in (layer.weights_error, layer.biases_error)]
        known = [e for e in errors if not np.isnan(e)]
        return max(known, default=float("nan"))

    @property
    def n_checked(self) -> int:
        """The number of entries and directions that were compared."""
        return sum(layer.n_checked for layer in self.per_layer)

    @property
    def n_left_out(self) -> int:
        """The number of entries and directions that were left out because of a kink."""
        return sum(layer.n_left_out for layer in self.per_layer)

    @property
    def passed(self) -> bool:
        """Whether something was compared and no difference is larger than 1e-6."""
        return self.max_relative_error <= TOLERANCE

    def __str__(self) -> str:
        """Return a table of the layers, and the verdict."""
        lines = ["layer  weights   biases    checked  left out"]
        lines += [
            f"{c.layer:>5}  {c.weights_error:<8.1e}  {c.biases_error:<8.1e}  {c.n_checked:>7}  "
            f"{c.n_left_out:>8}"
            for c in self.per_layer
        ]
        verdict = "passed" if self.passed else "FAILED"
        lines.append(
            f"{verdict}: largest difference {self.max_relative_error:.1e} of max |grad J| = "
            f"{self.max_gradient:.3g} (tolerance {TOLERANCE:.0e})"
        )
        return "\n".join(lines)


def check_network(problem: GradientProblem) -> GradientCheck:
    """Compare a network's back-propagation with central differences (see `cr.check_gradients`).

    Raises
    ------
    InvalidInput
        If the batch is unusable.
    NotTrainable
        If a step function blocks the gradient.
    """
    l2, l1 = problem.l2, problem.l1
    wide = problem.net.copy("float64")
    architecture = wide.architecture
    architecture.require_trainable()
    batch = Examples(*check_batch(architecture, problem.X, problem.Y, problem.sample_weight))

    result = cost_and_gradients(
        architecture, wide.parameters, batch, len(batch), batch.total, l2=l2, l1=l1
    )
    forward, gradients = result.forward, result.gradients
    arrays = [*gradients.grad_weights, *gradients.grad_biases]
    max_gradient = max(float(np.abs(g).max()) for g in arrays)
    relative_to = max_gradient or 1.0

    slopes = _Slopes(wide, batch, l2, l1)
    layers: list[LayerCheck] = []
    for layer, (grad_W, grad_b) in enumerate(
        zip(gradients.grad_weights, gradients.grad_biases, strict=True)
    ):
        # Moving a weight by t moves z by |a| t: t must suit the inputs of the layer.
        read = max(1.0, float(abs(forward.reads[layer]).max()))
        W = slopes.compare(wide.weights[layer], grad_W, layer, read=read, penalized=True)
        b = slopes.compare(wide.biases[layer], grad_b, layer, read=1.0, penalized=False)
        layers.append(
            LayerCheck(
                layer=layer,
                weights_error=W.worst / relative_to,
                biases_error=b.worst / relative_to,
                n_checked=W.checked + b.checked,
                n_left_out=W.left_out + b.left_out,
            )
        )
    return GradientCheck(tuple(layers), max_gradient)


@final
@dataclass
class _Tally:
    """The worst difference of one array, and the number of comparisons."""

    worst: float = float("nan")
    checked: int = 0
    left_out: int = 0

    def add(self, difference: float | None) -> None:
        if difference is None:
            self.left_out += 1
            return
        self.checked += 1
        # A NaN difference must not be lost: it is the worst possible.
        worst = np.inf if np.isnan(difference) else difference
        self.worst = worst if np.isnan(self.worst) else max(self.worst, worst)


@final
class _Slopes:
    """Slopes of J by differences, along directions in one array of parameters."""

    def __init__(self, net: Network, batch: Examples, l2: float, l1: float) -> None:
        self.net, self.batch, self.l2, self.l1 = net, batch, l2, l1
        self.total = batch.total
        self.c = (1.0 if batch.weight is None else batch.weight) / self.total

    def compare(
        self, array: Float, grad: Float, layer: int, *, read: float, penalized: bool
    ) -> _Tally:
        """Compare an array's gradient with differences; the array is restored."""
        tally = _Tally()
        _, sides = self._evaluate()
        for direction in self._directions(array, layer):
            # Along k entries at once z moves about sqrt(k) times as far as along one.
            size = max(1.0, float(np.abs(array).max())) / math.sqrt(np.count_nonzero(direction))
            slope = self._slope(array, direction, size / read, sides, penalized=penalized)
            tally.add(None if slope is None else abs(slope - float(np.sum(grad * direction))))
        return tally

    def _directions(self, array: Float, layer: int) -> Iterator[Float]:
        for i in range(_DIRECTIONS):
            bits = words(array.size, i, Purpose.GRADIENT_CHECK, layer) & np.uint32(1)
            yield (2.0 * bits - 1.0).reshape(array.shape)
        if self.net.n_parameters <= _SMALL:
            for i in range(array.size):
                one = np.zeros(array.size)
                one[i] = 1
                yield one.reshape(array.shape)

    def _slope(
        self,
        array: Float,
        direction: Float,
        reach: float,
        sides: list[Sides],
        *,
        penalized: bool,
    ) -> float | None:
        def difference(t: float) -> float | None:
            return self._difference(array, t * direction, t, sides, penalized=penalized)

        narrow, wide = difference(_WIDE * reach), difference(2 * _WIDE * reach)
        if narrow is None or wide is None:
            return difference(_NARROW * reach)
        return (4 * narrow - wide) / 3

    def _difference(
        self, array: Float, move: Float, t: float, sides: list[Sides], *, penalized: bool
    ) -> float | None:
        """Return [J(array + move) - J(array - move)]/2t, or None if a kink lies between."""
        start = array.copy()
        # |w| has its kink at 0; at w = 0 itself the difference is 0, as sign(0) is.
        if penalized and self.l1 and np.any((start != 0) & (np.abs(start) < np.abs(move))):
            return None
        try:
            array[...] = start + move
            plus, plus_sides = self._evaluate()
            array[...] = start - move
            minus, minus_sides = self._evaluate()
        finally:
            array[...] = start
        for here, above, below in zip(sides, plus_sides, minus_sides, strict=True):
            if not (np.array_equal(here, above) and np.array_equal(here, below)):
                return None
        change = sum(float(np.sum(p - m)) for p, m in zip(plus, minus, strict=True))
        return change / (2 * t)

    def _evaluate(self) -> tuple[list[Float], list[Sides]]:
        """Return the terms whose sum is J, and on which side of each kink every z lies."""
        architecture, net = self.net.architecture, self.net
        forward = forward_propagate(
            self.batch.X,
            net.weights,
            net.biases,
            architecture.activations,
            architecture.loss.hypothesis,
        )
        terms = [self.c * architecture.loss.per_example(forward.z[-1], self.batch.Y)]
        if self.l2:
            terms += [0.5 * self.l2 / self.total * W * W for W in net.weights]
        if self.l1:
            terms += [self.l1 / self.total * np.abs(W) for W in net.weights]
        sides = [
            z > kink
            for g, z in zip(architecture.activations, forward.z, strict=False)
            for kink in g.kinks
        ]
        loss = architecture.loss
        sides += [forward.z[-1] - self.batch.Y > kink for kink in loss.kinks]
        return terms, sides
