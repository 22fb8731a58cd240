"""The strength of the penalty by cross-validation: folds and strengths side by side, over one X."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from inspect import Parameter, Signature, signature
from numbers import Integral
from typing import Any, Self, TypeVar, cast, final

import numpy as np
from sklearn import config_context, get_config
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    RegressorMixin,
    TransformerMixin,
    _fit_context,
    is_classifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, check_is_fitted
from threadpoolctl import threadpool_limits

from chainrule.architecture import Views
from chainrule.architecture.rows import Rows
from chainrule.attributes import AttributesNamed
from chainrule.calls import level_of_the_user, says_what_was_meant
from chainrule.engines.threads import available_threads
from chainrule.errors import Diverged, InvalidParameter, TrainingWarning
from chainrule.estimators.base import BaseMLP
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.ignored import warn_of_ignored
from chainrule.estimators.parameters import MEANT_BY, described, documented
from chainrule.estimators.recipe import is_lbfgs
from chainrule.estimators.regressor import MLPRegressor
from chainrule.estimators.sentences import require_allowed, require_known_params
from chainrule.estimators.table import Table, checked_data, checked_weight
from chainrule.estimators.validation import measuring, score_by, to_judge_by
from chainrule.maths.arrays import Float
from chainrule.network import Network

__all__ = ["MLPClassifierCV", "MLPRegressorCV"]

# Of the single estimator: what the grid or the threads take the place of, and what is of one fit.
_NOT_TAKEN_OVER = ("alpha", "checkpoint", "resume", "warm_start")
_OWN = {"alphas": 10, "cv": None, "refit": True}
_DEFAULT_RANGE = (-4.0, 2.0)  # powers of 10

C = TypeVar("C", bound=type)


def _around(kind: type[BaseMLP]) -> Callable[[C], C]:
    """Give a class the parameters of `kind` after its own, with defaults, checks and documentation.

    So there is one list of them, and one meaning.
    """

    def decorate(cls: C) -> C:
        taken = [p for p in signature(kind).parameters.values() if p.name not in _NOT_TAKEN_OVER]
        parameters = [Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)]
        for name, default in _OWN.items():
            how = Parameter.POSITIONAL_OR_KEYWORD if name == "alphas" else Parameter.KEYWORD_ONLY
            parameters.append(Parameter(name, how, default=default))
        parameters += [p.replace(kind=Parameter.KEYWORD_ONLY) for p in taken]
        initializer = Signature(parameters)

        def __init__(*args: Any, **settings: Any) -> None:  # noqa: N807 - it becomes the method
            bound = initializer.bind(*args, **settings)
            bound.apply_defaults()
            for name, value in bound.arguments.items():
                if name != "self":
                    setattr(bound.arguments["self"], name, value)

        cast(Any, __init__).__signature__ = initializer
        __init__.__qualname__ = f"{cls.__qualname__}.__init__"
        cls.__init__ = says_what_was_meant(__init__)  # pyright: ignore[reportAttributeAccessIssue]
        cls._parameter_constraints = {
            **{p.name: kind._parameter_constraints[p.name] for p in taken},
            "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
            "cv": ["cv_object"],
            "refit": ["boolean"],
        }
        taken_over = described(kind, "Parameters")
        own = described(BaseMLPCV, "Parameters")
        return documented({**taken_over, **own}, described(BaseMLPCV, "Attributes"))(cls)

    return decorate


@final
@dataclass(frozen=True)
class _Fold:
    """The examples of one fold: what is trained on, and what is judged by."""

    train: Table
    test: Table


class BaseMLPCV(
    AttributesNamed, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC
):
    """The abstract half; use `MLPClassifierCV` or `MLPRegressorCV`.

    Both have these parameters besides those of the single estimator.

    Parameters
    ----------
    alphas : int or array-like of float, default=10
        The penalties to try, in the meaning of the single estimator's `alpha`; a number asks for
        that many between 1e-4 and 1e2, evenly spaced in the logarithm.
    cv : int, splitter, iterable or None, default=None
        The folds: how many (of a classifier they are stratified), a splitter of scikit-learn, or
        pairs of row numbers to train on and to judge by; None for 5.
    refit : bool, default=True
        Whether to train on all examples with the best penalty at the end. Without, there is
        nothing to predict with.
    scoring : str, callable or None, default=None
        What the penalty is chosen by, where greater is better, and what early stopping inside each
        fit watches: None for the accuracy or R2, "loss" for the mean loss times -1, the name of
        one of scikit-learn's scorers, or a function ``scoring(estimator, X, y)``.
    n_jobs : int or None, default=None
        How many fits run side by side; None or -1 for as many as there are processors. The result
        does not depend on it.
    max_seconds : float or None, default=None
        Stop each of the fits, and the last one on all examples, after this many seconds.
    verbose : bool or int, default=False
        Whether to print the score of each fit.
    random_state : int, RandomState instance or None, default=None
        As of the single estimator, the same for every fit; what is drawn for None is drawn once.

    Attributes
    ----------
    alpha_ : float
        The best penalty.
    alphas_ : array of shape (n_alphas,)
        Those that were tried.
    scores_ : array of shape (n_folds, n_alphas)
        The score of each fit on what was held out; NaN where training diverged.
    best_score_ : float
        The highest mean over the folds.
    best_index_ : int
        Which of the penalties has it.
    best_estimator_ : MLPClassifier or MLPRegressor
        Trained on all examples with the best penalty; only there if `refit`.
    coefs_, intercepts_, network_, n_iter_
        Those of the best estimator.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : array of shape (n_features,)
        The names of the features; only there if X had names, all of them strings.
    """

    _parameter_constraints: Any
    _meant_by = MEANT_BY
    alphas: Any
    cv: Any
    refit: bool
    scoring: Any
    n_jobs: int | None
    verbose: Any
    random_state: Any
    solver: str

    @property
    @abstractmethod
    def _kind(self) -> type[BaseMLP]:
        """The estimator that is fitted for each penalty."""

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

    @says_what_was_meant
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Choose the penalty on the folds, then train on all of X and y with it.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like
            As the single estimator takes it.
        sample_weight : array-like of shape (n_samples,), optional
            For training and for the scores, where it is multiplied with the weights of the
            classes, if there are any, as in training.
        groups : array-like of shape (n_samples,), optional
            For splitters that keep groups together.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X, y or a parameter is unusable, or every fit diverges.
        """
        alphas = self._alphas()
        X, y = checked_data(self, X, y, reset=True)
        if sample_weight is not None:
            sample_weight = checked_weight(self, sample_weight, X)
        given = self.random_state
        drawn = not isinstance(given, int | np.integer)
        seed = int(check_random_state(given).randint(2**31 - 1) if drawn else given)
        probe = self._single(alphas[0], seed)
        probe._require_possible()
        warn_of_ignored(self, validation="folds")
        Y = probe._encode(y, learn=True)
        splitter: Any = check_cv(self.cv, y, classifier=is_classifier(self))
        shared = Table(Rows(X), Y, y, sample_weight)
        folds = [
            _Fold(shared.take(_numbers(train)), shared.take(_numbers(test)))
            for train, test in splitter.split(X, y, groups)
        ]
        if is_lbfgs(self.solver):  # it reads all rows at once; they are shared by the penalties
            folds = [_Fold(replace(fold.train, X=fold.train.X[:]), fold.test) for fold in folds]

        def score(task: tuple[int, int]) -> float:
            k, j = task
            single = self._single(alphas[j], seed, n_jobs=1)
            single.n_features_in_ = X.shape[1]
            train, test = folds[k].train, folds[k].test
            try:
                single._fit_alone(train.X, train.y, train.sample_weight)
            except Diverged:
                found = np.nan
            else:
                found = measuring(single, to_judge_by(single, test), self.scoring)()[0]
            if self.verbose:
                # In one piece: several threads print.
                print(f"alpha={alphas[j]:g}, fold {k + 1}: {found:f}\n", end="")  # noqa: T201 - verbose
            return found

        tasks = [(k, j) for k in range(len(folds)) for j in range(len(alphas))]
        threads = self.n_jobs if self.n_jobs and self.n_jobs > 0 else available_threads()
        with _gathered_warnings(len(tasks)):
            found = _side_by_side(score, tasks, min(threads, len(tasks)))
        self._choose(alphas, np.array(found).reshape(len(folds), len(alphas)))
        vars(self).pop("best_estimator_", None)
        if self.refit:
            best = self._single(self.alpha_, seed, n_jobs=self.n_jobs)
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(self, name):
                    setattr(best, name, getattr(self, name))
            self.best_estimator_ = best._fit_alone(X, y, sample_weight)
        return self

    def _alphas(self) -> Float:
        """Return the grid."""
        if isinstance(self.alphas, Integral):
            return np.logspace(*_DEFAULT_RANGE, int(self.alphas))
        try:
            alphas = np.array(self.alphas, np.float64)
        except (TypeError, ValueError):
            alphas = np.empty(0)
        if alphas.ndim != 1 or not alphas.size or not (np.isfinite(alphas) & (alphas >= 0)).all():
            raise InvalidParameter(
                f"The 'alphas' parameter of {type(self).__name__} must be a list of finite numbers "
                f">= 0, or how many to take. Got {self.alphas!r} instead."
            )
        return alphas

    def _single(self, alpha: float, seed: int, n_jobs: int | None = None) -> Any:
        """Return the estimator of one penalty, not fitted."""
        settings = self.get_params(deep=False)
        for name in _OWN:
            del settings[name]
        own = {"alpha": float(alpha), "random_state": seed, "n_jobs": n_jobs, "verbose": False}
        return self._kind(**{**settings, **own})

    def _choose(self, alphas: Float, scores: Float) -> None:
        """Take the penalty with the highest mean score, the first of equal ones."""
        means = np.average(np.ascontiguousarray(scores.T), axis=1)
        if np.isnan(means).all():
            raise Diverged(
                "Training diverged in some fold for every penalty: scale X, or try a tenth of "
                "learning_rate_init."
            )
        if np.isnan(means).any():
            warnings.warn(
                f"Training diverged with alpha in {alphas[np.isnan(means)].tolist()}, which is "
                f"not chosen. Scale X, or try a tenth of learning_rate_init.",
                ConvergenceWarning,
                stacklevel=level_of_the_user(),
            )
        self.alphas_, self.scores_ = alphas, scores
        self.best_index_ = int(np.nanargmax(means))
        self.alpha_ = float(alphas[self.best_index_])
        self.best_score_ = float(means[self.best_index_])

    # --- what the best estimator knows ---------------------------------------------------------

    def _best(self) -> Any:
        check_is_fitted(self)
        best = vars(self).get("best_estimator_")
        if best is None:
            raise AttributeError(
                f"This {type(self).__name__} was fitted with refit=False, so it has chosen a "
                f"penalty, but has no network. Set refit=True."
            )
        return best

    def _of_best(self, name: str) -> Any:
        if "best_estimator_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name} before it is fitted.")
        return getattr(self.best_estimator_, name)

    @property
    def network_(self) -> Network:
        """The network of the best penalty, trained on all examples."""
        return self._of_best("network_")

    @property
    def coefs_(self) -> Views:
        """Its weight matrices."""
        return self._of_best("coefs_")

    @property
    def intercepts_(self) -> Views:
        """Its bias vectors."""
        return self._of_best("intercepts_")

    @property
    def n_iter_(self) -> int:
        """The epochs of its training."""
        return self._of_best("n_iter_")

    def predict(self, X: Any) -> Any:
        """Return the predictions of the best estimator.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array
        """
        return self._best().predict(self._checked(X))

    def transform(self, X: Any) -> Float:
        """Return the activations of a hidden layer of the best estimator.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_nodes)
        """
        return np.asarray(self._best().transform(self._checked(X)))

    @property
    def _n_features_out(self) -> int:
        return self._of_best("_n_features_out")

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the score of the best estimator, by `scoring`.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        float
            The greater, the better.
        """
        best = self._best()
        X, y = checked_data(self, X, y, reset=False)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        table = Table(X, best._encode(y, learn=False), y, sample_weight, weight=sample_weight)
        if self.scoring in (None, "loss"):
            return measuring(best, table, self.scoring)()[0]
        return score_by(check_scoring(best, self.scoring), best, table)

    def _checked(self, X: Any) -> Any:
        """Return X as the best estimator need not check it again."""
        return Rows(checked_data(self, X, None, reset=False)[0])

    def __sklearn_is_fitted__(self) -> bool:
        """Whether a penalty was chosen."""
        return "alpha_" in vars(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore an estimator; parameters that its file or pickle did not know have defaults."""
        defaults = {name: p.default for name, p in signature(type(self)).parameters.items()}
        super().__setstate__({**defaults, **state})

    def __sklearn_tags__(self) -> Any:
        """Say that sparse input is taken, and that `transform` keeps the dtype."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


@final
@_around(MLPClassifier)
class MLPClassifierCV(ClassifierMixin, BaseMLPCV):
    """`MLPClassifier` with the penalty `alpha` chosen by cross-validation.

    Folds and penalties are trained side by side, each fit on one thread, over one copy of X. The
    scores are those of a grid search with the same random state.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The class labels, sorted; of several columns of classes a list of those of each.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule import MLPClassifierCV
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifierCV([1.0, 1000.0], cv=3, solver="lbfgs", max_iter=2000, random_state=0)
    >>> model.fit(X, y).alpha_, model.scores_.shape
    (1.0, (3, 2))
    """

    score: Any = BaseMLPCV.score  # not the mixin's

    @property
    def _kind(self) -> type[BaseMLP]:
        return MLPClassifier

    @property
    def classes_(self) -> Any:
        """The class labels, sorted."""
        return self._of_best("classes_")

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes), or list of arrays
        """
        return self._best().predict_proba(self._checked(X))

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes), or list of arrays
        """
        return self._best().predict_log_proba(self._checked(X))

    def __sklearn_tags__(self) -> Any:
        """Say that multi-label targets, and several columns of classes, are taken."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


@final
@_around(MLPRegressor)
class MLPRegressorCV(RegressorMixin, BaseMLPCV):
    """`MLPRegressor` with the penalty `alpha` chosen by cross-validation.

    Folds and penalties are trained side by side, each fit on one thread, over one copy of X. The
    scores are those of a grid search with the same random state.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import MLPRegressorCV
    >>> X = np.linspace(-1, 1, 60)[:, None]
    >>> y = np.sin(3 * X[:, 0]) + 0.1 * np.cos(50 * X[:, 0])
    >>> settings = {"hidden_layer_sizes": 5, "solver": "lbfgs", "random_state": 0}
    >>> halves = [(range(0, 60, 2), range(1, 60, 2)), (range(1, 60, 2), range(0, 60, 2))]
    >>> model = MLPRegressorCV([0.01, 1.0, 1000.0], cv=halves, **settings)
    >>> bool(model.fit(X, y).alpha_ < 1000)
    True
    """

    score: Any = BaseMLPCV.score  # not the mixin's

    @property
    def _kind(self) -> type[BaseMLP]:
        return MLPRegressor


def _numbers(rows: Any) -> Any:
    """Return row numbers for those of a splitter, or of a mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def _side_by_side(do: Callable[[Any], float], tasks: list[Any], threads: int) -> list[float]:
    """Return the result of each task, from several threads; the core releases the GIL meanwhile."""
    config = get_config()

    def with_the_config(task: Any) -> float:
        with config_context(**config):
            return do(task)

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(with_the_config, task) for task in tasks]
        try:
            return [future.result() for future in futures]
        except BaseException:  # Ctrl-C above all: what has not begun need not
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _gathered_warnings(n_fits: int) -> Any:
    """Warn once instead of in each fit: of convergence with a count, of all else unchanged."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    said = set[Any]()
    late = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    if late:
        warnings.warn(
            f"{len(late)} of {n_fits} fits did not converge, the first with: {late[0].message}",
            ConvergenceWarning,
            stacklevel=level_of_the_user(),
        )
    for other in caught:
        # Of the same trouble every fit has numbers of its own: once will do.
        what = other.category if issubclass(other.category, TrainingWarning) else str(other.message)
        if other not in late and what not in said:
            said.add(what)
            warnings.warn(other.message, other.category, stacklevel=level_of_the_user())
