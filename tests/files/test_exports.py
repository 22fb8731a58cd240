"""Every exporter gives what `predict_proba` or `predict` of the estimator or Pipeline gives.

A table of models over C, JavaScript and ONNX: all of them in one compiled program and one process
of Node. The rows are the user's; the judge is the model's own method, nothing of the exporters.
"""

import json
import re
import shutil
import subprocess
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

import chainrule as cr
from chainrule import errors
from chainrule.files.code.common import program

SETTINGS = {"hidden_layer_sizes": (5,), "max_iter": 2, "random_state": 0}
X = np.random.default_rng(0).normal(size=(40, 3)) * [1, 3, 0.5] + [0, 5, 0]
SIGN, THIRDS = X[:, 0] > 0, np.digitize(X[:, 0], [-0.5, 0.5])
Y = np.c_[3 * X[:, 0] + 50, np.abs(X[:, 1])]
TABLE = pd.DataFrame(X, columns=["a", "b", "c"]).assign(
    s=np.random.default_rng(1).choice(
        ["red", "green", "rare", "blue", None], 40, p=[0.4, 0.3, 0.1, 0.1, 0.1]
    ),
    n=np.arange(40) % 3,
)
TABLE.loc[[3, 9], "b"] = np.nan


def classifier(**settings):
    return cr.MLPClassifier(**SETTINGS, **settings)


def regressor(loss="squared_error", **settings):
    return cr.MLPRegressor(loss, **SETTINGS, **settings)


def quantiles():
    return regressor("quantile", quantile=[0.1, 0.5, 0.9])


def scaled(model, transformer=None):
    return TransformedTargetRegressor(model, transformer=transformer or StandardScaler())


def prepared(model):
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    return make_pipeline(
        make_column_transformer(
            (numbers, make_column_selector("[abc]")),
            (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=6), ["s"]),
            (OneHotEncoder(drop="first"), ["n"]),
        ),
        model,
    )


def searched(model):
    return GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2)


CASES = {
    "binary": (classifier(), X, SIGN),
    "binary, texts": (classifier(), X, np.where(SIGN, "yes", "no")),
    "binary, smoothed": (classifier(loss=cr.CrossEntropy(0.2)), X, SIGN),
    "classes": (classifier(), X, THIRDS),
    "classes, smoothed": (classifier(loss=cr.LogLoss(0.2)), X, THIRDS),
    "one-vs-all": (classifier(loss="cross_entropy"), X, THIRDS),
    "one-vs-all, smoothed": (classifier(loss=cr.CrossEntropy(0.2)), X, THIRDS),
    "one-vs-all, float32": (classifier(loss="cross_entropy"), X.astype("f4"), THIRDS),
    "two labels": (classifier(), X, (X[:, :2] > 0).astype(int)),
    "three labels": (classifier(), X, (X > 0).astype(int)),
    "columns": (classifier(), X, np.c_[THIRDS, SIGN]),
    "columns, one-vs-all": (classifier(loss="cross_entropy"), X, np.c_[THIRDS, SIGN]),
    "one target": (regressor(), X, Y[:, 0]),
    "two targets": (regressor(), X, Y),
    "poisson": (regressor("poisson"), X, Y[:, 1]),
    "poisson, two targets": (regressor("poisson"), X, Y),
    "huber": (regressor("huber"), X, Y[:, 0]),
    "one quantile": (regressor("quantile", quantile=0.9), X, Y[:, 0]),
    "quantiles": (quantiles(), X, Y[:, 0]),
    "quantiles, float32": (quantiles(), X.astype("f4"), Y[:, 0].astype("f4")),
    "quantiles of two targets": (quantiles(), X, Y),
    "scaled": (scaled(regressor()), X, Y[:, 0]),
    "scaled, a column": (scaled(regressor()), X, Y[:, :1]),
    "scaled, two targets": (scaled(regressor(), RobustScaler()), X, Y),
    "scaled, poisson": (scaled(regressor("poisson"), MaxAbsScaler()), X, Y[:, 0]),
    "scaled, quantiles": (scaled(quantiles(), MinMaxScaler((1, 3))), X, Y[:, 0]),
    "scaled, float32": (scaled(regressor()), X.astype("f4"), Y[:, 0].astype("f4")),
    "scaled in part": (scaled(regressor(), StandardScaler(with_mean=False)), X, Y[:, 0]),
    "scaled twice": (scaled(scaled(regressor()), MinMaxScaler((2, 3))), X, Y[:, 0]),
    "scaled by steps": (scaled(regressor(), make_pipeline(StandardScaler(), MinMaxScaler())), X, Y),
    "not scaled": (TransformedTargetRegressor(regressor()), X, Y[:, 0]),
    "a pipeline": (make_pipeline(StandardScaler(), classifier(loss="cross_entropy")), X, THIRDS),
    "a frozen one": (FrozenEstimator(classifier()), X, SIGN),
    "a table": (prepared(classifier()), TABLE, THIRDS),
    "a table, one-vs-all": (prepared(classifier(loss="cross_entropy")), TABLE, THIRDS),
    "a table, quantiles": (prepared(scaled(quantiles())), TABLE, Y[:, 0]),
    "a table, scaled around": (scaled(prepared(regressor())), TABLE, Y[:, 0]),
    "a table, search inside": (prepared(searched(classifier())), TABLE, THIRDS),
    "a search": (searched(quantiles()), X, Y[:, 0]),
    "a search, scaled": (scaled(searched(regressor())), X, Y[:, 0]),
    "cross-validated": (cr.MLPClassifierCV([0.1, 1], cv=2, **SETTINGS), X, THIRDS),
    "cross-validated, scaled": (scaled(cr.MLPRegressorCV([0.1, 1], cv=2, **SETTINGS)), X, Y),
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
CLOSE = {"float32": 1e-5, "float64": 1e-12}


@pytest.fixture(scope="module")
def models():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two epochs are no convergence, "red" is no number
        CASES["a frozen one"][0].estimator.fit(X, SIGN)
        return {name: model.fit(rows, y) for name, (model, rows, y) in CASES.items()}


def own_answers(model, rows):
    """Return what the model's method answers, one row each; of two classes the second's."""
    if not hasattr(model, "predict_proba"):
        return model.predict(rows).reshape(len(rows), -1)
    found = model.predict_proba(rows)
    if isinstance(found, list):
        return np.hstack(found)
    return found[:, 1:] if model.classes_.size == 2 and not is_multilabel(model) else found


def is_multilabel(model):
    return np.ndim(model.predict(X[:2])) == 2 if model.n_features_in_ == 3 else False


def dtype_of(name):
    return "float32" if "float32" in name else "float64"


def vectors(source):
    """Return the answers of the test vectors in a program."""
    found = re.search(r"(?:_test_h\[\d+\]|TEST_H) = [^\[{]*[\[{]([^\]}]*)[\]}]", source)
    return np.array([float(each.strip().rstrip("f")) for each in found[1].split(",")])


def require_close(got, ours, name):
    ours = np.ravel(np.asarray(ours, float))
    got = np.ravel(got)
    assert got.shape == ours.shape
    assert (np.abs(got - ours) / np.maximum(1, np.abs(ours))).max() <= CLOSE[dtype_of(name)]


def need(tool):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def by_c(models, tmp_path_factory):
    """Compile one program of all, and return its answers, after the programs' own tests."""
    need("gcc")
    folder, declared, calls, inputs, sources = tmp_path_factory.mktemp("c"), [], [], [], {}
    for i, (name, model) in enumerate(models.items()):
        made = program(model, CASES[name][1], None)
        sources[name] = cr.to_c(model, CASES[name][1], name=f"n{i}")
        (folder / f"n{i}.c").write_text(sources[name])
        (folder / f"r{i}.c").write_text(cr.to_c(model, name=f"r{i}"))  # with random vectors
        real = "float" if dtype_of(name) == "float32" else "double"
        (n, n_in), n_out = made.X.shape, made.H.shape[1]
        declared.append(
            f"void n{i}_predict(const {real} *, {real} *); int n{i}_test(void), r{i}_test(void);"
        )
        calls.append(
            f"for (r = 0; r < {n}; ++r) {{ {real} x[{n_in}], h[{n_out}]; double v[{n_in}];\n"
            f"  if (fread(v, 8, {n_in}, stdin) != {n_in}) return 99;\n"
            f"  for (k = 0; k < {n_in}; ++k) x[k] = ({real})v[k];\n  n{i}_predict(x, h);\n"
            f'  for (k = 0; k < {n_out}; ++k) printf("%.17g ", h[k]); }}\n'
            f'puts(""); if (n{i}_test() || r{i}_test()) {{ fprintf(stderr, "%d", {i}); return 1; }}'
        )
        inputs.append(made.X.astype(np.float64).tobytes())
    main = "\n".join(calls)
    (folder / "main.c").write_text(
        "#include <stdio.h>\n" + "\n".join(declared) + f"\nint main(void) {{ int r, k;\n{main}\n"
        "return 0; }\n"
    )
    files = [f"{kind}{i}.c" for i in range(len(models)) for kind in "nr"]
    run("gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", *files, "main.c", "-lm", cwd=folder)
    done = subprocess.run(
        [folder / "a.out"], input=b"".join(inputs), check=False, capture_output=True
    )
    assert done.returncode == 0, list(models)[int(done.stderr or 0)]
    lines = done.stdout.decode().splitlines()
    answers = {
        name: np.array(line.split(), float) for name, line in zip(models, lines, strict=True)
    }
    return answers, sources


@pytest.fixture(scope="module")
def by_node(models, tmp_path_factory):
    need("node")
    folder, sources, cells = tmp_path_factory.mktemp("js"), {}, []
    for i, (name, model) in enumerate(models.items()):
        rows = CASES[name][1]
        sources[name] = cr.to_js(model, rows)
        (folder / f"n{i}.mjs").write_text(sources[name])
        (folder / f"r{i}.mjs").write_text(cr.to_js(model))
        table = pd.DataFrame(rows).astype(object).to_numpy()
        cells.append([[None if pd.isna(v) else v for v in row] for row in table])
    (folder / "x.json").write_text(json.dumps(cells))
    (folder / "main.mjs").write_text(
        "import fs from 'fs';\nconst out = [];\n"
        "for (const [i, rows] of JSON.parse(fs.readFileSync('x.json')).entries()) {\n"
        "  const m = await import(`./n${i}.mjs`), r = await import(`./r${i}.mjs`);\n"
        "  out.push([m.test() + r.test(), rows.map((x) => Array.from(m.predict(x)))]);\n"
        "}\nconsole.log(JSON.stringify(out));\n"
    )
    found = json.loads(run("node", "main.mjs", cwd=folder))
    assert [name for name, (failed, _) in zip(models, found, strict=True) if failed] == []
    return {name: h for name, (_, h) in zip(models, found, strict=True)}, sources


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("runtime", ["by_c", "by_node"])
def test_programs_answer_as_the_model(runtime, name, models, request):
    answers, sources = request.getfixturevalue(runtime)
    ours = own_answers(models[name], CASES[name][1])
    require_close(answers[name], ours, name)
    require_close(vectors(sources[name]), ours, name)


@pytest.mark.parametrize("name", CASES)
def test_onnx_answers_as_the_model(name, models, answers):
    model, rows = models[name], CASES[name][1]
    got = answers(cr.to_onnx(model, rows), rows)
    if "variable" in got:
        require_close(got["variable"], model.predict(rows), name)
        return
    np.testing.assert_array_equal(got["label"], model.predict(rows))
    ours = model.predict_proba(rows)
    if not isinstance(ours, list):
        ours, got["probabilities"] = [ours], [got["probabilities"]]
    for mine, theirs in zip(ours, got["probabilities"], strict=True):
        require_close(theirs, mine, name)


def test_the_table_has_what_it_is_for(models):
    """Quantiles cross, one-vs-all hypotheses do not add up to 1: else the tests could not fail."""
    for name in ("quantiles", "quantiles, float32", "quantiles of two targets"):
        h = models[name].network_(X)
        assert (np.diff(h.reshape(len(X), -1, 3), axis=2) < 0).any()
    assert (np.abs(models["one-vs-all"].network_(X).sum(axis=1) - 1) > 0.01).any()


def test_a_network_gives_its_hypotheses(models):
    net = models["quantiles"].network_
    np.testing.assert_array_equal(program(net, X, None).H, net(X))
    np.testing.assert_array_equal(
        program(models["quantiles"], X, None).H, models["quantiles"].predict(X)
    )


def test_what_its_own_predict_refuses_is_not_exported():
    model = scaled(quantiles()).fit(X, Y)
    with pytest.raises(ValueError, match="dim"):
        model.predict(X)
    for export in (cr.to_c, cr.to_js, cr.to_onnx):
        with pytest.raises(errors.InvalidInput, match="several quantiles of several targets"):
            export(model)


def test_a_program_that_would_answer_otherwise_is_refused(models, monkeypatch):
    """A part whose meaning is not the one that the program gives it: here a scaler of one's own."""
    model = make_pipeline(StandardScaler(), regressor()).fit(X, Y[:, 0])
    transform = StandardScaler.transform
    monkeypatch.setattr(StandardScaler, "transform", lambda self, X: transform(self, X) + 0.1)
    for export in (cr.to_c, cr.to_js):
        with pytest.raises(errors.InvalidInput, match="would differ from this model's on"):
            export(model)
