"""chainrule with plain gradient descent, whatever the case's optimizer."""

from collections.abc import Callable
from typing import Any

import cases

from contenders import ours


def prepare(case: cases.Case, threads: int) -> tuple[Callable[[], Any], int]:
    """Return what is timed, and its units."""
    return ours.prepare(case | {"optimizer": "plain"}, threads)
