"""Files that older versions wrote keep opening, and their models keep saying the same."""

import importlib.util
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.native import load_core

FOLDER = Path(__file__).parent
VERSIONS = sorted(path.parent for path in FOLDER.glob("*/answers.json"))
FILES = [path for version in VERSIONS for path in sorted(version.iterdir()) if not path.suffix]

spec = importlib.util.spec_from_file_location("old_files_make", FOLDER / "make.py")
make = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_old_file_opens_and_its_model_says_the_same(path, tmp_path):
    said = json.loads((path.parent / "answers.json").read_text())[path.name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that another version of scikit-learn wrote it
        if path.name == "checkpoint":
            shutil.copy(path, tmp_path / "checkpoint")  # it is written again at the end
            model = make.resumed(tmp_path / "checkpoint")
        else:
            model = cr.load(path)
        answers = np.atleast_2d(make.answers(model)).astype(float)
    expected = np.array([[float.fromhex(value) for value in row] for row in said])
    # The native engine gives the same bits everywhere; what may be around it is NumPy's.
    exact = load_core() is not None and path.name != "pipeline"
    np.testing.assert_allclose(answers, expected, rtol=0 if exact else 1e-5)


def test_every_kind_is_there():
    newest = {path.name for path in VERSIONS[-1].iterdir()}
    assert newest == {*make.KINDS, "checkpoint", "answers.json"}
    assert len(FILES) >= 10


@pytest.mark.parametrize("kind", make.KINDS)
def test_this_version_still_writes_what_it_says(kind, tmp_path):
    """What is written today answers as what was written then: the script is still the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make.KINDS[kind]()
        cr.save(model, tmp_path / "file")
        back = cr.load(tmp_path / "file")
    assert type(back) is type(model)
    np.testing.assert_array_equal(make.answers(back), make.answers(model))
