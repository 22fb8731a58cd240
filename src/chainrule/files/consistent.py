"""Whether the parts of an estimator from a file fit each other."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from chainrule.errors import InvalidInput
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.labels import Labels
from chainrule.network import Network
from chainrule.training import Learner

__all__ = ["check_consistent", "estimators_in"]


def check_consistent(model: BaseEstimator) -> None:
    """Raise if a network of ours in a model does not fit what the estimator says of it.

    What was saved always fits. Whoever wrote a file by hand could have an estimator of 4 features
    around a network of 5, which would be found out later, far from its cause.

    Raises
    ------
    InvalidInput
        With what contradicts what.
    """
    for estimator in estimators_in(model):
        if isinstance(estimator, MLPClassifier | MLPRegressor):
            _check(vars(estimator))


def estimators_in(model: BaseEstimator) -> list[BaseEstimator]:
    """Return the estimators that a model is made of, itself first."""
    found: list[BaseEstimator] = []
    seen: set[int] = set()

    def look(thing: object) -> Iterator[object]:
        if isinstance(thing, BaseEstimator):
            found.append(thing)
            yield from vars(thing).values()
        elif isinstance(thing, Mapping):
            yield from thing.values()
        elif isinstance(thing, list | tuple):
            yield from thing

    left: list[object] = [model]
    while left:
        thing = left.pop()
        if id(thing) not in seen and not isinstance(thing, str | np.ndarray):
            seen.add(id(thing))
            left.extend(look(thing))
    return found


def _check(state: dict[str, Any]) -> None:
    if "network_" not in state:
        return
    network, learner = state["network_"], state.get("_learner")
    if not isinstance(network, Network):
        raise InvalidInput("its network_ is none")
    sizes = network.sizes
    said = [state.get(name) for name in ("n_features_in_", "n_layers_", "n_outputs_")]
    if said != [sizes[0], len(sizes), sizes[-1]]:
        raise InvalidInput(f"its network has sizes {sizes} and the estimator says {said}")
    if not np.isfinite(network.theta).all():
        raise InvalidInput("its weights hold NaN or infinity")
    if learner is not None and not (isinstance(learner, Learner) and learner.net is network):
        raise InvalidInput("its learner trains another network")
    labels = state.get("_labels")
    if labels is None:
        return
    if not isinstance(labels, Labels) or labels.n_outputs != sizes[-1]:
        raise InvalidInput("its labels are not those of its network")
    if not labels.are(state["classes_"]):
        raise InvalidInput("its classes_ are not those of its labels")
