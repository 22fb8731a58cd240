"""scikit-learn's parameters in the notes' terms: batch size and penalties."""

from typing import Any

from chainrule.errors import InvalidParameter
from chainrule.estimators.solvers import is_lbfgs, needs_full_batch

__all__ = ["batch_size", "lambdas"]


def batch_size(estimator: Any, n_examples: int) -> int:
    """Return B for so many examples.

    Raises
    ------
    InvalidParameter
        If the solver needs all of them, and fewer are asked for.
    """
    given, whole = estimator.batch_size, needs_full_batch(estimator.solver)
    if given == "auto":
        return n_examples if whole else min(200, n_examples)
    if whole and given < n_examples:
        raise InvalidParameter(
            f"The 'batch_size' parameter of {type(estimator).__name__} must be 'auto' with Rprop, "
            f"which goes by the sign of the gradient over all examples. Got {given!r} instead."
        )
    return min(int(given), n_examples)


def lambdas(estimator: Any, n_examples: int) -> tuple[float, float]:
    """Return the notes' lambdas for alpha and l1.

    scikit-learn divides its penalty by the batch's size, the notes by that of the training set, so
    lambda = alpha M/B: with weights that is alpha S over the weight S B/M that a batch has on
    average, so that a row of weight 2 is a row twice.
    """
    if is_lbfgs(estimator.solver):
        return estimator.alpha, estimator.l1
    per_batch = n_examples / batch_size(estimator, n_examples)
    return estimator.alpha * per_batch, estimator.l1 * per_batch
