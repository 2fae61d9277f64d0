"""The result of `anywhere register` as table, JSON or CSV: host name, managed instance, container instance."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterator, Sequence
from difflib import unified_diff

from anywhere import __version__
from anywhere.changes.agents.result import Result, State, row_of
from anywhere.changes.base import PutBack, Step
from anywhere.model import Cause
from anywhere.printable import printable_lines
from anywhere.redact import redact
from anywhere.report.allowlist.sheet import cell
from anywhere.report.shown.commands import blocks, command_line, prose
from anywhere.report.style import PLAIN, Style, hung

SCHEMA = "anywhere/register/1"
FORMATS = ("table", "json", "csv")
_LARGEST = 32 * 1024  # bytes of a file whose text is in the JSON
_LONGEST = 400  # lines of a file whose change is shown


def render(results: Sequence[Result], format: str, style: Style = PLAIN) -> str:
    """The results in one of FORMATS."""
    if format == "json":
        tool = {"name": "anywhere", "version": __version__}
        body = {"schema": SCHEMA, "tool": tool, "hosts": [_row(one) for one in results]}
        return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    if format == "csv":
        out = io.StringIO()
        rows = [{name: cell(value) for name, value in row_of(one).items()} for one in results]
        writer = csv.DictWriter(out, ("host", "instance", "arn", "cluster", "state"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()
    if len(results) == 1:
        return printable_lines(redact(_one(results[0], style)))
    return printable_lines(redact(_table(results) + "".join(_one(one, style) for one in results if not one.ok)))


def _row(result: Result) -> dict[str, object]:
    return {
        **row_of(result),
        "seconds": result.seconds,
        "error": result.error,
        "code": result.code,
        "fix": result.fix,
        **({"now": result.now} if result.now else {}),
        "vouched": list(result.vouched),
        "steps": [_step(step) for step in result.steps],
        "differences": [
            {"what": d.what, "have": d.have, "want": d.want, "fix": d.fix, "commands": [list(c) for c in d.commands]}
            for d in result.differences
        ],
        "causes": [{"code": c.code, "severity": c.severity.value, "summary": c.summary} for c in result.causes],
    }


def _step(step: Step) -> dict[str, object]:
    row: dict[str, object] = {"key": step.key, "title": redact(step.title), "argv": list(step.do.shown or step.do.argv)}
    back = next((undo for undo in step.undo if isinstance(undo, PutBack)), None)
    if back and not step.do.secret:
        row["path"] = back.path
        if len(step.do.input) > _LARGEST:
            return row
        row["before"] = None if back.content is None else redact(back.content.decode("utf-8", "replace"))
        row["after"] = redact(step.do.input.decode("utf-8", "replace"))
    return row


def _table(results: Sequence[Result]) -> str:
    rows = [("HOST", "INSTANCE", "CONTAINER INSTANCE", "STATE")]
    rows += [(one.name, one.instance or "-", one.arn or "-", one.state.value) for one in results]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() + "\n" for row in rows)


def _one(result: Result, style: Style) -> str:
    if result.state is State.PLANNED:
        return _plan(result, style)
    if result.state is State.DIFFERENT:
        return _different(result, style)
    if not result.ok:
        code = f" [{result.code}]" if result.code else ""
        rows = hung(f"{result.name}: ", f"FAILED{code}: {result.error}", style)
        rows += hung("  ", f"Now: {prose(result.now)}.", style) if result.now else ""
        rows += hung("  ", f"Fix: {prose(result.fix)}", style) if result.fix else ""
        return rows + "".join(_remedy(cause, style) for cause in result.causes[:3])
    if not result.instance:
        return f"{result.name}: {'already in place, nothing changed' if result.state is State.ALREADY else 'done'}\n"
    what = "is already" if result.state is State.ALREADY else "is now"
    healthy = f" ({result.seconds:.0f} s)" if result.state is State.DONE else ", nothing changed"
    signed = "".join(f"  {line}\n" for line in result.vouched)
    return f"{signed}{result.name} {what} {result.instance}, healthy in cluster {result.cluster}{healthy}\n  {result.arn}\n"


def _remedy(cause: Cause, style: Style) -> str:
    remedy = cause.remedy
    if remedy is None:
        return ""
    lines = [line for where, typed in blocks(remedy) for line in (*((f"{where}:",) if where else ()), *typed)]
    return hung("  ", f"Fix {cause.code}: {prose(remedy.text)}", style) + "".join(f"    {line}\n" for line in lines)


def _different(result: Result, style: Style) -> str:
    rows = [("", "HAVE", "WANT"), *((one.what, one.have, one.want) for one in result.differences)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    table = "".join("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() + "\n" for row in rows)
    fixes = "".join(
        hung("  ", one.fix, style) + "".join(_placed(result.name, one.commands)) for one in result.differences
    )
    return f"{result.name}: nothing changed, this host is something else already\n{table}{fixes}"


def _placed(name: str, commands: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    """Ours reach the host from here; what runs on the host itself stands under its name, as in a report."""
    away = name != "local" and any("anywhere" not in command[:2] for command in commands)
    yield from (f"    on {name}:\n",) if away else ()
    yield from (f"    {_typed(command)}\n" for command in commands)


def _typed(command: tuple[str, ...]) -> str:
    return command_line(command) if "anywhere" in command[:2] else f"sudo {shlex.join(command)}"


def _plan(result: Result, style: Style) -> str:
    if not result.steps:
        return f"{result.name}: nothing to do, everything is in place\n"
    rows = "".join(
        hung(f"  {number:2}  ", redact(step.title), style) + _diff(step) for number, step in enumerate(result.steps, 1)
    )
    return f"{result.name}: {len(result.steps)} steps\n{rows}"


def _diff(step: Step) -> str:
    """A file's change, line by line; nothing of one that may hold credentials."""
    back = next((undo for undo in step.undo if isinstance(undo, PutBack)), None)
    if back is None or step.do.secret:
        return ""
    old = (back.content or b"").decode("utf-8", "replace").splitlines()
    new = step.do.input.decode("utf-8", "replace").splitlines()
    if len(old) + len(new) > _LONGEST:
        return f"        {back.path}: {len(old)} lines before, {len(new)} after\n"
    lines = list(unified_diff(old, new, back.path, back.path, lineterm="", n=1))
    return "".join(f"        {redact(line)}\n" for line in lines[:60])
