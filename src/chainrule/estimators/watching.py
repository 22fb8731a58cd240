"""What an estimator does after each epoch: print, validate, tell scikit-learn's callbacks."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

from chainrule.network import Network
from chainrule.training import Learner, Record

__all__ = ["EarlyStopping", "Tasks", "interrupted_with_a_warning"]


@contextmanager
def interrupted_with_a_warning() -> Iterator[None]:
    """Turn Ctrl-C into a warning: what was learned so far stays."""
    try:
        yield
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=3)


@final
@dataclass
class EarlyStopping:
    """Stops when the score on held-out examples no longer improves, and keeps the best weights.

    As in scikit-learn: an epoch improves if its score is at least the best before plus `tol`, and
    more than `n_iter_no_change` epochs in a row without that end the training.
    """

    score: Callable[[], float]
    scores: list[float]
    tol: float
    n_iter_no_change: float
    best_score: float
    best_theta: Any
    verbose: bool = False
    without_improvement: int = 0
    plateaued: bool = False

    def __call__(self, learner: Learner, record: Record) -> bool:
        """Score the network as it is now."""
        score = self.score()
        self.scores.append(score)
        if self.verbose:
            print(f"Validation score: {score:f}")  # noqa: T201 - verbose output
        # A score that is NaN is no improvement.
        improved = score >= self.best_score + self.tol
        self.without_improvement = 0 if improved else self.without_improvement + 1
        if score > self.best_score:
            self.best_score = score
            self.best_theta = learner.net.theta.copy()
        if self.without_improvement <= self.n_iter_no_change:
            return False
        self.without_improvement = 0
        self.plateaued = not learner.reduce_learning_rate()
        return self.plateaued


@final
class Tasks:
    """Tells scikit-learn's callbacks of a fit and of each epoch in it."""

    def __init__(
        self,
        estimator: Any,
        context: Any,
        X: Any,
        y: Any,
        sample_weight: Any,
        network: Callable[[], Network],
    ) -> None:
        self.context = context
        self.active = bool(getattr(estimator, "_skl_callbacks", ()))
        """Whether there is anyone to tell; without, no epoch needs to be watched."""
        self.passed = {
            "estimator": estimator,
            "X": X,
            "y": y,
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
            # A copy, made only for a callback that asks: what it keeps must not go on learning.
            "reconstruction_attributes": lambda: {"network_": network().copy()},
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
        self.stopped = self.epoch.call_on_fit_task_end(**self.passed)
        self.epoch = None
        return self.stopped

    def end(self) -> None:
        """End the fit, and the epoch in which it was interrupted."""
        if self.epoch is not None:
            self()
        self.context.call_on_fit_task_end(**self.passed)
