"""From the bytes of a CSV file to its cells, as text: separator, header, quotes.

What stands around a table, such as comments, blank lines or the line by which Excel names the
separator, is passed over; a quote that swallows rows is named with its lines.
"""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import polars as pl

from chainrule.cli.console.exits import note
from chainrule.cli.guesses import Guess, following
from chainrule.cli.tables.spellings import Rules, missing_marks
from chainrule.errors import InvalidFile, InvalidInput
from chainrule.files.content import is_pickle, name_content

__all__ = ["SAMPLE", "Layout", "find_layout", "parse_csv", "without_gaps"]

SAMPLE = 2**16  # bytes that are looked at for the separator

_SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}
_CALLED = {**_SEPARATORS, " ": "spaces", ":": "colons"}
_NAMES = {",": "','", ";": "';'", "\t": "tab", "|": "'|'", " ": "space", ":": "colon"}
_RECORDS = 50
_MARK = b"\xef\xbb\xbf"  # of UTF-8
_SEP = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # Excel's
_COMMENTS = ("#", "//", "%")
_NUMBER = re.compile(r"[+-]?[0-9.,]*[0-9][0-9.,]*%?")

csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Layout:
    """How a file is laid out.

    Attributes
    ----------
    separator : str
        Between cells.
    before : int
        The lines before the header.
    offset : int
        Where the header begins, in bytes.
    guess : Guess or None
        That this is the separator.
    """

    separator: str
    before: int = 0
    offset: int = 0
    guess: Guess | None = field(default=None, compare=False)  # not how it is laid out


def find_layout(path: str, start: bytes, said: str | None = None) -> Layout:
    """Find out how a file is laid out.

    Parameters
    ----------
    path : str
        Where it is from, for messages.
    start : bytes
        How it begins, `SAMPLE` bytes if it has as many.
    said : str, optional
        What the user says the separator is.

    Returns
    -------
    Layout

    Raises
    ------
    InvalidFile
        If it is not text, or a title stands before the header.
    """
    _require_text(path, start)
    marks = len(start) - len(start.removeprefix(_MARK))
    # Old Macs end lines with \r alone, which readers of CSV no longer know.
    end = "\n" if b"\n" in start else "\r"
    lines = start[marks:].decode("utf-8", errors="replace").split(end)
    before, named = _before_header(path, lines, said)
    sizes = [len(line) + 1 for line in start[marks:].split(end.encode())[:before]]
    text = "\n".join(lines[before:]).lstrip("\r")
    offset = marks + sum(sizes)
    offset += len(start[offset:]) - len(start[offset:].lstrip(b"\r"))
    separator = said or named
    if separator is not None:
        return Layout(separator, before, offset)
    separator = _find_separator(text)
    others = ", ".join(name for each, name in _NAMES.items() if each != separator)
    guess = Guess(
        f"{_CALLED[separator]} separate the cells of '{path}'",
        "its header and first rows fit that best",
        f"add --separator with one of {others}",
    )
    with following(guess):
        _refuse_title(path, text, separator, before)
    return Layout(separator, before, offset, guess)


def parse_csv(
    path: str,
    content: bytes,
    layout: Layout,
    skipped: int = 0,
) -> pl.DataFrame:
    """Read the cells of a CSV file, or of its header and some of its lines.

    Parameters
    ----------
    path : str
        Where it is from, for messages.
    content : bytes
        The header, and lines.
    layout : Layout
        Of the file.
    skipped : int
        How many lines of the file are left out after the header.

    Returns
    -------
    polars.DataFrame
        Of text, as it is in the file.

    Raises
    ------
    InvalidFile, InvalidInput
        If it is not a table, or its columns cannot be told apart.
    """
    text = _decode(path, content, layout.before, skipped)
    part = _Part(path, text, layout.separator, layout.before + skipped)
    with following(layout.guess):
        table = _split(part, _names(part))
    if table.columns[0] == "" and table.width > 1:  # pandas writes its row numbers so
        if not skipped:
            note(f"the first column of '{path}' has no name and was left out.")
        table = table.drop("")
    return table


def without_gaps(
    table: pl.DataFrame, rules: Rules, wanted: Collection[str] | None = None
) -> pl.DataFrame:
    """Return cells without the space around them, and null where they are missing.

    Parameters
    ----------
    table : polars.DataFrame
        From `parse_csv`.
    rules : Rules
        What is missing.
    wanted : collection of str, optional
        The columns whose cells matter; the others are left as they are.

    Returns
    -------
    polars.DataFrame
    """
    marks = missing_marks(rules)
    columns = [
        column.str.strip_chars()
        for column in table.get_columns()
        if wanted is None or column.name in wanted
    ]
    numbers = pl.Series(rules.missing, dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
    gaps = [text.is_in(marks) for text in columns]
    if len(numbers):  # -99 is -99.0
        gaps = [
            gap | text.cast(pl.Float64, strict=False).is_in(numbers.implode()).fill_null(False)
            for gap, text in zip(gaps, columns, strict=True)
        ]
    return table.with_columns(text.set(gap, None) for gap, text in zip(gaps, columns, strict=True))


@dataclass(frozen=True)
class _Part:
    """Text with a header, and how many lines of its file come before what is after the header."""

    path: str
    text: str
    separator: str
    before: int

    def records(self, *, strict: bool = False) -> Any:
        """Return a reader of its records by the standard library, which is slower than polars."""
        file = io.StringIO(self.text, newline="")
        return csv.reader(file, delimiter=self.separator, strict=strict)


def _require_text(path: str, content: bytes) -> None:
    hint = "give a CSV, TSV or Parquet file"
    if is_pickle(content):
        raise InvalidFile(f"'{path}' is a pickle, which chainrule never opens; {hint}.")
    kind = name_content(content)
    if kind == "UTF-16 text":
        raise InvalidFile(f"'{path}' is UTF-16 text; save it again as UTF-8.")
    if kind != "text":
        raise InvalidFile(f"'{path}' is not a table but {kind}; {hint}.")


def _decode(path: str, content: bytes, before: int, skipped: int) -> str:
    _require_text(path, content)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        line += before + (skipped if line > 1 else 0)
        raise InvalidFile(
            f"'{path}' is not UTF-8 text (line {line}); save it again as UTF-8."
        ) from error
    return text if "\n" in text else text.replace("\r", "\n")


def _before_header(path: str, lines: list[str], said: str | None) -> tuple[int, str | None]:
    """Return how many lines come before the header, and the separator if one of them names it."""
    before, comments, separator = 0, 0, None
    for number, line in enumerate(lines):
        plain = line.strip("\ufeff \r")
        named = _SEP.fullmatch(plain) if separator is None else None
        if named and not comments:
            separator = named[1]
        elif plain.startswith(_COMMENTS) and not _is_header(plain, lines[number + 1 :]):
            comments += 1
        elif plain.strip():
            break
        before = number + 1
    if comments:
        were = "line begins" if comments == 1 else f"{comments} lines begin"
        note(f"the first {were} with '{lines[before - 1][:1]}' in '{path}': left out.")
    if said is None and separator is not None and separator not in _SEPARATORS:
        raise InvalidFile(
            f"'{path}' names '{separator}' as its separator; give a file with commas, semicolons, "
            "tabs or bars, or say with --separator what it is."
        )
    return before, separator


def _is_header(comment: str, after: Iterable[str]) -> bool:
    """Tell whether a line that looks like a comment is the header: data of as many cells follow."""
    following = next((line for line in after if line.strip()), "")
    if following.startswith(_COMMENTS):
        return False
    separator = _find_separator(f"{comment}\n{following}")
    one, other = (next(_reader(line, separator), []) for line in (comment, following))
    if len(one) != len(other) or len(one) < 2:
        return False
    numbers = [any(_NUMBER.fullmatch(cell.strip()) for cell in line) for line in (one, other)]
    return not numbers[0] and (numbers[1] or not re.match(r"\W+\s", comment))


def _find_separator(text: str) -> str:
    """Take the separator at which all records have as many cells as the header.

    If there is none, take the one of which the header has most, outside quotes.
    """
    found: dict[str, int] = {}
    for separator in _SEPARATORS:
        widths = [len(record) for record in islice(_reader(text, separator), _RECORDS) if record]
        # The sample may end within a record, and a record may be cut short.
        whole = widths[:-1] if len(widths) > 2 else widths
        if whole and whole[0] > 1 and len(set(whole)) == 1:
            found[separator] = whole[0]
    if found:
        return max(found, key=lambda separator: found[separator])
    header = _first_record(text)
    best = max(reversed(_SEPARATORS), key=header.count)
    return best if best in header else ","


def _first_record(text: str) -> str:
    """Return the first record without what is in quotes."""
    parts = text.split('"')
    outside = []
    for number, part in enumerate(parts):
        if number % 2 == 0:
            line, ended, _ = part.partition("\n")
            outside.append(line)
            if ended:
                break
    return "".join(outside)


def _reader(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _refuse_title(path: str, text: str, separator: str, before: int) -> None:
    """Refuse a title before the header, of which a table of one column would be made."""
    if separator in _first_record(text):
        return
    for each, called in _SEPARATORS.items():
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=each)
        title = next(reader, [])
        records = [(reader.line_num, record) for record in islice(reader, _RECORDS) if record]
        widths = {len(record) for _, record in records[:-1]}
        if each == "," or len(title) != 1 or len(records) < 3 or len(widths) != 1 or 1 in widths:
            continue
        numbers = [any(_NUMBER.fullmatch(cell.strip()) for cell in row) for _, row in records[:2]]
        if numbers == [False, True]:
            line = records[0][0] + before
            raise InvalidFile(
                f"'{path}' is not a table: line {before + 1} has one cell, line {line} has "
                f"{widths.pop()}, between {called}; if what stands before line {line} is a title, "
                "remove it."
            )


def _names(part: _Part) -> list[str]:
    """Return the names of the columns, the last ones empty if lines end with separators."""
    names = [name.strip() for name in next(part.records(), [])]
    seen: set[str] = set()
    last = max((position for position, name in enumerate(names, 1) if name), default=1)
    for position, name in enumerate(names[:last], 1):
        if name in seen:
            raise InvalidInput(f"'{part.path}' has two columns named '{name}'; rename one of them.")
        if not name and position > 1:
            raise _nameless(part, position)
        seen.add(name)
    return names


def _nameless(part: _Part, position: int) -> InvalidInput:
    return InvalidInput(f"Column {position} of '{part.path}' has no name; give it one.")


def _split(part: _Part, names: list[str]) -> pl.DataFrame:
    """Split text into cells."""
    _require_closed(part)
    try:
        try:
            table = _by_polars(part.text, part.separator)
        except pl.exceptions.PolarsError as error:
            if "more fields" in str(error):
                _check_lengths(part)
            # A quote within a cell, as in 5" pipe, is text; polars expects it twice.
            table = _by_polars(_quoted(part), part.separator)
        blank = _check_ragged(part, table)
    except (pl.exceptions.PolarsError, csv.Error) as error:
        raise InvalidFile(
            f"'{part.path}' is not a table: its lines cannot be split into cells at "
            f"{_CALLED[part.separator]}; check its quotes."
        ) from error
    if table.width != len(names):
        raise InvalidFile(
            f"'{part.path}' is not a table: some of its lines end with a carriage return alone; "
            "save it again with one kind of line ends."
        )
    _tell_swallowed(part, table)
    while len(names) > 1 and not names[-1]:
        if table.to_series(-1).str.strip_chars().replace("", None).null_count() < table.height:
            raise _nameless(part, len(names))
        names, table = names[:-1], table[:, :-1]
    table.columns = names
    if blank:
        rows = pl.Series("row", range(table.height))
        table = table.filter(~rows.is_in(blank))
    return table


def _by_polars(text: str, separator: str) -> pl.DataFrame:
    return pl.read_csv(
        io.BytesIO(text.encode()), separator=separator, infer_schema=False, has_header=True
    )


def _quoted(part: _Part) -> str:
    """Return the text with each quote that is within a cell written twice.

    Raises
    ------
    InvalidFile
        If a cell begins with a quote and does not end with the next one.
    """
    reader = part.records(strict=True)
    line = 1
    written = io.StringIO()
    writer = csv.writer(written, delimiter=part.separator, lineterminator="\n")
    try:
        for record in reader:
            line = reader.line_num + 1
            writer.writerow(record)
    except csv.Error as error:
        ends = reader.line_num + part.before
        where = f"line {ends}"
        if ends > line + part.before:
            where = f"the cell that begins in line {line + part.before} and ends in line {ends}"
        raise InvalidFile(
            f"'{part.path}' is not a table: text follows the closing quote in {where}; quote the "
            "whole cell, or write a quote that belongs to it twice."
        ) from error
    return written.getvalue()


def _require_closed(part: _Part) -> None:
    """Refuse a quote without its end, which would make one cell of all lines after it."""
    if part.text.count('"') % 2 == 0:
        return
    reader = part.records(strict=True)
    line = 1
    try:
        for _ in reader:
            line = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise InvalidFile(
                f"'{part.path}' is not a table: a quote opens in line {line + part.before} and "
                "does not close; close it, or write it twice if it belongs to the cell."
            ) from error


def _check_ragged(part: _Part, table: pl.DataFrame) -> list[int]:
    """Refuse rows that are too short, and return the numbers of blank lines.

    polars fills a short row with missing cells, so only a table with missing cells in its last
    column needs the second, slower look.
    """
    if table.width < 2 or not table.to_series(-1).null_count():
        return []
    return _check_lengths(part)


def _check_lengths(part: _Part) -> list[int]:
    reader = part.records()
    header = next(reader)
    blank = []
    for number, record in enumerate(reader):
        if not record:
            blank.append(number)
        elif len(record) != len(header):
            raise InvalidFile(
                f"'{part.path}' is not a table: line {reader.line_num + part.before} has "
                f"{len(record)} cells, the header has {len(header)}; make them equal, or quote "
                "cells with separators."
            )
    return blank


def _tell_swallowed(part: _Part, table: pl.DataFrame) -> None:
    """Say where a quote closes only in a later row, so that the rows between are one cell."""
    if '"' not in part.text or part.text.count("\n") <= table.height + 1 or table.width < 2:
        return
    rows = [
        row
        for position, column in enumerate(table.get_columns())
        for row in column.str.contains("\n", literal=True).fill_null(False).arg_true()
        if _holds_rows(column[row], part.separator, position, table.width)
    ]
    if not rows:
        return
    first = min(rows)
    reader = part.records()
    for _ in islice(reader, first + 1):
        pass
    begins = reader.line_num + 1
    next(reader)
    more = "" if len(rows) == 1 else f", and {len(rows) - 1} more later"
    note(
        f"in '{part.path}' a quote opens in line {begins + part.before} and closes in line "
        f"{reader.line_num + part.before}{more}: what is between is one cell, though it looks like "
        "rows; if it is not meant, write the quote twice."
    )


def _holds_rows(cell: str, separator: str, position: int, width: int) -> bool:
    """Tell whether a cell of several lines is the end of a row, rows, and the start of one."""
    counts = [line.count(separator) for line in cell.split("\n")]
    expected = [width - 1 - position, *[width - 1] * (len(counts) - 2), position]
    return counts == expected and (len(counts) > 2 or width > 2)
