"""A network as an ONNX graph."""

import onnx

from chainrule.files.onnx.activations import ACTIVATION_NODES, HYPOTHESIS_NODES, softmax_nodes
from chainrule.files.onnx.graph import Graph, finish_model
from chainrule.files.plain import Plain

__all__ = ["network_model", "network_nodes"]


def network_nodes(g: Graph, plain: Plain, a: str) -> str:
    """Add the nodes of a network (FP2.1, FP2.2), and return the name of the hypotheses.

    Parameters
    ----------
    g : Graph
        The graph to extend, of the network's dtype.
    plain : Plain
        The network.
    a : str
        The name of the inputs (n, N).
    """
    last = len(plain.weights) - 1
    for layer, (W, b) in enumerate(zip(plain.weights, plain.biases, strict=True)):
        constants = g.constant(W, f"weights.{layer}"), g.constant(b, f"biases.{layer}")
        z = g.add("Gemm", a, *constants, name=g.fresh(f"z.{layer}"))
        if layer < last:
            a = ACTIVATION_NODES[plain.activations[layer]](g, z)
        elif plain.hypothesis == "softmax":
            a = softmax_nodes(g, z, plain.groups)
        else:
            a = HYPOTHESIS_NODES[plain.hypothesis](g, z)
    return a


def network_model(plain: Plain, doc: str = "") -> onnx.ModelProto:
    """Return a network's model: "X" of shape (n, N) in, "h" of shape (n, K) out."""
    g = Graph(plain.dtype)
    g.rename(network_nodes(g, plain, "X"), "h")
    shapes = [None, plain.sizes[0]], [None, plain.sizes[-1]]
    return finish_model(
        g, "network", [("X", plain.dtype, shapes[0])], [("h", plain.dtype, shapes[1])], doc
    )
