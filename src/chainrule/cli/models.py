"""The network, and the two plain models that it has to beat."""

import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from chainrule.cli.exits import note
from chainrule.cli.progress import Progress
from chainrule.errors import CheckpointWarning, Diverged, TrainingWarning
from chainrule.estimators import MLPClassifier, MLPRegressor

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
HUGE = 100


@dataclass(frozen=True)
class Settings:
    """The settings of a network and its training."""

    hidden: tuple[int, ...]
    activation: str
    alpha: float
    learning_rate: float
    batch_size: int
    epochs: int
    seed: int


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


def fit_network(
    preparation: ColumnTransformer,
    settings: Settings,
    task: str,
    inputs: pl.DataFrame,
    y: np.ndarray,
    on_start: Callable[[], None] = lambda: None,
    keeping: Keeping | None = None,
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
        Called when it is known that the network fits into memory.
    keeping : Keeping, optional
        How far it may go, and where it is kept.

    Returns
    -------
    Trained

    Raises
    ------
    KeyboardInterrupt
        If the user interrupts the training.
    Diverged
        If its cost or the network became infinite or no number.
    """
    network = _make_network(settings, task, y).set_params(**asdict(keeping or Keeping()))
    progress = Progress(on_start)
    network.set_callbacks(progress)
    last: BaseEstimator = network
    if task == "regression":  # counts stay as they are: their loss needs them so
        last = TransformedTargetRegressor(network, transformer=StandardScaler())
    model = Pipeline([("prepare", preparation), ("network", last)])
    with warnings.catch_warnings(record=True) as caught, progress, _ctrl_c_ends():
        warnings.simplefilter("always")
        try:
            model.fit(inputs, y)
        except Diverged as error:
            raise diverged(settings) from error
    network.set_callbacks()
    network_of(model).set_callbacks()
    # A network out of all bounds is refused by the caller, in one sentence that says it all.
    told = CheckpointWarning
    if np.abs(network_of(model).network_.theta).max() <= HUGE:
        told |= TrainingWarning
    for each in caught:
        if issubclass(each.category, told):
            note(str(each.message))
    limits = [str(each.message) for each in caught if issubclass(each.category, ConvergenceWarning)]
    return Trained(model, not limits, any("max_seconds" in limit for limit in limits))


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
    preparation: ColumnTransformer, task: str, inputs: pl.DataFrame, y: np.ndarray
) -> dict[str, Pipeline]:
    """Fit the models to compare with: one that ignores the inputs, and a linear one.

    Parameters
    ----------
    preparation : ColumnTransformer
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


def network_of(model: Pipeline) -> MLPClassifier | MLPRegressor:
    """Return the fitted network at the end of a model.

    Parameters
    ----------
    model : Pipeline
        From `fit_network`.

    Returns
    -------
    MLPClassifier or MLPRegressor
    """
    last = model.steps[-1][1]
    network = last.regressor_ if isinstance(last, TransformedTargetRegressor) else last
    return cast("MLPClassifier | MLPRegressor", network)


@contextmanager
def _ctrl_c_ends() -> Iterator[None]:
    """Let Ctrl-C end the command.

    As scikit-learn's, the estimator takes it for the wish to keep what it has learned so far.
    """
    if threading.current_thread() is not threading.main_thread():  # only there it can be caught
        yield
        return
    asked = []

    def interrupt(*_: object) -> None:
        asked.append(True)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def _make_network(settings: Settings, task: str, y: np.ndarray) -> MLPClassifier | MLPRegressor:
    rows_per_class = (
        np.unique(y, return_counts=True)[1].min() if task == "classification" else len(y)
    )
    common = {
        "hidden_layer_sizes": settings.hidden,
        "activation": settings.activation,
        "alpha": settings.alpha,
        "learning_rate_init": settings.learning_rate,
        "batch_size": min(settings.batch_size, len(y)),
        "max_iter": settings.epochs,
        "random_state": settings.seed,
        # A class needs rows on both sides of the split that decides when to stop.
        "early_stopping": len(y) >= ENOUGH_TO_STOP_EARLY and rows_per_class >= 20,
    }
    if task == "classification":
        return MLPClassifier(**common)
    return MLPRegressor(**common, loss="poisson" if task == "counts" else "squared_error")
