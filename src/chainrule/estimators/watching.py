"""What an estimator does after each epoch: print, validate, tell scikit-learn's callbacks."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

from chainrule.calls import level_of_the_user
from chainrule.engines.stopping import Plateau
from chainrule.training import History, Learner, Record

__all__ = ["CURVES", "Epochs", "Tasks", "interrupted_with_a_warning", "prints"]

CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
"""The attributes that hold a number for each epoch; a list where there is one."""


def prints(estimator: Any) -> bool:
    """Whether an estimator prints lines: it is verbose, and not by a bar."""
    return bool(estimator.verbose) and not isinstance(estimator.verbose, str)


@contextmanager
def interrupted_with_a_warning() -> Iterator[None]:
    """Turn Ctrl-C into a warning: what was learned so far stays."""
    try:
        yield
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=level_of_the_user())


@final
@dataclass
class Epochs:
    """Keeps the estimator's attributes up to date with each epoch, and prints if it is verbose.

    Attributes
    ----------
    estimator : MLPClassifier or MLPRegressor
    n_examples : int
        Examples an epoch.
    curve : list of float
        The estimator's loss_curve_.
    continued : bool
        Whether this is one epoch of many calls of partial_fit, over which a plateau of the cost
        reduces the "adaptive" rate as it does within one fit.
    """

    estimator: Any
    n_examples: int
    curve: list[float]
    continued: bool
    rate: float | None = None
    taken: int = 0

    def __call__(self, learner: Learner, record: Record) -> None:
        """Take in an epoch, after those that were made before the fit was resumed."""
        estimator = self.estimator
        self._catch_up(learner, len(learner.history) - 1)
        adaptive = estimator.learning_rate == "adaptive"
        if adaptive and self.rate is not None and record["learning_rate"] < self.rate:
            self.say_why(f"Setting learning rate to {record['learning_rate']:f}")
        if self.continued:
            self._watch_over_calls(learner, record["cost"])
        self._catch_up(learner, len(learner.history))
        if prints(estimator):
            print(f"Iteration {estimator.n_iter_}, loss = {record['cost']:.8f}")  # noqa: T201

    def _catch_up(self, learner: Learner, n_epochs: int) -> None:
        """Take in the epochs so far, those that were not: at once, since there may be millions."""
        records = learner.history[self.taken : n_epochs]
        if not records:
            return
        estimator, costs = self.estimator, [record["cost"] for record in records]
        estimator.n_iter_ += len(costs)
        estimator.t_ += len(costs) * self.n_examples
        estimator.loss_ = costs[-1]
        self.curve += costs
        estimator.history_.go_on(records)
        if estimator.best_loss_ is not None:
            estimator.best_loss_ = min(estimator.best_loss_, *costs)
        self.rate = records[-1]["learning_rate"]
        self.taken = n_epochs

    @contextmanager
    def all_at_the_end(self, learner: Learner) -> Iterator[None]:
        """Take in all epochs of a fit when it has ended, however it ended."""
        try:
            yield
        finally:
            if not self.continued:  # a learner that goes on has the history of the call before
                self._catch_up(learner, len(learner.history))

    def _watch_over_calls(self, learner: Learner, cost: float) -> None:
        estimator = self.estimator
        plateau = Plateau(
            estimator.tol,
            estimator.n_iter_no_change,
            estimator.best_loss_,
            estimator._epochs_without_improvement,
        )
        if plateau.reached(cost):
            learner.reduce_learning_rate()
            plateau.start_over()
        estimator._epochs_without_improvement = plateau.without_improvement

    def say_why(self, consequence: str) -> None:
        """Print, if the estimator is verbose, that a plateau was reached and what follows."""
        estimator = self.estimator
        if prints(estimator):
            what = "Validation score" if estimator.early_stopping else "Training loss"
            print(  # noqa: T201 - verbose output
                f"{what} did not improve more than tol={estimator.tol:f} for "
                f"{estimator.n_iter_no_change} consecutive epochs. {consequence}"
            )


@final
class Tasks:
    """Tells scikit-learn's callbacks of a fit and of each epoch in it.

    Parameters
    ----------
    estimator, context
        Whose fit it is, and scikit-learn's context of it.
    X, y, sample_weight
        What is trained on, as the user sees it: labels, not the network's targets.
    """

    def __init__(self, estimator: Any, context: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self.context = context
        self.active = bool(getattr(estimator, "_skl_callbacks", ()))
        """Whether there is anyone to tell; without, no epoch needs to be watched."""
        self.passed = {
            "estimator": estimator,
            "X": X,
            "y": y,
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
            # Copies, made only for a callback that asks: what it keeps must not go on learning.
            "reconstruction_attributes": lambda: _as_it_is_now(estimator),
        }
        self.epoch: Any = None
        self.stopped = False
        self.context.call_on_fit_task_begin(**self.passed)

    def on_epoch_begin(self, learner: Learner | None = None) -> None:
        """Begin an epoch's task."""
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self.passed)

    def __call__(self, learner: Learner | None = None, record: Record | None = None) -> bool:
        """End the epoch's task; True if a callback asks to stop."""
        # Taken first: a callback that raises must not hear of the same end again.
        epoch, self.epoch = self.epoch, None
        self.stopped = epoch.call_on_fit_task_end(**self.passed)
        return self.stopped

    def end(self) -> None:
        """End the fit, and the epoch in which it was interrupted."""
        if self.epoch is not None:
            self()
        self.context.call_on_fit_task_end(**self.passed)


def _as_it_is_now(estimator: Any) -> dict[str, Any]:
    """Return copies of all that later epochs change in place."""
    changing: dict[str, Any] = {
        name: list(value)
        for name in CURVES
        if isinstance(value := getattr(estimator, name, None), list)
    }
    if hasattr(estimator, "history_"):
        changing["history_"] = History(estimator.history_)
    # Its partial_fit must not train the network that the learner holds.
    return {"network_": estimator.network_.copy(), "_learner": None, **changing}
