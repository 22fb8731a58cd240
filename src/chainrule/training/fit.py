"""One fit, from its first epoch to its last: read this first.

for each epoch:
    for each batch of the epoch:            (notes 10: all examples, one, or some)
        propagate forward and back
        theta := theta - (what the optimizer makes of grad J)
    until converged, or the epochs are used up

The engine makes the two inner lines, and as many epochs in one call as nobody has to see in
between: `Fit.run` comes back for callbacks, checkpoints, the time limit, progress and Ctrl-C.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

from chainrule.engines import Engine, EpochRecord, Examples, Plateau, Task
from chainrule.errors import Diverged
from chainrule.optimizers.schedules import Schedule, as_schedule
from chainrule.training.checkpoint import Checkpoint, CheckpointWriter
from chainrule.training.diagnosis import Diagnosis, diverged, require_finite_parameters
from chainrule.training.history import History
from chainrule.training.identity import describe_training, digest_of_state
from chainrule.training.interrupts import DeferInterrupts
from chainrule.training.progress import Bar, Progress, Watcher
from chainrule.training.run import Run

__all__ = ["Fit", "LastFit", "Plan"]

_EPOCHS_A_CALL = 10_000  # so that Ctrl-C does not have to wait for the records of many more


@final
@dataclass(frozen=True)
class Plan:
    """What a fit is to do.

    Attributes
    ----------
    epochs : int
        How many at most, those before it was resumed included.
    plateau : Plateau or None
        The convergence rule.
    callbacks : sequence of callable
        Called with the learner and the record after each epoch.
    checkpoint : Checkpoint or None
        Where it is kept.
    resume : bool
        Whether to continue from the checkpoint.
    deadline : float
        When to stop, on the clock of ``time.monotonic``.
    bar : {"bar", "auto"} or None
        Whether to show a progress bar.
    feature_names : sequence of str or None
        The columns of X, for warnings.
    diagnosed : bool
        Whether to look for unscaled inputs, dead nodes and too large rates.
    schedule : Schedule or None
        The one of which the optimizer's was made, before it had a length.
    """

    epochs: int
    plateau: Plateau | None = None
    callbacks: Sequence[Callable[..., Any]] = ()
    checkpoint: Checkpoint | None = None
    resume: bool = False
    deadline: float = math.inf
    bar: str | None = None
    feature_names: Any = field(default=None, compare=False)
    diagnosed: bool = True
    schedule: Schedule | None = None


class LastFit(NamedTuple):
    """What a learner remembers of its last fit.

    ``schedule`` and ``begin`` are the schedule with the fit's length and the step at which it
    began; ``start`` is the digest of the state it started from, if it was kept, and ``n_steps``
    the step at which it ended.
    """

    schedule: Schedule
    begin: int
    start: str | None = None
    n_steps: int = 0


@final
class Fit:
    """One fit of a learner: the loop, and all that looks on.

    Parameters
    ----------
    learner : Learner
        Whose fit it is; the callbacks get it.
    engine : Engine
        What computes.
    task, examples
        What is trained, how, and on what, as the engine has prepared it.
    plan : Plan
        What the fit is to do.

    Attributes
    ----------
    progress : Run
        How far it is.
    """

    def __init__(
        self, learner: Any, engine: Engine, task: Task, examples: Examples, plan: Plan
    ) -> None:
        self._learner, self._engine, self._plan = learner, engine, plan
        callbacks = list(plan.callbacks)
        self._tell("on_fit_begin")
        self.progress = Run(learner.state, task, examples, plan.epochs, plan.plateau, callbacks)
        self._writer = None if plan.checkpoint is None else self._open_checkpoint(plan.checkpoint)
        self._interrupts = DeferInterrupts(active=self._writer is not None)
        self._watchers: list[Watcher] = []

    def run(self) -> History:
        """Run epochs until there is a reason to stop, and tell everyone of the end.

        Raises
        ------
        Diverged
            If a cost or the parameters become NaN or infinite.
        KeyboardInterrupt
            At Ctrl-C, after the checkpoint is written.
        """
        learner, progress, writer = self._learner, self.progress, self._writer
        self._watchers = self._look_on()
        try:
            try:
                with self._interrupts:
                    self._run_epochs()
            except KeyboardInterrupt:
                if writer is not None and progress.is_whole:
                    writer.save(*progress.parts(), len(progress.history))
                raise
            finally:
                progress.state.start_epoch()
            require_finite_parameters(learner, progress.examples.X)
            for watcher in self._watchers:
                watcher.end(progress.history)
        finally:
            for watcher in self._watchers:
                watcher.close()
            self._tell("on_fit_end")
        return progress.history

    def _run_epochs(self) -> None:
        """Run epochs until there is a reason to stop."""
        progress, plan = self.progress, self._plan
        state, task, examples = progress.state, progress.task, progress.examples
        history = progress.history
        if len(history) >= plan.epochs and history.stopped_by is None:
            history.stopped_by = "epochs"
        is_inside_an_epoch = False
        while history.stopped_by is None:
            if not is_inside_an_epoch:
                self._tell("on_epoch_begin")
            n_epochs, until = self._until_someone_looks()
            rates, rate_of_each_epoch = progress.rates().ahead(state, n_epochs)
            records = list[EpochRecord]()
            add = history.adding(self._learner.n_epochs + 1, rate_of_each_epoch, records)
            interrupted = None
            try:
                self._interrupts.let_through()
                # For each epoch, for each batch: forward (FP), back (BP), and one update of theta.
                self._engine.epochs(
                    task, state, examples, rates, n_epochs, plan.plateau, records, until
                )
            except Diverged as error:
                raise diverged(self._learner, str(error), examples.X) from None
            except KeyboardInterrupt as error:  # everyone is told of the finished epochs first
                interrupted = error
            finally:
                try:
                    self._interrupts.hold()
                except KeyboardInterrupt as error:  # it came just before it was held back
                    interrupted = error
                    self._interrupts.hold()
                add()
            if records and not state.torn:
                progress.settled = False
                history.stopped_by = self._after_an_epoch()
                progress.settled = True
            if interrupted is not None:
                raise interrupted
            is_inside_an_epoch = not records
            self._look()

    def _until_someone_looks(self) -> tuple[int, float]:
        """Return how many epochs to run in one call, and until when at the latest."""
        done = len(self.progress.history)
        n_epochs = 1 if self.progress.callbacks else _EPOCHS_A_CALL
        n_epochs = min(n_epochs, self._plan.epochs - done)
        times = [self._plan.deadline, *(watcher.next_time for watcher in self._watchers)]
        if self._writer is not None:
            n_epochs = int(min(n_epochs, self._writer.epochs_left(done)))
            times.append(self._writer.next_time)
        return n_epochs, min(times)

    def _after_an_epoch(self) -> str | None:
        """Tell the callbacks, judge the convergence, and return why to stop."""
        learner, history, plateau = self._learner, self.progress.history, self._plan.plateau
        # Every callback is told of the epoch, also after one has asked to stop.
        stopped = [bool(callback(learner, history[-1])) for callback in self.progress.callbacks]
        if plateau is not None and plateau.is_reached:
            plateau.start_over()
            if not learner.reduce_learning_rate():
                return "convergence"
        if any(stopped):
            return "callback"
        return "epochs" if len(history) >= self._plan.epochs else None

    def _look(self) -> None:
        """Stop in time, write a checkpoint that is due, show progress."""
        progress, history, writer = self.progress, self.progress.history, self._writer
        if history.stopped_by is None and time.monotonic() >= self._plan.deadline:
            history.stopped_by = "max_seconds"
        if writer is not None and (history.stopped_by or writer.is_due(len(history))):
            writer.save(*progress.parts(), len(history))
        now = time.monotonic()
        epochs_made = len(history) + progress.state.position / len(progress.examples)
        for watcher in self._watchers:
            if now >= watcher.next_time:
                watcher.look(history, epochs_made)

    def _look_on(self) -> list[Watcher]:
        """Return the progress bar and the diagnosis, after its first look, at the inputs."""
        progress, plan = self.progress, self._plan
        watchers = list[Watcher]()
        if plan.bar is not None:
            bar = Bar(plan.epochs, always=plan.bar == "bar")
            if bar.is_shown:
                watchers.append(Progress(bar, progress.callbacks))
        if plan.diagnosed:
            noisy = bool(progress.task.objective.all_dropout)
            net = self._learner.net
            diagnosis = Diagnosis(net, progress.examples, plan.feature_names, noisy=noisy)
            diagnosis.begin()
            watchers.append(diagnosis)
        return watchers

    def _open_checkpoint(self, checkpoint: Checkpoint) -> CheckpointWriter:
        """Return what writes the checkpoints, after continuing from the one that is there."""
        learner, progress, plan = self._learner, self.progress, self._plan
        progress.parts()  # what could not be written is refused now
        progress.start = digest_of_state(progress.state)
        identity = describe_training(
            progress.task,
            progress.examples,
            self._engine.name,
            plan.plateau,
            learner.net.seed,
            checkpoint.about,
            plan.schedule or as_schedule(progress.task.optimizer.learning_rate),
            plan.epochs,
        )
        writer = CheckpointWriter(checkpoint, identity)
        saved = writer.read() if plan.resume else None
        if saved is None:
            writer.require_place()
            return writer
        last: LastFit | None = learner.last_fit
        # Of the fit that led to the learner's present state, if nothing was done to it since.
        earlier = None if last is None or last.n_steps != learner.n_steps else last.start
        progress.restore(saved, earlier)
        writer.wait(len(progress.history))
        return writer

    def remembered(self) -> LastFit:
        """Return what the learner is to remember of this fit."""
        rates = self.progress.rates()
        start = self.progress.start or None
        return LastFit(rates.schedule, rates.begin, start, self.progress.state.step)

    def _tell(self, what: str) -> None:
        """Call a method of those callbacks that have it."""
        for callback in self._plan.callbacks:
            hook = getattr(callback, what, None)
            if hook is not None:
                hook(self._learner)
