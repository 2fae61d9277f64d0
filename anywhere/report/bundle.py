"""A saved bundle for people: what was observed, what was masked, and how two bundles differ. Pure."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping

from anywhere.frozen import frozen
from anywhere.model import Target
from anywhere.printable import printable
from anywhere.redact import MASK

# What differs between two looks at an unchanged host.
VOLATILE = frozenset(
    ("seconds", "connect_seconds", "tls_seconds", "http_seconds", "at", "date", "now", "memory_available", "free")
    + ("inodes_free", "pid", "x-amzn-requestid", "x-amz-request-id", "x-amz-id-2")
)
LINES_SHOWN = 12


@frozen
class Observation:
    """One observation: its verb, what was asked, the size of the answer in bytes, the lines in which something is
    masked."""

    verb: str
    asked: str
    size: int
    masked: tuple[str, ...] = ()


@frozen
class Difference:
    """What is not the same: `kind` is finding, fact or observation; `old` or `new` empty where it is on one side only."""

    kind: str
    subject: str
    old: str
    new: str
    lines: tuple[str, ...] = ()


def observations(kept: Mapping[str, object]) -> tuple[Observation, ...]:
    """The observations of a bundle in its order."""
    return tuple(_observation(key, value) for key, value in kept.items())


def _observation(key: str, value: object) -> Observation:
    verb, _, arguments = key.partition(" ")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    masked = [printable(line.strip()[:160]) for line in _lines(value) if MASK in line]
    size = len(text.encode("utf-8", "surrogatepass"))
    return Observation(verb, printable(_asked(verb, arguments)), size, tuple(dict.fromkeys(masked)))


def _asked(verb: str, arguments: str) -> str:
    try:
        words = json.loads(arguments or "null")
    except ValueError:
        return arguments
    if verb == "run" and isinstance(words, list):
        return " ".join(map(str, words))
    if isinstance(words, list):
        return " ".join(str(word) for word in words if word)
    if isinstance(words, dict):
        first = ("name", "host")
        rest = [f"{name}={value}" for name, value in words.items() if name not in first]
        return " ".join([*(str(words[name]) for name in first if name in words), *rest])
    return ""


def _lines(value: object) -> Iterator[str]:
    """All texts within, line by line, a mapping's with their names."""
    if isinstance(value, str):
        yield from map(printable, value.splitlines())
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            for line in _lines(inner):
                yield line if isinstance(inner, str) and "\n" in inner else f"{printable(name)}: {line}"
    elif isinstance(value, list):
        for inner in value:
            yield from _lines(inner)


def counts(seen: tuple[Observation, ...]) -> dict[str, int]:
    """How many observations each verb has."""
    return dict(Counter(one.verb for one in seen))


def differences(
    old: Target, new: Target, before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[Difference]:
    """What changed from one bundle to the other: the findings first, then the facts, then all that was observed."""
    yield from _findings(old, new)
    yield from _facts("", old.facts, new.facts)
    for key in dict.fromkeys([*before, *after]):
        one, other = steady(before.get(key)), steady(after.get(key))
        if one != other:
            yield _changed(key, one, other)


def _findings(old: Target, new: Target) -> Iterator[Difference]:
    was = {(finding.check, finding.subject): finding for finding in old.findings}
    now = {(finding.check, finding.subject): finding for finding in new.findings}
    for key in dict.fromkeys([*was, *now]):
        one, other = was.get(key), now.get(key)
        before = f"{one.status}: {one.summary}" if one else ""
        after = f"{other.status}: {other.summary}" if other else ""
        if before != after:
            yield Difference("finding", printable(" ".join(key)), printable(before), printable(after))


def _facts(path: str, old: object, new: object) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*old, *new]):
            if name not in ("available", "free"):
                yield from _facts(f"{path}.{name}".strip("."), old.get(name), new.get(name))
    elif old != new:
        yield Difference(
            "fact", printable(path), "" if old is None else _short(old), "" if new is None else _short(new)
        )


def steady(value: object) -> object:
    """Without what changes by itself."""
    if isinstance(value, Mapping):
        return {name: steady(inner) for name, inner in value.items() if name not in VOLATILE}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


def _changed(key: str, old: object, new: object) -> Difference:
    verb, _, arguments = key.partition(" ")
    subject = printable(f"{verb} {_asked(verb, arguments)}".strip())
    if old is None or new is None:
        return Difference("observation", subject, "" if old is None else "there", "" if new is None else "there")
    lines = difflib.unified_diff(list(_lines(old)), list(_lines(new)), lineterm="", n=0)
    shown = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    more = [f"... {len(shown) - LINES_SHOWN} more lines"] if len(shown) > LINES_SHOWN else []
    return Difference("observation", subject, "changed", "changed", (*shown[:LINES_SHOWN], *more))


def _short(value: object) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[:200])
