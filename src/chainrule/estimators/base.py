"""What classifier and regressor share: from scikit-learn's parameters to a Learner and back."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, cast

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import InvalidParameterError, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.architecture import Views
from chainrule.engines import hypotheses
from chainrule.errors import Diverged, InvalidInput, InvalidParameter, TooLarge
from chainrule.estimators.constraints import PARAMETER_CONSTRAINTS
from chainrule.estimators.solvers import (
    has_own_rate,
    is_lbfgs,
    is_stochastic,
    make_optimizer,
    needs_full_batch,
    require_possible_solver,
)
from chainrule.estimators.starting import hidden_layers, seed_of, starting_network
from chainrule.estimators.watching import EarlyStopping, Epochs, Tasks, interrupted_with_a_warning
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.network.gradient_check import GradientProblem
from chainrule.optimizers import Optimizer
from chainrule.training import Learner
from chainrule.training.lbfgs import minimize_lbfgs

_CALLBACK_ATTRIBUTES = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")

__all__ = ["BaseMLP", "stochastic_only"]

_NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)

_CURVES = (
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
)


class BaseMLP(CallbackSupportMixin, BaseEstimator, ABC):
    """The abstract half of the estimators; use `MLPClassifier` or `MLPRegressor`."""

    _parameter_constraints = PARAMETER_CONSTRAINTS

    # What both constructors take; their docstrings say what each means.
    hidden_layer_sizes: Any
    activation: Any
    solver: Any
    alpha: float
    batch_size: Any
    learning_rate: Any
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
    max_grad_norm: float | None
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

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Leave the estimator as it was if a fit is refused or fails."""
        state = cast(dict[str, Any], self.__dict__)
        before = dict(state)
        try:
            yield
        except BaseException:
            # scikit-learn still has to tell the callbacks that it is over.
            kept = {k: v for k, v in state.items() if k in _CALLBACK_ATTRIBUTES}
            state.clear()
            state.update({**before, **kept})
            raise

    def _validate_params(self) -> None:
        """Check the parameters as scikit-learn does, and suggest what may have been meant."""
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{error}{self._hint()}") from None

    def _hint(self) -> str:
        if self.activation == "step":
            return (
                " The step function has g' = 0 wherever it exists, so nothing is learned through "
                "it: use 'logistic', the smooth step, 'tanh' or 'relu'."
            )
        for name, constraints in self._parameter_constraints.items():
            given = getattr(self, name)
            for options in constraints:
                if isinstance(options, StrOptions) and isinstance(given, str):
                    near = get_close_matches(given.lower(), options.options, n=1)
                    if near and given not in options.options:
                        return f" Did you mean '{near[0]}'?"
        return ""

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Any:
        with self._all_or_nothing():
            return self._checked_fit(X, y, sample_weight, incremental=incremental)

    def _checked_fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Any:
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        self._require_possible()
        first = not hasattr(self, "network_") or not (self.warm_start or incremental)
        X, y = self._validate(X, y, reset=first)
        if not (first or incremental):
            self._require_same_targets(y)
        Y = self._encode(y, learn=first and not incremental)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        weight = self._weights(y, sample_weight)

        n_outputs, loss = self._output(Y)
        sizes = (X.shape[1], *hidden_layers(self), n_outputs)
        if first:
            self._start(sizes, loss, X.dtype)
        elif self.network_.sizes != sizes:
            raise InvalidParameter(
                f"A fit that goes on needs the layers of the fit before, {self.network_.sizes}. "
                f"Got {sizes}: keep hidden_layer_sizes, or set warm_start=False."
            )
        self.n_iter_ = 0
        if is_lbfgs(self.solver):
            self._fit_lbfgs(X, Y, y, sample_weight, weight)
        else:
            self._fit_stochastic(X, Y, y, sample_weight, weight, incremental=incremental)
        if not np.isfinite(self.network_.theta).all():
            raise Diverged(_NON_FINITE)
        return self

    def _require_possible(self) -> None:
        """Raise if parameters, each allowed by itself, cannot be together."""
        require_possible_solver(self)

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

    def _weights(self, y: Any, sample_weight: Any) -> Any:
        """Return what each example counts for checked sample weights, or None for 1 each."""
        return sample_weight

    def _start(self, sizes: tuple[int, ...], loss: Any, dtype: Any) -> None:
        """Make a new network, and forget all that an earlier fit has left."""
        try:
            self.network_ = starting_network(sizes, self.activation, loss, dtype, self.random_state)
        except TooLarge:
            raise
        except InvalidParameter as error:  # only a list of activations is not checked before
            raise InvalidParameter(
                f"The 'activation' parameter of {type(self).__name__} must be a name, an "
                f"Activation, or a list with one of them per hidden layer. Got "
                f"{self.activation!r} instead. {error}"
            ) from None
        self.n_layers_ = len(sizes)
        self.n_outputs_ = sizes[-1]
        self.out_activation_ = self.network_.architecture.loss.hypothesis_name
        self.t_ = 0
        for left in (*_CURVES, "_learner"):
            vars(self).pop(left, None)
        self.loss_ = np.inf  # until the first epoch's is known

    def _start_curves(self) -> None:
        """Have the attributes that a stochastic fit goes on filling, as early stopping asks."""
        had = self.__dict__
        self.loss_curve_: list[float] = had.get("loss_curve_", [])
        scores, best = had.get("validation_scores_"), had.get("best_validation_score_")
        best_loss = had.get("best_loss_")
        if self.early_stopping:
            scores, best, best_loss = scores or [], -np.inf if best is None else best, None
        else:
            scores, best, best_loss = None, None, np.inf if best_loss is None else best_loss
        self.validation_scores_: list[float] | None = scores
        self.best_validation_score_: float | None = best
        self.best_loss_: float | None = best_loss

    def _fit_lbfgs(self, X: Any, Y: Any, y: Any, sample_weight: Any, weight: Any) -> None:
        self.engine_ = "reference"
        tasks = self._tasks(X, y, sample_weight, max_epochs=self.max_iter)

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
                sample_weight=weight,
                l2=self.alpha,
                l1=self.l1,
                max_iter=self.max_iter,
                max_fun=self.max_fun,
                tol=self.tol,
                settings=None if isinstance(self.solver, str) else self.solver,
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
        tasks.end()

    def _fit_stochastic(
        self, X: Any, Y: Any, y: Any, sample_weight: Any, weight: Any, *, incremental: bool
    ) -> None:
        held_out = None
        self._start_curves()
        if self.early_stopping:
            (X, Y, y, sample_weight, weight), held_out = self._hold_out(
                X, Y, y, sample_weight, weight
            )
        learner = self._prepared_learner(len(Y), fresh=not incremental)
        self.engine_ = learner.engine
        epochs = 1 if incremental else self.max_iter
        tasks = self._tasks(X, y, sample_weight, max_epochs=epochs)

        epochs_seen = Epochs(self, len(Y), self.loss_curve_, continued=incremental)
        callbacks: list[Callable[..., Any]] = []
        early = None if held_out is None else self._early_stopping(held_out)
        if early is not None:
            callbacks.append(early)
        if tasks.active:
            callbacks.append(tasks)
        # Where nobody has to hear of each epoch at once, the engine may run them all in one call.
        watched = bool(callbacks or self.verbose or incremental)
        if watched:
            callbacks.insert(0, epochs_seen)

        try:
            with interrupted_with_a_warning(), epochs_seen.afterwards(learner, unless=watched):
                history = learner.fit(
                    X,
                    Y,
                    epochs=epochs,
                    tol=None if early is not None or incremental else self.tol,
                    n_iter_no_change=self.n_iter_no_change,
                    sample_weight=weight,
                    callbacks=callbacks,
                )
                converged = history.converged or (early is not None and early.plateaued)
                if converged:
                    epochs_seen.say_why("Stopping.")
                elif not (incremental or tasks.stopped):
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and "
                        f"the optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
        except Diverged as error:
            if early is None:
                what = str(error).partition(". ")[0]  # its advice is for those with a Learner
                raise Diverged(
                    f"{_NON_FINITE} {what}: try a tenth of "
                    f"{'its learning rate' if has_own_rate(self.solver) else 'learning_rate_init'}."
                ) from None
            early.scores.append(float("nan"))
            warnings.warn(
                f"{str(error).partition('. ')[0]}. Training stopped; the best weights so far are "
                f"kept.",
                ConvergenceWarning,
                stacklevel=4,
            )
        if early is not None:
            self.network_.theta = early.best_theta
            self.best_validation_score_ = early.best_score
        tasks.end()

    def _prepared_learner(self, n_examples: int, *, fresh: bool) -> Learner:
        """Return the learner to go on with, set for this many examples."""
        learner: Learner | None = self.__dict__.get("_learner")
        if fresh or learner is None:
            learner = Learner(
                self.network_,
                self._make_optimizer(n_examples),
                seed=seed_of(self.random_state),
                n_jobs=self.n_jobs,
                engine=self.engine,
            )
            self._learner: Learner | None = learner
            self._epochs_without_improvement = 0
        if self.batch_size != "auto" and self.batch_size > n_examples:
            warnings.warn(
                f"Got `batch_size` less than 1 or larger than sample size. It is going to be "
                f"clipped: {self.batch_size} to {n_examples}.",
                stacklevel=5,
            )
        learner.batch_size = batch_size = self._batch_size(n_examples)
        if batch_size < n_examples and needs_full_batch(self.solver):
            raise InvalidParameter(
                f"The 'batch_size' parameter of {type(self).__name__} must be 'auto' with Rprop, "
                f"which goes by the sign of the gradient over all examples. Got "
                f"{self.batch_size!r} instead."
            )
        learner.l2, learner.l1 = self._lambdas(n_examples)
        learner.dropout, learner.shuffle = self.dropout, self.shuffle
        learner.max_grad_norm = self.max_grad_norm
        return learner

    def _batch_size(self, n_examples: int) -> int:
        if self.batch_size == "auto":
            return n_examples if needs_full_batch(self.solver) else min(200, n_examples)
        wanted = int(self.batch_size)
        return min(wanted, n_examples)

    def _lambdas(self, n_examples: int) -> tuple[float, float]:
        """Return the notes' lambdas for alpha and l1.

        scikit-learn divides its penalty by the batch's size, the notes by that of the training
        set, so lambda = alpha M/B: with weights that is alpha S over the weight S B/M that a batch
        has on average, so that a row of weight 2 is a row twice.
        """
        if is_lbfgs(self.solver):
            return self.alpha, self.l1
        per_batch = n_examples / self._batch_size(n_examples)
        return self.alpha * per_batch, self.l1 * per_batch

    def _make_optimizer(self, n_examples: int) -> Optimizer:
        steps_an_epoch = -(-n_examples // self._batch_size(n_examples))
        return make_optimizer(self, self.max_iter * steps_an_epoch)

    def _hold_out(self, X: Any, Y: Any, y: Any, *weights: Any) -> tuple[Any, Any]:
        """Split off the validation examples: return X, Y, y, *weights of each part."""
        given = [array for array in (X, Y, y, *weights) if array is not None]
        split: list[Any] = train_test_split(
            *given,
            test_size=self.validation_fraction,
            stratify=self._stratify(y),
            random_state=check_random_state(self.random_state),
        )
        if split[1].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        parts = []
        for part in (iter(split[0::2]), iter(split[1::2])):
            parts.append([None if a is None else next(part) for a in (X, Y, y, *weights)])
        return tuple(parts)

    def _early_stopping(self, held_out: Any) -> EarlyStopping:
        X_val, _, y_val, _, weight_val = held_out

        def score() -> float:
            with np.errstate(over="ignore", invalid="ignore"):  # a diverged network scores NaN
                H = self._hypotheses(X_val)
            return float(self._score_of(H, y_val, weight_val)) if np.isfinite(H).all() else np.nan

        scores, best = self.validation_scores_, self.best_validation_score_
        return EarlyStopping(
            score=score,
            scores=[] if scores is None else scores,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            best_score=-np.inf if best is None else best,
            best_theta=self.network_.theta.copy(),
            verbose=bool(self.verbose),
        )

    def _tasks(self, X: Any, y: Any, sample_weight: Any, *, max_epochs: int) -> Tasks:
        context = self._init_callback_context(max_subtasks=max_epochs)
        return Tasks(self, context, X, y, sample_weight)

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
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        l2, l1 = self._lambdas(X.shape[0])
        return GradientProblem(
            self.network_,
            X,
            self._encode(y, learn=False),
            self._weights(y, weight),
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
    if not is_stochastic(estimator.solver):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not "
            f"stochastic."
        )
    return True
