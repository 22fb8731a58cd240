"""``chainrule inspect``: what is in a model file."""

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from chainrule.cli.labels import spell
from chainrule.cli.report import Told, count
from chainrule.files import read_model
from chainrule.network import Network
from chainrule.training import Learner

__all__ = ["architecture_of", "inspect", "training_of"]


def inspect(path: str, as_json: bool = False) -> None:
    """Say what is in a model file.

    Parameters
    ----------
    path : str
        A file from ``chainrule train --model`` or `cr.save`.
    as_json : bool
        Whether it is for scripts.

    Raises
    ------
    MissingFile, InvalidFile
        If there is no such file, or it is none of these.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of another version of scikit-learn
        model, about = read_model(path)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    last = _last(model)
    net = model if isinstance(model, Network) else getattr(last, "network_", None)
    net = last.net if isinstance(last, Learner) else net
    told = Told(as_json)
    kind = _kind(model)
    told.facts({"model": f"{path}: {kind}"}, model=path, kind=kind)
    if about is not None and "target" in about:
        _tell_about(told, about, getattr(last, "classes_", None))
    if isinstance(net, Network):
        _tell_network(told, net)
    if isinstance(last, Learner):
        told.facts({"training": str(last)}, training={"learner": str(last)})
    elif hasattr(last, "n_iter_"):
        _tell_training(told, last, about)
    weights = None if net is None else hashlib.sha256(net.theta.tobytes()).hexdigest()
    told.facts(
        {"digest": f"sha256 {digest}"}
        | ({} if weights is None else {"weights": f"sha256 {weights}"}),
        digest=digest,
        weights_digest=weights,
    )
    told.end()


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


def _tell_about(told: Told, about: Mapping[str, Any], classes: Any) -> None:
    columns = about["columns"]
    kinds = [column["kind"] for column in columns]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    names = [column["name"] for column in columns]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    labels = None if classes is None else [spell(label) for label in classes]
    task = f"{about['task']} of '{about['target']}'"
    if labels is not None:
        more_labels = ", ..." if len(labels) > 10 else ""
        task += f" into {', '.join(labels[:10])}{more_labels}"
    facts = {
        "task": task,
        "inputs": f"{count(len(columns), 'column')} ({counted}): {', '.join(names[:8])}{more}",
    }
    selected = about.get("selected")
    if selected:
        facts["selected"] = f"{count(len(selected), 'input')}: {', '.join(selected)}"
    told.facts(
        facts,
        task=about["task"],
        target=about["target"],
        classes=labels,
        columns=columns,
        selected=selected,
        training_rows=about.get("rows"),
        alphas=about.get("alphas"),
    )


def _tell_network(told: Told, net: Network) -> None:
    layers = architecture_of(net)
    dtype = np.dtype(net.architecture.dtype).name
    loss = str(net.architecture.loss.name)
    told.facts(
        {
            "network": f"{'-'.join(map(str, net.sizes))}, {net.n_parameters:,} parameters in "
            f"{dtype}, loss {loss}"
        },
        parameters=net.n_parameters,
        dtype=dtype,
        loss=loss,
    )
    told.table(
        (" layer", " nodes", "activation", " parameters"),
        [
            (
                str(each["layer"]),
                str(each["nodes"]),
                each["activation"] or "(input)",
                f"{each['parameters']:,}" if each["parameters"] else "",
            )
            for each in layers
        ],
        architecture=layers,
    )


def _tell_training(told: Told, estimator: Any, about: Mapping[str, Any] | None) -> None:
    found = training_of(estimator)
    rows = (about or {}).get("rows")
    on = "" if rows is None else f" on {count(rows, 'row')}"
    said = f"{found['solver']}, {count(found['epochs'], 'epoch')}{on}, cost {found['cost']:.4g}"
    facts = {"training": f"{said}, {found['engine']} engine"}
    if found["best_epoch"] is not None:
        facts["watched"] = (
            f"best score {found['best_validation_score']:.4g} in epoch {found['best_epoch']}"
        )
    own = found["parameters"]
    facts["settings"] = ", ".join(f"{name}={value}" for name, value in own.items()) or "defaults"
    told.facts(facts, training=found)


def _last(model: Any) -> Any:
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    last = last.regressor_ if isinstance(last, TransformedTargetRegressor) else last
    return getattr(last, "best_estimator_", last)


def _kind(model: Any) -> str:
    if isinstance(model, Pipeline):
        return "a Pipeline of " + ", ".join(type(step).__name__ for _, step in model.steps)
    return f"a {type(model).__name__}"


def _differ(one: Any, other: Any) -> bool:
    return type(one) is not type(other) or repr(one) != repr(other)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | dict | None) else repr(value)
