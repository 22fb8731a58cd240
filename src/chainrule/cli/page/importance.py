"""Permutation importance: how much worse a model does when a column is shuffled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.inspection import permutation_importance

from chainrule.cli.metrics import outputs, score
from chainrule.cli.saved import Measured

__all__ = ["Importances", "importances"]

REPEATS, MOST_ROWS = 5, 2000


@dataclass(frozen=True)
class Importances:
    """What shuffling each column costs: the name, the mean, the deviation over the repeats."""

    columns: Sequence[tuple[str, float, float]]
    measure: str
    rows: int


class _ByRowNumbers:
    """The model as one that takes, for each cell, the number of the row it is taken from.

    scikit-learn shuffles arrays; so it shuffles these, whatever the columns hold.
    """

    def __init__(self, measured: Measured) -> None:
        self.measured = measured

    def fit(self, X: Any, y: Any = None) -> "_ByRowNumbers":
        """Do nothing: the model was trained."""
        return self

    def loss(self, rows: np.ndarray, y: np.ndarray) -> float:
        """Return the mean loss where the cells of column j are those of rows[:, j]."""
        saved, inputs = self.measured.saved, self.measured.inputs
        shuffled = pl.DataFrame(
            [inputs.to_series(j)[rows[:, j]] for j in range(inputs.width)],
        )
        found = outputs(saved.pipeline, saved.task, shuffled)
        return float(score(saved.task, y, found, saved.classes).rows.mean())


def importances(measured: Measured) -> Importances:
    """Measure how much worse the model does when a column is shuffled.

    Parameters
    ----------
    measured : Measured
        The model on a table.

    Returns
    -------
    Importances
        The most important column first.
    """
    n, width = measured.inputs.shape
    random = np.random.default_rng(0)
    rows = np.arange(n) if n <= MOST_ROWS else np.sort(random.choice(n, MOST_ROWS, replace=False))
    y = measured.target.values[rows]
    model = _ByRowNumbers(measured)
    found: Any = permutation_importance(
        model,
        np.repeat(rows[:, None], width, axis=1),
        y,
        scoring=lambda model, X, y: -model.loss(X, y),
        n_repeats=REPEATS,
        random_state=0,
    )
    scale, measure = 1.0, "log loss added"
    if measured.saved.classes is None:
        ignorant = np.full(len(y), y.mean())
        without = score(measured.saved.task, y, ignorant).rows.mean()
        scale = float(without) or 1.0
        measure = "R² lost" if measured.saved.task == "regression" else "D² lost"
    order = np.argsort(-found.importances_mean, kind="stable")
    return Importances(
        [
            (
                measured.inputs.columns[j],
                float(found.importances_mean[j]) / scale,
                float(found.importances_std[j]) / scale,
            )
            for j in order
        ],
        measure,
        len(rows),
    )
