"""What an estimator trains on, or judges by."""

import warnings
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_regressor
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight, validate_data

from chainrule.architecture.inputs import require_unmasked
from chainrule.architecture.rows import Rows
from chainrule.calls import level_of_the_user
from chainrule.errors import DoubtfulTarget, InvalidInput
from chainrule.estimators.unusable import not_numbers, unusable_data

__all__ = ["Table", "checked_data", "checked_weight"]

_FEW_ROWS: Final = 10


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
    try:
        checked, targets = _checked_by_scikit_learn(estimator, X, y, reset=reset)
    except (TypeError, ValueError) as error:
        better = unusable_data(estimator, X, y, error)
        if better is None:
            raise
        raise better from None
    if targets is None:
        return checked, None
    if is_regressor(estimator) and targets.dtype.kind not in "biuf":
        raise not_numbers(estimator, targets)
    if reset and hasattr(X, "columns"):
        _warn_of_target_in(checked, targets, X.columns)
    return checked, targets


def checked_weight(estimator: Any, sample_weight: Any, X: Any) -> Any:
    """Return the weights of examples as scikit-learn checks them.

    Raises
    ------
    InvalidInput
        If they are text, or there is another number of them.
    """
    if isinstance(sample_weight, str):
        raise InvalidInput(
            f"sample_weight needs one number per example. Got {sample_weight!r} instead: weights "
            f"of classes, such as 'balanced', are the parameter class_weight of MLPClassifier."
        )
    try:
        return _check_sample_weight(sample_weight, X)
    except ValueError as error:
        shape = np.shape(sample_weight)
        if len(shape) == 1 and shape[0] != X.shape[0]:
            raise InvalidInput(
                f"sample_weight needs one number per example. Got {shape[0]} of them for "
                f"{X.shape[0]} examples."
            ) from error
        raise


def _checked_by_scikit_learn(estimator: Any, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
    how: dict[str, Any] = {"accept_sparse": "csr", "dtype": (np.float64, np.float32)}
    require_unmasked(X, "X")
    require_unmasked(y, "y")
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


def _warn_of_target_in(X: Any, y: Any, names: Any) -> None:
    """Warn if a named column is the target itself, which then is all that is learned."""
    few = slice(_FEW_ROWS)
    if sparse.issparse(X) or y.ndim != 1 or len(y) < _FEW_ROWS or y.dtype.kind not in "biuf":
        return
    for j in np.flatnonzero((X[few] == y[few, np.newaxis]).all(axis=0)):
        if np.array_equal(X[:, j], y) and np.ptp(y) > 0:
            warnings.warn(
                f"Column {list(names)[j]!r} of X is y itself, which the network will not have when "
                f"it predicts. Leave it out: X.drop(columns={list(names)[j]!r}).",
                DoubtfulTarget,
                stacklevel=level_of_the_user(),
            )
