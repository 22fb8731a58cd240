"""The parameters that the estimators share: what each may be, and what it means, written once.

A constructor lists its parameters with their defaults. What only one estimator has stands in its
own docstring and in its own constraints; `documented` puts both together.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import cleandoc, signature
from numbers import Integral, Real
from textwrap import indent
from typing import Any, TypeVar, final

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, Options, StrOptions

from chainrule.estimators.recipe import SCHEDULES, SOLVERS
from chainrule.maths.activations import ACTIVATIONS, Activation
from chainrule.optimizers import LBFGS, Optimizer, Schedule
from chainrule.training import Checkpoint

__all__ = [
    "ATTRIBUTES",
    "MEANT_BY",
    "PARAMETERS",
    "PARAMETER_CONSTRAINTS",
    "Parameter",
    "described",
    "documented",
]

C = TypeVar("C", bound=type)


@final
@dataclass(frozen=True)
class Parameter:
    """A parameter of several estimators.

    Attributes
    ----------
    allowed : list
        What it may be, as scikit-learn's tables of constraints have it.
    kind : str
        Its type and default in words, as numpydoc has them after the name.
    text : str
        What it means.
    """

    allowed: list[Any]
    kind: str
    text: str


class _Scoring(StrOptions):
    """The names of scikit-learn's scorers, which are too many to be listed in a sentence."""

    def __str__(self) -> str:
        return "'loss', a name that sklearn.metrics.get_scorer_names() lists"


PARAMETERS: dict[str, Parameter] = {
    "hidden_layer_sizes": Parameter(
        ["array-like", Interval(Integral, 1, None, closed="left")],
        "array-like of int, default=(100,)",
        """
        The number of nodes of each hidden layer; ``()`` is a linear model.
        """,
    ),
    "activation": Parameter(
        [StrOptions(set(ACTIVATIONS) - {"step"}), Activation, list, tuple],
        'str, Activation or a list with one per hidden layer, default="relu"',
        """
        g of the hidden layers: "identity", "logistic", "tanh", "relu", "leaky_relu", "elu",
        "selu", "softplus", "silu", "gelu", "mish", or an `Activation` of your own.
        """,
    ),
    "solver": Parameter(
        [StrOptions({"lbfgs", *SOLVERS}), Optimizer, LBFGS],
        'str or optimizer, default="adam"',
        """
        What minimizes the cost: "adam", "adamw", "nadam", "rmsprop", "adagrad", "sgd" (gradient
        descent with momentum), or, on all examples at once, for small data, "rprop" and "lbfgs".
        Or an object, such as ``cr.AdamW(1e-3, weight_decay=0.01)``, which brings all its settings:
        `learning_rate_init`, `momentum`, `beta_1` and their like are then not used.
        """,
    ),
    "alpha": Parameter(
        [Interval(Real, 0, None, closed="left")],
        "float, default=0.0001",
        """
        Strength of the L2 penalty, in scikit-learn's meaning: each batch's cost gets
        ``alpha/2 * sum(w**2)`` divided by the batch's size. The notes' lambda is
        ``alpha * M / B`` (M examples, B in a batch; alpha itself for "lbfgs"). Larger values keep
        the weights smaller.
        """,
    ),
    "batch_size": Parameter(
        [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        'int or "auto", default="auto"',
        """
        Examples per step; "auto" is ``min(200, n_samples)``, and all of them for "rprop". Smaller
        batches make more, noisier steps an epoch. Not for "lbfgs".
        """,
    ),
    "learning_rate": Parameter(
        [StrOptions(set(SCHEDULES)), Schedule, callable],
        'str, Schedule or callable, default="constant"',
        """
        How the rate changes. As in scikit-learn "constant"; "invscaling", as
        ``learning_rate_init / (t + 1)**power_t`` with t the examples seen before the epoch; and
        "adaptive", divided by 5 whenever the cost (or, with early stopping, the validation score)
        has reached a plateau, until it is 1e-6. As there, "adam" overlooks the latter two. From
        step to step over `max_iter` epochs "step" (a tenth after each third), "exponential" (down
        to a hundredth), "cosine" (down to 0), "one_cycle" (up to `learning_rate_init` and down).
        Or an object, such as ``cr.Warmup(cr.Cosine(0.01), steps=100)``, or a function of the
        step's number, which bring their own rate: `learning_rate_init` is then not used.
        """,
    ),
    "learning_rate_init": Parameter(
        [Interval(Real, 0, None, closed="neither")],
        "float, default=0.001",
        """
        The step size, greater than 0, before `learning_rate` changes it. Too large a rate
        diverges, which raises an error; too small a one needs more epochs. Not for "lbfgs".
        """,
    ),
    "power_t": Parameter(
        [Interval(Real, 0, None, closed="left")],
        "float, default=0.5",
        """
        The exponent of "invscaling", at least 0: the larger, the faster the rate falls.
        """,
    ),
    "max_iter": Parameter(
        [Interval(Integral, 1, None, closed="left")],
        "int, default=200",
        """
        Epochs at most (iterations for "lbfgs"). A fit that uses them up without having converged
        warns with a ConvergenceWarning.
        """,
    ),
    "shuffle": Parameter(
        ["boolean"],
        "bool, default=True",
        """
        Whether each epoch takes the examples in a new order. Where one batch holds them all, they
        keep their order.
        """,
    ),
    "random_state": Parameter(
        ["random_state"],
        "int, RandomState instance or None, default=None",
        """
        Of the starting weights (scikit-learn's own, number for number), the shuffles, the dropout
        masks and the validation split. The same int gives the same bits.
        """,
    ),
    "tol": Parameter(
        [Interval(Real, 0, None, closed="left")],
        "float, default=1e-4",
        """
        What counts as an improvement, in units of the cost, or of the validation score with early
        stopping (for "lbfgs": the largest entry of the gradient that ends the fit). Larger values
        stop sooner.
        """,
    ),
    "verbose": Parameter(
        ["verbose", StrOptions({"bar", "auto"})],
        'bool, int or {"bar", "auto"}, default=False',
        """
        Whether to print the cost of each epoch; "bar" shows a progress bar on stderr instead, with
        the time left, "auto" does so if that is a terminal.
        """,
    ),
    "warm_start": Parameter(
        ["boolean"],
        "bool, default=False",
        """
        Whether a second `fit` continues from the weights of the first. The optimizer, its rate and
        the judgement of convergence start from the beginning; `partial_fit` continues with them.
        """,
    ),
    "momentum": Parameter(
        [Interval(Real, 0, 1, closed="both")],
        "float, default=0.9",
        """
        The part of the velocity that "sgd" keeps from step to step, in [0, 1]: 0.9 adds up about
        10 gradients, so that steps are longer where they agree.
        """,
    ),
    "nesterovs_momentum": Parameter(
        ["boolean"],
        "bool, default=True",
        """
        Whether "sgd" looks ahead along the momentum (Nesterov's); without effect if `momentum` is
        0.
        """,
    ),
    "early_stopping": Parameter(
        ["boolean"],
        "bool, default=False",
        """
        Whether to hold out `validation_fraction` of the examples, or take those that `fit` gets as
        `X_val` and `y_val`, stop when the score on them no longer improves, and keep the weights of
        the best epoch. Not for "lbfgs".
        """,
    ),
    "validation_fraction": Parameter(
        [Interval(Real, 0, 1, closed="left")],
        "float, default=0.1",
        """
        The part of the examples that early stopping holds out, in [0, 1).
        """,
    ),
    "beta_1": Parameter(
        [Interval(Real, 0, 1, closed="left")],
        "float, default=0.9",
        """
        How slowly "adam", "adamw" and "nadam" forget the mean of the gradient, in [0, 1): 0.9
        remembers about 10 steps.
        """,
    ),
    "beta_2": Parameter(
        [Interval(Real, 0, 1, closed="left")],
        "float, default=0.999",
        """
        How slowly they forget the mean of the gradient's square, in [0, 1).
        """,
    ),
    "epsilon": Parameter(
        [Interval(Real, 0, None, closed="neither")],
        "float, default=1e-8",
        """
        Keeps their division from exploding; where gradients are not much larger, steps become
        smaller. It is added after the correction of the bias, as in PyTorch.
        """,
    ),
    "n_iter_no_change": Parameter(
        [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "int, default=10",
        """
        How many epochs in a row may fail to improve by `tol` before training stops.
        """,
    ),
    "max_fun": Parameter(
        [Interval(Integral, 1, None, closed="left")],
        "int, default=15000",
        """
        How often "lbfgs" may compute the cost at most.
        """,
    ),
    "dropout": Parameter(
        [Interval(Real, 0, 1, closed="left"), list, tuple, np.ndarray],
        "float or a list with one per hidden layer, default=0.0",
        """
        The probability of each hidden node to be left out in a step, in [0, 1); what stays is
        divided by ``1 - dropout``, so predictions need no change. Larger values regularize more
        and need more epochs. Not for "lbfgs".
        """,
    ),
    "l1": Parameter(
        [Interval(Real, 0, None, closed="left")],
        "float, default=0.0",
        """
        Strength of the L1 penalty, scaled as `alpha` is: each batch's cost gets
        ``l1 * sum(abs(w))`` divided by the batch's size. It drives weights towards 0, the more
        the larger it is; biases are free.
        """,
    ),
    "max_grad_norm": Parameter(
        [Interval(Real, 0, None, closed="neither"), None],
        "float or None, default=None",
        """
        Gradients of a batch, penalties included, that are longer than this (Euclidean norm over all
        parameters) are scaled down to it, so that no single step is too large. None changes
        nothing. Not for "lbfgs".
        """,
    ),
    "engine": Parameter(
        [StrOptions({"auto", "reference", "native"})],
        '{"auto", "reference", "native"}, default="auto"',
        """
        What computes; "auto" takes the fastest that knows every part, ``engine_`` says which one
        that was. For "lbfgs" it is always the reference.
        """,
    ),
    "n_jobs": Parameter(
        [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1}), None],
        "int or None, default=None",
        """
        Threads of the engine; None lets it choose. The result never depends on it.
        """,
    ),
    "checkpoint": Parameter(
        [str, os.PathLike, Checkpoint, None],
        "path, Checkpoint or None, default=None",
        """
        Where "sgd" and "adam" write how far `fit` is: every 60 seconds, also inside an epoch, at
        the end and at Ctrl-C (a `Checkpoint` sets other times). A checkpoint that is there already
        is replaced, any other file refused. With `random_state` None, what is drawn for it is kept
        in it. Not for "lbfgs", `partial_fit` and `warm_start`, which could not continue from it.
        """,
    ),
    "resume": Parameter(
        ["boolean"],
        "bool, default=False",
        """
        Whether `fit` continues from the checkpoint, to the very bits of a fit that was never
        interrupted. Without a checkpoint it starts from the beginning; where the checkpoint's fit
        was finished, nothing is left to do, unless `max_iter`, which counts all epochs, is raised
        (a rate that follows it is then stretched). A checkpoint of other data or other parameters
        is refused, and the difference named.
        """,
    ),
    "max_seconds": Parameter(
        [Interval(Real, 0, None, closed="neither"), None],
        "float or None, default=None",
        """
        Stop `fit` after this many seconds, also inside an epoch, with a ConvergenceWarning: with
        early stopping the weights of the best epoch so far are kept, else the last.
        """,
    ),
    "scoring": Parameter(
        [_Scoring({"loss", *get_scorer_names()}), callable, None],
        "str, callable or None, default=None",
        """
        What early stopping watches on the validation data, where greater is better: None for
        `score`, "loss" for the mean loss times -1, the name of one of scikit-learn's scorers, or a
        function ``scoring(estimator, X, y)``, which also takes ``sample_weight`` where rows have
        weights. Without validation data it has no effect.
        """,
    ),
    "dropout_input": Parameter(
        [Interval(Real, 0, 1, closed="left")],
        "float, default=0.0",
        """
        The probability of each entry of X to be left out in a step, as `dropout` does with hidden
        nodes. Small values such as 0.1 or 0.2 make the network rely on no single feature.
        """,
    ),
    "transform_layer": Parameter(
        [Interval(Integral, None, None, closed="neither")],
        "int, default=-1",
        """
        Which hidden layer's activations `transform` returns: 0 for the first, -1 for the last.
        """,
    ),
}

PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    name: parameter.allowed for name, parameter in PARAMETERS.items()
}
"""What each of them may be, for scikit-learn."""

ATTRIBUTES: dict[str, tuple[str, str]] = {
    "coefs_, intercepts_": (
        "lists of arrays",
        """
        The weights (s_in, s_out) and biases (s_out,) of each layer, views of the network's theta.
        """,
    ),
    "network_": (
        "Network",
        "The network itself.",
    ),
    "n_features_in_": (
        "int",
        "The number of features.",
    ),
    "feature_names_in_": (
        "array of shape (n_features,)",
        "The names of the features; only there if X had names, all of them strings.",
    ),
    "n_layers_": (
        "int",
        "Layers, input and output included.",
    ),
    "n_outputs_": (
        "int",
        "Nodes of the last layer.",
    ),
    "out_activation_": (
        "str",
        """
        The output's hypothesis: "logistic", "softmax", "identity" or "exp".
        """,
    ),
    "n_iter_": (
        "int",
        'Epochs of the last fit (iterations for "lbfgs").',
    ),
    "t_": (
        "int",
        "Examples seen over all fits, each as often as it was seen.",
    ),
    "loss_": (
        "float",
        "The cost of the last epoch, penalties included.",
    ),
    "loss_curve_": (
        "list of float",
        'The cost of each epoch. This and the next four are not there for "lbfgs".',
    ),
    "history_": (
        "History",
        """
        One record per epoch, with "epoch", "cost", "gradient_norm" (of the epoch's last step),
        "learning_rate" and "seconds"; ``history_.to_frame()`` is a pandas DataFrame.
        """,
    ),
    "best_loss_": (
        "float or None",
        "The lowest cost; None with early stopping.",
    ),
    "validation_scores_": (
        "list of float or None",
        "With validation data the score of each epoch on them, as `scoring` says.",
    ),
    "validation_loss_curve_": (
        "list of float or None",
        "With validation data the mean loss of each epoch on them, without penalties.",
    ),
    "best_validation_score_": (
        "float or None",
        "The highest of these scores; with early stopping the weights belong to it.",
    ),
    "engine_": (
        "str",
        "The engine that ran.",
    ),
}
"""The attributes that a fit leaves: type and meaning."""


def documented(
    parameters: Mapping[str, str] | None = None, attributes: Mapping[str, str] | None = None
) -> Callable[[C], C]:
    """Complete the docstring of a class with the parameters and attributes it shares with others.

    The section "Parameters" then describes what the constructor takes, in its order; "Attributes"
    has those of the docstring first. What the docstring itself describes has precedence.

    Parameters
    ----------
    parameters, attributes : mapping of str to str, optional
        Numpydoc entries by name, instead of those in `PARAMETERS` and `ATTRIBUTES`.
    """
    if parameters is None:
        parameters = {name: _entry(name, p.kind, p.text) for name, p in PARAMETERS.items()}
    if attributes is None:
        attributes = {name: _entry(name, *each) for name, each in ATTRIBUTES.items()}

    def complete(cls: C) -> C:
        if cls.__doc__ is None:  # python -OO
            return cls
        head, sections = _sections(cls.__doc__)
        own = {**parameters, **_entries(sections.pop("Parameters", ""))}
        order = {"Parameters": "\n".join(own[name] for name in signature(cls).parameters)}
        order["Attributes"] = "\n".join(
            {**_entries(sections.pop("Attributes", "")), **attributes}.values()
        )
        parts = [
            f"{title}\n{'-' * len(title)}\n{body}" for title, body in (order | sections).items()
        ]
        cls.__doc__ = "\n\n".join([head, *parts]) + "\n"
        return cls

    return complete


def described(cls: type, title: str) -> dict[str, str]:
    """Return the entries of a section of a class's numpydoc docstring, by name."""
    return {} if cls.__doc__ is None else _entries(_sections(cls.__doc__)[1].get(title, ""))


def _entry(name: str, kind: str, text: str) -> str:
    return f"{name} : {kind}\n{indent(cleandoc(text), ' ' * 4)}"


def _sections(docstring: str) -> tuple[str, dict[str, str]]:
    """Return the text before the first section of a numpydoc docstring, and the sections."""
    head, *rest = re.split(r"^([A-Z][a-z]+)\n-{3,}\n", cleandoc(docstring), flags=re.MULTILINE)
    titles, bodies = rest[::2], rest[1::2]
    return head.rstrip(), {t: body.rstrip() for t, body in zip(titles, bodies, strict=True)}


def _entries(section: str) -> dict[str, str]:
    """Return the entries of a section by their names, the line "a, b : int" as one."""
    found = re.findall(r"^\S.*(?:\n .*|\n(?=\n* ))*", section, flags=re.MULTILINE)
    return {entry.partition("\n")[0].partition(" : ")[0]: entry for entry in found}


MEANT_BY: dict[str, str] = {
    "train": "Use fit(X, y).",
    "evaluate": "Use score(X, y).",
    **dict.fromkeys(("forward", "predict_classes"), "Use predict(X)."),
    "decision_function": "The probabilities of the classes are predict_proba(X).",
    "partial_fit": "It is for solvers that go step by step: use solver='adam' or 'sgd'.",
    **dict.fromkeys(
        ("predict_proba", "predict_log_proba"),
        "A regressor predicts numbers: use predict, or for classes MLPClassifier, whose "
        "predict_proba has the probabilities.",
    ),
    **dict.fromkeys(("coef_", "weights", "weights_"), "The weights of each layer are coefs_."),
    **dict.fromkeys(
        ("intercept_", "biases", "biases_"), "The biases of each layer are intercepts_."
    ),
    "feature_importances_": (
        "A network has none of its own: use sklearn.inspection.permutation_importance(model, X, y)."
    ),
    **dict.fromkeys(("history", "losses_"), "The record of the training is history_."),
    "summary": "print(model.network_) shows the network, and cr.NetworkDisplay draws it.",
    "compile": "The loss and the solver are parameters of the constructor.",
    **dict.fromkeys(("save", "dump", "save_model"), "Use cr.save(model, path)."),
    **dict.fromkeys(("load", "load_model"), "Use cr.load(path)."),
    "network": "After fit it is network_.",
    "classes": "After fit a classifier has them in classes_.",
}
"""What the estimators have instead of attributes that other libraries' have."""
