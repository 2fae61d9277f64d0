"""JSON text to values, and where in the text each value stands."""

from __future__ import annotations

import json
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from anywhere.documents.pointer import token, tokens
from anywhere.errors import ParseError

_TOO_LONG = f"a number has more than {sys.get_int_max_str_digits()} digits"
Locator = Callable[[str], tuple[int, int]]

MOST_LEVELS = 64  # of lists and objects in one another; an observation has six. Python's own limit differs by release.
_BLANK = re.compile(r"[ \t\n\r]*")
_skip = json.JSONDecoder().raw_decode
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+)', re.DOTALL)


def parse_json(text: str) -> object:
    """The value of a JSON text. Raises ParseError, with line and column, for anything else."""
    return _parsed(text, None)


def parse_record(data: str | bytes) -> object:
    """The same for what this program wrote, or something in its place: at most MOST_LEVELS deep, since what reads it later
    goes down by calls. Raises ParseError."""
    value = _parsed(data, None)
    row = [value]
    for _ in range(MOST_LEVELS):
        row = [one for held in row for one in _content(held) if isinstance(one, (list, dict))]
        if not row:
            return value
    raise ParseError("nested too deeply")


def _content(held: object) -> Iterable[object]:
    return held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()


def _parsed(text: str | bytes, pairs: Callable[[list[tuple[str, object]]], object] | None) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise ParseError(f"not valid JSON: {_why(error)} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise ParseError("nested too deeply") from None
    except ValueError as error:
        reason = _TOO_LONG if "digits" in str(error) else str(error)
        raise ParseError(f"not valid JSON: {reason}") from None


def _why(error: json.JSONDecodeError) -> str:
    """What is wrong, in the words of the two things that editors accept and JSON does not have."""
    here = error.doc[error.pos :].lstrip()
    if here[:2] in ("//", "/*") or here[:1] == "#":
        return "JSON has no comments: take it out"
    if here[:1] in ("}", "]") and error.doc[: error.pos].rstrip().endswith(","):
        return f"a comma before {here[0]}: take it out"
    return error.msg


def parse_json_keys(text: str) -> tuple[object, bool]:
    """The same, and whether an object has a key twice; the last one counts. Raises ParseError."""
    found = False

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal found
        made = dict(items)
        found = found or len(made) < len(items)
        return made

    return _parsed(text, pairs), found


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is out of range")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def json_locator(text: str) -> Locator:
    """A function from a JSON pointer to line and column (from 1) of its value in this valid JSON text; a pointer that
    is not there gives the place of its nearest ancestor. A member is found at its name, as an editor would show it."""
    start = len(text) - len(text.lstrip())
    known = {"": (start, start)}  # where each is named, and where its value begins
    opened: set[str] = set()
    lines: list[int] = []

    def place(pointer: str) -> int | None:
        parent, slash, _ = pointer.rpartition("/")
        if pointer not in known and slash and parent not in opened and place(parent) is not None:
            opened.add(parent)
            known.update((parent + key, (name, value)) for key, name, value in _members(text, known[parent][1]))
        return known[pointer][0] if pointer in known else None

    def locate(pointer: str) -> tuple[int, int]:
        if not lines:
            lines.extend((0, *(match.end() for match in re.finditer("\n", text))))
        while (at := place(pointer)) is None:
            pointer = pointer.rpartition("/")[0]
        line = bisect_right(lines, at)
        return line, at - lines[line - 1] + 1

    return locate


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """The members of the object or list that begins here: token, offset of the name, offset of the value. What they hold
    is passed over at the speed of the parser."""
    kind, count = text[at], 0
    at = _after(text, at + 1)
    while kind in "{[" and text[at] not in "}]":
        name = at
        if kind == "{":
            key, at = _skip(text, at)
            at = _after(text, _after(text, at) + 1)  # past the colon
            yield token(key), name, at
        else:
            yield f"/{count}", at, at
            count += 1
        at = _after(text, _skip(text, at)[1])
        at = _after(text, at + 1) if text[at] == "," else at


def _after(text: str, at: int) -> int:
    """The next offset that is not a blank."""
    found = _BLANK.match(text, at)
    return found.end() if found else at


def repeated_keys(text: str) -> list[tuple[str, str]]:
    """Pointer and name of each key that its object in this valid JSON text has had before."""
    repeated: list[str] = []
    _places(text, repeated)
    found = [(pointer, tokens(pointer)[-1]) for pointer in dict.fromkeys(repeated)]
    # What lies inside an object that is itself a repeated one appears again with it.
    inside = tuple(pointer + "/" for pointer, _ in found)
    return [(pointer, key) for pointer, key in found if not pointer.startswith(inside)]


def _places(text: str, repeated: list[str]) -> dict[str, int]:
    """The offset of every value, by pointer; `repeated` takes the pointers of members that were there before."""
    places: dict[str, int] = {"": 0}
    parents: list[str] = []
    counters: list[int] = []
    key, pending = "", False
    for match in _TOKEN.finditer(text):
        part, at = match[1], match.start(1)
        if part in ",:":
            pending = part == ":"
            continue
        if part in "}]":
            parents.pop()
            counters.pop()
            continue
        if parents and counters[-1] < 0 and not pending:
            key = parents[-1] + token(part[1:-1] if "\\" not in part else json.loads(part))
            if key in places:
                repeated.append(key)
            places[key] = at
            continue
        here = ""
        if parents and counters[-1] >= 0:
            here = f"{parents[-1]}/{counters[-1]}"
            counters[-1] += 1
            places[here] = at
        elif parents:
            here = key
        pending = False
        if part in "{[":
            parents.append(here)
            counters.append(-1 if part == "{" else 0)
    return places
