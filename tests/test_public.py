"""The public names: loaded lazily, typed, and the ones the design lists."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr
from chainrule import errors

ROOT = Path(cr.__file__).parent


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_the_stub_types_what_there_is():
    tree = ast.parse((ROOT / "__init__.pyi").read_text())
    stub = {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert stub == set(cr.__all__)
    assert (ROOT / "py.typed").exists()


@pytest.mark.parametrize("name", sorted(cr.__all__))
def test_every_name_loads_and_is_listed(name):
    value = getattr(cr, name)
    assert name in dir(cr)
    assert getattr(cr, name) is value
    if isinstance(value, type):
        assert value.__name__ == name


def test_importing_is_light():
    heavy = [
        "scipy",
        "sklearn",
        "pandas",
        "polars",
        "matplotlib",
        "typer",
        "rich",
        "torch",
        "skops",
        "numpy",
    ]
    code = f"import sys, chainrule; print([m for m in {heavy} if m in sys.modules])"
    assert run(code).strip() == "[]"
    code = "import sys, chainrule as cr; cr.Network; print('sklearn' in sys.modules)"
    assert run(code).strip() == "False"


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="no attribute 'Netwrok'"):
        _ = cr.Netwrok
    assert not hasattr(cr, "numpy")


def test_errors_are_one_tree_and_the_built_in_ones():
    expected = {
        "InvalidInput": ValueError,
        "InvalidParameter": ValueError,
        "UnknownName": errors.InvalidParameter,
        "NotTrainable": errors.InvalidParameter,
        "CheckpointMismatch": errors.InvalidParameter,
        "WrongDerivative": errors.InvalidParameter,
        "Diverged": ArithmeticError,
        "TooLarge": MemoryError,
        "NoThreads": RuntimeError,
        "InvalidFile": ValueError,
        "MissingFile": FileNotFoundError,
        "UnwritablePath": OSError,
        "MissingExtra": ImportError,
    }
    for name, builtin in expected.items():
        kind = getattr(errors, name)
        assert issubclass(kind, errors.ChainruleError)
        assert issubclass(kind, builtin)
    kinds = set(errors.__all__) - {"unknown_name", "nearest_name"}
    warned = {name for name in kinds if issubclass(getattr(errors, name), Warning)}
    assert warned == {
        *("CheckpointWarning", "TrainingWarning", "UnscaledInputs", "DeadRectifiers"),
        *("SaturatedSigmoids", "LearningRateTooLarge", "UnscaledValidation"),
        *("UnscaledTarget", "DoubtfulTarget", "IgnoredParameter"),
    }
    assert all(issubclass(getattr(errors, name), UserWarning) for name in warned)
    for name in warned - {"CheckpointWarning"}:
        assert issubclass(getattr(errors, name), errors.TrainingWarning)
    kinds -= warned
    assert kinds == {*expected, "ChainruleError"}


@pytest.mark.parametrize(
    ("given", "hint"),
    [("tahn", ": did you mean 'tanh'? "), ("TANH", ": did you mean 'tanh'? "), ("xyz", ". ")],
)
def test_unknown_names(given, hint):
    message = str(errors.unknown_name("activation", given, ["tanh", "relu"]))
    assert message == f"Unknown activation {given!r}{hint}The choices are 'tanh', 'relu'."
    assert "did you mean" not in str(errors.unknown_name("x", 3, ["3"]))
