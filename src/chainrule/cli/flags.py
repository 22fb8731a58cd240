"""How the table of options becomes the flags of a command, and examples become help."""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.options import OPTIONS, READING, Option
from chainrule.errors import InvalidParameter

if TYPE_CHECKING:
    from chainrule.cli.tables.spellings import Rules

__all__ = ["Json", "Model", "Table", "examples", "rules_from", "with_options", "with_rules"]

Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE", help="A CSV, TSV or Parquet file with a header; - for standard input."
    ),
]
Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A file written by chainrule train --model.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, for scripts.")]


def examples(*lines: str) -> str:
    """Return what stands under a command's help.

    Parameters
    ----------
    *lines : str
        Commands to copy.

    Returns
    -------
    str
    """
    return "\n\n".join(["Examples:", *lines])


def with_options(
    run: Callable[[str, str | None, bool, dict[str, Any]], None],
) -> Callable[..., None]:
    """Give a command a table, and a flag for each of `OPTIONS`.

    Parameters
    ----------
    run : callable
        What the command does with the table, the file of ``--config``, whether it is to print
        JSON, and what was given for each option; None where nothing was.

    Returns
    -------
    callable
        As typer takes it.
    """

    def command(**given: Any) -> None:
        flags = {key: given[key] for key in OPTIONS}
        run(given["table"], given["config"], given["as_json"], flags)

    kind = inspect.Parameter.KEYWORD_ONLY
    config = Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="A file in TOML with these options as keys, for instance epochs = 50. Flags win "
            "over it.",
            rich_help_panel="The table",
        ),
    ]
    parameters = [inspect.Parameter("table", kind, annotation=Table)]
    parameters += [
        inspect.Parameter(option.key, kind, default=None, annotation=_annotation(option))
        for option in OPTIONS.values()
    ]
    parameters += [
        inspect.Parameter("config", kind, default=None, annotation=config),
        inspect.Parameter("as_json", kind, default=False, annotation=Json),
    ]
    command.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    command.__name__, command.__doc__, command.__annotations__ = run.__name__, run.__doc__, {}
    return command


def with_rules(run: Callable[..., None]) -> Callable[..., None]:
    """Give a command that reads a table the options that say how its cells are spelled.

    Parameters
    ----------
    run : callable
        A command; what was given for those options comes as `rules`.

    Returns
    -------
    callable
        As typer takes it.
    """

    def command(**given: Any) -> None:
        found = {key: given.pop(key) for key in READING}
        read = {
            key: None if text is None else OPTIONS[key].read(OPTIONS[key].flag, text)
            for key, text in found.items()
        }
        run(**given, rules=rules_from(read))

    kept = [
        each
        for each in inspect.signature(run, eval_str=True).parameters.values()
        if each.name != "rules"
    ]
    own = [
        inspect.Parameter(
            key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(OPTIONS[key])
        )
        for key in READING
    ]
    command.__signature__ = inspect.Signature(  # pyright: ignore[reportFunctionMemberAccess]
        [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in kept] + own
    )
    command.__name__, command.__doc__, command.__annotations__ = run.__name__, run.__doc__, {}
    return command


def rules_from(given: Mapping[str, Any]) -> "Rules":
    """Return what the user says of the cells of tables.

    Parameters
    ----------
    given : mapping
        The values of the options `READING`; None where nothing was given.

    Returns
    -------
    Rules

    Raises
    ------
    InvalidParameter
        If the same mark is said to be two things.
    """
    from chainrule.cli.tables.spellings import Rules

    decimal, thousands, cells = given["decimal"], given["thousands"], given["missing"] or ()
    if decimal is not None and decimal == thousands:
        raise InvalidParameter(
            f"--decimal and --thousands are both '{decimal}'; one mark cannot be both."
        )
    only = cells[:1] == ("only",)
    cells = cells[1:] if only else cells
    return Rules(decimal, thousands, given["dates"], cells, not only, given["separator"])


def _annotation(option: Option) -> Any:
    flags = [option.flag]
    if option.other is not None:
        flags.append(f"--{option.other.replace('_', '-')}")
    if not option.metavar:
        name = option.key.replace("_", "-")
        return Annotated[
            bool | None,
            typer.Option(f"--{name}/--no-{name}", help=option.help, rich_help_panel=option.panel),
        ]
    metavar = option.metavar
    return Annotated[
        str | None,
        typer.Option(
            *flags,
            metavar=metavar,
            help=option.help,
            rich_help_panel=option.panel,
            autocompletion=_completer(option.complete) if option.complete else None,
        ),
    ]


def _completer(words: tuple[str, ...]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete
