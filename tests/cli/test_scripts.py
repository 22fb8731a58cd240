"""For scripts: JSON alone on stdout, exit codes, and what each command is as a process."""

import io
import json
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr

TARGETS = ("label", "price", "visits")
COMMANDS = {
    "example": ("example", "iris"),
    "examples": ("example",),
    "train": ("train", "t.csv", "--target", "label", "--epochs", 2, "--hidden", 4, "--model", "n"),
    "predict": ("predict", "m", "t.csv"),
    "predict to a file": ("predict", "m", "t.csv", "-o", "p.csv"),
    "evaluate": ("evaluate", "m", "t.csv"),
    "inspect": ("inspect", "m"),
    "check": ("check", "m", "t.csv", "--rows", 9),
    "explain": ("explain", "m", "t.csv", "--row", "3"),
    "export": ("export", "m", "-o", "m.js"),
    "explain to a file": ("explain", "m", "t.csv", "-o", "w.txt"),
}


@pytest.fixture(params=TARGETS)
def trained(request, have_model, table):
    """A table in t.csv, a model in m; the target's name."""
    target = request.param
    others = {"label", "class", "good", "price", "visits"} - {target}
    table.drop(others).write_csv("t.csv")
    task = ("--task", "counts") if target == "visits" else ()
    have_model("--target", target, "--epochs", 5, "--hidden", "6,4", *task)
    return target


def told(run, *command):
    ended = run(*command, "--json")
    assert ended.code == 0, ended.err
    assert all(line.startswith("note: ") for line in ended.err.splitlines()), ended.err
    return json.loads(ended.out, parse_constant=pytest.fail)


@pytest.mark.parametrize("trained", ["label"], indirect=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_json_alone_is_on_stdout(run, trained, command):
    found = told(run, *COMMANDS[command])
    assert isinstance(found, dict)
    assert run(*COMMANDS[command]).code == 0
    if "-o" in COMMANDS[command]:
        assert found["output"] == COMMANDS[command][-1]
        assert Path(found["output"]).exists()
    # A bad input is a sentence on stderr, with nothing on stdout.
    wrong = ["nix" if each in ("m", "iris") else each for each in COMMANDS[command]]
    wrong = [*wrong[:1], "nix", *wrong[2:]] if command == "train" else wrong
    if wrong != list(COMMANDS[command]):
        ended = run(*wrong, "--json")
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)


def test_the_numbers_are_the_models(run, trained):
    model, rows = cr.load("m"), told(run, "predict", "m", "t.csv")
    measured = told(run, "evaluate", "m", "t.csv")
    assert measured["rows"] == rows["rows"] == 60
    assert measured["intervals"].keys() == measured["scores"]["network"].keys()
    text = run("predict", "m", "t.csv").out
    assert pl.read_csv(text.encode()).columns == rows["columns"] == list(rows["predictions"][0])
    last = model[-1].regressor_ if trained == "price" else model[-1]
    about = told(run, "inspect", "m")
    net = last.network_
    assert [each["nodes"] for each in about["architecture"]] == list(net.sizes)
    assert sum(each["parameters"] for each in about["architecture"]) == net.n_parameters
    assert about["parameters"] == net.n_parameters
    assert about["training"]["epochs"] == last.n_iter_ == 5
    assert about["training"]["parameters"]["max_iter"] == 5
    assert about["training_rows"] == 48
    checked = told(run, "check", "m", "t.csv")
    assert checked["passed"]
    assert checked["gradient"]["max_relative_error"] < 1e-6
    explained = told(run, "explain", "m", "t.csv", "--row", "2,5")
    assert explained["rows"] == [2, 5]
    h = np.array(explained["h"])[:, 0]
    if trained == "label":
        expected = [rows["predictions"][i]["probability_yes"] for i in (1, 4)]
    else:
        expected = np.array([rows["predictions"][i]["prediction"] for i in (1, 4)])
        if trained == "price":
            expected = model[-1].transformer_.transform(expected[:, None])[:, 0]
    np.testing.assert_allclose(h, expected, rtol=1e-9)
    assert [np.shape(each) for each in explained["grad_weights"]] == [w.shape for w in net.weights]


@pytest.mark.parametrize("trained", ["label"], indirect=True)
def test_predictions_without_probabilities(run, trained):
    whole = pl.read_csv(run("predict", "m", "t.csv", "--proba").out.encode())
    bare = pl.read_csv(run("predict", "m", "t.csv", "--no-proba").out.encode())
    assert whole.width == 3
    assert bare.columns == ["prediction"]
    assert bare["prediction"].equals(whole["prediction"])
    assert told(run, "predict", "m", "t.csv", "--no-proba")["columns"] == ["prediction"]
    assert run("predict", "m", "t.csv", "-o", "-").out == run("predict", "m", "t.csv").out


def test_inspect_takes_what_save_wrote(run, tmp_path):
    net = cr.Network([2, 3, 1], loss="squared_error")
    cr.save(net, "net")
    cr.save(cr.Learner(net, cr.SGD(0.1)), "learner")
    cr.save(cr.MLPClassifierCV([1.0], cv=2, solver="lbfgs").fit(np.eye(8), [0, 1] * 4), "cv")
    digests = {}
    for name in ("net", "learner", "cv"):
        found = told(run, "inspect", name)
        assert name in found["model"]
        digests[name] = found["weights_digest"]
        assert run("inspect", name).code == 0
    assert digests["net"] == digests["learner"]  # the same weights, whatever the file
    expected = subprocess.run(["sha256sum", "net"], check=True, capture_output=True, text=True)
    assert told(run, "inspect", "net")["digest"] == expected.stdout.split()[0]


@pytest.mark.parametrize("trained", ["label"], indirect=True)
@pytest.mark.parametrize("wrong", ["gradient", "engine"])
def test_a_check_that_fails_says_so_and_ends_with_3(run, trained, monkeypatch, wrong):
    gradient_check = import_module("chainrule.network.gradient_check")
    compare = import_module("chainrule.working.compare")
    if wrong == "gradient":
        monkeypatch.setattr(gradient_check, "TOLERANCE", 1e-30)
    else:
        native = compare._native_gradients

        def off(subject):
            gradients, why = native(subject)
            gradients.theta[0] += 1e-3
            return gradients, why

        monkeypatch.setattr(compare, "_native_gradients", off)
    ended = run("check", "m", "t.csv", "--json")
    assert ended.code == 3
    assert ended.err == ""
    found = json.loads(ended.out)
    assert found["passed"] is False
    assert found["gradient"]["passed"] is (wrong != "gradient")
    assert found["engines"]["passed"] is (wrong != "engine")
    assert "FAILED" in run("check", "m", "t.csv").out


@pytest.mark.parametrize("rows", ["0", "257", "x"])
def test_check_takes_some_rows(refused, table, rows):
    assert "--rows" in refused("check", "m", "t.csv", "--rows", rows)


# As processes


@pytest.fixture
def process(pythons, tmp_path):
    """Return a function that runs the command in a process of its own."""
    return partial(pythons.run, "-m", "chainrule", cwd=tmp_path)


@pytest.mark.parametrize("trained", ["label"], indirect=True)
def test_predict_as_a_process_between_pipes(run, trained, process):
    with open("t.csv") as stdin:
        done = process("predict", "m", "-", stdin=stdin)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run("predict", "m", "t.csv").out


AS_PROCESSES = {
    **COMMANDS,
    "evaluate": ("evaluate", "m", "t.csv", "--json"),
    "report": ("report", "m", "t.csv"),
}
del AS_PROCESSES["train"]  # its seconds differ; others test it as a process


@pytest.mark.parametrize("trained", ["label"], indirect=True)
@pytest.mark.parametrize("command", AS_PROCESSES)
def test_a_command_as_a_process(run, trained, process, command):
    given = AS_PROCESSES[command]
    there = run(*given)
    done = process(*given)
    assert (done.returncode, done.stderr) == (there.code, "") == (0, "")
    assert done.stdout == there.out
    if len(given) > 1:
        done = process(given[0], "nix", *given[2:])
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith("chainrule: ")


@pytest.mark.parametrize("trained", ["label"], indirect=True)
def test_a_table_from_standard_input(run, refused, trained, monkeypatch):
    content, there = Path("t.csv").read_bytes(), run("predict", "m", "t.csv").out

    def given(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    given(content)
    assert run("predict", "m", "-").out == there
    pl.read_csv(content, try_parse_dates=True).write_parquet("x")
    given(Path("x").read_bytes())
    assert run("predict", "m", "-").out == there
    given(content)
    assert run("evaluate", "m", "-").out == run("evaluate", "m", "t.csv").out.replace("t.csv", "-")
    given(content)
    ended = run("train", "-", "--target", "label", "--epochs", 2)
    assert ended.out.startswith("table     -: 60 rows")
    given(b"")
    assert "'-' is empty" in refused("predict", "m", "-")


def test_a_shell_completes(process):
    def complete(line: str) -> list[str]:
        asked = {"_CHAINRULE_COMPLETE": "complete_bash", "COMP_WORDS": line}
        asked["COMP_CWORD"] = str(len(line.split(" ")) - 1)
        done = process(env=asked)
        return done.stdout.split()

    assert {"train", "predict", "report"} <= set(complete("chainrule "))
    assert complete("chainrule train --solver ada") == ["adam", "adamw", "adagrad"]
    assert "--learning-rate" in complete("chainrule train --lea")
