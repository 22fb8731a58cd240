"""Every parameter of the estimators is a flag and a key of a file; flags win."""

import math
from inspect import signature

import pytest

import chainrule as cr
from chainrule.cli.config import collect
from chainrule.cli.options import OPTIONS
from chainrule.cli.tables.target import TASKS

# What is given for each option: as a flag, in TOML, and what it means.
GIVEN = {
    "target": ("y", '"y"', "y"),
    "task": ("counts", '"counts"', "counts"),
    "features": ("a, b", '["a", "b"]', ("a", "b")),
    "drop": ("a, b", '["a", "b"]', ("a", "b")),
    "categorical": ("a", '"a"', ("a",)),
    "separator": ("tab", '"\\t"', "\t"),
    "decimal": (",", '"comma"', ","),
    "thousands": ("none", '"none"', ""),
    "missing": ("-99, unknown", '[-99, "unknown"]', ("-99", "unknown")),
    "dates": ("dmy", '"dmy"', "dmy"),
    "select": ("forward:3", '"forward:3"', "forward:3"),
    "test_fraction": ("0.3", "0.3", 0.3),
    "validation": ("v.csv", '"v.csv"', "v.csv"),
    "hidden": ("8,4", "[8, 4]", (8, 4)),
    "activation": ("relu,tanh", '["relu", "tanh"]', ["relu", "tanh"]),
    "loss": ("cross_entropy", '"cross_entropy"', "cross_entropy"),
    "quantile": ("0.9", "0.9", 0.9),
    "class_weight": ("no=1,yes=2", "{no = 1, yes = 2}", {"no": 1.0, "yes": 2.0}),
    "transform_layer": ("0", "0", 0),
    "epochs": ("7", "7", 7),
    "learning_rate": ("0.01", "0.01", 0.01),
    "schedule": ("cosine", '"cosine"', "cosine"),
    "batch_size": ("16", "16", 16),
    "solver": ("sgd", '"sgd"', "sgd"),
    "seed": ("3", "3", 3),
    "alpha": ("0.5", "0.5", 0.5),
    "alphas": ("0.1,1", "[0.1, 1]", [0.1, 1.0]),
    "l1": ("0.1", "0.1", 0.1),
    "dropout": ("0.1,0.2", "[0.1, 0.2]", [0.1, 0.2]),
    "dropout_input": ("0.1", "0.1", 0.1),
    "max_grad_norm": ("2", "2", 2.0),
    "early_stopping": (True, "true", True),
    "validation_fraction": ("0.2", "0.2", 0.2),
    "scoring": ("loss", '"loss"', "loss"),
    "tol": ("0", "0", 0.0),
    "n_iter_no_change": ("inf", '"inf"', math.inf),
    "max_seconds": ("60", "60", 60.0),
    "shuffle": (False, "false", False),
    "momentum": ("0.8", "0.8", 0.8),
    "nesterovs_momentum": (False, "false", False),
    "power_t": ("0.4", "0.4", 0.4),
    "beta_1": ("0.8", "0.8", 0.8),
    "beta_2": ("0.99", "0.99", 0.99),
    "epsilon": ("1e-6", "1e-6", 1e-6),
    "max_fun": ("100", "100", 100),
    "engine": ("reference", '"reference"', "reference"),
    "n_jobs": ("1", "1", 1),
    "model": ("m", '"m"', "m"),
    "checkpoint": ("c", '"c"', "c"),
    "resume": (True, "true", True),
    "verbose": (True, "true", True),
}
PARAMETERS = {option.parameter: key for key, option in OPTIONS.items() if option.parameter}


def test_every_parameter_is_an_option():
    both = {**signature(cr.MLPClassifier).parameters, **signature(cr.MLPRegressor).parameters}
    assert {*PARAMETERS} == {*both} - {"warm_start"}
    assert OPTIONS.keys() == GIVEN.keys()
    assert OPTIONS["task"].complete == TASKS


@pytest.mark.parametrize("key", OPTIONS)
def test_flag_and_key_mean_the_same_and_the_flag_wins(tmp_path, key):
    flag, toml, expected = GIVEN[key]
    found = collect({key: flag}, None)
    assert found[key] == expected
    assert type(found[key]) is type(expected)
    option = OPTIONS[key]
    for name in {key, key.replace("_", "-"), option.other or key}:
        path = tmp_path / f"{name}.toml"
        path.write_text(f"{name} = {toml}\n")
        assert collect({}, str(path)) == found
    if key != "alpha":
        assert collect({"alpha": "9"}, str(path)) == {**found, "alpha": 9.0}
    other = {"features": "z", "drop": "z", "categorical": "z", "hidden": "2"}.get(key)
    if other:
        assert collect({key: other}, str(path))[key] == option.read(key, other)


BAD = {
    "epochs": ["0", "x", "1.5", 0, 1.5, True, [1]],
    "batch_size": ["0", "many", 0],
    "alpha": ["-1", "nan", "inf", "x", -1.0, True],
    "dropout": ["1", "0.1,1", "-0.1", [0.1, 2.0]],
    "hidden": ["0", "4,,4", [0], [1.5], "many", True],
    "activation": ["tahn", "step", ["relu", "step"], [1], "relu,"],
    "class_weight": ["no", "no=x", "no=-1", 3, {"no": "x"}],
    "alphas": ["0", "0.1,x", "-1,1", [0.1], []],
    "early_stopping": ["yes", 1],
    "drop": [3, [1]],
    "model": [3, ""],
    "solver": ["adm", 3],
    "n_iter_no_change": ["0", "x"],
    "separator": ["x", "", "ab", 3, True],
    "decimal": ["x", "", " ", ";", 3, True],
    "thousands": ["x", ";", 3, True],
    "missing": ["", ",", True, [True], [[]]],
    "dates": ["", "dym", "DMY", 3],
}


@pytest.mark.parametrize(("key", "given"), [(k, g) for k, each in BAD.items() for g in each])
def test_a_value_that_cannot_be_is_one_sentence(key, given):
    with pytest.raises(cr.errors.InvalidParameter) as error:
        OPTIONS[key].read("--this", given)
    assert "\n" not in str(error.value)
    assert str(error.value)[-1] in ".?"


CONFIGS = {
    "epoch = 3": "Unknown key 'epoch' in 'c.toml': did you mean 'epochs'?",
    "max_itr = 3": "did you mean 'max_iter'?",
    "xyz = 3": "chainrule train --help lists them.",
    "epochs = 'x'": "'epochs' in 'c.toml' must be a whole number. Got 'x' instead.",
    "epochs = 1\nmax_iter = 2": "'epochs' and 'max_iter' in 'c.toml' are the same setting",
    "epochs = ": "'c.toml' is no TOML",
    "[train]\nepochs = 3": "Unknown key 'train' in 'c.toml'",
    "\xff": "cannot be read as TOML",
}


@pytest.mark.parametrize("content", CONFIGS)
def test_a_file_that_cannot_be_used(refused, table, tmp_path, content):
    table.write_csv("t.csv")
    (tmp_path / "c.toml").write_bytes(content.encode("latin-1"))
    sentence = refused("train", "t.csv", "--target", "label", "--config", "c.toml")
    assert CONFIGS[content] in sentence
    assert "no file 'nix.toml'" in refused("train", "t.csv", "--config", "nix.toml")


@pytest.mark.parametrize("by", ["flags", "file"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_options_reach_the_estimator(run, table, tmp_path, by, task):
    table.write_csv("t.csv")
    target = "label" if task == "classification" else "price"
    leave_out = {"target", "task", "features", "drop", "categorical", "select", "validation"}
    leave_out |= {
        "separator",
        "decimal",
        "thousands",
        "missing",
        "dates",
        "resume",
        "alphas",
        "checkpoint",
        "model",
        "class_weight",
        "loss",
        "quantile",
    }
    given = {key: GIVEN[key] for key in OPTIONS.keys() - leave_out}
    given["target"], given["model"] = (target, f'"{target}"', target), ("m", '"m"', "m")
    if task == "classification":
        given["class_weight"], given["loss"] = GIVEN["class_weight"], ("log_loss", '"log_loss"', "")
    else:
        given["loss"], given["quantile"] = ("quantile", '"quantile"', ""), GIVEN["quantile"]
        given["scoring"] = ("r2", '"r2"', "r2")
    if by == "file":
        lines = [f"{key} = {toml}\n" for key, (_, toml, _) in given.items()]
        (tmp_path / "c.toml").write_text("".join(lines))
        ended = run("train", "t.csv", "--config", "c.toml")
    else:
        flags = []
        for key, (flag, _, _) in given.items():
            name = OPTIONS[key].flag
            on = name if flag is True else f"--no-{name[2:]}"
            flags += [on] if isinstance(flag, bool) else [name, flag]
        ended = run("train", "t.csv", *flags)
    assert ended.code == 0, ended.err
    assert "Iteration 1, loss" in ended.err  # --verbose speaks on stderr
    assert "Iteration" not in ended.out
    last = cr.load("m")[-1]
    found = (last if task == "classification" else last.regressor_).get_params()
    for key in given.keys() - {"target", "model", "loss", "max_seconds", "test_fraction"}:
        parameter = OPTIONS[key].parameter
        assert found[parameter] == given[key][2] or found[parameter] == tuple(given[key][2]), key


TOGETHER = {
    "--target label --features label": "also in --features",
    "--target label --features lenght": "did you mean 'length'?",
    "--target label --select best:3": "The choices are 'mutual-info', 'forward'",
    "--target label --select forward": "how many inputs to use after a colon",
    "--target label --select mutual-info:0": "how many inputs",
    "--target label --select mutual-info:99": "nothing to choose",
    "--target label --solver lbfgs --dropout 0.1": "--dropout must be 0 with --solver lbfgs",
    "--target label --solver lbfgs --validation t.csv": "--validation is for solvers that train",
    "--target label --solver lbfgs --early-stopping": "--early-stopping is for solvers that",
    "--target label --solver lbfgs --checkpoint c": "--checkpoint must be None with --solver lbfgs",
    "--target label --solver rprop --batch-size 3": "--batch-size must be 'auto' with Rprop",
    "--target label --loss huber": "Unknown loss for --task classification 'huber'",
    "--target price --loss hubr": "did you mean 'huber'?",
    "--target price --loss huber:0": "--loss huber takes a number above 0",
    "--target price --loss quantile:0.2": "takes no number after a colon",
    "--target price --quantile 0.2": "--quantile is for --loss quantile",
    "--target price --class-weight balanced": "--class-weight is for classes",
    "--target label --class-weight yse=2": "did you mean 'yes'?",
    "--target label --scoring roc_aux": "did you mean 'roc_auc'?",
    "--target label --dropout 0.1,0.1,0.1": "one for each hidden layer, 2 here",
    "--target label --transform-layer 7": "--transform-layer must be a hidden layer",
    "--target label --validation nix.csv": "no file 'nix.csv'",
    "--target price --validation v.csv": "'v.csv' has no column 'price'",
}  # fmt: skip


@pytest.mark.parametrize("given", TOGETHER)
def test_what_cannot_be_together(refused, table, given):
    table.write_csv("t.csv")
    table.drop("price").write_csv("v.csv")
    assert TOGETHER[given] in refused("train", "t.csv", *given.split(), "--model", "m")
