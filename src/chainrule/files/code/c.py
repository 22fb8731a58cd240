"""`cr.to_c`: a network as one file of C99 that needs nothing but math.h."""

import re
from collections.abc import Iterator
from string import Template
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from chainrule.errors import InvalidParameter
from chainrule.files.code.common import Program, in_lines, number, program
from chainrule.maths.activations import LEAK, SELU_ALPHA, SELU_SCALE
from chainrule.network import Network
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

_HEAD = """\
#include <math.h>

#define ${macro}_INPUTS $inputs
#define ${macro}_OUTPUTS $outputs

/* The hypotheses h of one example x; the arrays must not overlap. */
void ${name}_predict(const $real *x, $real *h);

/* How many of the $rows test vectors below come out otherwise: 0 if all is well. */
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

/* Alone, this file is a program that runs the test; linked to yours, its main is not taken. */
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
) -> str:
    """Return a network as one file of C99 that needs nothing but math.h.

    ``void net_predict(const float *x, float *h)`` computes the hypotheses of one example, and
    ``int net_test(void)`` returns how many of the test vectors in the file come out otherwise than
    here: 0, if all is well. Alone, the file is a program that ends with 0 if so; in a program of
    yours it is a part (other compilers than GCC and Clang need ``-DNET_MAIN`` for the first). The
    numbers read back to the last bit. Nothing is allocated: two rows of the widest hidden layer lie
    on the stack.

    Parameters
    ----------
    model : Network, Learner, MLPClassifier or MLPRegressor
        What to write. Of an estimator it is the network, whose outputs a comment names.
    X : array-like of shape (n, N), optional
        Inputs for the test vectors, such as a few rows of yours; by default 8 rows of standard
        normal numbers.
    name : str, default="net"
        How the names in the file begin.
    dtype : {"float32", "float64"}, optional
        ``float`` or ``double``; by default that of the network.

    Returns
    -------
    str
        The program.

    Raises
    ------
    InvalidInput
        If it is something else (of a Pipeline, give the last step), a part is your own, or X does
        not fit.
    InvalidParameter
        If the name is no identifier.

    See Also
    --------
    to_js : The same in JavaScript.
    to_onnx : Also whole Pipelines, for a runtime.

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
    return "\n".join(_parts(program(model, X, dtype), name))


def _parts(made: Program, name: str) -> Iterator[str]:
    plain = made.plain
    single = plain.dtype == np.float32
    numbers = {"zero": 0.0, "one": 1.0, "half": 0.5, "root": 0.5**0.5, "leak": LEAK}
    numbers |= {"scale": SELU_SCALE, "alpha": SELU_ALPHA, "tolerance": made.tolerance}
    words = {key: _number(value, plain.dtype) for key, value in numbers.items()}
    words |= {"f": "f" if single else "", "real": "float" if single else "double"}
    words |= {"name": name, "macro": name.upper(), "rows": str(len(made.X))}
    words |= {"inputs": str(plain.sizes[0]), "outputs": str(plain.sizes[-1])}

    def fill(template: str, **more: str) -> str:
        return Template(template).substitute(words | more)

    def array(what: str, values: Any) -> str:
        listed = in_lines([_number(value, plain.dtype) for value in np.ravel(values)])
        return fill(f"static const $real ${{name}}_{what}[{np.size(values)}] = {{\n{listed}\n}};\n")

    yield "\n".join(["/*", *(f"   {line}" for line in made.about), "*/"])
    yield fill(_HEAD)
    for layer, (W, b) in enumerate(zip(plain.weights, plain.biases, strict=True)):
        yield array(f"W{layer}", W)
        yield array(f"b{layer}", b)
    yield array("test_x", made.X)
    yield array("test_h", made.H)
    for function in dict.fromkeys((*plain.activations, plain.hypothesis)):
        if function in _SCALAR:
            yield fill(_FUNCTION, function=function, formula=fill(_SCALAR[function]))
    if plain.hypothesis == "softmax":
        yield fill(_SOFTMAX)
    yield fill(_LAYER)
    yield fill("\n".join(_predict(made)))
    yield fill(_TEST)


def _predict(made: Program) -> Iterator[str]:
    """Make the function that goes from layer to layer, in two rows that take turns."""
    plain = made.plain
    sizes, last = plain.sizes, len(plain.weights) - 1
    functions = (*plain.activations, plain.hypothesis)
    yield "void ${name}_predict(const $real *x, $real *h)"
    yield "{"
    if last:
        yield f"    $real a[{min(last, 2)}][{max(sizes[1:-1])}];"
    if any(function in _SCALAR for function in functions):
        yield "    int j;"
    source = "x"
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
    if plain.hypothesis == "softmax":
        starts = np.cumsum((0, *plain.groups[:-1])).tolist()
        for start, n in zip(starts, plain.groups, strict=True):
            yield f"    ${{name}}_softmax(h + {start}, {n});"
    yield "}\n"


def _number(value: Any, dtype: np.dtype[Any]) -> str:
    if np.isinf(value):
        return "-INFINITY" if value < 0 else "INFINITY"
    return number(dtype.type(value), dtype) + ("f" if dtype == np.float32 else "")
