"""`chainrule export`: the model of a table in ONNX Runtime, a network as a program."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
import pytest

import chainrule as cr

FAST = ("--epochs", 3, "--hidden", "8")
TARGETS = {"label": "classification", "class": "classification", "price": "regression"}


def trained(run, table, target):
    table.write_csv("t.csv")
    drop = ",".join(t for t in ("label", "class", "good", "price", "visits") if t != target)
    made = ("--target", target, "--drop", drop, "--model", "m")
    assert run("train", "t.csv", *made, *FAST).code == 0


def need_gcc():
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")


def odd_rows(table):
    """The table with cells missing, categories never seen, columns in another order."""
    color = table["color"].scatter([0, 7], ["never", "seen"]).scatter([3], None)
    length = table["length"].scatter([4], None)
    return table.with_columns(color, length).select(sorted(table.columns))


@pytest.mark.parametrize("target", [*TARGETS, "visits"])
def test_onnx_runtime_predicts_what_the_command_does(run, long_table, target):
    long_table = long_table.filter(pl.len().over(target) > 1) if target == "visits" else long_table
    trained(run, long_table, target)
    odd = odd_rows(long_table)
    odd.write_csv("odd.csv")
    said = run("export", "m", "-o", "m.onnx")
    assert said.code == 0, said.err
    assert said.err == ""
    assert said.out.startswith("Wrote m.onnx: inputs 'length', 'width',")
    session = onnxruntime.InferenceSession("m.onnx")
    feeds = {}
    for each in session.get_inputs():
        column = odd[each.name]
        if each.type == "tensor(string)":
            values = column.fill_null("").to_numpy().astype(object)
        elif column.dtype == pl.Date:
            values = column.cast(pl.Int32).cast(pl.Float64).to_numpy()
        else:
            values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
        feeds[each.name] = values[:, np.newaxis]
    got = session.run(None, feeds)
    ours = pl.read_csv(run("predict", "m", "odd.csv").out.encode())
    if target == "price":
        np.testing.assert_allclose(got[0][:, 0], ours["prediction"], rtol=1e-9)
        return
    np.testing.assert_array_equal(got[0], ours["prediction"].to_numpy())
    np.testing.assert_allclose(got[1], ours.select(pl.exclude("prediction")), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "to", "starts"),
    [
        *(("n.c", (), "/*"), ("n.js", (), "/*"), ("n.MJS", (), "/*"), ("n.onnx", (), "\x08")),
        *(("n", ("--to", "c"), "/*"), ("n.txt", ("--to", "onnx"), "\x08")),
    ],
)
def test_networks_and_estimators_become_programs(run, tmp_path, name, to, starts):
    net = cr.Network([2, 3, 1], loss="squared_error", seed=1)
    cr.save(net, "net")
    ended = run("export", "net", "-o", name, *to)
    assert ended.code == 0, ended.err
    content = (tmp_path / name).read_bytes()
    assert content.startswith(starts.encode())
    if name == "n.c":
        assert content.decode() == cr.to_c(net)
        need_gcc()
        subprocess.run(["gcc", "n.c", "-o", "a.out", "-lm"], check=True)
        assert subprocess.run(["./a.out"], check=False).returncode == 0
    if name.endswith(("js", "MJS")):
        assert content.decode() == cr.to_js(net)
    assert run("export", "net", "-o", name, *to).code == 0  # again: the same file


@pytest.mark.parametrize("target", TARGETS)
def test_the_model_of_a_table_becomes_a_program(run, long_table, target):
    trained(run, long_table, target)
    for name in ("m.c", "m.mjs"):
        ended = run("export", "m", "-o", name)
        assert ended.code == 0, ended.err
    need_gcc()
    strict = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
    subprocess.run(["gcc", *strict, "m.c", "-o", "a.out", "-lm"], check=True)
    assert subprocess.run(["./a.out"], check=False).returncode == 0
    if shutil.which("node"):
        script = "import { test } from './m.mjs'; process.exit(test());"
        assert (
            subprocess.run(["node", "--input-type=module", "-e", script], check=False).returncode
            == 0
        )


def test_bad_exports(run, refused, table, tmp_path):
    trained(run, table, "label")
    assert "does not say what to write; add --to" in refused("export", "m", "-o", "m.bin")
    assert "did you mean 'onnx'?" in refused("export", "m", "-o", "m.bin", "--to", "onx")
    assert "no file 'none'" in refused("export", "none", "-o", "m.onnx")
    assert "not a model file" in refused("export", "t.csv", "-o", "m.onnx")
    assert "Missing option" in refused("export", "m")
    assert "folder" in refused("export", "m", "-o", "no/m.onnx")
    (tmp_path / "mine.onnx").write_text("mine")
    assert "holds something else" in refused("export", "m", "-o", "mine.onnx")
    assert run("export", "m", "-o", "mine.onnx", "--force").code == 0


def test_without_the_packages(run, refused, monkeypatch):
    cr.save(cr.Network([2, 2]), "net")
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    assert "pip install skl2onnx, or" in refused("export", "net", "-o", "net.onnx")
    assert not Path("net.onnx").exists()
    assert run("export", "net", "-o", "net.c").code == 0
