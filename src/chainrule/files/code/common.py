"""The common parts of programs in C and JavaScript: test vectors and the comment."""

import json
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from chainrule import __version__
from chainrule.architecture.checks import check_dtype
from chainrule.architecture.inputs import check_X
from chainrule.errors import InvalidInput
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.labels import Labels
from chainrule.files.code.answers import Answers, answers_of
from chainrule.files.code.preparation import Preparation, cells_of, preparation_of
from chainrule.files.plain import Plain, network_in, plain_network
from chainrule.files.unwrapped import unwrapped
from chainrule.maths.arrays import Float
from chainrule.maths.losses import Quantile
from chainrule.network import Network

__all__ = ["Program", "in_lines", "number", "program", "quoted"]

_TEST_ROWS = 8
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
"""The tolerance of the test vectors, times max(1, |h|)."""
_FAR = {"float32": 1e-3, "float64": 1e-7}  # above it the meaning differs, not the rounding


@final
@dataclass(frozen=True)
class Program:
    """The content of a program.

    Attributes
    ----------
    plain : Plain
        The network.
    preparation : Preparation or None
        The steps before it.
    answers : Answers
        The steps after its hypotheses.
    X, H : arrays of shapes (n, columns) and (n, K)
        Test vectors: inputs, categories as numbers, and the model's own results of
        `predict_proba` or `predict`.
    cells : array of objects of shape (n, columns)
        The inputs as in the table.
    tolerance : float
        The tolerance of the results, times max(1, abs(h)).
    about : list of str
        The text of the comment: plain ASCII, without any sequence that could end a comment.
    """

    plain: Plain
    preparation: Preparation | None
    answers: Answers
    X: Float
    H: Float
    cells: NDArray[Any]
    tolerance: float
    about: list[str]

    @property
    def n_inputs(self) -> int:
        """The number of values that the program takes."""
        return self.X.shape[1]


def program(model: Any, X: Any, dtype: Any) -> Program:
    """Return the content of a program with the same results as a model.

    Raises
    ------
    InvalidInput
        If it is not one of our models, a part cannot be exported, or X does not fit.
    """
    kind = None if dtype is None else check_dtype(dtype)
    is_estimator = isinstance(model, BaseEstimator)
    whole = unwrapped(model, kind) if is_estimator else model
    preparation, last, target = preparation_of(whole)
    net = network_in(last)
    if kind is not None and not is_estimator:
        net = net.copy(kind)
    plain, answers = plain_network(net), answers_of(last, target)
    if target is not None and len(answers.quantiles) > 1:
        raise InvalidInput(
            "This model's own predict fails: a TransformedTargetRegressor cannot inverse-transform "
            "several quantiles of several targets. Scale the targets before, or fit one model for "
            "each."
        )
    names = getattr(model, "feature_names_in_", None)
    names = net.feature_names if names is None else [str(name) for name in names]
    cells = _test_cells(preparation, net, names, X)
    rows = (cells if preparation is None else preparation.numbers(cells)).astype(plain.dtype)
    values = rows if preparation is None else preparation.values(cells, rows)
    H = _of_estimator(whole, last, values) if is_estimator else net(values)
    inputs = rows if preparation is None else preparation.apply(rows.astype(np.float64))
    tolerance = _tolerance(answers.apply(net(inputs)), H)
    about = [*_about(plain, names), *_about_outputs(last)]
    return Program(
        plain, preparation, answers, rows, H.astype(plain.dtype), cells, tolerance, about
    )


def _test_cells(
    preparation: Preparation | None, net: Network, names: Sequence[str] | None, X: Any
) -> NDArray[Any]:
    """Return the rows of X, or random ones."""
    n_columns = net.sizes[0] if preparation is None else preparation.n_columns
    if X is None and preparation is not None:
        return preparation.draw(_TEST_ROWS)
    if X is None:
        return np.random.default_rng(0).standard_normal((_TEST_ROWS, n_columns))
    if preparation is not None:
        return preparation.cells(X)
    if hasattr(X, "columns") and names is not None:
        X = cells_of(X, names, n_columns).astype(np.float64)
    if np.ndim(X) != 2:
        raise InvalidInput(
            f"X needs rows of {n_columns} numbers, for the test vectors. Got shape {np.shape(X)} "
            f"instead."
        )
    return np.asarray(check_X(net.architecture, X))


def _of_estimator(whole: Any, last: Any, values: Any) -> Float:
    """Return a model's results, a row for each row of values; of two classes the second's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names of columns, and unknown categories
        if not isinstance(last, MLPClassifier):
            return np.asarray(whole.predict(values)).reshape(len(values), -1)
        found = whole.predict_proba(values)
    if isinstance(found, list):
        return np.hstack(found)
    return found[:, 1:] if last._labels.kind == "binary" else found


def _tolerance(ours: Float, expected: Float) -> float:
    """Return the tolerance of the results, after checking that the program's are close enough.

    A scaler of scikit-learn may round where a program does not, especially far from 0.
    """
    kind = ours.dtype.name
    with np.errstate(invalid="ignore"):
        far = np.abs(ours - expected) / np.maximum(1, np.abs(expected))
    far = np.where(ours == expected, 0, far)  # also for infinities
    rows = np.flatnonzero(~(far <= _FAR[kind]).all(axis=1))
    if len(rows):
        raise InvalidInput(
            f"The program's results would differ from this model's on {len(rows)} of {len(far)} "
            f"rows: {ours[rows[0]]} instead of {expected[rows[0]]} in row {rows[0]}. Some part of "
            f"it behaves differently there: use to_onnx, or give the network alone."
        )
    return max(TOLERANCE[kind], 4 * float(far.max(initial=0)))


def _about(plain: Plain, names: Iterable[str] | None) -> Iterable[str]:
    sizes = "-".join(map(str, plain.sizes))
    hidden = ", ".join(dict.fromkeys(plain.activations)) or "no hidden layer"
    yield f"A feed-forward network: {sizes}; {hidden}; {plain.hypothesis}; {plain.dtype}."
    yield f"Written by chainrule {__version__}."
    if names is not None:
        yield "Inputs, in this order:"
        yield from (f"  {quoted(name)}" for name in names)


def _about_outputs(last: Any) -> Iterable[str]:
    if isinstance(last, MLPClassifier):
        yield from _about_classes(last._labels)
    made_of = network_in(last).architecture.loss.made_of
    if isinstance(last, MLPRegressor) and isinstance(made_of, Quantile):
        n_targets = network_in(last).sizes[-1] // len(made_of.numbers)
        yield "Outputs, in this order:"
        for i in range(n_targets):
            of = f" of target {i}" if n_targets > 1 else ""
            yield from (f"  quantile {quantile}{of}" for quantile in made_of.numbers)


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
    """Return a name from the user's data as one line of ASCII that cannot end a comment."""
    text = str(value)
    if isinstance(value, bool | np.bool_):
        text = text.lower()  # as both languages, and tables, write it
    text = json.dumps(text)
    for pair in ("*/", "/*", "??"):
        text = text.replace(pair, " ".join(pair))
    return text


def number(value: Any, dtype: np.dtype[Any]) -> str:
    """Return the shortest text that is read back as the same number, also as a double."""
    text = repr(dtype.type(value).item()) if dtype == np.float64 else str(dtype.type(value))
    return text if dtype.type(float(text)) == value else repr(float(value))


def in_lines(parts: Sequence[str], indent: str = "    ", width: int = 96) -> str:
    """Return numbers, separated by commas, on lines of the given width."""
    lines, line = [], indent
    for part in parts:
        if len(line) + len(part) + 2 > width:
            lines.append(line.rstrip())
            line = indent
        line += f"{part}, "
    lines.append(line.rstrip().rstrip(","))
    return "\n".join(lines)
