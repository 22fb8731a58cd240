"""ONNX Runtime as the judge: feeds as its inputs ask for them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest

_DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


def answers(model: Any, X: Any) -> dict[str, Any]:
    """Run a model on an array, or on a table with one input for each column."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    feeds = {}
    for each in session.get_inputs():
        values = np.asarray(X[[each.name]] if hasattr(X, "columns") else X)
        if each.type == "tensor(string)":
            missing = np.array([[v is None or v != v for v in row] for row in values])
            feeds[each.name] = np.where(missing, "", values).astype(object)
        else:
            feeds[each.name] = values.astype(_DTYPES[each.type])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


@pytest.fixture(name="answers")
def _answers() -> Callable[[Any, Any], dict[str, Any]]:
    return answers


def far(got: Any, ours: Any) -> float:
    """Return the largest difference, relative to max(1, |h|)."""
    ours = np.asarray(ours, np.float64)
    return float((np.abs(got - ours) / np.maximum(1, np.abs(ours))).max())


@pytest.fixture(name="far")
def _far() -> Callable[[Any, Any], float]:
    return far
