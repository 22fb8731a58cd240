"""A path where a hand puts it: the file is written, or one sentence says how it is meant."""

import io
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule import errors

NET = cr.Network([2, 3, 1], activation="tanh", loss="squared_error", seed=1)
X, Y = np.array([[0.5, -1.0], [1.0, 2.0]]), np.array([0.5, 2.0])
WORKING = cr.explain(NET, X[0], 2.0)
SHEET = cr.exercise(seed=1)

# What writes a file: called without a path it returns the content, which the file then holds.
WRITERS = {
    "to_c": lambda *path: cr.to_c(NET, *path),
    "to_c, path=": lambda *path: cr.to_c(NET, **({"path": path[0]} if path else {})),
    "to_c, rows too": lambda *path: cr.to_c(NET, X, path=path[0] if path else None),
    "to_js": lambda *path: cr.to_js(NET, *path),
    "to_onnx": lambda *path: cr.to_onnx(NET, *path).SerializeToString(),
    "to_onnx, rows too": lambda *path: cr.to_onnx(
        NET, X, path=path[0] if path else None
    ).SerializeToString(),
    "working, text": WORKING.text,
    "working, markdown": WORKING.markdown,
    "working, latex": WORKING.latex,
    "working, html": WORKING.html,
    "comparison, text": lambda *path: cr.compare(NET, X, Y).text(*path),
    "comparison, html": lambda *path: cr.compare(NET, X, Y).html(*path),
    "sheet, text": SHEET.text,
    "sheet, html": lambda *path: SHEET.html(*path, solution=True),
    "sheet, latex": SHEET.latex,
    "sheet, markdown": SHEET.markdown,
}


def as_bytes(content):
    return content if isinstance(content, bytes) else content.encode()


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("name", WRITERS)
def test_a_path_is_written_and_the_same_returned(name, kind, tmp_path):
    write, path = WRITERS[name], tmp_path / "file"
    expected = as_bytes(write())
    path.write_bytes(b"an older one")
    assert as_bytes(write(kind(path))) == expected
    assert path.read_bytes() == expected
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", WRITERS)
def test_what_cannot_be_written_is_said_and_nothing_is_there(name, tmp_path):
    with pytest.raises(errors.UnwritablePath, match="make it first"):
        WRITERS[name](tmp_path / "missing" / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_cannot_be_exported_leaves_the_old_file(tmp_path):
    path = tmp_path / "net"
    path.write_bytes(b"an older one")
    own = cr.Activation("own", lambda z: z, lambda z, a: np.ones_like(z))
    net = cr.Network([2, 3, 1], activation=own, loss="squared_error")
    for export in (cr.to_c, cr.to_js, cr.to_onnx):
        with pytest.raises(errors.InvalidInput, match="your own function"):
            export(net, path)
    assert path.read_bytes() == b"an older one"


NEEDED = "path of a file is needed, as a str or a pathlib.Path. Got"
HANDS = {
    "save, turned": (lambda: cr.save("net", NET), r"model first and then the path: cr.save\(mod"),
    "save, no path": (lambda: cr.save(NET, None), f"{NEEDED} an object of NoneType"),
    "save, a file": (lambda: cr.save(cr.MLPClassifier(), io.BytesIO()), f"{NEEDED} an open file"),
    "save, a method": (lambda: NET.save(io.BytesIO()), f"{NEEDED} an open file"),
    "load, a model": (lambda: cr.load(NET), f"{NEEDED} an object of Network"),
    "load, a file": (lambda: cr.load(io.BytesIO()), f"{NEEDED} an open file"),
    "Network.load": (lambda: cr.Network.load(3), f"{NEEDED} an object of int"),
    "Learner.load": (lambda: cr.Learner.load(NET), f"{NEEDED} an object of Network"),
    "to_c, turned": (lambda: cr.to_c("net.c", NET), "The model comes first, then the path"),
    "to_js, a file": (lambda: cr.to_js(NET, io.StringIO()), f"{NEEDED} an open file"),
    "to_onnx, bytes": (lambda: cr.to_onnx(NET, b"net.onnx"), f"{NEEDED} an object of bytes"),
    "html, a file": (lambda: WORKING.html(io.StringIO()), f"{NEEDED} an open file"),
    "two paths": (lambda: cr.to_c(NET, "a.c", path="b.c"), "One path is needed. Got two"),
}


@pytest.mark.parametrize("hand", HANDS)
def test_one_sentence_says_how_it_is_meant(hand, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, said = HANDS[hand]
    with pytest.raises((errors.InvalidInput, errors.InvalidParameter), match=said):
        call()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "net"
    cr.to_onnx(NET, path)
    with pytest.raises(errors.InvalidFile, match=r"an ONNX model; read .* with cr.from_onnx"):
        cr.load(path)
    assert (cr.from_onnx(path).theta == NET.theta).all()
    for export in (cr.to_c, cr.to_js):
        export(NET, path)
        with pytest.raises(errors.InvalidFile, match="but a program that chainrule exported"):
            cr.load(path)
        with pytest.raises(errors.InvalidFile, match="not an ONNX model"):
            cr.from_onnx(path)
    for model in (NET, cr.MLPClassifier()):
        cr.save(model, path)
        with pytest.raises(errors.InvalidFile, match=r"not an ONNX model: .* open it with cr.load"):
            cr.from_onnx(path)
