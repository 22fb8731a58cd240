"""How far one fit is: all that changes in it, as a checkpoint keeps it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from chainrule.engines import Examples, Plateau, Task, TrainingState
from chainrule.errors import CheckpointMismatch, InvalidInput
from chainrule.optimizers.schedules import Schedule, as_schedule, rates_of
from chainrule.storage import damaged, short
from chainrule.training.checkpoint import Saved, mismatch
from chainrule.training.history import COLUMNS, STOPS, History, Record

__all__ = ["Run"]

Tensors = dict[str, NDArray[Any]]

_COLUMNS: Final = tuple(name for name in COLUMNS if name != "epoch")  # that one is counted
_COUNTERS: Final = ("step", "epoch", "examples", "reductions", "position")
_MOST: Final = 2**62
_MOST_REDUCTIONS: Final = 400  # after which any rate is 0
_STEPS_A_CALL = 65_536  # so that the rates ahead stay few, however many steps an epoch has


@final
@dataclass(frozen=True)
class Rates:
    """The rates of the steps to come.

    Attributes
    ----------
    schedule : Schedule
        With a length; none is open any more.
    begin : int
        The learner's step that is the schedule's first one.
    n_examples, batch_size : int
        M and B.
    """

    schedule: Schedule
    begin: int
    n_examples: int
    batch_size: int

    @property
    def steps_an_epoch(self) -> int:
        """How many batches there are."""
        return -(-self.n_examples // self.batch_size)

    def ahead(
        self, state: TrainingState, n_epochs: int
    ) -> tuple[NDArray[np.float64], Iterable[float]]:
        """Return the rates of the next steps, and of the last step of each epoch that ends in them.

        Parameters
        ----------
        state : TrainingState
            Where training is, also inside an epoch.
        n_epochs : int
            How far to look ahead: to the end of so many epochs, or some ten thousand steps.

        Returns
        -------
        rates : array of float64
            One for each step; a single one holds for all.
        of_epochs : iterable of float
        """
        seen = state.examples - state.position  # before this epoch
        if not self.schedule.changes:
            step = np.array([state.step - self.begin])
            rates = rates_of(self.schedule, step, np.array([seen]), state.reductions)
            return rates, repeat(rates.item())
        left = -(-(self.n_examples - state.position) // self.batch_size)
        n = min(left + (n_epochs - 1) * self.steps_an_epoch, _STEPS_A_CALL)
        ahead = np.arange(n)
        epochs = (ahead - left + self.steps_an_epoch) // self.steps_an_epoch
        steps, examples = state.step - self.begin + ahead, seen + epochs * self.n_examples
        rates = rates_of(self.schedule, steps, examples, state.reductions)
        return rates, rates[left - 1 :: self.steps_an_epoch].tolist()


@final
@dataclass
class Run:
    """One fit, and how far it is.

    Attributes
    ----------
    state : TrainingState
        The learner's.
    task, examples
        What is trained, on what, how.
    epochs : int
        How many it may have, those before it was resumed included.
    plateau : Plateau or None
        The convergence rule.
    callbacks : list of callable
        Those that have a memory, ``state_dict()`` and ``load_state_dict()``, are asked for it.
    history : History
        Its records, those before it was resumed included.
    start : str
        The digest of the state it started from, if it is kept.
    first_epoch : int
        How many epochs the learner had finished then.
    settled : bool
        Whether everyone has heard of the last epoch, so that it can be gone on from here.
    """

    state: TrainingState
    task: Task
    examples: Examples
    epochs: int
    plateau: Plateau | None
    callbacks: list[Callable[..., Any]]
    history: History = field(default_factory=History)
    start: str = ""
    first_epoch: int = -1
    settled: bool = True

    def __post_init__(self) -> None:
        """Note where it begins."""
        self.first_epoch = self.state.epoch

    @property
    def is_whole(self) -> bool:
        """Whether a training could go on from what is there now."""
        counted = self.state.epoch - self.first_epoch == len(self.history)
        return self.settled and counted and not self.state.torn

    def rates(self) -> Rates:
        """Return the learning rates; those of an open schedule run once through the fit."""
        n_examples, batch_size = len(self.examples), self.task.batch_size
        rates = Rates(as_schedule(self.task.optimizer.learning_rate), 0, n_examples, batch_size)
        if not rates.schedule.is_open:
            return rates
        an_epoch = rates.steps_an_epoch
        made = len(self.history) * an_epoch + -(-self.state.position // batch_size)
        schedule = rates.schedule.over(self.epochs * an_epoch)
        return replace(rates, schedule=schedule, begin=self.state.step - made)

    def parts(self) -> tuple[Tensors, dict[str, Any]]:
        """Return the tensors and the header of a checkpoint."""
        state, plateau = self.state, self.plateau
        tensors: Tensors = {
            "theta": state.parameters.theta,
            "epoch": np.array([state.epoch_cost, state.epoch_seconds]),
        }
        for name, memory in state.optimizer_state.items():
            tensors[f"optimizer.{name}"] = memory
        for column in _COLUMNS:
            tensors[f"history.{column}"] = np.array([record[column] for record in self.history])
        if plateau is not None:
            tensors["plateau"] = np.array([plateau.best, plateau.without_improvement])
        for i, callback in enumerate(self._with_memory()):
            for name, value in callback.state_dict().items():
                tensors[f"callback.{i}.{name}"] = _numbers(callback, name, value)
        return tensors, {
            "start": self.start,
            "first_epoch": self.first_epoch,
            "progress": {name: getattr(state, name) for name in _COUNTERS},
            "stopped_by": self.history.stopped_by,
            "callbacks": self._names(),
        }

    def restore(self, saved: Saved, earlier_start: str | None = None) -> None:
        """Go on from a checkpoint of this training.

        Parameters
        ----------
        saved : Saved
            The checkpoint.
        earlier_start : str, optional
            The start of the run that led to the present state, if that is known. The checkpoint
            must be of this run, or of one that started as this one does now.

        Raises
        ------
        InvalidFile
            If its parts contradict each other; nothing is changed.
        CheckpointMismatch
            If it started from elsewhere, has made more epochs, or other callbacks have a
            memory in it.
        """
        state, plateau = self.state, self.plateau
        tensors, header, name = saved.tensors, saved.header, saved.name
        counters = _counters(header, len(self.examples), name)
        first_epoch = _count(header.get("first_epoch"), "first epoch", name)
        history = _history(tensors, header, first_epoch, name)
        if counters["epoch"] - first_epoch != len(history):
            raise damaged(name, "its history does not have a record for each epoch")
        state.parameters.make_writable()
        arrays = {"theta": state.parameters.theta}
        arrays |= {f"optimizer.{key}": memory for key, memory in state.optimizer_state.items()}
        for key, array in arrays.items():
            _tensor(tensors, key, array.shape, array.dtype, name)
        cost, seconds = _tensor(tensors, "epoch", (2,), np.float64, name).tolist()
        rule = None if plateau is None else _rule(tensors, name)
        start = header.get("start")
        if not isinstance(start, str) or start not in (self.start, earlier_start):
            raise mismatch(name, "the weights it started from, or the optimizer's memory, differ")
        if header.get("callbacks") != self._names():
            here, there = self._names(), short(header.get("callbacks"))
            raise mismatch(name, f"the callbacks with a memory are {here} here and {there} there")
        _require_no_further(len(history), counters["position"], self.epochs, name)
        # From here on nothing is refused, except by a callback.
        for i, callback in enumerate(self._with_memory()):
            prefix = f"callback.{i}."
            mine = {key: tensor for key, tensor in tensors.items() if key.startswith(prefix)}
            callback.load_state_dict({key.removeprefix(prefix): mine[key] for key in mine})
        for key, array in arrays.items():
            array[...] = tensors[key]
        for counter, value in counters.items():
            setattr(state, counter, value)
        state.epoch_cost, state.epoch_seconds = cost, seconds
        if plateau is not None and rule is not None:
            plateau.best, plateau.without_improvement = rule
        self.first_epoch, self.start, self.history = first_epoch, start, history

    def _with_memory(self) -> list[Any]:
        return [each for each in self.callbacks if hasattr(each, "state_dict")]

    def _names(self) -> list[str]:
        return [type(each).__name__ for each in self._with_memory()]


def _numbers(callback: Any, name: str, value: Any) -> NDArray[Any]:
    """Return what a callback remembers as an array of a type that a file holds."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise InvalidInput(
            f"The state_dict of a callback must hold numbers and arrays of them. Got "
            f"{type(value).__name__} under '{name}' of {type(callback).__name__}."
        )
    if array.dtype in (np.float32, np.float64):
        return array
    return array.astype(
        {"b": np.uint8, "i": np.int64, "u": np.uint64, "f": np.float64}[array.dtype.kind]
    )


def _history(
    tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any], first_epoch: int, name: str
) -> History:
    first = tensors.get(f"history.{_COLUMNS[0]}")
    n = len(first) if first is not None and first.ndim == 1 else 0
    # Those of an older version have no norms.
    tensors = {"history.gradient_norm": np.full(n, np.nan), **tensors}
    columns = [_tensor(tensors, f"history.{key}", (n,), np.float64, name) for key in _COLUMNS]
    history = History(
        [
            Record(epoch=epoch, **dict(zip(_COLUMNS, values, strict=True)))
            for epoch, values in enumerate(
                zip(*(column.tolist() for column in columns), strict=True), start=first_epoch + 1
            )
        ]
    )
    stopped_by = header.get("stopped_by")
    if not (stopped_by is None or stopped_by in STOPS):
        raise damaged(name, "it says of no known reason why it stopped")
    # These two only say that there was no more to do then.
    history.stopped_by = None if stopped_by in ("epochs", "max_seconds") else stopped_by
    return history


def _counters(header: Mapping[str, Any], n_examples: int, name: str) -> dict[str, int]:
    progress = header.get("progress")
    if not isinstance(progress, dict) or progress.keys() != set(_COUNTERS):
        raise damaged(name, f"its progress is not {list(_COUNTERS)}")
    counters = {key: _count(progress[key], key, name) for key in _COUNTERS}
    if counters["reductions"] > _MOST_REDUCTIONS:
        raise damaged(name, "its learning rate was reduced more often than it can be")
    if counters["position"] >= n_examples:
        raise damaged(name, "it is further in an epoch than the epoch is long")
    return counters


def _rule(tensors: Mapping[str, NDArray[Any]], name: str) -> tuple[float, int]:
    best, without = _tensor(tensors, "plateau", (2,), np.float64, name).tolist()
    if not (0 <= without <= _MOST and without == int(without)):
        raise damaged(name, "its convergence rule counts what cannot be counted")
    return best, int(without)


def _require_no_further(done: int, position: int, epochs: int, name: str) -> None:
    if done > epochs or (done == epochs and position):
        there = f"{done} epochs" + (" and a part of the next" if position else "")
        raise CheckpointMismatch(
            f"The training in '{name}' has made {there} already, and {epochs} epochs are asked "
            f"for: ask for at least {done + (position > 0)}, or give another file."
        )


def _count(value: object, what: str, name: str) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise damaged(name, f"its {what} is no count")
    return value


def _tensor(
    tensors: Mapping[str, NDArray[Any]], key: str, shape: tuple[int, ...], dtype: Any, name: str
) -> NDArray[Any]:
    tensor = tensors.get(key)
    if tensor is None or tensor.shape != shape or tensor.dtype != dtype:
        raise damaged(name, f"its {key} is not {np.dtype(dtype)} {list(shape)}")
    return tensor
