"""PyTorch: eager with the fused optimizer, rows shuffled in one gather an epoch; or compiled."""

from collections.abc import Callable
from typing import Any

import cases
import torch
from torch import nn


def module(case: cases.Case) -> nn.Sequential:
    """Return the case's network with the common starting weights."""
    layers: list[nn.Module] = []
    pairs = cases.weights(case)
    for i, (W, b) in enumerate(pairs):
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))
        layers += [linear] if i == len(pairs) - 1 else [linear, nn.ReLU()]
    return nn.Sequential(*layers)


def prepare(
    case: cases.Case, threads: int, compiled: bool = False
) -> tuple[Callable[[], Any], int] | None:
    """Return what is timed, and its units."""
    torch.set_num_threads(threads)
    net = module(case)
    if case["task"] == "train":
        return _training(case, net, compiled)
    if compiled:
        return None
    full = nn.Sequential(net, nn.Softmax(dim=-1))
    X = torch.from_numpy(cases.table(case)[0])
    if case["task"] == "row":
        traced = torch.jit.trace(full, X[0])
        x = cases.table(case)[0][0]

        def one() -> Any:
            with torch.inference_mode():
                return traced(torch.from_numpy(x)).numpy()

        return one, 1
    if case["task"] == "rows":
        H = torch.empty(len(X), case["sizes"][-1])

        def many() -> None:
            with torch.inference_mode():
                for i in range(0, len(X), case["chunk"]):
                    H[i : i + case["chunk"]] = full(X[i : i + case["chunk"]])

        return many, case["rows"]
    return None


def _training(case: cases.Case, net: nn.Module, compiled: bool) -> tuple[Callable[[], Any], int]:
    X, y = (torch.from_numpy(a) for a in cases.table(case))
    if case["optimizer"] == "sgd":
        optimizer: Any = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, fused=True)
    else:
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)

    def loss_of(rows: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(net(rows), classes)

    loss = torch.compile(loss_of) if compiled else loss_of
    # A Python loop has no cost of its own per call, so few epochs are as good as many.
    slow = case["sizes"][0] == 4
    epochs = max(1, case["epochs"] // (50 if case["batch"] == 1 else 10)) if slow else 1

    def fit() -> None:
        for _ in range(epochs):
            order = torch.randperm(len(X))
            batches = zip(X[order].split(case["batch"]), y[order].split(case["batch"]), strict=True)
            for rows, classes in batches:
                optimizer.zero_grad(set_to_none=True)
                loss(rows, classes).backward()
                optimizer.step()

    return fit, epochs * cases.steps_of(case)
