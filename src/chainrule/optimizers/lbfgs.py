"""The settings of L-BFGS; SciPy implements the method."""

from dataclasses import dataclass
from typing import final

from chainrule.architecture.checks import check_whole
from chainrule.calls import NamesChecked

__all__ = ["LBFGS"]


@final
@dataclass(frozen=True)
class LBFGS(NamesChecked):
    """L-BFGS on all examples at once, a solver of the estimators: ``solver=cr.LBFGS(20)``.

    It searches along a line in each iteration and so takes no learning rate. The estimator's
    `max_iter`, `max_fun` and `tol` limit how long it runs. A `Learner`, which makes one step per
    batch, cannot use it.

    Parameters
    ----------
    history_size : int, default=10
        The number of steps and gradients that the curvature is estimated from.
    max_line_search : int, default=20
        The maximum number of evaluations of the cost per iteration.

    Raises
    ------
    InvalidParameter
        If a setting is not a whole number, at least 1.

    References
    ----------
    Liu, D. C. and Nocedal, J., "On the limited memory BFGS method for large scale optimization",
    Mathematical Programming 45, 1989.

    Examples
    --------
    >>> import chainrule as cr
    >>> settings = {"hidden_layer_sizes": (), "alpha": 0}
    >>> model = cr.MLPRegressor(**settings, solver=cr.LBFGS(history_size=20))
    >>> model.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[3.0]]).round(3).tolist()
    [7.0]
    """

    history_size: int = 10
    max_line_search: int = 20

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ("history_size", "max_line_search"):
            whole = check_whole(f"{name} of LBFGS", getattr(self, name))
            object.__setattr__(self, name, whole)
