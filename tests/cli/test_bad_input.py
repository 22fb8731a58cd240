"""Bad input ends with one sentence, exit code 2, and nothing written."""

import pickle
import random
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from chainrule import Learner, Network
from chainrule.cli import main
from chainrule.files import save

FAST = ("--epochs", 2, "--hidden", "4")
ALL_INPUTS = "length,width,count,color,is_new,day,class,good,price,visits"

# Tables that are none: what is in the file, and a word of the sentence.
NO_TABLES = {
    "empty": (b"", "empty"),
    "only space": (b" \n\n ", "empty"),
    "only a mark of its encoding": (b"\xef\xbb\xbf", "empty"),
    "header only": (b"a,y\n", "no rows"),
    "binary": (bytes(range(256)) * 9, "binary"),
    "zeros": (b"\0" * 100, "binary"),
    "latin-1": ("a,y\n1,é\n".encode("latin-1"), "UTF-8"),
    "utf-16": ("a,y\n1,2\n".encode("utf-16"), "is UTF-16 text; save it again as UTF-8"),
    "long latin-1": ("a,y\n1,\u00e9\n".encode("latin-1") * 2000, "not UTF-8 text (line 2)"),
    "controls": (bytes(range(1, 32)) * 9, "binary"),
    "short row": (b"a,b,y\n1,2,3\n1,2\n", "line 3 has 2 cells"),
    "long row": (b"a,y\n1,2\n1,2,3\n", "line 3 has 3 cells"),
    "open quote": (b'a,y\n1,"x\n2,3\n', "a quote opens in line 2 and does not close"),
    "twice a name": (b"a,a,y\n1,2,3\n", "two columns named 'a'"),
    "twice by space": (b"a, a,y\n1,2,3\n", "two columns named 'a'"),
    "no name": (b"a,,y\n1,2,3\n", "Column 2"),
    "parquet cut": (b"PAR1" + b"\0" * 40, "cut short"),
    "parquet broken": (b"PAR1" + b"\1" * 40 + b"PAR1", "damaged"),
    "pickle": (pickle.dumps({"a": [1]}), "pickle"),
    "zip": (b"PK\x03\x04" + b"\0" * 40, "zip"),
    "gzip": (b"\x1f\x8b" + b"\0" * 40, "gzip"),
    "no target": (b"a,targte\n1,2\n", "did you mean 'targte'?"),
    "other case": (b"a,Target\n1,2\n", "did you mean 'Target'?"),
    "target alone": (b"target\n1\n2\n1\n2\n", "no column"),
    "target missing": (b"a,target\n1,\n2,\n", "no values"),
    "target infinite": (b"a,target\n1,1.5\n2,\n3,inf\n", "infinite in row 3"),
    "input infinite": (b"a,target\n1,x\n-inf,y\n3,x\n4,y\n", "'a' of 't.csv' is infinite in row 2"),
    "input overflows": (b"a,target\n1,x\n1e999,y\n3,x\n4,y\n", "infinite"),
    "input too large": (
        b"a,target\n1,x\n1e300,y\n3,x\n4,y\n",
        "1e+300, beyond 1e+100, in row 2",
    ),
    "target too large": (b"a,target\n1,1e300\n2,1.5\n", "beyond 1e+100, in row 1"),
    "input after no target": (b"a,target\n1,1.5\n2,\ninf,2.5\n", "infinite in row 3"),
    "text in target": (
        b"a,target\n" + b"".join(b"1,%d.5\n" % i for i in range(30)) + b"2,oops\n",
        "except for 'oops' in row 31",
    ),
    "one class": (b"a,target\n1,x\n2,x\n3,x\n", "one class only"),
    "one row a class": (b"a,target\n1,x\n2,x\n3,y\n", "only one row"),
    "one row": (b"a,target\n1,2.5\n", "too few"),
    "few rows": (b"a,target\n1,x\n2,x\n3,y\n4,y\n", "too few"),
    "inputs empty": (b"a,target\n,1.5\n,2.5\n,3.5\n", "no column with data"),
    "dates as target": (b"a,target\n1,2024-01-01\n2,2024-01-02\n", "holds dates;"),
}


@pytest.mark.parametrize("kind", NO_TABLES)
@pytest.mark.parametrize("model", [(), ("--model", "m")])
def test_a_table_that_cannot_be_trained_on(refused, tmp_path, kind, model):
    content, said = NO_TABLES[kind]
    (tmp_path / "t.csv").write_bytes(content)
    assert said in refused("train", "t.csv", "--target", "target", *model)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--target", "labl"), "did you mean 'label'?"),
        (("--target", "label", "--task", "clasification"), "did you mean 'classification'?"),
        (("--target", "label", "--task", "regression"), "--task classification"),
        (("--target", "label", "--task", "counts"), "--task classification"),
        (("--target", "length", "--task", "counts"), "negative"),
        (("--target", "price", "--task", "classification"), "--task regression"),
        (("--target", "label", "--activation", "tahn"), "did you mean 'tanh'?"),
        (("--target", "label", "--activation", "step"), "gradient"),
        (("--target", "label", "--drop", "lenght"), "did you mean 'length'?"),
        (("--target", "label", "--categorical", "colour"), "did you mean 'color'?"),
        (("--target", "label", "--drop", "label"), "--drop"),
        (("--target", "label", "--drop", ALL_INPUTS), "no column"),
        (("--target", "label", "--test-fraction", 0), "--test-fraction"),
        (("--target", "label", "--test-fraction", 1), "--test-fraction"),
        (("--target", "label", "--test-fraction", "nan"), "--test-fraction"),
        (("--target", "label", "--test-fraction", 0.001), "too few"),
        (("--target", "label", "--test-fraction", 0.999), "too few"),
        (("--target", "label", "--epochs", 0), "--epochs"),
        (("--target", "label", "--epochs", "x"), "--epochs must be a whole number. Got 'x'"),
        (("--target", "label", "--alpha", "x"), "--alpha must be a number. Got 'x' instead."),
        (("--target", "label", "--epochs", 1.5), "--epochs"),
        (("--target", "label", "--batch-size", 0), "--batch-size"),
        (("--target", "label", "--alpha", -1), "--alpha"),
        (("--target", "label", "--alpha", "inf"), "--alpha"),
        (("--target", "label", "--learning-rate", 0), "--learning-rate"),
        (("--target", "label", "--seed", -1), "--seed"),
        (("--target", "label", "--hiden", 3), "--hidden"),
        ((), "--target"),
        (("--target", "label", "extra"), "extra"),
    ],
)  # fmt: skip
def test_a_choice_that_cannot_be(refused, table, given, said):
    table.write_csv("t.csv")
    assert said in refused("train", "t.csv", *given, "--model", "m")


@pytest.mark.parametrize(
    "sizes", ["0", "-1", "64,0", "64,-3", "1.5", "64,,64", "64;64", "many", ""]
)
def test_hidden_sizes_that_are_none(refused, table, sizes):
    table.write_csv("t.csv")
    assert "--hidden takes whole numbers" in refused(
        "train", "t.csv", "--target", "label", f"--hidden={sizes}"
    )


def test_a_network_that_does_not_fit_in_memory(run, refused, table):
    table.write_csv("t.csv")
    given = ("train", "t.csv", "--target", "label", "--hidden", "9000000,9000000")
    assert "GiB" in refused(*given)
    assert run(*given).out == ""


def test_what_needs_too_much_memory_while_it_runs(refused, trained, monkeypatch):
    def fit(*_, **__):
        raise MemoryError("Unable to allocate 9.00 GiB for an array")

    monkeypatch.setattr("sklearn.preprocessing.OneHotEncoder.fit_transform", fit)
    assert "9.00 GiB" in refused("train", "t.csv", "--target", "label")
    monkeypatch.setattr("skops.io.load", fit)
    assert "more memory" in refused("predict", "m", "t.csv")


def test_notes_do_not_stand_beside_the_sentence(run, refused, table):
    table.with_columns(empty=pl.lit(""), price=pl.lit("x")).write_csv("t.csv")
    assert "one class" in refused("train", "t.csv", "--target", "price")
    assert "note: left out" in run("train", "t.csv", "--target", "label", *FAST).err


def test_a_training_that_diverges(refused, table):
    table.write_csv("t.csv")
    given = ("--learning-rate", 1e300, "--activation", "identity", "--hidden", "9,9,9")
    sentence = refused("train", "t.csv", "--target", "price", *given)
    assert "--learning-rate 1e+300; try 0.001" in sentence
    assert "learning_rate_init" not in sentence
    given = ("--learning-rate", 1e10, "--epochs", 20, "--model", "m")
    assert "diverged" in refused("train", "t.csv", "--target", "label", *given)


DESTINATIONS = {
    "missing/m": "does not exist",
    "t.csv/m": "is a file",
    ".": "folder",
    "/proc/m": "Cannot write",
    "t.csv": "no model file",
    "x" * 300: "too long",
}


@pytest.mark.parametrize("path", DESTINATIONS)
def test_a_destination_is_checked_before_the_training(refused, table, path, monkeypatch):
    table.write_csv("t.csv")
    monkeypatch.setattr(
        "chainrule.cli.commands.train.fit_network", lambda *a: pytest.fail("it trained")
    )
    sentence = refused("train", "t.csv", "--target", "label", "--model", path)
    assert DESTINATIONS[path] in sentence


@pytest.mark.parametrize("command", ["train", "predict", "evaluate"])
def test_a_table_that_is_not_there(run, refused, table, command):
    table.write_csv("table.csv")
    save(StandardScaler(), "m")
    given = ("tabel.csv", "--target", "label") if command == "train" else ("m", "tabel.csv")
    sentence = refused(command, *given)
    if command == "train":
        assert "did you mean 'table.csv'?" in sentence
    assert "folder" in refused("train", ".", "--target", "label")


@pytest.fixture
def trained(have_model, table) -> pl.DataFrame:
    """A table in t.csv and a model in m."""
    table.write_csv("t.csv")
    have_model("--target", "label", "--drop", "class,good,price,visits", *FAST)
    return table


BAD_FOR_THE_MODEL = {
    "missing": (lambda t: t.drop("width"), "no column 'width'"),
    "misspelled": (lambda t: t.rename({"width": "widht"}), "did you mean 'widht'?"),
    "number now text": (lambda t: t.with_columns(width=pl.lit("wide")), "'width' of 'x.csv' holds"),
    "one text": (lambda t: t.with_columns(width=pl.Series(["1"] * 59 + ["1,5"])), "'1,5'"),
    "number now date": (lambda t: t.with_columns(width=pl.col("day")), "holds dates"),
    "date now text": (lambda t: t.with_columns(day=pl.lit("monday")), "needs dates"),
    "infinite": (lambda t: t.with_columns(width=pl.lit(np.inf)), "infinite in row 1"),
    "no rows": (lambda t: t.head(0), "no rows"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_FOR_THE_MODEL)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_table_that_does_not_suit_the_model(refused, trained, kind, command):
    change, said = BAD_FOR_THE_MODEL[kind]
    change(trained).write_csv("x.csv")
    assert said in refused(command, "m", "x.csv")


def test_text_that_became_numbers_in_parquet(refused, trained):
    trained.with_columns(color=pl.lit(1)).write_parquet("x")
    assert "holds numbers" in refused("predict", "m", "x")
    trained.with_columns(color=pl.lit([1])).write_parquet("x")
    assert "holds lists" in refused("predict", "m", "x")
    assert "--drop 'color'" in refused("train", "x", "--target", "label")


def test_numbers_that_became_text_in_parquet(run, refused, trained):
    text = trained.with_columns(pl.col("width", "count", "day").cast(pl.String))
    text.write_parquet("x")
    ended = run("predict", "m", "x")
    assert ended.code == 0
    assert ended.out == run("predict", "m", "t.csv").out
    text.with_columns(width=pl.Series(["1"] * 59 + ["1,5"])).write_parquet("x")
    assert "holds text, for instance '1,5'" in refused("evaluate", "m", "x")
    text.with_columns(width=pl.col("day")).write_parquet("x")
    assert "holds dates" in refused("evaluate", "m", "x")


def test_a_target_that_became_text_in_parquet(run, table):
    table.write_csv("t.csv")
    run("train", "t.csv", "--target", "price", "--model", "m", *FAST)
    table.with_columns(pl.col("price").cast(pl.String)).write_parquet("x")
    ended = run("evaluate", "m", "x")
    assert ended.code == 0
    assert ended.out == run("evaluate", "m", "t.csv").out.replace("t.csv", "x")


@pytest.mark.parametrize("kind", [pl.UInt64, pl.Int128])
@pytest.mark.parametrize("distinct", [2, 60])
def test_a_target_of_huge_whole_numbers(run, refused, table, kind, distinct):
    huge = [2**64 - 1 - i % distinct * 2**50 for i in range(60)]
    table.with_columns(huge=pl.Series(huge, dtype=kind)).write_parquet("x")
    ended = run("train", "x", "--target", "huge", "--model", "m", *FAST)
    assert ended.code == 0, ended.err
    assert ("classification" if distinct == 2 else "regression") in ended.out
    assert run("evaluate", "m", "x").code == 0
    beyond = pl.Series([2**70 + i for i in range(60)], dtype=pl.Int128)
    table.with_columns(huge=beyond).write_parquet("x")
    sentence = refused("train", "x", "--target", "huge", "--task", "classification")
    assert f"Class '{2**70}' of the target 'huge' has only one row" in sentence


def test_evaluate_without_or_with_unknown_labels(refused, trained):
    trained.drop("label").write_csv("x.csv")
    assert "no column 'label'" in refused("evaluate", "m", "x.csv")
    trained.with_columns(label=pl.lit("maybe")).write_csv("x.csv")
    assert "'maybe'" in (sentence := refused("evaluate", "m", "x.csv"))
    assert "'no', 'yes'" in sentence
    trained.with_columns(label=pl.lit(1)).write_csv("x.csv")
    assert "'1'" in refused("evaluate", "m", "x.csv")
    trained.with_columns(label=pl.lit("")).write_csv("x.csv")
    assert "no values" in refused("evaluate", "m", "x.csv")


@pytest.mark.parametrize("target", ["class", "good", "price"])
def test_evaluate_with_labels_of_another_kind(run, refused, table, target):
    table.write_csv("t.csv")
    run("train", "t.csv", "--target", target, "--model", "m", *FAST)
    table.with_columns(pl.lit("other").alias(target)).write_csv("x.csv")
    assert "other" in refused("evaluate", "m", "x.csv")


def foreign_file(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = members["schema.json"].decode().replace("sklearn.preprocessing._data", "os")
    members["schema.json"] = text.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def checkpoint_file(path: Path) -> None:
    path.unlink()
    Learner(Network([1, 2])).fit([[0.0], [1.0]], [0, 1], epochs=1, checkpoint=path)


BAD_MODELS = {
    "missing": (Path.unlink, "no file"),
    "empty": (lambda p: p.write_bytes(b""), "empty"),
    "cut": (lambda p: p.write_bytes(p.read_bytes()[:-30]), "cut short"),
    "half": (lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), "cut short"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps(StandardScaler())), "is a pickle"),
    "table": (lambda p: p.write_text("a,b\n1,2\n"), "not a model file"),
    "foreign": (foreign_file, "os.StandardScaler"),
    "not the command's": (lambda p: save(StandardScaler(), p), "did not make"),
    "a network": (lambda p: save(Network([4, 2]), p), "holds a Network, which knows neither"),
    "a learner": (lambda p: save(Learner(Network([4, 2])), p), "holds a Learner, which knows"),
    "a checkpoint": (checkpoint_file, "resume=True"),
    "plain skops": (lambda p: skops.io.dump(StandardScaler(), p), "did not make"),
}


@pytest.mark.parametrize("kind", BAD_MODELS)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_model_file_that_is_none(refused, trained, kind, command):
    change, said = BAD_MODELS[kind]
    change(Path("m"))
    assert said in refused(command, "m", "t.csv")


@pytest.mark.parametrize("path", ["m", "t.csv", "missing/out", "."])
def test_predictions_do_not_overwrite_inputs(refused, trained, path):
    refused("predict", "m", "t.csv", "-o", path)


def test_predictions_overwrite_only_predictions(run, refused, trained):
    Path("p").write_text("predictions,mine\n")
    assert "--force" in refused("predict", "m", "t.csv", "-o", "p")
    for _ in range(2):  # over something else by force, then over predictions
        assert run("predict", "m", "t.csv", "-o", "p", "--force").code == 0
        assert run("predict", "m", "t.csv", "-o", "p").code == 0
    refused("predict", "m", "t.csv", "-o", "t.csv", "--force")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("trian", "t.csv"), "train"),
        (("example", "irsi"), "did you mean 'iris'?"),
        (("example", "-o", "x"), "NAME of an example before it: one of breast_cancer, diabetes"),
        (("example", "iris", "-o", "missing/x.csv"), "does not exist"),
        (("predict",), "MODEL"),
        (("predict", "m"), "TABLE"),
        (("predict", "m", "t", "-x"), "-x"),
        (("--frobnicate",), "--frobnicate"),
    ],
)
def test_usage(refused, given, said):
    assert said in refused(*given)


# Anything at all


def sound(ended) -> None:
    """Check that a command ended well, or with one sentence, and that nothing else was printed."""
    lines = [line for line in ended.err.splitlines() if not line.startswith("note: ")]
    assert ended.code in (0, 2), ended
    assert len(lines) == (1 if ended.code else 0), ended.err


@given(content=st.binary(max_size=300) | st.text(alphabet='ab1,.;\t\n"\r -', max_size=80))
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_file_is_a_table_or_one_sentence(run, content):
    data = content if isinstance(content, bytes) else content.encode()
    Path("t.csv").write_bytes(data)
    sound(run("train", "t.csv", "--target", "a", *FAST))


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_parquet_file_is_a_table_or_one_sentence(run, table, seed):
    generator = random.Random(seed)
    table.write_parquet("t")
    whole = Path("t").read_bytes()
    for _ in range(15):
        changed = bytearray(whole)
        for _ in range(generator.choice([1, 8, 100])):
            changed[generator.randrange(len(whole))] ^= 1 << generator.randrange(8)
        Path("x").write_bytes(changed)
        sound(run("train", "x", "--target", "label", *FAST))


# How a process ends


def test_exit_codes_of_processes(tmp_path, pythons):
    assert pythons.run("-m", "chainrule", "example", "iris", cwd=tmp_path).returncode == 0
    train = ("train", "iris.csv", "--target", "species")
    done = pythons.run("-m", "chainrule", *train, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


ENDLESS = ("--epochs", 10**9, "--tol", 0, "--n-iter-no-change", "inf")


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_with_130_and_writes_nothing(tmp_path, table):
    table.write_csv(tmp_path / "t.csv")
    train = ["train", "t.csv", "--target", "price", "--hidden", 4, *ENDLESS, "--model", "m"]
    child = subprocess.Popen(
        [sys.executable, "-m", "chainrule", *map(str, train)],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    while not child.stdout.readline().startswith("held out"):
        pass
    time.sleep(0.1)  # it is not to end, however long this takes
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (130, "chainrule: interrupted; nothing was written.\n")
    assert "held-out rows" not in out
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


@pytest.fixture
def press_while_writing(monkeypatch):
    """Return what lets Ctrl-C be pressed whenever a file is put in its place."""
    import chainrule.storage.atomic as atomic

    replace = atomic.os.replace

    def interrupted(*paths):
        signal.raise_signal(signal.SIGINT)
        replace(*paths)

    return lambda: monkeypatch.setattr(atomic.os, "replace", interrupted)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_a_file_is_written_lets_it_be_whole_and_says_so(
    run, trained, press_while_writing
):
    press_while_writing()
    ended = run("predict", "m", "t.csv", "-o", "out.csv")
    assert ended.code == 130
    assert ended.err == "chainrule: interrupted; 'out.csv' was written whole.\n"
    assert pl.read_csv("out.csv").height == trained.height


@pytest.fixture
def ignored():
    """Ignore Ctrl-C, as a shell's background jobs do."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.SIG_IGN


@pytest.mark.usefixtures("ignored")
@pytest.mark.parametrize("search", [(), ("--select", "forward:1"), ("--alphas", "0.1,1")])
def test_where_ctrl_c_is_ignored_the_command_ends_as_if_there_were_none(
    run, table, press_while_writing, monkeypatch, search
):
    from chainrule.estimators import MLPRegressor

    fit = MLPRegressor.fit

    def pressed(self, *given, **more):
        signal.raise_signal(signal.SIGINT)
        return fit(self, *given, **more)

    press_while_writing()
    monkeypatch.setattr(MLPRegressor, "fit", pressed)
    table.write_csv("t.csv")
    ended = run("train", "t.csv", "--target", "price", *FAST, *search, "--model", "m")
    assert ended.code == 0, ended
    assert run("predict", "m", "t.csv", "-o", "out.csv").code == 0
    assert pl.read_csv("out.csv").height == table.height


def test_a_warning_about_an_interruption_is_none(run, table, monkeypatch):
    from chainrule.estimators import MLPClassifier

    fit = MLPClassifier.fit

    def warned(self, *given, **more):
        warnings.warn("a connection was interrupted", stacklevel=1)
        return fit(self, *given, **more)

    monkeypatch.setattr(MLPClassifier, "fit", warned)
    table.write_csv("t.csv")
    assert run("train", "t.csv", "--target", "label", *FAST).code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize(
    "given",
    [
        "example",
        "--version",
        "--help",
        "predict m t.csv",
        "train t.csv --target label --epochs 1",
    ],
)
def test_a_disk_that_is_full(trained, tmp_path, pythons, given):
    with open("/dev/full", "w") as full:
        done = pythons.run("-m", "chainrule", *given.split(), cwd=tmp_path, stdout=full)
    lines = done.stderr.splitlines()
    assert done.returncode == 2, lines
    assert "no space left" in lines[-1]
    assert all(line.startswith("note: ") for line in lines[:-1])


# As its own process from the start: Python itself looks at these streams when it begins and ends.
@pytest.mark.parametrize(
    ("where", "said"),
    [
        pytest.param(
            ">/dev/full",
            "no space left",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full"),
        ),
        (">&-", "closed"),
        ("1</dev/null", "bad file descriptor"),
    ],
)
def test_output_that_cannot_be_written(tmp_path, where, said):
    shell = f"{sys.executable} -m chainrule --version {where}"
    done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, check=False, capture_output=True)
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode == 2, line
    assert said in line


@pytest.mark.parametrize("trained", ["label"], indirect=True)
def test_a_reader_that_has_seen_enough(trained, tmp_path, pythons):
    pl.concat([trained] * 500).write_csv("long.csv")  # more than a pipe holds
    with pythons.start("-m", "chainrule", "predict", "m", "long.csv", cwd=tmp_path) as process:
        assert process.stdout.readline().startswith("prediction,")
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_an_error_inside_is_one_sentence_and_the_way_to_its_traceback(run, monkeypatch):
    def broken(name):
        raise ZeroDivisionError("a slip")

    monkeypatch.setattr("chainrule.cli.commands.example.make_example", broken)
    ended = run("example", "iris")
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert "ZeroDivisionError: a slip" in ended.err
    assert "CHAINRULE_TRACEBACK=1" in ended.err
    monkeypatch.setenv("CHAINRULE_TRACEBACK", "1")
    ended = run("example", "iris")
    assert ended.code == 1
    assert "Traceback" in ended.err


@pytest.mark.parametrize("absent", ["typer", "rich", "polars"])
def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch, capsys, absent):
    monkeypatch.setitem(sys.modules, absent, None)
    assert main(["example"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"chainrule: the command needs {absent}, which is not installed here: pip install "
        f"{absent}, or pip install '.[all]' in the checkout of chainrule.\n"
    )
