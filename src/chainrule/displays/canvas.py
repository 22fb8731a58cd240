"""The common parts of both styles of the diagram: sheet, letters, nodes, names and heads."""

from typing import Any

from chainrule.displays.layout import HALF_SIDE, RADIUS, Column, Layout
from chainrule.displays.style import INK, PAPER, SOFT, pyplot
from chainrule.network import Network

__all__ = ["Sheet", "hypothesis_of", "index", "margins", "plain", "short_name", "superscript"]

_INCHES = 0.62  # per unit, in a new figure


class Sheet:
    """Axes in the diagram's units, in which text keeps its proportion to the nodes.

    Parameters
    ----------
    ax : Axes or None
        The axes to draw in; None for a new figure.
    left, right, bottom, top : float
        The visible area, in the layout's units.
    """

    def __init__(self, ax: Any, left: float, right: float, bottom: float, top: float) -> None:
        wide, high = right - left, top - bottom
        if ax is None:
            figure = pyplot().figure(figsize=(_INCHES * wide, _INCHES * high))
            ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        else:
            ax.figure.draw_without_rendering()  # so that a layout engine has placed the axes
        ax.set_axis_off()
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, top)
        ax.set_aspect("equal")
        box = ax.get_window_extent()
        self.points = min(box.width / wide, box.height / high) * 72 / ax.figure.dpi
        self.scale = self.points / (72 * _INCHES)
        self.ax = ax

    def write(self, x: float, y: float, text: str, size: float = 0.25, **given: Any) -> Any:
        """Write letters of a size in the layout's units, centered unless it says otherwise."""
        style = {"ha": "center", "va": "center", "color": INK, "math_fontfamily": "stix", **given}
        if "$" in text:
            size *= 1.18  # the formulas' letters are small for their size
        return self.ax.text(x, y, text, fontsize=size * self.points, **style)

    def line(self, xs: tuple[float, ...], ys: tuple[float, ...], **given: Any) -> Any:
        """Draw a line."""
        style = {"color": SOFT, "lw": 0.8, "zorder": 1, **given}
        return self.ax.plot(xs, ys, **{**style, "lw": self.scale * style["lw"]})[0]

    def circle(self, x: float, y: float, **given: Any) -> Any:
        """Draw a node's circle."""
        from matplotlib.patches import Circle

        style = {"facecolor": PAPER, "edgecolor": INK, "lw": 1.1, "zorder": 3, **given}
        return self.ax.add_patch(Circle((x, y), RADIUS, **style))

    def bias_node(self, column: Column) -> Any:
        """Draw the bias node (+1) as a square, if the layer has one."""
        from matplotlib.patches import Rectangle

        if column.bias is None:
            return None
        corner, side = HALF_SIDE, 2 * HALF_SIDE
        self.write(column.x, column.bias, "+1", 0.27, zorder=4)
        place = (column.x - corner, column.bias - corner)
        style = {"facecolor": "#ececec", "edgecolor": INK, "lw": 1.1, "zorder": 3}
        return self.ax.add_patch(Rectangle(place, side, side, **style))

    def dots(self, layout: Layout) -> None:
        """Draw dots for omitted nodes and layers, with the numbers of the layers."""
        for column in layout.columns:
            if column.dots is not None:
                for apart in (-0.22, 0, 0.22):
                    self.line(
                        (column.x,),
                        (column.dots + apart,),
                        marker="o",
                        ms=2.6 * self.scale,
                        color=INK,
                    )
        for x, first, last in layout.gaps:
            for apart in (-0.3, 0, 0.3):
                self.line((x + apart,), (0.0,), marker="o", ms=3.2 * self.scale, color=INK)
            to = "and" if last - first == 1 else "to"
            which = f"layer {first}" if first == last else f"layers {first} {to} {last}"
            self.write(x, -0.5, which, 0.22, color=SOFT)
            self.write(x, -0.82, "not drawn", 0.22, color=SOFT)

    def heads(self, layout: Layout, n_layers: int) -> None:
        """Write the title above each layer."""
        y = layout.top + 0.75
        for column in layout.columns:
            last = column.layer == n_layers
            kind = "input" if column.layer == 1 else "output" if last else "hidden"
            self.write(column.x, y, f"layer {column.layer}", 0.27, weight="bold")
            self.write(column.x, y - 0.34, kind, 0.23, color=SOFT)

    def names(self, layout: Layout, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        """Write the features' names at the left and the classes' at the right, with arrows."""
        arrow = {"arrowstyle": "-|>", "color": SOFT, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
        for i, y in layout.columns[0].nodes.items():
            x = layout.left - RADIUS
            self.ax.annotate("", (x, y), (x - 0.45, y), arrowprops=arrow)
            if inputs:
                self.write(x - 0.55, y, short_name(inputs[i - 1]), 0.22, ha="right", color=SOFT)
        for k, y in layout.columns[-1].nodes.items():
            x = layout.right + RADIUS
            self.ax.annotate("", (x + 0.45, y), (x, y), arrowprops=arrow)
            if outputs:
                self.write(x + 0.55, y, short_name(outputs[k - 1]), 0.22, ha="left", color=SOFT)


def margins(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> tuple[float, float]:
    """Return the space that the names need at the left and at the right."""
    wide = [max([len(short_name(name)) for name in names] or [0]) for names in (inputs, outputs)]
    return max(1.3, 1.2 + 0.14 * wide[0]), max(1.9, 1.2 + 0.14 * wide[1])


def plain(text: str) -> str:
    """Return text escaped so that it is not read as a formula."""
    return text.replace("$", r"\$")


def short_name(name: str) -> str:
    """Return a name, shortened if it is long."""
    return plain(name if len(name) <= 22 else name[:21] + "…")


def superscript(layer: int) -> str:
    """Return a layer's number as the notes write it above a symbol."""
    return f"^{{({layer})}}"


def index(i: int, j: int | None = None) -> str:
    """Return one or two indices, with a comma between numbers of several digits.

    Examples
    --------
    >>> from chainrule.displays.canvas import index
    >>> index(1, 2), index(1, 12), index(3)
    ('_{12}', '_{1,12}', '_{3}')
    """
    if j is None:
        return f"_{{{i}}}"
    return f"_{{{i}{',' if max(i, j) > 9 else ''}{j}}}"


def hypothesis_of(net: Network) -> str:
    """Return the hypothesis's name, as words."""
    return net.architecture.loss.hypothesis_name.replace("_", " ")
