"""Text made harmless where it leaves: no character steers a terminal, begins a line or changes the reading direction.

Hosts, proxies, certificates and files of others are not trusted to name themselves. A format for people gets `printable`
text, JSON the same characters as escapes, so that nothing is lost for programs.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from json.encoder import encode_basestring
from math import isfinite

# Unicode's control and format characters, line and paragraph separators, and halves of characters (categories Cc, Cf,
# Zl, Zp, Cs). Newline and tab are treated apart.
_STEERING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HARMFUL = re.compile(f"[{_STEERING}]")
# The sequences with which our own tables are coloured.
_COLOURED = re.compile(f"(?P<own>\x1b\\[[0-9;]{{0,12}}m)|[{_STEERING}]")
_BREAKS = re.compile("[\n\t]")
_ASCII_STEERING = bytes(code for code in range(0x80) if _HARMFUL.fullmatch(chr(code)))
_PIECE = 1 << 16  # characters
_HOLDERS = (dict, list, tuple)
_SPACING = {False: (", ", ": "), True: (",", ":")}
REPLACEMENT = "\ufffd"


def printable(text: str) -> str:
    """The text in one line, each harmful character replaced by U+FFFD, newline and tab by a space."""
    return text if text.isprintable() else _HARMFUL.sub(REPLACEMENT, _BREAKS.sub(" ", text))


def printable_lines(text: str, coloured: bool = False) -> str:
    """The same for text of many lines: newlines and tabs stay, and with `coloured` the sequences that set colours."""
    if coloured:
        return _COLOURED.sub(lambda found: found["own"] or REPLACEMENT, text)
    return text if _is_plain(text) else _HARMFUL.sub(REPLACEMENT, text)


def _is_plain(text: str) -> bool:
    """Whether it is ASCII without harm: a report of a thousand files has tens of megabytes, nearly always of this kind."""
    if not text.isascii():
        return False
    pieces = (text[at : at + _PIECE].encode() for at in range(0, len(text), _PIECE))
    return all(len(piece.translate(None, _ASCII_STEERING)) == len(piece) for piece in pieces)


def printable_value(value: object) -> object:
    """`printable` for a JSON-like value, at any depth."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(name)): printable_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable_value(item) for item in value]
    return value


def json_text(value: object, indent: int | None = None, *, compact: bool = False) -> str:
    """JSON whose text is harmless while its values are exact: harmful characters are escapes (RFC 8259, section 7)."""
    text = (
        _indented(value, indent, "\n")
        if indent
        else json.dumps(value, ensure_ascii=False, separators=_SPACING[compact])
    )
    # The encoder escapes everything below a space, so that plain ASCII holds no harm but U+007F.
    return text if text.isascii() and "\x7f" not in text else _HARMFUL.sub(_escape, text)


def _indented(value: object, indent: int, margin: str) -> str:
    """What `json.dumps` makes with an indentation, in a third of the time: Python's own writer goes piece by piece."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or type(value) is int or (type(value) is float and isfinite(value)):
        return "null" if value is None else repr(value)
    if not isinstance(value, _HOLDERS) or not value:
        return json.dumps(value)
    inner = margin + " " * indent

    def line(item: object) -> str:
        return encode_basestring(item) if type(item) is str else _indented(item, indent, inner)

    if isinstance(value, dict):
        members = [f"{_named(key)}: {line(item)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(members)}{margin}}}"
    return f"[{inner}{f',{inner}'.join(map(line, value))}{margin}]"


@lru_cache(4096, typed=True)
def _named(key: object) -> str:
    """The key of an object; numbers and null become text."""
    return encode_basestring(key) if isinstance(key, str) else json.dumps({key: 0})[1:-4]


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def ip_text(address: str | bytes) -> str:
    """An IP address as every release of Python writes it: from 3.13 on an IPv4 address in an IPv6 one has its dots (RFC
    5952, section 5). Raises ValueError where it is none."""
    from ipaddress import ip_address

    found = ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(found)
