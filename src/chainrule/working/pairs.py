"""The output pairs as formulas: hypothesis, loss and delta, for symbols and for numbers.

As in `chainrule.maths.losses` hypothesis and loss are ONE thing. Where the notes' formula loses
its digits (the logarithm of an h that rounds to 0 or 1), a second one, computed from z, is at hand:
the code computes from z anyway.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from chainrule.maths.arrays import Float
from chainrule.maths.losses import LOSSES, Loss
from chainrule.working.expressions import (
    Call,
    Expression,
    Indicator,
    Negative,
    Number,
    Power,
    call,
    exp,
)
from chainrule.working.functions import logistic

__all__ = ["Pair", "Summed", "pair_of"]

log = call("log")
_LARGE = 30.0  # z from which e^z is written after subtracting the largest z


@final
@dataclass(frozen=True)
class Summed:
    """A sum over outputs, and what is made of it."""

    terms: tuple[Expression, ...]
    around: Callable[[Expression], Expression]


@final
@dataclass(frozen=True)
class Pair:
    """An output pair as formulas of the numbers of one example.

    Attributes
    ----------
    hypothesis : callable
        ``hypothesis(z, k)``: h_k as a sum over outputs.
    losses : callable
        ``losses(z, h, y)``: ways to write the example's loss, the notes' first.
    delta : callable or None
        ``delta(h_k, y_k)``: the derivative of the loss by z_k; None if it is known by its values
        only.
    canonical : bool
        Whether that is h - y.
    known : bool
        Whether the formulas are written here.
    """

    name: str
    hypothesis: Callable[[Sequence[Number], int], Summed]
    losses: Callable[[Sequence[Number], Sequence[Number], Sequence[Number]], tuple[Summed, ...]]
    delta: Callable[[Expression, Expression], Expression] | None
    canonical: bool = True
    known: bool = True


def _itself(e: Expression) -> Expression:
    return e


def _of_z(f: Callable[[Number], Expression]) -> Callable[[Sequence[Number], int], Summed]:
    """Return the hypothesis that is one function of each z by itself."""
    return lambda z, k: Summed((f(z[k]),), _itself)


def residual(h: Expression, y: Expression) -> Expression:
    """H - y."""
    return h - y


def _squares(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
    def around(total: Expression) -> Expression:
        return Number(1.0) / Number(2.0) * total

    return (Summed(tuple(Power(a - b, Number(2.0)) for a, b in zip(h, y, strict=True)), around),)


def _logs(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
    by_h = [log(a) if b.value else log(1 - a) for a, b in zip(h, y, strict=True)]
    by_z = [log(1 + exp(-a if b.value else a)) for a, b in zip(z, y, strict=True)]
    return Summed(tuple(by_h), Negative), Summed(tuple(by_z), _itself)


def _softmax(z: Sequence[Number], k: int) -> Summed:
    largest = max(z, key=lambda each: each.value)
    if abs(largest.value) < _LARGE:
        return Summed(tuple(exp(each) for each in z), lambda total: exp(z[k]) / total)
    return Summed(
        tuple(exp(each - largest) for each in z), lambda total: exp(z[k] - largest) / total
    )


def _log_of_softmax(
    z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]
) -> tuple[Summed, ...]:
    right = int(np.argmax([each.value for each in y]))
    largest = max(z, key=lambda each: each.value)

    def around(total: Expression) -> Expression:
        return log(total) + largest - z[right]

    by_h = Summed((log(h[right]),), Negative)
    return by_h, Summed(tuple(exp(each - largest) for each in z), around)


def _deviance(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
    def by_h(a: Number, b: Number) -> Expression:
        return b * log(b / a) - b + a if b.value else a

    def by_z(a: Number, b: Number) -> Expression:
        return b * log(b) - b * a - b + exp(a) if b.value else exp(a)

    return (
        Summed(tuple(by_h(a, b) for a, b in zip(h, y, strict=True)), _itself),
        Summed(tuple(by_z(a, b) for a, b in zip(z, y, strict=True)), _itself),
    )


def general(h: Expression, y: Expression) -> Expression:
    """BP1 in full for the logistic hypothesis: (h - y) h (1 - h)."""
    return (h - y) * h * (1 - h)


_FORMS = (
    Pair("squared_error", _of_z(_itself), _squares, residual),
    Pair("cross_entropy", _of_z(logistic), _logs, residual),
    Pair("log_loss", _softmax, _log_of_softmax, residual),
    Pair("poisson", _of_z(exp), _deviance, residual),
    Pair("logistic_squared_error", _of_z(logistic), _squares, general, canonical=False),
    Pair(
        "indicator",
        _of_z(lambda z: Indicator(z, "≥", Number(0.0))),
        lambda z, h, y: (),
        None,
        canonical=False,
    ),
)

_BY_NAME = {form.name: form for form in _FORMS}


def pair_of(loss: Loss) -> Pair:
    """Return a loss's formulas; for one that is not built in, calls of its own functions."""
    if LOSSES.get(loss.name) is loss and loss.name in _BY_NAME:
        return _BY_NAME[loss.name]

    def hypothesis(z: Sequence[Number], k: int) -> Summed:
        values = np.array([[each.value for each in z]])
        h = loss.hypothesis(values)
        if np.array_equal(h, values):
            return Summed((z[k],), _itself)
        if _alone(loss.hypothesis, values[0, k]) == h[0, k]:
            return Summed((Call(loss.hypothesis_name, (z[k],)),), _itself)
        return Summed((Call(f"{loss.hypothesis_name}_{k + 1}", tuple(z)),), _itself)

    def losses(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
        return (Summed((Call(loss.name, (*z, *y)),), _itself),)

    return Pair(loss.name, hypothesis, losses, None, canonical=False, known=False)


def _alone(hypothesis: Callable[[Float], Float], z: float) -> float:
    """Return the hypothesis of one z by itself, if it can be had."""
    try:
        return float(hypothesis(np.array([[z]]))[0, 0])
    except Exception:  # a function of the user's that needs all of its outputs
        return float("nan")
