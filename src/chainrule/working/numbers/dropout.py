"""Dropout: the nodes and inputs that the model's next step leaves out, and their description."""

from typing import final

import numpy as np

from chainrule.errors import InvalidParameter
from chainrule.maths.arrays import Float
from chainrule.maths.random import dropout_mask
from chainrule.training import Learner
from chainrule.training.settings import dropout_per_layer
from chainrule.working.formulas.document import Inline, say
from chainrule.working.formulas.expressions import Number

__all__ = ["Dropout", "dropout_words"]


@final
class Dropout:
    """The dropout factors of inputs and hidden activations in a model's next step.

    Parameters
    ----------
    learner : Learner or None
        The learner that trains the model.

    Attributes
    ----------
    of_inputs : float
        The probability that an input is left out.
    of_layers : tuple of float
        That of a node, by hidden layer.

    Raises
    ------
    InvalidParameter
        If it trains without dropout.
    """

    def __init__(self, learner: Learner | None) -> None:
        if learner is None or not (np.any(learner.dropout) or learner.dropout_input):
            raise InvalidParameter(
                "dropout=True shows the next step of a model that trains with dropout, and this "
                "one does not. Leave it at False, or give a Learner with a dropout."
            )
        self._learner = learner
        self.of_inputs, self.of_layers = learner.dropout_input, _of_layers(learner)

    def inputs(self, X: Float) -> Float:
        """Return the inputs after dropout."""
        return X * self._mask(0, len(X), self.of_inputs) if self.of_inputs else X

    def masks(self, n: int) -> list[Float] | None:
        """Return the factors of each hidden layer, (n, s); None if no node is ever left out."""
        if not any(self.of_layers):
            return None
        return [self._mask(layer, n, p) for layer, p in enumerate(self.of_layers, start=1)]

    def _mask(self, layer: int, n: int, p: float) -> Float:
        learner = self._learner
        width = learner.net.sizes[layer]
        return dropout_mask(n, width, p, learner.seed, layer, learner.n_steps) * (1 / (1 - p))


def dropout_words(learner: Learner | None, *, shown: bool) -> tuple[Inline, ...]:
    """Return the remarks about a model's dropout; nothing without dropout.

    Parameters
    ----------
    learner : Learner or None
    shown : bool
        Whether its next step is shown, or the whole network.
    """
    if learner is None:
        return ()
    layers = _of_layers(learner)
    whom: list[str] = []
    probabilities: list[float] = []
    if learner.dropout_input:
        whom.append("each input")
        probabilities.append(learner.dropout_input)
    if len(set(layers)) == 1 and layers[0]:
        whom.append("each hidden node")
        probabilities.append(layers[0])
    elif any(layers):
        with_any = [(layer, p) for layer, p in enumerate(layers, start=2) if p]
        whom += [f"each node of layer {layer}" for layer, _ in with_any]
        probabilities += [p for _, p in with_any]
    if not whom:
        return ()
    listed = ", ".join(f"{who} with probability {{}}" for who in whom)
    numbers = map(Number, map(float, probabilities))
    if not shown:
        return say(
            f"In training, a step leaves out {listed}. Shown is the whole network, as it predicts; "
            "`dropout=True` shows its next step with the nodes left out there.",
            *numbers,
        )
    inputs = (
        " Inputs that are left out are 0 here, and the others are divided by 1 minus their "
        "probability."
        if learner.dropout_input
        else ""
    )
    return say(
        f"Dropout leaves out {listed}. The page leaves out what the model's next step leaves out, "
        f"so its "
        f"predictions differ from these.{inputs}",
        *numbers,
    )


def _of_layers(learner: Learner) -> tuple[float, ...]:
    return dropout_per_layer(learner.dropout, len(learner.net.sizes) - 2)
