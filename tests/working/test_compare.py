"""Three ways to the same gradient: they agree, and where one is wrong it shows."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import errors
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES

TRAINABLE = [name for name, g in ACTIVATIONS.items() if g.differentiable]
TRAINABLE_LOSSES = [name for name, loss in LOSSES.items() if loss.differentiable]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3))
LABELS = RNG.integers(2, size=6)


def in_order(comparison):
    """W and b of each layer."""
    return [each for layer in comparison.per_layer for each in (layer.weights, layer.biases)]


@pytest.mark.parametrize("loss", TRAINABLE_LOSSES)
@pytest.mark.parametrize("g", TRAINABLE)
def test_they_agree(g, loss):
    net = cr.Network([3, 5, 4, 2], g, loss, dtype="float64", seed=1)
    net.theta += 0.05
    Y = LABELS if loss == "log_loss" else np.column_stack([LABELS, 1 - LABELS])
    weight = RNG.uniform(0.5, 2, size=6)
    comparison = cr.compare(net, X, Y, sample_weight=weight, l2=0.3, l1=0.02)
    trace = net.trace(X, Y, weight, l2=0.3, l1=0.02)
    arrays = [g for pair in zip(trace.grad_weights, trace.grad_biases, strict=True) for g in pair]
    assert [each.layer for each in comparison.per_layer] == [2, 3, 4]
    assert comparison.max_gradient == max(abs(g).max() for g in arrays)
    for each, grad in zip(in_order(comparison), arrays, strict=True):
        assert each.shape == grad.shape
        assert each.reference == grad[each.at]
        assert abs(each.reference) == abs(grad).max()
        assert each.native == pytest.approx(each.reference, abs=1e-14)
        assert each.differences == pytest.approx(each.reference, abs=1e-8)
    assert 0 <= comparison.native_error < 1e-14
    assert 0 < comparison.differences_error < 1e-8


def test_own_parts_have_no_native_column_and_a_wrong_one_shows():
    for factor, least, most in ((1, 0, 1e-8), (1.01, 1e-3, 1)):
        sine = cr.Activation("sine", np.sin, lambda z, f=factor: f * np.cos(z))
        net = cr.Network([3, 5, 2], sine, "log_loss")
        comparison = cr.compare(net, X, LABELS)
        assert np.isnan(comparison.native_error)
        assert least < comparison.differences_error < most
        assert "built-in activations and losses" in comparison.why_no_native
        assert "built-in activations and losses" in " ".join(str(comparison).split())
        first, last = comparison.per_layer
        assert np.isnan(first.weights.native)
        assert np.isnan(first.native_error)
        assert last.weights.differences == pytest.approx(
            last.weights.reference, abs=1e-8
        )  # after the sine


def test_kinks_leave_gaps():
    net = cr.Network([1, 2, 1], "relu", "squared_error", dtype="float64", init="zeros")
    comparison = cr.compare(net, [[1.0]], [1.0])
    assert np.isnan(comparison.per_layer[0].weights.differences_error)
    assert comparison.differences_error == 0 or comparison.differences_error < 1e-9


def test_estimators_and_learners_bring_their_penalties():
    net = cr.Network([3, 4, 2], loss="log_loss")
    learner = cr.Learner(net, l2=0.5, dropout=0.5)
    one, other = cr.compare(learner, X, LABELS), cr.compare(net, X, LABELS, l2=0.5)
    assert one == other
    assert one != cr.compare(net, X, LABELS)
    model = cr.MLPRegressor(
        hidden_layer_sizes=3, activation="tanh", solver="lbfgs", alpha=0.7, random_state=0
    )
    model.fit(X, X[:, 0])
    assert cr.compare(model, X, X[:, 0]) == cr.compare(model.network_, X, X[:, 0], l2=0.7)


def test_nothing_is_changed():
    net = cr.Network([3, 4, 2], loss="log_loss")
    theta = net.theta.copy()
    cr.compare(net, X, LABELS)
    assert np.array_equal(net.theta, theta)


def test_printed_it_is_a_table():
    comparison = cr.compare(cr.Network([3, 4, 2], loss="log_loss"), X, LABELS)
    lines = str(comparison).splitlines()
    header = lines[3].split()
    assert header[:6] == ["gradient", "shape", "largest", "at", "reference", "native"]
    rows = [line.split() for line in lines if line.startswith(("  W⁽", "  b⁽"))]
    assert len(rows) == 4
    for row, each in zip(rows, in_order(comparison), strict=True):
        assert row[1] == "×".join(map(str, each.shape))
        values = [float(number) for number in row[3:]]
        expected = [each.reference, each.native, each.differences]
        np.testing.assert_allclose(values[:3], expected, rtol=1e-7)
        assert values[3] == pytest.approx(each.native_error, rel=0.06)
        assert values[4] == pytest.approx(each.differences_error, rel=0.06)
    assert "<table>" in comparison._repr_html_()


def test_it_has_the_faces_of_a_derivation():
    comparison = cr.compare(cr.Network([3, 4, 2], loss="log_loss"), X, LABELS)
    row = comparison.per_layer[1].weights
    number = f"{row.reference:.8g}"
    assert number in comparison.markdown()
    assert number in comparison.latex()
    assert number.replace("-", "") in comparison.html()
    assert comparison.html().startswith("<!doctype html>")
    assert comparison.latex().rstrip().endswith(r"\end{document}")
    assert comparison.markdown().startswith("# Three ways to the gradient")


def test_more_rows_than_fit_on_a_page():
    x, y = np.tile(X, (50, 1)), np.tile(LABELS, 50)
    one, many = (cr.compare(cr.Network([3, 4, 2]), *batch) for batch in ((X, LABELS), (x, y)))
    assert many.per_layer[0].weights.reference == pytest.approx(one.per_layer[0].weights.reference)
    assert many.differences_error < 1e-8


def test_bad_input():
    net = cr.Network([3, 4, 2], loss="log_loss")
    with pytest.raises(errors.InvalidParameter, match="needs targets"):
        cr.compare(net, X, None)
    with pytest.raises(errors.NotTrainable, match="'step'"):
        cr.compare(cr.Network([3, 4, 2], "step", "log_loss"), X, LABELS)
    with pytest.raises(errors.InvalidInput, match="X has 6 examples and Y has 5"):
        cr.compare(net, X, LABELS[:5])
    with pytest.raises(errors.InvalidInput, match="compared over at most 4096 examples"):
        cr.compare(net, np.zeros((4097, 3)), np.zeros(4097))
    with pytest.raises(TypeError, match="Got dict instead"):
        cr.compare({}, X, LABELS)
