"""Ways of damaging a file, drawn from a seed: blind ones of its bytes, and knowing ones.

A knowing one changes what the file says and computes every length and digest anew, so that the
change gets as far in as an attacker could get it.
"""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import raw

TENSOR_KINDS = ("network", "learner", "checkpoint")

NUMBERS = [
    0, 1, -1, 2, 3, 7, 255, 624, 10**6, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63,
    2**64 - 1, 2**64, -(2**63), 10**30, 0.5, 1.0, -0.0, 1e-300, 1e300, 1e-8, 0.999999,
]  # fmt: skip
NAMES = [
    "", "tanh", "relu", "step", "gelu", "identity", "log_loss", "squared_error", "indicator",
    "poisson", "float32", "float64", "F32", "F64", "I64", "U8", "BF16", "Adam", "SGD", "Adaptive",
    "InverseScaling", "Constant", "native", "reference", "auto", "adam", "lbfgs", "../x", "/tmp/x",
    "weights.0", "biases.1", "theta", "optimizer.mean", "history.cost", "learner", "network",
    "checkpoint", "x" * 3000, "\u0000", "\ud800", "é", "NaN", "9" * 50, "[" * 2000,
]  # fmt: skip
LOADERS = [
    "BytearrayNode", "BytesNode", "CachedNode", "ConstructorFromReduceNode", "DTypeNode",
    "DefaultDictNode", "DictNode", "FunctionNode", "JsonNode", "ListNode", "LossNode",
    "MaskedArrayNode", "MethodNode", "NdArrayNode", "ObjectNode", "OperatorFuncNode", "PartialNode",
    "RandomGeneratorNode", "RandomStateNode", "SetNode", "SliceNode", "SparseMatrixNode",
    "TreeNode", "TupleNode", "TypeNode",
]  # fmt: skip
CLASSES = [
    ("os", "system"), ("builtins", "eval"), ("builtins", "list"), ("builtins", "dict"),
    ("builtins", "int"), ("builtins", "str"), ("builtins", "set"), ("builtins", "tuple"),
    ("subprocess", "Popen"), ("pathlib", "Path"), ("functools", "partial"),
    ("operator", "methodcaller"), ("numpy", "ndarray"), ("numpy", "void"), ("numpy", "float64"),
    ("numpy", "dtype"), ("numpy", "load"), ("numpy", "exp"), ("scipy.special", "expit"),
    ("numpy.random", "RandomState"), ("numpy.random.mtrand", "RandomState"),
    ("chainrule.network.network", "Network"), ("chainrule.training.learner", "Learner"),
    ("chainrule.architecture.parameters", "Parameters"),
    ("chainrule.architecture.architecture", "Architecture"),
    ("chainrule.estimators.classifier", "MLPClassifier"),
    ("chainrule.estimators.regressor", "MLPRegressor"), ("chainrule.estimators.labels", "Labels"),
    ("chainrule.optimizers.adam", "Adam"), ("chainrule.optimizers.sgd", "SGD"),
    ("sklearn.pipeline", "Pipeline"), ("sklearn.preprocessing._data", "StandardScaler"),
    ("sklearn.svm._classes", "SVC"), ("sklearn.preprocessing._function_transformer",
    "FunctionTransformer"), ("sklearn.neighbors._classification", "KNeighborsClassifier"),
]  # fmt: skip


def mutated(kind: str, content: bytes, other: bytes, seed: int) -> tuple[bytes, bool]:
    """Return a damaged file, and whether the damage was blind.

    Parameters
    ----------
    kind : str
        Of the content.
    content, other : bytes
        A sound file, and a sound one of another kind to splice in.
    seed : int
        The damage's number; the same number, the same damage.
    """
    rng = random.Random(f"{kind} {seed}")
    if rng.random() < 0.4:
        return blind(content, other, rng), True
    knowing = change_tensors if kind in TENSOR_KINDS else change_model
    changed = knowing(content, rng)
    if rng.random() < 0.1:
        changed = blind(changed, other, rng)
    return changed, False


# Blind damage


def blind(content: bytes, other: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        rng.choice([flip, cut, insert, drop, repeat, overwrite, splice, head])(data, other, rng)
    return bytes(data)


def place(data: bytearray, rng: random.Random) -> int:
    """Return where to strike: anywhere, or near the ends, where the structure is."""
    size = max(1, len(data))
    return rng.choice([rng.randrange(size), rng.randrange(min(size, 64)), -rng.randrange(1, 64)])


def flip(data: bytearray, other: bytes, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 1, 2, 16, 200])):
        if data:
            data[place(data, rng) % len(data)] ^= 1 << rng.randrange(8)


def cut(data: bytearray, other: bytes, rng: random.Random) -> None:
    del data[place(data, rng) :]


def insert(data: bytearray, other: bytes, rng: random.Random) -> None:
    at = place(data, rng)
    data[at:at] = rng.randbytes(rng.choice([1, 4, 8, 500]))


def drop(data: bytearray, other: bytes, rng: random.Random) -> None:
    at = place(data, rng) % max(1, len(data))
    del data[at : at + rng.choice([1, 4, 8, 500])]


def repeat(data: bytearray, other: bytes, rng: random.Random) -> None:
    at, to = place(data, rng) % max(1, len(data)), place(data, rng)
    data[to:to] = data[at : at + rng.choice([8, 46, 1000])]


def overwrite(data: bytearray, other: bytes, rng: random.Random) -> None:
    at = place(data, rng) % max(1, len(data))
    width = rng.choice([1, 2, 4, 8])
    number = rng.choice([0, 1, 2**31, 2**63, 2**64 - 1, len(data), rng.getrandbits(64)])
    data[at : at + width] = number.to_bytes(8, "little")[:width]


def splice(data: bytearray, other: bytes, rng: random.Random) -> None:
    at, frm = place(data, rng) % max(1, len(data)), rng.randrange(len(other))
    size = rng.choice([8, 100, len(other)])
    data[at : at + size] = other[frm : frm + size]


def head(data: bytearray, other: bytes, rng: random.Random) -> None:
    """Swap the start with that of another file, or lie about the header's length."""
    if rng.random() < 0.5:
        data[: rng.choice([4, 8, 64])] = other[: rng.choice([4, 8, 64])]
    else:
        size = int.from_bytes(data[:8], "little") + rng.choice([-8, -1, 1, 8, 2**20, 2**40, 2**62])
        data[:8] = (size % 2**64).to_bytes(8, "little")


# Knowing damage


def twist(value: Any, rng: random.Random, choose: Callable[[Any], Any] | None = None) -> Any:
    """Change something somewhere in a value of JSON."""
    where = list(places(value))
    if not where:
        return anything(rng)
    owner, key = rng.choice(where)
    old = owner[key]
    choice = rng.randrange(8)
    if choice == 0:
        del owner[key]
    elif choice == 1:
        owner[key] = anything(rng)
    elif choice == 2:
        owner[key] = copy.deepcopy(rng.choice(where)[0])
    elif choice == 3:
        other, its = rng.choice(where)
        if its in other if isinstance(other, dict) else its < len(other):
            owner[key] = copy.deepcopy(other[its])
    elif choice == 4 and isinstance(owner, dict):
        owner[rng.choice(NAMES)] = owner.pop(key)
    elif choice == 4:
        owner.insert(key, copy.deepcopy(old))
    elif isinstance(old, bool):
        owner[key] = not old
    elif isinstance(old, int | float):
        owner[key] = rng.choice([old + 1, old - 1, -old, old * 2, old * 10**9, rng.choice(NUMBERS)])
    elif isinstance(old, str):
        owner[key] = choose(old) if choose else rng.choice(NAMES)
    else:
        owner[key] = anything(rng)
    return value


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a value of JSON: what it is in, and its key or index there."""
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        part = left.pop()
        keys = part.keys() if isinstance(part, dict) else range(len(part))
        for key in keys:
            found.append((part, key))
            if isinstance(part[key], dict | list):
                left.append(part[key])
    return found


def anything(rng: random.Random) -> Any:
    deep: Any = 0
    for _ in range(rng.choice([1, 3, 30, 200])):
        deep = [deep] if rng.random() < 0.5 else {"a": deep}
    endless = [float("nan"), float("inf")]
    plain = [None, True, False, [], {}, [0] * rng.choice([1, 3, 3000])]
    return rng.choice([rng.choice(NUMBERS), rng.choice(NAMES), rng.choice(plain), deep, *endless])


def change_tensors(content: bytes, rng: random.Random) -> bytes:
    description, header, data = raw.split(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        choice = rng.randrange(6)
        if choice <= 2:
            twisted = twist(header, rng)
            header = twisted if isinstance(twisted, dict) else header
        elif choice == 3:
            twist(description, rng)
        elif choice == 4:
            data = change_numbers(data, rng)
        else:
            description, data = rearranged(description, data, rng)
    try:
        text = raw.signed(description, header, data)
    except (TypeError, ValueError, AttributeError, RecursionError, UnicodeEncodeError):
        return raw.assembled({}, raw.header_text({}), data)
    if rng.random() < 0.1:  # JSON that no dict of Python's can be: a thing named twice
        text = text.replace(b'\\"', b'\\"seed\\": 5, \\"', 1)
    return text


def change_numbers(data: bytes, rng: random.Random) -> bytes:
    numbers = bytearray(data)
    odd = [b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff" * 4, b"\0\0\x80\xff", b"\xff\xff\x7f\x7f"]
    for _ in range(rng.choice([1, 3, 50])):
        if len(numbers) >= 8:
            at = rng.randrange(len(numbers) // 4) * 4
            numbers[at : at + 4] = rng.choice([*odd, rng.randbytes(4)])
    return bytes(numbers)


def rearranged(
    description: dict[str, Any], data: bytes, rng: random.Random
) -> tuple[dict[str, Any], bytes]:
    """Swap two tensors, make one of another shape or type, or larger than it was."""
    try:
        names = list(description)
        one, two = rng.choice(names), rng.choice(names)
        choice = rng.randrange(4)
        if choice == 0:
            description[one], description[two] = description[two], description[one]
        elif choice == 1:
            shape = description[one]["shape"]
            shape.reverse() if rng.random() < 0.5 else shape.append(1)
        elif choice == 2:
            description[one]["dtype"] = rng.choice(["F32", "F64", "I32", "I64", "U64", "U8"])
        else:
            description["more"] = {
                "dtype": "U8",
                "shape": [100],
                "data_offsets": [len(data), len(data) + 100],
            }
            data = data + bytes(100)
    except (AttributeError, IndexError, KeyError, TypeError):
        pass  # what was there before has been twisted already
    return description, data


def change_model(content: bytes, rng: random.Random) -> bytes:
    parts = raw.members(content)
    arrays = [name for name in parts if name.endswith(".npy")]
    schema, card = json.loads(parts["schema.json"]), json.loads(parts["chainrule.json"])
    if rng.random() < 0.7:  # equal values have one identity, and so could not be changed alone
        for part, key in places(schema):
            if key == "__id__" and part.get("__loader__") in ("JsonNode", "TypeNode"):
                del part[key]
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        choice = rng.randrange(8)
        if choice <= 3:
            schema = change_schema(schema, arrays, rng)
        elif choice == 4:
            card = twist(card, rng)
        elif choice == 5:
            name = rng.choice(arrays)
            parts[name] = change_array(parts[name], rng)
        elif choice == 6:
            one, two = rng.choice(arrays), rng.choice(arrays)
            parts[one], parts[two] = parts[two], parts[one]
        else:
            name = rng.choice(["../x", "/tmp/x", "a\\b", "x" * 5000, "schema.json ", "C:x", "é"])
            parts[name] = parts.pop(rng.choice(arrays)) if rng.random() < 0.5 else b"x"
            arrays = [name for name in parts if name.endswith(".npy")] or [name]
    try:
        parts["schema.json"] = json.dumps(schema).encode()
        parts["chainrule.json"] = json.dumps(card).encode()
        return raw.model_file(parts, sign=rng.random() < 0.9)
    except (TypeError, ValueError, RecursionError):
        return raw.zipped(parts)


def change_schema(schema: Any, arrays: list[str], rng: random.Random) -> Any:
    """Change the description: its values, its types, what is made of which array."""
    if not isinstance(schema, dict):
        return schema
    states = [part for part, key in places(schema) if key == "__loader__"]
    if not states or rng.random() < 0.3:
        return twist(schema, rng)
    state = rng.choice(states)
    choice = rng.randrange(7)
    if choice == 0:
        state["__loader__"] = rng.choice(LOADERS)
    elif choice == 1:
        state["__module__"], state["__class__"] = rng.choice(CLASSES)
    elif choice == 2:
        state["__module__"], state["__class__"] = rng.choice(CLASSES)
        state["__loader__"] = rng.choice(LOADERS)
    elif choice == 3:
        state["__id__"] = rng.choice(states).get("__id__", 0)
    elif choice == 4:
        plain = [each for each in states if isinstance(each.get("content"), str)]
        for each in rng.sample(plain, min(len(plain), rng.choice([1, 1, 5]))):
            each["content"] = rng.choice(
                [json.dumps(anything(rng)), rng.choice(NAMES), str(rng.choice(NUMBERS)), "{", "NaN"]
            )
    elif choice == 5:
        for each in states:
            if "file" in each and rng.random() < 0.5:
                each["file"] = rng.choice([*arrays, "schema.json", "../x", "missing.npy", 5, None])
    else:
        other = copy.deepcopy(rng.choice(states))
        state.clear()
        state.update(other)
    return schema


def change_array(member: bytes, rng: random.Random) -> bytes:
    """Change an array's header or numbers."""
    changed = bytearray(member)
    header = changed[10:128]
    swaps = [
        (b"<f8", b"|O"), (b"<f8", b"<f4"), (b"<f8", b"<U9"), (b"<f4", b"<f8"), (b"<U", b"<S"),
        (b"(", b"(9"), (b"(", b"(99999999999, "), (b"(", b"(-"), (b"'shape'", b"'shapes'"),
        (b"False", b"True"), (b"{", b"{" * 99), (b"{", b"__import__('os').system('id')"),
        (b"<f8", b"[('a','<f8')]"), (b",)", b",0)"),
    ]  # fmt: skip
    choice = rng.randrange(4)
    if choice == 0:
        old, new = rng.choice(swaps)
        changed[10:128] = header.replace(old, new, 1).rstrip().ljust(117)[:117] + b"\n"
    elif choice == 1:
        changed[128:] = change_numbers(bytes(changed[128:]), rng)
    elif choice == 2:
        changed[128:] = changed[128:] * rng.choice([0, 2])
    else:
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)
