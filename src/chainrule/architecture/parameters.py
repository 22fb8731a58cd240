"""Parameters: ONE flat vector theta; weights and biases are views of it.

Layer by layer theta holds a block of shape (s_in + 1, s_out): first the bias, then the weights.
The block's transpose is the blog's theta matrix, ``[b | W^T]`` of shape b x (a+1) (blog image 5),
so all three views, the notes', the blog's and the flat one, are the same memory.
"""

from collections.abc import Iterable
from typing import Any, SupportsIndex, final

import numpy as np

from chainrule.architecture.architecture import Architecture
from chainrule.architecture.inputs import as_numbers
from chainrule.architecture.memory import not_to_be_had, require_memory
from chainrule.errors import InvalidInput
from chainrule.maths.arrays import Float
from chainrule.maths.initializers import get_initializer, initializer_for

__all__ = ["Parameters", "Views", "adopt_or_copy", "initialize", "write"]


@final
class Views(list[Float]):
    """A list of arrays that are views of theta; assigning to an entry writes into it.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 1], loss="squared_error")
    >>> net.weights[0] = [[3.0], [4.0]]
    >>> net.theta
    array([0., 3., 4.], dtype=float32)
    """

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        """Copy `value` into the array at `index`: the view stays a view."""
        if isinstance(index, slice):
            raise TypeError("Assign to one entry at a time, such as net.weights[0] = W.")
        write(self[index], value, f"entry {index}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies, deep copies and pickles are plain lists of arrays of their own."""
        return (list, ([np.array(view) for view in self],))

    def __copy__(self) -> list[Float]:
        """Return a plain list of copies."""
        return [np.array(view) for view in self]

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Float]:
        """Return a plain list of copies."""
        return self.__copy__()

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        """Refuse: the layers are fixed."""
        self._fixed()

    def _fixed(self, *_: Any, **__: Any) -> Any:
        raise TypeError("The layers are fixed: write into an array, such as net.weights[0] = W.")

    __delitem__ = __iadd__ = __imul__ = _fixed
    append = clear = extend = insert = pop = remove = reverse = _fixed


def write(view: Float, value: Any, what: str) -> None:
    """Copy a value into a view of theta if its shape is right.

    Raises
    ------
    InvalidInput
        If the shapes disagree, or it holds no numbers of that dtype; nothing is changed.
    """
    array = as_numbers(value, what, view.dtype)
    if array.shape != view.shape:
        raise InvalidInput(f"{what} has shape {view.shape}. Got shape {array.shape} instead.")
    if np.isinf(array).any() and not np.isinf(np.asarray(value, np.float64)).any():
        raise InvalidInput(f"{what} holds values that are too large for {view.dtype}.")
    view[...] = array


def adopt_or_copy(given: Any, fresh: Float, what: str) -> Float:
    """Return an array of someone who needs it no more; or else write its values into a fresh one.

    A large network from a file would otherwise be in memory twice.

    Raises
    ------
    InvalidInput
        If it does not fit the fresh one.
    """
    if type(given) is np.ndarray:
        flags = given.flags
        owner = given if given.base is None else given.base
        alone = type(owner) is np.ndarray and owner.flags.owndata and owner.nbytes == given.nbytes
        usable = alone and flags.writeable and flags.c_contiguous and flags.aligned
        if usable and given.shape == fresh.shape and given.dtype == fresh.dtype:
            return given
    write(fresh, given, what)
    return fresh


@final
class Parameters:
    """Theta with its views.

    Attributes
    ----------
    theta : array of shape (n_parameters,)
        All parameters.
    weights, biases : Views
        The notes' W, of shapes (s_in, s_out), and b, of shapes (s_out,).
    thetas : Views
        The blog's matrices, of shapes (s_out, s_in + 1).
    """

    __slots__ = ("architecture", "biases", "predictor", "theta", "thetas", "weights")

    def __init__(self, architecture: Architecture, theta: Float) -> None:
        self.architecture = architecture
        self.predictor: Any = None  # what an engine keeps to predict faster; never copied or saved
        blocks: list[Float] = []
        start = 0
        for s_in, s_out in architecture.shapes:
            stop = start + (s_in + 1) * s_out
            blocks.append(theta[start:stop].reshape(s_in + 1, s_out))
            start = stop
        self.theta = theta
        self.weights = Views(block[1:] for block in blocks)
        self.biases = Views(block[0] for block in blocks)
        self.thetas = Views(block.T for block in blocks)

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and files keep: the views are made anew."""
        return {"architecture": self.architecture, "theta": self.theta}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore theta and its views, of which the engines believe that they fit."""
        architecture, theta = state["architecture"], np.asarray(state["theta"])
        if not isinstance(architecture, Architecture):
            raise InvalidInput("The parameters have no architecture.")
        if theta.shape != (architecture.n_parameters,) or theta.dtype != architecture.dtype:
            raise InvalidInput(
                f"theta needs shape {(architecture.n_parameters,)} of {architecture.dtype}. Got "
                f"shape {theta.shape} of {theta.dtype} instead."
            )
        self.__init__(architecture, theta)


def initialize(architecture: Architecture, init: str, seed: int) -> Float:
    """Return a starting theta: weights by the initializer, biases 0.

    Parameters
    ----------
    architecture : Architecture
        What to initialize.
    init : str
        The initializer's name; "auto" chooses by each layer's activation.
    seed : int
        The seed; layer l draws from counters of its own.

    Raises
    ------
    UnknownName
        If there is no such initializer.
    TooLarge
        If theta cannot fit in memory.
    """
    names: Iterable[str]
    if init == "auto":
        layer_names = [g.name for g in architecture.activations]
        names = [*map(initializer_for, layer_names), initializer_for(None)]
    else:
        names = [init] * len(architecture.shapes)
    initializers = [get_initializer(name) for name in names]
    n = architecture.n_parameters
    largest = max(s_in * s_out for s_in, s_out in architecture.shapes)
    require_memory(
        n * architecture.dtype.itemsize,
        f"A network of sizes {list(architecture.sizes)} has {n:,} parameters and in "
        f"{architecture.dtype}",
        beside=8 * largest,  # the float64 draws of a matrix
    )
    try:
        theta = np.zeros(n, architecture.dtype)
        parameters = Parameters(architecture, theta)
        for layer, (W, draw) in enumerate(zip(parameters.weights, initializers, strict=True)):
            W[...] = draw(W.shape[0], W.shape[1], seed, layer)
    except MemoryError:
        raise not_to_be_had(n * architecture.dtype.itemsize, f"{n:,} parameters") from None
    return theta
