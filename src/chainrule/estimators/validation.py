"""What an estimator measures on examples that are not trained on: a score and the mean loss.

One rule for all of them, whether they were held out, given as `X_val`, or are a fold of a
cross-validation: an example counts what it would count in training, in every score and in the
loss: its sample weight times the weight of its class, as learned from those trained on.
"""

from collections.abc import Callable
from dataclasses import replace
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.metrics._scorer import _BaseScorer
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from chainrule.architecture.inputs import check_batch, check_Y
from chainrule.architecture.rows import Rows
from chainrule.engines import Examples, losses_of, weighted_sums
from chainrule.errors import InvalidInput, InvalidParameter
from chainrule.estimators.recipe import Recipe
from chainrule.estimators.scales import warn_of_other_scales
from chainrule.estimators.table import Table
from chainrule.optimizers import LBFGS
from chainrule.training.early_stopping import Judge

__all__ = [
    "divided",
    "given_validation",
    "judge_of",
    "measuring",
    "require_same_targets",
    "score_by",
    "to_judge_by",
    "to_train_on",
]


_TOO_SMALL = (
    "The validation set is too small: validation_fraction={:g} of {} examples, and it needs two, "
    "with one of each of two classes. Increase 'validation_fraction' or the size of your dataset, "
    "or give X_val and y_val to fit."
)


def given_validation(
    estimator: Any, recipe: Recipe, X: Any, y: Any, sample_weight: Any
) -> Table | None:
    """Return validation data that were given to `fit`, checked; None if none were given.

    Raises
    ------
    InvalidInput
        If they are not whole, or do not fit what is trained on.
    """
    if X is None and y is None and sample_weight is None:
        return None
    if X is None or y is None:
        raise InvalidInput(
            f"X_val and y_val go together, with or without sample_weight_val. Got no "
            f"{'X_val' if X is None else 'y_val'}: give both, or none of the three."
        )
    if isinstance(recipe.optimizer, LBFGS):
        raise InvalidInput(
            "X_val and y_val are for solvers that train epoch by epoch. Got solver='lbfgs': use "
            "solver='adam' or 'sgd', or leave them out."
        )
    try:
        X, y = estimator._validate(X, y, reset=False)
        Y = estimator._encode(y, learn=False)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        check_batch(estimator.network_.architecture, X, Y, weight)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The validation data cannot be used. {error}") from None
    return Table(X, Y, y, weight)


def require_same_targets(y: Any, y_val: Any) -> None:
    """Raise if several targets have names, and those for validation other ones or another order.

    Raises
    ------
    InvalidInput
        With both.
    """
    names, names_val = ([*getattr(each, "columns", ())] for each in (y, y_val))
    if len(names) > 1 and len(names_val) == len(names) and names != names_val:
        raise InvalidInput(
            f"The validation data cannot be used. y_val has the columns {names_val} and y has "
            f"{names}: give them the same names and order, as in y_val[list(y.columns)]."
        )


def divided(
    estimator: Any, recipe: Recipe, table: Table, given: Table | None
) -> tuple[Table, Table | None]:
    """Return the examples to train on, and those to judge by: given, held out, or None."""
    held_out = given
    if recipe.early_stopping and given is None:
        table, held_out = _hold_out(recipe, table, estimator._stratify(table.y))
    table = to_train_on(estimator, table)
    if given is not None:
        warn_of_other_scales(estimator, table, given)
    return table, None if held_out is None else to_judge_by(estimator, held_out)


def _hold_out(recipe: Recipe, table: Table, stratify: Any) -> tuple[Table, Table]:
    n = len(table.Y)
    try:
        split: list[Any] = train_test_split(
            np.arange(n),
            test_size=recipe.validation_fraction,
            stratify=stratify,
            random_state=check_random_state(recipe.random_state),
        )
    except ValueError as error:
        if "least populated" in str(error):  # a class of one example, whatever the fraction
            raise
        raise InvalidInput(_TOO_SMALL.format(recipe.validation_fraction, n)) from None
    kept, held_out = split
    if len(held_out) < 2:
        raise InvalidInput(_TOO_SMALL.format(recipe.validation_fraction, n))
    return table.take(kept), table.take(held_out)


def to_train_on(estimator: Any, table: Table) -> Table:
    """Return examples with what they count, and learn from them what each class counts."""
    if is_classifier(estimator):
        estimator.class_weight_ = estimator._class_weights(table.y)
    return _weighed(estimator, table)


def to_judge_by(estimator: Any, table: Table) -> Table:
    """Return other examples with what they count, by what was learned of those trained on.

    Raises
    ------
    InvalidInput
        If none of them counts.
    """
    table = _weighed(estimator, table)
    if table.weight is not None and not np.any(table.weight):
        raise InvalidInput(
            "The validation data cannot be used. Each row weighs 0 by its sample weight times the "
            "weight of its class: have rows in it that count."
        )
    return table


def _weighed(estimator: Any, table: Table) -> Table:
    by_class = vars(estimator).get("class_weight_")
    return replace(table, weight=estimator._weights(table.y, table.sample_weight, by_class))


def judge_of(estimator: Any, recipe: Recipe, held_out: Table) -> Judge:
    """Return the judge of each epoch, which continues the lists of the estimator."""
    scores, losses = estimator.validation_scores_, estimator.validation_loss_curve_
    best = estimator.best_validation_score_
    measure = measuring(estimator, held_out, recipe.scoring)
    if recipe.early_stopping and best is not None and best > -np.inf:
        # The weights that a warm start begins with, and the data, may be others than then.
        score = measure()[0]
        best = None if np.isnan(score) else score
    return Judge(
        measure=lambda _: measure(),
        tol=recipe.tol,
        n_iter_no_change=recipe.n_iter_no_change,
        best_theta=estimator.network_.theta.copy(),
        best_score=-np.inf if best is None else best,
        scores=scores,
        losses=losses,
        stops=recipe.early_stopping,
        verbose=recipe.prints,
    )


def measuring(estimator: Any, held_out: Table, scoring: Any) -> Callable[[], tuple[float, float]]:
    """Return a function that computes the score and the mean loss of the network on a table.

    The score is what `scoring` says, where greater is better: the accuracy or R² for None, the loss
    times -1 for "loss", else that of scikit-learn's scorer of that name, or of the user's.
    """
    net = estimator.network_
    architecture = net.architecture
    Y, weight = check_Y(architecture, held_out.Y), held_out.weight
    X = held_out.X
    if X.dtype != architecture.dtype:
        X = X.astype(architecture.dtype)
    examples = Examples(X, Y, weight)
    scorer = None if scoring in (None, "loss") else check_scoring(estimator, scoring)

    def measure() -> tuple[float, float]:
        with np.errstate(over="ignore", invalid="ignore"):  # a diverged network scores NaN
            z = weighted_sums(architecture, net.parameters, examples.X)
            loss, H = losses_of(architecture, z, examples), architecture.loss.hypothesis(z)
        if scoring == "loss":
            return -loss, loss
        if not np.isfinite(H).all():
            return np.nan, loss
        if scorer is None:
            return float(estimator._score_of(H, held_out.y, weight)), loss
        return score_by(scorer, estimator, held_out), loss

    return measure


def score_by(scorer: Any, estimator: Any, table: Table) -> float:
    """Return the score of the estimator by a scorer.

    Raises
    ------
    InvalidParameter
        If it cannot score these predictions, or what it returns is not a number.
    """
    weight = {} if table.weight is None else {"sample_weight": table.weight}
    if isinstance(scorer, _BaseScorer):  # it hands X on to predict, which need not check it again
        try:
            score = scorer(estimator, Rows(table.X), table.y, **weight)
        except (AttributeError, TypeError, ValueError) as error:  # a regressor has no predict_proba
            raise _unscored(
                estimator, f"can score what it predicts. {str(error).rstrip('.')}"
            ) from error
    else:
        if weight and not _takes_weights(scorer):
            raise _unscored(
                estimator,
                "takes sample_weight as well, since the examples to score have weights, given or "
                "of their classes, as in scoring(estimator, X, y, sample_weight=None)",
            )
        # The user's own function sees an estimator like any other, but X has no names any more.
        seen = object.__new__(type(estimator))
        vars(seen).update({k: v for k, v in vars(estimator).items() if k != "feature_names_in_"})
        X = table.X[:] if isinstance(table.X, Rows) else table.X
        score = scorer(seen, X, table.y, **weight)
    try:
        return float(score)
    except (TypeError, ValueError):
        raise _unscored(estimator, f"returns a number, and it returned {score!r}") from None


def _takes_weights(scorer: Any) -> bool:
    try:
        parameters = signature(scorer).parameters
    except (TypeError, ValueError):  # of compiled functions
        return True
    kinds = {parameter.kind for parameter in parameters.values()}
    return "sample_weight" in parameters or Parameter.VAR_KEYWORD in kinds


def _unscored(estimator: Any, need: str) -> InvalidParameter:
    return InvalidParameter(
        f"The 'scoring' parameter of {type(estimator).__name__} must be one that {need}. Got "
        f"{estimator.scoring!r} instead."
    )
