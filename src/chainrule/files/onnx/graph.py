"""An ONNX graph under construction: its nodes and constants."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

__all__ = ["OPSET", "Graph", "element_type", "finish_model", "sign"]

OPSET = 18  # of 2022: ONNX Runtime 1.14 and newer read it


def element_type(dtype: Any) -> int:
    """Return ONNX's number for a NumPy dtype; texts are strings."""
    kind = np.dtype(dtype)
    return onnx.TensorProto.STRING if kind.kind in "OUST" else helper.np_dtype_to_tensor_dtype(kind)


@final
class Graph:
    """Nodes and constants, in the order in which they are computed.

    Parameters
    ----------
    dtype : dtype
        float32 or float64, of the numbers.
    fresh : callable, optional
        A function from a proposed name to a unique one; by default, unique in this graph.
    """

    def __init__(self, dtype: Any, fresh: Callable[[str], str] | None = None) -> None:
        self.dtype = np.dtype(dtype)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._fresh = fresh or self._numbered
        self._scalars: dict[bytes, str] = {}
        self._taken: dict[str, int] = {}

    def add(self, op: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node with one output, and return the output's name."""
        return self.add_several(op, inputs, [name or self._fresh(op.lower())], **attributes)[0]

    def add_several(
        self, op: str, inputs: Sequence[str], names: Sequence[str], **attributes: Any
    ) -> list[str]:
        """Add a node with outputs of these names."""
        self.nodes.append(helper.make_node(op, list(inputs), list(names), **attributes))
        return list(names)

    def fresh(self, wish: str) -> str:
        """Return a unique name."""
        return self._fresh(wish)

    def rename(self, before: str, after: str) -> None:
        """Rename an output of a node."""
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [after if name == before else name for name in names]

    def number(self, value: float) -> str:
        """Return the name of a scalar of the graph's dtype, made once."""
        return self.constant(np.array(value, self.dtype), "number")

    def constant(self, value: Any, name: str = "constant") -> str:
        """Return the name of an array; equal scalars are made once."""
        array: NDArray[Any] = np.asarray(value)
        if array.dtype.kind in "OUST":
            texts: Any = [str(each).encode() for each in array.ravel()]
            tensor = helper.make_tensor("", onnx.TensorProto.STRING, array.shape, texts)
        else:
            tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape))
        key = tensor.SerializeToString() if array.ndim == 0 else b""
        if key and key in self._scalars:
            return self._scalars[key]
        tensor.name = self._fresh(name)
        self.constants.append(tensor)
        if key:
            self._scalars[key] = tensor.name
        return tensor.name

    def _numbered(self, wish: str) -> str:
        number = self._taken[wish] = self._taken.get(wish, -1) + 1
        return f"{wish}_{number}" if number else wish


def finish_model(
    graph: Graph,
    name: str,
    inputs: Sequence[tuple[str, Any, Sequence[Any]]],
    outputs: Sequence[tuple[str, Any, Sequence[Any]]],
    doc: str = "",
) -> onnx.ModelProto:
    """Return the whole model.

    Parameters
    ----------
    graph : Graph
        Its nodes and constants.
    name : str
        Of the graph.
    inputs, outputs : sequences of (name, dtype, shape)
        The inputs and outputs; None in a shape is not fixed.
    doc : str
        Of the graph.

    Returns
    -------
    onnx.ModelProto
    """
    ends = [
        [
            helper.make_tensor_value_info(each, element_type(dtype), shape)
            for each, dtype, shape in x
        ]
        for x in (inputs, outputs)
    ]
    made = helper.make_graph(graph.nodes, name, *ends, initializer=graph.constants, doc_string=doc)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(
        made, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets)
    )
    return sign(model)


def sign(model: onnx.ModelProto) -> onnx.ModelProto:
    """Record the producer of a model, check it, and return it."""
    from chainrule import __version__

    model.producer_name, model.producer_version = "chainrule", __version__
    onnx.checker.check_model(model, full_check=True)
    return model
