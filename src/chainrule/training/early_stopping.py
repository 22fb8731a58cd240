"""Early stopping: judge each epoch on examples that were not trained on, and keep the best weights.

Prechelt, "Early stopping - but when?", 1998.
"""

import math
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, final
from weakref import WeakKeyDictionary

import numpy as np

from chainrule.architecture.checks import check_number
from chainrule.architecture.inputs import check_batch
from chainrule.calls import level_of_the_user, says_what_was_meant
from chainrule.engines import Examples, losses_of, weighted_sums
from chainrule.errors import CheckpointMismatch, InvalidFile, InvalidParameter, TrainingWarning
from chainrule.network import Network
from chainrule.training.history import Record
from chainrule.training.identity import digest_of_rows

__all__ = ["EarlyStopping", "Judge", "validation_loss"]


def validation_loss(net: Network, examples: Examples, z: Any = None) -> float:
    """Return the mean loss of checked examples, by their weights, without penalties.

    Parameters
    ----------
    net : Network
    examples : Examples
    z : array of shape (n, K), optional
        The weighted sums of the output, if they are known.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a diverged network has no finite loss
        if z is None:
            z = weighted_sums(net.architecture, net.parameters, examples.X)
        return losses_of(net.architecture, z, examples)


@final
@dataclass
class Judge:
    """Judges epochs by a score, greater is better, and remembers the best one's weights.

    As in scikit-learn: an epoch improves if its score is at least the best before plus `tol`, and
    more than `n_iter_no_change` epochs in a row without that end the training, if the learning
    rate cannot be reduced instead.

    Attributes
    ----------
    measure : callable
        Returns the score and the loss of a network as it is now.
    tol, n_iter_no_change : float
        The smallest improvement that counts, and how many epochs in a row may lack it.
    best_theta : array
        The weights of the best epoch; before the first, those at the start.
    best_score : float
        Its score.
    scores, losses : list of float
        Of each epoch.
    stops : bool
        Whether it ends the training; else it only watches.
    """

    measure: Callable[[Network], tuple[float, float]]
    tol: float
    n_iter_no_change: float
    best_theta: Any
    best_score: float = -math.inf
    scores: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    stops: bool = True
    verbose: bool = False
    without_improvement: int = 0
    plateaued: bool = False

    @property
    def has_scored(self) -> bool:
        """Whether there is a best epoch, of this fit or of one before."""
        return self.best_score > -math.inf

    def __call__(self, learner: Any, record: Record) -> bool:
        """Judge the network as it is now, and say whether to stop."""
        score, loss = self.measure(learner.net)
        self.scores.append(score)
        self.losses.append(loss)
        if self.verbose:
            print(f"Validation score: {score:f}")  # noqa: T201 - verbose output
        # A score that is NaN is no improvement.
        improved = score >= self.best_score + self.tol
        self.without_improvement = 0 if improved else self.without_improvement + 1
        if score > self.best_score:
            self.best_score = score
            if self.stops:
                self.best_theta = learner.net.theta.copy()
        if not self.stops or self.without_improvement <= self.n_iter_no_change:
            return False
        self.without_improvement = 0
        self.plateaued = not learner.reduce_learning_rate()
        return self.plateaued

    def warn_of_no_score(self) -> None:
        """Warn if it should have stopped by scores, and there was none."""
        if self.stops and self.scores and np.isnan(self.scores).all():
            warnings.warn(
                f"The validation score was NaN in each of {len(self.scores)} epochs, so that the "
                f"last weights are kept and not the best: use another score, or validation data "
                f"that it can be computed on.",
                TrainingWarning,
                stacklevel=level_of_the_user(),
            )

    def state_dict(self) -> dict[str, Any]:
        """Return its memory, for a checkpoint."""
        return {
            "scores": np.array(self.scores, np.float64),
            "losses": np.array(self.losses, np.float64),
            "best_score": np.float64(self.best_score),
            "best_theta": self.best_theta,
            "counts": np.array([self.without_improvement, self.plateaued], np.int64),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a memory, that of this fit.

        Raises
        ------
        InvalidFile
            If it cannot be its own.
        """
        mine = self.state_dict()
        n = np.shape(state.get("scores", 0.0))[:1]
        shapes = {key: value.shape for key, value in mine.items()} | {"scores": n, "losses": n}
        if state.keys() != mine.keys() or any(
            value.dtype != mine[key].dtype or value.shape != shapes[key]
            for key, value in state.items()
        ):
            raise InvalidFile(
                "The checkpoint's memory of early stopping is damaged; take another copy or train "
                "again."
            )
        self.scores[:] = state["scores"].tolist()
        self.losses[:] = state["losses"].tolist()
        self.best_score = float(state["best_score"])
        self.best_theta = state["best_theta"].copy()
        self.without_improvement, plateaued = state["counts"].tolist()
        self.plateaued = bool(plateaued)


@final
class EarlyStopping:
    """Ends a fit when the network no longer improves on validation data, with the best weights.

    One of `Learner.fit`'s callbacks. However the fit ends, the network then has the weights of the
    epoch that was best on the validation data; the optimizer's memory stays that of the last step.

    One object serves any number of networks, also in several threads: what it remembers is of each
    network by itself. In a second fit of the same network, epochs are still compared with the best
    so far, if the fit starts from the weights that the first one left; it starts over if they were
    replaced, for instance by new random ones.

    Parameters
    ----------
    X_val, Y_val : array-like
        Examples that are not trained on, as `Learner.fit` takes them.
    sample_weight : array-like, optional
        What each of them counts.
    score : callable, optional
        ``score(net)``, the greater the better. By default it is the mean loss on the validation
        data, without penalties, times -1.
    tol : float, default=1e-4
        The smallest improvement that counts.
    n_iter_no_change : int, default=10
        How many epochs in a row may fail to improve by `tol`; one more ends the fit, unless the
        learning rate is "adaptive" and can be reduced.

    Attributes
    ----------
    scores : list of float
        Of each epoch, for the network of the last fit (in this thread, if it made one).
    losses : list of float
        The mean loss on the validation data after each epoch, likewise.
    best_score : float
        The highest score, -inf before the first epoch, likewise.

    Raises
    ------
    InvalidParameter
        If a setting is outside its allowed values.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> Y = X**2
    >>> net = cr.Network([1, 16, 1], activation="tanh", loss="squared_error", seed=0)
    >>> early = cr.EarlyStopping(X[::4], Y[::4], tol=1e-3)
    >>> history = cr.Learner(net, cr.Adam(0.01)).fit(X, Y, epochs=1000, callbacks=[early])
    >>> history.stopped_by, len(history) < 1000, early.best_score == -min(early.losses)
    ('callback', True, True)
    """

    @says_what_was_meant
    def __init__(
        self,
        X_val: Any,
        Y_val: Any,
        *,
        sample_weight: Any = None,
        score: Callable[[Network], float] | None = None,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
    ) -> None:
        if score is not None and not callable(score):
            raise InvalidParameter(f"score must be a function of a network. Got {score!r} instead.")
        self._given = X_val, Y_val, sample_weight
        self._score = score
        self.tol = check_number("tol", tol)
        self.n_iter_no_change = check_number(
            "n_iter_no_change", n_iter_no_change, low=1, high_included=True
        )
        self.__setstate__({})

    @property
    def scores(self) -> list[float]:
        """The score of each epoch."""
        memory = self._memory
        return [] if memory is None else memory.judge.scores

    @property
    def losses(self) -> list[float]:
        """The mean loss on the validation data after each epoch."""
        memory = self._memory
        return [] if memory is None else memory.judge.losses

    @property
    def best_score(self) -> float:
        """The highest score."""
        memory = self._memory
        return -math.inf if memory is None else memory.judge.best_score

    def on_fit_begin(self, learner: Any) -> None:
        """Check the validation data against the network, and remember it or start over.

        Raises
        ------
        InvalidInput
            If they do not fit it.
        """
        net: Network = learner.net
        examples = Examples(*check_batch(net.architecture, *self._given))
        known = self._memories.get(net)
        if known is None or not np.array_equal(known.judge.best_theta, net.theta):
            judge = Judge(self._measure, self.tol, self.n_iter_no_change, net.theta.copy())
        else:
            judge = known.judge
            judge.tol, judge.n_iter_no_change = self.tol, self.n_iter_no_change
        self._remember(net, _Memory(judge, examples))

    def _measure(self, net: Network) -> tuple[float, float]:
        loss = validation_loss(net, self._memories[net].examples)
        return -loss if self._score is None else self._scored(net), loss

    def _scored(self, net: Network) -> float:
        assert self._score is not None
        score = self._score(net)
        try:
            return float(score)
        except (TypeError, ValueError):
            raise InvalidParameter(f"score must return a number. Got {score!r} instead.") from None

    def __call__(self, learner: Any, record: Record) -> bool:
        """Judge the epoch."""
        if learner.net not in self._memories:  # called by other hands than `Learner.fit`
            self.on_fit_begin(learner)
        return self._memories[learner.net].judge(learner, record)

    def on_fit_end(self, learner: Any) -> None:
        """Give the network the best weights; if it diverged at once, those it had before."""
        memory = self._memories.get(learner.net)
        if memory is None:
            return
        judge = memory.judge
        if judge.has_scored or not np.isfinite(learner.net.theta).all():
            learner.net.theta = judge.best_theta
        else:
            judge.warn_of_no_score()

    def state_dict(self) -> dict[str, Any]:
        """Return its memory of the network that this thread trains, for a checkpoint."""
        memory = self._memory
        return {} if memory is None else {**memory.judge.state_dict(), "data": memory.digest()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a memory of the network that this thread trains.

        Raises
        ------
        CheckpointMismatch
            If it is of other validation data.
        InvalidFile
            If it is damaged.
        """
        state, memory = dict(state), self._memory
        if memory is not None:
            if not np.array_equal(state.pop("data", None), memory.digest()):
                raise CheckpointMismatch(
                    "The checkpoint was written with other validation data for EarlyStopping: give "
                    "those, or train anew without resume."
                )
            memory.judge.load_state_dict(state)

    @property
    def _memory(self) -> "_Memory | None":
        """What it remembers of the last fit's network, that of this thread first."""
        return getattr(self._here, "memory", self._last)

    def _remember(self, net: Network, memory: "_Memory") -> None:
        self._memories[net] = self._last = self._here.memory = memory

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles keep: the settings, and copies of all it remembers."""
        settings = {k: v for k, v in vars(self).items() if k not in ("_memories", "_here", "_last")}
        last = self._memory
        memories = sorted(self._memories.items(), key=lambda item: item[1] is last)  # the last last
        return {**settings, "memories": [(net, memory.copy()) for net, memory in memories]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the settings and what it remembers."""
        memories = state.pop("memories", ())
        vars(self).update(state)
        self._memories = WeakKeyDictionary[Network, _Memory]()
        self._here = threading.local()
        self._last: _Memory | None = None
        for net, memory in memories:
            memory.judge.measure = self._measure
            self._remember(net, memory)


@final
@dataclass(frozen=True)
class _Memory:
    """What early stopping remembers of one network: its epochs, and the data that judge them."""

    judge: Judge
    examples: Examples

    def copy(self) -> "_Memory":
        """Return a copy that later epochs do not change."""
        judge = self.judge
        lists = {"scores": list(judge.scores), "losses": list(judge.losses)}
        return replace(self, judge=replace(judge, **lists))

    def digest(self) -> Any:
        """Return what tells these validation data from others."""
        parts = (self.examples.X, self.examples.Y, self.examples.weight)
        digests = ["none" if part is None else digest_of_rows(part) for part in parts]
        return np.frombuffer(sha256(" ".join(digests).encode()).digest(), np.uint8)
