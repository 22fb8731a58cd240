"""JAX: all epochs in one compiled call, a scan over epochs of a scan over batches.

Of twelve forms tried (permutation inside or from NumPy, one call or one an epoch, rows gathered
once or each batch, classes or one-hot) this is the fastest on every small net and level on the
large: ``jax.random.permutation`` sorts, which is slow on a CPU, so NumPy draws the permutations,
inside the time.
"""

from collections.abc import Callable
from typing import Any

import cases
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def prepare(case: cases.Case, threads: int) -> tuple[Callable[[], Any], int] | None:
    """Return what is timed, and its units. The worker has set the threads."""
    del threads
    if case["task"] != "train":
        return None
    X, y = cases.table(case)
    epochs, rows, steps = case["epochs"], case["rows"], cases.steps_of(case)
    X, Y = jnp.asarray(X), jnp.asarray(np.eye(case["sizes"][-1], dtype=np.float32)[y])
    params = [(jnp.asarray(W), jnp.asarray(b)) for W, b in cases.weights(case)]
    zeros = jax.tree.map(jnp.zeros_like, params)
    update = _sgd if case["optimizer"] == "sgd" else _adam
    state = (params, zeros, zeros, jnp.float32(0))
    rng = np.random.default_rng(0)

    def step(carry: Any, batch: Any) -> Any:
        loss, gradient = jax.value_and_grad(_loss)(carry[0], X[batch], Y[batch])
        return update(carry, gradient), loss

    @jax.jit
    def fit(carry: Any, orders: Any) -> Any:
        return lax.scan(lambda c, order: lax.scan(step, c, order), carry, orders)

    def run() -> None:
        nonlocal state
        orders = np.stack([rng.permutation(rows).astype(np.int32) for _ in range(epochs)])
        state, losses = fit(state, orders.reshape(epochs, steps, -1))
        losses.block_until_ready()

    return run, epochs * steps


def _loss(params: Any, X: Any, Y: Any) -> Any:
    a = X
    for W, b in params[:-1]:
        a = jax.nn.relu(a @ W + b)
    W, b = params[-1]
    return -(jax.nn.log_softmax(a @ W + b) * Y).sum(axis=1).mean()


def _sgd(carry: Any, gradient: Any) -> Any:
    params, velocity, unused, count = carry
    velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradient)
    params = jax.tree.map(lambda p, v: p - 0.01 * v, params, velocity)
    return params, velocity, unused, count


def _adam(carry: Any, gradient: Any) -> Any:
    params, mean, square, count = carry
    count = count + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
    rate = 1e-3 / (1 - 0.9**count)
    root = jnp.sqrt(1 - 0.999**count)
    params = jax.tree.map(
        lambda p, m, s: p - rate * m / (jnp.sqrt(s) / root + 1e-8), params, mean, square
    )
    return params, mean, square, count
