"""What a first fit starts from: the layers, a seed, and the network with its starting weights."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from chainrule.errors import InvalidParameter
from chainrule.maths.random import Purpose, uniform
from chainrule.network import Network

__all__ = ["hidden_layers", "seed_of", "starting_network"]

_SCIKIT_LEARNS = frozenset({"identity", "logistic", "tanh", "relu"})


def starting_network(
    sizes: Sequence[int], activation: Any, loss: Any, dtype: Any, seed: int
) -> Network:
    """Return a network whose starting weights are distributed as scikit-learn's.

    With its activations (identity, logistic, tanh, relu) weights and biases are uniform in
    (-r, r), r = sqrt(6 / (fan_in + fan_out)), or sqrt(2 / ...) if the hidden layers are logistic.
    He's for relu, as `Network` has it, learns faster at first but generalizes worse on small
    tables where 200 epochs end the training early; and whoever changes the import should get the
    same model on average. With any other activation the network starts as `Network` does.
    """
    network = Network(sizes, activation, loss, init="zeros", dtype=dtype, seed=seed)
    names = {g.name for g in network.architecture.activations}
    if not names <= _SCIKIT_LEARNS:
        return Network(sizes, activation, loss, dtype=dtype, seed=seed)
    factor = 2 if names == {"logistic"} else 6
    for layer, (W, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        draws = uniform(W.size + b.size, seed, Purpose.INITIALIZE, layer)
        draws *= 2
        draws -= 1
        draws *= sqrt(factor / sum(W.shape))
        b[...] = draws[: b.size]
        W[...] = draws[b.size :].reshape(W.shape)
    return network


def hidden_layers(estimator: Any) -> list[int]:
    """Return the sizes of the hidden layers.

    Raises
    ------
    InvalidParameter
        If one of them is not a whole number greater than 0.
    """
    given = estimator.hidden_layer_sizes
    hidden = list(given) if hasattr(given, "__iter__") else [given]
    if any(not isinstance(size, int | np.integer) or size <= 0 for size in hidden):
        raise InvalidParameter(
            f"The 'hidden_layer_sizes' parameter of {type(estimator).__name__} must be > 0 and "
            f"whole in every hidden layer, such as (64, 32), or () for none. Got {given!r} instead."
        )
    return [int(size) for size in hidden]


def seed_of(random_state: Any) -> int:
    """Return a seed: an int as it is, else drawn from the generator."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        return int(random_state)
    low, high = check_random_state(random_state).randint(0, 2**32, size=2, dtype=np.uint64)
    return int(low) | int(high) << 32
