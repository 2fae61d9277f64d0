"""The endpoint list as documents for a network team: JSON, CSV and a plain list of names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import groupby

from anywhere.catalogue.endpoints import Endpoint, RegionInfo
from anywhere.frozen import frozen
from anywhere.printable import json_text, printable

SCHEMA = "anywhere/endpoints/1"
COLUMNS = ("host", "port", "protocol", "direction", "component", "phases", "needed", "feature", "purpose", "source")
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # what a spreadsheet reads as the beginning of a formula
OUTSIDE = (
    "Not listed: mirrors of the host's own distribution (jq, curl, docker; EPEL on yum hosts), DNS and NTP servers."
)


@frozen
class Rule:
    """One line of a firewall request: a name or pattern, and who connects to it, when and why.

    `hosts` are the concrete names behind the pattern, as far as they can be named.
    """

    pattern: str
    hosts: tuple[str, ...]
    port: int
    scheme: str
    phases: tuple[str, ...]
    component: str
    required: bool
    feature: str
    purpose: str
    source: str
    note: str

    @property
    def who(self) -> str:
        """Who connects and when, in one phrase: `ecs-agent (register, run)`."""
        return f"{self.component} ({', '.join(self.phases)})"

    @property
    def needed(self) -> str:
        """`required`, or `recommended` where the instance can do without."""
        return "required" if self.required else "recommended"

    @property
    def why(self) -> str:
        """The purpose, and whether the instance can do without."""
        return self.purpose if self.required else f"{self.purpose} (recommended)"


@frozen
class Sheet:
    """What is rendered: the rules of one region, and what was asked for."""

    region: RegionInfo
    rules: tuple[Rule, ...]
    features: tuple[str, ...]
    phases: tuple[str, ...]
    dualstack: bool = False
    fips: bool = False

    @classmethod
    def of(
        cls,
        region: RegionInfo,
        endpoints: Iterable[Endpoint],
        *,
        features: Iterable[str],
        phases: Iterable[str],
        dualstack: bool = False,
        fips: bool = False,
    ) -> Sheet:
        """A sheet of these endpoints; the shards of one pattern become one rule."""
        return cls(region, tuple(_rules(endpoints)), tuple(features), tuple(phases), dualstack, fips)

    @property
    def title(self) -> str:
        """What the document is, in one line."""
        names = [word for word, on in (("dual-stack", self.dualstack), ("FIPS", self.fips)) if on]
        kind = f", {' and '.join(names)} names" if names else ""
        return f"Endpoints of an ECS Anywhere instance in {self.region.name} (partition {self.region.partition}{kind})"

    @property
    def scope(self) -> str:
        """Direction, ports and what the sheet covers, in one line."""
        features = ", ".join(self.features) or "core only"
        return f"Outbound TCP 443 only, no inbound rule. Phases: {', '.join(self.phases)}. Features: {features}."

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every name or pattern once, in order."""
        return tuple(dict.fromkeys(rule.pattern for rule in self.rules))

    def uses(self, pattern: str) -> tuple[Rule, ...]:
        """The rules of one pattern: several components may connect to the same host."""
        return tuple(rule for rule in self.rules if rule.pattern == pattern)


def _rules(endpoints: Iterable[Endpoint]) -> Iterator[Rule]:
    for _, members in groupby(endpoints, key=lambda e: (e.pattern, e.component, e.feature)):
        group = list(members)
        e = group[0]
        hosts = tuple(member.host for member in group if member.probe)
        what = (e.pattern, hosts, e.port, e.scheme, e.phases, e.component)
        yield Rule(*what, e.required, e.feature, e.purpose, e.source, e.note)


def as_json(sheet: Sheet) -> str:
    """For tools: the schema is schemas/endpoints-1.json."""
    region = sheet.region
    document: dict[str, object] = {
        "schema": SCHEMA,
        "region": {"name": region.name, "partition": region.partition, "listed": region.listed, "note": region.note},
        "features": list(sheet.features),
        "phases": list(sheet.phases),
        "dualstack": sheet.dualstack,
        "fips": sheet.fips,
        "endpoints": [
            {
                "pattern": rule.pattern,
                "hosts": list(rule.hosts),
                "port": rule.port,
                "protocol": "tcp",
                "scheme": rule.scheme,
                "phases": list(rule.phases),
                "component": rule.component,
                "required": rule.required,
                "feature": rule.feature,
                "purpose": rule.purpose,
                "source": rule.source,
                "note": rule.note,
            }
            for rule in sheet.rules
        ],
    }
    return json_text(document, 2) + "\n"


def as_csv(sheet: Sheet) -> str:
    """For spreadsheets: one line a rule, a header line, RFC 4180 quoting with plain line ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*COLUMNS, "note"))
    for rule in sheet.rules:
        where = (rule.pattern, rule.port, "tcp", "outbound", rule.component, " ".join(rule.phases), rule.needed)
        writer.writerow(map(cell, (*where, rule.feature or "core", rule.purpose, rule.source, rule.note)))
    return out.getvalue()


def cell(value: object) -> str:
    """Text that a spreadsheet takes for text: what would begin a formula gets an apostrophe (OWASP, CSV injection)."""
    text = printable(str(value))
    return f"'{text}" if text.lstrip()[:1] in FORMULA else text


def plain(sheet: Sheet) -> str:
    """Names and patterns, one a line; after ` # ` who connects, when and why."""
    wide = max(map(len, sheet.patterns), default=0)
    lines = [f"# {line}" for line in heading(sheet)]
    for pattern in sheet.patterns:
        uses = "; ".join(f"{rule.who}: {rule.why}" for rule in sheet.uses(pattern))
        lines.append(f"{pattern:{wide}} # {uses}")
    return "\n".join(lines) + "\n"


def heading(sheet: Sheet) -> Iterator[str]:
    """The lines that open a list: what it is, what it covers, what is uncertain."""
    yield sheet.title
    yield sheet.scope
    if sheet.region.note:
        yield f"Region: {sheet.region.note}."
    yield OUTSIDE
