"""The network that a first fit starts from, with scikit-learn's starting weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from chainrule.estimators.recipe import seed_of
from chainrule.network import Network

__all__ = ["starting_network"]

_SCIKIT_LEARNS = frozenset({"identity", "logistic", "tanh", "relu"})


def starting_network(
    sizes: Sequence[int], activation: Any, loss: Any, dtype: Any, random_state: Any
) -> Network:
    """Return a network with the starting weights that scikit-learn draws from `random_state`.

    With its activations (identity, logistic, tanh, relu) weights and biases are uniform in
    (-r, r), r = sqrt(6 / (fan_in + fan_out)), or sqrt(2 / ...) if the hidden layers are logistic,
    drawn as scikit-learn draws them, number for number: whoever changes the import gets the same
    model up to rounding where nothing else is random ("lbfgs", one full batch). He's weights for
    relu, as `Network` has them, learn faster at first but generalize worse on small tables, where
    200 epochs end the training early. With any other activation it starts as `Network` does.
    """
    network = Network(sizes, activation, loss, init="zeros", dtype=dtype)
    names = {g.name for g in network.architecture.activations}
    if not names <= _SCIKIT_LEARNS:
        return Network(sizes, activation, loss, dtype=dtype, seed=seed_of(random_state))
    network.__setstate__({"parameters": network.parameters})  # its seed is not where they are from
    random = check_random_state(random_state)
    factor = 2 if names == {"logistic"} else 6
    for W, b in zip(network.weights, network.biases, strict=True):
        r = np.sqrt(factor / sum(W.shape))
        W[...] = random.uniform(-r, r, W.shape)
        b[...] = random.uniform(-r, r, b.shape)
    return network
