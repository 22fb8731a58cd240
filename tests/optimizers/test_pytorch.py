"""Step for step PyTorch's: recorded by benchmarks/record_optimizers.py."""

import json
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.reference import clip
from chainrule.optimizers.schedules import as_schedule

RECORDED = json.loads(Path(__file__).with_name("pytorch.json").read_text())
RULES = {
    "SGD": cr.SGD(0.1),
    "momentum": cr.SGD(0.05, 0.9),
    "Nesterov": cr.SGD(0.05, 0.9, nesterov=True),
    "Adagrad": cr.Adagrad(),
    "RMSprop": cr.RMSprop(),
    "RMSprop, other settings": cr.RMSprop(0.1, rho=0.5, epsilon=0.01),
    "Adam": cr.Adam(),
    "AdamW": cr.AdamW(),
    "AdamW, other settings": cr.AdamW(0.1, 0.5, 0.7, 0.01, weight_decay=0.3),
    "Nadam": cr.Nadam(),
    "Nadam, other settings": cr.Nadam(0.1, 0.5, 0.7, 0.01, momentum_decay=0.1),
    "Rprop": cr.Rprop(),
    "Rprop, other settings": cr.Rprop(0.1, 0.3, 1.7, 0.05, 0.2),
}
SCHEDULES = {
    "StepDecay": cr.StepDecay(0.5, 7, 0.5),
    "ExponentialDecay": cr.ExponentialDecay(0.5, 40, 0.01),
    "Cosine": cr.Cosine(0.5, 40, 0.001),
    "OneCycle": cr.OneCycle(0.5, 40),
    "Warmup": cr.Warmup(cr.Cosine(0.5, 30), 10),
}


def steps(rule, max_norm=None):
    theta, gradients = np.array(RECORDED["start"]), np.array(RECORDED["gradients"])
    state = rule.init(theta)
    for t, gradient in enumerate(gradients, 1):
        if max_norm is not None:
            clip(gradient, max_norm)
        rate = as_schedule(rule.learning_rate).rate(0, 0, t - 1)
        rule.decay([theta[: RECORDED["weights"]]], rate)
        rule.update(theta, gradient, state, t, rate)
        yield theta.copy()


def test_all_that_was_recorded_is_compared():
    assert RULES.keys() == RECORDED["steps"].keys()
    assert SCHEDULES.keys() == RECORDED["rates"].keys()


@pytest.mark.parametrize("name", RULES)
def test_optimizers(name):
    ours = list(steps(RULES[name]))
    np.testing.assert_allclose(ours, RECORDED["steps"][name], rtol=1e-10, atol=1e-10)
    assert abs(ours[-1] - RECORDED["start"]).max() > 1e-3


def test_clipping():
    ours = list(steps(cr.SGD(0.1), 1.5))
    np.testing.assert_allclose(ours, RECORDED["clipped"], rtol=1e-10, atol=1e-10)
    norms = np.linalg.norm(RECORDED["gradients"], axis=1)
    assert norms.min() < 1.5 < norms.max()


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    expected = RECORDED["rates"][name]
    each = np.arange(len(expected))
    ours = SCHEDULES[name].rates(each, 0 * each, 0)
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-15)
