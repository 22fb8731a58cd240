"""What the documentation shows runs as it is printed, and shows every parameter."""

import doctest
import re
import warnings
from inspect import signature
from pathlib import Path

import pytest

import chainrule as cr

DOCS = Path(__file__).parents[1] / "docs"
ESTIMATORS = [cr.MLPClassifier, cr.MLPRegressor, cr.MLPClassifierCV, cr.MLPRegressorCV]


@pytest.mark.parametrize("page", ["recipes.md", "parameters.md"])
def test_the_page_runs(page):
    if not DOCS.exists():
        pytest.skip("an sdist has no docs")
    with warnings.catch_warnings():
        failed, tried = doctest.testfile(
            str(DOCS / page), module_relative=False, optionflags=doctest.ELLIPSIS
        )
    assert failed == 0
    assert tried > 20


def test_every_parameter_has_an_example():
    if not DOCS.exists():
        pytest.skip("an sdist has no docs")
    _, *sections = re.split(r"^### `(\w+)`$", (DOCS / "parameters.md").read_text(), flags=re.M)
    shown = dict(zip(sections[::2], sections[1::2], strict=True))
    assert all("\n>>> " in example for example in shown.values())
    assert shown.keys() == {name for kind in ESTIMATORS for name in signature(kind).parameters}
