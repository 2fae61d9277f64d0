"""Many targets seen as one: causes grouped over hosts, hosts unlike the rest, host by endpoint. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from anywhere.frozen import frozen
from anywhere.model import Finding, Remedy, Report, Status, Target, Verdict
from anywhere.report.fleet.together import together

FEWEST = 5  # hosts that must be known before one can be unlike the rest
MOST_UNLIKE = 0.2  # share of hosts: more of them are a second kind, not outliers
CLOCK_APART = 5.0  # seconds from the fleet's median
REACH = "endpoints.reach"
WORSE = (Status.FAIL, Status.ERROR, Status.WARN)


@frozen
class Group:
    """One cause and the hosts that have it, out of all `of`.

    `summary` and `remedy` are what most of these hosts say; `variants` what the others say, each with its count.
    """

    code: str
    severity: Status
    summary: str
    remedy: Remedy
    hosts: tuple[str, ...]
    of: int
    variants: tuple[tuple[str, int], ...] = ()

    @property
    def text(self) -> str:
        """The summary, and how many hosts say it in other words."""
        others = sum(count for _, count in self.variants)
        return f"{self.summary} (in other words on {others} more)" if others else self.summary


@frozen
class Outlier:
    """Hosts whose value of a fact is unlike that of the rest."""

    fact: str
    value: str
    usual: str
    hosts: tuple[str, ...]
    of: int


@frozen
class Cell:
    """How a host reaches an endpoint: status, seconds of the whole exchange (0: not known), and a word."""

    status: Status
    seconds: float
    summary: str


def groups(report: Report) -> tuple[Group, ...]:
    """The causes of all hosts, the one of most hosts first within its severity, fail before error before warn."""
    found: dict[str, list[tuple[Target, object]]] = {}
    for target in report.targets:
        for cause in target.causes:
            found.setdefault(cause.code, []).append((target, cause))
    made = [_group(code, rows, len(report.targets)) for code, rows in found.items()]
    return tuple(sorted(made, key=lambda group: (-group.severity.rank, -len(group.hosts), group.code)))


def _group(code: str, rows: Sequence[tuple[Target, Any]], of: int) -> Group:
    worst = max((cause.severity for _, cause in rows), key=lambda severity: severity.rank)
    (most, _), *others = Counter(cause.summary for _, cause in rows).most_common()
    remedy = together([(target, cause.remedy) for target, cause in rows if cause.summary == most])
    return Group(code, worst, most, remedy, tuple(target.name for target, _ in rows), of, tuple(others))


def problems(report: Report) -> list[tuple[str, Finding]]:
    """The findings that did not pass, each with the name of its target, the worst first."""
    rows = [(target.name, one) for target in report.targets for one in target.findings if one.status in WORSE]
    return sorted(rows, key=lambda row: -row[1].status.rank)


def verdicts(report: Report) -> dict[Verdict, int]:
    """How many hosts have each verdict, the worst last."""
    counted = Counter(target.verdict for target in report.targets)
    return {verdict: counted[verdict] for verdict in Verdict if counted[verdict]}


def is_registered(target: Target) -> bool | None:
    """Whether the host is a managed instance already; None where that is not known."""
    registration = target.facts.get("registration")
    state = registration.get("state") if isinstance(registration, dict) else ""
    return {"registered": True, "none": False}.get(str(state))


# --- outliers ----------------------------------------------------------------------------------------------------

Look = Callable[[Target], str]


def _fact(*path: str) -> Look:
    def look(target: Target) -> str:
        value: object = target.facts
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")

    return look


def _issuers(target: Target) -> str:
    found = {_tls(finding).get("issuer_organization", "") for finding in target.findings if finding.check == REACH}
    return ", ".join(sorted(str(one) for one in found if one))


def _tls(finding: Finding) -> Mapping[str, object]:
    tls = finding.evidence.get("tls")
    return tls if isinstance(tls, Mapping) else {}


LOOKS: tuple[tuple[str, Look], ...] = (
    ("nameservers", _fact("network", "nameservers")),
    ("MTU", _fact("network", "mtu")),
    ("certificate issuer", _issuers),
    ("CA certificates", _fact("ca_store", "certificates")),
    ("operating system", _fact("os", "name")),
    ("architecture", _fact("arch")),
    ("kernel", _fact("kernel")),
    ("time service", _fact("time", "service")),
    ("docker", _fact("docker", "version")),
    ("ECS agent", _fact("agents", "ecs", "version")),
    ("SSM agent", _fact("agents", "ssm", "version")),
)


def outliers(report: Report) -> tuple[Outlier, ...]:
    """Values that few hosts have while most have another one."""
    found = list(_clocks(report))
    for fact, look in LOOKS:
        values = {target.name: value for target in report.targets if (value := look(target))}
        counted = Counter(values.values()).most_common()
        if len(values) < FEWEST or len(counted) < 2 or counted[0][1] < (1 - MOST_UNLIKE) * len(values):
            continue
        for value, _ in counted[1:]:
            hosts = tuple(name for name, own in values.items() if own == value)
            found.append(Outlier(fact, value, counted[0][0], hosts, len(values)))
    return tuple(found)


def _clocks(report: Report) -> list[Outlier]:
    """Clocks away from the fleet's median, in seconds against the endpoints' Date headers."""
    offsets = {target.name: offset for target in report.targets if (offset := _offset(target)) is not None}
    if len(offsets) < FEWEST:
        return []
    middle = median(offsets.values())
    apart = {name: offset for name, offset in offsets.items() if abs(offset - middle) > CLOCK_APART}
    if len(apart) > MOST_UNLIKE * len(offsets):
        return []
    sides = [{n: o for n, o in apart.items() if o < middle}, {n: o for n, o in apart.items() if o > middle}]
    return [Outlier("clock", _span(side), f"{middle:+.0f} s", tuple(side), len(offsets)) for side in sides if side]


def _span(offsets: Mapping[str, float]) -> str:
    low, high = f"{min(offsets.values()):+.0f} s", f"{max(offsets.values()):+.0f} s"
    return low if low == high else f"{low} to {high}"


def _offset(target: Target) -> float | None:
    for finding in target.findings:
        timings = finding.evidence.get("timings")
        if finding.check == "system.clock" and isinstance(timings, Mapping):
            offset = timings.get("offset")
            return float(offset) if isinstance(offset, int | float) else None
    return None


# --- host by endpoint --------------------------------------------------------------------------------------------


def endpoints(report: Report) -> tuple[str, ...]:
    """The endpoints of the run in the order of their first mention, without the port that all have."""
    seen = dict.fromkeys(f.subject for t in report.targets for f in t.findings if f.check == REACH)
    return tuple(subject.removesuffix(":443") for subject in seen)


def row(target: Target) -> dict[str, Cell]:
    """How one host reaches each endpoint; the worst counts where components differ."""
    cells: dict[str, Cell] = {}
    for finding in target.findings:
        if finding.check != REACH:
            continue
        name = finding.subject.removesuffix(":443")
        cell = Cell(finding.status, finding.seconds, finding.summary)
        if name not in cells or cell.status.rank > cells[name].status.rank:
            cells[name] = cell
    return cells


def as_dict(report: Report) -> dict[str, object]:
    """The view as plain values, for the JSON report."""
    return {
        "hosts": len(report.targets),
        "verdicts": {str(verdict): count for verdict, count in verdicts(report).items()},
        "causes": [
            {"code": group.code, "severity": str(group.severity), "summary": group.text, "hosts": list(group.hosts)}
            for group in groups(report)
        ],
        "outliers": [
            {"fact": one.fact, "value": one.value, "usual": one.usual, "hosts": list(one.hosts), "of": one.of}
            for one in outliers(report)
        ],
    }
