"""What the commands do when all is well."""

import io
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.cli.commands.example import EXAMPLES
from chainrule.cli.digits import number, short
from chainrule.cli.models import Settings, fit_network
from chainrule.cli.tables.inputs import Column, make_preparation

FAST = ("--epochs", 3, "--hidden", "8")
TARGETS = ("label", "class", "good", "price", "visits")  # of the fixture `table`


def drops(target: str) -> str:
    """Return the --drop that leaves only true inputs."""
    return ",".join(each for each in TARGETS if each != target)


def predictions(text: str) -> pl.DataFrame:
    return pl.read_csv(io.StringIO(text))


def train(run, target, *more, path="t.csv"):
    ended = run("train", path, "--target", target, "--drop", drops(target), *FAST, *more)
    assert ended.code == 0, ended
    return ended


def test_what_ails_a_training_is_said_once(run, table):
    table.write_csv("t.csv")
    more = ("--epochs", 20, "--learning-rate", 2)
    err = run("train", "t.csv", "--target", "label", "--drop", drops("label"), *more).err
    assert err.count("the learning rate 2 is too large") == 1
    assert "note: The cost " in err
    assert "is too large" not in train(run, "label").err


def test_large_numbers_have_no_exponent(run, table):
    table.with_columns(pl.col("price") * 1e4).write_csv("t.csv")
    out = train(run, "price", "--model", "m.model").out
    out += run("evaluate", "m.model", "t.csv").out
    assert run("report", "m.model", "t.csv", "-o", "r.html").code == 0
    out += Path("r.html").read_text(encoding="utf-8")
    assert not re.search(r"\de\+0\d", out)
    assert re.search(r"from \d+,\d{3},\d{3} to \d+,\d{3},\d{3}", out)


@given(st.floats(-1e300, 1e300), st.integers(1, 6))
def test_a_number_as_people_read_it_is_the_number(value, digits):
    assert float(short(value, digits).replace(",", "")) == pytest.approx(
        value, rel=0.6 * 10.0 ** (1 - digits)
    )
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=6e-4, abs=6e-4)
    if 1 <= abs(value) < 9e8:
        assert "e" not in short(value) + short(value, 6) + number(value)


@pytest.mark.parametrize("quantile", [0.1, 0.5])
def test_another_quantile_is_not_judged_as_the_mean(run, table, quantile):
    table.write_csv("t.csv")
    out = train(run, "price", "--loss", "quantile", "--quantile", quantile).out
    assert ("predicts the 0.1 quantile and the other models the mean" in out) == (quantile == 0.1)


def test_one_is_no_plural(run, table):
    table.select("length", label=pl.Series([None, *table["label"][1:]])).write_csv("t.csv")
    ended = run("train", "t.csv", "--target", "label", "--epochs", 1, "--hidden", 4)
    assert "1 input column (" in ended.out
    assert "; 1 epoch in" in ended.out
    assert "1 row has no value in the target 'label' and was left out." in ended.err


def test_one_bad_cell_among_numbers_is_said(run, table):
    text = table["length"].cast(pl.String).scatter([18], ["oops"])
    label = table["label"].scatter([3], None)
    table.with_columns(length=text, label=label).write_csv("t.csv")
    said = "note: column 'length' looks like numbers except for 'oops' in row 19: it is taken as"
    assert said in train(run, "label").err
    assert "looks like" not in train(run, "label", "--categorical", "length").err
    table.with_columns(length=text.scatter([30], ["1 m"])).write_csv("t.csv")
    assert "except for 2 cells, the first 'oops' in row 19" in train(run, "label").err
    table.write_csv("t.csv")
    assert "looks like" not in train(run, "label").err


def test_a_column_of_rare_texts_is_said(run, table):
    table.with_columns(name=pl.Series([f"n{i}" for i in range(60)])).write_csv("t.csv")
    err = train(run, "label").err
    assert "note: every value of column 'name' is rare" in err
    assert "'color'" not in err


def test_the_bar_ends_where_it_should(table):
    bars = []
    inputs = table.select("length", "width").fill_null(0)
    preparation = make_preparation([Column("length", "number"), Column("width", "number")])
    settings = Settings((4,), "tanh", 0.3, 0.001, 32, 3, 0)

    with pytest.MonkeyPatch.context() as patch:
        shown = "chainrule.cli.console.progress.Bar.show"
        patch.setattr(shown, lambda bar, epochs, *_: bars.append(epochs))
        fit_network(preparation, settings, "regression", inputs, table["price"].to_numpy())
    assert bars[-1] == 3


# example


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_written_and_can_be_trained_on(run, tmp_path, name):
    first = run("example", name)
    assert first.code == 0
    assert first.err == ""
    content = (tmp_path / f"{name}.csv").read_bytes()
    table = pl.read_csv(content)
    rows, columns = EXAMPLES[name].size.split(" x ")
    assert table.shape == (int(rows), int(columns) + 1)
    assert table.columns[-1] == "target"
    assert run("example", name).code == 0  # again: the same file
    assert (tmp_path / f"{name}.csv").read_bytes() == content
    ended = run("train", f"{name}.csv", "--target", "target", "--epochs", 2)
    assert ended.code == 0
    assert ("regression" if name == "diabetes" else "classification") in ended.out


def test_example_without_a_name_lists_them(run, tmp_path):
    ended = run("example")
    assert ended.code == 0
    assert all(name in ended.out for name in EXAMPLES)
    assert list(tmp_path.iterdir()) == []


def test_example_to_another_file_and_over_one(run, tmp_path):
    assert run("example", "iris", "-o", "flowers").code == 0
    assert (tmp_path / "flowers").is_file()
    (tmp_path / "iris.csv").write_text("mine")
    assert run("example", "iris").code == 2
    assert (tmp_path / "iris.csv").read_text() == "mine"
    assert run("example", "iris", "--force").code == 0
    assert (tmp_path / "iris.csv").read_bytes() == (tmp_path / "flowers").read_bytes()


# train


@pytest.mark.parametrize(
    ("name", "least"),
    [("breast_cancer", 0.95), ("iris", 0.93), ("wine", 0.95), ("diabetes", 0.25)],
)
def test_the_defaults_are_good_on_real_tables(run, name, least):
    run("example", name)
    ended = run("train", f"{name}.csv", "--target", "target")
    row = next(line for line in ended.out.splitlines() if line.startswith("  network "))
    assert float(row.split()[1]) >= least


def test_the_report_has_three_models_a_verdict_and_says_that_nothing_is_saved(run, table, tmp_path):
    table.write_csv("t.csv")
    ended = train(run, "label")
    lines = ended.out.splitlines()
    for model in ("network", "linear model", "baseline"):
        assert sum(line.strip().startswith(f"{model} ") for line in lines) >= 1
    for metric in ("accuracy", "balanced accuracy", "log loss"):
        assert metric in ended.out
    assert "held-out rows" in ended.out
    assert lines[-1] == "The model was not saved; to keep it, add --model FILE."
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
    assert "stopped at 3 epochs before it converged; --epochs 6 may help." in ended.err
    assert "Warning" not in ended.err


@pytest.mark.parametrize(
    ("target", "task", "metrics"),
    [
        ("label", "classification", ("accuracy", "log loss")),
        ("class", "classification", ("accuracy", "log loss")),
        ("good", "classification", ("accuracy", "log loss")),
        ("visits", "classification", ("accuracy", "log loss")),
        ("price", "regression", ("R²", "MAE", "RMSE")),
        ("count", "classification", ("accuracy",)),
    ],
)
def test_the_task_is_guessed_and_said(run, long_table, target, task, metrics):
    long_table = long_table.filter(pl.len().over(target) > 1) if target == "visits" else long_table
    long_table.write_csv("t.csv")
    ended = run("train", "t.csv", "--target", target, *FAST)
    assert ended.code == 0, ended.err
    assert f"task      {task} of '{target}'" in ended.out
    assert "--task changes it" in ended.out
    assert all(metric in ended.out for metric in metrics)


@pytest.mark.parametrize(
    ("target", "task", "metric"),
    [("class", "regression", "R²"), ("visits", "counts", "D²"), ("visits", "regression", "R²")],
)
def test_the_task_can_be_chosen(run, table, target, task, metric):
    table.write_csv("t.csv")
    ended = train(run, target, "--task", task)
    assert f"{task} of '{target}'" in ended.out
    assert metric in ended.out


def test_rows_without_a_target_are_left_out_and_counted(run, table):
    table.with_columns(price=table["price"].scatter([0, 7, 9], None)).write_csv("t.csv")
    ended = train(run, "price")
    assert "note: 3 rows have no value in the target 'price' and were left out." in ended.err
    assert "57 rows" in ended.out


@pytest.mark.parametrize("target", TARGETS)
def test_same_seed_same_bits_other_seed_other_bits(run, table, target):
    table.write_csv("t.csv")
    task = ("--task", "counts") if target == "visits" else ()
    for name, seed in [("one", 3), ("two", 3), ("other", 4)]:
        train(run, target, "--model", name, "--seed", seed, *task)
    one, two, other = (run("predict", name, "t.csv").out for name in ("one", "two", "other"))
    assert one == two
    assert one != other


def test_settings_reach_the_network(run, table):
    table.write_csv("t.csv")
    ended = run(
        "train", "t.csv", "--target", "label", "--hidden", "5,4", "--activation", "relu",
        "--epochs", 2, "--alpha", 0.5, "--learning-rate", 0.01, "--batch-size", 7, "--seed", 9,
        "--model", "m",
    )  # fmt: skip
    assert ended.code == 0
    network = cr.load("m")[-1]
    assert network.get_params() | {
        "hidden_layer_sizes": (5, 4), "activation": "relu", "max_iter": 2, "alpha": 0.5,
        "learning_rate_init": 0.01, "batch_size": 7, "random_state": 9,
    } == network.get_params()  # fmt: skip
    assert not hasattr(network, "_skl_callbacks")
    assert run("train", "t.csv", "--target", "label", "--hidden", "none", "--epochs", 2).code == 0


def test_an_identity_number_as_category(run, table):
    table.write_csv("t.csv")
    train(run, "label", "--categorical", "count", "--model", "m")
    prepared = cr.load("m")[0].get_feature_names_out()
    assert any(name.startswith("texts__count_") for name in prepared)


def test_the_row_numbers_of_pandas_are_left_out_and_said(run, table):
    table.with_row_index("").write_csv("t.csv")
    ended = train(run, "label", "--model", "m")
    assert "the first column of 't.csv' has no name and was left out" in ended.err
    table.write_csv("bare.csv")
    assert run("predict", "m", "bare.csv").out == run("predict", "m", "t.csv").out


# predict and evaluate


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("form", ["csv", "tsv", "parquet"])
def test_predictions_are_the_models_own(run, table, tmp_path, target, form):
    write = {
        "csv": lambda t, p: t.write_csv(p),
        "tsv": lambda t, p: t.write_csv(p, separator="\t"),
        "parquet": lambda t, p: t.write_parquet(p),
    }[form]
    write(table, "t.csv")  # the content tells the form, not the name
    task = ("--task", "counts") if target == "visits" else ()
    train(run, target, "--model", "m", *task)
    ended = run("predict", "m", "t.csv")
    assert ended.code == 0
    assert ended.err == ""
    result = predictions(ended.out)
    assert result.height == table.height
    if target in ("price", "visits"):
        assert result.columns == ["prediction"]
        if target == "price":  # in its own units
            assert 800 < result["prediction"].mean() < 1200
        else:
            assert result["prediction"].min() > 0
    else:
        names = {"label": ["no", "yes"], "class": ["0", "1"], "good": ["false", "true"]}[target]
        assert result.columns == ["prediction", *(f"probability_{name}" for name in names)]
        total = result.select(pl.sum_horizontal(pl.col("^probability_.*$"))).to_series()
        np.testing.assert_allclose(total, 1, rtol=1e-12)
        assert set(result["prediction"].cast(pl.String)) <= set(names)
    # Without the targets, columns in another order, and to a file: the same.
    write(table.drop(*TARGETS).select(sorted(set(table.columns) - set(TARGETS))), "bare")
    assert run("predict", "m", "bare", "-o", "out.csv").code == 0
    assert (tmp_path / "out.csv").read_text() == ended.out


def test_evaluate_repeats_the_metrics(run, table):
    table.write_csv("t.csv")
    for target, metric in [("label", "accuracy"), ("good", "log loss"), ("price", "R²")]:
        train(run, target, "--model", "m")
        ended = run("evaluate", "m", "t.csv")
        assert ended.code == 0
        assert metric in ended.out
        assert "On the 60 rows of t.csv" in ended.out
        assert "network" in ended.out


def test_evaluate_measures_what_predict_predicts(run, table):
    table.write_csv("t.csv")
    run("train", "t.csv", "--target", "label", "--drop", "class,good,price", "--model", "m")
    result = predictions(run("predict", "m", "t.csv").out)
    accuracy = (result["prediction"] == table["label"]).mean()
    assert f"{accuracy:.3f}" in run("evaluate", "m", "t.csv").out


def test_evaluate_takes_some_of_the_classes_and_leaves_out_unlabelled_rows(run, table):
    table.write_csv("t.csv")
    train(run, "label", "--model", "m")
    table.filter(pl.col("label") == "yes").write_csv("some.csv")
    assert run("evaluate", "m", "some.csv").code == 0
    table.with_columns(label=table["label"].scatter([0], None)).write_csv("missing.csv")
    ended = run("evaluate", "m", "missing.csv")
    assert "1 of 60 rows has no value in 'label'" in ended.err
    assert ended.code == 0


def test_text_that_looks_like_numbers_stays_text(run, table):
    coded = table.with_columns(color=pl.Series(["1", "2", "x"] * 20))
    coded.write_csv("t.csv")
    train(run, "label", "--model", "m")
    whole = predictions(run("predict", "m", "t.csv").out)
    coded.head(2).write_csv("two.csv")  # here all colors look like numbers
    ended = run("predict", "m", "two.csv")
    assert ended.err == ""
    two, both = predictions(ended.out), ["probability_no", "probability_yes"]
    assert two["prediction"].equals(whole["prediction"].head(2))
    # A matrix product may add up in another order when it has fewer rows.
    np.testing.assert_allclose(two[both], whole.head(2)[both], rtol=1e-12)


def test_unknown_categories_missing_cells_and_unseen_columns_are_taken(run, table):
    table.write_csv("t.csv")
    train(run, "label", "--model", "m")
    odd = table.with_columns(color=pl.lit("never seen"), width=pl.lit(None), extra=pl.lit("?"))
    odd.write_csv("odd.csv")
    ended = run("predict", "m", "odd.csv")
    assert ended.code == 0
    assert (
        "note: 'odd.csv' has columns that the model does not take; not used: 'extra'." in ended.err
    )
    assert "'never seen' in column 'color' (60)" in ended.err
    assert predictions(ended.out).height == table.height


# the whole


def test_help_and_version(run):
    assert "example" in run().out
    for command in ((), ("example",), ("train",), ("predict",), ("evaluate",)):
        ended = run(*command, "--help")
        assert ended.code == 0
        assert "Usage" in ended.out
    assert run("--version").out == f"chainrule {cr.__version__}\n"
