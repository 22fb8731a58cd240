"""How good a model is on rows it has not seen, and whether a difference is more than chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    d2_tweedie_score,
    log_loss,
    mean_absolute_error,
    mean_poisson_deviance,
    r2_score,
    root_mean_squared_error,
)
from sklearn.pipeline import Pipeline

__all__ = ["TINY", "Scores", "is_worse", "measure", "outputs", "score", "verdict"]

TINY = 1e-15  # a probability or rate of zero would make one wrong row infinitely bad


@dataclass(frozen=True)
class Scores:
    """The metrics of a model on some rows, and the loss of each row.

    `rows` is in the measure that `deciding` names: the one the models were trained for.
    """

    metrics: Mapping[str, float]
    deciding: str
    rows: np.ndarray


def measure(model: Pipeline, task: str, inputs: pl.DataFrame, y: np.ndarray) -> Scores:
    """Measure a model.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    task : str
        "classification", "regression" or "counts".
    inputs : polars.DataFrame
        The input columns.
    y : ndarray
        What is true.

    Returns
    -------
    Scores
    """
    return score(task, y, outputs(model, task, inputs), getattr(model, "classes_", None))


def outputs(model: Pipeline, task: str, inputs: pl.DataFrame) -> np.ndarray:
    """Return what a model says of each row.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    task : str
        "classification", "regression" or "counts".
    inputs : polars.DataFrame
        The input columns.

    Returns
    -------
    ndarray
        Probabilities of each class, all above 0, or numbers, above 0 for counts.
    """
    if task == "classification":
        probabilities = np.clip(model.predict_proba(inputs), TINY, 1)
        return probabilities / probabilities.sum(axis=1, keepdims=True)
    predicted = model.predict(inputs)
    return np.maximum(predicted, TINY) if task == "counts" else predicted


def score(task: str, y: np.ndarray, predicted: np.ndarray, classes: Any = None) -> Scores:
    """Measure what a model says.

    Parameters
    ----------
    task : str
        "classification", "regression" or "counts".
    y : ndarray
        What is true.
    predicted : ndarray
        From `outputs`.
    classes : ndarray, optional
        The labels, in the order of the probabilities.

    Returns
    -------
    Scores
    """
    if task == "classification":
        position = np.searchsorted(classes, y)
        return Scores(
            {
                "accuracy": float(accuracy_score(y, classes[predicted.argmax(axis=1)])),
                "balanced accuracy": float(
                    balanced_accuracy_score(y, classes[predicted.argmax(axis=1)])
                ),
                "log loss": float(log_loss(y, predicted, labels=classes)),
            },
            "log loss",
            -np.log(predicted[np.arange(len(y)), position]),
        )
    if task == "counts":
        logs = y * np.log(np.where(y > 0, y, 1) / predicted)
        return Scores(
            {
                "D²": float(d2_tweedie_score(y, predicted, power=1)) if len(y) > 1 else np.nan,
                "MAE": float(mean_absolute_error(y, predicted)),
                "deviance": float(mean_poisson_deviance(y, predicted)),
            },
            "deviance",
            2 * (logs - y + predicted),
        )
    return Scores(
        {
            "R²": float(r2_score(y, predicted)) if len(y) > 1 else np.nan,
            "MAE": float(mean_absolute_error(y, predicted)),
            "RMSE": float(root_mean_squared_error(y, predicted)),
        },
        "RMSE",
        (y - predicted) ** 2,
    )


def is_worse(one: Scores, other: Scores) -> bool:
    """Tell whether one model is clearly worse than another.

    Parameters
    ----------
    one, other : Scores
        On the same rows.

    Returns
    -------
    bool
    """
    return _advantage(one, other) == -1


def verdict(network: Scores, linear: Scores, baseline: Scores) -> str:
    """Say in one sentence whether the network was worth it.

    Two models differ when the mean difference of their losses, row by row on the same rows, is
    more than two of its standard errors.

    Parameters
    ----------
    network, linear, baseline : Scores
        On the same rows.

    Returns
    -------
    str
    """
    rows = len(network.rows)
    name = network.deciding
    against = f"{name} {network.metrics[name]:.3g} against {linear.metrics[name]:.3g}"
    if _advantage(network, baseline) != 1 and _advantage(linear, baseline) != 1:
        return (
            f"Neither the network nor the linear model is clearly better than the baseline on the "
            f"{rows} held-out rows: the inputs say little about the target, or the rows are few."
        )
    match _advantage(network, linear):
        case 1:
            return (
                f"The network was worth it: it is clearly better than the linear model on the "
                f"{rows} held-out rows ({against})."
            )
        case -1:
            return (
                f"The network was not worth it: the linear model is clearly better on the "
                f"{rows} held-out rows ({against})."
            )
    return (
        f"The network and the linear model differ by no more than chance on the {rows} held-out "
        f"rows ({against}): the linear model, being simpler, would do."
    )


def _advantage(one: Scores, other: Scores) -> int:
    """Return 1 if one is clearly better than the other, -1 if clearly worse, else 0."""
    gain = other.rows - one.rows
    if len(gain) < 2:
        return 0
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    return int(np.sign(gain.mean())) if abs(gain.mean()) > 2 * error else 0
