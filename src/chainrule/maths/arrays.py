"""The types of the arrays that the mathematics works on."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Float", "Function", "Words"]

Float: TypeAlias = NDArray[np.floating[Any]]
"""float32 or float64; every function keeps the one it is given."""

Function: TypeAlias = Callable[[Float], Float]
"""An elementwise function of an array."""

Words: TypeAlias = NDArray[np.uint32]
"""Random 32-bit words."""
