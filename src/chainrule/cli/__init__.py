"""The command ``chainrule``. Its libraries are not needed elsewhere, and may be missing."""

import sys
from collections.abc import Sequence
from typing import Any

from chainrule.errors import MissingExtra
from chainrule.extras import require

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
    try:
        require("the command needs", "typer", "rich", "polars")
    except MissingExtra as missing:
        sys.stderr.write(f"chainrule: {missing}\n")
        return 2
    from chainrule.cli.console.exits import run

    return run(sys.argv[1:] if argv is None else list(argv), _load_app)


def _load_app() -> Any:
    from chainrule.cli.app import app

    return app
