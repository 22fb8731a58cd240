"""Compare an ONNX model with the model it was made from, on the user's rows."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from chainrule.errors import InvalidInput
from chainrule.files.categories import is_missing
from chainrule.network import Network

__all__ = ["require_same_answers"]

_FAR = {"float32": 1e-4, "float64": 1e-7}  # times max(1, |h|); more is not rounding
_STRING, _DOUBLE = onnx.TensorProto.STRING, onnx.TensorProto.DOUBLE


def require_same_answers(made: onnx.ModelProto, model: Any, X: Any) -> None:
    """Raise if the predictions of an ONNX model for X differ from the model's.

    ONNX Runtime computes them if it is installed, else the reference evaluator of onnx.

    Raises
    ------
    InvalidInput
        With the row and both results.
    """
    if np.ndim(X) != 2 and not hasattr(X, "toarray"):
        raise InvalidInput(
            f"X needs rows as the model takes them, for the check. Got shape {np.shape(X)} instead."
        )
    outputs = _outputs(made, X)
    if isinstance(model, ClassifierMixin) and not hasattr(model, "predict_proba"):
        _require_same_labels(model, X, np.asarray(outputs[0]))  # it votes
        return
    last = outputs[-1]  # of a classifier's two the probabilities
    ours, theirs = _answers(model, X), last if isinstance(last, list) else [last]
    kinds = {each.type.tensor_type.elem_type for each in made.graph.input}
    far = _FAR["float64" if _DOUBLE in kinds else "float32"]
    for mine, other in zip(ours, theirs, strict=True):
        expected = np.asarray(mine, np.float64)
        got = np.asarray(other, np.float64).reshape(expected.shape)
        close = np.abs(got - expected) <= far * np.maximum(1, np.abs(expected))
        rows = np.flatnonzero(~close.reshape(len(expected), -1).all(axis=1))
        if len(rows):
            raise InvalidInput(
                f"The ONNX model's results would differ from this model's on {len(rows)} of the "
                f"{len(expected)} rows of X: {got[rows[0]]} instead of {expected[rows[0]]} in row "
                f"{rows[0]}. Some part of it behaves differently in ONNX: dtype='float64' may "
                f"help, or another preparation."
            )


def _require_same_labels(model: Any, X: Any, theirs: NDArray[Any]) -> None:
    ours = np.asarray(model.predict(X))
    rows = np.flatnonzero(ours.ravel() != theirs.ravel())
    if len(rows):
        instead, expected = (each.ravel()[rows[:1]].tolist()[0] for each in (theirs, ours))
        raise InvalidInput(
            f"The ONNX model's results would differ from this model's on {len(rows)} of the "
            f"{ours.size} rows of X: {instead!r} instead of {expected!r} in row {rows[0]}. Some "
            f"part of it behaves differently in ONNX: dtype='float64' may help, or another vote."
        )


def _answers(model: Any, X: Any) -> list[Any]:
    if isinstance(model, Network):
        return [model(X)]
    if not hasattr(model, "predict_proba"):
        return [model.predict(X)]
    found = model.predict_proba(X)
    return found if isinstance(found, list) else [found]


def _outputs(made: onnx.ModelProto, X: Any) -> list[Any]:
    feeds = {each.name: _column(X, each) for each in made.graph.input}
    if find_spec("onnxruntime") is not None:
        import onnxruntime

        run: Any = onnxruntime.InferenceSession(made.SerializeToString()).run
    else:
        from onnx.reference import ReferenceEvaluator

        run = ReferenceEvaluator(made).run
    return run(None, feeds)


def _column(X: Any, given: onnx.ValueInfoProto) -> NDArray[Any]:
    """Return the values for an input."""
    whole = not hasattr(X, "columns")
    values = np.asarray(X.toarray() if hasattr(X, "toarray") else X if whole else X[given.name])
    values = values if values.ndim == 2 else values[:, np.newaxis]
    kind = given.type.tensor_type.elem_type
    if kind == _STRING:
        texts = ["" if is_missing(each) else str(each) for each in values.ravel()]
        return np.array(texts, object).reshape(values.shape)
    return values.astype(np.float64 if kind == _DOUBLE else np.float32)
