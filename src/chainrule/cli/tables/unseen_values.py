"""What a table has that the training did not know, said once, however many parts it is read in."""

from collections import Counter
from collections.abc import Collection, Iterator

import polars as pl
from sklearn.compose import ColumnTransformer

from chainrule.cli.console.exits import note
from chainrule.cli.tables.inputs import say_unseen, unseen_texts

__all__ = ["UnseenValues"]


MOST_TEXTS, OTHERS = 10_000, "others"


class UnseenValues:
    """Collects what is to be noted about the parts of a table.

    Parameters
    ----------
    preparation : ColumnTransformer
        Fitted.
    known : collection of str
        The columns that the training table had.
    path : str
        Where the table is from.
    """

    def __init__(self, preparation: ColumnTransformer, known: Collection[str], path: str) -> None:
        self._preparation, self._known, self._path = preparation, known, path
        self._unused: list[str] = []
        self._unseen: dict[str, Counter[str]] = {}

    def of_tables(self, tables: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Look at each part as it is in the file, and pass it on."""
        for table in tables:
            self._unused = [name for name in table.columns if name not in self._known]
            yield table

    def of_inputs(self, inputs: pl.DataFrame) -> None:
        """Look at the input columns of a part."""
        for name, counts in unseen_texts(self._preparation, inputs).items():
            found = self._unseen.setdefault(name, Counter())
            for text, count in counts.items():
                # A free text may differ in each of millions of rows.
                kept = text in found or len(found) < MOST_TEXTS
                found[text if kept else OTHERS] += count

    def say(self, rows: int) -> None:
        """Say it, of a table of so many rows."""
        if unused := self._unused:
            more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
            listed = ", ".join(f"'{name}'" for name in unused[:5])
            what = "has columns that the model does not take; not used"
            note(f"'{self._path}' {what}: {listed}{more}.")
        if self._unseen:
            # The most frequent first, whatever the parts.
            unseen = {
                name: dict(
                    sorted(counts.items(), key=lambda each: (each[0] == OTHERS, -each[1], each[0]))
                )
                for name, counts in self._unseen.items()
            }
            note(say_unseen(unseen, rows))
