"""`cr.to_onnx`."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline

from chainrule.architecture.checks import check_dtype
from chainrule.errors import InvalidInput
from chainrule.extras import require
from chainrule.files.consistent import estimators_in
from chainrule.files.destination import destination
from chainrule.files.plain import network_in, plain_network
from chainrule.files.unwrapped import unwrapped
from chainrule.network import Network
from chainrule.storage import write_file
from chainrule.training import Learner

if TYPE_CHECKING:
    import onnx

__all__ = ["to_onnx"]


def to_onnx(
    model: Network | Learner | BaseEstimator,
    X: Any = None,
    *,
    dtype: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> "onnx.ModelProto":
    """Return a model as ONNX, for any runtime that reads it, or write the file.

    The number of rows is not fixed. Inputs and outputs:

    - a `Network` or `Learner`: ``X`` of shape (n, N) in, the hypotheses ``h`` of shape (n, K) out.
    - an estimator or Pipeline that was fitted on an array: ``X``; on a table with column names:
      one input of shape (n, 1) for each column, under its name, numbers or strings. A missing
      number is NaN, a missing string is ``""``.
    - a classifier gives ``label``, the classes as they were given to `fit`, and ``probabilities``
      (a sequence of tensors for several columns of classes); a regressor gives ``variable`` of
      shape (n, targets), or with several quantiles (n, quantiles) or (n, targets, quantiles). Where
      a column has the name of an output, the output is called ``label_0``.

    Parameters
    ----------
    model : Network, Learner, estimator or Pipeline
        Fitted, with or without one of chainrule's networks; other parts of a Pipeline must be
        supported by skl2onnx.
    X : array-like or table, optional
        Some rows as the model takes them, to check the ONNX model: its results are compared with
        the model's own. Advisable if a Pipeline has other parts than imputers, scalers and
        encoders, since some of them behave differently after skl2onnx's conversion.
    dtype : {"float32", "float64"}, optional
        The type of the inputs, the computation and the outputs; by default that of the
        network.
    path : str or path-like, optional
        A file to write as well, atomically. It may be given in place of `X`:
        ``cr.to_onnx(model, "net.onnx")``.

    Returns
    -------
    onnx.ModelProto
        Its ``SerializeToString()`` gives the content of a file.

    Raises
    ------
    InvalidInput
        If the model holds something that ONNX cannot express, such as your own activation,
        or if its results on X would differ.
    UnwritablePath
        If the file cannot be written; an existing one is then unchanged.
    MissingExtra
        If the packages onnx and skl2onnx are not installed.
    sklearn.exceptions.NotFittedError
        If an estimator was not fitted.

    See Also
    --------
    from_onnx : Read a chain of layers.

    Notes
    -----
    An encoder that refuses unknown categories (``handle_unknown="error"``) gives zeros in ONNX,
    which cannot raise errors.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], activation="tanh", loss="squared_error", seed=1)
    >>> exported = cr.to_onnx(net)
    >>> [node.op_type for node in exported.graph.node]
    ['Gemm', 'Tanh', 'Gemm']
    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession(exported.SerializeToString())
    >>> X = np.array([[0.5, -1.0]], np.float32)
    >>> (h,) = session.run(None, {"X": X})
    >>> bool(np.allclose(h, net(X), atol=1e-6))
    True
    """
    require("to_onnx needs", "onnx", "skl2onnx")
    X, to = destination(model, X, path)
    kind = None if dtype is None else check_dtype(dtype)
    if isinstance(model, BaseEstimator):
        whole = unwrapped(model)
        _require_ours_last(whole)
        _require_same_meaning(whole)
        from chainrule.files.onnx.pipelines import pipeline_model

        made = pipeline_model(whole, kind or _dtype_of(whole), _texts(whole))
    else:
        from chainrule.files.onnx.network import network_model

        net = network_in(model)
        made = network_model(plain_network(net, kind))
        model = net
    if X is not None:
        from chainrule.files.onnx.checking import require_same_answers

        require_same_answers(made, model, X)
    if to is not None:
        write_file(to, made.SerializeToString())
    return made


def _require_ours_last(model: BaseEstimator) -> None:
    """Raise if one of our networks prepares the inputs of another estimator by `transform`."""
    for whole in estimators_in(model):
        if isinstance(whole, Pipeline):
            before = [step for _, step in whole.steps[:-1]]
        elif isinstance(whole, ColumnTransformer):
            before = [part for _, part, _ in vars(whole).get("transformers_", [])]
        else:
            before = [part for _, part in getattr(whole, "transformer_list", [])]
        for part in before:
            if isinstance(part, TransformerMixin) and type(part).__module__.startswith("chainrule"):
                raise InvalidInput(
                    f"In ONNX one of our networks can be at the end only. Here "
                    f"{type(part).__name__} is "
                    f"in the middle of a {type(whole).__name__}: convert its network by itself."
                )


def _require_same_meaning(model: BaseEstimator) -> None:
    """Raise if skl2onnx would convert a part to something that behaves differently."""
    for each in estimators_in(model):
        if isinstance(each, FixedThresholdClassifier | TunedThresholdClassifierCV):
            raise InvalidInput(
                f"ONNX decides labels at a probability of 1/2, {type(each).__name__} at another "
                f"threshold: convert its estimator_, and compare the probabilities with your "
                f"threshold."
            )
        if isinstance(each, CalibratedClassifierCV) and each.method != "sigmoid":
            raise InvalidInput(
                f"skl2onnx converts a CalibratedClassifierCV with method='sigmoid' only, here it "
                f"is {each.method!r}: use that method, or convert the network alone."
            )


def _dtype_of(model: BaseEstimator) -> Any:
    """Return the dtype of a model's network, float32 without a network."""
    networks = (vars(each).get("network_") for each in estimators_in(model))
    found = {net.theta.dtype for net in networks if isinstance(net, Network)}
    return max(found, key=lambda dtype: dtype.itemsize, default=np.dtype(np.float32))


def _texts(model: BaseEstimator) -> list[bool]:
    """Return for each column of a model whether it holds strings, according to its first steps."""
    n = getattr(model, "n_features_in_", None)
    if n is None:
        raise InvalidInput(
            f"{type(model).__name__} does not say how many columns it takes (n_features_in_): fit "
            f"it first."
        )
    texts = [False] * n
    if isinstance(model, TransformedTargetRegressor):
        inner: Any = model.regressor_
        return _texts(inner)
    if isinstance(model, Pipeline):
        first = next((step for _, step in model.steps if step not in (None, "passthrough")), None)
        return texts if first is None else _texts(first)
    if isinstance(model, ColumnTransformer):
        for name, columns in model._transformer_to_input_indices.items():
            part = model.named_transformers_.get(name)
            if isinstance(part, BaseEstimator) and len(columns):
                for column, is_text in zip(columns, _texts(part), strict=True):
                    texts[column] |= is_text
        return texts
    categories = getattr(model, "categories_", None)
    if categories is not None:
        return [any(isinstance(each, str) for each in column) for column in categories]
    statistics = getattr(model, "statistics_", None)
    if statistics is not None:
        return [isinstance(each, str) for each in np.asarray(statistics).tolist()]
    return texts
