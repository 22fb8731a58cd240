"""A model whose arrays are in files that are mapped into memory, made one of plain arrays."""

import pickle
from io import BytesIO
from typing import Any, final

import numpy as np

__all__ = ["in_memory"]


def in_memory(model: Any) -> Any:
    """Return a copy of a model in which plain arrays stand for every memory map.

    Such maps are everywhere in what joblib loads with ``mmap_mode`` or hands to its workers.

    Raises
    ------
    PicklingError, AttributeError, TypeError
        If the model holds what cannot be copied in this way.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     mapped = np.memmap(file, np.int8, shape=(2,))
    ...     [type(array) for array in in_memory({"a": mapped}).values()]
    [<class 'numpy.ndarray'>]
    """
    content = BytesIO()
    _Pickler(content, protocol=5).dump(model)
    # Of what was written one line above, so that nothing foreign is run.
    return pickle.loads(content.getbuffer())


@final
class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any, /) -> Any:
        """Write a plain array for a memory map, and anything else as it is."""
        return np.array(obj).__reduce_ex__(5) if isinstance(obj, np.memmap) else NotImplemented
