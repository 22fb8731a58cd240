"""What the attacks share. They stand beside a script, and import as it does."""

import sys
import tracemalloc
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import chainrule as cr
from chainrule.errors import ChainruleError, InvalidFile


@pytest.fixture
def refused(tmp_path):
    """Return a function that opens some content, and says in which sentence it was refused."""

    def refused(content: bytes, error: type[ChainruleError] = InvalidFile) -> str:
        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        path = folder / "file"
        path.write_bytes(content)
        tracemalloc.start()
        try:
            with pytest.raises(error) as caught:
                cr.load(path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 2 * len(content) + 100 * 2**20
        sentence = str(caught.value)
        assert str(path) in sentence
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 1000
        assert [found.name for found in tmp_path.rglob("*")] == ["folder", "file"]
        return sentence

    return refused
