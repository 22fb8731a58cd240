"""What programs in C and JavaScript share: their test vectors, and what their comment says."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from chainrule import __version__
from chainrule.architecture.checks import check_dtype
from chainrule.architecture.inputs import check_X
from chainrule.errors import InvalidInput
from chainrule.estimators import MLPClassifier, MLPClassifierCV
from chainrule.estimators.labels import Labels
from chainrule.files.plain import Plain, network_in, plain_network, single
from chainrule.maths.arrays import Float
from chainrule.network import Network

__all__ = ["Program", "in_lines", "number", "program"]

_TEST_ROWS = 8
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
"""How far a test vector may be from ours, times max(1, |h|)."""


@final
@dataclass(frozen=True)
class Program:
    """What goes into a program.

    Attributes
    ----------
    plain : Plain
        The network.
    X, H : arrays of shapes (n, N) and (n, K)
        Test vectors: inputs, and our hypotheses.
    about : list of str
        What the comment says: plain ASCII, without any sign that could end a comment.
    """

    plain: Plain
    X: Float
    H: Float
    about: list[str]

    @property
    def tolerance(self) -> float:
        """How far an answer may be from ours, times max(1, abs(h))."""
        return TOLERANCE[self.plain.dtype.name]


def program(model: Any, X: Any, dtype: Any) -> Program:
    """Return what goes into a program that computes what a model's network does.

    Raises
    ------
    InvalidInput
        If it is no model of ours, a part is the user's own, or X does not fit.
    """
    net = network_in(model)
    if dtype is not None:
        net = net.copy(check_dtype(dtype))
    plain = plain_network(net)
    if X is None:
        X = np.random.default_rng(0).standard_normal((_TEST_ROWS, net.sizes[0]))
    elif np.ndim(X) != 2:
        raise InvalidInput(
            f"X needs rows of {net.sizes[0]} numbers, for the test vectors. Got shape "
            f"{np.shape(X)} instead."
        )
    rows = np.asarray(check_X(net.architecture, X))
    return Program(plain, rows, net(rows), list(_about(model, net, plain)))


def _about(model: Any, net: Network, plain: Plain) -> Iterable[str]:
    sizes = "-".join(map(str, plain.sizes))
    hidden = ", ".join(dict.fromkeys(plain.activations)) or "no hidden layer"
    yield f"A feed-forward network: {sizes}; {hidden}; {plain.hypothesis}; {plain.dtype}."
    yield f"Written by chainrule {__version__}."
    names = getattr(model, "feature_names_in_", net.feature_names)
    if names is not None:
        yield "Inputs, in this order:"
        yield from (f"  {_quoted(name)}" for name in names)
    if isinstance(model, MLPClassifier | MLPClassifierCV):
        yield from _about_classes(single(model)._labels)


def _about_classes(labels: Labels) -> Iterable[str]:
    if labels.kind == "binary":
        yield f"The output is the probability of class {_quoted(labels.classes[1])};"
        yield f"below 1/2 the class is {_quoted(labels.classes[0])}."
        return
    yield "Outputs, in this order:"
    columns = labels.classes if labels.kind == "multioutput" else [labels.classes]
    for i, column in enumerate(columns):
        of = f" of column {i}" if len(columns) > 1 else ""
        yield from (f"  class {_quoted(each)}{of}" for each in column)


def _quoted(value: Any) -> str:
    """Return a name from the user's data as one line of ASCII that ends no comment."""
    text = json.dumps(value if isinstance(value, str) else str(value))
    for pair in ("*/", "/*", "??"):
        text = text.replace(pair, " ".join(pair))
    return text


def number(value: Any, dtype: np.dtype[Any]) -> str:
    """Return the shortest text that reads back as this very number, also by way of a double."""
    text = repr(dtype.type(value).item()) if dtype == np.float64 else str(dtype.type(value))
    return text if dtype.type(float(text)) == value else repr(float(value))


def in_lines(parts: Sequence[str], indent: str = "    ", width: int = 96) -> str:
    """Return numbers, separated by commas, on lines of some width."""
    lines, line = [], indent
    for part in parts:
        if len(line) + len(part) + 2 > width:
            lines.append(line.rstrip())
            line = indent
        line += f"{part}, "
    lines.append(line.rstrip().rstrip(","))
    return "\n".join(lines)
