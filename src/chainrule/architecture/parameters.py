"""Parameters: ONE flat vector theta; weights and biases are views of it.

Layer by layer theta holds a block of shape (s_in + 1, s_out): first the bias, then the weights.
The block's transpose is the blog's theta matrix, ``[b | W^T]`` of shape b x (a+1) (blog image 5),
so all three views, the notes', the blog's and the flat one, are the same memory.
"""

from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex, final
from weakref import WeakMethod

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

    _make_writable: Callable[[], Callable[[], None] | None]  # None once the parameters are gone

    def lay_out(self, arrays: Iterable[Float], make_writable: Callable[[], None]) -> None:
        """Hold these views from now on, also for whoever already has the list."""
        super().__init__(arrays)
        self._make_writable = WeakMethod(make_writable)

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        """Copy `value` into the array at `index`: the view stays a view."""
        if isinstance(index, slice):
            raise TypeError("Assign to one entry at a time, such as net.weights[0] = W.")
        make_writable = self._make_writable()
        if make_writable is not None:
            make_writable()
        write(self[index], value, f"entry {index}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies, deep copies and pickles are plain lists of copied arrays."""
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
        If the shapes disagree, or it does not hold numbers of that dtype; nothing is changed.
    """
    array = as_numbers(value, what, view.dtype)
    if array.shape != view.shape:
        raise InvalidInput(f"{what} has shape {view.shape}. Got shape {array.shape} instead.")
    if np.isinf(array).any() and not np.isinf(np.asarray(value, np.float64)).any():
        raise InvalidInput(f"{what} holds values that are too large for {view.dtype}.")
    if not view.flags.writeable:  # of a network that is gone: else it would have been copied
        raise InvalidInput(f"{what} is read-only: make a copy of it and write into that.")
    view[...] = array


def adopt_or_copy(given: Any, fresh: Float, what: str) -> Float:
    """Return an array that its owner no longer needs, if it fits; else copy it into a new one.

    Otherwise a large network from a file would be in memory twice.

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

    Theta may be read-only, as in a file that is mapped into memory. Whoever writes calls
    `make_writable` first, which copies it then.

    Attributes
    ----------
    theta : array of shape (n_parameters,)
        All parameters.
    weights, biases : Views
        The notes' W, of shapes (s_in, s_out), and b, of shapes (s_out,).
    thetas : Views
        The blog's matrices, of shapes (s_out, s_in + 1).
    """

    __slots__ = (
        "__weakref__",
        "architecture",
        "biases",
        "predictor",
        "theta",
        "thetas",
        "weights",
    )

    def __init__(self, architecture: Architecture, theta: Float) -> None:
        self.architecture = architecture
        self.predictor: Any = None  # an engine's cache for predictions; never copied or saved
        self.weights, self.biases, self.thetas = Views(), Views(), Views()
        self._lay_out(theta)

    def _lay_out(self, theta: Float) -> None:
        blocks: list[Float] = []
        start = 0
        for s_in, s_out in self.architecture.shapes:
            stop = start + (s_in + 1) * s_out
            blocks.append(theta[start:stop].reshape(s_in + 1, s_out))
            start = stop
        self.theta = theta
        self.weights.lay_out((block[1:] for block in blocks), self.make_writable)
        self.biases.lay_out((block[0] for block in blocks), self.make_writable)
        self.thetas.lay_out((block.T for block in blocks), self.make_writable)

    def make_writable(self) -> None:
        """Copy theta if it, or a view of it, is read-only; the lists of views then hold the new.

        Raises
        ------
        TooLarge
            If the copy cannot fit in memory.
        """
        views = (*self.weights, *self.biases, *self.thetas)
        if self.theta.flags.writeable and all(view.flags.writeable for view in views):
            return
        try:
            own = self.theta if self.theta.flags.writeable else self.theta.copy()
        except MemoryError:
            raise not_to_be_had(self.theta.nbytes, f"{self.theta.size:,} parameters") from None
        self._lay_out(own)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and files, without the views, which are made again."""
        return {"architecture": self.architecture, "theta": self.theta}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore theta and its views; the engines rely on matching shapes."""
        architecture, theta = state["architecture"], np.asarray(state["theta"])
        if not isinstance(architecture, Architecture):
            raise InvalidInput("The parameters have no architecture: take another copy.")
        if theta.dtype.newbyteorder("=") == architecture.dtype:  # in memory as the engines read it
            theta = np.require(theta, architecture.dtype, ["C", "A"])
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
        The seed; each layer draws from its own counters.

    Raises
    ------
    UnknownName
        If the initializer is unknown.
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
