"""L1 and L2: the notes' value, and a gradient that is its slope."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.maths.penalties import penalty, penalty_gradient


def test_by_hand():
    # sum w^2 = 1 + 4 + 9 + 16 = 30, sum |w| = 10, S = 5.
    weights = [np.array([[1.0, -2.0]]), np.array([[3.0], [-4.0]])]
    assert penalty(weights, l2=2.0, l1=0.0, total=5.0) == pytest.approx(2 / (2 * 5) * 30)
    assert penalty(weights, l2=0.0, l1=3.0, total=5.0) == pytest.approx(3 / 5 * 10)
    assert penalty(weights, l2=2.0, l1=3.0, total=5.0) == pytest.approx(6 + 6)
    assert penalty(weights, l2=0.0, l1=0.0, total=5.0) == 0
    # (2 w + 3 sign w)/5
    gradient = penalty_gradient(weights[0], 2.0, 3.0, 5.0)
    np.testing.assert_allclose(gradient, [[1.0, -1.4]])


def test_a_weight_of_zero_is_left_alone():
    assert penalty_gradient(np.array([0.0, -0.0]), 1.0, 1.0, 1.0).tolist() == [0, 0]


@given(
    W=hnp.arrays("f8", (3, 2), elements=st.floats(0.01, 9) | st.floats(-9, -0.01)),
    l2=st.floats(0, 10),
    l1=st.floats(0, 10),
    total=st.floats(0.1, 100),
)
def test_the_gradient_is_the_slope(W, l2, l1, total):
    # Both penalties are at most quadratic here: central differences are exact but for rounding.
    slopes = np.empty_like(W)
    for i in np.ndindex(W.shape):
        up, down = W.copy(), W.copy()
        up[i] += 1e-3
        down[i] -= 1e-3
        slopes[i] = (penalty([up], l2, l1, total) - penalty([down], l2, l1, total)) / 2e-3
    scale = max(1.0, (l2 + l1) / total)
    np.testing.assert_allclose(penalty_gradient(W, l2, l1, total), slopes, atol=1e-8 * scale)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_dtype_is_kept(dtype):
    assert penalty_gradient(np.ones((2, 2), dtype), 0.1, 0.1, 3.0).dtype == dtype
