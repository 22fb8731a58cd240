"""The native engine: whole epochs in one call of the compiled core, the same bits everywhere.

This is the only importer of the compiled modules, of which there is one for each instruction set.
"""

import errno
import importlib
import math
import os
import time
import warnings
from dataclasses import fields
from functools import cache
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture import Architecture, Parameters, is_built_in
from chainrule.architecture.inputs import AnyArray, is_sparse, numbers_are_finite
from chainrule.architecture.rows import Rows
from chainrule.engines import threadpool
from chainrule.engines.interface import Engine, EpochRecord, Examples, Task, TrainingState
from chainrule.engines.stopping import Plateau
from chainrule.engines.threads import available_threads
from chainrule.errors import Diverged, InvalidParameter, NoThreads, TooLarge, unknown_name
from chainrule.maths.arrays import Float
from chainrule.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, Optimizer, RMSprop, Rprop

__all__ = [
    "WIDEST_WRITTEN_OUT",
    "NativeEngine",
    "RowStepper",
    "are_finite",
    "load_core",
    "native_knows",
    "predict_natively",
    "predict_row",
    "why_no_core",
]

_RULES = (SGD, Adam, AdamW, Nadam, Adagrad, RMSprop, Rprop)
_LEVELS = ("v3", "v4", "neon")
_MULTIPLICATIONS_A_THREAD = 150_000  # per step, below which another thread is not tried
_THREADS_A_PROCESSOR = 4  # that n_jobs may ask for; more would only wait for each other
_LARGEST_FOR_A_ROW = 100_000  # parameters; up to here one row is predicted without packing them
_LARGE_TABLE = 2**20  # bytes
_COUNTERS = ("step", "epoch", "examples", "position", "epoch_cost", "epoch_seconds")
_CORES_TYPES = (np.dtype(np.float32), np.dtype(np.float64))
WIDEST_WRITTEN_OUT = 2**14  # columns of sparse rows that are converted to dense for predictions
_ENTRIES_WRITTEN_OUT = 2**20
_LARGEST_SPARSE_BATCH = 2**29  # bytes of a batch of sparse rows, converted to dense


@cache
def load_core() -> Any:
    """Return the compiled module for this processor, or None with a warning if it is missing.

    ``CHAINRULE_ISA`` selects one of its instruction sets.

    Raises
    ------
    InvalidParameter
        If CHAINRULE_ISA names an unknown or unavailable instruction set.
    """
    core, why_not = _find_core()
    if core is None:
        warnings.warn(
            f"{why_not} The reference engine is used instead, which is slower.", stacklevel=2
        )
    else:
        threadpool.register()
    return core


def why_no_core() -> str:
    """Return why the core is missing and what to do, or an empty string if it is not."""
    return _find_core()[1]


def _find_core() -> tuple[Any, str]:
    """Return the compiled module, or None and the reason."""
    forced = os.environ.get("CHAINRULE_ISA") or None  # empty is unset
    if forced is not None and forced not in _LEVELS:
        raise unknown_name("instruction set in CHAINRULE_ISA", forced, _LEVELS)
    try:
        levels = list(importlib.import_module("chainrule.engines._cpu").levels())
        if forced is not None and forced not in levels:
            raise InvalidParameter(
                f"CHAINRULE_ISA={forced} asks for an instruction set that this processor lacks. It "
                f"has {', '.join(levels) or 'none of them'}: choose one, or unset CHAINRULE_ISA."
            )
        if not levels:
            return None, (
                "chainrule's native engine needs a processor of level x86-64-v3 or arm64, which "
                "this one is not: train on a newer one to have it."
            )
        level = forced or levels[-1]
        return importlib.import_module(f"chainrule.engines._native_{level}"), ""
    except ImportError as error:
        return None, (
            f"chainrule's compiled core (for x86-64-v3, x86-64-v4 or arm64) is missing, or "
            f"cannot be loaded ({error}): install chainrule again, from a wheel or with a C++17 "
            f"compiler."
        )


def native_knows(architecture: Architecture, optimizer: Optimizer | None = None) -> bool:
    """Whether every part is built in, and the core is available."""
    built_in = all(map(is_built_in, (*architecture.activations, architecture.loss)))
    known = built_in and (optimizer is None or type(optimizer) in _RULES)
    return known and load_core() is not None


def are_finite(values: AnyArray) -> bool:
    """Whether all values are finite; large tables are checked by the core."""
    if values.nbytes < _LARGE_TABLE or not values.flags.c_contiguous:
        return numbers_are_finite(values)
    try:
        core = _find_core()[0]
    except InvalidParameter:  # of CHAINRULE_ISA: raised where the core is needed
        core = None
    if core is None or values.dtype not in _CORES_TYPES:
        return numbers_are_finite(values)
    return bool(core.all_finite(values.reshape(-1)))


def predict_natively(architecture: Architecture, parameters: Parameters, X: Any) -> Float:
    """Return H for checked X."""
    n, K = X.shape[0], architecture.sizes[-1]
    H = np.empty((n, K), architecture.dtype)
    try:
        _predict_into(H, architecture, parameters, X)
    except (MemoryError, RuntimeError) as error:
        what = f"predict {n:,} row{'s' if n != 1 else ''}"
        raise _in_words(error, what, architecture, "fewer rows at once") from None
    return H


def _predict_into(H: Float, architecture: Architecture, parameters: Parameters, X: Any) -> None:
    n = len(H)
    predictor = parameters.predictor
    if predictor is None:
        make = _of_dtype("Predictor", architecture)
        predictor = parameters.predictor = make(_described(architecture))
    threads = _threads(architecture, n, None)
    if not is_sparse(X):
        predictor.predict(parameters.theta, np.ascontiguousarray(X), H, threads)
        return
    # Sparse rows are converted in blocks, in one small buffer.
    at_once = max(1, _ENTRIES_WRITTEN_OUT // X.shape[1])
    for start in range(0, n, at_once):
        part: Any = X[start : start + at_once]
        rows = np.zeros(part.shape, architecture.dtype)
        row_numbers = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
        np.add.at(rows, (row_numbers, part.indices), part.data)
        predictor.predict(parameters.theta, rows, H[start : start + at_once], threads)


def predict_row(architecture: Architecture, parameters: Parameters, x: AnyArray) -> Float | None:
    """Return h for one row, with as little overhead as possible.

    None if the row needs the full checks (another dtype or length, not contiguous, not
    finite), if the network is large, or before the first prediction: use `predict_natively`.
    """
    predictor = parameters.predictor
    theta = parameters.theta
    if predictor is None or theta.size > _LARGEST_FOR_A_ROW:
        return None
    h = np.empty(architecture.sizes[-1], theta.dtype)
    return h if predictor.row(theta, x, h) else None


@final
class NativeEngine(Engine):
    """The compiled core."""

    def __init__(self) -> None:
        self._made_for: Any = None
        self._trainer: Any = None

    @property
    def name(self) -> str:
        """The engine's name: "native"."""
        return "native"

    def takes(self, task: Task, examples: Examples) -> bool:
        """Whether a batch of sparse rows has a reasonable size as a dense array."""
        if not is_sparse(_whole(examples.X)):
            return True
        entries = min(task.batch_size, len(examples)) * task.architecture.sizes[0]
        return entries * task.architecture.dtype.itemsize <= _LARGEST_SPARSE_BATCH

    def prepare(self, examples: Examples) -> Examples:
        """Return the examples with contiguous rows, without a copy if they are already."""
        given: Any = _whole(examples.X)
        sparse = is_sparse(given)
        X: Any = given if sparse else np.ascontiguousarray(given)
        weight = None if examples.weight is None else np.ascontiguousarray(examples.weight)
        rows = Rows(X, examples.X.numbers) if isinstance(examples.X, Rows) else X
        return Examples(rows, np.ascontiguousarray(examples.Y), weight)

    def step(self, task: Task, state: TrainingState, batch: Examples, rate: float) -> float:
        """Make one update from a batch, treated as the training set."""
        records = np.zeros((1, 3))
        epoch = state.epoch
        self._run(task, state, batch, np.array([rate]), records, None)
        state.epoch = epoch
        return float(records[0, 0])

    def row_stepper(self, task: Task, state: TrainingState) -> "RowStepper | None":
        """Return a fast stepper for single examples, if the network is small enough."""
        if task.architecture.n_parameters > _LARGEST_FOR_A_ROW:
            return None
        return RowStepper(self._make_trainer(task, 1), state)

    def epochs(
        self,
        task: Task,
        state: TrainingState,
        examples: Examples,
        rates: NDArray[np.float64],
        n_epochs: int,
        plateau: Plateau | None,
        records: list[EpochRecord],
        deadline: float = math.inf,
    ) -> None:
        """Run epochs in one call."""
        filled = np.zeros((n_epochs, 3))
        finished = state.epoch
        try:
            self._run(
                task, state, examples, rates, filled, plateau, seconds=deadline - time.monotonic()
            )
        finally:  # also when interrupted or diverged
            numbers = filled[: state.epoch - finished].ravel().data
            # In one call: between two of them Ctrl-C could interrupt.
            records.extend(zip(numbers[0::3], numbers[1::3], numbers[2::3], strict=True))

    def _run(
        self,
        task: Task,
        state: TrainingState,
        examples: Examples,
        rates: NDArray[np.float64],
        records: NDArray[np.float64],
        plateau: Plateau | None,
        seconds: float = math.inf,
    ) -> None:
        trainer = self._trainer_for(task, examples)
        core = load_core()
        progress, stopping = core.Progress(), core.Stopping()
        for name in _COUNTERS:
            setattr(progress, name, getattr(state, name))
        product = state.optimizer_state.get("momentum_product")
        if product is not None:
            progress.momentum_product = float(product[0])
        if plateau is not None:
            stopping.active, stopping.tol = True, plateau.tol
            stopping.n_iter_no_change = plateau.n_iter_no_change
            stopping.best, stopping.without_improvement = plateau.best, plateau.without_improvement
        state.parameters.make_writable()
        parameters = _of_dtype("Parameters", task.architecture)(*_arrays(state))
        given = _held(task.architecture, examples)
        state.torn = True  # until all of the core's changes are copied
        try:
            cost = trainer.run(parameters, given, rates, progress, stopping, records, seconds)
        except (MemoryError, RuntimeError) as error:
            raise _in_words_of_training(error, task, len(examples)) from None
        finally:
            for name in _COUNTERS:
                setattr(state, name, getattr(progress, name))
            if product is not None:
                product[0] = progress.momentum_product
            if plateau is not None:
                plateau.best = stopping.best
                plateau.without_improvement = int(stopping.without_improvement)
            state.torn = False
        if not np.isfinite(cost):
            raise Diverged(f"The cost became {cost}")

    def _trainer_for(self, task: Task, examples: Examples) -> Any:
        """Return the core's trainer with its buffers, reused from the last call if it fits."""
        n, sparse = len(examples), is_sparse(_whole(examples.X))
        numbered = isinstance(examples.X, Rows) and examples.X.numbers is not None
        # A forked child makes its own: the parent's may have been running in another thread, which
        # the child does not have, so it would wait forever.
        key = (task, n, sparse, numbered, os.getpid())
        if key != self._made_for:
            self._trainer = self._make_trainer(task, n, sparse=sparse, numbered=numbered)
            self._made_for = key
        return self._trainer

    def _make_trainer(
        self, task: Task, n_examples: int, *, sparse: bool = False, numbered: bool = False
    ) -> Any:
        architecture, objective = task.architecture, task.objective
        settings = load_core().Settings()
        settings.rule = _rule(task.optimizer)
        settings.l2, settings.l1 = objective.l2, objective.l1
        settings.max_grad_norm = task.max_grad_norm or 0.0
        settings.dropout, settings.seed = list(objective.all_dropout), objective.seed
        settings.batch_size = min(task.batch_size, n_examples)
        settings.shuffle, settings.sparse, settings.numbered = task.shuffle, sparse, numbered
        settings.threads = _threads(architecture, settings.batch_size, task.n_jobs, passes=3)
        # Otherwise up to that number, whichever is measured to be fastest.
        settings.fixed_threads = task.n_jobs is not None
        make = _of_dtype("Trainer", architecture)
        try:
            return make(_described(architecture), settings, n_examples)
        except MemoryError as error:
            raise _in_words_of_training(error, task, n_examples) from None


@final
class RowStepper:
    """Makes updates from single examples, with as little overhead as possible."""

    __slots__ = ("_memories", "_state", "_step_row")

    def __init__(self, trainer: Any, state: TrainingState) -> None:
        self._step_row = trainer.step_row
        self._state = state
        self._memories = (*_arrays(state)[1:], state.optimizer_state.get("momentum_product"))

    def step(self, x: Any, y: Any, rate: float) -> float | None:
        """Make one update.

        Returns
        -------
        float or None
            The cost before the update; infinite if the update became infinite. None if nothing
            was done, since x and y need the full checks.
        """
        state = self._state
        theta = state.parameters.theta  # looked up, since a read-only one is copied and replaced
        cost = self._step_row(theta, *self._memories, x, y, rate, state.step)
        if cost is not None:
            state.step += 1
            state.examples += 1
        return cost


def _whole(X: Any) -> Any:
    """Return all of X if the examples are a selection of its rows."""
    return X.whole if isinstance(X, Rows) else X


def _in_words_of_training(error: Exception, task: Task, n_examples: int) -> Exception:
    rows = min(task.batch_size, n_examples)
    return _in_words(error, f"train on {rows:,} rows", task.architecture, "smaller batches")


def _in_words(error: Exception, what: str, architecture: Architecture, less: str) -> Exception:
    """Return what to raise for an error of the core's: for memory or threads that it did not get.

    The core's own says nothing but that; any other comes from a handler of signals.
    """
    if isinstance(error, MemoryError):
        return TooLarge(
            f"The memory to {what} with a network of sizes {list(architecture.sizes)} is not "
            f"available: use {less} or smaller layers, or free some memory."
        )
    if str(error) == os.strerror(errno.EAGAIN):
        return NoThreads(
            "The system does not give this process another thread: set n_jobs=1 or the environment "
            "variable OMP_NUM_THREADS=1, or raise the limit."
        )
    return error


def _of_dtype(name: str, architecture: Architecture) -> Any:
    """Return the core's class of that name for the network's dtype."""
    return getattr(load_core(), f"{name}F{8 * architecture.dtype.itemsize}")


def _described(architecture: Architecture) -> Any:
    """Return the core's description of a network."""
    made_of = architecture.loss.made_of
    return load_core().Architecture(
        architecture.sizes,
        [g.name for g in architecture.activations],
        architecture.loss.name,
        [] if made_of is None else list(made_of.numbers),
    )


def _rule(optimizer: Optimizer) -> Any:
    """Return the core's update rule, with the settings of the same names."""
    name = type(optimizer).__name__.lower()
    if isinstance(optimizer, SGD) and optimizer.momentum:
        name = "nesterov" if optimizer.nesterov else "momentum"
    rule = load_core().UpdateRule(name)
    settings: Any = optimizer
    for each in fields(settings):
        if each.name not in ("learning_rate", "nesterov"):
            setattr(rule, each.name, getattr(optimizer, each.name))
    return rule


def _arrays(state: TrainingState) -> tuple[Float, Float | None, Float | None]:
    """Return the arrays that a step changes: theta, and up to two of the optimizer's state."""
    memories = [
        memory for name, memory in state.optimizer_state.items() if name != "momentum_product"
    ]
    first, second = (*memories, None, None)[:2]
    return state.parameters.theta, first, second


def _held(architecture: Architecture, examples: Examples) -> Any:
    """Return the examples as the core takes them, without copies except for some index types."""
    rows = _whole(examples.X)
    if is_sparse(rows):
        narrow = rows.indices.dtype == rows.indptr.dtype == np.int32
        index = np.int32 if narrow else np.int64
        columns = rows.indices.astype(index, copy=False)
        starts = rows.indptr.astype(index, copy=False)
        rows = _of_dtype("SparseRows", architecture)(rows.data, columns, starts)
    numbers = examples.X.numbers if isinstance(examples.X, Rows) else None
    return _of_dtype("Examples", architecture)(
        rows, examples.Y, examples.weight, examples.total, numbers
    )


def _threads(architecture: Architecture, n_rows: int, n_jobs: int | None, passes: int = 1) -> int:
    """Return the number of threads for a call; the results do not depend on it."""
    if n_jobs is not None and n_jobs > 0:
        return min(n_jobs, _THREADS_A_PROCESSOR * (os.cpu_count() or 1))
    if n_jobs == -1:
        return available_threads()
    worth = passes * n_rows * architecture.n_parameters // _MULTIPLICATIONS_A_THREAD
    return 1 if worth <= 1 else min(available_threads(), worth)
