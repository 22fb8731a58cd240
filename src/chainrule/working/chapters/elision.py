"""The parts of a large network that are shown, and a note of those that are left out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

from chainrule.errors import InvalidParameter
from chainrule.working.formulas.document import Inline, listed, say

__all__ = ["Shown", "choose_shown"]

_MATRIX = 6  # rows or columns up to which a matrix is shown whole
_FIRST, _LAST = 3, 1  # rows or columns shown of a larger one
_ONE_BY_ONE = 4  # nodes of a layer up to which each is worked out by itself
_SAMPLE = 2  # nodes that are, of a larger layer
_TERMS, _TERMS_SHOWN = (
    12,
    8,
)  # terms of a sum up to which each is shown; of a longer one the largest
_ASKED, _ASKED_SHOWN = 100, 24  # the same for a node that was asked for
_EXAMPLES = 2  # examples up to which z, a and delta of a node are worked out for each


@final
@dataclass(frozen=True)
class Shown:
    """Which parts of a network are shown with numbers. Layers and nodes count from 1.

    Attributes
    ----------
    sizes : tuple of int
        The nodes of each layer.
    layers : tuple of int
        The layers that are worked out.
    nodes : dict of int to tuple of int
        The nodes of each of them that are worked out one by one.
    asked : frozenset of (layer, node)
        The nodes that the user named.
    n_examples : int
        The number of examples.
    """

    sizes: tuple[int, ...]
    layers: tuple[int, ...]
    nodes: dict[int, tuple[int, ...]]
    asked: frozenset[tuple[int, int]]
    n_examples: int

    def in_matrix(self, layer: int) -> list[int]:
        """Return the nodes of a layer, from 0, that matrices show."""
        wanted = [i - 1 for of, i in self.asked if of == layer]
        return _some(self.sizes[layer - 1], wanted)

    @property
    def examples_in_matrix(self) -> list[int]:
        """The examples, from 0, that matrices show."""
        return _some(self.n_examples, [])

    @property
    def examples(self) -> range:
        """The examples, from 0, for which nodes are worked out."""
        return range(self.n_examples if self.n_examples <= _EXAMPLES else 1)

    def largest(self, sizes: Sequence[float], *, asked: bool) -> list[int]:
        """Return the terms of a sum, from 0, that are shown: all, or the largest in their order."""
        limit, most = (_ASKED, _ASKED_SHOWN) if asked else (_TERMS, _TERMS_SHOWN)
        if len(sizes) <= limit:
            return list(range(len(sizes)))
        return sorted(sorted(range(len(sizes)), key=lambda i: -abs(sizes[i]))[:most])

    def left_out(self, view: str) -> list[tuple[Inline, ...]]:
        """Return a sentence for each part that is not shown."""
        said: list[tuple[Inline, ...]] = []
        L = len(self.sizes)
        others = [layer for layer in range(2, L + 1) if layer not in self.layers]
        if others:
            said.append(say(f"{_layers(others)} not worked out: ask with `layers=`."))
        if view != "scalar":
            for layer in range(1, L + 1):
                size, shown = self.sizes[layer - 1], self.in_matrix(layer)
                if len(shown) < size:
                    said.append(
                        say(
                            f"Of the {size} nodes of layer {layer}, matrices show "
                            f"{listed([i + 1 for i in shown])}."
                        )
                    )
            if len(self.examples_in_matrix) < self.n_examples:
                numbers = listed([m + 1 for m in self.examples_in_matrix])
                said.append(say(f"Of the {self.n_examples} examples, matrices show {numbers}."))
        if view != "matrix":
            said += self._left_out_one_by_one()
        return said

    def _left_out_one_by_one(self) -> Iterable[tuple[Inline, ...]]:
        for layer in self.layers:
            size, nodes = self.sizes[layer - 1], self.nodes[layer]
            if not nodes:
                yield say(f"No node of layer {layer} is worked out by itself: ask with `nodes=`.")
            elif len(nodes) < size:
                yield say(
                    f"Of the {size} nodes of layer {layer}, {listed(list(nodes))} "
                    f"{'is' if len(nodes) == 1 else 'are'} worked out: ask for others with "
                    f"`nodes=`."
                )
        if len(self.examples) < self.n_examples:
            yield say(
                f"Nodes are worked out for example 1 of {self.n_examples}; sums over the examples "
                f"go over all of them."
            )
        terms = [
            max(self.sizes[layer - 2], self.n_examples)
            for layer in self.layers
            if self.nodes[layer]
        ]
        terms += [self.sizes[layer] for layer in self.layers[:-1] if self.nodes[layer]]
        if any(n > _TERMS for n in terms):
            yield say(
                f"Of a sum of more than {_TERMS} terms ({_ASKED} for a node that was asked for) "
                f"the {_TERMS_SHOWN} ({_ASKED_SHOWN}) largest are written out; square brackets "
                f"give "
                f"the number of the others, and their sum."
            )


def choose_shown(
    sizes: tuple[int, ...], n_examples: int, nodes: Any = None, layers: Any = None
) -> Shown:
    """Choose the parts that are shown.

    Parameters
    ----------
    sizes : tuple of int
        The nodes of each layer.
    n_examples : int
    nodes : str, pair, or list of them
        Nodes to work out: "2.1" or (2, 1) is node 1 of layer 2.
    layers : int or list of int
        Layers to work out, from 2, the first after the input.

    Returns
    -------
    Shown

    Raises
    ------
    InvalidParameter
        If the node or layer does not exist.
    """
    L = len(sizes)
    asked = _read_nodes(nodes, sizes)
    if layers is None:
        chosen = tuple(range(2, L + 1))
    else:
        chosen = tuple(sorted({_read_layer(layer, L) for layer in _as_list(layers)}))
        for layer, node in sorted(asked):
            if layer not in chosen:
                raise InvalidParameter(
                    f"Node {layer}.{node} is in layer {layer}, which is not among layers="
                    f"{list(chosen)}: add it, or omit layers=."
                )
    worked: dict[int, tuple[int, ...]] = {}
    for layer in chosen:
        size = sizes[layer - 1]
        if nodes is None:
            worked[layer] = tuple(range(1, 1 + (size if size <= _ONE_BY_ONE else _SAMPLE)))
        else:
            worked[layer] = tuple(sorted(i for of, i in asked if of == layer))
    return Shown(sizes, chosen, worked, asked, n_examples)


def _some(size: int, wanted: Iterable[int]) -> list[int]:
    if size <= _MATRIX:
        return list(range(size))
    return sorted({*range(_FIRST), *range(size - _LAST, size), *wanted})


def _layers(numbers: Sequence[int]) -> str:
    return f"Layer {numbers[0]} is" if len(numbers) == 1 else f"Layers {listed(numbers)} are"


def _as_list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]


def _read_layer(given: Any, L: int) -> int:
    if isinstance(given, bool) or not hasattr(given, "__index__") or not 2 <= given <= L:
        only = "2" if L == 2 else f"2 to {L}"
        raise InvalidParameter(
            f"There is no layer {given!r} to work out: layers= takes {only}, the layers after the "
            f"input, which is layer 1."
        )
    return int(given)


def _read_nodes(given: Any, sizes: tuple[int, ...]) -> frozenset[tuple[int, int]]:
    if given is None:
        return frozenset()
    a_pair = isinstance(given, tuple) and len(given) == 2 and not isinstance(given[0], str | tuple)
    return frozenset(_read_node(node, sizes) for node in ([given] if a_pair else _as_list(given)))


def _read_node(given: Any, sizes: tuple[int, ...]) -> tuple[int, int]:
    pair: Any = given
    if isinstance(given, str) and re.fullmatch(r"\d+\.\d+", given.strip()):
        pair = tuple(int(part) for part in given.strip().split("."))
    whole = (
        isinstance(pair, tuple) and len(pair) == 2 and all(hasattr(p, "__index__") for p in pair)
    )
    if not whole:
        raise InvalidParameter(
            f"A node is given by its layer and its number, such as '2.1' or (2, 1). Got {given!r} "
            f"instead."
        )
    layer, node = int(pair[0]), int(pair[1])
    L = len(sizes)
    named = f"{layer}.{node}"
    if layer == 1:
        raise InvalidParameter(
            f"Node {named} is an input, for which nothing is computed. Give a node of the layers 2 "
            f"to {L}."
        )
    if not 2 <= layer <= L:
        raise InvalidParameter(
            f"There is no node {named}: the network has layers 1 to {L}. Give a node of the "
            f"layers 2 to {L}."
        )
    if not 1 <= node <= sizes[layer - 1]:
        raise InvalidParameter(
            f"There is no node {named}: layer {layer} has nodes {layer}.1 to "
            f"{layer}.{sizes[layer - 1]}."
        )
    return layer, node
