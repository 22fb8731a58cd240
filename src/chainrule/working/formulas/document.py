"""The content of a derivation: sections of paragraphs, equations and tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, final

from chainrule.working.formulas.expressions import Expression, Number

__all__ = [
    "Block",
    "Chain",
    "Code",
    "Document",
    "Emphasis",
    "Equation",
    "Inline",
    "Items",
    "Paragraph",
    "Section",
    "Table",
    "chain",
    "listed",
    "say",
    "short",
]


@final
@dataclass(frozen=True)
class Code:
    """A piece of Python or of a command."""

    text: str


@final
@dataclass(frozen=True)
class Emphasis:
    """Emphasized words."""

    text: str


_COLUMNS = 8

Inline: TypeAlias = str | Code | Emphasis | Expression


@final
@dataclass(frozen=True)
class Paragraph:
    """Words with formulas among them. `aside` marks remarks, such as on omitted parts."""

    parts: tuple[Inline, ...]
    aside: bool = False


@final
@dataclass(frozen=True)
class Chain:
    """An expression, and the expressions that it is equal to, step by step.

    Attributes
    ----------
    left : Expression
    steps : tuple of (relation, Expression)
        Each relation is "=", ":=" or "≈".
    note : tuple of inlines
        A remark beside the last step.
    compact : bool
        Whether everything is put on one line if it fits.
    """

    left: Expression
    steps: tuple[tuple[str, Expression], ...]
    note: tuple[Inline, ...] = ()
    compact: bool = False


@final
@dataclass(frozen=True)
class Equation:
    """A displayed equation: chains that are aligned with each other, and the notes' tag."""

    chains: tuple[Chain, ...]
    tag: str = ""


@final
@dataclass(frozen=True)
class Table:
    """A table; its first row is the header."""

    header: tuple[tuple[Inline, ...], ...]
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]
    caption: tuple[Inline, ...] = ()

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers only."""
        columns = zip(*self.rows, strict=True)
        return tuple(
            all(len(cell) == 1 and isinstance(cell[0], Number) for cell in column)
            for column in columns
        )

    @property
    def is_wide(self) -> bool:
        """Whether it has many columns, and is set in a smaller size."""
        return len(self.header) > _COLUMNS


@final
@dataclass(frozen=True)
class Items:
    """A list of remarks."""

    items: tuple[tuple[Inline, ...], ...]


Block: TypeAlias = "Paragraph | Equation | Table | Items | Section"


@final
@dataclass(frozen=True)
class Section:
    """A heading and the blocks under it."""

    title: tuple[Inline, ...]
    blocks: tuple[Block, ...]


@final
@dataclass(frozen=True)
class Document:
    """A whole page."""

    title: str
    blocks: tuple[Block, ...] = field(default=())


def say(text: str, *formulas: Inline) -> tuple[Inline, ...]:
    """Return words with formulas in the place of each {}; `code` and *emphasis* are marked so.

    Examples
    --------
    >>> from chainrule.working.formulas.document import say
    >>> say("Ask with `nodes=` for *others*.")
    ('Ask with ', Code(text='nodes='), ' for ', Emphasis(text='others'), '.')
    """
    parts: list[Inline] = []
    waiting = list(formulas)
    rest = text
    while rest:
        at = min((i for i in (rest.find(c) for c in "{`*") if i >= 0), default=len(rest))
        if at:
            parts.append(rest[:at])
        mark, rest = rest[at : at + 1], rest[at + 1 :]
        if mark == "{":
            parts.append(waiting.pop(0))
            rest = rest.removeprefix("}")
        elif mark:
            inside, _, rest = rest.partition(mark)
            parts.append(Code(inside) if mark == "`" else Emphasis(inside))
    if waiting:
        raise ValueError(f"{len(waiting)} formulas too many for {text!r}")
    return tuple(parts)


def listed(numbers: Sequence[int]) -> str:
    """Return numbers as a list in words.

    Examples
    --------
    >>> from chainrule.working.formulas.document import listed
    >>> listed([1, 2, 3, 512])
    '1, 2, 3 and 512'
    """
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last


def chain(left: Expression, *steps: Expression, compact: bool = False) -> Chain:
    """Return a chain of equals signs."""
    return Chain(left, tuple(("=", step) for step in steps), compact=compact)


def short(left: Expression, *steps: Expression) -> Chain:
    """Return a chain of equals signs that is put on one line if it fits."""
    return chain(left, *steps, compact=True)
