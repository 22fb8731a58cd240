"""The number of threads that the native engine may use."""

import math
import os
from functools import cache
from pathlib import Path

from chainrule.errors import InvalidParameter

__all__ = ["available_threads", "limit_threads"]

_limit: list[int] = []  # at most one, from threadpoolctl
_CGROUP_QUOTAS = ("/sys/fs/cgroup/cpu.max",)


def available_threads() -> int:
    """Return the number of threads for this process: by processors, quota and OMP_NUM_THREADS.

    Raises
    ------
    InvalidParameter
        If OMP_NUM_THREADS is not a whole number above 0.
    """
    limits = [_processors(), *_quota(), *_limit]
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wanted:
        if not (wanted.isascii() and wanted.isdigit()) or int(wanted) < 1:
            raise InvalidParameter(
                f"OMP_NUM_THREADS must be a whole number above 0. Got {wanted!r}: unset or correct "
                f"it."
            )
        limits.append(int(wanted))
    return max(1, min(limits))


def limit_threads(n: int) -> None:
    """Limit all following calls to n threads (for threadpoolctl).

    A limit without effect is not kept: threadpoolctl ends a limit by setting the earlier number,
    and then all processors must count again, including those added later.
    """
    _limit.clear()
    if n < available_threads():
        _limit.append(max(1, n))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _quota() -> tuple[int, ...]:
    """Return the processors that the control group grants, if it sets a limit."""
    for path in _CGROUP_QUOTAS:
        try:
            quota, period = Path(path).read_text().split()
            return (max(1, math.ceil(int(quota) / int(period))),)
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return ()
