"""chainrule, through its public names; threads=0 leaves their number to it (the default)."""

import warnings
from collections.abc import Callable
from typing import Any

import cases

import chainrule as cr

# The labels are drawn at random, so that no rate is a good one.
warnings.simplefilter("ignore", cr.TrainingWarning)

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: cr.SGD(0.01, momentum=0.9),
    "plain": lambda: cr.SGD(0.01),
    "clipped": lambda: cr.SGD(0.01),
    "cosine": lambda: cr.SGD(cr.Cosine(0.01)),
    "nesterov": lambda: cr.SGD(0.01, momentum=0.9, nesterov=True),
    "adam": lambda: cr.Adam(1e-3),
    "adamw": lambda: cr.AdamW(1e-3),
    "nadam": lambda: cr.Nadam(1e-3),
    "adagrad": lambda: cr.Adagrad(1e-2),
    "rmsprop": lambda: cr.RMSprop(1e-3),
}


def network(case: cases.Case) -> cr.Network:
    """Return the case's network with the common starting weights."""
    net = cr.Network(case["sizes"], activation="relu", loss="log_loss")
    for W, b, (W0, b0) in zip(net.weights, net.biases, cases.weights(case), strict=True):
        W[...], b[...] = W0, b0
    return net


def learner(case: cases.Case, threads: int) -> cr.Learner:
    """Return the case's learner."""
    name = case.get("optimizer", "sgd")
    made = cr.Learner(
        network(case),
        OPTIMIZERS[name](),
        batch_size=case.get("batch"),
        n_jobs=threads or None,
        max_grad_norm=1.0 if name == "clipped" else None,
    )
    if made.engine != "native":
        raise RuntimeError("the native engine is not there")
    return made


def prepare(case: cases.Case, threads: int) -> tuple[Callable[[], Any], int]:
    """Return what is timed, and its units."""
    match case["task"]:
        case "train":
            X, y = cases.table(case)
            fit, epochs = learner(case, threads).fit, case["epochs"]
            return lambda: fit(X, y, epochs=epochs), epochs * cases.steps_of(case)
        case "row":
            net, x = network(case), cases.table(case)[0][0]
            return lambda: net(x), 1
        case "step":
            X, y = cases.table(case)
            step, x, target = learner(case, threads).step, X[0], y[0]
            return lambda: step(x, target), 1
        case "rows":
            net, X = network(case), cases.table(case)[0]
            return lambda: net(X), case["rows"]
        case "estimator":
            from contenders.scikit import estimator  # the same call on the other library

            return estimator(cr.MLPClassifier, case)
    raise ValueError(case["task"])
