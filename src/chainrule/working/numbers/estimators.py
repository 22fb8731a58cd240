"""Estimators and pipelines, opened: what their network sees of the user's rows and labels."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.architecture.inputs import is_sparse
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.network.gradient_check import GradientProblem
from chainrule.working.formulas.document import Inline, say
from chainrule.working.numbers.subject import Opened, as_targets

__all__ = ["chosen_by", "opened_estimator"]


def opened_estimator(model: Any, X: Any, y: Any, sample_weight: Any) -> Opened:
    """Open an estimator, or a Pipeline, search or TransformedTargetRegressor around one.

    Parameters
    ----------
    model : estimator
        Fitted.
    X, y, sample_weight
        As its ``fit`` takes them; y may be None. A single example may be 1-D.

    Returns
    -------
    Opened

    Raises
    ------
    TypeError
        If the model is of another kind.
    ValueError
        If it is not fitted, or the data are unusable.
    """
    if isinstance(model, MLPClassifier | MLPRegressor):
        check_is_fitted(model)
        return _open(model, *_as_rows(X, y, sample_weight))
    if isinstance(model, Pipeline):
        return _through_pipeline(model, *_as_rows(X, y, sample_weight))
    if isinstance(model, TransformedTargetRegressor):
        return _through_target(model, *_as_rows(X, y, sample_weight))
    if hasattr(model, "cv"):  # a search, or a choice by cross-validation
        chosen = chosen_by(model)
        if chosen is not None:
            return opened_estimator(chosen, X, y, sample_weight)
    raise TypeError(
        f"Only a Network, a Learner, a fitted estimator of chainrule or a Pipeline or search that "
        f"ends in one can be explained. Got {type(model).__name__} instead."
    )


def chosen_by(search: Any) -> Any:
    """Return the model that a search or a cross-validation chose; None if it is no search.

    Raises
    ------
    TypeError
        If it has chosen settings and trained no model with them on all rows.
    ValueError
        If it is not fitted.
    """
    check_is_fitted(search)
    if hasattr(search, "cv_results_") and not hasattr(search, "best_estimator_"):
        raise TypeError(
            f"This {type(search).__name__} has no model that was trained on all rows: search with "
            f"refit=True, or fit an estimator with the settings that it found."
        )
    return getattr(search, "best_estimator_", None)


def _as_rows(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Make a batch of one of a single example."""
    if is_sparse(X) or np.ndim(X) != 1:
        return X, y if y is None else as_targets(X, y), sample_weight
    if hasattr(X, "to_frame"):  # a row of a pandas table: with its names
        X = X.to_frame().T
    one_target = y is None or (np.ndim(y) == 1 and np.size(y) == 1)
    one_weight = sample_weight is None or np.ndim(sample_weight) == 1
    return (
        X if np.ndim(X) == 2 else np.asarray(X)[None],
        y if one_target else np.asarray(y)[None],
        sample_weight if one_weight else [sample_weight],
    )


def _through_pipeline(model: Any, X: Any, y: Any, sample_weight: Any) -> Opened:
    check_is_fitted(model)
    before, last = model[:-1], model.steps[-1][1]
    if not len(before):
        return opened_estimator(last, X, y, sample_weight)
    steps = " and ".join(type(step).__name__ for _, step in before.steps)
    opened = opened_estimator(last, before.transform(X), y, sample_weight)
    remark = say(
        f"The rows are what the pipeline's steps before the network ({steps}) make of those given."
    )
    return replace(
        opened,
        remarks=(remark, *opened.remarks),
        input_names=_names_after(before) or opened.input_names,
    )


def _names_after(steps: Any) -> tuple[str, ...]:
    try:
        names = [str(name) for name in steps.get_feature_names_out()]
    except (AttributeError, ValueError):  # a step that does not know what its columns are
        return ()
    # A ColumnTransformer puts the name of its part in front, which says nothing of the column.
    plain = [name.partition("__")[2] or name for name in names]
    return tuple(plain if len(set(plain)) == len(plain) else names)


def _through_target(model: Any, X: Any, y: Any, weight: Any) -> Opened:
    check_is_fitted(model)
    transformer = model.transformer_
    if y is None:
        return opened_estimator(model.regressor_, X, None, weight)
    column = np.asarray(y, float)
    column = column[:, None] if column.ndim == 1 else column
    target = transformer.transform(column)
    target = target[:, 0] if target.shape[1] == 1 else target
    opened = opened_estimator(model.regressor_, X, target, weight)
    remark = say(
        f"The targets are what {type(transformer).__name__} makes of those given: the network "
        f"learns them so, and its predictions are transformed back."
    )
    labels = tuple(", ".join(f"{value:g}" for value in row) for row in column)
    return replace(opened, remarks=(*opened.remarks, remark), labels=labels)


def _open(model: MLPClassifier | MLPRegressor, X: Any, y: Any, sample_weight: Any) -> Opened:
    net, remarks = model.network_, list[tuple[Inline, ...]]()
    learner = vars(model).get("_learner")
    if y is None:
        rows: Any = validate_data(
            model, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        problem = GradientProblem(net, rows, None)
    else:
        if getattr(model, "class_weight", None) == "balanced":
            model = copy.copy(model)
            setattr(model, "class_weight", None)  # noqa: B010 - the regressor has none
            remarks.append(
                say(
                    "`class_weight='balanced'` weighs the classes by how often they are in the "
                    "training set, which is not known here, so every example counts alike: give "
                    "`sample_weight=` to weigh them."
                )
            )
        problem = model.gradient_problem(X, y, sample_weight)
    if learner is None:
        remarks.append(
            say(
                "The model was trained by L-BFGS, whose steps follow from searches along lines, "
                "over many costs and gradients, and are no part of the working. The step shown is "
                "one of gradient descent instead."
            )
        )
    names: Any = getattr(model, "feature_names_in_", ())
    outputs, labels = _classes(model, y)
    return Opened(
        net,
        problem.X,
        problem.Y,
        problem.sample_weight,
        problem.l2,
        problem.l1,
        learner,
        tuple(remarks),
        tuple(str(name) for name in names),
        outputs,
        labels,
    )


def _classes(model: Any, y: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what each output stands for, and each example's label."""
    if not isinstance(model, MLPClassifier):
        return (), ()
    if isinstance(model.classes_, list):  # several columns of classes
        names = [f"{label} (column {i + 1})" for i, of in enumerate(model.classes_) for label in of]
        return tuple(names), ()
    classes = tuple(str(label) for label in model.classes_)
    outputs = classes[1:] if model.network_.sizes[-1] == 1 else classes
    if y is None or np.ndim(y) != 1:
        return outputs, ()
    return outputs, tuple(str(label) for label in np.asarray(y))
