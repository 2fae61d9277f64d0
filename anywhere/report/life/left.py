"""Leaving, resetting, moving: what would be done, what was done, what stays, as text and as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from anywhere import __version__
from anywhere.changes.agents.result import State
from anywhere.changes.leave.result import Left
from anywhere.printable import json_text, printable, printable_lines
from anywhere.redact import redact, redact_value
from anywhere.report.shown.commands import prose
from anywhere.report.style import PLAIN, Style, hung

SCHEMA = "anywhere/left/1"
SAME = {
    "deregister": "already deregistered",
    "reset": "already reset",
    "move": "already in that cluster",
    "update": "already up to date",
}
DONE = {"deregister": "deregistered", "reset": "reset", "move": "moved", "update": "updated"}


def as_json(verb: str, results: Sequence[Left]) -> str:
    """All hosts as indented JSON; `verb` is as typed."""
    tool = {"name": "anywhere", "version": __version__}
    rows = [_row(one) for one in results]
    return json_text({"schema": SCHEMA, "tool": tool, "command": verb, "hosts": rows}, 2) + "\n"


def _row(one: Left) -> object:
    values = asdict(one)
    values |= {
        "versions": [{"package": name, "before": old, "after": new} for name, old, new in one.versions],
        "host": values.pop("name"),
        "state": one.state.value,
        "differences": [{"what": what, "why": why} for what, why in one.differences],
        "commands": [list(command) for command in one.commands],
    }
    return redact_value(values)


def planned(verb: str, results: Sequence[Left], style: Style = PLAIN) -> str:
    """What would be done, the orphans first."""
    return "".join(row for one in results for row in _plan(verb, one, style))


def _plan(verb: str, one: Left, style: Style) -> Iterator[str]:
    if one.state is State.ALREADY:
        yield f"{one.name}: {SAME[verb]}, nothing to do\n"
        return
    if not one.ok:
        yield from _failed(one, style)
        return
    yield hung(f"{one.name}: ", _who(one), style)
    if one.orphans:
        yield "  These tasks keep running, and no agent will manage them:\n"
        yield from (hung("    ", _shown(row), style) for row in one.orphans)
    yield from (hung(f"  {number:2}  ", _shown(title), style) for number, title in enumerate(one.steps, 1))


def _who(one: Left) -> str:
    parts = [one.instance or "no instance", *([f"cluster {one.cluster}"] if one.cluster else [])]
    return ", ".join(parts + ([one.arn] if one.arn else []))


def done(verb: str, results: Sequence[Left], style: Style = PLAIN) -> str:
    """What became of every host."""
    return printable_lines("".join(row for one in results for row in _done(verb, one, style)))


def _done(verb: str, one: Left, style: Style) -> Iterator[str]:
    if one.state is State.ALREADY:
        yield f"{one.name}: {SAME[verb]}, nothing changed\n"
        return
    if one.state is State.UNTOUCHED:
        yield f"{one.name}: not begun\n"
        return
    yield from (hung("  + ", _shown(title), style) for title in one.steps)
    yield from (hung("  ! ", f"orphaned: {_shown(row)}", style) for row in one.orphans)
    yield from (hung("  ! ", f"stays: {_shown(what)} ({_shown(why)})", style) for what, why in one.differences)
    if one.commands:
        yield "  Run these with the account's keys:\n"
        yield from (f"    {shlex.join(command)}\n" for command in one.commands)
    if one.ok:
        yield hung(f"{one.name}: ", _result(verb, one), style)
    else:
        yield from _failed(one, style)


def _result(verb: str, one: Left) -> str:
    if verb == "update":
        said = ", ".join(f"{name} {old} -> {new}" for name, old, new in one.versions) or "an unfinished run is finished"
        return f"updated, healthy in cluster {one.cluster} ({one.seconds:.0f} s): {said}"
    where = f" to cluster {one.moved_to}" if verb == "move" else ""
    return f"{DONE[verb]}{where}, was {_who(one)} ({one.seconds:.0f} s)"


def _failed(one: Left, style: Style) -> Iterator[str]:
    yield hung(f"{one.name}: ", f"FAILED{f' [{one.code}]' if one.code else ''}: {_shown(one.error)}", style)
    if one.now:
        yield hung("  ", f"Now: {prose(_shown(one.now))}.", style)
    if one.fix:
        yield hung("  ", f"Fix: {prose(_shown(one.fix))}", style)


def _shown(text: str) -> str:
    return printable(redact(text))
