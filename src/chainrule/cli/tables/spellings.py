"""How cells are spelled: numbers, dates and gaps, from text to values.

A `Spelling` is what was decided for a column, once for a whole table (`chainrule.cli.tables.kinds`
decides); the model file keeps it, so that every later table, or part of one, is read in the same
way. Nothing here looks at more than one cell at a time.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from chainrule.errors import InvalidParameter

__all__ = [
    "MARKS",
    "ORDERS",
    "PLAIN",
    "Rules",
    "Spelling",
    "are_gaps",
    "dates_in_format",
    "iso_dates",
    "missing_marks",
    "number_parts",
    "number_values",
    "plain_numbers",
    "read_as",
    "read_clock",
    "read_dates",
    "read_truths",
    "same_unit",
    "tidy",
]

ORDERS = ("dmy", "mdy", "ymd")

# Missing in every column, also one of text: no word that could be a category.
_USUAL = (
    *("", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None", "?"),
    *("NAN", "Nan", "-nan", "-NaN", "-NAN", "NaT", "Null", "#N/A", "#NA", "#N/A N/A", "n.a."),
    *("N.A.", "\\N"),
)

# Missing where all other cells are numbers or dates; in lower case.
MARKS = frozenset(
    (
        *("", "na", "n/a", "n.a.", "n.a", "n/a.", "<na>", "#n/a", "#na", "#n/a n/a", "nan", "-nan"),
        *("+nan", "nan(ind)", "-nan(ind)", "1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind", "nat"),
        *("null", "(null)", "[null]", "<null>", "\\n", "#div/0!", "#value!", "#ref!", "#name?"),
        *("#num!", "#null!", "-", "--", "---", ".", "..", "...", "\u2026", "?", "??", "???", "*"),
        *("n.d.", "n.v.", "k.a.", "k. a.", "s/d", "(-)", "/", "\\", "_", "$-", "$ -", "-%", "- %"),
    )
)
_WORDS = frozenset(
    (
        *("none", "nil", "unknown", "unk", "missing", "undefined", "not available", "void"),
        *("not applicable", "not known", "no data", "nodata", "blank", "empty", "tbd", "tba"),
        *("0000-00-00", "0000-00-00 00:00:00"),
        *("(none)", "(unknown)", "(missing)", "(blank)", "(empty)", "<none>", "[missing]"),
    )
)

_DECIMALS = {".": r"\.", ",": ","}
_GROUPS = {",": ",", ".": r"\.", " ": " ", "'": "'", "_": "_"}

_SYMBOLS = "$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20ab\u20aa\u0e3f\u20b4\u20a6\u20b1\u00a2"
_CODES = (
    "USD EUR GBP CHF JPY CNY RMB INR CAD AUD NZD SEK NOK DKK PLN CZK HUF BRL MXN ZAR RUB TRY KRW "
    "HKD SGD ILS THB AED SAR z\u0142"
)
_CURRENCY = rf"(?:[A-Z]{{0,3}}[{_SYMBOLS}]|{'|'.join(_CODES.split())}|Rs\.?|kr\.?|Fr\.?)"
_BODY = r"(?:[0-9]|[.,][0-9])(?:[0-9.,'_ ]*[0-9.,])?(?:[eEdD][+-]?[0-9]+)?"
_SUFFIX = r"[^0-9\s.,'()\[\]{}+:;<>=/\\|&\"_-](?:[^0-9()]{0,15}[^0-9()\s])?[23]?"
_NUMBER = (
    rf"^(?P<s1>[+-]?)\s?(?P<before>{_CURRENCY})?\s?(?P<s2>[+-]?)\s?(?P<body>{_BODY})"
    rf"\s?(?P<after>{_SUFFIX})?\s?(?P<s3>-?)$"
)

_ISO = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M")
_ISO_ZONES = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z")
_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {name: number for number, name in enumerate(_NAMES.split(), 1)}
_MONTHS |= {"m\u00e4r": 3, "mae": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}  # German
_CUT = r"(?:[-/]|\.\s?)"
_DAY, _WORD = r"[0-9]{1,2}", r"[A-Za-z\u00e4]{3,9}"
_DATE = (
    rf"(?P<y1>[0-9]{{4}}){_CUT}(?P<m1>{_DAY})(?:{_CUT}(?P<d1>{_DAY}))?"
    rf"|(?P<a>{_DAY})(?P<cut>{_CUT})(?P<b>{_DAY}){_CUT}(?P<c>[0-9]{{4}})"
    # Without its century a year is one only between full pairs, or slashes: 1.2.10 is a version.
    rf"|(?P<p>[0-9]{{2}})(?P<cut2>{_CUT})(?P<q>[0-9]{{2}}){_CUT}(?P<r>[0-9]{{2}})"
    rf"|(?P<p2>{_DAY})/(?P<q2>{_DAY})/(?P<r2>[0-9]{{2}})"
    rf"|(?P<d3>{_DAY})(?:st|nd|rd|th|\.)?[-/ ]?\s?(?P<n3>{_WORD})\.?[-/ ,]{{0,2}}"
    r"(?P<y3>[0-9]{4}|[0-9]{2})"
    rf"|(?P<n4>{_WORD})\.? (?P<d4>{_DAY})(?:st|nd|rd|th)?,? (?P<y4>[0-9]{{4}})"
    rf"|(?P<n5>{_WORD})\.?[- ](?P<y5>[0-9]{{4}})"
)
_ZONE = r"(?:Z|z|UTC|GMT|(?P<zone>[+-][0-9]{2}(?::?[0-9]{2})?))"
_SECONDS = r"(?::(?P<s>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?"
_TIME = (
    rf"(?:(?:T|t|,? )(?P<h>[0-9]{{1,2}}):(?P<mi>[0-9]{{2}}){_SECONDS}"
    rf" ?(?P<half>[AaPp]\.?[Mm]\.?)?(?: Uhr)? ?{_ZONE}?)?"
)
_WHEN = rf"^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:{_DATE}){_TIME}$"


_CLOCK = (
    r"^(?P<h>[0-9]{1,3}):(?P<mi>[0-5][0-9])(?::(?P<s>[0-5][0-9](?:\.[0-9]+)?))?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)?$"
)


@dataclass(frozen=True)
class Rules:
    """What the user says of the cells of a table; None leaves it to the cells.

    Attributes
    ----------
    decimal, thousands : str or None
        What stands before the decimals, and between groups of digits ("" for nothing).
    dates : str or None
        One of `ORDERS`, a format with ``%``, or "none": no text is a date.
    missing : tuple of str
        Cells that are missing.
    usual : bool
        Whether the usual marks are missing, too.
    separator : str or None
        What stands between the cells of a file; it is of the file alone, not of later ones.
    """

    decimal: str | None = None
    thousands: str | None = None
    dates: str | None = None
    missing: tuple[str, ...] = ()
    usual: bool = True
    separator: str | None = None

    def as_data(self) -> dict[str, Any]:
        """Return what a file keeps of it."""
        return {**asdict(self), "missing": list(self.missing)}

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> "Rules":
        """Make it from what a file keeps."""
        return Rules(**{**data, "missing": tuple(map(str, data.get("missing", ())))})

    def over(self, earlier: "Rules") -> "Rules":
        """Return earlier rules, with what these say instead."""
        said = {
            name: value
            for name in ("decimal", "thousands", "dates")
            if (value := getattr(self, name)) is not None
        }
        if self.missing or not self.usual:
            said |= {"missing": self.missing, "usual": self.usual}
        return replace(earlier, separator=self.separator, **said)


@dataclass(frozen=True)
class Spelling:
    """How the numbers or dates of a column are spelled.

    Attributes
    ----------
    decimal : str
        What stands before the decimals.
    thousands : str or None
        What stands between groups of digits; "" is nothing, None anything that can be.
    unit : str
        What stands before or after each number, such as "$", "%" or "kg".
    dates : str
        One of `ORDERS`, or a format with ``%``. Four digits are the year, wherever they stand.
    gaps : bool
        Whether marks such as "-" are missing among numbers and dates.
    clock : int
        How many parts times of day or durations have, such as 2 in 10:30, which is 10.5; or 0.
    """

    decimal: str = "."
    thousands: str | None = None
    unit: str = ""
    dates: str = "ymd"
    gaps: bool = True
    clock: int = 0

    def under(self, rules: Rules) -> "Spelling":
        """Return it with what the user says instead."""
        dates = rules.dates if rules.dates not in (None, "none") else self.dates
        return replace(
            self,
            decimal=rules.decimal or self.decimal,
            thousands=self.thousands if rules.thousands is None else rules.thousands,
            dates=dates,
            gaps=rules.usual if rules.missing or not rules.usual else self.gaps,
        )


PLAIN = Spelling()


def missing_marks(rules: Rules) -> list[str]:
    """Return the cells that are missing in every column.

    Parameters
    ----------
    rules : Rules
        What the user says.

    Returns
    -------
    list of str
    """
    return [*(_USUAL if rules.usual else ("",)), *rules.missing]


def are_gaps(cells: pl.Series, *, words: bool = True) -> pl.Series:
    """Tell which cells are missing if the others are numbers or dates.

    Parameters
    ----------
    cells : polars.Series
        Text.
    words : bool
        Whether words such as "unknown" are gaps, and not only marks such as "-".

    Returns
    -------
    polars.Series
        True, false, or null for a cell that is missing already.
    """
    known = MARKS | _WORDS if words else MARKS
    return tidy(cells).str.to_lowercase().is_in(list(known))


def read_as(text: pl.Series, kind: str, spelling: Spelling) -> pl.Series:
    """Read a column of text as the kind that it was decided to be.

    Parameters
    ----------
    text : polars.Series
        Cells, with the missing ones null.
    kind : str
        "number" or "date".
    spelling : Spelling
        How they are spelled.

    Returns
    -------
    polars.Series
        Numbers, booleans or times, null where they are missing; or `text` if a cell is neither.
    """
    if kind == "number" and (fast := plain_numbers(text, spelling)) is not None:
        return fast
    present = text.set(are_gaps(text).fill_null(False), None) if spelling.gaps else text
    empty = present.null_count()
    if empty == len(text):
        return present
    read = read_dates(present, spelling.dates) if kind == "date" else _read(present, spelling)
    return read if read.null_count() == empty else text


def _read(text: pl.Series, spelling: Spelling) -> pl.Series:
    """Read numbers, or true and false; null where a cell is neither."""
    if (fast := plain_numbers(text, spelling)) is not None:
        return fast
    if spelling.clock:
        return read_clock(text, spelling.clock)
    if not spelling.unit and (bare := _bare_numbers(text, spelling)) is not None:
        return bare
    numbers = number_values(number_parts(text), spelling).alias(text.name)
    return numbers if numbers.null_count() == text.null_count() else read_truths(text)


def plain_numbers(text: pl.Series, spelling: Spelling = PLAIN) -> pl.Series | None:
    """Read numbers as programs write them, quickly; None if a cell is spelled otherwise.

    Parameters
    ----------
    text : polars.Series
        Cells, with the missing ones null.
    spelling : Spelling
        How they are spelled.

    Returns
    -------
    polars.Series or None
        NaN in any spelling is null.
    """
    if spelling.unit or spelling.clock:
        return None
    missing = text.null_count()
    whole = text.cast(pl.Int64, strict=False)
    if whole.null_count() == missing:
        return whole
    if spelling.decimal != ".":
        return None
    numbers = text.cast(pl.Float64, strict=False)
    return numbers.fill_nan(None) if numbers.null_count() == missing else None


def _bare_numbers(text: pl.Series, spelling: Spelling) -> pl.Series | None:
    """Read numbers with nothing around them; None if a cell has more. A shorter way, no other."""
    if not text.str.contains(f"^[+-]?{_pattern(spelling)[1:]}").all():
        return None
    drop = "".join(_GROUPS[each] for each in _separators(spelling))
    digits = text.str.replace_all(f"[{drop}]", "") if drop else text
    digits = digits.str.replace_all("[dD]", "e").str.replace(spelling.decimal, ".", literal=True)
    return digits.cast(pl.Float64)


def number_parts(text: pl.Series) -> pl.DataFrame:
    """Take the cells of a column apart, as far as they could be numbers.

    Parameters
    ----------
    text : polars.Series
        Cells.

    Returns
    -------
    polars.DataFrame
        "body", the digits with what stands between them; "negative"; "unit". Null where a cell
        cannot be a number.
    """
    tidied = tidy(text)
    wrapped = tidied.str.contains(r"^[^()]{0,4}\([^()]+\)[^()]{0,4}$")
    frame = pl.DataFrame({"text": tidied.str.replace_all(r"[()]", "").str.strip_chars()})
    groups = pl.col("text").str.extract_groups(_NUMBER)
    frame = frame.select(groups.alias("groups"), pl.Series("wrapped", wrapped)).unnest("groups")
    found = pl.col("body").is_not_null()
    is_bare = pl.Series("bare", ~tidied.str.contains(r"[()]"))
    minus = sum(((pl.col(each) == "-").cast(pl.Int8) for each in ("s1", "s2", "s3")), pl.lit(0))
    signs = minus + (pl.col("s1") == "+").cast(pl.Int8) + (pl.col("s2") == "+").cast(pl.Int8)
    signs = signs + pl.col("wrapped").cast(pl.Int8)
    is_rank = pl.col("after").is_in(["st", "nd", "rd", "th"])
    possible = found & (signs < 2) & (pl.col("wrapped") | is_bare) & ~is_rank.fill_null(False)
    unit = pl.concat_str(pl.col("before").fill_null(""), pl.col("after").fill_null(""))
    return frame.select(
        body=pl.when(possible).then(pl.col("body")),
        negative=(minus > 0) | pl.col("wrapped"),
        unit=unit,
    )


def number_values(parts: pl.DataFrame, spelling: Spelling, *, any_unit: bool = False) -> pl.Series:
    """Return the numbers that parts of cells stand for in a spelling.

    Parameters
    ----------
    parts : polars.DataFrame
        From `number_parts`.
    spelling : Spelling
        The spelling.
    any_unit : bool
        Whether the unit does not matter.

    Returns
    -------
    polars.Series
        Floats; null where a cell is not a number in this spelling.
    """
    body = pl.col("body")
    drop = "".join(_GROUPS[each] for each in _separators(spelling))
    digits = body.str.replace_all(f"[{drop}]", "") if drop else body
    digits = digits.str.replace_all("[dD]", "e").str.replace(spelling.decimal, ".", literal=True)
    size = pl.when(body.str.contains(_pattern(spelling))).then(
        digits.cast(pl.Float64, strict=False)
    )
    value = pl.when(pl.col("negative")).then(-size).otherwise(size)
    if not any_unit:
        # Zero is zero in any unit, so it may be without.
        same = same_unit(pl.col("unit"), spelling.unit) | ((pl.col("unit") == "") & (value == 0))
        value = pl.when(same).then(value)
    return parts.select(value.alias("value")).to_series()


def same_unit(unit: pl.Expr, other: str) -> pl.Expr:
    """Tell which units are the same: year is years.

    Parameters
    ----------
    unit : polars.Expr
        Units.
    other : str
        A unit.

    Returns
    -------
    polars.Expr
    """
    return unit.str.replace(_PLURAL, "$1") == re.sub(_PLURAL, r"\1", other)


_PLURAL = r"^([A-Za-z ]*[A-Za-z]{2})s$"


def read_dates(text: pl.Series, order: str) -> pl.Series:
    """Read dates and times of one order, or one format.

    Parameters
    ----------
    text : polars.Series
        Cells, with the missing ones null.
    order : str
        One of `ORDERS`: how day, month and year follow each other where all three could be any.
        Or a format with ``%``.

    Returns
    -------
    polars.Series
        Times, in UTC where a cell names its zone; null where a cell is not a date.
    """
    if "%" in order:
        times = dates_in_format(text, order)
        whole = times.null_count() == text.null_count()
        return times if whole or (iso := iso_dates(text)) is None else iso
    times = iso_dates(text)
    if times is None:
        times = _iso_dates_in_zones(text)
    return _dates_in_order(text, order) if times is None else times


def dates_in_format(text: pl.Series, form: str) -> pl.Series:
    """Read dates in a format with ``%``; null where a cell has another.

    Parameters
    ----------
    text : polars.Series
        Cells.
    form : str
        As ``strptime`` takes it.

    Returns
    -------
    polars.Series

    Raises
    ------
    InvalidParameter
        If it is not a format.
    """
    try:
        return text.str.strptime(pl.Datetime("us"), form, strict=False)
    except pl.exceptions.PolarsError as error:
        raise InvalidParameter(
            f"--dates takes dmy, mdy, ymd, none, or a format such as %d.%m.%Y; '{form}' is none of "
            "them."
        ) from error


def iso_dates(text: pl.Series) -> pl.Series | None:
    """Read dates and times as programs write them; None if a cell is spelled otherwise.

    Parameters
    ----------
    text : polars.Series
        Cells, with the missing ones null.

    Returns
    -------
    polars.Series or None
    """
    if not text.str.contains("^[0-9]{4}-").all():  # %Y takes fewer digits, too
        return None
    for form in _ISO:
        times = text.str.strptime(pl.Datetime("us"), form, strict=False)
        if times.null_count() == text.null_count():
            return times
    return None


def _iso_dates_in_zones(text: pl.Series) -> pl.Series | None:
    """Read the most common of the other spellings quickly."""
    for form in _ISO_ZONES:
        times = text.str.strptime(pl.Datetime("us", "UTC"), form, strict=False)
        if times.null_count() == text.null_count():
            return times.dt.replace_time_zone(None)
    return None


def _dates_in_order(text: pl.Series, order: str) -> pl.Series:
    frame = pl.DataFrame({"text": tidy(text)})
    frame = frame.select(pl.col("text").str.extract_groups(_WHEN).alias("groups")).unnest("groups")
    if order == "ymd":  # only a year without its century can be first there
        first, second, third = (
            pl.lit(None, pl.String),
            pl.lit(None, pl.String),
            pl.lit(None, pl.String),
        )
        year2, month2, day2 = pl.col("p"), pl.col("q"), pl.col("r")
    else:
        first, second, third = pl.col("a"), pl.col("b"), pl.col("c")
        year2, day2, month2 = _first("r", "r2"), _first("p", "p2"), _first("q", "q2")
        if order == "mdy":
            first, second, day2, month2 = second, first, month2, day2
    named = _first("n3", "n4", "n5").str.to_lowercase().str.slice(0, 3)
    month_of_name = named.replace_strict(_MONTHS, default=None, return_dtype=pl.Int64)
    short = pl.when(year2.cast(pl.Int64) < 70).then(pl.lit("20")).otherwise(pl.lit("19")) + year2
    y3 = pl.col("y3")
    long3 = (
        pl.when(y3.str.len_chars() == 4)
        .then(y3)
        .when(y3.cast(pl.Int64) < 70)
        .then("20" + y3)
        .otherwise("19" + y3)
    )
    year = pl.coalesce("y1", third, short, long3, "y4", "y5")
    month = pl.coalesce("m1", second, month2, month_of_name.cast(pl.String))
    # A month alone is its first day; "2024/5" without a day is none.
    alone = pl.col("n5").is_not_null() | (pl.col("m1").str.len_chars() == 2)
    day = pl.coalesce("d1", first, day2, "d3", "d4", pl.when(alone).then(pl.lit("1")))
    hour = _hour(99)
    moment = pl.format(
        "{}-{}-{} {}:{}:{}.{}",
        year,
        month,
        day,
        hour.fill_null(0),
        pl.col("mi").fill_null("0"),
        pl.col("s").fill_null("0"),
        pl.col("f").fill_null("0"),
    )
    times = moment.str.strptime(pl.Datetime("us"), "%Y-%m-%d %H:%M:%S%.f", strict=False)
    zone = pl.col("zone").str.replace(":", "")
    minutes = zone.str.slice(1, 2).cast(pl.Int64) * 60 + zone.str.slice(3, 2).replace("", "0").cast(
        pl.Int64
    )
    ahead = pl.when(zone.str.starts_with("-")).then(-minutes).otherwise(minutes).fill_null(0)
    return frame.select((times - pl.duration(minutes=ahead)).alias(text.name)).to_series()


def _hour(impossible: int | None) -> pl.Expr:
    """Return the hour of a day of 24, from what may be halves of 12."""
    hour = pl.col("h").cast(pl.Int64)
    half = pl.col("half").str.to_lowercase().str.slice(0, 1)
    return (
        pl.when(half.is_null())
        .then(hour)
        .when(hour.is_between(1, 12))
        .then(hour % 12 + pl.when(half == "p").then(12).otherwise(0))
        .otherwise(impossible)
    )


def read_clock(text: pl.Series, parts: int) -> pl.Series:
    """Read times of day or durations as numbers: 10:30 is 10.5.

    Parameters
    ----------
    text : polars.Series
        Cells.
    parts : int
        How many numbers each has: 2 or 3.

    Returns
    -------
    polars.Series
        In units of the first part; null where a cell has not so many.
    """
    frame = pl.DataFrame({"text": tidy(text)})
    frame = frame.select(pl.col("text").str.extract_groups(_CLOCK).alias("groups")).unnest("groups")
    seconds = pl.col("s").cast(pl.Float64).fill_null(0)
    whole = _hour(None) + (pl.col("mi").cast(pl.Int64) * 60 + seconds) / 3600
    fits = pl.col("s").is_not_null() == (parts == 3)
    return frame.select(pl.when(fits).then(whole).alias(text.name)).to_series()


def read_truths(text: pl.Series) -> pl.Series:
    """Read true and false, in upper or lower case; other cells are null.

    Parameters
    ----------
    text : polars.Series
        Cells.

    Returns
    -------
    polars.Series
    """
    return text.str.to_lowercase().replace_strict(
        {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
    )


def tidy(text: pl.Series) -> pl.Series:
    """Return cells with one kind each of spaces, of minus signs and of apostrophes.

    Parameters
    ----------
    text : polars.Series
        Cells.

    Returns
    -------
    polars.Series
    """
    return (
        text.str.replace_all("[\u200b-\u200f\u2060\ufeff\u00ad]", "")
        .str.replace_all(r"[\s\u00a0\u2000-\u200a\u202f\u205f\u3000]", " ")
        .str.replace_all("[\u2010-\u2015\u2212\ufe63\uff0d]", "-")
        .str.replace_all("[\u2018\u2019\u02bc\u00b4`\u2032]", "'")
        .str.strip_chars()
    )


def _first(*names: str) -> pl.Expr:
    return pl.coalesce(*names)


def _separators(spelling: Spelling) -> list[str]:
    """Return what may stand between groups of digits."""
    if spelling.thousands is None:
        return [each for each in _GROUPS if each != spelling.decimal]
    return [spelling.thousands] if spelling.thousands else []


def _pattern(spelling: Spelling) -> str:
    """Return what the digits of a number look like: groups of three, or India's of two."""
    decimal = _DECIMALS[spelling.decimal]
    whole = ["[0-9]+"]
    for each in _separators(spelling):
        group = _GROUPS[each]
        whole.append(f"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+")
        if each != ".":
            whole.append(f"[1-9][0-9]?(?:{group}[0-9]{{2}})+{group}[0-9]{{3}}")
    exponent = "(?:[eEdD][+-]?[0-9]+)?"
    return f"^(?:(?:{'|'.join(whole)})(?:{decimal}[0-9]*)?|{decimal}[0-9]+){exponent}$"
