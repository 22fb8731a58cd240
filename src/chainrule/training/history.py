"""The history of training: one record per epoch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count, repeat
from operator import itemgetter
from typing import Any, Final, TypedDict, final, overload

__all__ = ["STOPS", "History", "Record"]

STOPS: Final = ("epochs", "convergence", "callback", "max_seconds")
"""What can end a fit."""


class Record(TypedDict):
    """What one epoch was like.

    ``epoch`` counts from 1 over all fits of a learner; ``cost`` is J, averaged over the epoch's
    batches as they were met; ``learning_rate`` is that of the epoch's last step; ``seconds`` is how
    long it took.
    """

    epoch: int
    cost: float
    learning_rate: float
    seconds: float


_FIELDS = ("epoch", "cost", "learning_rate", "seconds")


@final
class History(Sequence[Record]):
    """The records of a fit, one per epoch, in order; those before it was resumed included.

    Attributes
    ----------
    stopped_by : {"epochs", "convergence", "callback", "max_seconds"} or None
        What ended the fit; None while it goes on, or if it was interrupted or diverged.
    converged : bool
        Whether that was the convergence rule.

    Examples
    --------
    >>> import chainrule as cr
    >>> learner = cr.Learner(cr.Network([1, 1], loss="squared_error"), cr.SGD(0.1))
    >>> history = learner.fit([[0.0], [1.0]], [1.0, 3.0], epochs=3)
    >>> len(history), history[-1]["epoch"], history.costs[0] > history.costs[-1]
    (3, 3, True)
    """

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self._records = list(records)
        self.stopped_by: str | None = None

    @property
    def converged(self) -> bool:
        """Whether the convergence rule ended the fit."""
        return self.stopped_by == "convergence"

    @converged.setter
    def converged(self, value: bool) -> None:
        self.stopped_by = "convergence" if value else None

    def append(self, record: Record) -> None:
        """Add the next epoch's record."""
        self._records.append(record)

    def adding(
        self, first: int, rates: Iterable[float], epochs: Sequence[tuple[float, float]]
    ) -> Callable[[], None]:
        """Return what adds the records of epochs from number `first` on, once they are there.

        Each is given by its learning rate, and by its cost and seconds. All are added or none:
        Ctrl-C cannot come between, since no Python code runs there.
        """
        costs, seconds = map(itemgetter(0), epochs), map(itemgetter(1), epochs)
        values = zip(count(first), costs, rates, seconds)
        records: Any = map(dict, map(zip, repeat(_FIELDS), values))
        return partial(self._records.extend, records)

    @property
    def costs(self) -> list[float]:
        """The cost of each epoch."""
        return [record["cost"] for record in self._records]

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        """Return the record of an epoch, or a list of some."""
        return self._records[index]

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the records."""
        return iter(self._records)

    def __repr__(self) -> str:
        """Return the number of epochs with the first and last cost."""
        if not self._records:
            return "History(no epochs)"
        return f"History({len(self)} epochs, cost {self.costs[0]:.4g} to {self.costs[-1]:.4g})"
