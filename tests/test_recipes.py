"""The recipes of the documentation run as they are printed."""

import doctest
import warnings
from pathlib import Path

import pytest

RECIPES = Path(__file__).parents[1] / "docs" / "recipes.md"


def test_the_recipes():
    if not RECIPES.exists():
        pytest.skip("an sdist has no docs")
    with warnings.catch_warnings():
        failed, tried = doctest.testfile(
            str(RECIPES), module_relative=False, optionflags=doctest.ELLIPSIS
        )
    assert failed == 0
    assert tried > 20
