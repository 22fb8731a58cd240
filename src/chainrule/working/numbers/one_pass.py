"""Every number of one pass: forward, backward, and the examples' weights."""

from dataclasses import dataclass
from typing import final

import numpy as np

from chainrule.engines import Examples
from chainrule.engines.reference import cost_and_gradients
from chainrule.errors import NotTrainable
from chainrule.maths.arrays import Float
from chainrule.maths.penalties import penalty
from chainrule.maths.propagation import Forward, Gradients, forward_propagate
from chainrule.opening import Opened
from chainrule.working.numbers.dropout import Dropout

__all__ = ["Computed", "compute"]


@final
@dataclass(frozen=True)
class Computed:
    """The numbers of a pass, as far as they exist.

    Attributes
    ----------
    forward : Forward
    masks : list of arrays or None
        Dropout's, 0 or 1/(1 - p) for each hidden node.
    dropout : Dropout or None
        The dropout of nodes and inputs; None if the whole network is shown.
    batch : Examples or None
        X, Y and weights; None without Y.
    losses : array of shape (n,) or None
        Each example's loss; None without Y, and for the indicator.
    gradients : Gradients or None
        None if nothing can be propagated back.
    cost : float or None
        J, penalties included.
    why_not : str
        Why a step function blocks the backward pass, if it does.
    overflowed : bool
        Whether numbers became infinite or NaN, so that there is no gradient.
    """

    forward: Forward
    masks: list[Float] | None
    dropout: Dropout | None = None
    batch: Examples | None = None
    losses: Float | None = None
    gradients: Gradients | None = None
    cost: float | None = None
    why_not: str = ""
    overflowed: bool = False

    @property
    def total(self) -> float:
        """S, the sum of the weights."""
        return 0.0 if self.batch is None else self.batch.total


def compute(subject: Opened, *, dropout: bool) -> Computed:
    """Make the pass of a subject, forward and back as far as it goes.

    Parameters
    ----------
    subject : Opened
    dropout : bool
        Whether hidden nodes are left out, as in the learner's next step.

    Returns
    -------
    Computed

    Raises
    ------
    InvalidParameter
        If dropout is asked for, and the model has none.
    """
    net, architecture = subject.net, subject.net.architecture
    thinning = Dropout(subject.learner) if dropout else None
    masks, X = None, subject.X
    if thinning is not None:
        masks, X = thinning.masks(len(X)), thinning.inputs(X)
    forward = forward_propagate(
        X,
        net.weights,
        net.biases,
        architecture.activations,
        architecture.loss.hypothesis,
        masks,
    )
    if subject.Y is None:
        return Computed(forward, masks, thinning)
    batch = Examples(X, subject.Y, subject.weight)
    try:
        architecture.require_trainable()
    except NotTrainable as error:
        if not architecture.loss.differentiable:
            return Computed(forward, masks, thinning, batch, why_not=str(error))
        losses = architecture.loss.per_example(forward.z[-1], batch.Y)
        weight = np.ones(len(batch)) if batch.weight is None else batch.weight
        data = float(np.sum(np.where(weight == 0, 0, weight * losses)) / batch.total)
        cost = data + penalty(net.weights, subject.l2, subject.l1, batch.total)
        return Computed(forward, masks, thinning, batch, losses, cost=cost, why_not=str(error))
    result = cost_and_gradients(
        architecture,
        net.parameters,
        batch,
        len(batch),
        batch.total,
        l2=subject.l2,
        l1=subject.l1,
        masks=masks,
    )
    losses = architecture.loss.per_example(forward.z[-1], batch.Y)
    gradients = result.gradients
    arrays = [*gradients.delta, *gradients.grad_weights, *gradients.grad_biases]
    if not (np.isfinite(result.cost) and all(np.isfinite(array).all() for array in arrays)):
        return Computed(forward, masks, thinning, batch, losses, cost=result.cost, overflowed=True)
    return Computed(forward, masks, thinning, batch, losses, gradients, result.cost)
