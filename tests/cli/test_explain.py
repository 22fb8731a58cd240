"""chainrule explain: rows of a table through a saved model, to the screen and to files."""

import re

import numpy as np
import polars as pl
import pytest

from chainrule.files import read_model

FAST = ("--epochs", 3, "--hidden", "5")


@pytest.fixture
def model(run, table):
    """Train on t.csv, and return its name."""
    columns = table.select("length", "width", "color", "day", "label", "price", "visits", "class")
    columns.write_csv("t.csv")

    def make(target="label", *more):
        others = {"label", "price", "visits", "class"} - {target}
        ended = run(
            "train", "t.csv", "--target", target, "--model", "m", "--drop", ",".join(others), *FAST,
            *more,
        )  # fmt: skip
        assert ended.code == 0, ended
        return "m"

    return make


def explain(run, *arguments):
    ended = run("explain", "m", "t.csv", *arguments)
    assert ended.code == 0, ended
    return ended


def test_a_row_on_the_screen(run, model, table):
    model()
    ended = explain(run, "--row", 17)
    assert ended.err == ""
    assert ended.out.startswith("The working of a ")
    assert f"The target is {table['label'][16]}." in ended.out
    assert "ColumnTransformer" in ended.out
    assert re.search(r"^ +1  length +-?\d", ended.out, re.MULTILINE)
    assert "Node 2.1" in ended.out
    pipeline, _ = read_model("m")
    net = pipeline[-1].network_
    row = pipeline[:-1].transform(
        table[16:17].select("length", "width", "color", day=pl.col("day").cast(pl.Float64))
    )
    z = row @ net.weights[0] + net.biases[0]
    found = re.search(r"z₁⁽²⁾ = b₁⁽²⁾.*?= (-?[\d.e-]+)\n +a₁⁽²⁾", ended.out, re.DOTALL)
    assert float(found[1].split()[-1]) == pytest.approx(z[0, 0], rel=1e-4)


def test_rows_nodes_layers_views(run, model):
    model()
    out = explain(run, "--row", "2, 5-6", "--node", "2.1, 3.1", "--view", "scalar").out
    assert "Node 2.1" in out
    assert "Node 2.2" not in out
    assert "⎡" not in out
    assert "example 1 of 3" in out
    out = explain(run, "--row", "2", "--layer", "3", "--columns").out
    assert "Layer 2 is not worked out" in out
    assert "z⁽³⁾ = b⁽³⁾ + W⁽³⁾ a⁽²⁾" in out


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("w.html", "<!doctype html>"),
        ("W.HTM", "<!doctype html>"),
        ("w.tex", "% chainrule explain"),
        ("w.md", "# The working of"),
        ("w.txt", "The working of"),
    ],
)
def test_the_suffix_says_the_format(run, model, tmp_path, name, start):
    model()
    for _ in range(2):  # an earlier working is overwritten
        ended = explain(run, "-o", name)
        assert (ended.out, ended.err) == ("", "")
        assert (tmp_path / name).read_text().startswith(start)


def test_a_format_for_any_name(run, model, tmp_path):
    model()
    explain(run, "-o", "working", "--format", "latex")
    assert r"\end{document}" in (tmp_path / "working").read_text()
    assert explain(run, "--format", "markdown").out.startswith("# The working of")


@pytest.mark.parametrize("target", ["label", "class", "price", "visits"])
def test_every_task(run, model, table, target):
    model(target, *(("--task", "counts") if target == "visits" else ()))
    out = explain(run, "--row", 3).out
    if target == "price":
        assert "The targets were transformed by StandardScaler" in " ".join(out.split())
        assert f"{table['price'][2]:g}" in out
    elif target == "visits":
        assert "1 exp output" in out
    assert "BP1.1" in out


def test_without_a_target_only_the_way_forward(run, model, table):
    model()
    table.select("length", "width", "color", "day").write_csv("t.csv")
    ended = explain(run, "--row", 1)
    assert "note: 't.csv' has no value in 'label' there, so only the way forward" in ended.err
    assert "Backward, with numbers" not in ended.out


def test_refused(run, refused, model, table, tmp_path):
    model()
    cases = {
        ("--row", "61"): "'t.csv' has no row 61: its 60 rows are counted from 1 to 60.",
        ("--row", "0"): "has no row 0",
        ("--row", "5-3"): "has no rows 5-3",
        ("--row", "last"): "--row takes the number of a row, or a few such as 3,17-19",
        ("--node", "2.6"): "There is no node 2.6: layer 2 has nodes 2.1 to 2.5.",
        ("--node", "two"): "Got 'two' instead",
        ("--layer", "7"): "There is no layer 7",
        ("--layer", "x"): "--layer takes whole numbers from 2",
        ("--view", "all"): "Unknown view 'all'",
        ("--format", "pdf"): "Unknown format 'pdf'",
        ("-o", "w.pdf"): "'w.pdf' does not end in .html, .tex, .md or .txt",
        ("-o", "t.csv", "--format", "text"): "'t.csv' is an input of this command",
        ("-o", "m", "--format", "text"): "'m' is an input of this command",
        ("-o", "no/w.html"): "no",
    }
    for arguments, message in cases.items():
        assert message in refused("explain", "m", "t.csv", *arguments)
    (tmp_path / "mine.html").write_text("mine")
    assert "holds something else than a working" in refused(
        "explain", "m", "t.csv", "-o", "mine.html"
    )
    explain(run, "-o", "mine.html", "--force")
    assert "There is no file" in refused("explain", "none", "t.csv")
    table.with_columns(label=table["label"].scatter([3], None)).write_csv("t.csv")
    assert "Row 4 of 't.csv' has no value in 'label'" in refused(
        "explain", "m", "t.csv", "--row", "3-5"
    )
    table.with_columns(label=pl.lit("maybe")).write_csv("t.csv")
    assert "'maybe'" in refused("explain", "m", "t.csv")
    rows = pl.concat([table] * 5)
    rows.write_csv("t.csv")
    assert "at most 256 examples" in refused("explain", "m", "t.csv", "--row", "1-300")
    assert np.array_equal(read_model("m")[0].classes_, ["no", "yes"])
