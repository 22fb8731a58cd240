"""The available memory: a network that cannot fit is refused before anything is allocated."""

import os
from pathlib import Path

from chainrule.errors import TooLarge

try:
    import resource
except ImportError:  # Windows
    resource = None

__all__ = ["available_bytes", "not_to_be_had", "require_memory"]

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_NOT_WORTH_ASKING = 2**24  # bytes: less than Python and NumPy use anyway


def available_bytes() -> int | None:
    """Return the memory this process may use, in bytes; None if the system does not report it."""
    limits: list[int] = []
    if hasattr(os, "sysconf"):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if resource is not None:
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            limits.append(soft)
    for path in _CGROUP_LIMITS:
        try:
            limits.append(int(Path(path).read_text()))
        except (OSError, ValueError):  # no such cgroup, or "max"
            continue
    return min(limits, default=None)


def not_to_be_had(size: int, what: str) -> TooLarge:
    """Make the error for an allocation that the system refused in spite of the check."""
    return TooLarge(
        f"The memory for {what}, {size / 2**30:.1f} GiB and the working memory to make them, is "
        f"not available. Use smaller layers, or free some memory."
    )


def require_memory(size: int, what: str, *, beside: int = 0) -> None:
    """Raise if `size` bytes, and `beside` needed to make them, are more than there are.

    Raises
    ------
    TooLarge
        With the sizes in GiB.
    """
    if size + beside <= _NOT_WORTH_ASKING:
        return
    available = available_bytes()
    if available is not None and size + beside > available:
        # Integers, since a mistyped size may be too large for a float.
        tenths = (size * 10 + 2**29) // 2**30
        more = f" and {beside / 2**30:.1f} GiB to make it" if size <= available else ""
        raise TooLarge(
            f"{what} would need {tenths // 10}.{tenths % 10} GiB{more}, more than the "
            f"{available / 2**30:.1f} GiB of available memory. Use smaller layers."
        )
