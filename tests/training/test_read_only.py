"""Weights that cannot be written into: training and assigning copy them, reading does not."""

import copy
import pickle
import warnings
from functools import partial

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3))
Y = X @ [1.0, -2.0, 0.5]
CLASSES = np.where(Y > 0, "yes", "no")
ROW, TARGET = X[0].astype("float32"), Y[:1].astype("float32")


# --- how weights become read-only ---


def network_of(model):
    if isinstance(model, cr.Network):
        return model
    if isinstance(model, cr.Learner):
        return model.net
    last = model[-1] if hasattr(model, "steps") else model
    return getattr(last, "best_estimator_", last).network_


def locked(model, _):
    network_of(model).theta.setflags(write=False)
    return model


def locked_with_views(model, _):
    net = network_of(model)
    for array in (net.theta, *net.weights, *net.biases, *net.thetas):
        array.setflags(write=False)
    return model


def mapped(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib", mmap_mode="r")


def out_of_band(model, _, shift=0):
    buffers = []
    content = pickle.dumps(model, protocol=5, buffer_callback=buffers.append)
    raw = [memoryview(bytes(shift) + bytes(buffer.raw()))[shift:] for buffer in buffers]
    return pickle.loads(content, buffers=raw)


WAYS = {
    "locked": locked,
    "locked with its views": locked_with_views,
    "mapped": mapped,
    "out of band": out_of_band,
    "out of band, not aligned": partial(out_of_band, shift=1),
}
in_every_way = pytest.mark.parametrize("way", WAYS)


def network():
    return cr.Network([3, 4, 1], loss="squared_error", seed=1)


def views_fit(net):
    """Whether all views are of theta: what is written into one is seen in the other."""
    flat = np.concatenate(
        [np.vstack([b, W]).ravel() for W, b in zip(net.weights, net.biases, strict=True)]
    )
    seen = np.array_equal(flat, net.theta)
    net.theta[0] += 1
    moved = net.biases[0][0] == net.theta[0] == net.thetas[0][0, 0]
    net.theta[0] -= 1
    return bool(seen and moved)


# --- networks and learners ---


def fits(net, **settings):
    cr.Learner(net, **settings).fit(X, Y, epochs=2)


def steps_rows(net):
    learner = cr.Learner(net)
    for _ in range(3):
        learner.step(ROW, TARGET)
        net.theta.setflags(write=False)
    learner.step(ROW, TARGET)


def locks_in_a_callback(net, **settings):
    def lock(learner, _):
        learner.net.theta.setflags(write=False)

    stop = cr.EarlyStopping(X, Y)
    cr.Learner(net, **settings).fit(X, Y, epochs=3, callbacks=[lock, stop])


def sets(net, views, shape):
    getattr(net, views)[0] = np.full(shape, 0.25)


CHANGES = {
    "fit": fits,
    "fit by the reference": partial(fits, engine="reference"),
    "decay by the reference": partial(fits, optimizer=cr.AdamW(0.01), engine="reference"),
    "step": lambda net: cr.Learner(net).step(X, Y),
    "steps of a row": steps_rows,
    "early stopping": lambda net: cr.Learner(net).fit(
        X, Y, epochs=3, callbacks=[cr.EarlyStopping(X, Y)]
    ),
    "locked in a callback": locks_in_a_callback,
    "locked in a callback of the reference": partial(locks_in_a_callback, engine="reference"),
    "theta = ...": lambda net: setattr(net, "theta", np.linspace(0, 1, net.n_parameters)),
    "weights[0] = ...": partial(sets, views="weights", shape=(3, 4)),
    "biases[0] = ...": partial(sets, views="biases", shape=4),
    "thetas[0] = ...": partial(sets, views="thetas", shape=(4, 4)),
}


@in_every_way
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_that_of_a_writable_network(way, change, tmp_path):
    expected, net = network(), WAYS[way](network(), tmp_path)
    lists = net.weights, net.biases, net.thetas
    CHANGES[change](expected)
    CHANGES[change](net)
    net.parameters.make_writable()  # it may have been locked again at the end
    assert net.theta.tobytes() == expected.theta.tobytes()
    assert views_fit(net)
    # Lists that were taken before hold the new arrays.
    assert all(mine is new for mine, new in zip(lists[0], net.weights, strict=True))
    assert lists == (net.weights, net.biases, net.thetas)


@pytest.mark.parametrize("way", [way for way in WAYS if "aligned" not in way])  # copied at once
@pytest.mark.parametrize("change", CHANGES)
def test_the_locked_memory_is_not_written(way, change, tmp_path):
    net = WAYS[way](network(), tmp_path)
    theta, before = net.theta, net.theta.tobytes()
    CHANGES[change](net)
    assert theta.tobytes() == before
    assert net.theta is not theta


READINGS = {
    "hypotheses": lambda net, _: net(X),
    "hypothesis of a row": lambda net, _: (net(X), net(ROW)),
    "trace": lambda net, _: net.trace(X, Y),
    "check": lambda net, _: cr.check_gradients(net, X, Y),
    "explain": lambda net, _: cr.explain(net, X[:2], Y[:2]).text(),
    "save": lambda net, folder: (cr.save(net, folder / "a"), net.save(folder / "b")),
    "onnx": lambda net, _: pytest.importorskip("onnx") and cr.to_onnx(net),
    "c": lambda net, _: cr.to_c(net),
    "js": lambda net, _: cr.to_js(net),
    "copies": lambda net, _: (net.copy(), copy.copy(net), copy.deepcopy(net), pickle.dumps(net)),
    "a learner": lambda net, _: repr(cr.Learner(net)),
}


@in_every_way
@pytest.mark.parametrize("reading", READINGS)
def test_reading_copies_nothing(way, reading, tmp_path):
    net = WAYS[way](network(), tmp_path)
    theta = net.theta
    READINGS[reading](net, tmp_path)
    assert net.theta is theta
    assert theta.tobytes() == network().theta.tobytes()


def test_a_writable_network_keeps_its_memory():
    net = network()
    theta, W = net.theta, net.weights[0]
    for change in CHANGES.values():
        net.theta.setflags(write=True)
        if change not in (steps_rows, locks_in_a_callback) and not isinstance(change, partial):
            change(net)
    net.weights[0] = np.ones((3, 4))
    assert net.theta is theta
    assert (W == 1).all()


def test_a_view_that_was_locked_alone_is_replaced():
    for change in CHANGES.values():
        net, expected = network(), network()
        net.weights[0].setflags(write=False)
        change(net)
        change(expected)
        net.parameters.make_writable()
        assert net.theta.tobytes() == expected.theta.tobytes()
        assert views_fit(net)


def test_views_of_a_network_that_is_gone_say_so():
    net = locked_with_views(network(), None)
    weights = net.weights
    del net
    with pytest.raises(cr.errors.InvalidInput, match="entry 0 is read-only"):
        weights[0] = np.ones((3, 4))


def test_parameters_of_the_other_byte_order_are_read():
    net = network()
    state = net.parameters.__getstate__()
    other = state["theta"].astype(state["theta"].dtype.newbyteorder())
    net.parameters.__setstate__({**state, "theta": other})
    assert net.theta.dtype.isnative
    assert net.theta.tobytes() == network().theta.tobytes()


def trained_learner(optimizer=None, engine="auto"):
    learner = cr.Learner(network(), optimizer, batch_size=None, engine=engine)
    learner.fit(X, Y, epochs=2)
    return learner


LEARNERS = {
    "Adam": cr.Adam(0.01),
    "Nadam": cr.Nadam(0.01),
    "momentum": cr.SGD(0.01, momentum=0.9),
    "Rprop": cr.Rprop(0.01),
}


@in_every_way
@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("optimizer", LEARNERS)
def test_a_learner_takes_the_next_steps_of_a_writable_one(way, engine, optimizer, tmp_path):
    expected = trained_learner(LEARNERS[optimizer], engine)
    learner = WAYS[way](trained_learner(LEARNERS[optimizer], engine), tmp_path)
    learner.save(tmp_path / "learner")
    for each in (expected, learner):
        if optimizer != "Rprop":
            each.step(ROW, TARGET)
        each.step(X, Y)
        each.fit(X, Y, epochs=2)
    assert learner.net.theta.tobytes() == expected.net.theta.tobytes()


@in_every_way
def test_a_checkpoint_is_resumed_into_it(way, tmp_path):
    path = tmp_path / "run.ckpt"
    whole = cr.Learner(network())
    whole.fit(X, Y, epochs=5)
    cr.Learner(network()).fit(X, Y, epochs=3, checkpoint=path)
    net = WAYS[way](network(), tmp_path)
    cr.Learner(net).fit(X, Y, epochs=5, checkpoint=path, resume=True)
    assert net.theta.tobytes() == whole.net.theta.tobytes()


# --- estimators ---

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
MODELS = {
    "regressor": lambda: cr.MLPRegressor(**SMALL).fit(X, Y),
    "regressor, partly": lambda: cr.MLPRegressor(**SMALL).partial_fit(X, Y),
    "classifier": lambda: cr.MLPClassifier(**SMALL).fit(X, CLASSES),
    "lbfgs": lambda: cr.MLPRegressor(**SMALL, solver="lbfgs").fit(X, Y),
    "early stopping": lambda: cr.MLPRegressor(**SMALL, early_stopping=True).fit(X, Y),
}


def targets_of(model):
    return CLASSES if hasattr(model, "classes_") else Y


def partly(model, folder):
    model.set_params(early_stopping=False)
    if "lbfgs" in repr(model):
        model.set_params(solver="adam")
    return model.partial_fit(X, targets_of(model))


def warmly(model, folder, **settings):
    given = {"X_val": X, "y_val": targets_of(model)} if settings.pop("validated", False) else {}
    return model.set_params(warm_start=True, **settings).fit(X, targets_of(model), **given)


def saved(model, folder):
    cr.save(model, folder / "model")
    return cr.load(folder / "model")


def assigned(model, folder):
    model.coefs_ = [W + 1 for W in model.coefs_]
    model.intercepts_ = [b + 1 for b in model.intercepts_]
    return model


ACTS = {
    "fit": lambda model, _: model.fit(X, targets_of(model)),
    "partial_fit": partly,
    "warm start": warmly,
    "warm start with lbfgs": partial(warmly, solver="lbfgs", early_stopping=False),
    "warm start with early stopping": partial(warmly, solver="adam", early_stopping=True),
    "warm start with validation data": partial(
        warmly, solver="adam", early_stopping=True, validated=True
    ),
    "predict": lambda model, _: model,
    "save": saved,
    "save, partial_fit": lambda model, folder: partly(saved(model, folder), folder),
    "coefs_ = ...": assigned,
    "clone": lambda model, _: clone(model).fit(X, targets_of(model)),
    "deepcopy": lambda model, _: partly(copy.deepcopy(model), _),
    "onnx": lambda model, _: pytest.importorskip("onnx") and (cr.to_onnx(model), model)[1],
    "c": lambda model, _: (cr.to_c(model), model)[1],
}


@pytest.mark.parametrize("way", ["locked", "mapped", "out of band"])
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", MODELS)
def test_an_estimator_does_as_a_writable_one(way, act, name, tmp_path):
    expected = ACTS[act](MODELS[name](), tmp_path)
    model = ACTS[act](WAYS[way](MODELS[name](), tmp_path), tmp_path)
    assert np.array_equal(model.predict(X), expected.predict(X))


def pipeline():
    return make_pipeline(StandardScaler(), cr.MLPRegressor(**SMALL)).fit(X, Y)


def encoded():
    numbers = np.arange(24).reshape(12, 2) % 5
    return make_pipeline(OneHotEncoder(), cr.MLPRegressor(**SMALL)).fit(numbers, Y[:12])


def cross_validated():
    return cr.MLPRegressorCV(alphas=[0.1, 1.0], cv=2, **SMALL).fit(X, Y)


@in_every_way
@pytest.mark.parametrize("make", [pipeline, encoded, cross_validated])
def test_what_holds_an_estimator_is_saved(way, make, tmp_path):
    rows = np.array([[0, 1], [2, 3]]) if make is encoded else X
    model = WAYS[way](make(), tmp_path)
    assert np.array_equal(saved(model, tmp_path).predict(rows), make().predict(rows))


def test_what_cannot_be_saved_is_still_named(tmp_path):
    model = mapped(cr.MLPRegressor(**SMALL).fit(X, Y), tmp_path)
    model.kept_ = np.memmap(tmp_path / "raw", np.float64, "w+", shape=3)
    model.own_ = lambda: None
    with pytest.raises(cr.errors.InvalidInput, match="cannot be saved"):
        cr.save(model, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def trained_on(model):
    return model.partial_fit(X, Y).predict(X)


@pytest.mark.parametrize("backend", ["multiprocessing", "threading"])
def test_workers_of_joblib_train_what_they_are_handed(backend):
    # Large enough for joblib to map it, or told so.
    model = cr.MLPRegressor(**SMALL).partial_fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python's, about forks beside threads
        found = joblib.Parallel(2, backend=backend, max_nbytes=1)(
            joblib.delayed(trained_on)(copy.deepcopy(model) if backend == "threading" else model)
            for _ in range(2)
        )
    expected = trained_on(model)
    assert all(np.array_equal(each, expected) for each in found)


# --- data ---


def memory_map(array, folder):
    name = folder / f"{np.random.default_rng().integers(2**60)}.npy"
    np.save(name, array)
    return np.load(name, mmap_mode="r")


def read_only(array, _):
    array = array.copy()
    array.setflags(write=False)
    return array


@pytest.mark.parametrize("how", [memory_map, read_only])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_data_may_be_read_only(how, solver, dtype, tmp_path):
    weight = RNG.uniform(0.5, 1, 24)
    given = [how(array.astype(dtype), tmp_path) for array in (X, Y, weight)]
    model = cr.MLPRegressor(**SMALL, solver=solver).fit(given[0], given[1], given[2])
    plain = cr.MLPRegressor(**SMALL, solver=solver).fit(
        X.astype(dtype), Y.astype(dtype), weight.astype(dtype)
    )
    assert np.array_equal(model.predict(given[0]), plain.predict(X.astype(dtype)))
    for engine in ("native", "reference"):
        learner, expected = (cr.Learner(network(), engine=engine) for _ in range(2))
        stop = cr.EarlyStopping(given[0], given[1], sample_weight=given[2])
        learner.fit(given[0], given[1], sample_weight=given[2], epochs=2, callbacks=[stop])
        expected.fit(X, Y, sample_weight=weight, epochs=2, callbacks=[cr.EarlyStopping(X, Y)])
        learner.step(given[0], given[1], given[2])
        learner.step(given[0][0], given[1][:1])
        assert np.isfinite(learner.net.theta).all()
