"""The distributions of z, a and delta in each layer."""

from typing import Any, final

import numpy as np

from chainrule.architecture.checks import check_whole
from chainrule.displays.style import INK, POSITIVE, SOFT, axes_for, panels_in, pyplot, tidy
from chainrule.engines.reference import cost_and_gradients
from chainrule.maths.arrays import Float
from chainrule.maths.propagation import forward_propagate
from chainrule.opening import Opened, open_model

__all__ = ["DistributionDisplay"]


@final
class DistributionDisplay:
    """Histograms of z, a and delta, a row for each layer; they show saturated or dead nodes.

    Parameters
    ----------
    z, a : lists of arrays of shapes (n, s_l)
        Of the layers after the input.
    delta : list of arrays of shapes (n, s_l), optional
        dJ/dz of the same layers.
    functions : list of str
        The function from z to a of each of them.
    bins : int, default=40

    Attributes
    ----------
    values : dict of str to list of arrays
        "z", "a" and "delta" of each layer, flat.
    counts, edges : dicts of str to list of arrays
        The histograms, and the edges of their bins.
    ax_, axes_, figure_ : Axes, array of Axes of shape (n_layers, n_quantities), Figure

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X, Y = np.linspace(-1, 1, 20).reshape(10, 2), np.arange(10) % 3
    >>> display = cr.DistributionDisplay.from_estimator(cr.Network([2, 5, 3]), X, Y)
    >>> display.axes_.shape, [int(counts.sum()) for counts in display.counts["delta"]]
    ((2, 3), [50, 30])
    """

    ax_: Any
    axes_: Any
    figure_: Any

    def __init__(
        self,
        z: list[Float],
        a: list[Float],
        delta: list[Float] | None = None,
        *,
        functions: list[str],
        bins: int = 40,
    ) -> None:
        check_whole("bins", bins)
        self.functions = functions
        given = {"z": z, "a": a} | ({} if delta is None else {"delta": delta})
        self.values = {name: [np.ravel(of) for of in layers] for name, layers in given.items()}
        self.counts: dict[str, list[Any]] = {}
        self.edges: dict[str, list[Any]] = {}
        for name, layers in self.values.items():
            histograms = [np.histogram(layer, bins) for layer in layers]
            self.counts[name] = [counts for counts, _ in histograms]
            self.edges[name] = [edges for _, edges in histograms]

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        bins: int = 40,
        ax: Any = None,
    ) -> "DistributionDisplay":
        """Draw the distributions of a model on some data.

        Parameters
        ----------
        model : Network, Learner, fitted estimator, or Pipeline that ends in one
        X : array-like of shape (n, N)
        y : array-like, optional
            Targets, for delta.
        sample_weight : array-like of shape (n,), optional
        bins : int, default=40
        ax : Axes, optional
            The axes to draw in; by default those of a new figure.

        Returns
        -------
        DistributionDisplay

        Raises
        ------
        InvalidInput
            If X, y or the weights are unusable.
        NotTrainable
            If a step function blocks delta.
        MissingExtra
            If matplotlib is not installed.
        """
        pyplot()
        batch = open_model(model, X, y, sample_weight).dense()
        z, a, delta = _propagated(batch)
        architecture = batch.net.architecture
        functions = [g.name for g in architecture.activations]
        functions.append(architecture.loss.hypothesis_name)
        return cls(z, a, delta, functions=functions, bins=bins).plot(ax=ax)

    def plot(self, ax: Any = None) -> "DistributionDisplay":
        """Draw it, in a new figure or in the axes given.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        DistributionDisplay
            Itself, with ``ax_``, ``axes_`` and ``figure_``.
        """
        names = list(self.values)
        n_layers = len(self.functions)
        self.ax_ = axes_for(ax, (2.7 * len(names) + 0.5, 1.75 * n_layers + 0.4))
        self.figure_ = self.ax_.figure
        self.axes_ = panels_in(self.ax_, n_layers, len(names))
        symbols = {"z": "z", "a": "a", "delta": "δ"}
        for column, name in enumerate(names):
            for layer, panel in enumerate(self.axes_[:, column]):
                self._draw(panel, name, layer)
            self.axes_[0, column].set_title(symbols[name], fontsize=12)
        for layer, panel in enumerate(self.axes_[:, 0]):
            called = self.functions[layer].replace("_", " ")
            panel.set_ylabel(f"layer {layer + 2}\n{called}", fontsize=9.5, color=INK)
        return self

    def _draw(self, ax: Any, name: str, layer: int) -> None:
        counts, edges = self.counts[name][layer], self.edges[name][layer]
        share = counts / counts.sum()
        ax.stairs(share, edges, fill=True, color=POSITIVE, alpha=0.85)
        ax.set_yticks([])
        ax.set_ylim(0, 1.22 * share.max())
        tidy(ax)
        ax.spines["left"].set_visible(False)
        ax.xaxis.get_major_locator().set_params(nbins=5)
        ax.ticklabel_format(axis="x", scilimits=(-3, 4), useMathText=True)
        ax.xaxis.get_offset_text().set_fontsize(8)
        zeros = float(np.mean(self.values[name][layer] == 0))
        if zeros >= 0.01:
            text = f"0: {100 * zeros:.0f} %"
            ax.text(
                0.98,
                0.97,
                text,
                transform=ax.transAxes,
                ha="right",
                va="top",
                fontsize=9,
                color=SOFT,
            )


def _propagated(batch: Opened) -> tuple[list[Float], list[Float], list[Float] | None]:
    """Return z, a and, with targets, delta of the layers after the input."""
    architecture, net = batch.net.architecture, batch.net
    if batch.Y is None:
        forward = forward_propagate(
            batch.X,
            net.weights,
            net.biases,
            architecture.activations,
            architecture.loss.hypothesis,
        )
        return forward.z, forward.a[1:], None
    architecture.require_trainable()
    examples = batch.examples
    found = cost_and_gradients(
        architecture,
        net.parameters,
        examples,
        len(examples),
        examples.total,
        l2=batch.l2,
        l1=batch.l1,
    )
    return found.forward.z, found.forward.a[1:], found.gradients.delta
