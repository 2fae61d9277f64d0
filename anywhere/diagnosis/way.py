"""A component connects in another way than declared (`--expect`): this explains why its endpoints fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.diagnosis.engine import Case, Rule, joined
from anywhere.diagnosis.evidence import REACH, WEBSOCKET, Seen, answered_by, declared, look, taken_by
from anywhere.diagnosis.subjects import names
from anywhere.evidence import Look
from anywhere.model import Finding, Remedy, Stage
from anywhere.wording import count

WAY, CODE = "network.way", "network.way-unexpected"
PRIVATE_ANSWERS = "network.private-answers"
WANTED = {
    "private": "private addresses of VPC endpoints (private DNS or a forwarding rule for the region's domain)",
    "public": "AWS's public addresses for this host",
}
BELOW_TLS = (Stage.RESOLVE, Stage.CONNECT, Stage.PROXY)


def _unexpected(case: Case) -> Iterator[int]:
    """The findings about ways, the endpoints that fail on them, and the findings about the same names."""
    taken: set[tuple[str, str]] = set()
    for index, finding in case.trouble(WAY):
        taken.add((finding.subject, taken_by(finding)))
        yield index
    for index, finding in case.trouble(REACH, WEBSOCKET) if taken else ():
        early = finding.stage in BELOW_TLS or look(finding, Look.DIRECT) == "passes"
        if early and (finding.subject, Seen(finding).component) in taken:
            yield index
    for index, _ in case.trouble(PRIVATE_ANSWERS) if taken else ():
        yield index


def _ways(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.check == WAY]


def _said(findings: Sequence[Finding]) -> str:
    first, more = _ways(findings)[0], _ways(findings)[1:]
    return f"{first.subject.partition(':')[0]}: {first.summary}" + (f"; {count(more, 'endpoint')} more" if more else "")


def _fix(findings: Sequence[Finding]) -> Remedy:
    """One sentence for all names that should have the same kind of address, then the fixes of the other findings."""
    ways = _ways(findings)
    groups = {kind: [one for one in ways if declared(one) == kind] for kind in WANTED}
    answers = [
        f"Let {', '.join(answered_by(group))} answer {names(group)} with {WANTED[kind]}."
        for kind, group in groups.items()
        if group
    ]
    others = [finding for finding in ways if declared(finding) not in WANTED]
    fix = joined(others) if others else Remedy("")
    first = [command for group in groups.values() for one in group[:3] if one.remedy for command in one.remedy.look]
    return replace(fix, text=" ".join((*answers, fix.text)).strip(), look=(*first, *fix.look))


RULES: tuple[Rule, ...] = (Rule(CODE, _unexpected, _said, _fix),)
