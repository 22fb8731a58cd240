"""What is to be explained: a model of any kind, taken apart to a network and its batch."""

from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from chainrule.architecture.checks import check_number
from chainrule.architecture.inputs import check_batch, check_X, is_sparse
from chainrule.errors import InvalidInput
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.training import Learner
from chainrule.working.formulas.document import Inline

__all__ = ["MOST_EXAMPLES", "Opened", "Subject", "as_targets", "subject_of"]

MOST_EXAMPLES = 256
MOST_COMPARED = 4096


@final
@dataclass(frozen=True)
class Subject:
    """A network in float64, a batch as it sees it, and what else belongs to the model.

    Attributes
    ----------
    given : Network
        The model's own network, in its own dtype.
    net : Network
        A copy in float64.
    X, Y, weight : arrays
        The batch in float64, X cast to the network's dtype first; Y and the weights may be None.
    l2, l1 : float
        The notes' lambdas.
    learner : Learner or None
        What trains the network, if that is known.
    remarks : tuple of inlines
        What was done with the data before the network saw them, and the like.
    targets : array or None
        Y before it was repeated for several outputs of a target (quantiles), as the network's
        methods take it.
    input_names, output_names, labels : tuples of str
        The names of the features, what each output stands for, and each example's target in the
        user's words; empty where they are not known.
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
    remarks: tuple[tuple[Inline, ...], ...] = ()
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Opened:
    """A model that is no network yet: its network and data, still unchecked."""

    net: Network
    X: Any
    Y: Any
    weight: Any
    l2: float = 0.0
    l1: float = 0.0
    learner: Learner | None = None
    remarks: tuple[tuple[Inline, ...], ...] = ()
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    labels: tuple[str, ...] = field(default=())


def subject_of(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    l2: float | None,
    l1: float | None,
    *,
    compared: bool = False,
) -> Subject:
    """Take a model apart.

    Parameters
    ----------
    model : Network, Learner, fitted estimator, or Pipeline or search that ends in one
    X, y, sample_weight
        The batch as the model takes it; y may be None.
    l2, l1 : float or None
        The notes' lambdas; None for the model's own.
    compared : bool
        Whether gradients are compared, which takes more examples than a page.

    Returns
    -------
    Subject

    Raises
    ------
    InvalidInput
        If the data are unusable, or there are too many examples.
    TypeError
        If the model is of another kind.
    """
    if isinstance(model, Network):
        opened = Opened(model, X, y, sample_weight, input_names=model.feature_names or ())
    elif isinstance(model, Learner):
        names = model.net.feature_names or ()
        opened = Opened(
            model.net, X, y, sample_weight, model.l2, model.l1, model, input_names=names
        )
    else:
        from chainrule.working.numbers.estimators import opened_estimator  # scikit-learn is heavy

        opened = opened_estimator(model, X, y, sample_weight)
    opened = replace(
        opened,
        l2=check_number("l2", opened.l2 if l2 is None else l2),
        l1=check_number("l1", opened.l1 if l1 is None else l1),
    )
    return _checked(opened, compared=compared)


def as_targets(X: Any, y: Any) -> Any:
    """Return y as a batch's: beside a table of one row, a single target is that row's.

    Parameters
    ----------
    X, y
        As the user gave them.

    Examples
    --------
    >>> from chainrule.working.numbers.subject import as_targets
    >>> as_targets([[0.5, 2.0]], 1)
    [1]
    """
    one_row = not is_sparse(X) and np.ndim(X) == 2 and len(X) == 1
    return [y] if one_row and np.ndim(y) == 0 else y


def _checked(opened: Opened, *, compared: bool) -> Subject:
    net = opened.net
    Y, weight = None, None
    if opened.Y is None:
        X = check_X(net.architecture, opened.X)
    else:
        targets = as_targets(opened.X, opened.Y)
        X, Y, weight = check_batch(net.architecture, opened.X, targets, opened.weight)
    most = MOST_COMPARED if compared else MOST_EXAMPLES
    if X.shape[0] > most:
        why = (
            "Finite differences take two passes for each parameter, so gradients are compared over"
            if compared
            else "A derivation is worked out for one example or a small batch,"
        )
        raise InvalidInput(
            f"{why} at most {most} examples. Got {X.shape[0]}: give some of the rows, such as "
            f"X[:{256 if compared else 4}]."
        )
    dense: Any = X.toarray() if is_sparse(X) else X
    given = {f: getattr(opened, f) for f in ("l2", "l1", "learner", "remarks")}
    names = {f: getattr(opened, f) for f in ("input_names", "output_names", "labels")}
    made_of = net.architecture.loss.made_of
    repeated = 1 if made_of is None else made_of.outputs_per_target
    return Subject(
        given=net,
        net=net.copy("float64"),
        X=np.array(dense, np.float64),
        Y=None if Y is None else np.array(Y, np.float64),
        weight=None if weight is None else np.array(weight, np.float64),
        targets=None if Y is None else np.array(Y[:, ::repeated], np.float64),
        **given,
        **names,
    )
