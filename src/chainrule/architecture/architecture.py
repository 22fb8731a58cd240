"""The architecture: the description of a network without its parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from chainrule.architecture.checks import check_dtype, check_whole
from chainrule.errors import InvalidParameter, NotTrainable
from chainrule.maths.activations import ACTIVATIONS, Activation, activations_per_layer
from chainrule.maths.losses import (
    Loss,
    Parametric,
    describe_loss,
    get_loss,
    is_built_in_loss,
    loss_from,
)

__all__ = ["Architecture", "is_built_in"]


@final
@dataclass(frozen=True)
class Architecture:
    """The frozen description of a network.

    Attributes
    ----------
    sizes : tuple of int
        s_1 ... s_L, the nodes of every layer, input and output included.
    activations : tuple of Activation
        One per hidden layer.
    loss : Loss
        Hypothesis and loss of the output layer.
    dtype : numpy.dtype
        float32 or float64.
    """

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: Loss
    dtype: np.dtype[np.floating[Any]]

    @classmethod
    def describe(
        cls,
        sizes: Sequence[int],
        activations: str | Activation | Sequence[str | Activation],
        loss: str | Loss | Parametric,
        dtype: Any,
    ) -> "Architecture":
        """Make the description from the user's arguments, and check every part.

        Raises
        ------
        InvalidParameter
            If a size, the dtype or the number of outputs is invalid.
        UnknownName
            If an activation or loss is unknown.
        """
        whole = _check_sizes(sizes)
        pair = get_loss(loss)
        if pair.targets == "classes" and whole[-1] < 2:
            raise InvalidParameter(
                f"loss '{pair.name}' needs at least two outputs, one per class: got sizes "
                f"{list(whole)}. For two classes with one output use loss='cross_entropy'."
            )
        if pair.made_of is not None and (why := pair.made_of.misfit(whole[-1])):
            raise InvalidParameter(why)
        per_layer = activations_per_layer(activations, len(whole) - 2)
        return cls(whole, per_layer, pair, check_dtype(dtype))

    @property
    def n_layers(self) -> int:
        """L, the number of layers, input and output included."""
        return len(self.sizes)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shapes (s_in, s_out) of the weight matrices."""
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    @property
    def n_parameters(self) -> int:
        """The number of weights and biases."""
        return sum((s_in + 1) * s_out for s_in, s_out in self.shapes)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and files: built-in parts by name, others as objects."""
        return {
            "sizes": list(self.sizes),
            "activations": [g.name if is_built_in(g) else g for g in self.activations],
            "loss": describe_loss(self.loss),
            "dtype": self.dtype.name,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the description, and check every part."""
        others = {name: value for name, value in state.items() if name != "loss"}
        described = Architecture.describe(loss=loss_from(state["loss"]), **others)
        for name, value in vars(described).items():
            object.__setattr__(self, name, value)

    def require_trainable(self) -> None:
        """Raise if a step function blocks the gradient.

        Raises
        ------
        NotTrainable
            If a hidden activation or the hypothesis has no usable derivative.
        """
        for hidden, g in enumerate(self.activations, start=1):
            if not g.differentiable:
                raise NotTrainable(
                    f"Hidden layer {hidden} has the activation '{g.name}', whose g' = 0 wherever "
                    f"it exists, so no gradient passes through it and nothing is learned. Train "
                    f"with 'logistic' (the smooth step), 'tanh' or 'relu'; '{g.name}' can still "
                    f"propagate forward."
                )
        if not self.loss.differentiable:
            raise NotTrainable(
                f"The output '{self.loss.name}' has the hypothesis "
                f"'{self.loss.hypothesis_name}', whose h' = 0 wherever it exists, so there is no "
                f"delta to propagate back. Train with loss='cross_entropy' (the logistic "
                f"hypothesis is the smooth step); it can still propagate forward."
            )


def is_built_in(part: Activation | Loss) -> bool:
    """Whether it is built in, and not the user's own of the same name."""
    if isinstance(part, Loss):
        return is_built_in_loss(part)
    return ACTIVATIONS.get(part.name) is part


def _check_sizes(sizes: object) -> tuple[int, ...]:
    listed: list[object]
    try:
        if isinstance(sizes, str):
            raise TypeError
        listed = list(sizes)  # pyright: ignore[reportArgumentType, reportUnknownArgumentType, reportUnknownVariableType] - this is the check
    except TypeError:
        raise InvalidParameter(
            f"sizes must be a list of whole numbers, one per layer, such as [4, 10, 3]. "
            f"Got {sizes!r} instead."
        ) from None
    if len(listed) < 2:
        raise InvalidParameter(
            f"sizes needs at least two layers, the input and the output. Got {listed!r}: "
            f"for instance [4, 10, 3] has 4 inputs, 10 hidden nodes and 3 outputs."
        )
    return tuple(check_whole(f"sizes[{i}]", size) for i, size in enumerate(listed))
