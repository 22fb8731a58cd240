"""Mistakes in the cost: a wrong mean, a wrong logarithm, all pairs of h and y."""

from collections.abc import Callable

import numpy as np
from scipy.special import xlogy

from chainrule.exercises.attempt import RIGHT, Attempt, Rule, is_plain
from chainrule.exercises.mistakes.mistake import (
    BACK,
    Mistake,
    at_output,
    only_where,
    times,
)
from chainrule.exercises.quantities import Problem, Quantity
from chainrule.maths.arrays import Float
from chainrule.maths.penalties import penalty

__all__ = ["COST"]

_SQUARED = ("squared_error", "logistic_squared_error")
_LOGARITHMS = ("cross_entropy", "log_loss")


def _is(*names: str) -> Callable[[Attempt, int], bool]:
    """Return whether a network has one of these losses, without label smoothing."""
    return lambda n, _: n.loss.name in names and is_plain(n.loss)


def _squared_output(n: Attempt, layer: int) -> bool:
    return at_output(n, layer) and n.loss.name in _SQUARED


def _of_losses(holds: Callable[[Attempt, int], bool], losses: Rule) -> dict[str, Rule]:
    return only_where("losses", holds, losses)


# h of every example with y of every example, (M, M): as NumPy broadcasts (M, 1) and (M,), and as in
# a matrix product of Y and a function of H. The examples' own losses are its diagonal.
def _pairs(n: Attempt) -> Float:
    H, Y = n.h[:, None, :], n.Y[None, :, :]
    each = {
        "squared_error": lambda: 0.5 * (H - Y) ** 2,
        "logistic_squared_error": lambda: 0.5 * (H - Y) ** 2,
        "cross_entropy": lambda: -xlogy(Y, H) - xlogy(1 - Y, 1 - H),
        "log_loss": lambda: -xlogy(Y, H),
        "poisson": lambda: xlogy(Y, Y) - xlogy(Y, H) - Y + H,
    }
    return each[n.loss.name]().sum(axis=2)


# Two matrices multiplied instead of their numbers: over the examples (M, M), the outputs (K, K).
def _matrix_products(n: Attempt) -> tuple[Float, Float]:
    H, Y = n.h, n.Y
    match n.loss.name:
        case "log_loss":
            log_h = np.log(H)
            return -(Y @ log_h.T), -(Y.T @ log_h)
        case "cross_entropy":
            log_h, log_rest = np.log(H), np.log(1 - H)
            over_examples = -(Y @ log_h.T) - (1 - Y) @ log_rest.T
            return over_examples, -(Y.T @ log_h) - (1 - Y).T @ log_rest
        case _:
            r = H - Y
            return 0.5 * r @ r.T, 0.5 * r.T @ r


def _several(n: Attempt, _: int) -> bool:
    return n.M > 1 and is_plain(n.loss)


def _several_or_wide(n: Attempt, _: int) -> bool:
    return n.loss.name in (*_SQUARED, *_LOGARITHMS) and is_plain(n.loss)


def _outer(value: Callable[[Attempt], Float], holds: Callable[[Attempt, int], bool]) -> Mistake:
    rules = only_where("cost", holds, lambda n, _: value(n) + n.penalty())

    def said(p: Problem, quantity: Quantity) -> str:
        m = len(p.X)
        shapes = f", as NumPy does with the shapes ({m}, 1) and ({m},)" if m > 1 else ""
        return (
            f"every value is combined with every other, as in an outer product{shapes}: only those "
            "of the same example and output belong together"
        )

    return Mistake("outer_product", rules, said)


def _zeros_and_ones(n: Attempt) -> bool:
    return bool(np.isin(n.Y, (0, 1)).all())


def _name_of_loss(p: Problem) -> str:
    return f"the {p.net.architecture.loss.name.replace('_', ' ')}"


COST: tuple[Mistake, ...] = (
    Mistake(
        "cost_sign",
        {"cost": lambda n, layer: -RIGHT["cost"](n, layer)},
        "the sign is the other way round: a loss is never negative",
    ),
    Mistake(
        "no_mean",
        {"divisor": lambda n, layer: np.array(1.0)},
        lambda p, _: f"J is the mean over the {len(p.X)} examples, not the sum",
        ("cost",),
    ),
    Mistake(
        "no_mean",
        {"divisor": lambda n, layer: np.array(1.0)},
        lambda p, _: f"the 1/M of the cost is missing: divide by {len(p.X)}",
    ),
    Mistake(
        "mean_over_outputs",
        {"divisor": lambda n, layer: np.array(float(n.M * n.width(n.L)))},
        lambda p, _: (
            f"this is divided by the {p.net.sizes[-1]} outputs, too: the loss of an "
            "example is the sum over them"
        ),
    ),
    Mistake(
        "logarithm",
        _of_losses(_is(*_LOGARITHMS), lambda n, at: RIGHT["losses"](n, at) / np.log(10)),
        "this has the logarithm to base 10, log₁₀, where the natural logarithm ln belongs",
    ),
    Mistake(
        "logarithm",
        _of_losses(_is(*_LOGARITHMS), lambda n, at: RIGHT["losses"](n, at) / np.log(2)),
        "this has the logarithm to base 2 where the natural logarithm ln belongs",
    ),
    Mistake(
        "factor_two",
        _of_losses(_is(*_SQUARED), lambda n, at: 2 * RIGHT["losses"](n, at)),
        "there is a factor 2 too many: the ½ of the loss ½(h − y)² is missing",
    ),
    Mistake(
        "factor_two",
        times("delta", 2.0, _squared_output),
        "there is a factor 2 too many: the ½ of the loss ½(h − y)² cancels the 2 of its derivative",
    ),
    Mistake(
        "factor_half",
        _of_losses(_is(*_SQUARED), lambda n, at: 0.5 * RIGHT["losses"](n, at)),
        "a factor 2 is missing: the ½ of the loss ½(h − y)² is taken twice",
    ),
    Mistake(
        "factor_half",
        times("delta", 0.5, _squared_output),
        "a factor 2 is missing: the derivative of ½(h − y)² is h − y, for its 2 cancels the ½",
    ),
    # The sum of all pairs divided by M, the mean of all pairs, their sum.
    _outer(lambda n: _pairs(n).sum() / n.M, _several),
    _outer(lambda n: _pairs(n).mean(), _several),
    _outer(lambda n: _pairs(n).sum(), _several),
    _outer(lambda n: _matrix_products(n)[0].sum() / n.M, _several_or_wide),
    _outer(lambda n: _matrix_products(n)[1].sum() / n.M, _several_or_wide),
    _outer(lambda n: _matrix_products(n)[0].mean(), _several_or_wide),
    _outer(lambda n: _matrix_products(n)[1].mean(), _several_or_wide),
    Mistake(
        "outer_product",
        only_where(
            "delta",
            lambda n, layer: layer == n.L and n.M > 1 and n.width(n.L) == 1 and is_plain(n.loss),
            lambda n, layer: (
                (n.h - n.Y.T)
                * (n.slope(layer) if n.loss.name == "logistic_squared_error" else 1.0)
                / n.divisor()
            ),
        ),
        lambda p, _: (
            f"every h meets every y, as with the shapes ({len(p.X)}, 1) and "
            f"({len(p.X)},) in NumPy: give h and y the same shape"
        ),
        BACK,
    ),
    Mistake(
        "binary_formula",
        _of_losses(
            _is("log_loss"),
            lambda n, _: (-xlogy(n.Y, n.h) - xlogy(1 - n.Y, 1 - n.h)).sum(axis=1),
        ),
        "the term (1 − y) ln(1 − h) belongs to logistic outputs: a softmax has the loss −Σ y ln h",
    ),
    Mistake(
        "half_of_cross_entropy",
        _of_losses(_is("cross_entropy"), lambda n, _: -xlogy(n.Y, n.h).sum(axis=1)),
        "the term (1 − y) ln(1 − h) is missing: it is what counts where y is 0",
    ),
    Mistake(
        "half_of_cross_entropy",
        _of_losses(_is("cross_entropy"), lambda n, _: -xlogy(1 - n.Y, 1 - n.h).sum(axis=1)),
        "the term y ln h is missing: it is what counts where y is 1",
    ),
    Mistake(
        "targets_exchanged",
        _of_losses(
            _is("cross_entropy"),
            lambda n, _: (-xlogy(1 - n.Y, n.h) - xlogy(n.Y, 1 - n.h)).sum(axis=1),
        ),
        "y and 1 − y are exchanged: y goes with ln h, and 1 − y with ln(1 − h)",
    ),
    Mistake(
        "other_loss",
        _of_losses(_is(*_LOGARITHMS, "poisson"), lambda n, _: 0.5 * ((n.h - n.Y) ** 2).sum(axis=1)),
        lambda p, _: (
            f"this is the squared error, and the loss of this network is {_name_of_loss(p)}"
        ),
    ),
    Mistake(
        "other_loss",
        _of_losses(_is(*_LOGARITHMS, "poisson"), lambda n, _: ((n.h - n.Y) ** 2).sum(axis=1)),
        lambda p, _: (
            "this is the squared error (without its ½), and the loss of this network is "
            f"{_name_of_loss(p)}"
        ),
    ),
    Mistake(
        "other_loss",
        _of_losses(_is(*_SQUARED), lambda n, _: np.abs(n.h - n.Y).sum(axis=1)),
        "this is the absolute error: the difference h − y is to be squared",
    ),
    Mistake(
        "other_loss",
        _of_losses(
            lambda n, _: n.loss.name in ("absolute_error", "huber", "quantile"),
            lambda n, _: 0.5 * ((n.h - n.Y) ** 2).sum(axis=1),
        ),
        lambda p, _: (
            f"this is the squared error, and the loss of this network is {_name_of_loss(p)}"
        ),
    ),
    Mistake(
        "other_loss",
        _of_losses(
            lambda n, _: n.loss.name == "logistic_squared_error" and _zeros_and_ones(n),
            lambda n, _: (-xlogy(n.Y, n.h) - xlogy(1 - n.Y, 1 - n.h)).sum(axis=1),
        ),
        "this is the cross entropy, and the loss of this network is the squared error",
    ),
    Mistake(
        "no_penalty",
        {"penalty": lambda n, _: np.array(0.0)},
        "the penalty (λ/2M) Σ w² is missing",
    ),
    Mistake(
        "penalty_on_biases",
        {
            "penalty": lambda n, _: np.array(
                penalty([*n.p.net.weights, *n.p.net.biases], n.p.l2, 0.0, n.M)
            )
        },
        "the biases are penalized, too: only weights are",
    ),
    Mistake(
        "penalty_factor",
        {"penalty": lambda n, at: 2 * RIGHT["penalty"](n, at)},
        "the ½ of the penalty (λ/2M) Σ w² is missing",
    ),
    Mistake(
        "penalty_not_divided",
        {"penalty": lambda n, at: n.M * RIGHT["penalty"](n, at)},
        "the penalty is not divided by M: it is (λ/2M) Σ w²",
    ),
    Mistake(
        "penalty_sign",
        {"penalty": lambda n, at: -RIGHT["penalty"](n, at)},
        "the penalty is subtracted, and it is to be added",
    ),
)
