"""The command, called in this process, in a folder of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from chainrule.cli import main


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capfd, tmp_path, monkeypatch) -> Callable[..., Ended]:
    """Run the command with arguments in a fresh folder.

    What it prints is caught where the process prints: libraries in other languages print too.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHAINRULE_TRACEBACK", raising=False)

    def call(*argv: object) -> Ended:
        capfd.readouterr()
        code = main([str(each) for each in argv])
        return Ended(code, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def _models() -> dict[object, bytes]:
    return {}


@pytest.fixture
def have_model(run, _models) -> Callable[..., None]:
    """Return a function that trains a model m on t.csv, once for all tests that need the same."""

    def call(*options: object) -> None:
        key = Path("t.csv").read_bytes(), options
        if key not in _models:
            ended = run("train", "t.csv", "--model", "m", *options)
            assert ended.code == 0, ended
            _models[key] = Path("m").read_bytes()
        Path("m").write_bytes(_models[key])

    return call


@pytest.fixture
def refused(run, tmp_path) -> Callable[..., str]:
    """Run the command, expect its one sentence with exit code 2, and nothing written."""

    def contents() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def call(*argv: object) -> str:
        before = contents()
        ended = run(*argv)
        sentences = ended.err.splitlines()
        assert ended.code == 2, ended
        assert len(sentences) == 1, ended.err
        assert sentences[0].startswith("chainrule: ")
        assert sentences[0].endswith((".", "?"))
        assert "Traceback" not in ended.err
        assert "Warning" not in ended.err
        assert contents() == before
        return sentences[0]

    return call


def make_table(rows: int = 60, seed: int = 0) -> pl.DataFrame:
    """Every kind of column, with missing cells, and targets that follow from the inputs."""
    rng = np.random.default_rng(seed)
    length, width = rng.normal(size=(2, rows))
    color = rng.choice(["red", "green", "blue"], rows)
    signal = length + (color == "red")
    return pl.DataFrame(
        {
            "length": length,
            "width": pl.Series(width).scatter([1, 5], [None, None]),
            "count": rng.integers(0, 9, rows),
            "color": pl.Series(color).scatter([2, 9], [None, None]),
            "is_new": rng.random(rows) > 0.5,
            "day": pl.Series(np.datetime64("2024-01-01") + np.arange(rows)).cast(pl.Date),
            "label": np.where(signal > 0, "yes", "no"),
            "class": (signal > 0).astype(int),
            "good": signal > 0,
            "price": 1000 + 50 * signal,
            "visits": rng.poisson(np.exp(np.clip(signal, -2, 2))),
        }
    )


@pytest.fixture
def table() -> pl.DataFrame:
    return make_table()


@pytest.fixture
def long_table() -> pl.DataFrame:
    return make_table(200)
