"""One step of the optimizer on the parameters, computed by the optimizer itself."""

from dataclasses import dataclass
from typing import final

import numpy as np

from chainrule.architecture import Parameters
from chainrule.engines.reference import clip, cost_and_gradients, flat_gradient
from chainrule.opening import Opened
from chainrule.optimizers import SGD, Optimizer, OptimizerState
from chainrule.optimizers.schedules import Schedule, as_schedule
from chainrule.training import Learner
from chainrule.working.numbers.one_pass import Computed

__all__ = ["Progress", "Update", "update"]

_SHOWN_RATE = 0.1  # of the gradient descent shown for a model without an update rule


@final
@dataclass(frozen=True)
class Progress:
    """The progress of a training, as counted by a schedule.

    Attributes
    ----------
    steps, examples, reductions : int
        Steps made, examples seen, and reductions of the rate at plateaus.
    schedule : Schedule or None
        The schedule with the length that it has from a fit.
    """

    steps: int = 0
    examples: int = 0
    reductions: int = 0
    schedule: Schedule | None = None


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
        Whether the optimizer is the model's own.
    schedule : Schedule or None
        The schedule of the rate, if it is not constant.
    progress : Progress
        The progress of the training, as counted by the schedule.
    before, after : Parameters
        Theta before and after.
    state_before, state_after : dict of str to Parameters
        The optimizer's state for each parameter, laid out like theta.
    remembered : dict of str to float
        Its state for all parameters together, before the step.
    max_norm : float or None
        The maximum norm of a gradient.
    scale : float
        The factor that scales the gradient down to that norm.
    cost : float
        J after the step, on the same batch.
    """

    optimizer: Optimizer
    rate: float
    t: int
    own: bool
    schedule: Schedule | None
    progress: Progress
    before: Parameters
    after: Parameters
    state_before: dict[str, Parameters]
    state_after: dict[str, Parameters]
    remembered: dict[str, float]
    max_norm: float | None
    scale: float
    cost: float


def update(subject: Opened, computed: Computed, optimizer: Optimizer | None) -> Update:
    """Make one step from the gradients of a pass, on copies.

    Parameters
    ----------
    subject, computed
        The model and its pass, which has gradients.
    optimizer : Optimizer or None
        The rule; None for the model's own, or gradient descent if it has none.

    Returns
    -------
    Update
    """
    assert computed.gradients is not None
    assert computed.batch is not None
    net, learner = subject.net, subject.learner
    architecture = net.architecture
    state: OptimizerState = {}
    t, own = 1, optimizer is None and learner is not None
    progress = Progress()
    if own:
        assert learner is not None
        optimizer, t, progress = learner.optimizer, learner.n_steps + 1, _progress(learner)
        rate, state = learner.learning_rate, learner.__getstate__()["optimizer_state"]
    else:
        optimizer = SGD(_SHOWN_RATE) if optimizer is None else optimizer
        rate = as_schedule(optimizer.learning_rate).rate(0, 0)
    theta = net.theta.copy()
    memory = optimizer.init(theta)
    memory.update({name: np.array(values, np.float64) for name, values in state.items()})
    of_each = [name for name, m in memory.items() if m.shape == theta.shape]
    before = {name: Parameters(architecture, memory[name].copy()) for name in of_each}
    remembered = {name: float(m[0]) for name, m in memory.items() if m.shape == (1,)}
    max_norm = None if learner is None else learner.max_grad_norm
    with np.errstate(over="ignore", invalid="ignore"):
        grad = flat_gradient(architecture, computed.gradients)
        norm = clip(grad, max_norm)
        after = Parameters(architecture, theta)
        optimizer.decay(after.weights, rate)
        optimizer.update(theta, grad, memory, t, rate)
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
    rule_rate = optimizer.learning_rate
    return Update(
        optimizer,
        float(rate),
        t,
        own,
        rule_rate if isinstance(rule_rate, Schedule) else None,
        progress,
        net.parameters,
        after,
        before,
        {name: Parameters(architecture, memory[name]) for name in of_each},
        remembered,
        max_norm,
        1.0 if max_norm is None else min(1.0, max_norm / (norm + 1e-6)),
        cost,
    )


def _progress(learner: Learner) -> Progress:
    """Return the progress of a learner."""
    last = learner.last_fit  # from which a schedule may take its length
    schedule, begin = (None, 0) if last is None else (last.schedule, last.begin)
    steps, _, examples, reductions = learner.__getstate__()["progress"]
    return Progress(steps - begin, examples, reductions, schedule)
