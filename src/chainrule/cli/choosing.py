"""What is chosen before the training: input columns, and the strength of the penalty."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import (
    SelectKBest,
    SequentialFeatureSelector,
    mutual_info_classif,
    mutual_info_regression,
)
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold

from chainrule.errors import InvalidInput, InvalidParameter, unknown_name
from chainrule.estimators import (
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
)

__all__ = [
    "Penalties",
    "Selection",
    "choose_columns",
    "choose_penalty",
    "read_selection",
    "require_choice",
]

HOW = ("mutual-info", "forward")
FOLDS = 3  # a forward search trains one network for each column, each time, in each fold
_SCORERS = {
    "classification": "neg_log_loss",
    "regression": "r2",
    "counts": "neg_mean_poisson_deviance",
}


@dataclass(frozen=True)
class Selection:
    """How many inputs to use, and how they are chosen."""

    how: str
    number: int

    def __str__(self) -> str:
        """Return it as it was given."""
        return f"{self.how}:{self.number}"


@dataclass(frozen=True)
class Penalties:
    """The penalties that were tried, the mean score of each over the folds, and the best."""

    alphas: Sequence[float]
    scores: Sequence[float]
    folds: int
    best: float


def read_selection(text: str) -> Selection:
    """Read what ``--select`` takes.

    Parameters
    ----------
    text : str
        For instance "mutual-info:20".

    Returns
    -------
    Selection

    Raises
    ------
    InvalidParameter
        If it is none.
    """
    how, _, number = text.partition(":")
    if how not in HOW:
        raise unknown_name("way to --select", how, HOW)
    if not number.isdecimal() or int(number) < 1:
        raise InvalidParameter(
            f"--select takes how many inputs to use after a colon, for instance {how}:10; given: "
            f"'{text}'."
        )
    return Selection(how, int(number))


def require_choice(selection: Selection, inputs: int) -> None:
    """Make sure that there are more inputs than are to be chosen.

    Parameters
    ----------
    selection : Selection
        How many.
    inputs : int
        The prepared inputs.

    Raises
    ------
    InvalidInput
        If not.
    """
    if selection.number >= inputs:
        raise InvalidInput(
            f"--select {selection} has nothing to choose: there are {inputs} inputs once texts are "
            "one-hot encoded; ask for fewer, or leave it out."
        )


def choose_columns(
    selection: Selection,
    preparation: ColumnTransformer,
    network: MLPClassifier | MLPRegressor,
    task: str,
    X: np.ndarray,
    y: np.ndarray,
    asked_to_end: Sequence[bool] = (),
) -> SelectKBest:
    """Choose prepared inputs by scikit-learn's selectors.

    Parameters
    ----------
    selection : Selection
        How, and how many.
    preparation : ColumnTransformer
        Fitted; it knows which columns are categories.
    network : MLPClassifier or MLPRegressor
        What a forward search trains, on `FOLDS` folds.
    task : str
        "classification", "regression" or "counts".
    X, y : ndarray
        Prepared inputs and targets.
    asked_to_end : sequence
        Not empty any more when the user has pressed Ctrl-C.

    Returns
    -------
    SelectKBest
        With the information of each input as its score, or 1 for those that a search has found.
        It is without the function that gave them: files hold none.

    Raises
    ------
    KeyboardInterrupt
        If the user asked for it.
    """
    inputs = X.shape[1]
    if selection.how == "mutual-info":
        encoded = preparation.output_indices_.get("texts", slice(0, 0))
        discrete = np.zeros(inputs, bool)
        discrete[encoded] = True
        measure: Any = mutual_info_classif if task == "classification" else mutual_info_regression

        def tell(X: np.ndarray, y: np.ndarray) -> np.ndarray:
            seed = network.random_state
            return measure(X, y, discrete_features=discrete, random_state=seed)

        selector: Any = SelectKBest(tell, k=selection.number)
    else:
        trainings = FOLDS * sum(range(inputs - selection.number + 1, inputs + 1))
        count = _Counted(get_scorer(_SCORERS[task]), trainings, asked_to_end)
        alone: Any = clone(network)
        alone.set_params(checkpoint=None, resume=False, verbose=False)
        forward: Any = SequentialFeatureSelector
        selector = forward(
            alone, n_features_to_select=selection.number, scoring=count, cv=_folds(network, FOLDS)
        )
    selector.fit(X, y)
    kept: Any = SelectKBest(None, k=selection.number)
    is_filter = isinstance(selector, SelectKBest)
    kept.scores_ = selector.scores_ if is_filter else selector.get_support().astype(float)
    kept.n_features_in_ = inputs
    return kept


def choose_penalty(
    network: MLPClassifier | MLPRegressor, alphas: Any, X: np.ndarray, y: np.ndarray
) -> Penalties:
    """Choose the strength of the penalty by cross-validation.

    Parameters
    ----------
    network : MLPClassifier or MLPRegressor
        What is to be trained.
    alphas : int or list of float
        How many to try, or which.
    X, y : ndarray
        Prepared inputs and targets.

    Returns
    -------
    Penalties

    Raises
    ------
    Diverged
        If every training did.
    """
    around: Any = MLPClassifierCV if isinstance(network, MLPClassifier) else MLPRegressorCV
    own = {*around().get_params(deep=False)}
    settings = {k: v for k, v in network.get_params(deep=False).items() if k in own}
    settings |= {"max_seconds": None, "verbose": False}
    settings["scoring"] = settings["scoring"] or "loss"
    search = around(alphas, refit=False, cv=_folds(network, 5), **settings).fit(X, y)
    means = [float(mean) for mean in search.scores_.mean(axis=0)]
    return Penalties(
        [float(alpha) for alpha in search.alphas_],
        means,
        len(search.scores_),
        float(search.alpha_),
    )


def _folds(network: MLPClassifier | MLPRegressor, number: int) -> StratifiedKFold | KFold:
    """Return shuffled folds, since a table may be sorted by its target."""
    kind = StratifiedKFold if isinstance(network, MLPClassifier) else KFold
    return kind(number, shuffle=True, random_state=network.random_state)


class _Counted:
    """A scorer that says on a terminal how many networks were scored, and ends at Ctrl-C."""

    def __init__(self, scorer: Any, total: int, asked_to_end: Sequence[bool]) -> None:
        self._scorer, self._total, self._asked = scorer, total, asked_to_end
        self._done = 0

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        """Score one network."""
        if self._asked:
            raise KeyboardInterrupt
        self._done += 1
        if sys.stderr.isatty():
            end = "\n" if self._done == self._total else ""
            sys.stderr.write(f"\rforward search: network {self._done} of {self._total}{end}")
            sys.stderr.flush()
        # A row counts what it counts in training, as in all validation.
        by_class, weights = getattr(estimator, "class_weight_", None), {}
        if by_class is not None:
            weights = {"sample_weight": by_class[np.searchsorted(estimator.classes_, y)]}
        return float(self._scorer(estimator, X, y, **weights))
