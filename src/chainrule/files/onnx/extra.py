"""Whether the packages of the extra ``chainrule[onnx]`` are there."""

from importlib.util import find_spec

from chainrule.errors import MissingExtra

__all__ = ["require_onnx"]


def require_onnx() -> None:
    """Raise if a package that ONNX needs is not installed.

    Raises
    ------
    MissingExtra
        With what to install.
    """
    missing = [name for name in ("onnx", "skl2onnx") if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"ONNX needs {' and '.join(missing)}; install with pip install 'chainrule[onnx]'."
        )
