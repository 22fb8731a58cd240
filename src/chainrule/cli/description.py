"""What a network is and how it was trained, as data for replies and pages."""

from typing import Any

import numpy as np

from chainrule.network import Network

__all__ = ["architecture_of", "training_of"]


def architecture_of(net: Network) -> list[dict[str, Any]]:
    """Return what is to be said of each layer of a network.

    Parameters
    ----------
    net : Network
        The network.

    Returns
    -------
    list of dict
        With "layer" (the input is layer 1, as in the notes), "nodes", "activation" and
        "parameters".
    """
    names = [g.name for g in net.architecture.activations]
    functions = [*names, net.architecture.loss.hypothesis_name]
    layers: list[dict[str, Any]] = [
        {"layer": 1, "nodes": net.sizes[0], "activation": None, "parameters": 0}
    ]
    for at, (nodes, function) in enumerate(zip(net.sizes[1:], functions, strict=True)):
        size = net.weights[at].size + net.biases[at].size
        layers.append({"layer": at + 2, "nodes": nodes, "activation": function, "parameters": size})
    return layers


def training_of(estimator: Any) -> dict[str, Any]:
    """Return how an estimator was trained.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted.

    Returns
    -------
    dict
    """
    defaults = type(estimator)().get_params()
    own = {k: v for k, v in estimator.get_params().items() if _differ(v, defaults[k])}
    scores = getattr(estimator, "validation_scores_", None)
    return {
        "solver": _plain(estimator.solver),
        "epochs": estimator.n_iter_,
        "cost": estimator.loss_,
        "engine": estimator.engine_,
        "best_validation_score": max(scores) if scores else None,
        "best_epoch": int(np.nanargmax(scores)) + 1 if scores else None,
        "parameters": {name: _plain(value) for name, value in own.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | dict | None) else repr(value)


def _differ(one: Any, other: Any) -> bool:
    return type(one) is not type(other) or repr(one) != repr(other)
