"""The options of ``chainrule train``: one table for the flags, the keys of a file, and the help."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.cli import values
from chainrule.cli.values import Reader, choice, number, numbers, or_word, switch, text, whole

__all__ = ["LOSSES", "OPTIONS", "READING", "Option"]

SOLVERS = ("adam", "adamw", "nadam", "rmsprop", "adagrad", "sgd", "rprop", "lbfgs")
SCHEDULES = ("constant", "invscaling", "adaptive", "step", "exponential", "cosine", "one_cycle")
THOUSANDS = {
    "comma": ",",
    "point": ".",
    "space": " ",
    "apostrophe": "'",
    "underscore": "_",
    "none": "",
}
SEPARATORS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "bar": "|",
    "space": " ",
    "colon": ":",
    r"\t": "\t",
}
ENGINES = ("auto", "reference", "native")
TASKS = ("classification", "regression", "counts")
LOSSES: Mapping[str, tuple[str, ...]] = {
    "classification": ("log_loss", "cross_entropy"),
    "regression": ("squared_error", "absolute_error", "huber", "quantile"),
    "counts": ("poisson",),
}
"""The losses of each task, the default first."""


@dataclass(frozen=True)
class Option:
    """One option of a training.

    Attributes
    ----------
    key : str
        What it is called in a file; the flag is the same with dashes.
    metavar, help : str
        For ``--help``; a switch has no metavar.
    panel : str
        The part of the help that it belongs to.
    read : Reader
        From what was given to the value.
    default : object
        The command's own; None leaves it to the estimator.
    parameter : str or None
        The estimators' parameter that it is, if it is one.
    complete : tuple of str
        What a shell may complete.
    """

    key: str
    metavar: str
    help: str
    panel: str
    read: Reader
    default: Any = None
    parameter: str | None = None
    complete: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The flag."""
        return f"--{self.key.replace('_', '-')}"

    @property
    def other(self) -> str | None:
        """scikit-learn's name for it, which is understood, too."""
        known = self.parameter in (None, self.key, "learning_rate")
        return None if known else self.parameter


_TABLE, _NETWORK, _TRAINING = "The table", "The network", "The training"
_REGULAR, _STOP, _FINE = "Against overfitting", "When to stop", "Fine points of the solvers"
_KEEP = "Long trainings and the result"

_ALL = (
    Option("target", "COLUMN", "The column to predict.", _TABLE, text),
    Option(
        "task",
        "TASK",
        "classification, regression or counts (numbers of events, 0 and up). By default: "
        "classification for text, true/false and up to 20 different whole numbers, else "
        "regression.",
        _TABLE,
        text,
        complete=TASKS,
    ),
    Option("features", "COLUMNS", "The only columns to use, with commas.", _TABLE, values.names),
    Option("drop", "COLUMNS", "Columns not to use, with commas.", _TABLE, values.names, ()),
    Option(
        "categorical",
        "COLUMNS",
        "Columns of numbers that are names, with commas.",
        _TABLE,
        values.names,
        (),
    ),
    Option(
        "separator",
        "MARK",
        "What stands between the cells of a text file: ',' or ';' or '|', tab, space, colon. By "
        "default as its header and rows show.",
        _TABLE,
        values.mark(SEPARATORS),
        complete=tuple(SEPARATORS)[:-1],
    ),
    Option(
        "decimal",
        "MARK",
        "What stands before the decimals: '.' or ','. By default as the cells show.",
        _TABLE,
        values.mark({"point": ".", "comma": ","}),
        complete=("point", "comma"),
    ),
    Option(
        "thousands",
        "MARK",
        "What stands between groups of digits: ',' or '.', space, apostrophe, underscore, none. "
        "By default as the cells show.",
        _TABLE,
        values.mark(THOUSANDS),
        complete=tuple(THOUSANDS),
    ),
    Option(
        "missing",
        "CELLS",
        "Further cells that are missing, with commas, for instance -99,unknown; 'only' as the "
        "first: no others are but empty ones.",
        _TABLE,
        values.marks,
    ),
    Option(
        "dates",
        "ORDER",
        "How dates are written: dmy, mdy, ymd, a format such as %d.%m.%Y, or none to take them as "
        "text. By default as the cells show.",
        _TABLE,
        values.dates,
        complete=values.DATES,
    ),
    Option(
        "select",
        "HOW:N",
        "Choose the N best inputs: mutual-info:20 judges each by itself, quickly; forward:10 adds "
        "one at a time, the one with which the network is best, and trains many networks.",
        _TABLE,
        text,
    ),
    Option(
        "test_fraction",
        "FRACTION",
        "The part of the rows to hold out, to measure on. Default: 0.2.",
        _TABLE,
        number(0, 1, open_low=True, open_high=True),
        0.2,
    ),
    Option(
        "validation",
        "FILE",
        "A table to watch while training: its best epoch is kept (early stopping).",
        _TABLE,
        text,
    ),
    Option(
        "hidden",
        "SIZES",
        "The hidden layers, or 'none' for a linear model. Default: 64,64.",
        _NETWORK,
        values.sizes,
        (64, 64),
        "hidden_layer_sizes",
    ),
    Option(
        "activation",
        "NAME",
        "Of the hidden layers: tanh, relu, logistic, leaky_relu, elu, selu, softplus, silu, gelu, "
        "mish, identity; or one per layer, with commas. Default: tanh.",
        _NETWORK,
        values.activations,
        "tanh",
        "activation",
        (
            *("tanh", "relu", "logistic", "leaky_relu", "elu", "selu", "softplus", "silu"),
            *("gelu", "mish", "identity"),
        ),
    ),
    Option(
        "loss",
        "NAME",
        "What is minimized: log_loss or cross_entropy for classes (log_loss:0.1 smooths the "
        "labels); squared_error, absolute_error, huber (huber:2 says where it changes, in "
        "deviations of the target) or quantile for numbers; poisson for counts.",
        _NETWORK,
        text,
        None,
        "loss",
        tuple(name for losses in LOSSES.values() for name in losses),
    ),
    Option(
        "quantile",
        "Q",
        "Which quantile --loss quantile predicts. Default: 0.5.",
        _NETWORK,
        number(0, 1, open_low=True, open_high=True),
        None,
        "quantile",
    ),
    Option(
        "class_weight",
        "WEIGHTS",
        "'balanced', so that rare classes count as much as frequent ones, or for instance "
        "no=1,yes=5.",
        _NETWORK,
        values.class_weight,
        None,
        "class_weight",
    ),
    Option(
        "transform_layer",
        "LAYER",
        "The hidden layer whose activations the model's transform gives, in Python. Default: -1, "
        "the last.",
        _NETWORK,
        whole(-1000),
        None,
        "transform_layer",
    ),
    Option(
        "epochs",
        "N",
        "At most so many. Default: 200.",
        _TRAINING,
        whole(1),
        200,
        "max_iter",
    ),
    Option(
        "learning_rate",
        "RATE",
        "The size of the steps. Default: 0.001.",
        _TRAINING,
        number(0, open_low=True),
        0.001,
        "learning_rate_init",
    ),
    Option(
        "schedule",
        "NAME",
        "How the learning rate changes: constant, cosine, one_cycle, step, exponential, "
        "invscaling, adaptive. Default: constant.",
        _TRAINING,
        choice("schedule", SCHEDULES),
        None,
        "learning_rate",
        SCHEDULES,
    ),
    Option(
        "batch_size",
        "N",
        "Rows a step, or 'auto'. Default: 32.",
        _TRAINING,
        or_word(whole(1), "auto"),
        None,
        "batch_size",
    ),
    Option(
        "solver",
        "NAME",
        "adam, adamw, nadam, rmsprop, adagrad, sgd; or, on all rows at once, rprop and lbfgs. "
        "Default: adam.",
        _TRAINING,
        choice("solver", SOLVERS),
        None,
        "solver",
        SOLVERS,
    ),
    Option(
        "seed",
        "N",
        "Of the split and the network: same seed, same result. Default: 0.",
        _TRAINING,
        whole(0, 2**32 - 1),
        0,
        "random_state",
    ),
    Option(
        "alpha",
        "NUMBER",
        "Strength of the L2 penalty. Default: 0.3.",
        _REGULAR,
        number(0),
        0.3,
        "alpha",
    ),
    Option(
        "alphas",
        "NUMBERS",
        "Choose alpha by cross-validation: how many to try between 0.0001 and 100, or which, for "
        "instance 0.01,0.1,1.",
        _REGULAR,
        values.grid,
    ),
    Option("l1", "NUMBER", "Strength of the L1 penalty.", _REGULAR, number(0), None, "l1"),
    Option(
        "dropout",
        "P",
        "The part of the hidden nodes to leave out in a step, or one per layer, with commas.",
        _REGULAR,
        numbers(number(0, 1, open_high=True)),
        None,
        "dropout",
    ),
    Option(
        "dropout_input",
        "P",
        "The part of the inputs to leave out in a step.",
        _REGULAR,
        number(0, 1, open_high=True),
        None,
        "dropout_input",
    ),
    Option(
        "max_grad_norm",
        "NUMBER",
        "Longer gradients are scaled down to it.",
        _REGULAR,
        number(0, open_low=True),
        None,
        "max_grad_norm",
    ),
    Option(
        "early_stopping",
        "",
        "Keep the best epoch on rows held out of the training, or on --validation. By default "
        "with --validation, and from 5000 rows on.",
        _STOP,
        switch,
        None,
        "early_stopping",
    ),
    Option(
        "validation_fraction",
        "FRACTION",
        "The part of the rows that early stopping holds out. Default: 0.1.",
        _STOP,
        number(0, 1, open_low=True, open_high=True),
        None,
        "validation_fraction",
    ),
    Option(
        "scoring",
        "NAME",
        "What early stopping watches: 'loss', or one of scikit-learn's scorers, for instance "
        "roc_auc. By default accuracy or R².",
        _STOP,
        text,
        None,
        "scoring",
    ),
    Option(
        "tol",
        "NUMBER",
        "What counts as an improvement. Default: 0.0001.",
        _STOP,
        number(0),
        None,
        "tol",
    ),
    Option(
        "n_iter_no_change",
        "N",
        "So many epochs without improvement end the training, or 'inf'. Default: 10.",
        _STOP,
        or_word(whole(1), "inf", also=math.inf),
        None,
        "n_iter_no_change",
    ),
    Option(
        "max_seconds",
        "S",
        "Train so long at most, this time.",
        _STOP,
        number(0, open_low=True),
        None,
        "max_seconds",
    ),
    Option("shuffle", "", "New order each epoch (default).", _FINE, switch, None, "shuffle"),
    Option(
        "momentum",
        "NUMBER",
        "Of sgd. Default: 0.9.",
        _FINE,
        number(0, 1),
        None,
        "momentum",
    ),
    Option(
        "nesterovs_momentum",
        "",
        "Whether sgd looks ahead (default).",
        _FINE,
        switch,
        None,
        "nesterovs_momentum",
    ),
    Option(
        "power_t",
        "NUMBER",
        "The exponent of invscaling. Default: 0.5.",
        _FINE,
        number(0),
        None,
        "power_t",
    ),
    Option(
        "beta_1",
        "NUMBER",
        "How slowly adam forgets gradients. Default: 0.9.",
        _FINE,
        number(0, 1, open_high=True),
        None,
        "beta_1",
    ),
    Option(
        "beta_2",
        "NUMBER",
        "How slowly adam forgets their squares. Default: 0.999.",
        _FINE,
        number(0, 1, open_high=True),
        None,
        "beta_2",
    ),
    Option(
        "epsilon",
        "NUMBER",
        "Keeps adam's division from exploding. Default: 1e-8.",
        _FINE,
        number(0, open_low=True),
        None,
        "epsilon",
    ),
    Option(
        "max_fun",
        "N",
        "How often lbfgs may compute the cost. Default: 15000.",
        _FINE,
        whole(1),
        None,
        "max_fun",
    ),
    Option(
        "engine",
        "NAME",
        "auto, native (C++) or reference (NumPy). Default: auto.",
        _FINE,
        choice("engine", ENGINES),
        None,
        "engine",
        ENGINES,
    ),
    Option(
        "n_jobs",
        "N",
        "Threads; the result does not depend on it. By default as many as are worth it.",
        _FINE,
        or_word(whole(1), "-1", also=-1),
        None,
        "n_jobs",
    ),
    Option("model", "FILE", "Save the model here; else it is not saved.", _KEEP, text),
    Option(
        "checkpoint",
        "FILE",
        "Keep here how far the training is, each minute and at Ctrl-C.",
        _KEEP,
        text,
        None,
        "checkpoint",
    ),
    Option(
        "resume",
        "",
        "Go on from the checkpoint, if there is one.",
        _KEEP,
        switch,
        None,
        "resume",
    ),
    Option("verbose", "", "Say each epoch's cost, on stderr.", _KEEP, switch, None, "verbose"),
)

READING = ("separator", "decimal", "thousands", "missing", "dates")
"""The options of every command that reads a table."""

OPTIONS: Mapping[str, Option] = {option.key: option for option in _ALL}
"""By their keys. Only `warm_start` is missing: a command has no earlier fit to go on from."""
