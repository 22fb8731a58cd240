"""The learner: a network, its optimizer and settings, and how far its training is.

`fit.py` holds the loop.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from threading import RLock
from typing import Any, ClassVar, TypeAlias, final
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture.checks import check_flag, check_number, check_seed, check_whole
from chainrule.architecture.inputs import check_batch
from chainrule.architecture.memory import require_memory
from chainrule.architecture.parameters import adopt_or_copy
from chainrule.attributes import AttributesNamed
from chainrule.calls import says_what_was_meant
from chainrule.engines import (
    Engine,
    Examples,
    NativeEngine,
    Objective,
    Plateau,
    ReferenceEngine,
    RowStepper,
    Task,
    TrainingState,
    are_finite,
    choose_engine,
)
from chainrule.errors import Diverged, InvalidParameter
from chainrule.network import Network
from chainrule.network.gradient_check import GradientProblem
from chainrule.network.network_file import require_kind
from chainrule.optimizers import Optimizer
from chainrule.optimizers.schedules import Schedule, as_schedule, rates_of
from chainrule.storage import checked_values, path_of, read_tensors, write_tensors
from chainrule.training.checkpoint import Checkpoint, as_checkpoint
from chainrule.training.custom_parts import check_custom_parts
from chainrule.training.diagnosis import diverged, require_finite_parameters
from chainrule.training.fit import Fit, LastFit, Plan
from chainrule.training.history import History, Record
from chainrule.training.learner_file import digest_of_shapes, learner_parts, learner_state
from chainrule.training.progress import Verbose
from chainrule.training.settings import (
    Setting,
    check_batch_size,
    check_callbacks,
    check_dropout,
    check_max_grad_norm,
    check_n_jobs,
    check_optimizer,
    check_verbose,
    dropout_per_layer,
    require_full_batch,
    require_known_length,
)

__all__ = ["Callback", "Learner"]

Callback: TypeAlias = Callable[["Learner", Record], bool | None]
"""Called after each epoch with the learner and its record; returning True stops the fit."""


@final
class Learner(AttributesNamed):
    """Trains a network in place.

    Several threads may use one learner: their calls of `fit` and `step` are made one after another.

    Parameters
    ----------
    net : Network
        The network to train.
    optimizer : Optimizer, default=Adam(1e-3)
        The update rule, such as ``cr.SGD(0.1, momentum=0.9)``. Its rate may be a schedule, such as
        ``cr.SGD(cr.Cosine(0.1))``, or a function of the step's number. A schedule of a given
        number of steps runs once over the learner's steps, those of `step` included; one without
        runs through each fit anew, over all its epochs.
    l2, l1 : float, default=0.0
        The notes' lambda of each penalty (9.2, 9.3): J gets (l2/2S) sum w^2 + (l1/S) sum abs(w)
        over the weights, S being the number of examples or the sum of their weights.
    dropout : float or list of float, default=0.0
        The probability of each hidden node to be left out in a step, in [0, 1), for all hidden
        layers or a list with one per hidden layer (inverted: what stays is divided by 1 - dropout,
        so predictions need no change).
    batch_size : int or None, default=32
        Examples per step: 1 is online descent, None (or at least M) is batch descent.
    seed : int, default=0
        Of the shuffles and the dropout masks.
    n_jobs : int or None, default=None
        Threads; None lets the engine choose, -1 takes all it may use. No more are taken than a
        step can share out. The result never depends on it. The reference engine leaves threads to
        NumPy.
    engine : {"auto", "reference", "native"}, default="auto"
        What computes; "auto" takes the fastest that knows every part: the reference where an
        activation, the loss or the optimizer is your own. The attribute `engine` says which.
    shuffle : bool, default=True
        Whether each epoch takes the examples in a new order.
    max_grad_norm : float or None, default=None
        Gradients of a batch, penalties included, that are longer than this (Euclidean norm over
        all parameters) are scaled down to it, so that no single step is too large. None leaves
        them as they are, which is a little faster.
    dropout_input : float, default=0.0
        The same probability for each entry of X.

    Attributes
    ----------
    engine : str
        The engine that runs.
    n_steps, n_epochs : int
        Updates made and epochs finished so far.
    history : History
        Of the last fit, also if it was interrupted or diverged.

    Raises
    ------
    InvalidParameter
        If a setting is outside its allowed values.

    Examples
    --------
    >>> import chainrule as cr
    >>> X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = cr.Network([2, 8, 1], activation="tanh", loss="cross_entropy", seed=0)
    >>> learner = cr.Learner(net, cr.Adam(0.05), batch_size=None)
    >>> history = learner.fit(X, Y, epochs=300)
    >>> (net(X) > 0.5).ravel().tolist()
    [False, True, True, False]
    """

    _meant_by: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("predict", "predict_proba", "forward"), "Call its network: learner.net(X)."
        ),
        **dict.fromkeys(("score", "evaluate"), "The cost is learner.net.trace(X, Y).cost."),
        "train": "Use learner.fit(X, Y).",
        **dict.fromkeys(
            ("train_on_batch", "train_step", "partial_fit", "update"), "Use learner.step(X, Y)."
        ),
        **dict.fromkeys(
            ("weights", "biases", "theta", "coefs_"), "Its network has them: learner.net.weights."
        ),
    }

    l2 = Setting(lambda value: check_number("l2", value))
    l1 = Setting(lambda value: check_number("l1", value))
    dropout = Setting(check_dropout)
    dropout_input = Setting(lambda value: check_number("dropout_input", value, high=1))
    batch_size = Setting(check_batch_size)
    seed = Setting(check_seed)
    n_jobs = Setting(check_n_jobs)
    shuffle = Setting(lambda value: check_flag("shuffle", value))
    max_grad_norm = Setting(check_max_grad_norm)
    last_fit: LastFit | None = None
    _row_stepper: RowStepper | None = None

    @says_what_was_meant
    def __init__(
        self,
        net: Network,
        optimizer: Optimizer | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        dropout: float | Sequence[float] = 0.0,
        batch_size: int | None = 32,
        seed: int = 0,
        n_jobs: int | None = None,
        engine: str = "auto",
        shuffle: bool = True,
        max_grad_norm: float | None = None,
        dropout_input: float = 0.0,
    ) -> None:
        if not isinstance(net, Network):
            raise InvalidParameter(
                f"net must be a Network, such as cr.Network([4, 10, 3]). Got "
                f"{type(net).__name__} instead."
                f"{' An estimator has its own fit.' if hasattr(net, 'fit') else ''}"
            )
        optimizer = check_optimizer(optimizer)
        self._net = net
        self._optimizer = optimizer
        self.l2, self.l1, self.dropout, self.dropout_input = l2, l1, dropout, dropout_input
        dropout_per_layer(self.dropout, net.architecture.n_layers - 2)
        self.batch_size, self.seed, self.n_jobs, self.shuffle = batch_size, seed, n_jobs, shuffle
        self.max_grad_norm = max_grad_norm
        self.history = History()
        self._alone = RLock()
        _LEARNERS.add(self)
        self._asked_engine = engine
        self._engine = choose_engine(engine, net.architecture, optimizer)
        # What it remembers of no parameters at all is empty where it is as long as theta.
        memories = sum(m.size == 0 for m in optimizer.init(net.theta[:0]).values())
        require_memory(
            (2 + memories) * net.theta.nbytes,  # theta, its gradient, what the optimizer remembers
            f"Training {net.n_parameters:,} parameters with {type(optimizer).__name__}",
        )
        self._state = TrainingState(net.parameters, optimizer.init(net.theta))

    def __repr__(self) -> str:
        """Return the network, the update rule and the settings that are not the defaults."""
        parts = [repr(self.net), repr(self.optimizer)]
        for name, parameter in list(signature(Learner).parameters.items())[2:]:
            value = self._asked_engine if name == "engine" else getattr(self, name)
            if value != parameter.default:
                parts.append(f"{name}={value!r}")
        return f"Learner({', '.join(parts)})"

    @property
    def net(self) -> Network:
        """The network that is trained."""
        return self._net

    @property
    def optimizer(self) -> Optimizer:
        """The update rule."""
        return self._optimizer

    @property
    def state(self) -> TrainingState:
        """The parameters, the optimizer's memory and the counters, which training changes."""
        return self._state

    @property
    def engine(self) -> str:
        """The engine that runs."""
        return self._engine.name

    @property
    def n_steps(self) -> int:
        """Updates made so far."""
        return self._state.step

    @property
    def n_epochs(self) -> int:
        """Epochs finished so far."""
        return self._state.epoch

    @property
    def n_examples_seen(self) -> int:
        """Examples seen so far, each as often as it was seen."""
        return self._state.examples

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step, as the optimizer's schedule has it."""
        rate = self._optimizer.learning_rate
        if not isinstance(rate, Schedule):
            return rate
        last, state = self.last_fit, self._state
        schedule, begin = (rate, 0) if last is None else (last.schedule, last.begin)
        step, seen = np.array([state.step - begin]), np.array([state.examples - state.position])
        return float(rates_of(schedule, step, seen, state.reductions)[0])

    def reduce_learning_rate(self) -> bool:
        """Reduce the learning rate if the schedule does so at a plateau, and say whether it did."""
        reduced = as_schedule(self.optimizer.learning_rate).reduces(self.learning_rate)
        self._state.reductions += reduced
        return reduced

    @says_what_was_meant
    def fit(
        self,
        X: Any,
        Y: Any,
        *,
        epochs: int = 100,
        tol: float | None = None,
        n_iter_no_change: float = 10,
        sample_weight: Any = None,
        callbacks: Iterable[Callback] | None = (),
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
        resume: bool = False,
        max_seconds: float | None = None,
        verbose: Verbose = False,
    ) -> History:
        """Train for a number of epochs, or until converged. A second call continues.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (M, N)
        Y : array-like
            Targets as the network's loss takes them (see `Network.trace`).
        epochs : int, default=100
            How many passes over the examples, at most; with `resume`, those of the checkpoint
            included.
        tol : float, optional
            Stop when the cost has not fallen by at least `tol` for more than `n_iter_no_change`
            epochs. Without it all epochs are run.
        n_iter_no_change : int, default=10
            See `tol`.
        sample_weight : array-like of shape (M,), optional
        callbacks : iterable of callable
            Each is called after every epoch as ``callback(learner, record)``; one that returns
            True stops the fit; `EarlyStopping` is one. If it has methods ``on_fit_begin``,
            ``on_epoch_begin`` or ``on_fit_end``, they are called with the learner, the last one
            however the fit ends. If it has methods ``state_dict()`` and
            ``load_state_dict(state)``, its memory, numbers or arrays by name, is in the
            checkpoints, and comes back as arrays.
        checkpoint : path or Checkpoint, optional
            Where to write how far training is: every 60 seconds, also inside an epoch, at the end,
            and at Ctrl-C (`Checkpoint` sets other times). A checkpoint that is there already is
            replaced, any other file refused. Where it cannot be written later on, there is one
            warning, and training goes on.
        resume : bool, default=False
            Go on from the checkpoint to the very bits of a fit that was never interrupted (with
            the same version of chainrule); start anew if there is none. What was done already is
            returned as it is; raise `epochs` to go on with it: a schedule that runs once through
            the fit then goes on stretched over all of them. The learner must be as it was when the
            fit in the file began, or as that fit left it: so each fit of several in a row needs a
            file of its own.
        max_seconds : float, optional
            Stop after so many seconds, also inside an epoch, with the weights as they are then.
        verbose : bool or {"bar", "auto"}, default=False
            True prints a line per epoch. "bar" shows a progress bar on stderr, with the cost, the
            validation if a callback has `scores` of it, and the time left; "auto" does so if that
            is a terminal. It is rich's bar if that is installed, and costs no epoch anything.

        Returns
        -------
        History

        Raises
        ------
        InvalidInput
            If X, Y or the weights are unusable; nothing is changed.
        NotTrainable
            If a step function lets no gradient through.
        WrongDerivative
            If the derivative of an activation or loss of your own is not that of its values, which
            is looked at once, before the first training with it. Nothing is changed.
        Diverged
            If the cost becomes NaN or infinite.
        UnwritablePath
            If no checkpoint can be written from the start.
        InvalidFile
            If the checkpoint to go on from is damaged, and the one before it too.
        CheckpointMismatch
            If it is of other data, another seed, architecture, optimizer or setting; the message
            names the difference. Nothing is changed.

        Warns
        -----
        TrainingWarning
            If X is not scaled, nearly all of a layer's rectifiers are dead, most of a layer's
            sigmoids are saturated, or the learning rate is too large: each at most once.
        """
        begin = time.monotonic()
        check_whole("epochs", epochs)
        if tol is not None:
            check_number("tol", tol)
        check_number("n_iter_no_change", n_iter_no_change, low=1, high_included=True)
        if max_seconds is not None:
            check_number("max_seconds", max_seconds, low_included=False)
        deadline = math.inf if max_seconds is None else begin + max_seconds
        checkpoint = as_checkpoint(checkpoint, check_flag("resume", resume))
        callbacks = check_callbacks(callbacks)
        if not isinstance(check_verbose(verbose), str) and verbose:
            callbacks = [_print_epoch, *callbacks]
        plan = Plan(
            epochs,
            None if tol is None else Plateau(tol, n_iter_no_change),
            callbacks,
            checkpoint,
            resume,
            deadline,
            verbose if isinstance(verbose, str) else None,
            getattr(X, "columns", None),
        )
        return self.follow(plan, X, Y, sample_weight)

    def follow(self, plan: Plan, X: Any, Y: Any, sample_weight: Any = None) -> History:
        """Make a fit as planned: what `fit` does once its arguments are checked.

        Parameters
        ----------
        plan : Plan
            Of checked parts.
        X, Y, sample_weight
            As for `fit`.

        Returns
        -------
        History
        """
        with self._alone:
            self._follow_the_network()
            examples = self._examples(X, Y, sample_weight)
            task = self._task(len(examples))
            engine = self._engine_for(task, examples)
            require_full_batch(self.optimizer, task.batch_size, len(examples))
            fit = Fit(self, engine, task, engine.prepare(examples), plan)
            self.last_fit = fit.remembered()
            self.net.note_training_data(digest_of_shapes(examples))
            self.history = fit.progress.history
            try:
                return fit.run()
            finally:
                self.last_fit = self.last_fit._replace(n_steps=self.n_steps)

    def step(self, X: Any, Y: Any, sample_weight: Any = None) -> float:
        """Make one update of the network, in place, on this batch.

        The batch is treated as the training set.

        Parameters
        ----------
        X, Y, sample_weight
            As for `fit`; a single example may be 1-D.

        Returns
        -------
        float
            The batch's cost before the update.

        Raises
        ------
        InvalidInput, NotTrainable, WrongDerivative, Diverged
            As for `fit`.

        Examples
        --------
        >>> import chainrule as cr
        >>> net = cr.Network([1, 1], loss="squared_error", init="zeros")
        >>> cr.Learner(net, cr.SGD(0.1)).step([2.0], [1.0])
        0.5
        >>> net.theta  # b + 0.1, W + 0.1 * 2
        array([0.1, 0.2], dtype=float32)
        """
        with self._alone:
            self._follow_the_network()
            if sample_weight is None and type(X) is np.ndarray and X.ndim == 1:
                cost = self._step_row(X, Y)
                if cost is not None:
                    return cost
            require_known_length(self.optimizer)
            batch = self._examples(X, Y, sample_weight)
            task = self._task(len(batch), one_batch=True)
            engine = self._engine_for(task, batch)
            try:
                cost = engine.step(
                    task,
                    self._state,
                    engine.prepare(batch),
                    self.learning_rate,
                )
            except Diverged as error:
                raise diverged(self, str(error), batch.X) from None
            require_finite_parameters(self, batch.X)
            return cost

    def _follow_the_network(self) -> None:
        """Train the parameters that the network has now, if it was made again meanwhile.

        Raises
        ------
        InvalidParameter
            If it has other layers now.
        """
        parameters, state = self._net.parameters, self._state
        if parameters is state.parameters:
            return
        if parameters.architecture != state.parameters.architecture:
            raise InvalidParameter(
                f"The network was made again with another architecture: this learner trains "
                f"{list(state.parameters.architecture.sizes)}, and it has {list(self.net.sizes)} "
                f"now. Make a new Learner for it."
            )
        state.parameters = parameters

    def _step_row(self, x: Any, y: Any) -> float | None:
        """Make the step of one example by the short way, or return None for the long one."""
        stepper = self._row_stepper
        if stepper is None:
            if not isinstance(self._engine, NativeEngine):
                return None
            self.net.architecture.require_trainable()
            require_known_length(self.optimizer)
            stepper = self._engine.row_stepper(self._task(1), self._state)
            if stepper is None:
                return None
            self._row_stepper = stepper
        cost = stepper.step(x, y, self.learning_rate)
        if cost is not None and not -math.inf < cost < math.inf:
            require_finite_parameters(self, x[None, :])
            raise diverged(self, f"The cost became {cost}", x[None, :])
        return cost

    def gradient_problem(self, X: Any, Y: Any, sample_weight: Any = None) -> GradientProblem:
        """Return what `check_gradients` checks: the network, and the penalties it trains with."""
        return GradientProblem(self.net, X, Y, sample_weight, self.l2, self.l1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the learner to a file: network, optimizer and its memory, how far it is, history.

        What is trained on is not in the file, nor are callbacks.

        Parameters
        ----------
        path : str or path-like
            The file, used as given, with any suffix or none. It is written whole or not at all.

        Raises
        ------
        InvalidInput
            If an activation, the loss, the optimizer or its schedule is your own, since a file
            holds no code, or a weight is NaN or infinite. Nothing is written then.
        UnwritablePath
            If the file cannot be written; the old one is then as it was.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import chainrule as cr
        >>> learner = cr.Learner(cr.Network([1, 1], loss="squared_error"), cr.Adam(0.1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     learner.save(pathlib.Path(folder, "learner"))
        ...     back = cr.Learner.load(pathlib.Path(folder, "learner"))
        >>> learner.step([2.0], [1.0]) == back.step([2.0], [1.0])
        True
        """
        tensors, header = learner_parts(self.__getstate__(), self.history)
        write_tensors(path, tensors, {"kind": "learner", **header})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Learner":
        """Read a learner from its file; its next steps are those of the one that was saved.

        Nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
            The file. Its kind is told by its content.

        Returns
        -------
        Learner
            With a network of its own.

        Raises
        ------
        MissingFile
            If there is no such file.
        InvalidFile
            If it is of another kind, is damaged, or of a newer format.
        """
        name = path_of(path)
        tensors, header = read_tensors(name)
        require_kind(header, ("learner",), name)
        return cls.from_parts(tensors, header, name)

    @classmethod
    def from_parts(
        cls, tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any], name: str
    ) -> "Learner":
        """Return the learner of a file's tensors and header; `name` is the file's, for errors."""
        state, history = learner_state(tensors, header, name)
        learner = cls.__new__(cls)
        with checked_values(name):
            learner.__setstate__(state)
        learner.history = history
        return learner

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and files keep: settings, and how far training is."""
        settings = ("net", "optimizer", "l2", "l1", "dropout", "batch_size", "seed", "n_jobs")
        state = self._state
        return {
            "settings": {
                **{name: getattr(self, name) for name in settings},
                "engine": self._asked_engine,
                "shuffle": self.shuffle,
                "max_grad_norm": self.max_grad_norm,
                "dropout_input": self.dropout_input,
            },
            "optimizer_state": dict(state.optimizer_state),
            "progress": [state.step, state.epoch, state.examples, state.reductions],
        }

    def __setstate__(self, kept: dict[str, Any]) -> None:
        """Restore a learner, every part checked: it may come from a file."""
        self.__init__(**kept["settings"])
        state = self._state
        for name, fresh in state.optimizer_state.items():
            memory = kept["optimizer_state"][name]
            state.optimizer_state[name] = adopt_or_copy(memory, fresh, f"the optimizer's {name}")
        state.step, state.epoch, state.examples, state.reductions = (
            check_whole("progress", count, at_least=0) for count in kept["progress"]
        )

    def __copy__(self) -> "Learner":
        """Return a learner of the same network with a memory of its own."""
        kept = self.__getstate__()
        memories = kept["optimizer_state"]
        kept["optimizer_state"] = {name: memory.copy() for name, memory in memories.items()}
        copied = Learner.__new__(Learner)
        copied.__setstate__(kept)
        return copied

    def _examples(self, X: Any, Y: Any, sample_weight: Any) -> Examples:
        self.net.architecture.require_trainable()
        examples = Examples(*check_batch(self.net.architecture, X, Y, sample_weight, are_finite))
        check_custom_parts(self.net.architecture, examples.Y)
        return examples

    def _task(self, n_examples: int, *, one_batch: bool = False) -> Task:
        batch_size = n_examples
        if self.batch_size is not None and not one_batch:
            batch_size = min(self.batch_size, n_examples)
        dropout = dropout_per_layer(self.dropout, self.net.architecture.n_layers - 2)
        objective = Objective(self.l2, self.l1, dropout, self.seed, self.dropout_input)
        return Task(
            self.net.architecture,
            objective,
            self.optimizer,
            batch_size,
            self.shuffle,
            self.n_jobs,
            self.max_grad_norm,
        )

    def _engine_for(self, task: Task, examples: Examples) -> Engine:
        """Return the engine, the reference one for examples that the native one does not take."""
        if not self._engine.takes(task, examples):
            if self._asked_engine == "native":
                raise InvalidParameter(
                    "engine='native' writes a batch of sparse rows out, which would be too large "
                    "here. Use smaller batches, or engine='auto'."
                )
            self._engine = ReferenceEngine()
        return self._engine


def _print_epoch(learner: Learner, record: Record) -> None:
    print(f"Epoch {record['epoch']}, cost = {record['cost']:.8f}")  # noqa: T201 - verbose


_LEARNERS = WeakSet[Learner]()


def _free_after_fork() -> None:
    """Let a forked child use learners that another thread of its parent's was using."""
    for learner in _LEARNERS:
        learner._alone = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_after_fork)
