"""What training asks of an activation or loss of the user's before it is first used."""

from typing import Any
from weakref import WeakValueDictionary

from chainrule.architecture import Architecture, is_built_in
from chainrule.errors import WrongDerivative
from chainrule.maths.arrays import Float
from chainrule.maths.differences import activation_mismatch, loss_mismatch

__all__ = ["check_own_parts"]

_RIGHT = WeakValueDictionary[int, Any]()  # the parts found right, by identity


def check_own_parts(architecture: Architecture, Y: Float) -> None:
    """Compare the derivatives of the user's own parts with differences, each part once.

    Parameters
    ----------
    architecture : Architecture
        Whose parts; those that are built in are not looked at.
    Y : array of shape (n, K)
        Checked targets, of which some rows are taken for the loss.

    Raises
    ------
    WrongDerivative
        If one is not that of its function; the message has the point and both numbers.

    Examples
    --------
    >>> import chainrule as cr
    >>> wrong = cr.Activation("square", g=lambda z: z * z, g_prime=lambda z: z)
    >>> learner = cr.Learner(cr.Network([1, 2, 1], wrong, "squared_error"))
    >>> learner.engine
    'reference'
    >>> learner.step([1.0], [1.0])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    chainrule.errors.WrongDerivative: The derivative of the activation 'square' is ...
    """
    for g in architecture.activations:
        if is_built_in(g) or _RIGHT.get(id(g)) is g:
            continue
        wrong = activation_mismatch(g)
        if wrong is not None:
            of = " (of a)" if g.takes == "a" else ""
            raise WrongDerivative(
                f"The derivative of the activation '{g.name}' is not that of its g: at z = "
                f"{wrong.z:g} g_prime{of} gives {wrong.derivative:g} and differences give "
                f"{wrong.slope:g}. Mend g_prime; cr.check_gradients then checks the whole network."
            )
        _RIGHT[id(g)] = g
    loss = architecture.loss
    if is_built_in(loss) or _RIGHT.get(id(loss)) is loss:
        return
    wrong = loss_mismatch(loss, Y, architecture.sizes[-1])
    if wrong is not None:
        raise WrongDerivative(
            f"delta of the loss '{loss.name}' is not the derivative of its per_example by z: in "
            f"output {wrong.column}, at z = {wrong.z:g} and y = {wrong.y:g}, delta gives "
            f"{wrong.derivative:g} and differences give {wrong.slope:g}. Mend delta: it is "
            f"dloss/dz, with h' in it; cr.check_gradients then checks the whole network."
        )
    _RIGHT[id(loss)] = loss
