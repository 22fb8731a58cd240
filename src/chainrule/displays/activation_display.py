"""The activation functions with their derivatives."""

from collections.abc import Iterable, Sequence
from typing import Any, final

import numpy as np

from chainrule.displays.style import FAINT, STROKES, axes_for, panels_in, pyplot, tidy
from chainrule.errors import InvalidInput, InvalidParameter
from chainrule.maths.activations import Activation, get_activation
from chainrule.maths.arrays import Float
from chainrule.opening import network_of

__all__ = ["ActivationDisplay"]

_POINTS = 401
_NEAR = 1e-9  # distance from a kink at which both sides are evaluated


@final
class ActivationDisplay:
    """Activation functions a = g(z) and their derivatives g'(z), one panel each.

    Parameters
    ----------
    activations : Activation, str, or list of them
    z : (float, float), default=(-4, 4)
        The range of z.
    weights, biases : sequences of float, default=(1,) and (0,)
        Draws g(w z + b) for each pair of them: a weight makes g steeper, a bias shifts it
        (blog image 11). A single value is used for all.
    derivative : bool, default=True
        Whether g' is drawn as well; by z, so a weight counts in it.

    Attributes
    ----------
    names : list of str
    z : array
    values, slopes : list of arrays of shape (n_curves, n_points)
        g and its derivative by z; NaN where they jump.
    ax_, axes_, figure_ : Axes, array of Axes, Figure
        The place of all panels, the panels, the figure.

    Examples
    --------
    >>> import chainrule as cr
    >>> display = cr.ActivationDisplay.from_names(["tanh", "relu"])
    >>> [ax.get_title() for ax in display.axes_.ravel()]
    ['tanh', 'relu']

    A bias shifts the sigmoid, a weight makes it steeper:

    >>> display = cr.ActivationDisplay.from_names(
    ...     "logistic", weights=[1, 3, 1], biases=[0, 0, 2], derivative=False
    ... )
    >>> len(display.values[0])
    3
    """

    ax_: Any
    axes_: Any
    figure_: Any

    def __init__(
        self,
        activations: Any,
        *,
        z: tuple[float, float] = (-4.0, 4.0),
        weights: Sequence[float] = (1.0,),
        biases: Sequence[float] = (0.0,),
        derivative: bool = True,
    ) -> None:
        given = activations
        if isinstance(given, str | Activation) or not isinstance(given, Iterable):
            given = [given]
        self.activations = [get_activation(one) for one in given]
        low, high = z
        if not (self.activations and np.isfinite([low, high]).all() and low < high):
            raise InvalidParameter(
                f"There must be an activation, and z=(low, high) with low < high. Got "
                f"{activations!r} and z={z!r} instead."
            )
        self.curves = _pairs(weights, biases)
        self.derivative = derivative
        kinks = [
            (kink - b) / w
            for g in self.activations
            for kink in g.kinks
            for w, b in self.curves
            if w
        ]
        sides = [k + s for k in kinks for s in (-_NEAR, 0, _NEAR) if low < k < high]
        self.z = np.unique(np.concatenate([np.linspace(low, high, _POINTS), sides]))
        self.values = [
            np.array([self._g(g, w, b) for w, b in self.curves]) for g in self.activations
        ]
        self.slopes = [
            np.array([self._g_prime(g, w, b) for w, b in self.curves]) for g in self.activations
        ]

    @property
    def names(self) -> list[str]:
        """The names of the activations."""
        return [g.name for g in self.activations]

    @classmethod
    def from_names(cls, activations: Any, *, ax: Any = None, **given: Any) -> "ActivationDisplay":
        """Draw activations by name, or your own.

        Parameters
        ----------
        activations : str, Activation, or list of them
        ax : Axes, optional
            The axes to draw in; by default those of a new figure.
        **given
            z, weights, biases and derivative, as for the class.

        Returns
        -------
        ActivationDisplay

        Raises
        ------
        UnknownName
            If the activation is unknown.
        MissingExtra
            If matplotlib is not installed.
        """
        pyplot()
        return cls(activations, **given).plot(ax=ax)

    @classmethod
    def from_estimator(cls, model: Any, *, ax: Any = None, **given: Any) -> "ActivationDisplay":
        """Draw the activations of a model's hidden layers, each once.

        Parameters
        ----------
        model : Network, Learner, fitted estimator, or Pipeline that ends in one
        ax : Axes, optional
        **given
            z, weights, biases and derivative, as for the class.

        Returns
        -------
        ActivationDisplay

        Raises
        ------
        InvalidInput
            If the network has no hidden layer.
        """
        used = dict.fromkeys(network_of(model).architecture.activations)
        if not used:
            raise InvalidInput(
                "This network has no hidden layer, so there is no activation to draw: use "
                "LossDisplay for its output."
            )
        return cls.from_names(list(used), ax=ax, **given)

    def plot(self, ax: Any = None) -> "ActivationDisplay":
        """Draw it, in a new figure or in the axes given.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        ActivationDisplay
            Itself, with ``ax_``, ``axes_`` and ``figure_``.
        """
        n = len(self.activations)
        n_columns = min(n, 4)
        n_rows = -(-n // n_columns)
        size = (5.0, 3.6) if n == 1 else (2.7 * n_columns, 2.4 * n_rows)
        self.ax_ = axes_for(ax, size)
        self.figure_ = self.ax_.figure
        one = np.array([[self.ax_]])
        self.axes_ = one if n == 1 else panels_in(self.ax_, n_rows, n_columns)
        for position, panel in enumerate(self.axes_.ravel()):
            if position < n:
                self._draw(panel, position)
            else:
                panel.set_axis_off()
        return self

    def _draw(self, ax: Any, position: int) -> None:
        several = len(self.curves) > 1
        for at in (0, "h"), (0, "v"):
            line = ax.axhline if at[1] == "h" else ax.axvline
            line(at[0], color=FAINT, lw=0.8, zorder=0)
        for curve, (w, b) in enumerate(self.curves):
            color, stroke = STROKES[curve % len(STROKES)]
            name = f"g({_linear(w, b)})"
            ax.plot(self.z, self.values[position][curve], color=color, ls=stroke, label=name, lw=2)
            self._mark_jumps(ax, position, curve, color)
            if self.derivative:
                thin = {"color": STROKES[1][0], "ls": "--"} if not several else {"color": color}
                slope = self.slopes[position][curve]
                called = "g′(z)" if not several else f"slope of {name}"
                ax.plot(self.z, slope, lw=1.2, label=called, **{"ls": stroke, **thin})
        ax.set_title(self.names[position], fontsize=11)
        ax.set_xlabel("z")
        tidy(ax)
        if position == 0:
            ax.legend(fontsize=9, frameon=False, loc="upper left")

    def _mark_jumps(self, ax: Any, position: int, curve: int, color: Any) -> None:
        g, (w, b) = self.activations[position], self.curves[curve]
        for at in self.z[np.isnan(self.values[position][curve])]:
            value = float(g(np.array([w * at + b]))[0])
            ax.plot(at, value, "o", color=color, ms=5)

    def _g(self, g: Activation, w: float, b: float) -> Float:
        return _broken(self.z, g(w * self.z + b))

    def _g_prime(self, g: Activation, w: float, b: float) -> Float:
        z = w * self.z + b
        return _broken(self.z, w * g.derivative(z, g(z)))


def _pairs(weights: Sequence[float], biases: Sequence[float]) -> list[tuple[float, float]]:
    ws, bs = np.atleast_1d(np.asarray(weights, float)), np.atleast_1d(np.asarray(biases, float))
    if len(ws) != len(bs) and 1 not in (len(ws), len(bs)):
        raise InvalidParameter(
            f"weights and biases are used in pairs: give the same number of each, or one. Got "
            f"{len(ws)} and "
            f"{len(bs)}."
        )
    n = max(len(ws), len(bs))
    return [(float(w), float(b)) for w, b in zip(np.resize(ws, n), np.resize(bs, n), strict=True)]


def _linear(w: float, b: float) -> str:
    """Return w z + b as text."""
    first = {1.0: "z", -1.0: "−z"}.get(w, f"{w:g} z".replace("-", "−"))
    return first if not b else f"{first} {'+' if b > 0 else '−'} {abs(b):g}"


def _broken(z: Float, values: Float) -> Float:
    """Return values with NaN wherever they jump, so that no line is drawn across."""
    values = np.array(values, float)
    # Near a kink there are three values of z: a jump is between the first and the last.
    tight = (z[2:] - z[:-2]) < 3 * _NEAR
    jumps = tight & (np.abs(values[2:] - values[:-2]) > 1e-6)
    values[1:-1][jumps] = np.nan
    return values
