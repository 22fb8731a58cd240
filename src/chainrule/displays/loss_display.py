"""The losses of the output pairs, over h and over z."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from chainrule.displays.style import FAINT, STROKES, axes_for, pyplot, tidy
from chainrule.errors import InvalidInput, unknown_name
from chainrule.maths.arrays import Float
from chainrule.maths.losses import Loss, Parametric, Quantile, get_loss
from chainrule.opening import network_of

__all__ = ["LossDisplay"]

_POINTS = 401


@final
class LossDisplay:
    """The loss of one example, over its hypothesis h or over z, for each target.

    Parameters
    ----------
    losses : str, Loss, Parametric, or list of them
        Output pairs, by the name of their loss.
    over : {"h", "z"}, default="h"
        The horizontal axis.
    targets : sequence of float, optional
        The targets y, with one curve each; by default 0 and 1 for classes, 0 for real numbers, 1
        and 3 for counts.
    z : (float, float), default=(-6, 6)
        The range of z.
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
        self.pairs = [pair for one in given for pair in _by_output(get_loss(one))]
        for pair in self.pairs:
            if not pair.differentiable or pair.targets == "groups":
                raise InvalidInput(
                    f"The loss '{pair.name}' is not a function of one z and cannot be drawn. Give "
                    f"a loss for a single output."
                )
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
            The axes to draw in; by default those of a new figure.
        **given
            over, targets, z and derivative, as for the class.

        Returns
        -------
        LossDisplay

        Raises
        ------
        UnknownName
            If the loss is unknown.
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


def _by_output(pair: Loss) -> list[Loss]:
    """Return the loss of each output if a target has several (quantiles)."""
    made_of = pair.made_of
    if isinstance(made_of, Quantile) and made_of.outputs_per_target > 1:
        return [get_loss(Quantile(q)) for q in made_of.numbers]
    return [pair]


def _targets_of(pair: Loss, given: Sequence[float] | None) -> list[float]:
    if given is not None:
        return [float(y) for y in given]
    return {"real": [0.0], "nonnegative": [1.0, 3.0]}.get(pair.targets, [0.0, 1.0])


def _target_rows(y: float, n: int, *, classes: bool) -> Float:
    """Return one target for each of n rows; of two classes, y says whether it is the first."""
    return np.tile([y, 1 - y], (n, 1)) if classes else np.full((n, 1), y)
