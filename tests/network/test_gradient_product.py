"""The gradient over the whole product, judged by complex steps through formulas of its own.

For an analytic f, f'(x) = Im f(x + ih)/h without cancellation, exact to rounding (Squire and Trapp
1998). The cost below is written from the notes' formulas, with nothing of the library in it, so
neither back-propagation nor `check_gradients` judges itself.
"""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.special import erf

import chainrule as cr
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES

STEP = 1e-30
ALPHA, SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def logistic(z):
    return 1 / (1 + np.exp(-z))


def softplus(z):
    return np.log(1 + np.exp(z))


def positive(z):
    return np.real(z) > 0


G = {
    "identity": lambda z: z,
    "logistic": logistic,
    "tanh": lambda z: np.sinh(z) / np.cosh(z),
    "relu": lambda z: np.where(positive(z), z, 0),
    "leaky_relu": lambda z: np.where(positive(z), z, z / 100),
    "elu": lambda z: np.where(positive(z), z, np.exp(z) - 1),
    "selu": lambda z: SCALE * np.where(positive(z), z, ALPHA * (np.exp(z) - 1)),
    "softplus": softplus,
    "silu": lambda z: z * logistic(z),
    "gelu": lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
    "mish": lambda z: z * np.tanh(softplus(z)),
}


def huber(r, d):
    size = np.where(positive(r), r, -r)
    return np.where(np.real(size) <= d, r**2 / 2, d * (size - d / 2))


def pinball(r, q):
    return np.where(positive(r), (1 - q) * r, -q * r)


def log(y, h):
    """Y log(h), where 0 log(0) is 0; y is real."""
    return np.where(y == 0, 0, y * np.log(np.where(y == 0, 1, h)))


H = {
    "squared_error": lambda z: z,
    "cross_entropy": logistic,
    "log_loss": lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
    "poisson": np.exp,
    "logistic_squared_error": logistic,
    "absolute_error": lambda z: z,
    "huber": lambda z: z,
    "quantile": lambda z: z,
}
LOSS = {
    "squared_error": lambda h, y: (h - y) ** 2 / 2,
    "cross_entropy": lambda h, y: -log(y, h) - log(1 - y, 1 - h),
    "log_loss": lambda h, y: -log(y, h),
    "poisson": lambda h, y: log(y, np.where(y == 0, 1, y)) - log(y, h) - y + h,
    "logistic_squared_error": lambda h, y: (h - y) ** 2 / 2,
    "absolute_error": lambda h, y: np.where(positive(h - y), h - y, y - h),
    "huber": lambda h, y: huber(h - y, 1),
    "quantile": lambda h, y: pinball(h - y, 0.5),
}
# Those with parameters: h and the loss of another name, and targets of their own.
MADE = {
    "huber 0.3": cr.Huber(0.3),
    "two quantiles": cr.Quantile([0.1, 0.75]),
    "cross_entropy 0.1": cr.CrossEntropy(0.1),
    "log_loss 0.1": cr.LogLoss(0.1),
    "one group 0.1": cr.GroupedLogLoss([2], 0.1),
}
H |= {
    "huber 0.3": H["huber"],
    "two quantiles": H["quantile"],
    "cross_entropy 0.1": logistic,
    "log_loss 0.1": H["log_loss"],
    "one group 0.1": H["log_loss"],
}
LOSS |= {
    "huber 0.3": lambda h, y: huber(h - y, 0.3),
    "two quantiles": lambda h, y: pinball(h - y, np.array([0.1, 0.75])),
    "cross_entropy 0.1": lambda h, y: LOSS["cross_entropy"](h, 0.9 * y + 0.05),
    "log_loss 0.1": lambda h, y: -(0.9 * y + 0.05) * np.log(h),
    "one group 0.1": lambda h, y: -(0.9 * y + 0.05) * np.log(h),
}
CLASSES = ("log_loss", "log_loss 0.1", "one group 0.1")
# Whose cases are a fourth each, another fourth for each activation: the output layer is all they
# change.
SOME = [*MADE, "absolute_error", "huber", "quantile"]
DEPTHS = {0: [2, 2], 1: [2, 3, 2], 3: [2, 3, 2, 2, 2]}
PENALTIES = [(0.0, 0.0), (0.7, 0.0), (0.0, 0.3), (0.7, 0.3)]


def cost(theta, sizes, g, loss, X, Y, weight, l2, l1):
    """J of every row of theta, a complex matrix (P, n_parameters)."""
    a, start, penalty = X, 0, 0
    S = len(X) if weight is None else weight.sum()
    for layer, (s_in, s_out) in enumerate(pairwise(sizes)):
        block = theta[:, start : start + (s_in + 1) * s_out].reshape(-1, s_in + 1, s_out)
        start += (s_in + 1) * s_out
        b, W = block[:, :1], block[:, 1:]
        z = a @ W + b
        a = H[loss](z) if layer == len(sizes) - 2 else G[g](z)
        penalty = penalty + l2 / 2 / S * (W**2).sum(axis=(1, 2))
        penalty = penalty + l1 / S * np.where(positive(W), W, -W).sum(axis=(1, 2))
    per_example = LOSS[loss](a, Y).sum(axis=-1)
    w = 1 if weight is None else weight
    return (w * per_example).sum(axis=1) / S + penalty


def targets(loss, rng, n):
    """Targets as the network takes them, and as rows of numbers."""
    if loss in CLASSES:
        classes = rng.integers(2, size=n)
        return classes[:, None] if "group" in loss else classes, np.eye(2)[classes]
    if loss == "two quantiles":
        y = rng.normal(size=n)
        return y, np.stack([y, y], axis=1)
    Y = {
        "cross_entropy": lambda: rng.integers(2, size=(n, 2)),
        "cross_entropy 0.1": lambda: rng.integers(2, size=(n, 2)),
        "poisson": lambda: rng.poisson(1.0, size=(n, 2)),
        "logistic_squared_error": lambda: rng.random((n, 2)),
    }.get(loss, lambda: rng.normal(size=(n, 2)))()
    return Y, Y.astype(float)


# Without hidden layers there is no activation.
SETTINGS = [
    (depth, g, loss)
    for depth, g, loss in product(DEPTHS, sorted(G), sorted(H))
    if depth or g == "identity"
]


def cases(depth, g, loss):
    """Every penalty, with and without weights, one example and seven."""
    for i, ((l2, l1), weighted, n) in enumerate(product(PENALTIES, (False, True), (1, 7))):
        if loss in SOME and (i + sorted(G).index(g) + depth) % 4:
            continue
        rng = np.random.default_rng([depth, sorted(G).index(g), sorted(H).index(loss), i])
        net = cr.Network(DEPTHS[depth], g, MADE.get(loss, loss), dtype="float64", seed=i)
        net.theta += rng.normal(size=net.theta.shape) / 4  # biases too
        X = rng.normal(size=(n, 2))
        Y, rows = targets(loss, rng, n)
        weight = rng.uniform(0.2, 3, size=n) if weighted else None
        yield net, X, Y, rows, weight, l2, l1


def test_the_product_is_whole():
    differentiable = {name for name, one in ACTIVATIONS.items() if one.differentiable}
    assert set(G) == differentiable
    assert set(H) - set(MADE) == {name for name, one in LOSSES.items() if one.differentiable}
    assert len(SETTINGS) == (1 + 2 * 11) * (5 + 8)


@pytest.mark.parametrize(("depth", "g", "loss"), SETTINGS)
def test_trace_equals_complex_steps(depth, g, loss):
    for net, X, Y, rows, weight, l2, l1 in cases(depth, g, loss):
        theta = net.theta + 1j * STEP * np.eye(net.n_parameters)
        J = cost(theta, net.sizes, g, loss, X, rows, weight, l2, l1)
        expected = np.imag(J) / STEP

        trace = net.trace(X, Y, sample_weight=weight, l2=l2, l1=l1)
        got = cr.Network.from_theta(net.architecture, np.zeros(net.n_parameters))
        for layer in range(depth + 1):
            got.weights[layer] = trace.grad_weights[layer]
            got.biases[layer] = trace.grad_biases[layer]
        error = abs(got.theta - expected).max() / abs(expected).max()
        assert error <= 1e-10  # the issue asks for 1e-6; complex steps see more
        assert trace.cost == pytest.approx(np.real(J[0]), rel=1e-12)


@pytest.mark.parametrize("part", [8, pytest.param(1, marks=pytest.mark.soak)])
@pytest.mark.parametrize(("depth", "g", "loss"), SETTINGS)
def test_check_gradients_passes(depth, g, loss, part):
    # A part of the cases, another one for each setting: what it compares is judged whole, above.
    given = list(cases(depth, g, loss))
    first = depth + sorted(G).index(g) + sorted(H).index(loss)
    for net, X, Y, _, weight, l2, l1 in given[first % min(part, len(given)) :: part]:
        check = cr.check_gradients(net, X, Y, sample_weight=weight, l2=l2, l1=l1)
        assert check.max_relative_error <= 1e-6, str(check)
        assert check.passed
        assert check.n_left_out <= 0.2 * check.n_checked, str(check)
        kinked = g in ("relu", "leaky_relu", "selu") or loss in SOME
        if not (kinked or l1):
            assert check.n_left_out == 0
