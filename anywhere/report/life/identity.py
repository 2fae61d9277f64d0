"""Who is mi-0abc: host name, machine-id, managed instance, container instance, cluster, versions, for a fleet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from anywhere import __version__
from anywhere.model import Report, Status, Target
from anywhere.printable import json_text
from anywhere.report.allowlist.sheet import cell
from anywhere.report.fleet import table as fleet
from anywhere.report.style import PLAIN, Style

SCHEMA = "anywhere/identity/1"
SHARED = "system.identity-shared"
COLUMNS = (
    *("host", "hostname", "machine_id", "instance", "container_instance", "cluster", "region", "connected"),
    *("ecs_agent", "ssm_agent", "docker", "verdict"),
)


def row_of(target: Target) -> dict[str, Any]:
    """One host; what is not known is empty."""
    found = target.facts.get("status")
    known: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    versions = known.get("versions", {})

    def version(name: str) -> str:
        return str(versions.get(name, {}).get("installed", ""))

    same = {name: known.get(name, "") for name in COLUMNS[1:7]}
    return {
        "host": target.name,
        **same,
        "connected": known.get("connected"),
        "ecs_agent": version("ecs-agent"),
        "ssm_agent": version("ssm-agent"),
        "docker": version("docker"),
        "verdict": str(target.verdict),
    }


def duplicates(report: Report) -> list[dict[str, Any]]:
    """Identities that several hosts share, each once."""
    found: dict[tuple[str, str], list[str]] = {}
    for target in report.targets:
        for one in target.findings:
            if one.check == SHARED:
                key = (str(one.evidence.get("mark")), str(one.evidence.get("value")))
                found.setdefault(key, []).append(target.name)
    return [{"mark": mark, "value": value, "hosts": hosts} for (mark, value), hosts in found.items()]


def as_json(report: Report) -> str:
    """All rows, and the duplicates."""
    body = {
        "schema": SCHEMA,
        "tool": {"name": "anywhere", "version": __version__},
        "hosts": [row_of(target) for target in report.targets],
        "duplicates": duplicates(report),
    }
    return json_text(body, 2) + "\n"


def as_csv(report: Report) -> str:
    """All rows for a spreadsheet."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(_word(value)) for name, value in row_of(one).items()} for one in report.targets)
    return out.getvalue()


def _word(value: object) -> str:
    if value is None:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def table(report: Report, style: Style = PLAIN) -> str:
    """A line a host, the duplicates, then what is wrong and where."""
    heads = ("HOST", "INSTANCE", "CLUSTER", "ACS", "ECS AGENT", "SSM AGENT", "DOCKER", "STATE")
    names = ("host", "instance", "cluster", "connected", "ecs_agent", "ssm_agent", "docker", "verdict")
    rows = [heads, *(tuple(_word(row_of(one)[name]) or "-" for name in names) for one in report.targets)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines[0] = style.dim(lines[0])
    for one in duplicates(report):
        lines.append(style.paint("red")(f"duplicate {one['mark']}: {', '.join(one['hosts'])}"))
    if any(one.status in (Status.FAIL, Status.WARN, Status.ERROR) for t in report.targets for one in t.findings):
        lines += ["", *fleet.lines(report, style)]
    return "\n".join(lines) + "\n"
