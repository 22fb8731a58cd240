"""What follows from somebody's own numbers: a slip is counted once, not in all that comes after."""

from collections.abc import Mapping

import numpy as np

from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.arrays import Float

__all__ = ["followed"]


def followed(
    p: Problem, known: Mapping[str, Quantity], own: Mapping[str, Float], name: str
) -> tuple[Float, tuple[str, ...]]:
    """Return what a quantity would be if the numbers before it were somebody's own.

    Parameters
    ----------
    p : Problem
    known : dict of str to Quantity
    own : dict of str to array
        The answers, in the shapes of what is right; those that are missing are taken as right.
    name : str
        The quantity.

    Returns
    -------
    value : array
        As the exercise has it.
    used : tuple of str
        The answers that it was computed from.
    """
    used: dict[str, None] = {}

    def get(wanted: str) -> Float:
        if wanted in own:
            used[wanted] = None
            return p.turned(own[wanted])
        return p.turned(known[wanted].value)

    def a_of(layer: int) -> Float:
        return p.X if layer == 1 else get("h" if layer == p.L else f"a_{layer}")

    quantity, net = known[name], p.net
    layer, at, architecture = quantity.layer, quantity.layer - 2, net.architecture
    loss = architecture.loss
    match quantity.kind:
        case "z":
            value = a_of(layer - 1) @ net.weights[at] + net.biases[at]
        case "a":
            value = architecture.activations[at](get(f"z_{layer}"))
        case "h":
            value = loss.hypothesis(get(f"z_{layer}"))
        case "cost":
            value = np.array(np.mean(loss.per_example(get(f"z_{p.L}"), p.Y)))
        case "delta" if layer == p.L:
            value = loss.delta(get(f"z_{layer}"), get("h"), p.Y) / len(p.X)
        case "delta":
            back = get(f"delta_{layer + 1}") @ net.weights[at + 1].T
            slope = architecture.activations[at].derivative(get(f"z_{layer}"), a_of(layer))
            value = back * slope
        case "grad_weights":
            value = a_of(layer - 1).T @ get(f"delta_{layer}")
        case "grad_biases":
            value = get(f"delta_{layer}").sum(axis=0)
        case "new_weights":
            value = net.weights[at] - p.rate * get(f"grad_weights_{layer}")
        case _:
            value = net.biases[at] - p.rate * get(f"grad_biases_{layer}")
    return p.turned(np.asarray(value, np.float64)), tuple(used)
