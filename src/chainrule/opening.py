"""Find the network inside any of our models, however it is wrapped; the one place that does so.

A model is a Network, a Learner, one of our estimators, or one of these inside a Pipeline, a search
for settings, a choice by cross-validation, a TransformedTargetRegressor or another wrapper of
scikit-learn's that holds one fitted model, in any nesting. `take_apart` finds the parts;
`open_model` also carries the user's rows, targets and weights to where the network sees them.
"""

import copy
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from chainrule.architecture.inputs import check_batch, check_X, is_sparse
from chainrule.engines import Examples
from chainrule.errors import InvalidInput
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.training import Learner

__all__ = ["Opened", "Parts", "network_of", "open_model", "output_names", "take_apart"]


@final
@dataclass(frozen=True)
class Parts:
    """The parts of a model.

    Attributes
    ----------
    core : Network, Learner, MLPClassifier or MLPRegressor
        The innermost of our models, fitted.
    before : tuple of Pipeline
        The transformers of the rows, in the order in which they are applied: each one holds the
        steps of a Pipeline before its last.
    targets : tuple of transformers
        The transformers of the targets, in the order in which they are applied.
    """

    core: Any
    before: tuple[Any, ...] = ()
    targets: tuple[Any, ...] = ()

    @property
    def network(self) -> Network:
        """The network in the core."""
        if isinstance(self.core, Network):
            return self.core
        return self.core.net if isinstance(self.core, Learner) else self.core.network_

    @property
    def output_names(self) -> tuple[str, ...]:
        """The label of each output; empty if the core does not know them."""
        classes = getattr(self.core, "classes_", None)
        if classes is None:
            return ()
        if isinstance(classes, list):  # several columns of classes
            return tuple(
                f"{label} (column {i + 1})" for i, of in enumerate(classes) for label in of
            )
        names = tuple(str(label) for label in classes)
        return names[1:] if self.network.sizes[-1] == 1 else names


@final
@dataclass(frozen=True)
class Opened:
    """A model opened on a batch: its network in float64, and the batch as the network sees it.

    Attributes
    ----------
    given : Network
        The model's own network, in its own dtype.
    net : Network
        A copy in float64.
    X, Y, weight : arrays of shape (n, N), (n, K), (n,)
        The batch in float64, X cast to the network's dtype first; Y and the weights may be None.
        A sparse X stays sparse: `dense` converts it.
    targets : array or None
        Y before it was repeated for several outputs of a target (quantiles), as the network's
        methods take it.
    l2, l1 : float
        The notes' lambdas that the model is trained with.
    learner : Learner or None
        The learner that trains the network, if it is known.
    remarks : tuple of str
        Notes about the model, such as the transformations of the data before the network.
    input_names, output_names, labels : tuples of str
        The names of the features, the label of each output, and each example's target as the
        user gave it; empty if they are not known.
    """

    given: Network
    net: Network
    X: Float
    Y: Float | None
    weight: Float | None
    targets: Float | None = None
    l2: float = 0.0
    l1: float = 0.0
    learner: Learner | None = None
    remarks: tuple[str, ...] = ()
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def dense(self) -> "Opened":
        """Return the same with a dense X."""
        X: Any = self.X
        return replace(self, X=X.toarray()) if is_sparse(X) else self

    @property
    def examples(self) -> Examples:
        """The batch for a forward and backward pass."""
        if self.Y is None:
            raise InvalidInput("The targets are needed here: give y as well.")
        return Examples(self.X, self.Y, self.weight)


def take_apart(model: Any) -> Parts:
    """Find our model inside its wrappers, and the transformers around it.

    Parameters
    ----------
    model : Network, Learner, or fitted estimator, Pipeline, search or other wrapper around one

    Returns
    -------
    Parts

    Raises
    ------
    TypeError
        If none of our models is inside.
    ValueError
        If a part is not fitted.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.opening import take_apart
    >>> take_apart(cr.Network([2, 1], loss="squared_error")).network.sizes
    (2, 1)
    """
    inner, before, targets = model, list[Any](), list[Any]()
    while not isinstance(inner, Network | Learner):
        from sklearn.utils.validation import check_is_fitted  # heavy

        from chainrule.estimators.base import BaseMLP

        if isinstance(inner, BaseMLP):
            check_is_fitted(inner)
            break
        if getattr(inner, "steps", None):  # a Pipeline
            check_is_fitted(inner)
            if len(inner.steps) > 1:
                before.append(inner[:-1])
            inner = inner.steps[-1][1]
        elif hasattr(inner, "transformer") and hasattr(inner, "regressor"):
            check_is_fitted(inner)
            targets.append(inner.transformer_)
            inner = inner.regressor_
        elif (held := _held_by(inner)) is not None:
            inner = held
        else:
            inside = "" if inner is model else f", inside a {type(model).__name__}"
            raise TypeError(
                f"This needs a Network, a Learner, or a fitted estimator of chainrule, also "
                f"inside a Pipeline, a search or a TransformedTargetRegressor. "
                f"Got {type(inner).__name__} instead{inside}."
            )
    return Parts(inner, tuple(before), tuple(targets))


def _held_by(wrapper: Any) -> Any:
    """Return the fitted model that a wrapper without steps predicts with, or None.

    That is the model that a search or cross-validation has chosen (``best_estimator_``), or
    the one that a threshold applies to (``estimator_``).
    """
    from sklearn.frozen import FrozenEstimator
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
    from sklearn.utils.validation import check_is_fitted

    if isinstance(wrapper, FrozenEstimator):
        return wrapper.estimator
    if isinstance(wrapper, FixedThresholdClassifier | TunedThresholdClassifierCV):
        check_is_fitted(wrapper)
        return wrapper.estimator_
    if not hasattr(wrapper, "cv"):
        return None
    check_is_fitted(wrapper)
    if hasattr(wrapper, "cv_results_") and not hasattr(wrapper, "best_estimator_"):
        raise TypeError(
            f"This {type(wrapper).__name__} has no model that was trained on all rows: search with "
            f"refit=True, or fit an estimator with the settings that it found."
        )
    return getattr(wrapper, "best_estimator_", None)


def network_of(model: Any) -> Network:
    """Return the network in a model of any kind (see `take_apart`)."""
    return take_apart(model).network


def output_names(model: Any) -> tuple[str, ...]:
    """Return the label of each output of a model; empty if the model does not know them."""
    return take_apart(model).output_names


def open_model(model: Any, X: Any, y: Any = None, sample_weight: Any = None) -> Opened:
    """Open a model on a batch.

    Parameters
    ----------
    model
        As `take_apart` takes it.
    X, y, sample_weight
        The batch as the model takes it; y may be None. A single example may be 1-D.

    Returns
    -------
    Opened

    Raises
    ------
    InvalidInput
        If the data are unusable.
    TypeError, ValueError
        As `take_apart`, and what scikit-learn raises for data that it refuses.
    """
    parts = take_apart(model)
    core, remarks, labels = parts.core, list[str](), ()
    names: tuple[str, ...] = ()
    if not isinstance(core, Network | Learner):
        X, y, sample_weight = _as_rows(X, y, sample_weight)
    for steps in parts.before:
        X = steps.transform(X)
        kinds = " and ".join(type(step).__name__ for _, step in steps.steps)
        remarks.append(
            f"The rows were transformed by the pipeline's steps before the network ({kinds})."
        )
        names = _names_after(steps, names)
    for transformer in parts.targets:
        if y is None:
            continue
        column = np.asarray(y, float)
        column = column[:, None] if column.ndim == 1 else column
        if not labels:
            labels = tuple(", ".join(f"{value:g}" for value in row) for row in column)
        y = transformer.transform(column)
        y = y[:, 0] if y.shape[1] == 1 else y
        remarks.append(
            f"The targets were transformed by {type(transformer).__name__}: the network learns "
            f"them in this form, and its predictions are transformed back."
        )
    batch = _batch_of_core(core, X, y, sample_weight)
    return replace(
        batch,
        remarks=(*remarks, *batch.remarks),
        input_names=names or batch.input_names,
        output_names=parts.output_names,
        labels=labels or batch.labels,
    )


def as_targets(X: Any, y: Any) -> Any:
    """Return y as the targets of a batch: with a table of one row, a single target belongs to it.

    Parameters
    ----------
    X, y
        As the user gave them.

    Examples
    --------
    >>> from chainrule.opening import as_targets
    >>> as_targets([[0.5, 2.0]], 1)
    [1]
    """
    is_single = np.isscalar(y) or (isinstance(y, np.ndarray) and y.ndim == 0)
    if not is_single or is_sparse(X):
        return y
    return [y] if np.ndim(X) == 2 and len(X) == 1 else y


def _as_rows(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Make a batch of one from a single example."""
    if is_sparse(X) or np.ndim(X) != 1:
        return X, y if y is None else as_targets(X, y), sample_weight
    if hasattr(X, "to_frame"):  # a row of a pandas table: with its names
        X = X.to_frame().T
    one_target = y is None or (np.ndim(y) == 1 and np.size(y) == 1)
    one_weight = sample_weight is None or np.ndim(sample_weight) == 1
    return (
        X if np.ndim(X) == 2 else np.asarray(X)[None],
        y if one_target else np.asarray(y)[None],
        sample_weight if one_weight else [sample_weight],
    )


def _names_after(steps: Any, names_before: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns that the steps produce; empty if they do not know them."""
    try:
        found = steps.get_feature_names_out(names_before or None)
    except (AttributeError, ValueError):  # a step that does not know the names of its columns
        return ()
    names = [str(name) for name in found]
    # A ColumnTransformer prefixes the name of its part, which does not describe the column.
    plain = [name.partition("__")[2] or name for name in names]
    return tuple(plain if len(set(plain)) == len(plain) else names)


def _batch_of_core(core: Any, X: Any, y: Any, sample_weight: Any) -> Opened:
    """Open one of our models without a wrapper."""
    if isinstance(core, Network):
        names = core.feature_names or ()
        return replace(_checked(core, X, y, sample_weight), input_names=names)
    if isinstance(core, Learner):
        return replace(
            _checked(core.net, X, y, sample_weight),
            l2=core.l2,
            l1=core.l1,
            learner=core,
            input_names=core.net.feature_names or (),
        )
    return _batch_of_estimator(core, X, y, sample_weight)


def _batch_of_estimator(model: Any, X: Any, y: Any, sample_weight: Any) -> Opened:
    remarks = list[str]()
    learner = vars(model).get("_learner")
    l2 = l1 = 0.0
    if y is None:
        from sklearn.utils.validation import validate_data

        rows: Any = validate_data(
            model, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        batch = _checked(model.network_, rows, None, None)
    else:
        if getattr(model, "class_weight", None) == "balanced":
            model = copy.copy(model)
            setattr(model, "class_weight", None)  # noqa: B010 - the regressor has none
            remarks.append(
                "`class_weight='balanced'` weighs the classes by how often they are in the "
                "training set, which is not known here, so every example counts alike: give "
                "`sample_weight=` to weigh them."
            )
        problem = model.gradient_problem(X, y, sample_weight)
        l2, l1 = problem.l2, problem.l1
        batch = _checked(problem.net, problem.X, problem.Y, problem.sample_weight)
    if learner is None:
        remarks.append(
            "The model was trained by L-BFGS, whose steps follow from searches along lines, "
            "over many costs and gradients, and are not part of the working. The step shown is "
            "one of gradient descent instead."
        )
    one_column = isinstance(getattr(model, "classes_", None), np.ndarray) and y is not None
    labels = np.asarray(y)
    return replace(
        batch,
        l2=l2,
        l1=l1,
        learner=learner,
        remarks=tuple(remarks),
        input_names=tuple(str(name) for name in getattr(model, "feature_names_in_", ())),
        labels=tuple(map(str, labels)) if one_column and labels.ndim == 1 else (),
    )


def _checked(net: Network, X: Any, y: Any, sample_weight: Any) -> Opened:
    Y = weight = None
    if y is None:
        rows = check_X(net.architecture, X)
    else:
        rows, Y, weight = check_batch(net.architecture, X, as_targets(X, y), sample_weight)
    made_of = net.architecture.loss.made_of
    repeated = 1 if made_of is None else made_of.outputs_per_target
    return Opened(
        given=net,
        net=net.copy("float64"),
        X=rows.astype(np.float64),
        Y=None if Y is None else np.array(Y, np.float64),
        weight=None if weight is None else np.array(weight, np.float64),
        targets=None if Y is None else np.array(Y[:, ::repeated], np.float64),
    )
