"""Output pairs for classes: cross entropy, log loss, groups of classes, with label smoothing.

Smoothing by e replaces the certain target by y (1 - e) + e/K, K being the number of classes that
compete: 2 for a logistic output, else those of the softmax. delta stays h - y, with that y: it is
0 at h = 1 - e + e/K instead of at infinite z, so that the network is never trained to be certain.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from scipy.special import expit

from chainrule.errors import InvalidParameter
from chainrule.maths.activations import softplus
from chainrule.maths.arrays import Float
from chainrule.maths.loss import Loss, Parametric, as_number

__all__ = ["CrossEntropy", "GroupedLogLoss", "LogLoss"]


# Logistic + cross entropy (8.2, B.1; blog image 21). With h = 1/(1 + e^-z):
#   -log h = softplus(-z) and -log(1 - h) = softplus(z).
def cross_entropy(z: Float, y: Float) -> Float:
    """-sum_k [y log h + (1 - y) log(1 - h)]."""
    return (y * softplus(-z) + (1 - y) * softplus(z)).sum(axis=1)


# Softmax + log loss (8.3, A.3, B.2): -log h_y = log sum_k e^(z_k) - z_y. Subtracting the largest
# z first changes nothing and keeps e^z in range.
def softmax(z: Float) -> Float:
    """exp(z) / sum_k exp(z_k)."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_loss(z: Float, y: Float) -> Float:
    """-sum_k y_k log h_k; -log h_y for one-hot y."""
    shifted = z - z.max(axis=1, keepdims=True)
    log_h = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(y * log_h).sum(axis=1)


@final
@dataclass(frozen=True)
class CrossEntropy(Parametric):
    """The cross entropy of logistic outputs, with label smoothing.

    With h = 1/(1 + exp(-z)) and y' = y (1 - e) + e/2, summed over the outputs,

        loss = -[y' log h + (1 - y') log(1 - h)];    delta^(L) = dloss/dz = h - y'.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        e, in [0, 1). ``CrossEntropy()`` is ``"cross_entropy"``.

    Raises
    ------
    InvalidParameter
        If label_smoothing is outside [0, 1).

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], loss=cr.CrossEntropy(0.2), init="zeros", dtype="float64")
    >>> net.trace([[0.0]], [1]).delta[-1].round(12).tolist()  # 0.5 - 0.9
    [[-0.4]]
    """

    label_smoothing: float = 0.0
    name: ClassVar[str] = "cross_entropy"

    def __post_init__(self) -> None:
        """Check the smoothing."""
        object.__setattr__(self, "label_smoothing", _smoothing(self, self.label_smoothing))

    @property
    def numbers(self) -> tuple[float, ...]:
        """The smoothing."""
        return (self.label_smoothing,)

    def make_pair(self) -> Loss:
        """Make the output pair."""
        smooth = _smoother(self.label_smoothing)
        return Loss(
            self.name,
            "logistic",
            expit,
            lambda z, y: cross_entropy(z, smooth(y, 2)),
            lambda z, h, y: h - smooth(y, 2),
            "binary",
            made_of=self,
        )


@final
@dataclass(frozen=True)
class LogLoss(Parametric):
    """The log loss of a softmax, with label smoothing.

    With h = softmax(z) and y' = y (1 - e) + e/K for K classes,

        loss = -sum_k y'_k log h_k;    delta^(L) = dloss/dz = h - y'.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        e, in [0, 1). ``LogLoss()`` is ``"log_loss"``.

    Raises
    ------
    InvalidParameter
        If label_smoothing is outside [0, 1).

    References
    ----------
    Szegedy, C. and others, "Rethinking the Inception architecture for computer vision", CVPR
    2016; the same as in PyTorch's CrossEntropyLoss.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 2], loss=cr.LogLoss(0.2), init="zeros", dtype="float64")
    >>> net.trace([[0.0]], [1]).delta[-1].round(12).tolist()  # 0.5 - 0.1, 0.5 - 0.9
    [[0.4, -0.4]]
    """

    label_smoothing: float = 0.0
    name: ClassVar[str] = "log_loss"

    def __post_init__(self) -> None:
        """Check the smoothing."""
        object.__setattr__(self, "label_smoothing", _smoothing(self, self.label_smoothing))

    @property
    def numbers(self) -> tuple[float, ...]:
        """The smoothing."""
        return (self.label_smoothing,)

    def make_pair(self) -> Loss:
        """Make the output pair."""
        smooth = _smoother(self.label_smoothing)
        return Loss(
            self.name,
            "softmax",
            softmax,
            lambda z, y: log_loss(z, smooth(y, y.shape[1])),
            lambda z, h, y: h - smooth(y, y.shape[1]),
            "classes",
            made_of=self,
        )


@final
@dataclass(frozen=True)
class GroupedLogLoss(Parametric):
    """Several softmax groups side by side: one class of each group per example.

    Over the groups G of outputs, with h_k = exp(z_k) / sum over G of exp(z) and
    y' = y (1 - e) + e/K_G for the K_G classes of the group,

        loss = -sum over G, sum over k in G of y'_k log h_k;    delta^(L) = dloss/dz = h - y'.

    Parameters
    ----------
    groups : sequence of int
        The number of classes of each group, at least 2; their sum is the number of outputs.
    label_smoothing : float, default=0.0
        e, in [0, 1).

    Raises
    ------
    InvalidParameter
        If groups are not whole numbers, at least 2, or label_smoothing is outside [0, 1).

    Examples
    --------
    Y holds one class index per group, or the groups' one-hot rows side by side:

    >>> import chainrule as cr
    >>> net = cr.Network([1, 5], loss=cr.GroupedLogLoss([3, 2]), init="zeros", dtype="float64")
    >>> net([[0.0]]).round(2).tolist()
    [[0.33, 0.33, 0.33, 0.5, 0.5]]
    >>> net.trace([[0.0]], [[2, 0]]).delta[-1].round(2).tolist()
    [[0.33, 0.33, -0.67, -0.5, 0.5]]
    """

    groups: Sequence[int]
    label_smoothing: float = 0.0
    name: ClassVar[str] = "grouped_log_loss"

    def __post_init__(self) -> None:
        """Check the parameters, and keep the groups as a tuple."""
        given = self.groups
        listed = [as_number(k) for k in given] if isinstance(given, Iterable) else []  # pyright: ignore[reportUnnecessaryIsInstance] - this is the check
        if not listed or not all(k >= 2 and k.is_integer() for k in listed):
            raise InvalidParameter(
                f"groups of GroupedLogLoss must be whole numbers, at least 2 classes each, such as "
                f"[3, 2]. Got {given!r} instead."
            )
        object.__setattr__(self, "groups", tuple(map(int, listed)))
        object.__setattr__(self, "label_smoothing", _smoothing(self, self.label_smoothing))

    @property
    def numbers(self) -> tuple[float, ...]:
        """The smoothing, then the sizes of the groups."""
        return (self.label_smoothing, *map(float, self.groups))

    @property
    def columns(self) -> list[slice]:
        """The outputs of each group."""
        ends = np.cumsum(self.groups).tolist()
        return [slice(end - k, end) for k, end in zip(self.groups, ends, strict=True)]

    def misfit(self, n_outputs: int) -> str | None:
        """Return an error message if the number of outputs does not match the groups."""
        if n_outputs == sum(self.groups):
            return None
        return (
            f"{self!r} needs {sum(self.groups)} outputs, one per class of each group. Got "
            f"{n_outputs}: change the last of the sizes, or the groups."
        )

    def make_pair(self) -> Loss:
        """Make the output pair."""
        smooth, columns = _smoother(self.label_smoothing), self.columns

        def hypothesis(z: Float) -> Float:
            return np.concatenate([softmax(z[:, group]) for group in columns], axis=1)

        def smoothed(y: Float) -> list[Float]:
            return [smooth(y[:, group], group.stop - group.start) for group in columns]

        def per_example(z: Float, y: Float) -> Float:
            targets = zip(columns, smoothed(y), strict=True)
            each = [log_loss(z[:, group], target) for group, target in targets]
            return np.sum(each, axis=0)

        def delta(z: Float, h: Float, y: Float) -> Float:
            return h - np.concatenate(smoothed(y), axis=1)

        return Loss(self.name, "softmax", hypothesis, per_example, delta, "groups", made_of=self)


def _smoothing(loss: Parametric, given: object) -> float:
    number = as_number(given)
    if not 0 <= number < 1:
        raise InvalidParameter(
            f"label_smoothing of {type(loss).__name__} must be a number in [0, 1). Got {given!r} "
            f"instead."
        )
    return number


def _smoother(e: float) -> Callable[[Float, int], Float]:
    """Return the function that smooths y among the given number of classes."""
    if not e:
        return lambda y, _: y
    return lambda y, n_classes: (1 - e) * y + e / n_classes
