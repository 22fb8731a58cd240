"""Checks of users' calls: unknown parameters, and the user's line that a warning points to."""

import sys
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import wraps
from inspect import Parameter, isclass, signature
from typing import Any, ParamSpec, Self, TypeVar

from chainrule.errors import InvalidParameter, UnknownName

__all__ = ["NamesChecked", "level_of_the_user", "require_known_names", "says_what_was_meant"]

P = ParamSpec("P")
R = TypeVar("R")

# Our names of a parameter, then its names in Keras, PyTorch, XGBoost, LightGBM, CatBoost and other
# libraries. The first of ours that the function has is suggested; a template says how to write it.
_ELSEWHERE: dict[str, tuple[str, ...]] = {
    theirs: ours
    for ours, names in (
        (
            ("hidden_layer_sizes", "sizes"),
            """units hidden hidden_layers hidden_layer hidden_units hidden_size hidden_sizes
            hidden_dim hidden_dims hidden_nodes n_hidden num_hidden n_units num_units neurons
            n_neurons num_neurons nodes layers layer_sizes n_layers num_layers architecture network
            hidden_layer_sizes sizes""",
        ),
        (
            ("max_iter", "epochs"),
            """epochs epoch n_epochs num_epochs nb_epoch nb_epochs max_epochs iterations n_iter
            n_iters num_iter num_iterations n_iterations max_iterations max_iters steps n_estimators
            num_boost_round num_round max_iter""",
        ),
        (
            ("learning_rate_init", "learning_rate", "optimizer=cr.Adam({})"),
            "lr eta eta0 rate step_size stepsize learning_rate learning_rate_init",
        ),
        (
            ("learning_rate", "optimizer=cr.Adam(cr.Cosine(0.001))"),
            "scheduler lr_scheduler lr_schedule schedule decay learning_rate_schedule",
        ),
        (
            ("alpha", "l2", "weight_decay", "alphas=[{}]"),
            """weight_decay l2 lambda_ lambd lam reg reg_lambda lambda_l2 l2_reg l2_leaf_reg penalty
            regularization kernel_regularizer alpha""",
        ),
        (("l1",), "reg_alpha lambda_l1 l1_reg l1_regularization"),
        (("random_state", "seed"), "seed random_seed rng rand_state manual_seed random_state"),
        (("solver", "optimizer"), "optimizer optim optimiser method algorithm updater solver"),
        (("batch_size",), "batch batchsize mini_batch_size minibatch_size bs"),
        (
            ("activation",),
            "act activations activation_function activation_fn hidden_activation nonlinearity",
        ),
        (("loss",), "criterion objective loss_function loss_fn loss_func loss_name cost"),
        (("scoring",), "metric metrics eval_metric score scorer"),
        (("dropout",), "dropout_rate dropout_p drop"),
        (
            ("n_iter_no_change",),
            """patience early_stopping_rounds stopping_rounds early_stopping_patience od_wait
            n_iter_without_improvement""",
        ),
        (
            ("validation_fraction", "callbacks=[cr.EarlyStopping(X_val, Y_val)]"),
            "validation_split val_split val_fraction validation_size val_size",
        ),
        (
            ("X_val=..., y_val=...", "callbacks=[cr.EarlyStopping(X_val, Y_val)]"),
            "validation_data eval_set val_data valid_sets validation_set X_valid x_val",
        ),
        (("tol",), "min_delta tolerance"),
        (("nesterovs_momentum", "nesterov"), "nesterov nesterov_momentum nesterovs_momentum"),
        (("beta_1",), "beta1 betas"),
        (("beta_2",), "beta2"),
        (("epsilon",), "eps"),
        (("max_grad_norm",), "clipnorm clip_norm grad_clip gradient_clip_val clip max_norm"),
        (
            ("n_jobs",),
            "n_threads nthread num_threads threads thread_count n_cores workers num_workers",
        ),
        (
            ("class_weight", "sample_weight"),
            "class_weights scale_pos_weight pos_weight is_unbalance auto_class_weights",
        ),
        (("sample_weight",), "sample_weights weight weights instance_weight"),
        (("verbose",), "verbosity show_progress"),
        (("max_seconds",), "time_limit max_time timeout time_budget"),
        (("quantile",), "quantiles tau q quantile_alpha"),
        (("init",), "initializer kernel_initializer weight_init init_method initialization"),
        (("net",), "model network nn"),
        (("y", "Y"), "y target targets labels label"),
        (("X",), "x"),
    )
    for theirs in names.split()
}

# The reason why there is no counterpart, then the names of the parameters.
_NOT_HERE: dict[str, str] = {
    theirs: why
    for why, names in (
        (
            "The number of inputs is taken from X in fit: leave it out.",
            "input_shape input_dim input_size n_features in_features n_inputs num_features",
        ),
        (
            "The number of outputs is taken from y in fit: leave it out.",
            """n_classes num_class num_classes output_dim output_size n_outputs out_features
            num_outputs""",
        ),
        (
            "It is a parameter of trees, which a network does not have: leave it out.",
            """max_depth num_leaves max_leaf_nodes min_samples_split min_samples_leaf max_features
            min_child_weight min_child_samples subsample colsample_bytree gamma depth max_bin
            bagging_fraction feature_fraction boosting_type booster""",
        ),
        (
            "chainrule computes on the processor: leave it out.",
            "device gpu use_gpu gpu_id tree_method accelerator task_type",
        ),
        (
            "Put StandardScaler before the network: make_pipeline(StandardScaler(), ...).",
            "standardize normalize scale scaling scale_features",
        ),
        (
            "The output's hypothesis comes with the loss: leave it out.",
            "output_activation out_activation final_activation",
        ),
        (
            "These networks have no batch normalization: leave it out.",
            "batch_norm batchnorm batch_normalization use_bn",
        ),
        ("It is for regression: MLPRegressor(loss='quantile', quantile=0.9).", "quantile"),
        ("It is for classifiers; fit takes sample_weight.", "class_weight class_weights"),
    )
    for theirs in names.split()
}

_OF_TRAINING = (
    *("learning_rate", "optimizer", "batch_size", "momentum", "l1", "l2", "dropout"),
    *("epochs", "n_jobs", "engine"),
)

# Where the parameters are that something else has, by the name here.
_OF_ITS_OWN: dict[str, dict[str, str]] = {
    "Learner": {
        "epochs": "The epochs are given to fit: learner.fit(X, Y, epochs=100).",
        "loss": "The loss is the network's: cr.Network([4, 10, 3], loss='log_loss').",
        "activation": "The activation is the network's: cr.Network([4, 10, 3], 'relu').",
        "momentum": "It is the optimizer's: cr.Learner(net, cr.SGD(0.1, momentum=0.9)).",
        "n_iter_no_change": "It is given to fit: learner.fit(X, Y, tol=1e-4, n_iter_no_change=10).",
        "tol": "It is given to fit: learner.fit(X, Y, tol=1e-4).",
        "verbose": "It is given to fit: learner.fit(X, Y, verbose=True).",
    },
    "Network": dict.fromkeys(
        _OF_TRAINING, "Training is a Learner's: cr.Learner(net, cr.Adam(1e-3), batch_size=32)."
    ),
    "LBFGS": {"learning_rate": "It searches along lines and takes no learning rate."},
}

_UNEXPECTED = "{called}() got an unexpected keyword argument '{name}'."  # as Python says it
_BETWEEN = frozenset({"chainrule", "sklearn", "joblib", "contextlib"})  # the user and a warning
_LONGEST_VALUE = 40


def says_what_was_meant(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function suggest a parameter when it is called with one that does not exist.

    Parameters
    ----------
    function : function
        A constructor's ``__init__``, a method, or a function. Its signature is kept.

    Returns
    -------
    function
        It raises UnknownName, a TypeError like Python's own.

    Examples
    --------
    >>> from chainrule.calls import says_what_was_meant
    >>> @says_what_was_meant
    ... def train(X, y, epochs=10):
    ...     return epochs
    >>> train([1], [2], epoch=3)
    Traceback (most recent call last):
    chainrule.errors.UnknownName: train() got an unexpected keyword argument 'epoch'. Did you mean \
epochs=3?
    """
    parameters = signature(function).parameters
    names = frozenset(parameters)
    positional = sum(
        p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        for p in parameters.values()
    )
    owner, _, method = function.__qualname__.rpartition(".")
    owner = owner.rpartition(".")[2]
    called = owner if method == "__init__" else f"{owner}.{method}" if "self" in names else method

    is_method = "self" in names and method != "__init__"

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if is_method and args and not hasattr(args[0], method):
            raise InvalidParameter(
                f"{called} is called on the class, and needs an object of it first: "
                f"{owner}(...).{method}(...)."
            )
        if not kwargs.keys() <= names:
            made_by = type(args[0]) if args and is_method else None
            require_known_names(called, kwargs, names - {"self"}, made_by)
        if len(args) > positional:
            raise _too_many(called, list(parameters), positional, args)
        return function(*args, **kwargs)

    return checked


class NamesChecked:
    """The base of dataclasses whose constructors suggest a name for an unknown parameter."""

    __slots__ = ()

    def __new__(cls, *args: Any, **settings: Any) -> Self:
        """Check that all parameters exist; ``__init__`` does the rest."""
        if settings:
            parameters = signature(cls.__init__).parameters
            takes_any = any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())
            if not takes_any:
                require_known_names(cls.__name__, settings, parameters.keys() - {"self"})
        return super().__new__(cls)


def require_known_names(
    called: str,
    given: Mapping[str, Any],
    names: Iterable[str],
    made_by: type | None = None,
    begin: str = _UNEXPECTED,
) -> None:
    """Raise if a parameter is given that does not exist, and suggest one that does.

    Parameters
    ----------
    called : str
        What is called.
    given : mapping
        The parameters given by name.
    names : iterable of str
        Those that exist.
    made_by : type, optional
        The class of the method, if the parameter may belong to its constructor.
    begin : str, optional
        The first sentence of the message, with the name and what is called.

    Raises
    ------
    UnknownName
        A TypeError and a ValueError.
    """
    known = sorted(names)
    for name, value in given.items():
        if name in known:
            continue
        sentence = begin.format(called=called, name=name)
        if (meant := _meant(name, value, known)) is not None:
            raise UnknownName(f"{sentence} Did you mean {meant}?")
        constructor = [] if made_by is None else list(signature(made_by).parameters)
        if made_by is not None and (meant := _meant(name, value, constructor)) is not None:
            raise UnknownName(f"{sentence} Did you mean {made_by.__name__}({meant})?")
        of_its_own = _OF_ITS_OWN.get(called, {})
        for each in (name, *_ELSEWHERE.get(name.lower(), ())):
            if (instead := of_its_own.get(each)) is not None:
                raise UnknownName(f"{sentence} {instead}")
        if (why := _NOT_HERE.get(name.lower())) is not None:
            raise UnknownName(f"{sentence} {why}")
        raise UnknownName(f"{sentence} Its parameters are {', '.join(known)}.")


def _meant(name: str, value: Any, known: Iterable[str]) -> str | None:
    """Return the suggested parameter, with the given value if it is short."""
    names, wanted = list(known), name.lower()
    for written in (wanted, *_ELSEWHERE.get(wanted, ())):
        template = written if "=" in written else f"{written}={{}}"
        parameter = written.partition("=")[0]
        if parameter in names:
            return _filled(template, value)
    near = get_close_matches(wanted, names, n=1, cutoff=0.75)
    return _filled(f"{near[0]}={{}}", value) if near else None


def _filled(template: str, value: Any) -> str:
    shown = value.__name__ if isclass(value) else repr(value)
    if len(shown) > _LONGEST_VALUE or "\n" in shown or " at 0x" in shown:
        shown = "..."
    return template.format(shown)


def _too_many(
    called: str, names: list[str], positional: int, args: tuple[Any, ...]
) -> InvalidParameter:
    by_position = [name for name in names[:positional] if name != "self"]
    extra = names[positional : len(args)]
    listed = " and ".join(filter(None, (", ".join(by_position[:-1]), *by_position[-1:])))
    given = len(args) - ("self" in names)
    named = ", ".join(
        _filled(f"{name}={{}}", value)
        for name, value in zip(extra, args[positional:], strict=False)
    )
    return InvalidParameter(
        f"{called}() takes {f'only {listed}' if listed else 'nothing'} without a name. Got {given} "
        f"values: name the others, as in {named or 'name=value'}."
    )


def level_of_the_user() -> int:
    """Return the stack level of the user's line, for a warning raised in the calling function."""
    frame, level = sys._getframe(2), 2
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _BETWEEN:
            return level
        frame, level = frame.f_back, level + 1
    return 2
