"""95 % confidence intervals: a closed form for the accuracy, the bootstrap for other metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.metrics import TINY, Scores

__all__ = ["Interval", "how_intervals", "intervals", "wilson"]

Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution
RESAMPLES, LEAST_RESAMPLES, MOST_DRAWN = 1000, 100, 2 * 10**7


@dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval, and whether it is "wilson" or from the "bootstrap"."""

    low: float
    high: float
    method: str


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion (Wilson, 1927).

    Parameters
    ----------
    successes, trials : float
        How often, of how many.

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> low, high = wilson(9, 10)
    >>> round(low, 3), round(high, 3)
    (0.596, 0.982)
    """
    p = successes / trials
    middle = (p + Z**2 / (2 * trials)) / (1 + Z**2 / trials)
    half = Z / (1 + Z**2 / trials) * np.sqrt(p * (1 - p) / trials + Z**2 / (4 * trials**2))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def intervals(
    scores: Scores, y: np.ndarray, predicted: np.ndarray, seed: int = 0
) -> dict[str, Interval]:
    """Return the interval of each metric, over other tables of as many rows from the same source.

    Parameters
    ----------
    scores : Scores
        The metrics.
    y : ndarray
        What is true; the positions of the labels for classes.
    predicted : ndarray
        Numbers, or probabilities of each class.
    seed : int
        Of the resamples.

    Returns
    -------
    dict of str to Interval
        By the name of the metric; those that cannot be told from so few rows are missing.
    """
    n = len(y)
    if n < 2:
        return {}
    compute = _by_rows(scores, y, predicted)
    random = np.random.default_rng(seed)
    drawn = [compute(random.integers(n, size=n)) for _ in range(_resamples(n))]
    found = {}
    for name in scores.metrics:
        if name == "accuracy":
            found[name] = Interval(*wilson(round(scores.metrics[name] * n), n), "wilson")
            continue
        values = np.array([each[name] for each in drawn])
        if np.isfinite(values).all():
            low, high = np.quantile(values, [0.025, 0.975])
            found[name] = Interval(float(low), float(high), "bootstrap")
    return found


def how_intervals(found: Mapping[str, Interval], rows: int) -> str:
    """Say in one sentence where intervals come from.

    Parameters
    ----------
    found : mapping of str to Interval
        From `intervals`.
    rows : int
        How many rows they are from.

    Returns
    -------
    str
    """
    if not found:
        return "There are too few rows for confidence intervals."
    resamples = f"{_resamples(rows)} bootstrap resamples of the rows"
    if any(each.method == "wilson" for each in found.values()):
        return f"95 % intervals: of the accuracy Wilson's, of the others from {resamples}."
    return f"95 % intervals: from {resamples}."


def _resamples(rows: int) -> int:
    return int(np.clip(MOST_DRAWN // rows, LEAST_RESAMPLES, RESAMPLES))


def _by_rows(
    scores: Scores, y: np.ndarray, predicted: np.ndarray
) -> Callable[[NDArray[np.int64]], dict[str, float]]:
    """Return what computes the metrics of some of the rows, drawn again and again."""
    losses = scores.rows
    if scores.deciding == "log loss":
        right = (predicted.argmax(axis=1) == y).astype(float)
        classes = predicted.shape[1]

        def of_classes(drawn: NDArray[np.int64]) -> dict[str, float]:
            of_class = np.bincount(y[drawn], minlength=classes)
            hits = np.bincount(y[drawn], right[drawn], classes)
            there = of_class > 0
            return {
                "balanced accuracy": float(np.mean(hits[there] / of_class[there])),
                "log loss": float(losses[drawn].mean()),
            }

        return of_classes
    off = np.abs(y - predicted)
    if scores.deciding == "deviance":
        y_log_y = y * np.log(np.where(y > 0, y, 1))

        def of_counts(drawn: NDArray[np.int64]) -> dict[str, float]:
            mean = max(float(y[drawn].mean()), TINY)
            without = 2 * float(np.mean(y_log_y[drawn]) - mean * np.log(mean))
            deviance = float(losses[drawn].mean())
            return {
                "D²": 1 - deviance / without if without > 0 else np.nan,
                "MAE": float(off[drawn].mean()),
                "deviance": deviance,
            }

        return of_counts

    def of_numbers(drawn: NDArray[np.int64]) -> dict[str, float]:
        square, spread = float(losses[drawn].mean()), float(y[drawn].var())
        return {
            "R²": 1 - square / spread if spread > 0 else np.nan,
            "MAE": float(off[drawn].mean()),
            "RMSE": float(np.sqrt(square)),
        }

    return of_numbers
