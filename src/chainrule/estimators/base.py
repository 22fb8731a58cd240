"""What classifier and regressor share: from scikit-learn's parameters to a Learner and back."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.architecture import Views
from chainrule.engines.reference import hypotheses
from chainrule.errors import Diverged, InvalidInput, InvalidParameter
from chainrule.estimators.constraints import PARAMETER_CONSTRAINTS
from chainrule.estimators.watching import EarlyStopping, Tasks, interrupted_with_a_warning
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.network.gradient_check import GradientProblem
from chainrule.optimizers import SGD, Adam, Adaptive, InverseScaling, Optimizer
from chainrule.training import Learner, Record
from chainrule.training.lbfgs import minimize_lbfgs

__all__ = ["STOCHASTIC", "BaseMLP", "stochastic_only"]

STOCHASTIC = ("sgd", "adam")

_NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


class BaseMLP(CallbackSupportMixin, BaseEstimator, ABC):
    """The abstract half of the estimators; use `MLPClassifier` or `MLPRegressor`."""

    _parameter_constraints = PARAMETER_CONSTRAINTS

    # What both constructors take; their docstrings say what each means.
    hidden_layer_sizes: Any
    activation: Any
    solver: str
    alpha: float
    batch_size: Any
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: Any
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    dropout: float
    l1: float
    engine: str
    n_jobs: int | None

    # --- what classifier and regressor differ in --------------------------------------------

    @abstractmethod
    def _encode(self, y: Any, *, learn: bool) -> Any:
        """Return the network's targets for checked y, after learning the classes if so asked."""

    @abstractmethod
    def _require_same_targets(self, y: Any) -> None:
        """Raise if a warm start cannot go on with these targets."""

    @abstractmethod
    def _output(self, Y: Any) -> tuple[int, Any]:
        """Return the number of outputs for encoded targets, and the network's loss."""

    @abstractmethod
    def _score_of(self, H: Float, y: Any, sample_weight: Any) -> float:
        """Return the validation score of hypotheses for y as `_encode` got it."""

    @abstractmethod
    def _stratify(self, y: Any) -> Any:
        """Return what the validation split is stratified by, or None."""

    # --- scikit-learn's attributes -----------------------------------------------------------

    @property
    def coefs_(self) -> Views:
        """The weight matrices, views of ``network_.theta``."""
        return self._fitted_network("coefs_").weights

    @coefs_.setter
    def coefs_(self, value: Sequence[Any]) -> None:
        self._assign(self._fitted_network("coefs_").weights, value, "coefs_")

    @property
    def intercepts_(self) -> Views:
        """The bias vectors, views of ``network_.theta``."""
        return self._fitted_network("intercepts_").biases

    @intercepts_.setter
    def intercepts_(self, value: Sequence[Any]) -> None:
        self._assign(self._fitted_network("intercepts_").biases, value, "intercepts_")

    def _fitted_network(self, attribute: str) -> Network:
        network = self.__dict__.get("network_")
        if network is None:
            raise AttributeError(f"{type(self).__name__} has no {attribute} before it is fitted.")
        return network

    @staticmethod
    def _assign(views: Views, value: Sequence[Any], name: str) -> None:
        if len(value) != len(views):
            raise InvalidInput(f"{name} needs {len(views)} arrays. Got {len(value)} instead.")
        for i, array in enumerate(value):
            views[i] = array

    # --- fitting -----------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Any:
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.solver == "lbfgs" and self.dropout:
            raise InvalidParameter(
                f"dropout={self.dropout!r} needs a stochastic solver: L-BFGS compares costs, which "
                f"dropout makes random. Use solver='adam' or 'sgd', or dropout=0."
            )
        first = not hasattr(self, "network_") or not (self.warm_start or incremental)
        X, y = self._validate(X, y, reset=first)
        if not (first or incremental):
            self._require_same_targets(y)
        Y = self._encode(y, learn=first and not incremental)
        sample_weight = self._weights(X, y, sample_weight)

        seed = _seed(self.random_state)
        n_outputs, loss = self._output(Y)
        sizes = (X.shape[1], *_hidden(self.hidden_layer_sizes), n_outputs)
        if first:
            self._start(sizes, loss, X.dtype, seed)
        elif self.network_.sizes != sizes:
            raise InvalidParameter(
                f"A fit that goes on needs the layers of the fit before, {self.network_.sizes}. "
                f"Got {sizes}: keep hidden_layer_sizes, or set warm_start=False."
            )
        self.n_iter_ = 0
        if self.solver == "lbfgs":
            self._fit_lbfgs(X, Y, sample_weight)
        else:
            self._fit_stochastic(X, Y, y, sample_weight, seed, incremental=incremental)
        if not np.isfinite(self.network_.theta).all():
            raise Diverged(_NON_FINITE)
        return self

    def _validate(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """Return X as CSR or dense float32 or float64, and y, as scikit-learn checks them."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=is_regressor(self),
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _weights(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Return the sample weights, or None."""
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=X.dtype)

    def _start(self, sizes: tuple[int, ...], loss: Any, dtype: Any, seed: int) -> None:
        """Make a new network and everything that a first fit starts from."""
        self.network_ = Network(sizes, self.activation, loss, dtype=dtype, seed=seed)
        self.n_layers_ = len(sizes)
        self.n_outputs_ = sizes[-1]
        hypothesis = self.network_.architecture.loss.hypothesis_name
        self.out_activation_ = hypothesis
        self.t_ = 0
        if hasattr(self, "_learner"):
            del self._learner
        if self.solver != "lbfgs":
            self.loss_curve_: list[float] = []
            early = self.early_stopping
            self.validation_scores_: list[float] | None = [] if early else None
            self.best_validation_score_: float | None = -np.inf if early else None
            self.best_loss_: float | None = None if early else np.inf

    def _fit_lbfgs(self, X: Any, Y: Any, sample_weight: Any) -> None:
        tasks = self._tasks(X, Y, sample_weight)

        def on_iteration(cost: float) -> bool:
            self.n_iter_ += 1
            self.loss_ = cost
            if self.verbose:
                print(f"Iteration {self.n_iter_}, loss = {cost:.8f}")  # noqa: T201 - verbose
            return tasks() if tasks.active else False

        with interrupted_with_a_warning():
            found = minimize_lbfgs(
                self.network_,
                X,
                Y,
                sample_weight=sample_weight,
                l2=self.alpha,
                l1=self.l1,
                max_iter=self.max_iter,
                max_fun=self.max_fun,
                tol=self.tol,
                on_iteration_begin=tasks.on_epoch_begin if tasks.active else None,
                on_iteration=on_iteration,
            )
            self.n_iter_, self.loss_ = found.n_iter, found.cost
            if not (found.converged or tasks.stopped):
                warnings.warn(
                    f"lbfgs failed to converge after {found.n_iter} iteration(s) "
                    f"({found.message}). Increase max_iter or max_fun, or scale the data.",
                    ConvergenceWarning,
                    stacklevel=4,
                )
        self.engine_ = "reference"
        tasks.end()

    def _fit_stochastic(
        self, X: Any, Y: Any, y: Any, sample_weight: Any, seed: int, *, incremental: bool
    ) -> None:
        held_out = None
        if self.early_stopping:
            X, Y, sample_weight, held_out = self._hold_out(X, Y, y, sample_weight)
        learner = self._prepared_learner(len(Y), seed, fresh=not incremental)
        self.engine_ = learner.engine
        tasks = self._tasks(X, Y, sample_weight)

        def record_epoch(_: Learner, record: Record) -> None:
            self.t_ += X.shape[0]
            self._record_epoch(record["cost"])

        callbacks: list[Callable[..., Any]] = [record_epoch]
        early = None if held_out is None else self._early_stopping(held_out)
        if early is not None:
            callbacks.append(early)
        if tasks.active:
            callbacks.append(tasks)

        converged = True
        try:
            with interrupted_with_a_warning():
                converged = False
                history = learner.fit(
                    X,
                    Y,
                    epochs=1 if incremental else self.max_iter,
                    tol=None if early is not None else self.tol,
                    n_iter_no_change=self.n_iter_no_change,
                    sample_weight=sample_weight,
                    callbacks=callbacks,
                )
                converged = history.converged or (early is not None and early.plateaued)
                if not (converged or incremental or tasks.stopped):
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and "
                        f"the optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
        except Diverged as error:
            if early is None:
                raise Diverged(f"{_NON_FINITE} {error}") from None
            early.scores.append(float("nan"))
            warnings.warn(
                f"{error} Training stopped; the best weights so far are kept.",
                ConvergenceWarning,
                stacklevel=4,
            )
        if early is not None:
            self.network_.theta = early.best_theta
            self.best_validation_score_ = early.best_score
        tasks.end()

    def _prepared_learner(self, n_examples: int, seed: int, *, fresh: bool) -> Learner:
        """Return the learner to go on with, set for this many examples."""
        if fresh or not hasattr(self, "_learner"):
            self._learner = Learner(
                self.network_,
                self._make_optimizer(),
                dropout=self.dropout,
                seed=seed,
                n_jobs=self.n_jobs,
                engine=self.engine,
                shuffle=self.shuffle,
            )
        learner = self._learner
        learner.batch_size = self._batch_size(n_examples)
        learner.l2, learner.l1 = self._lambdas(n_examples)
        return learner

    def _batch_size(self, n_examples: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_examples)
        if self.batch_size > n_examples:
            warnings.warn(
                f"Got `batch_size` {self.batch_size}, larger than the {n_examples} examples. It is "
                f"going to be clipped.",
                stacklevel=2,
            )
        return min(int(self.batch_size), n_examples)

    def _lambdas(self, n_examples: int) -> tuple[float, float]:
        """Return the notes' lambdas for alpha and l1.

        scikit-learn divides its penalty by the batch's size, the notes by that of the training
        set, so lambda = alpha M/B: with weights that is alpha S over the weight S B/M that a batch
        has on average, so that a row of weight 2 is a row twice.
        """
        if self.solver == "lbfgs":
            return self.alpha, self.l1
        per_batch = n_examples / self._batch_size(n_examples)
        return self.alpha * per_batch, self.l1 * per_batch

    def _make_optimizer(self) -> Optimizer:
        rate = self.learning_rate_init
        if self.solver == "adam":
            return Adam(rate, self.beta_1, self.beta_2, self.epsilon)
        schedules = {
            "constant": rate,
            "invscaling": InverseScaling(rate, self.power_t),
            "adaptive": Adaptive(rate),
        }
        nesterov = bool(self.nesterovs_momentum and self.momentum)
        return SGD(schedules[self.learning_rate], self.momentum, nesterov)

    def _hold_out(self, X: Any, Y: Any, y: Any, sample_weight: Any) -> Any:
        """Split off the validation examples."""
        weights = () if sample_weight is None else (sample_weight,)
        parts: list[Any] = train_test_split(
            X,
            Y,
            y,
            *weights,
            test_size=self.validation_fraction,
            stratify=self._stratify(y),
            random_state=check_random_state(self.random_state),
        )
        X, X_val, Y, _, _, y_val, *split = parts
        if X_val.shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        sample_weight, weight_val = split if split else (None, None)
        return X, Y, sample_weight, (X_val, y_val, weight_val)

    def _early_stopping(self, held_out: tuple[Any, Any, Any]) -> EarlyStopping:
        X_val, y_val, weight_val = held_out

        def score() -> float:
            H = self._hypotheses(X_val)
            return float(self._score_of(H, y_val, weight_val)) if np.isfinite(H).all() else np.nan

        if self.validation_scores_ is None or self.best_validation_score_ is None:
            # Early stopping was switched on between two warm starts.
            self.validation_scores_, self.best_validation_score_ = [], -np.inf
        return EarlyStopping(
            score=score,
            scores=self.validation_scores_,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            best_score=self.best_validation_score_,
            best_theta=self.network_.theta.copy(),
            verbose=bool(self.verbose),
        )

    def _record_epoch(self, cost: float) -> None:
        self.n_iter_ += 1
        self.loss_ = cost
        self.loss_curve_.append(self.loss_)
        if self.best_loss_ is not None:
            self.best_loss_ = min(self.best_loss_, self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")  # noqa: T201 - verbose

    def _tasks(self, X: Any, y: Any, sample_weight: Any) -> Tasks:
        context = self._init_callback_context(max_subtasks=self.max_iter)
        return Tasks(self, context, X, y, sample_weight, lambda: self.network_)

    # --- what a fitted estimator does --------------------------------------------------------

    def _hypotheses(self, X: Any) -> Float:
        network = self.network_
        if X.dtype != network.architecture.dtype:
            X = X.astype(network.architecture.dtype)
        return hypotheses(network.architecture, network.parameters, X)

    def _predicted(self, X: Any) -> Float:
        """Return the hypotheses for a user's X."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        return self._hypotheses(X)

    def gradient_problem(self, X: Any, y: Any, sample_weight: Any = None) -> GradientProblem:
        """Return what `check_gradients` checks: the network, on data and penalties as in `fit`.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        GradientProblem
        """
        check_is_fitted(self)
        X, y = self._validate(X, y, reset=False)
        l2, l1 = self._lambdas(X.shape[0])
        return GradientProblem(
            self.network_,
            X,
            self._encode(y, learn=False),
            self._weights(X, y, sample_weight),
            l2,
            l1,
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a network."""
        return "network_" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        """Say that sparse input is taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def stochastic_only(estimator: BaseMLP) -> bool:
    """Whether `partial_fit` exists: only for a stochastic solver."""
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not "
            f"stochastic."
        )
    return True


def _hidden(hidden_layer_sizes: Any) -> list[int]:
    listed = hidden_layer_sizes if hasattr(hidden_layer_sizes, "__iter__") else [hidden_layer_sizes]
    hidden = list(listed)
    if any(not isinstance(size, int | np.integer) or size <= 0 for size in hidden):
        raise InvalidParameter(
            f"hidden_layer_sizes must be > 0, whole numbers, got {hidden}. Give one per hidden "
            f"layer, such as (64, 32), or () for none."
        )
    return [int(size) for size in hidden]


def _seed(random_state: Any) -> int:
    """Return a seed: an int as it is, else drawn from the generator."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        return int(random_state)
    low, high = check_random_state(random_state).randint(0, 2**32, size=2, dtype=np.uint64)
    return int(low) | int(high) << 32
