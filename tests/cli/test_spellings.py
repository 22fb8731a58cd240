"""Numbers, dates and gaps in every spelling: read where clear, named where they are not."""

import datetime as dt
import itertools
import json

import numpy as np
import polars as pl
import pytest

from chainrule.cli.commands import predict
from chainrule.cli.tables import batches
from chainrule.cli.tables.inputs import Column, use_inputs
from chainrule.cli.tables.kinds import decide
from chainrule.cli.tables.spellings import Rules, Spelling, read_as
from chainrule.errors import InvalidInput

NB, THIN, NARROW = "\u00a0", "\u2009", "\u202f"
FAST = ("--epochs", 2, "--hidden", "4")


def kinds_of(columns, rules=None, separator=",", **more):
    """Decide on columns, each repeated to the length of the longest."""
    height = max(map(len, columns.values()))
    table = pl.DataFrame(
        {name: (list(cells) * height)[:height] for name, cells in columns.items()},
        schema=dict.fromkeys(columns, pl.String),
    )
    return decide(table, rules or Rules(), separator, **more)


def values_of(cells, rules=None, separator=","):
    found = kinds_of({"a": cells}, rules, separator)
    return found.table["a"].to_list(), found


# ---- numbers

GROUPS = ["", ",", ".", " ", NB, THIN, NARROW, "'", "\u2019", "_"]
NEGATIVE = ["-{}", "\u2212{}", "\u2013{}", "({})", "{}-", "- {}"]
UNITS = [
    "{}",
    "{}%",
    "{} %",
    "${}",
    "\u20ac {}",
    "{} \u20ac",
    "{}\u20ac",
    "US${}",
    "EUR {}",
    "{} kg",
]
UNITS += ["{}kg", "{} km/h", "{} m\u00b2", "{} m2", "{}\u00b0C", "{} sq ft"]
NUMBERS = [1234567.25, -1234.5, 0.0, 12.75, -3.0, 1000.0, 98765.125]


def spell(value, decimal, group, negative, unit):
    """Write a number; Python's own formatting is the oracle."""
    text = f"{abs(value):,.3f}".translate({ord(","): group, ord("."): decimal})
    text = unit.format(text)
    return negative.format(text) if value < 0 else text


@pytest.mark.parametrize("separator", [",", ";", "\t", None])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("group", GROUPS)
def test_numbers_are_read_as_they_were_written(decimal, group, separator):
    if group == decimal:
        return
    # All signs without a unit, all units with a sign each.
    ways = [
        *itertools.product(NEGATIVE, ["{}"]),
        *zip(itertools.cycle(NEGATIVE[:4]), UNITS, strict=False),
    ]
    for negative, unit in ways:
        cells = [spell(value, decimal, group, negative, unit) for value in NUMBERS]
        found, decision = values_of([*cells, None], separator=separator)
        assert found == [*NUMBERS, None], cells
        assert decision.spellings["a"].decimal == decimal
        # The same spelling reads a part, and what it would not choose by itself.
        part = read_as(pl.Series(cells[3:4]), "number", decision.spellings["a"])
        assert part.to_list() == NUMBERS[3:4], cells


READ = {
    "decimal comma": (["1,5", "22,75", "3"], [1.5, 22.75, 3]),
    "comma without zero": ([",5", "0,25"], [0.5, 0.25]),
    "comma before many digits": (["1,23456", "2,5"], [1.23456, 2.5]),
    "a zero before the comma": (["0,123", "1,234"], [0.123, 1.234]),
    "too many digits for groups": (["1234,567", "1,234"], [1234.567, 1.234]),
    "thousands": (["1,234", "12,345", "999"], [1234, 12345, 999]),
    "India's groups": (["12,34,567", "1,00,000", "99,999.5"], [1234567, 100000, 99999.5]),
    "millions with points": (["1.234.567", "1.000"], [1234567, 1000]),
    "scientific": (["1e5", "1E-2", "+1.5e+03"], [1e5, 1e-2, 1.5e3]),
    "Fortran's D": (["1.5D+03", "2d-1", "3"], [1500, 0.2, 3]),
    "decimal comma, scientific": (["1,5e-3", "2,5E3"], [0.0015, 2500]),
    "plus": (["+5", "+1,5"], [5, 1.5]),
    "minus in the exponent": (["1e\u22125", "2"], [1e-5, 2]),
    "trailing minus": (["5-", "1.5-", "2"], [-5, -1.5, 2]),
    "minus and currency": (["-$5", "$-6", "($7)", "$(8)", "$9"], [-5, -6, -7, -8, 9]),
    "zero without unit": (["12%", "0", "5 %"], [12, 0, 5]),
    "one and many": (["1 year", "2 years"], [1, 2]),
    "spelled NaN": (["1.5", "NAN", "nan", "-nan", "-NaN", "NaN"], [1.5] + [None] * 5),
    "whole and spelled NaN": (["1", "NAN", "2"], [1, None, 2]),
    "codes of a program": (["1.#QNAN", "-1.#IND", "2"], [None, None, 2]),
    "times of day": (["10:30", "0:15", "23:45", "-"], [10.5, 0.25, 23.75, None]),
    "halves of a day": (["12:30 am", "1:15 PM", "12:00 p.m."], [0.5, 13.25, 12]),
    "durations": (["1:30:00", "100:00:36"], [1.5, 100.01]),
    "truths with gaps": (["TRUE", "false", "-"], [True, False, None]),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_what_is_clear_is_read(kind):
    cells, expected = READ[kind]
    found, decision = values_of(cells)
    assert found == expected
    assert len(decision.notes) <= 2


LEFT = {
    "yes and no": ["yes", "no", "yes"],
    "lists": ["1,5,7", "2,4"],
    "ranges": ["1-2", "3-4"],
    "fractions": ["1/2", "3/4"],
    "addresses": ["12 Main St", "14 Oak Ave", "3 Elm Rd", "77 Pine Dr"],
    "codes": ["A12", "B7"],
    "ranks": ["1st", "2nd", "3rd"],
    "versions": ["1.2.3", "1.2.10", "2.0.1"],
    "addresses of machines": ["192.168.1.1", "10.0.0.1"],
    "two numbers": ["5 (3)", "6 (2)"],
    "groups of two": ["1,23,45", "2,34,56"],
    "telephone": ["030 1234 5678", "040 8765 4321"],
    "only marks": ["-", ".", "-"],
    "texts with a mark": ["red", "-", "blue"],
    "units without numbers": ["kg", "%"],
    "months": ["Jan", "Feb"],
    "times of two kinds": ["59:58", "1:02:03"],
    "scores of games": ["10:75", "3:1"],
    "one and the same": ["5 pipe", "5 pipe"],
    "hexadecimal": ["0x1F", "0x2A"],
}


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("kind", LEFT)
def test_what_is_text_stays_text(kind, separator):
    found, decision = values_of(LEFT[kind], separator=separator)
    assert found == LEFT[kind]
    assert not decision.notes


# Whole tables: the other columns and the separator say what a column alone does not.
TABLES = {
    "thousands between commas": ({"a": ["1,234", "7"]}, ",", {"a": 1234}, ""),
    "thousands in Parquet": ({"a": ["1,234", "7"]}, None, {"a": 1234}, ""),
    "decimals between semicolons": ({"a": ["1,234", "7"]}, ";", {"a": 1.234}, ""),
    "decimals between tabs": ({"a": ["1,234", "7"]}, "\t", {"a": 1.234}, ""),
    "a cell says otherwise": ({"a": ["1,234"], "b": ["0.5"]}, ";", {"a": 1234, "b": 0.5}, ""),
    "its own cell does": ({"a": ["1,234", "0.5"]}, ";", {"a": 1234}, ""),
    "a comma elsewhere": ({"a": ["1.234"], "b": ["0,5"]}, ",", {"a": 1234, "b": 0.5}, ""),
    "points in groups": ({"a": ["1.234"]}, ",", {"a": 1.234}, ""),
    "points in groups, semicolons": ({"a": ["1.234"]}, ";", {"a": 1.234}, "'1.234'"),
    "both elsewhere": (
        {"a": ["1,234"], "b": ["0,5"], "c": ["0.5"]},
        ";",
        {"a": 1234, "b": 0.5, "c": 0.5},
        "'1,234'",
    ),
    "both, and points": (
        {"a": ["1.234"], "b": ["0,5"], "c": ["0.5"]}, ";", {"a": 1.234}, "'1.234'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_has_one_decimal_mark(kind):
    columns, separator, expected, cell = TABLES[kind]
    found = kinds_of(columns, separator=separator)
    assert {name: found.table[name][0] for name in expected} == expected
    unclear = [each for each in found.notes if "two ways" in each]
    assert len(unclear) == bool(cell)
    if cell:
        assert "column 'a'" in unclear[0]
        assert cell in unclear[0]
        assert "--decimal" in unclear[0]


@pytest.mark.parametrize(
    ("cells", "rules", "expected"),
    [
        (["1,234"], Rules(decimal=","), 1.234),
        (["1,234"], Rules(decimal="."), 1234),
        (["1.234"], Rules(decimal=","), 1234),
        (["1.234"], Rules(thousands="."), 1234),
        (["1,234"], Rules(thousands=","), 1234),
        (["1,5"], Rules(decimal="."), "1,5"),
        (["1.5"], Rules(decimal=","), "1.5"),
        (["1,234"], Rules(decimal=".", thousands=""), "1,234"),
        (["1 234"], Rules(thousands=","), "1 234"),
        (["1 234,5"], Rules(decimal=",", thousands=" "), 1234.5),
        (["12"], Rules(decimal=","), 12),
        (["1,5e3"], Rules(decimal=","), 1500),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", None])
def test_what_the_user_says_decides(cells, rules, expected, separator):
    found, decision = values_of(cells, rules, separator)
    assert found == [expected]
    if isinstance(expected, str):  # nothing becomes text silently
        (note,) = decision.notes
        assert f"column 'a' is taken as text, because '{expected}' is not a number with --" in note
    else:
        assert not decision.notes


# ---- gaps

MARKS = ["-", "--", ".", "..", "?", "n.a.", "N.A.", "n/a", "N/A", "#N/A", "#n/a", "na", "Na", "NA"]
MARKS += ["Null", "NULL", "null", "nil", "None", "none", "unknown", "Unknown", "UNKNOWN", "missing"]
MARKS += ["\u2013", "\u2014", "\u2026", "(null)", "<NA>", "#VALUE!", "#DIV/0!", "\\N", "NaT", "TBD"]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("cells", [["1", "2"], ["1,5", "2"], ["12%", "5%"], ["2024-01-02"]])
def test_gaps_are_missing_at_any_share(mark, cells):
    for some in ([*cells, mark], [mark] * 9 + cells, [*cells, mark, "-"]):
        found, decision = values_of(some)
        assert found.count(None) == len(some) - len(cells), some
        usual = mark in ("N/A", "NA", "NULL", "null", "None", "?", "n/a", "<NA>")
        said = [each for each in decision.notes if "read as missing" in each]
        assert len(said) == 1 or usual
        if said and not usual:
            assert f"'{mark}'" in said[0] or repr(mark) in said[0]
            assert "'a'" in said[0]
            assert "--missing" in said[0]


def test_missing_says_otherwise():
    cells = ["1", "2", "-", "-99", "NA"]
    assert values_of(cells, Rules(usual=False))[0] == cells
    assert kinds_of({"a": ["1", "2", "-"]}, Rules(usual=False)).odd["a"].cell == "-"


ODD = {
    "few": (["1", "2", "3", "4", "x"], "looks like numbers except for 'x' in row 5"),
    "two": ([*"123456789", "x", "y", "1"], "except for 2 cells, the first 'x' in row 10"),
    "one that repeats": (["1", *"xxxxxxxxx", "2"], "except for 9 cells, the first 'x' in row 2"),
    "another unit": (["3 kg", "5 g", "2 kg"], "numbers such as '3 kg' except for '5 g' in row 2"),
    "half with a unit": (["$5", "6", "$7", "8"], "'6' in row 2"),
    "both decimal marks": (["1,5", "1.5", "2,5", "3.5"], "such as '1.5' except for 2 cells"),
    "comma and text": (["1,5", "2,5", "x", "2"], "numbers such as '1,5' except for 'x' in row 3"),
    "a date": (["31.12.2024", "30.1.2024", "soon"], "dates such as '31.12.2024' except for 'soon'"),
    "no such day": (["2024-01-02", "2024-02-28", "2024-02-30"], "except for '2024-02-30' in row 3"),
    "both orders": (["31/1/2024", "12/31/2024", "30/11/2024"], "except for '12/31/2024' in row 2"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_what_keeps_a_column_from_being_numbers_is_named(kind):
    cells, said = ODD[kind]
    found, decision = values_of(cells)
    assert found == cells
    assert said in decision.odd["a"].said()


# ---- dates

DAY = dt.datetime(2024, 3, 31)
NOON = dt.datetime(2024, 3, 31, 12, 5)
DATES = {
    "2024-03-31": DAY, "2024/03/31": DAY, "2024.03.31": DAY, "31.03.2024": DAY, "31.3.2024": DAY,
    "31. 3. 2024": DAY, "03/31/2024": DAY, "3/31/2024": DAY, "31/03/2024": DAY, "31-03-2024": DAY,
    "31.03.24": DAY, "3/31/24": DAY, "31 Mar 2024": DAY, "31-Mar-2024": DAY, "31-Mar-24": DAY,
    "Mar 31, 2024": DAY, "March 31st, 2024": DAY, "31. M\u00e4rz 2024": DAY,
    "Sunday, 31 March 2024": DAY, "2024-03-31T12:05": NOON, "2024-03-31 12:05": NOON,
    "2024-03-31T12:05:00": NOON, "2024-03-31T12:05:00Z": NOON, "2024-03-31T12:05:00.000Z": NOON,
    "2024-03-31 12:05:00 UTC": NOON, "2024-03-31T14:05:00+02:00": NOON,
    "2024-03-31T14:05+0200": NOON, "2024-03-31 07:05:00-05": NOON,
    "2024-03-31T17:35:00+05:30": NOON, "2024-04-01T00:05:00+12:00": NOON, "31.03.2024 12:05": NOON,
    "31.03.2024, 12:05 Uhr": NOON, "3/31/2024 12:05 PM": NOON, "03/31/2024 12:05:00 pm": NOON,
    "31/03/2024 12:05": NOON, "Sun, 31 Mar 2024 12:05:00 GMT": NOON,
    "2024/3/31 12:05:00.5": NOON.replace(microsecond=500_000),
    "March 2024": dt.datetime(2024, 3, 1), "2024-03": dt.datetime(2024, 3, 1),
}  # fmt: skip


@pytest.mark.parametrize("cell", DATES)
def test_dates_are_read(cell):
    found, decision = values_of([cell, None, "-"])
    assert found == [DATES[cell], None, None]
    (column,) = use_inputs(decision.table, [Column("a", "date")], "t").get_columns()
    assert column[0] == pytest.approx(DATES[cell].replace(tzinfo=dt.UTC).timestamp() / 86400)
    said = [each for each in decision.notes if "read as dates" in each]
    if said:
        assert f"'{cell}' as {DATES[cell]:%Y-%m-%d}" in said[0]
        assert "--dates" in said[0]
    assert said or cell[:8] == "2024-03-"


def test_dates_of_one_column_may_be_spelled_in_several_ways():
    cells = ["2024-03-31", "2024-03-31 00:00", "2024-03-31T00:00:00Z", "31 Mar 2024"]
    assert values_of(cells)[0] == [DAY] * 4


@pytest.mark.parametrize(
    "cell", ["01/02/2024", "1/2/2024", "01-02-2024", "1/2/2024 10:00", "1/2/24"]
)
def test_day_and_month_that_cannot_be_told_apart_are_named(cell):
    found, decision = values_of([cell, cell])
    assert found == [cell, cell]
    (said,) = decision.notes
    assert (
        f"column 'a' holds dates of which day and month cannot be told apart, such as '{cell}'"
        in said
    )
    assert "--dates dmy for 2024-02-01 or --dates mdy for 2024-01-02" in said
    for order, month in (("dmy", 2), ("mdy", 1)):
        (date, _), decision = values_of([cell, cell], Rules(dates=order))
        assert (date.month, date.day) == (month, 3 - month)
        assert not decision.notes
    # Another column of the table tells.
    reply = kinds_of({"a": [cell], "b": ["31/12/2024"]})
    assert reply.table["a"][0].month == 2
    assert kinds_of({"a": [cell], "b": ["12/31/2024"]}).table["a"][0].month == 1
    assert values_of([cell], Rules(dates="none"))[0] == [cell]


def test_a_day_above_twelve_tells():
    assert values_of(["01/02/2024", "13/02/2024"])[0][0].month == 2
    assert values_of(["01/02/2024", "02/13/2024"])[0][0].month == 1


def test_a_format_of_the_user():
    rules = Rules(dates="%Y_%j")
    found = kinds_of({"a": ["2024_033", "2024_366"], "b": ["2024-01-01"]}, rules)
    assert found.table["a"].to_list() == [dt.datetime(2024, 2, 2), dt.datetime(2024, 12, 31)]
    assert found.table["b"][0] == dt.datetime(2024, 1, 1)
    assert not found.notes
    for form in ("%Q", "%", "%d.%m.%Y"):
        (note,) = kinds_of({"a": ["2024_033"], "b": ["2024-01-01"]}, Rules(dates=form)).notes
        assert note == f"no column of text holds dates in the format '{form}' of --dates."


# ---- the command


def foreign(rows=60, seed=0):
    """The same table as programs write it, and as people do."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, rows)).round(3) * 4000
    n = rng.integers(0, 3000, rows)
    days = np.datetime64("2024-01-15") + np.arange(rows)
    gap = rng.random(rows) < 0.4
    y = (x / 1000 + n / 700).round(3) * 1000
    plain = pl.DataFrame({"x": x, "z": z, "n": n, "day": days, "y": y}).with_columns(
        z=pl.when(~pl.Series(gap)).then("z")
    )

    def comma(v):
        return f"{v:,.2f}".translate({ord(","): ".", ord("."): ","})

    spelled = pl.DataFrame(
        {
            "x": [comma(v) for v in x],
            "z": [
                "-" if g else f"{comma(v)} \u20ac".replace("-", "\u2212")
                for v, g in zip(z, gap, strict=True)
            ],
            "n": [f"{v:,}".replace(",", NARROW) for v in n],
            "day": [f"{d:%d.%m.%Y}" for d in days.tolist()],
            "y": [comma(v) for v in y],
        }
    )
    return plain, spelled


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_as_people_write_it_trains_the_same_model(run, monkeypatch, form):
    plain, spelled = foreign()
    plain.write_csv("plain.csv")
    if form == "csv":
        spelled.write_csv("t", separator=";")
    else:
        spelled.write_parquet("t")
    ended = run("train", "t", "--target", "y", "--model", "m", *FAST)
    assert ended.code == 0
    assert ended.err.count("read as numbers") == 1
    assert "'x' (" in ended.err
    assert "read as dates: 'day' ('15.01.2024' as 2024-01-15); --dates" in ended.err
    assert "read as missing: '-' in 'z'" in ended.err
    same = run("train", "plain.csv", "--target", "y", "--model", "p", *FAST)
    scores = [each.out[each.out.index("On the ") :].split("Saved")[0] for each in (ended, same)]
    assert scores[0] == scores[1]
    # Every later command reads the table as it was read, also in parts.
    expected = run("predict", "p", "plain.csv").out
    assert run("predict", "m", "t").out == expected
    monkeypatch.setattr(batches, "BLOCK", 200)
    monkeypatch.setattr(batches, "PARQUET_ROWS", 7)
    monkeypatch.setattr(predict, "_MOST_ROWS", 5)
    assert run("predict", "m", "t").out == expected
    assert run("predict", "m", "t").err == ""
    scores = [run("evaluate", *given).out for given in (("m", "t"), ("p", "plain.csv"))]
    assert scores[0].replace("rows of t\n", "") == scores[1].replace("rows of plain.csv\n", "")
    assert run("check", "m", "t").code == 0
    assert run("explain", "m", "t", "--row", "2").code == 0


def test_later_tables_in_another_spelling(run, refused):
    plain, spelled = foreign()
    spelled.write_csv("t.csv", separator=";")
    plain.write_csv("plain.csv")
    assert run("train", "t.csv", "--target", "y", "--model", "m", *FAST).code == 0
    # Nothing is guessed from a later table: the model knows, or the user says.
    plain.select("x", "z", "n", "day").with_columns(z=pl.lit("1,5 \u20ac")).write_csv("other.csv")
    said = refused("predict", "m", "other.csv")
    assert "'x' of 'other.csv'" in said
    assert "add --decimal '.'" in said
    spelled.with_columns(day=pl.lit("12/31/2024")).write_csv("us.csv", separator=";")
    assert "'12/31/2024', where the model needs dates" in (
        said := refused("predict", "m", "us.csv")
    )
    assert "add --dates mdy" in said
    assert run("predict", "m", "us.csv", "--dates", "mdy").code == 0
    spelled.with_columns(z=pl.lit("5 $")).write_csv("usd.csv", separator=";")
    assert "needs numbers with '\u20ac'" in refused("predict", "m", "usd.csv")


@pytest.mark.parametrize("command", ["predict", "evaluate", "report", "check", "explain"])
def test_every_command_takes_the_options(run, refused, table, command):
    table.write_csv("t.csv")
    run("train", "t.csv", "--target", "label", "--features", "length,day", "--model", "m", *FAST)
    length = table["length"].cast(pl.String).str.replace(".", ",", literal=True)
    odd = table.select(
        length.scatter([0], ["-99,5"]), pl.col("day").dt.strftime("%m/%d/%Y"), "label"
    )
    odd.write_csv("odd.csv", separator=";")
    assert "--decimal ','" in refused(command, "m", "odd.csv")
    given = ("--decimal", ",", "--dates", "mdy", "--thousands", "none")
    assert run(command, "m", "odd.csv", *given).code == 0
    odd.with_columns(day=pl.lit("x")).write_csv("odd.csv", separator=";")
    assert "--missing 'x'" in refused(command, "m", "odd.csv", *given)
    ended = run(command, "m", "odd.csv", *given, "--missing", "y,x")
    assert ended.code == 0, ended.err
    assert "--decimal" in run(command, "--help").out


def test_the_options_are_kept_with_the_model(run, table):
    text = pl.Series(["-99" if i % 3 else "1.5" for i in range(60)])
    color = pl.Series(["nothing" if i % 4 else "red" for i in range(60)])
    rows = table.select("label", "length", length2=text, color=color)
    rows.write_csv("t.csv")
    given = ("train", "t.csv", "--target", "label", "--model", "m", *FAST)
    ended = run(*given, "--missing", "-99,nothing", "--json")
    assert ended.code == 0
    assert run("evaluate", "m", "t.csv").code == 0
    also = rows.with_columns(length2=pl.col("length2").str.replace("-99", "-99.0"))
    also.write_csv("also.csv")
    gone = rows.with_columns(
        pl.when(pl.col("length2") != "-99").then("length2").alias("length2"),
        pl.when(pl.col("color") != "nothing").then("color").alias("color"),
    )
    before = run("predict", "m", "t.csv").out
    gone.write_csv("gone.csv")
    assert run("predict", "m", "gone.csv").out == before
    assert run("predict", "m", "also.csv").out == before
    rows.with_columns(pl.col("length2").cast(pl.Float64)).write_parquet("t.parquet")
    assert run("predict", "m", "t.parquet").out == before


TARGETS = {
    "decimal comma": lambda v: f"{v:.2f}".replace(".", ","),
    "French": lambda v: f"{v:,.2f}".translate({44: NB, 46: ","}),
    "Swiss": lambda v: f"{v:,.2f}".replace(",", "'"),
    "dollars": lambda v: f"${v:,.2f}",
    "percent": lambda v: f"{v:.2f}%",
}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("separator", [",", ";"])
def test_a_target_in_another_spelling_is_a_quantity(run, table, kind, separator):
    price = table["price"] * 1.37
    spelled = pl.Series([TARGETS[kind](v) for v in price])
    table.select("length", "color", y=spelled).write_csv("t.csv", separator=separator)
    ended = run("train", "t.csv", "--target", "y", "--model", "m", "--json", *FAST)
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["task"] == "regression"
    cell = spelled[0].replace(NB, " ")
    assert f"'y' ('{cell}' as {price[0]:.2f}".rstrip("0") in ended.err
    table.select("length", "color", y=price.round(2)).write_csv("p.csv")
    assert run("evaluate", "m", "t.csv").out.replace("t.csv", "") == (
        run("evaluate", "m", "p.csv", "--decimal", ".").out.replace("p.csv", "")
    ) or kind in ("percent", "dollars")


def test_a_target_that_is_not_all_numbers_is_named(refused, table):
    spelled = [f"{v:.2f}".replace(".", ",") for v in table["price"]]
    table.select("length", y=pl.Series([*spelled[:-1], "1.5"])).write_csv("t.csv", separator=";")
    said = refused("train", "t.csv", "--target", "y")
    assert "looks like numbers such as" in said
    assert "except for '1.5' in row 60" in said
    table.select("length", y=pl.Series(spelled)).write_csv("t.csv", separator=";")
    said = refused("train", "t.csv", "--target", "y", "--decimal", ".")
    assert f"except for 60 cells, the first '{spelled[0]}' in row 1" in said
    days = ["01/02/2024", "03/04/2024"] * 30
    table.select("length", y=pl.Series(days)).write_csv("t.csv")
    assert "'y' of 't.csv' holds dates" in refused("train", "t.csv", "--target", "y")
    repeated = ["cheap" if i % 2 else str(i * 3.5) for i in range(60)]
    table.select("length", y=pl.Series(repeated)).write_csv("t.csv")
    said = refused("train", "t.csv", "--target", "y")
    assert "except for 30 cells, the first 'cheap' in row 2" in said
    assert "--missing 'cheap'" in said


def test_numbers_that_are_text_in_parquet_are_read_with_a_note(run, table):
    text = table.select("label", length=pl.col("length").cast(pl.String), zip=pl.lit("01234"))
    text = text.with_columns(kind=pl.Series(["1", "2"] * 30, dtype=pl.Categorical))
    text.write_parquet("t")
    ended = run("train", "t", "--target", "label", "--model", "m", "--json", *FAST)
    kinds = {each["name"]: each["kind"] for each in json.loads(ended.out)["columns"]}
    assert kinds == {"length": "number", "zip": "text", "kind": "text"}
    assert "column 'length' held numbers as text" in ended.err


def test_an_old_model_reads_as_before():
    column = Column.from_data({"name": "a", "kind": "number"}, Rules())
    assert column == Column("a", "number", Spelling())
    table = pl.DataFrame({"a": ["1.5", "2"]})
    assert use_inputs(table, [column], "t")["a"].to_list() == [1.5, 2.0]
    with pytest.raises(InvalidInput, match="'1,5'"):
        use_inputs(pl.DataFrame({"a": ["1,5"]}), [column], "t")
