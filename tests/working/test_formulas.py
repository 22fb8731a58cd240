"""Numbers as they are printed, formulas as they are computed and drawn, differences by layers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

import chainrule as cr
from chainrule.engines import Examples
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES
from chainrule.maths.propagation import forward_propagate
from chainrule.working.formulas.activations import form_of
from chainrule.working.formulas.decimals import decimal, rounded, unit
from chainrule.working.formulas.document import say
from chainrule.working.formulas.evaluation import evaluate
from chainrule.working.formulas.expressions import (
    Abs,
    BigSum,
    Call,
    Equal,
    Hadamard,
    Indicator,
    Matrix,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Rest,
    Sqrt,
    Sum,
    Symbol,
    Transpose,
    exp,
)
from chainrule.working.formulas.pairs import pair_of
from chainrule.working.formulas.precision import recomputes, settled
from chainrule.working.numbers.differences import Entry, Slopes
from chainrule.working.typesetting.latex import LatexFace
from chainrule.working.typesetting.text import TextFace

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ORDINARY = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)


@given(FINITE, st.integers(2, 17))
def test_a_printed_number_is_within_half_a_unit(value, digits):
    mantissa, exponent = decimal(value, digits)
    printed = float(f"{mantissa}e{exponent}")
    assert printed == rounded(value, digits)
    wide = digits <= 7 and float(np.float32(np.clip(value, -3e38, 3e38))) == value
    slack = 1e-7 * abs(value) if wide else 0  # a float32's own decimals
    assert abs(printed - value) <= 0.5000001 * unit(value, digits) + slack
    figures = mantissa.lstrip("-0.").replace(".", "")
    assert len(figures) <= max(digits, 5) or float(mantissa) == value


@given(FINITE)
def test_seventeen_digits_are_exact(value):
    assert rounded(value, 17) == value


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0, "0"), (-0.0, "0"), (3.0, "3"), (-2.5, "-2.5"), (1 / 3, "0.33333"), (1e5, "1e5"),
        (12345.678, "12346"), (99999.7, "1.0000e5"), (1.2345678e-4, "0.00012346"),
        (1.5e-7, "1.5e-7"),
        (float(np.float32(5.1)), "5.1"), (math.inf, "∞"), (-math.inf, "-∞"), (math.nan, "NaN"),
        (0.1 + 0.2, "0.30000"),
    ],
)  # fmt: skip
def test_printed_numbers(value, printed):
    mantissa, exponent = decimal(value, 5)
    assert (f"{mantissa}e{exponent}" if exponent else mantissa) == printed


# --- a line recomputes, whatever its numbers ------------------------------------------------------


@given(st.lists(st.tuples(ORDINARY, ORDINARY), min_size=1, max_size=6), st.integers(2, 8))
def test_sums_of_products_recompute(pairs, digits):
    terms = [Product((Number(a), Number(b))) for a, b in pairs]
    total = math.fsum(a * b for a, b in pairs)
    written = settled([Sum(tuple(terms))], total, digits)
    noise = 1e-15 * sum(abs(a * b) for a, b in pairs)
    off = abs(evaluate(written) - rounded(total, digits))
    assert off <= 1.001 * unit(total, digits) + noise


def test_digits_are_added_only_where_terms_cancel():
    easy = settled([Number(1.23456789) + Number(2.3456789)], 3.58024679, 5)
    assert easy == Sum((Number(1.23456789, 5), Number(2.3456789, 5)))
    hard = settled([Number(1.000012345678) - Number(1.0)], 1.000012345678 - 1, 5)
    assert hard.terms[0].digits > 8
    assert recomputes(hard, 1.000012345678 - 1, 5, {})


def test_another_way_is_taken_where_the_first_loses_its_digits():
    pair = pair_of(LOSSES["cross_entropy"])
    z = [Number(40.0)]
    h = [Number(1.0)]  # as 1/(1 + e^-40) rounds
    y = [Number(0.0)]
    ways = [way.around(way.terms[0]) for way in pair.losses(z, h, y)]
    assert math.isnan(evaluate(ways[0]))
    assert settled(ways, 40.0, 5) == settled(ways[1:], 40.0, 5)
    assert evaluate(ways[1]) == 40.0


# --- the formulas are those of the code -----------------------------------------------------------


@given(st.floats(-30, 30))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_formulas_of_activations(name, z):
    g, form = ACTIVATIONS[name], form_of(ACTIVATIONS[name])
    assert form.known
    at = np.array([z])
    a = g(at)
    assert evaluate(form.value(Number(z))) == pytest.approx(float(a[0]), rel=1e-9, abs=1e-12)
    slope = evaluate(form.slope(Number(z), Number(float(a[0]))))
    assert slope == pytest.approx(float(g.derivative(at, a)[0]), rel=1e-9, abs=1e-12)


@given(
    z=st.lists(st.floats(-20, 20), min_size=3, max_size=3),
    right=st.integers(0, 2),
    counts=st.lists(st.integers(0, 5), min_size=3, max_size=3),
)
@pytest.mark.parametrize("name", [n for n, loss in LOSSES.items() if loss.differentiable])
def test_formulas_of_pairs(name, z, right, counts):
    loss, pair = LOSSES[name], pair_of(LOSSES[name])
    y = {
        "classes": np.eye(3)[right],
        "binary": np.array(counts) % 2,
        "nonnegative": np.array(counts),
        "real": np.array(counts) - 2.5,
    }[loss.targets].astype(float)
    Z, Y = np.array([z]), y[None]
    H = loss.hypothesis(Z)
    numbers = [[Number(float(v)) for v in row] for row in (Z[0], H[0], Y[0])]
    for k in range(3):
        summed = pair.hypothesis(numbers[0], k)
        value = summed.around(Sum(summed.terms) if len(summed.terms) > 1 else summed.terms[0])
        assert evaluate(value) == pytest.approx(H[0, k], rel=1e-12, abs=1e-300)
        delta = evaluate(pair.delta(numbers[1][k], numbers[2][k], k))
        assert delta == pytest.approx(loss.delta(Z, H, Y)[0, k], rel=1e-9, abs=1e-15)
    expected = loss.per_example(Z, Y)[0]
    values = [evaluate(way.around(Sum(way.terms))) for way in pair.losses(*numbers)]
    assert values[-1] == pytest.approx(expected, rel=1e-7, abs=1e-8)


def test_every_built_in_part_has_its_formulas():
    assert all(form_of(g).known for g in ACTIVATIONS.values())
    assert all(pair_of(loss).known for loss in LOSSES.values())


# --- finite differences ---------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sizes", [[3, 2], [3, 4, 2], [3, 4, 5, 2]])
def test_differences_by_layers_are_those_of_the_whole_cost(sizes, masked):
    rng = np.random.default_rng(1)
    net = cr.Network(sizes, "tanh", "cross_entropy", dtype="float64", seed=2)
    X, Y, weight = rng.normal(size=(4, 3)), rng.integers(2, size=(4, 2)) * 1.0, np.arange(1.0, 5)
    masks = [2.0 * rng.integers(2, size=(4, s)) for s in sizes[1:-1]] if masked else None
    a = net.architecture
    forward = forward_propagate(X, net.weights, net.biases, a.activations, a.loss.hypothesis, masks)
    slopes = Slopes(net, Examples(X, Y, weight), forward, masks, 0.3, 0.02)
    entries = [
        Entry(layer, i, j)
        for layer in range(len(sizes) - 1)
        for i in range(sizes[layer + 1])
        for j in [None, *range(sizes[layer])]
    ]
    found = slopes.of(entries)

    def cost(theta):
        other = cr.Network.from_theta(a, theta)
        z = forward_propagate(
            X, other.weights, other.biases, a.activations, a.loss.hypothesis, masks
        ).z[-1]
        data = weight @ a.loss.per_example(z, Y) / weight.sum()
        return (
            data
            + sum(0.15 * (W**2).sum() + 0.02 * abs(W).sum() for W in other.weights) / weight.sum()
        )

    index = np.arange(net.n_parameters, dtype=float)
    places = cr.Network.from_theta(a, index)
    for entry in entries:
        array = places.biases if entry.j is None else places.weights
        at = int(array[entry.layer][entry.i if entry.j is None else (entry.j, entry.i)])
        step = np.zeros_like(index)
        step[at] = 1e-5
        slope = (cost(net.theta + step) - cost(net.theta - step)) / 2e-5
        assert found[entry] == pytest.approx(slope, rel=1e-5, abs=1e-9)


# --- the faces of a formula -----------------------------------------------------------------------

a, b, c = Symbol("a"), Symbol("b"), Symbol("c", ("1", "2"), ("3",))
TEXTS = [
    (a + b - c, "a + b - c₁₂⁽³⁾", "a + b - c_{12}^{(3)}"),
    (-(a + b), "-(a + b)", "-(a + b)"),
    (a * (b + 1), "a (b + 1)", "a (b + 1)"),
    (a / (b * 2), "a/(b 2)", r"\frac{a}{b 2}"),
    (Product((Number(0.5), Number(-2.0))), "0.5·(-2)", r"0.5\cdot (-2)"),
    (Sum((Number(0.5), Number(-2.0))), "0.5 - 2", "0.5 - 2"),
    (Sum((Number(-2.0), Negative(a))), "-2 - a", "-2 - a"),
    (Power(Number(-2.0), Number(2.0)), "(-2)^2", "(-2)^{2}"),
    (Power(c, Number(2.0)), "(c₁₂⁽³⁾)^2", "(c_{12}^{(3)})^{2}"),
    (Power(a / b, Number(2.0)), "(a/b)^2", r"\left(\frac{a}{b}\right)^{2}"),
    (exp(-a), "e^(-a)", "e^{-a}"),
    (exp(Number(0.5)), "e^0.5", "e^{0.5}"),
    (Number(1.5e-9, 5), "1.5e-9", r"1.5\times 10^{-9}"),
    (Symbol("z", ("10", "2")), "z₁₀,₂", "z_{10,2}"),
    (BigSum("j", a * b) * c, "(Σⱼ a b) c₁₂⁽³⁾", r"\left(\sum_{j} a b\right) c_{12}^{(3)}"),
    (a - BigSum("k", b + c), "a - Σₖ (b + c₁₂⁽³⁾)", r"a - \sum_{k} (b + c_{12}^{(3)})"),
    (Hadamard((a * b, a + b)), "a b ⊙ (a + b)", r"a b \odot (a + b)"),
    (Transpose(a), "aᵀ", "a^{T}"),
    (Transpose(c), "(c₁₂⁽³⁾)ᵀ", "(c_{12}^{(3)})^{T}"),
    (Abs(a), "|a|", r"\lvert a\rvert "),
    (Sqrt(a) + 1, "√(a) + 1", r"\sqrt{a} + 1"),
    (Partial(a, c), "∂a/∂c₁₂⁽³⁾", r"\frac{\partial a}{\partial c_{12}^{(3)}}"),
    (Indicator(a, ">", Number(0.0)), "1{a > 0}", r"1\{a > 0\}"),
    (Call("my_f", (a, b), prime=True), "my_f'(a, b)", r"\operatorname{my\_f}'(a, b)"),
    (Rest(3, Number(1.5)), "[3 more: 1.5]", r"\underset{\text{3 more}}{[1.5]}"),
    (Equal(a, b), "a = b", "a = b"),
    (Quotient(a, Sum((a,) * 5)), "a/(a + a + a + a + a)", "a/(a + a + a + a + a)"),
    (Matrix(((Number(1.0), Number(2.5)),)), "[ 1  2.5 ]", None),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "text", "latex"), TEXTS, ids=[t for _, t, _ in TEXTS])
def test_formulas_are_written_as_in_a_book(formula, text, latex):
    assert TextFace().draw(formula).lines == (text,)
    if latex is not None:
        assert LatexFace().draw(formula).code == latex


def test_a_matrix_is_aligned_at_its_points():
    entries = ((Number(1.0), Number(-0.25)), (Number(10.5), Number(2.0)))
    assert TextFace().draw(Matrix(entries)).lines == ("⎡  1    -0.25 ⎤", "⎣ 10.5   2    ⎦")


def test_words_and_formulas():
    assert say("a {} b {} c", a, b) == ("a ", a, " b ", b, " c")
    with pytest.raises(ValueError, match="1 formulas too many"):
        say("nothing", a)


def test_values_where_a_calculator_shows_an_error():
    assert evaluate(exp(Number(1000.0))) == math.inf
    assert math.isnan(evaluate(Number(1.0) / Number(0.0)))
    assert math.isnan(evaluate(Call("log", (Number(0.0),))))
    with pytest.raises(TypeError, match="Symbol has no single value"):
        evaluate(a)
    mp.dps = 30
    assert evaluate(Call("Φ", (Number(-1.5),))) == pytest.approx(float(mp.ncdf(-1.5)), rel=1e-14)
    assert evaluate(Call("φ", (Number(-1.5),))) == pytest.approx(float(mp.npdf(-1.5)), rel=1e-14)
