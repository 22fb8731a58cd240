"""One tiny network, worked by hand: the library must print these numbers.

Two inputs, two logistic hidden nodes, one linear output; J is the mean of (h - y)^2/2.

    W^(2) (s_in x s_out):  [[  1,   -1 ],     b^(2) = [0, ln 3]
                            [-1/2, 1/2 ]]
    W^(3):                 [[2], [4]]         b^(3) = [-1]

    example 1: x = (1, 2), y = 1              example 2: x = (0, 0), y = 5

    z^(2)_1 = 1*1 + 2*(-1/2) + 0    = 0       0
    z^(2)_2 = 1*(-1) + 2*1/2 + ln 3 = ln 3    ln 3
    a^(2)_1 = 1/(1 + e^0)           = 1/2     1/2
    a^(2)_2 = 1/(1 + 1/3)           = 3/4     3/4
    z^(3) = h = 2*1/2 + 4*3/4 - 1   = 3       3
    loss    = (3 - 1)^2/2           = 2       (3 - 5)^2/2 = 2
    J = (2 + 2)/2 = 2

    delta^(3) = (h - y)/M           = 1       -1
    error of the hidden nodes = delta^(3) [2, 4] = [2, 4]        [-2, -4]
    g' = a (1 - a)                  = [1/4, 3/16]                the same
    delta^(2)                       = [1/2, 3/4]                 [-1/2, -3/4]

    dJ/dW^(3) = 1 [1/2, 3/4] - 1 [1/2, 3/4]         = [0, 0]
    dJ/db^(3) = 1 - 1                               = 0
    dJ/dW^(2) = (1, 2)^T [1/2, 3/4] + (0, 0)^T [..] = [[1/2, 3/4], [1, 3/2]]
    dJ/db^(2) = [1/2 - 1/2, 3/4 - 3/4]              = [0, 0]
"""

import numpy as np
import pytest

import chainrule as cr

X = [[1.0, 2.0], [0.0, 0.0]]
Y = [1.0, 5.0]
LN3 = float(np.log(3))


def network(dtype="float64"):
    net = cr.Network([2, 2, 1], activation="logistic", loss="squared_error", dtype=dtype)
    net.weights[0] = [[1, -1], [-0.5, 0.5]]
    net.biases[0] = [0, LN3]
    net.weights[1] = [[2], [4]]
    net.biases[1] = [-1]
    return net


def same(got, expected, dtype="float64"):
    atol = 1e-15 if dtype == "float64" else 1e-6
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == dtype
        assert one.shape == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_examples(dtype):
    trace = network(dtype).trace(X, Y)
    same(trace.z, [[[0, LN3], [0, LN3]], [[3], [3]]], dtype)
    same(trace.a, [X, [[0.5, 0.75], [0.5, 0.75]], [[3], [3]]], dtype)
    assert trace.h is trace.a[-1]
    same(trace.delta, [[[0.5, 0.75], [-0.5, -0.75]], [[1], [-1]]], dtype)
    same(trace.grad_weights, [[[0.5, 0.75], [1, 1.5]], [[0], [0]]], dtype)
    same(trace.grad_biases, [[0, 0], [0]], dtype)
    assert trace.cost == pytest.approx(2, abs=1e-6)


def test_one_example():
    # M = 1: delta^(3) = 2, delta^(2) = [4/4, 8*3/16] = [1, 3/2].
    for x, y in (([1.0, 2.0], 1.0), ([[1.0, 2.0]], [1.0]), ([[1.0, 2.0]], [[1.0]])):
        trace = network().trace(x, y)
        same(trace.delta, [[[1, 1.5]], [[2]]])
        same(trace.grad_weights, [[[1, 1.5], [2, 3]], [[1], [1.5]]])
        same(trace.grad_biases, [[1, 1.5], [2]])
        assert trace.cost == 2


def test_penalties():
    # sum w^2 = 1 + 1 + 1/4 + 1/4 + 4 + 16 = 22.5; sum |w| = 1 + 1 + 1/2 + 1/2 + 2 + 4 = 9.
    # lambda_2 = 0.4, M = 2: 0.4/4 * 22.5 = 2.25; lambda_1 = 0.2: 0.2/2 * 9 = 0.9. J = 5.15.
    # gradients: + 0.4/2 w + 0.2/2 sign(w) = 0.2 w + 0.1 sign(w), nothing for the biases.
    trace = network().trace(X, Y, l2=0.4, l1=0.2)
    assert trace.cost == pytest.approx(5.15, abs=1e-14)
    same(
        trace.grad_weights,
        [[[0.5 + 0.3, 0.75 - 0.3], [1 - 0.2, 1.5 + 0.2]], [[0.5], [0.9]]],
    )
    same(trace.grad_biases, [[0, 0], [0]])
    same(trace.delta, [[[0.5, 0.75], [-0.5, -0.75]], [[1], [-1]]])


def test_sample_weights():
    # Weights 3 and 1: S = 4. J = (3*2 + 1*2)/4 = 2; delta^(3) = [3*2/4, 1*(-2)/4] = [3/2, -1/2].
    # delta^(2) = [2*3/2/4, 4*3/2*3/16] = [3/4, 9/8] and [-1/4, -3/8].
    # The penalty is divided by S = 4, not by M = 2: 0.4/8 * 22.5 = 1.125.
    trace = network().trace(X, Y, sample_weight=[3, 1], l2=0.4)
    same(trace.delta, [[[0.75, 1.125], [-0.25, -0.375]], [[1.5], [-0.5]]])
    assert trace.cost == pytest.approx(2 + 1.125, abs=1e-14)
    same(trace.grad_biases, [[0.5, 0.75], [1]])
    same(
        trace.grad_weights,
        [[[0.75 + 0.1, 1.125 - 0.1], [1.5 - 0.05, 2.25 + 0.05]], [[0.5 + 0.2], [0.75 + 0.4]]],
    )


def test_one_step_of_gradient_descent():
    # theta - 0.1 grad, example 1 alone.
    net = network()
    assert cr.Learner(net, cr.SGD(0.1)).step([1.0, 2.0], 1.0) == 2
    same(net.weights, [[[0.9, -1.15], [-0.7, 0.2]], [[1.9], [3.85]]])
    same(net.biases, [[-0.1, LN3 - 0.15], [-1.2]])


def test_the_blogs_view():
    # theta^(l) = [b | W^T], of shape b x (a + 1).
    same(network().thetas, [[[0, 1, -0.5], [LN3, -1, 0.5]], [[-1, 2, 4]]])


# No hidden layer, W = identity, so z = x: each pair's numbers.
PAIRS = [
    # z = ln 3: h = 3/4, y = 0: -log(1/4) = ln 4, delta = 3/4. y = 1: -log(3/4), delta = -1/4.
    ("cross_entropy", [LN3], [0], [0.75], np.log(4), [0.75]),
    ("cross_entropy", [LN3], [1], [0.75], np.log(4 / 3), [-0.25]),
    # z = (0, ln 3): e^z = (1, 3), h = (1/4, 3/4); class 0: ln 4, delta = (1/4 - 1, 3/4).
    ("log_loss", [0, LN3], 0, [0.25, 0.75], np.log(4), [-0.75, 0.75]),
    ("log_loss", [0, LN3], 1, [0.25, 0.75], np.log(4 / 3), [0.25, -0.25]),
    # z = ln 3: h = 3; y = 1: 1 ln(1/3) - 1 + 3 = 2 - ln 3, delta = 2. y = 0: h = 3.
    ("poisson", [LN3], [1], [3], 2 - LN3, [2]),
    ("poisson", [LN3], [0], [3], 3, [3]),
    # BP1 in full: h = 3/4, y = 0: (3/4)^2/2 = 9/32; delta = (h - y) h (1 - h) = 9/64.
    ("logistic_squared_error", [LN3], [0], [0.75], 9 / 32, [9 / 64]),
    ("squared_error", [2, -1], [0, 1], [2, -1], 4, [2, -2]),
]


@pytest.mark.parametrize(("loss", "x", "y", "h", "cost", "delta"), PAIRS)
def test_pairs(loss, x, y, h, cost, delta):
    net = cr.Network([len(x), len(x)], loss=loss, init="zeros", dtype="float64")
    net.weights[0] = np.eye(len(x))
    trace = net.trace(x, y)
    np.testing.assert_allclose(trace.h, [h], rtol=1e-15)
    np.testing.assert_allclose(trace.delta[-1], [delta], rtol=1e-14)
    assert trace.cost == pytest.approx(cost, rel=1e-14)
