"""The learner: the training loop.

for each epoch:
    for each batch of the epoch:            (notes 10: all examples, one, or some)
        propagate forward and back
        theta := theta - (what the optimizer makes of grad J)
    until converged, or the epochs are used up
"""

import math
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, final

import numpy as np

from chainrule.architecture.checks import check_number, check_seed, check_whole
from chainrule.architecture.inputs import check_batch
from chainrule.architecture.parameters import write
from chainrule.engines import Examples, Objective, TrainingState, choose_engine
from chainrule.errors import Diverged, InvalidParameter
from chainrule.network import Network
from chainrule.network.gradient_check import GradientProblem
from chainrule.optimizers import Adam, Optimizer
from chainrule.optimizers.schedules import as_schedule
from chainrule.training.batches import batches
from chainrule.training.history import History, Record
from chainrule.training.stopping import Plateau

__all__ = ["Callback", "Learner"]

Callback: TypeAlias = Callable[["Learner", Record], bool | None]
"""Called after each epoch with the learner and its record; returning True stops the fit."""


@final
class Learner:
    """Trains a network in place.

    Parameters
    ----------
    net : Network
        The network to train.
    optimizer : Optimizer, default=Adam(1e-3)
        The update rule, such as ``cr.SGD(0.1, momentum=0.9)``.
    l2, l1 : float, default=0.0
        The notes' lambda of each penalty (9.2, 9.3): J gets (l2/2S) sum w^2 + (l1/S) sum abs(w)
        over the weights, S being the number of examples or the sum of their weights.
    dropout : float, default=0.0
        The probability of each hidden node to be left out in a step, in [0, 1) (inverted: what
        stays is divided by 1 - dropout, so predictions need no change).
    batch_size : int or None, default=32
        Examples per step: 1 is online descent, None (or at least M) is batch descent.
    seed : int, default=0
        Of the shuffles and the dropout masks.
    n_jobs : int or None, default=None
        Threads; None lets the engine choose. The result never depends on it. The reference
        engine leaves threads to NumPy.
    engine : {"auto", "reference", "native"}, default="auto"
        What computes; "auto" takes the fastest that knows every part.
    shuffle : bool, default=True
        Whether each epoch takes the examples in a new order.

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

    def __init__(
        self,
        net: Network,
        optimizer: Optimizer | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        dropout: float = 0.0,
        batch_size: int | None = 32,
        seed: int = 0,
        n_jobs: int | None = None,
        engine: str = "auto",
        shuffle: bool = True,
    ) -> None:
        if not isinstance(net, Network):
            raise InvalidParameter(f"net must be a Network. Got {type(net).__name__} instead.")
        optimizer = Adam() if optimizer is None else optimizer
        if not isinstance(optimizer, Optimizer):
            raise InvalidParameter(
                f"optimizer must be an optimizer such as cr.Adam(1e-3). Got {optimizer!r} instead."
            )
        if n_jobs is not None and n_jobs != -1:
            check_whole("n_jobs", n_jobs)
        check_number("dropout", dropout, high=1)
        self._net = net
        self._optimizer = optimizer
        self.l2 = check_number("l2", l2)
        self.l1 = check_number("l1", l1)
        self.dropout = float(dropout)
        self.history = History()
        self.batch_size = None if batch_size is None else check_whole("batch_size", batch_size)
        self.seed = check_seed(seed)
        self.n_jobs = n_jobs
        self.shuffle = bool(shuffle)
        self._asked_engine = engine
        self._engine = choose_engine(engine)
        self._state = TrainingState(net.parameters, optimizer.init(net.theta))

    @property
    def net(self) -> Network:
        """The network that is trained."""
        return self._net

    @property
    def optimizer(self) -> Optimizer:
        """The update rule."""
        return self._optimizer

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
        schedule = as_schedule(self.optimizer.learning_rate)
        return schedule.rate(self._state.examples, self._state.reductions)

    def reduce_learning_rate(self) -> bool:
        """Reduce the learning rate if the schedule does so at a plateau, and say whether it did."""
        reduced = as_schedule(self.optimizer.learning_rate).reduces(self.learning_rate)
        self._state.reductions += reduced
        return reduced

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
    ) -> History:
        """Train for a number of epochs, or until converged. A second call continues.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (M, N)
        Y : array-like
            Targets as the network's loss takes them (see `Network.trace`).
        epochs : int, default=100
            How many passes over the examples, at most.
        tol : float, optional
            Stop when the cost has not fallen by at least `tol` for more than `n_iter_no_change`
            epochs. Without it all epochs are run.
        n_iter_no_change : int, default=10
            See `tol`.
        sample_weight : array-like of shape (M,), optional
        callbacks : iterable of callable
            Each is called after every epoch as ``callback(learner, record)``; one that returns
            True stops the fit. If it has a method ``on_epoch_begin``, that is called before every
            epoch as ``callback.on_epoch_begin(learner)``.

        Returns
        -------
        History

        Raises
        ------
        InvalidInput
            If X, Y or the weights are unusable; nothing is changed.
        NotTrainable
            If a step function lets no gradient through.
        Diverged
            If the cost becomes NaN or infinite.
        """
        check_whole("epochs", epochs)
        if tol is not None:
            check_number("tol", tol)
        check_number("n_iter_no_change", n_iter_no_change, low=1, high_included=True)
        callbacks = list(callbacks or ())
        begin_hooks = [getattr(c, "on_epoch_begin", None) for c in callbacks]
        examples = self._examples(X, Y, sample_weight)
        plateau = None if tol is None else Plateau(tol, n_iter_no_change)

        history = self.history = History()
        for _ in range(epochs):
            for hook in filter(None, begin_hooks):
                hook(self)
            begin = time.perf_counter()
            rate = self.learning_rate
            cost = self._epoch(examples, rate)
            record = Record(
                epoch=self._state.epoch,
                cost=cost,
                learning_rate=rate,
                seconds=time.perf_counter() - begin,
            )
            history.append(record)
            # Every callback hears of the epoch, also after one has asked to stop.
            stopped = [bool(callback(self, record)) for callback in callbacks]
            if plateau is not None and plateau.reached(cost):
                history.converged = not self.reduce_learning_rate()
                plateau.start_over()
            if history.converged or any(stopped):
                break
        self._require_finite_parameters()
        return history

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
        InvalidInput, NotTrainable, Diverged
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
        batch = self._examples(X, Y, sample_weight)
        cost = self._step(batch, len(batch), batch.total, self.learning_rate)
        self._require_finite_parameters()
        return cost

    def gradient_problem(self, X: Any, Y: Any, sample_weight: Any = None) -> GradientProblem:
        """Return what `check_gradients` checks: the network, and the penalties it trains with."""
        return GradientProblem(self.net, X, Y, sample_weight, self.l2, self.l1)

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and files keep: settings, and how far training is."""
        settings = ("net", "optimizer", "l2", "l1", "dropout", "batch_size", "seed", "n_jobs")
        state = self._state
        return {
            "settings": {
                **{name: getattr(self, name) for name in settings},
                "engine": self._asked_engine,
                "shuffle": self.shuffle,
            },
            "optimizer_state": dict(state.optimizer_state),
            "progress": [state.step, state.epoch, state.examples, state.reductions],
        }

    def __setstate__(self, kept: dict[str, Any]) -> None:
        """Restore a learner, every part checked: it may come from a file."""
        self.__init__(**kept["settings"])
        state = self._state
        for name, memory in state.optimizer_state.items():
            write(memory, kept["optimizer_state"][name], f"the optimizer's {name}")
        state.step, state.epoch, state.examples, state.reductions = (
            check_whole("progress", count, at_least=0) for count in kept["progress"]
        )

    def _examples(self, X: Any, Y: Any, sample_weight: Any) -> Examples:
        self.net.architecture.require_trainable()
        return Examples(*check_batch(self.net.architecture, X, Y, sample_weight))

    def _epoch(self, examples: Examples, rate: float) -> float:
        """Make the steps of one epoch and return its cost."""
        M, S, state = len(examples), examples.total, self._state
        batch_size = M if self.batch_size is None else self.batch_size
        cost = 0.0
        for rows in batches(M, batch_size, shuffle=self.shuffle, seed=self.seed, epoch=state.epoch):
            batch = examples.take(rows)
            cost += len(batch) / M * self._step(batch, M, S, rate)
        state.epoch += 1
        return cost

    def _step(self, batch: Examples, n_examples: int, total: float, rate: float) -> float:
        objective = Objective(
            self.l2, self.l1, (self.dropout,) * (self.net.architecture.n_layers - 2), self.seed
        )
        with np.errstate(over="ignore", invalid="ignore"):  # reported below, once and in words
            cost = self._engine.step(
                self.net.architecture,
                objective,
                self.optimizer,
                rate,
                self._state,
                batch,
                n_examples,
                total,
            )
        if not math.isfinite(cost):
            raise self._diverged(f"The cost became {cost}")
        return cost

    def _require_finite_parameters(self) -> None:
        """Raise if the last update, which no cost has seen yet, went to infinity."""
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(self.net.theta.sum()) or np.isfinite(self.net.theta).all()
        if not finite:
            raise self._diverged("The weights became infinite or NaN")

    def _diverged(self, what: str) -> Diverged:
        return Diverged(
            f"{what} at step {self.n_steps} (epoch {self.n_epochs + 1}), with the learning rate "
            f"{self.learning_rate:g}. Standardize X, or try a tenth of the rate, with a new "
            f"Network and a new Learner."
        )
