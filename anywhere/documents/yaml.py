"""Nodes to values as JSON has them, each with its place. Plain words are read as YAML 1.1 does."""

from __future__ import annotations

import re
from math import isinf

from anywhere.documents.pointer import token
from anywhere.documents.yaml_nodes import Mapping, Node, Scalar, Sequence, YamlError, compose
from anywhere.errors import ParseError

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


def read_yaml(text: str, reader: Reader) -> object:
    """The value of a YAML text; the reader then knows the places. Raises ParseError for what is not YAML, for more than
    one document, and for what aliases or nesting make too large."""
    roots = compose(text, MAX_DEPTH)
    if len(roots) > 1:
        raise ParseError("more than one YAML document in one file")
    return reader.value(roots[0], "", 0) if roots else None


class Reader:
    """Makes values and keeps their places. Aliases and merges are followed within MAX_NODES values."""

    def __init__(self, *, unique: bool = False) -> None:
        self.unique = unique
        self.places: dict[str, tuple[int, int]] = {}
        self.open: set[int] = set()
        self.count = 0
        self.repeated: list[tuple[str, str]] = []
        """Pointer and name of each key that its mapping has twice, where that is no error."""

    def locate(self, pointer: str) -> tuple[int, int]:
        """Line and column, from 1, of a pointer or its nearest ancestor."""
        while pointer not in self.places and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, (1, 1))

    def value(self, node: Node, pointer: str, depth: int) -> object:
        """The value of a node and of all below it."""
        self.places.setdefault(pointer, (node.line, node.column))
        if depth > MAX_DEPTH:
            raise ParseError(f"nested more than {MAX_DEPTH} levels deep")
        self.count += 1
        if self.count > MAX_NODES:
            raise ParseError(f"more than {MAX_NODES:,} values once aliases are followed")
        if id(node) in self.open:
            raise ParseError(f"an alias contains itself (line {node.line})")
        self.open.add(id(node))
        try:
            return self.tagged(node, pointer, depth)
        finally:
            self.open.discard(id(node))

    def tagged(self, node: Node, pointer: str, depth: int) -> object:
        """The value of a node with its tag, which says nothing here. Others read tags of their own."""
        if (node.tag and not node.tag.startswith(("!", _STANDARD))) or node.tag.startswith(_STANDARD + "python"):
            raise ParseError(f"the tag {node.tag} is not data (line {node.line})")
        return self.plain(node, pointer, depth)

    def plain(self, node: Node, pointer: str, depth: int, *, as_text: bool = False) -> object:
        """The value without its tag; `as_text` takes a word as it is."""
        if isinstance(node, Scalar):
            return node.text if as_text or node.quoted else scalar(node.text)
        if isinstance(node, Sequence):
            return [self.value(item, f"{pointer}/{at}", depth + 1) for at, item in enumerate(node.items)]
        return self._mapping(node, pointer, depth)

    def _mapping(self, node: Mapping, pointer: str, depth: int) -> dict[str, object]:
        merged: dict[str, object] = {}
        result: dict[str, object] = {}
        for key, item in node.pairs:
            if not isinstance(key, Scalar):
                raise ParseError(f"a key must be plain text (line {key.line})")
            if key.text == "<<" and not key.quoted:
                self._merge(item, pointer, depth, merged)
                continue
            below = pointer + token(key.text)
            if key.text in result:
                if self.unique:
                    raise YamlError(f"{key.text!r} appears twice", key.line, key.column)
                self.repeated.append((below, key.text))
            self.places[below] = (key.line, key.column)
            result[key.text] = self.value(item, below, depth + 1)
        return {**merged, **result} if merged else result

    def _merge(self, node: Node, pointer: str, depth: int, into: dict[str, object]) -> None:
        for source in node.items if isinstance(node, Sequence) else [node]:
            value = None if isinstance(source, Scalar) else self.value(source, pointer, depth + 1)
            if not isinstance(value, dict):
                raise ParseError(f"only a mapping can be merged (line {node.line})")
            for key, item in value.items():
                into.setdefault(key, item)


def scalar(text: str) -> object:
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
