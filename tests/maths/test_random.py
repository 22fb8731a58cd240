"""Philox and what is made of it, against a second implementation in Python's own integers."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chainrule.maths import random as cr_random
from chainrule.maths.random import (
    Purpose,
    dropout_mask,
    normal,
    permutation,
    philox4x32,
    uniform,
    words,
)


def philox(counter, key):
    """Philox4x32-10 after Salmon et al. 2011, section 3.3, in plain integers."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * x0, 0xCD9E8D57 * x2
        x0, x1, x2, x3 = (p1 >> 32) ^ x1 ^ k0, p1 % 2**32, (p0 >> 32) ^ x3 ^ k1, p0 % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return [x0, x1, x2, x3]


def word(i, seed, purpose, layer=0, step=0):
    """The i-th 32-bit word of a stream, from the definition in the module's docstring."""
    counter = (i // 4, purpose * 2**16 + layer, step % 2**32, step // 2**32)
    return philox(counter, (seed % 2**32, seed // 2**32))[i % 4]


def wide_word(i, *where, **more):
    return word(2 * i, *where, **more) + 2**32 * word(2 * i + 1, *where, **more)


# Random123's kat_vectors for philox4x32 with 10 rounds: counter, key, answer.
KNOWN = [
    ("00000000 " * 4, "00000000 " * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def parse(text):
    return [int(part, 16) for part in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    drawn = philox4x32(np.array([parse(counter)], np.uint32), tuple(parse(key)))
    assert drawn.dtype == np.uint32
    assert drawn[0].tolist() == parse(answer)
    assert philox(parse(counter), parse(key)) == parse(answer)  # the oracle passes too


word32 = st.integers(0, 2**32 - 1)
seeds = st.integers(0, 2**64 - 1)
steps = st.integers(0, 2**64 - 1)


@given(st.lists(st.tuples(word32, word32, word32, word32), max_size=4), st.tuples(word32, word32))
def test_philox_is_the_paper(counters, key):
    drawn = philox4x32(np.array(counters, np.uint32).reshape(-1, 4), key)
    assert drawn.tolist() == [philox(counter, key) for counter in counters]


@given(
    n=st.integers(0, 23),
    seed=seeds,
    purpose=st.sampled_from(Purpose),
    layer=st.integers(0, 2**16 - 1),
    step=steps,
    start=st.integers(0, 9).map(lambda i: 4 * i),
)
def test_words_are_the_documented_counters(n, seed, purpose, layer, step, start):
    drawn = words(n, seed, purpose, layer, step, start)
    assert drawn.dtype == np.uint32
    assert drawn.tolist() == [word(start + i, seed, purpose, layer, step) for i in range(n)]


def test_purposes_keep_their_numbers():
    # They are part of what a seed means: a change would change every trained network.
    assert {p.name: p.value for p in Purpose} == {
        "INITIALIZE": 0,
        "SHUFFLE": 1,
        "DROPOUT": 2,
        "GRADIENT_CHECK": 3,
        "EXERCISE": 4,
    }


# The shuffle's and the mask's own vectors, recorded: every engine must give these.
SHUFFLES = [
    ((10, 0, 0), [6, 9, 7, 5, 3, 2, 8, 4, 1, 0]),
    ((10, 0, 1), [1, 5, 9, 8, 2, 7, 6, 3, 4, 0]),
    ((7, 2**64 - 1, 2**40 + 3), [2, 5, 4, 0, 6, 3, 1]),
]
MASKS = [
    ((3, 5, 0.5, 0, 1, 0), ["11000", "00001", "10001"]),
    ((2, 8, 0.25, 42, 2, 7), ["10101010", "11111001"]),
    ((2, 3, 0.9, 2**64 - 1, 3, 2**33), ["000", "000"]),
]


@pytest.mark.parametrize(("given_", "answer"), SHUFFLES)
def test_shuffle_known_answers(given_, answer):
    n, seed, epoch = given_
    assert permutation(n, seed, epoch).tolist() == answer
    keys = [wide_word(i, seed, 1, step=epoch) for i in range(n)]
    assert answer == sorted(range(n), key=lambda i: (keys[i], i))


@pytest.mark.parametrize(("given_", "answer"), MASKS)
def test_mask_known_answers(given_, answer):
    n_rows, width, p, seed, layer, step = given_
    mask = dropout_mask(*given_)
    assert mask.dtype == bool
    assert ["".join("01"[int(stays)] for stays in row) for row in mask] == answer
    padded = -(-width // 4) * 4
    for r in range(n_rows):
        drawn = [word(r * padded + c, seed, 2, layer, step) for c in range(width)]
        assert [w >= round(p * 2**32) for w in drawn] == mask[r].tolist()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 2**16 - 1, 2**16, 2**16 + 1, 2 * 2**16 + 3])
def test_chunks_leave_no_seam(n):
    drawn = uniform(n, 11, Purpose.INITIALIZE, layer=3)
    assert drawn.shape == (n,)
    around = [i for i in (0, 1, 2**16 - 1, 2**16, 2**16 + 1, 2**17, n - 1) if 0 <= i < n]
    for i in around:
        bits = wide_word(i, 11, 0, 3) >> 11
        assert drawn[i] == (bits + 0.5) / 2**53
    assert np.array_equal(drawn, uniform(2 * 2**16 + 3, 11, Purpose.INITIALIZE, layer=3)[:n])


@pytest.mark.parametrize("bits", [0, 0xFFFFFFFF])
def test_never_0_nor_1_nor_infinite(monkeypatch, bits):
    monkeypatch.setattr(
        cr_random, "philox4x32", lambda counter, key: np.full(counter.shape, bits, np.uint32)
    )
    drawn = uniform(3, 0, Purpose.INITIALIZE)
    assert ((drawn > 0) & (drawn < 1)).all()
    assert np.isfinite(normal(3, 0, Purpose.INITIALIZE)).all()
    assert permutation(9, 0, 0).tolist() == list(range(9))  # equal words: by index
    assert dropout_mask(2, 3, 0.0, 0, 1, 0).all()


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**64 - 1])
def test_uniform_and_normal_are(seed):
    drawn = uniform(100_000, seed, Purpose.INITIALIZE)
    assert stats.kstest(drawn, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 5 / 100_000**0.5
    assert stats.kstest(normal(100_000, seed, Purpose.INITIALIZE), "norm").pvalue > 1e-3


def test_every_bit_of_a_word_is_fair():
    drawn = words(40_000, 5, Purpose.SHUFFLE)
    ones = (drawn[:, None] >> np.arange(32, dtype=np.uint32) & 1).sum(axis=0).astype(int)
    assert abs(ones - 20_000).max() < 4.5 * 100  # the standard deviation is sqrt(40000)/2 = 100


def test_streams_do_not_meet():
    where = [
        (seed, purpose, layer, step)
        for seed in (0, 1, 2**32)
        for purpose in Purpose
        for layer in (0, 1)
        for step in (0, 1, 2**32)
    ]
    seen = [int(w) for place in where for w in words(8, *place).view(np.uint64)]
    assert len(set(seen)) == len(seen)


@given(n=st.integers(0, 40), seed=seeds, epoch=steps)
def test_a_permutation_is_one(n, seed, epoch):
    assert sorted(permutation(n, seed, epoch).tolist()) == list(range(n))


@pytest.mark.parametrize("seed", [0, 9])
def test_all_24_orders_of_4_are_equally_likely(seed):
    epochs = 4800
    orders = [tuple(permutation(4, seed, epoch).tolist()) for epoch in range(epochs)]
    counts = Counter(orders)
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3
    # The order of an epoch says nothing about the next one's: its first does not stay first.
    stays = sum(a[0] == b[0] for a, b in pairwise(orders))
    assert abs(stays - epochs / 4) < 5 * (epochs * 3 / 16) ** 0.5


@pytest.mark.parametrize("p", [0.0, 0.01, 0.25, 0.5, 0.9])
def test_dropout_rate(p):
    stay = dropout_mask(400, 250, p, 3, 1, 17)
    assert stay.shape == (400, 250)
    deviation = (stay.size * p * (1 - p)) ** 0.5
    assert abs(stay.sum() - stay.size * (1 - p)) <= 4 * deviation
    if p:
        for sums, size in ((stay.sum(axis=0), 400), (stay.sum(axis=1), 250)):
            assert abs(sums - size * (1 - p)).max() < 6 * (size * p * (1 - p)) ** 0.5


@given(
    rows=st.integers(1, 6),
    more=st.integers(0, 5),
    width=st.integers(1, 9),
    seed=seeds,
    step=steps,
)
def test_a_rows_mask_does_not_depend_on_how_many_rows_there_are(rows, more, width, seed, step):
    few = dropout_mask(rows, width, 0.4, seed, 1, step)
    many = dropout_mask(rows + more, width, 0.4, seed, 1, step)
    assert np.array_equal(few, many[:rows])


def test_masks_differ_by_seed_layer_and_step():
    first = dropout_mask(8, 16, 0.5, 0, 1, 0)
    for other in ((1, 1, 0), (0, 2, 0), (0, 1, 1), (2**32, 1, 0), (0, 1, 2**32)):
        agree = (first == dropout_mask(8, 16, 0.5, *other)).mean()
        assert 0.3 < agree < 0.7
