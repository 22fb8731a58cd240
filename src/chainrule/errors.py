"""The exceptions and warnings. Every message says what is wrong, what was given, what to do.

Each class is also the built-in exception a caller would expect, so ``except ValueError`` works
without knowing this module.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "ChainruleError",
    "CheckpointMismatch",
    "CheckpointWarning",
    "DeadRectifiers",
    "Diverged",
    "DoubtfulTarget",
    "IgnoredParameter",
    "InvalidFile",
    "InvalidInput",
    "InvalidParameter",
    "LearningRateTooLarge",
    "MissingExtra",
    "MissingFile",
    "NoThreads",
    "NotTrainable",
    "SaturatedSigmoids",
    "TooLarge",
    "TrainingWarning",
    "UnknownName",
    "UnscaledInputs",
    "UnscaledTarget",
    "UnscaledValidation",
    "UnwritablePath",
    "WrongDerivative",
    "nearest_name",
    "unknown_name",
]

# Names in other libraries and books, and ours: of several, the first that is among the choices.
_ELSEWHERE = {
    "sigmoid": ("logistic",),
    "linear": ("identity",),
    "none": ("identity",),
    "swish": ("silu",),
    "leakyrelu": ("leaky_relu",),
    "heaviside": ("step",),
    "mse": ("squared_error", "neg_mean_squared_error"),
    "l2": ("squared_error",),
    "mean_squared_error": ("squared_error", "neg_mean_squared_error"),
    "mseloss": ("squared_error",),
    "rmse": ("squared_error", "neg_root_mean_squared_error"),
    "mae": ("absolute_error", "neg_mean_absolute_error"),
    "l1": ("absolute_error",),
    "l1loss": ("absolute_error",),
    "mean_absolute_error": ("absolute_error", "neg_mean_absolute_error"),
    "smooth_l1": ("huber",),
    "pinball": ("quantile",),
    "bce": ("cross_entropy",),
    "binary_crossentropy": ("cross_entropy",),
    "binary_cross_entropy": ("cross_entropy",),
    "logistic": ("cross_entropy",),
    "softmax": ("log_loss",),
    "nll": ("log_loss",),
    "categorical_crossentropy": ("log_loss",),
    "categorical_cross_entropy": ("log_loss",),
    "sparse_categorical_crossentropy": ("log_loss",),
    "crossentropyloss": ("log_loss",),
    "xavier": ("glorot_uniform",),
    "xavier_uniform": ("glorot_uniform",),
    "xavier_normal": ("glorot_normal",),
    "kaiming": ("he_uniform",),
    "kaiming_uniform": ("he_uniform",),
    "kaiming_normal": ("he_normal",),
    "bfgs": ("lbfgs",),
    "l_bfgs": ("lbfgs",),
    "newton": ("lbfgs",),
    "gd": ("sgd",),
    "gradient_descent": ("sgd",),
    "nesterov": ("sgd",),
    "reduce_on_plateau": ("adaptive",),
    "reducelronplateau": ("adaptive",),
    "plateau": ("adaptive",),
    "cosine_annealing": ("cosine",),
    "cosineannealinglr": ("cosine",),
    "onecycle": ("one_cycle",),
    "steplr": ("step",),
    "acc": ("accuracy",),
    "auc": ("roc_auc",),
    "precision_score": ("precision",),
    "recall_score": ("recall",),
    "f1_score": ("f1",),
    "r2_score": ("r2",),
    "logloss": ("log_loss", "neg_log_loss"),
}


class ChainruleError(Exception):
    """The root of every error that chainrule raises itself."""


class InvalidInput(ChainruleError, ValueError):
    """Data that cannot be used: NaN, a wrong shape, an unknown label, an empty table."""


class InvalidParameter(ChainruleError, ValueError, TypeError):
    """A setting outside its allowed values; like scikit-learn's, a ValueError and a TypeError."""


class UnknownName(InvalidParameter):
    """An unknown name; the message suggests the nearest known one."""


class NotTrainable(InvalidParameter):
    """A network that propagates forward but has no usable gradient (a step function in it)."""


class WrongDerivative(InvalidParameter):
    """A user's activation or loss whose derivative does not match its values."""


class Diverged(ChainruleError, ArithmeticError, ValueError):
    """Training whose cost became NaN or infinite."""


class TooLarge(InvalidParameter, MemoryError):
    """A network whose parameters do not fit into this machine's memory."""


class InvalidFile(ChainruleError, ValueError):
    """A file that cannot be read: truncated, a pickle, of another kind, or not a table."""


class CheckpointMismatch(InvalidParameter):
    """A checkpoint that belongs to another training; the message says how they differ."""


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written, or an earlier one was used; training continues."""


class TrainingWarning(UserWarning):
    """A training that is likely to fail, or differs from the request; the message says why.

    A fit raises at most one of each kind. To silence all, or one kind by its class:
    ``warnings.simplefilter("ignore", cr.TrainingWarning)``.
    """


class UnscaledInputs(TrainingWarning):
    """Columns of X are so large, or all of them so small, that training suffers."""


class UnscaledValidation(TrainingWarning):
    """Validation data far from the training data: X_val or y_val was not transformed."""


class DeadRectifiers(TrainingWarning):
    """At least nine tenths of a layer's rectifiers give 0 for every input."""


class SaturatedSigmoids(TrainingWarning):
    """Most values of a layer of logistic or tanh nodes are where their slope is nearly 0."""


class UnscaledTarget(TrainingWarning):
    """The targets are so far from 0, or so close to it, that the network hardly learns them."""


class DoubtfulTarget(TrainingWarning):
    """The targets look like those of another task: numbers like classes, classes like labels."""


class IgnoredParameter(TrainingWarning):
    """A parameter was set that changes nothing, given the others."""


class LearningRateTooLarge(TrainingWarning):
    """The cost rises, or jumps up and down."""


class NoThreads(ChainruleError, RuntimeError):
    """Threads that the system does not give."""


class MissingFile(ChainruleError, FileNotFoundError):
    """A file that does not exist."""


class UnwritablePath(ChainruleError, OSError):
    """A destination that cannot be written."""


class MissingExtra(ChainruleError, ImportError):
    """An optional dependency that is not installed; the message says how to install it."""


def nearest_name(given: object, choices: Iterable[str]) -> str | None:
    """Return the choice that was probably meant: a synonym, or the most similar name.

    Examples
    --------
    >>> nearest_name("sigmoid", ["logistic", "relu"]), nearest_name("Rleu", ["logistic", "relu"])
    ('logistic', 'relu')
    """
    if not isinstance(given, str):
        return None
    names, wanted = list(choices), given.lower()
    for ours in _ELSEWHERE.get(wanted.replace(" ", "_").replace("-", "_"), ()):
        if ours in names:
            return ours
    near = get_close_matches(wanted, names, n=1)
    return near[0] if near else None


def unknown_name(what: str, given: object, choices: Iterable[str]) -> UnknownName:
    """Make the error for a name that is not in a table, with the nearest name suggested.

    Parameters
    ----------
    what : str
        The kind of name, for instance ``"activation"``.
    given : object
        The value that was given instead.
    choices : iterable of str
        The names that exist.

    Returns
    -------
    UnknownName
        The error, to be raised by the caller.

    Examples
    --------
    >>> print(unknown_name("activation", "tahn", ["tanh", "relu"]))
    Unknown activation 'tahn': did you mean 'tanh'? The choices are 'tanh', 'relu'.
    """
    names = list(choices)
    near = nearest_name(given, names)
    hint = "." if near is None else f": did you mean '{near}'?"
    listed = ", ".join(f"'{name}'" for name in names)
    return UnknownName(f"Unknown {what} {given!r}{hint} The choices are {listed}.")
