"""What a training is: what must be the same for it to go on to the same bits.

Everything that decides a bit of the result is in it, as plain values that JSON can hold: the
architecture, every value of the data, the seeds, the optimizer and the other settings, and the
state it started from. How long it may go on is not, nor are threads, which change no bit.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture import Architecture
from chainrule.architecture.inputs import is_sparse
from chainrule.engines import Examples, Plateau, Task, TrainingState
from chainrule.errors import InvalidInput
from chainrule.maths.losses import Loss, describe_loss
from chainrule.optimizers import (
    Constant,
    Optimizer,
    Schedule,
    describe_optimizer,
    describe_schedule,
)

__all__ = [
    "Identity",
    "describe_training",
    "difference",
    "digest_of_rows",
    "digest_of_state",
    "plain",
]

Identity: TypeAlias = dict[str, Any]

_VALUES_AT_ONCE = 2**20
_DIGESTS = ("X", "Y", "sample_weight")
_NOTHING = object()
_LENGTH = "length of the learning rate's schedule in epochs"
_OF_OLD_FILES = {"max_grad_norm": None, "dropout_input": 0.0}  # which know of no such things


def describe_training(
    task: Task,
    examples: Examples,
    engine: str,
    plateau: Plateau | None,
    network_seed: int | None,
    about: Mapping[str, Any],
    schedule: Schedule,
    epochs: int,
) -> Identity:
    """Return what a training is.

    Every value of the data is read once for it (SHA-256, about a second a gigabyte), which is less
    than one epoch takes; it is done once a fit, however often a checkpoint is written.

    Parameters
    ----------
    task : Task
        What is trained, and how.
    examples : Examples
        The data, checked and cast, as the engine reads them.
    engine : str
        The engine's name: both follow one trajectory, but not to the last bit.
    plateau : Plateau or None
        The convergence rule.
    network_seed : int or None
        The seed of the starting weights, if the network drew them.
    about : mapping
        What else must be the same.
    schedule : Schedule
        That of the learning rate; an open one takes its length from the fit.
    epochs : int
        How many epochs the fit may have, which only matters to an open schedule.

    Returns
    -------
    dict
        In the order in which differences are looked for.
    """
    objective = task.objective
    return plain(
        {
            "about": dict(about),
            "architecture": _described_architecture(task.architecture),
            "examples": len(examples),
            "X": digest_of_rows(examples.X),
            "Y": digest_of_rows(examples.Y),
            "sample_weight": None if examples.weight is None else digest_of_rows(examples.weight),
            "seed": objective.seed,
            "seed of the network": network_seed,
            "optimizer": _described_optimizer(task.optimizer, schedule),
            _LENGTH: epochs if schedule.is_open else None,
            "batch_size": task.batch_size,
            "l2": objective.l2,
            "l1": objective.l1,
            "dropout": objective.dropout,
            "max_grad_norm": task.max_grad_norm,
            "dropout_input": objective.dropout_input,
            "shuffle": task.shuffle,
            "engine": engine,
            "tol": None if plateau is None else plateau.tol,
            "n_iter_no_change": None if plateau is None else plateau.n_iter_no_change,
        }
    )


def difference(there: Mapping[str, Any], here: Identity) -> str | None:
    """Say in what a training in a file differs from the one that is to go on, or None.

    Examples
    --------
    >>> print(difference({"seed": 0, "l2": 0.0}, {"seed": 1, "l2": 0.0}))
    the seed is 1 here and 0 in the file
    >>> print(difference({"X": "ab"}, {"X": "cd"}))
    the data differ: X holds other values than in the file
    """
    for name, mine in here.items():
        theirs = there.get(name, _OF_OLD_FILES.get(name))
        if theirs == mine:
            continue
        if name == _LENGTH and isinstance(mine, int) and isinstance(theirs, int) and mine > theirs:
            continue  # more epochs were asked for: the schedule goes on stretched over them all
        if name == "examples":
            return f"the data differ: {mine} examples here and {_short(theirs)} in the file"
        if name in _DIGESTS:
            if mine is None or theirs is None:
                return f"the data differ: {name} is given only {'there' if theirs else 'here'}"
            return f"the data differ: {name} holds other values than in the file"
        if isinstance(mine, dict) and isinstance(theirs, dict):
            key = next(
                k for k in [*mine, *theirs] if mine.get(k, _NOTHING) != theirs.get(k, _NOTHING)
            )
            what = key if name == "about" else f"{name}'s {key}"
            return _sentence(what, mine.get(key), theirs.get(key))
        return _sentence(name, mine, theirs)
    return None


def digest_of_state(state: TrainingState) -> str:
    """Return the SHA-256 of parameters, the optimizer's memory and the counters."""
    counters = (state.step, state.epoch, state.examples, state.reductions)
    digest = hashlib.sha256(repr(counters).encode())
    for array in (state.parameters.theta, *state.optimizer_state.values()):
        digest.update(_bytes(array))
    return digest.hexdigest()


def plain(value: Any) -> Any:
    """Return a value as JSON gives it back: lists for tuples, Python's numbers for NumPy's.

    Raises
    ------
    InvalidInput
        If JSON cannot hold it.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InvalidInput(
        f"What a checkpoint is about must be numbers, text, True, False, None, lists or dicts of "
        f"them. Got {value!r}."
    )


def _described_architecture(architecture: Architecture) -> dict[str, Any]:
    loss = describe_loss(architecture.loss)
    return {
        "layers": list(architecture.sizes),
        "activations": [g.name for g in architecture.activations],
        "loss": architecture.loss.name if isinstance(loss, Loss) else loss,
        "dtype": architecture.dtype.name,
    }


def _described_optimizer(optimizer: Optimizer, schedule: Schedule) -> dict[str, Any]:
    constant = isinstance(schedule, Constant)
    rate = {} if constant else {"learning_rate": _described_part(schedule, describe_schedule)}
    return _described_part(optimizer, describe_optimizer) | rate


def _described_part(part: Any, describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    try:
        return describe(part)
    except InvalidInput:  # the user's own: its class by name, and what of it is plain
        kept = int | float | str | None
        settings = {
            key: _name_of(value) if callable(value) else value
            for key, value in vars(part).items()
            if isinstance(value, kept) or callable(value)
        }
        return {"name": _name_of(type(part)), **settings}


def _name_of(thing: Any) -> str:
    name = getattr(thing, "__qualname__", type(thing).__qualname__)
    return f"{getattr(thing, '__module__', None) or type(thing).__module__}.{name}"


def digest_of_rows(rows: Any) -> str:
    """Return the SHA-256 of the shape, the type and every value of an array or CSR matrix."""
    kind = "csr" if is_sparse(rows) else "dense"
    digest = hashlib.sha256(f"{kind} {rows.shape} {rows.dtype.str}\n".encode())
    if not is_sparse(rows):
        _update(digest, rows)
        return digest.hexdigest()
    for part, dtype in ((rows.indptr, np.int64), (rows.indices, np.int64), (rows.data, rows.dtype)):
        _update(digest, part, dtype)
    return digest.hexdigest()


def _update(digest: Any, array: NDArray[Any], dtype: Any = None) -> None:
    """Take in an array, some rows at a time, so that none is copied whole."""
    at_once = max(1, _VALUES_AT_ONCE // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), at_once):
        digest.update(_bytes(np.asarray(array[start : start + at_once], dtype)))


def _bytes(array: NDArray[Any]) -> Any:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _sentence(what: str, mine: Any, theirs: Any) -> str:
    return f"the {what} is {_short(mine)} here and {_short(theirs)} in the file"


def _short(value: Any) -> str:
    text = f"'{value}'" if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
