"""How an estimator trains its network: with L-BFGS, or epoch by epoch."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule.calls import level_of_the_user
from chainrule.engines import Examples, Plateau
from chainrule.errors import Diverged
from chainrule.estimators.keeping import with_estimator
from chainrule.estimators.solvers import has_own_rate, make_optimizer, schedule_of
from chainrule.estimators.starting import seed_of
from chainrule.estimators.table import Table
from chainrule.estimators.translation import batch_size, lambdas
from chainrule.estimators.validation import divided, judge, to_train_on
from chainrule.estimators.watching import Epochs, Tasks, interrupted_with_a_warning, prints
from chainrule.training import Checkpoint, Learner
from chainrule.training.diagnosis import where_it_diverged
from chainrule.training.fit import Plan
from chainrule.training.lbfgs import minimize_lbfgs
from chainrule.training.progress import Bar

__all__ = ["NON_FINITE", "Fit", "fit_lbfgs", "fit_stochastic"]

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


@final
@dataclass(frozen=True)
class Fit:
    """What holds for one call of `fit` or `partial_fit`.

    Attributes
    ----------
    incremental : bool
        Whether it is `partial_fit`.
    random_state : int, RandomState or None
        The estimator's, or what was drawn for this fit.
    checkpoint : Checkpoint or None
    deadline : float
        When it has to end, on the clock of ``time.monotonic``; infinite if there is no hurry.
    validation : Table or None
        The validation data that the user gave.
    """

    incremental: bool
    random_state: Any
    checkpoint: Checkpoint | None
    deadline: float
    validation: Table | None = None

    @property
    def seconds_left(self) -> float | None:
        """The time there is, more than 0; None if there is no hurry."""
        left = self.deadline - time.monotonic()
        return None if left == np.inf else max(left, 1e-9)


def fit_lbfgs(estimator: Any, table: Table, fit: Fit) -> None:
    """Train with L-BFGS."""
    estimator.engine_ = "reference"
    table = to_train_on(estimator, table)
    tasks = _tasks(estimator, table, max_epochs=estimator.max_iter)

    bar = Bar(estimator.max_iter, always=estimator.verbose == "bar")
    bar.is_shown = bar.is_shown and isinstance(estimator.verbose, str)

    def on_iteration(cost: float) -> bool:
        estimator.n_iter_ += 1
        estimator.loss_ = cost
        bar.show(estimator.n_iter_, cost)
        if prints(estimator):
            print(f"Iteration {estimator.n_iter_}, loss = {cost:.8f}")  # noqa: T201 - verbose
        return tasks() if tasks.active else False

    with interrupted_with_a_warning(), bar:
        found = minimize_lbfgs(
            estimator.network_,
            table.X,
            table.Y,
            sample_weight=table.weight,
            l2=estimator.alpha,
            l1=estimator.l1,
            max_iter=estimator.max_iter,
            max_fun=estimator.max_fun,
            tol=estimator.tol,
            settings=None if isinstance(estimator.solver, str) else estimator.solver,
            max_seconds=fit.seconds_left,
            on_iteration_begin=tasks.on_epoch_begin if tasks.active else None,
            on_iteration=on_iteration,
        )
        estimator.n_iter_, estimator.loss_ = found.n_iter, found.cost
        if not (np.isfinite(found.cost) or found.out_of_time or tasks.stopped):
            where = where_it_diverged(estimator.network_, table.X)
            raise Diverged(
                f"{NON_FINITE} The cost became {found.cost} in iteration {found.n_iter + 1}: "
                f"{where}: scale X and y."
            )
        if not (found.converged or tasks.stopped):
            more = "max_seconds" if found.out_of_time else "max_iter or max_fun"
            warnings.warn(
                f"lbfgs failed to converge after {found.n_iter} iteration(s) "
                f"({found.message}). Increase {more}, or scale the data.",
                ConvergenceWarning,
                stacklevel=level_of_the_user(),
            )
    tasks.end()


def fit_stochastic(estimator: Any, table: Table, fit: Fit) -> None:  # noqa: PLR0915 - one flow
    """Train epoch by epoch."""
    estimator._start_curves(validated=fit.validation is not None or estimator.early_stopping)
    table, held_out = divided(estimator, table, fit.validation, fit.random_state)
    learner = _prepared_learner(estimator, len(table.Y), fit)
    estimator.engine_ = learner.engine
    epochs = 1 if fit.incremental else estimator.max_iter
    tasks = _tasks(estimator, table, max_epochs=epochs)

    epochs_seen = Epochs(estimator, len(table.Y), estimator.loss_curve_, continued=fit.incremental)
    callbacks: list[Callable[..., Any]] = []
    watch = None if held_out is None else judge(estimator, held_out)
    early = watch if watch is not None and watch.stops else None
    if watch is not None:
        callbacks.append(watch)
    if tasks.active:
        callbacks.append(tasks)
    # Where nobody has to hear of each epoch at once, the engine may run them all in one call.
    if callbacks or prints(estimator) or fit.incremental:
        callbacks.insert(0, epochs_seen)
    checkpoint = fit.checkpoint
    if checkpoint is not None:
        validation = None if held_out is None else Examples(held_out.X, held_out.Y, held_out.weight)
        checkpoint = with_estimator(checkpoint, estimator, fit.random_state, validation)

    rule = None
    if early is None and not fit.incremental:
        rule = Plateau(estimator.tol, estimator.n_iter_no_change)
    schedule = schedule_of(estimator)
    plan = Plan(
        epochs,
        rule,
        callbacks,
        checkpoint,
        checkpoint is not None and estimator.resume,
        fit.deadline,
        estimator.verbose if isinstance(estimator.verbose, str) else None,
        vars(estimator).get("feature_names_in_"),
        # The calls of partial_fit are one training, of which the first is looked at.
        not (fit.incremental and learner.n_steps),
        schedule if schedule.is_open else None,
    )
    diverged = False
    try:
        with interrupted_with_a_warning(), epochs_seen.all_at_the_end(learner):
            history = learner.follow(plan, table.X, table.Y, table.weight)
            stopped_by = history.stopped_by
            if stopped_by == "convergence" or (early is not None and early.plateaued):
                epochs_seen.say_why("Stopping.")
            elif stopped_by in ("epochs", "max_seconds") and not fit.incremental:
                limit = (
                    f"Maximum iterations ({estimator.max_iter}) reached"
                    if stopped_by == "epochs"
                    else f"max_seconds={estimator.max_seconds:g} were over after {len(history)} "
                    f"iterations"
                )
                warnings.warn(
                    f"Stochastic Optimizer: {limit} and the optimization hasn't converged yet.",
                    ConvergenceWarning,
                    stacklevel=level_of_the_user(),
                )
    except Diverged as error:
        what = str(error).partition(". ")[0]  # its advice is for those with a Learner
        rate = "its learning rate" if has_own_rate(estimator.solver) else "learning_rate_init"
        if early is None:
            raise Diverged(f"{NON_FINITE} {what}: try a tenth of {rate}.") from None
        early.scores.append(float("nan"))
        early.losses.append(float("nan"))
        diverged = True
        warnings.warn(
            f"{what}. Training stopped; the best weights so far are kept. Scale the data, or try a "
            f"tenth of {rate}.",
            ConvergenceWarning,
            stacklevel=level_of_the_user(),
        )
    if watch is not None:
        estimator.best_validation_score_ = watch.best_score
    # Stopped before any epoch was scored, the last weights are the best there are.
    if early is not None and (early.has_scored or diverged):
        estimator.network_.theta = early.best_theta
    elif early is not None:
        early.warn_of_no_score()
    tasks.end()


def _prepared_learner(estimator: Any, n_examples: int, fit: Fit) -> Learner:
    """Return the learner to go on with, set for this many examples."""
    learner: Learner | None = vars(estimator).get("_learner")
    B = batch_size(estimator, n_examples)
    if learner is None or not fit.incremental:
        learner = Learner(
            estimator.network_,
            make_optimizer(estimator, estimator.max_iter * -(-n_examples // B)),
            seed=seed_of(fit.random_state),
            n_jobs=estimator.n_jobs,
            engine=estimator.engine,
        )
        estimator._learner = learner
        estimator._epochs_without_improvement = 0
    if estimator.batch_size != "auto" and estimator.batch_size > n_examples:
        warnings.warn(
            f"Got `batch_size` less than 1 or larger than sample size. It is going to be "
            f"clipped: {estimator.batch_size} to {n_examples}.",
            stacklevel=level_of_the_user(),
        )
    learner.batch_size = B
    learner.l2, learner.l1 = lambdas(estimator, n_examples)
    learner.dropout, learner.dropout_input = estimator.dropout, estimator.dropout_input
    learner.shuffle, learner.max_grad_norm = estimator.shuffle, estimator.max_grad_norm
    return learner


def _tasks(estimator: Any, table: Table, *, max_epochs: int) -> Tasks:
    context = estimator._init_callback_context(max_subtasks=max_epochs)
    return Tasks(estimator, context, table.X, table.y, table.sample_weight)
