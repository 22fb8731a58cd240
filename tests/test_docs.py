"""The documentation: its code runs as printed, every public name and every lesson is in it."""

import ast
import doctest
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import chainrule as cr

ROOT = Path(__file__).parents[1]
DOCS, EXAMPLES = ROOT / "docs", ROOT / "examples"
PAGES = ["from-pytorch", "from-sklearn", "notes-as-code", "start"]
LESSONS = sorted(path.name for path in EXAMPLES.glob("*.py"))

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="an sdist has no docs")


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page(page):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a page says of a warning, it looks at itself
        failed, tried = doctest.testfile(
            str(DOCS / f"{page}.md"), module_relative=False, optionflags=doctest.ELLIPSIS
        )
    assert failed == 0
    assert tried > 1


def test_every_public_name_has_its_place_in_the_api():
    listed = re.findall(r"^   (\w+)$", (DOCS / "api.md").read_text(), flags=re.MULTILINE)
    assert sorted(listed) == sorted(set(cr.__all__) - {"errors"})
    assert ".. automodule:: chainrule.errors" in (DOCS / "api.md").read_text()


def test_every_lesson_has_its_place():
    tree = ast.parse((DOCS / "_ext" / "lessons.py").read_text())
    order = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LESSONS"
    )
    assert sorted(order) == LESSONS


@pytest.mark.soak
@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_runs_alone(lesson, tmp_path):
    subprocess.run(
        [sys.executable, str(EXAMPLES / lesson)],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
