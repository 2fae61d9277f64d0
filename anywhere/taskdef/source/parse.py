"""Text of a file to values with places, whichever of JSON and YAML it is, within limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anywhere.documents.json import Locator, json_locator, parse_json_keys, repeated_keys
from anywhere.documents.yaml import MAX_DEPTH
from anywhere.errors import ParseError
from anywhere.frozen import frozen
from anywhere.taskdef.source.yaml_tags import parse_yaml

MAX_BYTES = 64 * 1024 * 1024
MAX_YAML_BYTES = 8 * 1024 * 1024
_YAML_NAMES = (".yaml", ".yml")


@frozen
class Parsed:
    """A document's value, how to make the function that finds a pointer's line and column, and the keys that an object
    has twice, each with its pointer. `is_json` tells the two notations apart; `text` is what was read."""

    value: object
    locator: Callable[[], Locator]
    repeated: Callable[[], list[tuple[str, str]]] = list
    text: str = ""
    is_json: bool = True


def parse(data: bytes, name: str) -> Parsed:
    """The value of a JSON or YAML file. Raises ParseError, one line, for what is neither or too large."""
    if len(data) > MAX_BYTES:
        raise ParseError(f"larger than {MAX_BYTES // 2**20} MiB")
    if is_utf_16(data):
        raise ParseError("UTF-16 text, as Windows PowerShell writes it: save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8 text (byte {error.start})") from None
    if not text.strip():
        raise ParseError("empty")
    is_json = text.lstrip()[:1] in ("{", "[")
    if name.endswith(".json") or (is_json and not name.endswith(_YAML_NAMES)):
        return _json(text)
    if is_json:
        try:
            return _json(text)
        except ParseError:
            pass
    if len(data) > MAX_YAML_BYTES:
        raise ParseError(f"larger than {MAX_YAML_BYTES // 2**20} MiB of YAML")
    value, reader = parse_yaml(text)
    return Parsed(value, lambda: reader.locate, lambda: reader.repeated, text, False)


def is_utf_16(data: bytes) -> bool:
    """Whether bytes are text in UTF-16 with its mark in front."""
    return len(data) % 2 == 0 and data.startswith((b"\xff\xfe", b"\xfe\xff"))


def _json(text: str) -> Parsed:
    value, is_repeated = parse_json_keys(text)
    too_deep(value)
    return Parsed(value, lambda: json_locator(text), lambda: repeated_keys(text) if is_repeated else [], text)


def too_deep(value: Any, limit: int = MAX_DEPTH) -> None:
    """Raises ParseError where lists and objects nest deeper than the limit; walks without recursion."""
    layer = [value]
    for _ in range(limit + 1):
        layer = (
            [
                item
                for parent in layer
                for item in (parent.values() if isinstance(parent, dict) else parent)
                if isinstance(item, (dict, list))
            ]
            if layer and isinstance(layer[0], (dict, list))
            else []
        )
        if not layer:
            return
    raise ParseError(f"nested more than {limit} levels deep")
