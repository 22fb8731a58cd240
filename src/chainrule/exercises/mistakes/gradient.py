"""Mistakes in ∂J/∂W and ∂J/∂b: a missing or wrong factor, the penalty."""

from collections.abc import Callable

import numpy as np

from chainrule.exercises.attempt import RIGHT, Attempt, Rule
from chainrule.exercises.mistakes.mistake import Mistake, only_where
from chainrule.maths.arrays import Float
from chainrule.maths.penalties import penalty_gradient

__all__ = ["GRADIENT"]


def _several(n: Attempt, layer: int) -> bool:
    return n.M > 1


def _product(left: Callable[[Attempt, int], Float], where: Callable[[Attempt, int], bool]) -> Rule:
    """Return the rule of ∂J/∂W with another factor of δ."""
    return only_where(
        "grad_weights",
        where,
        lambda n, layer: left(n, layer).T @ n.delta(layer) + n.decay(layer),
    )["grad_weights"]


def _node_by_node(values: Callable[[Attempt, int], Float]) -> Rule:
    """Return the rule of a ∂J/∂W that has the same number for all weights of a node."""

    def rule(n: Attempt, layer: int) -> Float:
        each = values(n, layer).sum(axis=0)
        return np.tile(each, (n.width(layer - 1), 1)) + n.decay(layer)

    return rule


def _without_delta(n: Attempt, layer: int) -> Float:
    each = n.a(layer - 1).sum(axis=0)[:, None]
    return np.tile(each, (1, n.width(layer))) + n.decay(layer)


def _of_width_before(n: Attempt, layer: int) -> bool:
    return n.width(layer) == n.width(layer - 1)


GRADIENT: tuple[Mistake, ...] = (
    Mistake(
        "mean_twice",
        {
            "grad_weights": lambda n, at: n.a(at - 1).T @ n.delta(at) / n.M + n.decay(at),
            "grad_biases": lambda n, at: n.delta(at).mean(axis=0),
        },
        "this is divided by M twice: δ has the 1/M already, and examples are summed",
    ),
    Mistake(
        "no_sum",
        only_where("grad_biases", _several, lambda n, at: n.delta(at)),
        "the sum over the examples is missing",
        ("grad_biases",),
    ),
    Mistake(
        "delta_forgotten",
        {"grad_weights": _without_delta, "grad_biases": lambda n, at: np.full(n.width(at), n.M)},
        "δ is missing: this is only ∂z/∂W or ∂z/∂b",
    ),
    Mistake(
        "input_forgotten",
        {"grad_weights": _node_by_node(lambda n, at: n.delta(at))},
        "the activation of the layer before is missing: this is only δ",
    ),
    Mistake(
        "own_activation",
        {"grad_weights": _product(lambda n, at: n.a(at), _of_width_before)},
        "this has the layer's own activation where that of the layer before belongs",
    ),
    Mistake(
        "own_activation",
        {"grad_weights": _node_by_node(lambda n, at: n.a(at) * n.delta(at))},
        "this has the layer's own activation where that of the layer before belongs",
    ),
    Mistake(
        "z_for_activation",
        {"grad_weights": _product(lambda n, at: n.z(at - 1), lambda n, at: at > 2)},
        "this has z of the layer before where its activation a belongs",
    ),
    Mistake(
        "slope_for_activation",
        {"grad_weights": _product(lambda n, at: n.slope(at - 1), lambda n, at: at > 2)},
        "this has the slope g′ of the layer before where its activation a belongs",
    ),
    Mistake(
        "input_for_activation",
        {
            "grad_weights": _product(
                lambda n, at: n.p.X, lambda n, at: at > 2 and n.width(1) == n.width(at - 1)
            )
        },
        "this has the input x where the activation of the layer before belongs",
    ),
    Mistake(
        "bias_for_one",
        {"grad_biases": lambda n, at: (n.b(at) * n.delta(at)).sum(axis=0)},
        "δ is multiplied by the bias itself: ∂z/∂b is 1",
    ),
    Mistake(
        "no_penalty",
        {"decay": lambda n, at: np.zeros_like(n.W(at))},
        "the penalty's part (λ/M) W is missing",
    ),
    Mistake(
        "penalty_on_biases",
        {
            "grad_biases": lambda n, at: (
                RIGHT["grad_biases"](n, at) + penalty_gradient(n.b(at), n.p.l2, 0.0, n.M)
            )
        },
        "the bias is penalized, too: only weights are",
    ),
    Mistake(
        "penalty_factor",
        {"decay": lambda n, at: 0.5 * RIGHT["decay"](n, at)},
        "the penalty's part has a ½ too many: the derivative of (λ/2M) w² is (λ/M) w",
    ),
    Mistake(
        "penalty_factor",
        {"decay": lambda n, at: 2 * RIGHT["decay"](n, at)},
        "the penalty's part has a factor 2 too many: the derivative of (λ/2M) w² is (λ/M) w",
    ),
    Mistake(
        "penalty_not_divided",
        {"decay": lambda n, at: n.M * RIGHT["decay"](n, at)},
        "the penalty's part is not divided by M: it is (λ/M) W",
    ),
    Mistake(
        "penalty_sign",
        {"decay": lambda n, at: -RIGHT["decay"](n, at)},
        "the penalty's part is subtracted, and it is to be added",
    ),
)
