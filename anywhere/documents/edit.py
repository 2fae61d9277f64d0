"""A patch applied to the text of a document, so that all around it stays as it was: comments, order, quotes, tags.

New values are written as JSON, which is YAML too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anywhere.documents.numbers import whole
from anywhere.documents.patch import PatchError
from anywhere.documents.pointer import tokens

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


@dataclass(slots=True)
class Part:
    """A value in the text from `start` to `end`; `key` is where its name begins (-1: it has none) and `named` where that
    ends. `flow` tells braces and brackets from YAML's indentation."""

    start: int
    end: int
    flow: bool = True
    key: int = -1
    named: int = -1
    names: dict[str, Part] = field(default_factory=dict)
    items: list[Part] = field(default_factory=list)

    @property
    def parts(self) -> list[Part]:
        """The members, in their order."""
        return list(self.names.values()) or self.items

    @property
    def first(self) -> int:
        """Where the value with its name begins."""
        return self.key if self.key >= 0 else self.start


def edit(text: str, is_json: bool, operations: Iterable[Mapping[str, Any]]) -> str:
    """The text after these operations (RFC 6902: add, remove, replace). Raises PatchError where one does not fit."""
    lines = text.replace("\r\n", "\n")
    if lines.count("\n") == text.count("\r\n") > 0:  # one kind of line end: what is added gets it as well
        return edit(lines, is_json, operations).replace("\n", "\r\n")
    for operation in operations:
        root = json_parts(text) if is_json else yaml_parts(text)
        *above, last = tokens(str(operation["path"])) or [""]
        parent = root
        for name in above:
            parent = _member(parent, name)
        text = _edited(text, parent, last, operation)
    return text


def _member(part: Part, name: str) -> Part:
    if name in part.names:
        return part.names[name]
    if (at := whole(name)) is not None and at < len(part.items):
        return part.items[at]
    raise PatchError(f"no member {name}")


def _edited(text: str, parent: Part, name: str, operation: Mapping[str, Any]) -> str:
    kind = operation["op"]
    if kind == "add" and name not in parent.names:
        return _added(text, parent, name, _written(operation["value"]))
    part = _member(parent, name)
    if kind == "remove":
        return _removed(text, parent, part)
    if kind not in ("add", "replace"):
        raise PatchError(f"unknown operation {kind}")
    lead = "" if part.key < 0 else text[part.key : part.named] + ": "
    return text[: part.first] + lead + _written(operation["value"]) + text[part.end :]


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _added(text: str, parent: Part, name: str, value: str) -> str:
    parts = parent.parts
    is_list = bool(parent.items) or (parent.flow and text[parent.start] == "[") or (not parts and name in ("-", "0"))
    before = int(name) if is_list and name.isdecimal() else len(parts)
    if before > len(parts):
        raise PatchError(f"no position {name}")
    line = value if is_list else f"{_written(name) if parent.flow else name}: {value}"
    if not parts:
        body = f"[{line}]" if is_list else "{" + (line if parent.flow else f"{_written(name)}: {value}") + "}"
        return text[: parent.start] + body + text[parent.end :]
    neighbor = parts[min(before, len(parts) - 1)]
    if parent.flow:
        gap = _gap(text, parent, parts)
        if before < len(parts):
            return text[: neighbor.first] + line + "," + (gap or " ") + text[neighbor.first :]
        return text[: neighbor.end] + "," + (gap or " ") + line + text[neighbor.end :]
    margin = " " * _column(text, _dash(text, neighbor) if is_list else neighbor.first)
    line = f"- {line}" if is_list else line
    if before < len(parts):
        at = _dash(text, neighbor)
        return text[:at] + line + "\n" + margin + text[at:]
    return text[: neighbor.end] + "\n" + margin + line + text[neighbor.end :]


def _gap(text: str, parent: Part, parts: list[Part]) -> str:
    """The line break and indentation before the members of a list or object in braces; empty where they share a line."""
    between = text[parent.start + 1 : parts[0].first]
    return between if "\n" in between and not between.strip() else ""


def _removed(text: str, parent: Part, part: Part) -> str:
    parts = parent.parts
    at = next(place for place, one in enumerate(parts) if one is part)
    if len(parts) == 1:
        return text[: parent.start] + ("[]" if parent.items else "{}") + text[parent.end :]
    if at + 1 < len(parts):
        follower = parts[at + 1]
        begin = _dash(text, part) if parent.items and not parent.flow else part.first
        end = _dash(text, follower) if parent.items and not parent.flow else follower.first
        if not parent.flow:  # what people wrote above the next one stays with it
            end = _after_line(text, part.end, end)
            begin = begin if _shares_line(text, begin) else text.rfind("\n", 0, begin) + 1
            if _shares_line(text, begin):
                end = follower.first
        return text[:begin] + text[end:]
    if parent.flow:
        return text[: parts[at - 1].end] + text[part.end :]
    return text[: text.rfind("\n", 0, _dash(text, part) if parent.items else part.first)] + text[part.end :]


def _after_line(text: str, at: int, most: int) -> int:
    """The start of the next line."""
    found = text.find("\n", at)
    return min(most, found + 1) if found >= 0 else most


def _shares_line(text: str, at: int) -> bool:
    """Whether something stands before this place on its line: the dash of a list's element."""
    return bool(text[text.rfind("\n", 0, at) + 1 : at].strip())


def _dash(text: str, part: Part) -> int:
    """Where the dash of an element in YAML's indentation is; the element itself where it has none."""
    found = re.search(r"-[ \t]+(?:[&!]\S+[ \t]*)*\Z|-[ \t]*\n\s*\Z", text[: part.first])
    return found.start() if found and part.key < 0 else part.first


def _column(text: str, at: int) -> int:
    return at - text.rfind("\n", 0, at) - 1


def json_parts(text: str) -> Part:
    """The values of a valid JSON text, with their places."""
    stack: list[Part] = []
    name: tuple[int, int] | None = None
    root = Part(0, len(text))
    is_value = True
    for match in _TOKEN.finditer(text):
        word, at = match[0], match.start()
        if word in ",:":
            is_value = word == ":" or not _is_object(text, stack[-1])
            continue
        if word in "}]":
            stack.pop().end = match.end()
            continue
        if stack and _is_object(text, stack[-1]) and not (is_value and name):
            name, is_value = (at, match.end()), False
            continue
        part = Part(at, match.end())
        if not stack:
            root = part
        elif name and _is_object(text, stack[-1]):
            part.key, part.named = name
            stack[-1].names[json.loads(text[name[0] : name[1]])] = part
        else:
            stack[-1].items.append(part)
        name = None
        if word in "{[":
            stack.append(part)
            is_value = word == "["
    return root


def _is_object(text: str, part: Part) -> bool:
    return text[part.start] == "{"


def yaml_parts(text: str) -> Part:
    """The values of a YAML text, with their places. Raises PatchError for what is no YAML."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise PatchError(str(error)) from None
    return _of(root, text) if root is not None else Part(0, 0)


def _of(node: Any, text: str) -> Part:
    part = Part(node.start_mark.index, node.end_mark.index, bool(getattr(node, "flow_style", True)))
    if node.id == "mapping":
        for key, value in node.value:
            below = _of(value, text)
            below.key, below.named = key.start_mark.index, key.end_mark.index
            part.names[str(key.value)] = below
    elif node.id == "sequence":
        part.items = [_of(item, text) for item in node.value]
    if node.id != "scalar" and not part.flow and part.parts:
        part.end = max(below.end for below in part.parts)
    elif node.id == "scalar" and node.style in ("|", ">"):
        part.end = part.start + len(text[part.start : part.end].rstrip())
    return part
