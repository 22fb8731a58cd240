"""Scalers and combinations of them, as one multiplication and addition per column."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from chainrule.maths.arrays import Float

__all__ = ["affine", "is_identity"]


def affine(transformer: Any) -> tuple[Float, Float] | None:
    """Return scale and offset of a fitted transformer that maps v to (v - offset) / scale.

    Its inverse is v * scale + offset.

    Parameters
    ----------
    transformer : transformer
        A scaler, a step without effect, or a Pipeline of these.

    Returns
    -------
    (array, array) or None
        For each column, or with one entry for all of them; None for any other transformer. Clipping
        by a scaler is not included.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> affine(StandardScaler().fit([[1.0], [5.0]]))
    (array([2.]), array([3.]))
    """
    scale, offset = np.ones(1), np.zeros(1)
    if isinstance(transformer, Pipeline):
        for _, step in transformer.steps:
            inner = affine(step)
            if inner is None:
                return None
            scale, offset = scale * inner[0], offset + scale * inner[1]
        return scale, offset
    if is_identity(transformer):
        return scale, offset
    kind = type(transformer)
    if kind is StandardScaler:
        used = transformer.mean_ if transformer.with_mean else None, transformer.scale_
    elif kind is RobustScaler:
        used = transformer.center_, transformer.scale_
    elif kind is MaxAbsScaler:
        used = None, transformer.scale_
    elif kind is MinMaxScaler:
        used = -transformer.min_ / transformer.scale_, 1 / transformer.scale_
    else:
        return None
    n = transformer.n_features_in_
    offset, scale = (
        np.full(n, default) if each is None else np.asarray(each, np.float64)
        for each, default in zip(used, (0.0, 1.0), strict=True)
    )
    return scale, offset


def is_identity(step: Any) -> bool:
    """Whether a step of a Pipeline has no effect."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return True
    return isinstance(step, FunctionTransformer) and step.func is None and step.inverse_func is None
