"""Starting weights: scale, distribution, orthogonality, reproducibility, the choice of "auto"."""

import numpy as np
import pytest
from scipy import stats

from chainrule import errors
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.initializers import INITIALIZERS, get_initializer, initializer_for

FAN_IN, FAN_OUT = 150, 250
# The standard deviation of each, worked out for 150 -> 250.
DEVIATION = {
    "glorot_uniform": (2 / 400) ** 0.5,
    "glorot_normal": (2 / 400) ** 0.5,
    "he_uniform": (2 / 150) ** 0.5,
    "he_normal": (2 / 150) ** 0.5,
    "lecun_uniform": (1 / 150) ** 0.5,
    "lecun_normal": (1 / 150) ** 0.5,
    "normal": 0.05,
    "uniform": 0.05 / 3**0.5,
}


def test_the_table_is_the_design():
    assert set(INITIALIZERS) == {*DEVIATION, "orthogonal", "zeros"}


@pytest.mark.parametrize("name", sorted(DEVIATION))
@pytest.mark.parametrize("seed", [0, 2**63 + 5])
def test_distribution(name, seed):
    W = INITIALIZERS[name](FAN_IN, FAN_OUT, seed, 0)
    assert W.shape == (FAN_IN, FAN_OUT)
    assert W.dtype == np.float64
    unit = W.ravel() / DEVIATION[name]
    if "uniform" in name:
        assert abs(unit).max() < 3**0.5  # the bounds of the interval
        expected = stats.uniform(-(3**0.5), 2 * 3**0.5)
    else:
        expected = stats.norm()
    assert stats.kstest(unit, expected.cdf).pvalue > 1e-3
    # Neighbors in a row and in a column do not know of each other.
    for lag in (W[:, 1:] * W[:, :-1], W[1:] * W[:-1]):
        assert abs(lag.mean()) < 5 * DEVIATION[name] ** 2 / lag.size**0.5


@pytest.mark.parametrize("shape", [(7, 7), (20, 6), (6, 20), (1, 5), (5, 1), (1, 1)])
@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_orthogonal(shape, seed):
    W = INITIALIZERS["orthogonal"](*shape, seed, 2)
    assert W.shape == shape
    gram = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-14)


def test_orthogonal_prefers_no_direction():
    # Without the correction of signs, QR's own convention would give its diagonal one sign.
    drawn = np.array([INITIALIZERS["orthogonal"](3, 3, seed, 0) for seed in range(600)])
    means = drawn.mean(axis=0)  # each entry has mean 0 and variance 1/3
    assert abs(means).max() < 4 * (1 / 3 / 600) ** 0.5
    np.testing.assert_allclose((drawn**2).mean(axis=0), 1 / 3, atol=0.06)
    assert 0.4 < (np.linalg.det(drawn) > 0).mean() < 0.6


def test_zeros():
    assert not INITIALIZERS["zeros"](3, 4, 5, 6).any()


@pytest.mark.parametrize("name", sorted({*DEVIATION, "orthogonal"}))
def test_same_seed_same_bits_other_seed_or_layer_other_weights(name):
    draw = INITIALIZERS[name]
    first = draw(5, 4, 7, 1)
    assert np.array_equal(first, draw(5, 4, 7, 1))
    assert not np.isclose(first, draw(5, 4, 8, 1)).any()
    assert not np.isclose(first, draw(5, 4, 7, 2)).any()
    assert not np.isclose(first, draw(5, 4, 7 + 2**32, 1)).any()


def test_auto_chooses_for_every_activation():
    chosen = {name: initializer_for(name) for name in ACTIVATIONS}
    assert chosen == {
        "identity": "glorot_uniform",
        "logistic": "glorot_uniform",
        "tanh": "glorot_uniform",
        "step": "glorot_uniform",
        "relu": "he_uniform",
        "leaky_relu": "he_uniform",
        "elu": "he_uniform",
        "softplus": "he_uniform",
        "silu": "he_uniform",
        "gelu": "he_uniform",
        "mish": "he_uniform",
        "selu": "lecun_normal",
    }
    assert initializer_for(None) == initializer_for("a user's own") == "glorot_uniform"


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(errors.UnknownName, match="'orthogonl': did you mean 'orthogonal'"):
        get_initializer("orthogonl")
    with pytest.raises(errors.UnknownName, match="Unknown initializer 0"):
        get_initializer(0)
    assert get_initializer("zeros") is INITIALIZERS["zeros"]
