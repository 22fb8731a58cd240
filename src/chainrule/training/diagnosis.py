"""Diagnoses: what goes wrong in a training, found at little cost, said once, with the remedy.

The inputs are looked at once, some rows of them; the hidden nodes on a few rows after the first
second of a fit and at its end; the cost at its end. What is looked for is what can be told from
that with confidence, and nothing else: a warning that is often wrong is not read.
"""

import math
import statistics
import time
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, final

import numpy as np

from chainrule.architecture.inputs import is_sparse
from chainrule.calls import level_of_the_user
from chainrule.engines import Examples, are_finite, hidden_activations
from chainrule.errors import (
    DeadRectifiers,
    Diverged,
    LearningRateTooLarge,
    SaturatedSigmoids,
    TrainingWarning,
    UnscaledInputs,
    UnscaledTarget,
)
from chainrule.network import Network
from chainrule.training.history import History
from chainrule.training.progress import Watcher

__all__ = ["Diagnosis", "diverged", "require_finite_parameters", "sample", "where_it_diverged"]

_ROWS_OF_INPUTS: Final = 256
_ROWS_OF_NODES: Final = 64
_EPOCHS_AN_EXAMPLE: Final = 4  # of the sample, for the look at it to be the least of the work
_FIRST_LOOK: Final = 1.0  # second

_LARGE_INPUTS: Final = 200.0  # root mean square of a column
_LARGE_SPREAD: Final = 50.0  # its standard deviation
_SURELY_NOT_LARGE: Final = min(
    _LARGE_INPUTS, _LARGE_SPREAD
)  # where no value is as large, no column is
_ROUGHLY_SCALED: Final = 30.0  # up to which root mean square inputs are not to blame
_SMALL_INPUTS: Final = 1e-3  # of the largest column
_SURELY_NOT_SMALL: Final = _SMALL_INPUTS * math.sqrt(
    2 * _ROWS_OF_INPUTS
)  # of one value; 2 for rounding
_LARGE_TARGETS: Final = 200.0  # root mean square, as of inputs
_VERY_LARGE_TARGETS: Final = 1000.0
_SMALL_TARGETS: Final = 0.05
_OF_ANY_SIZE: Final = frozenset({"squared_error", "absolute_error", "huber", "quantile"})
_SHARE_DEAD: Final = 0.9  # of a layer's nodes; half are where all inputs are positive
_SHARE_SATURATED: Final = 0.8  # of a layer's values
_FLAT: Final = 0.01  # of the largest slope
_EPOCHS_TO_JUDGE: Final = 5
_RECENT: Final = 10  # epochs
_RISES: Final = 3  # of them
_ROWS_OF_TARGETS: Final = 1024
_NAMED: Final = 3  # columns

# What |a| or |2a - 1| is beyond where the slope is a hundredth of the largest: tanh' = 1 - a^2.
_SATURATED_BEYOND: Final = math.sqrt(1 - _FLAT)


@final
class Diagnosis(Watcher):
    """Watches one fit, and warns once of each kind of trouble.

    Parameters
    ----------
    net : Network
        The network that is trained.
    examples : Examples
        What it is trained on.
    columns : sequence of str, optional
        The names of the columns of X.
    noisy : bool, default=False
        Whether dropout makes the cost go up and down.
    """

    def __init__(
        self,
        net: Network,
        examples: Examples,
        columns: Sequence[str] | None = None,
        *,
        noisy: bool = False,
    ) -> None:
        self._net, self._examples, self._columns, self._noisy = net, examples, columns, noisy
        self._said = set[type[TrainingWarning]]()
        self.next_time = time.monotonic() + _FIRST_LOOK

    def begin(self) -> None:
        """Look at the inputs and the targets: they should be of the size of 1, as weights are."""
        self._look_at_inputs()
        self._look_at_targets(at_end=False)

    def _look_at_inputs(self) -> None:
        rows = sample(self._examples.X, _ROWS_OF_INPUTS)
        if not is_sparse(rows) and _SURELY_NOT_SMALL < _largest(rows) < _SURELY_NOT_LARGE:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            means, squares = _moments(rows)
            variances = squares - means * means
        largest = float(squares.max())
        large = np.flatnonzero((squares > _LARGE_INPUTS**2) | (variances > _LARGE_SPREAD**2))
        if large.size:
            have = "has values of about" if len(large) == 1 else "have values of up to about"
            size = math.sqrt(largest) if largest < math.inf else float(abs(rows).max())
            self._warn(
                UnscaledInputs,
                f"X is not scaled: {self._named(large)} {have} {size:.3g}, and a network "
                f"learns well from values around 1. Put StandardScaler before it, as in "
                f"make_pipeline(StandardScaler(), ...).",
            )
        elif 0 < largest < _SMALL_INPUTS**2:
            self._warn(
                UnscaledInputs,
                f"X is not scaled: no column has values larger than about "
                f"{math.sqrt(largest):.3g}, and a network learns well from values around 1. Put "
                f"StandardScaler before it, as in make_pipeline(StandardScaler(), ...).",
            )

    def look(self, history: History, epochs_made: float) -> None:
        """Look at the nodes after the first second: what ails them then will not heal."""
        self.next_time = math.inf
        self._look_at_nodes()

    def end(self, history: History) -> None:
        """Look at the nodes, unless the fit was too short for that, and at the cost."""
        M = len(self._examples)
        if len(history) * M >= _EPOCHS_AN_EXAMPLE * min(M, _ROWS_OF_NODES):
            self._look_at_nodes()
        if len(history) >= _RECENT:
            self._look_at_targets(at_end=True)
        self._look_at_costs(history)

    def _look_at_targets(self, *, at_end: bool) -> None:
        """Look how far targets are from the network's hypotheses, in the targets' own units.

        At the beginning only at those that are very large: a network starts near 0, and each step
        moves a weight by about the learning rate. At the end also at those that are large or tiny,
        if the network is then worse than the mean.
        """
        if self._net.architecture.loss.name not in _OF_ANY_SIZE:
            return
        Y = sample(self._examples.Y, _ROWS_OF_INPUTS)
        largest = _largest(Y)
        if not (largest > _LARGE_TARGETS or (at_end and 0 < largest < _SMALL_TARGETS)):
            return
        Y = Y.astype(np.float64)
        H = self._net(sample(self._examples.X, _ROWS_OF_INPUTS))
        missed, spread = ((Y - H) ** 2).mean(axis=0), Y.var(axis=0)
        sizes = np.sqrt((Y**2).mean(axis=0))
        if at_end:
            unlearned = (missed > spread) & (spread > 0)
            unlearned &= (sizes > _LARGE_TARGETS) | (sizes < _SMALL_TARGETS)
        else:
            unlearned = (missed > spread / 2) & (np.sqrt(missed) > _VERY_LARGE_TARGETS)
        if not unlearned.any():
            return
        worst = int(np.argmax(np.where(unlearned, sizes, 0)))
        which = f"column {worst} of y has" if Y.shape[1] > 1 else "y has"
        why = (
            "and the network still predicts it worse than its mean does"
            if at_end
            else "and a network, which begins near 0, takes long to get there"
        )
        self._warn(
            UnscaledTarget,
            f"y is not scaled: {which} values of about {sizes[worst]:.3g} (standard deviation "
            f"{math.sqrt(spread[worst]):.3g}), {why}. Train on (y - y.mean()) / y.std(), or have "
            f"scikit-learn do it and undo it in predict: TransformedTargetRegressor(model, "
            f"transformer=StandardScaler()).",
        )

    def _look_at_nodes(self) -> None:
        net = self._net
        kinds = [g.name for g in net.architecture.activations]
        if not {"relu", "logistic", "tanh"}.intersection(kinds):
            return
        rows = sample(self._examples.X, _ROWS_OF_NODES)
        with np.errstate(over="ignore", invalid="ignore"):
            # By the native engine: a BLAS leaves threads behind that wait for more work, and take
            # the processors from the next fit meanwhile.
            layers = hidden_activations(net.architecture, net.parameters, rows)
            for hidden, (g, a) in enumerate(layers):
                if g.name == "relu":
                    self._look_at_rectifiers(hidden, a)
                elif g.name in ("logistic", "tanh"):
                    self._look_at_sigmoids(hidden, a if g.name == "tanh" else 2 * a - 1, g.name)

    def _look_at_rectifiers(self, hidden: int, a: Any) -> None:
        n = a.shape[1]
        dead = n - np.count_nonzero(a.max(axis=0))
        if dead >= _SHARE_DEAD * n:
            self._warn(
                DeadRectifiers,
                f"{dead} of the {n} rectifiers of {layer_name(self._net, hidden)} give 0 for each "
                f"of {len(a)} rows of X, so they no longer learn. Use a smaller learning rate, or "
                f"activation='leaky_relu', with a new network.",
            )

    def _look_at_sigmoids(self, hidden: int, a: Any, kind: str) -> None:
        saturated = np.count_nonzero(np.abs(a) > _SATURATED_BEYOND) / a.size
        if saturated >= _SHARE_SATURATED:
            bounded = self._net.architecture.loss.hypothesis_name != "identity"
            self._warn(
                SaturatedSigmoids,
                f"{saturated:.0%} of the values of {layer_name(self._net, hidden)} are at the flat "
                f"ends of {kind}, where next to nothing is learned. Standardize "
                f"{'X' if bounded else 'X and y'}, use a smaller learning rate or a larger penalty "
                f"on the weights, or activation='relu', with a new network.",
            )

    def _look_at_costs(self, history: History) -> None:
        """Judge a rate by what the last epochs did to the cost."""
        if len(history) < _EPOCHS_TO_JUDGE:
            return
        start = history[0]["cost"]
        costs = [record["cost"] for record in history[-_RECENT - 1 :]]
        rises = [rise for rise in (b - a for a, b in pairwise(costs)) if rise > 0]
        end = statistics.median(costs[-5:])
        rate = max(history[0]["learning_rate"], history[-1]["learning_rate"])
        if end > (2 if self._noisy else 1.1) * start > 0:
            what = f"rose from {start:.3g} in the first epoch to {end:.3g} in the last ones"
        elif len(rises) < _RISES or self._noisy:
            return  # it falls, or that says nothing
        elif _moments(sample(self._examples.X, _ROWS_OF_INPUTS))[1].max() > _ROUGHLY_SCALED**2:
            return  # the inputs may be to blame
        else:
            zeros, rise = self._cost_of_zeros(), sum(rises) / len(rises)
            if end > 1.25 * zeros and rise > 0.05 * end:
                what = f"does not fall below {end:.3g}, where weights of 0 would have {zeros:.3g}"
            elif rise > 0.1 * min(start, zeros) > 0:
                what = f"goes up and down by {rise:.3g} from epoch to epoch"
            else:
                return
        self._warn(
            LearningRateTooLarge,
            f"The cost {what}: the learning rate {rate:g} is too large. Try a tenth of it, "
            f"{rate / 10:g}.",
        )

    def _cost_of_zeros(self) -> float:
        """Return the mean loss where z = 0 at the output, which any network can reach."""
        Y, weight = sample(self._examples.Y, _ROWS_OF_TARGETS), self._examples.weight
        weight = None if weight is None else sample(weight, _ROWS_OF_TARGETS)
        loss = self._net.architecture.loss
        with np.errstate(all="ignore"):
            losses = loss.per_example(np.zeros((len(Y), self._net.sizes[-1]), Y.dtype), Y)
            mean = float(np.average(losses, weights=weight if np.any(weight) else None))
        return mean if math.isfinite(mean) else math.inf

    def _named(self, columns: Any) -> str:
        """Name some columns, not all of many."""
        if len(columns) == 1:
            return f"column {self._name(columns[0])}"
        names = [self._name(column) for column in columns[:_NAMED]]
        more = len(columns) - len(names)
        listed = ", ".join(names) if more else f"{', '.join(names[:-1])} and {names[-1]}"
        return f"columns {listed}{f' and {more} more' if more else ''}"

    def _name(self, column: int) -> str:
        return str(column) if self._columns is None else repr(str(self._columns[column]))

    def _warn(self, kind: type[TrainingWarning], message: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            warnings.warn(message, kind, stacklevel=level_of_the_user())


def where_it_diverged(net: Network, X: Any) -> str:
    """Say in which layer a network whose cost is not a number is broken, and its largest weight.

    Parameters
    ----------
    net : Network
        With the weights that gave that cost, or that an update made infinite.
    X : array or sparse matrix
        Rows that it was computed from, or some of them.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> from chainrule.training.diagnosis import where_it_diverged
    >>> net = cr.Network([1, 2, 1], activation="relu", init="zeros", loss="squared_error")
    >>> net.weights[0][...] = 1e30
    >>> print(where_it_diverged(net, np.array([[1e10]], "float32")))
    z is inf in hidden layer 1; the largest weight is 1e+30, in hidden layer 1
    """
    sizes = [_largest(W) for W in net.weights]
    finite = [size for size in sizes if math.isfinite(size)]
    weight = (
        f"the largest {'finite ' if len(finite) < len(sizes) else ''}weight is {max(finite):.3g}, "
        f"in {layer_name(net, sizes.index(max(finite)))}"
        if finite
        else "no layer has only finite weights"
    )
    for broken, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        for values in (W, b):
            if not math.isfinite(size := _largest(values)):
                return f"a weight is {size} in {layer_name(net, broken)}; {weight}"
    a = sample(X, _ROWS_OF_INPUTS)
    largest = list[float]()
    with np.errstate(all="ignore"):
        for W, b, g in zip(
            net.weights, net.biases, (*net.architecture.activations, None), strict=True
        ):
            z = a @ W + b
            largest.append(_largest(z))
            if g is None or not math.isfinite(largest[-1]):
                break
            a = g(z)
    bad = [size for size in largest if not math.isfinite(size)]
    worst = bad[0] if bad else max(largest)
    size = f"{worst}" if bad else f"as large as {worst:.3g}"
    return f"z is {size} in {layer_name(net, largest.index(worst))}; {weight}"


def _moments(rows: Any) -> tuple[Any, Any]:
    """Return the mean and the mean square of each column."""
    n, width = rows.shape
    with np.errstate(over="ignore", invalid="ignore"):
        if is_sparse(rows):
            columns, values = rows.indices, rows.data.astype(np.float64)
            return (
                np.bincount(columns, values, minlength=width) / n,
                np.bincount(columns, values * values, minlength=width) / n,
            )
        return rows.sum(axis=0) / n, np.einsum("ij,ij->j", rows, rows) / n


def _largest(values: Any) -> float:
    """Return the largest absolute value; NaN if there is one."""
    return float(np.abs(values).max())


def layer_name(net: Network, weights: int) -> str:
    """Return what the layer is called that these weights lead to."""
    return "the output layer" if weights == len(net.sizes) - 2 else f"hidden layer {weights + 1}"


def sample(X: Any, n_rows: int) -> Any:
    """Return up to so many rows, spread over all of X."""
    return X[:: max(1, -(-X.shape[0] // n_rows))]  # also where X is some rows of another


def require_finite_parameters(learner: Any, X: Any) -> None:
    """Raise if the last update, which no cost has seen yet, went to infinity."""
    if not are_finite(learner.net.theta):
        raise diverged(learner, "The weights became infinite or NaN", X)


def diverged(learner: Any, what: str, X: Any) -> Diverged:
    """Return the error that says when and where a training diverged, and what helps."""
    return Diverged(
        f"{what} at step {learner.n_steps} (epoch {learner.n_epochs + 1}), with the learning rate "
        f"{learner.learning_rate:g}: {where_it_diverged(learner.net, X)}. Standardize X, or try a "
        f"tenth of the rate, with a new Network and a new Learner."
    )
