"""A file is written whole or not at all, and what cannot be written is known beforehand."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.errors import UnwritablePath
from chainrule.storage import atomic, check_writable, write_file


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["plain", "with.suffix", "ünï cödé", "a" * 255, "-o", "~", "a\nb"])
@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 1000])
def test_the_content_arrives_and_nothing_else_is_left(tmp_path: Path, name: str, content: bytes):
    check_writable(tmp_path / name)
    assert tree(tmp_path) == {}
    write_file(tmp_path / name, content)
    assert tree(tmp_path) == {name: content}
    check_writable(tmp_path / name)
    assert tree(tmp_path) == {name: content}
    write_file(str(tmp_path / name), content + b"2")
    assert tree(tmp_path) == {name: content + b"2"}


def bad_paths(folder: Path) -> dict[str, str]:
    (folder / "file").write_bytes(b"old")
    (folder / "folder").mkdir()
    return {
        "": "empty",
        str(folder / "folder"): "folder",
        str(folder / "new") + os.sep: "folder",
        str(folder / "missing" / "model"): "does not exist",
        str(folder / "file" / "model"): "is a file",
        str(folder / "file" / "deeper" / "model"): "does not exist",
        str(folder / ("x" * 256)): "too long",
        str(folder / "nul\0byte"): "null",
        "/proc/model": "",  # a file system that even root cannot write
    }


@pytest.mark.parametrize("function", [check_writable, lambda path: write_file(path, b"new")])
def test_a_destination_that_cannot_be_written_is_one_sentence(tmp_path: Path, function):
    for path, why in bad_paths(tmp_path).items():
        before = tree(tmp_path)
        with pytest.raises(UnwritablePath, match="Cannot write") as caught:
            function(path)
        assert isinstance(caught.value, OSError)
        assert why in str(caught.value)
        assert path in str(caught.value)
        assert str(caught.value).endswith(".")
        assert "\n" not in str(caught.value)
        assert tree(tmp_path) == before


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_error_at_any_step_leaves_the_old_file(tmp_path, monkeypatch, step, error):
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def fail(*args):
        raise error

    monkeypatch.setattr(atomic.os, step, fail)
    expected = UnwritablePath if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_file(path, b"new")
    assert tree(tmp_path) == {"model": b"old"}


def test_a_link_stays_a_link(tmp_path: Path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_the_mode_is_the_old_files_or_the_umasks(tmp_path: Path):
    old = os.umask(0o027)
    try:
        write_file(tmp_path / "fresh", b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o640
    (tmp_path / "fresh").chmod(0o604)
    write_file(tmp_path / "fresh", b"2")
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o604


def test_a_write_protected_file_is_refused(tmp_path: Path, monkeypatch):
    path = tmp_path / "model"
    path.write_bytes(b"old")
    monkeypatch.setattr(atomic.os, "access", lambda *args: False)  # root may write anything
    with pytest.raises(UnwritablePath, match="write-protected"):
        check_writable(path)


def test_a_pipe_is_written_directly():
    code = "from chainrule.storage import *; check_writable(p:='/dev/stdout'); write_file(p, b'hi')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"hi"
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    write_file("/dev/null", b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
