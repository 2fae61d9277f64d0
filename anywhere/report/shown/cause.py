"""A cause as a block of lines: code, what was observed, the evidence that decides, the fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from anywhere.model import Cause, Finding, Remedy, Target
from anywhere.report.shown.commands import blocks, looks, prose
from anywhere.report.shown.words import COLOURS
from anywhere.report.style import Style, fill
from anywhere.wording import some

MOST = 3  # addresses or quotes in one block
INDENT = " " * 6
FULL, SHORT, SHORTEST = range(3)  # how much of a block is shown where the screen is small


def lines(cause: Cause, target: Target, style: Style, length: int = FULL) -> Iterator[str]:
    """The block. `length` leaves out what only helps to look closer, then the evidence."""
    paint = style.paint(COLOURS[cause.severity])
    yield f"{paint(str(cause.severity).upper())}  {style.bold(cause.code)}"
    yield from _filled(cause.summary, style)
    if length < SHORTEST:
        for text in evidence(cause, target):
            yield from map(style.dim, _filled(text, style))
    yield from remedy_lines(cause.remedy, style, length)


def remedy_lines(remedy: Remedy, style: Style, length: int = FULL) -> Iterator[str]:
    """The fix: its text, its commands by the place where they run, the request, and what shows more."""
    if remedy.commands or not remedy.ask or length < SHORTEST:
        yield from _filled(f"Fix: {prose(remedy.text)}", style)
    for place, commands in blocks(remedy):
        yield from [style.dim(f"{INDENT}{place}:")] if place else []
        yield from (style.dim(f"{INDENT}$ {command}") for command in commands)
    if remedy.ask:
        yield from _filled(f"{'Or ask' if remedy.commands else 'Ask'}: {_request(remedy.ask)}", style)
    if length == FULL and (found := list(looks(remedy))):
        yield style.dim(f"{INDENT}To look closer: {found[0]}")
        yield from (style.dim(f"{INDENT}                {more}") for more in found[1:])


def _request(ask: str) -> str:
    """`Ask the network team to ...` after a label that says so already."""
    return prose(ask.removeprefix("Ask "))


def _filled(text: str, style: Style) -> Iterator[str]:
    for line in fill(text, style.width - len(INDENT)):
        yield INDENT + line


def evidence(cause: Cause, target: Target) -> list[str]:
    """What decides and does not stand in the summary: addresses with their reasons, the proxy, the rule, file and line."""
    rows = [target.findings[place] for place in cause.findings if place < len(target.findings)]
    quoted = [text for row in rows for text in _quotes(row) if text not in cause.summary]
    tried = _tried(rows, cause.summary)
    return [*([tried] if tried else []), *list(dict.fromkeys(quoted))[: 1 if tried else MOST - 1]]


def _tried(rows: Sequence[Finding], summary: str) -> str:
    found: dict[str, str] = {}
    for row in rows:
        addresses = row.evidence.get("addresses")
        for one in addresses if isinstance(addresses, list | tuple) else ():
            if isinstance(one, Mapping) and one.get("address") and one.get("reason"):
                proxy = row.evidence.get("proxy")
                found.setdefault(str(one["address"]), f"{one['reason']}{f' through {proxy}' if proxy else ''}")
    shown = [f"{address} {reason}" for address, reason in found.items() if address not in summary]
    return f"Tried: {some(shown, MOST)}" if shown else ""


def _quotes(row: Finding) -> Iterator[str]:
    for key, label in (("rule", "Rule"), ("line", "Log"), ("file", "File"), ("path", "File")):
        value = row.evidence.get(key)
        if isinstance(value, str) and value:
            yield f"{label}: {value}" if len(value) <= 200 else f"{label}: {value[:200]}..."
