"""Recompute every polynomial of core/math/coefficients.hpp.

    python fit_polynomials.py            print the header
    python fit_polynomials.py --write    write it to core/math/coefficients.hpp
    python fit_polynomials.py --check    exit code 1 unless the file holds exactly what is computed here

Each polynomial P minimizes max |weight(x) * (P(x) - f(x))| over an interval (Remez's exchange
algorithm on a fine grid, in 40-digit arithmetic). `weight` turns an error of P into the relative
error of the function that P serves. The coefficients are then rounded to the working precision; where
that would cost accuracy, P is made the small part of a sum whose large part is exact.
"""

import argparse
import sys
from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.dps = 40
HEADER = Path(__file__).resolve().parent.parent / "core" / "math" / "coefficients.hpp"
GRID_POINTS = 501
REMEZ_ROUNDS = 40


def evaluate(coefficients, x):
    total = mp.mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def remez(xs, values, weights, degree):
    """The coefficients of the minimax polynomial on the points xs, which crowd at the ends as Chebyshev's do."""
    size = degree + 2
    reference = [(len(xs) - 1) * i // (size - 1) for i in range(size)]
    for _ in range(REMEZ_ROUNDS):
        # P(x_i) + (-1)^i E / weight_i = f(x_i) on the reference: degree + 2 linear equations.
        matrix, right = mp.matrix(size, size), mp.matrix(size, 1)
        for row, i in enumerate(reference):
            for power in range(degree + 1):
                matrix[row, power] = xs[i] ** power
            matrix[row, degree + 1] = (-1) ** row / weights[i]
            right[row] = values[i]
        solution = mp.lu_solve(matrix, right)
        coefficients = list(solution[: degree + 1])
        errors = [w * (evaluate(coefficients, x) - f) for x, f, w in zip(xs, values, weights)]
        level = abs(solution[degree + 1])
        if max(map(abs, errors)) <= level * mp.mpf("1.001"):
            break
        reference = exchange(errors, size)
    return coefficients


def exchange(errors, size):
    """The largest error of each run of equal signs; the smaller end is dropped where there are too many."""
    extremes = []
    for i, error in enumerate(errors):
        if extremes and (error > 0) == (errors[extremes[-1]] > 0):
            if abs(error) > abs(errors[extremes[-1]]):
                extremes[-1] = i
        else:
            extremes.append(i)
    while len(extremes) > size:
        extremes.pop(0 if abs(errors[extremes[0]]) < abs(errors[extremes[-1]]) else -1)
    if len(extremes) < size:
        raise ArithmeticError(
            "the error alternates too seldom: lower the degree or widen the interval"
        )
    return extremes


def rounded(value, dtype):
    return mp.mpf(float(dtype(mp.nstr(value, 30))))


def fit(f, weight, interval, degree, dtype):
    """Coefficients that numbers of type dtype hold, and the maximum of the weighted error left."""
    low, high = map(mp.mpf, interval)
    nodes = (mp.cos(mp.pi * (i + mp.mpf("0.5")) / GRID_POINTS) for i in range(GRID_POINTS))
    xs = [
        x
        for x in sorted((low + high) / 2 + (high - low) / 2 * node for node in nodes)
        if abs(x) > 1e-9
    ]
    exact = [f(x) for x in xs]
    base = [weight(x) for x in xs]
    fixed = [rounded(c, dtype) for c in remez(xs, exact, base, degree)]
    worst = max(abs(w * (evaluate(fixed, x) - e)) for w, x, e in zip(base, xs, exact))
    return fixed, worst


def literal(value, dtype):
    text = repr(float(value)) if dtype is np.float64 else str(np.float32(float(value)))
    if "." not in text and "e" not in text:
        text += ".0"
    return text + ("f" if dtype is np.float32 else "")


# exp: e^r = 1 + r + r^2 Q(r) for |r| <= log(2)/2 (a little more, as the choice of the multiple of
# log 2 is itself rounded). The weight is for the relative error of e^r - 1, so one Q serves both.
def exp_f(r):
    return (mp.expm1(r) - r) / r**2


def exp_weight(r):
    return abs(r**2 / mp.expm1(r))


EXP_INTERVAL = (-0.34667, 0.34667)


# log: log(1 + f) = 2 artanh(s) with s = f / (2 + f), and 2 artanh(s) = 2 s + s v Q(v) with v = s^2.
# For 1 + f from sqrt(1/2) to sqrt(2), s goes to +-(sqrt(2) - 1)/(sqrt(2) + 1) = +-0.17157.
def log_f(v):
    s = mp.sqrt(v)
    return 2 * (mp.atanh(s) / s - 1) / v


def log_weight(v):
    return v / 2


LOG_INTERVAL = (0, 0.02945)


# erf near 0: erf(x) = x + x Q(x^2) for |x| <= 1/2.
def erf_f(u):
    x = mp.sqrt(u)
    return mp.erf(x) / x - 1


def erf_weight(u):
    return 1 / (1 + erf_f(u))


ERF_INTERVAL = (0, 0.25)


# The lower tail of the normal distribution, a >= 0: Phi(-a) = e^(-a^2/2) Q(y) / (a + k), with
# y = (a - k)/(a + k), which takes [0, oo) to [-1, 1). Q is smooth and of size 1: (a + k) e^(a^2/2) Phi(-a).
# The interval ends where Phi(-a) has underflowed.
TAIL_K = {np.float32: 5.0, np.float64: 5.5}
TAIL_END = {np.float32: 14.5, np.float64: 39.0}


def tail_f(y, k):
    a = k * (1 + y) / (1 - y)
    with mp.workdps(60):
        return (a + k) * mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2


def tail_fit(degree, dtype):
    k, end = TAIL_K[dtype], TAIL_END[dtype]
    return fit(
        lambda y: tail_f(y, k),
        lambda y: 1 / tail_f(y, k),
        (-1, (end - k) / (end + k)),
        degree,
        dtype,
    )


def fits():
    for dtype, degree in ((np.float32, 4), (np.float64, 9)):
        yield "kExp", dtype, fit(exp_f, exp_weight, EXP_INTERVAL, degree, dtype)
    for dtype, degree in ((np.float32, 2), (np.float64, 6)):
        yield "kLog", dtype, fit(log_f, log_weight, LOG_INTERVAL, degree, dtype)
    for dtype, degree in ((np.float32, 4), (np.float64, 8)):
        yield "kErf", dtype, fit(erf_f, erf_weight, ERF_INTERVAL, degree, dtype)
    for dtype, degree in ((np.float32, 9), (np.float64, 21)):
        yield "kNormalTail", dtype, tail_fit(degree, dtype)


def header():
    out = [
        "// Polynomials of math*.hpp, lowest power first. Written by tools/fit_polynomials.py, which",
        "// says what each one approximates; change them there. The remark gives the largest error left,",
        "// in units of the working precision (2^-24, 2^-53), before any rounding of the evaluation.",
        "#pragma once",
        "",
        '#include "simd.hpp"',
        "",
        "namespace chainrule::CHAINRULE_ISA {",
        "",
        "template <class T> struct Coefficients;",
    ]
    blocks = {np.float32: [], np.float64: []}
    for name, dtype, (coefficients, worst) in fits():
        ctype = "float" if dtype is np.float32 else "double"
        unit = mp.mpf(2) ** (-24 if dtype is np.float32 else -53)
        block = blocks[dtype]
        block.append(f"  // {mp.nstr(worst / unit, 2)}")
        block.append(f"  static constexpr {ctype} {name}[] = {{")
        line = "     "
        for c in coefficients:
            text = " " + literal(c, dtype) + ","
            if len(line + text) > 98:
                block.append(line)
                line = "     "
            line += text
        block.append(line.rstrip(",") + "};")
        print(f"{name} {ctype}: {mp.nstr(worst / unit, 3)} units", file=sys.stderr)
    for dtype, ctype in ((np.float32, "float"), (np.float64, "double")):
        out += ["", f"template <> struct Coefficients<{ctype}> {{"] + blocks[dtype]
        out += [f"  static constexpr {ctype} kNormalTailMiddle = {literal(TAIL_K[dtype], dtype)};"]
        out += [
            f"  static constexpr {ctype} kNormalTailEnd = {literal(TAIL_END[dtype], dtype)};",
            "};",
        ]
    out += ["", "}  // namespace chainrule::CHAINRULE_ISA", ""]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = header()
    if options.check:
        return 0 if HEADER.read_text() == text else 1
    if options.write:
        HEADER.write_text(text)
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
