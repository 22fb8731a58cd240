"""Arrays and a header in one file: the same come back, and another program can read them."""

import hashlib
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from chainrule.errors import InvalidFile, InvalidInput, MissingFile, UnwritablePath
from chainrule.storage import read_file, read_tensors, write_tensors
from chainrule.storage.tensors import dump_tensors, parse_tensors

DTYPES = ["<f4", "<f8", "<i4", "<i8", "u1", "<u4", "<u8"]
arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, max_dims=4, min_side=0))
)
names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,20}", fullmatch=True)
plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text()
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    plain | numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OWN = ("format", "format_version", "chainrule", "tensors_sha256", "header_sha256")
headers = st.dictionaries(st.text().filter(lambda name: name not in OWN), values, max_size=4)


@given(st.dictionaries(names, arrays, max_size=4), headers)
def test_the_same_bits_and_the_same_header_come_back(tensors, header):
    content = dump_tensors(tensors, header)
    back, read = parse_tensors(bytearray(content), "file")
    assert back.keys() == tensors.keys()
    for name, array in tensors.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()
        assert back[name].flags.writeable
    assert {name: read[name] for name in header} == header
    assert dump_tensors(tensors, header) == content  # and the same bytes again


@given(st.dictionaries(names, arrays, max_size=4))
def test_the_package_reads_what_we_write(tensors):
    content = dump_tensors(tensors, {"kind": "x"})
    theirs = safetensors.numpy.load(content)
    assert theirs.keys() == tensors.keys()
    for name, array in tensors.items():
        assert theirs[name].tobytes() == array.tobytes()
        assert theirs[name].shape == array.shape


def test_another_program_finds_everything_that_is_documented(tmp_path):
    theta = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_tensors(tmp_path / "file", {"theta": theta, "b": np.array(5)}, {"kind": "x", "ü": 1})
    with safetensors.safe_open(tmp_path / "file", "numpy") as file:
        text = file.metadata()["chainrule"]
        assert [*file.metadata()] == ["chainrule"]
    header = json.loads(text)
    lines = [b"b I64 []\n" + np.int64(5).tobytes(), b"theta F32 [2,3]\n" + theta.tobytes()]
    assert header["tensors_sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert header["header_sha256"] == hashlib.sha256(text[:-66].encode()).hexdigest()
    assert (header["format"], header["format_version"], header["kind"]) == ("chainrule", 1, "x")
    assert text.isascii()


def test_other_layouts_in_memory_are_written_as_the_values_they_are():
    given_ = np.arange(12, dtype=">f8").reshape(3, 4)
    for array in (given_, given_.T, given_[::2, ::-1], np.asfortranarray(given_)):
        back = parse_tensors(dump_tensors({"a": array}, {}), "file")[0]["a"]
        assert back.dtype == np.float64
        np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("tensors", "header", "said"),
    [
        ({"a": np.array(["x"])}, {}, "<U1"),
        ({"a": np.array([None])}, {}, "object"),
        ({"a": np.zeros(2, np.float16)}, {}, "float16"),
        ({"a": np.zeros(2, bool)}, {}, "bool"),
        ({"a": np.zeros([1] * 9)}, {}, "9 dimensions"),
        ({"../a": np.zeros(2)}, {}, "../a"),
        ({"": np.zeros(2)}, {}, "''"),
        ({"a b": np.zeros(2)}, {}, "a b"),
        ({}, {"a": float("nan")}, "JSON"),
        ({}, {"a": float("inf")}, "JSON"),
        ({}, {"a": {1, 2}}, "set"),
        ({}, {"a": np.float32(1)}, "float32"),
        ({}, {"format": "mine"}, "'format'"),
        ({}, {"header_sha256": ""}, "'header_sha256'"),
        ({}, {"a": ["x" * 100] * 100_000}, "8388608"),
        ({}, {"a": [0] * 300_000}, "250000 values"),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path, tensors, header, said):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(InvalidInput) as caught:
        write_tensors(tmp_path / "file", tensors, header)
    assert said in str(caught.value)
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_header_that_is_nested_deeply_or_in_itself_is_not_written(tmp_path):
    deep: list = []
    for _ in range(40):
        deep = [deep]
    circle: list = []
    circle.append(circle)
    for value in (deep, circle):
        with pytest.raises(InvalidInput):
            write_tensors(tmp_path / "file", {}, {"a": value})
    assert not (tmp_path / "file").exists()


def test_reading_takes_the_memory_of_the_file_and_little_more(tmp_path):
    write_tensors(tmp_path / "file", {"a": np.zeros(4_000_000)}, {})
    size = (tmp_path / "file").stat().st_size
    tracemalloc.start()
    tensors, _ = read_tensors(tmp_path / "file")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tensors["a"].shape == (4_000_000,)
    assert peak < size + 2**20


def test_paths(tmp_path):
    with pytest.raises(MissingFile, match="no file"):
        read_tensors(tmp_path / "missing")
    with pytest.raises(InvalidFile, match="folder"):
        read_tensors(tmp_path)
    with pytest.raises(UnwritablePath):
        write_tensors(tmp_path / "missing" / "file", {}, {})
    (tmp_path / "empty").touch()
    assert read_file(str(tmp_path / "empty")) == b""
    with pytest.raises(InvalidFile, match="cut short"):
        read_tensors(tmp_path / "empty")
    assert read_file(Path(__file__)) == Path(__file__).read_bytes()
