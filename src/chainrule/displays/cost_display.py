"""The cost along a line in theta, and over a plane."""

from typing import Any, final

import numpy as np

from chainrule.architecture.checks import check_seed, check_whole
from chainrule.displays.style import COLOR_MAP, INK, PAPER, STROKES, axes_for, pyplot, tidy
from chainrule.engines.reference import cost_and_gradients, flat_gradient
from chainrule.errors import InvalidInput, InvalidParameter, unknown_name
from chainrule.maths.arrays import Float
from chainrule.maths.penalties import penalty
from chainrule.maths.propagation import propagate_to_output
from chainrule.network import Network
from chainrule.opening import Opened, open_model

__all__ = ["CostDisplay"]

_NAMED = ("gradient", "random")


@final
class CostDisplay:
    """J(theta + t d) along a line, or J(theta + t d + u e) over a plane.

    Parameters
    ----------
    t : array of shape (n,)
        The positions along the direction; 0 is the model itself.
    costs : array of shape (n,) or (n_u, n)
        J at these points, penalties included; over a plane a row for each u.
    u : array of shape (n_u,), optional
        The positions along the other direction.
    slopes : tuple of float
        The derivative of J along each direction at t = 0, by back-propagation; NaN with steps.
    labels : tuple of str
        The labels of t and u.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
    line_, surface_ : Line2D or contour set
        The drawn artist; the other one is None.

    Notes
    -----
    A plane shows two of thousands of directions; random ones are scaled, layer by layer, to the
    length of the weights themselves (Li et al., "Visualizing the loss landscape of neural nets",
    2018), so that pictures of different networks can be compared.

    Examples
    --------
    The squared error of one logistic node has two plains, the cross entropy is convex:

    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], loss="logistic_squared_error", init="zeros")
    >>> display = cr.CostDisplay.from_estimator(net, [[1.0], [-2.0]], [1, 0], 1, span=(-8, 8))
    >>> display.costs.shape, bool(display.costs[0] > display.costs[-1])
    ((81,), True)
    """

    ax_: Any
    figure_: Any
    line_: Any
    surface_: Any

    def __init__(
        self,
        t: Float,
        costs: Float,
        u: Float | None = None,
        *,
        slopes: tuple[float, ...] = (),
        labels: tuple[str, str] = ("t", "u"),
    ) -> None:
        self.t, self.u, self.costs = np.asarray(t), u, np.asarray(costs)
        self.slopes, self.labels = slopes, labels

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        y: Any,
        direction: Any = "gradient",
        other: Any = None,
        *,
        span: tuple[float, float] = (-1.0, 1.0),
        n_points: int | None = None,
        sample_weight: Any = None,
        seed: int = 0,
        log_scale: bool = False,
        label: str | None = None,
        ax: Any = None,
    ) -> "CostDisplay":
        """Draw the cost of a model on some data, around its parameters.

        Parameters
        ----------
        model : Network, Learner, fitted estimator, or Pipeline that ends in one
            Its penalties are included. The model is not changed.
        X : array-like of shape (n, N)
        y : array-like
            Targets as the model takes them.
        direction : {"gradient", "random"}, int or array of theta's shape, default="gradient"
            The direction: down the gradient or at random, with the length of theta; the index of
            one parameter in theta, to which t is added; or any direction, such as
            ``other.theta - net.theta``.
        other : the same, optional
            A second direction, for a plane.
        span : (float, float), default=(-1, 1)
            The range of t, and of u.
        n_points : int, optional
            The number of values of t (and u); by default 81 on a line and 41 per side of a plane.
        sample_weight : array-like of shape (n,), optional
        seed : int, default=0
            The seed of random directions.
        log_scale : bool, default=False
            Whether a plane's colors, or a line's heights, follow the logarithm of the cost.
        label : str, optional
            The label of the line, if several are drawn in the same axes.
        ax : Axes, optional
            The axes to draw in; by default those of a new figure.

        Returns
        -------
        CostDisplay

        Raises
        ------
        InvalidInput
            If X, y or a direction is unusable.
        InvalidParameter
            If a setting is invalid.
        MissingExtra
            If matplotlib is not installed.
        """
        pyplot()
        low, high = span
        if not (np.isfinite([low, high]).all() and low < high):
            raise InvalidParameter(f"span must be (low, high) with low < high. Got {span!r}.")
        n = (81 if other is None else 41) if n_points is None else n_points
        t = np.linspace(low, high, check_whole("n_points", n, at_least=2))
        if y is None:
            raise InvalidInput("The cost needs the targets: give y as well.")
        batch = open_model(model, X, y, sample_weight).dense()
        gradient = _gradient(batch)
        d, along = _direction(batch.net, direction, gradient, seed, "t")
        theta = batch.net.theta.copy()
        if other is None:
            costs = np.array([_cost(batch, theta + step * d) for step in t])
            display = cls(t, costs, slopes=(float(gradient @ d),), labels=(along, ""))
            return display.plot(log_scale=log_scale, label=label, ax=ax)
        e, across = _direction(batch.net, other, gradient, seed + 1, "u")
        costs = np.array([[_cost(batch, theta + s * d + r * e) for s in t] for r in t])
        slopes = (float(gradient @ d), float(gradient @ e))
        display = cls(t, costs, t.copy(), slopes=slopes, labels=(along, across))
        return display.plot(log_scale=log_scale, label=label, ax=ax)

    def plot(
        self, *, log_scale: bool = False, label: str | None = None, ax: Any = None
    ) -> "CostDisplay":
        """Draw it, in a new figure or in the axes given.

        Parameters
        ----------
        log_scale : bool, default=False
        label : str, optional
        ax : Axes, optional

        Returns
        -------
        CostDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        ax = self.ax_ = axes_for(ax, (5.4, 3.8) if self.u is None else (5.6, 4.5))
        self.figure_, self.line_, self.surface_ = ax.figure, None, None
        if self.u is None:
            self._plot_line(ax, label, log_scale=log_scale)
        else:
            self._plot_plane(ax, log_scale=log_scale)
        ax.set_xlabel(self.labels[0])
        tidy(ax)
        return self

    def _plot_line(self, ax: Any, label: str | None, *, log_scale: bool) -> None:
        before = sum(line.get_gid() == "cost" for line in ax.get_lines())
        color, stroke = STROKES[before % len(STROKES)]
        self.line_ = ax.plot(self.t, self.costs, color=color, ls=stroke, lw=2, gid="cost")[0]
        if label is not None:
            self.line_.set_label(label)
            ax.legend(fontsize=9, frameon=False)
        here = np.interp(0.0, self.t, self.costs)
        if self.t[0] <= 0 <= self.t[-1]:
            ax.plot(0.0, here, "o", color=INK, ms=6, zorder=4)
        ax.set_ylabel("cost J")
        if log_scale:
            ax.set_yscale("log")

    def _plot_plane(self, ax: Any, *, log_scale: bool) -> None:
        assert self.u is not None
        from matplotlib.colors import LogNorm
        from matplotlib.ticker import LogLocator, MaxNLocator

        finite = self.costs[np.isfinite(self.costs)]
        logarithmic = log_scale and finite.min() > 0
        if logarithmic:
            levels = np.geomspace(finite.min(), finite.max(), 18)
        else:
            levels = MaxNLocator(16).tick_values(finite.min(), finite.max())
        self.surface_ = ax.contourf(
            self.t,
            self.u,
            self.costs,
            levels=levels,
            cmap=COLOR_MAP,
            norm=LogNorm() if logarithmic else None,
        )
        ax.contour(self.t, self.u, self.costs, levels=levels, colors=INK, linewidths=0.4, alpha=0.6)
        ax.plot(0.0, 0.0, "o", ms=7, mfc=PAPER, mec=INK, mew=1.4, zorder=4)
        ticks = LogLocator(subs=(1, 2, 5)) if logarithmic else None
        bar = ax.figure.colorbar(self.surface_, ax=ax, ticks=ticks, format="%g")
        bar.set_label("cost J")
        bar.ax.tick_params(labelsize=9)
        bar.outline.set_linewidth(0.5)
        ax.set_ylabel(self.labels[1])


def _gradient(batch: Opened) -> Float:
    """Return grad J as one vector; NaN for a network with step functions."""
    architecture, examples = batch.net.architecture, batch.examples
    if not architecture.loss.differentiable:
        architecture.require_trainable()
    if not all(g.differentiable for g in architecture.activations):
        return np.full(batch.net.n_parameters, np.nan)
    found = cost_and_gradients(
        architecture,
        batch.net.parameters,
        examples,
        len(examples),
        examples.total,
        l2=batch.l2,
        l1=batch.l1,
    )
    return flat_gradient(architecture, found.gradients)


def _cost(batch: Opened, theta: Float) -> float:
    """Return J at theta."""
    net, architecture = batch.net, batch.net.architecture
    net.theta[...] = theta
    with np.errstate(over="ignore", invalid="ignore"):
        z = propagate_to_output(batch.X, net.weights, net.biases, architecture.activations)
        losses = architecture.loss.per_example(z, batch.Y)  # type: ignore[arg-type]
        weight = 1.0 if batch.weight is None else batch.weight
        total = batch.examples.total
        data = float(np.sum(np.where(weight == 0, 0.0, weight * losses)) / total)
        return data + penalty(net.weights, batch.l2, batch.l1, total)


def _direction(
    net: Network, given: Any, gradient: Float, seed: int, letter: str
) -> tuple[Float, str]:
    """Return a direction in theta, and its label."""
    length = float(np.linalg.norm(net.theta)) or 1.0
    if isinstance(given, str):
        if given not in _NAMED:
            raise unknown_name("direction", given, _NAMED)
        if given == "random":
            return _random(net, seed), f"{letter}, in a random direction"
        norm = float(np.linalg.norm(gradient))
        if np.isnan(norm):
            net.architecture.require_trainable()
        if norm == 0:
            raise InvalidInput(
                "The gradient is 0 here, so it has no direction: give another direction, such as "
                "'random'."
            )
        return -length / norm * gradient, f"{letter}, down the gradient"
    if np.ndim(given) == 0:
        n = net.n_parameters
        number = check_whole("direction", given, at_least=0)
        if number >= n:
            raise InvalidParameter(
                f"The network's parameters are numbered 0 to {n - 1}. Got {number} instead."
            )
        d = np.zeros(n)
        d[number] = 1.0
        return d, f"{letter}, added to {_name_of(net, number)}"
    d = np.array(given, float)
    if d.shape != net.theta.shape or not np.isfinite(d).all():
        raise InvalidInput(
            f"A direction needs finite numbers of theta's shape {net.theta.shape}. Got shape "
            f"{d.shape} instead."
        )
    return d, f"{letter}, along the direction given"


def _random(net: Network, seed: int) -> Float:
    """Return a random direction whose arrays have the same lengths as those of theta."""
    random = np.random.default_rng(check_seed(seed))
    d = Network.from_theta(net.architecture, random.standard_normal(net.n_parameters))
    for own, of_net in ((d.weights, net.weights), (d.biases, net.biases)):
        for layer in range(len(own)):
            length = np.linalg.norm(of_net[layer])
            own[layer] = own[layer] * (length / np.linalg.norm(own[layer]))
    return d.theta


def _name_of(net: Network, number: int) -> str:
    """Return the notes' symbol of a parameter."""
    marked = np.zeros(net.n_parameters)
    marked[number] = 1.0
    where = Network.from_theta(net.architecture, marked)
    for layer, (W, b) in enumerate(zip(where.weights, where.biases, strict=True), start=2):
        if b.any():
            return f"$b_{{{int(b.argmax()) + 1}}}^{{({layer})}}$"
        if W.any():
            j, i = np.unravel_index(int(W.argmax()), W.shape)
            comma = "," if max(i, j) > 8 else ""
            return f"$w_{{{i + 1}{comma}{j + 1}}}^{{({layer})}}$"
    raise AssertionError(number)
