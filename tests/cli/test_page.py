"""The report: one page that needs nothing else, true to the model, whatever the table holds."""

import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.cli.page import importance
from chainrule.cli.tables.kinds import decide
from chainrule.cli.tables.reading import read_table
from chainrule.cli.tables.spellings import Rules
from chainrule.cli.tables.target import TASKS

HOSTILE = "<script>alert('x')</script>&\"%"
VOID = {"meta", "link", "br", "img"}


class Page(html.parser.HTMLParser):
    """What a page is made of, and whether its tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.open, self.attributes, self.text = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def report(run, table, task, *more):
    """Train on a table whose names are hostile, and return its page and what the command reply."""
    target = dict(zip(TASKS, ["label", "price", "visits"], strict=True))[task]
    others = {"label", "class", "good", "price", "visits"} - {target}
    table = table.drop(others).rename({"length": HOSTILE, target: f"{target}<b>"})
    if task == "classification":
        table = table.with_columns(pl.col(f"{target}<b>").replace("yes", HOSTILE))
    table.with_columns(pl.col("color").replace("red", HOSTILE)).write_csv("t.csv")
    given = ("--target", f"{target}<b>", "--task", task, "--epochs", 5, "--hidden", "6", *more)
    ended = run("train", "t.csv", *given, "--model", "m")
    assert ended.code == 0, ended.err
    ended = run("report", "m", "t.csv", "--json")
    assert ended.code == 0, ended.err
    assert ended.err == ""
    return Path("report.html").read_text(), json.loads(ended.out)


@pytest.mark.parametrize("task", TASKS)
def test_the_page_is_whole_and_alone(run, long_table, task):
    text, reply = report(run, long_table, task)
    page = Page(text)
    assert "script" not in page.tags
    assert "<b>" not in text.replace("<body>", "")
    assert HOSTILE in " ".join(page.text)
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value.startswith(("#", "data:,")), value
        assert not name.startswith("on")
        for inside in re.findall(r"url\(([^)]*)\)", value or ""):
            assert inside.startswith("#")
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    used = {v[1:] for n, v in page.attributes if n.endswith("href") and v.startswith("#")}
    assert used <= set(ids)
    shows = ["Metrics", "Calibration", "Permutation importance", "Training", "The data"]
    shows += ["The network", "Confusion matrix" if task == "classification" else "Residuals"]
    assert {f"<h2>{each}</h2>" in text for each in shows} == {True}
    # What evaluate says, the page says.
    measured = json.loads(run("evaluate", "m", "t.csv", "--json").out)
    assert reply["scores"] == measured["scores"]
    assert reply["intervals"] == measured["intervals"]
    for value in measured["scores"]["network"].values():
        assert (f"{value:.3f}" if abs(value) < 10 else f"{value:,.4g}") in text
    for name, value, _ in map(dict.values, reply["importance"]):
        assert isinstance(value, float), name


def test_importance_is_the_loss_added(run, long_table):
    _, reply = report(run, long_table, "regression", "--solver", "lbfgs", "--epochs", 200)
    ranked = [each["column"] for each in reply["importance"]]
    assert set(ranked[:2]) == {HOSTILE, "color"}  # the price is made of them
    # Shuffled by hand, often: the mean is that of the page, within its deviation.
    model, table = cr.load("m"), decide(read_table("t.csv"), Rules()).table
    y = table["price<b>"].to_numpy()
    X = table.drop("price<b>").with_columns(
        pl.col("day").cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64) / 86_400e6,
        pl.col("is_new").cast(pl.Float64),
        pl.col("count").cast(pl.Float64),
    )
    rng = np.random.default_rng(1)
    before = ((model.predict(X) - y) ** 2).mean()
    lost = [
        ((model.predict(X.with_columns(X[HOSTILE].sample(fraction=1, shuffle=True, seed=int(s))))
          - y) ** 2).mean() - before
        for s in rng.integers(10**6, size=20)
    ]  # fmt: skip
    found = next(each for each in reply["importance"] if each["column"] == HOSTILE)
    assert found["mean"] == pytest.approx(np.mean(lost) / y.var(), rel=0.15)


def test_a_large_table_is_sampled(run, long_table, monkeypatch):
    monkeypatch.setattr(importance, "MOST_ROWS", 50)
    text, _ = report(run, long_table, "classification", "--early-stopping")
    assert "of 50 rows" in text
    assert "early stopping watched" in text


def test_many_classes_and_columns(run, monkeypatch):
    monkeypatch.setattr(importance, "REPEATS", 1)
    rng = np.random.default_rng(0)
    wide = {f"x{j}": rng.normal(size=200) for j in range(70)}
    table = pl.DataFrame(wide).with_columns(y=pl.Series([f"c{i % 25}" for i in range(200)]))
    table.write_csv("t.csv")
    assert run("train", "t.csv", "--target", "y", "--epochs", 1, "--model", "m").code == 0
    assert run("report", "m", "t.csv").code == 0
    text = Path("report.html").read_text()
    Page(text)
    assert "too many for a matrix" in text
    assert "10 more columns are not shown" in text


def test_what_is_refused(run, refused, long_table, monkeypatch):
    monkeypatch.setattr(importance, "REPEATS", 1)
    text, _ = report(run, long_table, "classification")
    assert run("report", "m", "t.csv").code == 0  # over an earlier one: the same
    assert Path("report.html").read_text() == text
    Path("mine.html").write_text("<!doctype html>\nmine")
    assert "--force" in refused("report", "m", "t.csv", "-o", "mine.html")
    assert run("report", "m", "t.csv", "-o", "mine.html", "--force").code == 0
    assert "input of this command" in refused("report", "m", "t.csv", "-o", "t.csv", "--force")
    assert "does not exist" in refused("report", "m", "t.csv", "-o", "no/r.html")
    pl.read_csv("t.csv").drop("label<b>").write_csv("bare.csv")
    assert "no column 'label<b>'" in refused("report", "m", "bare.csv", "-o", "r.html")


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no Chromium")
@pytest.mark.parametrize("task", TASKS)
def test_a_browser_finds_no_fault_and_fetches_nothing(run, long_table, tmp_path, task):
    report(run, long_table, task)

    def hosts(page: str) -> set[str]:
        """Return whom the browser asks while it shows a page; it also asks for itself."""
        log = tmp_path / "net.json"
        done = subprocess.run([*command, f"--log-net-log={log}", page], check=True, **kept)
        assert "CONSOLE" not in done.stderr
        return set(re.findall(r'"url":"(https?://[^/"]*)', log.read_text()))

    kept = {"capture_output": True, "text": True, "timeout": 120}
    command = [
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr"),
        *("--screenshot=page.png", "--window-size=400,4000"),
    ]
    assert hosts((tmp_path / "report.html").as_uri()) <= hosts("about:blank")
    assert (tmp_path / "page.png").exists()
