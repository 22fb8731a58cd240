"""L-BFGS: batch descent along the Newton direction that the last gradients suggest (SciPy's)."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.optimize import minimize

from chainrule.architecture.inputs import check_batch
from chainrule.engines import Examples
from chainrule.engines.reference import cost_and_gradients, flat_gradient
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.optimizers import LBFGS
from chainrule.training.custom_parts import check_custom_parts

__all__ = ["LBFGSResult", "minimize_lbfgs"]


@final
@dataclass(frozen=True)
class LBFGSResult:
    """How L-BFGS ended.

    Attributes
    ----------
    n_iter : int
        Iterations made.
    cost : float
        J at the end.
    converged : bool
        Whether the gradient or the improvement fell below the tolerance.
    message : str
        SciPy's own words, or that time was up.
    out_of_time : bool
        Whether it was.
    """

    n_iter: int
    cost: float
    converged: bool
    message: str
    out_of_time: bool = False


class _OutOfTime(Exception):
    """Ends SciPy's search from inside."""


def minimize_lbfgs(
    net: Network,
    X: Any,
    Y: Any,
    *,
    sample_weight: Any = None,
    l2: float = 0.0,
    l1: float = 0.0,
    max_iter: int = 200,
    max_fun: int = 15000,
    tol: float = 1e-4,
    settings: LBFGS | None = None,
    max_seconds: float | None = None,
    on_iteration_begin: Callable[[], None] | None = None,
    on_iteration: Callable[[float], bool | None] | None = None,
) -> LBFGSResult:
    """Train a network in place with L-BFGS on all examples at once.

    Computed in float64 whatever the network's dtype, since its line search compares costs that
    differ little.

    Parameters
    ----------
    net : Network
        Changed in place, after each iteration.
    X, Y, sample_weight, l2, l1
        As for `Learner.fit` and `Learner`.
    max_iter, max_fun : int
        Iterations and evaluations of J at most.
    tol : float, default=1e-4
        Stop when no entry of grad J exceeds it, or when the cost no longer falls (SciPy's ftol).
    settings : LBFGS, optional
        How it searches.
    max_seconds : float, optional
        Stop after so many seconds and the evaluation of J that is going on, with the weights of
        the last iteration.
    on_iteration_begin : callable, optional
        Called without arguments before each iteration.
    on_iteration : callable, optional
        Called as ``on_iteration(cost)`` after each iteration; True stops.

    Returns
    -------
    LBFGSResult

    References
    ----------
    Liu, D. C. and Nocedal, J., "On the limited memory BFGS method for large scale optimization",
    Mathematical Programming 45, 1989.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.training.lbfgs import minimize_lbfgs
    >>> net = cr.Network([1, 1], loss="squared_error")
    >>> result = minimize_lbfgs(net, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], tol=1e-8)
    >>> result.converged, net.theta.round(4).tolist()
    (True, [1.0, 2.0])
    """
    net.architecture.require_trainable()
    wide = net.copy("float64")
    examples = Examples(*check_batch(wide.architecture, X, Y, sample_weight))
    check_custom_parts(wide.architecture, examples.Y)
    n_examples, total = len(examples), examples.total

    settings = LBFGS() if settings is None else settings
    deadline = math.inf if max_seconds is None else time.monotonic() + max_seconds
    begun, n_iter, cost = False, 0, math.inf

    def require_time() -> None:
        if time.monotonic() >= deadline:
            raise _OutOfTime

    def cost_and_gradient(theta: Float) -> tuple[float, Float]:
        nonlocal begun
        if not begun and on_iteration_begin is not None:
            on_iteration_begin()
        begun = True
        require_time()
        wide.theta[...] = theta
        with np.errstate(over="ignore", invalid="ignore"):  # a step too far; the search goes back
            result = cost_and_gradients(
                wide.architecture, wide.parameters, examples, n_examples, total, l2=l2, l1=l1
            )
        return result.cost, flat_gradient(wide.architecture, result.gradients)

    def take_over(theta: Float) -> None:
        net.parameters.make_writable()
        net.theta[...] = theta

    def after_iteration(intermediate_result: Any) -> None:  # SciPy tells by this name what to pass
        nonlocal begun, n_iter, cost
        begun, n_iter, cost = False, n_iter + 1, float(intermediate_result.fun)
        take_over(intermediate_result.x)
        if on_iteration is not None and on_iteration(cost):
            raise StopIteration

    try:
        found: Any = minimize(
            cost_and_gradient,
            wide.theta.copy(),
            method="L-BFGS-B",
            jac=True,
            options={
                "maxiter": max_iter,
                "maxfun": max_fun,
                "gtol": tol,
                "maxcor": settings.history_size,
                "maxls": settings.max_line_search,
            },
            callback=after_iteration,
        )
    except _OutOfTime:
        return LBFGSResult(n_iter, cost, False, "time was up", out_of_time=True)
    take_over(found.x)
    return LBFGSResult(
        n_iter=min(int(found.nit), max_iter),
        cost=float(found.fun),
        converged=found.status == 0,
        message=str(found.message),
    )
