"""The activation functions with their derivatives, and the losses of the output pairs."""

from collections.abc import Iterable, Sequence
from typing import Any, final

import numpy as np

from chainrule.errors import InvalidInput, InvalidParameter, unknown_name
from chainrule.maths.activations import Activation, get_activation
from chainrule.maths.arrays import Float
from chainrule.maths.losses import Loss, Parametric, get_loss
from chainrule.working.displays.opened import network_of
from chainrule.working.displays.style import (
    FAINT,
    STROKES,
    axes_for,
    panels_in,
    pyplot,
    tidy,
)

__all__ = ["ActivationDisplay", "LossDisplay"]

_POINTS = 401
_NEAR = 1e-9  # how near a kink is looked at from both sides


@final
class ActivationDisplay:
    """Activation functions a = g(z) and their derivatives g'(z), a panel each.

    Parameters
    ----------
    activations : Activation, str, or list of them
    z : (float, float), default=(-4, 4)
        From where to where.
    weights, biases : sequences of float, default=(1,) and (0,)
        Draws g(w z + b) for each pair of them: a weight makes g steeper, a bias shifts it
        (blog image 11). One value serves for all.
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
        """What the activations are called."""
        return [g.name for g in self.activations]

    @classmethod
    def from_names(cls, activations: Any, *, ax: Any = None, **given: Any) -> "ActivationDisplay":
        """Draw activations by name, or your own.

        Parameters
        ----------
        activations : str, Activation, or list of them
        ax : Axes, optional
            Where to draw; by default a new figure.
        **given
            z, weights, biases and derivative, as for the class.

        Returns
        -------
        ActivationDisplay

        Raises
        ------
        UnknownName
            If there is no such activation.
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
            raise InvalidInput("This network has no hidden layer, so no activation to draw.")
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
            f"weights and biases come in pairs: give as many of each, or one. Got {len(ws)} and "
            f"{len(bs)}."
        )
    n = max(len(ws), len(bs))
    return [(float(w), float(b)) for w, b in zip(np.resize(ws, n), np.resize(bs, n), strict=True)]


def _linear(w: float, b: float) -> str:
    """Return w z + b as one writes it."""
    first = {1.0: "z", -1.0: "−z"}.get(w, f"{w:g} z".replace("-", "−"))
    return first if not b else f"{first} {'+' if b > 0 else '−'} {abs(b):g}"


def _broken(z: Float, values: Float) -> Float:
    """Return values with NaN wherever they jump, so that no line is drawn across."""
    values = np.array(values, float)
    # At a kink z is there three times, nearly: a jump is between the first and the last.
    tight = (z[2:] - z[:-2]) < 3 * _NEAR
    jumps = tight & (np.abs(values[2:] - values[:-2]) > 1e-6)
    values[1:-1][jumps] = np.nan
    return values


@final
class LossDisplay:
    """The loss of one example, over its hypothesis h or over z, for each target.

    Parameters
    ----------
    losses : str, Loss, Parametric, or list of them
        Output pairs, by the name of their loss.
    over : {"h", "z"}, default="h"
        What is on the horizontal axis.
    targets : sequence of float, optional
        The y to draw a curve for; by default 0 and 1 for classes, 0 for real numbers, 1 and 3 for
        counts.
    z : (float, float), default=(-6, 6)
        From where to where.
    derivative : bool, default=False
        Whether delta, the loss's derivative by z, is drawn as well; for over="z" only.

    Attributes
    ----------
    z : array of shape (n_points,)
    h : list of arrays
        The hypothesis of each pair.
    values, deltas : list of arrays of shape (n_targets, n_points)
        The loss, and its derivative by z.
    ax_, figure_ : Axes, Figure

    Notes
    -----
    The blog's images 17 and 18 are -log(h) and -log(1 - h), the cross entropy for y = 1 and y = 0.
    A softmax has two outputs here, of which the second has z = 0: then h is the logistic function.

    Examples
    --------
    >>> import chainrule as cr
    >>> display = cr.LossDisplay.from_loss("cross_entropy")
    >>> [line.get_label() for line in display.ax_.get_lines()]
    ['cross entropy, y = 0', 'cross entropy, y = 1']
    """

    ax_: Any
    figure_: Any

    def __init__(
        self,
        losses: Any,
        *,
        over: str = "h",
        targets: Sequence[float] | None = None,
        z: tuple[float, float] = (-6.0, 6.0),
        derivative: bool = False,
    ) -> None:
        if over not in ("h", "z"):
            raise unknown_name("axis", over, ("h", "z"))
        given = [losses] if isinstance(losses, str | Loss | Parametric) else list(losses)
        self.pairs = [get_loss(one) for one in given]
        for pair in self.pairs:
            if not pair.differentiable or pair.targets == "groups":
                raise InvalidInput(f"The loss '{pair.name}' is no function of one z to draw.")
        self.over, self.derivative = over, derivative and over == "z"
        self.z = np.linspace(*z, _POINTS)
        self.targets = [_targets_of(pair, targets) for pair in self.pairs]
        self.h: list[Float] = []
        self.values: list[Float] = []
        self.deltas: list[Float] = []
        for pair, ys in zip(self.pairs, self.targets, strict=True):
            classes = pair.targets == "classes"
            zs = np.column_stack([self.z, 0 * self.z]) if classes else self.z[:, None]
            h = pair.hypothesis(zs)
            Ys = [_target_rows(float(y), len(zs), classes=classes) for y in ys]
            self.h.append(h[:, 0])
            self.values.append(np.array([pair.per_example(zs, Y) for Y in Ys]))
            self.deltas.append(np.array([pair.delta(zs, h, Y)[:, 0] for Y in Ys]))

    @classmethod
    def from_loss(cls, losses: Any, *, ax: Any = None, **given: Any) -> "LossDisplay":
        """Draw the loss of one pair or several.

        Parameters
        ----------
        losses : str, Loss, Parametric, or list of them
        ax : Axes, optional
            Where to draw; by default a new figure.
        **given
            over, targets, z and derivative, as for the class.

        Returns
        -------
        LossDisplay

        Raises
        ------
        UnknownName
            If there is no such loss.
        MissingExtra
            If matplotlib is not installed.
        """
        pyplot()
        return cls(losses, **given).plot(ax=ax)

    @classmethod
    def from_estimator(cls, model: Any, *, ax: Any = None, **given: Any) -> "LossDisplay":
        """Draw the loss that a model was trained with.

        Parameters
        ----------
        model : Network, Learner, fitted estimator, or Pipeline that ends in one
        ax : Axes, optional
        **given
            over, targets, z and derivative, as for the class.

        Returns
        -------
        LossDisplay
        """
        return cls.from_loss(network_of(model).architecture.loss, ax=ax, **given)

    def plot(self, ax: Any = None) -> "LossDisplay":
        """Draw it, in a new figure or in the axes given.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        LossDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        ax = self.ax_ = axes_for(ax, (5.4, 3.8))
        self.figure_ = ax.figure
        curve = 0
        for pair, h, values, deltas, ys in zip(
            self.pairs, self.h, self.values, self.deltas, self.targets, strict=True
        ):
            x = h if self.over == "h" else self.z
            for y, loss, delta in zip(ys, values, deltas, strict=True):
                color, stroke = STROKES[curve % len(STROKES)]
                name = f"{pair.name.replace('_', ' ')}, y = {y:g}"
                ax.plot(x, loss, color=color, ls=stroke, lw=2, label=name)
                if self.derivative:
                    ax.plot(x, delta, color=color, ls=stroke, lw=0.9, label=f"δ of {name}")
                curve += 1
        names = {pair.hypothesis_name for pair in self.pairs}
        ax.set_xlabel(f"hypothesis h{f' ({names.pop()})' if len(names) == 1 else ''}")
        if self.over == "z":
            ax.set_xlabel("weighted input z")
            ax.axhline(0, color=FAINT, lw=0.8, zorder=0)
        ax.set_ylabel("loss and its slope δ" if self.derivative else "loss")
        tidy(ax)
        ax.legend(fontsize=9, frameon=False)
        return self


def _targets_of(pair: Loss, given: Sequence[float] | None) -> list[float]:
    if given is not None:
        return [float(y) for y in given]
    return {"real": [0.0], "nonnegative": [1.0, 3.0]}.get(pair.targets, [0.0, 1.0])


def _target_rows(y: float, n: int, *, classes: bool) -> Float:
    """Return one target for each of n rows; of two classes, y says whether it is the first."""
    return np.tile([y, 1 - y], (n, 1)) if classes else np.full((n, 1), y)
