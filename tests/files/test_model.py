"""A model file gives back the same model, or one sentence; nothing in it is ever executed."""

import importlib
import io
import json
import pickle
import random
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from types import FunctionType

import joblib
import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.callback import ProgressBar
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, f_classif, mutual_info_classif
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from chainrule.errors import ChainruleError, InvalidFile, InvalidInput, MissingFile, UnwritablePath
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.estimators.fitting import CURVES
from chainrule.files import load, read_model, save, write_model
from chainrule.files.allowed import ALLOWED, FUNCTIONS

rng = np.random.default_rng(0)
N = 40
X = rng.normal(size=(N, 3))
TABLE = pl.DataFrame(
    {
        "length": X[:, 0],
        "width": pl.Series(X[:, 1]).scatter([3, 7], [None, None]),
        "color": ["red", "green", "blue", None] * (N // 4),
    }
)
LABELS = {
    "text": np.array(["no", "yes", "ünsure", "no"] * (N // 4)),
    "objects": np.array(["no", "yes"] * (N // 2), dtype=object),
    "integers": np.arange(N) % 3,
    "booleans": np.arange(N) % 2 == 0,
}
FAST = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}


def quiet_fit(model, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs are no convergence
        return model.fit(*data)


def prepare() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    texts = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=2, sparse_output=False
    )
    return ColumnTransformer([("n", numbers, ["length", "width"]), ("t", texts, ["color"])])


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    model = Pipeline([("prepare", prepare()), ("network", MLPClassifier(**FAST))])
    return quiet_fit(model, TABLE, LABELS["text"])


@pytest.fixture(scope="module")
def content(pipeline, tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "m"
    write_model(pipeline, path, {"target": "label"})
    return path.read_bytes()


# The same model comes back


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_classifier_predicts_the_same_bits(tmp_path, labels, solver, dtype):
    model = quiet_fit(MLPClassifier(solver=solver, **FAST), X.astype(dtype), LABELS[labels])
    save(model, tmp_path / "model")
    back = load(tmp_path / "model")
    for method in ("predict", "predict_proba"):
        ours, theirs = getattr(model, method)(X), getattr(back, method)(X)
        assert ours.dtype == theirs.dtype
        assert ours.tolist() == theirs.tolist()
    assert back.get_params() == model.get_params()
    assert back.classes_.dtype == model.classes_.dtype
    assert back.n_iter_ == model.n_iter_


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("hidden", [(), (4,), (5, 4, 3)])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_a_regressor_predicts_the_same_bits(tmp_path, outputs, hidden, activation):
    settings = FAST | {"hidden_layer_sizes": hidden, "activation": activation}
    model = quiet_fit(MLPRegressor(**settings), X, X[:, :outputs].squeeze() ** 2)
    save(model, tmp_path / "model")
    assert (load(tmp_path / "model").predict(X) == model.predict(X)).all()


def test_a_pipeline_predicts_the_same_bits(tmp_path, pipeline, content):
    (tmp_path / "m").write_bytes(content)
    back, about = read_model(tmp_path / "m")
    assert about == {"target": "label"}
    assert (back.predict_proba(TABLE) == pipeline.predict_proba(TABLE)).all()
    new = TABLE.with_columns(color=pl.lit("never seen"), width=pl.lit(None, pl.Float64))
    assert (back.predict_proba(new) == pipeline.predict_proba(new)).all()


def test_a_scaled_target_and_functions_of_numpy(tmp_path):
    scaled = TransformedTargetRegressor(MLPRegressor(**FAST), transformer=StandardScaler())
    logs = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    model = quiet_fit(make_pipeline(logs, StandardScaler(), scaled), np.abs(X), 100 + 9 * X[:, 0])
    save(model, tmp_path / "m")
    assert (load(tmp_path / "m").predict(np.abs(X)) == model.predict(np.abs(X))).all()


@pytest.mark.parametrize("score", [f_classif, mutual_info_classif])
def test_a_selector_of_features_comes_back(tmp_path, score):
    model = make_pipeline(SelectKBest(score, k=2), MLPClassifier(**FAST))
    quiet_fit(model, X, LABELS["integers"])
    save(model, tmp_path / "m")
    back = load(tmp_path / "m")
    assert back[0].score_func is score
    assert np.array_equal(back.predict_proba(X), model.predict_proba(X))


def test_a_loaded_model_can_be_trained_further(tmp_path, pipeline):
    save(pipeline, tmp_path / "m")
    back = load(tmp_path / "m")
    again = quiet_fit(back, TABLE, LABELS["text"])
    assert (again.predict_proba(TABLE) == pipeline.predict_proba(TABLE)).all()


def test_an_unfitted_estimator_and_any_name(tmp_path):
    for name in ("m", "m.pkl", "m.chainrule", "m.csv"):
        save(MLPClassifier(alpha=0.5), tmp_path / name)
        assert load(str(tmp_path / name)).alpha == 0.5


def test_curves_of_very_many_epochs(tmp_path):
    """More numbers than a file describes value by value."""
    X = np.arange(60.0).reshape(30, 2)
    model = MLPClassifier((2,), early_stopping=True, max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, np.arange(30) % 2)
    many = np.arange(130_000) / 8
    for name in CURVES:
        setattr(model, name, many.tolist())
    save(model, tmp_path / "m")
    back = load(tmp_path / "m")
    for name in CURVES:
        assert getattr(back, name) == many.tolist()
        assert isinstance(getattr(model, name), list)


def test_callbacks_are_not_saved_and_stay_on_the_model(tmp_path):
    bar = ProgressBar()
    model = make_pipeline(StandardScaler(), MLPClassifier(**FAST).set_callbacks(bar))
    save(model, tmp_path / "m")
    assert model[-1]._skl_callbacks == [bar]
    assert not hasattr(load(tmp_path / "m")[-1], "_skl_callbacks")


def test_skops_opens_our_files_and_we_open_its(tmp_path, content, pipeline):
    other = skops.io.loads(content, trusted=list(ALLOWED))
    assert (other.predict(TABLE) == pipeline.predict(TABLE)).all()
    skops.io.dump(pipeline, tmp_path / "plain")
    back, about = read_model(tmp_path / "plain")
    assert about is None
    assert (back.predict(TABLE) == pipeline.predict(TABLE)).all()


def test_nothing_of_a_model_file_is_a_pickle(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        assert len([n for n in names if n.endswith(".npy")]) > 5
        assert all(n.endswith((".npy", ".json")) for n in names)
        for name in names:
            if name.endswith(".npy"):
                np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
            else:
                json.loads(archive.read(name))


def test_the_list_of_allowed_types_names_types_that_exist():
    for name in ALLOWED:
        module, _, type_name = name.rpartition(".")
        found = getattr(importlib.import_module(module), type_name)
        assert isinstance(found, FunctionType if name in FUNCTIONS else type)


# What cannot be saved


def custom(values):
    return values


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (make_pipeline(FunctionTransformer(custom)), "custom"),
        (make_pipeline(FunctionTransformer(lambda x: x)), "lambda"),
        ([1, 2], "list"),
        (None, "NoneType"),
        (RandomForestClassifier(n_estimators=2).fit(X, LABELS["integers"]), "_tree.Tree"),
    ],
)
def test_a_foreign_part_is_named_when_saving_and_nothing_is_written(tmp_path, model, named):
    with pytest.raises(InvalidInput, match=named):
        save(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_destination(tmp_path):
    with pytest.raises(UnwritablePath, match="does not exist"):
        save(MLPClassifier(), tmp_path / "missing" / "m")


# What cannot be loaded


def refused(path: Path, error: type[Exception] = InvalidFile) -> str:
    with pytest.raises(error) as caught:
        load(path)
    assert isinstance(caught.value, ChainruleError)
    message = str(caught.value)
    assert str(path) in message
    assert message.endswith(".")
    assert "\n" not in message
    return message


class Bomb:
    """Runs code when unpickled: a file appears."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("what", ["estimator", "dict", "list", "bomb", "joblib"])
def test_a_pickle_is_recognized_and_never_opened(tmp_path, protocol, what, pipeline):
    path, trace = tmp_path / "m", tmp_path / "executed"
    thing = {"estimator": pipeline, "dict": {"a": 1}, "list": [1], "bomb": Bomb(trace)}.get(what)
    if what == "joblib":
        joblib.dump(pipeline, path, protocol=protocol)
    else:
        path.write_bytes(pickle.dumps(thing, protocol=protocol))
    assert "is a pickle" in refused(path)
    assert not trace.exists()


def zipped(members: dict[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


OTHERS = {
    "empty": (b"", "is empty"),
    "one byte": (b"P", "cut short"),
    "text": (b"name,age\nann,3\n", "but text"),
    "words": (b"the end.", "but text"),
    "binary": (bytes(range(256)) * 20, "but binary"),
    "parquet": (b"PAR1" + b"\0" * 50, "Parquet"),
    "gzip": (b"\x1f\x8b" + b"\0" * 50, "gzip"),
    "torch": (zipped({"archive/data.pkl": b"\x80\x04."}), "zip with a pickle in it"),
    "excel": (zipped({"xl/workbook.xml": "<x/>"}), "another kind of zip"),
    "empty zip": (zipped({}), ""),
    "no json": (zipped({"schema.json": "{"}), "damaged"),
    "other json": (zipped({"schema.json": "[]"}), "damaged"),
    "deep json": (zipped({"schema.json": "[" * 100_000}), "damaged"),
    "card no json": (zipped({"schema.json": "{}", "chainrule.json": "{"}), "damaged"),
    "card a list": (zipped({"schema.json": "{}", "chainrule.json": "[]"}), "damaged"),
    "newer": (zipped({"schema.json": "{}", "chainrule.json": '{"format": 2}'}), "upgrade"),
    "no model": (skops.io.dumps({"weights": X}), "type dict"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_model_file_is_said(tmp_path, kind):
    data, said = OTHERS[kind]
    (tmp_path / "m").write_bytes(data)
    assert said in refused(tmp_path / "m")


def test_a_missing_file_and_a_folder(tmp_path):
    assert "no file" in refused(tmp_path / "m", MissingFile)
    assert "no file" in refused(tmp_path / "m", FileNotFoundError)
    assert "folder" in refused(tmp_path)
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / "m")


def rewritten(content: bytes, schema) -> bytes:
    """Change a model file's description; schema maps the old text to the new one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["schema.json"] = schema(members["schema.json"].decode())
    return zipped(members)


HOSTILE = {
    "a function": {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"},
    "a type": {"__class__": "Popen", "__module__": "subprocess", "__loader__": "TypeNode"},
    "a call": {
        "__class__": "Popen",
        "__module__": "subprocess",
        "__loader__": "ConstructorFromReduceNode",
        "content": {
            "__class__": "tuple",
            "__module__": "builtins",
            "__loader__": "TupleNode",
            "content": [],
        },
    },
    "an object": {"__class__": "Thread", "__module__": "threading", "__loader__": "ObjectNode"},
    "an unknown loader": {"__class__": "X", "__module__": "y", "__loader__": "NoSuchNode"},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_foreign_type_is_named_and_not_made(tmp_path, content, kind):
    def plant(text: str) -> str:
        schema = json.loads(text)
        schema["content"]["content"]["planted"] = HOSTILE[kind]
        return json.dumps(schema)

    (tmp_path / "m").write_bytes(rewritten(content, plant))
    message = refused(tmp_path / "m")
    if kind != "an unknown loader":
        assert f"{HOSTILE[kind]['__module__']}.{HOSTILE[kind]['__class__']}" in message


def test_a_newer_skops_file_says_which_versions(tmp_path, content):
    newer = rewritten(content, lambda text: text.replace('"protocol": 2', '"protocol": 99'))
    (tmp_path / "m").write_bytes(newer)
    assert "another version" in refused(tmp_path / "m")


def test_other_versions_are_named(tmp_path, content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        card = json.loads(archive.read("chainrule.json"))
    card["versions"]["skops"] = "99.0"
    data = zipped({"schema.json": "{}", "chainrule.json": json.dumps(card)})
    (tmp_path / "m").write_bytes(data)
    assert "skops 99.0 (here" in refused(tmp_path / "m")


def test_paths_inside_the_zip_lead_nowhere(tmp_path, content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    folder = tmp_path / "inner"
    folder.mkdir()
    planted = {"../outside": b"x", "/tmp/chainrule-planted": b"x", "..\\outside": b"x"}
    (folder / "m").write_bytes(zipped(members | planted))
    load(folder / "m")
    assert [p.name for p in tmp_path.rglob("*")] == ["inner", "m"]
    assert not Path("/tmp/chainrule-planted").exists()


# Damage


def cuts(n: int) -> list[int]:
    return sorted({0, 1, 2, 3, 4, n - 1, n - 2, n - 22, *random.Random(0).sample(range(n), 60)})


def test_a_file_cut_anywhere_is_refused(tmp_path, content):
    for length in cuts(len(content)):
        (tmp_path / "m").write_bytes(content[:length])
        message = refused(tmp_path / "m")
        assert "cut short" in message or length == 0


def flips(content: bytes, count: int, seed: int):
    """Change bits anywhere, and as many in the zip's own records, where they do most."""
    generator = random.Random(seed)
    directory = content.rindex(b"PK\x01\x02", 0, content.index(b"PK\x01\x02") + 4)
    for number in range(count):
        low = directory if number % 2 else 0
        changed = bytearray(content)
        for _ in range(generator.choice([1, 1, 1, 4, 64])):
            changed[generator.randrange(low, len(content))] ^= 1 << generator.randrange(8)
        yield bytes(changed)


def survives(path: Path, data: bytes, pipeline) -> bool:
    """Open a damaged file: True when it is still the same model, False when it is refused."""
    path.write_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            back = load(path)
    except InvalidFile:
        return False
    assert (back.predict_proba(TABLE) == pipeline.predict_proba(TABLE)).all()
    return True


def test_flipped_bits_are_refused_or_did_not_matter(tmp_path, content, pipeline):
    outcomes = [survives(tmp_path / "m", data, pipeline) for data in flips(content, 400, 0)]
    assert outcomes.count(False) > 200


@pytest.mark.soak
def test_many_flipped_bits_are_refused_or_did_not_matter(tmp_path, content, pipeline):
    for data in flips(content, 20_000, 1):
        survives(tmp_path / "m", data, pipeline)
    for length in range(len(content)):
        (tmp_path / "m").write_bytes(content[:length])
        refused(tmp_path / "m")


def test_a_fresh_process_opens_the_file(tmp_path, content):
    (tmp_path / "m").write_bytes(content)
    code = f"from chainrule.files import load; print(type(load({str(tmp_path / 'm')!r})).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Pipeline"
