"""The history of training: one record per epoch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count, repeat
from operator import itemgetter
from typing import Any, Final, TypedDict, final, overload

import numpy as np

from chainrule.errors import InvalidInput
from chainrule.extras import require

__all__ = ["COLUMNS", "STOPS", "History", "Record"]

STOPS: Final = ("epochs", "convergence", "callback", "max_seconds")
"""What can end a fit."""


class Record(TypedDict):
    """What one epoch was like.

    ``epoch`` counts from 1 over all fits of a learner; ``cost`` is J, averaged over the epoch's
    batches as they were met; ``gradient_norm`` is the Euclidean norm of the gradient of the epoch's
    last step, penalties included, before the optimizer makes anything of it: in batch descent that
    of grad J; ``learning_rate`` is that of the last step; ``seconds`` is how long the epoch took.
    """

    epoch: int
    cost: float
    gradient_norm: float
    learning_rate: float
    seconds: float


COLUMNS: Final = {
    name: np.dtype(np.int64 if name == "epoch" else np.float64) for name in Record.__annotations__
}
"""What a record holds, and the types in which files hold it."""
_FIELDS = tuple(COLUMNS)


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

    def append(self, record: Record) -> None:
        """Add the next epoch's record."""
        self._records.append(record)

    def go_on(self, records: Sequence[Record]) -> None:
        """Add the records of another fit, their epochs numbered on from the last one here."""
        ahead = len(self)
        if records and records[0]["epoch"] != ahead + 1:
            records = [
                {**record, "epoch": epoch} for epoch, record in enumerate(records, ahead + 1)
            ]
        self._records += records

    def to_frame(self) -> Any:
        """Return the records as a pandas DataFrame, one row per epoch.

        Raises
        ------
        MissingExtra
            If pandas is not installed.

        Examples
        --------
        >>> import chainrule as cr
        >>> learner = cr.Learner(cr.Network([1, 1], loss="squared_error"), cr.SGD(0.1))
        >>> learner.fit([[0.0], [1.0]], [1.0, 3.0], epochs=3).to_frame().columns.tolist()
        ['epoch', 'cost', 'gradient_norm', 'learning_rate', 'seconds']
        """
        require(
            "A history becomes a DataFrame with",
            "pandas",
            instead="Or read the records themselves, as in list(history).",
        )
        from pandas import DataFrame

        return DataFrame(self._records, columns=list(_FIELDS))

    def adding(
        self, first: int, rates: Iterable[float], epochs: Sequence[tuple[float, float, float]]
    ) -> Callable[[], None]:
        """Return what adds the records of epochs from number `first` on, once they are there.

        Each is given by its learning rate, and by its cost, gradient norm and seconds. All are
        added or none: Ctrl-C cannot come between, since no Python code runs there.
        """
        costs, norms, seconds = (map(itemgetter(i), epochs) for i in range(3))
        values = zip(count(first), costs, norms, rates, seconds)
        records: Any = map(dict, map(zip, repeat(_FIELDS), values))
        return partial(self._records.extend, records)

    @property
    def costs(self) -> list[float]:
        """The cost of each epoch."""
        return [record["cost"] for record in self._records]

    def __getstate__(self) -> dict[str, Any]:
        """Return the records by columns, which files keep more compactly."""
        return {
            "stopped_by": self.stopped_by,
            **{name: np.array([r[name] for r in self._records], COLUMNS[name]) for name in _FIELDS},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a history, every part checked: it may come from a file."""
        columns = [state.get(name) for name in _FIELDS]
        stopped_by = state.get("stopped_by")
        if not all(
            isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype == COLUMNS[name]
            for name, column in zip(_FIELDS, columns, strict=True)
        ) or not (stopped_by is None or stopped_by in STOPS):
            raise InvalidInput("The history is damaged; take another copy or train again.")
        values: Any = [column.tolist() for column in columns if column is not None]
        if len({len(column) for column in values}) != 1:
            raise InvalidInput("The history is damaged; take another copy or train again.")
        self.__init__([dict(zip(_FIELDS, each, strict=True)) for each in zip(*values, strict=True)])  # type: ignore[arg-type]
        self.stopped_by = stopped_by

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
