"""The quantities that an exercise can ask for: symbol, tag and value of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from chainrule.engines import Examples
from chainrule.engines.reference import Pass, cost_and_gradients
from chainrule.maths.arrays import Float
from chainrule.maths.penalties import penalty
from chainrule.maths.propagation import Forward, forward_propagate
from chainrule.network import Network
from chainrule.working.formulas.expressions import Expression, Nabla, Symbol, WithShape
from chainrule.working.formulas.symbols import COST, Notation

__all__ = ["Problem", "Quantity", "quantities_of"]


@final
@dataclass(frozen=True)
class Problem:
    """A network with its examples, and the pass over them, backward only if it exists.

    Attributes
    ----------
    net : Network
        In float64.
    X, Y : arrays of shapes (n, N) and (n, K)
    targets : array
        Y as the network's methods take it.
    rate : float
        The learning rate of the step.
    l2 : float
        The notes' lambda of the L2 penalty; 0 for no penalty.
    notation : Notation
    forward : Forward
    back : Pass or None
        None if a step function blocks the backward pass.
    cost : float or None
        J, if there is a loss.
    """

    net: Network
    X: Float
    Y: Float
    targets: Float
    rate: float
    l2: float
    notation: Notation
    forward: Forward
    back: Pass | None
    cost: float | None

    @classmethod
    def of(
        cls,
        net: Network,
        X: Float,
        Y: Float,
        targets: Float,
        rate: float,
        l2: float = 0.0,
        *,
        rows: bool,
    ) -> "Problem":
        """Make the pass."""
        architecture = net.architecture
        notation = Notation(many=len(X) > 1, rows=rows)
        trainable = architecture.loss.differentiable and all(
            g.differentiable for g in architecture.activations
        )
        if trainable:
            batch = Examples(X, Y, None)
            found = cost_and_gradients(
                architecture, net.parameters, batch, len(batch), batch.total, l2=l2
            )
            return cls(net, X, Y, targets, rate, l2, notation, found.forward, found, found.cost)
        forward = forward_propagate(
            X, net.weights, net.biases, architecture.activations, architecture.loss.hypothesis
        )
        cost = None
        if architecture.loss.differentiable:
            cost = float(np.mean(architecture.loss.per_example(forward.z[-1], Y)))
            cost += penalty(net.weights, l2, 0.0, len(X))
        return cls(net, X, Y, targets, rate, l2, notation, forward, None, cost)

    @property
    def L(self) -> int:
        """The number of layers."""
        return len(self.net.sizes)

    def turned(self, values: Float) -> Float:
        """Return a matrix in the exercise's orientation: the notes have examples in columns."""
        return values if self.notation.rows or values.ndim < 2 else values.T


@final
@dataclass(frozen=True)
class Quantity:
    """A quantity to find.

    Attributes
    ----------
    name : str
        Its name, such as "delta_2".
    kind : str
        "z", "a", "h", "cost", "delta", "grad_weights", "grad_biases", "new_weights", "new_biases".
    layer : int
        Its layer, as the notes count; 0 for the cost.
    value : array
        The correct value in the exercise's orientation: a matrix, the vector of a bias, or a
        number.
    symbol : Expression
    tag : str
        The notes' equation.
    """

    name: str
    kind: str
    layer: int
    value: Float
    symbol: Expression
    tag: str


def quantities_of(problem: Problem) -> dict[str, Quantity]:
    """Return everything that can be asked for, in the order in which it is computed."""
    return {quantity.name: quantity for quantity in _all(problem)}


def _all(p: Problem) -> Iterator[Quantity]:
    notation, net, L, n = p.notation, p.net, p.L, len(p.X)

    def shaped(symbol: Expression, nodes: int, others: int) -> Expression:
        return WithShape(symbol, notation.shape(nodes, others))

    for layer in range(2, L + 1):
        size = net.sizes[layer - 1]
        z, a = p.turned(p.forward.z[layer - 2]), p.turned(p.forward.a[layer - 1])
        tag = notation.tag("output" if layer == L else "hidden")
        symbol = shaped(notation.array("z", layer), size, n)
        yield Quantity(f"z_{layer}", "z", layer, z, symbol, tag)
        if layer < L:
            symbol = shaped(notation.array("a", layer), size, n)
            yield Quantity(f"a_{layer}", "a", layer, a, symbol, tag)
        else:
            yield Quantity("h", "h", layer, a, shaped(notation.array("h"), size, n), tag)
    if p.cost is not None:
        yield Quantity("cost", "cost", 0, np.array(p.cost), COST, "")
    if p.back is None:
        return
    for layer in range(L, 1, -1):
        size, before = net.sizes[layer - 1], net.sizes[layer - 2]
        gradients, at = p.back.gradients, layer - 2
        delta = p.turned(gradients.delta[at])
        symbol = shaped(notation.array("δ", layer), size, n)
        tag = notation.tag("BP1" if layer == L else "BP2")
        yield Quantity(f"delta_{layer}", "delta", layer, delta, symbol, tag)
        W, b = notation.weights(layer), notation.biases(layer)
        symbol = shaped(Nabla(COST, W), size, before)
        value = p.turned(gradients.grad_weights[at])
        yield Quantity(
            f"grad_weights_{layer}", "grad_weights", layer, value, symbol, notation.tag("BP3")
        )
        value = gradients.grad_biases[at]
        symbol = shaped(Nabla(COST, b), size, 1)
        yield Quantity(
            f"grad_biases_{layer}", "grad_biases", layer, value, symbol, notation.tag("BP4")
        )
    for layer in range(2, L + 1):
        size, before = net.sizes[layer - 1], net.sizes[layer - 2]
        gradients, at = p.back.gradients, layer - 2
        weights = net.weights[at] - p.rate * gradients.grad_weights[at]
        biases = net.biases[at] - p.rate * gradients.grad_biases[at]
        symbol = shaped(_after(notation.weights(layer)), size, before)
        yield Quantity(
            f"new_weights_{layer}", "new_weights", layer, p.turned(weights), symbol, "GD"
        )
        symbol = shaped(_after(notation.biases(layer)), size, 1)
        yield Quantity(f"new_biases_{layer}", "new_biases", layer, biases, symbol, "GD")


def _after(symbol: Symbol) -> Symbol:
    """Return the symbol of a parameter after the step."""
    return Symbol(symbol.name, ("new",), symbol.above)
