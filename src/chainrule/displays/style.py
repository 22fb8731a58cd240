"""The common style of all pictures: matplotlib, loaded late, and colors readable in grayscale.

The luminance of every color map used here increases steadily, so a grayscale print orders the
values as the colors do, and people of any color vision see the same order. Where the sign matters
as well, or lines and classes must be distinguished, the stroke or the marker repeats the
information.
"""

from importlib import import_module
from typing import Any

import numpy as np

from chainrule.extras import require

__all__ = [
    "CLASS_MARKERS",
    "COLOR_MAP",
    "FAINT",
    "INK",
    "NEGATIVE",
    "PAPER",
    "POSITIVE",
    "SOFT",
    "STROKES",
    "axes_for",
    "class_colors",
    "ink_on",
    "luminance",
    "panels_in",
    "pyplot",
    "symmetric",
    "tidy",
]

COLOR_MAP = "cividis"
"""Dark blue over gray to yellow, for color-blind readers, with steadily increasing luminance."""

INK, SOFT, FAINT, PAPER = "#1a1a1a", "#5f5f5f", "#c8c8c8", "#ffffff"
POSITIVE, NEGATIVE = "#00498c", "#c8500a"
"""The colors of signed strokes; negative ones are also dashed."""

STROKES = (
    ("#00498c", "-"),
    ("#c8500a", "--"),
    ("#1a1a1a", ":"),
    ("#5f8f2f", "-."),
    ("#8f6fb0", (0, (5, 1, 1, 1, 1, 1))),
    ("#8a8a8a", (0, (1, 1))),
)
"""Color and stroke of the first, second ... line."""

CLASS_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")


def pyplot() -> Any:
    """Return matplotlib.pyplot.

    Raises
    ------
    MissingExtra
        If matplotlib is not installed.
    """
    require("Pictures are drawn with", "matplotlib")
    return import_module("matplotlib.pyplot")


def axes_for(ax: Any, size: tuple[float, float]) -> Any:
    """Return the axes to draw in: those given, or the only ones of a new figure of that size."""
    if ax is not None:
        return ax
    return pyplot().figure(figsize=size, layout="constrained").add_subplot()


def panels_in(ax: Any, n_rows: int, n_columns: int, **spaces: Any) -> Any:
    """Return an array of axes inside the area of one, which becomes empty."""
    ax.set_axis_off()
    grid = ax.get_subplotspec()
    if grid is None:  # axes that were not placed in a grid
        places = np.empty((n_rows, n_columns), object)
        box = ax.get_position()
        for row in range(n_rows):
            for column in range(n_columns):
                wide, high = box.width / n_columns, box.height / n_rows
                x, y = box.x0 + column * wide, box.y1 - (row + 1) * high
                places[row, column] = ax.figure.add_axes((x, y, 0.8 * wide, 0.7 * high))
        return places
    inside = grid.subgridspec(n_rows, n_columns, **spaces)
    return np.array(
        [[ax.figure.add_subplot(inside[row, c]) for c in range(n_columns)] for row in range(n_rows)]
    )


def tidy(ax: Any) -> None:
    """Leave the frame's left and lower side only."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=9)


def symmetric(values: Any) -> float:
    """Return the largest absolute value, or 1 where all are 0: a signed scale's end."""
    largest = float(np.max(np.abs(values), initial=0.0))
    return largest if largest > 0 else 1.0


def luminance(color: Any) -> float:
    """Return the luminance of a color, from 0 to 1 (Rec. 709, linear light).

    Examples
    --------
    >>> from chainrule.displays.style import luminance
    >>> luminance("black"), round(luminance("white"), 6)
    (0.0, 1.0)
    """
    rgb = np.array(import_module("matplotlib.colors").to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def ink_on(color: Any) -> str:
    """Return black or white, whichever reads better on a color."""
    return INK if luminance(color) > 0.18 else PAPER


def class_colors(n_classes: int) -> list[Any]:
    """Return light colors for the given number of classes, evenly spaced from dark to light."""
    shades = np.linspace(0.3, 1.0, n_classes) if n_classes > 1 else [0.65]
    return [pyplot().get_cmap(COLOR_MAP)(shade) for shade in shades]
