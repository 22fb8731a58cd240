"""Make a network from a chain of linear layers and activations.

An activation of several nodes (silu, gelu, mish) is recognized by comparing the graph with the
nodes that our own export writes for it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from chainrule.errors import ChainruleError, InvalidFile
from chainrule.files.onnx.activations import ACTIVATION_NODES, HYPOTHESIS_NODES, softmax_nodes
from chainrule.files.onnx.graph import Graph
from chainrule.maths.losses import GroupedLogLoss, Loss, Parametric
from chainrule.network import Network
from chainrule.network.layers import network_of_layers

__all__ = ["network_of_chain"]

_Nodes = Callable[[Graph, str], str]

_COMMUTES = ("Add", "Mul")
_PASSES = ("Identity", "Dropout")  # without effect on a prediction


def _gelu_of_torch(g: Graph, z: str) -> str:
    erf = g.add("Erf", g.add("Div", z, g.number(np.sqrt(2))))
    return g.add("Mul", g.add("Mul", z, g.add("Add", erf, g.number(1))), g.number(0.5))


# Other ways to write our activations.
_OTHER_NODES: list[tuple[str, _Nodes]] = [
    ("leaky_relu", lambda g, z: g.add("LeakyRelu", z, alpha=0.01)),
    ("selu", lambda g, z: g.add("Selu", z)),
    ("mish", lambda g, z: g.add("Mish", z)),
    ("gelu", lambda g, z: g.add("Gelu", z, approximate="none")),
    ("gelu", _gelu_of_torch),
]


def network_of_chain(model: onnx.ModelProto, loss: str | Loss | Parametric | None) -> Network:
    """Return the network of a model that is a chain of layers.

    Raises
    ------
    InvalidFile
        If it is not such a chain; the message names the node.
    InvalidParameter
        If the loss has another hypothesis than the model ends with.
    """
    try:
        with np.errstate(all="ignore"):  # values that are not finite are refused at the end
            return _walked(_Chain(model), loss)
    except ChainruleError:
        raise
    except Exception as error:  # every error is reported as one of the model
        raise InvalidFile(f"This ONNX model is damaged ({type(error).__name__}).") from error


def _walked(chain: "_Chain", loss: str | Loss | Parametric | None) -> Network:
    weights: list[NDArray[Any]] = []
    biases: list[NDArray[Any]] = []
    activations: list[str] = []
    while True:
        layer = chain.linear()
        if layer is None:
            break
        weights.append(layer[0])
        biases.append(layer[1])
        activations.append("" if chain.at_end() else chain.activation())
    if not weights:
        raise chain.refused("begins with no layer (Gemm, or MatMul and Add)")
    hypothesis, made = activations.pop(), loss
    if not chain.at_end() or not hypothesis:
        groups, hypothesis = ((), "identity") if chain.at_end() else chain.hypothesis()
        if len(groups) > 1 and loss is None:
            made = GroupedLogLoss(groups)
    elif hypothesis not in HYPOTHESIS_NODES:
        raise chain.refused(f"ends with {hypothesis}, which is not the hypothesis of any loss")
    chain.require_end()
    return network_of_layers(weights, biases, activations, hypothesis, made)


@final
class _Chain:
    """A graph that is followed from its input to its output."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.constants = {each.name: _array(each) for each in graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        for node in graph.node:
            value = next((a for a in node.attribute if a.name == "value"), None)
            if node.op_type == "Constant" and value is not None:
                self.constants[node.output[0]] = _array(value.t)
            else:
                self.nodes.append(node)
        inputs = [each.name for each in graph.input if each.name not in self.constants]
        ends = len(inputs), len(graph.output)
        if ends != (1, 1):
            raise InvalidFile(
                f"This ONNX model has {ends[0]} inputs and {ends[1]} outputs, and a chain of "
                f"layers has one each. A whole Pipeline or classifier cannot be read back."
            )
        self.end = graph.output[0].name
        self.here = inputs[0]
        self.used: set[int] = set()

    def at_end(self) -> bool:
        """Whether nothing follows, apart from nodes without effect."""
        while self.here != self.end:
            following = self._following()
            if not following or following[0].op_type not in _PASSES:
                return False
            self._use(following[0])
        return True

    def linear(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Consume a layer, and return its weights and biases; None if another node follows."""
        if self.at_end():
            return None
        node = self._following()[0] if self._following() else None
        if node is None or node.op_type not in ("Gemm", "MatMul"):
            return None
        given = [self.constants.get(name) for name in node.input[1:]]
        W = given[0] if given else None
        if node.input[0] != self.here or W is None or W.ndim != 2 or any(x is None for x in given):
            raise self.refused(f"has a {node.op_type} whose weights are not a constant matrix")
        if _attribute(node, "transA", 0):
            raise self.refused("has a Gemm that transposes its input")
        W = W.T if _attribute(node, "transB", 0) else W
        W = W * W.dtype.type(_attribute(node, "alpha", 1.0))
        bias = given[1] if len(given) > 1 else None
        if bias is not None:
            bias = bias * bias.dtype.type(_attribute(node, "beta", 1.0))
        self._use(node)
        if node.op_type == "MatMul":
            bias = self._added()
        bias = np.zeros(1, W.dtype) if bias is None else bias
        try:
            biases = np.broadcast_to(bias, (1, W.shape[1]))[0]
        except ValueError:
            raise self.refused(f"adds {bias.shape} biases to {W.shape[1]} nodes") from None
        return np.ascontiguousarray(W), np.array(biases)

    def activation(self) -> str:
        """Consume the activation that follows, and return its name; "" if it is not one of ours."""
        if self._following() and self._following()[0].op_type in ("Gemm", "MatMul"):
            return "identity"
        return next((name for name, nodes in _largest_first() if self._take(nodes)), "")

    def hypothesis(self) -> tuple[tuple[int, ...], str]:
        """Consume the softmax that follows, and return the sizes of its groups, and its name."""
        following = self._following()
        groups: tuple[int, ...] = (0,)
        if following and following[0].op_type == "Split" and len(following[0].input) > 1:
            groups = tuple(self.constants.get(following[0].input[1], np.array([])).tolist())
        if self._take(lambda g, z: softmax_nodes(g, z, groups)):
            return groups, "softmax"
        raise self._unknown()

    def require_end(self) -> None:
        """Raise if anything is left."""
        if not self.at_end():
            raise self._unknown()
        left = [node for i, node in enumerate(self.nodes) if i not in self.used]
        if left:
            raise self.refused(f"has a {left[0].op_type} beside the chain")

    def refused(self, why: str) -> InvalidFile:
        """Make the error."""
        return InvalidFile(
            f"This ONNX model {why}. A chain of Gemm, or MatMul and Add, with supported "
            f"activations "
            f"between can be read."
        )

    def _unknown(self) -> InvalidFile:
        following = self._following()
        if not following:
            return self.refused("does not lead from its input to its output")
        node = following[0]
        values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        said = ", ".join(f"{name}={value}" for name, value in values.items())
        return self.refused(f"has a {node.op_type}{f' ({said})' if said else ''} at '{self.here}'")

    def _following(self) -> list[onnx.NodeProto]:
        return [node for node in self.nodes if self.here in node.input]

    def _use(self, node: onnx.NodeProto) -> None:
        self.used.add(next(i for i, each in enumerate(self.nodes) if each is node))
        self.here = node.output[0]

    def _added(self) -> NDArray[Any] | None:
        """Consume the Add of constants that follows, if one does."""
        following = self._following()
        if self.here == self.end or len(following) != 1 or following[0].op_type != "Add":
            return None
        other = [name for name in following[0].input if name != self.here]
        bias = self.constants.get(other[0]) if len(other) == 1 else None
        if bias is not None:
            self._use(following[0])
        return bias

    def _take(self, nodes: _Nodes) -> bool:
        """Move past these nodes, if they follow."""
        for dtype in (np.float32, np.float64):
            wanted = Graph(dtype)
            end = nodes(wanted, "z")
            found = self._match(wanted)
            if found is not None:
                used, names = found
                self.used |= used
                self.here = names[end]
                return True
        return False

    def _match(self, wanted: Graph) -> tuple[set[int], dict[str, str]] | None:
        """Find the wanted nodes after z, and return them, and the names of their values."""
        values = {each.name: _array(each) for each in wanted.constants}
        names, used = {"z": self.here}, set[int]()
        for node in wanted.nodes:
            for i, real in enumerate(self.nodes):
                if i not in self.used | used and self._is(real, node, values, names):
                    used.add(i)
                    names.update(zip(node.output, real.output, strict=True))
                    break
            else:
                return None
        return used, names

    def _is(
        self,
        real: onnx.NodeProto,
        wanted: onnx.NodeProto,
        values: dict[str, NDArray[Any]],
        names: dict[str, str],
    ) -> bool:
        if real.op_type != wanted.op_type or len(real.output) != len(wanted.output):
            return False
        for attribute in wanted.attribute:
            value = helper.get_attribute_value(attribute)
            if not _alike(_attribute(real, attribute.name, None), value):
                return False
        for attribute in real.attribute:  # one that ours leaves at its default
            mine = _attribute(wanted, attribute.name, None)
            if not _alike(helper.get_attribute_value(attribute), mine):
                return False
        return any(
            len(order) == len(wanted.input)
            and all(
                self._stands_for(mine, theirs, values, names)
                for mine, theirs in zip(wanted.input, order, strict=True)
            )
            for order in _orders(real)
        )

    def _stands_for(
        self, mine: str, theirs: str, values: dict[str, NDArray[Any]], names: dict[str, str]
    ) -> bool:
        if mine not in values:
            return names[mine] == theirs
        value, given = values[mine], self.constants.get(theirs)
        if given is None or given.size != value.size:
            return False
        return bool(np.allclose(given.ravel(), value.ravel(), rtol=1e-6))


def _orders(node: onnx.NodeProto) -> Iterator[Sequence[str]]:
    yield node.input
    if node.op_type in _COMMUTES:
        yield node.input[::-1]


@cache
def _largest_first() -> list[tuple[str, _Nodes]]:
    """Return the ways to write each function; a Sigmoid may be only the start of a silu."""

    def size(way: tuple[str, _Nodes]) -> int:
        g = Graph(np.float64)
        way[1](g, "z")
        return len(g.nodes)

    ways = [*ACTIVATION_NODES.items(), *HYPOTHESIS_NODES.items(), *_OTHER_NODES]
    return sorted((way for way in ways if way[0] != "identity"), key=size, reverse=True)


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """Return an attribute's value, or the standard's default."""
    for attribute in node.attribute:
        if attribute.name == name:
            return helper.get_attribute_value(attribute)
    known = onnx.defs.get_schema(node.op_type).attributes.get(name)
    if known is None or not known.default_value.name:
        return default
    return helper.get_attribute_value(known.default_value)


def _alike(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, float) and isinstance(given, float):
        return bool(np.isclose(given, wanted, rtol=1e-6))
    if given in (1, -1) and wanted in (1, -1):
        return True  # the last axis of two
    return given == wanted


def _array(tensor: onnx.TensorProto) -> NDArray[Any]:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise InvalidFile(
            "This ONNX model keeps its weights in other files. Save it as one file "
            "(onnx.save_model with save_as_external_data=False)."
        )
    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:  # of onnx, for bytes that do not fit the shape
        raise InvalidFile(f"This ONNX model is damaged ({str(error)[:80]}).") from error
