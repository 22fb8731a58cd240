"""The command ``chainrule``. Its libraries come with the extra ``chainrule[cli]``."""

import importlib.util
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the command's name; by default, those of this process.

    Returns
    -------
    int
        The exit code: 0 success, 1 an error inside chainrule, 2 input or usage that cannot be
        used, 3 a check that did not pass, 130 interrupted by Ctrl-C.
    """
    missing = [name for name in ("typer", "rich", "polars") if not importlib.util.find_spec(name)]
    if missing:
        sys.stderr.write(
            f"chainrule: the command needs {', '.join(missing)}; "
            "install it with pip install 'chainrule[cli]'.\n"
        )
        return 2
    from chainrule.cli.exits import run

    return run(sys.argv[1:] if argv is None else list(argv))
