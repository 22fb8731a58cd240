"""What one step of the optimizer makes of the parameters, computed by the optimizer itself."""

from dataclasses import dataclass
from typing import final

import numpy as np

from chainrule.architecture import Parameters
from chainrule.engines.reference import cost_and_gradients, flat_gradient
from chainrule.optimizers import SGD, Optimizer, OptimizerState
from chainrule.optimizers.schedules import Schedule
from chainrule.working.computed import Computed
from chainrule.working.subject import Subject

__all__ = ["Update", "update"]

_SHOWN_RATE = 0.1  # of the gradient descent shown for a model that has no update rule


@final
@dataclass(frozen=True)
class Update:
    """One step of an optimizer.

    Attributes
    ----------
    optimizer : Optimizer
    rate : float
        The learning rate of the step.
    t : int
        Its number, 1 for the first.
    own : bool
        Whether the model brought the optimizer along.
    before, after : Parameters
        Theta before and after.
    state_before, state_after : dict of str to Parameters
        What the optimizer remembers, laid out as theta is.
    cost : float
        J after the step, on the same batch.
    """

    optimizer: Optimizer
    rate: float
    t: int
    own: bool
    before: Parameters
    after: Parameters
    state_before: dict[str, Parameters]
    state_after: dict[str, Parameters]
    cost: float


def update(subject: Subject, computed: Computed, optimizer: Optimizer | None) -> Update:
    """Make one step from the gradients of a pass, on copies.

    Parameters
    ----------
    subject, computed
        The model and its pass, which has gradients.
    optimizer : Optimizer or None
        The rule; None for the model's own, or gradient descent where it has none.

    Returns
    -------
    Update
    """
    assert computed.gradients is not None
    assert computed.batch is not None
    net, learner = subject.net, subject.learner
    architecture = net.architecture
    state: OptimizerState = {}
    t, rate = 1, None
    own = optimizer is None and learner is not None
    if own:
        assert learner is not None
        optimizer, rate, t = learner.optimizer, learner.learning_rate, learner.n_steps + 1
        state = learner.__getstate__()["optimizer_state"]
    elif optimizer is None:
        optimizer = SGD(_SHOWN_RATE)
    assert optimizer is not None
    if rate is None:
        given = optimizer.learning_rate
        rate = given.rate(0, 0) if isinstance(given, Schedule) else given
    theta = net.theta.copy()
    memory = optimizer.init(theta)
    memory.update({name: np.array(values, np.float64) for name, values in state.items()})
    before = {name: Parameters(architecture, m.copy()) for name, m in memory.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        grad = flat_gradient(architecture, computed.gradients)
        optimizer.update(theta, grad, memory, t, rate)
        after = Parameters(architecture, theta)
        batch = computed.batch
        cost = cost_and_gradients(
            architecture,
            after,
            batch,
            len(batch),
            batch.total,
            l2=subject.l2,
            l1=subject.l1,
            masks=computed.masks,
        ).cost
    return Update(
        optimizer,
        float(rate),
        t,
        own,
        net.parameters,
        after,
        before,
        {name: Parameters(architecture, m) for name, m in memory.items()},
        cost,
    )
