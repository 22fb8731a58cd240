"""What is not installed is said in one way, which works from a checkout; what is broken is not."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.cli import main
from chainrule.extras import _ALL, is_installed, require

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
HELPER = ROOT / "src/chainrule/extras.py"


def read_by_users():
    """Every text of ours that a user may see."""
    for pattern in ("src/**/*.py", "examples/**/*.py", "docs/**/*.md", "*.md"):
        yield from ROOT.glob(pattern)


def test_the_extra_for_users_brings_what_the_messages_promise():
    parts = re.findall(r"\w+", EXTRAS["all"][0].partition("[")[2])
    brought = {re.match(r"\w+", package)[0] for part in parts for package in EXTRAS[part]}
    assert brought == _ALL
    assert set(parts) == set(EXTRAS) - {"all", "test", "docs", "check"}


def test_the_demo_installs_it():
    assert re.search(r"^demo: \.venv/all$", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_no_text_names_an_extra_of_a_package_that_no_index_has():
    files = list(read_by_users())
    assert len(files) > 200
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "chainrule[" not in text, path
        assert not re.search(r"\.\[(?!all\])\w+\]'", text), path  # '.[all]' is the one for users
        if path.suffix == ".py" and path != HELPER and "examples" not in path.parts:
            assert "pip install" not in text, f"{path}: say it with chainrule.extras.require"


NET = cr.Network([2, 3, 2])
USES = {  # what is done, what it needs, how the sentence begins
    "picture": (
        lambda: cr.NetworkDisplay.from_estimator(NET),
        ["matplotlib"],
        "Pictures are drawn",
    ),
    "to_onnx": (lambda: cr.to_onnx(NET), ["onnx", "skl2onnx"], "to_onnx needs"),
    "from_onnx": (lambda: cr.from_onnx(b""), ["onnx"], "from_onnx needs"),
    "pandas": (lambda: cr.History().to_frame(), ["pandas"], "A history becomes"),
    "torch": (NET.to_torch, ["torch"], "to_torch needs PyTorch"),
}


@pytest.mark.parametrize(
    ("use", "absent"), [(use, name) for use, (_, needed, _) in USES.items() for name in needed]
)
def test_a_package_that_is_missing_is_named_with_its_remedy(monkeypatch, use, absent):
    call, needed, begin = USES[use]
    for name in needed:
        if name != absent and not is_installed(name):
            pytest.skip(f"{name} is not installed")
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(cr.errors.MissingExtra) as raised:
        call()
    said = str(raised.value)
    assert said.startswith(begin)
    assert f"which is not installed here: pip install {absent}" in said
    assert (" or pip install '.[all]' in the checkout of chainrule." in said) == (absent in _ALL)
    assert said.endswith(".")


@pytest.mark.parametrize("absent", [["polars"], ["rich", "polars"], ["typer", "rich", "polars"]])
def test_the_command_says_it_in_one_line(monkeypatch, capsys, absent):
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["example"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("chainrule: the command needs ")
    assert f"pip install {' '.join(absent)}, or pip install '.[all]'" in captured.err


def test_what_is_installed_but_broken_is_not_called_missing(monkeypatch, tmp_path):
    """Its own error says what is wrong with it."""
    (tmp_path / "brokenplot").mkdir()
    (tmp_path / "brokenplot/__init__.py").write_text("raise ImportError('libpng16.so.16')")
    monkeypatch.syspath_prepend(tmp_path)
    require("Pictures are drawn with", "brokenplot")

    def broken(name):
        raise ImportError("libpng16.so.16: cannot open shared object file")

    monkeypatch.setattr("chainrule.displays.style.import_module", broken)
    with pytest.raises(ImportError, match="libpng16") as raised:
        cr.NetworkDisplay.from_estimator(NET)
    assert not isinstance(raised.value, cr.errors.MissingExtra)


def test_a_folder_of_that_name_is_no_package(monkeypatch, tmp_path):
    (tmp_path / "models_of_mine").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_installed("models_of_mine")
    assert is_installed("numpy")
    assert is_installed("json")
