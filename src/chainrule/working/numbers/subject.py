"""The model to explain, opened on a batch that is small enough to show."""

from dataclasses import replace
from typing import Any

from chainrule.architecture.checks import check_number
from chainrule.errors import InvalidInput
from chainrule.opening import Opened, open_model

__all__ = ["MOST_EXAMPLES", "subject_of"]

MOST_EXAMPLES = 256
MOST_COMPARED = 4096


def subject_of(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    l2: float | None,
    l1: float | None,
    *,
    compared: bool = False,
) -> Opened:
    """Open a model, with other penalties if they are asked for.

    Parameters
    ----------
    model
        As `open_model` takes it.
    X, y, sample_weight
        The batch as the model takes it; y may be None.
    l2, l1 : float or None
        The notes' lambdas; None for the model's own.
    compared : bool
        Whether gradients are compared, which takes more examples than a page.

    Returns
    -------
    Opened

    Raises
    ------
    InvalidInput
        If the data are unusable, or there are too many examples.
    TypeError
        If the model is of another kind.
    """
    opened = open_model(model, X, y, sample_weight)
    most = MOST_COMPARED if compared else MOST_EXAMPLES
    n = opened.X.shape[0]
    if n > most:
        why = (
            "Finite differences take two passes for each parameter, so gradients are compared over"
            if compared
            else "A derivation is worked out for one example or a small batch,"
        )
        raise InvalidInput(
            f"{why} at most {most} examples. Got {n}: give some of the rows, such as "
            f"X[:{256 if compared else 4}]."
        )
    return replace(
        opened.dense(),
        l2=check_number("l2", opened.l2 if l2 is None else l2),
        l1=check_number("l1", opened.l1 if l1 is None else l1),
    )
