"""The interface of the engines: their inputs, and the methods they provide."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture import Architecture, Parameters
from chainrule.engines.stopping import Plateau
from chainrule.maths.arrays import Float
from chainrule.optimizers import Optimizer, OptimizerState

__all__ = ["Engine", "EpochRecord", "Examples", "Objective", "Task", "TrainingState"]


@final
@dataclass(frozen=True)
class Examples:
    """Training examples, checked: X (n, N), Y (n, K) and weights (n,) or None.

    They may be all of the training set or one batch of it.
    """

    X: Any
    Y: Float
    weight: Float | None = None

    def __len__(self) -> int:
        """The number of examples: M for the training set, B for a batch."""
        return len(self.Y)

    @property
    def total(self) -> float:
        """S, the sum of the weights; the number of examples without weights."""
        return float(len(self)) if self.weight is None else float(self.weight.sum(dtype=np.float64))

    def take(self, rows: NDArray[np.intp] | slice) -> "Examples":
        """Return the batch of these rows."""
        weight = None if self.weight is None else self.weight[rows]
        return Examples(self.X[rows], self.Y[rows], weight)


@final
@dataclass(frozen=True)
class Objective:
    """The objective that is minimized: J with the notes' penalties, under dropout.

    Attributes
    ----------
    l2, l1 : float
        The notes' lambda of each penalty.
    dropout : tuple of float
        For each hidden layer the probability p that a node is left out in a step.
    seed : int
        The key of the dropout masks.
    dropout_input : float
        The probability that an input is left out in a step.
    """

    l2: float = 0.0
    l1: float = 0.0
    dropout: tuple[float, ...] = ()
    seed: int = 0
    dropout_input: float = 0.0

    @property
    def all_dropout(self) -> tuple[float, ...]:
        """The probability of each layer but the output, the input first; () if all are 0."""
        every = (self.dropout_input, *self.dropout)
        return every if any(every) else ()


@final
@dataclass
class TrainingState:
    """The state that training changes: parameters, the optimizer's state, and the progress.

    Attributes
    ----------
    parameters : Parameters
        The network's own, changed in place.
    optimizer_state : dict
        The optimizer's arrays.
    step : int
        Updates made so far.
    epoch : int
        Epochs finished so far.
    examples : int
        The number of examples seen so far, counting repetitions.
    reductions : int
        The number of reductions of the learning rate at plateaus.
    position : int
        The number of examples seen in the current epoch: 0 between two epochs.
    epoch_cost, epoch_seconds : float
        The cost and the duration of the current epoch so far.
    torn : bool
        Whether an update was interrupted while it wrote: the state is then invalid.
    """

    parameters: Parameters
    optimizer_state: OptimizerState
    step: int = 0
    epoch: int = 0
    examples: int = 0
    reductions: int = 0
    position: int = 0
    epoch_cost: float = 0.0
    epoch_seconds: float = 0.0
    torn: bool = False

    def start_epoch(self) -> None:
        """Start the next epoch from its beginning, even if the last one was interrupted."""
        self.position, self.epoch_cost, self.epoch_seconds, self.torn = 0, 0.0, 0.0, False


@final
@dataclass(frozen=True)
class Task:
    """The settings of a training: everything except the data and the progress.

    Attributes
    ----------
    architecture, objective, optimizer
        The network, the objective and the update rule.
    batch_size : int
        B.
    shuffle : bool
        Whether each epoch takes the examples in a new order.
    n_jobs : int or None
        Threads; None lets the engine choose.
    max_grad_norm : float or None
        The norm to which longer gradients are scaled down; None for no limit.
    """

    architecture: Architecture
    objective: Objective
    optimizer: Optimizer
    batch_size: int
    shuffle: bool = True
    n_jobs: int | None = None
    max_grad_norm: float | None = None


EpochRecord: TypeAlias = tuple[float, float, float]
"""An epoch's cost, the norm of its last gradient with the penalties, and its seconds."""


class Engine(ABC):
    """An engine makes training steps. Both engines follow the same trajectory."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The engine's name, as given to ``engine=``."""

    @abstractmethod
    def takes(self, task: Task, examples: Examples) -> bool:
        """Whether the engine can train on these examples."""

    @abstractmethod
    def prepare(self, examples: Examples) -> Examples:
        """Return the examples as the engine reads them; called once before many epochs."""

    @abstractmethod
    def step(self, task: Task, state: TrainingState, batch: Examples, rate: float) -> float:
        """Make one update from one batch, treated as the training set.

        Parameters
        ----------
        task : Task
        state : TrainingState
            Changed in place.
        batch : Examples
            As `prepare` returns them.
        rate : float
            The learning rate.

        Returns
        -------
        float
            The batch's cost before the update.

        Raises
        ------
        Diverged
            If the cost is NaN or infinite; the parameters are those that led to it.
        """

    @abstractmethod
    def epochs(
        self,
        task: Task,
        state: TrainingState,
        examples: Examples,
        rates: NDArray[np.float64],
        n_epochs: int,
        plateau: Plateau | None,
        records: list[EpochRecord],
        deadline: float = math.inf,
    ) -> None:
        """Run epochs up to the given number, a plateau of the cost, or the deadline.

        An epoch that was interrupted (``state.position``) is continued, with the same bits.

        Parameters
        ----------
        task, state
            As for `step`.
        rates : array of float
            The learning rates of the next steps. The method returns after these, also inside an
            epoch; a single rate is used for all steps.
        examples : Examples
            The training set, as `prepare` returns it.
        n_epochs : int
            The maximum number of epochs.
        plateau : Plateau or None
            The convergence rule, which gets the cost of each epoch.
        records : list
            A record of each finished epoch is appended, also if the run is interrupted.
        deadline : float
            The time (``time.monotonic``) at which to return, also inside an epoch.

        Raises
        ------
        Diverged
            If a cost is NaN or infinite; the parameters are those that led to it.
        """
