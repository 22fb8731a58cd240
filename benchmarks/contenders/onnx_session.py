"""ONNX Runtime: the session's call, the rows in chunks that fit the cache."""

from collections.abc import Callable
from typing import Any

import cases
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def prepare(case: cases.Case, threads: int) -> tuple[Callable[[], Any], int] | None:
    """Return what is timed, and its units."""
    if case["task"] not in ("row", "rows"):
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model(case).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    X = cases.table(case)[0]
    if case["task"] == "row":
        x = X[:1]
        return lambda: session.run(None, {"x": x})[0], 1
    chunk = case["chunk"]
    H = np.empty((len(X), case["sizes"][-1]), np.float32)

    def many() -> None:
        for i in range(0, len(X), chunk):
            H[i : i + chunk] = session.run(None, {"x": X[i : i + chunk]})[0]

    return many, case["rows"]


def model(case: cases.Case) -> onnx.ModelProto:
    """Return the case's network as Gemm and Relu nodes with a Softmax at the end."""
    nodes, constants, last = [], [], "x"
    pairs = cases.weights(case)
    for i, (W, b) in enumerate(pairs):
        constants += [numpy_helper.from_array(W, f"W{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [last, f"W{i}", f"b{i}"], [f"z{i}"]))
        kind = "Softmax" if i == len(pairs) - 1 else "Relu"
        nodes.append(helper.make_node(kind, [f"z{i}"], [f"a{i}"]))
        last = f"a{i}"
    sizes = case["sizes"]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", sizes[0]])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", sizes[-1]])],
        constants,
    )
    opset = helper.make_opsetid("", 17)
    made = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.checker.check_model(made)
    return made
