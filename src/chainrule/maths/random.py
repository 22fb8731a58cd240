"""Philox4x32-10, the one source of randomness: stateless, the same in Python and C++.

A counter-based generator (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
3", SC 2011) is a function: 128 bits of counter and 64 bits of key in, four random 32-bit words
out. chainrule keys it by the seed and gives every use its own counters,

    counter = (block, purpose * 2**16 + layer, step mod 2**32, step // 2**32),

so any step's randomness can be computed from its number alone: resuming needs no generator state,
and no thread count can change a mask.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from chainrule.maths.arrays import Float, Words
from chainrule.maths.normal import inverse_normal

__all__ = ["Purpose", "dropout_mask", "normal", "permutation", "philox4x32", "uniform", "words"]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MASK32 = 0xFFFFFFFF
_CHUNK = 2**16


class Purpose(IntEnum):
    """The uses of random words; each has its own counters."""

    INITIALIZE = 0
    SHUFFLE = 1
    DROPOUT = 2
    GRADIENT_CHECK = 3
    EXERCISE = 4


def philox4x32(counter: NDArray[np.uint32], key: tuple[int, int]) -> Words:
    """Return the four random words of each counter.

    Parameters
    ----------
    counter : uint32 array of shape (n, 4)
        One counter a row.
    key : (int, int)
        The key's low and high word.

    Returns
    -------
    uint32 array of shape (n, 4)

    Examples
    --------
    The known answer for counter and key 0:

    >>> import numpy as np
    >>> from chainrule.maths.random import philox4x32
    >>> [hex(word) for word in philox4x32(np.zeros((1, 4), np.uint32), (0, 0))[0]]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    c0, c1, c2, c3 = (counter[:, i].astype(np.uint64) for i in range(4))
    k0, k1 = key
    for _ in range(_ROUNDS):
        product0, product1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (product1 >> _HALF) ^ c1 ^ np.uint64(k0),
            product1 & _LOW,
            (product0 >> _HALF) ^ c3 ^ np.uint64(k1),
            product0 & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & _MASK32, (k1 + _WEYL[1]) & _MASK32
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def words(
    n: int, seed: int, purpose: Purpose, layer: int = 0, step: int = 0, start: int = 0
) -> Words:
    """Return n random words of the stream of a purpose, layer and step, shape (n,), uint32.

    Parameters
    ----------
    n : int
        The number of words.
    seed : int
        The key, 0 <= seed < 2**64.
    purpose : Purpose
        Their purpose.
    layer : int, default=0
        The layer that uses them, less than 2**16.
    step : int, default=0
        The step or epoch that uses them, less than 2**64.
    start : int, default=0
        The place of the first one in the stream, a multiple of 4.
    """
    counter = np.empty((-(-n // 4), 4), np.uint32)
    counter[:, 0] = np.arange(start // 4, start // 4 + len(counter), dtype=np.uint64)
    counter[:, 1] = (purpose << 16) + layer
    counter[:, 2] = step & _MASK32
    counter[:, 3] = step >> 32
    return philox4x32(counter, (seed & _MASK32, seed >> 32)).reshape(-1)[:n]


def _wide_words(
    n: int, seed: int, purpose: Purpose, layer: int = 0, step: int = 0, start: int = 0
) -> NDArray[np.uint64]:
    """Return n 64-bit words, each made of two consecutive words, the low one first."""
    halves = words(2 * n, seed, purpose, layer, step, 2 * start).astype(np.uint64)
    return halves[0::2] | (halves[1::2] << _HALF)


def uniform(n: int, seed: int, purpose: Purpose, layer: int = 0, step: int = 0) -> Float:
    """Return n numbers uniform in (0, 1), never 0 or 1: (53 bits + 1/2) 2^-53, float64."""
    drawn = np.empty(n)
    for start in range(0, n, _CHUNK):  # in parts, to avoid large temporary arrays
        part = drawn[start : start + _CHUNK]
        bits = _wide_words(len(part), seed, purpose, layer, step, start) >> np.uint64(11)
        # 53 bits and a half need 54: a sum that rounds up to 2**53 stays below 1 by the minimum.
        part[:] = np.minimum((bits + 0.5) * 2.0**-53, 1 - 2.0**-53)
    return drawn


def normal(n: int, seed: int, purpose: Purpose, layer: int = 0, step: int = 0) -> Float:
    """Return n standard normal numbers, float64: the inverse distribution function of `uniform`."""
    drawn = uniform(n, seed, purpose, layer, step)
    for start in range(0, n, _CHUNK):
        part = drawn[start : start + _CHUNK]
        part[:] = inverse_normal(part)
    return drawn


def permutation(n: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """Return the order of the n training examples in an epoch.

    The shuffle of chainrule, in every engine: draw a 64-bit word for each example (words 2i and
    2i+1 of the epoch's stream, the low one first) and sort the examples by it, equal words by
    index.

    Examples
    --------
    >>> from chainrule.maths.random import permutation
    >>> sorted(permutation(5, seed=0, epoch=3).tolist())
    [0, 1, 2, 3, 4]
    """
    return np.argsort(_wide_words(n, seed, Purpose.SHUFFLE, step=epoch), kind="stable")


def dropout_mask(
    n_rows: int, width: int, p: float, seed: int, layer: int, step: int
) -> NDArray[np.bool_]:
    """Return which nodes of a layer are kept, shape (n_rows, width), True with probability 1 - p.

    Each row starts with a new block: row r has the words from 4 r ceil(width/4) on. A
    node stays where its word is at least p 2^32, rounded to a whole number below 2^32.
    """
    padded = -(-width // 4) * 4
    drawn = words(n_rows * padded, seed, Purpose.DROPOUT, layer, step)
    threshold = min(round(p * 2**32), 2**32 - 1)
    return drawn.reshape(n_rows, padded)[:, :width] >= np.uint64(threshold)
