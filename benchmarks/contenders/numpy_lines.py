"""NumPy: the equations as one writes them, the rows in chunks that fit the cache."""

from collections.abc import Callable
from typing import Any

import cases
import numpy as np


def prepare(case: cases.Case, threads: int) -> tuple[Callable[[], Any], int] | None:
    """Return what is timed, and its units. The threads are OpenBLAS's, set by the worker."""
    del threads
    if case["task"] not in ("row", "rows"):
        return None
    pairs = cases.weights(case)

    def predict(a: Any) -> Any:
        for W, b in pairs[:-1]:
            a = np.maximum(a @ W + b, 0)
        W, b = pairs[-1]
        z = a @ W + b
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    X = cases.table(case)[0]
    if case["task"] == "row":
        x = X[0]
        return lambda: predict(x), 1
    chunk = case["chunk"]
    H = np.empty((len(X), case["sizes"][-1]), np.float32)

    def many() -> None:
        for i in range(0, len(X), chunk):
            H[i : i + chunk] = predict(X[i : i + chunk])

    return many, case["rows"]
