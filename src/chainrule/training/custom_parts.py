"""What training asks of an activation or loss of the user's before it is first used."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from chainrule.architecture import Architecture, is_built_in
from chainrule.errors import InvalidParameter, WrongDerivative
from chainrule.maths.activations import Activation
from chainrule.maths.arrays import Float
from chainrule.maths.differences import activation_mismatch, loss_mismatch
from chainrule.maths.loss import Loss

__all__ = ["check_custom_parts"]

_RIGHT = WeakValueDictionary[int, Any]()  # the parts found right, by identity


def check_custom_parts(architecture: Architecture, Y: Float) -> None:
    """Compare the derivatives of the user's own parts with differences, each part once.

    Parameters
    ----------
    architecture : Architecture
        Whose parts; those that are built in are not looked at.
    Y : array of shape (n, K)
        Checked targets, of which some rows are taken for the loss.

    Raises
    ------
    InvalidParameter
        If a part does not take the arguments that it is called with, or returns another shape.
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
        with _called_with(f"activation '{g.name}'", f"g(z) and g_prime({g.takes})"):
            _require_elementwise(g)
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
    K = architecture.sizes[-1]
    signatures = "hypothesis(z), per_example(z, y) and delta(z, h, y)"
    with _called_with(f"loss '{loss.name}'", signatures):
        _require_hypotheses(loss, K)
        wrong = loss_mismatch(loss, Y, K)
    if wrong is not None:
        raise WrongDerivative(
            f"delta of the loss '{loss.name}' is not the derivative of its per_example by z: in "
            f"output {wrong.column}, at z = {wrong.z:g} and y = {wrong.y:g}, delta gives "
            f"{wrong.derivative:g} and differences give {wrong.slope:g}. Mend delta: it is "
            f"dloss/dz, with h' in it; cr.check_gradients then checks the whole network."
        )
    _RIGHT[id(loss)] = loss


@contextmanager
def _called_with(what: str, signatures: str) -> Iterator[None]:
    """Have a sentence for functions that do not take what they are called with."""
    try:
        yield
    except InvalidParameter:
        raise
    except TypeError as error:
        raise InvalidParameter(
            f"The {what} cannot be computed: {error}. It needs {signatures} of arrays."
        ) from error


def _require_elementwise(g: Activation) -> None:
    z = np.linspace(-0.9, 1.1, 6).reshape(3, 2)
    with np.errstate(all="ignore"):
        a = np.asarray(g.g(z))
        shapes = a.shape, np.shape(g.derivative(z, a))
    if shapes != (z.shape, z.shape):
        raise InvalidParameter(
            f"The activation '{g.name}' must act on each z by itself: of shape {z.shape}, it must "
            f"return g and g_prime of that shape. Got {shapes[0]} and {shapes[1]} instead."
        )


def _require_hypotheses(loss: Loss, n_outputs: int) -> None:
    z = np.linspace(-0.9, 1.1, 3 * n_outputs).reshape(3, n_outputs)
    with np.errstate(all="ignore"):
        shape = np.shape(loss.hypothesis(z))
    if shape != z.shape:
        raise InvalidParameter(
            f"The loss '{loss.name}' must return hypotheses of the shape of z, {z.shape}. Got "
            f"{shape} instead."
        )
