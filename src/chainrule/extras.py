"""Packages that chainrule works without: whether they are installed, and how to get them.

Every message that says what to install is made here. chainrule itself is installed from a
checkout, so that its extras can only be had there; the packages can be had anywhere.
"""

import importlib.util

from chainrule.errors import MissingExtra

__all__ = ["is_installed", "require"]

_ALL = frozenset({"typer", "rich", "polars", "onnx", "skl2onnx", "matplotlib"})
"""What the extra ``all`` brings."""

_CALLED = {"torch": "PyTorch"}


def is_installed(package: str) -> bool:
    """Whether a package can be found; it is not imported.

    A folder of that name without modules, such as one with somebody's models, is none.
    """
    spec = importlib.util.find_spec(package)
    return spec is not None and spec.origin is not None


def require(use: str, *packages: str, instead: str = "") -> None:
    """Raise if a package is not installed.

    One that is there but fails when it is imported is another matter: its own error says why.

    Parameters
    ----------
    use : str
        The beginning of the sentence that the packages end, such as "Pictures are drawn with".
    *packages : str
        As they are imported, and as pip calls them.
    instead : str, default=""
        A sentence on what can be done without them.

    Raises
    ------
    MissingExtra
        With what is missing, and how to install it.

    Examples
    --------
    >>> require("Tables are read with", "numpy")
    >>> require("Stars are counted with", "numpy", "astroid_counter")
    Traceback (most recent call last):
        ...
    chainrule.errors.MissingExtra: Stars are counted with astroid_counter, which is not installed
    here: pip install astroid_counter.
    """
    missing = [package for package in packages if not is_installed(package)]
    if not missing:
        return
    *first, last = (_CALLED.get(package, package) for package in missing)
    names = f"{', '.join(first)} and {last}" if first else last
    said = f"{use} {names}, which {'are' if first else 'is'} not installed here: "
    said += f"pip install {' '.join(missing)}"
    if _ALL.issuperset(missing):
        said += ", or pip install '.[all]' in the checkout of chainrule"
    raise MissingExtra(f"{said}. {instead}".rstrip())
