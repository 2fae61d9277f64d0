"""The state of an instance on one screen: what it is, what it runs, what is wrong and how to fix it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anywhere.model import Report, Status, Target
from anywhere.report.life.identity import table as identity_table
from anywhere.report.shown import cause as block
from anywhere.report.shown.commands import command_line, first_step
from anywhere.report.shown.words import COLOURS, VERDICTS, WORDS
from anywhere.report.style import PLAIN, Style, fill
from anywhere.wording import some

Values = Mapping[str, Any]  # of the report's JSON

WIDTH = 16
CAUSES_SHOWN = 3
TASKS_SHOWN = 3
UNITS = ("docker", "ssm-agent", "ecs")
DAY, HOUR, MINUTE = 86400, 3600, 60


def render(report: Report, style: Style = PLAIN) -> str:
    """One screen a host; of many hosts a line each, then their causes."""
    if len(report.targets) == 1:
        return "\n".join(_screen(report.targets[0], style)) + "\n"
    return identity_table(report, style)


def _screen(target: Target, style: Style) -> Iterator[str]:
    found = values(target)
    yield style.bold(target.name) + style.dim(f"   {found.get('hostname', '')}   {target.seconds:.1f} s".rstrip())
    if found:
        for head, text in _rows(target, found):
            lines = fill(text, style.width - WIDTH - 2)
            yield f"  {head:<{WIDTH}}{lines[0]}"
            yield from (" " * (WIDTH + 2) + line for line in lines[1:])
    shown = target.causes[-CAUSES_SHOWN:]
    if len(target.causes) > len(shown):
        yield f"  and {len(target.causes) - len(shown)} more: {', '.join(c.code for c in target.causes[:-CAUSES_SHOWN])}"
    for cause in shown:
        yield ""
        yield from block.lines(cause, target, style)
    yield ""
    status = VERDICTS[target.verdict]
    yield style.paint(COLOURS[status])(style.bold(WORDS[target.verdict])) + f": {summary(target)}"
    yield f"Next: {_next(target)}"


def values(target: Target) -> Values:
    """The `status` object of a target's facts; empty where there is none."""
    found = target.facts.get("status")
    return found if isinstance(found, Mapping) else {}


def _rows(target: Target, found: Values) -> Iterator[tuple[str, str]]:
    yield "instance", f"{found['instance'] or 'none'}{' in ' + found['region'] if found['region'] else ''}"
    arn = found["container_instance"] or "no container instance ARN (the ECS agent does not report one)"
    if open_ := _unfinished(found):
        yield "unfinished", f"{', '.join(open_)}: begun, and not finished (interrupted, or at work just now)"
    yield "cluster", f"{found['cluster'] or 'unknown'}   {arn}"
    yield "ACS", _connected(found)
    yield "credentials", _credentials(found["credentials"])
    for name in UNITS:
        yield name, _unit(name, found)
    yield "tasks", _tasks(found["tasks"])
    yield "rules", _rules(target, found)
    yield "disk", ", ".join(_disk(row) for row in found["disks"]) or "not measured"


def _unfinished(found: Values) -> Mapping[str, Sequence[str]]:
    """The command that goes on, by the verb of each run that did not end."""
    return {row["verb"]: row["command"] for row in found.get("unfinished", ())}


def _connected(found: Values) -> str:
    word = {True: "connected", False: "NOT connected", None: "unknown (the agent's log does not say)"}[
        found["connected"]
    ]
    return f"{word}{' since ' + found['since'] if found['since'] else ''}"


def _credentials(row: Values) -> str:
    age, left = row["age_seconds"], row["left_seconds"]
    written = f"written {duration(age)} ago" if age is not None else "age unknown"
    if left is None:
        return f"{written}, expiry unknown"
    return f"{written}, {'expire in ' + duration(left) if left > 0 else 'EXPIRED ' + duration(-left) + ' ago'}"


def _unit(name: str, found: Values) -> str:
    unit = found["units"].get(name) or {"active": "unknown", "enabled": None, "restarts": None}
    version = found["versions"].get({"ecs": "ecs-agent"}.get(name, name), {})
    if unit["active"] == "not installed":
        return "not installed"
    parts = [version.get("installed") or "version unknown", unit["active"]]
    if unit["enabled"] is False:
        parts.append("not enabled at boot")
    if unit["restarts"]:
        parts.append(f"{unit['restarts']} restart{'' if unit['restarts'] == 1 else 's'}")
    if version.get("outdated"):
        known = (
            f"newest known {version['newest']} ({version['dated']})"
            if version["dated"]
            else f"newest {version['newest']}"
        )
        parts.append(known)
    return ", ".join(parts)


def _tasks(rows: Sequence[Values] | None) -> str:
    if rows is None:
        return "unknown (the ECS agent's introspection does not answer)"
    named = [f"{row['family']}:{row['revision']}" if row["family"] else row["arn"] for row in rows]
    return f"{len(rows)} running" + (f": {some(named, TASKS_SHOWN)}" if rows else "")


def _rules(target: Target, found: Values) -> str:
    worst = max(
        (one.status for one in target.findings if one.check.startswith("netfilter.")),
        key=lambda status: status.rank,
        default=Status.SKIP,
    )
    said = {Status.PASS: "in effect", Status.SKIP: "not checked", Status.ERROR: "not checked"}
    return f"{said.get(worst, 'NOT in effect, see below')}; guard {found['guard']}"


def _disk(row: Values) -> str:
    share = 100 * row["free"] / row["total"]
    return f"{row['store']} {row['free'] / 2**30:.1f} GiB free ({share:.0f} %) at {row['path']}"


def duration(seconds: float) -> str:
    """A time for people: `45 s`, `12 min`, `3 h`, `8 days`."""
    for size, word in ((2 * DAY, "days"), (2 * HOUR, "h"), (2 * MINUTE, "min")):
        if seconds >= size:
            return f"{seconds / (size / 2):.0f} {word}"
    return f"{seconds:.0f} s"


def summary(target: Target) -> str:
    """The host's state in a few words: the gravest cause, or what it is connected as."""
    if target.causes:
        return ", ".join(dict.fromkeys(cause.code for cause in reversed(target.causes)))
    found = values(target)
    if not found.get("instance"):
        return "nothing is known about an instance here (run as root to see more)"
    return f"{found['instance']} {'is connected to' if found['connected'] else 'is in'} cluster {found['cluster']}"


def _next(target: Target) -> str:
    """The run that did not end comes first: it is why the agents do not run, or run with what it has changed."""
    if open_ := _unfinished(values(target)):
        return command_line((*(() if target.reach else ("sudo",)), *next(iter(open_.values())), *target.reach))
    if not target.causes:
        return "nothing to do (`anywhere check` also probes the endpoints)"
    worst = target.causes[-1]
    return first_step(worst.remedy)
