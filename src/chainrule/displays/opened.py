"""Models of any kind, opened: the network in them, and what it sees of the user's rows."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from chainrule.architecture.inputs import check_batch, check_X, is_sparse
from chainrule.engines import Examples
from chainrule.errors import InvalidInput
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.training import Learner
from chainrule.working.numbers.subject import as_targets

__all__ = ["Batch", "batch_of", "network_of", "output_names_of"]


@final
@dataclass(frozen=True)
class Batch:
    """A network in float64 with checked data, and what else belongs to the model.

    Attributes
    ----------
    net : Network
        A copy in float64.
    X : array of shape (n, N)
    Y : array of shape (n, K) or None
    weight : array of shape (n,) or None
    l2, l1 : float
        The notes' lambdas.
    input_names, output_names : tuples of str
        Empty where they are not known.
    """

    net: Network
    X: Float
    Y: Float | None
    weight: Float | None
    l2: float = 0.0
    l1: float = 0.0
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()

    @property
    def examples(self) -> Examples:
        """What is propagated, forward and back."""
        if self.Y is None:
            raise InvalidInput("This picture needs the targets: give y as well.")
        return Examples(self.X, self.Y, self.weight)


def network_of(model: Any) -> Network:
    """Return the network of a Network, Learner, fitted estimator or Pipeline that ends in one.

    Raises
    ------
    TypeError
        If the model is of another kind.
    ValueError
        If an estimator is not fitted.
    """
    if isinstance(model, Network):
        return model
    if isinstance(model, Learner):
        return model.net
    return estimator_in(model).network_


def estimator_in(model: Any) -> Any:
    """Return chainrule's estimator in a model of scikit-learn's, fitted."""
    from sklearn.utils.validation import check_is_fitted

    from chainrule.estimators.base import BaseMLP
    from chainrule.working.numbers.estimators import chosen_by

    inner = model
    while not isinstance(inner, BaseMLP):
        if hasattr(inner, "steps") and inner.steps:  # a Pipeline
            inner = inner.steps[-1][1]
        elif hasattr(inner, "transformer") and hasattr(inner, "regressor"):
            check_is_fitted(inner)
            inner = inner.regressor_
        elif hasattr(inner, "cv") and (chosen := chosen_by(inner)) is not None:  # by a search
            inner = chosen
        else:
            raise TypeError(
                f"Only a Network, a Learner, a fitted estimator of chainrule or a Pipeline that "
                f"ends in one can be drawn. Got {type(model).__name__} instead."
            )
    check_is_fitted(inner)
    return inner


def output_names_of(model: Any) -> tuple[str, ...]:
    """Return what each output stands for, as far as the model knows."""
    if isinstance(model, Network | Learner):
        return ()
    inner = estimator_in(model)
    classes = getattr(inner, "classes_", None)
    if classes is None or isinstance(classes, list):
        return ()
    names = tuple(str(label) for label in classes)
    return names[1:] if inner.network_.sizes[-1] == 1 else names


def batch_of(model: Any, X: Any, y: Any = None, sample_weight: Any = None) -> Batch:
    """Return the model's network, with the data as it sees them.

    Raises
    ------
    InvalidInput
        If X, y or the weights are unusable.
    TypeError
        If the model is of another kind.
    """
    if isinstance(model, Network):
        return _checked(model, X, y, sample_weight, input_names=model.feature_names or ())
    if isinstance(model, Learner):
        names = model.net.feature_names or ()
        return _checked(model.net, X, y, sample_weight, model.l2, model.l1, input_names=names)
    estimator_in(model)
    from chainrule.working.numbers.estimators import opened_estimator  # scikit-learn is heavy

    o = opened_estimator(model, X, y, sample_weight)
    return _checked(o.net, o.X, o.Y, o.weight, o.l2, o.l1, o.input_names, o.output_names)


def _checked(
    net: Network,
    X: Any,
    y: Any,
    weight: Any,
    l2: float = 0.0,
    l1: float = 0.0,
    input_names: tuple[str, ...] = (),
    output_names: tuple[str, ...] = (),
) -> Batch:
    if y is None:
        rows, Y, w = check_X(net.architecture, X), None, None
    else:
        rows, Y, w = check_batch(net.architecture, X, as_targets(X, y), weight)
        Y = np.array(Y, np.float64)
        w = None if w is None else np.array(w, np.float64)
    dense: Any = rows.toarray() if is_sparse(rows) else rows
    X64 = np.array(dense, np.float64)
    return Batch(net.copy("float64"), X64, Y, w, l2, l1, input_names, output_names)
