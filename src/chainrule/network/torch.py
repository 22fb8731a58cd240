"""From and to PyTorch's Sequential. PyTorch is imported only to make a module."""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from chainrule.architecture import Architecture, is_built_in
from chainrule.errors import InvalidInput
from chainrule.extras import require
from chainrule.maths.arrays import Float
from chainrule.maths.losses import GroupedLogLoss

__all__ = ["layers_of", "module_of"]

# The function of each module, and a check that its settings equal ours.
_FUNCTIONS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "Sigmoid": ("logistic", lambda module: True),
    "Tanh": ("tanh", lambda module: True),
    "ReLU": ("relu", lambda module: True),
    "LeakyReLU": ("leaky_relu", lambda module: module.negative_slope == 0.01),
    "ELU": ("elu", lambda module: module.alpha == 1),
    "SELU": ("selu", lambda module: True),
    "Softplus": ("softplus", lambda module: module.beta == 1 and module.threshold >= 20),
    "SiLU": ("silu", lambda module: True),
    "GELU": ("gelu", lambda module: module.approximate == "none"),
    "Mish": ("mish", lambda module: True),
    "Softmax": ("softmax", lambda module: module.dim in (1, -1)),
}
_PASSES = ("Identity", "Dropout", "AlphaDropout")  # modules without effect on a prediction


def layers_of(module: Any) -> tuple[list[Float], list[Float], list[str], str]:
    """Return a Sequential's weights, biases, hidden activations and hypothesis.

    Raises
    ------
    InvalidInput
        If the module holds something that has no counterpart here.
    """
    weights: list[Float] = []
    biases: list[Float] = []
    functions: list[str] = []  # one after each layer
    for part in _flat(module):
        kind = type(part).__name__
        if kind == "Linear":
            weight = _array(part.weight)
            bias = np.zeros(len(weight), weight.dtype) if part.bias is None else _array(part.bias)
            weights.append(np.ascontiguousarray(weight.T))
            biases.append(bias)
            functions.append("identity")
        elif kind in _FUNCTIONS and weights and functions[-1] == "identity":
            name, is_ours = _FUNCTIONS[kind]
            if not is_ours(part):
                raise InvalidInput(f"{part} has other settings than our '{name}'.")
            functions[-1] = name
        elif kind not in _PASSES:
            raise InvalidInput(
                f"A Sequential of Linear layers with supported activations between is needed. Got "
                f"{part!r} in it."
            )
    if not weights:
        raise InvalidInput(
            "A Sequential of Linear layers is needed. Got one without a Linear layer."
        )
    hypothesis = functions.pop()
    if "softmax" in functions or hypothesis not in ("identity", "logistic", "softmax"):
        raise InvalidInput(
            f"The last layer needs a hypothesis, Sigmoid, Softmax or none, and Softmax belongs "
            f"there alone. Got {[*functions, hypothesis]}."
        )
    return weights, biases, functions, hypothesis


def module_of(architecture: Architecture, weights: Sequence[Float], biases: Sequence[Float]) -> Any:
    """Make the module of `Network.to_torch`."""
    require("to_torch needs", "torch")
    torch: Any = import_module("torch")
    nn: Any = torch.nn

    class Exp(nn.Module):
        def forward(self, z: Any) -> Any:
            return z.exp()

    class Step(nn.Module):
        def forward(self, z: Any) -> Any:
            return (z >= 0).to(z.dtype)

    class GroupedSoftmax(nn.Module):
        def __init__(self, groups: Any) -> None:
            nn.Module.__init__(self)
            self.groups = list(groups)

        def forward(self, z: Any) -> Any:
            return torch.cat([part.softmax(1) for part in z.split(self.groups, 1)], 1)

    modules: dict[str, Callable[[], Any]] = {
        "identity": nn.Identity,
        "logistic": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "step": Step,
        "leaky_relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "selu": nn.SELU,
        "softplus": lambda: nn.Softplus(threshold=40),  # above it log1p(exp(z)) equals z
        "silu": nn.SiLU,
        "gelu": nn.GELU,
        "mish": nn.Mish,
        "exp": Exp,
        "softmax": lambda: nn.Softmax(1),
    }
    a = architecture
    for part in (*a.activations, a.loss):
        if not is_built_in(part):
            raise InvalidInput(
                f"This network cannot be converted to PyTorch: its {type(part).__name__.lower()} "
                f"'{part.name}' is a function of your own. Use a built-in one."
            )
    made: list[Any] = []
    names = [*(g.name for g in a.activations), a.loss.hypothesis_name]
    for W, b, name in zip(weights, biases, names, strict=True):
        layer = nn.Linear(*W.shape, dtype=getattr(torch, a.dtype.name))
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(np.array(W.T, order="C")))
            layer.bias.copy_(torch.from_numpy(b.copy()))
        made += [layer, modules[name]()]
    if isinstance(a.loss.made_of, GroupedLogLoss):
        made[-1] = GroupedSoftmax(a.loss.made_of.groups)
    return nn.Sequential(*made)


def _flat(module: Any) -> Iterator[Any]:
    """Yield the modules of a Sequential, including those of nested ones."""
    if not type(module).__module__.startswith("torch.nn"):
        raise InvalidInput(
            f"A torch.nn.Sequential is needed. Got an object of {type(module).__name__}."
        )
    if type(module).__name__ != "Sequential":
        yield module
        return
    for part in module:
        yield from _flat(part)


def _array(parameter: Any) -> Float:
    array = parameter.detach().cpu()
    name = str(array.dtype).removeprefix("torch.")
    return array.numpy() if name in ("float32", "float64") else array.float().numpy()
