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
from chainrule.files.code.preparation import Preparation, preparation_of
from chainrule.files.plain import Plain, network_in, plain_network, single
from chainrule.maths.arrays import Float

__all__ = ["Program", "in_lines", "number", "program", "quoted"]

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
    preparation : Preparation or None
        What stands before it.
    target : (array, array) or None
        Scale and offset of its outputs, where the target was scaled.
    X, H : arrays of shapes (n, columns) and (n, K)
        Test vectors: inputs, categories as numbers, and our answers.
    about : list of str
        What the comment says: plain ASCII, without any sign that could end a comment.
    """

    plain: Plain
    preparation: Preparation | None
    target: tuple[Float, Float] | None
    X: Float
    H: Float
    about: list[str]

    @property
    def tolerance(self) -> float:
        """How far an answer may be from ours, times max(1, abs(h))."""
        return TOLERANCE[self.plain.dtype.name]

    @property
    def n_inputs(self) -> int:
        """How many values the program takes."""
        return self.X.shape[1]


def program(model: Any, X: Any, dtype: Any) -> Program:
    """Return what goes into a program that computes what a model does.

    Raises
    ------
    InvalidInput
        If it is no model of ours, a part has no form in a program, or X does not fit.
    """
    preparation, last, target = preparation_of(model)
    net = network_in(last)
    if dtype is not None:
        net = net.copy(check_dtype(dtype))
    plain = plain_network(net)
    n_columns = net.sizes[0] if preparation is None else preparation.n_columns
    if X is None and preparation is not None:
        rows = preparation.draw(_TEST_ROWS)
    elif X is None:
        rows = np.random.default_rng(0).standard_normal((_TEST_ROWS, n_columns))
    elif preparation is not None:
        rows = preparation.numbers(X)
    elif np.ndim(X) == 2:
        rows = np.asarray(check_X(net.architecture, X))
    else:
        raise InvalidInput(
            f"X needs rows of {n_columns} numbers, for the test vectors. Got shape {np.shape(X)} "
            f"instead."
        )
    rows = rows.astype(plain.dtype)
    H = net(rows if preparation is None else preparation.apply(rows.astype(np.float64)))
    if target is not None:
        H = (H * target[0] + target[1]).astype(plain.dtype)
    names = getattr(last, "feature_names_in_", net.feature_names)
    if preparation is not None:
        names = preparation.names
    about = [*_about(plain, names), *_about_outputs(last)]
    return Program(plain, preparation, target, rows, H, about)


def _about(plain: Plain, names: Iterable[str] | None) -> Iterable[str]:
    sizes = "-".join(map(str, plain.sizes))
    hidden = ", ".join(dict.fromkeys(plain.activations)) or "no hidden layer"
    yield f"A feed-forward network: {sizes}; {hidden}; {plain.hypothesis}; {plain.dtype}."
    yield f"Written by chainrule {__version__}."
    if names is not None:
        yield "Inputs, in this order:"
        yield from (f"  {quoted(name)}" for name in names)


def _about_outputs(last: Any) -> Iterable[str]:
    if isinstance(last, MLPClassifier | MLPClassifierCV):
        yield from _about_classes(single(last)._labels)


def _about_classes(labels: Labels) -> Iterable[str]:
    if labels.kind == "binary":
        yield f"The output is the probability of class {quoted(labels.classes[1])};"
        yield f"below 1/2 the class is {quoted(labels.classes[0])}."
        return
    yield "Outputs, in this order:"
    columns = labels.classes if labels.kind == "multioutput" else [labels.classes]
    for i, column in enumerate(columns):
        of = f" of column {i}" if len(columns) > 1 else ""
        yield from (f"  class {quoted(each)}{of}" for each in column)


def quoted(value: Any) -> str:
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
