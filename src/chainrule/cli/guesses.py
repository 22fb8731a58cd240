"""What the command guessed: an error that may follow from it says so, and how to say otherwise.

A choice that the user did not make, such as the task or the kind of a column, is kept as a `Guess`
where it is made. Whatever depends on it runs within `following`, which adds it to an error.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from chainrule.errors import ChainruleError, Diverged, MissingFile, TooLarge, UnwritablePath

__all__ = ["Guess", "following"]

# These follow from a path, or from the settings of the training.
_NOT_FROM_GUESSES = (MissingFile, UnwritablePath, Diverged, TooLarge)


@dataclass(frozen=True)
class Guess:
    """One choice that the command made by itself.

    Attributes
    ----------
    what : str
        What was guessed, as a clause: "the task is classification".
    why : str
        What in the data made it so, as a clause.
    otherwise : str
        What to do if it is wrong, as a clause: "add --task regression".
    """

    what: str
    why: str
    otherwise: str

    def __str__(self) -> str:
        """Return the sentence that is added to an error."""
        return f"It was guessed that {self.what}, because {self.why}; if not, {self.otherwise}."


@contextmanager
def following(*guesses: Guess | None) -> Generator[None]:
    """Add guesses to an error raised within, for it may follow from them.

    Parameters
    ----------
    *guesses : Guess or None
        None for what the user said.

    Raises
    ------
    ChainruleError
        The same, with the sentences of the guesses after its own.
    """
    try:
        yield
    except _NOT_FROM_GUESSES:
        raise
    except ChainruleError as error:
        for guess in guesses:
            if guess is not None and str(guess) not in str(error):
                error.args = (f"{error} {guess}",)
        raise
