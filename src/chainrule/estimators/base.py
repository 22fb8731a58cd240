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
from sklearn.utils.validation import check_is_fitted

from chainrule.architecture import Views
from chainrule.architecture.rows import Rows
from chainrule.attributes import AttributesNamed
from chainrule.engines import hypotheses, weighted_sums
from chainrule.errors import Diverged, InvalidInput, InvalidParameter, TooLarge
from chainrule.estimators.fitting import (
    CURVES,
    NON_FINITE,
    fit_lbfgs,
    fit_stochastic,
    with_kept_random_state,
)
from chainrule.estimators.ignored import warn_of_ignored
from chainrule.estimators.parameters import MEANT_BY, PARAMETER_CONSTRAINTS
from chainrule.estimators.recipe import (
    Recipe,
    is_stochastic,
    recipe_of,
    require_examples_to_hold_out,
    require_possible,
    require_possible_checkpoint,
)
from chainrule.estimators.sentences import require_allowed, require_known_params
from chainrule.estimators.starting_weights import starting_network
from chainrule.estimators.table import Table, checked_data, checked_weight
from chainrule.estimators.validation import given_validation, require_same_targets
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.network.gradient_check import GradientProblem
from chainrule.optimizers import LBFGS
from chainrule.training import History
from chainrule.training.diagnosis import where_it_diverged

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
    AttributesNamed,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    BaseEstimator,
    ABC,
):
    """The abstract half of the estimators; use `MLPClassifier` or `MLPRegressor`."""

    _parameter_constraints = PARAMETER_CONSTRAINTS
    _meant_by = MEANT_BY

    # Of what both constructors take, what is read here; `recipe_of` reads the rest.
    activation: Any
    random_state: Any
    warm_start: bool
    early_stopping: bool
    transform_layer: int

    # --- what classifier and regressor differ in --------------------------------------------

    @abstractmethod
    def _encode(self, y: Any, *, learn: bool) -> Any:
        """Return the network's targets for checked y, after learning the classes if so asked."""

    @abstractmethod
    def _require_same_targets(self, y: Any) -> None:
        """Raise if a warm start cannot continue with these targets."""

    @abstractmethod
    def _output(self, Y: Any) -> tuple[int, Any]:
        """Return the number of outputs for encoded targets, and the network's loss."""

    @abstractmethod
    def _score_of(self, H: Float, y: Any, sample_weight: Any) -> float:
        """Return the validation score of hypotheses for y as `_encode` got it."""

    @abstractmethod
    def _stratify(self, y: Any) -> Any:
        """Return the labels that stratify the validation split, or None."""

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
    ) -> Self:
        """Check the parameters and the data, and train; a fit that fails leaves nothing behind."""
        begin = time.monotonic()
        with self._all_or_nothing():
            if incremental and self.early_stopping:
                raise ValueError("partial_fit does not support early_stopping=True")
            self._require_possible()
            require_possible_checkpoint(self, incremental=incremental)
            has_validation = any(part is not None for part in validation)
            require_examples_to_hold_out(self, has_validation=has_validation)
            if not incremental:  # whose calls are too short for each to say something
                warn_of_ignored(self, validation="given" if has_validation else "none")
            require_same_targets(y, validation[1])
            X, y = self._validate(X, y, reset=self._is_first(incremental=incremental))
            if sample_weight is not None:
                sample_weight = checked_weight(self, sample_weight, X)
            recipe = recipe_of(self, incremental=incremental)
            return self._train(recipe, X, y, sample_weight, validation, begin)

    def _train(
        self,
        recipe: Recipe,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any] = (None, None, None),
        begin: float | None = None,
    ) -> Self:
        """Train on X, y and weights that were checked; X may be some rows of one that is shared."""
        begin = time.monotonic() if begin is None else begin
        first = self._is_first(incremental=recipe.incremental)
        if not (first or recipe.incremental):
            self._require_same_targets(y)
        Y = self._encode(y, learn=first and not recipe.incremental)
        recipe = with_kept_random_state(recipe)
        n_outputs, loss = self._output(Y)
        sizes = (X.shape[1], *recipe.hidden_layers, n_outputs)
        if first:
            self._start(sizes, loss, X.dtype, recipe.random_state)
        elif self.network_.sizes != sizes:
            raise InvalidParameter(
                f"A fit that continues needs the layers of the fit before, {self.network_.sizes}. "
                f"Got {sizes}: keep hidden_layer_sizes, or set warm_start=False."
            )
        self.n_iter_ = 0
        deadline = math.inf if recipe.max_seconds is None else begin + recipe.max_seconds
        table = Table(X, Y, y, sample_weight)
        held_out = given_validation(self, recipe, *validation)
        if isinstance(recipe.optimizer, LBFGS):
            fit_lbfgs(self, recipe, table, deadline)
        else:
            fit_stochastic(self, recipe, table, held_out, deadline)
        if not np.isfinite(self.network_.theta).all():
            raise Diverged(f"{NON_FINITE} Here {where_it_diverged(self.network_, X)}.")
        return self

    def _fit_alone(self, X: Any, y: Any, sample_weight: Any) -> Self:
        """Train as a part of something else, without callbacks of its own."""
        try:
            return self._train(recipe_of(self), X, y, sample_weight)
        finally:
            for name in _CALLBACK_ATTRIBUTES:
                vars(self).pop(name, None)

    def _is_first(self, *, incremental: bool) -> bool:
        """Whether a fit starts with a new network."""
        return not hasattr(self, "network_") or not (self.warm_start or incremental)

    def _require_possible(self) -> None:
        """Raise if parameters, each allowed by itself, cannot be together."""
        require_possible(self)

    def _validate(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """Return X as CSR or dense float32 or float64, and y, as scikit-learn checks them."""
        return checked_data(self, X, y, reset=reset)

    def _class_weights(self, y: Any) -> Any:
        """Return the weight of each class where these labels are trained on; None if all are 1."""
        return None

    def _weights(self, y: Any, sample_weight: Any, by_class: Any) -> Any:
        """Return the weight of each example, by checked sample weights and those of the classes."""
        return sample_weight

    def _start(self, sizes: tuple[int, ...], loss: Any, dtype: Any, random_state: Any) -> None:
        """Make a new network, and forget what an earlier fit has left."""
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
        """Have the attributes that each epoch of a stochastic fit fills."""
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
            If X is unusable, or the layer does not exist.
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
        """Return the problem for `check_gradients`: the network, with data and penalties of `fit`.

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
        weight = None if sample_weight is None else checked_weight(self, sample_weight, X)
        l2, l1 = recipe_of(self).lambdas(X.shape[0])
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
    solver = vars(estimator)["solver"]
    if not is_stochastic(solver):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {solver} is not stochastic."
        )
    return True
