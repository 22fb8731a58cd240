"""Every way the command can end: one sentence on stderr and an exit code."""

import os
import sys
import traceback
import warnings

from chainrule.errors import ChainruleError

__all__ = ["BAD_INPUT", "INTERNAL", "INTERRUPTED", "SUCCESS", "note", "run"]

SUCCESS, INTERNAL, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
TRACEBACK = "CHAINRULE_TRACEBACK"


def run(argv: list[str]) -> int:
    """Run the command with arguments and turn whatever happens into an exit code.

    Parameters
    ----------
    argv : list of str
        The arguments.

    Returns
    -------
    int
        The exit code.
    """
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return _end(INTERRUPTED, "interrupted; nothing was written.")
    except BrokenPipeError:
        # The reader, perhaps `head`, has seen enough: no error of ours. What is still buffered
        # must not be flushed into the closed pipe when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SUCCESS
    except ChainruleError as error:
        return _end(BAD_INPUT, str(error))
    except Exception as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        return _end(
            INTERNAL,
            f"an error inside chainrule ({_one_line(what)}); to see where, run it again with "
            f"{TRACEBACK}=1, and please report it.",
        )


def note(text: str) -> None:
    """Tell the user something besides the result, on stderr.

    Parameters
    ----------
    text : str
        A sentence.
    """
    sys.stderr.write(f"note: {_one_line(text)}\n")


def _run(argv: list[str]) -> int:
    # Imported here so that Ctrl-C during a slow import ends as quietly as later.
    import typer

    from chainrule.cli.app import app

    command = typer.main.get_command(app)
    # Warnings are for programmers. What a user should know of them is said by `note`.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with command.make_context("chainrule", argv) as context:
                command.invoke(context)
        except typer.TyperException as error:
            usage = getattr(getattr(error, "ctx", None), "command_path", "chainrule")
            return _end(BAD_INPUT, f"{_sentence(error.format_message())} See {usage} --help.")
        except typer.Exit as error:
            sys.stdout.flush()
            return error.exit_code
    sys.stdout.flush()
    return SUCCESS


def _end(code: int, message: str) -> int:
    sys.stderr.write(f"chainrule: {_one_line(message)}\n")
    return code


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    text = _one_line(text)
    return text if text.endswith((".", "?", "!")) else f"{text}."
