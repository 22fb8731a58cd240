"""Lets `threadpoolctl` see and limit the native engine's threads.

So ``threadpool_limits(1)``, which scikit-learn and joblib use around code that runs in parallel
already, also limits them.
"""

from typing import Any, ClassVar, final

import threadpoolctl  # pyright: ignore[reportMissingTypeStubs]

from chainrule.engines import threads

__all__ = ["ThreadController", "register"]


@final
class ThreadController(threadpoolctl.LibController):  # pyright: ignore[reportUntypedBaseClass]
    """The controller through which threadpoolctl reads and sets the number of threads."""

    user_api: ClassVar[str] = "chainrule"
    internal_api: ClassVar[str] = "chainrule"
    filename_prefixes: ClassVar[tuple[str, ...]] = ("_native_v3", "_native_v4", "_native_neon")

    def get_num_threads(self) -> Any:
        """The maximum number of threads of a call."""
        return threads.available_threads()

    def set_num_threads(self, num_threads: int) -> None:
        """Limit the threads of every call from now on."""
        threads.limit_threads(num_threads)

    def get_version(self) -> Any:
        """The version of chainrule."""
        import chainrule

        return chainrule.__version__


def register() -> None:
    """Register the controller; called once, when the core is loaded."""
    threadpoolctl.register(ThreadController)  # pyright: ignore[reportUnknownMemberType]
