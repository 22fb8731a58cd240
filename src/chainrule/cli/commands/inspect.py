"""``chainrule inspect``: what is in a model file."""

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from chainrule.cli.console.reply import Reply, count
from chainrule.cli.description import architecture_of, training_of
from chainrule.cli.tables.labels import spell
from chainrule.files import read_model
from chainrule.network import Network
from chainrule.opening import take_apart
from chainrule.training import Learner

__all__ = ["inspect"]


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
    last = _core(model)
    net = model if isinstance(model, Network) else getattr(last, "network_", None)
    net = last.net if isinstance(last, Learner) else net
    reply = Reply(as_json)
    kind = _kind(model)
    reply.facts({"model": f"{path}: {kind}"}, model=path, kind=kind)
    if about is not None and "target" in about:
        _tell_about(reply, about, getattr(last, "classes_", None))
    if isinstance(net, Network):
        _tell_network(reply, net)
    if isinstance(last, Learner):
        reply.facts({"training": str(last)}, training={"learner": str(last)})
    elif hasattr(last, "n_iter_"):
        _tell_training(reply, last, about)
    weights = None if net is None else hashlib.sha256(net.theta.tobytes()).hexdigest()
    reply.facts(
        {"digest": f"sha256 {digest}"}
        | ({} if weights is None else {"weights": f"sha256 {weights}"}),
        digest=digest,
        weights_digest=weights,
    )
    reply.end()


def _tell_about(reply: Reply, about: Mapping[str, Any], classes: Any) -> None:
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
    reply.facts(
        facts,
        task=about["task"],
        target=about["target"],
        classes=labels,
        columns=columns,
        selected=selected,
        training_rows=about.get("rows"),
        alphas=about.get("alphas"),
    )


def _tell_network(reply: Reply, net: Network) -> None:
    layers = architecture_of(net)
    dtype = np.dtype(net.architecture.dtype).name
    loss = str(net.architecture.loss.name)
    reply.facts(
        {
            "network": f"{'-'.join(map(str, net.sizes))}, {net.n_parameters:,} parameters in "
            f"{dtype}, loss {loss}"
        },
        parameters=net.n_parameters,
        dtype=dtype,
        loss=loss,
    )
    reply.table(
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


def _tell_training(reply: Reply, estimator: Any, about: Mapping[str, Any] | None) -> None:
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
    reply.facts(facts, training=found)


def _core(model: Any) -> Any:
    """Return our model inside what a file holds; the whole if there is none, or not fitted."""
    try:
        return take_apart(model).core
    except (TypeError, NotFittedError):
        return model


def _kind(model: Any) -> str:
    if isinstance(model, Pipeline):
        return "a Pipeline of " + ", ".join(type(step).__name__ for _, step in model.steps)
    return f"a {type(model).__name__}"
