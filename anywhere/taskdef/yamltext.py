"""YAML text to values and places. CloudFormation's short tags become their long form; nothing else is made of a tag."""

from __future__ import annotations

import re
from math import isinf
from typing import Any

from anywhere.errors import ParseError
from anywhere.taskdef.jsontext import Locator
from anywhere.taskdef.tree import token

MAX_NODES = 200_000
MAX_DEPTH = 64
_STANDARD = "tag:yaml.org,2002:"
_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_TRUE = re.compile(r"(?:true|True|TRUE|yes|Yes|YES|on|On|ON)\Z")
_FALSE = re.compile(r"(?:false|False|FALSE|no|No|NO|off|Off|OFF)\Z")
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
_OCTAL = re.compile(r"0o?([0-7]+)\Z")
_HEX = re.compile(r"0x([0-9a-fA-F]+)\Z")
_REAL = re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?\Z|[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+\Z")


def parse_yaml(text: str) -> tuple[Any, Locator]:
    """The value of a YAML text as JSON has it, and its locator. Raises ParseError for what is not YAML, for more than
    one document, and for what aliases or nesting make too large."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        roots = list(YAML(typ="safe", pure=True).compose_all(text))
    except YAMLError as error:
        raise ParseError(f"not valid YAML: {_problem(error)}") from None
    except RecursionError:
        raise ParseError("nested too deeply") from None
    except (ValueError, AttributeError, TypeError, IndexError, KeyError, AssertionError) as error:
        # The composer lets these through on malformed escapes, directives and tags.
        raise ParseError(f"not valid YAML: {error}") from None
    if len(roots) > 1:
        raise ParseError("more than one YAML document in one file")
    reader = _Reader()
    value = reader.value(roots[0], "", 0) if roots else None
    return value, reader.locate


def _problem(error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem


class _Reader:
    """Turns composed nodes into values and keeps their places."""

    def __init__(self) -> None:
        self.places: dict[str, tuple[int, int]] = {}
        self.open: set[int] = set()
        self.count = 0

    def locate(self, pointer: str) -> tuple[int, int]:
        """Line and column, from 1, of a pointer or its nearest ancestor."""
        while pointer not in self.places and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, (1, 1))

    def value(self, node: Any, pointer: str, depth: int) -> Any:
        self.places.setdefault(pointer, (node.start_mark.line + 1, node.start_mark.column + 1))
        if depth > MAX_DEPTH:
            raise ParseError(f"nested more than {MAX_DEPTH} levels deep")
        self.count += 1
        if self.count > MAX_NODES:
            raise ParseError(f"more than {MAX_NODES:,} values once aliases are followed")
        if id(node) in self.open:
            raise ParseError(f"an alias contains itself (line {node.start_mark.line + 1})")
        self.open.add(id(node))
        try:
            return self._tagged(node, pointer, depth)
        finally:
            self.open.discard(id(node))

    def _tagged(self, node: Any, pointer: str, depth: int) -> Any:
        tag = str(node.tag or "")
        if tag.startswith("!") and len(tag) > 1:
            name = tag[1:] if tag in ("!Ref", "!Condition") else "Fn::" + tag[1:]
            inner = self._plain(node, pointer + token(name), depth, quoted=True)
            if name == "Fn::GetAtt" and isinstance(inner, str):
                inner = inner.split(".", 1)
            return {name: inner}
        if tag.startswith(_STANDARD + "python") or (tag and not tag.startswith(("!", _STANDARD))):
            raise ParseError(f"the tag {tag} is not data (line {node.start_mark.line + 1})")
        # The composer resolves as YAML 1.2, where `yes` is text; an explicit !!str on a number is the author's wish.
        is_text = tag == _STANDARD + "str" and not isinstance(scalar(str(node.value)), bool)
        return self._plain(node, pointer, depth, quoted=is_text)

    def _plain(self, node: Any, pointer: str, depth: int, quoted: bool) -> Any:
        if isinstance(node.value, str):
            return node.value if quoted or _is_quoted(node) else scalar(node.value)
        if node.value and not isinstance(node.value[0], tuple):
            return [self.value(item, f"{pointer}/{at}", depth + 1) for at, item in enumerate(node.value)]
        if not node.value and "seq" in type(node).__name__.lower():
            return []
        return self._mapping(node, pointer, depth)

    def _mapping(self, node: Any, pointer: str, depth: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        result: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key.value, str):
                raise ParseError(f"a key must be plain text (line {key.start_mark.line + 1})")
            if key.value == "<<" and not _is_quoted(key):
                self._merge(item, pointer, depth, merged)
                continue
            below = pointer + token(key.value)
            self.places[below] = (key.start_mark.line + 1, key.start_mark.column + 1)
            result[key.value] = self.value(item, below, depth + 1)
        return {**merged, **result} if merged else result

    def _merge(self, node: Any, pointer: str, depth: int, into: dict[str, Any]) -> None:
        sources = node.value if node.value and not isinstance(node.value[0], tuple) else [node]
        for source in sources:
            if isinstance(source, str) or isinstance(source.value, str):
                raise ParseError(f"only a mapping can be merged (line {node.start_mark.line + 1})")
            value = self.value(source, pointer, depth + 1)
            if not isinstance(value, dict):
                raise ParseError(f"only a mapping can be merged (line {node.start_mark.line + 1})")
            for key, item in value.items():
                into.setdefault(key, item)


def _is_quoted(node: Any) -> bool:
    return getattr(node, "style", None) in ("'", '"', "|", ">")


def scalar(text: str) -> Any:
    """A plain YAML 1.1 scalar as JSON has it. Dates and base-60 numbers stay text: CloudFormation has neither."""
    if _NULL.match(text):
        return None
    if _TRUE.match(text) or _FALSE.match(text):
        return bool(_TRUE.match(text))
    if len(text) > 400:
        return text
    for pattern, base in ((_OCTAL, 8), (_HEX, 16)):
        if text not in ("0", "00") and (match := pattern.match(text)):
            return int(match[1], base)
    if _WHOLE.match(text):
        return int(text.replace("_", ""))
    real = float(text.replace("_", "")) if _REAL.match(text) else None
    return text if real is None or isinf(real) else real
