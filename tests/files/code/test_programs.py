"""Programs in C and JavaScript, judged by compilers and Node: every activation, loss and dtype."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule import errors
from chainrule.files.code.common import in_lines, number
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES

CLOSE = {"float32": 1e-5, "float64": 1e-12}
ALL = (*LOSSES, cr.GroupedLogLoss([2, 4]), cr.Quantile([0.1, 0.9]), cr.LogLoss(0.1))
X = np.random.default_rng(0).normal(size=(1000, 5))


def network(g, loss, dtype, hidden=(7, 4)):
    net = cr.Network([5, *hidden, 6], [g, "tanh", g][: len(hidden)], loss, dtype=dtype, seed=3)
    for i, b in enumerate(net.biases):
        b[...] = np.random.default_rng(i).normal(size=b.shape)
    return net


def require_same(judge, nets):
    for net, h in zip(nets, judge(nets, X), strict=True):
        ours = net(X)
        far = np.abs(h - ours) / np.maximum(1, np.abs(ours))
        assert far.max() <= CLOSE[net.architecture.dtype.name], net


def test_programs_compute_what_we_do(judge):
    """Each activation and each loss, in turns, with none to three hidden layers."""
    losses = itertools.cycle(ALL)
    nets = [
        network(g, next(losses), dtype, (7, 4, 5)[: i % 4])
        for dtype in CLOSE
        for i, g in enumerate(ACTIVATIONS)
    ]
    nets += [network("gelu", "poisson", dtype, (7,)) for dtype in CLOSE]
    nets += [network("mish", loss, "float32") for loss in ALL[:4]]
    require_same(judge, nets)


@pytest.mark.soak
@pytest.mark.parametrize("g", ACTIVATIONS)
def test_programs_compute_what_we_do_of_every_pair(judge, g):
    require_same(judge, [network(g, loss, dtype) for loss in ALL for dtype in CLOSE])


@pytest.mark.parametrize("judge", ["gcc", "node"], indirect=True)
def test_extreme_inputs_and_weights(judge):
    extreme = np.array([[0, -0.0, 1e-40, 1e30, -1e30], [700, -700, 90, -90, 40], [1e-30] * 5])
    losses = itertools.cycle(["log_loss", "poisson", "cross_entropy"])
    nets = [
        cr.Network([5, 3, 2], g, next(losses), dtype=dtype, seed=1)
        for dtype in CLOSE
        for g in ACTIVATIONS
    ]
    for net, h in zip(nets, judge(nets, extreme), strict=True):
        ours = net(extreme)
        np.testing.assert_allclose(h[1:], ours[1:], rtol=3e-4 if h.max() > 1e3 else 1e-4, atol=1e-5)
        assert not np.isnan(h).any()


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from([*CLOSE]))
def test_numbers_read_back(value, dtype):
    kind = np.dtype(dtype)
    text = number(kind.type(value), kind)
    assert kind.type(float(text)) == value
    assert kind.type(text) == value
    assert "." in text or "e" in text
    assert re.fullmatch(r"-?[0-9.]+(e[-+]?\d+)?", text)


def test_lines_are_of_some_width():
    lines = in_lines([str(i) for i in range(200)]).splitlines()
    assert max(map(len, lines)) <= 96
    assert "".join(lines).replace(" ", "") == ",".join(map(str, range(200)))


def test_own_rows_are_the_test_vectors():
    rows = np.arange(10).reshape(2, 5)
    net = network("tanh", "squared_error", "float64")
    assert "0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0" in cr.to_c(net, rows)
    assert "0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0" in cr.to_js(net, rows)
    for wrong in ([1, 2, 3, 4, 5], [[1, 2]], [[np.nan] * 5]):
        for write in (cr.to_c, cr.to_js):
            with pytest.raises(errors.InvalidInput):
                write(net, wrong)


def test_the_programs_own_test_finds_a_wrong_weight(self_test, in_node):
    net = network("tanh", "squared_error", "float64")
    assert self_test(cr.to_c(net)) == self_test(cr.to_c(net), "-DNET_MAIN") == 0
    assert in_node(cr.to_js(net), "m.test()") == 0
    weight = repr(net.weights[1][0, 0].item())
    other = repr(net.weights[1][0, 0].item() + 1e-3)
    for source in (cr.to_c(net), cr.to_js(net)):
        assert source.count(weight) == 1
    assert self_test(cr.to_c(net).replace(weight, other)) == 1
    assert in_node(cr.to_js(net).replace(weight, other), "m.test()") == 8


LABELS = ["a */ int x; /*", "back\\", "new\nline", "snow \u2603", "what??/", 'say "hi"', "*" + "/"]


def test_no_label_leaves_the_comment(self_test, in_node):
    names = [f"f{i}" + label for i, label in enumerate(LABELS[:5])]
    model = cr.MLPClassifier(4, solver="lbfgs", max_iter=500, random_state=0)
    model.fit(X[:70], np.repeat(LABELS, 10))
    model.network_.feature_names = names
    assert self_test(cr.to_c(model)) == 0
    assert in_node(cr.to_js(model), "m.test()") == 0
    head = cr.to_c(model).split("*/")[0]
    assert head.isascii()
    assert all(f"f{i}" in head for i in range(5))
    assert head.count("class") == 7


def test_javascript_counts_its_inputs(in_node):
    net = network("tanh", "log_loss", "float32")
    said = "(() => { try { m.predict([1, 2]) } catch (e) { return e.message } })()"
    assert in_node(cr.to_js(net), said) == "predict takes 5 numbers. Got 2 instead."
    h = in_node(cr.to_js(net), "Array.from(m.default([1, 2, 3, 4, 5]))")
    np.testing.assert_allclose(h, net([1, 2, 3, 4, 5]), atol=1e-6)
    assert in_node(cr.to_js(net), "Array.from(m.predict([1, 2, 3, 4, NaN]))") == [None] * 6


def test_what_a_program_does_not_hold_is_said():
    net = network("tanh", "squared_error", "float32")
    for name in ("", "1a", "a b", "a;", 3, "é"):
        with pytest.raises(errors.InvalidParameter, match="name must be"):
            cr.to_c(net, name=name)  # pyright: ignore[reportArgumentType]
    data, y = X[:50], X[:50, 0] > 0
    model = cr.MLPClassifier(4, solver="lbfgs", max_iter=500).fit(data, y)
    assert "probability of class" in cr.to_c(model)
    for write in (cr.to_c, cr.to_js):
        with pytest.raises(errors.InvalidInput, match="Got an object of int"):
            write(3)
        with pytest.raises(NotFittedError):
            write(cr.MLPClassifier())
