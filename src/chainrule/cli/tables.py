"""Read tables: CSV, TSV and the like, or Parquet, told by their content; write CSV.

CSV cells are read as text: what they stand for is decided for whole columns by `kinds`. So the
same rules hold at training and later, whatever the first rows look like.
"""

import csv
import io
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
import polars.selectors as cs

from chainrule.cli.exits import note
from chainrule.cli.spellings import Rules, missing_marks
from chainrule.errors import ChainruleError, InvalidFile, InvalidInput, MissingFile, UnknownName
from chainrule.files.content import is_pickle, name_content

__all__ = [
    "LARGEST",
    "PARQUET",
    "STDIN",
    "USUAL",
    "Cells",
    "as_cells",
    "called",
    "empty",
    "no_rows",
    "opened",
    "parse_csv",
    "plain_kinds",
    "read_cells",
    "read_table",
    "reading_parquet",
    "require_column",
    "to_csv",
]

STDIN = "-"
PARQUET = b"PAR1"  # how a file of that kind begins and ends

USUAL = Rules()
LARGEST = 1e100  # the square of a larger number may be infinite, and with it a standard deviation

_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}


@dataclass(frozen=True)
class Cells:
    """A table as it is in a file.

    Attributes
    ----------
    table : polars.DataFrame
        From CSV all of text, with the missing cells null. It has at least one row and one column,
        all with distinct names.
    separator : str or None
        What separates the cells; None in Parquet.
    declared : tuple of str
        Columns of text that the file declares to be categories.
    spelled : polars.Series or None
        One column as it is spelled, with all spaces; null only where nothing is. From Parquet
        values are as they would be in CSV.
    """

    table: pl.DataFrame
    separator: str | None
    declared: tuple[str, ...] = ()
    spelled: pl.Series | None = None

    def of_rows(self, rows: np.ndarray) -> "Cells":
        """Return some of the rows."""
        spelled = None if self.spelled is None else self.spelled[rows]
        return replace(self, table=self.table[rows], spelled=spelled)


def read_table(path: str, rules: Rules = USUAL) -> pl.DataFrame:
    """Read a table from a file, with its cells as they are: `read_cells` without the rest.

    Parameters
    ----------
    path : str
        A CSV, TSV or Parquet file; its content says which. "-" is standard input.
    rules : Rules
        What is missing.

    Returns
    -------
    polars.DataFrame

    Raises
    ------
    MissingFile, InvalidFile, InvalidInput
        As `read_cells`.
    """
    return read_cells(path, rules).table


def read_cells(path: str, rules: Rules = USUAL, spelled: str | None = None) -> Cells:
    """Read the cells of a table from a file.

    Parameters
    ----------
    path : str
        A CSV, TSV or Parquet file; its content says which. "-" is standard input.
    rules : Rules
        What is missing.
    spelled : str, optional
        A column that is wanted as it is spelled, too, if it is there.

    Returns
    -------
    Cells

    Raises
    ------
    MissingFile, InvalidFile
        If there is no such file, or it is no table.
    InvalidInput
        If the table has no rows or its columns cannot be told apart.
    """
    content = _read_bytes(path)
    if content.startswith(PARQUET):
        found = _read_parquet(path, content, rules, spelled)
    else:
        found = parse_csv(path, content, rules, spelled=spelled)
    if not found.table.width or not found.table.height:
        raise no_rows(path)
    return found


def as_cells(column: pl.Series) -> pl.Series:
    """Return the values of a column as text, as they would be in a CSV file.

    Parameters
    ----------
    column : polars.Series
        Of any kind.

    Returns
    -------
    polars.Series
        Of text; all null if the values, such as lists, have no such form.
    """
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return pl.Series(column.name, [None] * len(column), pl.String)
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if column.dtype == pl.Datetime:
        days = (column.dt.truncate("1d") == column).fill_null(True).all()
        return column.dt.strftime("%Y-%m-%d" if days else "%Y-%m-%dT%H:%M:%S%.f")
    return column.cast(pl.String)


def no_rows(path: str) -> InvalidInput:
    """Make the error for a table without rows.

    Parameters
    ----------
    path : str
        Where it is from.

    Returns
    -------
    InvalidInput
    """
    return InvalidInput(f"'{path}' has a header but no rows; give a table with data.")


def require_column(table: pl.DataFrame, name: str, path: str) -> None:
    """Make sure that a table has a column.

    Parameters
    ----------
    table : polars.DataFrame
        The table.
    name : str
        The column.
    path : str
        Where the table is from, for the message.

    Raises
    ------
    UnknownName
        If not; it suggests the nearest name.
    """
    if name in table.columns:
        return
    lowered = {column.lower(): column for column in reversed(table.columns)}
    near = get_close_matches(name.lower(), lowered, n=1)
    hint = f": did you mean '{lowered[near[0]]}'?" if near else "."
    shown = ", ".join(f"'{column}'" for column in table.columns[:12])
    more = f" and {table.width - 12} more" if table.width > 12 else ""
    raise UnknownName(f"'{path}' has no column '{name}'{hint} Its columns are {shown}{more}.")


def called(series: pl.Series) -> str:
    """Return what the values of a column are called in a sentence.

    Parameters
    ----------
    series : polars.Series
        The column.

    Returns
    -------
    str
    """
    if series.dtype.is_numeric():
        return "numbers"
    names = {
        pl.String: "text",
        pl.Boolean: "true and false",
        pl.Date: "dates",
        pl.Datetime: "dates",
        pl.Time: "times of day",
        pl.Duration: "durations",
        pl.List: "lists",
        pl.Array: "lists",
        pl.Struct: "records",
        pl.Binary: "binary data",
    }
    return names.get(series.dtype.base_type(), "values of an unknown kind")


def to_csv(table: pl.DataFrame) -> str:
    """Return a table as CSV.

    Parameters
    ----------
    table : polars.DataFrame
        The table.

    Returns
    -------
    str
        Numbers have all digits needed to read the same number back.
    """
    return table.write_csv()


def _read_bytes(path: str) -> bytes:
    with opened(path) as file:
        content = file.read()
    if not content.strip():
        raise empty(path)
    return content


def empty(path: str) -> InvalidFile:
    """Make the error for an empty file.

    Parameters
    ----------
    path : str
        Where it is.

    Returns
    -------
    InvalidFile
    """
    return InvalidFile(f"'{path}' is empty; give a CSV, TSV or Parquet file with a header.")


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open a table, or standard input for "-".

    Parameters
    ----------
    path : str
        The file.

    Yields
    ------
    binary file

    Raises
    ------
    MissingFile, InvalidFile
        If there is no such file, or it cannot be read.
    """
    try:
        if path == STDIN:
            yield sys.stdin.buffer
        else:
            with open(path, "rb") as file:
                yield file
    except ChainruleError:
        raise
    except FileNotFoundError as error:
        folder = Path(path).parent
        names = [item.name for item in folder.iterdir()] if folder.is_dir() else []
        near = get_close_matches(Path(path).name, names, n=1)
        hint = f": did you mean '{folder / near[0]}'?" if near else "."
        raise MissingFile(f"There is no file '{path}'{hint}") from error
    except IsADirectoryError as error:
        raise InvalidFile(f"'{path}' is a folder; give a CSV, TSV or Parquet file.") from error
    except (OSError, ValueError) as error:
        raise InvalidFile(f"'{path}' cannot be read ({error}).") from error


def _read_parquet(path: str, content: bytes, rules: Rules, spelled: str | None) -> Cells:
    if not content.endswith(PARQUET):
        raise _cut_short(path)
    with reading_parquet(path):
        table = pl.read_parquet(io.BytesIO(content))
        declared = tuple(table.select(pl.col(pl.Categorical, pl.Enum)).columns)
        cells = as_cells(table[spelled]) if spelled in table.columns else None
        return Cells(plain_kinds(table, rules), None, declared, cells)


def _cut_short(path: str) -> InvalidFile:
    return InvalidFile(f"'{path}' is a Parquet file cut short; take another copy.")


@contextmanager
def reading_parquet(path: str, end: bytes = PARQUET) -> Iterator[None]:
    """Say in one sentence what polars cannot read.

    Parameters
    ----------
    path : str
        Where the table is from, for the message.
    end : bytes
        How the file ends.

    Raises
    ------
    InvalidFile
        If the file is damaged or cut short.
    """
    if end != PARQUET:
        raise _cut_short(path)
    try:
        with _silence():
            yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise InvalidFile(f"'{path}' is a damaged Parquet file ({_first_line(error)}).") from error


def plain_kinds(table: pl.DataFrame, rules: Rules = USUAL) -> pl.DataFrame:
    """Return a table from Parquet with the kinds of columns that one from CSV could have.

    Parameters
    ----------
    table : polars.DataFrame
        As polars reads it.
    rules : Rules
        What is missing besides nulls and NaN.

    Returns
    -------
    polars.DataFrame
    """
    table = table.with_columns(
        pl.col(pl.Categorical, pl.Enum).cast(pl.String), pl.col(pl.Decimal).cast(pl.Float64)
    ).with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))
    if not rules.missing:
        return table
    marks = pl.Series(rules.missing)
    numbers = marks.cast(pl.Float64, strict=False).drop_nulls().implode()
    return table.with_columns(
        pl.when(~pl.col(pl.String).is_in(marks.implode())).then(pl.col(pl.String)),
        pl.when(~cs.numeric().cast(pl.Float64).is_in(numbers)).then(cs.numeric()),
    )


@contextmanager
def _silence() -> Iterator[None]:
    """Keep polars' Rust core from printing its own trace of an error that we put into words."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def parse_csv(
    path: str,
    content: bytes,
    rules: Rules = USUAL,
    wanted: Collection[str] | None = None,
    skipped: int = 0,
    spelled: str | None = None,
) -> Cells:
    """Read a table from the bytes of a CSV file, or from its header and some of its lines.

    Parameters
    ----------
    path : str
        Where it is from, for messages.
    content : bytes
        The header, and lines.
    rules : Rules
        What is missing.
    wanted : collection of str, optional
        The columns whose cells matter; the others are left as they are.
    skipped : int
        How many lines of the file are left out after the header.
    spelled : str, optional
        A column that is wanted as it is spelled, too, if it is there.

    Returns
    -------
    Cells

    Raises
    ------
    InvalidFile, InvalidInput
        If it is no table, or its columns cannot be told apart.
    """
    text = _decode(path, content, skipped)
    separator = _find_separator(text)
    _check_quotes(path, text, separator, skipped)
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
        names = [name.strip() for name in header]
        _check_names(path, names)
        table = pl.read_csv(
            io.BytesIO(text.encode()), separator=separator, infer_schema=False, has_header=True
        )
        table.columns = names
        blank = _check_ragged(path, text, separator, table, skipped)
    except (pl.exceptions.PolarsError, csv.Error) as error:
        if "more fields" in str(error):
            _check_lengths(path, text, separator, skipped)
        raise InvalidFile(
            f"'{path}' is no table: its lines cannot be split into cells at "
            f"{_SEPARATORS[separator]}; check its quotes."
        ) from error
    if blank:
        rows = pl.Series("row", range(table.height))
        table = table.filter(~rows.is_in(blank))
    if names[0] == "" and table.width > 1:  # pandas writes its row numbers so
        if not skipped:
            note(f"the first column of '{path}' has no name and was left out.")
        table = table.drop("")
    as_it_is = table[spelled] if spelled in table.columns else None
    marks = missing_marks(rules)
    table = table.with_columns(
        _without_gaps(column, marks)
        for column in table.get_columns()
        if wanted is None or column.name in wanted
    )
    return Cells(table, separator, spelled=as_it_is)


def _decode(path: str, content: bytes, skipped: int) -> str:
    hint = "give a CSV, TSV or Parquet file"
    if is_pickle(content):
        raise InvalidFile(f"'{path}' is a pickle, which chainrule never opens; {hint}.")
    kind = name_content(content)
    if kind == "UTF-16 text":
        raise InvalidFile(f"'{path}' is UTF-16 text; save it again as UTF-8.")
    if kind != "text":
        raise InvalidFile(f"'{path}' is no table but {kind}; {hint}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        line += skipped if line > 1 else 0
        raise InvalidFile(
            f"'{path}' is not UTF-8 text (line {line}); save it again as UTF-8."
        ) from error
    if not text.strip():
        raise empty(path)
    # Old Macs end lines with \r alone, which readers of CSV no longer know.
    text = text if "\n" in text else text.replace("\r", "\n")
    return text.lstrip("\r\n")


def _find_separator(text: str) -> str:
    """Take the separator that the header line has most of, outside quotes."""
    header = "".join(text.split("\n", 1)[0].split('"')[::2])
    best = max(_SEPARATORS, key=header.count)
    return best if best in header else ","


def _check_names(path: str, names: list[str]) -> None:
    seen: set[str] = set()
    for position, name in enumerate(names, 1):
        if name in seen:
            raise InvalidInput(f"'{path}' has two columns named '{name}'; rename one of them.")
        if not name and position > 1:
            raise InvalidInput(f"Column {position} of '{path}' has no name; give it one.")
        seen.add(name)


def _check_quotes(path: str, text: str, separator: str, skipped: int) -> None:
    """Refuse a quote without its end, which would make one cell of all lines after it."""
    if text.count('"') % 2 == 0:
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for _ in reader:
            line = reader.line_num + 1 + skipped
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise InvalidFile(
                f"'{path}' is no table: a quote opens in line {line} and does not close; "
                "close it, or write it twice if it belongs to the cell."
            ) from error


def _check_ragged(
    path: str, text: str, separator: str, table: pl.DataFrame, skipped: int
) -> list[int]:
    """Refuse rows that are too short, and return the numbers of blank lines.

    polars fills a short row with missing cells, so only a table with missing cells in its last
    column needs the second, slower look.
    """
    if table.width < 2 or not table.get_columns()[-1].null_count():
        return []
    return _check_lengths(path, text, separator, skipped)


def _check_lengths(path: str, text: str, separator: str, skipped: int) -> list[int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header = next(reader)
    blank = []
    for number, record in enumerate(reader):
        if not record:
            blank.append(number)
        elif len(record) != len(header):
            raise InvalidFile(
                f"'{path}' is no table: line {reader.line_num + skipped} has {len(record)} cells, "
                f"the header has {len(header)}; make them equal, or quote cells with separators."
            )
    return blank


def _without_gaps(column: pl.Series, marks: Collection[str]) -> pl.Series:
    text = column.str.strip_chars()
    return text.set(text.is_in(list(marks)), None)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")
