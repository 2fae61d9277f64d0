"""YAML text to plain nodes with their places. No tag makes an object, and depth is limited before anything is built.

libyaml reads where PyYAML was built with it (every wheel and distribution package), PyYAML's own parser elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from anywhere.errors import ParseError

STRING = "tag:yaml.org,2002:str"


@dataclass(slots=True)
class Scalar:
    """A word: `quoted` when the author took it out of YAML's guessing, by quotes, as a block, or by !!str."""

    line: int
    column: int
    tag: str
    text: str
    quoted: bool


@dataclass(slots=True)
class Sequence:
    """Nodes in their order."""

    line: int
    column: int
    tag: str
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """Keys and values in their order, as often as they were written."""

    line: int
    column: int
    tag: str
    pairs: list[tuple[Node, Node]] = field(default_factory=list)


Node = Scalar | Sequence | Mapping


class YamlError(ParseError):
    """Text that is not YAML. `line` counts from 1; 0 where none is known."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"not valid YAML: {problem}" + (f" (line {line}, column {column})" if line else ""))
        self.problem, self.line = problem, line


def compose(text: str, deepest: int) -> list[Node]:
    """The root of each document. An alias is its anchor's own node: the same object again, or one that holds itself.

    Raises YamlError.
    """
    import yaml

    try:
        return _documents(text, deepest)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(str(error.problem or error.context).split())
        raise YamlError(problem, mark.line + 1, mark.column + 1) if mark else YamlError(problem) from None
    except (yaml.YAMLError, ValueError, IndexError, OverflowError) as error:
        # Characters that no text may hold, and malformed escapes and directives that the parser lets through.
        raise YamlError(" ".join(str(error).split())[:200]) from None


def _documents(text: str, deepest: int) -> list[Node]:
    import yaml

    if yaml.__with_libyaml__:
        try:
            return list(_Composer(deepest).documents(iter(yaml.parse(text, Loader=yaml.CSafeLoader))))
        except yaml.MarkedYAMLError as error:
            # Newer versions have a limit of their own, in their own words, and read ahead of what they deliver.
            read = text[: error.problem_mark.index] if error.problem_mark else ""
            if sum(map(read.count, "[{")) - sum(map(read.count, "]}")) <= deepest:
                raise
    return list(_Composer(deepest).documents(iter(yaml.parse(text, Loader=yaml.SafeLoader))))


class _Composer:
    def __init__(self, deepest: int) -> None:
        self._deepest = deepest
        self._open: list[tuple[Sequence | Mapping, list[Node]]] = []
        self._anchors: dict[str, Node] = {}

    def documents(self, events: Iterator[object]) -> Iterator[Node]:
        """The roots, as their documents end."""
        for event in events:
            node = self._whole(type(event).__name__, event)
            if node is None:
                continue
            if self._open:
                self._open[-1][1].append(node)
            else:
                self._anchors.clear()
                yield node

    def _whole(self, kind: str, event: Any) -> Node | None:
        """The node that is complete with this event."""
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if kind == "ScalarEvent":
            tag = event.tag or ""
            plain = event.style in (None, "") and tag != STRING
            return self._anchored(event, Scalar(line, column, tag, event.value, not plain))
        if kind == "AliasEvent":
            if event.anchor not in self._anchors:
                raise YamlError(f"found undefined alias {event.anchor!r}", line, column)
            return self._anchors[event.anchor]
        if kind in ("SequenceEndEvent", "MappingEndEvent"):
            return self._close()
        if kind in ("SequenceStartEvent", "MappingStartEvent"):
            if len(self._open) >= self._deepest:
                raise YamlError(f"nested more than {self._deepest} levels deep", line, column)
            begun = Sequence if kind == "SequenceStartEvent" else Mapping
            node = self._anchored(event, begun(line, column, event.tag or ""))
            assert not isinstance(node, Scalar)
            self._open.append((node, []))
        return None

    def _anchored(self, event: Any, node: Node) -> Node:
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _close(self) -> Node:
        node, inner = self._open.pop()
        if isinstance(node, Sequence):
            node.items = inner
        else:
            node.pairs = list(zip(inner[::2], inner[1::2], strict=True))
        return node
