"""Read a table some rows at a time, so that it may be larger than memory."""

import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from typing import IO

import numpy as np
import polars as pl

from chainrule.cli.tables.delimited import SAMPLE, find_layout, parse_csv, without_gaps
from chainrule.cli.tables.inputs import Column, use_inputs
from chainrule.cli.tables.reading import (
    PARQUET,
    STDIN,
    USUAL,
    empty,
    no_rows,
    opened,
    plain_kinds,
    reading_parquet,
)
from chainrule.cli.tables.spellings import Rules

__all__ = ["in_batches", "read_batches"]

BLOCK = 8 * 2**20  # bytes of CSV that are parsed at a time
PARQUET_ROWS = 2**17


def read_batches(
    path: str, rules: Rules = USUAL, wanted: Collection[str] | None = None
) -> Iterator[pl.DataFrame]:
    """Read a table, some rows at a time.

    Parameters
    ----------
    path : str
        As `read_table` takes it.
    rules : Rules
        What is missing.
    wanted : collection of str, optional
        The columns whose cells matter; the others are left as they are.

    Yields
    ------
    polars.DataFrame
        As `read_table` gives it, but for some rows, at least one.

    Raises
    ------
    MissingFile, InvalidFile, InvalidInput
        As `read_table`, at last at the end of the file.
    """
    with opened(path) as file:
        start = file.read(max(BLOCK, SAMPLE))
        if not start.strip() and not (start := start + file.read()).strip():
            raise empty(path)
        if not start.startswith(PARQUET):
            yield from _read_csv(path, file, start, rules, wanted)
        elif path == STDIN:  # Parquet has its table of contents at its end
            with tempfile.NamedTemporaryFile(suffix=".parquet") as aside:
                aside.write(start)
                while more := file.read(BLOCK):
                    aside.write(more)
                aside.flush()
                yield from _read_parquet(path, aside.name, rules)
        else:
            yield from _read_parquet(path, path, rules)


def in_batches(
    tables: Iterator[pl.DataFrame], columns: Sequence[Column], path: str, rows: int
) -> Iterator[pl.DataFrame]:
    """Take the input columns out of the parts of a table, in parts of exactly so many rows.

    So the parts, and the last bits of what is computed from them, do not depend on the file's form.

    Parameters
    ----------
    tables : iterator of polars.DataFrame
        From `read_batches`.
    columns : sequence of Column
        The inputs of the model.
    path : str
        Where the table is from, for messages.
    rows : int
        Rows of each part but the last.

    Yields
    ------
    polars.DataFrame

    Raises
    ------
    UnknownName, InvalidInput
        As `use_inputs`.
    """
    kept: list[pl.DataFrame] = []
    height = begin = 0
    for table in tables:
        here = np.arange(begin, begin + table.height)
        begin += table.height
        kept.append(use_inputs(table, columns, path, here))
        height += table.height
        if height < rows:
            continue
        whole = pl.concat(kept)
        for first in range(0, height - height % rows, rows):
            yield whole[first : first + rows]
        kept = [whole[height - height % rows :]]
        height %= rows
    if height:
        yield pl.concat(kept)


def _read_csv(
    path: str,
    file: IO[bytes],
    start: bytes,
    rules: Rules,
    wanted: Collection[str] | None,
) -> Iterator[pl.DataFrame]:
    layout = find_layout(path, start[:SAMPLE], rules.separator)
    blocks = _blocks(start[layout.offset :], file)
    block = next(blocks, b"")
    while not block.strip():
        if not (more := next(blocks, b"")):
            raise empty(path)
        block += more
    header: bytes | None = None
    skipped, any_rows = 0, False
    while True:
        more = next(blocks, b"")
        end = _end_of_record(block) if more else len(block)
        if not end:  # no line, or no quoted cell, ends in it
            block += more
            continue
        part, block = block[:end], block[end:] + more
        if header is None:
            header = part[: _end_of_record(part, first=True) or len(part)]
            whole = part
        else:
            whole = header + part
        table = without_gaps(parse_csv(path, whole, layout, skipped), rules, wanted)
        skipped += part.count(b"\n") - (header.count(b"\n") if whole is part else 0)
        if table.height and table.width:
            any_rows = True
            yield table
        if not more:
            break
    if not any_rows:
        raise no_rows(path)


def _blocks(start: bytes, file: IO[bytes]) -> Iterator[bytes]:
    for first in range(0, len(start), BLOCK):
        yield start[first : first + BLOCK]
    while block := file.read(BLOCK):
        yield block


def _end_of_record(block: bytes, *, first: bool = False) -> int:
    """Return where the last record of a block ends, or the first; 0 if none does.

    A line's end inside a quoted cell has an odd number of quotes before it.
    """
    if first:
        end = block.find(b"\n") + 1
        while end and block.count(b'"', 0, end) % 2:
            end = block.find(b"\n", end) + 1
        return end
    end = block.rfind(b"\n") + 1
    quotes = block.count(b'"', 0, end)
    while end and quotes % 2:
        before = block.rfind(b"\n", 0, end - 1) + 1
        quotes -= block.count(b'"', before, end)
        end = before
    return end


def _read_parquet(path: str, source: str, rules: Rules) -> Iterator[pl.DataFrame]:
    with open(source, "rb") as file:
        file.seek(-len(PARQUET), os.SEEK_END)
        end = file.read()
    with reading_parquet(path, end):
        scanned = pl.scan_parquet(source)
        height = int(scanned.select(pl.len()).collect().item())
    if not height:
        raise no_rows(path)
    for first in range(0, height, PARQUET_ROWS):
        with reading_parquet(path):
            table = plain_kinds(scanned.slice(first, PARQUET_ROWS).collect(), rules)
        if not table.width:
            raise no_rows(path)
        yield table
