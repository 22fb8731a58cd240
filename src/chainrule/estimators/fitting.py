"""How an estimator trains its network: with L-BFGS, or epoch by epoch.

`fit_stochastic` and `fit_lbfgs` are the whole way from a recipe and checked examples to the
estimator's attributes. What follows them is what they hand to the learner: what happens after each
epoch, scikit-learn's callbacks, and what a checkpoint has to know of an estimator.
"""

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from chainrule.calls import level_of_the_user
from chainrule.engines import Plateau
from chainrule.errors import Diverged
from chainrule.estimators.recipe import Recipe, seed_of
from chainrule.estimators.table import Table
from chainrule.estimators.validation import divided, judge_of, to_train_on
from chainrule.optimizers import LBFGS, Adaptive
from chainrule.training import Checkpoint, History, Learner, Record
from chainrule.training.checkpoint import read_checkpoint
from chainrule.training.diagnosis import where_it_diverged
from chainrule.training.early_stopping import Judge
from chainrule.training.fit import Plan
from chainrule.training.identity import digest_of_rows
from chainrule.training.lbfgs import minimize_lbfgs
from chainrule.training.progress import Bar

__all__ = [
    "CURVES",
    "NON_FINITE",
    "fit_lbfgs",
    "fit_stochastic",
    "with_kept_random_state",
]

CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
"""The attributes that hold a number for each epoch; a list where there is one."""

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)

_MOST_LABELS = 100  # that a checkpoint lists; of more it has a digest


def fit_stochastic(
    estimator: Any, recipe: Recipe, table: Table, validation: Table | None, deadline: float
) -> None:
    """Train epoch by epoch.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        With the network to train; it gets the attributes of a fit.
    recipe : Recipe
    table : Table
        The examples; early stopping may hold some of them out.
    validation : Table or None
        The validation data that the user gave.
    deadline : float
        When to stop, on the clock of ``time.monotonic``; infinite for no limit.
    """
    estimator._start_curves(validated=validation is not None or recipe.early_stopping)
    table, held_out = divided(estimator, recipe, table, validation)
    learner = _learner(estimator, recipe, len(table.Y))
    estimator.engine_ = learner.engine
    tasks = Tasks(estimator, table, max_epochs=recipe.epochs)

    after_epoch = AfterEpoch(estimator, recipe, len(table.Y), estimator.loss_curve_)
    judge = None if held_out is None else judge_of(estimator, recipe, held_out)
    early = judge if judge is not None and judge.stops else None
    callbacks: list[Callable[..., Any]] = [] if judge is None else [judge]
    if tasks.active:
        callbacks.append(tasks)
    # Where nobody has to hear of each epoch at once, the engine may run them all in one call.
    if callbacks or recipe.prints or recipe.incremental:
        callbacks.insert(0, after_epoch)
    plan = Plan(
        recipe.epochs,
        plateau=None
        if early is not None or recipe.incremental
        else Plateau(recipe.tol, recipe.n_iter_no_change),
        callbacks=callbacks,
        checkpoint=_checkpoint(estimator, recipe, held_out),
        resume=recipe.checkpoint is not None and recipe.resume,
        deadline=deadline,
        bar=recipe.bar,
        feature_names=vars(estimator).get("feature_names_in_"),
        # The calls of partial_fit are one training, of which the first is looked at.
        diagnosed=not (recipe.incremental and learner.n_steps),
        schedule=recipe.schedule if recipe.schedule.is_open else None,
    )

    diverged = False
    try:
        with interrupted_with_a_warning(), after_epoch.all_at_the_end(learner):
            history = learner.follow(plan, table.X, table.Y, table.weight)
            if history.stopped_by == "convergence" or (early is not None and early.plateaued):
                after_epoch.say_why("Stopping.")
            elif not recipe.incremental:
                _warn_of_a_limit(recipe, history)
    except Diverged as error:
        diverged = True
        _keep_the_best(recipe, early, error)
    if judge is not None:
        estimator.best_validation_score_ = judge.best_score
    # Stopped before any epoch was scored, the last weights are the best there are.
    if early is not None and (early.has_scored or diverged):
        estimator.network_.theta = early.best_theta
    elif early is not None:
        early.warn_of_no_score()
    tasks.end()


def fit_lbfgs(estimator: Any, recipe: Recipe, table: Table, deadline: float) -> None:
    """Train with L-BFGS, on all examples at once.

    Parameters
    ----------
    estimator, recipe, table, deadline
        As for `fit_stochastic`; nothing is held out.
    """
    assert isinstance(recipe.optimizer, LBFGS)
    estimator.engine_ = "reference"
    table = to_train_on(estimator, table)
    tasks = Tasks(estimator, table, max_epochs=recipe.max_iter)

    bar = Bar(recipe.max_iter, always=recipe.bar == "bar")
    bar.is_shown = bar.is_shown and recipe.bar is not None

    def on_iteration(cost: float) -> bool:
        estimator.n_iter_ += 1
        estimator.loss_ = cost
        bar.show(estimator.n_iter_, cost)
        if recipe.prints:
            print(f"Iteration {estimator.n_iter_}, loss = {cost:.8f}")  # noqa: T201 - verbose
        return tasks() if tasks.active else False

    l2, l1 = recipe.lambdas(len(table.Y))
    left = deadline - time.monotonic()
    with interrupted_with_a_warning(), bar:
        found = minimize_lbfgs(
            estimator.network_,
            table.X,
            table.Y,
            sample_weight=table.weight,
            l2=l2,
            l1=l1,
            max_iter=recipe.max_iter,
            max_fun=recipe.max_fun,
            tol=recipe.tol,
            settings=recipe.optimizer,
            max_seconds=None if left == np.inf else max(left, 1e-9),
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


def _learner(estimator: Any, recipe: Recipe, n_examples: int) -> Learner:
    """Return the estimator's learner, a new one for a new fit, set for this many examples."""
    settings = recipe.learner_settings(n_examples)
    learner: Learner | None = vars(estimator).get("_learner")
    if learner is None or not recipe.incremental:
        learner = Learner(
            estimator.network_,
            recipe.optimizer_for(n_examples),
            seed=seed_of(recipe.random_state),
            n_jobs=recipe.n_jobs,
            engine=recipe.engine,
        )
        estimator._learner = learner
        estimator._epochs_without_improvement = 0
    if recipe.batch_size is not None and recipe.batch_size > n_examples:
        warnings.warn(
            f"Got `batch_size` less than 1 or larger than sample size. It is going to be "
            f"clipped: {recipe.batch_size} to {n_examples}.",
            stacklevel=level_of_the_user(),
        )
    for name, value in settings.items():
        setattr(learner, name, value)
    return learner


def _warn_of_a_limit(recipe: Recipe, history: History) -> None:
    """Warn if the epochs or the time ended a fit before it converged."""
    if history.stopped_by == "epochs":
        limit = f"Maximum iterations ({recipe.max_iter}) reached"
    elif history.stopped_by == "max_seconds":
        limit = f"max_seconds={recipe.max_seconds:g} were over after {len(history)} iterations"
    else:
        return
    warnings.warn(
        f"Stochastic Optimizer: {limit} and the optimization hasn't converged yet.",
        ConvergenceWarning,
        stacklevel=level_of_the_user(),
    )


def _keep_the_best(recipe: Recipe, early: Judge | None, error: Diverged) -> None:
    """Warn of a divergence where early stopping has kept better weights; else raise it."""
    what = str(error).partition(". ")[0]  # its advice is for those with a Learner
    rate = recipe.rate_in_words
    if early is None:
        raise Diverged(f"{NON_FINITE} {what}: try a tenth of {rate}.") from None
    early.scores.append(float("nan"))
    early.losses.append(float("nan"))
    warnings.warn(
        f"{what}. Training stopped; the best weights so far are kept. Scale the data, or try a "
        f"tenth of {rate}.",
        ConvergenceWarning,
        stacklevel=level_of_the_user(),
    )


@contextmanager
def interrupted_with_a_warning() -> Iterator[None]:
    """Turn Ctrl-C into a warning: what was learned so far stays."""
    try:
        yield
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=level_of_the_user())


# --- after each epoch --------------------------------------------------------------------------


@final
@dataclass
class AfterEpoch:
    """Keeps the estimator's attributes up to date with each epoch, and prints if it is verbose.

    Attributes
    ----------
    estimator : MLPClassifier or MLPRegressor
    recipe : Recipe
        Where it is for `partial_fit`, this is one epoch of many calls, over which a plateau of the
        cost reduces the "adaptive" rate as it does within one fit.
    n_examples : int
        Examples an epoch.
    curve : list of float
        The estimator's loss_curve_.
    """

    estimator: Any
    recipe: Recipe
    n_examples: int
    curve: list[float]
    rate: float | None = None
    taken: int = 0

    def __call__(self, learner: Learner, record: Record) -> None:
        """Take in an epoch, after those that were made before the fit was resumed."""
        self._catch_up(learner, len(learner.history) - 1)
        adaptive = isinstance(self.recipe.schedule, Adaptive)
        if adaptive and self.rate is not None and record["learning_rate"] < self.rate:
            self.say_why(f"Setting learning rate to {record['learning_rate']:f}")
        if self.recipe.incremental:
            self._watch_over_calls(learner, record["cost"])
        self._catch_up(learner, len(learner.history))
        if self.recipe.prints:
            print(f"Iteration {self.estimator.n_iter_}, loss = {record['cost']:.8f}")  # noqa: T201

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
            # Of an interrupted partial_fit the learner still has the history of the call before.
            if not self.recipe.incremental:
                self._catch_up(learner, len(learner.history))

    def _watch_over_calls(self, learner: Learner, cost: float) -> None:
        estimator = self.estimator
        plateau = Plateau(
            self.recipe.tol,
            self.recipe.n_iter_no_change,
            estimator.best_loss_,
            estimator._epochs_without_improvement,
        )
        if plateau.reached(cost):
            learner.reduce_learning_rate()
            plateau.start_over()
        estimator._epochs_without_improvement = plateau.without_improvement

    def say_why(self, consequence: str) -> None:
        """Print, if the estimator is verbose, that a plateau was reached and what follows."""
        if self.recipe.prints:
            what = "Validation score" if self.recipe.early_stopping else "Training loss"
            print(  # noqa: T201 - verbose output
                f"{what} did not improve more than tol={self.recipe.tol:f} for "
                f"{self.recipe.n_iter_no_change} consecutive epochs. {consequence}"
            )


@final
class Tasks:
    """Tells scikit-learn's callbacks of a fit and of each epoch in it.

    Parameters
    ----------
    estimator
        Whose fit it is.
    table : Table
        What is trained on; callbacks see it as the user does, with labels, not the network's
        targets.
    max_epochs : int
        How many epochs there may be.
    """

    def __init__(self, estimator: Any, table: Table, *, max_epochs: int) -> None:
        sample_weight = table.sample_weight
        self.context = estimator._init_callback_context(max_subtasks=max_epochs)
        self.active = bool(getattr(estimator, "_skl_callbacks", ()))
        """Whether there is anyone to tell; without, no epoch needs to be watched."""
        self.passed = {
            "estimator": estimator,
            "X": table.X,
            "y": table.y,
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
            # Copies, made only for a callback that asks: what it keeps must not change any more.
            "reconstruction_attributes": lambda: _copies_of(estimator),
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


def _copies_of(estimator: Any) -> dict[str, Any]:
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


# --- a fit's checkpoint ------------------------------------------------------------------------


def with_kept_random_state(recipe: Recipe) -> Recipe:
    """Return the recipe with a random state that its checkpoint can keep.

    A fit of ``random_state=None`` with a checkpoint draws one; when it is resumed it takes the one
    that was drawn when it began.
    """
    if recipe.checkpoint is None or recipe.random_state is not None:
        return recipe
    saved = read_checkpoint(recipe.checkpoint.path, quiet=True) if recipe.resume else None
    identity = {} if saved is None else saved.header.get("identity")
    about = identity.get("about") if isinstance(identity, dict) else None
    drawn = about.get("random_state") if isinstance(about, dict) else None
    if not (type(drawn) is int and 0 <= drawn < 2**31):
        drawn = int(check_random_state(None).randint(2**31 - 1))
    return replace(recipe, random_state=drawn)


def _checkpoint(estimator: Any, recipe: Recipe, held_out: Table | None) -> Checkpoint | None:
    """Return the checkpoint, with what else decides an estimator's fit: labels, held-out rows."""
    if recipe.checkpoint is None:
        return None
    random_state = recipe.random_state
    seed = None if hasattr(random_state, "get_state") else int(random_state)
    about = {**recipe.checkpoint.about, "random_state": seed}
    if hasattr(estimator, "classes_"):
        several = isinstance(estimator.classes_, list)
        columns = estimator.classes_ if several else [estimator.classes_]
        labels = [classes.tolist() for classes in columns]
        text = repr(labels if several else labels[0])
        short = sum(map(len, labels)) <= _MOST_LABELS
        about["classes"] = text if short else hashlib.sha256(text.encode()).hexdigest()
    about["early_stopping"] = bool(recipe.early_stopping)
    if held_out is not None:
        about["tol of early stopping"] = recipe.tol
        about["n_iter_no_change of early stopping"] = recipe.n_iter_no_change
        scoring = recipe.scoring
        if scoring is not None:
            named = isinstance(scoring, str)
            about["scoring"] = scoring if named else getattr(scoring, "__qualname__", repr(scoring))
        parts = (held_out.X, held_out.Y, held_out.weight)
        about["validation data"] = [None if p is None else digest_of_rows(p) for p in parts]
    return replace(recipe.checkpoint, about=about)
