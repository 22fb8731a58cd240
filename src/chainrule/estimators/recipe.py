"""An estimator's parameters, resolved into a recipe in the notes' terms.

This is the one place that reads scikit-learn's parameters of training: names become objects, and
`alpha` becomes the notes' lambda. Whatever trains, judges or writes a checkpoint gets the recipe.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any, cast, final

import numpy as np
from sklearn.utils import check_random_state

from chainrule.errors import InvalidParameter
from chainrule.optimizers import (
    LBFGS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Adaptive,
    Constant,
    Cosine,
    ExponentialDecay,
    InverseScaling,
    Nadam,
    OneCycle,
    Optimizer,
    RMSprop,
    Rprop,
    Schedule,
    StepDecay,
)
from chainrule.optimizers.schedules import as_schedule
from chainrule.training import Checkpoint
from chainrule.training.checkpoint import as_checkpoint
from chainrule.training.settings import check_dropout, dropout_per_layer

__all__ = [
    "SCHEDULES",
    "SOLVERS",
    "Recipe",
    "has_own_rate",
    "hidden_layers",
    "is_lbfgs",
    "is_stochastic",
    "overlooks_schedule",
    "recipe_of",
    "require_examples_to_hold_out",
    "require_possible",
    "require_possible_checkpoint",
    "seed_of",
]

_AUTO_BATCH = 200  # examples, as in scikit-learn

SOLVERS: dict[str, Callable[[Any, Any], Optimizer]] = {
    "sgd": lambda e, rate: SGD(rate, e.momentum, bool(e.nesterovs_momentum and e.momentum)),
    "adam": lambda e, rate: Adam(rate, e.beta_1, e.beta_2, e.epsilon),
    "adamw": lambda e, rate: AdamW(rate, e.beta_1, e.beta_2, e.epsilon),
    "nadam": lambda e, rate: Nadam(rate, e.beta_1, e.beta_2, e.epsilon),
    "adagrad": lambda e, rate: Adagrad(rate),
    "rmsprop": lambda e, rate: RMSprop(rate),
    "rprop": lambda e, rate: Rprop(rate),
}
"""The names of `solver` besides "lbfgs": how each makes an optimizer of an estimator's parameters
and a learning rate."""

SCHEDULES: dict[str, Callable[[Any], Schedule]] = {
    "constant": lambda e: Constant(e.learning_rate_init),
    "invscaling": lambda e: InverseScaling(e.learning_rate_init, e.power_t),
    "adaptive": lambda e: Adaptive(e.learning_rate_init),
    "step": lambda e: StepDecay(e.learning_rate_init),
    "exponential": lambda e: ExponentialDecay(e.learning_rate_init),
    "cosine": lambda e: Cosine(e.learning_rate_init),
    "one_cycle": lambda e: OneCycle(e.learning_rate_init),
}
"""The names of `learning_rate`."""

_ONLY_FOR_SGD = ("invscaling", "adaptive")  # in scikit-learn, where "adam" overlooks them


@final
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained: an estimator's parameters, resolved.

    Attributes
    ----------
    kind : str
        The estimator's class, for messages.
    incremental : bool
        Whether it is for `partial_fit`: one epoch, after those of the calls before.
    warm_start : bool
        Whether the weights of the last fit are where this one starts.
    hidden_layers : tuple of int
        The number of nodes of each hidden layer.
    activation : str, Activation or a list of them
        g of the hidden layers.
    optimizer : Optimizer or LBFGS
        The update rule with its learning rate. A schedule without a length is still open: see
        `optimizer_for`.
    own_rate : bool
        Whether the optimizer was given as an object, with a learning rate of its own.
    alpha, l1 : float
        The penalties, of one batch, as scikit-learn has them; `lambdas` are those of the notes.
    dropout : float or a list with one per hidden layer
        The probability of each hidden node to be left out in a step.
    dropout_input : float
        The same probability for each entry of X.
    max_grad_norm : float or None
        The longest gradient that is not scaled down.
    batch_size : int or None
        Examples a step, as asked for; None leaves it to `batch_size_for`.
    shuffle : bool
        Whether each epoch takes the examples in a new order.
    random_state : int, RandomState or None
        What the starting weights, the held-out examples and the learner's seed are drawn from.
    max_iter : int
        Epochs of a whole fit at most, which schedules without a length go by.
    max_fun : int
        How often L-BFGS may compute the cost at most.
    tol, n_iter_no_change : float
        What counts as an improvement, and how many epochs may lack one.
    max_seconds : float or None
        How long the fit may take.
    early_stopping : bool
        Whether it stops by the score on validation data.
    validation_fraction : float
        The part of the examples that is held out for that.
    scoring : str, callable or None
        The score: see `measuring`.
    engine : str
        "auto", "reference" or "native".
    n_jobs : int or None
        Threads.
    checkpoint : Checkpoint or None
        Where to write how far the fit is.
    resume : bool
        Whether to continue from it.
    verbose : bool, int or str
        What is printed: see `prints` and `bar`.
    """

    kind: str
    incremental: bool
    warm_start: bool
    hidden_layers: tuple[int, ...]
    activation: Any
    optimizer: Optimizer | LBFGS
    own_rate: bool
    alpha: float
    l1: float
    dropout: float | Sequence[float]
    dropout_input: float
    max_grad_norm: float | None
    batch_size: int | None
    shuffle: bool
    random_state: Any
    max_iter: int
    max_fun: int
    tol: float
    n_iter_no_change: float
    max_seconds: float | None
    early_stopping: bool
    validation_fraction: float
    scoring: Any
    engine: str
    n_jobs: int | None
    checkpoint: Checkpoint | None
    resume: bool
    verbose: Any

    @property
    def epochs(self) -> int:
        """How many epochs this call makes at most."""
        return 1 if self.incremental else self.max_iter

    @property
    def prints(self) -> bool:
        """Whether a line is printed for each epoch."""
        return bool(self.verbose) and not isinstance(self.verbose, str)

    @property
    def bar(self) -> str | None:
        """When a progress bar is shown, "bar" or "auto"; None if never."""
        return self.verbose if isinstance(self.verbose, str) else None

    @property
    def schedule(self) -> Schedule:
        """The schedule of the learning rate, without a length if it is still open."""
        return as_schedule(cast(Optimizer, self.optimizer).learning_rate)

    @property
    def rate_in_words(self) -> str:
        """What to lower where training diverges."""
        return "its learning rate" if self.own_rate else "learning_rate_init"

    def batch_size_for(self, n_examples: int) -> int:
        """Return B where this many examples are trained on.

        Raises
        ------
        InvalidParameter
            If the optimizer needs all of them, and fewer are asked for.
        """
        asked, whole = self.batch_size, _needs_full_batch(self.optimizer)
        if asked is None:
            return n_examples if whole else min(_AUTO_BATCH, n_examples)
        if whole and asked < n_examples:
            raise InvalidParameter(
                f"The 'batch_size' parameter of {self.kind} must be 'auto' with Rprop, which goes "
                f"by the sign of the gradient over all examples. Got {asked!r} instead."
            )
        return min(asked, n_examples)

    def lambdas(self, n_examples: int) -> tuple[float, float]:
        """Return the notes' lambda_2 and lambda_1 where this many examples are trained on.

        scikit-learn divides its penalty by the batch's size, the notes by that of the training
        set, so lambda = alpha M/B: with weights that is alpha S over the weight S B/M that a batch
        has on average, so that a row of weight 2 is a row twice.
        """
        if isinstance(self.optimizer, LBFGS):
            return self.alpha, self.l1
        per_batch = n_examples / self.batch_size_for(n_examples)
        return self.alpha * per_batch, self.l1 * per_batch

    def optimizer_for(self, n_examples: int) -> Optimizer:
        """Return the optimizer; an open schedule gets the length of a whole fit of `max_iter`."""
        optimizer = cast(Optimizer, self.optimizer)
        schedule = self.schedule
        if not schedule.is_open or not is_dataclass(optimizer):
            return optimizer
        steps = self.max_iter * -(-n_examples // self.batch_size_for(n_examples))
        # The same settings, checked again.
        return replace(optimizer, learning_rate=schedule.over(steps))  # pyright: ignore[reportReturnType, reportCallIssue]

    def learner_settings(self, n_examples: int) -> dict[str, Any]:
        """Return the settings of a `Learner` that each call of `partial_fit` may change."""
        l2, l1 = self.lambdas(n_examples)
        return {
            "batch_size": self.batch_size_for(n_examples),
            "l2": l2,
            "l1": l1,
            "dropout": self.dropout,
            "dropout_input": self.dropout_input,
            "shuffle": self.shuffle,
            "max_grad_norm": self.max_grad_norm,
        }


def recipe_of(estimator: Any, *, incremental: bool = False) -> Recipe:
    """Return the recipe that an estimator's parameters make.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Whose parameters are allowed, each by itself; see `require_possible` for all of them.
    incremental : bool, default=False
        Whether it is for `partial_fit`, which has no time limit.

    Raises
    ------
    InvalidParameter
        If the hidden layers are not whole numbers greater than 0.
    """
    size = estimator.batch_size
    return Recipe(
        kind=type(estimator).__name__,
        incremental=incremental,
        warm_start=estimator.warm_start,
        hidden_layers=hidden_layers(estimator),
        activation=estimator.activation,
        optimizer=_optimizer_of(estimator),
        own_rate=has_own_rate(estimator.solver),
        alpha=estimator.alpha,
        l1=estimator.l1,
        dropout=estimator.dropout,
        dropout_input=estimator.dropout_input,
        max_grad_norm=estimator.max_grad_norm,
        batch_size=None if isinstance(size, str) else int(size),
        shuffle=estimator.shuffle,
        random_state=estimator.random_state,
        max_iter=estimator.max_iter,
        max_fun=estimator.max_fun,
        tol=estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        max_seconds=None if incremental else estimator.max_seconds,
        early_stopping=estimator.early_stopping,
        validation_fraction=estimator.validation_fraction,
        scoring=estimator.scoring,
        engine=estimator.engine,
        n_jobs=estimator.n_jobs,
        checkpoint=as_checkpoint(estimator.checkpoint, resume=False),
        resume=estimator.resume,
        verbose=estimator.verbose,
    )


def hidden_layers(estimator: Any) -> tuple[int, ...]:
    """Return the sizes of the hidden layers.

    Raises
    ------
    InvalidParameter
        If one of them is not a whole number greater than 0.
    """
    given = estimator.hidden_layer_sizes
    hidden = list(given) if hasattr(given, "__iter__") else [given]
    if any(not isinstance(size, int | np.integer) or size <= 0 for size in hidden):
        raise InvalidParameter(
            f"The 'hidden_layer_sizes' parameter of {type(estimator).__name__} must be > 0 and "
            f"whole in every hidden layer, such as (64, 32), or () for none. Got {given!r} instead."
        )
    return tuple(map(int, hidden))


def seed_of(random_state: Any) -> int:
    """Return a seed: an int itself, else one that is drawn from the generator."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        return int(random_state)
    low, high = check_random_state(random_state).randint(0, 2**32, size=2, dtype=np.uint64)
    return int(low) | int(high) << 32


# --- the optimizer and its learning rate -------------------------------------------------------


def is_lbfgs(solver: Any) -> bool:
    """Whether a solver is L-BFGS."""
    return isinstance(solver, LBFGS) or (isinstance(solver, str) and solver == "lbfgs")


def is_stochastic(solver: Any) -> bool:
    """Whether a solver may see a part of the examples at a time."""
    by_name = isinstance(solver, str) and solver in ("lbfgs", "rprop")
    return not (by_name or isinstance(solver, LBFGS) or _needs_full_batch(solver))


def has_own_rate(solver: Any) -> bool:
    """Whether the solver brings its own learning rate."""
    return isinstance(solver, Optimizer)


def overlooks_schedule(solver: Any, rate: Any) -> bool:
    """Whether a solver keeps its rate constant under this name of a schedule."""
    return isinstance(solver, str) and solver == "adam" and rate in _ONLY_FOR_SGD


def _needs_full_batch(optimizer: Any) -> bool:
    return isinstance(optimizer, Optimizer) and optimizer.needs_full_batch


def _optimizer_of(estimator: Any) -> Optimizer | LBFGS:
    """Return the optimizer that `solver` is or names, with the rate of `learning_rate`."""
    solver, rate = estimator.solver, estimator.learning_rate
    if is_lbfgs(solver):
        return LBFGS() if isinstance(solver, str) else solver
    if isinstance(solver, Optimizer):
        return solver
    if not isinstance(rate, str):
        schedule = as_schedule(rate)
    elif rate == "constant" or overlooks_schedule(solver, rate):
        schedule = as_schedule(estimator.learning_rate_init)
    else:
        schedule = SCHEDULES[rate](estimator)
    constant = isinstance(schedule, Constant)
    return SOLVERS[solver](estimator, schedule.initial if constant else schedule)


# --- what cannot be together -------------------------------------------------------------------


def require_possible(estimator: Any) -> None:
    """Raise if parameters, each allowed by itself, cannot be together."""
    kind, solver, rate = type(estimator).__name__, estimator.solver, estimator.learning_rate
    lbfgs = is_lbfgs(solver)
    for name in ("dropout", "dropout_input"):
        if lbfgs and np.any(getattr(estimator, name)):
            raise InvalidParameter(
                f"The '{name}' parameter of {kind} must be 0 with solver='lbfgs', which compares "
                f"costs that dropout makes random. Got {getattr(estimator, name)!r} instead: use "
                f"solver='adam' or 'sgd'."
            )
    if lbfgs and estimator.max_grad_norm is not None:
        raise InvalidParameter(
            f"The 'max_grad_norm' parameter of {kind} must be None with solver='lbfgs', whose line "
            f"search finds the length of each step. Got {estimator.max_grad_norm!r} instead."
        )
    constant = isinstance(rate, str) and rate == "constant"
    if has_own_rate(solver) and not constant:
        raise InvalidParameter(
            f"The 'learning_rate' parameter of {kind} must be 'constant' where the solver is an "
            f"object, which brings its own rate. Got {rate!r} instead: put the schedule into the "
            f"solver, as in cr.SGD(cr.Cosine(0.1))."
        )
    if isinstance(solver, str) and solver == "rprop" and not constant:
        raise InvalidParameter(
            f"The 'learning_rate' parameter of {kind} must be 'constant' with solver='rprop', "
            f"whose steps find their own sizes. Got {rate!r} instead."
        )
    n_hidden = len(hidden_layers(estimator))
    if n_hidden and not -n_hidden <= estimator.transform_layer < n_hidden:
        raise InvalidParameter(
            f"The 'transform_layer' parameter of {kind} must be a hidden layer, 0 to "
            f"{n_hidden - 1} from the first or -1 to {-n_hidden} from the last. Got "
            f"{estimator.transform_layer!r} instead."
        )
    try:
        dropout_per_layer(check_dropout(estimator.dropout), n_hidden)
    except InvalidParameter:
        raise InvalidParameter(
            f"The 'dropout' parameter of {kind} must be a number in [0, 1), or a list with one "
            f"for each hidden layer, {n_hidden} here. Got {estimator.dropout!r} instead."
        ) from None


def require_examples_to_hold_out(estimator: Any, *, has_validation: bool) -> None:
    """Raise if early stopping would have nothing to watch."""
    watches = estimator.early_stopping and not has_validation and not is_lbfgs(estimator.solver)
    if watches and estimator.validation_fraction == 0:
        raise InvalidParameter(
            f"The 'validation_fraction' parameter of {type(estimator).__name__} must be > 0 with "
            f"early_stopping=True. Got {estimator.validation_fraction!r} instead: hold out 0.1 of "
            f"the examples, or give X_val and y_val to fit."
        )


def require_possible_checkpoint(estimator: Any, *, incremental: bool) -> None:
    """Raise if this kind of fit could not continue from a checkpoint to the same bits."""
    given, kind = estimator.checkpoint, type(estimator).__name__
    if estimator.resume and given is None:
        raise InvalidParameter(
            f"The 'resume' parameter of {kind} must be False without a checkpoint to continue "
            f"from. Got True instead: give checkpoint='run.ckpt' too."
        )
    if given is None:
        return
    if incremental:
        when = "for partial_fit, which keeps nothing between two calls but the estimator itself"
        do = "save that with cr.save"
    elif is_lbfgs(estimator.solver):
        when = (
            "with solver='lbfgs', whose memory is inside SciPy, so that a fit could not continue "
            "to the same bits"
        )
        do = "use solver='adam' or 'sgd'"
    elif estimator.warm_start:
        when = "with warm_start=True, since it is of one fit from its start"
        do = "to make more epochs of that fit, raise max_iter and set resume=True"
    else:
        return
    raise InvalidParameter(
        f"The 'checkpoint' parameter of {kind} must be None {when}. Got {given!r} instead: {do}."
    )
