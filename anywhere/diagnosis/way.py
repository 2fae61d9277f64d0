"""The way that was declared and is not taken: it explains why the endpoints on the other way do not connect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.diagnosis.engine import Case, Rule
from anywhere.diagnosis.evidence import REACH, Seen, count, look, taken_by
from anywhere.evidence import Look
from anywhere.model import Finding, Remedy, Stage

WAY, CODE = "network.way", "network.way-unexpected"
PRIVATE_ANSWERS = "network.private-answers"
BELOW_TLS = (Stage.RESOLVE, Stage.CONNECT, Stage.PROXY)


def _unexpected(case: Case) -> Iterator[int]:
    """The findings about ways, and what fails to connect on them or says the same of the names."""
    taken: set[tuple[str, str]] = set()
    for index, finding in case.trouble(WAY):
        taken.add((finding.subject, taken_by(finding)))
        yield index
    for index, finding in case.trouble(REACH, "endpoints.websocket") if taken else ():
        early = finding.stage in BELOW_TLS or look(finding, Look.DIRECT) == "passes"
        if early and (finding.subject, Seen(finding).component) in taken:
            yield index
    for index, _ in case.trouble(PRIVATE_ANSWERS) if taken else ():
        yield index


def _ways(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.check == WAY]


def _said(findings: Sequence[Finding]) -> str:
    first, more = _ways(findings)[0], _ways(findings)[1:]
    return f"{first.subject.partition(':')[0]}: {first.summary}" + (f"; {count(more)} more" if more else "")


def _fix(findings: Sequence[Finding]) -> Remedy:
    remedies = [finding.remedy for finding in _ways(findings) if finding.remedy]
    text = " ".join(dict.fromkeys(remedy.text for remedy in remedies[:3]))
    commands = tuple(dict.fromkeys(command for remedy in remedies[:3] for command in remedy.commands))
    look = tuple(dict.fromkeys(command for remedy in remedies[:3] for command in remedy.look))
    return Remedy(text or "Change the setting or the name's addresses that each finding names.", commands, look=look)


RULES: tuple[Rule, ...] = (Rule(CODE, _unexpected, _said, _fix),)
