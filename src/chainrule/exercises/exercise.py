"""Exercises for pen and paper: a small network with simple numbers, blanks, grades."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from chainrule.architecture.checks import check_flag, check_number, check_seed, check_whole
from chainrule.architecture.inputs import check_batch
from chainrule.errors import InvalidParameter, unknown_name
from chainrule.exercises.friendly import friendly
from chainrule.exercises.grading import Grade, grade
from chainrule.exercises.quantities import Problem, quantities_of
from chainrule.exercises.worksheet import worksheet
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.optimizers import SGD
from chainrule.working.derivation import Derivation
from chainrule.working.explain import explain
from chainrule.working.typesetting.rendered import Destination

__all__ = ["Exercise", "exercise"]

_ORIENTATIONS = ("rows", "columns")


def exercise(
    sizes: Sequence[int] = (2, 2, 1),
    seed: int = 0,
    activation: Any = "logistic",
    loss: Any = None,
    *,
    n_examples: int = 1,
    ask: str | Sequence[str] | None = None,
    orientation: str = "rows",
    learning_rate: float = 0.5,
    l2: float = 0.0,
) -> "Exercise":
    """Make an exercise: a small network with simple numbers, and the quantities to find.

    Weights are multiples of 1/2 from -1.5 to 1.5, inputs whole numbers from -2 to 3, chosen so that
    no value is extreme.

    Parameters
    ----------
    sizes : sequence of int, default=(2, 2, 1)
        The nodes of every layer, at most 8 each, in at most 6 layers.
    seed : int, default=0
        The number of the exercise: the same one always makes the same exercise.
    activation : str, Activation or list, default="logistic"
        As of a `Network`.
    loss : str, Loss or Parametric, optional
        As of a `Network`; by default the cross entropy of one output, the log loss of several.
    n_examples : int, default=1
        At most 6.
    ask : str or sequence of str, optional
        The quantities to find, such as "delta_2" or ["z_2", "a_2"]; those computed before the first
        of them are given. By default all of the forward and backward pass. See `Exercise.names`.
    orientation : {"rows", "columns"}, default="rows"
        Whether examples are rows of the matrices, as in the code, or columns, as in the notes.
    learning_rate : float, default=0.5
        Of the step, for ``ask="new_weights_2"`` and the like.
    l2 : float, default=0.0
        The notes' lambda of the L2 penalty, as of `explain`: it is part of J, and of dJ/dW.

    Returns
    -------
    Exercise

    Raises
    ------
    InvalidParameter
        If it would be too large for paper, or a setting is invalid.
    UnknownName
        If a quantity in `ask` is unknown.

    Examples
    --------
    >>> import chainrule as cr
    >>> ex = cr.exercise(sizes=[2, 2, 1], seed=1, ask="delta_3")
    >>> ex.check(delta_3=ex.net(ex.X) - ex.y)
    Grade(1 of 1 right)
    >>> print(ex.check(delta_3=ex.y - ex.net(ex.X)))
    delta_3: wrong. BP1.1: δ⁽³⁾ = h − y. Here the sign is the other way round: it is h − y, not
    y − h.
    """
    if loss is None:
        loss = "cross_entropy" if list(sizes)[-1:] == [1] else "log_loss"
    n = check_whole("n_examples", n_examples)
    net, X, targets = friendly(sizes, activation, loss, n, check_seed(seed))
    return Exercise(
        net,
        X,
        targets,
        ask=ask,
        orientation=orientation,
        learning_rate=learning_rate,
        l2=l2,
        seed=int(seed),
    )


@final
class Exercise:
    """A network on paper, with blanks; `exercise` makes one with simple numbers.

    Parameters
    ----------
    net : Network
        Any small network.
    X, y : array-like
        One example or a few, as the network takes them.
    ask, orientation, learning_rate, l2
        As for `exercise`.
    seed : int, optional
        The number to print on the worksheet.

    Attributes
    ----------
    net : Network
        In float64.
    X : array of shape (n, N)
    y : array of shape (n, K)
        Classes as one-hot rows.
    names : tuple of str
        Everything that can be asked for, in the order in which it is computed: "z_2", "a_2" ...
        "h", "cost", "delta_3", "grad_weights_3", "grad_biases_3" ..., "new_weights_2",
        "new_biases_2" (after a step of gradient descent) ... Layers are the notes', 1 is the input.
    asked : tuple of str
        The quantities to find.
    answers : dict of str to array
        The correct answers, in the form of the worksheet (``orientation``).

    Examples
    --------
    >>> import chainrule as cr
    >>> ex = cr.exercise(sizes=[2, 3, 2], activation="tanh", seed=3)
    >>> ex.asked[:4], ex.asked[-2:]
    (('z_2', 'a_2', 'z_3', 'h'), ('grad_weights_2', 'grad_biases_2'))
    >>> ex.latex().startswith("%"), "Forward, with numbers" in ex.text(solution=True)
    (True, True)
    """

    def __init__(
        self,
        net: Network,
        X: Any,
        y: Any,
        *,
        ask: str | Sequence[str] | None = None,
        orientation: str = "rows",
        learning_rate: float = 0.5,
        l2: float = 0.0,
        seed: int | None = None,
    ) -> None:
        if orientation not in _ORIENTATIONS:
            raise unknown_name("orientation", orientation, _ORIENTATIONS)
        rate = check_number("learning_rate", learning_rate)
        if not rate:
            raise InvalidParameter("learning_rate must be above 0. Got 0 instead.")
        rows, Y, _ = check_batch(net.architecture, X, y)
        self.net, self.seed, self.orientation = net.copy("float64"), seed, orientation
        self.X, self.y = np.array(rows, np.float64), np.array(Y, np.float64)
        self._targets = y
        self._problem = Problem.of(
            self.net,
            self.X,
            self.y,
            y,
            rate,
            check_number("l2", l2),
            rows=orientation == "rows",
        )
        self._known = quantities_of(self._problem)
        self.names = tuple(self._known)
        self.asked = self._chosen(ask)

    def _chosen(self, ask: str | Sequence[str] | None) -> tuple[str, ...]:
        if ask is None:
            return tuple(name for name in self.names if not name.startswith("new_"))
        wanted = [ask] if isinstance(ask, str) else list(ask)
        for name in wanted:
            if name not in self._known:
                raise unknown_name("quantity", name, self.names)
        if not wanted:
            raise InvalidParameter(f"ask must name at least one of {', '.join(self.names)}.")
        return tuple(name for name in self.names if name in wanted)

    @property
    def answers(self) -> dict[str, Float]:
        """The correct answers for everything that is asked for."""
        return {name: self._known[name].value.copy() for name in self.asked}

    def check(self, *, tolerance: float = 0.01, **answers: Any) -> Grade:
        """Grade answers, each by the name of its quantity.

        Parameters
        ----------
        tolerance : float, default=0.01
            The relative tolerance, since answers are rounded. An entry smaller than a tenth of its
            quantity's largest may be off by as much as that tenth may.
        **answers : number or array-like
            Such as ``delta_2=[0.1, -0.3]``, in the shape of the worksheet; a row or a column may
            be a plain list.

        Returns
        -------
        Grade
            A mark for each answer, with a hint if it is wrong; true if all are right.

        Raises
        ------
        InvalidInput
            If there is no answer, or one does not hold numbers.
        UnknownName
            If a quantity is unknown; the message suggests the nearest.
        """
        return grade(self._problem, self._known, self.asked, answers, tolerance)

    @property
    def solution(self) -> Derivation:
        """The full working, as from `explain`."""
        return explain(
            self.net,
            self.X,
            self._targets,
            orientation=self.orientation,
            optimizer=SGD(self._problem.rate),
            l2=self._problem.l2,
            lecture=False,
            digits=4,
        )

    def worksheet(self, *, solution: bool = False) -> Derivation:
        """Return the worksheet, to be read as text, Markdown, LaTeX or HTML.

        Parameters
        ----------
        solution : bool, default=False
            Whether the answers and the full working follow.

        Returns
        -------
        Derivation
        """
        check_flag("solution", solution)
        given = self.names[: min(self.names.index(name) for name in self.asked)]
        blocks = self.solution.document.blocks if solution else ()
        page = worksheet(self._problem, self._known, self.asked, given, self.seed, blocks)
        return Derivation(page)

    def text(self, path: Destination = None, *, solution: bool = False, width: int = 96) -> str:
        """Return the worksheet as plain text, and write it to a file if there is a path."""
        return self.worksheet(solution=solution).text(width, path)

    def markdown(self, path: Destination = None, *, solution: bool = False) -> str:
        """Return the worksheet as Markdown with formulas between dollars."""
        return self.worksheet(solution=solution).markdown(path)

    def latex(self, path: Destination = None, *, solution: bool = False) -> str:
        """Return the worksheet as a LaTeX document, ready for pdflatex."""
        return self.worksheet(solution=solution).latex(path)

    def html(self, path: Destination = None, *, solution: bool = False) -> str:
        """Return the worksheet as a web page with MathML, which loads no other files."""
        return self.worksheet(solution=solution).html(path)

    def _repr_html_(self) -> str:
        """Return the worksheet as a part of a web page, for a notebook."""
        return self.worksheet()._repr_html_()

    def __str__(self) -> str:
        """Return the plain text."""
        return self.text()

    def __repr__(self) -> str:
        """Return a short description."""
        sizes = "-".join(map(str, self.net.sizes))
        number = "" if self.seed is None else f", seed={self.seed}"
        return f"Exercise(a {sizes} network{number}, {len(self.asked)} to find)"
