"""The engines: one meaning, computed by NumPy (reference) or, later, by the native core."""

from chainrule.engines.interface import Engine, Examples, Objective, TrainingState
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import InvalidParameter, unknown_name

__all__ = [
    "Engine",
    "Examples",
    "Objective",
    "ReferenceEngine",
    "TrainingState",
    "choose_engine",
]


def choose_engine(name: str) -> Engine:
    """Return the engine of that name; "auto" is the fastest there is.

    Raises
    ------
    UnknownName
        If there is no engine of that name.
    InvalidParameter
        If the native engine is asked for where it is not built.
    """
    if name in ("auto", "reference"):
        return ReferenceEngine()
    if name == "native":
        raise InvalidParameter(
            "engine='native' is not part of this version of chainrule. Use engine='auto', which "
            "takes the fastest engine there is, or 'reference'."
        )
    raise unknown_name("engine", name, ["auto", "reference", "native"])
