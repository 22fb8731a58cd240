"""Records steps of PyTorch's optimizers and schedules, which the tests compare ours with.

    .venv-bench/bin/python benchmarks/record_optimizers.py     # PyTorch 2.13.0

One "layer" of weights and one of biases are moved by gradients that are drawn beforehand, some of
them 0. The biases are in a group without weight decay. Everything is float64, by default too: else
PyTorch would keep NAdam's product of momenta in float32. Clipping is ``clip_grad_norm_`` over both
groups.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

_PATH = Path(__file__).parent.parent / "tests" / "optimizers" / "pytorch.json"
_STEPS, _WEIGHTS, _BIASES = 20, 3, 2

OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "SGD": (torch.optim.SGD, {"lr": 0.1}),
    "momentum": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "Nesterov": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "Adagrad": (torch.optim.Adagrad, {}),
    "RMSprop": (torch.optim.RMSprop, {}),
    "RMSprop, other settings": (torch.optim.RMSprop, {"lr": 0.1, "alpha": 0.5, "eps": 0.01}),
    "Adam": (torch.optim.Adam, {}),
    "AdamW": (torch.optim.AdamW, {}),
    "AdamW, other settings": (
        torch.optim.AdamW,
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.01, "weight_decay": 0.3},
    ),
    "Nadam": (torch.optim.NAdam, {}),
    "Nadam, other settings": (
        torch.optim.NAdam,
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.01, "momentum_decay": 0.1},
    ),
    "Rprop": (torch.optim.Rprop, {}),
    "Rprop, other settings": (
        torch.optim.Rprop,
        {"lr": 0.1, "etas": (0.3, 1.7), "step_sizes": (0.05, 0.2)},
    ),
}

_LENGTH = 40
SCHEDULES: dict[str, Any] = {
    "StepDecay": lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.5),
    "ExponentialDecay": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.01 ** (1 / _LENGTH)),
    "Cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, _LENGTH, 0.001),
    "OneCycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(
        o, 0.5, _LENGTH, cycle_momentum=False
    ),
    "Warmup": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o,
        [
            torch.optim.lr_scheduler.LinearLR(o, 1 / 11, total_iters=10),
            torch.optim.lr_scheduler.CosineAnnealingLR(o, _LENGTH - 10),
        ],
        [10],
    ),
}


def steps(
    kind: Any, settings: dict[str, Any], start: Any, gradients: Any, clip: float | None
) -> list[list[float]]:
    """Return the parameters after each step."""
    parameters = [torch.tensor(part, dtype=torch.float64) for part in np.split(start, [_WEIGHTS])]
    groups: list[dict[str, Any]] = [{"params": [part]} for part in parameters]
    groups[1]["weight_decay"] = 0.0
    optimizer = kind(groups, **settings)
    found = []
    for gradient in gradients:
        for part, grad in zip(parameters, np.split(gradient, [_WEIGHTS]), strict=True):
            part.grad = torch.tensor(grad, dtype=torch.float64)
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        found.append(torch.cat(parameters).tolist())
    return found


def rates(make: Any) -> list[float]:
    """Return the learning rate of each step."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    schedule, found = make(optimizer), []
    for _ in range(_LENGTH):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    return found


def main() -> None:
    """Write the file."""
    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(0)
    start = rng.normal(size=_WEIGHTS + _BIASES)
    gradients = rng.normal(size=(_STEPS, _WEIGHTS + _BIASES))
    gradients[rng.random(gradients.shape) < 0.1] = 0
    recorded = {
        "made by": f"benchmarks/record_optimizers.py with PyTorch {torch.__version__}",
        "weights": _WEIGHTS,
        "start": start.tolist(),
        "gradients": gradients.tolist(),
        "steps": {
            name: steps(kind, settings, start, gradients, None)
            for name, (kind, settings) in OPTIMIZERS.items()
        },
        "clipped": steps(torch.optim.SGD, {"lr": 0.1}, start, gradients, 1.5),
        "rates": {name: rates(make) for name, make in SCHEDULES.items()},
    }
    _PATH.write_text(json.dumps(recorded) + "\n")


if __name__ == "__main__":
    main()
