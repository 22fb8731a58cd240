"""Every number printed is computed again from what is printed, and compared with the trace."""

import itertools
import math
import random
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES

TRAINABLE = [name for name, g in ACTIVATIONS.items() if g.differentiable]
TRAINABLE_LOSSES = [name for name, loss in LOSSES.items() if loss.differentiable]
WITH_PARAMETERS = {
    "huber of 0.2": cr.Huber(0.2),
    "an interval": cr.Quantile([0.1, 0.9]),
    "two intervals": cr.Quantile([0.2, 0.5]),
    "smoothed cross_entropy": cr.CrossEntropy(label_smoothing=0.1),
    "smoothed log_loss": cr.LogLoss(label_smoothing=0.3),
    "groups": cr.GroupedLogLoss([2, 2]),
    "smoothed groups": cr.GroupedLogLoss([2, 2], label_smoothing=0.2),
}
OUTPUTS = {"two intervals": 4, "groups": 4, "smoothed groups": 4, "smoothed log_loss": 3}
HIDDEN = {0: [], 1: [3], 2: [4, 2]}
OTHERS = list(
    itertools.product(
        HIDDEN, (1, 2, 3), ("rows", "columns"), ("none", "weights", "penalties", "both")
    )
)
RATE = 0.1


def unit(value, digits=5):
    """What 1 in the last digit is worth."""
    return 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1) if value else 0.0


def close(value, printed, digits=5, units=1.0):
    """Whether two values agree to so many units of the last printed digit, or to rounding."""
    value, printed = np.asarray(value), np.asarray(printed)
    allowed = np.vectorize(unit)(printed, digits) * (units + 1e-3) + 3e-16
    return value.shape == printed.shape and bool((np.abs(value - printed) <= allowed).all())


def targets(loss, n, K, rng):
    """Targets as the loss takes them, and as the formulas have them."""
    made_of = WITH_PARAMETERS.get(loss)
    if isinstance(made_of, cr.Quantile):
        Y = rng.normal(size=(n, K // 2))
        return Y, np.repeat(Y, 2, axis=1)
    if isinstance(made_of, cr.GroupedLogLoss):
        Y = np.transpose([rng.integers(k, size=n) for k in made_of.groups])
        e = made_of.label_smoothing
        hot = [np.eye(k)[y] * (1 - e) + e / k for k, y in zip(made_of.groups, Y.T, strict=True)]
        return Y, np.hstack(hot)
    if isinstance(made_of, cr.LogLoss):
        Y = rng.integers(K, size=n)
        return Y, np.eye(K)[Y] * (1 - made_of.label_smoothing) + made_of.label_smoothing / K
    if isinstance(made_of, cr.CrossEntropy):
        Y = rng.integers(2, size=(n, K))
        return Y, Y * (1 - made_of.label_smoothing) + made_of.label_smoothing / 2
    Y = plain_targets(loss, n, K, rng)
    return Y, np.eye(K)[Y] if loss == "log_loss" else np.asarray(Y, float)


def plain_targets(loss, n, K, rng):
    if loss == "log_loss":
        return rng.integers(K, size=n)
    if loss == "cross_entropy":
        return rng.integers(2, size=(n, K))
    return rng.poisson(1.5, size=(n, K)) if loss == "poisson" else rng.normal(size=(n, K))


def case(g, loss, others):
    """A network with a batch, and its trace."""
    depth, n, orientation, extras = others
    seed = random.Random(repr((g, loss, others))).randrange(10**6)
    rng = np.random.default_rng(seed)
    K = OUTPUTS.get(loss, 2)
    made_of = WITH_PARAMETERS.get(loss, loss)
    net = cr.Network([3, *HIDDEN[depth], K], g, made_of, dtype="float64", seed=seed)
    net.theta += 0.3 * rng.normal(size=net.theta.shape)
    X = rng.normal(size=(n, 3))
    Y, in_formulas = targets(loss, n, K, rng)
    settings = {}
    if extras in ("weights", "both"):
        settings["sample_weight"] = rng.uniform(0.5, 2, size=n).round(2)
    if extras in ("penalties", "both"):
        settings |= {"l2": 0.3, "l1": 0.02}
    working = cr.explain(net, X, Y, orientation=orientation, lecture=False, **settings)
    return net, X, (Y, in_formulas), net.trace(X, Y, **settings), working, settings


def expected(net, X, targets, trace, settings, orientation):
    """What the trace has for each symbol."""
    learner = cr.Learner(net.copy(), cr.SGD(RATE), settings.get("l2", 0), settings.get("l1", 0))
    Y, in_formulas = targets
    learner.step(X, Y, settings.get("sample_weight"))
    after = learner.net
    turn = (lambda array: array) if orientation == "rows" else np.transpose
    by_layer = {"z": trace.z, "δ": trace.delta, "a": trace.a[1:]}
    matrices = {"Z": trace.z, "Δ": trace.delta, "A": trace.a[1:]}
    if len(X) == 1:
        matrices = by_layer

    def value(name):
        match name:
            case ("∂", "w", (i, j), (layer,)):
                return trace.grad_weights[layer - 2][j - 1, i - 1]
            case ("∂", "b", (i,), (layer,)):
                return trace.grad_biases[layer - 2][i - 1]
            case ("∇", "W", (layer,)):
                return turn(trace.grad_weights[layer - 2])
            case ("∇", "b", (layer,)):
                return turn(trace.grad_biases[layer - 2][None])
            case ("W", (), (layer,)):
                return turn(after.weights[layer - 2])
            case ("b", (), (layer,)):
                return turn(after.biases[layer - 2][None])
            case ("w", (i, j), (layer,)):
                return after.weights[layer - 2][j - 1, i - 1]
            case ("b", (i,), (layer,)):
                return after.biases[layer - 2][i - 1]
            case ("z" | "a" | "δ" as letter, (i,), (layer, *m)):
                return by_layer[letter][layer - 2][(m or [1])[0] - 1, i - 1]
            case ("h", (k,), m):
                return trace.h[(m or [1])[0] - 1, k - 1]
            case ("loss", (), m):
                example = (m or [1])[0] - 1
                return net.trace(X[[example]], Y[[example]]).cost
            case ("J", (), ()):
                return trace.cost
            case (letter, (), (layer,)) if letter in matrices:
                return turn(matrices[letter][layer - 2])
            case ("H" | "h", (), ()):
                return turn(trace.h)
            case ("X" | "x", (), ()):
                return turn(X)
            case ("Y" | "y", (), ()):
                return turn(in_formulas)
            case ("Σ_ww^2",):
                return sum((W**2).sum() for W in net.weights)
            case ("Σ_w|w|",):
                return sum(abs(W).sum() for W in net.weights)
        raise AssertionError(name)

    return value


def check(lines, symbol, value, functions=None):
    """Check every line, and return how many numbers each letter had, and how many were computed."""
    seen = {}
    for line in lines:
        name = symbol(line.left)
        values = line.values(functions)
        if not values:
            assert line.left[0] in "wb", line  # the rule in letters
            assert len(line.steps) == 1, line
            continue
        *others, last = values
        assert close(value(name), last, units=0.5), (line, value(name), last)
        for other in others:
            assert close(other, last), (line, other, last)
        if name[0] in "∂∇":
            seen["differences"] = seen.get("differences", 0) + check_differences(line, value(name))
        letter = name[0] if len(name) == 1 or name[0] not in "∂∇" else f"{name[0]}{name[1]}"
        kind = "array" if np.ndim(last) else "number"
        count, computed = seen.get((letter, kind), (0, 0))
        seen[letter, kind] = (count + 1, computed + len(values) - 1)
    return seen


def check_differences(line, gradient):
    """Check a gradient's finite differences, and return how many there are."""
    said = line.note.replace("$", "").replace(r"\times 10^{", "e").replace("}", "")
    if line.note.startswith("no finite"):
        return 0
    off = float(re.search(r"off by (?:at most )?([\d.e-]+)", said)[1])
    assert off <= 1e-8
    if np.ndim(gradient):
        (estimate,) = line.estimates()
    else:
        estimate = np.array(float(re.search(r"difference (-?[\d.e-]+),", said)[1]))
    known = ~np.isnan(estimate)
    error = np.abs(estimate - gradient)[known]
    # The distance itself is printed to two digits.
    allowed = 1.06 * off + np.vectorize(unit)(estimate)[known]
    assert (error <= allowed).all(), line
    return int(known.sum())


def require_every_number(g, loss, others, read_text, read_latex, symbol):
    net, X, Y, trace, working, settings = case(g, loss, others)
    _, n, orientation, _ = others
    value = expected(net, X, Y, trace, settings, orientation)
    seen = check(read_text(working.text()), symbol, value)
    assert seen == check(read_latex(working.latex()), symbol, value)

    nodes = sum(net.sizes[1:])
    examples = n if n <= 2 else 1  # one of more is worked out node by node
    assert seen["z", "number"] == (nodes * examples, nodes * examples)
    hidden = nodes - net.sizes[-1]
    assert seen.get(("a", "number"), (0, 0))[0] == hidden * examples
    assert seen["h", "number"][0] == net.sizes[-1] * examples
    assert seen["δ", "number"] == (nodes * examples, nodes * examples)
    weights = sum(W.size for W in net.weights)
    assert seen["∂w", "number"] == (weights, weights)
    assert seen["∂b", "number"] == (nodes, nodes if n > 1 else 0)
    assert seen["w", "number"] == (weights, weights)
    assert 0.7 * 2 * net.n_parameters <= seen["differences"] <= 2 * net.n_parameters
    assert seen["loss", "number"][0] == n
    assert seen["∇W", "array"][0] == seen["∇b", "array"][0] == len(net.weights)
    layers = len(net.weights)
    letters = ("Z", "Δ") if n > 1 else ("z", "δ")
    for letter in letters:
        count, computed = seen[letter, "array"]
        assert count == layers
        assert computed >= layers - (letter in "δΔ")


# Each activation with half of the losses, each loss with half of the activations.
HALF = [
    (g, loss)
    for i, g in enumerate(TRAINABLE)
    for j, loss in enumerate(TRAINABLE_LOSSES)
    if (i + j) % 2
]


@pytest.mark.parametrize(("g", "loss"), HALF)
def test_every_number_follows(g, loss, read_text, read_latex, symbol):
    (others,) = random.Random(loss + g).sample(OTHERS, 1)
    require_every_number(g, loss, others, read_text, read_latex, symbol)


@pytest.mark.parametrize("loss", WITH_PARAMETERS)
def test_every_number_follows_whatever_the_parameters(loss, read_text, read_latex, symbol):
    (others,) = random.Random(loss).sample(OTHERS, 1)
    require_every_number("tanh", loss, others, read_text, read_latex, symbol)


@pytest.mark.soak
@pytest.mark.parametrize("loss", [*TRAINABLE_LOSSES, *WITH_PARAMETERS])
@pytest.mark.parametrize("g", TRAINABLE)
def test_every_number_follows_whatever_the_parts(g, loss, read_text, read_latex, symbol):
    for others in OTHERS:
        require_every_number(g, loss, others, read_text, read_latex, symbol)
