"""Reference, native and finite differences side by side: three ways to the same gradient."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from chainrule.engines import Examples, choose_engine
from chainrule.engines.reference import cost_and_gradients
from chainrule.errors import InvalidParameter
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.network.gradient_check import GradientProblem, check_network
from chainrule.opening import Opened
from chainrule.optimizers import SGD
from chainrule.storage import keep_text
from chainrule.training import Learner
from chainrule.working.formulas.document import Document, Inline, Paragraph, Table, say
from chainrule.working.formulas.expressions import Number, Symbol
from chainrule.working.numbers.differences import Entry, Slopes
from chainrule.working.numbers.subject import subject_of
from chainrule.working.typesetting.rendered import Destination, Rendered, width_and_path

__all__ = ["ArrayComparison", "Comparison", "LayerComparison", "compare"]


@final
@dataclass(frozen=True)
class ArrayComparison:
    """The gradient of one array of parameters, by each way.

    Attributes
    ----------
    shape : tuple of int
        As in the code, (s_in, s_out) or (s_out,).
    at : tuple of int
        The entry with the largest derivative, in the code's indices; its values are the next three.
    reference, native, differences : float
        The derivative there. NaN if it could not be computed in this way.
    native_error, differences_error : float
        The largest difference from the reference over the array, in units of the gradient. NaN if
        nothing could be compared.
    """

    shape: tuple[int, ...]
    at: tuple[int, ...]
    reference: float
    native: float
    differences: float
    native_error: float
    differences_error: float


@final
@dataclass(frozen=True)
class LayerComparison:
    """The gradients of one layer of weights and biases.

    Attributes
    ----------
    layer : int
        The notes' layer, from 2: the one that the weights lead to.
    weights, biases : ArrayComparison
    """

    layer: int
    weights: ArrayComparison
    biases: ArrayComparison

    @property
    def native_error(self) -> float:
        """The largest difference of native and reference in the layer."""
        return _largest([self.weights.native_error, self.biases.native_error])

    @property
    def differences_error(self) -> float:
        """The largest difference of finite differences and reference in the layer."""
        return _largest([self.weights.differences_error, self.biases.differences_error])


@final
@dataclass(frozen=True)
class Comparison(Rendered):
    """The result of `compare`: a table, in the four formats of a `Derivation`.

    Printed, it is the plain text; in a notebook it is shown as HTML.

    Attributes
    ----------
    per_layer : tuple of LayerComparison
    max_gradient : float
        The largest derivative of all, to judge the errors by.
    why_no_native : str
        Why the native engine cannot compute this network, if it cannot.
    """

    per_layer: tuple[LayerComparison, ...]
    max_gradient: float
    why_no_native: str = ""

    @property
    def native_error(self) -> float:
        """The largest difference of native and reference; NaN without a native engine."""
        return _largest([each.native_error for each in self.per_layer])

    @property
    def differences_error(self) -> float:
        """The largest difference of finite differences and reference."""
        return _largest([each.differences_error for each in self.per_layer])

    @property
    def document(self) -> Document:
        """The content, independent of the format."""
        rows = [
            _row(each.layer, name, array)
            for each in self.per_layer
            for name, array in (("W", each.weights), ("b", each.biases))
        ]
        header: tuple[tuple[Inline, ...], ...] = (
            ("gradient",),
            ("shape",),
            ("largest at",),
            ("reference",),
            ("native",),
            ("differences",),
            ("native off by",),
            ("differences off by",),
        )
        ends: tuple[Inline, ...] = say(
            "Each row shows the entry with the largest derivative, and the largest difference of "
            "the others from the reference, over the whole array. The largest derivative of all "
            "is {}.",
            Number(self.max_gradient, 5),
        )
        if self.why_no_native:
            ends = (*ends, " ", self.why_no_native)
        title = "Three ways to the gradient"
        return Document(title, (Table(header, tuple(rows)), Paragraph(ends)))

    def text(self, width: int | Destination = 100, path: Destination = None) -> str:
        """Return it as plain text.

        Parameters
        ----------
        width : int, default=100
            The maximum line length.
        path : str or path-like, optional
            A file to write it to as well, atomically. It may be given in place of the
            width.

        Returns
        -------
        str
        """
        from chainrule.working.typesetting.text import draw_text

        columns, to = width_and_path(width, path, 100)
        return keep_text(draw_text(self.document, columns), to)

    def _content(self) -> Document:
        return self.document


def compare(
    model: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    l2: float | None = None,
    l1: float | None = None,
) -> Comparison:
    """Compute the gradient in three ways, and show them side by side.

    By back-propagation in NumPy (the reference engine), in the compiled core (the native engine),
    and by finite differences, which need the forward pass alone. All three in float64, so that the
    first two agree to rounding. The native engine does not return gradients; its gradient is the
    change of the parameters in one step of gradient descent with the rate 1.

    Parameters
    ----------
    model : Network, Learner, fitted estimator, or Pipeline or search that ends in one
    X, y, sample_weight
        The batch as the model takes it, at most 4096 examples.
    l2, l1 : float, optional
        The notes' lambda of each penalty; by default the model's own, 0 for a Network.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidInput
        If X, y or the weights are unusable, or there are too many examples.
    NotTrainable
        If a step function blocks the gradient.
    TypeError
        If the model is not one of chainrule's.

    See Also
    --------
    explain : The same gradients, with their working.
    check_gradients : Back-propagation against differences, with a verdict.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], loss="squared_error")
    >>> comparison = cr.compare(net, [[0.5, -1.0], [1.0, 2.0]], [1.0, 0.0])
    >>> comparison.native_error < 1e-14, comparison.differences_error < 1e-9
    (True, True)
    """
    if y is None:
        raise InvalidParameter(
            "compare needs targets: without them there is no gradient. Give y as well."
        )
    subject = subject_of(model, X, y, sample_weight, l2, l1, compared=True)
    net = subject.net
    net.architecture.require_trainable()
    assert subject.Y is not None
    batch = Examples(subject.X, subject.Y, subject.weight)
    result = cost_and_gradients(
        net.architecture,
        net.parameters,
        batch,
        len(batch),
        batch.total,
        l2=subject.l2,
        l1=subject.l1,
    )
    gradients = result.gradients
    native, why = _native_gradients(subject)
    check = check_network(
        GradientProblem(net, subject.X, subject.targets, subject.weight, subject.l2, subject.l1)
    )
    slopes = Slopes(net, batch, result.forward, None, subject.l2, subject.l1)
    largest = max(float(np.abs(g).max()) for g in [*gradients.grad_weights, *gradients.grad_biases])
    found: list[LayerComparison] = []
    for at, layer in enumerate(check.per_layer):
        arrays = [
            _array(
                grad,
                None if native is None else getattr(native, name)[at],
                at,
                slopes,
                error * (check.max_gradient or 1.0),
            )
            for name, grad, error in (
                ("weights", gradients.grad_weights[at], layer.weights_error),
                ("biases", gradients.grad_biases[at], layer.biases_error),
            )
        ]
        found.append(LayerComparison(at + 2, *arrays))
    return Comparison(tuple(found), largest, why)


def _array(
    grad: Float, native: Float | None, layer: int, slopes: Slopes, error: float
) -> ArrayComparison:
    """Compare one array's gradients, at the entry where the gradient is largest and over all."""
    at = tuple(int(i) for i in np.unravel_index(int(np.abs(grad).argmax()), grad.shape))
    entry = Entry(layer, at[-1], at[0] if len(at) == 2 else None)
    estimate = slopes.of([entry])[entry]
    return ArrayComparison(
        shape=grad.shape,
        at=at,
        reference=float(grad[at]),
        native=float("nan") if native is None else float(native[at]),
        differences=float("nan") if estimate is None else estimate,
        native_error=float("nan") if native is None else float(np.abs(grad - native).max()),
        differences_error=error,
    )


def _native_gradients(subject: Opened) -> tuple[Any, str]:
    """Return the native engine's gradients, laid out as theta; or the reason why not."""
    net = subject.net.copy()
    try:
        choose_engine("native", net.architecture, SGD(1.0))
    except InvalidParameter:
        return None, (
            "The native engine has no column here: it computes built-in activations and losses "
            "only, on a processor of level x86-64-v3 or arm64."
        )
    learner = Learner(net, SGD(1.0), subject.l2, subject.l1, batch_size=None, engine="native")
    learner.step(subject.X, subject.targets, subject.weight)
    return Network.from_theta(net.architecture, subject.net.theta - net.theta), ""


def _largest(errors: list[float]) -> float:
    known = [e for e in errors if not np.isnan(e)]
    return max(known, default=float("nan"))


def _row(layer: int, name: str, each: ArrayComparison) -> tuple[tuple[Inline, ...], ...]:
    above = (str(layer),)
    if len(each.at) == 2:
        j, i = each.at
        place: Inline = Symbol("w", (str(i + 1), str(j + 1)), above)
    else:
        place = Symbol("b", (str(each.at[0] + 1),), above)
    return (
        (Symbol(name, (), above),),
        ("×".join(map(str, each.shape)),),
        (place,),
        (_number(each.reference, 8),),
        (_number(each.native, 8),),
        (_number(each.differences, 8),),
        (_number(each.native_error, 2),),
        (_number(each.differences_error, 2),),
    )


def _number(value: float, digits: int) -> Inline:
    return "-" if np.isnan(value) else Number(value, digits)
