"""Separators, headers and quotes: the table is read, or it is said where it is not one."""

import polars as pl
import pytest

from chainrule.cli.console.exits import progress_of_output
from chainrule.cli.tables import batches, delimited
from chainrule.cli.tables.reading import read_table
from chainrule.errors import InvalidFile, InvalidInput

ROWS = [["1", "x", "2.5"], ["2", "y", "3,5"], ["3", "z z", None], ["4", 'say "hi"', "a\nb"]]
NAMES = ["Height\n(cm)", "b", "y"]
SEPARATORS = [",", ";", "\t", "|"]


def write(separator, names=NAMES, rows=ROWS):
    table = pl.DataFrame(rows, schema=names, orient="row")
    return table.write_csv(separator=separator)


# What may stand around a table, and whether that is said.
AROUND = {
    "nothing": (lambda text, s: text, 0),
    "byte order mark": (lambda text, s: "\ufeff" + text, 0),
    "Excel's line": (lambda text, s: f"sep={s}\n{text}", 0),
    "Excel's line, quoted": (lambda text, s: f'"sep={s}"\r\n{text}', 0),
    "both": (lambda text, s: f"\ufeffSEP={s}\n{text}", 0),
    "blank lines": (lambda text, s: f"\n \r\n\n{text}", 0),
    "a comment": (lambda text, s: f"# made by 'a program', with \"care\n{text}", 1),
    "comments and blank lines": (lambda text, s: f"\n# one;two\n#\n\n{text}", 1),
    "comments with separators": (lambda text, s: f"# a{s}b{s}c\n# d{s}e\n{text}", 1),
    "mark and comment": (lambda text, s: f"\ufeff# one\n{text}", 1),
    "comment of another kind": (lambda text, s: f"// one\n% two\n{text}", 1),
    "Windows": (lambda text, s: text.replace("\n", "\r\n"), 0),
    "ends with blank lines": (lambda text, s: text + "\n\n", 0),
    "lines end with separators": (
        lambda text, s: (
            text.replace(f"b{s}y\n", f"b{s}y{s}{s}\n")
            .replace("2.5\n", f"2.5{s}{s}\n")
            .replace("3,5\n", f"3,5{s}{s}\n")
            .replace('3,5"\n', f'3,5"{s}{s}\n')
            .replace(f"z z{s}\n", f"z z{s}{s}{s}\n")
            .replace('a\nb"\n', f'a\nb"{s}{s}\n')
        ),
        0,
    ),
}


def cells(table):
    return [[cell and cell.replace("\r", "") for cell in row] for row in table.rows()]


@pytest.mark.parametrize("block", [1, 30, 10**6])
@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_table_is_read_whatever_is_around_it(tmp_path, monkeypatch, separator, around, block):
    change, notes = AROUND[around]
    progress_of_output.start()
    path = tmp_path / "t"
    path.write_bytes(change(write(separator), separator).encode())
    table = read_table(str(path))
    assert progress_of_output.notes is not None
    assert len(progress_of_output.notes) == notes
    assert [name.replace("\r", "") for name in table.columns] == NAMES
    assert cells(table) == ROWS
    monkeypatch.setattr(batches, "BLOCK", block)
    parts = list(batches.read_batches(str(path)))
    assert pl.concat(parts).equals(table)


LAYOUTS = {
    "a quoted line in the header": ('"Height\n(cm)";b;y\n1;2;3\n', ";"),
    "other separators in quotes": ('"a, b, c, d";e\n1;2\n', ";"),
    "other separators in the header": ("a (x, y, z);b (u, v, w)\n1;2\n", ";"),
    "decimal commas": ("Preis, netto;Menge\n1,5;2\n2,5;3\n", ";"),
    "decimal commas in tabs": ("a, b\tc\n1,5\t2\n", "\t"),
    "one column": ("y\n1\n2\n", ","),
    "one column of texts": ("text\nhello; you\nthere\n", ","),
    "short rows": ("a;b;c\n1;2\n", ";"),
    "a header of marks": ("#id;name;x\n1;Bob;3\n", ";"),
    "a header of marks, texts": ("#name,city\nBob,Rome\n", ","),
    "numbers after a comment": ("# x,y\n1,2\n", ","),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_the_separator_is_that_of_the_records(kind):
    text, separator = LAYOUTS[kind]
    layout = delimited.find_layout("t", text.encode())
    assert layout == delimited.Layout(separator)


def test_old_macs(tmp_path):
    (tmp_path / "t").write_bytes(
        b"\xef\xbb\xbf# one\rsep\ra;b\r1;2\r3;4\r"[:4] + b"\r\ra;b\r1;2\r3;4\r"
    )
    table = read_table(str(tmp_path / "t"))
    assert table.rows() == [("1", "2"), ("3", "4")]
    assert pl.concat(batches.read_batches(str(tmp_path / "t"))).equals(table)


def swallowed(rows=120, first=10, last=55, width=3):
    """A quote in one row that closes in another: `first` and `last` are lines of the file."""
    lines = [",".join("abcdefgh"[:width])]
    for i in range(rows):
        line = [f"{i}", "steel pipe" if width > 1 else "", *(["1"] * (width - 2))][:width]
        lines.append(",".join(line))
    lines[first - 1] = lines[first - 1].replace("steel", '"steel')
    lines[last - 1] = lines[last - 1].replace("pipe", 'pipe"')
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("block", [500, 10**6])
@pytest.mark.parametrize(("first", "last"), [(10, 55), (2, 121), (7, 8)])
@pytest.mark.parametrize("before", ["", "# one\n\n"])
def test_a_quote_that_swallows_rows_is_said_with_its_lines(
    run, tmp_path, monkeypatch, first, last, before, block
):
    text = swallowed(first=first, last=last).replace("a,b,c\n", "a,b,c\n")
    (tmp_path / "good.csv").write_text(swallowed().replace('"', ""))
    (tmp_path / "t.csv").write_text(before + text)
    given = ("--target", "a", "--epochs", 1, "--hidden", "4", "--model", "m")
    assert run("train", "good.csv", *given).err.count("quote") == 0
    monkeypatch.setattr(batches, "BLOCK", block)
    ended = run("predict", "m", "t.csv")
    shift = before.count("\n")
    said = f"a quote opens in line {first + shift} and closes in line {last + shift}"
    assert said in ended.err
    assert ended.err.count("a quote opens") == 1
    assert ended.out.count("\n") == 1 + 120 - (last - first)
    assert said in run("evaluate", "m", "t.csv").err


@pytest.mark.parametrize(
    "cell", ["two\nlines", "a, b\nc", "Dear all,\nthanks, bye,\nyours, me, too", "\n", "x\n\ny"]
)
def test_a_cell_of_several_lines_is_no_reason_for_a_note(tmp_path, cell):
    progress_of_output.start()
    table = pl.DataFrame({"a": ["1", "2"], "b": [cell, "x"], "c": ["3", "4"]})
    table.write_csv(tmp_path / "t")
    assert read_table(str(tmp_path / "t"))["b"][0] == (cell.strip() or None)
    assert progress_of_output.notes == []


@pytest.mark.parametrize("quotes", [1, 2])
def test_a_quote_within_a_cell_is_text(tmp_path, monkeypatch, quotes):
    lines = ["a,b", "1,5 pipe", "2,x", "3,7 pipe", "4,y"]
    for number in (1, 3)[:quotes]:
        lines[number] = lines[number].replace(" pipe", '" pipe')
    (tmp_path / "t").write_text("\n".join(lines) + "\n")
    table = read_table(str(tmp_path / "t"))
    expected = ['5" pipe', "x", '7" pipe' if quotes > 1 else "7 pipe", "y"]
    assert table["b"].to_list() == expected


SAID = {
    "text after a quote": ('a,b\n1,"x"y\n2,z\n', InvalidFile, "closing quote in line 2"),
    "far after a quote": (
        'a,b,c\n0,x,0\n1,"x,2\n3,x,3\n4,"x,5\n6,x,6\n',
        InvalidFile,
        "the cell that begins in line 3 and ends in line 5",
    ),
    "open quote": (
        '# one\n\na,b\n1,"x\n2,3\n',
        InvalidFile,
        "a quote opens in line 4 and does not",
    ),
    "title": (
        "Sales 2024\n\nid;name;x\n1;Bob;3\n2;Ann;4\n",
        InvalidFile,
        "line 1 has one cell, line 3 has 3",
    ),
    "title between commas": ("Sales\nid,x\n1,2\n", InvalidFile, "line 2 has 2 cells"),
    "another separator": ("sep=:\na:b\n1:2\n", InvalidFile, "names ':' as its separator"),
    "short row": ("# one\nsep\n\n"[:6] + "a,b\n1,2\n3\n", InvalidFile, "line 4 has 1 cell"),
    "no name": ("a,,b\n1,2,3\n", InvalidInput, "Column 2"),
    "no name at the end": ("a,b,\n1,2,3\n", InvalidInput, "Column 3"),
    "no names at the end": ("a,b,,\n1,2,3,\n", InvalidInput, "Column 3"),
}


@pytest.mark.parametrize("kind", SAID)
def test_what_is_no_table_is_said_with_its_line(tmp_path, kind):
    content, error, said = SAID[kind]
    (tmp_path / "t").write_text(content)
    with pytest.raises(error) as caught:
        read_table(str(tmp_path / "t"))
    assert said in str(caught.value)
    with pytest.raises(error) as parts:
        list(batches.read_batches(str(tmp_path / "t")))
    assert str(parts.value) == str(caught.value)


@pytest.mark.parametrize("content", ["\ufeff", "\ufeff\n\n", "# one\n", "sep=;\n", "# a\n\n \n"])
def test_what_has_no_header_is_empty(tmp_path, content):
    (tmp_path / "t").write_text(content)
    with pytest.raises(InvalidFile, match="is empty"):
        read_table(str(tmp_path / "t"))
    with pytest.raises(InvalidFile, match="is empty"):
        list(batches.read_batches(str(tmp_path / "t")))
