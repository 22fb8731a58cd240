"""The convergence rule: stop when the cost no longer improves (notes 10, "until convergence")."""

from dataclasses import dataclass
from typing import final

__all__ = ["Plateau"]


@final
@dataclass
class Plateau:
    """Watches a cost for a plateau.

    An epoch improves if its cost is at least `tol` below the best so far. More than
    `n_iter_no_change` epochs in a row that do not improve are a plateau, as in scikit-learn.

    Parameters
    ----------
    tol : float
        The smallest improvement that counts.
    n_iter_no_change : float
        The number of epochs in a row that may fail to improve; infinity never stops.

    Examples
    --------
    >>> from chainrule.engines.stopping import Plateau
    >>> plateau = Plateau(tol=0.1, n_iter_no_change=1)
    >>> [plateau.reached(cost) for cost in (1.0, 0.5, 0.49, 0.48)]
    [False, False, False, True]
    """

    tol: float
    n_iter_no_change: float
    best: float = float("inf")
    without_improvement: int = 0

    def reached(self, cost: float) -> bool:
        """Record the next epoch's cost and return whether this is a plateau."""
        self.without_improvement = (
            self.without_improvement + 1 if cost > self.best - self.tol else 0
        )
        self.best = min(self.best, cost)
        return self.is_reached

    @property
    def is_reached(self) -> bool:
        """Whether the cost has reached a plateau."""
        return self.without_improvement > self.n_iter_no_change

    def start_over(self) -> None:
        """Forget the epochs without improvement, not the best cost."""
        self.without_improvement = 0
