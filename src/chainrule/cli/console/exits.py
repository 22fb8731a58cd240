"""Every way the command can end: one sentence on stderr and an exit code."""

import contextlib
import errno
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import ChainruleError

__all__ = [
    "BAD_INPUT",
    "CHECK_FAILED",
    "INTERNAL",
    "INTERRUPTED",
    "SUCCESS",
    "end_with",
    "kept_in",
    "note",
    "progress_of_output",
    "run",
    "say_notes",
]

SUCCESS, INTERNAL, BAD_INPUT, CHECK_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
TRACEBACK = "CHAINRULE_TRACEBACK"

# What the system says when the output cannot go where it should.
_NO_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


@dataclass
class _Output:
    """What one run of the command has told and written."""

    notes: list[str] | None = field(default_factory=list)  # held back; None: they no longer are
    files: list[str] = field(default_factory=list)
    in_doubt: bool = False  # a part of the result may be on stdout or in a pipe
    checkpoint: str | None = None  # from which an interrupted training can go on

    def start(self) -> None:
        self.notes, self.files, self.in_doubt, self.checkpoint = [], [], False, None


progress_of_output = _Output()


def run(argv: list[str], load_app: Callable[[], Any]) -> int:
    """Run the command with arguments and turn whatever happens into an exit code.

    Parameters
    ----------
    argv : list of str
        The arguments.
    load_app : callable
        Returns the typer application. It is called here so that Ctrl-C during a slow import ends
        as quietly as later.

    Returns
    -------
    int
        The exit code.
    """
    progress_of_output.start()
    if sys.stderr is None:  # the shell's 2>&-
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process
    if sys.stdout is None:
        return _end(BAD_INPUT, "standard output is closed; send it to a file, a pipe or /dev/null.")
    try:
        return _run(argv, load_app)
    except KeyboardInterrupt:
        return _end(INTERRUPTED, f"interrupted; {_written()}.")
    except BrokenPipeError:
        # The reader, perhaps `head`, has seen enough: no error of ours.
        _drop_output()
        return SUCCESS
    except Exception as error:
        return _end(*_explain(error))


def end_with(code: int) -> None:
    """End the command, whose result says all, with another exit code than that of success.

    Parameters
    ----------
    code : int
        The exit code.
    """
    import typer

    raise typer.Exit(code)


def note(text: str) -> None:
    """Tell the user something besides the result, on stderr, once the input is accepted.

    If it is not, the sentence that says why stands alone.

    Parameters
    ----------
    text : str
        A sentence.
    """
    if progress_of_output.notes is not None:
        progress_of_output.notes.append(text)
    else:
        _to_stderr(f"note: {_one_line(text)}")


@contextlib.contextmanager
def kept_in(checkpoint: str | None) -> Generator[None]:
    """Note that what is done here is kept in a file, which the user hears of at Ctrl-C.

    Parameters
    ----------
    checkpoint : str or None
        The file, if there is one.
    """
    before = _identity(checkpoint)
    try:
        yield
    finally:
        if _identity(checkpoint) != before:
            progress_of_output.checkpoint = checkpoint


def _identity(path: str | None) -> tuple[int, int] | None:
    """Return what changes whenever a file is written; None without a file."""
    try:
        found = os.stat(path or "")
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_mtime_ns


def say_notes() -> None:
    """Say the notes that were held back, now that the input is accepted; later ones at once."""
    notes, progress_of_output.notes = progress_of_output.notes or [], None
    for each in notes:
        note(each)


def _run(argv: list[str], load_app: Callable[[], Any]) -> int:
    import typer

    command = typer.main.get_command(load_app())
    # For the shell's completion, which asks by an environment variable.
    command._main_shell_completion({}, "chainrule")  # pyright: ignore[reportAttributeAccessIssue]
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
            say_notes()
            return error.exit_code
    sys.stdout.flush()
    say_notes()
    return SUCCESS


def _explain(error: Exception) -> tuple[int, str]:
    if isinstance(error, ChainruleError):
        return BAD_INPUT, str(error)
    if isinstance(error, MemoryError):
        what = f" ({_one_line(str(error)).rstrip('.')})" if str(error) else ""
        return (
            BAD_INPUT,
            f"this needs more memory than there is{what}; use a table with fewer rows or columns, "
            "or smaller --hidden layers.",
        )
    # Files that cannot be read or written are in the words of ChainruleErrors already.
    if isinstance(error, OSError) and error.errno in _NO_OUTPUT and error.filename is None:
        _drop_output()
        return BAD_INPUT, f"cannot write to standard output: {str(error.strerror).lower()}."
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    what = _one_line(f"{type(error).__name__}: {error}")
    return (
        INTERNAL,
        f"an error inside chainrule ({what}); to see where, run it again with "
        f"{TRACEBACK}=1, and please report it.",
    )


def _end(code: int, message: str) -> int:
    _to_stderr(f"chainrule: {_one_line(message)}")
    return code


def _to_stderr(line: str) -> None:
    with contextlib.suppress(OSError):  # there is nowhere to say that it cannot be said
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _drop_output() -> None:
    """Keep what is buffered from being flushed, in vain again, when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _written() -> str:
    files = " and ".join(f"'{path}'" for path in progress_of_output.files)
    if files:
        return f"{files} was written whole"
    if progress_of_output.checkpoint is not None:
        return f"it goes on from '{progress_of_output.checkpoint}' with --resume"
    return "the output may be cut off" if progress_of_output.in_doubt else "nothing was written"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    text = _one_line(text)
    return text if text.endswith((".", "?", "!")) else f"{text}."
