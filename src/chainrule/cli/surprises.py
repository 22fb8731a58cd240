"""What a table has that the training did not know, said once, however many parts it is read in."""

from collections.abc import Iterator

import polars as pl
from sklearn.compose import ColumnTransformer

from chainrule.cli.exits import note
from chainrule.cli.inputs import unseen_texts

__all__ = ["Surprises"]


class Surprises:
    """Collects what is to be noted about the parts of a table.

    Parameters
    ----------
    preparation : ColumnTransformer
        Fitted.
    path : str
        Where the table is from.
    """

    def __init__(self, preparation: ColumnTransformer, path: str) -> None:
        self._preparation, self._path = preparation, path
        self._unseen: set[str] | None = None

    def of_tables(self, tables: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Look at each part as it is in the file, and pass it on."""
        yield from tables

    def of_inputs(self, inputs: pl.DataFrame) -> None:
        """Look at the input columns of a part."""
        unseen = set(unseen_texts(self._preparation, inputs))
        self._unseen = unseen if self._unseen is None else self._unseen & unseen

    def say(self, rows: int) -> None:
        """Say it, of a table of so many rows."""
        for name in sorted(self._unseen or ()):
            note(f"no value of column '{name}' in '{self._path}' was seen in training.")
