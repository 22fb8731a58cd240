"""One way to choose the penalty, in a process of its own, since memory never falls.

    python penalty.py ours|search time|memory EPOCHS

Prints a line of JSON: seconds of a first fit and of a second (a search keeps its processes), the
penalty chosen; or the bytes that the process grew by beyond X.
"""

import json
import resource
import sys
import time
import warnings
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from chainrule import MLPClassifier, MLPClassifierCV

ALPHAS = np.logspace(-4, 2, 10)


def model(contender: str, jobs: int, alphas: Any, **settings: Any) -> Any:
    """Return what chooses among the penalties."""
    if contender == "ours":
        return MLPClassifierCV(alphas, cv=5, n_jobs=jobs, random_state=0, **settings)
    single = MLPClassifier(random_state=0, **settings)
    return GridSearchCV(single, {"alpha": alphas}, cv=5, n_jobs=jobs)


def chosen(fitted: Any) -> float:
    """Return the penalty."""
    return float(fitted.alpha_ if hasattr(fitted, "alpha_") else fitted.best_params_["alpha"])


def timed(contender: str, epochs: int) -> dict[str, Any]:
    """Time two fits over 10 penalties and 5 folds of the digits."""
    X, y = load_digits(return_X_y=True)
    seconds, alpha = [], 0.0
    for _ in range(2):
        begin = time.perf_counter()
        alpha = chosen(model(contender, 2, ALPHAS, max_iter=epochs).fit(X / 16, y))
        seconds.append(time.perf_counter() - begin)
    return {"seconds": seconds, "alpha": alpha}


def grown(contender: str) -> dict[str, Any]:
    """Return the growth over a large X; the search in one process, which holds one fold's copy."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200_000, 100))
    y = rng.integers(0, 2, len(X))
    jobs = 2 if contender == "ours" else 1
    settings = {"hidden_layer_sizes": 4, "max_iter": 1, "refit": True}
    if contender != "ours":
        del settings["refit"]
    model(contender, jobs, [0.1, 1.0], **settings).fit(X[:1000], y[:1000])  # loads all there is
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model(contender, jobs, [0.1, 1.0], **settings).fit(X, y)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"x_bytes": X.nbytes, "extra_bytes": (after - before) * 1024}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    who, what, n_epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(json.dumps(timed(who, n_epochs) if what == "time" else grown(who)))
