"""Mistakes in the forward pass: in z, in a = g(z), in the hypothesis."""

from collections.abc import Callable

import numpy as np

from chainrule.exercises.attempt import RIGHT, Attempt
from chainrule.exercises.mistakes.mistake import Mistake, only_where
from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.arrays import Float
from chainrule.maths.losses import LOSSES

__all__ = ["FORWARD"]

_AFTER_Z = ("a", "h")


def _is_square(n: Attempt, layer: int) -> bool:
    return n.width(layer - 1) == n.width(layer) > 1


def _as_printed(p: Problem, quantity: Quantity) -> str:
    if quantity.kind in ("grad_weights", "new_weights"):
        now = "column" if p.notation.rows else "row"
        return (
            "these are the right numbers, transposed: as in W, the weights that lead to one node "
            f"are a {now}"
        )
    now = "rows" if p.notation.rows else "columns"
    return f"these are the right numbers, transposed: examples are {now} here"


def _transposed(kind: str) -> Mistake:
    def turned(n: Attempt, layer: int) -> Float:
        right = RIGHT[kind](n, layer)
        return right.T if right.shape == right.T.shape else right

    return Mistake(
        "transposed_answer",
        {kind: turned},
        _as_printed,
        (kind,),
        everywhere=False,
    )


def _other_activation(name: str) -> Mistake:
    """Return the mistake of using another function than the layer's."""
    g = ACTIVATIONS[name]

    def said(p: Problem, quantity: Quantity) -> str:
        own = sorted({one.name for one in p.net.architecture.activations})
        if quantity.kind == "a":
            own = [p.net.architecture.activations[quantity.layer - 2].name]
        return f"the activation that was taken is {name}, and in this network it is {own[0]}"

    return Mistake("other_activation", {"a": lambda n, layer: g(n.z(layer))}, said)


def _other_hypothesis(
    taken: str, h: Callable[[Float], Float], instead_of: tuple[str, ...]
) -> Mistake:
    def said(p: Problem, quantity: Quantity) -> str:
        own = p.net.architecture.loss.hypothesis_name
        return f"the output's function that was taken is {taken}, and in this network it is {own}"

    rules = only_where(
        "h",
        lambda n, _: n.loss.hypothesis_name in instead_of and (n.width(n.L) > 1 or taken != _SOFT),
        lambda n, layer: h(n.z(layer)),
    )
    return Mistake("other_hypothesis", rules, said)


_SOFT = "softmax"
_SIGMOID = ("logistic", "softmax")

FORWARD: tuple[Mistake, ...] = (
    Mistake(
        "no_bias",
        {"z": lambda n, layer: n.a(layer - 1) @ n.W(layer)},
        "the bias is missing: z is the weighted sum plus b",
    ),
    Mistake(
        "bias_subtracted",
        {"z": lambda n, layer: n.a(layer - 1) @ n.W(layer) - n.b(layer)},
        "the bias is subtracted, and it is to be added",
    ),
    Mistake(
        "transposed_weights",
        only_where("z", _is_square, lambda n, layer: n.a(layer - 1) @ n.W(layer).T + n.b(layer)),
        "W is transposed in z: each node takes the weights that lead to it",
    ),
    Mistake(
        "activation_for_z",
        {
            "z": lambda n, layer: (
                n.loss.hypothesis(RIGHT["z"](n, layer))
                if layer == n.L
                else n.g(layer)(RIGHT["z"](n, layer))
            )
        },
        "this is already the activation: z comes before it",
        ("z",),
        everywhere=False,
    ),
    Mistake(
        "function_forgotten",
        {"a": lambda n, layer: n.z(layer), "h": lambda n, layer: n.z(layer)},
        "this is z: the function is still to be applied",
        _AFTER_Z,
        everywhere=False,
    ),
    Mistake(
        "function_forgotten",
        {"a": lambda n, layer: n.z(layer)},
        "a hidden layer passes on z where a = g(z) belongs: the function is still to be applied",
    ),
    Mistake(
        "function_forgotten",
        {"h": lambda n, layer: n.z(layer)},
        "z of the output stands where h belongs: the function is still to be applied",
    ),
    Mistake(
        "function_twice",
        {"a": lambda n, layer: n.g(layer)(n.g(layer)(n.z(layer)))},
        "the activation's function is applied twice: a is g(z), not g(g(z))",
    ),
    Mistake(
        "function_twice",
        {"h": lambda n, layer: n.loss.hypothesis(n.loss.hypothesis(n.z(layer)))},
        "the output's function is applied twice",
    ),
    *map(_other_activation, ("logistic", "tanh", "relu", "softplus")),
    _other_hypothesis("logistic", LOSSES["cross_entropy"].hypothesis, ("softmax", "identity")),
    _other_hypothesis(_SOFT, LOSSES["log_loss"].hypothesis, ("logistic", "identity")),
    _other_hypothesis("tanh", np.tanh, ("logistic", "softmax", "identity")),
    _other_hypothesis("exp", np.exp, ("logistic", "identity")),
    Mistake(
        "exponent_sign",
        only_where(
            "h",
            lambda n, _: n.loss.hypothesis_name in (*_SIGMOID, "exp"),
            lambda n, layer: n.loss.hypothesis(-n.z(layer)),
        ),
        "the sign in the output's exponent is the other way round: e^z and e^−z are exchanged",
    ),
    Mistake(
        "exponent_sign",
        {
            "a": lambda n, layer: (
                n.g(layer)(-n.z(layer))
                if n.g(layer).name in ("logistic", "tanh")
                else RIGHT["a"](n, layer)
            )
        },
        "the sign in the exponent of g is the other way round: e^z and e^−z are exchanged",
    ),
    Mistake(
        "softmax_not_divided",
        only_where(
            "h", lambda n, _: n.loss.name == "log_loss", lambda n, layer: np.exp(n.z(layer))
        ),
        "the softmax is not divided by the sum of all e^z: the outputs add up to 1",
    ),
    Mistake(
        "softmax_over_examples",
        only_where(
            "h",
            lambda n, _: n.loss.name == "log_loss" and n.M > 1,
            lambda n, layer: n.loss.hypothesis(n.z(layer).T).T,
        ),
        "the softmax is divided by the sum over the examples; the outputs of one example add up to "
        "1",
    ),
    *map(_transposed, ("z", "a", "h", "delta", "grad_weights", "new_weights")),
)
