"""What an estimator trains on, or judges by."""

from dataclasses import dataclass
from typing import Any, final

from numpy.typing import NDArray

from chainrule.architecture.rows import Rows

__all__ = ["Table"]


@final
@dataclass(frozen=True)
class Table:
    """Examples, checked.

    Attributes
    ----------
    X, y, sample_weight
        As the user gave them: labels, and weights or None.
    Y, weight
        As the network gets them: targets, and weights times those of the classes, or None.
    """

    X: Any
    Y: Any
    y: Any
    sample_weight: Any
    weight: Any

    def take(self, rows: NDArray[Any]) -> "Table":
        """Return some of the examples; an X that is shared stays so."""
        X = self.X.take(rows) if isinstance(self.X, Rows) else self.X[rows]
        others = (self.Y, self.y, self.sample_weight, self.weight)
        return Table(X, *(None if each is None else each[rows] for each in others))
