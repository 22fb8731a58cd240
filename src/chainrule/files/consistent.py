"""Check that the parts of an estimator from a file fit each other."""

import warnings
from collections.abc import Iterator, Mapping

import numpy as np
from sklearn.base import BaseEstimator

from chainrule.errors import InvalidInput
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.fitting import CURVES
from chainrule.network import Network
from chainrule.training import Learner

__all__ = [
    "check_consistent",
    "curves_as_arrays",
    "curves_as_lists",
    "estimators_in",
    "forget_checkpoint",
]


def check_consistent(model: BaseEstimator) -> None:
    """Raise if one of our networks in a model does not fit its estimator.

    A saved model is always consistent. A file written by hand could have an estimator of 4 features
    around a network of 5, which would cause an error later, far from the cause. So each of our
    estimators is checked, and predicts once.

    Raises
    ------
    InvalidInput
        With the contradiction.
    """
    for estimator in estimators_in(model):
        if isinstance(estimator, MLPClassifier | MLPRegressor):
            _check(estimator)


def estimators_in(model: BaseEstimator) -> list[BaseEstimator]:
    """Return the estimators inside a model, beginning with itself."""
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


def forget_checkpoint(estimator: BaseEstimator) -> None:
    """Remove checkpoint settings from one of our estimators."""
    if isinstance(estimator, MLPClassifier | MLPRegressor):
        estimator.checkpoint, estimator.resume = None, False


def curves_as_arrays(estimator: BaseEstimator) -> None:
    """Turn an estimator's curves into arrays; lists would be described value by value."""
    state = vars(estimator)
    for name in CURVES:
        if isinstance(estimator, MLPClassifier | MLPRegressor) and isinstance(
            state.get(name), list
        ):
            state[name] = np.array(state[name], np.float64)


def curves_as_lists(estimator: BaseEstimator) -> None:
    """Undo `curves_as_arrays`.

    Raises
    ------
    InvalidInput
        If one is not a curve.
    """
    state = vars(estimator)
    for name in CURVES:
        curve = state.get(name)
        if isinstance(estimator, MLPClassifier | MLPRegressor) and isinstance(curve, np.ndarray):
            if curve.ndim != 1 or curve.dtype != np.float64:
                raise InvalidInput(f"its {name} is not a curve")
            state[name] = curve.tolist()


def _check(estimator: MLPClassifier | MLPRegressor) -> None:
    state = vars(estimator)
    if "network_" not in state:
        return
    network, learner = state["network_"], state.get("_learner")
    if not isinstance(network, Network):
        raise InvalidInput("its network_ is not a Network")
    sizes = network.sizes
    said = [state.get(name) for name in ("n_features_in_", "n_layers_", "n_outputs_")]
    if said != [sizes[0], len(sizes), sizes[-1]]:
        raise InvalidInput(f"its network has sizes {sizes} and the estimator says {said}")
    if not np.isfinite(network.theta).all():
        raise InvalidInput("its weights hold NaN or infinity")
    if learner is not None and not (isinstance(learner, Learner) and learner.net is network):
        raise InvalidInput("its learner trains another network")
    labels = state.get("_labels")
    known = ("binary", "multiclass", "multilabel", "multioutput")
    if labels is not None and (labels.kind not in known or labels.n_outputs != sizes[-1]):
        raise InvalidInput("its labels are not those of its network")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may have been fitted with names of features
        answer = estimator.predict(np.zeros((1, sizes[0]), network.architecture.dtype))
    if answer.shape[0] != 1:  # sparse ones have no length
        raise InvalidInput("it predicts another number of rows than it is given")
