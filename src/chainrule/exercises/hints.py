"""What to say to a wrong answer: the equation that was to be used, and the slip, if it is known."""

from collections.abc import Iterator

import numpy as np

from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.arrays import Float

__all__ = ["hint_for", "slips"]

_SLOPES = {
    "identity": "1",
    "logistic": "a(1 − a)",
    "tanh": "1 − a²",
    "relu": "1 where z > 0, else 0",
    "leaky_relu": "1 where z > 0, else 0.01",
    "elu": "1 where z > 0, else e^z",
    "softplus": "logistic(z)",
}
_UP = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _of(layer: int) -> str:
    return f"⁽{str(layer).translate(_UP)}⁾"


def hint_for(p: Problem, quantity: Quantity) -> str:
    """Return the equation of a quantity, with its tag, as one writes it."""
    layer, rows, many = quantity.layer, p.notation.rows, p.notation.many
    here, before, after = _of(layer), _of(layer - 1), _of(layer + 1)
    g = "" if not 2 <= layer < p.L else p.net.architecture.activations[layer - 2].name
    loss = p.net.architecture.loss
    a_before = "x" if layer == 2 else f"a{before}"
    over = " / M" if many else ""
    match quantity.kind:
        case "z":
            product = f"{a_before} W{here}" if rows else f"W{here} {a_before}"
            said = f"z{here} = b{here} + {product}"
        case "a":
            said = f"a{here} = g(z{here}), g = {g}, node by node"
        case "h":
            said = f"h = h(z{here}), the hypothesis is the {loss.hypothesis_name}"
        case "cost":
            mean = "the mean over the examples of the" if many else "the"
            said = f"J = {mean} loss, {loss.name.replace('_', ' ')}"
        case "delta" if layer == p.L:
            said = f"δ{here} = {_output_delta(p)}{over}"
        case "delta":
            back = f"δ{after} (W{after})ᵀ" if rows else f"(W{after})ᵀ δ{after}"
            slope = _SLOPES.get(g)
            said = f"δ{here} = {back} ⊙ g′(z{here})"
            said += f", g′ = {slope}" if slope else f" for {g}"
        case "grad_weights":
            product = f"({a_before})ᵀ δ{here}" if rows else f"δ{here} ({a_before})ᵀ"
            said = f"∂J/∂W{here} = {product}"
        case "grad_biases":
            said = f"∂J/∂b{here} = " + (f"δ{here} summed over the examples" if many else f"δ{here}")
        case _:
            letter = "W" if quantity.kind == "new_weights" else "b"
            said = f"{letter}{here} := {letter}{here} − {p.rate:g} ∂J/∂{letter}{here}"
    return f"{quantity.tag}: {said}." if quantity.tag else f"{said}."


def _output_delta(p: Problem) -> str:
    residual, _ = _residual(p)
    if residual:
        return "h − y"
    if p.net.architecture.loss.name == "logistic_squared_error":
        return "(h − y) ⊙ h(1 − h)"
    return "the loss's derivative by z"


def _residual(p: Problem) -> tuple[bool, Float]:
    """Return whether delta of the output is h - y, and h - y."""
    residual = p.forward.h - p.Y
    loss = p.net.architecture.loss
    return bool(np.allclose(loss.delta(p.forward.z[-1], p.forward.h, p.Y), residual)), residual


def slips(p: Problem, quantity: Quantity) -> Iterator[tuple[Float, str]]:
    """Yield what some usual slips lead to, as the exercise has it, and what to say to each."""
    value, layer, n = quantity.value, quantity.layer, len(p.X)
    for wrong, said in _slips_of_kind(p, quantity):
        yield p.turned(wrong), said
    if quantity.kind in ("delta", "grad_weights", "grad_biases"):
        yield -value, "the sign is the other way round: it is h − y, not y − h"
        if n > 1:
            yield n * value, f"the 1/M of the cost is missing: divide by {n}"
    if quantity.kind == "cost":
        yield -value, "the sign is the other way round: a loss is never negative"
        if n > 1:
            yield n * value, f"J is the mean over the {n} examples, not the sum"
    if value.ndim == 2 and value.shape[0] > 1 and value.shape[1] > 1:
        now = "rows" if p.notation.rows else "columns"
        yield value.T, f"these are the right numbers, transposed: examples are {now} here"
    if quantity.kind.startswith("new") and p.back is not None:
        old = p.net.weights if quantity.kind == "new_weights" else p.net.biases
        before = p.turned(old[layer - 2])
        yield 2 * before - value, "this goes up: the step is against the gradient, with a minus"


def _slips_of_kind(p: Problem, quantity: Quantity) -> Iterator[tuple[Float, str]]:
    """Yield slips with examples in rows."""
    net, forward, layer = p.net, p.forward, quantity.layer
    at = layer - 2
    match quantity.kind:
        case "z":
            yield forward.z[at] - net.biases[at], "the bias is missing"
            yield forward.a[layer - 1], "this is already the activation: z comes before it"
        case "a" | "h":
            yield forward.z[at], "this is z: the function is still to be applied"
        case "delta" if layer == p.L:
            h, c = forward.h, 1 / len(p.X)
            exact, residual = _residual(p)
            twice = c * residual * h * (1 - h)
            if exact and p.net.architecture.loss.targets in ("binary", "classes"):
                yield twice, "h′ is in here once too often: for this pair it cancels"
            elif not exact:
                yield c * residual, "this is h − y: for this pair h′ does not cancel"
        case "delta" if p.back is not None:
            back = p.back.gradients.delta[at + 1] @ net.weights[at + 1].T
            yield back, "g′(z) is missing: multiply by the slope, node by node"
            g, z = net.architecture.activations[at], forward.z[at]
            yield back * g(z), "this has g(z) where its slope g′(z) belongs"
        case "grad_weights" if p.back is not None and at:
            wrong = forward.z[at - 1].T @ p.back.gradients.delta[at]
            yield wrong, "this has z of the layer before where its activation a belongs"
        case _:
            return
