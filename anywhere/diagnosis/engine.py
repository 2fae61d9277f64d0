"""From findings to causes: a table of small pure rules, root causes before their symptoms.

Each rule looks at the findings that no earlier rule has explained and claims those that its cause explains. So one dead
resolver is one cause, and two independent faults are two. For a finding that no rule claims, the check itself names the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from anywhere.frozen import frozen
from anywhere.model import Cause, Finding, Remedy, Status

Claim = Callable[["Case"], Iterable[int]]
Say = str | Callable[[Sequence[Finding]], str]
Fix = Remedy | Callable[[Sequence[Finding]], Remedy]


@frozen
class Case:
    """All findings of one host, and the positions of those that no rule has explained yet."""

    findings: Sequence[Finding]
    open: frozenset[int]

    def trouble(self, *checks: str) -> Iterator[tuple[int, Finding]]:
        """The unexplained findings of these checks, with their positions."""
        for index in sorted(self.open):
            if not checks or self.findings[index].check in checks:
                yield index, self.findings[index]

    def of(self, check: str) -> Iterator[Finding]:
        """All findings of a check, explained or not."""
        return (finding for finding in self.findings if finding.check == check)


@frozen
class Rule:
    """A cause code, the findings that it explains, and its summary and fix for those findings."""

    code: str
    claim: Claim
    say: Say
    fix: Fix


MOST_TEXTS = 4  # fixes that one cause spells out

Symptoms = Sequence[tuple[str, Sequence[str]]]
"""A cause code that is only a symptom where a cause is there whose code starts with one of these, best first."""


@frozen
class Blaming:
    """Symptoms that another cause explains only if all their findings say so themselves (`is_so`)."""

    symptoms: Symptoms
    is_so: Callable[[Finding], bool]


def diagnose(
    findings: Sequence[Finding], rules: Sequence[Rule], symptoms: Symptoms = (), blaming: Blaming | None = None
) -> tuple[Cause, ...]:
    """The causes of all fail and warn findings, worst last. Every such finding is explained by exactly one."""
    left = frozenset(index for index, finding in enumerate(findings) if finding.is_trouble or _is_named(finding))
    claims: dict[str, tuple[Rule, set[int]]] = {}
    for rule in rules:
        claimed = left.intersection(rule.claim(Case(findings, left)))
        if claimed:
            claims.setdefault(rule.code, (rule, set()))[1].update(claimed)
            left -= claimed
    for code, indexes in _named(findings, left).items():
        claims.setdefault(code, (Rule(code, lambda _: (), _first_summary, joined), set()))[1].update(indexes)
    causes = [_cause(rule, findings, sorted(indexes)) for rule, indexes in claims.values()]
    for code, deeper in symptoms:
        causes = _absorb(causes, code, deeper)
    for code, deeper in blaming.symptoms if blaming else ():
        theirs = [findings[index] for cause in causes if cause.code == code for index in cause.findings]
        if blaming and theirs and all(map(blaming.is_so, theirs)):
            causes = _absorb(causes, code, deeper)
    return tuple(sorted(causes, key=lambda cause: cause.severity.rank))


def _is_named(finding: Finding) -> bool:
    """Whether an error has a cause, as that of a host that cannot be reached."""
    return finding.status is Status.ERROR and bool(finding.cause)


def _absorb(causes: list[Cause], code: str, deeper: Sequence[str]) -> list[Cause]:
    """Move a symptom's findings to the cause behind it, where one of at least the same severity is present."""
    symptom = next((cause for cause in causes if cause.code == code), None)
    if symptom is None:
        return causes
    as_grave = [one for one in causes if one is not symptom and one.severity.rank >= symptom.severity.rank]
    root = next((one for start in deeper for one in as_grave if one.code.startswith(start)), None)
    if root is None:
        return causes
    whole = replace(
        root,
        subjects=tuple(dict.fromkeys((*root.subjects, *symptom.subjects))),
        findings=tuple(sorted((*root.findings, *symptom.findings))),
    )
    return [whole if cause is root else cause for cause in causes if cause is not symptom]


def _named(findings: Sequence[Finding], left: Iterable[int]) -> dict[str, list[int]]:
    """The findings whose cause the check itself names, grouped by it, in the order of the first finding."""
    groups: dict[str, list[int]] = {}
    for index in sorted(left):
        groups.setdefault(findings[index].cause or findings[index].check, []).append(index)
    return groups


def _cause(rule: Rule, findings: Sequence[Finding], indexes: Sequence[int]) -> Cause:
    explained = [findings[index] for index in indexes]
    severity = max((finding.status for finding in explained), key=lambda status: status.rank)
    subjects = tuple(dict.fromkeys(finding.subject for finding in explained))
    summary = rule.say if isinstance(rule.say, str) else rule.say(explained)
    remedy = rule.fix if isinstance(rule.fix, Remedy) else rule.fix(explained)
    return Cause(rule.code, severity, summary, subjects, remedy, tuple(indexes))


def _first_summary(findings: Sequence[Finding]) -> str:
    summaries = list(dict.fromkeys(finding.summary for finding in findings))
    if len(summaries) == 1:
        return summaries[0]
    # What a daemon itself wrote is reported with the cause, whichever finding quotes it.
    quoted = next((text[text.index(': "') + 2 :] for text in summaries if ': "' in text and text.endswith('"')), "")
    log = f"; the log: {quoted}" if quoted and quoted not in summaries[0] else ""
    return f"{summaries[0]} (and {len(summaries) - 1} more){log}"


def said_by(check: str) -> Say:
    """What the findings of this check report, each sentence once."""
    return lambda findings: "; ".join(dict.fromkeys(one.summary for one in findings if one.check == check))


def fixed_by(check: str) -> Fix:
    """The fixes that the findings of this check name, as one."""
    return lambda findings: joined([one for one in findings if one.check == check])


def joined(findings: Sequence[Finding]) -> Remedy:
    """The fixes of these findings as one: every text once, every command once, in an order that suits all of them."""
    remedies = [finding.remedy for finding in findings if finding.remedy]
    if not remedies:
        return Remedy("See the findings.")
    texts = list(dict.fromkeys(remedy.text for remedy in remedies))
    more = f" {len(texts) - MOST_TEXTS} more: see the findings (-v)." if len(texts) > MOST_TEXTS else ""
    look = tuple(dict.fromkeys(command for one in remedies for command in one.look))
    ask = next((one.ask for one in remedies if one.ask), "")
    commands = in_order([one.commands for one in remedies])
    return Remedy(" ".join(texts[:MOST_TEXTS]) + more, commands, ask=ask, look=look)


Commands = tuple[tuple[str, ...], ...]


def in_order(fixes: Sequence[Commands]) -> Commands:
    """The commands of several fixes, each once: a reload before every restart that needs it, a restart after every change
    that it activates. Where fixes contradict each other, the first one decides."""
    left = dict.fromkeys(command for fix in fixes for command in fix)
    before: dict[tuple[str, ...], set[tuple[str, ...]]] = {command: set() for command in left}
    for fix in fixes:
        for place, command in enumerate(fix):
            before[command] |= {*fix[:place]} - {command}
    placed: list[tuple[str, ...]] = []
    while left:
        command = next((one for one in left if not before[one] & left.keys()), next(iter(left)))
        placed.append(command)
        del left[command]
    return tuple(placed)
