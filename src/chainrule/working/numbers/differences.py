"""The finite-difference estimate of single derivatives of J, many at once.

The same differences as in `chainrule.network.gradient_check`: central, of two widths combined
(Richardson), repeated with a small width where a kink lies between the two sides. Moving one
parameter of a layer moves one of its z, so only the layers after it are computed again, for all
the moves together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chainrule.engines import Examples
from chainrule.maths.arrays import Float
from chainrule.maths.propagation import Forward
from chainrule.network import Network

__all__ = ["Entry", "Slopes"]

_WIDE, _NARROW = 2e-4, 1e-7
_AT_ONCE = 2**22  # numbers of a layer in memory at once


class Entry(NamedTuple):
    """A parameter: the layer of weights, from 0; its node i and j, from 0; j None for a bias."""

    layer: int
    i: int
    j: int | None


@final
@dataclass(frozen=True)
class Slopes:
    """Estimates dJ/dw by differences around a pass that was already made.

    Attributes
    ----------
    net : Network
        In float64.
    batch : Examples
    forward : Forward
        Its pass forward.
    masks : sequence of arrays or None
        Dropout's, as in the pass.
    l2, l1 : float
        The penalties' lambdas.
    """

    net: Network
    batch: Examples
    forward: Forward
    masks: Sequence[Float] | None = None
    l2: float = 0.0
    l1: float = 0.0

    def of(self, entries: Sequence[Entry]) -> dict[Entry, float | None]:
        """Return the estimate of each derivative; None where a kink is crossed at any width."""
        found: dict[Entry, float | None] = {}
        for layer in sorted({entry.layer for entry in entries}):
            inside = [entry for entry in entries if entry.layer == layer]
            width = max(self.net.sizes[layer + 1 :])
            at_once = max(1, _AT_ONCE // (4 * len(self.batch) * width))
            for start in range(0, len(inside), at_once):
                part = inside[start : start + at_once]
                found.update(zip(part, self._of_layer(layer, part), strict=True))
        return found

    def _of_layer(self, layer: int, entries: Sequence[Entry]) -> list[float | None]:
        wide = np.array([_WIDE * self._reach(entry) for entry in entries])
        near = self._differences(layer, entries, wide)
        far = self._differences(layer, entries, 2 * wide)
        combined = (4 * near - far) / 3
        crossed = [entry for entry, d in zip(entries, combined, strict=True) if np.isnan(d)]
        if crossed:
            narrow = np.array([_NARROW * self._reach(entry) for entry in crossed])
            again = dict(zip(crossed, self._differences(layer, crossed, narrow), strict=True))
            combined = [again.get(e, d) for e, d in zip(entries, combined, strict=True)]
        return [None if np.isnan(d) else float(d) for d in combined]

    def _reach(self, entry: Entry) -> float:
        """Return the width for a parameter, which must suit the inputs of the layer."""
        layer, _, j = entry
        array = self.net.biases[layer] if j is None else self.net.weights[layer]
        read = 1.0 if j is None else max(1.0, float(np.abs(self.forward.reads[layer]).max()))
        return max(1.0, float(np.abs(array).max())) / read

    def _differences(self, layer: int, entries: Sequence[Entry], t: Float) -> Float:
        """Return [J(w + t) - J(w - t)]/2t for each entry; NaN where a kink lies between."""
        plus, plus_kinks = self._moved(layer, entries, t)
        minus, minus_kinks = self._moved(layer, entries, -t)
        c = (1.0 if self.batch.weight is None else self.batch.weight) / self.batch.total
        with np.errstate(invalid="ignore"):
            change = np.where(c == 0, 0, c * (plus - minus)).sum(axis=1)
        change += [
            self._penalty(e, s) - self._penalty(e, -s) for e, s in zip(entries, t, strict=True)
        ]
        kinks = (
            plus_kinks
            | minus_kinks
            | [self._at_zero(e, s) for e, s in zip(entries, t, strict=True)]
        )
        return np.where(kinks, np.nan, change / (2 * t))

    def _moved(
        self, layer: int, entries: Sequence[Entry], t: Float
    ) -> tuple[Float, NDArray[np.bool_]]:
        """Return each example's loss after each move, (entries, n), and where a kink was passed."""
        architecture, n = self.net.architecture, len(self.batch)
        z = np.repeat(self.forward.z[layer][None], len(entries), axis=0)
        for which, (entry, step) in enumerate(zip(entries, t, strict=True)):
            read = 1.0 if entry.j is None else self.forward.reads[layer][:, entry.j]
            z[which, :, entry.i] += step * read
        kinks = np.zeros(len(entries), bool)
        for hidden in range(layer, architecture.n_layers - 2):
            g = architecture.activations[hidden]
            for kink in g.kinks:
                kinks |= ((z > kink) != (self.forward.z[hidden] > kink)).any(axis=(1, 2))
            a = g(z.reshape(-1, z.shape[2])).reshape(z.shape)
            reads = a if self.masks is None else a * self.masks[hidden]
            z = reads @ self.net.weights[hidden + 1] + self.net.biases[hidden + 1]
        for kink in architecture.loss.kinks:
            apart = (z - self.batch.Y > kink) != (self.forward.z[-1] - self.batch.Y > kink)
            kinks |= apart.any(axis=(1, 2))
        Y = np.tile(self.batch.Y, (len(entries), 1))
        losses = architecture.loss.per_example(z.reshape(-1, z.shape[2]), Y)
        return losses.reshape(len(entries), n), kinks

    def _penalty(self, entry: Entry, step: float) -> float:
        """Return the part of J that depends on one weight alone, after a step."""
        if entry.j is None:
            return 0.0
        w = float(self.net.weights[entry.layer][entry.j, entry.i]) + step
        return (0.5 * self.l2 * w * w + self.l1 * abs(w)) / self.batch.total

    def _at_zero(self, entry: Entry, step: float) -> bool:
        """Whether |w| has its kink between the two sides; at w = 0 itself the slope is 0."""
        if entry.j is None or not self.l1:
            return False
        w = float(self.net.weights[entry.layer][entry.j, entry.i])
        return w != 0 and abs(w) < abs(step)
