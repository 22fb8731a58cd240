"""Tables at predict time that differ from the training table: said, and counted."""

import polars as pl
import pytest

FAST = ("--epochs", 2, "--hidden", "4")


@pytest.fixture
def model(run, table):
    table.write_csv("t.csv")
    ended = run(
        "train", "t.csv", "--target", "label", "--drop", "class,good", *FAST, "--model", "m"
    )
    assert ended.code == 0
    return run


def predict(run, table):
    table.write_csv("p.csv")
    return run("predict", "m", "p.csv")


def test_the_training_table_itself_is_no_surprise(model, table):
    assert predict(model, table).err == ""
    assert predict(model, table.drop("label", "class", "good")).err == ""


def test_the_order_of_columns_does_not_matter(model, table):
    ended = predict(model, table.select(reversed(table.columns)))
    assert ended.err == ""
    assert ended.out == predict(model, table).out


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_extra_columns_are_said(model, table, command):
    table.with_columns(extra=1, other=pl.lit("x")).write_csv("p.csv")
    ended = model(command, "m", "p.csv")
    assert ended.code == 0
    said = "note: 'p.csv' has columns that the model does not take; not used: 'extra', 'other'.\n"
    assert ended.err == said
    many = table.with_columns(**{f"extra{i}": pl.lit(i) for i in range(9)})
    assert "'extra4' and 4 more.\n" in predict(model, many).err


def test_missing_columns_are_refused(model, refused, table):
    for name in ("length", "color", "day"):
        table.drop(name).write_csv("p.csv")
        assert f"'p.csv' has no column '{name}'" in refused("predict", "m", "p.csv")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        (
            "length",
            pl.lit("long"),
            "text, for instance 'long', where the model needs numbers",
        ),
        (
            "day",
            pl.lit("someday"),
            "text, for instance 'someday', where the model needs dates",
        ),
        ("length", pl.lit("2024-01-01"), "holds dates"),
    ],
)
def test_another_type_is_refused(model, refused, table, name, values, said):
    table.with_columns(values.alias(name)).write_csv("p.csv")
    assert said in refused("predict", "m", "p.csv")


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_unseen_categories_are_grouped_and_counted_in_one_note(run, table, command):
    kind = pl.Series(["a", "b"] * (table.height // 2))
    table = table.with_columns(kind=kind)
    table.write_csv("t.csv")
    assert run("train", "t.csv", "--target", "label", *FAST, "--model", "m").code == 0
    rows = range(table.height)
    color = ["pink" if i < 3 else "gray" if i == 3 else None if i == 4 else "red" for i in rows]
    odd = table.with_columns(color=pl.Series(color), kind=kind.scatter([5], ["c"]))
    odd.write_csv("p.csv")
    ended = run(command, "m", "p.csv")
    assert ended.code == 0
    assert ended.err == (
        "note: values that were not seen in training are grouped as unknown (number of the 60 rows "
        "in brackets): 'pink' and 1 more in column 'color' (4), 'c' in column 'kind' (1).\n"
    )


def test_unseen_categories_count_as_the_rare_ones_of_training(run, table):
    shapes = ["round"] * 30 + ["flat"] * 27 + ["odd", "odder", "oddest"]
    table = table.with_columns(shape=pl.Series(shapes))
    table.write_csv("t.csv")
    assert run("train", "t.csv", "--target", "label", *FAST, "--model", "m").code == 0
    outs = [predict(run, table.with_columns(shape=pl.lit(s))).out for s in ("odd", "new", "round")]
    assert outs[0] == outs[1] != outs[2]
