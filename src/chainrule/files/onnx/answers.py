"""From a network's hypotheses to an estimator's results: labels, probabilities, predictions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InvalidInput
from chainrule.estimators.labels import Labels
from chainrule.files.onnx.graph import Graph, element_type
from chainrule.files.plain import single
from chainrule.maths.losses import Quantile

__all__ = ["label_classes", "label_nodes", "labels_of", "probability_nodes", "regression_nodes"]


def labels_of(model: Any) -> Labels:
    """Return a fitted classifier's encoding of its labels."""
    return single(model)._labels


def label_classes(labels: Labels) -> list[NDArray[Any]]:
    """Return the classes of each column as ONNX can hold them, all of one type.

    Integers are int64, texts are strings, true and false are booleans, other numbers float64.

    Raises
    ------
    InvalidInput
        If a class is of another kind, or columns of texts and numbers are mixed.
    """
    if labels.kind == "multilabel":
        return [np.array([0, 1])]
    columns = labels.classes if labels.kind == "multioutput" else [labels.classes]
    # As the columns of `predict`, which are one array.
    joined = np.concatenate([np.asarray(column) for column in columns])
    if joined.dtype.kind == "O" and all(isinstance(each, str) for each in joined):
        joined = joined.astype(str)
    kinds = {"b": np.bool_, "i": np.int64, "u": np.int64, "f": np.float64, "U": np.str_}
    if joined.dtype.kind not in kinds:
        raise InvalidInput(
            f"ONNX has no type for these classes: {joined.tolist()[:5]}. Use whole numbers, "
            f"strings, "
            f"or true and false."
        )
    whole = joined.astype(kinds[joined.dtype.kind])
    return np.split(whole, np.cumsum([len(column) for column in columns])[:-1])


def label_nodes(g: Graph, model: Any, h: str) -> str:
    """Add the nodes of `predict`: the likeliest class, or the labels above 1/2."""
    labels, classes = labels_of(model), label_classes(labels_of(model))
    if labels.kind == "multilabel":
        return g.add("Cast", g.add("Greater", h, g.number(0.5)), to=element_type(np.int64))
    if labels.kind == "binary":
        above = g.add("Greater", g.add("Squeeze", h, _axis(g, 1)), g.number(0.5))
        chosen = g.add("Cast", above, to=element_type(np.int64))
        return g.add("Gather", g.constant(classes[0], "classes"), chosen)
    if labels.kind == "multiclass":
        chosen = g.add("ArgMax", h, axis=1, keepdims=0)
        return g.add("Gather", g.constant(classes[0], "classes"), chosen)
    columns = [
        g.add("Gather", g.constant(known, "classes"), g.add("ArgMax", part, axis=1, keepdims=1))
        for known, part in zip(classes, _parts(g, labels, h), strict=True)
    ]
    return g.add("Concat", *columns, axis=1)


def probability_nodes(g: Graph, model: Any, h: str) -> str:
    """Add the nodes of `predict_proba`; several columns of classes make a sequence of tensors."""
    labels = labels_of(model)
    one_vs_all = single(model).network_.architecture.loss.targets == "binary"
    if labels.kind == "binary":
        return g.add("Concat", g.add("Sub", g.number(1), h), h, axis=1)
    if labels.kind == "multioutput":
        parts = _parts(g, labels, h)
        return g.add("SequenceConstruct", *(_shares(g, p) if one_vs_all else p for p in parts))
    return _shares(g, h) if one_vs_all and labels.kind == "multiclass" else h


def regression_nodes(g: Graph, model: Any, h: str) -> tuple[str, list[int]]:
    """Add the nodes of `predict`, and return its name and the shape of one result.

    With one target the shape is (1,), where scikit-learn has a number. Several quantiles are
    sorted, along a separate last axis if there are several targets.
    """
    net = single(model).network_
    made_of, n_outputs = net.architecture.loss.made_of, net.sizes[-1]
    each = len(made_of.numbers) if isinstance(made_of, Quantile) else 1
    if each == 1:
        return h, [n_outputs]
    shape = [n_outputs // each, each] if n_outputs > each else [each]
    by_target = g.add("Reshape", h, g.constant(np.array([-1, *shape], np.int64), "shape"))
    k = g.constant(np.array([each], np.int64), "k")
    names = [g.fresh("sorted"), g.fresh("order")]
    return g.add_several("TopK", [by_target, k], names, axis=-1, largest=0, sorted=1)[0], shape


def _parts(g: Graph, labels: Labels, h: str) -> list[str]:
    """Split the outputs into those of each column."""
    sizes = g.constant(np.array(labels.groups, np.int64), "groups")
    return g.add_several("Split", [h, sizes], [g.fresh("column") for _ in labels.groups], axis=1)


def _shares(g: Graph, h: str) -> str:
    """Divide one-vs-all hypotheses by their sum, equal shares where it is 0."""
    total = g.add("ReduceSum", h, _axis(g, 1), keepdims=1)
    each = g.add("Where", g.add("Equal", total, g.number(0)), g.number(1), h)
    return g.add("Div", each, g.add("ReduceSum", each, _axis(g, 1), keepdims=1))


def _axis(g: Graph, axis: int) -> str:
    return g.constant(np.array([axis], np.int64), "axis")
