"""The output pairs as formulas: hypothesis, loss and delta, for symbols and for numbers.

As in `chainrule.maths.losses` hypothesis and loss are ONE thing. Where the notes' formula loses
its digits (the logarithm of an h that rounds to 0 or 1), a second one, computed from z, is at hand:
the code computes from z anyway.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from chainrule.maths.arrays import Float
from chainrule.maths.losses import (
    CrossEntropy,
    GroupedLogLoss,
    Huber,
    LogLoss,
    Loss,
    Quantile,
    is_built_in_loss,
)
from chainrule.working.formulas.activations import logistic
from chainrule.working.formulas.expressions import (
    Abs,
    Call,
    Expression,
    Indicator,
    Negative,
    Number,
    Power,
    Sum,
    call,
    exp,
)

__all__ = ["Pair", "Summed", "general", "pair_of", "residual", "smoothed"]

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
        ``delta(h_k, y_k, k)``: the derivative of the loss by z_k; None if it is known by its
        values only.
    canonical : bool
        Whether that is h - y.
    known : bool
        Whether the formulas are written here.
    smoothing : float
        The label smoothing.
    """

    name: str
    hypothesis: Callable[[Sequence[Number], int], Summed]
    losses: Callable[[Sequence[Number], Sequence[Number], Sequence[Number]], tuple[Summed, ...]]
    delta: Callable[[Expression, Expression, int], Expression] | None
    canonical: bool = True
    known: bool = True
    smoothing: float = 0.0


def _itself(e: Expression) -> Expression:
    return e


def _of_z(f: Callable[[Number], Expression]) -> Callable[[Sequence[Number], int], Summed]:
    """Return the hypothesis that is one function of each z by itself."""
    return lambda z, k: Summed((f(z[k]),), _itself)


def residual(h: Expression, y: Expression, k: int = 0) -> Expression:
    """H - y."""
    return h - y


def _half(e: Expression) -> Expression:
    return Number(1.0) / Number(2.0) * e


def _squares(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
    terms = tuple(Power(a - b, Number(2.0)) for a, b in zip(h, y, strict=True))
    return (Summed(terms, _half),)


def _logs(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
    def mixed(y: Number, one: Expression, zero: Expression) -> Expression:
        """Return y one + (1 - y) zero; of a certain target one of the two is left."""
        if y.value in (0, 1):
            return one if y.value else zero
        return y * one + (1 - y) * zero

    by_h = [mixed(b, log(a), log(1 - a)) for a, b in zip(h, y, strict=True)]
    by_z = [mixed(b, log(1 + exp(-a)), log(1 + exp(a))) for a, b in zip(z, y, strict=True)]
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
    right = [k for k, each in enumerate(y) if each.value]
    largest = max(z, key=lambda each: each.value)
    certain = len(right) == 1 and y[right[0]].value == 1

    def weighed(k: int, e: Expression) -> Expression:
        return e if certain else y[k] * e

    def around(total: Expression) -> Expression:
        found = log(total) + largest
        for k in right:
            found = found - weighed(k, z[k])
        return found

    by_h = Summed(tuple(weighed(k, log(h[k])) for k in right), Negative)
    return by_h, Summed(tuple(exp(each - largest) for each in z), around)


def _grouped(loss: GroupedLogLoss) -> Pair:
    """Return several softmax side by side: each output belongs to one."""

    def group_of(k: int) -> slice:
        return next(group for group in loss.columns if group.start <= k < group.stop)

    def hypothesis(z: Sequence[Number], k: int) -> Summed:
        group = group_of(k)
        return _softmax(z[group], k - group.start)

    def losses(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
        ways = [_log_of_softmax(z[g], h[g], y[g]) for g in loss.columns]
        by_h = [term for way, _ in ways for term in way.terms]
        by_z = [way.around(Sum(way.terms)) for _, way in ways]
        return Summed(tuple(by_h), Negative), Summed(tuple(by_z), _itself)

    return Pair(loss.name, hypothesis, losses, residual, smoothing=loss.label_smoothing)


def _deviance(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
    def by_h(a: Number, b: Number) -> Expression:
        return b * log(b / a) - b + a if b.value else a

    def by_z(a: Number, b: Number) -> Expression:
        return b * log(b) - b * a - b + exp(a) if b.value else exp(a)

    return (
        Summed(tuple(by_h(a, b) for a, b in zip(h, y, strict=True)), _itself),
        Summed(tuple(by_z(a, b) for a, b in zip(z, y, strict=True)), _itself),
    )


def general(h: Expression, y: Expression, k: int = 0) -> Expression:
    """BP1 in full for the logistic hypothesis: (h - y) h (1 - h)."""
    return (h - y) * h * (1 - h)


def _absolutes(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
    return (Summed(tuple(Abs(a - b) for a, b in zip(h, y, strict=True)), _itself),)


def _huber(loss: Huber) -> Pair:
    d = Number(loss.delta)

    def of_one(h: Number, y: Number) -> Expression:
        if abs(h.value - y.value) <= loss.delta:
            return _half(Power(h - y, Number(2.0)))
        return d * (Abs(h - y) - d / Number(2.0))

    return Pair(
        loss.name,
        _of_z(_itself),
        lambda z, h, y: (Summed(tuple(map(of_one, h, y)), _itself),),
        lambda h, y, k: call("clip")(h - y, -d, d),
        canonical=False,
    )


def _quantile(loss: Quantile) -> Pair:
    quantiles = loss.numbers

    def above_less_q(h: Expression, y: Expression, k: int) -> Expression:
        """1 - q above the target, -q below it."""
        if isinstance(h, Number) and isinstance(y, Number) and h.value == y.value:
            return Number(0.0)  # at the kink
        q = Number(quantiles[k % len(quantiles)])
        return Indicator(h, ">", y) - q

    def losses(z: Sequence[Number], h: Sequence[Number], y: Sequence[Number]) -> tuple[Summed, ...]:
        each = zip(h, y, range(len(h)), strict=True)
        return (Summed(tuple(above_less_q(a, b, k) * (a - b) for a, b, k in each), _itself),)

    return Pair(loss.name, _of_z(_itself), losses, above_less_q, canonical=False)


def _smoothed(name: str) -> Callable[[Any], Pair]:
    if name == "cross_entropy":
        return lambda loss: Pair(
            name, _of_z(logistic), _logs, residual, smoothing=loss.label_smoothing
        )
    return lambda loss: Pair(
        name, _softmax, _log_of_softmax, residual, smoothing=loss.label_smoothing
    )


_FORMS = (
    Pair("squared_error", _of_z(_itself), _squares, residual),
    Pair(
        "absolute_error",
        _of_z(_itself),
        _absolutes,
        lambda h, y, k: call("sign")(h - y),
        canonical=False,
    ),
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
_MADE_OF: dict[type, Callable[[Any], Pair]] = {
    CrossEntropy: _smoothed("cross_entropy"),
    LogLoss: _smoothed("log_loss"),
    GroupedLogLoss: _grouped,
    Huber: _huber,
    Quantile: _quantile,
}


def pair_of(loss: Loss) -> Pair:
    """Return a loss's formulas; for one that is not built in, calls of its own functions."""
    if is_built_in_loss(loss):
        if type(loss.made_of) in _MADE_OF:
            return _MADE_OF[type(loss.made_of)](loss.made_of)
        if loss.name in _BY_NAME:
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


def smoothed(loss: Loss, Y: Float) -> Float:
    """Return targets as label smoothing has them; as they are without it."""
    e = pair_of(loss).smoothing
    if not e:
        return Y
    if isinstance(loss.made_of, GroupedLogLoss):
        competing = np.repeat(loss.made_of.groups, loss.made_of.groups)
    else:
        competing = np.full(Y.shape[1], 2 if loss.name == "cross_entropy" else Y.shape[1])
    return np.round((1 - e) * Y + e / competing, 15)  # 0.95, not 0.9500000000000001


def _alone(hypothesis: Callable[[Float], Float], z: float) -> float:
    """Return the hypothesis of one z by itself, if it can be had."""
    try:
        return float(hypothesis(np.array([[z]]))[0, 0])
    except Exception:  # a function of the user's that needs all of its outputs
        return float("nan")
