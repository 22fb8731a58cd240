"""A network as tensors and a header, and back, in the format of `docs/format.md`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture import Architecture, Parameters
from chainrule.architecture.checks import check_seed
from chainrule.errors import InvalidFile, InvalidInput
from chainrule.maths.losses import loss_from
from chainrule.storage import checked_values, damaged

__all__ = ["network_parts", "network_state", "require_kind"]

Tensors = dict[str, NDArray[Any]]

_KINDS = {
    "network": "a Network; open it with cr.load or cr.Network.load",
    "learner": "a Learner; open it with cr.load or cr.Learner.load",
    "checkpoint": "a checkpoint of a training; continue from it with resume=True in that training",
}


def network_parts(
    parameters: Parameters, noted: Mapping[str, Any]
) -> tuple[Tensors, dict[str, Any]]:
    """Return the tensors and the header of a network.

    Parameters
    ----------
    parameters : Parameters
        The parameters of the network.
    noted : mapping
        The other entries: ``seed``, ``feature_names`` and ``training_data``, or None.

    Returns
    -------
    tensors : dict of str to array
        ``weights.0``, ``biases.0`` and so on, views of theta.
    header : dict
        ``architecture``, ``seed``, ``feature_names`` and ``training_data``.

    Raises
    ------
    InvalidInput
        If a part is the user's own, or a weight is NaN or infinite.
    """
    architecture = parameters.architecture.__getstate__()
    own = [*architecture["activations"], architecture["loss"]]
    for part in own:
        if not isinstance(part, str | dict):  # a dict is a loss of ours with its parameters
            raise InvalidInput(
                f"This network cannot be saved: its {type(part).__name__.lower()} '{part.name}' is "
                f"a function of your own, and a file holds no code. Keep net.theta, and make the "
                f"network in your program."
            )
    if not np.isfinite(parameters.theta).all():
        raise InvalidInput(
            "This network cannot be saved: its weights hold NaN or infinity. Nothing was "
            "written. Train it again, with a smaller learning rate."
        )
    tensors: Tensors = {}
    for layer, (W, b) in enumerate(zip(parameters.weights, parameters.biases, strict=True)):
        tensors[f"weights.{layer}"], tensors[f"biases.{layer}"] = W, b
    names = noted["feature_names"]
    return tensors, {
        "architecture": architecture,
        "seed": noted["seed"],
        "feature_names": None if names is None else list(names),
        "training_data": noted["training_data"],
    }


def network_state(
    tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any], name: str
) -> dict[str, Any]:
    """Return the network that a file describes, after checking its parts against each other.

    Parameters
    ----------
    tensors, header : mapping
        As `read_tensors` returns them; entries that do not belong to a network are ignored.
    name : str
        The file's name, for the errors.

    Raises
    ------
    InvalidFile
        If they contradict each other, or a value is invalid.
    """
    described = header.get("architecture")
    if not isinstance(described, dict):
        raise damaged(name, "its header has no architecture")
    digest, seed = header.get("training_data"), header.get("seed")
    if not (digest is None or (isinstance(digest, str) and len(digest) == 64)):
        raise damaged(name, "its digest of the training data is invalid")
    with checked_values(name):
        architecture = _architecture_from(described, name)  # pyright: ignore[reportUnknownArgumentType] - JSON
        return {
            "parameters": _parameters_from(architecture, tensors, name),
            "seed": None if seed is None else check_seed(seed),
            "training_data": digest,
        }


def require_kind(header: Mapping[str, Any], kinds: Sequence[str], name: str) -> str:
    """Return the kind of a file if it is one of the given ones.

    Raises
    ------
    InvalidFile
        If it is another; the message says which, and how to open it.
    """
    kind = header.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise damaged(name, "its header does not name a kind of content")
    if kind not in kinds:
        raise InvalidFile(f"'{name}' holds {_KINDS[kind]}.")
    return kind


def _parameters_from(
    architecture: Architecture, tensors: Mapping[str, NDArray[Any]], name: str
) -> Parameters:
    # Before anything is allocated: the sizes must match the tensors in the file.
    dtype = architecture.dtype
    for layer, (s_in, s_out) in enumerate(architecture.shapes):
        for tensor, shape in (f"weights.{layer}", (s_in, s_out)), (f"biases.{layer}", (s_out,)):
            there = tensors.get(tensor)
            if there is None or there.shape != shape or there.dtype != dtype:
                found = "none" if there is None else f"{there.dtype} {list(there.shape)}"
                raise damaged(
                    name,
                    f"its architecture needs {tensor} as {dtype} {list(shape)}, not {found}",
                )
            if not np.isfinite(there).all():
                raise damaged(name, f"its {tensor} holds NaN or infinity")
    parameters = Parameters(architecture, np.empty(architecture.n_parameters, dtype))
    for layer, (W, b) in enumerate(zip(parameters.weights, parameters.biases, strict=True)):
        W[...], b[...] = tensors[f"weights.{layer}"], tensors[f"biases.{layer}"]
    return parameters


def _architecture_from(described: dict[str, Any], name: str) -> Architecture:
    sizes, activations = described.get("sizes"), described.get("activations")
    known = described.keys() == {"sizes", "activations", "loss", "dtype"}
    texts = [described.get("loss")] if not isinstance(described.get("loss"), dict) else []
    if isinstance(activations, list):
        texts += activations
    if not (
        known
        and described["dtype"] in ("float32", "float64")
        and isinstance(sizes, list)
        and isinstance(activations, list)
        and all(isinstance(text, str) for text in texts)
    ):
        raise damaged(name, "its architecture is not described as one of ours")
    loss = loss_from(described["loss"])
    return Architecture.describe(sizes, activations, loss, described["dtype"])  # pyright: ignore[reportUnknownArgumentType] - JSON
