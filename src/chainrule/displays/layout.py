"""The positions of nodes and labels in a network's diagram: geometry only, without drawing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from chainrule.maths.arrays import Float

__all__ = ["HALF_SIDE", "RADIUS", "STEP", "Column", "Edge", "Layout", "lay_out", "spread_labels"]

RADIUS = 0.5
"""The radius of a node; all lengths are in these units."""
HALF_SIDE = 0.36
"""Of a bias node, which is a square."""
STEP = 1.5
"""The distance between nodes."""
_LABELLED = 20  # the most edges between two layers that get labels
_GAP, _GAP_OF_LABEL, _MOST_GAP = 3.0, 0.12, 6.6


@final
@dataclass(frozen=True)
class Column:
    """A drawn layer.

    Attributes
    ----------
    layer : int
        Its number, from 1, the input.
    size : int
        The number of its nodes.
    x : float
        Its position.
    nodes : dict of int to float
        The drawn nodes, from 1, and the height of each.
    dots : float or None
        The height of the dots for omitted nodes; None if no node is omitted.
    bias : float or None
        The height of the bias node (+1) of the next layer; None in the last layer.
    """

    layer: int
    size: int
    x: float
    nodes: dict[int, float]
    dots: float | None
    bias: float | None

    @property
    def left_out(self) -> int:
        """The number of its nodes that are not drawn."""
        return self.size - len(self.nodes)


@final
@dataclass(frozen=True)
class Edge:
    """A drawn weight or bias: from node `source`, 0 for the bias node, to `target` of `layer`."""

    layer: int
    target: int
    source: int
    start: tuple[float, float]
    end: tuple[float, float]

    def at(self, part: float) -> tuple[float, float]:
        """Return the point at a fraction of the edge, from 0 to 1."""
        (x0, y0), (x1, y1) = self.start, self.end
        return x0 + part * (x1 - x0), y0 + part * (y1 - y0)

    @property
    def angle(self) -> float:
        """Its angle, in degrees."""
        (x0, y0), (x1, y1) = self.start, self.end
        return float(np.degrees(np.arctan2(y1 - y0, x1 - x0)))


@final
@dataclass(frozen=True)
class Layout:
    """A complete diagram.

    Attributes
    ----------
    columns : tuple of Column
        The layers that are drawn, from left to right.
    edges : tuple of Edge
    gaps : tuple of (float, int, int)
        The omitted layers: x, and the first and last of them.
    """

    columns: tuple[Column, ...]
    edges: tuple[Edge, ...]
    gaps: tuple[tuple[float, int, int], ...]

    @property
    def labelled(self) -> list[Edge]:
        """The edges between layers with few enough edges for labels."""
        counts = Counter(edge.layer for edge in self.edges)
        return [edge for edge in self.edges if counts[edge.layer] <= _LABELLED]

    @property
    def top(self) -> float:
        """The height of the highest node."""
        return max(max([*c.nodes.values(), c.bias or 0.0]) for c in self.columns) + RADIUS

    @property
    def bottom(self) -> float:
        """The height of the lowest node."""
        return min(min(c.nodes.values()) for c in self.columns) - RADIUS

    @property
    def left(self) -> float:
        """The position of the first layer."""
        return self.columns[0].x

    @property
    def right(self) -> float:
        """The position of the last layer."""
        return self.columns[-1].x


def lay_out(sizes: Sequence[int], *, max_nodes: int, max_layers: int) -> Layout:
    """Place every layer, node, bias node and edge.

    Parameters
    ----------
    sizes : sequence of int
        The nodes of each layer.
    max_nodes, max_layers : int
        The limits of the drawing (one more is allowed); of more, the first and the last are drawn.

    Returns
    -------
    Layout
    """
    columns: list[Column] = []
    edges: list[Edge] = []
    gaps: list[tuple[float, int, int]] = []
    shown = _some(len(sizes), max_layers)
    x = 0.0
    for position, layer in enumerate(shown):
        size = sizes[layer - 1]
        drawn = _some(size, max_nodes)
        if position:
            before = columns[-1]
            if layer - shown[position - 1] > 1:
                gaps.append((x + 1.8, shown[position - 1] + 1, layer - 1))
                x += 3.6
            else:
                n_edges = len(drawn) * (len(before.nodes) + 1)
                x += min(_GAP + _GAP_OF_LABEL * n_edges, _MOST_GAP)
        column = _column(layer, size, x, drawn, last=layer == len(sizes))
        if position and layer - shown[position - 1] == 1:
            edges += _edges(columns[-1], column)
        columns.append(column)
    return Layout(tuple(columns), tuple(edges), tuple(gaps))


def _some(size: int, most: int) -> list[int]:
    if size <= most + 1:  # dots for a single one would not save space
        return list(range(1, size + 1))
    return [*range(1, most), size]


def _column(layer: int, size: int, x: float, drawn: list[int], *, last: bool) -> Column:
    elided = len(drawn) < size
    n_slots = len(drawn) + elided
    heights = [STEP * ((n_slots - 1) / 2 - slot) for slot in range(n_slots)]
    dots = heights.pop(-2) if elided else None
    nodes = dict(zip(drawn, heights, strict=True))
    return Column(layer, size, x, nodes, dots, None if last else heights[0] + STEP)


def _edges(before: Column, column: Column) -> list[Edge]:
    sources = [(0, before.bias), *before.nodes.items()]
    return [
        Edge(
            column.layer,
            i,
            j,
            *_between((before.x, from_y or 0.0), (column.x, to_y), bias=j == 0),
        )
        for i, to_y in column.nodes.items()
        for j, from_y in sources
    ]


def _between(
    start: tuple[float, float], end: tuple[float, float], *, bias: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Shorten a line between two nodes' centers to the part between their borders."""
    a, b = np.array(start), np.array(end)
    along = (b - a) / np.linalg.norm(b - a)
    out = HALF_SIDE / np.abs(along).max() if bias else RADIUS
    (x0, y0), (x1, y1) = (a + out * along).tolist(), (b - RADIUS * along).tolist()
    return (x0, y0), (x1, y1)


def spread_labels(edges: Sequence[Edge], length: float) -> dict[Edge, float]:
    """Return for each edge the best position of a label of that length along it.

    Each edge in turn takes the position that is farthest from existing labels and from
    the other edges between the same layers.

    Examples
    --------
    >>> from chainrule.displays.layout import lay_out, spread_labels
    >>> layout = lay_out([2, 2], max_nodes=4, max_layers=4)
    >>> places = spread_labels(layout.edges, 0.6)
    >>> len(places), all(0 < part < 1 for part in places.values())
    (6, True)
    """
    parts = np.linspace(0.12, 0.88, 77)
    places: dict[Edge, float] = {}
    for layer in sorted({edge.layer for edge in edges}):
        here = [edge for edge in edges if edge.layer == layer]
        taken: list[Float] = []
        for edge in here:
            points = np.array([edge.at(float(part)) for part in parts])
            others = [other for other in here if other is not edge]
            along = np.subtract(edge.end, edge.start)
            along = along / np.linalg.norm(along) * length / 2
            ends = points[:, None] + along * np.array([-1.0, 0.0, 1.0])[:, None]
            crossing = _distance_to_lines(ends, others)
            near = np.full(len(parts), np.inf)
            for label in taken:
                apart = np.linalg.norm(ends[:, :, None] - label[None, None], axis=-1)
                near = np.minimum(near, apart.min(axis=(1, 2)))
            # A third of its length from other labels is enough; after that, edges count.
            score = np.minimum(near, 0.75 * length) * 3 + np.minimum(crossing, 0.5 * length)
            score -= 0.05 * np.abs(parts - 0.5)
            best = int(np.argmax(score))
            taken.append(ends[best])
            places[edge] = float(parts[best])
    return places


def _distance_to_lines(points: Float, edges: Sequence[Edge]) -> Float:
    """Return for each row of points the distance to the nearest edge."""
    nearest = np.full(len(points), np.inf)
    for edge in edges:
        start, along = np.array(edge.start), np.subtract(edge.end, edge.start)
        part = np.clip((points - start) @ along / (along @ along), 0, 1)
        apart = np.linalg.norm(points - start - part[..., None] * along, axis=-1)
        nearest = np.minimum(nearest, apart.min(axis=1))
    return nearest
