"""The numbers in the pictures, judged by others: differences, scikit-learn, formulas."""

import itertools

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES

# --- the curves of a training ------------------------------------------------------------------


def test_curves_are_those_of_the_training(moons):
    X, y = moons
    model = make_pipeline(
        StandardScaler(),
        cr.MLPClassifier((4,), max_iter=12, tol=0, early_stopping=True, random_state=0),
    )
    with pytest.warns(UserWarning, match="reached"):
        model.fit(X, y)
    display = cr.LossCurveDisplay.from_estimator(model)
    inner = model[-1]
    np.testing.assert_array_equal(display.lines_["cost"].get_ydata(), inner.loss_curve_)
    scores = display.lines_["validation score"]
    np.testing.assert_array_equal(scores.get_ydata(), inner.validation_scores_)
    assert scores.axes is display.score_ax_
    assert display.best_epoch == int(np.argmax(inner.validation_scores_)) + 1
    np.testing.assert_array_equal(display.epochs, np.arange(1, 13))


def test_curves_of_a_learner_and_its_history_are_one(moons):
    X, y = moons
    learner = cr.Learner(cr.Network([2, 3, 2]), cr.SGD(0.1))
    history = learner.fit(X, y, epochs=4)
    one = cr.LossCurveDisplay.from_estimator(learner, label="a", log_scale=True)
    other = cr.LossCurveDisplay.from_estimator(history, label="b", ax=one.ax_)
    np.testing.assert_array_equal(one.costs, history.costs)
    assert one.lines_["cost"].get_linestyle() != other.lines_["cost"].get_linestyle()
    assert [t.get_text() for t in one.ax_.get_legend().get_texts()] == ["a: cost J", "b: cost J"]
    assert one.ax_.get_yscale() == "log"
    assert one.best_epoch is None


def test_no_curve_is_said(moons):
    model = cr.MLPClassifier((3,), solver="lbfgs", max_iter=500, tol=0.1).fit(*moons)
    for one in (model, cr.Learner(cr.Network([2, 2]), cr.SGD(0.1)), cr.History()):
        with pytest.raises(cr.errors.InvalidInput, match="no epochs to draw"):
            cr.LossCurveDisplay.from_estimator(one)
    with pytest.raises(cr.errors.InvalidInput, match="give the Learner"):
        cr.LossCurveDisplay.from_estimator(cr.Network([2, 2]))


# --- functions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("w", "b"), [(1, 0), (-2, 0.5)])
def test_slopes_are_those_of_the_curves(name, w, b):
    display = cr.ActivationDisplay(name, weights=[w], biases=[b])
    (values,), (slopes,), z = display.values[0], display.slopes[0], display.z
    t = 1e-5
    g = ACTIVATIONS[name]
    differences = (g(w * (z + t) + b) - g(w * (z - t) + b)) / (2 * t)
    kinks = [(kink - b) / w for kink in g.kinks]
    smooth = (
        np.all([np.abs(z - kink) > 2 * t for kink in kinks], axis=0)
        if kinks
        else np.full(len(z), True)
    )
    np.testing.assert_allclose(slopes[smooth], differences[smooth], atol=1e-8)
    np.testing.assert_array_equal(values[smooth], g(w * z + b)[smooth])
    # A line is broken where it jumps, and only there.
    jump = set(z[np.isnan(values)].tolist())
    assert (jump == set(kinks)) if name == "step" else not jump
    assert np.isnan(slopes).any() == (name in {"relu", "leaky_relu", "selu"})


def test_the_activations_of_a_network_are_drawn_once_each():
    net = cr.Network([2, 3, 3, 3, 1], ["tanh", "relu", "tanh"], "squared_error")
    assert cr.ActivationDisplay.from_estimator(net).names == ["tanh", "relu"]
    with pytest.raises(cr.errors.InvalidInput, match="no hidden layer"):
        cr.ActivationDisplay.from_estimator(cr.Network([2, 3]))
    with pytest.raises(cr.errors.InvalidParameter, match="in pairs"):
        cr.ActivationDisplay("tanh", weights=[1, 2], biases=[1, 2, 3])
    with pytest.raises(cr.errors.InvalidParameter, match="low < high"):
        cr.ActivationDisplay("tanh", z=(1, 1))


def test_a_bias_shifts_and_a_weight_makes_steep():
    display = cr.ActivationDisplay("logistic", weights=[1, 3, 1], biases=[0, 0, 2], z=(-8, 8))
    plain, steep, shifted = display.values[0]
    z = display.z
    np.testing.assert_allclose(steep, np.interp(3 * z, z, plain, 0, 1), atol=1e-3)
    np.testing.assert_allclose(shifted, np.interp(z + 2, z, plain, 0, 1), atol=1e-3)


def test_the_cross_entropy_is_minus_the_logarithm():
    display = cr.LossDisplay.from_loss("cross_entropy")
    h = display.h[0]
    zero, one = display.values[0]
    np.testing.assert_allclose(one, -np.log(h), rtol=1e-12)  # blog image 17
    np.testing.assert_allclose(zero, -np.log1p(-h), rtol=1e-12)  # blog image 18
    lines = display.ax_.get_lines()
    np.testing.assert_array_equal(lines[1].get_ydata(), one)
    np.testing.assert_array_equal(lines[1].get_xdata(), h)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.differentiable])
def test_delta_is_the_slope_of_the_loss(name):
    display = cr.LossDisplay(name, over="z", derivative=True, z=(-2.0, 2.0))
    middles = (display.z[1:] + display.z[:-1]) / 2
    for values, deltas in zip(display.values[0], display.deltas[0], strict=True):
        differences = np.diff(values) / np.diff(display.z)
        between = (deltas[1:] + deltas[:-1]) / 2
        smooth = np.abs(np.diff(deltas)) < 0.1  # no kink between the two
        np.testing.assert_allclose(between[smooth], differences[smooth], atol=2e-3)
        assert smooth.sum() >= len(middles) - 2


def test_losses_that_are_no_curve_are_refused():
    with pytest.raises(cr.errors.InvalidInput, match="not a function of one z"):
        cr.LossDisplay("indicator")
    with pytest.raises(cr.errors.UnknownName):
        cr.LossDisplay("cross_entropy", over="x")


# --- weights and distributions -----------------------------------------------------------------


def test_weights_are_those_of_the_model(moons):
    model = cr.MLPClassifier((6,), solver="lbfgs", max_iter=500, tol=0.1).fit(*moons)
    display = cr.WeightsDisplay.from_estimator(model)
    for image, W, b in zip(display.images, model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_array_equal(image, np.column_stack([b, W.T]))
    drawn = [ax.get_images()[0] for ax in display.axes_.ravel()]
    largest = max(np.abs(image).max() for image in display.images)
    for artist, image in zip(drawn, display.images, strict=True):
        np.testing.assert_array_equal(artist.get_array(), image)
        assert artist.get_clim() == (-largest, largest)  # 0 is in the middle of the colors


def test_first_weights_of_digits_are_pictures():
    net = cr.Network([64, 30, 10], dtype="float64")
    display = cr.WeightsDisplay.from_estimator(net, image_shape=(8, 8))
    assert len(display.images) == 25  # of 30, as the scale says
    assert "1 to 25 of 30" in display.figure_.axes[-1].get_ylabel()
    for i, image in enumerate(display.images):
        np.testing.assert_array_equal(image.ravel(), net.weights[0][:, i])
    whole = cr.WeightsDisplay(net, layer=3)
    assert [image.shape for image in whole.images] == [(10, 31)]
    with pytest.raises(cr.errors.InvalidParameter, match="product is 64"):
        cr.WeightsDisplay(net, image_shape=(8, 9))
    with pytest.raises(cr.errors.InvalidParameter, match="layer must be from 2"):
        cr.WeightsDisplay(net, layer=1)


def test_distributions_hold_every_value(moons):
    X, y = moons
    model = make_pipeline(
        StandardScaler(), cr.MLPClassifier((5, 4), "relu", solver="lbfgs", max_iter=500, tol=0.1)
    ).fit(X, y)
    display = cr.DistributionDisplay.from_estimator(model, X, y, bins=20)
    trace = model[-1].network_.trace(model[:-1].transform(X), y)
    for name, layers in (("z", trace.z), ("a", trace.a[1:]), ("delta", trace.delta)):
        for layer, values in enumerate(layers):
            np.testing.assert_allclose(display.values[name][layer], values.ravel(), atol=1e-12)
            counts, edges = display.counts[name][layer], display.edges[name][layer]
            assert counts.sum() == values.size
            inside = [
                ((values >= low) & (values < high)).sum()
                for low, high in itertools.pairwise(edges[:-1])
            ]
            assert np.abs(counts[:-1] - inside).max() <= 1  # a value on a border, rounded
    assert display.axes_.shape == (3, 3)
    assert cr.DistributionDisplay.from_estimator(model, X).axes_.shape == (3, 2)


# --- regions -----------------------------------------------------------------------------------


def test_regions_are_what_the_model_says(moons):
    import pandas as pd

    X, y = moons
    table = pd.DataFrame({"east": X[:, 0], "north": X[:, 1], "useless": X[:, 0] * 0 + 3})
    labels = np.array(["no", "yes", "or"])[(y + (X[:, 0] > 1)).astype(int)]
    model = make_pipeline(
        StandardScaler(), cr.MLPClassifier((8,), solver="lbfgs", max_iter=500, tol=0.1)
    ).fit(table, labels)
    display = cr.DecisionRegionDisplay.from_estimator(
        model, table, labels, features=("north", "east"), grid_resolution=11
    )
    grid = pd.DataFrame({"east": display.xx1.ravel(), "north": display.xx0.ravel(), "useless": 3.0})
    predicted = np.array(display.names)[display.response.ravel()]
    np.testing.assert_array_equal(predicted, model.predict(grid))
    assert display.ax_.get_xlabel() == "north"
    points = [line for line in display.ax_.get_lines() if line.get_label() in display.names]
    assert sum(len(line.get_xdata()) for line in points) == len(X)
    for line in points:
        np.testing.assert_array_equal(line.get_ydata(), X[labels == line.get_label(), 0])


def test_a_network_and_its_estimator_have_one_picture(moons):
    X, y = moons
    model = cr.MLPClassifier((5,), solver="lbfgs", max_iter=500, tol=0.1).fit(X, y)
    one = cr.DecisionRegionDisplay.from_estimator(model, X, y, grid_resolution=9)
    other = cr.DecisionRegionDisplay.from_estimator(model.network_, X, y, grid_resolution=9)
    assert one.kind == other.kind == "probability"
    np.testing.assert_allclose(one.response, other.response)
    grid = np.column_stack([one.xx0.ravel(), one.xx1.ravel()])
    np.testing.assert_allclose(one.response.ravel(), model.predict_proba(grid)[:, 1])


def test_a_polars_table_is_drawn_too(moons):
    import polars as pl

    X, y = moons
    table = pl.DataFrame({"east": X[:, 0], "north": X[:, 1]})
    model = cr.MLPClassifier((3,), solver="lbfgs", max_iter=500, tol=0.1).fit(table, y)
    display = cr.DecisionRegionDisplay.from_estimator(model, table, y, grid_resolution=5)
    assert display.ax_.get_ylabel() == "north"


def test_an_output_is_drawn_where_there_are_no_classes(moons):
    X, y = moons
    model = cr.MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=500, tol=0.1)
    model.fit(X, np.column_stack([y, 2 * y]))
    with pytest.raises(cr.errors.InvalidInput, match="choose one to draw"):
        cr.DecisionRegionDisplay.from_estimator(model, X)
    display = cr.DecisionRegionDisplay.from_estimator(model, X, output=1, grid_resolution=5)
    grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    np.testing.assert_allclose(display.response.ravel(), model.predict(grid)[:, 1])
    for features in ((0, 0), (0, 2), ("a", "b")):
        with pytest.raises(cr.errors.InvalidParameter, match="feature"):
            cr.DecisionRegionDisplay.from_estimator(model, X, features=features)
    with pytest.raises(cr.errors.InvalidInput, match="dense table of numbers"):
        cr.DecisionRegionDisplay.from_estimator(model, [["a", 1.0], ["b", 2.0]])
    with pytest.raises(cr.errors.InvalidInput, match="at least two features"):
        cr.DecisionRegionDisplay.from_estimator(model, X[:, :1])


# --- the cost ----------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["gradient", "random", 3, "array"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_cost_and_its_slope_along_a_line(moons, direction, weighted, random):
    X, y = moons
    weight = random.uniform(0, 2, len(X)) if weighted else None
    net = cr.Network([2, 4, 2], dtype="float64", seed=1)
    learner = cr.Learner(net, cr.SGD(0.1), l2=0.3, l1=0.1)
    given = random.normal(size=net.n_parameters) if direction == "array" else direction
    before = net.theta.copy()
    t = 1e-5
    display = cr.CostDisplay.from_estimator(
        learner, X, y, given, span=(-t, t), n_points=3, sample_weight=weight
    )
    trace = net.trace(X, y, weight, l2=0.3, l1=0.1)
    np.testing.assert_allclose(display.costs[1], trace.cost, rtol=1e-12)
    slope = (display.costs[2] - display.costs[0]) / (2 * t)
    np.testing.assert_allclose(display.slopes, [slope], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(net.theta, before)
    np.testing.assert_array_equal(display.line_.get_ydata(), display.costs)


def test_a_plane_holds_its_lines(moons):
    X, y = moons
    net = cr.Network([2, 4, 2], dtype="float64", seed=1)
    plane = cr.CostDisplay.from_estimator(net, X, y, "random", 5, n_points=7, span=(-2, 2))
    assert plane.costs.shape == (7, 7)
    for costs, direction in ((plane.costs[3], "random"), (plane.costs[:, 3], 5)):
        line = cr.CostDisplay.from_estimator(net, X, y, direction, n_points=7, span=(-2, 2))
        np.testing.assert_allclose(costs, line.costs, rtol=1e-12)
    assert plane.labels == ("t, in a random direction", "u, added to $w_{21}^{(2)}$")
    assert net.theta[5] == net.weights[0][0, 1]


def test_the_logarithm_makes_one_node_convex_and_the_square_does_not():
    # Blog image 15, and why the log: the second differences tell.
    X, y = [[1.0], [2.0], [-1.0], [-3.0]], [1, 0, 0, 0]
    bends = {}
    for loss in ("cross_entropy", "logistic_squared_error"):
        net = cr.Network([1, 1], loss=loss, init="zeros", dtype="float64")
        display = cr.CostDisplay.from_estimator(net, X, y, 1, span=(-10, 10))
        bends[loss] = np.diff(display.costs, 2)
    assert bends["cross_entropy"].min() > 0
    assert bends["logistic_squared_error"].min() < -1e-4


def test_the_cost_of_steps_is_made_of_plains(moons):
    # A step cannot learn: almost everywhere the cost does not change with a weight.
    X, y = moons
    net = cr.Network([2, 4, 1], "step", "squared_error", dtype="float64", seed=1)
    display = cr.CostDisplay.from_estimator(net, X[:5], y[:5], 4, span=(-2, 2))
    assert len(np.unique(display.costs.round(12))) <= 6
    assert np.isnan(display.slopes).all()
    with pytest.raises(cr.errors.NotTrainable):
        cr.CostDisplay.from_estimator(net, X, y)


def test_directions_that_do_not_exist_are_refused(moons):
    X, y = moons
    net = cr.Network([2, 2], init="zeros", dtype="float64")
    draw = cr.CostDisplay.from_estimator
    with pytest.raises(cr.errors.InvalidParameter, match="0 to 5"):
        draw(net, X, y, 6)
    with pytest.raises(cr.errors.UnknownName, match="did you mean 'gradient'"):
        draw(net, X, y, "gradeint")
    with pytest.raises(cr.errors.InvalidInput, match="theta's shape"):
        draw(net, X, y, np.zeros(5))
    with pytest.raises(cr.errors.InvalidInput, match="gradient is 0"):
        draw(net, [[0.0, 0.0]] * 2, [0, 1])
    with pytest.raises(cr.errors.InvalidParameter, match="low < high"):
        draw(net, X, y, span=(1, -1))
    with pytest.raises(cr.errors.InvalidInput, match="give y"):
        draw(net, X, None)
