"""Inputs, the penalty and the epoch are chosen by data, and the model says so."""

import json

import numpy as np
import polars as pl
import pytest
from sklearn.feature_selection import mutual_info_classif
from sklearn.metrics import accuracy_score, get_scorer, log_loss
from sklearn.model_selection import train_test_split

import chainrule as cr
from chainrule.cli.choosing import _Counted
from chainrule.cli.tables.target import TASKS

FAST = ("--epochs", 15, "--hidden", 4, "--learning-rate", 0.03, "--model", "m")


@pytest.fixture
def noisy() -> pl.DataFrame:
    """Two columns and a text that carry the target, six columns of noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 8))
    color = rng.choice(["red", "green", "blue"], 400)
    signal = 2 * X[:, 1] - 2 * X[:, 4] + 4 * (color == "red")
    return pl.DataFrame({f"x{j}": X[:, j] for j in range(8)}).with_columns(
        color=pl.Series(color),
        label=pl.Series(np.where(signal > 1.3, "yes", "no")),
        price=pl.Series(signal),
        visits=pl.Series(rng.poisson(np.exp(signal / 4))),
    )


@pytest.mark.parametrize("how", ["mutual-info", "forward"])
@pytest.mark.parametrize("task", TASKS)
def test_the_inputs_that_carry_the_target_are_chosen(run, noisy, how, task):
    target = dict(zip(TASKS, ["label", "price", "visits"], strict=True))[task]
    others = ",".join({"label", "price", "visits"} - {target})
    noisy.write_csv("t.csv")
    number = 3 if how == "forward" else 5
    if how == "forward":  # quickly
        others += ",x0,x2,x3,x5"
    ended = run(
        "train", "t.csv", "--target", target, "--task", task, "--drop", others, *FAST, "--json",
        "--select", f"{how}:{number}",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    chosen = json.loads(ended.out)["selected"]
    assert set(chosen) >= {"x4", "color_red"} | ({"x1"} if how == "forward" else set())
    assert len(chosen) == number
    model = cr.load("m")
    assert model[-1] is model["network"]
    assert model[:-1].transform(noisy.drop("label", "price", "visits")).shape == (400, number)
    assert run("predict", "m", "t.csv").code == 0
    for kind in ("onnx", "c", "js"):  # it goes where models go
        assert run("export", "m", "-o", f"m.{kind}").code == 0
    assert json.loads(run("inspect", "m", "--json").out)["selected"] == chosen


def test_mutual_information_is_scikit_learns(run, noisy):
    noisy.write_csv("t.csv")
    run(
        "train", "t.csv", "--target", "label", "--drop", "price,visits,color", *FAST, "--seed", 5,
        "--select", "mutual-info:4", "--test-fraction", "0.01",
    )  # fmt: skip
    model = cr.load("m")
    y = noisy["label"].to_numpy().astype(str)
    learn = np.sort(train_test_split(np.arange(400), test_size=2, random_state=5, stratify=y)[0])
    X = model[0].transform(noisy[learn].drop("label", "price", "visits", "color"))
    reply = mutual_info_classif(X, y[learn], discrete_features=np.zeros(8, bool), random_state=5)
    names = [f"x{j}" for j in range(8)]
    expected = [names[j] for j in np.sort(np.argsort(-reply)[:4])]
    assert [str(name) for name in model[1].get_feature_names_out(names)] == expected


@pytest.mark.parametrize("target", ["label", "price"])
def test_the_penalty_is_chosen_by_cross_validation(run, noisy, target):
    noisy.write_csv("t.csv")
    others = ",".join({"label", "price", "visits"} - {target})
    given = ("train", "t.csv", "--target", target, "--drop", others, *FAST, "--json")
    reply = json.loads(run(*given, "--alphas", "0.001,1,1000").out)
    found = reply["alphas"]
    assert found["alphas"] == [0.001, 1, 1000]
    assert found["folds"] == 5
    assert found["best"] == found["alphas"][int(np.argmax(found["scores"]))] < 1000
    assert reply["network"]["alpha"] == found["best"]
    # It is then a training like any other.
    alone = run("predict", "m", "t.csv").out
    run(*given, "--alpha", found["best"])
    assert run("predict", "m", "t.csv").out == alone
    assert len(json.loads(run(*given, "--alphas", 3).out)["alphas"]["scores"]) == 3


@pytest.mark.parametrize("target", ["label", "price", "visits"])
def test_a_validation_table_is_what_early_stopping_watches(run, noisy, target):
    noisy[:100].write_csv("t.csv")
    watched = noisy[100:].with_columns(x0=pl.lit(None))  # prepared as the rows of training are
    watched.write_csv("v.csv")
    more = ("--drop", ",".join({"label", "price", "visits"} - {target}))
    more += ("--task", "counts") if target == "visits" else ()
    ended = run(
        "train", "t.csv", "--target", target, *more, "--validation", "v.csv",
        "--epochs", 30, "--hidden", 8, "--scoring", "loss", "--model", "m",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "watched   300 rows of v.csv" in ended.out
    model = cr.load("m")
    network = model[-1].regressor_ if target == "price" else model[-1]
    losses = network.validation_loss_curve_
    assert network.best_validation_score_ == pytest.approx(-min(losses))
    X = model[:-1].transform(watched.drop("label", "price", "visits"))
    y = watched[target].to_numpy()
    h = network.network_(X)[:, 0]
    if target == "label":
        loss = -np.log(np.where(y == "yes", h, 1 - h)).mean()
    elif target == "price":
        scaled = model[-1].transformer_.transform(y[:, None])[:, 0]
        loss = (0.5 * (h - scaled) ** 2).mean()
    else:
        loss = np.where(y > 0, y * np.log(np.maximum(y, 1) / h), 0).mean() + (h - y).mean()
    assert loss == pytest.approx(min(losses), rel=1e-9)
    ended = run(
        "train", "t.csv", "--target", target, *more, "--validation", "v.csv",
        "--no-early-stopping", "--epochs", 3, "--hidden", 8, "--model", "m",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    model = cr.load("m")
    network = model[-1].regressor_ if target == "price" else model[-1]
    assert not network.early_stopping
    assert len(network.validation_loss_curve_) == 3


def test_features_are_the_only_columns(run, noisy):
    noisy.write_csv("t.csv")
    ended = run("train", "t.csv", "--target", "label", "--features", "x4,color", *FAST, "--json")
    assert [column["name"] for column in json.loads(ended.out)["columns"]] == ["x4", "color"]
    given = ("--features", "x4,x5", "--drop", "x5", "--categorical", "x4")
    ended = run("train", "t.csv", "--target", "label", *given, *FAST, "--json")
    assert json.loads(ended.out)["columns"] == [{"name": "x4", "kind": "category"}]


@pytest.mark.parametrize("given", ["balanced", "no=1,yes=6", None])
@pytest.mark.parametrize("scoring", ["accuracy", "loss"])
def test_rows_of_a_validation_table_count_as_in_training(run, noisy, given, scoring):
    noisy = noisy.drop("price", "visits")
    rare = noisy.filter(pl.col("label") == "yes")[:60]
    table = pl.concat([noisy.filter(pl.col("label") == "no")[:150], rare[:40]])
    watched = pl.concat([noisy.filter(pl.col("label") == "no")[150:180], rare[40:]])
    table.write_csv("t.csv")
    watched.write_csv("v.csv")
    more = () if given is None else ("--class-weight", given)
    ended = run(
        "train", "t.csv", "--target", "label", *FAST, *more, "--validation", "v.csv",
        "--scoring", scoring,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    model = cr.load("m")
    network, labels = model[-1], watched["label"].to_numpy()
    learned = {"no": 120, "yes": 32}  # a fifth of either class is held out for the final scores
    by_class = {"balanced": {c: 152 / 2 / n for c, n in learned.items()}, None: None}.get(
        given, {"no": 1.0, "yes": 6.0}
    )
    weight = None if by_class is None else [by_class[label] for label in labels]
    inputs = watched.drop("label")
    if scoring == "loss":
        best = -log_loss(labels, model.predict_proba(inputs), sample_weight=weight)
    else:
        best = accuracy_score(labels, model.predict(inputs), sample_weight=weight)
    assert network.best_validation_score_ == pytest.approx(best, rel=1e-5)


def test_a_forward_search_counts_the_classes_too(noisy):
    X, y = noisy[["x1", "x4"]].to_numpy(), noisy["label"].to_numpy()
    model = cr.MLPClassifier(
        (3,), class_weight={"yes": 5.0}, max_iter=9, tol=9.0, n_iter_no_change=2
    )
    score = _Counted(get_scorer("neg_log_loss"), 1, ())(model.fit(X, y), X, y)
    weight = np.where(y == "yes", 5.0, 1.0)
    assert score == pytest.approx(-log_loss(y, model.predict_proba(X), sample_weight=weight))


def test_a_validation_table_in_other_units_is_noted(run, noisy):
    noisy = noisy.drop("price", "visits")
    noisy[:300].write_csv("t.csv")
    other = noisy[300:].with_columns(pl.col("x1", "x4") * 1000 + 5000)
    for table, said in ((noisy[300:], False), (other, True)):
        table.write_csv("v.csv")
        ended = run("train", "t.csv", "--target", "label", *FAST, "--validation", "v.csv")
        assert ended.code == 0, ended.err
        assert ("lies far from the rows that are learned from" in ended.err) == said


def test_class_weights_are_by_the_labels_of_the_table(run, table):
    table.write_csv("t.csv")
    for target, weights in [("class", {0: 1.0, 1: 5.0}), ("good", {False: 1.0, True: 5.0})]:
        given = f"{str(min(weights)).lower()}=1,{str(max(weights)).lower()}=5"
        ended = run("train", "t.csv", "--target", target, "--class-weight", given, *FAST)
        assert ended.code == 0, ended.err
        assert cr.load("m")[-1].class_weight == weights


def test_chosen_inputs_in_other_runtimes(run, noisy):
    onnxruntime = pytest.importorskip("onnxruntime")
    noisy.write_csv("t.csv")
    given = ("--target", "label", "--drop", "price,visits", "--select", "mutual-info:4")
    assert run("train", "t.csv", *given, *FAST).code == 0
    assert run("export", "m", "-o", "m.onnx").code == 0
    session = onnxruntime.InferenceSession("m.onnx")
    kinds = {"tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(string)": object}
    inputs = {
        each.name: noisy[each.name].to_numpy().astype(kinds[each.type])[:, None]
        for each in session.get_inputs()
    }
    labels, h = session.run(None, inputs)
    expected = pl.read_csv(run("predict", "m", "t.csv").out.encode())
    assert labels.ravel().tolist() == expected["prediction"].to_list()
    np.testing.assert_allclose(np.array(h), expected[:, 1:].to_numpy(), atol=1e-5)
