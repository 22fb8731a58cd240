"""What an engine is given and what it does."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture import Architecture, Parameters
from chainrule.maths.arrays import Float
from chainrule.optimizers import Optimizer, OptimizerState

__all__ = ["Engine", "Examples", "Objective", "TrainingState"]


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
    """What is minimized: J with the notes' penalties, under dropout.

    Attributes
    ----------
    l2, l1 : float
        The notes' lambda of each penalty.
    dropout : tuple of float
        The probability p of each hidden layer's nodes to be left out in a step.
    seed : int
        The key of the dropout masks.
    """

    l2: float = 0.0
    l1: float = 0.0
    dropout: tuple[float, ...] = ()
    seed: int = 0


@final
@dataclass
class TrainingState:
    """What training changes: the parameters, the optimizer's memory, and how far it is.

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
        Examples seen so far, each as often as it was seen.
    reductions : int
        How often the learning rate was reduced at a plateau.
    """

    parameters: Parameters
    optimizer_state: OptimizerState
    step: int = 0
    epoch: int = 0
    examples: int = 0
    reductions: int = 0


class Engine(ABC):
    """Computes hypotheses and makes training steps. Both engines follow the same trajectory."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name that ``engine=`` takes."""

    @abstractmethod
    def hypotheses(self, architecture: Architecture, parameters: Parameters, X: Any) -> Float:
        """Return H for checked X, shape (n, K)."""

    @abstractmethod
    def step(
        self,
        architecture: Architecture,
        objective: Objective,
        optimizer: Optimizer,
        rate: float,
        state: TrainingState,
        batch: Examples,
        n_examples: int,
        total: float,
    ) -> float:
        """Make one update from one batch, in place, and return the batch's cost before it.

        Parameters
        ----------
        architecture, objective, optimizer
            What is trained, on what, how.
        rate : float
            The learning rate.
        state : TrainingState
            Changed in place.
        batch : Examples
            B examples.
        n_examples : int
            M, the size of the training set the batch is from (B, if it is all there is).
        total : float
            S, the sum of the weights of that training set.

        Returns
        -------
        float
            (M/(B S)) sum of w * loss over the batch, plus penalties.
        """
