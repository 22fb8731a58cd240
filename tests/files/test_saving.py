"""`cr.save` and `cr.load`: every kind by its content, the same bits anywhere, whatever crashes."""

import os
import pickle
import random
import signal
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule as cr
from chainrule.errors import InvalidFile, InvalidInput
from chainrule.files import read_model

rng = np.random.default_rng(0)
N = 48
X = rng.normal(size=(N, 3))
CLASSES = np.arange(N) % 3
LABELS = {
    "texts": np.array(["no", "yes", "ünsure"])[CLASSES],
    "objects": np.array(["a", "b", "c"], dtype=object)[CLASSES],
    "whole numbers": CLASSES * 10 - 10,
    "small numbers": CLASSES.astype(np.int8),
    "floats": CLASSES.astype(float),
    "truths": CLASSES == 0,
    "two texts": np.array(["no", "yes"])[CLASSES % 2],
    "several": np.stack([CLASSES == 0, X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int),
}
VALUES = {"one": X[:, 0], "two": X[:, :2], "counts": CLASSES}
SOLVERS = ["sgd", "adam", "lbfgs"]
FAST = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, "batch_size": 16}


def quietly(function, *data, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs are no convergence
        return function(*data, **more)


def through_file(model, folder: Path):
    cr.save(model, folder / "file")
    return cr.load(folder / "file")


def check_same(back, model, inputs) -> None:
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(model, method) and (
            method != "transform" or getattr(model, "hidden_layer_sizes", 1) != ()
        ):
            ours, theirs = getattr(back, method)(inputs), getattr(model, method)(inputs)
            assert ours.dtype == theirs.dtype
            assert ours.tolist() == theirs.tolist()


def check_goes_on(back, model, inputs, targets) -> None:
    """Train both further, the ways there are."""
    for each in (back, model):
        if hasattr(each, "partial_fit") and not each.early_stopping:
            quietly(each.partial_fit, inputs, targets)
        quietly(each.set_params(warm_start=True).fit, inputs, targets)
    assert back.network_.theta.tobytes() == model.network_.theta.tobytes()
    assert getattr(back, "loss_curve_", None) == getattr(model, "loss_curve_", None)
    check_same(back, model, inputs)


@pytest.mark.parametrize(
    ("labels", "solver", "dtype"), [*product(LABELS, SOLVERS, ["float32", "float64"])]
)
def test_a_classifier_goes_on_as_if_never_saved(tmp_path, labels, solver, dtype):
    inputs = X.astype(dtype)
    model = cr.MLPClassifier(solver=solver, dropout=0.2 * (solver != "lbfgs"), **FAST)
    quietly(model.fit, inputs, LABELS[labels])
    back = through_file(model, tmp_path)
    check_same(back, model, inputs)
    assert back.classes_.dtype == model.classes_.dtype
    check_goes_on(back, model, inputs, LABELS[labels])


@pytest.mark.parametrize(
    ("values", "solver", "dtype"), [*product(VALUES, SOLVERS, ["float32", "float64"])]
)
def test_a_regressor_goes_on_as_if_never_saved(tmp_path, values, solver, dtype):
    inputs = X.astype(dtype)
    loss = "poisson" if values == "counts" else "squared_error"
    model = cr.MLPRegressor(loss=loss, solver=solver, l1=0.01, **FAST)
    quietly(model.fit, inputs, VALUES[values])
    back = through_file(model, tmp_path)
    check_same(back, model, inputs)
    check_goes_on(back, model, inputs, VALUES[values])


@pytest.mark.parametrize(
    "settings",
    [
        {"early_stopping": True, "validation_fraction": 0.3},
        {"solver": "sgd", "learning_rate": "invscaling", "momentum": 0.5},
        {"solver": "sgd", "learning_rate": "adaptive", "nesterovs_momentum": False},
        {"activation": ["gelu", "mish"], "hidden_layer_sizes": (4, 5)},
        {"hidden_layer_sizes": ()},
        {"class_weight": "balanced", "loss": "cross_entropy"},
        {"class_weight": {"no": 2.0, "yes": 1.0, "ünsure": 0.5}},
        {"engine": "reference", "batch_size": "auto"},
        {"random_state": None},
        {"random_state": np.random.RandomState(3)},
    ],
    ids=" ".join,
)
def test_settings_of_all_kinds(tmp_path, settings):
    model = quietly(cr.MLPClassifier(**FAST | settings).fit, X, LABELS["texts"])
    back = through_file(model, tmp_path)
    ours, theirs = back.get_params(), model.get_params()
    assert repr(ours.pop("random_state"))[:11] == repr(theirs.pop("random_state"))[:11]
    assert ours == theirs
    check_same(back, model, X)
    if settings.get("random_state", 0) is not None and "class_weight" not in settings:
        check_goes_on(back, model, X, LABELS["texts"])


TABLE = pd.DataFrame(
    {"length": X[:, 0], "width": X[:, 1], "color": ["red", "blue", None] * (N // 3)}
)
WORDS = [" ".join(np.array(["net", "layer", "node", "loss"])[row > 0]) + " x" for row in
         rng.normal(size=(N, 4))]  # fmt: skip


def test_pipelines_come_back(tmp_path):
    prepare = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["length", "width"]),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["color"]),
        ]
    )
    scaled = TransformedTargetRegressor(cr.MLPRegressor(**FAST), transformer=StandardScaler())
    for model, inputs, targets in [
        (make_pipeline(prepare, cr.MLPClassifier(**FAST)), TABLE, LABELS["texts"]),
        (make_pipeline(prepare, scaled), TABLE, X[:, 2] * 100),
        (make_pipeline(TfidfVectorizer(), cr.MLPClassifier(**FAST)), WORDS, LABELS["truths"]),
    ]:
        quietly(model.fit, inputs, targets)
        back = through_file(model, tmp_path)
        check_same(back, model, inputs)
        if hasattr(model, "feature_names_in_"):
            assert back.feature_names_in_.tolist() == model.feature_names_in_.tolist()
        quietly(back.fit, inputs, targets)
        check_same(back, model, inputs)


def test_long_curves_are_no_burden(tmp_path):
    """An estimator in a loop of partial fits has one of a million values."""
    model = quietly(cr.MLPRegressor(early_stopping=True, **FAST).fit, X, X[:, 0])
    model.loss_curve_ = rng.normal(size=1_000_000).tolist()
    model.validation_scores_ = [float("nan"), float("-inf"), 0.1]
    before = model.loss_curve_
    back = through_file(model, tmp_path)
    assert model.loss_curve_ is before
    assert type(back.loss_curve_) is type(back.validation_scores_) is list
    assert back.loss_curve_ == before
    assert repr(back.validation_scores_) == "[nan, -inf, 0.1]"


# Which kind it is


NET = cr.Network([3, 4, 3])
MODELS = {
    "network": NET,
    "learner": cr.Learner(NET),
    "estimator": cr.MLPClassifier(),
    "pipeline": make_pipeline(StandardScaler(), cr.MLPRegressor()),
}


@pytest.mark.parametrize("name", ["m", "m.pkl", "m.safetensors", "m.skops", "m.csv", ".zip", "ü"])
@pytest.mark.parametrize("kind", MODELS)
def test_the_kind_is_told_by_the_content(tmp_path, kind, name):
    for path in (tmp_path / name, str(tmp_path / name)):
        cr.save(MODELS[kind], path)
        assert type(cr.load(path)) is type(MODELS[kind])
        assert read_model(path)[1] is None
    assert os.listdir(tmp_path) == [name]


def test_a_file_replaces_one_of_another_kind(tmp_path):
    for model in (*MODELS.values(), *reversed(MODELS.values())):
        assert type(through_file(model, tmp_path)) is type(model)


@pytest.mark.parametrize(
    "thing", [NET.theta, NET.weights, [NET], {"net": NET}, None, 5, cr.Network]
)
def test_other_things_are_not_saved(tmp_path, thing):
    with pytest.raises(
        InvalidInput, match="holds an estimator, a Pipeline, a Network or a Learner"
    ):
        cr.save(thing, tmp_path / "file")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", MODELS)
def test_nothing_of_a_file_is_a_pickle(tmp_path, kind):
    cr.save(MODELS[kind], tmp_path / "file")
    content = (tmp_path / "file").read_bytes()
    for start in range(len(content)):
        if content[start : start + 1] == b"\x80" and content[start + 1 : start + 2] in b"\2\3\4\5":
            with pytest.raises(Exception):  # noqa: B017, PT011 - whatever a pickle raises
                pickle.loads(content[start:])


def test_a_checkpoint_is_no_model(tmp_path):
    cr.Learner(NET.copy()).fit(X, CLASSES, epochs=1, checkpoint=tmp_path / "run.ckpt")
    for load in (cr.load, cr.Network.load, cr.Learner.load):
        with pytest.raises(InvalidFile, match="resume=True"):
            load(tmp_path / "run.ckpt")


# The same elsewhere


ELSEWHERE = """
import sys, numpy as np, chainrule as cr
learner, estimator = map(cr.load, sys.argv[1:])
X = np.random.default_rng(1).normal(size=(50, 3))
print(learner.net(X).tobytes().hex(), estimator.predict_proba(X).tobytes().hex())
learner.fit(X, np.arange(50) % 3, epochs=2)
estimator.partial_fit(X, estimator.classes_[np.arange(50) % 3])
print(learner.net.theta.tobytes().hex(), estimator.network_.theta.tobytes().hex())
"""


def test_the_bits_are_the_same_in_other_processes_and_on_another_instruction_set(tmp_path, pythons):
    learner = cr.Learner(cr.Network([3, 20, 3], "gelu"), cr.Adam(), dropout=0.3, batch_size=9)
    learner.fit(X, CLASSES, epochs=3)
    estimator = quietly(cr.MLPClassifier(**FAST).fit, X.astype(np.float32), LABELS["texts"])
    paths = [str(tmp_path / "learner"), str(tmp_path / "estimator")]
    cr.save(learner, paths[0])
    cr.save(estimator, paths[1])
    said = []
    for level in ("v3", "v4", "neon"):
        done = pythons.run("-c", ELSEWHERE, *paths, env={"CHAINRULE_ISA": level})
        if "lacks" not in done.stderr:
            assert done.returncode == 0, done.stderr
            said.append(done.stdout.split())
    if not said:
        pytest.skip("no native engine here")
    X_new = np.random.default_rng(1).normal(size=(50, 3))
    answers = [learner.net(X_new), estimator.predict_proba(X_new)]
    learner.fit(X_new, np.arange(50) % 3, epochs=2)
    estimator.partial_fit(X_new, estimator.classes_[np.arange(50) % 3])
    answers += [learner.net.theta, estimator.network_.theta]
    for each in said:
        assert each == [answer.tobytes().hex() for answer in answers]


def test_an_estimator_travels_to_the_processes_of_a_pool_and_back():
    model = quietly(cr.MLPClassifier(**FAST).fit, X, LABELS["texts"])

    def train(estimator):
        theta = estimator.network_.theta
        arrays = [*estimator.coefs_, *estimator.intercepts_]
        views = all(np.shares_memory(array, theta) for array in arrays)
        estimator.coefs_[0][0, 0] += 1
        moved = theta[4] == estimator.coefs_[0][0, 0]
        estimator.coefs_[0][0, 0] -= 1
        return views and bool(moved), estimator.partial_fit(X, LABELS["texts"])

    loaded = pickle.loads(pickle.dumps(model))
    results = joblib.Parallel(n_jobs=2)(joblib.delayed(train)(each) for each in (model, loaded))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        results.append((True, pool.submit(model.partial_fit, X, LABELS["texts"]).result()))
    model.partial_fit(X, LABELS["texts"])
    for views, back in results:
        assert views
        assert back.network_.theta.tobytes() == model.network_.theta.tobytes()
        for array in [*back.coefs_, *back.intercepts_]:
            assert np.shares_memory(array, back.network_.theta)


# Crashes


SAVER = """
import sys, numpy as np, chainrule as cr
path, kind = sys.argv[1:]
net = cr.Network([40, 300, 2], seed=0)
model = cr.Learner(net) if kind == "learner" else net
if kind == "estimator":
    model = cr.MLPClassifier((300,), max_iter=1).fit(np.eye(40), np.arange(40) % 2)
    net = model.network_
print("ready", flush=True)
number = 0
while True:
    number += 1
    net.theta[...] = number
    cr.save(model, path)
"""


def kill_while_saving(pythons, folder: Path, kind: str, delay: float) -> None:
    """Kill a process that saves again and again, and open what is there."""
    path = folder / "file"
    with pythons.start("-c", SAVER, path, kind) as process:
        assert process.stdout.readline() == "ready\n"
        while not path.exists():
            time.sleep(0.001)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    model = cr.load(path)
    net = {"network": lambda: model, "learner": lambda: model.net}.get(
        kind, lambda: model.network_
    )()
    assert len({*net.theta.tolist()}) == 1  # all of one save
    others = [name for name in os.listdir(folder) if name != "file"]
    assert all(name.startswith(".chainrule-") and name.endswith(".part") for name in others)


@pytest.mark.parametrize("kind", ["network", "learner", "estimator"])
def test_a_kill_while_saving_leaves_a_file_that_opens(pythons, tmp_path, kind):
    for seed in range(2):
        kill_while_saving(pythons, tmp_path, kind, random.Random(f"{kind} {seed}").uniform(0, 0.05))


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["network", "learner", "estimator"])
def test_50_kills_while_saving_leave_a_file_that_opens(pythons, tmp_path, kind):
    for seed in range(2, 52):
        kill_while_saving(pythons, tmp_path, kind, random.Random(f"{kind} {seed}").uniform(0, 0.1))


def test_weights_of_booleans_come_back(tmp_path):
    labels = np.arange(len(X)) % 3 == 0
    model = cr.MLPClassifier(**FAST, class_weight={False: 1.0, True: 5.0})
    quietly(model.fit, X, labels)
    back = through_file(model, tmp_path)
    assert back.class_weight == {False: 1.0, True: 5.0}
    check_goes_on(back, model, X, labels)
