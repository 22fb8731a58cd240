"""Hidden activations against mpmath: values, derivatives, large z, dtype."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule import errors
from chainrule.maths.activations import (
    ACTIVATIONS,
    Activation,
    activations_per_layer,
    get_activation,
)

mp = mpmath.mp.clone()
mp.dps = 50


def softplus(z):
    return mp.log1p(mp.exp(z))


ALPHA = mp.mpf("1.6732632423543772848170429916717")  # Klambauer et al. 2017
SCALE = mp.mpf("1.0507009873554804934193349852946")

ORACLE = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + mp.exp(-z)),
    "tanh": mp.tanh,
    "relu": lambda z: z if z > 0 else mp.mpf(0),
    "step": lambda z: mp.mpf(1 if z >= 0 else 0),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
    "elu": lambda z: z if z > 0 else mp.exp(z) - 1,
    "selu": lambda z: SCALE * (z if z > 0 else ALPHA * (mp.exp(z) - 1)),
    "softplus": softplus,
    "silu": lambda z: z / (1 + mp.exp(-z)),
    "gelu": lambda z: z * mp.erfc(-z / mp.sqrt(2)) / 2,
    "mish": lambda z: z * mp.tanh(softplus(z)),
}
NAMES = sorted(ORACLE)
BESIDE_0 = [1e-9, 1e-3, 0.25, 0.5, 0.7517915, 1.25, 3, 8, 20, 38, 90, 1000]
POINTS = np.array([sign * z for z in BESIDE_0 for sign in (-1, 1)])


def test_the_table_is_the_design():
    assert set(ACTIVATIONS) == set(ORACLE)
    assert [name for name, g in ACTIVATIONS.items() if not g.differentiable] == ["step"]
    with_kinks = {name for name, g in ACTIVATIONS.items() if g.kinks}
    assert with_kinks == {"relu", "leaky_relu", "elu", "selu", "step"}  # elu: its g'' jumps


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("dtype", "rtol", "atol"), [("f8", 2e-13, 1e-300), ("f4", 1e-6, 1e-37)])
def test_values(name, dtype, rtol, atol):
    z = POINTS.astype(dtype)
    a = ACTIVATIONS[name](z)
    assert a.dtype == dtype
    expected = np.array([float(ORACLE[name](mp.mpf(float(x)))) for x in z])
    np.testing.assert_allclose(a.astype("f8"), expected, rtol, atol)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("f8", 4e-15), ("f4", 2e-6)])
def test_derivatives(name, dtype, tolerance):
    g, z = ACTIVATIONS[name], POINTS.astype(dtype)
    derivative = g.derivative(z, g(z))
    assert derivative.dtype == dtype
    # h is small enough not to step over the kink at 0.
    expected = [float(mp.diff(ORACLE[name], mp.mpf(float(x)), h=mp.mpf(10) ** -20)) for x in z]
    np.testing.assert_allclose(derivative.astype("f8"), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_at_zero(name):
    g, zero = ACTIVATIONS[name], np.zeros(3)
    np.testing.assert_allclose(g(zero), float(ORACLE[name](mp.mpf(0))), rtol=1e-15)
    if not g.kinks:
        expected = float(mp.diff(ORACLE[name], 0))
        np.testing.assert_allclose(g.derivative(zero, g(zero)), expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_rectifier_and_step_at_zero_are_the_notes(dtype):
    zero = np.array([0.0, -0.0], dtype)
    relu, step = ACTIVATIONS["relu"], ACTIVATIONS["step"]
    assert relu(zero).tolist() == [0, 0]
    assert relu.derivative(zero, relu(zero)).tolist() == [0, 0]  # 1{z > 0}
    assert step(zero).tolist() == [1, 1]  # 1{z >= 0}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("dtype", "largest"), [("f4", 1e18), ("f8", 1e150)])
def test_large_z_neither_overflows_nor_warns(name, dtype, largest):
    g = ACTIVATIONS[name]
    z = np.array([-largest, -1e6, -1e3, 1e3, 1e6, largest], dtype)
    a = g(z)
    derivative = g.derivative(z, a)
    assert np.isfinite(a).all()
    assert np.isfinite(derivative).all()
    if name != "step":
        slope = {"leaky_relu": 0.01, "identity": 1.0}.get(name, 0.0)
        np.testing.assert_allclose(derivative[:3], slope, rtol=1e-6)
        slope = {"tanh": 0.0, "logistic": 0.0, "selu": float(SCALE)}.get(name, 1.0)
        np.testing.assert_allclose(derivative[3:], slope, rtol=1e-6)


any_array = st.sampled_from(["f4", "f8"]).flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(max_dims=2, max_side=5),
        elements=st.floats(-1e4, 1e4, width=32),
    )
)


@pytest.mark.parametrize("name", NAMES)
@given(z=any_array)
def test_elementwise_and_input_untouched(name, z):
    g, before = ACTIVATIONS[name], z.copy()
    a = g(z)
    slopes = g.derivative(z, a)
    assert np.array_equal(z, before)
    assert a.shape == slopes.shape == z.shape
    assert a.dtype == slopes.dtype == z.dtype
    if z.size:
        one = z.reshape(-1)[:1]
        tolerance = 1e-6 if z.dtype == np.float32 else 1e-14
        np.testing.assert_allclose(g(one), a.reshape(-1)[:1], rtol=tolerance, atol=1e-37)


MONOTONE = ["identity", "logistic", "tanh", "relu", "step", "leaky_relu", "elu", "selu", "softplus"]


@pytest.mark.parametrize("name", MONOTONE)
@given(z=hnp.arrays("f8", 9, elements=st.floats(-50, 50)))
def test_monotone_ones_are(name, z):
    z = np.sort(z)
    g = ACTIVATIONS[name]
    a = g(z)
    assert (np.diff(a) >= -1e-14 * np.abs(a[1:])).all()
    assert (g.derivative(z, a) >= 0).all()


def test_selu_keeps_mean_0_and_variance_1():
    # The fixed point that defines its two constants: z ~ N(0, 1) gives E a = 0, E a^2 = 1.
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    a = ACTIVATIONS["selu"](nodes)
    weights = weights / weights.sum()
    np.testing.assert_allclose([weights @ a, weights @ a**2], [0, 1], atol=5e-3)
    z = np.linspace(-12, 12, 2_000_001)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    a = ACTIVATIONS["selu"](z)
    np.testing.assert_allclose([density @ a, density @ a**2], [0, 1], atol=1e-6)


def test_names_are_looked_up_and_own_ones_pass():
    own = Activation("own", np.sin, np.cos)
    assert get_activation(own) is own
    assert get_activation("tanh").name == "tanh"
    z = np.array([0.3])
    assert own(z) == np.sin(z)
    assert own.derivative(z, own(z)) == np.cos(z)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("tahn", "tanh"), ("ReLU", "relu"), ("gleu", "gelu"), ("Sigmoid", "logistic")],
)
def test_unknown_names_suggest_the_nearest(wrong, near):
    with pytest.raises(errors.UnknownName, match=f"'{wrong}': did you mean '{near}'"):
        get_activation(wrong)


@pytest.mark.parametrize("wrong", [None, 3, b"tanh", ("tanh",), "", "qqqqq"])
def test_what_is_no_name_is_shown_with_the_choices(wrong):
    with pytest.raises(errors.UnknownName) as caught:
        get_activation(wrong)
    assert repr(wrong) in str(caught.value)
    assert "'softplus'" in str(caught.value)


def test_a_derivative_takes_z_or_a():
    with pytest.raises(errors.UnknownName, match="'A': did you mean 'a'"):
        Activation("own", np.sin, np.cos, takes="A")


def test_one_per_hidden_layer():
    names = [g.name for g in activations_per_layer(["tanh", "relu"], 2)]
    assert names == ["tanh", "relu"]
    assert [g.name for g in activations_per_layer("mish", 3)] == ["mish"] * 3
    assert activations_per_layer("tanh", 0) == ()
    with pytest.raises(errors.InvalidParameter, match="got 2 for 3 hidden layers"):
        activations_per_layer(["tanh", "relu"], 3)
    with pytest.raises(errors.UnknownName, match="Unknown activation 7"):
        activations_per_layer(7, 1)
    with pytest.raises(errors.UnknownName, match="did you mean 'relu'"):
        activations_per_layer(["tanh", "rellu"], 2)
