"""A learner as tensors and a header, and back: what `docs/format.md` says of both.

It is the network's file with an entry more, "learner", and with what the optimizer remembers and
the history among the tensors.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engines import Examples
from chainrule.network import Network
from chainrule.optimizers import describe_optimizer, optimizer_from
from chainrule.storage import checked_values, damaged, short
from chainrule.training.history import COLUMNS, STOPS, History, Record

__all__ = ["digest_of_shapes", "learner_parts", "learner_state"]

Tensors = dict[str, NDArray[Any]]

_SETTINGS = (
    "l2", "l1", "dropout", "batch_size", "seed", "n_jobs", "engine", "shuffle", "max_grad_norm",
    "dropout_input",
)  # fmt: skip
# What can be counted of each; a rate that is reduced more often is 0.
_PROGRESS = {"steps": 2**62, "epochs": 2**62, "examples": 2**62, "reductions": 400}


def learner_parts(state: Mapping[str, Any], history: History) -> tuple[Tensors, dict[str, Any]]:
    """Return the tensors and the header of a learner.

    Parameters
    ----------
    state : mapping
        The learner's ``__getstate__``.
    history : History
        Of its last fit.

    Returns
    -------
    tensors : dict of str to array
        The network's, ``optimizer.*`` and ``history.*``.
    header : dict
        The network's, and ``learner``.

    Raises
    ------
    InvalidInput
        If a part is the user's own, or a weight is NaN or infinite.
    """
    settings = dict(state["settings"])
    net: Network = settings.pop("net")
    optimizer = describe_optimizer(settings.pop("optimizer"))
    tensors, header = net.to_parts()
    for name, memory in state["optimizer_state"].items():
        tensors[f"optimizer.{name}"] = memory
    for key, dtype in COLUMNS.items():
        tensors[f"history.{key}"] = np.array([record[key] for record in history], dtype)
    return tensors, {
        **header,
        "learner": {
            "optimizer": optimizer,
            "settings": settings,
            "progress": dict(zip(_PROGRESS, state["progress"], strict=True)),
            "stopped_by": history.stopped_by,
        },
    }


def learner_state(
    tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any], name: str
) -> tuple[dict[str, Any], History]:
    """Return a learner's ``__setstate__`` and its history, every part of a file checked.

    Parameters
    ----------
    tensors, header : mapping
        As `read_tensors` returns them.
    name : str
        The file's name, for the errors.

    Raises
    ------
    InvalidFile
        If they contradict each other, or a value cannot be.
    """
    net = Network.from_parts(tensors, header, name)
    described = header.get("learner")
    expected = {"optimizer", "settings", "progress", "stopped_by"}
    if not isinstance(described, dict) or described.keys() != expected:
        raise damaged(name, "its learner is not described as one of ours")
    settings, progress = described["settings"], described["progress"]
    if isinstance(settings, dict):  # files of the first versions know of no such things
        settings = {"max_grad_norm": None, "dropout_input": 0.0, **settings}
    if not isinstance(settings, dict) or settings.keys() != set(_SETTINGS):
        raise damaged(name, f"its learner's settings are not {list(_SETTINGS)}")
    if not isinstance(settings["engine"], str):
        raise damaged(name, "its learner's engine is not a name")
    if not isinstance(progress, dict) or progress.keys() != _PROGRESS.keys():
        raise damaged(name, f"its learner's progress is not {[*_PROGRESS]}")
    for key, most in _PROGRESS.items():
        count = progress[key]
        if type(count) is not int or not 0 <= count <= most:
            raise damaged(name, f"its learner's {key} are {short(count)}")
    with checked_values(name):
        optimizer = optimizer_from(described["optimizer"])
    memories = optimizer.init(net.theta[:0])
    for memory, empty in memories.items():
        there = tensors.get(f"optimizer.{memory}")
        # As long as theta, or of a length of its own.
        shape = net.theta.shape if empty.size == 0 else empty.shape
        if there is None or there.shape != shape or there.dtype != empty.dtype:
            raise damaged(name, f"its optimizer's {memory} does not fit its network")
    state = {
        "settings": {"net": net, "optimizer": optimizer, **settings},
        "optimizer_state": {memory: tensors[f"optimizer.{memory}"] for memory in memories},
        "progress": [progress[key] for key in _PROGRESS],
    }
    return state, _history_from(tensors, described["stopped_by"], name)


def digest_of_shapes(examples: Examples) -> str:
    """Return the SHA-256 of the training data's shapes and dtypes, as a file notes it.

    Of the line ``X 150x4 float32, Y 150x3 float32, weight none`` for instance.
    """
    return _digest(
        *(
            None if part is None else (part.shape, part.dtype)
            for part in (examples.X, examples.Y, examples.weight)
        )
    )


@lru_cache(maxsize=64)
def _digest(*parts: tuple[tuple[int, ...], np.dtype[Any]] | None) -> str:
    line = ", ".join(
        f"{name} none" if part is None else f"{name} {'x'.join(map(str, part[0]))} {part[1]}"
        for name, part in zip(("X", "Y", "weight"), parts, strict=True)
    )
    return hashlib.sha256(line.encode()).hexdigest()


def _history_from(tensors: Mapping[str, NDArray[Any]], stopped_by: object, name: str) -> History:
    columns = {key: tensors.get(f"history.{key}") for key in COLUMNS}
    if columns["gradient_norm"] is None and columns["cost"] is not None:  # of an older version
        columns["gradient_norm"] = np.full_like(columns["cost"], np.nan)
    lengths = set[int]()
    for key, column in columns.items():
        if column is None or column.ndim != 1 or column.dtype != COLUMNS[key]:
            raise damaged(name, f"its history has no {key} for each epoch")
        lengths.add(len(column))
    if len(lengths) != 1 or not (stopped_by is None or stopped_by in STOPS):
        raise damaged(name, "its history is not that of one fit")
    rows = zip(*(column.tolist() for column in columns.values() if column is not None), strict=True)
    history = History([Record(**dict(zip(COLUMNS, row, strict=True))) for row in rows])
    history.stopped_by = None if stopped_by is None else str(stopped_by)
    return history
