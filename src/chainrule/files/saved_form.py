"""The form of a model in its file: without temporary state, and with columns for selectors."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.metrics import check_scoring

from chainrule.errors import InvalidInput
from chainrule.files.consistent import curves_as_arrays, estimators_in, forget_checkpoint

__all__ = ["complete", "saved_form"]

_Columns = dict[tuple[str, Any], Any]


@contextmanager
def saved_form(model: BaseEstimator) -> Generator[None]:
    """Change a model, while it is saved, into the form that its file holds.

    Left out are scikit-learn's callbacks, such as a progress bar that watched the training;
    the path of a checkpoint (a model from a file should not write to a path that came with it);
    and the scoring functions of a search, which `complete` looks up by their names. If a
    ColumnTransformer chooses its columns by a function, such as a ``make_column_selector``, the
    chosen columns replace the function.

    Raises
    ------
    InvalidInput
        If such a function has not chosen yet.
    """
    estimators = estimators_in(model)
    chosen: _Columns = {}
    for estimator in estimators:
        if isinstance(estimator, ColumnTransformer):
            _note_columns(estimator, chosen)
    before: list[tuple[dict[str, Any], dict[str, Any]]] = []
    try:
        for estimator in estimators:
            attributes = vars(estimator)
            before.append((attributes, dict(attributes)))
            attributes.pop("_skl_callbacks", None)
            forget_checkpoint(estimator)
            curves_as_arrays(estimator)
            if isinstance(estimator, ColumnTransformer):
                _name_columns(estimator, chosen)
            if _is_search(estimator):
                attributes.pop("scorer_", None)
                attributes.pop("_checked_cv_orig", None)  # from the fit, made from `cv` again
        yield
    finally:
        for attributes, as_it_was in before:
            attributes.update(as_it_was)


def complete(model: BaseEstimator) -> None:
    """Restore the scoring functions of the searches in a model from a file.

    Raises
    ------
    ValueError
        If a search names a score that scikit-learn does not have.
    """
    for estimator in estimators_in(model):
        if _is_search(estimator) and not hasattr(estimator, "scorer_"):
            search: Any = estimator
            scoring, inner = search.scoring, search.estimator
            if isinstance(scoring, list | tuple | set):
                scoring = {name: name for name in scoring}  # pyright: ignore[reportUnknownVariableType]
            search.scorer_ = (
                {name: check_scoring(inner, each) for name, each in scoring.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
                if isinstance(scoring, dict)
                else check_scoring(inner, scoring)
            )


def _is_search(estimator: BaseEstimator) -> bool:
    """Whether it is a fitted search for parameters, of any kind that scikit-learn has."""
    return all(name in vars(estimator) for name in ("cv_results_", "scoring", "refit"))


def _note_columns(transformer: ColumnTransformer, chosen: _Columns) -> None:
    """Record the columns that the functions of a fitted ColumnTransformer chose."""
    found: Any = vars(transformer).get("_columns")
    if found is None:
        return
    for (name, _, columns), names in zip(transformer.transformers, found, strict=True):
        if callable(columns):
            chosen[name, _identity(columns)] = _plain(names)


def _name_columns(transformer: ColumnTransformer, chosen: _Columns) -> None:
    """Replace functions by columns; a template gets those of the part fitted from it."""
    attributes = vars(transformer)
    named: list[Any] = []
    for name, part, columns in transformer.transformers:
        key = name, _identity(columns) if callable(columns) else None
        if callable(columns) and key not in chosen:
            kind = getattr(columns, "__name__", type(columns).__name__)
            raise InvalidInput(
                f"This model cannot be saved: its ColumnTransformer chooses columns by {kind}, "
                f"which is a function that is called in fit. Fit it first, and the file "
                f"holds the columns; or name them yourself."
            )
        named.append((name, part, chosen[key] if callable(columns) else columns))
    attributes["transformers"] = named
    if "_columns" in attributes:
        attributes["_columns"] = [_plain(columns) for columns in attributes["_columns"]]
        attributes["transformers_"] = [
            (name, part, _plain(columns)) for name, part, columns in attributes["transformers_"]
        ]


def _identity(function: Any) -> Any:
    """Return a key that is equal for a function and its copies; clones copy selectors."""
    state = getattr(function, "__dict__", None)
    return (type(function).__name__, repr(state)) if state else id(function)


def _plain(columns: Any) -> Any:
    """Return columns in the form for a file: the index of a table as a list."""
    is_foreign = hasattr(columns, "tolist") and not isinstance(columns, np.ndarray)
    return columns.tolist() if is_foreign else columns
