"""Weight matrices as images."""

from typing import Any, final

import numpy as np

from chainrule.architecture.checks import check_whole
from chainrule.displays.style import (
    COLOR_MAP,
    INK,
    PAPER,
    axes_for,
    panels_in,
    pyplot,
    symmetric,
    tidy,
)
from chainrule.errors import InvalidParameter
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.opening import network_of

__all__ = ["WeightsDisplay"]


@final
class WeightsDisplay:
    """Weight matrices as images: whole layers, or the weights of each node as a picture.

    Parameters
    ----------
    net : Network
    layer : int, optional
        The layer whose incoming weights are shown, from 2, as the notes count; by default all.
    image_shape : (int, int), optional
        Rows and columns of the pictures in the layer before: then each node's weights are
        drawn as one picture.
    max_images : int, default=25
        Nodes to draw at most, the first ones.

    Attributes
    ----------
    images : list of arrays
        ``[b | W]`` of each layer (blog image 5), nodes in rows, the bias in the first column; or
        each node's picture, without bias.
    scale : float
        The largest absolute value: colors go from minus to plus it, dark to light, 0 in between.
    ax_, axes_, figure_ : Axes, array of Axes, Figure
        The place of all panels, the panels, the figure.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([64, 12, 10])
    >>> cr.WeightsDisplay.from_estimator(net, image_shape=(8, 8)).axes_.shape
    (3, 4)
    >>> [image.shape for image in cr.WeightsDisplay.from_estimator(net).images]
    [(12, 65), (10, 13)]
    """

    ax_: Any
    axes_: Any
    figure_: Any

    def __init__(
        self,
        net: Network,
        *,
        layer: int | None = None,
        image_shape: tuple[int, int] | None = None,
        max_images: int = 25,
    ) -> None:
        L = len(net.sizes)
        if layer is not None and not 2 <= check_whole("layer", layer) <= L:
            raise InvalidParameter(
                f"layer must be from 2, the first after the input, to {L}. Got {layer} instead."
            )
        check_whole("max_images", max_images)
        self.image_shape = image_shape
        if image_shape is None:
            self.layers = list(range(2, L + 1)) if layer is None else [layer]
            self.images = [np.array(net.thetas[one - 2], float) for one in self.layers]
            self.n_nodes = 0
        else:
            self.layers = [2 if layer is None else layer]
            self.images = _pictures(net, self.layers[0], image_shape)
            self.n_nodes = len(self.images)
            self.images = self.images[:max_images]
        self.scale = max(symmetric(image) for image in self.images)

    @classmethod
    def from_estimator(cls, model: Any, *, ax: Any = None, **given: Any) -> "WeightsDisplay":
        """Draw the weights of a model.

        Parameters
        ----------
        model : Network, Learner, fitted estimator, or Pipeline that ends in one
        ax : Axes, optional
            The axes to draw in; by default those of a new figure.
        **given
            layer, image_shape and max_images, as for the class.

        Returns
        -------
        WeightsDisplay

        Raises
        ------
        InvalidParameter
            If the layer does not exist, or its pictures have another shape.
        MissingExtra
            If matplotlib is not installed.
        """
        pyplot()
        return cls(network_of(model), **given).plot(ax=ax)

    def plot(self, ax: Any = None) -> "WeightsDisplay":
        """Draw it, in a new figure or in the axes given.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        WeightsDisplay
            Itself, with ``ax_``, ``axes_`` and ``figure_``.
        """
        n = len(self.images)
        pictures = self.image_shape is not None
        n_columns = min(n, max(4, int(np.ceil(np.sqrt(n))))) if pictures else n
        n_rows = -(-n // n_columns)
        size = (1.25 * n_columns + 0.9, 1.35 * n_rows + 0.5) if pictures else (3.4 * n + 0.6, 3.4)
        self.ax_ = axes_for(ax, size)
        self.figure_ = self.ax_.figure
        spaces = {} if pictures else {"width_ratios": [_width(image) for image in self.images]}
        self.axes_ = panels_in(self.ax_, n_rows, n_columns, **spaces)
        shown = None
        for position, panel in enumerate(self.axes_.ravel()):
            if position >= n:
                panel.set_axis_off()
                continue
            shown = panel.imshow(
                self.images[position],
                cmap=COLOR_MAP,
                vmin=-self.scale,
                vmax=self.scale,
                interpolation="nearest",
                aspect="equal" if pictures else "auto",
            )
            label = self._label_picture if pictures else self._label_matrix
            label(panel, position)
        bar = self.figure_.colorbar(shown, ax=list(self.axes_.ravel()), shrink=0.85, pad=0.02)
        of = f" to {n} of {self.n_nodes}" if n < self.n_nodes else f" to {n}"
        what = f"weights into nodes 1{of} of layer {self.layers[0]}" if n > 1 else "weights"
        bar.set_label(what if pictures else "weight or bias")
        bar.ax.tick_params(labelsize=9)
        bar.outline.set_linewidth(0.5)
        return self

    def _label_picture(self, ax: Any, position: int) -> None:
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_title(f"i = {position + 1}", fontsize=9, pad=3)

    def _label_matrix(self, ax: Any, position: int) -> None:
        n_nodes, n_columns = self.images[position].shape
        layer = self.layers[position]
        ax.set_title(rf"$[\,b\,|\,W\,]^{{({layer})}}$", fontsize=12)
        ax.set_xlabel(f"from node j of layer {layer - 1}")
        ax.set_ylabel(f"to node i of layer {layer}")
        columns = _ticks(n_columns - 1)
        ax.set_xticks([0, *columns], ["b", *map(str, columns)])
        rows = _ticks(n_nodes)
        ax.set_yticks([i - 1 for i in rows], list(map(str, rows)))
        ax.axvline(0.5, color=PAPER, lw=2.5)
        ax.axvline(0.5, color=INK, lw=0.8)
        tidy(ax)


def _pictures(net: Network, layer: int, shape: tuple[int, int]) -> list[Float]:
    """Return the weights into each node of a layer, each as a picture."""
    W = np.array(net.weights[layer - 2], float)
    if len(shape) != 2 or shape[0] * shape[1] != len(W):
        raise InvalidParameter(
            f"image_shape must be two numbers whose product is {len(W)}, the nodes of layer "
            f"{layer - 1}. Got {shape} instead."
        )
    return [column.reshape(shape) for column in W.T]


def _ticks(n: int) -> list[int]:
    """Return some of the numbers 1 ... n, with the first and last, far enough apart."""
    if n <= 10:
        return list(range(1, n + 1))
    return sorted({1, *(round(1 + (n - 1) * k / 4) for k in range(1, 4)), n})


def _width(image: Float) -> float:
    return float(np.clip(image.shape[1], 6, 30))
