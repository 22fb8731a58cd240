"""The regressor."""

from numbers import Real
from typing import Any, final

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from chainrule.calls import says_what_was_meant
from chainrule.errors import InvalidParameter
from chainrule.estimators.base import BaseMLP, stochastic_only
from chainrule.estimators.parameters import PARAMETER_CONSTRAINTS, documented
from chainrule.maths.arrays import Float
from chainrule.maths.losses import Huber, Loss, Quantile

__all__ = ["MLPRegressor"]


@final
@documented()
class MLPRegressor(RegressorMixin, BaseMLP):
    """A feed-forward network that predicts numbers, with scikit-learn's parameters and more.

    Parameters
    ----------
    loss : str, Huber, Quantile or Loss, default="squared_error"
        "squared_error" (half of it: predicts the mean), "absolute_error" (the median; outliers
        pull no harder than others), "huber" (between the two; ``cr.Huber(2.0)`` sets where it
        changes), "quantile" (see `quantile`) with the identity as hypothesis; "poisson" (half the
        deviance) with the exponential, for counts y >= 0; or a `Loss` of your own.
    quantile : float or array-like of float, default=0.5
        With ``loss="quantile"`` what is predicted: 0.5 is the median, [0.1, 0.9] an interval that
        holds 80 % of the y; each in (0, 1), increasing. Any other loss refuses it.

    Notes
    -----
    The differences from scikit-learn's estimator of the same name are listed in
    ``docs/sklearn-differences.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import MLPRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> y = X[:, 0] ** 2
    >>> model = MLPRegressor(hidden_layer_sizes=20, solver="lbfgs", max_iter=500, random_state=0)
    >>> bool(model.fit(X, y).score(X, y) > 0.99)
    True

    An interval that is to hold 80 % of the y:

    >>> y = np.random.default_rng(0).normal(size=(50, 40)).ravel()
    >>> interval = MLPRegressor("quantile", (), quantile=[0.1, 0.9], batch_size=2000,
    ...     learning_rate_init=0.05, random_state=0).fit(np.repeat(X, 40, axis=0), y)
    >>> low, high = interval.predict(X).T
    >>> low.mean().round(1).item(), high.mean().round(1).item()
    (-1.3, 1.3)
    """

    _parameter_constraints = {  # noqa: RUF012 - as scikit-learn has it
        **PARAMETER_CONSTRAINTS,
        "loss": [
            StrOptions({"squared_error", "absolute_error", "huber", "quantile", "poisson"}),
            *(Loss, Huber, Quantile),
        ],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }

    @says_what_was_meant
    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        l1: float = 0.0,
        quantile: Any = 0.5,
        max_grad_norm: float | None = None,
        engine: str = "auto",
        n_jobs: int | None = None,
        checkpoint: Any = None,
        resume: bool = False,
        max_seconds: float | None = None,
        scoring: Any = None,
        dropout_input: float = 0.0,
        transform_layer: int = -1,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.l1 = l1
        self.quantile = quantile
        self.max_grad_norm = max_grad_norm
        self.engine = engine
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        self.resume = resume
        self.max_seconds = max_seconds
        self.scoring = scoring
        self.dropout_input = dropout_input
        self.transform_layer = transform_layer

    @says_what_was_meant
    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> "MLPRegressor":
        """Train on X and y.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        X_val, y_val, sample_weight_val : array-like, optional
            Validation data, which are not trained on, prepared as X and y are. With
            `early_stopping` they take the place of `validation_fraction`; without, each epoch is
            measured on them all the same. A row counts ``sample_weight_val``. Not for "lbfgs".

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X, y or a parameter is unusable, or training diverges.
        """
        validation = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, incremental=False, validation=validation)

    @available_if(stochastic_only)
    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Train for one more epoch, over X and y.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Float:
        """Return the prediction for each example.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_targets)
            Of several quantiles one array each along a last axis more: (n_samples, n_quantiles) or
            (n_samples, n_targets, n_quantiles). They are sorted, since those of a network may
            cross, which never makes the loss larger.

        References
        ----------
        Chernozhukov, V., Fernandez-Val, I. and Galichon, A., "Quantile and probability curves
        without crossing", Econometrica, 2010 (of sorting).
        """
        return self._shaped(self._predicted(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R^2 of the predictions; with the quantile loss D^2 of that loss.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            1 at best. 0 is as good as the best constant: the mean of y, or its quantiles, whose
            D^2 are averaged.
        """
        return self._score_of(self._predicted(X), y, sample_weight)

    def _require_same_targets(self, y: Any) -> None:
        """Numbers are numbers; `_fit` compares how many outputs there are."""

    def _encode(self, y: Any, *, learn: bool) -> Any:
        y = np.asarray(y)
        return y[:, None] if y.ndim == 1 else y

    def _require_possible(self) -> None:
        super()._require_possible()
        try:
            asked = Quantile(self.quantile)
        except InvalidParameter:
            raise InvalidParameter(
                f"The 'quantile' parameter of MLPRegressor must be one number in (0, 1), or "
                f"several, each larger than the one before, such as [0.1, 0.9]. Got "
                f"{self.quantile!r} instead."
            ) from None
        default = np.array_equal(self.quantile, 0.5)
        if not (default or self.loss in ("quantile", asked)):
            raise InvalidParameter(
                f"The 'quantile' parameter of MLPRegressor must be 0.5, its default, unless "
                f"loss='quantile'. Got {self.quantile!r} with loss={self.loss!r} instead: set "
                f"loss='quantile' to predict quantiles."
            )

    def _output(self, Y: Any) -> tuple[int, Any]:
        quantile = isinstance(self.loss, str) and self.loss == "quantile"
        loss = Quantile(self.quantile) if quantile else self.loss
        each = loss.outputs_per_target if isinstance(loss, Quantile) else 1
        return Y.shape[1] * each, loss

    @property
    def _quantiles(self) -> tuple[float, ...]:
        """The quantiles that the network predicts; none if it predicts something else."""
        made_of = self.network_.architecture.loss.made_of
        return made_of.numbers if isinstance(made_of, Quantile) else ()

    def _shaped(self, H: Float) -> Float:
        """Return hypotheses as `predict` does."""
        n_quantiles = len(self._quantiles)
        if n_quantiles <= 1:
            return _flat(H)
        by_target = np.sort(H.reshape(len(H), -1, n_quantiles), axis=2)
        return by_target[:, 0] if by_target.shape[1] == 1 else by_target

    def _score_of(self, H: Float, y: Any, sample_weight: Any) -> float:
        predicted, quantiles = self._shaped(H), self._quantiles
        if not quantiles:
            return r2_score(y, predicted, sample_weight=sample_weight)
        if len(quantiles) == 1:
            predicted = predicted[..., np.newaxis]
        scores = [
            d2_pinball_score(y, predicted[..., i], sample_weight=sample_weight, alpha=q)
            for i, q in enumerate(quantiles)
        ]
        return float(np.mean(scores))

    def _stratify(self, y: Any) -> Any:
        return None


def _flat(H: Float) -> Float:
    return H[:, 0] if H.shape[1] == 1 else H
