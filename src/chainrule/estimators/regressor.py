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
from chainrule.estimators.constraints import PARAMETER_CONSTRAINTS
from chainrule.maths.arrays import Float
from chainrule.maths.losses import Huber, Loss, Quantile

__all__ = ["MLPRegressor"]


@final
class MLPRegressor(RegressorMixin, BaseMLP):
    """A feed-forward network that predicts numbers, with scikit-learn's parameters and more.

    Parameters
    ----------
    loss : str, Huber, Quantile or Loss, default="squared_error"
        "squared_error" (half of it: predicts the mean), "absolute_error" (the median; outliers
        pull no harder than others), "huber" (between the two; ``cr.Huber(2.0)`` sets where it
        changes), "quantile" (see `quantile`) with the identity as hypothesis; "poisson" (half the
        deviance) with the exponential, for counts y >= 0; or a `Loss` of your own.
    hidden_layer_sizes : array-like of int, default=(100,)
        The number of nodes of each hidden layer; ``()`` is a linear model.
    activation : str, Activation or a list with one per hidden layer, default="relu"
        g of the hidden layers: "identity", "logistic", "tanh", "relu", "leaky_relu", "elu",
        "selu", "softplus", "silu", "gelu", "mish", or an `Activation` of your own.
    solver : str or optimizer, default="adam"
        What minimizes the cost: "adam", "adamw", "nadam", "rmsprop", "adagrad", "sgd" (gradient
        descent with momentum), or, on all examples at once, for small data, "rprop" and "lbfgs".
        Or an object, such as ``cr.AdamW(1e-3, weight_decay=0.01)``, which brings all its settings:
        `learning_rate_init`, `momentum`, `beta_1` and their like are then not used.
    alpha : float, default=0.0001
        Strength of the L2 penalty, in scikit-learn's meaning: each batch's cost gets
        ``alpha/2 * sum(w**2)`` divided by the batch's size. The notes' lambda is
        ``alpha * M / B`` (M examples, B in a batch; alpha itself for "lbfgs"). Larger values keep
        the weights smaller.
    batch_size : int or "auto", default="auto"
        Examples per step; "auto" is ``min(200, n_samples)``, and all of them for "rprop". Smaller
        batches make more, noisier steps an epoch. Not for "lbfgs".
    learning_rate : str, Schedule or callable, default="constant"
        How the rate changes. As in scikit-learn "constant"; "invscaling", as
        ``learning_rate_init / (t + 1)**power_t`` with t the examples seen before the epoch; and
        "adaptive", divided by 5 whenever the cost (or, with early stopping, the validation score)
        has reached a plateau, until it is 1e-6. As there, "adam" overlooks the latter two. From
        step to step over `max_iter` epochs "step" (a tenth after each third), "exponential" (down
        to a hundredth), "cosine" (down to 0), "one_cycle" (up to `learning_rate_init` and down).
        Or an object, such as ``cr.Warmup(cr.Cosine(0.01), steps=100)``, or a function of the
        step's number, which bring their own rate: `learning_rate_init` is then not used.
    learning_rate_init : float, default=0.001
        The step size, greater than 0, before `learning_rate` changes it. Too large a rate
        diverges, which raises an error; too small a one needs more epochs. Not for "lbfgs".
    power_t : float, default=0.5
        The exponent of "invscaling", at least 0: the larger, the faster the rate falls.
    max_iter : int, default=200
        Epochs at most (iterations for "lbfgs"). A fit that uses them up without having converged
        warns with a ConvergenceWarning.
    shuffle : bool, default=True
        Whether each epoch takes the examples in a new order. Where one batch holds them all, they
        keep their order.
    random_state : int, RandomState instance or None, default=None
        Of the starting weights (scikit-learn's own, number for number), the shuffles, the dropout
        masks and the validation split. The same int gives the same bits.
    tol : float, default=1e-4
        What counts as an improvement, in units of the cost, or of the validation score with early
        stopping (for "lbfgs": the largest entry of the gradient that ends the fit). Larger values
        stop sooner.
    verbose : bool, int or {"bar", "auto"}, default=False
        Whether to print the cost of each epoch; "bar" shows a progress bar on stderr instead, with
        the time left, "auto" does so if that is a terminal.
    warm_start : bool, default=False
        Whether a second `fit` goes on from the weights of the first. The optimizer, its rate and
        the judgement of convergence start anew; `partial_fit` goes on with them.
    momentum : float, default=0.9
        The part of the velocity that "sgd" keeps from step to step, in [0, 1]: 0.9 adds up about
        10 gradients, so that steps are longer where they agree.
    nesterovs_momentum : bool, default=True
        Whether "sgd" looks ahead along the momentum (Nesterov's); without effect if `momentum` is
        0.
    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the examples, or take those that `fit` gets as
        `X_val` and `y_val`, stop when the score on them no longer improves, and keep the weights of
        the best epoch. Not for "lbfgs".
    validation_fraction : float, default=0.1
        The part of the examples that early stopping holds out, in [0, 1).
    beta_1 : float, default=0.9
        How slowly "adam", "adamw" and "nadam" forget the mean of the gradient, in [0, 1): 0.9
        remembers about 10 steps.
    beta_2 : float, default=0.999
        How slowly they forget the mean of the gradient's square, in [0, 1).
    epsilon : float, default=1e-8
        Keeps their division from exploding; where gradients are not much larger, steps become
        smaller. It is added after the correction of the bias, as in PyTorch.
    n_iter_no_change : int, default=10
        How many epochs in a row may fail to improve by `tol` before training stops.
    max_fun : int, default=15000
        How often "lbfgs" may compute the cost at most.
    dropout : float or a list with one per hidden layer, default=0.0
        The probability of each hidden node to be left out in a step, in [0, 1); what stays is
        divided by ``1 - dropout``, so predictions need no change. Larger values regularize more
        and need more epochs. Not for "lbfgs".
    l1 : float, default=0.0
        Strength of the L1 penalty, scaled as `alpha` is: each batch's cost gets
        ``l1 * sum(abs(w))`` divided by the batch's size. It drives weights towards 0, the more
        the larger it is; biases are free.
    quantile : float or array-like of float, default=0.5
        With ``loss="quantile"`` what is predicted: 0.5 is the median, [0.1, 0.9] an interval that
        holds 80 % of the y; each in (0, 1), increasing. Without effect for other losses.
    max_grad_norm : float or None, default=None
        Gradients of a batch, penalties included, that are longer than this (Euclidean norm over all
        parameters) are scaled down to it, so that no single step is too large. None leaves them as
        they are. Not for "lbfgs".
    engine : {"auto", "reference", "native"}, default="auto"
        What computes; "auto" takes the fastest that knows every part, ``engine_`` says which one
        that was. For "lbfgs" it is always the reference.
    n_jobs : int or None, default=None
        Threads of the engine; None lets it choose. The result never depends on it.
    checkpoint : path, Checkpoint or None, default=None
        Where "sgd" and "adam" write how far `fit` is: every 60 seconds, also inside an epoch, at
        the end and at Ctrl-C (a `Checkpoint` sets other times). A checkpoint that is there already
        is replaced, any other file refused. With `random_state` None, what is drawn for it is kept
        in it. Not for "lbfgs", `partial_fit` and `warm_start`, which could not go on from it.
    resume : bool, default=False
        Whether `fit` goes on from the checkpoint, to the very bits of a fit that was never
        interrupted: anew if there is none, with the rest if there is more to do (`max_iter`, which
        may be raised, counts all epochs; a rate that follows it is then stretched), with none if it
        was done. A checkpoint of other data or other parameters is refused, and the difference
        named.
    max_seconds : float or None, default=None
        Stop `fit` after so many seconds, also inside an epoch, with a ConvergenceWarning: with
        early stopping the weights of the best epoch so far are kept, else the last.
    scoring : str, callable or None, default=None
        What early stopping watches on the validation data, the greater the better: None for
        `score`, "loss" for the mean loss times -1, the name of one of scikit-learn's scorers, or a
        function ``scoring(estimator, X, y)``, which also takes ``sample_weight`` where rows have
        weights. Without validation data it has no effect.
    dropout_input : float, default=0.0
        The probability of each entry of X to be left out in a step, as `dropout` does with hidden
        nodes. Small values such as 0.1 or 0.2 make the network rely on no single feature.
    transform_layer : int, default=-1
        Which hidden layer's activations `transform` returns: 0 for the first, -1 for the last.

    Attributes
    ----------
    coefs_, intercepts_ : lists of arrays
        The weights (s_in, s_out) and biases (s_out,) of each layer, views of the network's theta.
    network_ : Network
        The network itself.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : array of shape (n_features,)
        The names of the features; only there if X had names, all of them strings.
    n_layers_ : int
        Layers, input and output included.
    n_outputs_ : int
        Nodes of the last layer.
    out_activation_ : str
        The output's hypothesis: "logistic", "softmax", "identity" or "exp".
    n_iter_ : int
        Epochs of the last fit (iterations for "lbfgs").
    t_ : int
        Examples seen over all fits, each as often as it was seen.
    loss_ : float
        The cost of the last epoch, penalties included.
    loss_curve_ : list of float
        The cost of each epoch. This and the next four are not there for "lbfgs".
    history_ : History
        One record per epoch, with "epoch", "cost", "gradient_norm" (of the epoch's last step),
        "learning_rate" and "seconds"; ``history_.to_frame()`` is a pandas DataFrame.
    best_loss_ : float or None
        The lowest cost; None with early stopping.
    validation_scores_ : list of float or None
        With validation data the score of each epoch on them, as `scoring` says.
    validation_loss_curve_ : list of float or None
        With validation data the mean loss of each epoch on them, without penalties.
    best_validation_score_ : float or None
        The highest of these scores; with early stopping the weights belong to it.
    engine_ : str
        The engine that ran.

    Notes
    -----
    The differences to scikit-learn's estimator of the same name are listed in
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
        """Go on for one epoch over X and y.

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
            Quantile(self.quantile)
        except InvalidParameter:
            raise InvalidParameter(
                f"The 'quantile' parameter of MLPRegressor must be one number in (0, 1), or "
                f"several, each larger than the one before, such as [0.1, 0.9]. Got "
                f"{self.quantile!r} instead."
            ) from None

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
