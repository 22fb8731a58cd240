"""What an estimator trains on, or judges by."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from chainrule.architecture.rows import Rows

__all__ = ["Table", "checked_data"]


@final
@dataclass(frozen=True)
class Table:
    """Examples, checked.

    Attributes
    ----------
    X, y, sample_weight
        As the user gave them: labels, and weights or None.
    Y, weight
        As the network gets them: targets, and what each example counts, or None for 1 each.
    """

    X: Any
    Y: Any
    y: Any
    sample_weight: Any
    weight: Any = None

    def take(self, rows: NDArray[Any]) -> "Table":
        """Return some of the examples; an X that is shared stays so."""
        X = self.X.take(rows) if isinstance(self.X, Rows) else self.X[rows]
        others = (self.Y, self.y, self.sample_weight, self.weight)
        return Table(X, *(None if each is None else each[rows] for each in others))


def checked_data(estimator: Any, X: Any, y: Any = None, *, reset: bool) -> tuple[Any, Any]:
    """Return X as CSR or dense float32 or float64, and y unless it is None, as scikit-learn checks.

    Parameters
    ----------
    estimator
        Whose they are.
    X, y
        The user's.
    reset : bool
        Whether to learn from them how many features there are, and their names.
    """
    how: dict[str, Any] = {"accept_sparse": "csr", "dtype": (np.float64, np.float32)}
    if y is None and not reset:
        return validate_data(estimator, X, reset=False, **how), None
    targets: Any = y  # None, where X is to be learned from, is refused
    both: Any = validate_data(
        estimator,
        X,
        targets,
        multi_output=True,
        y_numeric=is_regressor(estimator),
        reset=reset,
        **how,
    )
    X, y = both
    return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
