"""The decision regions of a model over two of its features."""

from typing import Any, final

import numpy as np

from chainrule.architecture.checks import check_whole
from chainrule.displays.style import (
    CLASS_MARKERS,
    COLOR_MAP,
    INK,
    PAPER,
    axes_for,
    class_colors,
    pyplot,
    tidy,
)
from chainrule.errors import InvalidInput, InvalidParameter
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.opening import take_apart
from chainrule.training import Learner

__all__ = ["DecisionRegionDisplay"]


@final
class DecisionRegionDisplay:
    """The plane of two features: a model's predicted class, its probability, or its output.

    Beyond scikit-learn's `DecisionBoundaryDisplay`, which draws the surfaces: networks and
    learners, models of more than two features, borders as smooth lines, and markers that
    distinguish classes without color.

    Parameters
    ----------
    xx0, xx1 : arrays of shape (n, n)
        The grid, as from ``numpy.meshgrid``.
    scores : array of shape (n, n, n_scores)
        The probability of each class; of two classes that of the second; or the output.
    kind : {"classes", "probability", "output"}
        The kind of the scores.
    names : tuple of str
        The classes.
    axis_names : (str, str)

    Attributes
    ----------
    response : array of shape (n, n)
        The index of the class; of two classes the probability of the second; or the output.
    surface_ : contour set, or list of them
    ax_, figure_ : Axes, Figure

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    >>> net = cr.Network([2, 8, 1], loss="cross_entropy", dtype="float64", seed=0)
    >>> learner = cr.Learner(net, cr.SGD(0.5, momentum=0.9), batch_size=None)
    >>> history = learner.fit(X, y, epochs=300)
    >>> display = cr.DecisionRegionDisplay.from_estimator(net, X, y)
    >>> display.kind, display.response.shape
    ('probability', (150, 150))
    """

    ax_: Any
    figure_: Any
    surface_: Any

    def __init__(
        self,
        xx0: Float,
        xx1: Float,
        scores: Float,
        *,
        kind: str,
        names: tuple[str, ...] = (),
        axis_names: tuple[str, str] = ("$x_1$", "$x_2$"),
        points: Any = None,
        targets: Any = None,
    ) -> None:
        self.xx0, self.xx1, self.scores = xx0, xx1, scores
        several = kind == "classes"
        self.response = scores.argmax(axis=2) if several else scores[:, :, 0]
        self.kind, self.names, self.axis_names = kind, names, axis_names
        self.points, self.targets = points, targets

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        y: Any = None,
        *,
        features: tuple[Any, Any] = (0, 1),
        output: int | None = None,
        grid_resolution: int = 150,
        margin: float = 0.1,
        ax: Any = None,
    ) -> "DecisionRegionDisplay":
        """Draw the decisions of a model.

        Parameters
        ----------
        model : Network, Learner, fitted estimator, or Pipeline that ends in one
        X : array-like of shape (n, N)
            As the model takes it: its range is drawn, and its rows with y.
        y : array-like of shape (n,), optional
            The classes (indices of them for a Network) of the rows, drawn as points.
        features : pair of int or str, default=(0, 1)
            The two features, by number or name. Others stay at the middle value of X, as the title
            says.
        output : int, optional
            The output to draw, from 0, of a network with several outputs that are not classes.
        grid_resolution : int, default=150
            Points on each side.
        margin : float, default=0.1
            The margin around X, as a fraction of its range.
        ax : Axes, optional
            The axes to draw in; by default those of a new figure.

        Returns
        -------
        DecisionRegionDisplay

        Raises
        ------
        InvalidInput
            If X has less than two features, or the output to draw is not given.
        InvalidParameter
            If a feature does not exist.
        MissingExtra
            If matplotlib is not installed.
        """
        pyplot()
        check_whole("grid_resolution", grid_resolution, at_least=2)
        try:
            rows = np.asarray(X, float)
        except (TypeError, ValueError):
            raise InvalidInput(
                "Regions are drawn over a dense table of numbers: encode text first, and give the "
                "model that takes the numbers."
            ) from None
        if rows.ndim != 2 or rows.shape[1] < 2:
            raise InvalidInput(
                f"Regions need X with at least two features. Got shape {rows.shape} instead."
            )
        names = _feature_names(model, X)
        first, second = (_number(feature, names, rows.shape[1]) for feature in features)
        if first == second:
            raise InvalidParameter(f"features must be two different ones. Got {features!r}.")
        sides = [
            np.linspace(*_widened(rows[:, column], margin), grid_resolution)
            for column in (first, second)
        ]
        xx0, xx1 = np.meshgrid(*sides)
        grid = np.tile(np.median(rows, axis=0), (xx0.size, 1))
        grid[:, first], grid[:, second] = xx0.ravel(), xx1.ravel()
        kind, classes, scores = _respond(model, _as_given(grid, X), output)
        display = cls(
            xx0,
            xx1,
            np.asarray(scores, float).reshape(*xx0.shape, -1),
            kind=kind,
            names=tuple(str(label) for label in classes),
            axis_names=(names[first], names[second]),
            points=None if y is None else rows[:, [first, second]],
            targets=None if y is None else _indices(y, classes, kind),
        )
        display.plot(ax=ax)
        if rows.shape[1] > 2:
            display.ax_.set_title(
                "the other features at their middle value", fontsize=9, loc="right"
            )
        return display

    def plot(self, ax: Any = None) -> "DecisionRegionDisplay":
        """Draw it, in a new figure or in the axes given.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        DecisionRegionDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        ax = self.ax_ = axes_for(ax, (5.6, 4.4))
        self.figure_ = ax.figure
        if self.kind == "classes":
            self._plot_classes(ax)
        else:
            self._plot_surface(ax)
        if self.points is not None:
            self._plot_points(ax)
        tidy(ax)
        return self

    def _plot_classes(self, ax: Any) -> None:
        colors = class_colors(len(self.names))
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        self.surface_ = []
        for k, color in enumerate(colors):
            # The lead of class k: 0 on its border, which may lie between grid points.
            others = np.delete(self.scores, k, axis=2).max(axis=2)
            ahead = self.scores[:, :, k] - others
            if ahead.max() <= 0:
                continue
            filled = [0, max(1.0, float(ahead.max()))]
            fill = {"levels": filled, "colors": [_lighter(color)], "zorder": -1}
            self.surface_.append(ax.contourf(self.xx0, self.xx1, ahead, **fill))
            if ahead.min() < 0:
                line = {"levels": [0], "colors": INK, "linewidths": 0.9}
                ax.contour(self.xx0, self.xx1, ahead, **line)

    def _plot_surface(self, ax: Any) -> None:
        from matplotlib.colors import ListedColormap
        from sklearn.inspection import DecisionBoundaryDisplay

        shades = pyplot().get_cmap(COLOR_MAP)(np.linspace(0, 1, 256))
        lighter = ListedColormap([_lighter(color) for color in shades])
        probability = self.kind == "probability"
        levels = np.linspace(0, 1, 11) if probability else 15
        boundary = DecisionBoundaryDisplay(
            xx0=self.xx0,
            xx1=self.xx1,
            n_classes=2,
            response=self.response,
            xlabel=self.axis_names[0],
            ylabel=self.axis_names[1],
        )
        boundary.plot(plot_method="contourf", ax=ax, cmap=lighter, levels=levels, zorder=-1)
        self.surface_ = boundary.surface_
        if probability and self.response.min() < 0.5 < self.response.max():
            ax.contour(self.xx0, self.xx1, self.response, levels=[0.5], colors=INK, linewidths=1.6)
        bar = ax.figure.colorbar(self.surface_, ax=ax)
        label = f"probability of {self.names[1]}" if probability else "output h"
        bar.set_label(label)
        bar.ax.tick_params(labelsize=9)
        bar.outline.set_linewidth(0.5)

    def _plot_points(self, ax: Any) -> None:
        if self.kind == "output":
            ax.plot(*self.points.T, ".", color=INK, ms=4, alpha=0.7)
            return
        colors = class_colors(len(self.names)) if self.kind == "classes" else [INK, PAPER]
        for k, name in enumerate(self.names):
            here = self.points[self.targets == k]
            marker = CLASS_MARKERS[k % len(CLASS_MARKERS)]
            ax.plot(*here.T, marker, ls="none", mfc=colors[k], mec=INK, mew=0.8, ms=5.5, label=name)
        ax.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.04),
            ncols=min(len(self.names), 5),
            frameon=False,
            fontsize=9,
            handletextpad=0.2,
            columnspacing=1.0,
        )


def _lighter(color: Any) -> tuple[float, ...]:
    """Mix a color with white."""
    red, green, blue = (0.55 * part + 0.45 for part in color[:3])
    return (red, green, blue, 1.0)


def _widened(values: Float, margin: float) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    more = margin * ((high - low) or 1.0)
    return low - more, high + more


def _feature_names(model: Any, X: Any) -> list[str]:
    n = np.shape(X)[1]
    if hasattr(X, "columns"):
        return [str(name) for name in X.columns]
    net = model if isinstance(model, Network) else model.net if isinstance(model, Learner) else None
    if net is not None and net.feature_names:
        return list(net.feature_names)
    return [f"$x_{{{j + 1}}}$" for j in range(n)]


def _number(feature: Any, names: list[str], n: int) -> int:
    if isinstance(feature, str):
        if feature not in names:
            raise InvalidParameter(f"There is no feature {feature!r}. Give one of {names}.")
        return names.index(feature)
    number = check_whole("features", feature, at_least=0)
    if number >= n:
        raise InvalidParameter(f"features must be from 0 to {n - 1}. Got {number} instead.")
    return number


def _as_given(grid: Float, X: Any) -> Any:
    """Return the grid as a table of the same columns, if X is one."""
    if not hasattr(X, "columns"):
        return grid
    names = {"schema" if type(X).__module__.startswith("polars") else "columns": list(X.columns)}
    return type(X)(grid, **names)


def _respond(model: Any, grid: Any, output: int | None) -> tuple[str, Any, Any]:
    """Return the kind of output, the classes, and the model's output for each row."""
    if isinstance(model, Network | Learner):
        return _respond_net(model if isinstance(model, Network) else model.net, grid, output)
    inner = take_apart(model).core
    classes = getattr(inner, "classes_", None)
    if classes is None:
        return "output", (), _one_output(np.asarray(model.predict(grid)), output)
    if isinstance(classes, list) or np.ndim(model.predict(grid[:1])) != 1:
        H = model.predict_proba(grid)
        if isinstance(H, list):
            raise InvalidInput(
                "Regions are drawn for one column of classes, but this model has several: fit one "
                "model for each."
            )
        return "output", (), _one_output(H, output)
    if len(classes) == 2:
        return "probability", classes, model.predict_proba(grid)[:, 1]
    return "classes", classes, model.predict_proba(grid)


def _respond_net(net: Network, grid: Any, output: int | None) -> tuple[str, Any, Any]:
    H, targets = net(np.asarray(grid)), net.architecture.loss.targets
    if targets == "classes" and output is None:
        if H.shape[1] == 2:
            return "probability", ("0", "1"), H[:, 1]
        return "classes", range(H.shape[1]), H
    if targets == "binary" and H.shape[1] == 1:
        return "probability", ("0", "1"), H[:, 0]
    return "output", (), _one_output(H, output)


def _one_output(H: Float, output: int | None) -> Float:
    columns = H[:, None] if H.ndim == 1 else H
    if columns.shape[1] > 1 and output is None:
        raise InvalidInput(
            f"The model has {columns.shape[1]} outputs: choose one to draw, such as output=0."
        )
    number = 0 if output is None else check_whole("output", output, at_least=0)
    if number >= columns.shape[1]:
        raise InvalidParameter(
            f"output must be from 0 to {columns.shape[1] - 1}. Got {number} instead."
        )
    return columns[:, number]


def _indices(y: Any, classes: Any, kind: str) -> Any:
    """Return the index of each target's class; -1 for one that the model does not know."""
    given = np.asarray(y)
    if kind == "output":
        return given
    labels = [str(label) for label in classes]
    of = {label: k for k, label in enumerate(labels)}
    flat = given.ravel() if given.ndim == 1 or given.shape[1] == 1 else given.argmax(axis=1)
    plain = [
        str(int(v)) if isinstance(v, float | np.floating) and v == int(v) else str(v) for v in flat
    ]
    return np.array(
        [of.get(label, of.get(str(v), -1)) for label, v in zip(plain, flat, strict=True)]
    )
