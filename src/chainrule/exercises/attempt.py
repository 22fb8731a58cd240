"""A learner's computation of an exercise: every quantity by a rule, from earlier ones.

The rules are the notes' equations with examples in rows. With one rule changed, the same
computation gives the results of a learner who makes that mistake, in every later quantity.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias, final

import numpy as np
from scipy.special import xlogy

from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.activations import Activation
from chainrule.maths.arrays import Float
from chainrule.maths.loss import Loss
from chainrule.maths.penalties import penalty, penalty_gradient

__all__ = ["RIGHT", "Attempt", "Rule", "is_plain"]

Rule: TypeAlias = Callable[["Attempt", int], Float]
"""How a quantity of a layer is computed from those before it."""


@final
class Attempt:
    """A computation by these rules, which uses the given answers where they exist.

    Parameters
    ----------
    problem : Problem
    rules : dict of str to Rule
        By the kind of quantity; missing ones are the correct rules.
    own : dict of str to array
        Answers by name, in the form of the exercise: they replace the results of the rules.
    """

    def __init__(
        self, problem: Problem, rules: Mapping[str, Rule], own: Mapping[str, Float]
    ) -> None:
        self.p, self._own = problem, own
        self._rules = {**RIGHT, **rules}
        self._found: dict[tuple[str, int], Float] = {}
        self.used: dict[str, None] = {}
        """The answers that are used."""

    def answer(self, quantity: Quantity) -> Float:
        """Return a quantity by its rule, in the form of the exercise, regardless of its answer."""
        value = self._rules[quantity.kind](self, quantity.layer)
        return self.p.turned(np.asarray(value, np.float64))

    def _get(self, kind: str, layer: int, name: str = "") -> Float:
        if name in self._own:
            self.used[name] = None
            return self.p.turned(self._own[name])
        if (kind, layer) not in self._found:
            self._found[kind, layer] = self._rules[kind](self, layer)
        return self._found[kind, layer]

    # Given quantities.

    @property
    def L(self) -> int:
        """The number of layers."""
        return self.p.L

    @property
    def M(self) -> int:
        """The number of examples."""
        return len(self.p.X)

    @property
    def Y(self) -> Float:
        """The targets, (M, K)."""
        return self.p.Y

    @property
    def loss(self) -> Loss:
        """The output pair."""
        return self.p.net.architecture.loss

    def width(self, layer: int) -> int:
        """Return the number of nodes of a layer."""
        return self.p.net.sizes[layer - 1]

    def g(self, layer: int) -> Activation:
        """Return the activation of a hidden layer."""
        return self.p.net.architecture.activations[layer - 2]

    def W(self, layer: int) -> Float:
        """Return the weights that lead to a layer, (s_in, s_out)."""
        return self.p.net.weights[layer - 2]

    def b(self, layer: int) -> Float:
        """Return the biases of a layer."""
        return self.p.net.biases[layer - 2]

    # Computed quantities.

    def z(self, layer: int) -> Float:
        """Return the weighted inputs of a layer."""
        return self._get("z", layer, f"z_{layer}")

    def a(self, layer: int) -> Float:
        """Return the activations of a layer: X of the first, h of the last."""
        if layer == 1:
            return self.p.X
        return self.h if layer == self.L else self._get("a", layer, f"a_{layer}")

    @property
    def h(self) -> Float:
        """The hypotheses."""
        return self._get("h", self.L, "h")

    def losses(self) -> Float:
        """Return the loss of each example."""
        return self._get("losses", self.L)

    def divisor(self) -> Float:
        """Return the divisor of the sum over the examples: M."""
        return self._get("divisor", self.L)

    def penalty(self) -> Float:
        """Return the penalty's part of J."""
        return self._get("penalty", self.L)

    def decay(self, layer: int) -> Float:
        """Return the penalty's part of ∂J/∂W of a layer."""
        return self._get("decay", layer)

    def slope(self, layer: int) -> Float:
        """Return g′(z) of a hidden layer, h′(z) of the output, node by node."""
        return self._get("slope", layer)

    def error(self, layer: int) -> Float:
        """Return ∂J/∂a of a hidden layer: the delta after it, carried back through the weights."""
        return self._get("error", layer)

    def delta(self, layer: int) -> Float:
        """Return ∂J/∂z of a layer."""
        return self._get("delta", layer, f"delta_{layer}")

    def grad_weights(self, layer: int) -> Float:
        """Return ∂J/∂W of a layer."""
        return self._get("grad_weights", layer, f"grad_weights_{layer}")

    def grad_biases(self, layer: int) -> Float:
        """Return ∂J/∂b of a layer."""
        return self._get("grad_biases", layer, f"grad_biases_{layer}")

    def new_weights(self, layer: int) -> Float:
        """Return W of a layer after the step."""
        return self._get("new_weights", layer, f"new_weights_{layer}")


def is_plain(loss: Loss) -> bool:
    """Whether a loss is built in, without label smoothing."""
    if loss.made_of is None:
        return loss.name in ("squared_error", "logistic_squared_error", "poisson")
    return loss.name in ("cross_entropy", "log_loss") and not any(loss.made_of.numbers)


# From h, not from z as in the losses themselves: a learner continues from the h on paper.
_LOSSES: dict[str, Callable[[Float, Float], Float]] = {
    "squared_error": lambda h, y: 0.5 * (h - y) ** 2,
    "logistic_squared_error": lambda h, y: 0.5 * (h - y) ** 2,
    "cross_entropy": lambda h, y: -xlogy(y, h) - xlogy(1 - y, 1 - h),
    "log_loss": lambda h, y: -xlogy(y, h),
    "poisson": lambda h, y: xlogy(y, y) - xlogy(y, h) - y + h,
}

_H_PRIME: dict[str, Callable[[Float], Float]] = {
    "logistic": lambda h: h * (1 - h),
    "softmax": lambda h: h * (1 - h),  # its diagonal, which a mistake would use
    "identity": np.ones_like,
    "exp": lambda h: h,
}


def _z(n: Attempt, layer: int) -> Float:
    return n.a(layer - 1) @ n.W(layer) + n.b(layer)  # FP2.1


def _a(n: Attempt, layer: int) -> Float:
    return n.g(layer)(n.z(layer))  # FP2.1


def _h(n: Attempt, layer: int) -> Float:
    return n.loss.hypothesis(n.z(layer))  # FP2.2


def _losses(n: Attempt, layer: int) -> Float:
    if is_plain(n.loss):
        return _LOSSES[n.loss.name](n.h, n.Y).sum(axis=1)
    return n.loss.per_example(n.z(n.L), n.Y)


def _cost(n: Attempt, layer: int) -> Float:
    return n.losses().sum() / n.divisor() + n.penalty()


def _divisor(n: Attempt, layer: int) -> Float:
    return np.array(float(n.M))


def _penalty(n: Attempt, layer: int) -> Float:
    return np.array(penalty(n.p.net.weights, n.p.l2, 0.0, n.M))


def _decay(n: Attempt, layer: int) -> Float:
    return penalty_gradient(n.W(layer), n.p.l2, 0.0, n.M)


def _slope(n: Attempt, layer: int) -> Float:
    if layer < n.L:
        return n.g(layer).derivative(n.z(layer), n.a(layer))
    return _H_PRIME.get(n.loss.hypothesis_name, np.ones_like)(n.h)


def _error(n: Attempt, layer: int) -> Float:
    return n.delta(layer + 1) @ n.W(layer + 1).T  # BP2.2


def _delta(n: Attempt, layer: int) -> Float:
    if layer < n.L:
        return n.error(layer) * n.slope(layer)  # BP2.2
    if n.loss.name == "logistic_squared_error":
        return (n.h - n.Y) * n.slope(layer) / n.divisor()  # BP1.2 in its general form
    return n.loss.delta(n.z(layer), n.h, n.Y) / n.divisor()  # BP1.2


def _grad_weights(n: Attempt, layer: int) -> Float:
    return n.a(layer - 1).T @ n.delta(layer) + n.decay(layer)  # BP3.2


def _grad_biases(n: Attempt, layer: int) -> Float:
    return n.delta(layer).sum(axis=0)  # BP4.2


def _new_weights(n: Attempt, layer: int) -> Float:
    return n.W(layer) - n.p.rate * n.grad_weights(layer)


def _new_biases(n: Attempt, layer: int) -> Float:
    return n.b(layer) - n.p.rate * n.grad_biases(layer)


RIGHT: Mapping[str, Rule] = MappingProxyType(
    {
        "z": _z,
        "a": _a,
        "h": _h,
        "losses": _losses,
        "divisor": _divisor,
        "cost": _cost,
        "penalty": _penalty,
        "decay": _decay,
        "slope": _slope,
        "error": _error,
        "delta": _delta,
        "grad_weights": _grad_weights,
        "grad_biases": _grad_biases,
        "new_weights": _new_weights,
        "new_biases": _new_biases,
    }
)
"""The notes' equations."""
