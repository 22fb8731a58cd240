"""Both formats taken apart and put together again, from docs/format.md and not with the library.

An attacker can compute digests as well as anybody, so the fuzzer has to.
"""

import hashlib
import io
import json
import zipfile
from typing import Any

END = 66  # the header's digest, a quotation mark and a brace


def split(content: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Return the description of a safetensors file, our header in it, and the numbers."""
    size = int.from_bytes(content[:8], "little")
    description = json.loads(content[8 : 8 + size])
    header = json.loads(description.pop("__metadata__")["chainrule"])
    return description, header, content[8 + size :]


def signed(description: dict[str, Any], header: dict[str, Any], data: bytes) -> bytes:
    """Put a safetensors file together, with the digests that belong to it."""
    header = {key: value for key, value in header.items() if not key.endswith("_sha256")}
    header["tensors_sha256"] = tensors_digest(description, data)
    return assembled(description, header_text(header), data)


def tensors_digest(description: dict[str, Any], data: bytes) -> str:
    digest = hashlib.sha256()
    for name in sorted(description):
        try:
            entry = description[name]
            shape = ",".join(map(str, entry["shape"]))
            digest.update(f"{name} {entry['dtype']} [{shape}]\n".encode())
            begin, end = entry["data_offsets"]
            digest.update(data[begin:end])
        except (KeyError, TypeError, ValueError):
            continue  # no such tensor, so no digest would be right
    return digest.hexdigest()


def header_text(header: dict[str, Any]) -> str:
    opening = json.dumps(header)[:-1] + (", " if header else "") + '"header_sha256": "'
    return opening + hashlib.sha256(opening.encode()).hexdigest() + '"}'


def assembled(description: dict[str, Any], text: str, data: bytes) -> bytes:
    whole = json.dumps({"__metadata__": {"chainrule": text}} | description).encode()
    whole += b" " * (-len(whole) % 8)
    return len(whole).to_bytes(8, "little") + whole + data


def members(content: bytes) -> dict[str, bytes]:
    """Return the members of a model file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Put a zip together."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def model_file(parts: dict[str, bytes], *, sign: bool = True) -> bytes:
    """Put a model file together, with the digest that belongs to it."""
    if sign:
        digest = hashlib.sha256()
        for name in sorted(parts):
            if name == "schema.json" or name.encode() in parts["schema.json"]:
                digest.update(f"{name} {len(parts[name])}\n".encode() + parts[name])
        card = json.loads(parts["chainrule.json"])
        if isinstance(card, dict):
            card["sha256"] = digest.hexdigest()
        parts = parts | {"chainrule.json": json.dumps(card).encode()}
    return zipped(parts)
