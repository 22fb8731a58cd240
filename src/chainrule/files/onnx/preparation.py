"""Converters for scikit-learn's preparation that skl2onnx lacks, or that differ there.

A missing string is "" in ONNX, and None or NaN in scikit-learn. skl2onnx leaves out the indicators
of `SimpleImputer`, and does not support the missing and unknown categories of `OneHotEncoder`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from chainrule.errors import InvalidInput
from chainrule.files.categories import groups_rare, is_missing, is_same, places_of
from chainrule.files.onnx.graph import Graph, element_type
from chainrule.files.scalers import affine

__all__ = [
    "impute_nodes",
    "inverse_nodes",
    "one_hot_nodes",
    "one_hot_width",
    "ordinal_nodes",
]

_ML = "ai.onnx.ml"
_INVERSE_FUNCTIONS = {
    np.exp: lambda g, x: g.add("Exp", x),
    np.expm1: lambda g, x: g.add("Sub", g.add("Exp", x), g.number(1)),
    np.square: lambda g, x: g.add("Mul", x, x),
}


def one_hot_width(encoder: Any) -> int:
    """Return the number of columns that an encoder makes."""
    return sum(places_of(encoder, i)[1] for i in range(len(encoder.categories_)))


def one_hot_nodes(g: Graph, encoder: Any, columns: Sequence[tuple[str, bool]]) -> str:
    """Add the nodes of a OneHotEncoder.

    Parameters
    ----------
    g : Graph
        The graph to extend.
    encoder : OneHotEncoder
        Fitted.
    columns : sequence of (name, bool)
        For each column its name, of shape (n, 1), and whether it holds strings.
    """
    encoded = []
    for i, (name, is_text) in enumerate(columns):
        places, width, unknown = places_of(encoder, i)
        if width:
            code = _text_code if is_text else _number_code
            number = code(g, name, encoder.categories_[i], places, unknown)
            hits = g.add("Equal", number, g.constant(np.arange(width)[np.newaxis], "places"))
            encoded.append(g.add("Cast", hits, to=element_type(g.dtype)))
    return g.add("Concat", *encoded, axis=1)


def ordinal_nodes(g: Graph, encoder: Any, columns: Sequence[tuple[str, bool]]) -> str:
    """Add the nodes of an OrdinalEncoder; the parameters are those of `one_hot_nodes`."""
    encoded = []
    for i, (name, is_text) in enumerate(columns):
        known = encoder.categories_[i]
        rare = encoder.infrequent_categories_[i] if groups_rare(encoder) else None
        is_rare = np.array([rare is not None and any(is_same(k, r) for r in rare) for k in known])
        codes = np.where(is_rare, (~is_rare).sum(), np.cumsum(~is_rare) - 1).astype(g.dtype)
        codes[[is_missing(each) for each in known]] = encoder.encoded_missing_value
        unknown = encoder.unknown_value if encoder.handle_unknown == "use_encoded_value" else -1
        code = _text_code if is_text else _number_code
        which = code(g, name, known, np.arange(len(known)), len(known))
        every = g.constant(np.append(codes, unknown).astype(g.dtype), "codes")
        encoded.append(g.add("Gather", every, which))
    return g.add("Concat", *encoded, axis=1)


def _text_code(g: Graph, name: str, known: NDArray[Any], places: NDArray[Any], unknown: int) -> str:
    keys = ["" if is_missing(each) else str(each) for each in known]
    if keys.count("") > 1:
        raise InvalidInput(
            "ONNX has no missing strings (they are '' there), and here both None (or NaN) and '' "
            "are "
            "categories: fit on a table in which one of them is another string."
        )
    return g.add(
        "LabelEncoder",
        name,
        domain=_ML,
        keys_strings=keys,
        values_int64s=[int(place) for place in places],
        default_int64=unknown,
    )


def _number_code(
    g: Graph, name: str, known: NDArray[Any], places: NDArray[Any], unknown: int
) -> str:
    """Add up the place of the cell's category, or of unknown ones if it has none."""
    values = np.array([np.nan if is_missing(each) else float(each) for each in known])
    hits = g.add("Equal", name, g.constant(values[np.newaxis].astype(g.dtype), "categories"))
    missing = np.array([is_missing(each) for each in known])
    if missing.any():
        is_nan = g.add("And", g.add("IsNaN", name), g.constant(missing[np.newaxis], "is_missing"))
        hits = g.add("Or", hits, is_nan)
    of_each = g.constant((places - unknown)[np.newaxis].astype(np.int64), "of_each")
    chosen = g.add("Mul", g.add("Cast", hits, to=element_type(np.int64)), of_each)
    axis = g.constant(np.array([1], np.int64), "axis")
    total = g.add("ReduceSum", chosen, axis, keepdims=1)
    return g.add("Add", total, g.constant(np.array(unknown, np.int64)))


def impute_nodes(g: Graph, imputer: Any, x: str, is_text: bool) -> str:
    """Add the nodes of a SimpleImputer: its values for the missing ones, then its indicators."""
    fill: NDArray[Any] = np.asarray(imputer.statistics_)
    kept = np.array([not is_missing(each) for each in fill])
    missing = _missing_text(g, imputer, x) if is_text else _missing_number(g, imputer, x)
    values = np.array(["" if not k else str(v) for k, v in zip(kept, fill, strict=True)])
    if not is_text:
        values = np.where(kept, fill, 0).astype(g.dtype)
    filled = g.add("Where", missing, g.constant(values[np.newaxis], "fill"), x)
    if not kept.all():  # columns without known values are left out
        filled = g.add("Gather", filled, g.constant(np.flatnonzero(kept), "kept"), axis=1)
    if not imputer.add_indicator or not len(imputer.indicator_.features_):
        return filled
    if is_text:
        raise InvalidInput(
            "ONNX cannot hold strings and their indicators together: impute them without "
            "indicators."
        )
    features = g.constant(imputer.indicator_.features_.astype(np.int64), "indicated")
    indicators = g.add("Gather", missing, features, axis=1)
    return g.add("Concat", filled, g.add("Cast", indicators, to=element_type(g.dtype)), axis=1)


def _missing_number(g: Graph, imputer: Any, x: str) -> str:
    if is_missing(imputer.missing_values):
        return g.add("IsNaN", x)
    return g.add("Equal", x, g.number(float(imputer.missing_values)))


def _missing_text(g: Graph, imputer: Any, x: str) -> str:
    given = imputer.missing_values
    key = "" if is_missing(given) else str(given)
    code = g.add(
        "LabelEncoder", x, domain=_ML, keys_strings=[key], values_int64s=[1], default_int64=0
    )
    return g.add("Cast", code, to=element_type(np.bool_))


def inverse_nodes(g: Graph, model: TransformedTargetRegressor, y: str) -> str:
    """Add the nodes of the inverse transform of a target.

    Raises
    ------
    InvalidInput
        If its transformer is not a scaler, and its inverse not one of exp, expm1, square.
    """
    return _inverse(g, model.transformer_, y)


def _inverse(g: Graph, transformer: Any, y: str) -> str:
    scaled = affine(transformer)
    if scaled is not None:
        scale, offset = (np.asarray(each, g.dtype) for each in scaled)
        if (scale == 1).all() and not offset.any():
            return y
        return g.add("Add", g.add("Mul", y, g.constant(scale, "scale")), g.constant(offset))
    if isinstance(transformer, Pipeline):
        for _, step in reversed(transformer.steps):
            y = _inverse(g, step, y)
        return y
    if isinstance(transformer, FunctionTransformer) and not transformer.inv_kw_args:
        nodes = _INVERSE_FUNCTIONS.get(transformer.inverse_func)
        if nodes is not None:
            return nodes(g, y)
    raise InvalidInput(
        f"ONNX cannot undo the transform of a target by {type(transformer).__name__}: use "
        f"a StandardScaler, a MinMaxScaler, or one of the functions log, log1p and sqrt."
    )
