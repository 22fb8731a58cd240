"""The notes' overview sheet (2.4): x_j, +1, w_ij, b_i, z_i, a_i, h_k, each in its position."""

from typing import Any

from chainrule.displays.canvas import (
    Sheet,
    hypothesis_of,
    index,
    margins,
    plain,
    superscript,
)
from chainrule.displays.layout import RADIUS, Column, Edge, Layout, spread_labels
from chainrule.displays.style import INK, PAPER, SOFT
from chainrule.network import Network

__all__ = ["draw_overview"]


def draw_overview(
    ax: Any,
    net: Network,
    layout: Layout,
    _: Any,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> Any:
    """Draw the sheet, and return its axes."""
    left, right = margins(inputs, outputs)
    below = [_lines_below(column, net) for column in layout.columns]
    bottom = layout.bottom - 0.6 - 0.4 * max(map(len, below))
    sheet = Sheet(ax, layout.left - left, layout.right + right, bottom, layout.top + 1.1)
    sheet.heads(layout, len(net.sizes))
    for edge, part in spread_labels(layout.edges, 0.62).items():
        _draw_edge(sheet, edge, part)
    for column, lines in zip(layout.columns, below, strict=True):
        _draw_nodes(sheet, column, last=column.layer == len(net.sizes))
        sheet.bias_node(column)
        for row, line in enumerate(lines):
            style = {"size": 0.24} if line.startswith("$") else {"size": 0.22, "color": SOFT}
            sheet.write(column.x, layout.bottom - 0.5 - 0.4 * row, line, **style)
    sheet.dots(layout)
    sheet.names(layout, inputs, outputs)
    return sheet.ax


def _draw_edge(sheet: Sheet, edge: Edge, part: float) -> None:
    bias = edge.source == 0
    (x0, y0), (x1, y1) = edge.start, edge.end
    sheet.line((x0, x1), (y0, y1), lw=0.8, ls=(0, (4, 2)) if bias else "-")
    above = superscript(edge.layer)
    name = f"b{index(edge.target)}" if bias else f"w{index(edge.target, edge.source)}"
    x, y = edge.at(part)
    sheet.write(
        x,
        y,
        f"${name}{above}$",
        0.23,
        rotation=edge.angle,
        rotation_mode="anchor",
        zorder=2,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.4},
    )


def _draw_nodes(sheet: Sheet, column: Column, *, last: bool) -> None:
    above = superscript(column.layer)
    for i, y in column.nodes.items():
        sheet.circle(column.x, y)
        if column.layer == 1:
            sheet.write(column.x, y, f"$x{index(i)}$", 0.27, zorder=4)
            continue
        half = 0.46 * RADIUS
        sheet.line((column.x, column.x), (y - RADIUS, y + RADIUS), color=INK, lw=0.6, zorder=3.5)
        right = f"$h{index(i)}$" if last else f"$a{index(i)}{above}$"
        sheet.write(column.x - half, y, f"$z{index(i)}{above}$", 0.2, zorder=4)
        sheet.write(column.x + half, y, right, 0.24 if last else 0.2, zorder=4)


def _lines_below(column: Column, net: Network) -> list[str]:
    """Return the equations of a layer, its functions, and its number of nodes."""
    layer, above, L = column.layer, superscript(column.layer), len(net.sizes)
    if layer == 1:
        lines = ["$a^{(1)} = x$"]
    else:
        before = "x" if layer == 2 else f"a{superscript(layer - 1)}"
        lines = [f"$z{above} = b{above} + W{above}{before}$"]
        if layer < L:
            g = plain(net.architecture.activations[layer - 2].name)
            lines += [f"$a{above} = g(z{above})$", f"g: {g}"]
        else:
            loss = plain(net.architecture.loss.name.replace("_", " "))
            lines += [f"$h = a{above} = h(z{above})$", f"h: {hypothesis_of(net)}"]
            lines += [f"J: {loss}"] if net.architecture.loss.differentiable else []
    lines.append(f"$s_{{{layer}}} = {column.size}$")
    if column.left_out:
        lines.append(f"{len(column.nodes)} drawn")
    return lines
