"""Labels come back as their cells are spelled, and other tables may spell them otherwise."""

import csv
import json
import re
from datetime import date

import numpy as np
import onnxruntime
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.cli.tables.kinds import decide_column
from chainrule.cli.tables.labels import find_labels, key_of, spell
from chainrule.cli.tables.reading import as_cells

FAST = ("--epochs", 2, "--hidden", "3")
ROWS = 60

# The cells of a target, and what else is given.
SPELLED = {
    "words": (["yes", "no"], ()),
    "three words": (["yes", "no", "perhaps"], ()),
    "zeros in front": (["01", "02"], ()),
    "zeros in front of some": (["09", "10", "11"], ()),
    "a zero": (["0", "1"], ()),
    "minus": (["-1", "1"], ()),
    "plus": (["+1", "-1"], ()),
    "with decimals": (["1.0", "2.0"], ()),
    "with two decimals": (["1.00", "2.00"], ()),
    "with a point": (["1.", "2."], ()),
    "exponents": (["1e3", "2e3"], ()),
    "True": (["True", "False"], ()),
    "TRUE": (["TRUE", "FALSE"], ()),
    "true": (["true", "false"], ()),
    "T": (["T", "F"], ()),
    "20 digits": (["12345678901234567890", "12345678901234567891"], ()),
    "30 digits": (["1" * 30, "1" * 29 + "2", "9" * 30], ()),
    "200 digits": (["1" * 200, "2" * 200], ()),
    "19 digits": (["9007199254740993", "9007199254740992"], ()),
    "spaces": ([" a ", "b"], ()),
    "spaces inside": (["a  b", "c"], ()),
    "commas and quotes": (['a,"b"', "c\\d"], ()),
    "markup": (["<b>", "&amp;"], ()),
    "other letters": (["日本", "żółć", "e\u0301"], ()),
    "upper and lower": (["A", "a"], ()),
    "dates": (["2024-01-01", "2024-01-02"], ("--task", "classification")),
    "dates as names": (["01.02.2024", "02.02.2024"], ("--categorical", "y")),
    "decimals as names": (["1.5", "2.50"], ("--categorical", "y")),
    "missing marks as names": (["None", "NA", "null"], ("--categorical", "y")),
    "the same number as names": (["1", "1.0", "01"], ("--categorical", "y")),
    "the same truth as names": (["True", "true"], ("--categorical", "y")),
    "the same but for spaces as names": (["a", " a "], ("--categorical", "y")),
    "not a number as a name": (["nan", "inf", "1"], ("--categorical", "y")),
}


def table_of(cells: list[str], rows: int = ROWS) -> pl.DataFrame:
    places = np.arange(rows) % len(cells)
    x = places + np.random.default_rng(0).normal(scale=0.1, size=rows)
    return pl.DataFrame({"x": x, "y": [cells[at] for at in places]})


@pytest.mark.parametrize("name", SPELLED)
def test_labels_are_spelled_as_their_cells(run, name):
    cells, given = SPELLED[name]
    table, path = table_of(cells), "t.csv"
    table.write_csv(path)
    ended = run("train", path, "--target", "y", "--model", "m", *given, *FAST)
    assert ended.code == 0, ended.err
    model = cr.load("m")
    assert {spell(label) for label in model.classes_} == set(cells)
    assert run("predict", "m", path, "-o", "p.csv").code == 0
    with open("p.csv", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert set(header[1:]) == {f"probability_{cell}" for cell in cells}
    said = [row[0] for row in rows]
    assert set(said) <= set(cells)
    scores = json.loads(run("evaluate", "m", path, "--json").out)
    assert scores["rows"] == ROWS
    assert scores["scores"]["network"]["accuracy"] == pytest.approx(
        np.mean([a == b for a, b in zip(said, table["y"], strict=True)])
    )


TYPED = {
    "integers": pl.Series([3, -4]),
    "small integers": pl.Series([3, -4], dtype=pl.Int8),
    "huge integers": pl.Series([2**64 - 1, 2**64 - 2], dtype=pl.UInt64),
    "huger integers": pl.Series([2**90, 2**90 + 1], dtype=pl.Int128),
    "whole floats": pl.Series([1.0, 2.0]),
    "single floats": pl.Series([1.0, 2.0], dtype=pl.Float32),
    "decimals": pl.Series([1, 2]).cast(pl.Decimal(20, 0)),
    "long decimals": pl.Series([10**24, 10**24 + 1]).cast(pl.Decimal(30, 0)),
    "booleans": pl.Series([True, False]),
    "categories": pl.Series(["b", "a"], dtype=pl.Categorical),
    "an enumeration": pl.Series(["b", "a"], dtype=pl.Enum(["b", "a"])),
    "text": pl.Series(["None", "NA"]),
    "dates": pl.Series([date(2024, 1, 1), date(2024, 1, 2)]),
}


@pytest.mark.parametrize("name", TYPED)
@pytest.mark.parametrize("as_names", [False, True])
def test_values_that_know_their_kind_come_back_as_they_would_be_in_csv(run, name, as_names):
    values = TYPED[name]
    table = table_of(["a", "b"]).with_columns(
        y=pl.concat([values] * (ROWS // 2))
        if name != "decimals"
        else values.sample(60, with_replacement=True, seed=0)
    )
    table.write_parquet("t")
    table.write_csv("t.csv")
    given = ("--categorical", "y") if as_names else ("--task", "classification")
    assert run("train", "t", "--target", "y", "--model", "m", *given, *FAST).code == 0
    cells = set(pl.read_csv("t.csv", infer_schema=False)["y"])
    classes = cr.load("m").classes_
    assert {spell(label) for label in classes} == cells
    if not as_names and name in ("integers", "whole floats", "booleans"):
        assert classes.dtype == values.to_numpy().dtype
    for path in ("t", "t.csv"):
        scores = json.loads(run("evaluate", "m", path, "--json").out)
        assert scores["rows"] == ROWS


# How a label is spelled in training, and in another table.
ELSEWHERE = [
    ("1", "1.0"), ("1.0", "1"), ("01", "1"), ("1", "01"), ("+1", "1"), ("1e3", "1000"),
    ("1", " 1 "), ("True", "true"), ("true", "TRUE"), ("a", " a "), (" a ", "a"),
]  # fmt: skip


@pytest.mark.parametrize(("here", "there"), ELSEWHERE)
def test_another_table_may_spell_labels_otherwise(run, here, there):
    other = "False" if here.lower() == "true" else "b" if "a" in here else "7"
    table_of([here, other]).write_csv("t.csv")
    assert run("train", "t.csv", "--target", "y", "--model", "m", *FAST).code == 0
    table_of([there, other]).write_csv("other.csv")
    one, two = (json.loads(run("evaluate", "m", p, "--json").out) for p in ("t.csv", "other.csv"))
    assert one["scores"] == two["scores"]
    assert run("train", "t.csv", "--target", "y", "--validation", "other.csv", *FAST).code == 0


@pytest.mark.parametrize(
    ("one", "two", "other", "said"),
    [
        ("1", "1.0", "2", "they are the same number"),
        ("1", "01", "2", "they are the same number"),
        ("True", "true", "false", "they are the same"),
        ("a", " a ", "b", "they differ in spaces only"),
    ],
)
def test_spellings_of_the_same_are_one_class_unless_they_are_names(run, one, two, other, said):
    cells = [one, one, two, other]
    table_of(cells).write_csv("t.csv")
    ended = run("train", "t.csv", "--target", "y", "--model", "m", *FAST)
    what = f"'{one}', '{two}' in the target 'y' are one class, '{one}', because {said}"
    assert what in ended.err
    assert "--categorical 'y', which keeps them apart" in ended.err
    assert {spell(label) for label in cr.load("m").classes_} == {one, other}
    ended = run("train", "t.csv", "--target", "y", "--categorical", "y", "--model", "m", *FAST)
    assert "are one class" not in ended.err
    assert set(cr.load("m").classes_) == {one, two, other}


def test_marks_that_count_as_missing_are_named_and_can_be_labels(run):
    table_of(["None", "yes", "no", ""]).write_csv("t.csv")
    ended = run("train", "t.csv", "--target", "y", "--model", "m", *FAST)
    assert "30 rows have no value in the target 'y' and were left out." in ended.err
    assert "15 cells of the target 'y' are missing, because 'None' usually means that" in ended.err
    assert "--categorical 'y'" in ended.err
    assert set(cr.load("m").classes_) == {"no", "yes"}
    ended = run("train", "t.csv", "--target", "y", "--categorical", "y", "--model", "m", *FAST)
    assert "15 rows have no value" in ended.err
    assert "usually" not in ended.err
    assert set(cr.load("m").classes_) == {"None", "no", "yes"}
    assert json.loads(run("evaluate", "m", "t.csv", "--json").out)["rows"] == 45
    assert run("explain", "m", "t.csv", "--row", "1").err == ""  # a 'None'
    assert "no value" in run("explain", "m", "t.csv", "--row", "4").err
    table_of(["other"]).write_csv("o.csv")
    assert "its classes are 'None', 'no', 'yes'." in run("evaluate", "m", "o.csv").err


def test_a_label_of_parquet_that_counts_as_missing_in_csv_is_found_there(run):
    table = table_of(["None", "yes"])
    table.write_parquet("t")
    table.write_csv("t.csv")
    assert run("train", "t", "--target", "y", "--model", "m", *FAST).code == 0
    assert json.loads(run("evaluate", "m", "t.csv", "--json").out)["rows"] == ROWS


def test_labels_of_line_ends_and_quotes(run, tmp_path):
    lines = ["x,y"] + [f'{i % 2},"{"a" if i % 2 else "NA"}"' for i in range(ROWS)]
    (tmp_path / "t.csv").write_bytes("\r\n".join([*lines, ""]).encode())
    ended = run("train", "t.csv", "--target", "y", "--categorical", "y", "--model", "m", *FAST)
    assert ended.code == 0, ended.err
    assert set(cr.load("m").classes_) == {"a", "NA"}


def test_class_weights_and_reports_take_labels_as_they_are_spelled(run, refused):
    table_of(["01", "02", " a "]).write_csv("t.csv")
    given = ("train", "t.csv", "--target", "y", "--model", "m", *FAST)
    assert run(*given, "--class-weight", "01=1,02=3, a =2").code == 0
    assert "'02'" in refused(*given, "--class-weight", "3=3")
    assert run("report", "m", "t.csv").code == 0
    with open("report.html", encoding="utf-8") as file:
        page = file.read()
    assert "<th>01</th>" in page.replace(' scope="col"', "") or ">01<" in page


@pytest.mark.parametrize(
    "cells", [["01", "02", "3"], ["1.0", "2.0"], ["true", "false"], ["True", "False"], [" a ", "b"]]
)
def test_exports_spell_labels_as_their_cells(run, cells):
    table_of(cells).write_csv("t.csv")
    assert run("train", "t.csv", "--target", "y", "--model", "m", *FAST).code == 0
    for file in ("m.c", "m.js"):
        assert run("export", "m", "-o", file).code == 0
        with open(file, encoding="utf-8") as code:
            said = set(re.findall(r"class (?:is )?(\".*?\")", code.read()))
        assert said == {json.dumps(cell) for cell in cells}
    assert run("export", "m", "-o", "m.onnx").code == 0
    session = onnxruntime.InferenceSession("m.onnx")
    x = table_of(cells)["x"].to_numpy()[:, None].astype(np.float32)
    name = session.get_inputs()[0].name
    given = x if session.get_inputs()[0].type == "tensor(float)" else x.astype(np.float64)
    labels = session.run(["label"], {name: given})[0]
    assert {spell(label) for label in labels} <= set(cells)


@pytest.mark.parametrize("task", ["regression", "counts"])
def test_names_are_not_quantities(refused, task):
    table_of(["1", "2"]).write_csv("t.csv")
    given = ("--target", "y", "--categorical", "y", "--task", task)
    assert "--categorical 'y' says that the target holds names" in refused("train", "t.csv", *given)


@given(st.lists(st.integers(-(10**25), 10**25), min_size=2, max_size=9), st.data())
def test_every_spelling_of_a_number_has_the_same_key(numbers, data):
    for number in numbers:
        zeros, point = data.draw(st.integers(0, 3)), data.draw(st.sampled_from(["", ".", ".00"]))
        sign = "-" if number < 0 else data.draw(st.sampled_from(["", "+"]))
        assert key_of(f" {sign}{'0' * zeros}{abs(number)}{point}") == str(number)


@given(st.lists(st.text(min_size=1, max_size=4), min_size=2, max_size=30))
def test_names_are_any_text(cells):
    column = pl.Series("y", cells, dtype=pl.String)
    labels, values, notes = find_labels("names", column, column)
    assert values.tolist() == cells
    assert labels.classes.tolist() == sorted(set(cells))
    assert not notes


@given(st.lists(st.sampled_from(["1", "1.0", "01", "2", "2.50", " 3", "true"]), min_size=2))
def test_one_label_for_each_value(cells):
    text = pl.Series("y", cells, dtype=pl.String)
    column, _ = decide_column(text.str.strip_chars())
    kind = "number" if column.dtype.is_numeric() else "text"
    kind = "truth" if column.dtype == pl.Boolean else kind
    labels, values, _ = find_labels(kind, column, as_cells(text))
    expected = [key_of(cell, kind) for cell in cells]
    assert len(labels.classes) == len(set(expected))
    assert [labels.keys[list(labels.classes).index(value)] for value in values] == expected
    assert {spell(value).strip() for value in values} <= {cell.strip() for cell in cells}
