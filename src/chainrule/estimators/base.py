"""What classifier and regressor share: from scikit-learn's parameters to a Learner and back."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from typing import Any, Self, cast

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import CallbackSupportMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from chainrule.architecture import Views
from chainrule.architecture.rows import Rows
from chainrule.engines import hypotheses, weighted_sums
from chainrule.errors import Diverged, InvalidInput, InvalidParameter, TooLarge
from chainrule.estimators.fitting import NON_FINITE, Fit, fit_lbfgs, fit_stochastic
from chainrule.estimators.keeping import checkpoint_for, kept_random_state
from chainrule.estimators.parameters import PARAMETER_CONSTRAINTS
from chainrule.estimators.sentences import require_allowed, require_known_params
from chainrule.estimators.solvers import is_lbfgs, is_stochastic, require_possible_solver
from chainrule.estimators.starting import hidden_layers, starting_network
from chainrule.estimators.table import Table, checked_data
from chainrule.estimators.translation import lambdas
from chainrule.estimators.validation import given_validation, require_same_targets
from chainrule.estimators.watching import CURVES
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.network.gradient_check import GradientProblem
from chainrule.training import History
from chainrule.training.diagnosis import where_it_diverged
from chainrule.training.settings import check_dropout, dropout_per_layer

_CALLBACK_ATTRIBUTES = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")

__all__ = ["BaseMLP", "stochastic_only"]

_LEFT_BY_A_FIT = (
    *CURVES,
    "loss_",
    "history_",
    "best_loss_",
    "best_validation_score_",
)


class BaseMLP(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, CallbackSupportMixin, BaseEstimator, ABC
):
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
    dropout: Any
    l1: float
    max_grad_norm: float | None
    engine: str
    n_jobs: int | None
    checkpoint: Any
    resume: bool
    max_seconds: float | None
    scoring: Any
    dropout_input: float
    transform_layer: int

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

    def set_params(self, **params: Any) -> Self:
        """Set parameters; one that does not exist is refused with what may have been meant.

        Parameters
        ----------
        **params
            As for the constructor.

        Returns
        -------
        self
        """
        require_known_params(self, params)
        return super().set_params(**params)

    def _validate_params(self) -> None:
        """Check the parameters as scikit-learn does, and suggest what may have been meant."""
        require_allowed(self)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> Any:
        with self._all_or_nothing():
            return self._checked_fit(
                X, y, sample_weight, incremental=incremental, validation=validation
            )

    def _checked_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool,
        validation: tuple[Any, Any, Any],
    ) -> Any:
        begin = time.monotonic()
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        self._require_possible()
        first = not hasattr(self, "network_") or not (self.warm_start or incremental)
        require_same_targets(y, validation[1])
        X, y = self._validate(X, y, reset=first)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        return self._fit_checked(
            X, y, sample_weight, incremental=incremental, validation=validation, begin=begin
        )

    def _fit_checked(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        validation: tuple[Any, Any, Any] = (None, None, None),
        begin: float | None = None,
    ) -> Any:
        """Fit X, y and weights that were checked; X may be some rows of one that is shared."""
        begin = time.monotonic() if begin is None else begin
        checkpoint = checkpoint_for(self, incremental=incremental)
        first = not hasattr(self, "network_") or not (self.warm_start or incremental)
        if not (first or incremental):
            self._require_same_targets(y)
        Y = self._encode(y, learn=first and not incremental)

        random_state = self.random_state
        if checkpoint is not None:
            random_state = kept_random_state(checkpoint, self)
        n_outputs, loss = self._output(Y)
        sizes = (X.shape[1], *hidden_layers(self), n_outputs)
        if first:
            self._start(sizes, loss, X.dtype, random_state)
        elif self.network_.sizes != sizes:
            raise InvalidParameter(
                f"A fit that goes on needs the layers of the fit before, {self.network_.sizes}. "
                f"Got {sizes}: keep hidden_layer_sizes, or set warm_start=False."
            )
        self.n_iter_ = 0
        seconds = math.inf if self.max_seconds is None or incremental else self.max_seconds
        train = fit_lbfgs if is_lbfgs(self.solver) else fit_stochastic
        table = Table(X, Y, y, sample_weight)
        held_out = given_validation(self, *validation)
        train(self, table, Fit(incremental, random_state, checkpoint, begin + seconds, held_out))
        if not np.isfinite(self.network_.theta).all():
            raise Diverged(f"{NON_FINITE} Here {where_it_diverged(self.network_, X)}.")
        return self

    def _fit_alone(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Fit as a part of something else, without callbacks of its own."""
        try:
            return self._fit_checked(X, y, sample_weight)
        finally:
            for name in _CALLBACK_ATTRIBUTES:
                vars(self).pop(name, None)

    def _require_possible(self) -> None:
        """Raise if parameters, each allowed by itself, cannot be together."""
        require_possible_solver(self)
        kind, n_hidden = type(self).__name__, len(hidden_layers(self))
        if n_hidden and not -n_hidden <= self.transform_layer < n_hidden:
            raise InvalidParameter(
                f"The 'transform_layer' parameter of {kind} must be a hidden layer, 0 to "
                f"{n_hidden - 1} from the first or -1 to {-n_hidden} from the last. Got "
                f"{self.transform_layer!r} instead."
            )
        try:
            dropout_per_layer(check_dropout(self.dropout), n_hidden)
        except InvalidParameter:
            raise InvalidParameter(
                f"The 'dropout' parameter of {kind} must be a number in [0, 1), or a list with one "
                f"for each of the {n_hidden} hidden layers. Got {self.dropout!r} instead."
            ) from None

    def _validate(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """Return X as CSR or dense float32 or float64, and y, as scikit-learn checks them."""
        return checked_data(self, X, y, reset=reset)

    def _class_weights(self, y: Any) -> Any:
        """Return what each class counts where these labels are trained on; None if all count 1."""
        return None

    def _weights(self, y: Any, sample_weight: Any, by_class: Any) -> Any:
        """Return what each example counts, by checked sample weights and those of the classes."""
        return sample_weight

    def _start(self, sizes: tuple[int, ...], loss: Any, dtype: Any, random_state: Any) -> None:
        """Make a new network, and forget all that an earlier fit has left."""
        try:
            self.network_ = starting_network(sizes, self.activation, loss, dtype, random_state)
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
        for left in (*_LEFT_BY_A_FIT, "_learner"):
            vars(self).pop(left, None)
        self.loss_ = np.inf  # until the first epoch's is known

    def _start_curves(self, *, validated: bool) -> None:
        """Have the attributes that a stochastic fit goes on filling, as early stopping asks."""
        had = self.__dict__
        self.loss_curve_: list[float] = had.get("loss_curve_", [])
        self.history_: History = had.get("history_", History())
        scores = losses = best = None
        if validated:
            scores = had.get("validation_scores_") or []
            losses = had.get("validation_loss_curve_") or []
            best = had.get("best_validation_score_")
            best = -np.inf if best is None else best
        best_loss = had.get("best_loss_")
        self.validation_scores_: list[float] | None = scores
        self.validation_loss_curve_: list[float] | None = losses
        self.best_validation_score_: float | None = best
        best_loss = np.inf if best_loss is None else best_loss
        self.best_loss_: float | None = None if self.early_stopping else best_loss

    # --- what a fitted estimator does --------------------------------------------------------

    def _hypotheses(self, X: Any) -> Float:
        network = self.network_
        if X.dtype != network.architecture.dtype:
            X = X.astype(network.architecture.dtype)
        return hypotheses(network.architecture, network.parameters, X)

    def _predicted(self, X: Any) -> Float:
        """Return the hypotheses for a user's X."""
        check_is_fitted(self)
        if isinstance(X, Rows):  # of our own making, checked before
            return self._hypotheses(X)
        return self._hypotheses(checked_data(self, X, None, reset=False)[0])

    def transform(self, X: Any) -> Float:
        """Return the activations of a hidden layer: the features that the network has found.

        So that a fitted network can be a step of a pipeline before another estimator.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_nodes)
            A^(l) of the hidden layer that `transform_layer` names (FP2.1).

        Raises
        ------
        ValueError
            If X is unusable, or there is no such layer.
        """
        check_is_fitted(self)
        layer = self._hidden_layer()
        if not isinstance(X, Rows):
            X = checked_data(self, X, reset=False)[0]
        net = self.network_
        if X.dtype != net.architecture.dtype:
            X = X.astype(net.architecture.dtype)
        g = net.architecture.activations[layer]
        return g(weighted_sums(net.architecture, net.parameters, X, layer))

    def _hidden_layer(self) -> int:
        """Return which hidden layer `transform` shows, from 0 on."""
        hidden = range(len(self.network_.sizes) - 2)
        if not -len(hidden) <= self.transform_layer < len(hidden):
            raise InvalidParameter(
                f"transform needs a hidden layer, and the network has {len(hidden)} of them. Got "
                f"transform_layer={self.transform_layer!r}: choose another, or other "
                f"hidden_layer_sizes."
            )
        return hidden[self.transform_layer]

    @property
    def _n_features_out(self) -> int:
        """How many features `transform` returns, for their names."""
        return self.network_.sizes[self._hidden_layer() + 1]

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
        l2, l1 = lambdas(self, X.shape[0])
        return GradientProblem(
            self.network_,
            X,
            self._encode(y, learn=False),
            self._weights(y, weight, self._class_weights(y)),
            l2,
            l1,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore an estimator; parameters that its file or pickle did not know have defaults."""
        defaults = {name: p.default for name, p in signature(type(self)).parameters.items()}
        super().__setstate__({**defaults, **state})

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a network."""
        return "network_" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        """Say that sparse input is taken, and that `transform` keeps the dtype."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def stochastic_only(estimator: BaseMLP) -> bool:
    """Whether `partial_fit` exists: only for a stochastic solver."""
    if not is_stochastic(estimator.solver):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not "
            f"stochastic."
        )
    return True
