"""What a learner refuses, and what it says when its training diverged."""

from typing import Any

from chainrule.engines import are_finite
from chainrule.errors import Diverged, InvalidParameter
from chainrule.optimizers import Optimizer
from chainrule.optimizers.schedules import as_schedule
from chainrule.training.diagnosis import where_it_diverged

__all__ = ["diverged", "require_finite_parameters", "require_full_batch", "require_known_length"]


def require_full_batch(optimizer: Optimizer, batch_size: int, n_examples: int) -> None:
    """Raise if an optimizer that needs all examples at once would get a part of them."""
    if optimizer.needs_full_batch and batch_size < n_examples:
        raise InvalidParameter(
            f"{type(optimizer).__name__} goes by the sign of the gradient over all examples, which "
            f"mini-batches of {batch_size} out of {n_examples} would change by chance: set "
            f"batch_size=None, or use another optimizer."
        )


def require_known_length(optimizer: Optimizer) -> None:
    """Raise if a schedule takes its length from a fit, for steps that are part of none."""
    schedule = as_schedule(optimizer.learning_rate)
    if schedule.is_open:
        raise InvalidParameter(
            f"The schedule {type(schedule).__name__} takes its length from a fit, and single steps "
            f"have none: give its number of steps, as in cr.Cosine(0.1, steps=1000). Got "
            f"{schedule!r}."
        )


def require_finite_parameters(learner: Any, X: Any) -> None:
    """Raise if the last update, which no cost has seen yet, went to infinity."""
    if not are_finite(learner.net.theta):
        raise diverged(learner, "The weights became infinite or NaN", X)


def diverged(learner: Any, what: str, X: Any) -> Diverged:
    """Return the error that says when and where a training diverged, and what helps."""
    return Diverged(
        f"{what} at step {learner.n_steps} (epoch {learner.n_epochs + 1}), with the learning rate "
        f"{learner.learning_rate:g}: {where_it_diverged(learner.net, X)}. Standardize X, or try a "
        f"tenth of the rate, with a new Network and a new Learner."
    )
