"""Back-propagation of any model against central differences."""

from typing import Any

from chainrule.architecture.checks import check_number
from chainrule.network import GradientCheck
from chainrule.network.gradient_check import GradientProblem, check_network
from chainrule.opening import network_of, open_model

__all__ = ["check_gradients"]


def check_gradients(
    net: Any,
    X: Any,
    Y: Any,
    sample_weight: Any = None,
    l2: float | None = None,
    l1: float | None = None,
) -> GradientCheck:
    """Compare back-propagation with central differences, layer by layer.

    Computed on a float64 copy, along random directions; for networks of up to 2000 parameters
    also element by element. A direction has entries +1 and -1, so it shows an error in a single
    entry at its full size.

    Parameters
    ----------
    net : Network, Learner, or fitted estimator, also in a Pipeline, a search or the like
        The model whose gradient is checked.
    X, Y, sample_weight
        The batch, as `Network.trace` or the estimator's ``fit`` takes it.
    l2, l1 : float, optional
        The notes' lambda of each penalty. By default 0 for a Network, and the penalties they
        train with for a Learner and an estimator.

    Returns
    -------
    GradientCheck

    Raises
    ------
    InvalidInput
        If the batch is unusable.
    NotTrainable
        If a step function blocks the gradient.
    TypeError
        If the model is not one of chainrule's.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 2], activation="relu", loss="log_loss", dtype="float64")
    >>> check = cr.check_gradients(net, [[0.5, -1.0], [2.0, 1.5]], [0, 1], l2=0.1)
    >>> check.passed
    True
    """
    network_of(net).architecture.require_trainable()
    opened = open_model(net, X, Y, sample_weight)
    l2 = check_number("l2", opened.l2 if l2 is None else l2)
    l1 = check_number("l1", opened.l1 if l1 is None else l1)
    return check_network(
        GradientProblem(opened.net, opened.X, opened.targets, opened.weight, l2, l1)
    )
