"""Show the working: a network's whole pass with its own numbers, line for line as in the notes."""

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.architecture.checks import check_flag, check_whole
from chainrule.errors import InvalidParameter, unknown_name
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.working.chapters.backward import backward_section
from chainrule.working.chapters.context import Context
from chainrule.working.chapters.cost import cost_section
from chainrule.working.chapters.descent import descent_section
from chainrule.working.chapters.elision import choose_shown
from chainrule.working.chapters.forward import forward_section
from chainrule.working.chapters.gradients import entries_shown
from chainrule.working.chapters.introduction import opening_section
from chainrule.working.chapters.lecture import lecture_section, no_way_back
from chainrule.working.derivation import Derivation
from chainrule.working.formulas.document import Block, Document
from chainrule.working.formulas.symbols import Notation
from chainrule.working.numbers.differences import Slopes
from chainrule.working.numbers.one_pass import compute
from chainrule.working.numbers.subject import subject_of
from chainrule.working.numbers.update import update

__all__ = ["VIEWS", "explain"]

VIEWS = ("both", "scalar", "matrix")
_ORIENTATIONS = ("rows", "columns")


def explain(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    view: str = "both",
    orientation: str = "rows",
    nodes: Any = None,
    layers: Any = None,
    optimizer: Optimizer | None = None,
    l2: float | None = None,
    l1: float | None = None,
    dropout: bool = False,
    lecture: bool = True,
    digits: int = 5,
) -> Derivation:
    r"""Show the working: the pass forward and back, and one step, with this network's numbers.

    Every equation of the notes, with its tag, in symbols and in numbers: z and a (FP1.1, FP1.2, or
    FP2.1, FP2.2 for a batch), the loss and the cost, delta (BP1, BP2), the gradients (BP3, BP4)
    beside their finite differences, one step of the optimizer and the cost after it; and before
    them the derivation of these equations for this architecture and loss, from the chain rule.

    Parameters
    ----------
    model : Network, Learner, fitted estimator, or Pipeline or search that ends in one
        Of a Learner or an estimator the penalties and the optimizer are used in their current
        state; the model is not changed. The steps before the network in a Pipeline transform X
        first. Of a search (GridSearchCV, MLPClassifierCV) the chosen model is explained.
    X : array-like of shape (n, N), or one example of shape (N,)
        At most 256 examples.
    y : array-like, optional
        Targets as the model takes them. Without it, the forward pass alone is shown.
    sample_weight : array-like of shape (n,), optional
    view : {"both", "scalar", "matrix"}, default="both"
        "scalar": node by node, every summand, in the notes' indices. "matrix": a whole layer at
        once, with shapes under the symbols.
    orientation : {"rows", "columns"}, default="rows"
        Whether examples are rows of the matrices, as in the code, or columns, as in the notes.
    nodes : str, pair, or list of them, optional
        The nodes to work out one by one: "2.1" or (2, 1) is node 1 of layer 2. Layers are numbered
        as in the notes: 1 is the input. By default all of a small layer, two of a large one.
    layers : int or list of int, optional
        The layers to work out, from 2 on; by default all.
    optimizer : Optimizer, optional
        The rule whose first step is shown; by default the model's own next step, and gradient
        descent with a rate of 0.1 for a Network.
    l2, l1 : float, optional
        The notes' lambda of each penalty; by default the model's own, 0 for a Network.
    dropout : bool, default=False
        Whether to show the pass of the model's next training step, with the nodes that dropout
        leaves out there. By default the whole network is shown, as it predicts.
    lecture : bool, default=True
        Whether the general derivation comes before the numbers.
    digits : int, default=5
        Significant digits of results, from 2 to 17. The numbers that a result is computed from
        have more if needed, so that each printed line is right.

    Returns
    -------
    Derivation
        Its methods `text`, `markdown`, `latex` and `html` return it as str.

    Raises
    ------
    InvalidInput
        If X, y or the weights are unusable, or there are too many examples.
    InvalidParameter
        If a setting is invalid: a node that does not exist, for instance.
    TypeError
        If the model is not one of chainrule's.
    ValueError
        If an estimator is not fitted, or scikit-learn refuses the data.

    See Also
    --------
    compare : Both engines and finite differences side by side.
    Network.trace : The same numbers as arrays.

    Notes
    -----
    Everything is computed in float64, by the reference engine, from the network's own parameters.
    For a network with a step function the forward pass is explained, and why there is no backward
    pass.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 1], loss="squared_error", init="zeros", dtype="float64")
    >>> net.weights[0] = [[3.0], [-1.0]]
    >>> working = cr.explain(net, [0.5, 2.0], 1.0, nodes="2.1", view="scalar", lecture=False)
    >>> lines = working.text(width=64).splitlines()
    >>> print("\n".join(lines[lines.index("Node 2.1") + 2 :][:5]))
      z₁⁽²⁾ = b₁⁽²⁾ + Σⱼ w₁ⱼ⁽²⁾ xⱼ                           (FP1.2)
            = b₁⁽²⁾ + w₁₁⁽²⁾ x₁ + w₁₂⁽²⁾ x₂
            = 0 + 3·0.5 + (-1)·2
            = -0.5
         h₁ = a₁⁽²⁾ = z₁⁽²⁾ = -0.5
    """
    view = _check_choice("view", view, VIEWS)
    orientation = _check_choice("orientation", orientation, _ORIENTATIONS)
    check_flag("lecture", lecture)
    if not 2 <= check_whole("digits", digits) <= 17:
        raise InvalidParameter(f"digits must be from 2 to 17. Got {digits} instead.")
    if isinstance(optimizer, LBFGS):
        raise InvalidParameter(
            "A step of L-BFGS searches along a line, over many costs and gradients, and is not "
            "part "
            "of the working. Give another optimizer, such as cr.SGD(0.1)."
        )
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise InvalidParameter(
            f"optimizer must be an optimizer such as cr.Adam(1e-3). Got {optimizer!r} instead."
        )
    check_flag("dropout", dropout)
    subject = subject_of(model, X, y, sample_weight, l2, l1)
    shown = choose_shown(subject.net.sizes, len(subject.X), nodes, layers)
    notation = Notation(many=len(subject.X) > 1, rows=orientation == "rows")
    with np.errstate(
        over="ignore", invalid="ignore", divide="ignore"
    ):  # reported where the values are shown
        computed = compute(subject, dropout=dropout)
        ctx = Context(subject, computed, notation, shown, digits, view, {})
        blocks = _sections(ctx, type(model).__name__, optimizer, lecture=lecture)
    title = f"The working of a {'-'.join(map(str, subject.net.sizes))} network"
    return Derivation(Document(title, tuple(blocks)))


def _sections(
    ctx: Context, kind: str, optimizer: Optimizer | None, *, lecture: bool
) -> list[Block]:
    subject, computed = ctx.subject, ctx.computed
    blocks: list[Block] = [opening_section(ctx, kind)]
    if lecture:
        blocks.append(lecture_section(ctx))
    blocks.append(forward_section(ctx))
    if computed.cost is not None:
        blocks.append(cost_section(ctx))
    if computed.why_not and not lecture:
        blocks.append(no_way_back(ctx))  # the lecture includes it
    if computed.gradients is not None and computed.batch is not None:
        slopes = Slopes(
            subject.net,
            computed.batch,
            computed.forward,
            computed.masks,
            subject.l2,
            subject.l1,
        )
        ctx = replace(ctx, slopes=slopes.of(entries_shown(ctx)))
        blocks.append(backward_section(ctx))
        blocks.append(descent_section(ctx, update(subject, computed, optimizer)))
    return blocks


def _check_choice(name: str, given: Any, choices: tuple[str, ...]) -> str:
    if not isinstance(given, str) or given not in choices:
        raise unknown_name(name, given, choices)
    return given
