"""Readers of what is printed: text and LaTeX to lines, lines to numbers.

They know the faces from outside only and share no code with the package: a line is read as a
person with a calculator would read it.
"""

import math
import re
import unicodedata
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.special import ndtr

SMALL = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789+-aehijklmnoprstuvx")
RAISED = str.maketrans("⁽⁾⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ˡᴸᵐᴹ", "()0123456789+-lLmM")
FUNCTIONS = {
    "tanh": np.tanh,
    "log": np.log,
    "cos": np.cos,
    "max": np.maximum,
    "Φ": ndtr,
    "φ": lambda x: np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
    "sign": np.sign,
    "clip": np.clip,
}


SIGNS_OF_SYMBOLS = "ΣδΔαβελμω∂∇⋯⎧⁽ᵀ_{" + "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₘᵣ"


class Symbolic(Exception):
    """A formula of symbols, which has no value."""


@dataclass
class Line:
    """One equation: what is on its left, and what it is said to be equal to."""

    left: str
    steps: list = field(default_factory=list)  # (relation, formula as text)
    note: str = ""
    matrices: dict = field(default_factory=dict)

    def values(self, functions=None):
        """The value of each step that is made of numbers, but for what is only about equal."""
        return self._values(("=", ":="), functions)

    def estimates(self):
        """The value of what is only about equal."""
        return self._values(("≈",), None)

    def _values(self, signs, functions):
        found = []
        for sign, step in self.steps:
            try:
                if sign in signs:
                    found.append(Reader(step, self.matrices, functions or {}).read())
            except Symbolic:
                continue
        return found


TOKEN = re.compile(
    r"\s*(?:(?P<one>1\{)|(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)|(?P<more>\[\d+ more: )"
    r"|(?P<name>[^\W\d_]\w*'?)|(?P<sign>[-+·/^()⊙|√,\]}>≥]))"
)


class Reader:
    """A calculator: reads a formula of numbers and computes it."""

    def __init__(self, text, matrices, functions):
        self.tokens = []
        self.matrices = matrices
        self.functions = {**FUNCTIONS, **functions}
        at = 0
        text = text.strip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                if any(c in SIGNS_OF_SYMBOLS or unicodedata.combining(c) for c in text):
                    raise Symbolic(text)
                raise AssertionError(f"cannot read {text[at:]!r} of {text!r}")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        for kind, token in self.tokens:
            known = token in self.functions or token in matrices or token in ("e", "π")
            if kind == "name" and not known:
                raise Symbolic(text)
        self.at = 0

    def peek(self):
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, expected=None):
        token = self.peek()
        assert expected is None or token == expected, (token, expected, self.tokens)
        self.at += 1
        return token

    def read(self):
        with np.errstate(all="ignore"):
            value = self.sum()
        assert self.at == len(self.tokens), self.tokens[self.at :]
        return value

    def sum(self):
        value = self.product()
        while self.peek() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self):
        if self.peek() == "-":
            self.take()
            return -self.product()
        value = self.power()
        while True:
            token = self.peek()
            if token in ("·", "⊙"):
                self.take()
                value = value * self.power()
            elif token == "/":
                self.take()
                value = value / self.power()
            elif token in self.matrices:
                value = value @ self.power()
            else:
                return value

    def power(self):
        base = self.atom()
        if self.peek() == "^":
            self.take()
            base = base ** self.atom()
        return base

    def atom(self):
        kind, token = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return float(token)
        if token in self.matrices:
            return self.matrices[token]
        if token == "e":
            self.take("^")
            return np.exp(self.atom())
        if token == "π":
            return math.pi
        if token == "(":
            return self.until(")")
        if token == "|":
            return abs(self.until("|"))
        if token == "√":
            self.take("(")
            return np.sqrt(self.until(")"))
        if kind == "more":
            return self.until("]")
        if kind == "one":
            left, sign = self.sum(), self.take()
            right = self.until("}")
            return float(left > right if sign == ">" else left >= right)
        if kind == "name":
            self.take("(")
            arguments = [self.sum()]
            while self.peek() == ",":
                self.take()
                arguments.append(self.sum())
            self.take(")")
            return self.functions[token](*arguments)
        raise AssertionError((token, self.tokens))

    def until(self, end):
        value = self.sum()
        self.take(end)
        return value


# --- plain text ----------------------------------------------------------------------------------

TAG = re.compile(r"\s{2,}\(((?:FP|BP|notes|blog)[^()]*)\)$")
NOTE = re.compile(r"\s*\(((?:finite difference|no finite difference).*)\)$")
SHAPE = re.compile(r"^[\s\d×]+$")


def read_text(text):
    """Return the lines of a derivation's numbered sections."""
    lines = []
    for block in re.split(r"\n\s*\n", text):
        rows = block.strip("\n").splitlines()
        table = any(set(row.strip()) == {"-", " "} for row in rows)
        if not table and all(row.startswith("  ") for row in rows):
            read_group([row for row in rows if not SHAPE.match(row)], lines)
    return lines


def read_group(rows, lines):
    if any(c in row for row in rows for c in "⎡⎛"):
        rows, matrices = flattened(rows)
    else:
        rows, matrices = list(rows), {}
    for printed in rows:
        whole = with_row_vectors(TAG.sub("", printed), matrices)
        note = NOTE.search(whole)
        row = NOTE.sub("", whole)
        parts = re.split(r" (:=|≈|=) ", f"{row} ")
        head, steps = parts[0], list(zip(parts[1::2], parts[2::2], strict=True))
        if steps:
            if head.strip():
                lines.append(Line(head.strip()))
            lines[-1].steps += steps
        elif row.strip() and lines:
            sign, step = lines[-1].steps[-1]
            lines[-1].steps[-1] = (sign, f"{step} {row.strip()}")
        if lines:
            lines[-1].matrices.update(matrices)
            if note:
                lines[-1].note = note[1]


COUNT = iter(range(10**9))


def name_matrix(rows, matrices):
    name = f"Matrix{next(COUNT)}"
    matrices[name] = np.array(
        [[math.nan if e in "⋯⋮⋱" or e == "kink" else float(e) for e in row] for row in rows]
    )
    return name


def with_row_vectors(row, matrices):
    """Replace [ 1 2 ] by the names of matrices."""

    def named(found):
        return f" {name_matrix([found[1].split()], matrices)} "

    return re.sub(r"\[ ([^\]:]*) \]", named, row)


def flattened(rows):
    """Return a row of tall boxes on one line, with the names of matrices in their places."""
    width = max(map(len, rows))
    cells = [list(row.ljust(width)) for row in rows]
    matrices = {}
    for top in range(len(cells)):
        for left in range(width):
            corner = cells[top][left]
            if corner not in ("⎡", "⎛"):
                continue
            bottom = top
            while cells[bottom][left] not in ("⎣", "⎝"):
                bottom += 1
            base = (top + bottom) // 2
            if corner == "⎛":
                place(cells, top, bottom, left, base, "(")
                continue
            right = next(c for c in range(left, width) if cells[top][c] == "⎤")
            inside = ["".join(cells[r][left + 1 : right]).split() for r in range(top, bottom + 1)]
            name = name_matrix(inside, matrices)
            for r in range(top, bottom + 1):
                cells[r][left : right + 1] = " " * (right + 1 - left)
            room = f" {name} ".ljust(right + 1 - left)
            cells[base][left : right + 1] = [room, *[""] * (right - left)]
    for top in range(len(cells)):
        for left in range(width):
            if cells[top][left] == "⎞":
                bottom = top
                while cells[bottom][left] != "⎠":
                    bottom += 1
                place(cells, top, bottom, left, (top + bottom) // 2, ")")
    lines = [re.sub(r"\d+×\d+", "", "".join(row)) for row in cells]
    full = [line for line in lines if line.strip()]
    assert len(full) == 1, full
    return full, matrices


def place(cells, top, bottom, column, base, sign):
    for r in range(top, bottom + 1):
        cells[r][column] = sign if r == base else " "


def symbol(text):
    """Return what stands on the left, in the text's notation or in LaTeX's.

    Letter, lower and upper indices: ("z", (1,), (2,)), ("∂", "w", (1, 2), (3,)), ("∇", "W", (2,)).
    """
    text = text.replace(" ", "")
    partial = re.fullmatch(r"∂J/∂(.*)|\(\(∂J\)/\(∂(.*)\)\)", text)
    if partial:
        return ("∂", *symbol(partial[1] or partial[2]))
    gradient = re.fullmatch(r"∇_([Wb])⁽(.)⁾J|∇_\(([Wb])\^\(\((.)\)\)\)J", text)
    if gradient:
        letter, layer = gradient[1] or gradient[3], gradient[2] or gradient[4]
        return "∇", letter, (int(layer.translate(RAISED)),)
    found = re.fullmatch(r"([^\W\d_₀-₉]+\u0302?)([₀-₉,]*)((?:⁽[^⁾]*⁾)*)", text)
    if found:
        lower, upper = found[2].translate(SMALL), found[3].translate(RAISED)
    else:
        found = re.fullmatch(r"([^\W\d_]+\u0302?)(?:_\(([\d,]*)\))?(?:\^\(((?:\(\d+\))+)\))?", text)
        if found is None:
            return (text.replace("(w)", "w").replace("(2)", "2"),)
        lower, upper = found[2] or "", found[3] or ""
    two = found[1][0] in "wmvgspf" and "," not in lower  # a weight's, each of one figure
    below = list(lower) if two else [each for each in lower.split(",") if each]
    above = re.findall(r"\((.*?)\)", upper)
    return found[1], tuple(map(int, below)), tuple(int(u) if u.isdigit() else u for u in above)


# --- LaTeX ---------------------------------------------------------------------------------------


def read_latex(code):
    """Return the lines of a LaTeX derivation in the same notation as those of the text."""
    lines = []
    for body in re.findall(r"\\begin\{align\}\n(.*?)\n\\end\{align\}", code, flags=re.DOTALL):
        for printed in body.split(" \\\\\n"):
            row, note = without_note(re.sub(r"\\tag\{[^{}]*\}|\\notag", "", printed))
            left, _, right = row.partition("&")
            right = right.replace("\\quad", "")
            matrices = {}
            right = plain(right, matrices)
            parts = re.split(r" (:=|≈|=) ", right)
            if left.strip():
                lines.append(Line(plain(left, {}).strip()))
            start, steps = parts[0].strip(), list(zip(parts[1::2], parts[2::2], strict=True))
            if start:
                sign, step = lines[-1].steps[-1]
                lines[-1].steps[-1] = (sign, f"{step} {start}")
            lines[-1].steps += steps
            lines[-1].matrices.update(matrices)
            lines[-1].note = note or lines[-1].note
    return lines


def without_note(row):
    found = re.search(r"\\quad \\text\{(.*)\}", row)
    return (row.replace(found[0], ""), found[1]) if found else (row, "")


GREEK = {
    "alpha": "α", "beta": "β", "delta": "δ", "varepsilon": "ε", "lambda": "λ", "mu": "μ",
    "omega": "ω", "Delta": "Δ", "Phi": "Φ", "varphi": "φ", "ell": "ℓ", "partial": "∂", "nabla": "∇",
    "sum": "Σ", "eta": "η", "rho": "ρ", "psi": "ψ", "tau": "τ", "pi": "π",
}  # fmt: skip


def plain(code, matrices):
    """Translate LaTeX to the notation of the text, brace by brace."""
    code = re.sub(r"\\phantom\{[^{}]*\}", "", code)
    code = re.sub(r"\\(?:left|right)(?=[()])", "", code)
    code = code.replace(r"\mathrel{:=}", " := ").replace(r"\approx", " ≈ ")

    def matrix(found):
        rows = [[e.strip() for e in row.split("&")] for row in found[1].split(r"\\")]
        rows = [[exponent(DOTS.get(e, e)) for e in row] for row in rows]
        rows = [[re.sub(r"\\text\{(.*)\}", r"\1", e) for e in row] for row in rows]
        return f" {name_matrix(rows, matrices)} "

    code = re.sub(r"\\begin\{bmatrix\*\}\[r\](.*?)\\end\{bmatrix\*\}", matrix, code)
    code = exponent(code)
    while r"\underset{\text{" in code:  # [1.5] with "8 more" under it
        code = re.sub(
            r"\\underset\{\\text\{(\d+) more\}\}\{\[([^\[\]]*)\]\}", r"[\1 more: \2]", code
        )
    code = re.sub(r"\\underset\{[^{}]*\}\{", r"\\shape{", code)
    code = unfold(code)
    for name, letter in GREEK.items():
        code = re.sub(rf"\\{name}(?![a-zA-Z])", letter, code)
    code = re.sub(r"\\operatorname\{([^{}]*)\}", lambda m: m[1].replace("\\_", "_"), code)
    code = re.sub(r"\\(tanh|log|max|cos)", r"\1", code)
    code = code.replace(r"\cdot", "·").replace(r"\odot", "⊙").replace(r"\ge", "≥")
    code = code.replace(r"\lvert", "|").replace(r"\rvert", "|").replace(r"\cdots", "⋯")
    return code.replace(r"\{", "{").replace(r"\}", "}")


DOTS = {r"\cdots": "⋯", r"\vdots": "⋮", r"\ddots": "⋱"}


def exponent(code):
    return re.sub(r"\\times 10\^\{(-?\d+)\}", r"e\1", code)


def unfold(code):
    r"""Replace \frac{a}{b}, \sqrt{a}, \shape{a} and ^{a}, from the inside out."""
    group = r"\{((?:[^{}\\]|\\[a-zA-Z]+|\\[_])*)\}"
    before = None
    while before != code:
        before = code
        code = re.sub(rf"\\frac{group}{group}", r"((\1)/(\2))", code)
        code = re.sub(rf"\\sqrt{group}", r"√(\1)", code)
        code = re.sub(rf"\\shape{group}", r"\1", code)
        code = re.sub(rf"\\mathrm{group}", r"\1", code)
        code = re.sub(rf"\\hat{group}", "\\1\u0302", code)
        code = re.sub(rf"\^{group}", r"^(\1)", code)
        code = re.sub(rf"_{group}", r"_(\1)", code)
    return code


@pytest.fixture(name="read_text")
def _read_text():
    return read_text


@pytest.fixture(name="read_latex")
def _read_latex():
    return read_latex


@pytest.fixture(name="symbol")
def _symbol():
    return symbol
