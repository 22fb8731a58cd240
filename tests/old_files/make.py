"""Write a small file of every kind, with what its model answers: ``make.py``, once for a release.

They are kept as they are, in a folder for each version that wrote any, and `test_old_files.py`
opens all of them for ever. A new version adds a folder; nothing here is ever written again.
"""

import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule as cr
from chainrule.optimizers import InverseScaling

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3)).round(3)
CLASSES = np.arange(40) % 3
TEXTS = np.array(["a", "b", "ü"])[CLASSES]
TABLE = pd.DataFrame({"length": X[:, 0], "width": X[:, 1], "color": ["red", "blue"] * 20})


def network() -> cr.Network:
    net = cr.Network([3, 5, 4, 3], activation=["tanh", "relu"], seed=1)
    net.feature_names = ["length", "width", "height"]
    return net


def learner(optimizer: Any, targets: Any = CLASSES, **network_settings: Any) -> cr.Learner:
    net = cr.Network([3, 5, 3 if targets is CLASSES else 1], **network_settings)
    made = cr.Learner(net, optimizer, l2=0.1, dropout=0.1, batch_size=8, seed=2)
    made.fit(X, targets, epochs=2)
    return made


def resumed(path: Path, epochs: int = 4) -> cr.Learner:
    """Train with a checkpoint at that path, going on from what is there."""
    made = cr.Learner(cr.Network([3, 5, 3], seed=4), cr.Adam(0.01), batch_size=8, dropout=0.1)
    made.fit(X, CLASSES, epochs=epochs, tol=1e-4, checkpoint=path, resume=True)
    return made


def pipeline() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepare = ColumnTransformer([("n", numbers, ["length", "width"]), ("t", texts, ["color"])])
    model = cr.MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0)
    return Pipeline([("prepare", prepare), ("network", model)]).fit(TABLE, X[:, 2])


def classifier(y: Any, **settings: Any) -> cr.MLPClassifier:
    return cr.MLPClassifier((4,), max_iter=3, **settings).fit(X, y)


KINDS: dict[str, Callable[[], Any]] = {
    "network": network,
    "network_float64": lambda: cr.Network([3, 1], loss="poisson", dtype="float64", init="uniform"),
    "learner": lambda: learner(cr.Adam(0.01)),
    "learner_momentum": lambda: learner(
        cr.SGD(InverseScaling(0.1), momentum=0.9, nesterov=True),
        X[:, 0],
        loss="squared_error",
        activation="gelu",
        dtype="float64",
    ),
    "classifier": lambda: classifier(TEXTS, random_state=np.random.RandomState(0)),
    "classifier_lbfgs": lambda: classifier(CLASSES == 1, solver="lbfgs", random_state=0),
    "classifier_multilabel": lambda: classifier(
        np.stack([CLASSES == 0, CLASSES > 0], axis=1).astype(int), solver="sgd", random_state=0
    ),
    "regressor": lambda: cr.MLPRegressor(
        hidden_layer_sizes=(), max_iter=3, early_stopping=True, random_state=0
    ).fit(X.astype(np.float32), X[:, :2]),
    "pipeline": pipeline,
}


def answers(model: Any) -> np.ndarray:
    """Return what a model says of the examples here."""
    if isinstance(model, cr.Learner):
        return model.net(X)
    if isinstance(model, cr.Network):
        return model(X)
    if isinstance(model, Pipeline):
        return model.predict(TABLE)
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def main() -> None:
    folder = Path(__file__).parent / cr.__version__
    folder.mkdir()
    said = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs are no convergence
        resumed(folder / "checkpoint", epochs=2)
        for kind, make in [*KINDS.items(), ("checkpoint", None)]:
            if make is None:
                with tempfile.TemporaryDirectory() as elsewhere:
                    model = resumed(Path(elsewhere, "checkpoint"))
            else:
                model = make()
                cr.save(model, folder / kind)
            values = np.atleast_2d(answers(model)).astype(float)
            said[kind] = [[value.hex() for value in row] for row in values.tolist()]
    (folder / "answers.json").write_text(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
