"""Mistakes in the step: its direction, its rate, its starting point."""

from collections.abc import Callable

from chainrule.exercises.attempt import Rule
from chainrule.exercises.mistakes.mistake import Mistake
from chainrule.maths.arrays import Float

__all__ = ["STEP"]


def _after(step: Callable[[Float, Float, float], Float]) -> dict[str, Rule]:
    """Return the rules of a step that is made from the old values, their gradient and the rate."""
    return {
        "new_weights": lambda n, layer: step(n.W(layer), n.grad_weights(layer), n.p.rate),
        "new_biases": lambda n, layer: step(n.b(layer), n.grad_biases(layer), n.p.rate),
    }


STEP: tuple[Mistake, ...] = (
    Mistake(
        "step_added",
        _after(lambda old, grad, rate: old + rate * grad),
        "this goes up: the step is against the gradient, with a minus",
    ),
    Mistake(
        "rate_forgotten",
        _after(lambda old, grad, rate: old - grad),
        "the learning rate is missing: the gradient is to be multiplied by it",
    ),
    Mistake(
        "rate_squared",
        _after(lambda old, grad, rate: old - rate * rate * grad),
        "the learning rate is included twice",
    ),
    Mistake(
        "rate_divides",
        _after(lambda old, grad, rate: old - grad / rate),
        "the gradient is divided by the learning rate, and it is to be multiplied by it",
    ),
    Mistake(
        "old_value_forgotten",
        _after(lambda old, grad, rate: -rate * grad),
        "this is the step alone: it is to be added to the old value",
    ),
    Mistake(
        "old_value_forgotten",
        _after(lambda old, grad, rate: rate * grad),
        "this is only the rate times the gradient: it is to be subtracted from the old value",
    ),
    Mistake(
        "old_value_shrunk",
        _after(lambda old, grad, rate: rate * (old - grad)),
        "the learning rate multiplies the old value, too: it belongs to the gradient alone",
    ),
)
