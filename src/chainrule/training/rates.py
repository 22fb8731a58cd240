"""The learning rates of one fit, as the engine takes them: of many steps at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import final

import numpy as np
from numpy.typing import NDArray

from chainrule.engines import TrainingState
from chainrule.optimizers.schedules import Schedule

__all__ = ["Rates"]

_STEPS_A_CALL = 65_536  # so that the rates ahead stay few, however many steps an epoch has


@final
@dataclass(frozen=True)
class Rates:
    """The rates of the steps to come.

    Attributes
    ----------
    schedule : Schedule
        With a length; none is open any more.
    begin : int
        The learner's step that is the schedule's first one.
    n_examples, batch_size : int
        M and B.
    """

    schedule: Schedule
    begin: int
    n_examples: int
    batch_size: int

    @property
    def steps_an_epoch(self) -> int:
        """How many batches there are."""
        return -(-self.n_examples // self.batch_size)

    def ahead(
        self, state: TrainingState, n_epochs: int
    ) -> tuple[NDArray[np.float64], Iterable[float]]:
        """Return the rates of the next steps, and of the last step of each epoch that ends in them.

        Parameters
        ----------
        state : TrainingState
            Where training is, also inside an epoch.
        n_epochs : int
            How far to look ahead: to the end of so many epochs, or some ten thousand steps.

        Returns
        -------
        rates : array of float64
            One for each step; a single one holds for all.
        of_epochs : iterable of float
        """
        seen = state.examples - state.position  # before this epoch
        if not self.schedule.changes:
            step = np.array([state.step - self.begin])
            rates = self.schedule.rates(step, np.array([seen]), state.reductions)
            return rates, repeat(rates.item())
        left = -(-(self.n_examples - state.position) // self.batch_size)
        n = min(left + (n_epochs - 1) * self.steps_an_epoch, _STEPS_A_CALL)
        ahead = np.arange(n)
        epochs = (ahead - left + self.steps_an_epoch) // self.steps_an_epoch
        rates = self.schedule.rates(
            state.step - self.begin + ahead, seen + epochs * self.n_examples, state.reductions
        )
        return rates, rates[left - 1 :: self.steps_an_epoch].tolist()
