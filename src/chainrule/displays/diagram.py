"""The network diagram with numbers: weights as strokes, a as fill, delta as rings."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from chainrule.displays.canvas import Sheet, hypothesis_of, index, margins, plain
from chainrule.displays.layout import RADIUS, Column, Edge, Layout, spread_labels
from chainrule.displays.style import (
    COLOR_MAP,
    INK,
    NEGATIVE,
    PAPER,
    POSITIVE,
    SOFT,
    ink_on,
    pyplot,
    symmetric,
)
from chainrule.maths.arrays import Float
from chainrule.network import Network

__all__ = ["Numbers", "draw_numbers"]

_LEAST_WIDTH = 11.0  # of the figure, for the legend
_THICKEST, _THINNEST = 4.2, 0.35  # of strokes, in points
_THICKEST_RING, _THINNEST_RING = 4.5, 0.8
_DASHES = (0, (3, 1.2))


@final
@dataclass(frozen=True)
class Numbers:
    """The numbers of one example in a network.

    Attributes
    ----------
    a : list of L arrays of shapes (s_l,)
        Activations; the first is x, the last h.
    delta : list of L arrays of shapes (s_l,), or None
        dJ/dz of each layer; of the inputs, dJ/dx.
    y : array of shape (K,) or None
    cost : float or None
        J.
    """

    a: list[Float]
    delta: list[Float] | None = None
    y: Float | None = None
    cost: float | None = None


def draw_numbers(
    ax: Any,
    net: Network,
    layout: Layout,
    numbers: Numbers | None,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> Any:
    """Draw the diagram, and return its axes."""
    left, right = margins(inputs, outputs)
    below = [_lines_below(column, net, numbers) for column in layout.columns]
    missing = max(0.0, _LEAST_WIDTH - (layout.right + right - layout.left + left)) / 2
    sheet = Sheet(
        ax,
        layout.left - left - missing,
        layout.right + right + missing,
        layout.bottom - 1.75 - 0.34 * max(map(len, below)),
        layout.top + 1.1,
    )
    sheet.heads(layout, len(net.sizes))
    largest = max(symmetric(net.theta), np.finfo(float).tiny)
    places = spread_labels(layout.labelled, 0.7)
    for edge in layout.edges:
        _draw_edge(sheet, edge, _value(net, edge), largest, places.get(edge))
    fill = _fill(numbers)
    for column, lines in zip(layout.columns, below, strict=True):
        _draw_nodes(sheet, column, numbers, fill, last=column.layer == len(net.sizes))
        sheet.bias_node(column)
        for row, line in enumerate(lines):
            sheet.write(column.x, layout.bottom - 0.68 - 0.34 * row, line, 0.22, color=SOFT)
    sheet.dots(layout)
    sheet.names(layout, inputs, outputs)
    _legend(sheet, largest, numbers, fill)
    return sheet.ax


def _value(net: Network, edge: Edge) -> float:
    """Return the weight or bias of an edge."""
    after = edge.layer - 2
    if edge.source == 0:
        return float(net.biases[after][edge.target - 1])
    return float(net.weights[after][edge.source - 1, edge.target - 1])


def signed_stroke(value: float) -> dict[str, Any]:
    """Return color and dashes of a number: negative ones are dashed."""
    return {
        "color": POSITIVE if value > 0 else NEGATIVE if value < 0 else SOFT,
        "ls": _DASHES if value < 0 else "-",
    }


def _draw_edge(sheet: Sheet, edge: Edge, value: float, largest: float, part: float | None) -> None:
    (x0, y0), (x1, y1) = edge.start, edge.end
    width = _THINNEST + (_THICKEST - _THINNEST) * abs(value) / largest
    stroke = signed_stroke(value)
    line = sheet.line((x0, x1), (y0, y1), lw=width, solid_capstyle="butt", **stroke)
    line.set_gid(f"weight-{edge.layer}-{edge.target}-{edge.source}")
    if part is not None:
        x, y = edge.at(part)
        sheet.write(
            x,
            y,
            number(value),
            0.2,
            rotation=edge.angle,
            rotation_mode="anchor",
            color=stroke["color"],
            zorder=2,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
        )


def _fill(numbers: Numbers | None) -> Any:
    """Return the color scale of the activations: around 0 if any is negative."""
    if numbers is None:
        return None
    colors = pyplot().matplotlib
    # Inputs may be of any size: outside the scale they get its last color.
    values = np.concatenate(numbers.a[1:])
    end = symmetric(values)
    norm = colors.colors.Normalize(-end if values.min() < 0 else 0.0, end)
    return colors.cm.ScalarMappable(norm, COLOR_MAP)


def _draw_nodes(
    sheet: Sheet, column: Column, numbers: Numbers | None, fill: Any, *, last: bool
) -> None:
    for i, y in column.nodes.items():
        if numbers is None:
            sheet.circle(column.x, y)
            above = f"^{{({column.layer})}}"
            letter = "x" if column.layer == 1 else "h" if last else "a"
            name = f"{letter}{index(i)}{above if letter == 'a' else ''}"
            sheet.write(column.x, y, f"${name}$", 0.25, zorder=4)
            continue
        a = float(numbers.a[column.layer - 1][i - 1])
        color = fill.to_rgba(a)
        circle = sheet.circle(column.x, y, facecolor=color)
        circle.set_gid(f"node-{column.layer}-{i}")
        sheet.write(column.x, y, _short(a), 0.24, color=ink_on(color), zorder=4)
        if numbers.delta is None:
            continue
        delta = numbers.delta[column.layer - 1]
        largest = max(symmetric(d) for d in _known(numbers))
        part = abs(float(delta[i - 1])) / largest
        stroke = signed_stroke(float(delta[i - 1]))
        width = _THINNEST_RING + (_THICKEST_RING - _THINNEST_RING) * part
        circle.set_linewidth(sheet.scale * width)
        circle.set_edgecolor(stroke["color"])
        circle.set_linestyle(stroke["ls"])
        symbol = r"\partial J/\partial x" if column.layer == 1 else r"\delta"
        sheet.write(
            column.x,
            y - RADIUS - 0.2,
            f"${symbol}$ {number(float(delta[i - 1]))}",
            0.19,
            color=stroke["color"],
            zorder=5,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.4},
        )


def _known(numbers: Numbers) -> list[Float]:
    return [d for d in numbers.delta or [] if np.abs(d).max() > 0] or [np.ones(1)]


def _lines_below(column: Column, net: Network, numbers: Numbers | None) -> list[str]:
    layer, L = column.layer, len(net.sizes)
    if layer == 1:
        lines = ["$x$"]
    elif layer < L:
        lines = [plain(net.architecture.activations[layer - 2].name)]
    else:
        lines = [hypothesis_of(net)]
        if numbers is not None and numbers.y is not None and numbers.cost is not None:
            shown = [float(numbers.y[k - 1]) for k in column.nodes]
            target = ", ".join(number(value) for value in shown) if len(shown) <= 6 else ""
            lines.append(f"y = {target}" if target else f"y of {column.size} outputs")
            lines.append(f"J = {number(numbers.cost)}")
    if column.left_out:
        lines.append(f"{len(column.nodes)} of {column.size} drawn")
    return lines


def _legend(sheet: Sheet, largest: float, numbers: Numbers | None, fill: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator

    size = 0.21 * sheet.points
    marks = [
        Line2D(
            [],
            [],
            lw=sheet.scale * _THICKEST,
            **signed_stroke(1.0),
            label=f"w, b up to {number(largest)}",
        ),
        Line2D([], [], lw=sheet.scale * _THICKEST, **signed_stroke(-1.0), label="negative"),
    ]
    if numbers is not None and numbers.delta is not None:
        ring = max(symmetric(d) for d in _known(numbers))
        marks.append(
            Line2D(
                [],
                [],
                ls="none",
                marker="o",
                ms=0.5 * sheet.points,
                mfc=PAPER,
                mec=POSITIVE,
                mew=sheet.scale * _THICKEST_RING,
                label=rf"$\delta$ up to {number(ring)}",
            )
        )
    (left, right), y = sheet.ax.get_xlim(), sheet.ax.get_ylim()[0] + 0.5
    sheet.ax.legend(
        handles=marks,
        loc="center left",
        bbox_to_anchor=(left, y),
        bbox_transform=sheet.ax.transData,
        ncols=len(marks),
        frameon=False,
        fontsize=size,
        handlelength=3.6,
        columnspacing=1.2,
    )
    if fill is not None and numbers is not None:
        low, high = numbers.a[0].min() < fill.norm.vmin, numbers.a[0].max() > fill.norm.vmax
        beyond = "both" if low and high else "min" if low else "max" if high else "neither"
        place = (right - 3.3, y - 0.1, 2.9, 0.22)
        inset = sheet.ax.inset_axes(place, transform=sheet.ax.transData)
        bar = sheet.ax.figure.colorbar(fill, cax=inset, orientation="horizontal", extend=beyond)
        bar.locator = MaxNLocator(4)
        bar.update_ticks()
        bar.ax.tick_params(labelsize=0.85 * size, length=2, pad=1)
        bar.ax.set_title("$a$", fontsize=1.2 * size, pad=2, math_fontfamily="stix")
        bar.outline.set_edgecolor(INK)
        bar.outline.set_linewidth(0.5)


def _short(value: float) -> str:
    """Return a number that fits into a node."""
    if 0.005 <= abs(value) < 10:
        return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−")
    return f"{value + 0.0:.0f}".replace("-", "−") if 10 <= abs(value) < 1e4 else number(value, 1)


def number(value: float, digits: int = 3) -> str:
    """Return a number as text with a few digits and a real minus sign.

    Examples
    --------
    >>> from chainrule.displays.diagram import number
    >>> number(-0.12345), number(2.0), number(1234.5), number(0.0)
    ('−0.123', '2', '1.23e+03', '0')
    """
    return f"{value + 0.0:.{digits}g}".replace("-", "−").replace("e−0", "e−")
