"""What holds for every picture: nothing cut off, legible in grey, drawn where it is asked for."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot as plt

import chainrule as cr
from chainrule.displays import style

X = np.random.default_rng(0).normal(size=(30, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
NET = cr.Network([2, 3, 2], dtype="float64", seed=1)
LEARNER = cr.Learner(NET, cr.SGD(0.1), batch_size=None)
HISTORY = LEARNER.fit(X, Y, epochs=5)

DRAWN = {
    "overview": lambda **k: cr.NetworkDisplay.from_estimator(NET, **k),
    "numbers": lambda **k: cr.NetworkDisplay.from_estimator(NET, X[0], Y[0], **k),
    "large": lambda **k: cr.NetworkDisplay.from_estimator(cr.Network([400, 50, 10], "relu"), **k),
    "curve": lambda **k: cr.LossCurveDisplay.from_estimator(LEARNER, **k),
    "validation": lambda **k: cr.LossCurveDisplay(
        [3, 2, 1.5, 1], validation_losses=[3, 2.5, 2.6, 2.7], validation_scores=[0.1, 0.5, 0.4, 0.4]
    ).plot(**k),
    "activations": lambda **k: cr.ActivationDisplay.from_names(["tanh", "relu", "step"], **k),
    "activation": lambda **k: cr.ActivationDisplay.from_estimator(NET, **k),
    "loss": lambda **k: cr.LossDisplay.from_loss(["cross_entropy", "squared_error"], **k),
    "weights": lambda **k: cr.WeightsDisplay.from_estimator(NET, **k),
    "pictures": lambda **k: cr.WeightsDisplay.from_estimator(
        cr.Network([64, 6, 2]), image_shape=(8, 8), **k
    ),
    "distributions": lambda **k: cr.DistributionDisplay.from_estimator(LEARNER, X, Y, **k),
    "regions": lambda **k: cr.DecisionRegionDisplay.from_estimator(
        NET, X, Y, grid_resolution=20, **k
    ),
    "classes": lambda **k: cr.DecisionRegionDisplay.from_estimator(
        cr.Network([2, 3]), X, grid_resolution=20, **k
    ),
    "line": lambda **k: cr.CostDisplay.from_estimator(NET, X, Y, n_points=9, **k),
    "plane": lambda **k: cr.CostDisplay.from_estimator(
        NET, X, Y, "gradient", "random", n_points=9, **k
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_cut_off(name):
    figure = DRAWN[name]().figure_
    figure.draw_without_rendering()
    box, (wide, high) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 > -0.02
    assert box.y0 > -0.02
    assert box.x1 < wide + 0.02
    assert box.y1 < high + 0.02


@pytest.mark.parametrize("name", DRAWN)
def test_it_is_drawn_in_the_axes_given(name):
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    display = DRAWN[name](ax=right)
    assert display.ax_ is right
    assert display.figure_ is right.figure
    assert not left.has_data()
    assert display.plot().figure_ is not right.figure  # and anew without


@pytest.mark.parametrize("light_part", [1.0, 0.55])
def test_colors_rise_in_grey(light_part):
    shades = plt.get_cmap(style.COLOR_MAP)(np.linspace(0, 1, 256))[:, :3]
    grey = [style.luminance(light_part * shade + 1 - light_part) for shade in shades]
    assert np.all(np.diff(grey) > 0)
    assert grey[-1] - grey[0] > 0.4


@pytest.mark.parametrize("n", range(2, 9))
def test_classes_differ_in_grey_and_in_shape(n):
    grey = [style.luminance(color) ** (1 / 2.2) for color in style.class_colors(n)]
    assert np.diff(grey).min() > 0.3 / n
    assert len(set(style.CLASS_MARKERS[:n])) == n


def test_lines_differ_without_color():
    assert len({str(stroke) for _, stroke in style.STROKES}) == len(style.STROKES)
    for color, _ in style.STROKES:
        assert style.luminance(color) < 0.3  # dark enough on white paper
    for color in (style.POSITIVE, style.NEGATIVE, style.INK, style.SOFT):
        contrast = 1.05 / (style.luminance(color) + 0.05)
        assert contrast > 4  # text in these colors reads on white


@pytest.mark.parametrize("value", np.linspace(0, 1, 21))
def test_numbers_read_on_every_color(value):
    color = plt.get_cmap(style.COLOR_MAP)(value)
    ink, paper = style.luminance(style.ink_on(color)), style.luminance(color)
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) > 3.9


def test_without_matplotlib_one_sentence_says_what_to_install():
    code = """
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.pyplot"] = None
import chainrule as cr
net = cr.Network([2, 3, 2])
tries = [
    lambda: cr.NetworkDisplay.from_estimator(net),
    lambda: cr.LossCurveDisplay.from_estimator(net),
    lambda: cr.ActivationDisplay.from_names("tanh"),
    lambda: cr.ActivationDisplay.from_estimator(net),
    lambda: cr.LossDisplay.from_loss("log_loss"),
    lambda: cr.WeightsDisplay.from_estimator(net),
    lambda: cr.DistributionDisplay.from_estimator(net, [[1, 2]]),
    lambda: cr.DecisionRegionDisplay.from_estimator(net, [[1, 2], [3, 4]]),
    lambda: cr.CostDisplay.from_estimator(net, [[1, 2]], [1]),
]
for draw in tries:
    try:
        draw()
    except cr.errors.MissingExtra as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 9
    assert set(lines) == {
        "Pictures are drawn with matplotlib, which is not installed here: "
        "pip install matplotlib, or pip install '.[all]' in the checkout of chainrule."
    }


@pytest.mark.parametrize(
    "draw",
    [
        cr.NetworkDisplay.from_estimator,
        cr.LossCurveDisplay.from_estimator,
        cr.ActivationDisplay.from_estimator,
        cr.WeightsDisplay.from_estimator,
        lambda model: cr.DistributionDisplay.from_estimator(model, X, Y),
        lambda model: cr.DecisionRegionDisplay.from_estimator(model, X, Y),
        lambda model: cr.CostDisplay.from_estimator(model, X, Y),
    ],
)
def test_other_models_are_refused(draw):
    from sklearn.exceptions import NotFittedError
    from sklearn.linear_model import LinearRegression

    with pytest.raises(TypeError, match="Got LinearRegression instead"):
        draw(LinearRegression())
    with pytest.raises(NotFittedError):
        draw(cr.MLPClassifier())


def test_a_model_that_was_chosen_is_opened():
    from sklearn.base import clone
    from sklearn.exceptions import NotFittedError
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    settings = {"hidden_layer_sizes": (3,), "solver": "lbfgs", "tol": 0.1, "random_state": 0}
    alone = cr.MLPClassifierCV(**settings, alphas=[0.1, 1], cv=2)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), cr.MLPClassifier(**settings)),
        {"mlpclassifier__alpha": [0.1, 1]},
        cv=2,
    )
    for model in (alone, make_pipeline(StandardScaler(), clone(alone)), search):
        with pytest.raises(NotFittedError):
            cr.WeightsDisplay.from_estimator(model)
        model.fit(X, Y)
        display = cr.DistributionDisplay.from_estimator(model, X, Y)
        h = np.asarray(display.values["a"][-1])
        np.testing.assert_allclose(h, model.predict_proba(X)[:, 1], atol=1e-12)
