"""The notes' symbols (notes 2): indices of nodes below, of the layer and the example above.

Layers are counted from 1, the input, to L, the output; i is a node of layer l, j one of layer
l - 1, k an output, m an example. Matrices are in capital letters, for a single example vectors in
small ones.
"""

from dataclasses import dataclass
from typing import final

from chainrule.working.formulas.expressions import Expression, Symbol

__all__ = ["AFTER", "BEFORE", "COST", "HERE", "LAST", "Notation"]

COST = Symbol("J")
HERE, BEFORE, AFTER, LAST = "ℓ", "ℓ-1", "ℓ+1", "L"


@final
@dataclass(frozen=True)
class Notation:
    """The notation of one derivation.

    Attributes
    ----------
    many : bool
        Whether there are several examples: then each has its number above, and there are matrices
        in capital letters instead of vectors in small ones.
    rows : bool
        Whether examples are rows, as in the code, or columns, as in the notes.
    """

    many: bool
    rows: bool

    def of_node(self, name: str, node: object, layer: object, m: object = "") -> Symbol:
        """Return a quantity of a node, such as z, a, δ or b."""
        return Symbol(name, (str(node),), self._above(layer, m))

    def weight(self, i: object, j: object, layer: object) -> Symbol:
        """Return the weight that leads from node j of the layer before to node i of this one."""
        return Symbol("w", (str(i), str(j)), (str(layer),))

    def bias(self, i: object, layer: object) -> Symbol:
        """Return the bias of node i."""
        return Symbol("b", (str(i),), (str(layer),))

    def of_output(self, name: str, k: object, m: object = "") -> Symbol:
        """Return h, y or the like of output k."""
        return Symbol(name, (str(k),), (str(m),) if self.many and m != "" else ())

    def loss(self, m: object = "") -> Symbol:
        """Return the loss of an example."""
        return Symbol("loss", (), (str(m),) if self.many and m != "" else ())

    def array(self, name: str, layer: object = "") -> Symbol:
        """Return a matrix of a batch, or the vector of a single example."""
        large = {"z": "Z", "a": "A", "δ": "Δ", "b": "B", "h": "H", "y": "Y", "x": "X"}
        letter = large.get(name, name) if self.many else name
        return Symbol(letter, (), (str(layer),) if layer != "" else ())

    def weights(self, layer: object) -> Symbol:
        """Return a weight matrix."""
        return Symbol("W", (), (str(layer),))

    def biases(self, layer: object) -> Symbol:
        """Return a bias vector."""
        return Symbol("b", (), (str(layer),))

    def product(self, before: Expression, after: Expression) -> Expression:
        """Return before times after in the notes' order; with examples in rows the other way."""
        return after * before if self.rows else before * after

    def shape(self, nodes: int, others: int) -> tuple[int, int]:
        """Return the shape of an array that has nodes in rows in the notes."""
        return (others, nodes) if self.rows else (nodes, others)

    def tag(self, equation: str) -> str:
        """Return the notes' tag: FP1.1 for an example, FP2.1 for a batch; BP1.1 and BP1.2.

        Parameters
        ----------
        equation : str
            "hidden", "output", "BP1", "BP2", "BP3" or "BP4".
        """
        forward = {"hidden": "FP1.1", "output": "FP1.2"}
        if equation in forward:
            return forward[equation].replace("FP1", "FP2") if self.many else forward[equation]
        return f"{equation}.{2 if self.many else 1}"

    def _above(self, layer: object, m: object) -> tuple[str, ...]:
        return (str(layer), str(m)) if self.many and m != "" else (str(layer),)
