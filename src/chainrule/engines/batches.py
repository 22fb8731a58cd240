"""Batches: the examples of each step of an epoch (notes 10.1-10.3)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.maths.random import permutation

__all__ = ["batches"]


def batches(
    n_examples: int, batch_size: int, *, shuffle: bool, seed: int, epoch: int, position: int = 0
) -> Iterator[NDArray[np.intp] | slice]:
    """Yield the rows of each batch of an epoch; the last one may be short.

    Batch gradient descent is one batch of all examples, which are then left in their order:
    shuffling could only change the rounding. Online descent is batches of one.

    Parameters
    ----------
    n_examples, batch_size : int
        M and B.
    shuffle : bool
        Whether to take the examples in a new order.
    seed, epoch : int
        The seed and the epoch, from which the order is computed.
    position : int
        Examples of the epoch that were seen already, a sum of whole batches.

    Yields
    ------
    slice or array of int

    Examples
    --------
    >>> from chainrule.engines.batches import batches
    >>> list(batches(5, 2, shuffle=False, seed=0, epoch=0))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    slices = (
        slice(start, min(start + batch_size, n_examples))
        for start in range(position, n_examples, batch_size)
    )
    if not shuffle or batch_size >= n_examples:
        yield from slices
        return
    order = permutation(n_examples, seed, epoch)
    for rows in slices:
        yield order[rows]
