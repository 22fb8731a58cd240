"""`cr.to_js`: a network as one JavaScript module without dependencies."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from string import Template
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from chainrule.files.code.common import Program, in_lines, number, program
from chainrule.files.code.preparation import Preparation
from chainrule.files.destination import destination
from chainrule.files.plain import NORMAL_TAIL, NORMAL_TAIL_END, NORMAL_TAIL_MIDDLE
from chainrule.maths.activations import LEAK, SELU_ALPHA, SELU_SCALE
from chainrule.network import Network
from chainrule.storage import keep_text
from chainrule.training import Learner

__all__ = ["to_js"]

# Functions of z; NaN stays NaN, as in NumPy.
_SCALAR = {
    "logistic": "1 / (1 + Math.exp(-z))",
    "tanh": "Math.tanh(z)",
    "relu": "Math.max(0, z)",
    "step": "z >= 0 ? 1 : 0",
    "leaky_relu": f"z > 0 ? z : {LEAK!r} * z",
    "elu": "z > 0 ? z : Math.expm1(z)",
    "selu": f"{SELU_SCALE!r} * (z > 0 ? z : {SELU_ALPHA!r} * Math.expm1(z))",
    "softplus": "Math.max(0, z) + Math.log1p(Math.exp(-Math.abs(z)))",
    "silu": "z / (1 + Math.exp(-z))",
    "gelu": "z * normalCdf(z)",
    "mish": "z * Math.tanh(Math.max(0, z) + Math.log1p(Math.exp(-Math.abs(z))))",
    "exp": "Math.exp(z)",
}

# JavaScript has no erf.
_NORMAL_CDF = f"""\
// The normal distribution function: its tail where z < 0, 1 minus a tail elsewhere.
const TAIL = [
{in_lines([repr(each) for each in NORMAL_TAIL], "  ")}
];
function normalCdf(z) {{
  const a = Math.min(Math.abs(z), {NORMAL_TAIL_END!r}), sum = a + {NORMAL_TAIL_MIDDLE!r};
  const y = (a - {NORMAL_TAIL_MIDDLE!r}) / sum;
  let q = 0;
  for (let i = TAIL.length - 1; i >= 0; --i) q = q * y + TAIL[i];
  const tail = Math.exp(-0.5 * a * a) * q / sum;
  return z < 0 ? tail : 1 - tail;
}}
"""

_LAYER = """\
// z = b + a W; the weights of one input lie side by side.
function layer(W, b, a) {
  const z = Float64Array.from(b), nOut = b.length;
  for (let i = 0; i < a.length; ++i)
    for (let j = 0; j < nOut; ++j) z[j] += a[i] * W[i * nOut + j];
  return z;
}
"""

_SOFTMAX = """\
function softmax(z, start, n) {
  const part = z.subarray(start, start + n), most = part.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (let j = 0; j < n; ++j) sum += part[j] = Math.exp(part[j] - most);
  for (let j = 0; j < n; ++j) part[j] /= sum;
}
"""

_SHARES = """\
// One-vs-all hypotheses, divided by their sum; equal shares where it is 0.
function shares(h, start, n) {
  const part = h.subarray(start, start + n), sum = part.reduce((a, b) => a + b, 0);
  for (let j = 0; j < n; ++j) part[j] = sum === 0 ? 1 / n : part[j] / sum;
}
"""

_SORT = """\
// Quantiles in order: those of a network may cross.
function sort(h, start, n) {
  h.subarray(start, start + n).sort();
}
"""

_PREPARE = """\
// The network's inputs, from the values of one example; missing numbers (null, NaN) are imputed.
function prepare(x) {
  return FEATURES.map(([source, kind, place, fill, offset, scale]) => {
    const missing = x[source] == null || Number.isNaN(x[source]);
    let v = missing ? fill : x[source];
    if (kind === "missing") v = missing ? 1 : 0;
    else if (kind === "category") v = placeOf(source, missing ? null : x[source]) === place ? 1 : 0;
    return (v - offset) / scale;
  });
}

// "" is a missing category too, unless it is itself a category.
function placeOf(source, value) {
  const places = PLACES[source];
  return places.get(places.has(value) || value !== "" ? value : null) ?? OTHERS[source];
}
"""

_TEST = """\
/** The number of test vectors that fail: 0 if all pass. */
export function test() {
  let failed = 0;
  for (let row = 0; row < $rows; ++row) {
    const h = predict($row);
    const isRight = (value, k) => {
      const expected = TEST_H[row * OUTPUTS + k];
      const far = Math.abs(value - expected);
      return value === expected || far <= $tolerance * Math.max(1, Math.abs(expected));
    };
    if (!h.every(isRight)) ++failed;
  }
  return failed;
}
"""


def to_js(
    model: Network | Learner | BaseEstimator,
    X: Any = None,
    *,
    dtype: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> str:
    """Return a network as one JavaScript module without dependencies, or write that file.

    It exports ``predict(x)``, also as its default: the outputs for one example, an array of
    values in, a ``Float64Array`` out; ``test()``, which returns the number of test vectors in
    the module that fail; and ``INPUTS`` and ``OUTPUTS``. It runs in browsers and in Node, as
    ``net.mjs``. The numbers are read back to the same bits; JavaScript computes in float64,
    from the network's numbers in its dtype.

    Parameters
    ----------
    model : Network, Learner, MLPClassifier, MLPRegressor or Pipeline
        The model to write. A network gives its hypotheses, an estimator or Pipeline the results of
        `predict_proba` or `predict` (of two classes the second's probability); a comment says
        which. A Pipeline may impute and scale numbers and encode categories (one-hot) before its
        network, and scale its target: then x are the table's columns, missing ones null.
    X : array-like of shape (n, N) or table, optional
        Inputs for the test vectors, such as a few of your rows; by default 8 random rows.
    dtype : {"float32", "float64"}, optional
        The type of the numbers in the module, and of the inputs; by default that of the network.
    path : str or path-like, optional
        A file to write as well, atomically. It may be given in place of `X`:
        ``cr.to_js(model, "net.mjs")``.

    Returns
    -------
    str
        The module.

    Raises
    ------
    InvalidInput
        If the model is something else, or holds something that cannot be exported, such as your own
        activation, or if X does not fit.
    UnwritablePath
        If the file cannot be written; an existing one is then unchanged.

    See Also
    --------
    to_c : The same in C.
    to_onnx : For a runtime, with labels and everything that skl2onnx supports.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], activation="tanh", loss="squared_error", seed=1)
    >>> [line for line in cr.to_js(net).splitlines() if line.startswith("export function")]
    ['export function predict(x) {', 'export function test() {']
    """
    X, to = destination(model, X, path)
    return keep_text("\n".join(_parts(program(model, X, dtype))), to)


def _parts(made: Program) -> Iterator[str]:
    plain = made.plain
    numbers = "Float32Array" if plain.dtype == np.float32 else "Float64Array"

    def array(name: str, values: Any) -> str:
        listed = in_lines([_number(value, plain.dtype) for value in np.ravel(values)], "  ")
        return f"const {name} = new {numbers}([\n{listed}\n]);\n"

    yield "\n".join(["/*", *(f"   {line}" for line in made.about), "*/"])
    yield f"export const INPUTS = {made.n_inputs}, OUTPUTS = {plain.sizes[-1]};\n"
    for layer, (W, b) in enumerate(zip(plain.weights, plain.biases, strict=True)):
        yield array(f"W{layer}", W)
        yield array(f"b{layer}", b)
    row = "TEST_X.subarray(row * INPUTS, (row + 1) * INPUTS)"
    if made.preparation is None:
        yield array("TEST_X", made.X)
    else:
        row = "TEST_X[row]"
        yield from _preparation(made.preparation)
        yield _rows("TEST_X", made.preparation.values(made.cells, made.X).tolist())
    if made.answers.target is not None:
        pairs = zip(*(each.tolist() for each in made.answers.target), strict=True)
        yield _rows("TARGET", list(pairs))
    yield array("TEST_H", made.H)
    functions = (*plain.activations, plain.hypothesis)
    if "gelu" in functions:
        yield _NORMAL_CDF
    for function in dict.fromkeys(functions):
        if function in _SCALAR:
            yield f"function {_camel(function)}(z) {{\n  return {_SCALAR[function]};\n}}\n"
    yield _LAYER
    if plain.hypothesis == "softmax":
        yield _SOFTMAX
    if made.answers.shares:
        yield _SHARES
    if made.answers.quantiles:
        yield _SORT
    yield "\n".join(_predict(made, numbers))
    yield Template(_TEST).substitute(rows=len(made.X), tolerance=repr(made.tolerance), row=row)


def _predict(made: Program, numbers: str) -> Iterator[str]:
    plain = made.plain
    yield "/** The outputs for one example. */"
    yield "export function predict(x) {"
    yield "  if (x.length !== INPUTS)"
    yield "    throw new RangeError(`predict takes ${INPUTS} numbers. Got ${x.length} instead.`);"
    source = f"{numbers}.from({'x' if made.preparation is None else 'prepare(x)'})"
    for layer, function in enumerate((*plain.activations, plain.hypothesis)):
        mapped = f".map({_camel(function)})" if function in _SCALAR else ""
        yield f"  const a{layer} = layer(W{layer}, b{layer}, {source}){mapped};"
        source = f"a{layer}"
    groups = {
        "softmax": plain.groups if plain.hypothesis == "softmax" else (),
        "shares": made.answers.shares,
        "sort": made.answers.quantiles,
    }
    for function, sizes in groups.items():
        for start, n in zip(np.cumsum((0, *sizes)).tolist(), sizes, strict=False):
            yield f"  {function}({source}, {start}, {n});"
    target = made.answers.target
    if target is not None:
        k = "k" if len(target[0]) > 1 else "0"
        source = f"{source}.map((h, k) => h * TARGET[{k}][0] + TARGET[{k}][1])"
    yield f"  return {source};"
    yield "}\n"
    yield "export default predict;\n"


def _preparation(preparation: Preparation) -> Iterator[str]:
    features = [
        [f.source, f.kind, f.place, f.fill, f.offset, f.scale] for f in preparation.features
    ]
    yield _rows("FEATURES", features)
    places = [
        f"  {i}: new Map({_json([[key, p] for key, p in known.items()])})"
        for i, known in preparation.places.items()
    ]
    yield "const PLACES = {\n" + ",\n".join(places) + "\n};\n"
    yield f"const OTHERS = {_json({str(i): p for i, p in preparation.others.items()})};\n"
    yield _PREPARE


def _rows(name: str, rows: Sequence[Any]) -> str:
    listed = ",\n".join(f"  {_json(row)}" for row in rows)
    return f"const {name} = [\n{listed}\n];\n"


def _json(value: Any) -> str:
    """Return JSON, NaN as null."""
    if isinstance(value, list | tuple):
        value = [None if isinstance(v, float) and np.isnan(v) else v for v in value]
    return json.dumps(value, allow_nan=False)


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def _number(value: Any, dtype: np.dtype[Any]) -> str:
    if np.isinf(value):
        return "-Infinity" if value < 0 else "Infinity"
    return number(value, dtype)
