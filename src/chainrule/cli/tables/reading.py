"""Read tables: CSV, TSV and the like, or Parquet, told by their content; write CSV.

CSV cells are read as text (by `delimited`): what they stand for is decided for whole columns (by
`kinds`). So the same rules hold at training and later, whatever the first rows look like.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
import polars.selectors as cs

from chainrule.cli.tables.delimited import SAMPLE, find_layout, parse_csv, without_gaps
from chainrule.cli.tables.spellings import Rules
from chainrule.errors import ChainruleError, InvalidFile, InvalidInput, MissingFile, UnknownName

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
        If there is no such file, or it is not a table.
    InvalidInput
        If the table has no rows or its columns cannot be told apart.
    """
    content = _read_bytes(path)
    if content.startswith(PARQUET):
        found = _read_parquet(path, content, rules, spelled)
    else:
        layout = find_layout(path, content[:SAMPLE], rules.separator)
        if not content[layout.offset :].strip():
            raise empty(path)
        table = parse_csv(path, content[layout.offset :], layout)
        as_it_is = table[spelled] if spelled in table.columns else None
        found = Cells(without_gaps(table, rules), layout.separator, spelled=as_it_is)
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
    if table.width == 1 and re.search(r"\W", table.columns[0]):
        raise UnknownName(
            f"'{path}' has no column '{name}': it has one column only, {shown}; if these are more, "
            "add --separator with what stands between them."
        )
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


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")
