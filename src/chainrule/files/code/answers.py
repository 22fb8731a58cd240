"""From a network's hypotheses to its estimator's results, in steps that a program can do."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.maths.arrays import Float
from chainrule.maths.losses import Quantile

__all__ = ["Answers", "answers_of"]


@final
@dataclass(frozen=True)
class Answers:
    """The steps from a network's outputs to the results, in this order.

    Attributes
    ----------
    shares : tuple of int
        The sizes of groups of outputs, each divided by its sum: one-vs-all hypotheses of classes.
    quantiles : tuple of int
        The sizes of groups of outputs, each sorted.
    target : (array, array) or None
        Scale and offset of the inverse transform of a scaled target: for each output, or one for
        all.
    """

    shares: tuple[int, ...] = ()
    quantiles: tuple[int, ...] = ()
    target: tuple[Float, Float] | None = None

    def apply(self, H: Float) -> Float:
        """Return the results for hypotheses of shape (n, K)."""
        H = H.copy()
        for part in _parts(H, self.shares):
            total = part.sum(axis=1, keepdims=True)
            part[...] = np.where(total == 0, 1 / part.shape[1], part / np.where(total, total, 1))
        for part in _parts(H, self.quantiles):
            part.sort(axis=1)
        return H if self.target is None else (H * self.target[0] + self.target[1]).astype(H.dtype)


def answers_of(last: Any, target: tuple[Float, Float] | None = None) -> Answers:
    """Return the steps after the hypotheses of one of our fitted estimators.

    Parameters
    ----------
    last : object
        The estimator; of anything else the hypotheses themselves are the results.
    target : (array, array), optional
        Scale and offset of its target.
    """
    if isinstance(last, MLPClassifier):
        labels = last._labels
        one_vs_all = last.network_.architecture.loss.targets == "binary"
        if one_vs_all and labels.kind in ("multiclass", "multioutput"):
            several = labels.kind == "multioutput"
            return Answers(shares=tuple(labels.groups) if several else (labels.n_outputs,))
    if isinstance(last, MLPRegressor):
        made_of, n_outputs = last.network_.architecture.loss.made_of, last.network_.sizes[-1]
        each = len(made_of.numbers) if isinstance(made_of, Quantile) else 1
        return Answers(quantiles=(each,) * (n_outputs // each) if each > 1 else (), target=target)
    return Answers(target=target)


def _parts(H: Float, sizes: tuple[int, ...]) -> list[Float]:
    """Return views of groups of columns side by side."""
    return np.split(H, np.cumsum(sizes)[:-1], axis=1) if sizes else []
