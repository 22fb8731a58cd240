"""Decide what the columns of a table are, and how their cells are spelled: once, for all of it.

A column is one of numbers or dates only if all of its cells are. What can be read in one way only
is read, and a note says how; what cannot is named with the option that decides.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, time

import polars as pl

from chainrule.cli.tables.spellings import (
    ORDERS,
    PLAIN,
    Rules,
    Spelling,
    are_gaps,
    dates_in_format,
    iso_dates,
    number_parts,
    number_values,
    plain_numbers,
    read_as,
    read_clock,
    read_dates,
    read_truths,
    same_unit,
)

__all__ = ["Decision", "Odd", "decide", "decide_column", "missing_hint", "quoted", "ways"]

FEW = 5  # a fifth of the cells may differ in a column that looks like numbers
SOME = 1000  # cells that are looked at before all of them are
MOST_UNITS = 3
MOST_LETTERS = 40
MOST_NAMED = 6
MOST_LABELS = 20  # a target of so few numbers may be one of classes, and a word one of them
_CODES = r"^[+-]?0[0-9]+$"


@dataclass(frozen=True)
class Odd:
    """The cells that make text of a column that looks like something else.

    Attributes
    ----------
    like : str
        What it looks like, and how that is spelled if it is not plain.
    count : int
        How many cells differ.
    cell : str
        The first of them.
    position : int
        Where it is, from 0.
    distinct : int
        How many different ones there are.
    share : float
        Of the cells that have a value.
    """

    like: str
    count: int
    cell: str
    position: int
    distinct: int
    share: float

    def said(self) -> str:
        """Return how it is said after the name of a column."""
        which = "" if self.count == 1 else f"{self.count} cells, the first "
        at = f"{quoted(self.cell)} in row {self.position + 1}"
        return f"looks like {self.like} except for {which}{at}"

    @property
    def may_be_missing(self) -> str:
        """What may help if the cells stand for a value that is not known; it may be nothing."""
        return missing_hint(self.cell) if self.distinct == 1 else ""


@dataclass
class Decision:
    """What the columns of a table are.

    Attributes
    ----------
    table : polars.DataFrame
        With the values that its text stands for.
    spellings : dict of str to Spelling
        Of the columns that were text and are numbers or dates.
    odd : dict of str to Odd
        Of columns that stay text although they look like numbers or dates.
    notes : list of str
        How it was read, and what cannot be reply.
    """

    table: pl.DataFrame
    spellings: dict[str, Spelling] = field(default_factory=dict)
    odd: dict[str, Odd] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class _Looked:
    """What was seen of one column of text, by its distinct cells."""

    name: str
    text: pl.Series
    is_target: bool = False
    kind: str = "text"
    spelling: Spelling = PLAIN
    values: pl.Series | None = None
    gaps: dict[str, int] = field(default_factory=dict)
    odd: Odd | None = None
    # Of numbers: which decimal marks suit all cells, and a cell whose value depends on it.
    marks: tuple[str, ...] = ()
    ambiguous: str | None = None
    refused: str | None = None  # a cell that is not a number only because of what the user says
    unclear: str | None = None  # a date of which day and month cannot be told
    plain: bool = False
    orders: tuple[str, ...] = ()


def quoted(cell: str) -> str:
    """Return a cell as it is quoted in a sentence: on one line, and not too long."""
    line = " ".join(cell.split())
    return f"'{line}'" if len(line) <= MOST_LETTERS else f"'{line[:MOST_LETTERS]}...'"


def missing_hint(cell: str) -> str:
    """Return the option by which a cell is missing, or what is wrong with a cell of many lines."""
    if "\n" in cell:
        return "look for a quote that closes only in a later line"
    if len(cell) > MOST_LETTERS or "," in cell:
        return ""
    return f"add --missing '{cell}' if it means that nothing is known"


def ways(*what: str) -> str:
    """Return what can be done, as a part of a sentence; empty ones are left out."""
    said = [each for each in what if each]
    return f"{', '.join(said[:-1])}, or {said[-1]}" if len(said) > 1 else "".join(said)


def decide(
    table: pl.DataFrame,
    rules: Rules,
    separator: str | None = None,
    as_text: Collection[str] = (),
    target: str | None = None,
    *,
    is_typed: bool = False,
) -> Decision:
    """Decide what the columns of text in a table are.

    Parameters
    ----------
    table : polars.DataFrame
        Cells of text, with the missing ones null; other columns are as they should be.
    rules : Rules
        What the user says.
    separator : str, optional
        Of the file, if it has one: where it is no comma, a comma may stand before decimals.
    as_text : collection of str
        Columns that are to stay text.
    target : str, optional
        The column to predict: words in it are labels as long as there are few different numbers.
    is_typed : bool
        Whether the file knows numbers, so that it has text for a reason.

    Returns
    -------
    Decision
    """
    columns = [
        _look(column, rules, is_target=column.name == target, is_typed=is_typed)
        for column in table.get_columns()
        if column.dtype == pl.String and column.name not in as_text
    ]
    decision = Decision(table)
    _settle_decimals(columns, rules, separator, decision.notes)
    _settle_orders(columns, decision.notes)
    for each in columns:
        if each.kind != "text":
            each.spelling = replace(each.spelling, gaps=rules.usual)
            if each.values is None:
                present = each.text.set(each.text.is_in(list(each.gaps)).fill_null(False), None)
                each.values = read_as(present, each.kind, each.spelling)
            decision.spellings[each.name] = each.spelling
        elif each.odd is not None:
            decision.odd[each.name] = each.odd
    decision.table = table.with_columns(
        each.values.alias(each.name) for each in columns if each.values is not None
    )
    decision.notes += _say_how(columns, rules, is_typed=is_typed)
    return decision


def decide_column(text: pl.Series, rules: Rules | None = None) -> tuple[pl.Series, Spelling | None]:
    """Decide what one column of text is.

    Parameters
    ----------
    text : polars.Series
        Cells, with the missing ones null.
    rules : Rules, optional
        What the user says.

    Returns
    -------
    values : polars.Series
        What the text stands for.
    spelling : Spelling or None
        None if it is text.
    """
    decision = decide(text.to_frame(), rules or Rules())
    return decision.table[text.name], decision.spellings.get(text.name)


def _look(text: pl.Series, rules: Rules, *, is_target: bool, is_typed: bool) -> _Looked:
    found = _Looked(text.name, text, is_target)
    if text.null_count() == len(text):
        return found
    if is_typed and text.str.contains(_CODES).any():
        return found  # a code such as 01234, which a file that knows numbers holds as text
    if _are_plain(found, text, rules):
        return found
    counts = text.drop_nulls().value_counts(name="count")
    cells = counts.get_column(text.name).rename("cell")
    if rules.usual:
        gap = are_gaps(cells)
        if is_target and gap.any():
            numbers = number_values(number_parts(cells.filter(~gap)), PLAIN)
            gap = are_gaps(cells, words=numbers.n_unique() > MOST_LABELS)
        if gap.all():
            return found
        if gap.any():
            found.gaps = dict(counts.filter(gap).sort("count", descending=True).iter_rows())
            cells, counts = cells.filter(~gap), counts.filter(~gap)
            present = text.set(text.is_in(list(found.gaps)).fill_null(False), None)
            if _are_plain(found, present, rules):
                return found
    _look_closer(found, cells, counts["count"], rules)
    return found


def _look_closer(found: _Looked, cells: pl.Series, counts: pl.Series, rules: Rules) -> None:
    """Look at each of the distinct cells, for what the first ones may be."""
    some = found.text.drop_nulls().head(SOME).unique()
    if rules.usual:
        some = some.filter(~are_gaps(some))
    few = len(some) < 3  # and so perhaps what is odd in the column
    if not read_truths(cells).null_count():
        found.kind = "number"
        return
    may_be_numbers = few or number_parts(some)["body"].is_not_null().any()
    if may_be_numbers and _look_numbers(found, cells, counts, rules):
        return
    if _look_clock(found, cells, some):
        return
    orders = {rules.dates or "ymd", *ORDERS}
    if rules.dates != "none" and (
        few or any(read_dates(some, order).is_not_null().any() for order in orders)
    ):
        _look_dates(found, cells, counts, rules)


def _are_plain(found: _Looked, text: pl.Series, rules: Rules) -> bool:
    """Read numbers as programs write them, which needs no look at single cells."""
    decimal = rules.decimal or _other(rules.thousands) or "."
    plain = replace(PLAIN, decimal=decimal, thousands=rules.thousands)
    values = plain_numbers(text, plain)
    if values is not None:
        found.kind, found.values, found.spelling, found.plain = "number", values, plain, True
    return values is not None


def _other(thousands: str | None) -> str | None:
    """Return the decimal mark that follows from what stands between groups of digits."""
    return {",": ".", ".": ","}.get(thousands or "")


def _look_numbers(found: _Looked, cells: pl.Series, counts: pl.Series, rules: Rules) -> bool:
    parts = number_parts(cells)
    free = {
        mark: number_values(parts, replace(PLAIN, decimal=mark), any_unit=True) for mark in ".,"
    }
    unit = _unit(parts, counts, free)
    if unit is None or (unit and all(each.n_unique() < 2 for each in free.values())):
        return False  # one and the same cell is a name, whatever it begins with
    chosen = rules.decimal or _other(rules.thousands)
    values = free
    if chosen or rules.thousands is not None:
        values = {
            mark: number_values(
                parts, replace(PLAIN, decimal=mark, thousands=rules.thousands), any_unit=True
            )
            for mark in (chosen or ".,")
        }
    found.spelling = replace(PLAIN, thousands=rules.thousands, unit=unit)
    suits = same_of(parts, unit)
    fitting = {}
    for mark, numbers in values.items():
        zero = (parts["unit"] == "") & (numbers == 0)
        fitting[mark] = numbers.is_not_null() & (suits | zero)
    found.marks = tuple(mark for mark, fits in fitting.items() if fits.all())
    if found.marks:
        found.kind = "number"
        found.spelling = replace(found.spelling, decimal=found.marks[0])
        if len(found.marks) == 2:
            differ = (values["."] != values[","]).fill_null(True)
            found.ambiguous = _in_order(found.text, cells.filter(differ))
        return True
    if all(each.null_count() for each in values.values()) and not all(
        each.null_count() for each in free.values()
    ):
        fits = next(iter(fitting.values()))
        found.refused = _in_order(found.text, cells.filter(~fits))
        if found.is_target:
            found.odd = _odd(found.text, cells, counts, fits, "numbers", certain=True)
        return True
    best = max(fitting, key=lambda mark: (counts.filter(fitting[mark])).sum())
    either = pl.Series([False] * len(cells))
    for numbers in values.values():
        either |= numbers.is_not_null()
    mixed = either.all() and parts["unit"].n_unique() <= MOST_UNITS
    like = "numbers"
    if best == "," or unit or mixed:
        like = f"numbers such as '{_in_order(found.text, cells.filter(fitting[best]))}'"
    found.odd = _odd(found.text, cells, counts, fitting[best], like, certain=mixed)
    return found.odd is not None


def same_of(parts: pl.DataFrame, unit: str) -> pl.Series:
    return parts.select(same_unit(pl.col("unit"), unit)).to_series()


def _unit(parts: pl.DataFrame, counts: pl.Series, values: dict[str, pl.Series]) -> str | None:
    """Return the unit that most numbers have; None if nothing is a number."""
    is_number = pl.Series([False] * len(counts))
    for numbers in values.values():
        is_number |= numbers.is_not_null()
    if not is_number.any():
        return None
    frame = pl.DataFrame({"unit": parts["unit"], "count": counts}).filter(is_number)
    most = frame.group_by("unit").agg(pl.col("count").sum()).sort("count", "unit", descending=True)
    return str(most["unit"][0])


def _look_clock(found: _Looked, cells: pl.Series, some: pl.Series) -> bool:
    for parts in (2, 3):
        whole = not read_clock(some, parts).null_count()
        if whole and not read_clock(cells, parts).null_count():
            found.kind, found.spelling = "number", replace(PLAIN, clock=parts)
            return True
    return False


def _look_dates(found: _Looked, cells: pl.Series, counts: pl.Series, rules: Rules) -> None:
    form = rules.dates
    if form is not None and "%" in form and not dates_in_format(cells, form).null_count():
        found.kind, found.spelling = "date", replace(PLAIN, dates=form)
        return
    if iso_dates(cells) is not None:
        found.kind = "date"
        return
    orders = (form,) if form in ORDERS else ORDERS
    if cells.str.contains("^[0-9]{4}[^0-9]").all():
        orders = ("ymd",)  # the only one in which the year comes first
    times = {order: read_dates(cells, order) for order in orders}
    fits = {order: each.is_not_null() for order, each in times.items()}
    whole = [order for order in orders if fits[order].all()]
    if not whole:
        best = max(orders, key=lambda order: counts.filter(fits[order]).sum())
        if fits[best].any():
            first = _in_order(found.text, cells.filter(fits[best]))
            found.odd = _odd(found.text, cells, counts, fits[best], f"dates such as '{first}'")
        return
    if len(whole) > 1 and cells.str.contains(r"^[0-9]{2}\.").all() and "dmy" in whole:
        whole = ["dmy"]  # with points it is the day that comes first
    whole.sort(key=lambda order: order != "ymd")  # if they are the same, the year came first
    distinct = [whole[0]]
    for order in whole[1:]:
        if not any(times[order].equals(times[known]) for known in distinct):
            distinct.append(order)
    found.kind, found.orders = "date", tuple(distinct[:1] if found.is_target else distinct)
    # A target of dates is refused, in whatever order they are.
    found.spelling = replace(PLAIN, dates=distinct[0])
    if len(found.orders) > 1:
        one, other = times[distinct[0]], times[distinct[1]]
        found.unclear = _in_order(found.text, cells.filter(one != other))


def _odd(
    text: pl.Series,
    cells: pl.Series,
    counts: pl.Series,
    fits: pl.Series,
    like: str,
    *,
    certain: bool = False,
) -> Odd | None:
    """Return the cells that differ, if they are few, or one and the same, or it is certain."""
    odd = cells.filter(~fits)
    number, whole = int(counts.filter(~fits).sum()), int(counts.sum())
    repeats = len(odd) == 1 and fits.sum() > 1
    if not (FEW * number <= whole or repeats or certain):
        return None
    position = text.is_in(odd.implode()).fill_null(False).arg_max()
    assert position is not None
    return Odd(like, number, text[position], position, len(odd), number / whole)


def _in_order(text: pl.Series, cells: pl.Series) -> str | None:
    """Return that of some cells which comes first in a column."""
    if not len(cells):
        return None
    return text[text.is_in(cells.implode()).fill_null(False).arg_max() or 0]


def _settle_decimals(
    columns: list[_Looked], rules: Rules, separator: str | None, notes: list[str]
) -> None:
    """Choose the decimal mark of columns that suit both, by the others of the table."""
    if rules.decimal or _other(rules.thousands):
        return
    numbers = [each for each in columns if each.kind == "number"]
    spelled = [each for each in numbers if each.marks]
    commas = any(each.marks == (",",) for each in spelled)
    unsettled = [each for each in spelled if each.ambiguous is not None]
    plain = [each for each in numbers if each.plain and each.values is not None]
    plain = [each for each in plain if each.values.dtype == pl.Float64]  # pyright: ignore[reportOptionalMemberAccess]
    elsewhere = separator in (";", "\t")
    if not (commas or unsettled or elsewhere):
        return
    points = any(each.marks == (".",) for each in spelled)
    in_groups = []  # 1.234 may be a number with decimals, or one of a thousand
    for each in plain:
        if _in_groups(each.text):
            in_groups.append(each)
        else:
            points = True
    mark = "," if (commas or (elsewhere and unsettled)) and not points else "."
    for each in (*spelled, *numbers):
        if each.marks != (mark,) and len(each.marks) != 1:
            each.spelling = replace(each.spelling, decimal=mark)
    if mark == ",":
        for each in in_groups:
            each.values, each.plain = None, False
    both = commas and points
    doubtful = [*(unsettled if both else ()), *(in_groups if both or mark == "." else ())]
    doubtful = [each for each in doubtful if both or elsewhere]
    if doubtful:
        cell = doubtful[0].ambiguous or _in_order(
            doubtful[0].text, doubtful[0].text.drop_nulls().head(1)
        )
        read = number_values(number_parts(pl.Series([cell])), doubtful[0].spelling, any_unit=True)
        names = _names(each.name for each in doubtful)
        other = "," if mark == "." else "."
        notes.append(
            f"{names}: '{cell}' can be read in two ways and is read as {_shown(read[0])}; add "
            f"--decimal '{other}' for the other way, or --decimal '{mark}' to say it is meant."
        )


def _in_groups(text: pl.Series) -> bool:
    """Tell whether every point of a column may stand between groups of digits."""
    whole = replace(PLAIN, decimal=",")
    for cells in (text.head(SOME), text):
        present = cells.drop_nulls()
        if number_values(number_parts(present), whole).null_count():
            return False
    return True


def _settle_orders(columns: list[_Looked], notes: list[str]) -> None:
    """Choose the order of day and month where both are possible, by the others of the table."""
    dates = [each for each in columns if each.kind == "date" and each.orders]
    known = {
        each.orders[0]
        for each in dates
        if len(each.orders) == 1 and each.text.str.contains("^[0-9]{1,2}[-/]").any()
    }
    for each in dates:
        if len(each.orders) == 1:
            continue
        if len(known) == 1 and (order := next(iter(known))) in each.orders:
            each.spelling = replace(each.spelling, dates=order)
            continue
        each.kind = "text"
        ways = [
            f"--dates {order} for {read_dates(pl.Series([each.unclear]), order)[0]:%Y-%m-%d}"
            for order in each.orders
        ]
        notes.append(
            f"column '{each.name}' holds dates of which day and month cannot be told apart, such "
            f"as '{each.unclear}', so it is taken as text; add {' or '.join(ways)}."
        )


def _say_how(columns: list[_Looked], rules: Rules, *, is_typed: bool) -> list[str]:
    """Say how columns were read that a plain reader would not read so, or not at all."""
    is_said = rules.decimal is not None or rules.thousands is not None
    notes = []
    numbers, dates, held = [], [], []
    for each in columns:
        if each.kind == "text" or each.values is None:
            continue
        if each.plain and is_typed:
            held.append(each.name)
        if is_said and not each.spelling.unit:
            pass
        elif each.kind == "number" and not each.plain and each.values.dtype != pl.Boolean:
            cell, value = _telling(each)
            if cell is not None:
                numbers.append(f"'{each.name}' ('{cell}' as {_shown(value)})")
        if each.kind == "date" and each.orders and rules.dates is None:
            cell = each.text[each.values.is_not_null().arg_max() or 0]
            value = each.values.drop_nulls()[0]
            dates.append(f"'{each.name}' ('{cell}' as {_when(value)})")
    if held:
        notes.append(
            f"{_names(held)} held numbers as text and {'is' if len(held) == 1 else 'are'} read as "
            "numbers; --categorical keeps text."
        )
    if numbers:
        notes.append(
            f"read as numbers: {_listed(numbers)}; --decimal and --thousands say otherwise, "
            "--categorical keeps text."
        )
    if dates:
        notes.append(f"read as dates: {_listed(dates)}; --dates says otherwise.")
    said = " ".join(
        f"--{name} '{mark}'" if mark else f"--{name} none"
        for name, mark in (("decimal", rules.decimal), ("thousands", rules.thousands))
        if mark is not None
    )
    notes += [
        f"column '{each.name}' is taken as text, because {quoted(each.refused)} is not a number "
        f"with {said}; without it, each column is read as its cells show."
        for each in columns
        if each.refused is not None
    ]
    form = rules.dates or ""
    if "%" in form and not any(each.spelling.dates == form for each in columns):
        notes.append(f"no column of text holds dates in the format '{form}' of --dates.")
    gaps = [
        f"{', '.join(repr(cell) for cell in list(each.gaps)[:3])}"
        f"{' and more' if len(each.gaps) > 3 else ''} in '{each.name}' ({sum(each.gaps.values())})"
        for each in columns
        if each.kind != "text" and each.gaps
    ]
    if gaps:
        notes.append(f"read as missing: {_listed(gaps)}; '--missing only' says otherwise.")
    return notes


def _telling(column: _Looked) -> tuple[str | None, float]:
    """Return the first cell that a plain reader would not read so, and what it is read as."""
    assert column.values is not None
    plain = column.text.cast(pl.Float64, strict=False)
    values = column.values.cast(pl.Float64)
    differs = values.is_not_null() & ~plain.eq_missing(values)
    if (telling := differs & (values != 0)).any():
        differs = telling
    if not differs.any():
        return None, 0.0
    position = differs.arg_max()
    assert position is not None
    return column.text[position], values[position]


def _shown(value: float) -> str:
    return f"{value:.15g}"


def _when(value: datetime) -> str:
    return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M:%S}"


def _names(names: Iterable[str]) -> str:
    listed = [f"'{name}'" for name in names]
    return f"column{'' if len(listed) == 1 else 's'} {_listed(listed)}"


def _listed(parts: list[str]) -> str:
    more = f" and {len(parts) - MOST_NAMED} more" if len(parts) > MOST_NAMED else ""
    return ", ".join(parts[:MOST_NAMED]) + more
