"""The classifier."""

from typing import Any, cast, final

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target

from chainrule.calls import says_what_was_meant
from chainrule.errors import InvalidInput, InvalidParameter
from chainrule.estimators.base import BaseMLP, stochastic_only
from chainrule.estimators.class_weights import (
    class_weights,
    require_class_weight,
    weights_by_class,
)
from chainrule.estimators.labels import Labels, lists_columns
from chainrule.estimators.parameters import PARAMETER_CONSTRAINTS, documented
from chainrule.maths.arrays import Float
from chainrule.maths.losses import CrossEntropy, GroupedLogLoss, LogLoss, Loss

__all__ = ["MLPClassifier"]


@final
@documented()
class MLPClassifier(ClassifierMixin, BaseMLP):
    """A feed-forward network that classifies, with scikit-learn's parameters and more.

    Two classes have one logistic output, more have a softmax, multi-label targets one logistic
    output each, and several columns of classes a softmax each.

    Parameters
    ----------
    loss : {"log_loss", "cross_entropy"}, LogLoss, CrossEntropy or Loss, default="log_loss"
        For more than two classes: a softmax with the log loss, or one-vs-all logistic outputs
        with the cross entropy each. Two classes and multi-label targets have logistic outputs
        either way. ``cr.LogLoss(label_smoothing=0.1)`` and ``cr.CrossEntropy(0.1)`` ask the
        network not to be sure. A `Loss` of your own, such as a focal loss, has hypotheses that are
        probabilities: with ``targets="binary"`` it takes the place of the cross entropy, with
        ``targets="classes"`` that of the log loss, for three classes or more in one column.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, multiplied with the sample weights: by label, or "balanced" for
        ``n_samples / (n_classes * np.bincount(y))``, y without what early stopping holds out. They
        count in the validation scores as in training. It is not for `partial_fit` when "balanced".
        Several columns of classes take a list of dicts, one each, whose weights are multiplied.

    Attributes
    ----------
    classes_ : array of shape (n_classes,), or list of arrays
        The class labels, sorted; of several columns of classes a list of those of each.
    class_weight_ : array of shape (n_classes,), list of arrays or None
        What each class counted in the last fit, by the rows that were trained on; of several
        labels or columns of classes a list, one entry a column. None without `class_weight`.

    Notes
    -----
    The differences from scikit-learn's estimator of the same name are listed in
    ``docs/sklearn-differences.md``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from chainrule import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), MLPClassifier(max_iter=1000, random_state=0))
    >>> bool(model.fit(X, y).score(X, y) > 0.95)
    True

    Several columns of classes at once, each with a softmax of its own:

    >>> import numpy as np
    >>> both = np.column_stack([y, y == 0])
    >>> model.fit(X, both).predict(X[[0, 60]]).tolist()
    [[0, 1], [1, 0]]
    >>> [column.shape for column in model.predict_proba(X)]
    [(150, 3), (150, 2)]
    """

    _parameter_constraints = {  # noqa: RUF012 - as scikit-learn has it
        **PARAMETER_CONSTRAINTS,
        "loss": [StrOptions({"log_loss", "cross_entropy"}), LogLoss, CrossEntropy, Loss],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    @says_what_was_meant
    def __init__(
        self,
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
        loss: Any = "log_loss",
        dropout: Any = 0.0,
        l1: float = 0.0,
        class_weight: Any = None,
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
        self.loss = loss
        self.dropout = dropout
        self.l1 = l1
        self.class_weight = class_weight
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
    ) -> "MLPClassifier":
        """Train on X and y.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Classes; indicators of shape (n_samples, n_classes) that hold 0 and 1 are several
            labels per example, as in scikit-learn.
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
            If X, y or a parameter is unusable, y holds one class only, or training diverges.
        """
        validation = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, incremental=False, validation=validation)

    @available_if(stochastic_only)
    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> "MLPClassifier":
        """Train for one more epoch, over X and y.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`; y may lack some of the classes.
        classes : array-like of shape (n_classes,), or list of them, optional
            All classes that will come, of several columns a list of those of each; needed in the
            first call.

        Returns
        -------
        self
        """
        if self.class_weight == "balanced":
            raise InvalidParameter(
                "The 'class_weight' parameter of MLPClassifier must be a dict or None for "
                "partial_fit, which sees the classes bit by bit. Got 'balanced' instead: give the "
                "weights as a dict, or as sample_weight."
            )
        with self._all_or_nothing():  # the classes too
            if lists_columns(classes):
                self._learn_columns(classes)
                classes = None
            labels = None
            if classes is not None and not hasattr(self, "classes_"):
                multilabel = type_of_target(y).startswith("multilabel")
                labels = Labels(y if multilabel else classes, listed=not multilabel)
            if _check_partial_fit_first_call(self, classes) and labels is not None:
                self._labels, self.classes_ = labels, labels.classes
            return self._fit(X, y, sample_weight, incremental=True)

    def _learn_columns(self, classes: Any) -> None:
        labels = Labels(classes, listed=True)
        if not hasattr(self, "classes_"):
            self._labels, self.classes_ = labels, labels.classes
        elif not labels.are(self.classes_):
            raise InvalidInput(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_!r}"
            )

    def predict(self, X: Any) -> Any:
        """Return the likeliest class of each example, or the labels with more than 1/2.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_columns), or indicators of shape (n_samples, \
n_classes)
        """
        H = self._predicted(X)
        return self._labels.decode(H)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, in the order of ``classes_``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
            One-vs-all hypotheses are divided by their sum. Of several columns of classes a list
            of arrays, as scikit-learn's trees give it.
        """
        H = self._predicted(X)
        if self._labels.kind == "binary":
            return np.hstack([1 - H, H])
        if self._labels.kind == "multioutput":
            columns = self._labels.columns_of(H)
            return [_shares(column) for column in columns] if self._one_vs_all else columns
        if self._labels.kind == "multiclass" and self._one_vs_all:
            return _shares(H)
        return H

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: of several labels or columns only rows that are all right count.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like
            As for `fit`.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
        """
        return self._score_of(self._predicted(X), y, sample_weight)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes), or list of arrays
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):  # a probability of 0 has the logarithm -inf
            if isinstance(probabilities, list):
                return [np.log(column) for column in probabilities]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - arrays
            return np.log(probabilities)

    @property
    def _one_vs_all(self) -> bool:
        return self.network_.architecture.loss.targets == "binary"

    @property
    def _described_loss(self) -> LogLoss | CrossEntropy | Loss:
        named = {"log_loss": LogLoss(), "cross_entropy": CrossEntropy()}
        return named[self.loss] if isinstance(self.loss, str) else self.loss

    def _encode(self, y: Any, *, learn: bool) -> Any:
        if learn:
            self._labels = Labels(y)
            self.classes_ = self._labels.classes
        else:
            self._labels.require_known(y)
        asked = self._described_loss
        own = isinstance(asked, Loss)
        one_vs_all = asked.targets == "binary" if own else isinstance(asked, CrossEntropy)
        return self._labels.encode(y, one_vs_all=one_vs_all)

    def _require_same_targets(self, y: Any) -> None:
        self._labels.require_same(y)

    def _output(self, Y: Any) -> tuple[int, Any]:
        asked, labels = self._described_loss, self._labels
        if isinstance(asked, Loss):
            if asked.targets == "classes" and labels.kind != "multiclass":
                raise InvalidParameter(
                    f"The 'loss' parameter of MLPClassifier must have targets='binary' for targets "
                    f"that are {labels.kind}, and targets='classes' is for three classes or more. "
                    f"Got '{asked.name}' with targets='classes' instead."
                )
            return labels.n_outputs, asked
        loss: Any = CrossEntropy(asked.label_smoothing)
        if isinstance(asked, LogLoss) and labels.kind == "multiclass":
            loss = asked
        elif isinstance(asked, LogLoss) and labels.kind == "multioutput":
            loss = GroupedLogLoss(labels.groups, asked.label_smoothing)
        return labels.n_outputs, loss

    def __getstate__(self) -> dict[str, Any]:
        """Return the state that copies and files keep."""
        state = dict(cast("dict[str, Any]", super().__getstate__()))
        given = state.get("class_weight")
        # The keys of a file's dictionaries cannot be booleans; 0 and 1 are the same labels.
        if isinstance(given, dict):
            state["class_weight"] = _without_booleans(given)
        elif isinstance(given, list):
            state["class_weight"] = [
                _without_booleans(w) if isinstance(w, dict) else w for w in given
            ]
        return state

    def _require_possible(self) -> None:
        super()._require_possible()
        if isinstance(self.loss, Loss) and self.loss.targets not in ("binary", "classes"):
            raise InvalidParameter(
                f"The 'loss' parameter of MLPClassifier must have targets='binary' or 'classes' if "
                f"it is your own. Got '{self.loss.name}' with targets={self.loss.targets!r} "
                f"instead."
            )
        require_class_weight(self.class_weight)

    def _class_weights(self, y: Any) -> Any:
        return class_weights(self.class_weight, self._labels, y)

    def _weights(self, y: Any, sample_weight: Any, by_class: Any) -> Any:
        if by_class is None:
            return sample_weight
        weight = weights_by_class(by_class, self._labels, y)
        return weight if sample_weight is None else weight * sample_weight

    def _score_of(self, H: Float, y: Any, sample_weight: Any) -> float:
        if self._labels.kind == "multioutput":
            right = (self._labels.decode(H) == np.asarray(y)).all(axis=1)
            return float(np.average(right, weights=sample_weight))
        return accuracy_score(y, self._labels.decode(H), sample_weight=sample_weight)

    def _stratify(self, y: Any) -> Any:
        # As scikit-learn: a class of more than two may be too small to be split.
        return y if self._labels.kind == "binary" else None

    def __sklearn_tags__(self) -> Any:
        """Say that multi-label targets, and several columns of classes, are taken."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


def _shares(H: Float) -> Float:
    """Return one-vs-all hypotheses divided by their sum, equal shares where it is 0."""
    total = H.sum(axis=1, keepdims=True)
    return np.divide(H, total, where=total > 0, out=np.full_like(H, 1 / H.shape[1]))


def _without_booleans(by_label: dict[Any, Any]) -> dict[Any, Any]:
    return {
        int(k) if isinstance(k, bool | np.bool_) else k: weight for k, weight in by_label.items()
    }
