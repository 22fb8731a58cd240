"""scikit-learn's MLPClassifier: a whole fit, its start included, which is all it offers."""

import warnings
from collections.abc import Callable
from typing import Any

import cases
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)


def prepare(case: cases.Case, threads: int) -> tuple[Callable[[], Any], int] | None:
    """Return what is timed, and its units. The threads are OpenBLAS's, set by the worker."""
    del threads
    if case["task"] == "estimator":
        return estimator(MLPClassifier, case)
    if case["task"] != "train":
        return None
    X, y = cases.table(case)
    sgd = case["optimizer"] == "sgd"
    epochs = max(1, case["epochs"] // 10) if case["batch"] == 1 else case["epochs"]
    model = MLPClassifier(
        case["sizes"][1:-1],
        solver=case["optimizer"],
        alpha=0.0,
        batch_size=case["batch"],
        learning_rate_init=0.01 if sgd else 1e-3,
        momentum=0.9,
        nesterovs_momentum=False,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=10**9,
    )
    return lambda: model.fit(X, y), epochs * cases.steps_of(case)


def estimator(kind: Any, case: cases.Case) -> tuple[Callable[[], Any], int]:
    """Return a fit of either library's classifier on a table of scikit-learn; a unit is a fit."""
    X, y = getattr(datasets, f"load_{case['table']}")(return_X_y=True)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    model = kind(random_state=0, **case["settings"])

    def run() -> dict[str, Any]:
        model.fit(X, y)
        return {"epochs": model.n_iter_}

    return run, 1
