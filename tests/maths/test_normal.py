"""The inverse normal distribution function, against mpmath, and its bits."""

import hashlib

import mpmath
import numpy as np
import pytest

from chainrule.maths.initializers import INITIALIZERS
from chainrule.maths.normal import inverse_normal

ALLOWED = 6.0  # units in the last place


def distance(x, p):
    """How far x is from where the distribution function is p, in units of x's last place.

    By one step of Newton's in 40 digits, which is exact at such distances.
    """
    with mpmath.workdps(40):
        x_, p_ = mpmath.mpf(float(x)), mpmath.mpf(float(p))
        if p_ > 0.5:  # from the side where there is no cancellation
            x_, p_ = -x_, 1 - p_
        step = (mpmath.erfc(-x_ / mpmath.sqrt(2)) / 2 - p_) / mpmath.npdf(x_)
        return float(abs(step) / mpmath.mpf(float(np.spacing(abs(x)))))


def sample(n):
    """Probabilities of all sizes, at both ends, around 1/2, and where the formulas meet."""
    rng = np.random.default_rng(5)
    near = np.array([0.075, 0.925, np.exp(-25)])
    return np.concatenate([
        rng.random(3 * n),
        np.exp2(-rng.uniform(1, 54, n)),
        1 - np.exp2(-rng.uniform(1, 53, n)),
        0.5 + np.exp2(-rng.uniform(2, 53, n)),
        0.5 - np.exp2(-rng.uniform(2, 54, n)),
        near, np.nextafter(near, 0), np.nextafter(near, 1),
        [2.0**-54, 1 - 2.0**-53, 0.25, 0.75],
    ])  # fmt: skip


@pytest.mark.parametrize("n", [300, pytest.param(20_000, marks=pytest.mark.soak)])
def test_a_few_units_in_the_last_place(n):
    p = sample(n)
    errors = np.array([distance(x, q) for x, q in zip(inverse_normal(p), p, strict=True)])
    assert errors.max() <= ALLOWED, p[errors.argmax()]
    assert (errors > 0.1).any()  # the measure does see rounding


def test_it_is_odd_around_one_half_and_rises():
    p = np.sort(sample(500))
    x = inverse_normal(p)
    exact = p == 1 - (1 - p)  # where 1 - p is not rounded
    assert np.array_equal(inverse_normal(1 - p[exact]), -x[exact])
    far = np.diff(p) > 1e-13 * np.minimum(p, 1 - p)[1:]  # further apart than rounding
    assert (np.diff(x)[far] > 0).all()
    assert inverse_normal(np.array([0.5])) == 0


def test_each_number_is_as_if_it_were_alone():
    # Also where the vectors of NumPy's loops begin and end.
    p = sample(40)
    alone = np.array([inverse_normal(p[i : i + 1])[0] for i in range(len(p))])
    for start in range(5):
        assert np.array_equal(inverse_normal(p[start:]), alone[start:])
    assert inverse_normal(p[:0]).shape == (0,)


def test_these_are_the_bits_of_every_machine():
    # Known answers: they change only where somebody means to change every user's results.
    digest = hashlib.sha256(inverse_normal(np.arange(1, 2**15) / 2**15).tobytes())
    for name in ("glorot_normal", "he_normal", "lecun_normal", "normal"):
        digest.update(INITIALIZERS[name](150, 250, 2**40 + 7, 3).tobytes())
    assert digest.hexdigest() == BITS


BITS = "4a44a8fc1ce51254803056d8210b4600df59762d0a3bda73daa8c6e1115a1d64"
