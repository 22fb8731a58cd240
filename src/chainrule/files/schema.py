"""The description in a model file, checked before skops builds anything from it.

skops checks whether each type is trusted. It does not limit the cost of a description: an array
can be named a thousand times, an object can contain itself, a list can be "of type Network" and so
call it. So here everything must be as saving writes it.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, final

from chainrule.files.allowed import ALLOWED, FUNCTIONS, SPLITTERS
from chainrule.files.archive import Unusable
from chainrule.storage import short

__all__ = ["check_schema"]

# An object of skops takes half a kilobyte, or four where it has a long list of trusted
# types. Before objects are counted, values have to have some bytes of text each.
_MAX_BYTES = 40 * 2**20
_FREE_VALUES, _BYTES_PER_VALUE = 50_000, 24
_MAX_OBJECTS, _MAX_LARGE = 120_000, 5_000
_LARGE = frozenset({"FunctionNode", "LossNode", "ObjectNode"})

_PROTOCOLS = range(2, 1000)  # skops itself raises if one is too new for it

_ARRAYS = (
    *("ndarray", "bool", "bool_", "str_", "datetime64", "timedelta64", "longlong", "ulonglong"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "intc", "uintc"),
    *("float16", "float32", "float64"),
)
_BUNCH = "sklearn.utils._bunch.Bunch"
# The loaders that saving uses, and their classes; None: any trusted class.
_LOADERS: dict[str, frozenset[str] | None] = {
    "DTypeNode": frozenset({"numpy.dtype"}),
    "DefaultDictNode": frozenset({"collections.defaultdict"}),
    "DictNode": frozenset({"builtins.dict", "collections.OrderedDict", _BUNCH}),
    "FunctionNode": None,
    "JsonNode": frozenset({"builtins.str"}),
    "ListNode": frozenset({"builtins.list"}),
    "LossNode": None,
    "MaskedArrayNode": frozenset({"numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"}),
    "NdArrayNode": frozenset(f"numpy.{name}" for name in _ARRAYS),
    "ObjectNode": None,
    "RandomStateNode": frozenset({"numpy.random.RandomState", "numpy.random.mtrand.RandomState"}),
    "SetNode": frozenset({"builtins.set"}),
    "SliceNode": frozenset({"builtins.slice"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "TypeNode": None,
}
# Our own types are made of saved state, which each of them checks, never by a call with arguments
# from a file.
_OURS = ("ObjectNode", "DTypeNode")

_KEYS = frozenset(
    {"__class__", "__module__", "__loader__", "__id__", "__reduce__", "content", "key_types"}
    | {"type", "file", "shape", "is_json", "protocol", "_skops_version"}
)


@final
class _Part:
    """A summary of a part of the description: enough to check the part around it.

    Attributes
    ----------
    digest : bytes
        The digest of its content, without identities and the names of members.
    loader : str or None
        Its loader; None for parts that only group objects.
    value : str or None
        The JSON of a plain value.
    odd_position : bool
        Whether something in it that is called "pos" is not a position in 624 words.
    """

    __slots__ = ("digest", "loader", "odd_position", "value")

    def __init__(
        self, digest: bytes, loader: str | None, value: str | None, odd_position: bool
    ) -> None:
        self.digest, self.loader, self.value = digest, loader, value
        self.odd_position = odd_position


@final
class _Examiner:
    """Checks the objects of a description while they are parsed, inner ones first."""

    def __init__(self, members: Iterable[str]) -> None:
        self.members = frozenset(members)
        self.n_objects = self.n_groups = self.n_large = 0
        self.digests: dict[int, bytes] = {}  # of each identity
        self.owners: dict[str, int] = {}  # the object that each member belongs to
        self.protocol: object = None  # of the last object, which is the whole

    def take(self, pairs: list[tuple[str, Any]]) -> _Part:
        """Check one JSON object."""
        described = dict(pairs)
        if len(described) != len(pairs):
            raise Unusable("its description has a key twice")
        digest = hashlib.sha256()
        odd_position = False
        for key, value in described.items():
            if key in ("__id__", "file"):  # these may differ between copies of the same object
                continue
            digest.update(f"{key!a}:".encode())
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, _Part):
                    digest.update(part.digest)
                    odd_position |= part.odd_position
                elif isinstance(part, list):
                    raise Unusable("its description has lists in lists")
                else:
                    digest.update(f"{part!a},".encode())
        if "__loader__" not in described and "__id__" not in described:
            return self._group(described, digest.digest(), odd_position)
        return self._object(described, digest.digest(), odd_position)

    def _group(self, described: dict[str, Any], digest: bytes, odd_position: bool) -> _Part:
        """Check the container of an object's attributes, or of a dict's entries."""
        self.n_groups += 1
        if self.n_groups > self.n_objects + 1000:
            raise Unusable("its description has empty groups")
        if "pos" in described:
            position = described["pos"]
            odd_position |= not (isinstance(position, _Part) and _is_position(position.value))
        return _Part(digest, None, None, odd_position)

    def _object(self, described: dict[str, Any], digest: bytes, odd_position: bool) -> _Part:
        loader = _check_kind(described)
        if described.keys() - _KEYS:
            raise Unusable("its description has an entry that is unknown")
        self._identify(described, loader, digest)
        if "file" in described:
            self._own(described, loader)
        self.protocol = described.get("protocol")
        content, value = described.get("content"), None
        if loader == "JsonNode":
            if not isinstance(content, str) or content.lstrip().startswith(("[", "{")):
                raise Unusable("its description has an invalid plain value")
            value = content
        # NumPy does not check the position in its words.
        if loader == "RandomStateNode" and (
            odd_position or not isinstance(content, _Part) or content.loader != "DictNode"
        ):
            raise Unusable("its random numbers have an invalid state")
        return _Part(digest, loader, value, odd_position)

    def _identify(self, described: dict[str, Any], loader: str, digest: bytes) -> None:
        """Count an object, and compare it with earlier descriptions of the same object."""
        identity = described.get("__id__")
        self.n_objects += 1
        self.n_large += loader in _LARGE and identity not in self.digests
        if self.n_objects > _MAX_OBJECTS or self.n_large > _MAX_LARGE:
            raise Unusable(
                f"it has more than {_MAX_OBJECTS} values that are described one by one, as a "
                f"vocabulary is word by word (max_features limits it)"
            )
        if identity is None:
            return
        if type(identity) is not int or identity <= 0:
            raise Unusable("its description has an object without identity")
        # An object is described at each occurrence and made once: so the result is never larger
        # than the description, is what was checked, and does not contain itself.
        if self.digests.setdefault(identity, digest) != digest:
            raise Unusable("its description has two objects with one identity")

    def _own(self, described: dict[str, Any], loader: str) -> None:
        """Record the owner of a member, which no other object may use."""
        member, identity = described["file"], described.get("__id__")
        if loader != "NdArrayNode" or identity is None or not isinstance(member, str):
            raise Unusable("its description has an invalid array")
        if member not in self.members:
            raise Unusable(f"its member {short(member)} is missing")
        if self.owners.setdefault(member, identity) != identity:
            raise Unusable(f"two objects use its member {short(member)}")


def check_schema(text: str, members: Iterable[str]) -> set[str]:
    """Check a description.

    Parameters
    ----------
    text : str
        The JSON.
    members : iterable of str
        The names of the archive's members.

    Returns
    -------
    set of str
        The members that it names, all of them arrays.

    Raises
    ------
    Unusable
        If it differs from what saving writes.
    """
    values = text.count(",") + text.count("[") + text.count("{")
    if len(text) > _MAX_BYTES or values > _FREE_VALUES + len(text) / _BYTES_PER_VALUE:
        raise Unusable(
            f"its description has {len(text) / 2**20:.0f} MiB and {values} values, more than is "
            f"allowed; a vocabulary is described word by word (max_features limits it)"
        )
    examiner = _Examiner(members)
    try:
        whole = json.loads(text, object_pairs_hook=examiner.take)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"its description cannot be read ({error})") from None
    if not isinstance(whole, _Part) or whole.loader is None:
        raise Unusable("its description does not describe an object")
    if type(examiner.protocol) is not int or examiner.protocol not in _PROTOCOLS:
        raise Unusable("its description has an unknown protocol")
    return set(examiner.owners)


def _check_kind(described: dict[str, Any]) -> str:
    """Return the loader of an object, if saving uses it for its class."""
    loader = described.get("__loader__")
    names = (described.get("__module__"), described.get("__class__"))
    if not isinstance(loader, str) or not all(isinstance(name, str) for name in names):
        raise Unusable("its description has an object without type")
    kind = ".".join(str(name) for name in names)
    classes = _LOADERS.get(loader, frozenset())
    ways = ("FunctionNode",) if kind in FUNCTIONS else _OURS
    if kind in SPLITTERS:
        ways = (*_OURS, "TypeNode")
    elif kind == _BUNCH:
        ways = ("DictNode",)
    ours = kind in ALLOWED and loader not in ways
    if ours or (classes is not None and kind not in classes):
        raise Unusable(f"{kind} by way of {loader}", foreign=True)
    return loader


def _is_position(value: str | None) -> bool:
    return value is not None and value.isascii() and value.isdigit() and int(value[:9]) <= 624
