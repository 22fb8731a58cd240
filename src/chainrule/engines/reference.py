"""The reference engine: the notes in NumPy, one step at a time.

It is the executable specification. It takes every activation and loss, the user's own included,
and is what trace, explain and gradient checks show.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture import Architecture, Parameters
from chainrule.architecture.inputs import is_sparse
from chainrule.engines.batches import batches
from chainrule.engines.interface import (
    Engine,
    EpochRecord,
    Examples,
    Objective,
    Task,
    TrainingState,
)
from chainrule.engines.stopping import Plateau
from chainrule.errors import Diverged, InvalidParameter
from chainrule.maths.arrays import Float
from chainrule.maths.penalties import penalty, penalty_gradient
from chainrule.maths.propagation import (
    Forward,
    Gradients,
    back_propagate,
    forward_propagate,
    propagate_to_output,
)
from chainrule.maths.random import dropout_mask

__all__ = ["Pass", "ReferenceEngine", "clip", "cost_and_gradients", "flat_gradient", "hypotheses"]

_ROWS_AT_ONCE = 8192


@final
@dataclass(frozen=True)
class Pass:
    """One pass forward and back over a batch: everything the notes name."""

    forward: Forward
    gradients: Gradients
    cost: float


def hypotheses(architecture: Architecture, parameters: Parameters, X: Any) -> Float:
    """Return H = h(Z^(L)) for checked X (FP2.1, FP2.2), a few thousand rows at a time."""
    H = np.empty((X.shape[0], architecture.sizes[-1]), architecture.dtype)
    for start in range(0, X.shape[0], _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        z = propagate_to_output(
            X[rows], parameters.weights, parameters.biases, architecture.activations
        )
        H[rows] = architecture.loss.hypothesis(z)
    return H


def cost_and_gradients(
    architecture: Architecture,
    parameters: Parameters,
    batch: Examples,
    n_examples: int,
    total: float,
    *,
    l2: float = 0.0,
    l1: float = 0.0,
    masks: Sequence[Float] | None = None,
) -> Pass:
    """Propagate a batch forward and back, with penalties.

    A batch of B of the M examples has the gradient (M/(B S)) sum w grad loss + (l2 W + l1 sign
    W)/S. Weighted with B/M, these add up over the batches of an epoch to exactly grad J.

    Parameters
    ----------
    architecture, parameters
        The network.
    batch : Examples
        B examples.
    n_examples, total
        M and S of the training set.
    l2, l1 : float
        The penalties' lambdas.
    masks : sequence of arrays, optional
        The factors of the hidden activations (dropout).

    Returns
    -------
    Pass
    """
    loss, weights = architecture.loss, parameters.weights
    scale = architecture.dtype.type(n_examples / (len(batch) * total))
    c = scale if batch.weight is None else scale * batch.weight[:, None]

    forward = forward_propagate(
        batch.X, weights, parameters.biases, architecture.activations, loss.hypothesis, masks
    )
    z, h = forward.z[-1], forward.h
    losses, output_delta = loss.per_example(z, batch.Y), loss.delta(z, h, batch.Y)
    if losses.shape != (len(batch),) or output_delta.shape != z.shape:
        raise InvalidParameter(
            f"The loss '{loss.name}' must return losses of shape ({len(batch)},) and a delta of "
            f"shape {z.shape}. Got {losses.shape} and {output_delta.shape} instead."
        )
    if batch.weight is not None and not batch.weight.all():
        # An example of weight 0 must not count, whatever its loss: 0 * inf would be NaN.
        losses = np.where(batch.weight == 0, 0, losses)
        output_delta = np.where(batch.weight[:, None] == 0, 0, output_delta)
    data_cost = float(np.sum(np.ravel(c) * losses, dtype=np.float64))
    output_delta = c * output_delta  # BP1.2
    gradients = back_propagate(forward, output_delta, weights, architecture.activations, masks)
    if l2 or l1:
        for grad_W, W in zip(gradients.grad_weights, weights, strict=True):
            np.add(grad_W, penalty_gradient(W, l2, l1, total), out=grad_W)
    return Pass(forward, gradients, data_cost + penalty(weights, l2, l1, total))


def flat_gradient(architecture: Architecture, gradients: Gradients) -> Float:
    """Return grad J as one vector, in theta's order."""
    grad = Parameters(architecture, np.empty(architecture.n_parameters, architecture.dtype))
    for layer, (dW, db) in enumerate(
        zip(gradients.grad_weights, gradients.grad_biases, strict=True)
    ):
        grad.weights[layer] = dW
        grad.biases[layer] = db
    return grad.theta


def clip(grad: Float, max_norm: float | None) -> float:
    """Return a gradient's norm, after scaling it down in place if it is longer than `max_norm`.

    As in PyTorch, 1e-6 is added to its own norm (Pascanu et al. 2013).
    """
    norm = float(np.linalg.norm(grad))
    if max_norm is not None and (scale := max_norm / (norm + 1e-6)) < 1:
        grad *= scale
    return norm


@final
class ReferenceEngine(Engine):
    """NumPy, line for line like the notes."""

    @property
    def name(self) -> str:
        """The engine's name: "reference"."""
        return "reference"

    def takes(self, task: Task, examples: Examples) -> bool:
        """Whether it can train on these: always."""
        return True

    def prepare(self, examples: Examples) -> Examples:
        """Return the examples unchanged."""
        return examples

    def step(self, task: Task, state: TrainingState, batch: Examples, rate: float) -> float:
        """Make one update from a batch, treated as the training set."""
        state.parameters.make_writable()
        result = _pass(task, state, batch, len(batch), batch.total)
        _update(task, state, batch, result, rate)
        return result.cost

    def epochs(
        self,
        task: Task,
        state: TrainingState,
        examples: Examples,
        rates: NDArray[np.float64],
        n_epochs: int,
        plateau: Plateau | None,
        records: list[EpochRecord],
        deadline: float = math.inf,
    ) -> None:
        """Run epochs, batch by batch."""
        state.parameters.make_writable()
        M, S = len(examples), examples.total
        each = repeat(rates.item()) if len(rates) == 1 else iter(rates.tolist())
        steps_left = math.inf if len(rates) == 1 else len(rates)
        for _ in range(n_epochs):
            begin = time.perf_counter() - state.epoch_seconds
            for rows in batches(
                M,
                task.batch_size,
                shuffle=task.shuffle,
                seed=task.objective.seed,
                epoch=state.epoch,
                position=state.position,
            ):
                batch = examples.take(rows)
                result = _pass(task, state, batch, M, S)
                # Ctrl-C may come anywhere in here; `torn` marks a half-finished update.
                state.torn = True
                norm = _update(task, state, batch, result, next(each))
                steps_left -= 1
                state.position += len(batch)
                state.epoch_cost += len(batch) / M * result.cost
                state.epoch_seconds = time.perf_counter() - begin
                if state.position == M:
                    _end_epoch(state, plateau, records, norm)
                state.torn = False
                late = time.monotonic() >= deadline
                if late or not steps_left or (plateau is not None and plateau.is_reached):
                    return


def _pass(task: Task, state: TrainingState, batch: Examples, n_examples: int, total: float) -> Pass:
    """Propagate a batch forward and back, under the dropout masks of the step."""
    architecture, objective = task.architecture, task.objective
    if objective.dropout_input:
        batch = replace(batch, X=_thinned(batch.X, architecture, objective, state.step))
    with np.errstate(over="ignore", invalid="ignore"):  # the caller reports it, once
        return cost_and_gradients(
            architecture,
            state.parameters,
            batch,
            n_examples,
            total,
            l2=objective.l2,
            l1=objective.l1,
            masks=_masks(architecture, objective, len(batch), state.step),
        )


def _update(task: Task, state: TrainingState, batch: Examples, result: Pass, rate: float) -> float:
    """Make one update with the optimizer, and return the gradient's norm.

    Raises
    ------
    Diverged
        If the cost is NaN or infinite: no update is made, but the step counts.
    """
    state.step += 1
    state.examples += len(batch)
    if not math.isfinite(result.cost):
        raise Diverged(f"The cost became {result.cost}")
    with np.errstate(over="ignore", invalid="ignore"):
        grad = flat_gradient(task.architecture, result.gradients)
        norm = clip(grad, task.max_grad_norm)
        task.optimizer.decay(state.parameters.weights, rate)
        task.optimizer.update(state.parameters.theta, grad, state.optimizer_state, state.step, rate)
    return norm


def _end_epoch(
    state: TrainingState, plateau: Plateau | None, records: list[EpochRecord], norm: float
) -> None:
    records.append((state.epoch_cost, norm, state.epoch_seconds))
    if plateau is not None:
        plateau.reached(state.epoch_cost)
    state.epoch += 1
    state.position, state.epoch_cost, state.epoch_seconds = 0, 0.0, 0.0


def _masks(
    architecture: Architecture, objective: Objective, n_rows: int, step: int
) -> list[Float] | None:
    """Return the dropout factors of each hidden layer's activations: 0 or 1/(1-p)."""
    if not any(objective.dropout):
        return None
    return [
        _mask(n_rows, layer, p, architecture, objective, step)
        for layer, p in enumerate(objective.dropout, start=1)
    ]


def _thinned(X: Any, architecture: Architecture, objective: Objective, step: int) -> Any:
    """Return a batch's X under dropout of the inputs."""
    mask = _mask(X.shape[0], 0, objective.dropout_input, architecture, objective, step)
    return X.multiply(mask).tocsr() if is_sparse(X) else X * mask


def _mask(
    n_rows: int, layer: int, p: float, architecture: Architecture, objective: Objective, step: int
) -> Float:
    mask = dropout_mask(n_rows, architecture.sizes[layer], p, objective.seed, layer, step)
    return mask * architecture.dtype.type(1 / (1 - p))
