"""What the tests of the native engine share: the compiled cores, and processes of their own."""

import importlib

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import native
from chainrule.maths.losses import get_loss

ALL_LEVELS = ("v3", "v4", "neon")


def levels():
    """The instruction sets of this processor."""
    return list(importlib.import_module("chainrule.engines._cpu").levels())


def core_of(level):
    """The module of an instruction set, or a skip that says why not."""
    if level not in levels():
        pytest.skip(f"this processor lacks {level}: it has {', '.join(levels()) or 'none'}")
    return importlib.import_module(f"chainrule.engines._native_{level}")


@pytest.fixture
def use_core(monkeypatch):
    """Return a function that makes the native engine compute with a level's core."""

    def use(level):
        core = core_of(level)
        assert core.isa == level
        monkeypatch.setattr(native, "load_core", lambda: core)

    return use


@pytest.fixture(params=["none built", "half of it built", "old processor"])
def use_no_core(request, monkeypatch):
    """Pretend that no core was built, or that the processor is too old for any; say which."""

    def import_module(name, *_):
        if name == "chainrule.engines._cpu" and request.param == "old processor":
            return type("Cpu", (), {"levels": list})
        if name == "chainrule.engines._cpu" and request.param == "half of it built":
            return type("Cpu", (), {"levels": lambda: ["v3"]})
        if name.startswith("chainrule.engines._"):
            raise ImportError(f"no {name}")
        return importlib.import_module(name)

    native.load_core.cache_clear()
    monkeypatch.setattr(native, "importlib", type("Stub", (), {"import_module": import_module}))
    yield request.param
    native.load_core.cache_clear()


@pytest.fixture
def python(pythons):
    """Return a function that runs a script in a Python of its own and returns the process."""

    def run(script, timeout=60, **environment):
        return pythons.run("-W", "error", "-c", script, env=environment, timeout=timeout)

    return run


# Losses with parameters, for networks of any even number of outputs.
MADE = {
    "huber 0.3": cr.Huber(0.3),
    "two quantiles": cr.Quantile([0.1, 0.75]),
    "cross_entropy 0.1": cr.CrossEntropy(0.1),
    "log_loss 0.1": cr.LogLoss(0.1),
}


def targets(loss, n, n_outputs, rng):
    """Targets that a loss takes, by the loss or its name, here or in the library."""
    loss = MADE.get(loss, loss)
    if isinstance(loss, cr.Quantile):
        return rng.normal(size=(n, n_outputs // loss.outputs_per_target))
    if isinstance(loss, cr.GroupedLogLoss):
        return np.stack([rng.integers(0, k, size=n) for k in loss.groups], axis=1)
    loss = get_loss(loss).name
    if loss == "log_loss":
        return rng.integers(0, n_outputs, size=n)
    if loss == "cross_entropy":
        return rng.integers(0, 2, size=(n, n_outputs))
    if loss == "poisson":
        return rng.poisson(1.5, size=(n, n_outputs))
    return rng.normal(size=(n, n_outputs))


@pytest.fixture
def make_targets():
    return targets


@pytest.fixture
def flushes():
    """Return a function that says whether subnormal numbers count as 0 in the calling thread."""
    least = np.array([np.finfo(float).smallest_normal])
    return lambda: (least * 0.5)[0] == 0
