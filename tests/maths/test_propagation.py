"""Forward and back-propagation against the notes' sums, written out node by node."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.maths.activations import get_activation
from chainrule.maths.losses import get_loss
from chainrule.maths.propagation import (
    back_propagate,
    forward_propagate,
    propagate_to_output,
)

SIZES = [3, 4, 2, 2]
ACTIVATIONS = [get_activation("tanh"), get_activation("softplus")]


def parameters(seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=s) for s in itertools.pairwise(SIZES)]
    return weights, [rng.normal(size=s) for s in SIZES[1:]], rng


def by_sums(x, y, weights, biases):
    """FP1 and BP1-BP4 for one example, each node a sum over its edges."""
    g = [np.tanh, lambda z: np.log1p(np.exp(z))]
    g_prime = [lambda z: 1 / np.cosh(z) ** 2, lambda z: 1 / (1 + np.exp(-z))]
    a, z = [list(x)], []
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        s_in, s_out = W.shape
        z.append([b[i] + sum(a[-1][j] * W[j, i] for j in range(s_in)) for i in range(s_out)])
        a.append([g[layer](v) for v in z[-1]] if layer < 2 else z[-1])
    delta = [[h - t for h, t in zip(a[-1], y, strict=True)]]
    for layer in (1, 0):
        W = weights[layer + 1]
        delta.insert(
            0,
            [
                g_prime[layer](z[layer][i]) * sum(W[i, k] * delta[0][k] for k in range(W.shape[1]))
                for i in range(W.shape[0])
            ],
        )
    grad_weights = [np.outer(a[layer], delta[layer]) for layer in range(3)]
    return a, z, delta, grad_weights


def run(X, Y, weights, biases, masks=None):
    loss = get_loss("squared_error")
    forward = forward_propagate(X, weights, biases, ACTIVATIONS, loss.hypothesis, masks)
    delta = loss.delta(forward.z[-1], forward.h, Y)
    return forward, back_propagate(forward, delta, weights, ACTIVATIONS, masks)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 4))
def test_the_notes_sums(seed, n):
    weights, biases, rng = parameters(seed)
    X, Y = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    forward, gradients = run(X, Y, weights, biases)
    expected = [by_sums(x, y, weights, biases) for x, y in zip(X, Y, strict=True)]
    close = {"rtol": 1e-10, "atol": 1e-12}
    assert [len(forward.a), len(forward.z), len(gradients.delta)] == [4, 3, 3]
    for layer in range(4):
        np.testing.assert_allclose(forward.a[layer], [e[0][layer] for e in expected], **close)
    for layer in range(3):
        np.testing.assert_allclose(forward.z[layer], [e[1][layer] for e in expected], **close)
        np.testing.assert_allclose(gradients.delta[layer], [e[2][layer] for e in expected], **close)
        np.testing.assert_allclose(
            gradients.grad_weights[layer], sum(e[3][layer] for e in expected), **close
        )
        np.testing.assert_allclose(
            gradients.grad_biases[layer], sum(np.array(e[2][layer]) for e in expected), **close
        )
    np.testing.assert_allclose(
        propagate_to_output(X, weights, biases, ACTIVATIONS), forward.z[-1], rtol=1e-14
    )


@pytest.mark.parametrize("ones", [False, True])
def test_masks_of_one_change_nothing_and_without_masks_reads_are_a(ones):
    weights, biases, rng = parameters(0)
    X, Y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    masks = [np.ones((5, 4)), np.ones((5, 2))] if ones else None
    forward, gradients = run(X, Y, weights, biases, masks)
    plain, plain_gradients = run(X, Y, weights, biases)
    for got, expected in zip(gradients.grad_weights, plain_gradients.grad_weights, strict=True):
        assert np.array_equal(got, expected)
    for read, a in zip(forward.reads, plain.a, strict=False):
        assert np.array_equal(read, a)


def test_a_node_that_is_masked_is_as_if_it_were_not_there():
    weights, biases, rng = parameters(1)
    X, Y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    masks = [np.ones((5, 4)), np.ones((5, 2))]
    masks[0][:, 2] = 0
    forward, gradients = run(X, Y, weights, biases, masks)
    keep = [0, 1, 3]
    small = [weights[0][:, keep], weights[1][keep], weights[2]]
    smaller, small_gradients = run(X, Y, small, [biases[0][keep], *biases[1:]])
    np.testing.assert_allclose(forward.h, smaller.h, rtol=1e-13)
    np.testing.assert_allclose(
        gradients.grad_weights[0][:, keep], small_gradients.grad_weights[0], rtol=1e-12
    )
    np.testing.assert_allclose(
        gradients.grad_weights[1][keep], small_gradients.grad_weights[1], rtol=1e-12
    )
    assert not gradients.grad_weights[0][:, 2].any()
    assert not gradients.grad_weights[1][2].any()
    assert not gradients.grad_biases[0][2]
