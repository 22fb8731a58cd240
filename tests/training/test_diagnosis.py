"""Each diagnosis fires on a case made for it, once, with the remedy, and on nothing else."""

import warnings

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
    make_classification,
    make_friedman1,
    make_friedman3,
    make_regression,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.errors import (
    DeadRectifiers,
    Diverged,
    LearningRateTooLarge,
    SaturatedSigmoids,
    UnscaledInputs,
    UnscaledTarget,
)

ENGINES = ("native", "reference")
X, Y = make_classification(200, 6, random_state=0)


def heard(fit):
    """The diagnoses of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit()
    return [each for each in caught if issubclass(each.category, cr.TrainingWarning)]


def kinds(fit):
    return [each.category for each in heard(fit)]


def learner(optimizer=None, engine="native", activation="relu", seed=0, **settings):
    net = cr.Network([6, 20, 2], activation=activation, loss="log_loss", seed=seed)
    return cr.Learner(net, optimizer or cr.Adam(1e-3), engine=engine, **settings)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_healthy_fit_is_silent(engine):
    for activation in ("relu", "tanh", "logistic"):
        one = learner(engine=engine, activation=activation)
        assert kinds(lambda one=one: one.fit(X, Y, epochs=20)) == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("scale", [1e-5, 1e4])
def test_unscaled_inputs(engine, scale):
    (said,) = heard(lambda: learner(engine=engine).fit(X * scale, Y, epochs=1))
    assert said.category is UnscaledInputs
    assert "StandardScaler" in str(said.message)
    assert said.filename == __file__


@pytest.mark.parametrize("columns", [None, list("abcdef")])
@pytest.mark.parametrize("sparse", [False, True])
def test_unscaled_columns_are_named(columns, sparse):
    import pandas as pd
    from scipy.sparse import csr_array

    table = X.copy()
    table[:, [1, 4]] *= 1000
    given = csr_array(table) if sparse else table
    if columns is not None:
        given = pd.DataFrame(table, columns=columns)
    names = "'b' and 'e'" if columns else "1 and 4"
    models = [
        lambda: learner().fit(given, Y, epochs=1),
        lambda: cr.MLPClassifier(max_iter=1).fit(given, Y),
        lambda: cr.MLPClassifier(max_iter=1).partial_fit(given, Y, classes=[0, 1]),
    ]
    for fit in models:
        (said,) = heard(fit)
        assert f"columns {names} have" in str(said.message)


def test_only_a_few_of_many_columns_are_named():
    wide = np.random.default_rng(0).normal(size=(50, 30)) * 1e3
    (said,) = heard(lambda: cr.MLPRegressor(max_iter=1).fit(wide, wide[:, 0] / 1e3))
    assert "columns 0, 1, 2 and 27 more have" in str(said.message)


def test_one_large_value_in_a_million_rows_costs_nothing():
    many = np.zeros((100_000, 2), "float32")
    many[:, 0] = 1.0
    assert (
        kinds(
            lambda: cr.MLPRegressor(
                hidden_layer_sizes=2, max_iter=1, batch_size=10_000, random_state=0
            ).fit(many, many)
        )
        == []
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layer", [1, 2])
def test_dead_rectifiers(engine, layer):
    net = cr.Network([6, 20, 10, 2], activation="relu", loss="log_loss", seed=0)
    net.biases[layer - 1][:] = -100
    one = cr.Learner(net, cr.SGD(1e-3), engine=engine)
    (said,) = heard(lambda: one.fit(X, Y, epochs=5))
    assert said.category is DeadRectifiers
    n = (20, 10)[layer - 1]
    assert f"{n} of the {n} rectifiers of hidden layer {layer}" in str(said.message)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_saturated_sigmoids(engine, activation):
    net = cr.Network([6, 20, 10, 2], activation=activation, loss="log_loss", seed=0)
    net.weights[1][...] *= 1000
    one = cr.Learner(net, cr.SGD(1e-3), engine=engine)
    (said,) = heard(lambda: one.fit(X, Y, epochs=5))
    assert said.category is SaturatedSigmoids
    assert f"hidden layer 2 are at the flat ends of {activation}" in str(said.message)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimizer", [cr.SGD(5.0), cr.SGD(3.0, momentum=0.9), cr.Adam(10.0)])
def test_a_rate_that_is_too_large(engine, optimizer):
    one = learner(optimizer, engine=engine)
    (said,) = [
        each
        for each in heard(lambda: one.fit(X, Y, epochs=10))
        if each.category is LearningRateTooLarge
    ]
    assert f"{optimizer.learning_rate / 10:g}" in str(said.message)


T = (X[:, 0] - X[:, 1] ** 2) / 2


def targets(fit):
    """What is said of the targets."""
    return [str(said.message) for said in heard(fit) if said.category is UnscaledTarget]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize(("mean", "spread"), [(250_000, 130_000), (0, 5000), (2000, 10)])
def test_unscaled_targets(engine, loss, mean, spread):
    fits = [
        lambda: cr.MLPRegressor(loss, (5,), max_iter=1, engine=engine).fit(X, mean + spread * T),
        lambda: cr.MLPRegressor(loss, (5,), engine=engine).partial_fit(X, mean + spread * T),
        lambda: cr.Learner(cr.Network([6, 5, 1], loss=loss), engine=engine).fit(
            X, mean + spread * T, epochs=1
        ),
    ]
    for fit in fits:
        (said,) = targets(fit)
        assert "TransformedTargetRegressor(model, transformer=StandardScaler())" in said
        assert "y has values of about" in said


@pytest.mark.parametrize(("mean", "spread"), [(300, 10), (500, 300), (0, 0.01), (0.01, 0.002)])
def test_targets_that_turn_out_to_be_unscaled(mean, spread):
    fit = cr.MLPRegressor("squared_error", (5,), max_iter=30, random_state=0)
    (said,) = targets(lambda: fit.fit(X, mean + spread * T))
    assert "predicts it worse than its mean" in said
    assert fit.score(X, mean + spread * T) < 0


def test_of_several_targets_the_column_is_named():
    both = np.column_stack([T, 250_000 * T])
    (said,) = targets(lambda: cr.MLPRegressor(max_iter=1).fit(X, both))
    assert "column 1 of y has values" in said


@pytest.mark.parametrize(
    ("mean", "spread"), [(0, 1), (5, 2), (152, 77), (0, 150), (0, 190), (0, 0.1), (0, 0), (7, 0)]
)
def test_targets_of_a_usual_size_are_silent(mean, spread):
    for max_iter in (1, 30):
        model = cr.MLPRegressor(hidden_layer_sizes=5, max_iter=max_iter, random_state=0)
        assert targets(lambda model=model: model.fit(X, mean + spread * T)) == []


@pytest.mark.parametrize(
    "load", [load_diabetes, load_linnerud, make_friedman1, make_friedman3, make_regression]
)
def test_the_targets_of_bundled_data_are_silent(load):
    X, y = load(return_X_y=True) if "load" in load.__name__ else load(random_state=0)
    for max_iter in (1, 60):
        assert targets(lambda n=max_iter: cr.MLPRegressor(max_iter=n).fit(X, y)) == []


def test_where_large_targets_are_learned_all_is_silent():
    prices = 250_000 + 130_000 * T
    scaled = TransformedTargetRegressor(cr.MLPRegressor(max_iter=30), transformer=StandardScaler())
    assert targets(lambda: scaled.fit(X, prices)) == []
    trained = cr.MLPRegressor(
        hidden_layer_sizes=20,
        max_iter=800,
        learning_rate_init=0.05,
        warm_start=True,
        random_state=0,
    )
    assert targets(lambda: trained.fit(X, 300 + 300 * T)) == []
    net = cr.Network([6, 20, 1], "tanh", loss="squared_error", seed=0)
    net.biases[-1][:] = 2000  # whoever knows that sets the bias
    assert targets(lambda: cr.Learner(net, cr.Adam(0.01)).fit(X, 2000 + T, epochs=1)) == []
    counts = np.random.default_rng(0).poisson(3000, len(X))
    assert targets(lambda: cr.MLPRegressor("poisson", max_iter=30).fit(X, counts)) == []
    assert targets(lambda: cr.MLPRegressor(solver="lbfgs", max_iter=30).fit(X, prices)) == []


@pytest.mark.parametrize("kind", [cr.TrainingWarning, UnscaledInputs])
def test_a_kind_can_be_silenced(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", kind)
        learner().fit(X * 1e4, Y, epochs=1)


def test_the_calls_of_partial_fit_are_one_training():
    model = cr.MLPClassifier((5,))
    said = heard(lambda: [model.partial_fit(X * 1e4, Y, classes=[0, 1]) for _ in range(3)])
    assert [each.category for each in said] == [UnscaledInputs]


@pytest.mark.parametrize(
    "load", [load_iris, load_wine, load_breast_cancer, load_digits, load_diabetes]
)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_silent_on_the_bundled_data(load, solver, activation):
    X, y = load(return_X_y=True)
    kind = cr.MLPRegressor if load is load_diabetes else cr.MLPClassifier
    if kind is cr.MLPRegressor and solver == "sgd":
        y = (y - y.mean()) / y.std()
    model = kind(solver=solver, activation=activation, random_state=0, max_iter=50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("error", cr.TrainingWarning)
        make_pipeline(StandardScaler(), model).fit(X, y)
        if load in (load_iris, load_digits, load_diabetes):
            model.fit(X, y)  # of these, the columns are near 1 as they are


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_cost_that_is_no_number_stops_at_once_and_says_where(engine, dtype):
    net = cr.Network([6, 20, 10, 2], activation="relu", loss="log_loss", dtype=dtype, seed=0)
    net.weights[1][3, 4] = 1e30 if dtype == "float32" else 1e300
    net.weights[0][0, 3] = 1e20
    before = net.theta.copy()
    one = cr.Learner(net, cr.SGD(0.1), engine=engine, batch_size=None)
    with pytest.raises(Diverged) as error:
        one.fit(X, Y, epochs=100)
    said = str(error.value)
    assert "at step 1 (epoch 1)" in said
    assert "z is inf in hidden layer 2" in said
    assert f"the largest weight is {before.max():.3g}, in hidden layer 2" in said
    assert "Standardize X, or try a tenth of the rate" in said
    assert np.array_equal(net.theta, before)  # nothing was learned from such a cost
    assert len(one.history) == 0


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_no_thread_learns_from_a_cost_that_is_no_number(n_jobs):
    """Also where layers are shared out by columns; and the norm is the same on any number."""
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(256, 100)).astype("float32"), rng.integers(0, 10, 256)
    net = cr.Network([100, 256, 256, 10], activation="tanh", loss="log_loss", seed=0)
    one = cr.Learner(net, cr.SGD(0.1), batch_size=128, n_jobs=n_jobs, engine="native", l2=0.1)
    norms = [record["gradient_norm"] for record in one.fit(rows, labels, epochs=3)]
    alone = cr.Network([100, 256, 256, 10], activation="tanh", loss="log_loss", seed=0)
    other = cr.Learner(alone, cr.SGD(0.1), batch_size=128, n_jobs=1, engine="native", l2=0.1)
    assert norms == [record["gradient_norm"] for record in other.fit(rows, labels, epochs=3)]
    net.biases[-1][0] = np.inf
    before = net.theta.copy()
    with pytest.raises(Diverged, match="a weight is inf in the output layer"):
        one.fit(rows, labels, epochs=2)
    assert np.array_equal(net.theta, before)


def test_the_estimators_say_where_too():
    model = cr.MLPRegressor(
        hidden_layer_sizes=10, solver="sgd", learning_rate_init=1.0, max_iter=50
    )
    with pytest.raises(Diverged, match="in the output layer; the largest weight is"):
        model.fit(X, 1e3 * Y)


@pytest.mark.parametrize("row", [True, False])
def test_a_step_says_where(row):
    net = cr.Network([1, 2, 1], loss="squared_error", activation="identity", seed=0)
    one = cr.Learner(net, cr.SGD(1e20))
    x, y = np.ones(1, "float32"), np.ones(1, "float32")
    one.step(x if row else x[None], y if row else y[None])
    with pytest.raises(
        Diverged, match=r"at step 2 .* in .* layer.*; the largest weight is .*, in "
    ):
        one.step(x if row else x[None], y if row else y[None])
