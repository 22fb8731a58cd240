"""How the table of options becomes the flags of a command, and examples become help."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from chainrule.cli.options import OPTIONS, Option

__all__ = ["Json", "Model", "Table", "examples", "with_options"]

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
