"""``chainrule export``: a saved model for another runtime."""

from pathlib import Path

from chainrule.cli.console.output import writing
from chainrule.cli.console.reply import Reply
from chainrule.errors import InvalidParameter, UnwritablePath, unknown_name
from chainrule.files import load
from chainrule.files.code import to_c, to_js
from chainrule.files.onnx import to_onnx
from chainrule.storage import check_writable, write_file

__all__ = ["export"]

_SUFFIXES = {".onnx": "onnx", ".c": "c", ".js": "js", ".mjs": "js"}
_KINDS = ("onnx", "c", "js")


def export(
    model_path: str, output: str, to: str | None, force: bool = False, as_json: bool = False
) -> None:
    """Write a saved model for another runtime.

    Parameters
    ----------
    model_path : str
        A file of `cr.save` or ``chainrule train --model``.
    output : str
        Where to.
    to : str or None
        "onnx", "c" or "js"; by default what the suffix of `output` says.
    force : bool
        Whether to overwrite a file that holds something else.
    as_json : bool
        Whether it is for scripts.

    Raises
    ------
    ChainruleError
        If the model has no such form, or something cannot be read or written; nothing is written
        then.
    """
    kind = _kind(output, to)
    check_writable(output)
    model = load(model_path)
    if kind == "onnx":
        made = to_onnx(model)
        content = made.SerializeToString()
        sides = [[each.name for each in side] for side in (made.graph.input, made.graph.output)]
        about = f"inputs {_list(sides[0])}; outputs {_list(sides[1])}"
    else:
        content = (to_c(model) if kind == "c" else to_js(model)).encode()
        about = "net_predict, net_test" if kind == "c" else "predict, test"
    _require_free(output, content, force)
    with writing(output):
        write_file(output, content)
    reply = Reply(as_json)
    reply.say(
        f"Wrote {output}: {about}.", output=output, model=model_path, kind=kind, size=len(content)
    )
    reply.end()


def _kind(output: str, to: str | None) -> str:
    if to is not None:
        if to not in _KINDS:
            raise unknown_name("kind of export", to, _KINDS)
        return to
    suffix = Path(output).suffix.lower()
    if suffix not in _SUFFIXES:
        raise InvalidParameter(
            f"The suffix of '{output}' does not say what to write; add --to onnx, c or js, or end "
            f"it with .onnx, .c, .js or .mjs."
        )
    return _SUFFIXES[suffix]


def _require_free(output: str, content: bytes, force: bool) -> None:
    if Path(output).is_file() and not force and Path(output).read_bytes() not in (content, b""):
        raise UnwritablePath(
            f"'{output}' exists and holds something else; give another name with -o, or --force."
        )


def _list(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{name}'" for name in names[:most]) + more
