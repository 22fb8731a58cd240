"""`cr.from_onnx`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import InvalidFile, InvalidInput, MissingFile
from chainrule.extras import require
from chainrule.files.content import ZIP_MAGIC, looks_like_tensors
from chainrule.maths.losses import Loss, Parametric
from chainrule.network import Network
from chainrule.storage import is_path, path_of

if TYPE_CHECKING:
    import onnx

__all__ = ["from_onnx"]


def from_onnx(
    source: "onnx.ModelProto | bytes | str | os.PathLike[str]",
    *,
    loss: str | Loss | Parametric | None = None,
) -> Network:
    """Return a network from an ONNX model that is a chain of layers.

    Parameters
    ----------
    source : onnx.ModelProto, bytes, str or path-like
        The model, its serialized bytes, or the file that holds them.
    loss : str, Loss or loss with parameters, optional
        The loss for further training. By default it follows from the last node: "squared_error" for
        the raw z, "cross_entropy" for a Sigmoid, "log_loss" for a Softmax, "poisson" for an Exp. A
        model that ends with the raw z takes any: the loss's hypothesis is then added at the end.

    Returns
    -------
    Network
        In the dtype of the weights. It computes the same as the model.

    Raises
    ------
    InvalidFile
        If it is not an ONNX model, or not a chain of Gemm, or MatMul and Add, with our activations
        between; the message names the node.
    InvalidInput
        If it is neither a path nor a model.
    InvalidParameter
        If the loss has another hypothesis than the model ends with.
    MissingFile
        If the file does not exist.
    MissingExtra
        If the package onnx is not installed.

    See Also
    --------
    to_onnx : Write one.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 2], activation="gelu", seed=1)
    >>> back = cr.from_onnx(cr.to_onnx(net))
    >>> back
    Network([2, 3, 2], activation='gelu', loss='log_loss', dtype='float32')
    >>> bool((back.theta == net.theta).all())
    True
    """
    require("from_onnx needs", "onnx")
    from chainrule.files.onnx.chain import network_of_chain

    return network_of_chain(_model(source), loss)


def _model(source: Any) -> "onnx.ModelProto":
    import onnx
    from google.protobuf.message import DecodeError

    if isinstance(source, onnx.ModelProto):
        return source
    name = "this"
    content = source
    if not isinstance(source, bytes):
        if not is_path(source):
            raise InvalidInput(
                f"An ONNX model is needed: the path of a file, its content as bytes, or an "
                f"onnx.ModelProto. Got an object of {type(source).__name__}."
            )
        name = path_of(source)
        try:
            content = Path(name).read_bytes()
        except FileNotFoundError:
            raise MissingFile(f"There is no file '{name}'; give an ONNX model.") from None
        except (OSError, ValueError) as error:
            raise InvalidFile(f"'{name}' cannot be read ({error}).") from None
        if content.startswith(ZIP_MAGIC) or looks_like_tensors(content[:16]):
            raise InvalidFile(
                f"'{name}' is not an ONNX model: if chainrule saved it, open it with cr.load."
            )
        name = f"'{name}'"
    try:
        model = onnx.load_from_string(content)
    except DecodeError:
        model = onnx.ModelProto()
    if not model.graph.node:
        raise InvalidFile(
            f"{name} is not an ONNX model, or an empty one.".replace("this", "This", 1)
        )
    return model
