"""Mistakes in the backward pass: in δ of the output, the slopes, and the product with W."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from chainrule.exercises.attempt import RIGHT, Attempt, Rule, is_plain
from chainrule.exercises.mistakes.mistake import (
    GRADIENTS,
    Mistake,
    Said,
    at_output,
    hidden,
    only_where,
    times,
)
from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.arrays import Float

__all__ = ["BACKWARD"]

_RESIDUAL = ("squared_error", "cross_entropy", "log_loss", "poisson")
_FORMULAS = {"logistic": "a(1 − a)", "tanh": "1 − a²", "relu": "1 where a > 0, else 0"}


def _canonical(n: Attempt, layer: int) -> bool:
    """Whether delta is h - y, and h' is not simply 1."""
    return layer == n.L and n.loss.name in _RESIDUAL[1:] and is_plain(n.loss)


def _teaching(n: Attempt, layer: int) -> bool:
    return layer == n.L and n.loss.name == "logistic_squared_error"


def _spread(values: Float, width: int) -> Float:
    """Return the values if one output's value is used for every node; else the given values."""
    return np.repeat(values, width, axis=1) if values.shape[1] == 1 else values


# --- δ of the output ---------------------------------------------------------------------------


def _by_h(n: Attempt, layer: int) -> Float:
    """Return ∂J/∂h, without h′."""
    r = n.h - n.Y
    match n.loss.name:
        case "cross_entropy":
            r = r / (n.h * (1 - n.h))
        case "log_loss":
            r = -n.Y / n.h
        case "poisson":
            r = r / n.h
        case _:
            pass
    return r / n.divisor()


def _without_h_prime(p: Problem, quantity: Quantity) -> str:
    if p.net.architecture.loss.name == "logistic_squared_error":
        return (
            "h′ is missing, and this is h − y: for this pair h′ does not cancel, it is h(1 − h)"
            if quantity.kind == "delta"
            else "h′ is missing: δ of the output is (h − y) ⊙ h(1 − h), for in this pair h′ does "
            "not cancel"
        )
    return "h′ is missing: this is computed from ∂J/∂h, but δ is ∂J/∂z = ∂J/∂h ⊙ h′(z)"


def _of_this_loss(p: Problem, _: Quantity) -> str:
    name = p.net.architecture.loss.name
    derivative = {
        "absolute_error": "only the sign of h − y",
        "huber": "h − y, clipped",
        "quantile": "1 − q where h > y, else −q",
    }.get(name, "another")
    return (
        f"δ of the output is taken as h − y: the derivative of the {name.replace('_', ' ')} is "
        f"{derivative}"
    )


def _class_numbers(n: Attempt) -> Float:
    return n.Y.argmax(axis=1)[:, None].astype(float)


# --- the slopes of hidden layers ---------------------------------------------------------------


def _slope_at_activation(n: Attempt, layer: int) -> Float:
    """Return g′(a): the derivative as a function of z, at a."""
    a = n.a(layer)
    if layer < n.L:
        g = n.g(layer)
        return g.derivative(a, g(a))
    return _logistic_slope(n.loss.hypothesis(a))


def _formula_at_z(n: Attempt, layer: int) -> Float:
    """Return the formula for a with z in it, such as z(1 - z)."""
    if layer == n.L:
        return _logistic_slope(n.z(layer))
    g = n.g(layer)
    return g.g_prime(n.z(layer)) if g.takes == "a" else RIGHT["slope"](n, layer)


def _logistic_slope(a: Float) -> Float:
    return a * (1 - a)


def _hidden_or_teaching(n: Attempt, layer: int) -> bool:
    return layer < n.L or _teaching(n, layer)


def _formula_of(p: Problem, quantity: Quantity) -> str:
    architecture = p.net.architecture
    if quantity.layer == p.L:
        return "z stands in h(1 − h) where h belongs"
    g = architecture.activations[max(quantity.layer, 2) - 2].name
    formula = _FORMULAS.get(g, "the formula of g′")
    return f"in the slope {formula} z stands where a = g(z) belongs"


def _slopes_elsewhere(n: Attempt, layer: int, at: int) -> Iterator[Float]:
    """Yield the slopes of other layers, which may be used by mistake."""
    g = n.g(layer)
    z = n.p.X if at == 1 else n.z(at)
    if 1 < at <= n.L:
        yield n.slope(at)
    yield g.derivative(z, g(z))
    if g.takes == "a":
        yield g.g_prime(n.a(at))


def _at_activation(p: Problem, quantity: Quantity) -> str:
    if quantity.layer == p.L:
        return "the slope h′ is taken at h where it belongs at z: h(1 − h) is h′(z) already"
    return "the slope g′ is taken at a where it belongs at z: this is g′(a)"


_SLOPE_SLIPS: tuple[tuple[str, Rule, Said], ...] = (
    ("slope_at_activation", _slope_at_activation, _at_activation),
    ("slope_formula_at_z", _formula_at_z, _formula_of),
)
# A learner may know the slope of the output, and err only in that of hidden layers.
_WHERE = (_hidden_or_teaching, hidden, _teaching)


def _wrong_slope(slip: tuple[str, Rule, Said], where: Callable[[Attempt, int], bool]) -> Mistake:
    name, rule, said = slip
    return Mistake(name, only_where("slope", where, rule), said)


def _elsewhere(offset: int, way: int) -> Mistake:
    """Return the mistake of taking the slope at the layer before or after."""

    def slope(n: Attempt, layer: int) -> Float:
        right, at = RIGHT["slope"](n, layer), layer + offset
        if layer == n.L:
            return right
        found = list(_slopes_elsewhere(n, layer, at))
        taken = found[min(way, len(found) - 1)]
        fits = taken.shape[1] in (1, n.width(layer)) and not (taken == 1).all()  # else: none at all
        return np.broadcast_to(taken, right.shape) if fits else right

    where = "before" if offset < 0 else "after"
    said = f"the slope g′ is taken at the layer {where}: δ of a layer takes the slope at its own z"
    return Mistake("slope_at_other_layer", {"slope": slope}, said)


# --- carrying δ back ---------------------------------------------------------------------------


def _carried(product: Callable[[Attempt, int], Float | None]) -> dict[str, Rule]:
    """Return the rule of an error carried back in another way, if the shapes allow it."""

    def error(n: Attempt, layer: int) -> Float:
        value = product(n, layer)
        fits = value is not None and value.shape == (n.M, n.width(layer))
        return value if fits and value is not None else RIGHT["error"](n, layer)

    return {"error": error}


def _matrix(left: Float, right: Float) -> Float | None:
    return left @ right if left.shape[1] == right.shape[0] else None


# --- gradients with a slope too many ------------------------------------------------------------


def _own_slope(n: Attempt, layer: int) -> Float:
    return n.delta(layer) * n.slope(layer)


def _gradients_of(delta: Rule, where: Callable[[Attempt, int], bool]) -> dict[str, Rule]:
    """Return the rules of gradients that take another δ."""
    return {
        **only_where(
            "grad_weights",
            where,
            lambda n, layer: n.a(layer - 1).T @ delta(n, layer) + n.decay(layer),
        ),
        **only_where("grad_biases", where, lambda n, layer: delta(n, layer).sum(axis=0)),
    }


def _squared_slope(n: Attempt, layer: int) -> Float:
    return RIGHT["slope"](n, layer) ** 2


_TOO_OFTEN = "h′ is included once too often: for this pair it cancels"
_TWICE = "the layer's own slope is included twice: δ has it already"
_SIGN = "the sign is the other way round"

BACKWARD: tuple[Mistake, ...] = (
    Mistake(
        "sign",
        times("delta", -1.0, at_output),
        f"{_SIGN}: it is h − y, not y − h",
    ),
    Mistake("sign", times("delta", -1.0, hidden), _SIGN, ("delta",), everywhere=False),
    Mistake(
        "sign",
        {
            "grad_weights": lambda n, at: -RIGHT["grad_weights"](n, at),
            "grad_biases": lambda n, at: -RIGHT["grad_biases"](n, at),
        },
        _SIGN,
        GRADIENTS,
        everywhere=False,
    ),
    Mistake(
        "no_h_prime",
        only_where("delta", lambda n, at: _teaching(n, at) or _canonical(n, at), _by_h),
        _without_h_prime,
    ),
    Mistake(
        "h_prime_too_often",
        only_where("delta", _canonical, lambda n, at: RIGHT["delta"](n, at) * n.slope(at)),
        _TOO_OFTEN,
    ),
    Mistake("h_prime_too_often", _gradients_of(_own_slope, _canonical), _TOO_OFTEN),
    Mistake(
        "residual",
        only_where(
            "delta",
            lambda n, at: at == n.L and n.loss.name in ("absolute_error", "huber", "quantile"),
            lambda n, _: (n.h - n.Y) / n.divisor(),
        ),
        _of_this_loss,
    ),
    Mistake(
        "softmax_alone",
        only_where(
            "delta",
            lambda n, at: at == n.L and n.loss.name == "log_loss" and is_plain(n.loss),
            lambda n, _: -n.Y * (1 - n.h) / n.divisor(),
        ),
        "each h of the softmax is treated as if it depended on its own z alone: the other outputs "
        "have a δ, too",
    ),
    Mistake(
        "target_forgotten",
        only_where(
            "delta",
            lambda n, at: at == n.L and n.loss.name in _RESIDUAL,
            lambda n, _: n.h / n.divisor(),
        ),
        "y is not subtracted: δ of the output is h − y",
    ),
    Mistake(
        "target_not_one_hot",
        only_where(
            "delta",
            lambda n, at: at == n.L and n.loss.name == "log_loss",
            lambda n, _: (n.h - _class_numbers(n)) / n.divisor(),
        ),
        "y is the number of the class: it has to be 1 for the output of that class and 0 for the "
        "others",
    ),
    Mistake(
        "no_slope",
        only_where("slope", hidden, lambda n, at: np.ones_like(n.z(at))),
        "g′(z) is missing: multiply by the slope, node by node",
    ),
    Mistake(
        "function_for_slope",
        only_where("slope", hidden, lambda n, at: n.a(at)),
        "this has g(z) where its slope g′(z) belongs",
    ),
    *(_wrong_slope(*of) for of in itertools.product(_SLOPE_SLIPS, _WHERE)),
    *(_elsewhere(offset, way) for offset in (-1, 1) for way in range(3)),
    Mistake("slope_twice", only_where("slope", _hidden_or_teaching, _squared_slope), _TWICE),
    Mistake("slope_twice", _gradients_of(_own_slope, _hidden_or_teaching), _TWICE),
    Mistake(
        "transposed_back",
        _carried(lambda n, at: _matrix(n.delta(at + 1), n.W(at + 1))),
        "W is the wrong way round on the way back: forward and back, one of the two has Wᵀ",
    ),
    Mistake(
        "weights_forgotten",
        _carried(lambda n, at: _spread(n.delta(at + 1), n.width(at))),
        "δ of the layer after is not carried back through W: the product with its weights is "
        "missing",
    ),
    Mistake(
        "weights_of_other_layer",
        _carried(lambda n, at: _matrix(n.delta(at + 1), n.W(at).T)),
        "the weights are those that lead to the layer: δ comes back through those that lead from "
        "it",
    ),
    Mistake(
        "weights_of_other_layer",
        _carried(lambda n, at: _matrix(n.delta(at + 1), n.W(at))),
        "the weights are those that lead to the layer: δ comes back through those that lead from "
        "it",
    ),
    Mistake(
        "new_weights_back",
        _carried(lambda n, at: n.delta(at + 1) @ n.new_weights(at + 1).T),
        "the weights after the step carry δ back: all gradients are taken at the old weights",
    ),
)
