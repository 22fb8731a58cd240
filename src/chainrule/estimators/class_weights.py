"""What each class counts, and with it each example.

One rule for all examples, trained on or only judged by: an example counts its sample weight times
the weight of its class. What the classes count is learned once, from the labels that are trained
on, and holds for the validation examples too, whatever their own frequencies are: a score then
judges by the cost that is minimized.
"""

from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

from chainrule.errors import InvalidParameter
from chainrule.estimators.labels import Labels
from chainrule.maths.arrays import Float

__all__ = ["class_weights", "require_class_weight", "weights_by_class"]

_TWO = np.array([0, 1])  # the classes of each column of a multi-label target


def require_class_weight(given: Any) -> None:
    """Make sure that `class_weight` could be one, whatever the classes are.

    Raises
    ------
    InvalidParameter
        If not.
    """
    for by_label in given if isinstance(given, list) else [given]:
        if not isinstance(by_label, dict):
            if isinstance(given, list):
                raise InvalidParameter(
                    f"The 'class_weight' parameter of MLPClassifier must be a dict, a list of "
                    f"dicts (one for each column of classes), 'balanced' or None. Got "
                    f"{given!r} instead."
                )
            continue
        unusable = {
            label: weight
            for label, weight in by_label.items()
            if not (isinstance(weight, Real) and 0 <= float(weight) < np.inf)
        }
        if unusable:
            raise InvalidParameter(
                f"The 'class_weight' parameter of MLPClassifier must be a dict of finite "
                f"weights >= 0, 'balanced' or None. Got {unusable!r} in it instead."
            )


def class_weights(given: Any, labels: Labels, y: Any) -> Any:
    """Return the weight of each class where these labels are trained on; None if all are 1.

    Parameters
    ----------
    given : dict, list of dict, "balanced" or None
        The parameter `class_weight`.
    labels : Labels
        The classes.
    y : array-like
        The labels that are trained on. "balanced" gives class c of K that occur n_c times in n
        examples the weight n / (K n_c), as scikit-learn does, and 0 to one that does not occur.

    Returns
    -------
    array of shape (n_classes,), list of arrays, or None
        A list, one entry for each column, where there are several: of a multi-label target the
        weights of 0 and 1.

    Raises
    ------
    InvalidParameter
        If it is not for this kind of target.
    ValueError
        If it names classes that there are not.
    """
    if given is None:
        return None
    columns = list(_columns(labels, y))
    each = [given] * len(columns)
    if labels.kind == "multilabel" and given != "balanced":
        raise InvalidParameter(
            f"The 'class_weight' parameter of MLPClassifier must be 'balanced' or None for "
            f"multi-label targets, whose rows are in several classes. Got {given!r} instead: give "
            f"sample_weight to fit."
        )
    if labels.kind == "multioutput" and given != "balanced":
        if not isinstance(given, list) or len(given) != len(columns):  # pyright: ignore[reportUnknownArgumentType] - the user's
            raise InvalidParameter(
                f"The 'class_weight' parameter of MLPClassifier must be 'balanced', None or a list "
                f"of {len(columns)} dicts for {len(columns)} columns of classes. Got {given!r} "
                f"instead."
            )
        each = given
    elif isinstance(given, list):
        raise InvalidParameter(
            "The 'class_weight' parameter of MLPClassifier must be a dict, 'balanced' or None "
            "for one column of classes. Got a list instead, which is for several."
        )
    weights = [
        _balanced(classes, column) if by_label == "balanced" else _given(by_label, classes)
        for by_label, (classes, column) in zip(each, columns, strict=True)
    ]
    return weights[0] if labels.kind in ("binary", "multiclass") else weights


def weights_by_class(by_class: Any, labels: Labels, y: Any) -> Float:
    """Return the weight of each example by its class, or the product over its columns (float64)."""
    weight: Any = None
    each = by_class if isinstance(by_class, list) else [by_class]
    for of_classes, (classes, column) in zip(each, _columns(labels, y), strict=True):
        factor = of_classes[np.searchsorted(classes, column)]
        weight = factor if weight is None else weight * factor
    return weight


def _given(by_label: Mapping[Any, float], classes: Any) -> Float:
    """Return the weights of a dict, 1 for classes that it leaves out.

    scikit-learn takes the class "01" for the number 1, so it does not find it.
    """
    labels: list[Any] = np.asarray(classes).tolist()
    without = [label for label in labels if label not in by_label]
    if without and len(labels) - len(without) != len(by_label):
        raise ValueError(f"The classes, {without}, are not in class_weight")
    return np.array([float(by_label.get(label, 1.0)) for label in labels])


def _balanced(classes: Any, column: Any) -> Float:
    counts = np.bincount(np.searchsorted(classes, column), minlength=len(classes))
    occurs = counts > 0
    return np.divide(
        len(column), np.count_nonzero(occurs) * counts, where=occurs, out=np.zeros(len(classes))
    )


def _columns(labels: Labels, y: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the classes of each column of labels, and the column."""
    if labels.kind == "multioutput":
        yield from zip(labels.classes, np.asarray(y).T, strict=True)
    elif labels.kind != "multilabel":
        yield labels.classes, y
    else:
        dense: Any = y.toarray() if sparse.issparse(y) else np.asarray(y)  # pyright: ignore[reportAttributeAccessIssue] - sparse
        for column in dense.T:
            yield _TWO, column
