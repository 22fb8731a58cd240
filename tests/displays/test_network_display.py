"""The network diagram: what is in it, where it stands, and what it says of what is not."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgba

import chainrule as cr
from chainrule.displays.layout import lay_out, spread_labels
from chainrule.displays.style import COLOR_MAP, NEGATIVE, POSITIVE

draw = cr.NetworkDisplay.from_estimator
ARCHITECTURES = [
    [1, 1],
    [3, 1],
    [2, 3, 2],
    [3, 4, 4, 3],
    [100, 30, 12, 5],
    [2, *[3] * 9, 2],
    [5, 6, 3],
]


def network(sizes):
    return cr.Network(sizes, loss="squared_error" if sizes[-1] == 1 else "log_loss")


def words(display):
    return [text.get_text() for text in display.ax_.texts]


def comma(*numbers):
    return ("," if max(numbers) > 9 else "").join(map(str, numbers))


@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=str)
def test_every_symbol_of_the_overview_is_in_its_place(sizes):
    display = draw(network(sizes))
    seen = words(display)
    columns = {column.layer: column for column in display.layout.columns}
    expected = [f"$x_{{{j}}}$" for j in columns[1].nodes]
    for layer, column in columns.items():
        if layer == 1:
            continue
        last = layer == len(sizes)
        for i in column.nodes:
            expected.append(f"$z_{{{i}}}^{{({layer})}}$")
            expected.append(f"$h_{{{i}}}$" if last else f"$a_{{{i}}}^{{({layer})}}$")
        if layer - 1 in columns:
            expected += [f"$b_{{{i}}}^{{({layer})}}$" for i in column.nodes]
            expected += [
                f"$w_{{{comma(i, j)}}}^{{({layer})}}$"
                for i, j in itertools.product(column.nodes, columns[layer - 1].nodes)
            ]
    assert not set(expected) - set(seen)
    symbols = [word for word in seen if word.startswith(("$w_", "$b_", "$x_", "$h_"))]
    assert len(symbols) == len(set(symbols))


@pytest.mark.parametrize("style", ["overview", "numbers"])
@pytest.mark.parametrize("sizes", ARCHITECTURES[2::2], ids=str)
def test_bias_nodes_are_visible_and_what_is_left_out_is_said(sizes, style):
    display = draw(network(sizes), style=style)
    seen, layout = words(display), display.layout
    before_last = [column for column in layout.columns if column.layer < len(sizes)]
    assert seen.count("+1") == len(before_last)
    for column in layout.columns:
        said = {f"{len(column.nodes)} drawn", f"{len(column.nodes)} of {column.size} drawn"}
        assert bool(said & set(seen)) or not column.left_out
        assert column.left_out == sizes[column.layer - 1] - len(column.nodes)
        assert (column.dots is None) == (column.left_out == 0)
    drawn = {column.layer for column in layout.columns}
    missing = {i for _, first, last in layout.gaps for i in range(first, last + 1)}
    assert drawn | missing == set(range(1, len(sizes) + 1))
    assert seen.count("not drawn") == len(layout.gaps)


@pytest.mark.parametrize("sizes", ARCHITECTURES, ids=str)
def test_nodes_and_labels_are_apart(sizes):
    layout = lay_out(sizes, max_nodes=4, max_layers=5)
    nodes = [(c.x, y) for c in layout.columns for y in (*c.nodes.values(), c.bias) if y is not None]
    for one, other in itertools.combinations(np.array(nodes), 2):
        assert np.linalg.norm(one - other) > 1.2
    places = spread_labels(layout.edges, 0.62)
    middles = np.array([edge.at(part) for edge, part in places.items()])
    apart = np.linalg.norm(middles[:, None] - middles[None], axis=-1)
    assert apart[~np.eye(len(middles), dtype=bool)].min(initial=1.0) > 0.28
    assert all(
        edge.start[0] < x < edge.end[0] for edge, (x, _) in zip(places, middles, strict=True)
    )


def test_lines_have_the_sign_and_size_of_the_weights():
    net = cr.Network([3, 5, 2], dtype="float64", seed=3)
    net.theta[:] = np.linspace(-2, 1.5, net.n_parameters)
    net.theta[4] = 0
    display = draw(net, style="numbers")
    lines = {line.get_gid(): line for line in display.ax_.get_lines() if line.get_gid()}
    assert len(lines) == net.n_parameters
    values, widths = [], []
    for layer, i, j in itertools.product((2, 3), range(1, 6), range(6)):
        line = lines.get(f"weight-{layer}-{i}-{j}")
        if line is None:
            continue
        value = net.thetas[layer - 2][i - 1, j]
        values.append(abs(value))
        widths.append(line.get_linewidth())
        if value:
            assert to_hex(line.get_color()) == (POSITIVE if value > 0 else NEGATIVE)
        assert (line.get_linestyle() == "--") == (value < 0)
    assert len(values) == net.n_parameters
    slope, start = np.polyfit(values, widths, 1)
    assert slope > 0
    np.testing.assert_allclose(widths, start + slope * np.array(values), atol=1e-9)


def test_nodes_have_the_color_of_a_and_the_ring_of_delta():
    import matplotlib as mpl

    net = cr.Network([2, 4, 3], dtype="float64", seed=1)
    X, y = [0.5, -2.0], 1
    display = draw(net, X, y)
    trace = net.trace([X], [y])
    circles = {patch.get_gid(): patch for patch in display.ax_.patches if patch.get_gid()}
    a = [values[0] for values in trace.a]
    end = max(np.abs(values).max() for values in trace.a[1:])  # of the inputs the color is clipped
    deltas = [(trace.delta[0] @ net.weights[0].T)[0], *(d[0] for d in trace.delta)]
    largest = max(np.abs(d).max() for d in deltas)
    thickness = []
    for layer, values in enumerate(a, start=1):
        for i, value in enumerate(values, start=1):
            circle = circles[f"node-{layer}-{i}"]
            expected = mpl.colormaps[COLOR_MAP]((value + end) / (2 * end))
            np.testing.assert_allclose(circle.get_facecolor(), expected, atol=0.01)
            delta = deltas[layer - 1][i - 1]
            color = POSITIVE if delta > 0 else NEGATIVE
            assert to_rgba(circle.get_edgecolor()) == to_rgba(color)
            thickness.append((abs(delta) / largest, circle.get_linewidth()))
    thickness.sort()
    assert np.all(np.diff([width for _, width in thickness]) >= 0)


def test_the_blogs_product_has_its_derivatives():
    # Blog images 24 and 25: f = x y has df/dx = y and df/dy = x. Two squares multiply exactly,
    # and a target of f - 1 makes dJ/df = 1.
    square = cr.Activation("square", g=lambda z: z * z, g_prime=lambda z: 2 * z)
    net = cr.Network([2, 2, 1], square, "squared_error", dtype="float64")
    net.weights[0], net.weights[1] = [[1, 1], [1, -1]], [[0.25], [-0.25]]
    display = draw(net, [3, 7], 20)
    assert net([3, 7]) == 21
    assert [text for text in words(display) if "partial" in text] == [
        r"$\partial J/\partial x$ 7",
        r"$\partial J/\partial x$ 3",
    ]


def test_names_stand_beside_inputs_and_outputs():
    import pandas as pd

    X = pd.DataFrame({"long": [0.0, 1, 2, 3], "co$t": [3.0, 1, 0, 2]})
    model = cr.MLPClassifier((3,), solver="lbfgs", max_iter=500, tol=0.1, random_state=0)
    model.fit(X, ["a", "b", "c", "a"])
    for display in (draw(model), draw(model, X.iloc[[0]], ["a"])):
        seen = words(display)
        assert {"long", r"co\$t", "a", "b", "c"} <= set(seen)
        display.figure_.draw_without_rendering()  # the dollar is no formula


def test_it_is_drawn_in_given_axes_in_proportion():
    from matplotlib import pyplot as plt

    net = cr.Network([3, 4, 2])
    own = draw(net)
    _, (left, right) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
    display = draw(net, ax=right)
    assert display.ax_ is right
    assert display.figure_ is right.figure
    assert not left.texts
    ratio = [
        t.get_fontsize() / o.get_fontsize()
        for t, o in zip(display.ax_.texts, own.ax_.texts, strict=True)
        if t.get_text()
    ]
    assert np.ptp(ratio) < 1e-9
    assert ratio[0] < 1


def test_what_cannot_be_drawn_is_refused():
    net = cr.Network([3, 4, 2])
    with pytest.raises(cr.errors.InvalidInput, match="one example"):
        draw(net, np.zeros((2, 3)))
    with pytest.raises(cr.errors.InvalidInput, match="give X with y"):
        draw(net, y=1)
    with pytest.raises(cr.errors.UnknownName, match="did you mean 'overview'"):
        draw(net, style="overveiw")
    with pytest.raises(cr.errors.InvalidParameter, match="at least 2"):
        draw(net, max_nodes=1)
    with pytest.raises(cr.errors.NotTrainable):
        draw(cr.Network([3, 4, 2], "step"), np.zeros(3), 1)
