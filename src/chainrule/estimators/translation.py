"""scikit-learn's parameters in the notes' terms: batch size, penalties, update rule."""

from typing import Any

from chainrule.optimizers import SGD, Adam, Adaptive, InverseScaling, Optimizer

__all__ = ["batch_size", "lambdas", "make_optimizer"]


def batch_size(estimator: Any, n_examples: int) -> int:
    """Return B for so many examples."""
    wanted = 200 if estimator.batch_size == "auto" else int(estimator.batch_size)
    return min(wanted, n_examples)


def lambdas(estimator: Any, n_examples: int) -> tuple[float, float]:
    """Return the notes' lambdas for alpha and l1.

    scikit-learn divides its penalty by the batch's size, the notes by that of the training set, so
    lambda = alpha M/B: with weights that is alpha S over the weight S B/M that a batch has on
    average, so that a row of weight 2 is a row twice.
    """
    if estimator.solver == "lbfgs":
        return estimator.alpha, estimator.l1
    per_batch = n_examples / batch_size(estimator, n_examples)
    return estimator.alpha * per_batch, estimator.l1 * per_batch


def make_optimizer(estimator: Any) -> Optimizer:
    """Return the update rule of "sgd" and "adam", with its schedule."""
    rate = estimator.learning_rate_init
    if estimator.solver == "adam":
        return Adam(rate, estimator.beta_1, estimator.beta_2, estimator.epsilon)
    schedules = {
        "constant": rate,
        "invscaling": InverseScaling(rate, estimator.power_t),
        "adaptive": Adaptive(rate),
    }
    nesterov = bool(estimator.nesterovs_momentum and estimator.momentum)
    return SGD(schedules[estimator.learning_rate], estimator.momentum, nesterov)
