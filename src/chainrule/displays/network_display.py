"""The network diagram: every symbol of the notes in its place, or every number."""

from typing import Any, final

import numpy as np

from chainrule.architecture.checks import check_whole
from chainrule.displays.diagram import Numbers, draw_numbers
from chainrule.displays.layout import Layout, lay_out
from chainrule.displays.overview import draw_overview
from chainrule.displays.style import pyplot
from chainrule.engines.reference import cost_and_gradients
from chainrule.errors import InvalidInput, unknown_name
from chainrule.maths.arrays import Float
from chainrule.maths.propagation import forward_propagate
from chainrule.network import Network
from chainrule.opening import Opened, network_of, open_model, output_names

__all__ = ["NetworkDisplay"]

_STYLES = ("overview", "numbers")
_MOST = {"overview": (4, 5), "numbers": (10, 8)}  # nodes of a layer and layers that are drawn


@final
class NetworkDisplay:
    """The diagram of a network, with the notes' symbols or with its numbers.

    Make it with `from_estimator`.

    Parameters
    ----------
    net : Network
    numbers : Numbers or None
        a and delta of one example, if they are known.
    style : {"overview", "numbers"}
    input_names, output_names : tuples of str
        The labels of inputs and outputs.
    max_nodes, max_layers : int
        The limits of the drawing.

    Attributes
    ----------
    layout : Layout
        The positions of all elements, and the omitted ones.
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    The notes' overview sheet (2.4) for a network of any architecture:

    >>> import chainrule as cr
    >>> net = cr.Network([3, 4, 2], activation="tanh")
    >>> display = cr.NetworkDisplay.from_estimator(net)
    >>> "$w_{43}^{(2)}$" in [text.get_text() for text in display.ax_.texts]
    True

    With numbers: the weights, and a and delta of an example.

    >>> display = cr.NetworkDisplay.from_estimator(net, [0.5, -1.0, 2.0], 1)
    >>> display.style
    'numbers'
    """

    layout: Layout
    ax_: Any
    figure_: Any

    def __init__(
        self,
        net: Network,
        *,
        numbers: Numbers | None = None,
        style: str = "overview",
        input_names: tuple[str, ...] = (),
        output_names: tuple[str, ...] = (),
        max_nodes: int | None = None,
        max_layers: int | None = None,
    ) -> None:
        if style not in _STYLES:
            raise unknown_name("style", style, _STYLES)
        nodes, layers = _MOST[style]
        nodes = nodes if max_nodes is None else check_whole("max_nodes", max_nodes, at_least=2)
        layers = layers if max_layers is None else check_whole("max_layers", max_layers, at_least=2)
        self.net, self.numbers, self.style = net, numbers, style
        self.input_names, self.output_names = input_names, output_names
        self.layout = lay_out(net.sizes, max_nodes=nodes, max_layers=layers)

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any = None,
        y: Any = None,
        *,
        style: str | None = None,
        max_nodes: int | None = None,
        max_layers: int | None = None,
        ax: Any = None,
    ) -> "NetworkDisplay":
        """Draw the network of a model.

        Parameters
        ----------
        model : Network, Learner, fitted estimator, or Pipeline that ends in one
        X : array-like of shape (N,) or (1, N), optional
            One example, whose activations are drawn.
        y : array-like, optional
            Its target, for delta.
        style : {"overview", "numbers"}, optional
            "overview" has the notes' symbols, as on their sheet 2.4; "numbers" draws weights and
            biases as the lines' width and color (dashed where negative), a as the nodes' fill and
            delta as their ring. By default the overview, and with X numbers.
        max_nodes, max_layers : int, optional
            Nodes of a layer and layers to draw at most, at least 2; by default 4 and 5 in the
            overview, 10 and 8 with numbers. The drawing says what is left out.
        ax : Axes, optional
            The axes to draw in; by default those of a new figure.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        InvalidInput
            If there is more than one example, or a target without one.
        MissingExtra
            If matplotlib is not installed.
        """
        pyplot()
        net = network_of(model)
        chosen = style or ("overview" if X is None else "numbers")
        if X is None and y is not None:
            raise InvalidInput("A target y was given without an example: give X with y.")
        numbers, names, outputs = None, net.feature_names or (), output_names(model)
        if X is not None:
            batch = open_model(model, X, y).dense()
            if len(batch.X) != 1:
                raise InvalidInput(
                    f"A network is drawn with the numbers of one example. Got {len(batch.X)}: give "
                    f"one of the rows, such as X[0]."
                )
            numbers = _numbers(batch)
            names, outputs = batch.input_names or names, batch.output_names or outputs
        elif not names:
            names = _names_in(model)
        display = cls(
            net,
            numbers=numbers,
            style=chosen,
            input_names=tuple(names),
            output_names=tuple(outputs),
            max_nodes=max_nodes,
            max_layers=max_layers,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> "NetworkDisplay":
        """Draw it, in a new figure or in the axes given.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        NetworkDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        draw = draw_overview if self.style == "overview" else draw_numbers
        self.ax_ = draw(
            ax, self.net, self.layout, self.numbers, self.input_names, self.output_names
        )
        self.figure_ = self.ax_.figure
        return self


def _names_in(model: Any) -> tuple[str, ...]:
    names: Any = getattr(model, "feature_names_in_", ())
    n = network_of(model).sizes[0]
    return tuple(str(name) for name in names) if len(names) == n else ()


def _numbers(batch: Opened) -> Numbers:
    """Return a of one example, and delta (with that of the inputs) if it exists."""
    architecture, net = batch.net.architecture, batch.net
    delta: list[Float] | None = None
    cost = None
    forward = forward_propagate(
        batch.X,
        net.weights,
        net.biases,
        architecture.activations,
        architecture.loss.hypothesis,
    )
    if batch.Y is not None:
        architecture.require_trainable()
        found = cost_and_gradients(
            architecture,
            net.parameters,
            batch.examples,
            1,
            batch.examples.total,
            l2=batch.l2,
            l1=batch.l1,
        )
        after = found.gradients.delta
        delta = [(after[0] @ net.weights[0].T)[0], *(d[0] for d in after)]
        cost = found.cost
    a = [np.array(layer[0]) for layer in forward.a]
    y = None if batch.Y is None else batch.Y[0]
    return Numbers(a, delta, y, cost)
