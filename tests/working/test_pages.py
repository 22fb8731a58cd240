"""The pages on pictures and exercises run as they are printed, and list every figure."""

import doctest
import re
import warnings
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def run(page):
    """Run a page, and return what it defined."""
    if not DOCS.exists():
        pytest.skip("an sdist has no docs")
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("agg")
    plt.close("all")  # what the docstrings' examples left open
    parsed = doctest.DocTestParser().get_doctest(
        (DOCS / page).read_text(), {}, page, str(DOCS / page), 0
    )
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    with warnings.catch_warnings():
        runner.run(parsed, clear_globs=False)
    assert runner.failures == 0
    assert runner.tries > 10
    return parsed.globs


def test_the_exercises_run():
    run("exercises.md")


def test_the_pictures_run_and_every_figure_has_its_counterpart():
    from matplotlib import pyplot as plt

    defined = run("pictures.md")
    rows = re.findall(
        r"^\| ((?:blog|notes) .*?) \| (.*?) \| `(.*)` \|$", (DOCS / "pictures.md").read_text(), re.M
    )
    images = {
        int(number)
        for figure, _, _ in rows
        if figure.startswith("blog")
        for number in re.findall(r"\d+", figure)
    }
    assert images == set(range(1, 40))
    assert [figure for figure, _, _ in rows if figure.startswith("notes")] == [
        "notes 2.4", "notes 3", "notes 4", "notes 4", "notes 5, 6",
    ]  # fmt: skip
    done = {}
    for figure, _, code in rows:
        if code not in done:
            done[code] = eval(code, defined)
        result = done[code]
        drawn = hasattr(result, "figure_")
        assert drawn or len(result), figure
        plt.close("all")
