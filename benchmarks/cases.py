"""What is measured: nets, batches, rows, targets, and the data that every contender gets."""

from typing import Any

import numpy as np

Case = dict[str, Any]

# Targets: how many times faster than PyTorch and than JAX a training step has to be.
_STEPS = [
    ([4, 10, 3], 1, 150, 100, 300, 3),
    ([4, 10, 3], 16, 160, 100, 100, 5),
    ([20, 64, 64, 3], 32, 2048, 20, 15, 1.5),
    ([20, 64, 64, 3], 128, 2048, 20, 6, 1.4),
    ([100, 256, 256, 10], 128, 4096, 4, 2, 1.8),
    ([784, 512, 512, 10], 128, 8192, 1, 1.15, 1.4),
    ([784, 512, 512, 10], 1024, 8192, 1, 1.0, 1.2),
]
TARGET_WITH_ADAM = 0.85

# Beside plain gradient descent, of whose step each may cost so many times the time.
OPTIMIZERS = {
    "sgd": "momentum",
    "nesterov": "Nesterov",
    "adagrad": "Adagrad",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
    "nadam": "Nadam",
    "cosine": "descent, the rate a cosine",
    "clipped": "descent, the gradient clipped",
}
TARGET_OF_OPTIMIZERS = 1.3


def training(optimizer: str) -> list[Case]:
    """Return the training cases with "sgd" (momentum 0.9) or "adam"."""
    factor = TARGET_WITH_ADAM if optimizer == "adam" else 1.0
    return [
        {
            "task": "train",
            "sizes": sizes,
            "batch": batch,
            "rows": rows,
            "epochs": epochs,
            "optimizer": optimizer,
            "targets": {"torch": round(torch * factor, 3), "jax": round(jax * factor, 3)},
        }
        for sizes, batch, rows, epochs, torch, jax in _STEPS
    ]


def name_of(case: Case) -> str:
    """Return the net as "4-10-3"."""
    return "-".join(map(str, case["sizes"]))


def steps_of(case: Case) -> int:
    """Return how many updates one epoch makes; the rows are a multiple of the batch."""
    return case["rows"] // case["batch"]


def flops_of_step(case: Case) -> int:
    """Return the floating-point operations of the matrix products of one update."""
    weights = [a * b for a, b in zip(case["sizes"], case["sizes"][1:], strict=False)]
    return 2 * case["batch"] * (3 * sum(weights) - weights[0])  # no gradient of X is needed


def table(case: Case) -> tuple[Any, Any]:
    """Return X (float32) and classes y (int64): a linear rule, a fifth of the labels random.

    The noise keeps the gradients from fading, which would slow some contenders (denormals).
    """
    sizes, rows = case["sizes"], case["rows"]
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, sizes[0]), dtype=np.float32)
    y = (X @ rng.standard_normal((sizes[0], sizes[-1]), dtype=np.float32)).argmax(axis=1)
    noisy = rng.random(rows) < 0.2
    y[noisy] = rng.integers(0, sizes[-1], noisy.sum())
    return X, y.astype(np.int64)


def weights(case: Case) -> list[tuple[Any, Any]]:
    """Return He's starting weights and biases 0, one pair of (s_in, s_out) and (s_out,) a layer."""
    rng = np.random.default_rng(1)
    return [
        (
            rng.standard_normal((a, b), dtype=np.float32) * np.float32(np.sqrt(2 / a)),
            np.zeros(b, np.float32),
        )
        for a, b in zip(case["sizes"], case["sizes"][1:], strict=False)
    ]
