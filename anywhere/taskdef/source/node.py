"""A document as rules see it: nodes that know where they stand, and values that nobody can know before deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anywhere.documents.numbers import whole
from anywhere.documents.pointer import token, tokens


class Unknown:
    """A value that only the deployment will settle: an intrinsic function, or "known after apply".

    `why` names it for people, `present` is whether there will be a value at all (None: not known either), `text` the
    literal parts of a string with `${}` for the rest, `ref` the resource that it points to.
    """

    __slots__ = ("present", "ref", "text", "why")

    def __init__(self, why: str, present: bool | None = True, text: str = "", ref: str = "") -> None:
        self.why = why
        self.present = present
        self.text = text
        self.ref = ref

    def part(self) -> Unknown:
        """A member of this value: not even whether it is there is known."""
        return Unknown(self.why, present=None)

    def __repr__(self) -> str:
        return f"Unknown({self.why!r})"


BROKEN = Unknown("")
"""In the place of a value of the wrong type: the shape rule reports it, and no other rule has anything to say."""


class NotKnown(Exception):
    """A rule asked for a value that cannot be known; the runner makes a skip of it."""

    def __init__(self, node: Node, why: str) -> None:
        super().__init__(why)
        self.node = node
        self.why = why


class Node:
    """A value and its JSON pointer. A JSON null is as good as absent; what lies below an unknown is unknown."""

    __slots__ = ("pointer", "raw")

    def __init__(self, raw: Any, pointer: str = "") -> None:
        self.raw = raw
        self.pointer = pointer

    def at(self, *keys: str) -> Node:
        """The member under these keys, whether it is there or not."""
        raw, pointer = self.raw, self.pointer
        for key in keys:
            raw = raw.get(key) if isinstance(raw, dict) else raw.part() if isinstance(raw, Unknown) else None
            pointer += "/" + key if key.isalnum() else token(key)
        return Node(raw, pointer)

    def unknown_above(self, pointer: str) -> Node | None:
        """The first value on the way to this pointer that is not known."""
        node = self
        for key in tokens(pointer):
            at = whole(key) if isinstance(node.raw, list) else None
            items = () if at is None else tuple(node.each())
            node = node.at(key) if at is None or at >= len(items) else items[at]
            if not node.known:
                return node
        return None

    def each(self) -> Iterator[Node]:
        """The elements of a list; one unknown element where the list itself is unknown."""
        if isinstance(self.raw, list):
            for position, raw in enumerate(self.raw):
                yield Node(raw, f"{self.pointer}/{position}")
        elif isinstance(self.raw, Unknown):
            yield Node(self.raw.part(), self.pointer)

    @property
    def present(self) -> bool:
        """Whether a value is given. Raises NotKnown."""
        if isinstance(self.raw, Unknown):
            if self.raw.present is None:
                raise NotKnown(self, self.raw.why)
            return self.raw.present
        return self.raw is not None

    @property
    def filled(self) -> bool:
        """Whether a value is given that is not empty. Raises NotKnown, also for a list whose elements may all be absent."""
        if isinstance(self.raw, list) and self.raw and not self.sure:
            left = next((item for item in self.each() if item.raw.present is None), None)
            return left is not None and left.present
        return self.present and (isinstance(self.raw, Unknown) or self.raw not in ("", [], {}))

    @property
    def sure(self) -> int:
        """How many elements a list has at least: those that a condition may take out do not count."""
        raw = self.raw if isinstance(self.raw, list) else ()
        return sum(not isinstance(item, Unknown) or item.present is True for item in raw)

    @property
    def known(self) -> bool:
        """Whether the value, or its absence, can be read from the document."""
        return not isinstance(self.raw, Unknown)

    def text(self) -> str:
        """The value as text, empty when absent. Raises NotKnown."""
        if isinstance(self.raw, Unknown):
            raise NotKnown(self, self.raw.why)
        if isinstance(self.raw, bool):
            return str(self.raw).lower()
        return "" if self.raw is None else str(self.raw)

    def literal(self) -> str:
        """The parts of a text that are known, `${}` for the rest; empty when nothing is."""
        return self.raw.text if isinstance(self.raw, Unknown) else self.text()

    def number(self) -> int | None:
        """The value as a whole number, None when absent. Raises NotKnown, also for what is none: shapes report it, where the
        document has such a field."""
        text = self.text()
        try:
            return int(float(text)) if text else None
        except (ValueError, OverflowError):
            raise NotKnown(self, "") from None

    def flag(self) -> bool:
        """Whether the value is true; absent is false. Raises NotKnown."""
        return self.text().lower() == "true"
