"""PyTorch with torch.compile around the net and its loss."""

from collections.abc import Callable
from typing import Any

import cases

from contenders import pytorch


def prepare(case: cases.Case, threads: int) -> tuple[Callable[[], Any], int] | None:
    """Return what is timed, and its units."""
    return pytorch.prepare(case, threads, compiled=True)
