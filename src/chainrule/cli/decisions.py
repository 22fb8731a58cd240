"""What the command decided by itself: errors say that it did, and how to decide otherwise.

A choice that the user did not make, such as the task or the kind of a column, is kept as a
`Decision` where it is made. Whatever depends on it runs within `following`, which adds it to an
error that ends the command.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from chainrule.errors import ChainruleError, MissingFile, UnwritablePath

__all__ = ["Decision", "following"]


@dataclass(frozen=True)
class Decision:
    """One decision that the command made by itself.

    Attributes
    ----------
    what : str
        What was decided, with a verb: "the task is classification".
    why : str
        What in the data made it so.
    otherwise : str
        What decides otherwise: "--task regression".
    """

    what: str
    why: str
    otherwise: str

    def __str__(self) -> str:
        """Return the sentence that is added to an error."""
        return f"It was guessed that {self.what}, because {self.why}; {self.otherwise}."


@contextmanager
def following(*decisions: Decision | None) -> Generator[None]:
    """Add decisions to an error raised within, for it may follow from them.

    Parameters
    ----------
    *decisions : Decision or None
        None for what the user decided.

    Raises
    ------
    ChainruleError
        The same, with the sentences of the decisions after its own.
    """
    try:
        yield
    except (MissingFile, UnwritablePath):  # these follow from a path alone
        raise
    except ChainruleError as error:
        said = str(error)
        added = [str(each) for each in decisions if each is not None]
        error.args = (" ".join([said, *(each for each in added if each not in said)]),)
        raise
