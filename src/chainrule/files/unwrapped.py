"""Simplify a fitted model for exporters: best estimators for searches, columns by number."""

from copy import copy
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import InvalidInput
from chainrule.estimators import (
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
)

__all__ = ["unwrapped"]

_SEARCHES = (GridSearchCV, RandomizedSearchCV, MLPClassifierCV, MLPRegressorCV)


def unwrapped(model: Any, dtype: Any = None) -> Any:
    """Return a fitted model with the same predictions and fewer kinds of parts.

    Each search, and each cross-validated estimator of ours, is replaced by its best estimator;
    ColumnTransformers choose their columns by number, so that the model takes
    an array too. The given model itself is not changed.

    Parameters
    ----------
    model : estimator
        Fitted.
    dtype : dtype, optional
        The dtype of the networks; by default unchanged.

    Returns
    -------
    estimator
        Shallow copies where something differs.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If it was not fitted.
    InvalidInput
        If a search did not fit its best estimator (``refit=False``).
    """
    check_is_fitted(model)
    return _unwrapped(model, dtype)


def _unwrapped(model: Any, dtype: Any) -> Any:
    if isinstance(model, FrozenEstimator):
        return _unwrapped(model.estimator, dtype)
    if isinstance(model, _SEARCHES) or hasattr(model, "best_estimator_"):
        return _unwrapped(_best(model), dtype)
    made = copy(model)
    if isinstance(made, Pipeline):
        made.steps = [(name, _unwrapped(step, dtype)) for name, step in made.steps]
    elif isinstance(made, ColumnTransformer):
        numbers = made._transformer_to_input_indices
        made.transformers_ = [
            (name, _unwrapped(part, dtype), [int(i) for i in numbers[name]])
            for name, part, _ in made.transformers_
            if part != "drop"
        ]
    elif isinstance(made, TransformedTargetRegressor):
        made.regressor_ = _unwrapped(made.regressor_, dtype)
    elif isinstance(made, VotingClassifier):
        made.flatten_transform = False  # affects its transform only; skl2onnx supports no other
    elif isinstance(made, MLPClassifier | MLPRegressor) and dtype is not None:
        made.network_ = made.network_.copy(dtype)
    return made


def _best(search: BaseEstimator) -> Any:
    best = getattr(search, "best_estimator_", None)
    if best is None:
        raise InvalidInput(
            f"This {type(search).__name__} was fitted with refit=False, so it has no network. Set "
            f"refit=True."
        )
    return best
