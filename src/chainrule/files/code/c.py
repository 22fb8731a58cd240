"""`cr.to_c`: a network as one file of C99 that needs only math.h."""

import os
import re
from collections.abc import Iterator
from string import Template
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from chainrule.errors import InvalidParameter
from chainrule.files.code.common import Program, in_lines, number, program, quoted
from chainrule.files.code.preparation import Preparation
from chainrule.files.destination import destination
from chainrule.maths.activations import LEAK, SELU_ALPHA, SELU_SCALE
from chainrule.network import Network
from chainrule.storage import keep_text
from chainrule.training import Learner

__all__ = ["to_c"]

# Functions of z: ${f} ends the name of a function of math.h. NaN stays NaN, as in NumPy.
_SCALAR = {
    "logistic": "$one / ($one + exp${f}(-z))",
    "tanh": "tanh${f}(z)",
    "relu": "z < $zero ? $zero : z",
    "step": "z >= $zero ? $one : $zero",
    "leaky_relu": "z > $zero ? z : $leak * z",
    "elu": "z > $zero ? z : expm1${f}(z)",
    "selu": "$scale * (z > $zero ? z : $alpha * expm1${f}(z))",
    "softplus": "(z > $zero ? z : $zero) + log1p${f}(exp${f}(-fabs${f}(z)))",
    "silu": "z / ($one + exp${f}(-z))",
    "gelu": "$half * z * erfc${f}(-$root * z)",
    "mish": "z * tanh${f}((z > $zero ? z : $zero) + log1p${f}(exp${f}(-fabs${f}(z))))",
    "exp": "exp${f}(z)",
}

_FUNCTION = """\
static $real ${name}_$function($real z)
{
    return $formula;
}
"""

_LAYER = """\
/* z = b + a W; the weights of one input lie side by side. */
static void ${name}_layer(const $real *W, const $real *b, int n_in, int n_out, const $real *a,
                          $real *z)
{
    int i, j;
    for (j = 0; j < n_out; ++j) z[j] = b[j];
    for (i = 0; i < n_in; ++i)
        for (j = 0; j < n_out; ++j) z[j] += a[i] * W[i * n_out + j];
}
"""

_SOFTMAX = """\
static void ${name}_softmax($real *z, int n)
{
    int j;
    $real most = z[0], sum = $zero;
    for (j = 1; j < n; ++j)
        if (z[j] > most) most = z[j];
    for (j = 0; j < n; ++j) {
        z[j] = exp${f}(z[j] - most);
        sum += z[j];
    }
    for (j = 0; j < n; ++j) z[j] /= sum;
}
"""

_SHARES = """\
/* One-vs-all hypotheses, divided by their sum; equal shares where it is 0. */
static void ${name}_shares($real *h, int n)
{
    int j;
    $real sum = $zero;
    for (j = 0; j < n; ++j) sum += h[j];
    for (j = 0; j < n; ++j) h[j] = sum == $zero ? $one / ($real)n : h[j] / sum;
}
"""

_SORT = """\
/* Quantiles in order: those of a network may cross. */
static void ${name}_sort($real *h, int n)
{
    int i, j;
    for (i = 1; i < n; ++i) {
        const $real value = h[i];
        for (j = i; j > 0 && h[j - 1] > value; --j) h[j] = h[j - 1];
        h[j] = value;
    }
}
"""

_PREPARE = """\
/* The network's inputs, from the values of one example: numbers, NaN if missing, and the numbers of
   categories. */
static void ${name}_prepare(const $real *x, $real *a)
{
    int j;
    for (j = 0; j < $features; ++j) {
        double v = x[${name}_source[j]];
        if (${name}_kind[j] == 1) v = isnan(v) ? 1 : 0;
        else if (${name}_kind[j] == 2) v = v == ${name}_place[j];
        else if (isnan(v)) v = ${name}_fill[j];
        a[j] = ($real)((v - ${name}_offset[j]) / ${name}_scale[j]);
    }
}
"""

_KINDS = ("number", "missing", "category")

_HEAD = """\
#include <math.h>

#define ${macro}_INPUTS $inputs
#define ${macro}_OUTPUTS $outputs

/* The outputs h for one example x; the arrays must not overlap. */
void ${name}_predict(const $real *x, $real *h);

/* The number of the $rows test vectors below that fail: 0 if all pass. */
int ${name}_test(void);
"""

_TEST = """\
int ${name}_test(void)
{
    $real h[${macro}_OUTPUTS];
    int row, k, failed = 0;
    for (row = 0; row < $rows; ++row) {
        int wrong = 0;
        ${name}_predict(${name}_test_x + row * ${macro}_INPUTS, h);
        for (k = 0; k < ${macro}_OUTPUTS; ++k) {
            const $real expected = ${name}_test_h[row * ${macro}_OUTPUTS + k];
            const $real size = fabs${f}(expected) > $one ? fabs${f}(expected) : $one;
            if (!(h[k] == expected || fabs${f}(h[k] - expected) <= $tolerance * size)) wrong = 1;
        }
        failed += wrong;
    }
    return failed;
}

/* On its own, this file is a program that runs the test; in your program your main replaces its. */
#if defined(${macro}_MAIN)
#define ${macro}_WEAK
#elif defined(__GNUC__) && !defined(_WIN32)
#define ${macro}_WEAK __attribute__((weak))
#endif
#ifdef ${macro}_WEAK
${macro}_WEAK int main(void)
{
    return ${name}_test() ? 1 : 0;
}
#endif
"""


def to_c(
    model: Network | Learner | BaseEstimator,
    X: Any = None,
    *,
    name: str = "net",
    dtype: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> str:
    """Return a network as one file of C99 that needs only math.h, or write that file.

    ``void net_predict(const float *x, float *h)`` computes the outputs for one example, and
    ``int net_test(void)`` returns the number of test vectors in the file that fail: 0 if all pass.
    Compiled on its own, the file is a program that runs this test and returns 0 if it passes; or
    it can be a part of your program (other compilers than GCC and Clang need ``-DNET_MAIN`` for the
    former). The numbers are read back to the same bits. Nothing is allocated: two rows of the
    widest hidden layer are on the stack.

    Parameters
    ----------
    model : Network, Learner, MLPClassifier, MLPRegressor or Pipeline
        The model to write. A network gives its hypotheses, an estimator or Pipeline the results of
        `predict_proba` or `predict` (of two classes the second's probability); a comment says
        which. A Pipeline may impute and scale numbers and encode categories (one-hot) before its
        network, and scale its target: then x are the table's columns, missing numbers NaN, and each
        category a number that a comment lists.
    X : array-like of shape (n, N) or table, optional
        Inputs for the test vectors, such as a few of your rows; by default 8 random rows.
    name : str, default="net"
        The prefix of the names in the file.
    dtype : {"float32", "float64"}, optional
        ``float`` or ``double``; by default that of the network.
    path : str or path-like, optional
        A file to write as well, atomically. It may be given in place of `X`:
        ``cr.to_c(model, "net.c")``.

    Returns
    -------
    str
        The program.

    Raises
    ------
    InvalidInput
        If the model is something else, or holds something that cannot be exported, such as your own
        activation, or if X does not fit.
    InvalidParameter
        If the name is not an identifier.
    UnwritablePath
        If the file cannot be written; an existing one is then unchanged.

    See Also
    --------
    to_js : The same in JavaScript.
    to_onnx : For a runtime, with labels and everything that skl2onnx supports.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], activation="tanh", loss="squared_error", seed=1)
    >>> program = cr.to_c(net)
    >>> [line for line in program.splitlines() if line.endswith(");")][:2]
    ['void net_predict(const float *x, float *h);', 'int net_test(void);']
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise InvalidParameter(
            f"name must be made of letters, digits and _, such as 'net'. Got {name!r} instead."
        )
    X, to = destination(model, X, path)
    return keep_text("\n".join(_parts(program(model, X, dtype), name)), to)


def _parts(made: Program, name: str) -> Iterator[str]:
    plain = made.plain
    single = plain.dtype == np.float32
    numbers = {"zero": 0.0, "one": 1.0, "half": 0.5, "root": 0.5**0.5, "leak": LEAK}
    numbers |= {"scale": SELU_SCALE, "alpha": SELU_ALPHA, "tolerance": made.tolerance}
    words = {key: _number(value, plain.dtype) for key, value in numbers.items()}
    words |= {"f": "f" if single else "", "real": "float" if single else "double"}
    words |= {"name": name, "macro": name.upper(), "rows": str(len(made.X))}
    words |= {"inputs": str(made.n_inputs), "outputs": str(plain.sizes[-1])}

    def fill(template: str, **more: str) -> str:
        return Template(template).substitute(words | more)

    def array(what: str, values: Any, kind: str = "$real") -> str:
        dtype = plain.dtype if kind == "$real" else np.dtype(np.float64)
        listed = in_lines(
            [str(v) if kind == "int" else _number(v, dtype) for v in np.ravel(values)]
        )
        head = f"static const {kind} ${{name}}_{what}[{np.size(values)}]"
        return fill(f"{head} = {{\n{listed}\n}};\n")

    about = [*made.about, *_about_places(made.preparation)]
    yield "\n".join(["/*", *(f"   {line}" for line in about), "*/"])
    yield fill(_HEAD)
    for layer, (W, b) in enumerate(zip(plain.weights, plain.biases, strict=True)):
        yield array(f"W{layer}", W)
        yield array(f"b{layer}", b)
    if made.preparation is not None:
        features = made.preparation.features
        words["features"] = str(len(features))
        yield array("source", [f.source for f in features], "int")
        yield array("kind", [_KINDS.index(f.kind) for f in features], "int")
        yield array("place", [f.place for f in features], "int")
        for what in ("fill", "offset", "scale"):
            yield array(what, [getattr(f, what) for f in features], "double")
        yield fill(_PREPARE)
    if made.answers.target is not None:
        pairs = zip(("target_scale", "target_offset"), made.answers.target, strict=True)
        for what, values in pairs:
            yield array(what, values, "double")
    yield array("test_x", made.X)
    yield array("test_h", made.H)
    for function in dict.fromkeys((*plain.activations, plain.hypothesis)):
        if function in _SCALAR:
            yield fill(_FUNCTION, function=function, formula=fill(_SCALAR[function]))
    if plain.hypothesis == "softmax":
        yield fill(_SOFTMAX)
    if made.answers.shares:
        yield fill(_SHARES)
    if made.answers.quantiles:
        yield fill(_SORT)
    yield fill(_LAYER)
    yield fill("\n".join(_predict(made)))
    yield fill(_TEST)


def _predict(made: Program) -> Iterator[str]:
    """Write the function that goes from layer to layer, in two alternating rows."""
    plain = made.plain
    sizes, last = plain.sizes, len(plain.weights) - 1
    functions = (*plain.activations, plain.hypothesis)
    yield "void ${name}_predict(const $real *x, $real *h)"
    yield "{"
    if last:
        yield f"    $real a[{min(last, 2)}][{max(sizes[1:-1])}];"
    if made.preparation is not None:
        yield f"    $real p[{sizes[0]}];"
    target = made.answers.target
    if any(function in _SCALAR for function in functions) or target is not None:
        yield "    int j;"
    source = "x"
    if made.preparation is not None:
        yield "    ${name}_prepare(x, p);"
        source = "p"
    for layer, function in enumerate(functions):
        z = "h" if layer == last else f"a[{layer % 2}]"
        shape = f"{sizes[layer]}, {sizes[layer + 1]}"
        theta = f"${{name}}_W{layer}, ${{name}}_b{layer}"
        yield f"    ${{name}}_layer({theta}, {shape}, {source}, {z});"
        if function in _SCALAR:
            yield f"    for (j = 0; j < {sizes[layer + 1]}; ++j) " + (
                f"{z}[j] = ${{name}}_{function}({z}[j]);"
            )
        source = z
    groups = {
        "softmax": plain.groups if plain.hypothesis == "softmax" else (),
        "shares": made.answers.shares,
        "sort": made.answers.quantiles,
    }
    for function, sizes_of in groups.items():
        for start, n in zip(np.cumsum((0, *sizes_of)).tolist(), sizes_of, strict=False):
            yield f"    ${{name}}_{function}({f'h + {start}' if start else 'h'}, {n});"
    if target is not None:
        yield f"    for (j = 0; j < {sizes[-1]}; ++j)"
        j = "j" if len(target[0]) > 1 else "0"
        back = f"h[j] * ${{name}}_target_scale[{j}] + ${{name}}_target_offset[{j}]"
        yield f"        h[j] = ($real)({back});"
    yield "}\n"


def _about_places(preparation: Preparation | None) -> Iterator[str]:
    """Yield the numbers of the categories, for the comment."""
    if preparation is None:
        return
    names = preparation.names or [str(i) for i in range(preparation.n_columns)]
    for i, places in preparation.places.items():
        yield f"The numbers of the categories of input {quoted(names[i])} ({i}):"
        for key, place in places.items():
            yield f"  {place} {'a missing one' if key is None else quoted(key)}"
        yield f"  {preparation.others[i]} any other"


def _number(value: Any, dtype: np.dtype[Any]) -> str:
    if np.isnan(value):
        return "NAN"
    if np.isinf(value):
        return "-INFINITY" if value < 0 else "INFINITY"
    return number(dtype.type(value), dtype) + ("f" if dtype == np.float32 else "")
