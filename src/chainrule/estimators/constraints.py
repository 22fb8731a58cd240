"""What each parameter of the estimators may be, as scikit-learn's tables have it."""

import os
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, Options, StrOptions

from chainrule.estimators.solvers import SCHEDULES, STOCHASTIC
from chainrule.maths.activations import ACTIVATIONS, Activation
from chainrule.optimizers import LBFGS, Optimizer, Schedule
from chainrule.training import Checkpoint

__all__ = ["PARAMETER_CONSTRAINTS"]


class _Scoring(StrOptions):
    """The names of scikit-learn's scorers, which are too many to be listed in a sentence."""

    def __str__(self) -> str:
        return "'loss', a name that sklearn.metrics.get_scorer_names() lists"


PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS) - {"step"}), Activation, list, tuple],
    "solver": [StrOptions({"lbfgs", *STOCHASTIC}), Optimizer, LBFGS],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(SCHEDULES)), Schedule, callable],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose", StrOptions({"bar", "auto"})],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple, np.ndarray],
    "l1": [Interval(Real, 0, None, closed="left")],
    "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    "engine": [StrOptions({"auto", "reference", "native"})],
    "n_jobs": [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1}), None],
    "checkpoint": [str, os.PathLike, Checkpoint, None],
    "resume": ["boolean"],
    "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
    "dropout_input": [Interval(Real, 0, 1, closed="left")],
    "transform_layer": [Interval(Integral, None, None, closed="neither")],
    "scoring": [_Scoring({"loss", *get_scorer_names()}), callable, None],
}
