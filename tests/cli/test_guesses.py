"""An error that follows from a guess says what was guessed, why, and what says otherwise."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from chainrule.cli.guesses import Guess, following
from chainrule.errors import Diverged, InvalidInput, MissingFile, UnwritablePath

FAST = ("--epochs", 2, "--hidden", "3")
N = 60
X = np.random.default_rng(0).normal(size=N).round(3).tolist()
DAYS = [date(2024, 1, 1) + timedelta(i) for i in range(N)]


def repeat(*cells: object) -> list[str]:
    return [str(cells[i % len(cells)]) for i in range(N)]


def squares(rows: int) -> list[str]:
    return [str(i * i) for i in range(rows)]


CLASSIFICATION, REGRESSION = "task is classification", "task is regression"
# The target, what is given besides, what was guessed, why, and what says otherwise.
OF_TARGETS = {
    "few whole numbers": (
        squares(15), (), CLASSIFICATION, "only 15 different whole numbers", "--task regression",
    ),
    "numbers as a text": (
        ["1 :50", *squares(14)], (), CLASSIFICATION, "such as '1 :50'", "--task regression",
    ),
    "codes": (
        [f"0{i}" for i in range(30)], (), CLASSIFICATION, "begin with 0, such as '00'",
        "--task regression",
    ),
    "one true": (
        ["true", *["false"] * 20], (), CLASSIFICATION, "true or false", "--task regression",
    ),
    "long numbers": (
        [str(10**20 + i) for i in range(9)], (), CLASSIFICATION, "only 9 different",
        "--task regression",
    ),
    "loss for numbers": (
        repeat(0, 1), ("--loss", "huber"), CLASSIFICATION, "only 2", "--task regression",
    ),
    "loss for counts": (
        repeat(0, 1, 2), ("--loss", "poisson"), CLASSIFICATION, "only 3", "--task regression",
    ),
    "quantile": (
        repeat(0, 1), ("--quantile", 0.9), CLASSIFICATION, "only 2", "--task regression",
    ),
    "a score of numbers": (
        repeat("a1", "b"), ("--scoring", "r2", "--early-stopping"), CLASSIFICATION, "text, such as",
        "--task regression",
    ),
    "too few of many classes": (
        repeat(*range(20)), ("--test-fraction", 0.1), CLASSIFICATION, "only 20",
        "--task regression",
    ),
    "loss for classes": (
        squares(N), ("--loss", "log_loss"), REGRESSION, "60 different", "--task classification",
    ),
    "weights of classes": (
        squares(N), ("--class-weight", "balanced"), REGRESSION, "60 different",
        "--task classification",
    ),
    "a score of classes": (
        repeat(1.5, 2.5), ("--scoring", "accuracy", "--early-stopping"), REGRESSION, "decimals",
        "--task classification",
    ),
    "penalties by a score of classes": (
        repeat(1.5, 2.5), ("--scoring", "accuracy", "--alphas", 2), REGRESSION, "decimals",
        "--task classification",
    ),
    "probabilities of numbers": (
        repeat(1.5, 2.5), ("--scoring", "neg_log_loss", "--early-stopping"), REGRESSION,
        "decimals", "--task classification",
    ),
    "all missing": (
        repeat("NA"), (), "60 cells of the target 'y' are missing", "'NA' usually means that",
        "--categorical 'y'",
    ),
    "the other class is missing": (
        repeat("None", "yes"), (), "30 cells of the target 'y' are missing", "'None' usually",
        "--categorical 'y'",
    ),
    "one of a class but for the missing": (
        ["null"] * 2 + ["a"] + ["b"] * 9, (), "2 cells of the target 'y' are missing", "'null'",
        "--categorical 'y'",
    ),
    "one class by its value": (
        repeat("1", "1.0"), (), "'1', '1.0' in the target 'y' are one class", "the same number",
        "--categorical 'y'",
    ),
    "one class but for spaces": (
        repeat("a", " a "), (), "'a', ' a ' in the target 'y' are one class", "in spaces only",
        "--categorical 'y'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_TARGETS)
def test_what_was_guessed_of_a_target(refused, name):
    cells, given, what, why, otherwise = OF_TARGETS[name]
    pl.DataFrame({"x": X[: len(cells)], "y": cells}).write_csv("t.csv")
    sentence = refused("train", "t.csv", "--target", "y", "--model", "m", *given, *FAST)
    guessed = sentence.split("It was guessed that ")[1:]
    found = [each for each in guessed if what in each]
    assert len(found) == 1, sentence
    assert why in found[0]
    assert otherwise in found[0]


@pytest.mark.parametrize("name", OF_TARGETS)
def test_what_the_user_said_is_not_called_a_guess(run, name):
    cells, given, what, _, _ = OF_TARGETS[name]
    pl.DataFrame({"x": X[: len(cells)], "y": cells}).write_csv("t.csv")
    said = ("--categorical", "y") if "'" in what else ("--task", what.split()[-1])
    ended = run("train", "t.csv", "--target", "y", *given, *said, *FAST)
    assert what not in ended.err


def test_dates_as_a_target_name_what_takes_them_as_labels(refused):
    pl.DataFrame({"x": X, "y": DAYS}).write_csv("t.csv")
    assert "holds dates" in (sentence := refused("train", "t.csv", "--target", "y"))
    assert "to take them as labels, add --categorical 'y'" in sentence


LATER = {
    "text among numbers": ("a", X, "oops", "the column 'a' holds numbers", "--categorical 'a'"),
    "infinite": ("a", X, "inf", "the column 'a' holds numbers", "--categorical 'a'"),
    "text among dates": ("a", DAYS, "oops", "the column 'a' holds dates", "--categorical 'a'"),
}


@pytest.mark.parametrize("name", LATER)
def test_what_was_guessed_of_a_column_is_said_of_later_tables(run, refused, name):
    column, cells, cell, what, otherwise = LATER[name]
    table = pl.DataFrame({column: cells, "y": repeat("yes", "no")})
    table.write_csv("t.csv")
    assert run("train", "t.csv", "--target", "y", "--model", "m", *FAST).code == 0
    text = table[column].cast(pl.String).scatter([7], [cell])
    table.with_columns(text.alias(column)).write_csv("later.csv")
    for command in ("predict", "evaluate"):
        sentence = refused(command, "m", "later.csv")
        assert f"It was guessed that {what}" in sentence
        assert otherwise in sentence
    categorical = ("--categorical", column)
    assert run("train", "t.csv", "--target", "y", "--model", "m", *categorical, *FAST).code == 0
    assert run("predict", "m", "later.csv").code == 0


SEPARATED = {
    # The file, how its cells are separated, and what was guessed.
    "semicolons and a comma more": (
        "x;y\n" + "".join(f"{i},5;{'ab'[i % 2]}\n" for i in range(N)) + "1;b;c\n",
        "semicolons separate", ("--separator", "comma"),
    ),
    "an open quote": (
        "x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(N)) + '1,"b\n',
        "commas separate", ("--separator", "tab"),
    ),
    "one name twice": ("x|x|y\n1|2|a\n3|4|b\n", "bars separate", ("--separator", ",")),
    "no name": ("x\t\ty\n1\t2\ta\n3\t4\tb\n", "tabs separate", ("--separator", ";")),
    "colons": (
        "x:y\n" + "".join(f"{i}.5:{'ab'[i % 2]}\n" for i in range(N)), "has one column only",
        ("--separator", "colon"),
    ),
    "spaces": (
        "x y\n" + "".join(f"{i}.5 {'ab'[i % 2]}\n" for i in range(N)), "has one column only",
        ("--separator", "space"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEPARATED)
def test_the_separator(run, refused, tmp_path, name):
    content, what, said = SEPARATED[name]
    (tmp_path / "t.csv").write_text(content)
    sentence = refused("train", "t.csv", "--target", "y")
    _, found, otherwise = sentence.partition(what)
    assert found
    assert "--separator" in otherwise
    ended = run("train", "t.csv", "--target", "y", *said, *FAST)
    assert what not in ended.err
    assert (ended.code == 0) == (what == "has one column only")


def test_a_separator_is_of_one_file(run, tmp_path):
    table = pl.DataFrame({"x": X, "y": repeat("yes", "no")})
    for name, separator in (("colons", ":"), ("commas", ",")):
        table.write_csv(name, separator=separator)
    colons = ("--separator", ":")
    given = ("train", "colons", "--target", "y", "--model", "m", *colons, *FAST)
    assert run(*given).code == 0
    commas = run("predict", "m", "commas")
    assert commas.code == 0
    assert run("predict", "m", "colons", *colons).out == commas.out
    assert run("evaluate", "m", "colons", *colons).code == 0
    assert "has one column only" in run("predict", "m", "colons").err
    assert "--separator takes one of" in run("predict", "m", "colons", "--separator", "x").err


def test_early_stopping_that_was_not_asked_for(run, refused, monkeypatch):
    monkeypatch.setattr("chainrule.cli.models.ENOUGH_TO_STOP_EARLY", 40)
    pl.DataFrame({"x": X, "y": repeat("yes", "no")}).write_csv("t.csv")
    given = ("train", "t.csv", "--target", "y", "--scoring", "f1", *FAST)
    sentence = refused(*given)
    assert "--scoring f1 is for two classes of which one is 1" in sentence
    assert "use f1_macro or f1_weighted" in sentence
    assert "It was guessed that early stopping is wanted" in sentence
    assert run(*given, "--no-early-stopping").code == 0
    assert "early stopping is wanted" not in refused(*given, "--early-stopping")


def test_rows_too_few_for_early_stopping(refused):
    pl.DataFrame({"x": X, "y": repeat("yes", "no")}).write_csv("t.csv")
    for target, fraction in (("y", 0.01), ("y", 0.99), ("x", 0.01)):
        given = ("--early-stopping", "--validation-fraction", fraction)
        sentence = refused("train", "t.csv", "--target", target, *given, *FAST)
        assert "--validation-fraction" in sentence


def test_columns_without_values_are_named(refused):
    pl.DataFrame({"x": repeat("NA"), "y": repeat("yes", "no")}).write_csv("t.csv")
    sentence = refused("train", "t.csv", "--target", "y")
    assert "no column with data to predict 'y' from; these have no values: 'x'" in sentence
    assert "--missing only" in sentence


def test_guesses_are_said_once_and_of_what_follows_from_them():
    one, two = Guess("a is b", "c", "add d"), Guess("e is f", "g", "add h")
    with pytest.raises(InvalidInput) as caught, following(one), following(None, two, one):
        raise InvalidInput("It is wrong.")
    assert str(caught.value) == (
        "It is wrong. It was guessed that e is f, because g; if not, add h. It was guessed that a "
        "is b, because c; if not, add d."
    )
    for kind in (MissingFile, UnwritablePath, Diverged):
        with pytest.raises(kind, match=r"^It is wrong\.$"), following(one):
            raise kind("It is wrong.")
