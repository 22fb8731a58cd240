"""The network, and the two plain models that it has to beat."""

import re
import sys
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import get_scorer_names
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from chainrule.cli.choosing import (
    Penalties,
    Selection,
    choose_columns,
    choose_penalty,
    require_choice,
)
from chainrule.cli.console.exits import note
from chainrule.cli.console.output import ctrl_c_ends, to_stderr
from chainrule.cli.console.progress import Progress
from chainrule.cli.guesses import Guess, following
from chainrule.cli.options import OPTIONS
from chainrule.errors import (
    CheckpointWarning,
    Diverged,
    InvalidParameter,
    TrainingWarning,
    UnscaledValidation,
)
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.opening import take_apart

__all__ = [
    "Keeping",
    "Settings",
    "Trained",
    "diverged",
    "fit_network",
    "fit_plain",
    "network_of",
]

# Below this many rows, a tenth of them says too little about when to stop.
ENOUGH_TO_STOP_EARLY = 5000
# No weight between standardized inputs and a hidden layer is as large unless training diverged.
HUGE = 100
_WATCHED = Guess(
    "early stopping is wanted",
    f"there are {ENOUGH_TO_STOP_EARLY} rows to learn from or more",
    "add --no-early-stopping",
)


@dataclass(frozen=True)
class Settings:
    """The settings of a network and its training."""

    hidden: tuple[int, ...]
    activation: str
    alpha: float
    learning_rate: float
    batch_size: int | str
    epochs: int
    seed: int
    more: Mapping[str, Any] = field(default_factory=dict)  # of the estimators' other parameters


@dataclass(frozen=True)
class Keeping:
    """How far a training may go this time, and where it is kept."""

    checkpoint: str | None = None
    resume: bool = False
    max_seconds: float | None = None


@dataclass(frozen=True)
class Trained:
    """A model, and how its training ended: by itself, because time was up, or else at the end."""

    model: Pipeline
    converged: bool
    out_of_time: bool
    penalties: Penalties | None = None
    chosen: list[str] | None = None


def fit_network(
    preparation: ColumnTransformer,
    settings: Settings,
    task: str,
    inputs: pl.DataFrame,
    y: np.ndarray,
    on_start: Callable[[], None] = lambda: None,
    keeping: Keeping | None = None,
    *,
    validation: tuple[pl.DataFrame, np.ndarray] | None = None,
    selection: Selection | None = None,
    alphas: Any = None,
    guesses: Sequence[Guess | None] = (),
) -> Trained:
    """Train a network behind the preparation of its inputs.

    Parameters
    ----------
    preparation : ColumnTransformer
        To be fitted as well.
    settings : Settings
        Of the network.
    task : str
        "classification", "regression" or "counts".
    inputs : polars.DataFrame
        The input columns.
    y : ndarray
        The targets.
    on_start : callable, optional
        Called when it is known that the network fits into memory, or before what takes long.
    keeping : Keeping, optional
        How far it may go, and where it is kept.
    validation : tuple of inputs and targets, optional
        What early stopping watches.
    selection : Selection, optional
        How many of the prepared inputs to use, and how they are chosen.
    alphas : int or list of float, optional
        The penalties among which cross-validation chooses.
    guesses : sequence of Guess or None, optional
        What was guessed of the target.

    Returns
    -------
    Trained

    Raises
    ------
    KeyboardInterrupt
        If the user interrupts the training.
    Diverged
        If its cost or the network became infinite or no number.
    InvalidParameter
        If settings cannot be together.
    """
    keeping = keeping or Keeping()
    validated = validation is not None
    network = _make_network(settings, task, y, validated=validated).set_params(**asdict(keeping))
    _require_possible(network)
    if network.early_stopping and not validated and "early_stopping" not in settings.more:
        guesses = [*guesses, _WATCHED]
    steps: list[tuple[str, Any]] = [("prepare", preparation)]
    X: Any = preparation.fit_transform(inputs)
    penalties = None
    if selection is not None:
        require_choice(selection, X.shape[1])
    if selection is not None or alphas is not None:
        on_start()
        on_start = _nothing
        scaled = y
        if task == "regression":
            scaler: Any = StandardScaler()
            scaled = scaler.fit_transform(y[:, None]).ravel()
        with warnings.catch_warnings(), ctrl_c_ends() as asked, to_stderr():
            warnings.simplefilter("ignore")
            try:
                if selection is not None:
                    chooser = choose_columns(
                        selection, preparation, network, task, X, scaled, asked
                    )
                    steps.append(("select", chooser))
                    X = chooser.transform(X)
                if alphas is not None:
                    with following(*guesses), _in_words(network):
                        penalties = choose_penalty(network, alphas, X, scaled)
                    network.set_params(alpha=penalties.best)
            except Diverged as error:
                raise diverged(settings) from error
    chosen = None
    if selection is not None:
        found: Any = Pipeline(steps).get_feature_names_out()
        names = [str(name) for name in found]
        # A ColumnTransformer puts the name of its part in front.
        plain = [name.partition("__")[2] or name for name in names]
        chosen = plain if len(set(plain)) == len(plain) else names
    given: dict[str, Any] = {}
    if validation is not None:
        X_val, y_val = Pipeline(steps).transform(validation[0]), validation[1]
        if task == "regression":
            scaler = StandardScaler().fit(y[:, None])
            y_val = np.asarray(scaler.transform(y_val[:, None])).ravel()
        given = {"X_val": X_val, "y_val": y_val}
    with following(*guesses):
        last, converged, late = _fit(network, settings, task, X, y, on_start, given)
    return Trained(Pipeline([*steps, ("network", last)]), converged, late, penalties, chosen)


def _fit(
    network: MLPClassifier | MLPRegressor,
    settings: Settings,
    task: str,
    X: np.ndarray,
    y: np.ndarray,
    on_start: Callable[[], None],
    given: Mapping[str, Any],
) -> tuple[BaseEstimator, bool, bool]:
    """Train, and return the last step of the model, whether it converged, and if time was up."""
    stdout = sys.stdout

    def begin() -> None:
        with redirect_stdout(stdout):
            on_start()

    progress = Progress(begin)
    network.set_callbacks(progress)
    last: Any = network
    if task == "regression":  # counts stay as they are: their loss needs them so
        last = TransformedTargetRegressor(network, transformer=StandardScaler())
    with warnings.catch_warnings(record=True) as caught, progress, ctrl_c_ends(), to_stderr():
        warnings.simplefilter("always")
        try:
            with _in_words(network):
                last.fit(X, y, **given)
        except Diverged as error:
            raise diverged(settings) from error
    fitted = network_of(last)
    network.set_callbacks()
    fitted.set_callbacks()
    # A network out of all bounds is refused by the caller, in one sentence that says it all.
    noted = CheckpointWarning
    if np.abs(fitted.network_.theta).max() <= HUGE:
        noted |= TrainingWarning
    for each in caught:
        if issubclass(each.category, UnscaledValidation):  # prepared alike, so it is the table
            note(
                "the table of --validation lies far from the rows that are learned from, so that "
                "the score on it says little; are its columns in the same units?"
            )
        elif issubclass(each.category, noted):
            note(str(each.message))
    limits = [str(each.message) for each in caught if issubclass(each.category, ConvergenceWarning)]
    return last, not limits, any("max_seconds" in limit for limit in limits)


def diverged(settings: Settings) -> Diverged:
    """Make the error for a training that led nowhere.

    Parameters
    ----------
    settings : Settings
        Of the network.

    Returns
    -------
    Diverged
    """
    rate = settings.learning_rate
    return Diverged(
        f"The training diverged with --learning-rate {rate:g}; "
        f"try {0.001 if rate > 0.01 else rate / 10:g}."
    )


def fit_plain(
    preparation: Any, task: str, inputs: pl.DataFrame, y: np.ndarray
) -> dict[str, Pipeline]:
    """Fit the models to compare with: one that ignores the inputs, and a linear one.

    Parameters
    ----------
    preparation : transformer
        Fitted already, on the same inputs.
    task : str
        "classification", "regression" or "counts".
    inputs : polars.DataFrame
        The input columns.
    y : ndarray
        The targets.

    Returns
    -------
    dict of str to Pipeline
        "linear" and "baseline".
    """
    baseline = DummyClassifier() if task == "classification" else DummyRegressor()
    linear = {
        "classification": LogisticRegression(max_iter=1000),
        "regression": Ridge(),
        "counts": PoissonRegressor(alpha=1e-3, max_iter=1000),
    }[task]
    prepared = preparation.transform(inputs)
    return {
        name: Pipeline([("prepare", preparation), (name, model.fit(prepared, y))])
        for name, model in (("linear", linear), ("baseline", baseline))
    }


def network_of(model: Any) -> MLPClassifier | MLPRegressor:
    """Return the fitted network at the end of a model.

    Parameters
    ----------
    model : Pipeline, or its last step
        From `fit_network`.

    Returns
    -------
    MLPClassifier or MLPRegressor
    """
    return take_apart(model).core


def _nothing() -> None:
    """Do nothing: what it stands for was done."""


def _make_network(
    settings: Settings, task: str, y: np.ndarray, *, validated: bool
) -> MLPClassifier | MLPRegressor:
    rows_per_class = (
        np.unique(y, return_counts=True)[1].min() if task == "classification" else len(y)
    )
    size = settings.batch_size
    # A class needs rows on both sides of the split that decides when to stop.
    enough = len(y) >= ENOUGH_TO_STOP_EARLY and rows_per_class >= 20
    common = {
        "hidden_layer_sizes": settings.hidden,
        "activation": settings.activation,
        "alpha": settings.alpha,
        "learning_rate_init": settings.learning_rate,
        "batch_size": size if isinstance(size, str) else min(size, len(y)),
        "max_iter": settings.epochs,
        "random_state": settings.seed,
        "early_stopping": validated or (enough and settings.more.get("solver") != "lbfgs"),
        **settings.more,
    }
    if task == "classification":
        return MLPClassifier(**common)
    return MLPRegressor(**{"loss": "poisson" if task == "counts" else "squared_error", **common})


def _require_possible(network: MLPClassifier | MLPRegressor) -> None:
    """Raise if parameters cannot be together, in the words of the flags."""
    try:
        network._validate_params()
        network._require_possible()
    except InvalidParameter as error:
        raise in_flags(error) from error
    except ValueError as error:  # scikit-learn's own
        raise in_flags(InvalidParameter(str(error))) from error


@contextmanager
def _in_words(network: MLPClassifier | MLPRegressor) -> Generator[None]:
    """Say in the words of the flags why a network cannot be trained on these rows."""
    try:
        yield
    except InvalidParameter as error:
        if "pos_label=" in str(error) or "average='binary'" in str(error):
            raise _no_positive_class(network) from error
        raise in_flags(error) from error
    except ValueError as error:  # scikit-learn's own
        if not re.search("validation_fraction|test_size|train_size|populated", str(error)):
            raise
        raise InvalidParameter(
            "The rows that early stopping would hold out, or the rows that would be left, are too "
            "few; change --validation-fraction, give a table to --validation, or add "
            "--no-early-stopping."
        ) from error


def _no_positive_class(network: MLPClassifier | MLPRegressor) -> InvalidParameter:
    scoring = str(network.scoring)
    others = [f"{scoring}_{average}" for average in ("macro", "weighted")]
    use = " or ".join(name for name in others if name in get_scorer_names()) or "neg_log_loss"
    return InvalidParameter(
        f"--scoring {scoring} is for two classes of which one is 1, the positive one, and the "
        f"target has others; use {use}."
    )


def in_flags(error: InvalidParameter) -> InvalidParameter:
    """Say of a flag what an estimator says of its parameter.

    Parameters
    ----------
    error : InvalidParameter
        The estimator's.

    Returns
    -------
    InvalidParameter
    """
    flags = {option.parameter: option.flag for option in OPTIONS.values() if option.parameter}

    def flag(match: re.Match[str]) -> str:
        return flags.get(match[1], match[1])

    text = re.sub(r"The '(\w+)' parameter of \w+", flag, str(error))
    text = re.sub(r"\bsolver='(\w+)'", r"--solver \1", text)
    return InvalidParameter(text)
