"""The engines: the same training, computed by NumPy (reference) or the compiled core (native)."""

from chainrule.architecture import Architecture
from chainrule.engines.interface import (
    Engine,
    EpochRecord,
    Examples,
    Objective,
    Task,
    TrainingState,
)
from chainrule.engines.native import (
    NativeEngine,
    RowStepper,
    are_finite,
    native_knows,
    predict_row,
    why_no_core,
)
from chainrule.engines.prediction import hidden_activations, hypotheses, losses_of, weighted_sums
from chainrule.engines.reference import ReferenceEngine
from chainrule.engines.stopping import Plateau
from chainrule.errors import InvalidParameter, unknown_name
from chainrule.optimizers import Optimizer

__all__ = [
    "Engine",
    "EpochRecord",
    "Examples",
    "NativeEngine",
    "Objective",
    "Plateau",
    "ReferenceEngine",
    "RowStepper",
    "Task",
    "TrainingState",
    "are_finite",
    "choose_engine",
    "hidden_activations",
    "hypotheses",
    "losses_of",
    "predict_row",
    "weighted_sums",
]


def choose_engine(name: str, architecture: Architecture, optimizer: Optimizer) -> Engine:
    """Return the engine of that name; "auto" is the native one if every part is built in.

    Raises
    ------
    UnknownName
        If there is no engine of that name.
    InvalidParameter
        If the native engine is asked for but lacks a part, or is not available.
    """
    if name == "reference":
        return ReferenceEngine()
    if name not in ("auto", "native"):
        raise unknown_name("engine", name, ["auto", "reference", "native"])
    if native_knows(architecture, optimizer):
        return NativeEngine()
    if name == "native":
        why = why_no_core() or "It supports only the built-in activations, losses and optimizers."
        raise InvalidParameter(
            f"engine='native' cannot train this here. {why} Use engine='auto', which takes the "
            f"native engine where it can, or 'reference'."
        )
    return ReferenceEngine()
