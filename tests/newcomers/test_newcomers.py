"""Mistakes that newcomers make, and what each is told: ``mistakes.txt`` is the table.

Every sentence in it is to be read with the eyes of somebody who does not know chainrule: what is
wrong, what was given, what to do. A changed sentence is changed there too, and read again.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
t = X[:, 0] + 0.1 * rng.normal(size=40)
y = (t > 0).astype(int)
SMALL = {"hidden_layer_sizes": 4, "max_iter": 2, "random_state": 0}


def net():
    return cr.Network([3, 4, 1], loss="squared_error", seed=0)


NAMES = {
    "cr": cr,
    "np": np,
    "pd": pd,
    "GridSearchCV": GridSearchCV,
    "make_pipeline": make_pipeline,
    "StandardScaler": StandardScaler,
    "X": X,
    "t": t,
    "y": y,
    "words": np.array(["no", "yes"])[y],
    "net": net,
    "df": pd.DataFrame(X, columns=list("abc")),
    "C": lambda **settings: cr.MLPClassifier(**SMALL | settings),
    "R": lambda **settings: cr.MLPRegressor(**SMALL | settings),
    "L": lambda: cr.Learner(net()),
}


def told(code):
    """Return what a line of code is told, errors and warnings."""
    lines = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            eval(code, dict(NAMES))
        except Exception as error:
            lines.append((type(error).__name__, str(error)))
    said = [(each.category.__name__, str(each.message)) for each in caught]
    return [f"{kind}: {' '.join(text.split())}" for kind, text in said + lines]


def mistakes():
    """Return the table, {code: what is told}."""
    table: dict[str, list[str]] = {}
    lines = []
    for line in Path(__file__).with_name("mistakes.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            lines.append(line.strip())
        elif line and not line.startswith("#"):
            lines = table.setdefault(line, [])
    return table


TABLE = mistakes()


def test_the_table_is_long_enough():
    assert len(TABLE) >= 200


@pytest.mark.parametrize("code", TABLE)
def test_a_mistake_is_told_what_is_wrong_and_what_to_do(code, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert told(code) == TABLE[code]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", TABLE)
def test_no_sentence_speaks_of_what_only_we_know(code):
    for sentence in TABLE[code]:
        assert not re.search(r"0x[0-9a-f]{6}|nanobind|\bdtype\('|incompatible function", sentence)
        assert len(sentence) < 600, "too long to be read"
