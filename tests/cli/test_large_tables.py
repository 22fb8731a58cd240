"""Tables are read in parts: the predictions are those of the whole, within bounded memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from chainrule.cli.commands import predict
from chainrule.cli.tables import batches
from chainrule.cli.tables import unseen_values as surprises
from chainrule.cli.tables.reading import read_table
from chainrule.cli.tables.spellings import Rules
from chainrule.errors import InvalidFile, InvalidInput

TRAIN = ("--drop", "class,good,price,visits", "--epochs", 2, "--hidden", "4", "--model", "m")
HARD = ['say "hi",\nthen go', "plain", "a\n\nb", 'one " two ""', None, "é"]
FORMS = {
    "csv": lambda content: content,
    "crlf": lambda content: b"\r\n" + content.replace(b"\n", b"\r\n"),
    "byte order mark": lambda content: b"\xef\xbb\xbf\n" + content,
    "no last end": lambda content: content.rstrip(b"\n"),
    "blank lines": lambda content: content + b"\n\n",
}


@pytest.fixture
def hard(table) -> pl.DataFrame:
    return table.with_columns(color=pl.Series(HARD * 10))


@pytest.mark.parametrize("block", [1, 40, 300, 5000, 10**6])
@pytest.mark.parametrize("form", [*FORMS, "parquet"])
def test_the_parts_of_a_table_are_the_table(hard, tmp_path, monkeypatch, block, form):
    path = tmp_path / "t"
    if form == "parquet":
        hard.write_parquet(path)
    else:
        path.write_bytes(FORMS[form](hard.write_csv().encode()))
    monkeypatch.setattr(batches, "BLOCK", block)
    monkeypatch.setattr(batches, "PARQUET_ROWS", max(1, block // 50))
    parts = list(batches.read_batches(str(path)))
    assert len(parts) > 1 or block > 10**5 or (form == "parquet" and block == 5000)
    whole = read_table(str(path))
    assert pl.concat(parts).equals(whole)
    assert whole.height == hard.height
    # Only the cells of wanted columns are looked at.
    rules = Rules(missing=("red", "yes"))
    wanted = pl.concat(batches.read_batches(str(path), rules, ["label"]))
    assert wanted["label"].null_count() == hard["label"].eq("yes").sum() > 0
    if form != "parquet":
        assert wanted["color"].null_count() == whole["color"].null_count()


WRONG = {
    "short row": (b"a,b\n1,2\n3,4\n5\n", InvalidFile, "line 4 has 1 cells"),
    "long row": (b"a,b\n1,2\n3,4\n5,6,7\n", InvalidFile, "line 4 has 3 cells"),
    "open quote": (b'a,b\n1,2\n3,"4\n5,6\n', InvalidFile, "a quote opens in line 3"),
    "latin-1": ("a,b\n1,2\n3,4\né,6\n".encode("latin-1"), InvalidFile, "(line 4)"),
    "header only": (b"a,b\n", InvalidInput, "no rows"),
    "nothing": (b"\n \n", InvalidFile, "is empty"),
    "parquet cut": (b"PAR1" + b"\0" * 40, InvalidFile, "cut short"),
    "parquet broken": (b"PAR1" + b"\1" * 40 + b"PAR1", InvalidFile, "damaged"),
}


@pytest.mark.parametrize("block", [3, 8, 1000])
@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said_as_of_the_whole(tmp_path, monkeypatch, kind, block):
    content, error, said = WRONG[kind]
    path = tmp_path / "t"
    path.write_bytes(content)
    monkeypatch.setattr(batches, "BLOCK", block)
    with pytest.raises(error) as parts:
        list(batches.read_batches(str(path)))
    with pytest.raises(error) as whole:
        read_table(str(path))
    assert said in str(parts.value)
    assert str(parts.value) == str(whole.value)


def test_predictions_do_not_depend_on_the_parts(run, refused, hard, monkeypatch):
    hard.write_csv("t.csv")
    hard.write_parquet("t.parquet")
    assert run("train", "t.csv", "--target", "label", *TRAIN).code == 0
    whole = run("predict", "m", "t.csv")
    monkeypatch.setattr(batches, "BLOCK", 300)
    assert run("predict", "m", "t.csv").out == whole.out
    monkeypatch.setattr(predict, "_MOST_ROWS", 7)
    monkeypatch.setattr(predict, "_IN_MEMORY", 10)
    found = run("predict", "m", "t.csv", "-o", "out")
    assert found.code == 0
    assert run("predict", "m", "t.parquet").out == Path("out").read_text()
    expected = pl.read_csv(whole.out.encode())
    reply = json.loads(run("predict", "m", "t.csv", "--json").out)
    assert reply["rows"] == hard.height
    table = pl.DataFrame(reply["predictions"])
    assert table.columns == reply["columns"]
    for name in expected.columns[1:]:
        np.testing.assert_allclose(table[name], expected[name], rtol=1e-12)
    # A bad cell far down: nothing of what came before is written.
    late = hard.with_columns(length=pl.Series([*["1"] * 58, "1,5", "2"]))
    late.write_csv("late.csv")
    assert "'1,5'" in refused("predict", "m", "late.csv")
    infinite = hard.with_columns(length=pl.Series([1.0] * 58 + [np.inf, 2.0]))
    infinite.write_csv("late.csv")
    assert "infinite in row 59" in refused("predict", "m", "late.csv", "-o", "new")


def test_what_training_did_not_know_is_counted_over_the_parts(run, table, monkeypatch):
    table.write_csv("t.csv")
    assert run("train", "t.csv", "--target", "label", *TRAIN).code == 0
    odd = table.with_columns(color=pl.Series(["a", "b", "b", "c", "d", "red"] * 10), more=pl.lit(1))
    odd.write_csv("odd.csv")
    whole = run("predict", "m", "odd.csv")
    assert "(50)" in whole.err
    assert "'b' and 3 more in column 'color'" in whole.err
    assert "not used: 'more'" in whole.err
    monkeypatch.setattr(batches, "BLOCK", 300)
    monkeypatch.setattr(predict, "_MOST_ROWS", 7)
    parts = run("predict", "m", "odd.csv")
    assert parts.err == whole.err
    monkeypatch.setattr(surprises, "MOST_TEXTS", 2)  # a free text has millions
    assert "'b' and 2 more in column 'color' (50)" in run("predict", "m", "odd.csv").err


@pytest.mark.soak
@pytest.mark.parametrize("form", ["csv", "parquet", "stdin"])
def test_five_million_rows_in_a_gigabyte(tmp_path, form):
    rows, part = 5_000_000, 500_000
    rng = np.random.default_rng(0)
    paths = []
    for start in range(0, rows, part):
        x = rng.normal(size=(part, 6)).round(6)
        table = pl.DataFrame({f"x{j}": x[:, j] for j in range(6)}).with_columns(
            color=pl.Series(rng.choice(["red", "green", "blue", ""], part)),
            y=pl.Series(np.where(x[:, 0] + x[:, 1] > 0, "yes", "no")),
        )
        if form == "parquet":
            paths.append(tmp_path / f"{start}")
            table.write_parquet(paths[-1])
        else:
            with (tmp_path / "t").open("ab") as file:
                table.write_csv(file, include_header=not start)
        if not start:
            table.head(20_000).write_csv(tmp_path / "some.csv")
    if form == "parquet":
        pl.scan_parquet(paths).sink_parquet(tmp_path / "t", row_group_size=part)
    command = [sys.executable, "-m", "chainrule"]
    train = [*command, "train", "some.csv", "--target", "y", "--model", "m", "--epochs", "3"]
    subprocess.run(train, cwd=tmp_path, check=True, capture_output=True)
    predict = [*command, "predict", "m", "-" if form == "stdin" else "t", "-o", "out.csv"]
    with (tmp_path / "t").open("rb") as stdin:
        process = subprocess.Popen(predict, cwd=tmp_path, stdin=stdin)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert usage.ru_maxrss < 1024**2  # KiB
    assert pl.scan_csv(tmp_path / "out.csv").select(pl.len()).collect().item() == rows
