"""Attacks on the files of estimators and pipelines, each class of them with what is said of it."""

import copy
import io
import json
import os
import pickle
import stat
import struct
import zipfile
from functools import cache
from pathlib import Path

import bases
import numpy as np
import pytest
import raw
import skops.io
from scipy import sparse

import chainrule as cr
from chainrule.errors import InvalidFile, InvalidInput, MissingFile

CONTENT = bases.content_of("estimator")
PARTS = raw.members(CONTENT)
SCHEMA = json.loads(PARTS["schema.json"])
ARRAYS = [name for name in PARTS if name.endswith(".npy")]
EMPTY = b"\x93NUMPY\x01\x00\x76\x00"  # the start of an array's member
REST = {name: data for name, data in PARTS.items() if name != "schema.json"}


class Bomb:
    """Runs code when it is unpickled: a file appears."""

    def __init__(self, path: str = "executed"):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


@pytest.fixture(autouse=True)
def nothing_is_executed(tmp_path, monkeypatch):
    (tmp_path.parent / "here").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path.parent / "here")
    yield
    assert list(Path().iterdir()) == []


# The archive


def zipped(**options) -> bytes:
    """Return the file zipped by other means."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, data in PARTS.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_member(name: str, data: bytes = b"x", attributes: int = 0) -> bytes:
    """Return the file with a member more."""
    buffer = io.BytesIO(CONTENT)
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = attributes << 16
        archive.writestr(info, data)
    return buffer.getvalue()


def twice() -> bytes:
    buffer = io.BytesIO(CONTENT)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("schema.json", PARTS["schema.json"])
    return buffer.getvalue()


def directory(content: bytes, field: slice, value: int) -> bytes:
    """Change a field of the first entry of a zip's directory."""
    changed = bytearray(content)
    at = changed.index(b"PK\x01\x02")
    size = field.stop - field.start
    changed[at + field.start : at + field.stop] = value.to_bytes(size, "little")
    return bytes(changed)


def ended(**fields: int) -> bytes:
    """Change fields of the record at the end."""
    names = ["magic", "disk", "first", "here", "entries", "length", "start", "comment"]
    record = dict(zip(names, struct.unpack("<4s4H2LH", CONTENT[-22:]), strict=True))
    return CONTENT[:-22] + struct.pack("<4s4H2LH", *(record | fields).values())


def zip64() -> bytes:
    """Add records that give other numbers than the one at the end."""
    far = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(CONTENT) - 22, 1)
    return CONTENT[:-22] + far + locator + CONTENT[-22:]


@cache
def bomb() -> bytes:
    """Return 128 MiB in 130 KiB: more than opening a file may take."""
    return raw.zipped({"schema.json": b" " * 2**27}, zipfile.ZIP_DEFLATED)


COMPRESSED, SIZE, FLAGS, METHOD = slice(20, 24), slice(24, 28), slice(8, 10), slice(10, 12)
ARCHIVES = {
    # Made when they are needed: they are large.
    "a zip bomb": (bomb, "compressed"),
    "a bomb that says it is small": (lambda: directory(bomb(), SIZE, 130_000), "compressed"),
    "bzip2": (zipped(compression=zipfile.ZIP_BZIP2), "compressed"),
    "LZMA": (zipped(compression=zipfile.ZIP_LZMA), "compressed"),
    "a member that claims 4 GiB": (
        directory(directory(CONTENT, SIZE, 2**32 - 2), COMPRESSED, 2**32 - 2),
        "claim more",
    ),
    "an unknown compression": (directory(CONTENT, METHOD, 99), "compressed"),
    "an encrypted member": (directory(CONTENT, FLAGS, 1), "encrypted"),
    "a member twice": (twice(), "two members"),
    "a link": (with_member("link", b"/etc/passwd", stat.S_IFLNK | 0o777), "a link"),
    "a device": (with_member("device", b"", stat.S_IFCHR | 0o666), "not a file"),
    "a comment": (CONTENT[:-2] + b"\x05\x00hello", "cut short or damaged"),
    "something before": (b"PK\x03\x04" + CONTENT, "cut short or damaged"),
    "something after": (CONTENT + b"x", "cut short or damaged"),
    "more entries than there are": (ended(entries=9999, here=9999), "cut short or damaged"),
    "a directory of 4 GiB": (ended(length=2**32 - 2), "cut short or damaged"),
    "a directory elsewhere": (ended(start=0), "cut short or damaged"),
    "several disks": (ended(disk=1), "cut short or damaged"),
    "two sizes of zip": (zip64(), "cut short or damaged"),
    "very many members": (
        lambda: raw.zipped({"schema.json": b"{}"} | {f"{i:0900}": b"" for i in range(5000)}),
        "4 MiB",
    ),
    "no description": (raw.zipped(REST), "another kind of zip"),
    "a pickle": (pickle.dumps(Bomb()), "is a pickle"),
    "a pickle in a zip": (raw.zipped({"data.pkl": pickle.dumps(Bomb())}), "a pickle in it"),
}


@pytest.mark.parametrize("attack", ARCHIVES)
def test_an_archive_that_is_none_of_ours(refused, attack):
    content, said = ARCHIVES[attack]
    assert said in refused(content() if callable(content) else content)


@pytest.mark.parametrize(
    "name", ["../out", "/tmp/chainrule-out", "C:\\out", "a/../../out", "..\\out", "folder/"]
)
def test_a_member_with_a_path_leads_nowhere(tmp_path, name, refused):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(with_member(name))
    cr.load(folder / "file")  # it is not looked at
    assert [found.name for found in tmp_path.rglob("*")] == ["folder", "file"]
    assert not Path("/tmp/chainrule-out").exists()
    # Nor is it when it is the member that is meant.
    assert "missing" in refused(described(lambda s: first(s, "NdArrayNode").update(file=name)))


# The card


def carded(card) -> bytes:
    text = card if isinstance(card, str) else json.dumps(card)
    return raw.zipped(PARTS | {"chainrule.json": text.encode()})


CARDS = {
    "no JSON": ("{", "not JSON"),
    "a list": ([], "not a JSON object"),
    "no format": ({}, "not one of ours"),
    "a newer format": ({"format": 2}, "upgrade"),
    "a format that is true": ({"format": True}, "not one of ours"),
    "versions that are a list": ({"format": 1, "versions": []}, "not one of ours"),
    "a note that is a text": ({"format": 1, "about": "x"}, "not one of ours"),
    "deep": ('{"a":' * 100_000, "header"),
    "huge": ({"format": 1, "about": {"a": [0] * 300_000}}, "values"),
    "a thing twice": ('{"format": 1, "format": 1}', "twice"),
    "another digest": ({"format": 1, "sha256": "0" * 64}, "SHA-256"),
    "a digest that is a number": ({"format": 1, "sha256": 5}, "SHA-256"),
}


@pytest.mark.parametrize("attack", CARDS)
def test_a_card_that_is_none(refused, attack):
    card, said = CARDS[attack]
    assert said in refused(carded(card))


def test_a_member_changed_without_its_digest(refused):
    """The zip's own checksums are right."""
    text = PARTS["schema.json"].replace(b'"0.9"', b'"0.8"')
    assert text != PARTS["schema.json"]
    assert "SHA-256" in refused(raw.zipped(PARTS | {"schema.json": text}))


# The description


def first(schema, loader: str, **entries):
    """Return the first object that is made this way."""
    left = [schema]
    while left:
        part = left.pop(0)
        if isinstance(part, dict):
            if part.get("__loader__") == loader and entries.items() <= part.items():
                return part
            left.extend(part.values())
        elif isinstance(part, list):
            left.extend(part)
    raise LookupError(loader)


def described(change, more: dict[str, bytes] | None = None) -> bytes:
    """Return the file with its description changed, signed anew."""
    schema = copy.deepcopy(SCHEMA)
    schema = change(schema) or schema
    return raw.model_file(PARTS | (more or {}) | {"schema.json": json.dumps(schema).encode()})


def planted(state):
    """Plant an object among the attributes of the estimator."""

    def change(schema):
        schema["content"]["content"]["planted"] = state
        schema["content"]["key_types"]["content"].append(
            {"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}
        )

    return change


def state(kind: str, loader: str, **entries):
    module, _, name = kind.rpartition(".")
    return {"__class__": name, "__module__": module, "__loader__": loader} | entries


def plain(value):
    return state("builtins.str", "JsonNode", content=json.dumps(value), is_json=True)


def listed(*states, loader="ListNode", kind="builtins.list", **entries):
    return state(kind, loader, content=list(states), **entries)


def laughs(depth: int = 40):
    """Describe lists of lists, two of each in the next: 2**40 of them, if they were written out."""
    inner = listed(plain("ha"), __id__=1)
    for i in range(2, depth):
        inner = listed(
            inner, state("builtins.list", "ListNode", content=[], __id__=i - 1), __id__=i
        )
    return inner


NET = "chainrule.network.network.Network"
HUGE = [plain(30_000), plain(30_000), plain(1)]  # a network of 3.6 GB
STATED = state("builtins.dict", "DictNode", content={}, key_types=listed())
FOREIGN = {
    "a function": state("os.system", "FunctionNode"),
    "a type": state("subprocess.Popen", "TypeNode"),
    "an object": state("threading.Thread", "ObjectNode", content=STATED),
    "a call": state(
        "os.system",
        "ConstructorFromReduceNode",
        content=listed(plain("touch executed"), loader="TupleNode", kind="builtins.tuple"),
    ),
    "a method": state("builtins.dict", "MethodNode", content={"obj": STATED, "func": "clear"}),
    "a partial": state("functools.partial", "PartialNode", content={}),
    "an operator": state("operator.methodcaller", "OperatorFuncNode", attrs=listed()),
    "a tree": state("sklearn.tree._tree.Tree", "TreeNode", content=STATED),
    "bytes": state("builtins.bytes", "BytesNode", file=ARRAYS[0]),
    "a sparse matrix": state("scipy.sparse.csr_matrix", "SparseMatrixNode", type="scipy", file="x"),
    "a reference": state("builtins.list", "CachedNode", __id__=5),
    "an unknown way": state("builtins.list", "MagicNode"),
    "a generator": state("numpy.random.Generator", "RandomGeneratorNode", content={}),
    "a list that is a network": listed(*HUGE, kind=NET),
    "a tuple that is a network": listed(*HUGE, loader="TupleNode", kind=NET),
    "a set that is a network": listed(*HUGE, loader="SetNode", kind=NET),
    "a network by a call": state(NET, "ConstructorFromReduceNode", content=listed(listed(*HUGE))),
    "an array that is a network": state(NET, "NdArrayNode", type="numpy", file=ARRAYS[0]),
    "an array that is nothing": state("numpy.void", "NdArrayNode", type="numpy", file=ARRAYS[0]),
    "a call of a selector's function": state(
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "ObjectNode",
        content=listed(*HUGE),
        __reduce__={"args": listed(*HUGE, loader="TupleNode", kind="builtins.tuple")},
    ),
    "a dict of ours": state("chainrule.optimizers.adam.Adam", "DictNode", content={}),
}


@pytest.mark.parametrize("attack", FOREIGN)
def test_a_foreign_type_is_named_and_not_made(refused, attack):
    sentence = refused(described(planted(FOREIGN[attack])))
    named = f"{FOREIGN[attack]['__module__']}.{FOREIGN[attack]['__class__']}"
    assert "was not opened" in sentence
    assert named in sentence


@pytest.mark.parametrize("protocol", [0, 1, -1, True, "2", None, 10**6])
def test_another_protocol(refused, protocol):
    """The old ones knew ways of making objects that were not examined as well."""
    assert "protocol" in refused(described(lambda schema: schema.update(protocol=protocol)))


def itself(schema):
    schema["content"]["content"]["planted"] = listed(
        state("builtins.list", "ListNode", content=[], __id__=1), __id__=1
    )


def shared(schema):
    """Let two objects be made of one array."""
    one, other = ARRAYS[:2]
    text = json.dumps(schema).replace(other, one)
    return json.loads(text)


def many_copies(schema):
    """Name one array ten thousand times."""
    array = first(schema, "NdArrayNode", type="numpy")
    planted(listed(*(array | {"__id__": 7 + i} for i in range(10_000))))(schema)


DESCRIPTIONS = {
    "laughs": (planted(laughs()), "one identity"),
    "made of itself": (itself, "one identity"),
    "an array of two objects": (shared, "two objects use"),
    "an array of many objects": (many_copies, "two objects use"),
    "a huge list": (planted(plain([0] * 10**6)), "values|plain value"),
    "a list as a value": (planted(plain([1])), "plain value"),
    "very many objects": (planted(listed(*[plain(0)] * 130_000)), "values"),
    "lists in lists": (planted(state("builtins.list", "ListNode", content=[[[]]])), "in lists"),
    "an identity that is a text": (planted(listed(__id__="1")), "identity"),
    "an identity of nothing": (planted(listed(__id__=0)), "identity"),
    "only an identity": (planted({"__id__": 1}), "without type"),
    "an unknown entry": (planted(listed(code="print()")), "unknown"),
    "the description as an array": (
        lambda schema: first(schema, "NdArrayNode", type="numpy").update(file="schema.json"),
        "not an array",
    ),
    "an array that is missing": (
        lambda schema: first(schema, "NdArrayNode", type="numpy").update(file="no.npy"),
        "missing",
    ),
    "an array of an object": (
        lambda schema: first(schema, "NdArrayNode", type="numpy").update(file={"a": 1}),
        "invalid array",
    ),
    "a position beyond its words": (
        lambda schema: first(schema, "RandomStateNode")["content"]["content"]["state"]["content"][
            "pos"
        ].update(content="100000"),
        "random numbers|one identity",
    ),
    "a state of random numbers in a text": (
        lambda schema: first(schema, "RandomStateNode").update(content=plain("MT19937")),
        "random numbers",
    ),
    "no object": (lambda schema: {"protocol": 2}, "describe an object"),
}


@pytest.mark.parametrize("attack", DESCRIPTIONS)
def test_a_description_that_saving_would_not_write(refused, attack):
    change, said = DESCRIPTIONS[attack]
    sentence = refused(described(change))
    assert any(part in sentence for part in said.split("|")), sentence


TEXTS = {
    "no JSON": b"{",
    "a list": b"[]",
    "no text": b'{"a": "\xff"}',
    "deep": b'{"a":' * 20_000,
    "deep lists": b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "a thing twice": b'{"__loader__": "ListNode", "__loader__": "ListNode"}',
    "many values": b'{"a": [' + b"0," * 10**6 + b"0]}",
    "groups of nothing": b'{"a": {}, ' + b",".join(b'"%d": {}' % i for i in range(9000)) + b"}",
    "nothing": b"",
    "very large": b'{"a": "' + b"x" * (41 * 2**20) + b'"}',
    "an endless number": b'{"a": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("attack", TEXTS)
def test_a_description_that_is_none(refused, attack):
    assert "damaged" in refused(raw.zipped(REST | {"schema.json": TEXTS[attack]}))


# The arrays


def array(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + data


def like(descr="'<f8'", order="False", shape="(1,)", data=bytes(8), **rest) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    return array(header, data, **rest)


def saved(values, **options) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, **options)
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    sparse.save_npz(buffer, sparse.csr_matrix((10**9, 10**9)))
    return buffer.getvalue()


MEMBERS = {
    "objects": saved(np.array([Bomb()], dtype=object), allow_pickle=True),
    "a pickle": pickle.dumps(Bomb()),
    "an archive of arrays": npz(),
    "nothing": b"",
    "only a start": b"\x93NUMPY",
    "a header longer than the member": b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
    "an unknown version": like(version=b"\x09\x00"),
    "a huge shape": like(shape="(1000000000000,)"),
    "a shape that overflows": like(shape="(4294967296, 4294967296)"),
    "a negative shape": like(shape="(-1,)"),
    "a shape that is a text": like(shape="'x'"),
    "a shape of truths": like(shape="(True,)"),
    "a huge element": like(descr="'<U900000000'", shape="(0,)", data=b""),
    "a huge nothing": like(shape="(0, 99999999999999999)", data=b""),
    "less than it says": like(shape="(2,)"),
    "more than it says": like(data=bytes(16)),
    "a structure": like(descr="[('a', '<f8')]"),
    "a void": like(descr="'|V8'"),
    "an unknown type": like(descr="'<q8'"),
    "an order of code": like(order="__import__('os').system('touch executed')"),
    "a header of code": array("__import__('os').system('touch executed')", bytes(8)),
    "a deep header": array("(" * 110, bytes(8)),
    "very many dimensions": array(
        f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'1,' * 40}), }}"
    ),
}


@pytest.mark.parametrize("attack", MEMBERS)
def test_a_member_that_is_no_plain_array(refused, attack):
    name = first(SCHEMA, "NdArrayNode", type="numpy")["file"]
    assert "its member" in refused(raw.model_file(PARTS | {name: MEMBERS[attack]}))


# Parts that contradict each other


def attribute(path: str):
    """Return the object that describes an attribute, by its path from the estimator."""

    def find(schema):
        part = schema
        for name in path.split("."):
            part = part["content"]["content"][name]
        return part

    return find


def set_to(path: str, value):
    def change(schema):
        part = attribute(path)(schema)
        part["content"] = json.dumps(value)
        part["__id__"] = 987654321  # else it is another object's too

    return change


def without(path: str):
    def change(schema):
        owner, _, last = path.rpartition(".")
        group = (attribute(owner)(schema) if owner else schema)["content"]
        group["key_types"]["content"].pop()
        del group["content"][last]

    return change


CONTRADICTIONS = {
    "features": set_to("n_features_in_", 5),
    "layers": set_to("n_layers_", 9),
    "outputs": set_to("n_outputs_", 2),
    "negative features": set_to("n_features_in_", -1),
    "a number that is a text": set_to("n_features_in_", "3"),
    "no labels": without("_labels"),
    "no classes of the labels": without("_labels.classes"),
    "an unknown kind of labels": set_to("_labels.kind", "binary "),
    "no architecture": without("network_.parameters"),
    "no network": set_to("out_activation_", None)
    and (lambda s: attribute("network_")(s).update(plain(1))),
}


@pytest.mark.parametrize("attack", CONTRADICTIONS)
def test_an_estimator_that_does_not_fit_its_network(refused, attack):
    refused(described(CONTRADICTIONS[attack]))


def test_a_network_of_another_size_than_its_numbers(refused):
    for path, value in [("sizes", 7), ("sizes", 10**12), ("dtype", "float32")]:

        def change(schema, path=path, value=value):
            text = json.dumps(schema)
            architecture = first(schema, "ObjectNode", __class__="Architecture")
            part = architecture["content"]["content"][path]
            part = part["content"][1] if path == "sizes" else part
            for each in [part]:
                each.update(content=json.dumps(value), __id__=987654321)
            # In each of the two places where the network is described.
            old = json.loads(text)
            changed = first(schema, "ObjectNode", __class__="Architecture")["content"]
            return replaced(old, lambda s: s.get("__class__") == "Architecture", changed)

        refused(described(change))


def replaced(part, matches, content):
    if isinstance(part, dict):
        if matches(part):
            return part | {"content": content}
        return {key: replaced(value, matches, content) for key, value in part.items()}
    if isinstance(part, list):
        return [replaced(value, matches, content) for value in part]
    return part


def test_weights_that_are_no_numbers(refused):
    theta = first(SCHEMA, "ObjectNode", __class__="Parameters")
    name = theta["content"]["content"]["theta"]["file"]
    for value in (np.nan, np.inf):
        values = np.load(io.BytesIO(PARTS[name]))
        values[3] = value
        assert "NaN" in refused(raw.model_file(PARTS | {name: saved(values)}))


# Files that are none, and paths


def test_a_file_of_skops_itself_is_examined_as_well(refused, tmp_path):
    model = cr.load(write(tmp_path, CONTENT))
    (tmp_path / "sound").unlink()
    content = skops.io.dumps({"a": 1})
    assert "type dict" in refused(content)
    assert "os.system" in refused(
        raw.zipped({"schema.json": json.dumps(FOREIGN["a function"] | {"protocol": 2}).encode()})
    )
    path = write(tmp_path, skops.io.dumps(model))
    assert np.array_equal(bases.answers(cr.load(path)), bases.answers(model))


def write(folder: Path, content: bytes) -> Path:
    path = folder / "sound"
    path.write_bytes(content)
    return path


def test_devices_pipes_and_folders(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to("circle")
    for path, said in {
        tmp_path / "pipe": "a device or a pipe",
        Path("/dev/zero"): "a device or a pipe",
        tmp_path / "link": "a device or a pipe",
        tmp_path: "a folder",
        tmp_path / "circle": "cannot be read",
        Path("nul\0byte"): "cannot be read",
        Path("x" * 5000): "cannot be read",
    }.items():
        for function in (cr.load, cr.Network.load, cr.Learner.load):
            with pytest.raises(InvalidFile, match=said):
                function(path)
    (tmp_path / "nowhere").symlink_to("missing")
    for path in (tmp_path / "nowhere", tmp_path / "missing", ""):
        with pytest.raises(MissingFile):
            cr.load(path)


@pytest.mark.parametrize("kind", ["network", "estimator"])
def test_a_link_to_a_file_is_followed(tmp_path, kind):
    (tmp_path / "file").write_bytes(bases.content_of(kind))
    (tmp_path / "link").symlink_to("file")
    cr.load(tmp_path / "link")


def test_what_could_not_be_opened_is_not_saved(tmp_path):
    model = cr.load(write(tmp_path, CONTENT))
    for odd, said in [
        (dict.fromkeys(map(str, range(70_000)), 0), "max_features"),  # a vocabulary
        (sparse.eye(3).tocsr(), "csr_matrix"),
    ]:
        model.odd_ = odd
        with pytest.raises(InvalidInput, match=said):
            cr.save(model, tmp_path / "new")
        assert not (tmp_path / "new").exists()
