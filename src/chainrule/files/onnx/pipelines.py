"""Estimators and whole Pipelines as ONNX: the converters that skl2onnx needs for ours.

Importing this registers `MLPClassifier`, `MLPRegressor` and `TransformedTargetRegressor` with
skl2onnx, so that its own functions convert them too.
"""

import warnings
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import helper
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx._parse import _parse_sklearn, _parse_sklearn_classifier
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import get_converter
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    SequenceType,
    StringTensorType,
)
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from chainrule.errors import ChainruleError, InvalidInput
from chainrule.estimators import (
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
)
from chainrule.files.categories import is_missing
from chainrule.files.consistent import estimators_in
from chainrule.files.onnx.answers import (
    label_classes,
    label_nodes,
    labels_of,
    probability_nodes,
    regression_nodes,
)
from chainrule.files.onnx.graph import OPSET, Graph, element_type, sign
from chainrule.files.onnx.network import network_nodes
from chainrule.files.onnx.preparation import (
    impute_nodes,
    inverse_nodes,
    one_hot_nodes,
    one_hot_width,
    ordinal_nodes,
)
from chainrule.files.plain import network_in, plain_network

__all__ = ["pipeline_model"]

_ML_OPSET = 3
_LABEL_TYPES = {
    "b": BooleanTensorType,
    "i": Int64TensorType,
    "f": DoubleTensorType,
    "U": StringTensorType,
}


def pipeline_model(model: BaseEstimator, dtype: Any, texts: Sequence[bool]) -> onnx.ModelProto:
    """Return the ONNX model of an estimator or a Pipeline.

    Parameters
    ----------
    model : estimator
        Fitted, and unwrapped by `chainrule.files.unwrapped`.
    dtype : dtype
        float32 or float64, of the inputs that are numbers and of the computation.
    texts : sequence of bool
        Whether each input column holds strings.
    """
    names = getattr(model, "feature_names_in_", None)
    number = DoubleTensorType if np.dtype(dtype) == np.float64 else FloatTensorType
    kinds = [StringTensorType if is_text else number for is_text in texts]
    by_column = any(isinstance(each, ColumnTransformer) for each in estimators_in(model))
    if by_column and names is not None:
        # Columns have numbers here and their names at the end: skl2onnx would make identifiers.
        inputs = [(f"column_{i}", kind([None, 1])) for i, kind in enumerate(kinds)]
    elif len(set(kinds)) == 1:
        inputs = [("X", kinds[0]([None, len(kinds)]))]
    else:
        raise InvalidInput(
            "ONNX has no arrays of both strings and numbers: fit the model on a table with column "
            "names, "
            "which become one input each."
        )
    try:
        made = _converted(model, inputs, np.dtype(dtype))
    except ChainruleError:
        raise
    except Exception as error:  # of skl2onnx, each of another kind
        reason = " ".join(str(error).split())[:300]
        raise InvalidInput(
            f"skl2onnx cannot convert this model ({reason}): try dtype='float32', or another "
            f"preparation."
        ) from error
    if names is not None:
        _name_inputs(made.graph, [str(name) for name in names], kinds)
    try:
        return sign(made)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InvalidInput(
            f"skl2onnx does not make valid ONNX from this model in {np.dtype(dtype)} "
            f"({' '.join(str(error).split())[:200]}): try dtype='float32', or another preparation."
        ) from None


def _converted(model: BaseEstimator, inputs: Any, dtype: np.dtype[Any]) -> Any:
    number = DoubleTensorType if dtype == np.float64 else FloatTensorType
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of skl2onnx, to its own developers
        return convert_sklearn(
            model,
            "model",
            initial_types=inputs,
            target_opset={"": OPSET, "ai.onnx.ml": _ML_OPSET},
            custom_conversion_functions={
                OneHotEncoder: partial(_convert_encoder, one_hot_nodes, dtype),
                OrdinalEncoder: partial(_convert_encoder, ordinal_nodes, dtype),
                SimpleImputer: _convert_imputer,
            },
            custom_shape_calculators={
                OneHotEncoder: lambda operator: _set_type(
                    operator.outputs[0], number, [None, one_hot_width(operator.raw_operator)]
                ),
                OrdinalEncoder: lambda operator: _set_type(
                    operator.outputs[0], number, [None, len(operator.raw_operator.categories_)]
                ),
                SimpleImputer: _shape_imputer,
            },
            options=_options(model),
        )


def _options(model: BaseEstimator) -> dict[type, dict[str, bool]]:
    """Ask each classifier for tensors of probabilities, not for dictionaries ("zipmap")."""
    kinds = {type(each) for each in estimators_in(model)}
    aliases = {kind: sklearn_operator_name_map.get(kind) for kind in kinds}
    return {
        kind: {"zipmap": False}
        for kind, alias in aliases.items()
        if alias is not None and "zipmap" in (get_converter(alias).get_allowed_options() or {})
    }


def _name_inputs(graph: onnx.GraphProto, names: Sequence[str], kinds: Sequence[Any]) -> None:
    """Give a graph one input for each column, under its name; rename others of that name."""
    whole = graph.input[0].name if len(graph.input) != len(names) or len(names) == 1 else None
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    new: dict[str, str] = {}
    for name in taken & set(names):
        new[name] = next(n for i in count() if (n := f"{name}_{i}") not in taken | set(names))
        taken.add(new[name])
    if whole is None:
        used = {name for node in graph.node for name in node.input}
        new |= dict(zip((each.name for each in graph.input), names, strict=True))
        for each in [each for each in graph.input if each.name not in used]:
            graph.input.remove(each)  # of a column that is dropped
    for ends in (graph.input, graph.output, graph.initializer):
        for each in ends:
            each.name = new.get(each.name, each.name)
    for node in graph.node:
        for places in (node.input, node.output):
            places[:] = [new.get(name, name) for name in places]
    if whole is not None:
        del graph.input[:]
        for name, kind in zip(names, kinds, strict=True):
            dtype = kind([None, 1]).to_onnx_type().tensor_type.elem_type
            graph.input.append(helper.make_tensor_value_info(name, dtype, [None, 1]))
        whole = new.get(whole, whole)
        graph.node.insert(0, helper.make_node("Concat", list(names), [whole], axis=1))


# --- from skl2onnx's operators to our graphs and back ---------------------------------------------


def _graph(scope: Any, operator: Any) -> Graph:
    is_double = any(isinstance(each.type, DoubleTensorType) for each in operator.inputs)
    dtype = np.float64 if is_double else np.float32
    return Graph(dtype, scope.get_unique_variable_name)


def _numbers(g: Graph, operator: Any) -> str:
    """Return the operator's inputs as one array of the graph's dtype."""
    wanted = DoubleTensorType if g.dtype == np.float64 else FloatTensorType
    parts = [
        each.full_name
        if isinstance(each.type, wanted)
        else g.add("Cast", each.full_name, to=element_type(g.dtype))
        for each in operator.inputs
    ]
    return parts[0] if len(parts) == 1 else g.add("Concat", *parts, axis=1)


def _pour(g: Graph, answers: Sequence[str], scope: Any, operator: Any, container: Any) -> None:
    """Give a graph to skl2onnx, with its results under the names of the operator's outputs."""
    for answer, output in zip(answers, operator.outputs, strict=True):
        g.add("Identity", answer, name=output.full_name)
    container.initializers.extend(g.constants)
    for node in g.nodes:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        container.add_node(
            node.op_type,
            list(node.input),
            list(node.output),
            op_domain=node.domain,
            name=scope.get_unique_operator_name(node.op_type),
            **attributes,
        )


def _set_type(output: Any, kind: Any, shape: Sequence[Any]) -> None:
    output.type = kind(list(shape))


def _number_type(operator: Any) -> Any:
    is_double = any(isinstance(each.type, DoubleTensorType) for each in operator.inputs)
    return DoubleTensorType if is_double else FloatTensorType


# --- our estimators ------------------------------------------------------------------------------


def _parse_classifier(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    labels, classes = labels_of(model), label_classes(labels_of(model))
    if labels.kind in ("binary", "multiclass") and classes[0].dtype.kind in "iU":
        return _parse_sklearn_classifier(scope, model, inputs, custom_parsers)
    # Neither several columns nor other labels fit into skl2onnx's maps by label ("zipmap").
    operator = scope.declare_local_operator("ChainruleMLPClassifier", model)
    operator.inputs = inputs
    for name in ("label", "probabilities"):
        operator.outputs.append(scope.declare_local_variable(name, FloatTensorType()))
    return operator.outputs


def _shape_classifier(operator: Any) -> None:
    model, number = operator.raw_operator, _number_type(operator)
    labels, classes = labels_of(model), label_classes(labels_of(model))
    label, probabilities = operator.outputs
    columns = {"multilabel": labels.n_outputs, "multioutput": len(classes)}.get(labels.kind)
    shape = [None] if columns is None else [None, columns]
    _set_type(label, _LABEL_TYPES[classes[0].dtype.kind], shape)
    if labels.kind == "multioutput":
        probabilities.type = SequenceType(number([None, None]))
    else:
        _set_type(probabilities, number, [None, len(labels.classes)])


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    model, g = operator.raw_operator, _graph(scope, operator)
    h = network_nodes(g, plain_network(network_in(model), g.dtype), _numbers(g, operator))
    answers = [label_nodes(g, model, h), probability_nodes(g, model, h)]
    _pour(g, answers, scope, operator, container)


def _shape_regressor(operator: Any) -> None:
    _, shape = regression_nodes(Graph(np.float64), operator.raw_operator, "h")
    _set_type(operator.outputs[0], _number_type(operator), [None, *shape])


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    model, g = operator.raw_operator, _graph(scope, operator)
    h = network_nodes(g, plain_network(network_in(model), g.dtype), _numbers(g, operator))
    _pour(g, [regression_nodes(g, model, h)[0]], scope, operator, container)


# --- what stands around them ---------------------------------------------------------------------


def _parse_target(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    predicted = _parse_sklearn(scope, model.regressor_, inputs, custom_parsers)
    _require_one_target_or_quantile(model)
    operator = scope.declare_local_operator("ChainruleTransformedTarget", model)
    operator.inputs = predicted
    operator.outputs.append(scope.declare_local_variable("variable", predicted[0].type.__class__()))
    return operator.outputs


def _require_one_target_or_quantile(model: TransformedTargetRegressor) -> None:
    inner: Any = model.regressor_
    for each in estimators_in(inner):
        if isinstance(each, MLPRegressor) and "network_" in vars(each):
            _, shape = regression_nodes(Graph(np.float64), each, "h")
            if len(shape) > 1:
                raise InvalidInput(
                    "This model's own predict fails: a TransformedTargetRegressor cannot "
                    "inverse-transform several quantiles of several targets. Scale the targets "
                    "before, or fit one "
                    "model for each."
                )


def _shape_target(operator: Any) -> None:
    _set_type(operator.outputs[0], _number_type(operator), operator.inputs[0].type.shape)


def _convert_target(scope: Any, operator: Any, container: Any) -> None:
    g = _graph(scope, operator)
    answer = inverse_nodes(g, operator.raw_operator, _numbers(g, operator))
    _pour(g, [answer], scope, operator, container)


def _convert_encoder(nodes: Any, dtype: Any, scope: Any, operator: Any, container: Any) -> None:
    g = Graph(dtype, scope.get_unique_variable_name)  # strings do not give the dtype
    columns: list[tuple[str, bool]] = []
    for each in operator.inputs:
        is_text = isinstance(each.type, StringTensorType)
        name = each.full_name
        if not is_text:
            name = g.add("Cast", name, to=element_type(g.dtype))
        width = each.type.shape[1]
        if width == 1:
            columns.append((name, is_text))
            continue
        for i in range(width or len(operator.raw_operator.categories_)):
            index = g.constant(np.array([i], np.int64), "column")
            columns.append((g.add("Gather", name, index, axis=1), is_text))
    _pour(g, [nodes(g, operator.raw_operator, columns)], scope, operator, container)


def _shape_imputer(operator: Any) -> None:
    imputer, first = operator.raw_operator, operator.inputs[0].type
    is_text = isinstance(first, StringTensorType)
    kept = sum(not is_missing(each) for each in np.asarray(imputer.statistics_))
    indicators = len(imputer.indicator_.features_) if imputer.add_indicator else 0
    kind = StringTensorType if is_text else _number_type(operator)
    _set_type(operator.outputs[0], kind, [None, kept + indicators])


def _convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    g = _graph(scope, operator)
    is_text = isinstance(operator.inputs[0].type, StringTensorType)
    if not is_text:
        x = _numbers(g, operator)
    else:
        parts = [each.full_name for each in operator.inputs]
        x = parts[0] if len(parts) == 1 else g.add("Concat", *parts, axis=1)
    _pour(g, [impute_nodes(g, operator.raw_operator, x, is_text)], scope, operator, container)


for _classifier in (MLPClassifier, MLPClassifierCV):
    update_registered_converter(
        _classifier,
        "ChainruleMLPClassifier",
        _shape_classifier,
        _convert_classifier,
        parser=_parse_classifier,
        options={"zipmap": [True, False, "columns"], "nocl": [False, True]},
    )
for _regressor in (MLPRegressor, MLPRegressorCV):
    update_registered_converter(
        _regressor, "ChainruleMLPRegressor", _shape_regressor, _convert_regressor
    )
update_registered_converter(
    TransformedTargetRegressor,
    "ChainruleTransformedTarget",
    _shape_target,
    _convert_target,
    parser=_parse_target,
)
