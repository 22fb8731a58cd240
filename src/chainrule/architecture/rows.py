"""Some rows of X by their numbers, so that several trainings can share one X."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows"]


@final
class Rows:
    """A selection of rows of a checked X, which are copied only when they are read.

    Parameters
    ----------
    X : array of shape (n, N) or CSR matrix
        Checked, of the network's dtype.
    numbers : array of int, optional
        The rows in their order; all of them by default.

    Examples
    --------
    >>> import numpy as np
    >>> rows = Rows(np.arange(6.0).reshape(3, 2), np.array([2, 0]))
    >>> rows.shape, rows[:1]
    ((2, 2), array([[4., 5.]]))
    """

    __slots__ = ("numbers", "whole")

    def __init__(self, X: Any, numbers: Any = None) -> None:
        self.numbers: NDArray[np.int64] | None = None
        if numbers is not None:
            self.numbers = np.ascontiguousarray(numbers, np.int64)
        self.whole: Any = X
        if isinstance(X, Rows):
            taken = X if numbers is None else X.take(numbers)
            self.whole, self.numbers = taken.whole, taken.numbers

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        n = self.whole.shape[0] if self.numbers is None else len(self.numbers)
        return n, self.whole.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of X."""
        return self.whole.dtype

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        """Return an array or CSR matrix of some of the rows."""
        return self.whole[rows if self.numbers is None else self.numbers[rows]]

    def astype(self, dtype: Any) -> "Rows":
        """Return the rows in another dtype; X is copied unless it already has it."""
        return Rows(self.whole.astype(dtype, copy=False), self.numbers)

    def take(self, rows: NDArray[Any]) -> "Rows":
        """Return some of the rows, by their numbers here."""
        return Rows(self.whole, rows if self.numbers is None else self.numbers[rows])
