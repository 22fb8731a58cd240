"""The equations to use, as text for hints."""

from chainrule.exercises.quantities import Problem, Quantity

__all__ = ["hint_for"]

_SLOPES = {
    "identity": "1",
    "logistic": "a(1 − a)",
    "tanh": "1 − a²",
    "relu": "1 where z > 0, else 0",
    "leaky_relu": "1 where z > 0, else 0.01",
    "elu": "1 where z > 0, else e^z",
    "softplus": "logistic(z)",
}
_OUTPUT_DELTAS = {
    "squared_error": "h − y",
    "cross_entropy": "h − y",
    "log_loss": "h − y",
    "poisson": "h − y",
    "logistic_squared_error": "(h − y) ⊙ h(1 − h)",
    "absolute_error": "sign(h − y)",
    "huber": "h − y, clipped",
    "quantile": "1 − q where h > y, −q where h < y",
}
_LOSSES = {
    "squared_error": "½ Σ (h − y)²",
    "logistic_squared_error": "½ Σ (h − y)²",
    "cross_entropy": "−Σ [y ln h + (1 − y) ln(1 − h)]",
    "log_loss": "−Σ y ln h",
    "absolute_error": "Σ |h − y|",
    "poisson": "Σ [y ln(y/h) − y + h]",
}
_UP = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _of(layer: int) -> str:
    return f"⁽{str(layer).translate(_UP)}⁾"


def hint_for(p: Problem, quantity: Quantity) -> str:
    """Return the equation of a quantity, with its tag, as text."""
    layer, rows, many = quantity.layer, p.notation.rows, p.notation.many
    here, before, after = _of(layer), _of(layer - 1), _of(layer + 1)
    g = "" if not 2 <= layer < p.L else p.net.architecture.activations[layer - 2].name
    loss = p.net.architecture.loss
    a_before = "x" if layer == 2 else f"a{before}"
    over = " / M" if many else ""
    strength = f"{p.l2:g}/M" if many else f"{p.l2:g}"
    penalty = f"{p.l2:g}/2M" if many else f"{p.l2:g}/2"
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
            if loss.name in _LOSSES:
                said += f": {_LOSSES[loss.name]}"
            said += f", plus {penalty} Σ w²" if p.l2 else ""
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
            said += f" + {strength} W{here}" if p.l2 else ""
        case "grad_biases":
            said = f"∂J/∂b{here} = " + (f"δ{here} summed over the examples" if many else f"δ{here}")
        case _:
            letter = "W" if quantity.kind == "new_weights" else "b"
            said = f"{letter}{here} := {letter}{here} − {p.rate:g} ∂J/∂{letter}{here}"
    return f"{quantity.tag}: {said}." if quantity.tag else f"{said}."


def _output_delta(p: Problem) -> str:
    loss = p.net.architecture.loss
    return _OUTPUT_DELTAS.get(loss.name, "the loss's derivative by z")
