"""The context of all chapters: the numbers, their notation, and the parts that are shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from chainrule.maths.activations import Activation
from chainrule.maths.arrays import Float
from chainrule.opening import Opened
from chainrule.working.chapters.elision import Shown
from chainrule.working.formulas.activations import Form, form_of
from chainrule.working.formulas.document import Chain
from chainrule.working.formulas.evaluation import evaluate
from chainrule.working.formulas.expressions import (
    DOTS,
    Dots,
    Expression,
    Matrix,
    Number,
    Rest,
    Sum,
)
from chainrule.working.formulas.pairs import Pair, pair_of, smoothed
from chainrule.working.formulas.precision import digits_for_arrays, settled
from chainrule.working.formulas.symbols import Notation
from chainrule.working.numbers.differences import Entry
from chainrule.working.numbers.one_pass import Computed

__all__ = ["Context", "Part"]

Part: TypeAlias = tuple[Float, Sequence[int], Sequence[int]]
"""An array with its rows and columns that are shown."""


@final
@dataclass(frozen=True)
class Context:
    """The numbers of a derivation, and their notation. Layers and nodes count from 1.

    Attributes
    ----------
    subject, computed, notation, shown
        The opened model, its numbers, its symbols, and the parts that are shown.
    digits : int
        Significant digits of results.
    view : str
        "scalar", "matrix" or "both".
    slopes : dict
        The finite-difference estimates of the gradients that are shown.
    """

    subject: Opened
    computed: Computed
    notation: Notation
    shown: Shown
    digits: int
    view: str
    slopes: Mapping[Entry, float | None]

    @property
    def L(self) -> int:
        """The number of layers."""
        return len(self.shown.sizes)

    @property
    def n(self) -> int:
        """The number of examples."""
        return len(self.subject.X)

    @property
    def alone(self) -> bool:
        """Whether the cost is the loss of one example that counts 1."""
        return self.n == 1 and self.subject.weight is None

    @property
    def pair(self) -> Pair:
        """The output pair's formulas."""
        return pair_of(self.subject.net.architecture.loss)

    @property
    def Y(self) -> Float:
        """The targets, (n, K), after label smoothing."""
        assert self.subject.Y is not None
        return smoothed(self.subject.net.architecture.loss, self.subject.Y)

    def form(self, layer: int) -> Form:
        """Return the formulas of a hidden layer's activation."""
        return form_of(self.activation(layer))

    def activation(self, layer: int) -> Activation:
        """Return a hidden layer's activation."""
        return self.subject.net.architecture.activations[layer - 2]

    @property
    def functions(self) -> dict[str, Callable[..., float]]:
        """The user's own functions by their names in the formulas."""
        return own_functions(self.subject)

    # --- numbers --------------------------------------------------------------------------------

    def number(self, value: float) -> Number:
        """Return a number with the derivation's digits."""
        return Number(float(value), self.digits)

    def weights(self, layer: int) -> Float:
        """Return W^(l), (s_in, s_out)."""
        return self.subject.net.weights[layer - 2]

    def biases(self, layer: int) -> Float:
        """Return b^(l)."""
        return self.subject.net.biases[layer - 2]

    def z(self, layer: int) -> Float:
        """Return z of a layer, (n, s)."""
        return self.computed.forward.z[layer - 2]

    def a(self, layer: int) -> Float:
        """Return a of a layer, (n, s)."""
        return self.computed.forward.a[layer - 1]

    def mask(self, layer: int) -> Float | None:
        """Return dropout's factors of a hidden layer, (n, s), or None."""
        masks, dropout = self.computed.masks, self.computed.dropout
        if masks is None or dropout is None or not 2 <= layer < self.L:
            return None
        return masks[layer - 2] if dropout.of_layers[layer - 2] else None

    def reads(self, layer: int) -> Float:
        """Return the inputs of a layer from the one before, (n, s_in)."""
        return self.computed.forward.reads[layer - 2]

    def delta(self, layer: int) -> Float:
        """Return delta of a layer, (n, s)."""
        assert self.computed.gradients is not None
        return self.computed.gradients.delta[layer - 2]

    def grad_weights(self, layer: int) -> Float:
        """Return dJ/dW, (s_in, s_out), penalties included."""
        assert self.computed.gradients is not None
        return self.computed.gradients.grad_weights[layer - 2]

    def grad_biases(self, layer: int) -> Float:
        """Return dJ/db."""
        assert self.computed.gradients is not None
        return self.computed.gradients.grad_biases[layer - 2]

    def factor(self, m: int) -> Expression | None:
        """Return the factor of an example's loss in J: 1/M, or its weight over S; None for 1."""
        weight = self.subject.weight
        if weight is not None:
            return Number(float(weight[m])) / Number(self.computed.total)
        return Number(1.0) / Number(float(self.n)) if self.n > 1 else None

    # --- lines ----------------------------------------------------------------------------------

    def line(
        self,
        left: Expression,
        symbolic: Sequence[Expression],
        ways: Sequence[Expression],
        result: float,
        note: tuple[Any, ...] = (),
        *,
        compact: bool = False,
    ) -> Chain:
        """Return a chain: symbols, numbers that recompute, and the result."""
        numbers = settled(ways, result, self.digits, self.functions)
        steps = list(symbolic)
        if not isinstance(numbers, Number):
            steps.append(numbers)
        steps.append(self.number(result))
        return Chain(left, tuple(("=", step) for step in steps), note, compact)

    def terms(self, terms: Sequence[Expression], keep: Sequence[int]) -> list[Expression]:
        """Return the terms of a long sum that are shown, and the sum of the rest."""
        kept = [terms[i] for i in keep]
        if len(kept) == len(terms):
            return kept
        others = [t for i, t in enumerate(terms) if i not in set(keep)]
        total = evaluate(Sum(tuple(others)), self.functions)
        return [*kept, Rest(len(others), Number(total))]

    def symbols(self, terms: Sequence[Expression], keep: Sequence[int]) -> list[Expression]:
        """Return the same terms as symbols, with dots for the rest."""
        kept = [terms[i] for i in keep]
        return kept if len(kept) == len(terms) else [*kept, DOTS]

    # --- matrices -------------------------------------------------------------------------------

    def matrix(
        self,
        values: Float,
        rows: Sequence[int] | None = None,
        columns: Sequence[int] | None = None,
        digits: int | None = None,
    ) -> Matrix:
        """Return a matrix of numbers, of the rows and columns that are shown.

        It is given as in the code (examples in rows, weights (s_in, s_out)), and turned if the
        derivation has the notes' columns.
        """
        rows = range(values.shape[0]) if rows is None else rows
        columns = range(values.shape[1]) if columns is None else columns
        if not self.notation.rows:
            values, rows, columns = values.T, columns, rows
        d = self.digits if digits is None else digits
        down = _with_gaps(rows, values.shape[0])
        along = _with_gaps(columns, values.shape[1])
        return Matrix(
            tuple(
                tuple(
                    Dots("⋱" if r is None and c is None else "⋮" if r is None else "⋯")
                    if r is None or c is None
                    else Number(float(values[r, c]), d)
                    for c in along
                )
                for r in down
            )
        )

    def array_digits(
        self,
        compute: Callable[..., Float],
        arrays: Sequence[Part],
        result: Part,
        *,
        whole: bool = True,
    ) -> int:
        """Return the number of digits that arrays need so that their printed values give a result.

        Parameters
        ----------
        compute : callable
            From the shown parts of the arrays to that of the result.
        arrays, result : (array, rows, columns)
            The shown part of each.
        whole : bool, default=True
            Whether the index that is summed over is shown whole; if not, the result does not
            follow from what is shown.
        """
        if not whole:
            return self.digits
        parts = [values[np.ix_(rows, columns)] for values, rows, columns in (*arrays, result)]
        return digits_for_arrays(compute, parts[:-1], parts[-1], self.digits)


def own_functions(subject: Opened) -> dict[str, Callable[..., float]]:
    """Return the user's own functions of numbers by their names in formulas.

    An activation is called by its name, its derivative by the name and "'", a hypothesis of its z
    by its name, and a loss by its name with all z and then all y.
    """
    architecture = subject.net.architecture
    found: dict[str, Callable[..., float]] = {}
    for g in architecture.activations:
        if not form_of(g).known:
            found[g.name] = _of_numbers(g.g)
            found[f"{g.name}'"] = _of_numbers(g.g_prime)
    loss = architecture.loss
    if not pair_of(loss).known:
        found[loss.hypothesis_name] = _of_numbers(loss.hypothesis)
        for k in range(architecture.sizes[-1]):
            found[f"{loss.hypothesis_name}_{k + 1}"] = _component(loss.hypothesis, k)
        K = architecture.sizes[-1]
        found[loss.name] = lambda *zy: float(
            loss.per_example(np.array([zy[:K]]), np.array([zy[K:]]))[0]
        )
    return found


def _of_numbers(f: Callable[[Float], Float]) -> Callable[..., float]:
    return lambda x: float(f(np.array([[x]]))[0, 0])


def _component(f: Callable[[Float], Float], k: int) -> Callable[..., float]:
    return lambda *x: float(f(np.array([x]))[0, k])


def _with_gaps(indices: Sequence[int], size: int) -> list[int | None]:
    """Return indices with None where some in between are left out."""
    found: list[int | None] = []
    before = -1
    for index in indices:
        if index != before + 1:
            found.append(None)
        found.append(index)
        before = index
    return found if before == size - 1 else [*found, None]
