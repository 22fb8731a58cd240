"""A fitted model as exporters need it: what its searches found, its columns by number."""

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

__all__ = ["opened"]

_SEARCHES = (GridSearchCV, RandomizedSearchCV, MLPClassifierCV, MLPRegressorCV)


def opened(model: Any, dtype: Any = None) -> Any:
    """Return a fitted model that predicts the same, of fewer kinds of parts.

    Each search, and each cross-validated estimator of ours, is replaced by its best estimator;
    ColumnTransformers choose their columns by number, however they did, so that the model takes
    an array too. Nothing of the model itself is changed.

    Parameters
    ----------
    model : estimator
        Fitted.
    dtype : dtype, optional
        The dtype that networks are to have; by default their own.

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
    return _opened(model, dtype)


def _opened(model: Any, dtype: Any) -> Any:
    if isinstance(model, Pipeline):
        copied = copy(model)
        copied.steps = [(name, _opened(step, dtype)) for name, step in model.steps]
        return copied
    if isinstance(model, ColumnTransformer):
        copied = copy(model)
        numbers = model._transformer_to_input_indices
        copied.transformers_ = [
            (name, _opened(part, dtype), [int(i) for i in numbers[name]])
            for name, part, _ in model.transformers_
            if part != "drop"
        ]
        return copied
    if isinstance(model, TransformedTargetRegressor):
        copied = copy(model)
        copied.regressor_ = _opened(model.regressor_, dtype)
        return copied
    if isinstance(model, VotingClassifier):
        copied = copy(model)
        copied.flatten_transform = False  # of its transform alone, and skl2onnx knows no other
        return copied
    if isinstance(model, FrozenEstimator):
        return _opened(model.estimator, dtype)
    if isinstance(model, _SEARCHES) or hasattr(model, "best_estimator_"):
        return _opened(_best(model), dtype)
    if isinstance(model, MLPClassifier | MLPRegressor) and dtype is not None:
        copied = copy(model)
        copied.network_ = model.network_.copy(dtype)
        return copied
    return model


def _best(search: BaseEstimator) -> Any:
    best = getattr(search, "best_estimator_", None)
    if best is None:
        raise InvalidInput(
            f"This {type(search).__name__} was fitted with refit=False, so it has no network. Set "
            f"refit=True."
        )
    return best
