"""JSON as Go's encoding/json takes it: UTF-8 alone, no NaN, numbers within a float64, nesting to a depth of 10000.

Source: Go encoding/json scanner.go (maxNestingDepth), decode.go (convertNumber).
"""

from __future__ import annotations

import math
import re

DEEPEST = 10_000
_TOKEN = re.compile(
    rb"[ \t\r\n]*(?:(?P<text>\"(?:[^\"\\\x00-\x1f]|\\(?:[\"\\/bfnrt]|u[0-9A-Fa-f]{4}))*+\")"
    rb"|(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)"
    rb"|(?P<word>true|false|null)|(?P<mark>[\[\]{}:,]))"
)
_ENDS = {b"{": b"}", b"[": b"]"}
# What may stand next; a key or a value right after an opening mark may be missing.
_VALUE, _FIRST_VALUE, _KEY, _FIRST_KEY, _COLON, _MORE = range(6)


class NotJson(ValueError):
    """What Go's decoder refuses, or a value whose end has not come."""


def whole(text: bytes) -> dict[bytes, bytes]:
    """The fields of the value, as `FirstValue` has them; nothing but blanks may follow it. Raises NotJson."""
    reader = FirstValue()
    if not reader.feed(text, is_all=True) or text[reader.at :].strip(b" \t\r\n"):
        raise NotJson("no JSON, or more than one value")
    return reader.fields


class FirstValue:
    """The first value of a text that grows. `fields`: each value as it is written, or the mark that a nested one begins
    with; none where it is no object. `at` is how far it was read."""

    def __init__(self) -> None:
        self.fields: dict[bytes, bytes] = {}
        self.at = 0
        self._open: list[bytes] = []  # the marks that end what is open
        self._key, self._next = b"", _VALUE

    def feed(self, text: bytes, *, is_all: bool = False) -> bool:
        """Read on in the text as it is now; whether the value has ended. Raises NotJson."""
        while found := _TOKEN.match(text, self.at):
            if found.end() == len(text) and found["mark"] is None and found["text"] is None and not is_all:
                return False  # more of a number or a word may come
            self.at = found.end()
            if found["number"] and not math.isfinite(float(found["number"])):
                raise NotJson("a number is too large")
            self._take(found[0].lstrip(b" \t\r\n"), found.lastgroup or "")
            if not self._open and self._next == _MORE:
                return True
        return False

    def _take(self, token: bytes, kind: str) -> None:
        if token in _ENDS and self._next in (_VALUE, _FIRST_VALUE):
            self._note(token)
            self._open.append(_ENDS[token])
            self._next = _FIRST_KEY if token == b"{" else _FIRST_VALUE
            if len(self._open) > DEEPEST:
                raise NotJson("nested too deep")
        elif kind != "mark" and self._next in (_VALUE, _FIRST_VALUE):
            self._note(token)
            self._next = _MORE
        elif kind == "text" and self._next in (_KEY, _FIRST_KEY):
            self._key, self._next = token[1:-1], _COLON
        elif token == b":" and self._next == _COLON:
            self._next = _VALUE
        elif token == b"," and self._next == _MORE:
            self._next = _KEY if self._open[-1] == b"}" else _VALUE
        elif self._open and token == self._open[-1] and self._next in (_MORE, _FIRST_KEY, _FIRST_VALUE):
            self._open.pop()
            self._next = _MORE
        else:
            raise NotJson("no JSON")

    def _note(self, token: bytes) -> None:
        if self._open == [b"}"]:
            self.fields[self._key] = token
