"""Attacks on the files of networks and learners, each class of them with what is said of it."""

import copy
import json

import bases
import numpy as np
import pytest
import raw
import safetensors.numpy

import chainrule as cr
from chainrule.errors import InvalidFile
from chainrule.storage import parse_tensors

NETWORK = bases.content_of("network")
LEARNER = bases.content_of("learner")


def sized(size: int, rest: bytes = NETWORK[8:]) -> bytes:
    return size.to_bytes(8, "little") + rest


def described(text: str | bytes, data: bytes = b"") -> bytes:
    """Return a file with this text as the description of its tensors."""
    whole = text.encode() if isinstance(text, str) else text
    return sized(len(whole), whole + data)


def metadata(value) -> bytes:
    return described(json.dumps({"__metadata__": value}))


def headed(text: str) -> bytes:
    """Return a file with this text as our header, whatever it says."""
    return metadata({"chainrule": text})


def own(**entries) -> bytes:
    """Return a file with entries of our own header, signed."""
    return raw.signed({}, {"format": "chainrule", "format_version": 1} | entries, b"")


BROKEN = {
    "nothing but a length": (sized(0, b""), "empty|binary"),
    "a length of nothing": (sized(0), "binary|JSON"),
    "a length longer than the file": (sized(len(NETWORK) * 2), "cut short"),
    "a huge length": (sized(2**40), "binary|cut short"),
    "the hugest length": (sized(2**64 - 1), "binary|cut short"),
    "more header than allowed": (described("{" + " " * (8 * 2**20) + "}"), "8388608 allowed"),
    "no JSON": (described("{oops}"), "not JSON"),
    "not closed": (described('{"a": '), "not JSON"),
    "no text": (described(b'{"\xff\xfe": 1}'), "damaged"),
    "no ASCII": (described('{"ä": 1}'), "damaged"),
    "deep": (described('{"a":' * 100_000), "values|deep|JSON"),
    "deep lists": (described('{"a":' + "[" * 30_000 + "]" * 30_000 + "}"), "deep"),
    "just too deep": (described('{"a":' + "[" * 40 + "]" * 40 + "}"), "more than 32 deep"),
    "many values": (described('{"a":[' + "0," * 300_000 + "0]}"), "more than 250000 values"),
    "a thing twice": (described('{"a": 1, "a": 2}'), "twice"),
    "NaN": (described('{"a": NaN}'), "NaN"),
    "infinity": (described('{"a": -Infinity}'), "Infinity"),
    "an endless float": (described('{"a": 1e999}'), "not finite"),
    "an endless number": (described('{"a": ' + "9" * 10_000 + "}"), "64 bits"),
    "no metadata": (described("{}"), "did not write"),
    "metadata of another program": (metadata({"format": "pt"}), "did not write"),
    "metadata that is a list": (metadata([]), "did not write"),
    "a header that is a number": (metadata({"chainrule": 5}), "did not write"),
    "a header that is no JSON": (headed("{"), "not JSON"),
    "a header that is a list": (headed("[]"), "not a JSON object"),
    "a header that is deep": (headed('{"a":' * 5000), "deep|JSON"),
    "a header of another format": (own(format="other"), "not one of ours"),
    "a header without format": (raw.signed({}, {"kind": "network"}, b""), "not one of ours"),
    "a newer version": (own(format_version=2, news={"a": 1}), "upgrade"),
    "a version of nothing": (own(format_version=0), "not one of ours"),
    "a version that is a text": (own(format_version="1"), "not one of ours"),
    "a version that is true": (own(format_version=True), "not one of ours"),
    "an unknown kind": (own(kind="forest"), "kind"),
    "a kind that is a list": (own(kind=["network"]), "kind"),
    "no kind": (own(), "kind"),
    "a network of nothing": (own(kind="network"), "no architecture"),
    "a learner of nothing": (own(kind="learner"), "no architecture"),
    "a checkpoint": (bases.content_of("checkpoint"), "resume=True"),
}


@pytest.mark.parametrize("attack", BROKEN)
def test_a_broken_file(refused, attack):
    content, said = BROKEN[attack]
    sentence = refused(content)
    assert any(part in sentence for part in said.split("|")), sentence


def changed(content: bytes, change) -> bytes:
    """Return a file with its parts changed in place, signed anew."""
    description, header, data = raw.split(content)
    description, header = copy.deepcopy(description), copy.deepcopy(header)
    found = change(description, header)
    return raw.signed(description, header, data if found is None else found)


def entry(**new):
    """Change the description of a tensor."""

    def change(description, header):
        description["weights.0"] |= new

    return change


def dropped(description, header):
    del description["biases.1"]["dtype"]


def overlap(description, header):
    description["biases.1"]["data_offsets"] = description["biases.0"]["data_offsets"]
    description["biases.1"]["shape"] = description["biases.0"]["shape"]


def renamed(name):
    def change(description, header):
        description[name] = description.pop("weights.0")

    return change


PLACES = {
    "an unknown type": (entry(dtype="BF16"), "BF16"),
    "objects": (entry(dtype="O"), "type 'O'"),
    "a type that is a list": (entry(dtype=["F32"]), "type ['F32']"),
    "no type": (dropped, "not described"),
    "one thing more": (entry(pickle="x"), "not described"),
    "a shape that is a number": (entry(shape=15), "shape 15"),
    "a negative shape": (entry(shape=[-3, -5]), "shape [-3, -5]"),
    "a shape of truths": (entry(shape=[True, 15]), "shape [True, 15]"),
    "a shape of floats": (entry(shape=[3.0, 5.0]), "shape [3.0, 5.0]"),
    "a huge shape": (entry(shape=[2**40, 2**40]), "shape"),
    "a shape that overflows to the right size": (entry(shape=[2**32, 2**32 + 15]), "shape"),
    "too many dimensions": (entry(shape=[15] + [1] * 8), "shape"),
    "another shape than bytes": (entry(shape=[3, 4]), "60 bytes"),
    "offsets backwards": (entry(data_offsets=[60, 0]), "bytes"),
    "offsets outside": (entry(data_offsets=[10**6, 10**6 + 60]), "lie at"),
    "three offsets": (entry(data_offsets=[0, 30, 60]), "lie at"),
    "offsets of texts": (entry(data_offsets=["0", "60"]), "lie at"),
    "an overlap": (overlap, "overlaps"),
    "a hole": (lambda d, h: d.pop("biases.1") and None, "gap|describes"),
    "a path for a name": (renamed("../../weights"), "not described"),
    "no name": (renamed(""), "not described"),
    "a long name": (renamed("w" * 101), "not described"),
}


@pytest.mark.parametrize("attack", PLACES)
def test_tensors_where_they_cannot_be(refused, attack):
    change, said = PLACES[attack]
    sentence = refused(changed(NETWORK, change))
    assert any(part in sentence for part in said.split("|")), sentence


def test_bytes_that_nothing_describes(refused):
    description, header, data = raw.split(NETWORK)
    assert "describes" in refused(raw.signed(description, header, data + b"hidden"))


@pytest.mark.parametrize("attack", [*BROKEN, *PLACES])
def test_the_reader_refuses_whatever_the_package_refuses(attack):
    """The well-kept parser of the format as a judge: ours takes nothing that it does not take."""
    content = BROKEN[attack][0] if attack in BROKEN else changed(NETWORK, PLACES[attack][0])
    try:
        safetensors.numpy.load(content)
    except Exception:
        with pytest.raises(InvalidFile):
            parse_tensors(content, "file")


def put(path: str, value):
    """Change an entry of the header, found by its path."""

    def change(description, header):
        *owners, last = path.split(".")
        for owner in owners:
            header = header[owner]
        if value is KeyError:
            del header[last]
        else:
            header[last] = value

    return change


def number(name: str, at: int, value: float):
    """Change a number of a tensor."""

    def change(description, header):
        data = bytearray(raw.split(LEARNER)[2])
        begin = description[name]["data_offsets"][0]
        data[begin + 4 * at : begin + 4 * at + 4] = np.float32(value).tobytes()
        return bytes(data)

    return change


def retyped(name: str, **new):
    def change(description, header):
        description[name] |= new

    return change


def transposed(description, header):
    description["weights.0"]["shape"].reverse()


def swapped(one: str, two: str):
    def change(description, header):
        description[one], description[two] = description[two], description[one]

    return change


SIZES = "architecture.sizes"
SET = "learner.settings"
DONE = "learner.progress"
RULE = "learner.optimizer"
CONTRADICTIONS = {
    "wider": (put(SIZES, [3, 6, 3]), "weights.0"),
    "deeper": (put("architecture.activations", ["tanh", "tanh"]), "activation"),
    "a layer more": (put(SIZES, [3, 5, 3, 3]), "activation"),
    "sizes that overflow": (put(SIZES, [2**62, 2**62, 3]), "weights.0"),
    "too many layers": (put(SIZES, [3] * 100_000), "activation"),
    "no layers": (put(SIZES, []), "two layers"),
    "negative sizes": (put(SIZES, [3, -5, 3]), "at least 1"),
    "sizes of truths": (put(SIZES, [True, 5, 3]), "sizes[0]"),
    "sizes of texts": (put(SIZES, ["3", "5", "3"]), "sizes[0]"),
    "sizes of floats": (put(SIZES, [3.0, 5.0, 3.0]), "sizes[0]"),
    "sizes that are a text": (put(SIZES, "353"), "not described"),
    "an unknown activation": (put("architecture.activations", ["os.system"]), "os.system"),
    "an activation that is an object": (put("architecture.activations", [{}]), "not described"),
    "activations that are a text": (put("architecture.activations", "tanh"), "not described"),
    "an unknown loss": (put("architecture.loss", "hinge"), "hinge"),
    "a loss that is none": (put("architecture.loss", None), "not described"),
    "another dtype": (put("architecture.dtype", "float64"), "weights.0"),
    "a dtype of objects": (put("architecture.dtype", "object"), "not described"),
    "one thing more": (put("architecture.code", "print()"), "not described"),
    "an architecture that is a list": (put("architecture", []), "no architecture"),
    "transposed": (transposed, "weights.0"),
    "swapped": (swapped("weights.0", "weights.1"), "weights.0"),
    "NaN": (number("weights.0", 3, np.nan), "NaN"),
    "infinity": (number("biases.1", 0, -np.inf), "NaN or infinity"),
    "a negative seed": (put("seed", -1), "seed"),
    "a seed too large": (put("seed", 2**64 - 1) and put("seed", 2**64), "64 bits"),
    "a seed that is true": (put("seed", True), "seed"),
    "a seed that is a text": (put("seed", "0"), "seed"),
    "too few names": (put("feature_names", ["a"]), "feature_names"),
    "one name twice": (put("feature_names", ["a", "a", "b"]), "feature_names"),
    "names that are numbers": (put("feature_names", [1, 2, 3]), "feature_names"),
    "a name for all": (put("feature_names", "abc"), "feature_names"),
    "a digest that is none": (put("training_data", 5), "digest"),
    "no learner": (put("learner", None), "learner is not described"),
    "a learner more": (put("learner.more", 1), "learner is not described"),
    "an unknown optimizer": (put(f"{RULE}.name", "Popen"), "Popen"),
    "an optimizer that is a list": (put(RULE, ["Adam"]), "optimizer"),
    "a rate of nothing": (put(f"{RULE}.learning_rate", 0), "learning_rate"),
    "a negative rate": (put(f"{RULE}.learning_rate", -0.1), "learning_rate"),
    "an infinite rate": (put(f"{RULE}.learning_rate", float("inf")), "Infinity"),
    "a rate that is no number": (put(f"{RULE}.learning_rate", float("nan")), "NaN"),
    "a rate that is a text": (put(f"{RULE}.learning_rate", "fast"), "learning_rate"),
    "an unknown schedule": (put(f"{RULE}.learning_rate", {"name": "eval"}), "eval"),
    "a schedule in a schedule": (
        put(f"{RULE}.learning_rate", {"name": "Constant", "initial": {"name": "Constant"}}),
        "learning_rate",
    ),
    "a beta of 1": (put(f"{RULE}.beta_1", 1), "beta_1"),
    "no beta": (put(f"{RULE}.beta_1", KeyError), "settings"),
    "a setting more": (put(f"{RULE}.hook", "x"), "settings"),
    "another optimizer's memory": (
        put(RULE, {"name": "SGD", "learning_rate": 1, "momentum": 0.5, "nesterov": False}),
        "velocity",
    ),
    "settings that are a list": (put(SET, []), "settings"),
    "no setting": (put(f"{SET}.l2", KeyError), "settings"),
    "one setting more": (put(f"{SET}.net", None), "settings"),
    "a negative penalty": (put(f"{SET}.l2", -1), "l2"),
    "everything left out": (put(f"{SET}.dropout", 1.0), "dropout"),
    "an empty batch": (put(f"{SET}.batch_size", 0), "batch_size"),
    "no threads": (put(f"{SET}.n_jobs", 0), "n_jobs"),
    "an unknown engine": (put(f"{SET}.engine", "cuda"), "cuda"),
    "an engine that is a list": (put(f"{SET}.engine", []), "engine"),
    "a shuffle that is a number": (put(f"{SET}.shuffle", 2), "shuffle"),
    "negative steps": (put(f"{DONE}.steps", -1), "steps"),
    "steps that are true": (put(f"{DONE}.steps", True), "steps"),
    "steps that are a float": (put(f"{DONE}.steps", 1.0), "steps"),
    "more steps than can be": (put(f"{DONE}.steps", 2**63), "steps"),
    "reductions without end": (put(f"{DONE}.reductions", 10**9), "reductions"),
    "no progress": (put(DONE, None), "progress"),
    "stopped by someone": (put("learner.stopped_by", "police"), "history"),
    "stopped by a list": (put("learner.stopped_by", []), "history"),
    "no memory": (lambda d, h: d.__setitem__("x", d.pop("optimizer.mean")), "mean"),
    "a memory of another shape": (retyped("optimizer.mean", shape=[1, 38]), "mean"),
    "a memory of another type": (retyped("optimizer.mean", dtype="I32"), "mean"),
    "a history of another type": (retyped("history.epoch", dtype="F64"), "epoch"),
    "a history of another shape": (retyped("history.cost", shape=[2, 1]), "cost"),
}


@pytest.mark.parametrize("attack", CONTRADICTIONS)
def test_parts_that_contradict_each_other(refused, attack):
    change, said = CONTRADICTIONS[attack]
    sentence = refused(changed(LEARNER, change))
    assert said in sentence, sentence
    assert "damaged" in sentence


def test_signing_by_itself_changes_nothing(tmp_path):
    """Else the attacks above would be refused for their signature."""
    for content in (NETWORK, LEARNER):
        (tmp_path / "file").write_bytes(changed(content, lambda d, h: None))
        cr.load(tmp_path / "file")


@pytest.mark.parametrize("content", [NETWORK, LEARNER], ids=["network", "learner"])
def test_every_single_bit_is_guarded(content):
    for at in range(len(content) * 8):
        flipped = bytearray(content)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(InvalidFile):
            parse_tensors(flipped, "file")


@pytest.mark.parametrize("content", [NETWORK, LEARNER], ids=["network", "learner"])
def test_a_file_cut_anywhere_is_refused(content):
    for length in range(len(content)):
        with pytest.raises(InvalidFile):
            parse_tensors(content[:length], "file")


def test_headers_of_two_files_swapped(refused):
    ours, header, data = raw.split(NETWORK)
    theirs, other, numbers = raw.split(LEARNER)
    for content in (
        raw.assembled(ours, raw.header_text(other), data),
        raw.assembled(theirs, raw.header_text(header), numbers),
        raw.signed(ours, other, data),
    ):
        refused(content)
