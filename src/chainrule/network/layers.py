"""A network from the layers of another library: weights, biases and the names of functions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import InvalidInput, InvalidParameter
from chainrule.maths.activations import Activation
from chainrule.maths.arrays import Float
from chainrule.maths.losses import Loss, Parametric, get_loss
from chainrule.network.network import Network
from chainrule.network.torch import layers_of

__all__ = ["LOSS_OF_HYPOTHESIS", "from_torch", "network_of_layers"]

LOSS_OF_HYPOTHESIS = {
    "identity": "squared_error",
    "logistic": "cross_entropy",
    "softmax": "log_loss",
    "exp": "poisson",
    "step": "indicator",
}
"""The default loss of each hypothesis."""


def network_of_layers(
    weights: Sequence[Float],
    biases: Sequence[Float],
    activations: Sequence[str | Activation],
    hypothesis: str,
    loss: str | Loss | Parametric | None = None,
) -> Network:
    """Return a network of these layers, in their dtype.

    Parameters
    ----------
    weights, biases : sequences of arrays
        Of shapes (s_in, s_out) and (s_out,), float32 or float64.
    activations : sequence of str or Activation
        One per hidden layer.
    hypothesis : str
        The function after the last layer.
    loss : str, Loss or described loss, optional
        The loss for further training; by default that of the hypothesis. Layers that end with
        the raw z take any loss: its hypothesis is added at the end.

    Raises
    ------
    InvalidParameter
        If the loss has another hypothesis than the layers end with.
    InvalidInput
        If the layers do not fit each other, or hold NaN or infinity.
    """
    pair = get_loss(LOSS_OF_HYPOTHESIS[hypothesis] if loss is None else loss)
    if hypothesis not in ("identity", pair.hypothesis_name):
        raise InvalidParameter(
            f"loss '{pair.name}' has the hypothesis '{pair.hypothesis_name}', and the layers end "
            f"with '{hypothesis}'. Give a loss with that hypothesis, such as "
            f"'{LOSS_OF_HYPOTHESIS[hypothesis]}', or none."
        )
    sizes = [len(weights[0]), *(W.shape[1] for W in weights)]
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        if W.shape[0] != sizes[layer] or b.shape != (W.shape[1],):
            raise InvalidInput(
                f"Layer {layer} takes {W.shape[0]} inputs and has {W.shape[1]} outputs and "
                f"{len(b)} biases, after a layer of {sizes[layer]} outputs."
            )
    dtype = np.result_type(*weights)
    net = Network(sizes, activations, pair, init="zeros", dtype=dtype)
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        net.weights[layer], net.biases[layer] = weight, bias
    net.__setstate__({"parameters": net.parameters})  # its weights do not come from a seed
    if not np.isfinite(net.theta).all():
        raise InvalidInput(
            "The weights or biases hold NaN or infinity. Give layers with finite numbers."
        )
    return net


def from_torch(module: Any, *, loss: str | Loss | Parametric | None = None) -> Network:
    """Return a network that computes what a PyTorch Sequential does.

    Parameters
    ----------
    module : torch.nn.Sequential
        Linear layers with activations between: Sigmoid, Tanh, ReLU, LeakyReLU, ELU, SELU, Softplus,
        SiLU, GELU, Mish; at the end perhaps a Sigmoid or Softmax. Dropout is left out, as in
        PyTorch's own predictions.
    loss : str, Loss or loss with parameters, optional
        The loss for further training. By default it follows from the last module: "squared_error"
        for the raw z, "cross_entropy" for a Sigmoid, "log_loss" for a Softmax. A module that ends
        with the raw z, as PyTorch's losses expect, takes any: give "log_loss" for probabilities.

    Returns
    -------
    Network
        With copies of the parameters, in their dtype.

    Raises
    ------
    InvalidInput
        If the module holds something else; the message names it.
    InvalidParameter
        If the loss has another hypothesis than the module ends with.

    See Also
    --------
    Network.to_torch : The inverse.

    Notes
    -----
    PyTorch's Softplus and Mish are linear beyond z = 20, which differs from ours by 2e-9 there.
    """
    return network_of_layers(*layers_of(module), loss)
