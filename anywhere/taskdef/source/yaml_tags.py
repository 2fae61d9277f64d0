"""YAML templates and definitions: CloudFormation's short tags become their long form."""

from __future__ import annotations

from anywhere.documents.pointer import token
from anywhere.documents.yaml import Reader, read_yaml
from anywhere.documents.yaml_nodes import Node


def parse_yaml(text: str) -> tuple[object, Reader]:
    """The value of a YAML text as JSON has it, and the reader that knows its places. Raises ParseError, see `read_yaml`."""
    reader = _Reader()
    return read_yaml(text, reader), reader


class _Reader(Reader):
    def tagged(self, node: Node, pointer: str, depth: int) -> object:
        """`!Ref x` is {"Ref": "x"}, `!GetAtt a.b` is {"Fn::GetAtt": ["a", "b"]}, and so on."""
        tag = node.tag
        if not tag.startswith("!") or len(tag) == 1:
            return super().tagged(node, pointer, depth)
        name = tag[1:] if tag in ("!Ref", "!Condition") else "Fn::" + tag[1:]
        inner = self.plain(node, pointer + token(name), depth, as_text=True)
        if name == "Fn::GetAtt" and isinstance(inner, str):
            inner = inner.split(".", 1)
        return {name: inner}
