"""Feed-forward networks for your table, derived by hand, that show their working.

The public names are loaded when they are first used, so that ``import chainrule`` stays light.
"""

import importlib
from typing import Any

_WHERE = {
    "Activation": "chainrule.maths.activations",
    "ActivationDisplay": "chainrule.displays",
    "Adagrad": "chainrule.optimizers",
    "Adam": "chainrule.optimizers",
    "AdamW": "chainrule.optimizers",
    "Adaptive": "chainrule.optimizers",
    "Checkpoint": "chainrule.training",
    "Comparison": "chainrule.working",
    "Constant": "chainrule.optimizers",
    "Cosine": "chainrule.optimizers",
    "CostDisplay": "chainrule.displays",
    "CrossEntropy": "chainrule.maths.losses",
    "DecisionRegionDisplay": "chainrule.displays",
    "Derivation": "chainrule.working",
    "DistributionDisplay": "chainrule.displays",
    "EarlyStopping": "chainrule.training",
    "Exercise": "chainrule.exercises",
    "ExponentialDecay": "chainrule.optimizers",
    "Grade": "chainrule.exercises",
    "GradientCheck": "chainrule.network",
    "GroupedLogLoss": "chainrule.maths.losses",
    "History": "chainrule.training",
    "Huber": "chainrule.maths.losses",
    "InverseScaling": "chainrule.optimizers",
    "LBFGS": "chainrule.optimizers",
    "Learner": "chainrule.training",
    "LogLoss": "chainrule.maths.losses",
    "Loss": "chainrule.maths.losses",
    "LossCurveDisplay": "chainrule.displays",
    "LossDisplay": "chainrule.displays",
    "MLPClassifier": "chainrule.estimators",
    "MLPClassifierCV": "chainrule.estimators",
    "MLPRegressor": "chainrule.estimators",
    "MLPRegressorCV": "chainrule.estimators",
    "Nadam": "chainrule.optimizers",
    "Network": "chainrule.network",
    "NetworkDisplay": "chainrule.displays",
    "OneCycle": "chainrule.optimizers",
    "Quantile": "chainrule.maths.losses",
    "RMSprop": "chainrule.optimizers",
    "Rprop": "chainrule.optimizers",
    "SGD": "chainrule.optimizers",
    "StepDecay": "chainrule.optimizers",
    "Trace": "chainrule.network",
    "TrainingWarning": "chainrule.errors",
    "Warmup": "chainrule.optimizers",
    "WeightsDisplay": "chainrule.displays",
    "check_gradients": "chainrule.working",
    "compare": "chainrule.working",
    "errors": "chainrule",
    "exercise": "chainrule.exercises",
    "explain": "chainrule.working",
    "from_onnx": "chainrule.files.onnx",
    "from_sklearn": "chainrule.estimators",
    "from_torch": "chainrule.network",
    "load": "chainrule.files",
    "save": "chainrule.files",
    "to_c": "chainrule.files.code",
    "to_js": "chainrule.files.code",
    "to_onnx": "chainrule.files.onnx",
}

__all__ = list(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll] - __init__.pyi types them
__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for (PEP 562)."""
    if name == "errors":
        return importlib.import_module("chainrule.errors")
    if name not in _WHERE:
        if name.startswith("__"):
            raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
        from chainrule.attributes import missing_name

        raise AttributeError(missing_name(name, _WHERE))
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted([*globals(), *_WHERE])
