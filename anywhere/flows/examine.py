"""One host, from observations to a target: check, redact, diagnose."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from anywhere.checks import CHECKS
from anywhere.checks.base import TOPICS, Check, skipped
from anywhere.checks.system.permission import weighed
from anywhere.diagnosis import BLAMING, RULES, SYMPTOMS, Rule, diagnose
from anywhere.errors import AnywhereError, BadInput, HostUnreachable, did_you_mean
from anywhere.facts.prefetch_list import wants
from anywhere.facts.summary import facts_summary
from anywhere.flows.reported.clean import clean_cause, clean_facts, clean_finding
from anywhere.flows.target import LOST, Lost
from anywhere.hosts.recording import Recording
from anywhere.model import Finding, Remedy, Status, Target
from anywhere.settings import Settings
from anywhere.threads import Lane, race, within
from anywhere.windows import LINUX_ONLY, WINDOWS
from anywhere.wording import now

LIMITS = "system.limits"
# The checks that need only network access to the endpoints, so they run on Windows too.
ON_WINDOWS = frozenset(
    {
        "system.permission",
        "system.clock",
        "system.memory",
        "network.dns-forgery",
        "network.private-answers",
        "network.way",
        "endpoints.reach",
        "endpoints.websocket",
        "endpoints.large-hello",
        "endpoints.interception",
        "endpoints.latency",
        "endpoints.idle",
    }
)
BY_WAY = ("network", "endpoints")  # topics whose checks wait for names and probes
WORKERS = 4  # threads of a lane: this many checks may wait before the others have to wait too
GRACE = 0.1  # seconds past the deadline, when every observation has ended, to finish the checks


def examine(host: Recording, settings: Settings, started: str = "", rules: Sequence[Rule] = ()) -> Target:
    """Check one host. A crash in a check becomes an ERROR finding; the others still run. `rules` come before the usual rules
    of diagnosis."""
    begun = time.monotonic()
    started = started or now()
    chosen = choose(settings)
    wanted = wants()
    host.prefetch(wanted.commands, wanted.files, wanted.folders)
    # All checks run at once: the recording makes each observation once; the report has the order of the table.
    calls = [partial(judge, check, host, settings) for check in chosen]
    judged = race(calls, lambda *_: host.deadline.is_over(GRACE), _lanes(chosen) if host.is_ahead else ())
    rows = [judged[place] if place in judged else _unfinished(check, host) for place, check in enumerate(chosen)]
    rows.append(_limits(host))
    found = _weighed([finding for row in rows for finding in row], host, settings)
    findings = tuple(clean_finding(_demoted(finding, settings)) for finding in found)
    partial_run = bool(settings.only or settings.skip)
    facts = clean_facts({**_summary(host), **_windows(host), "regions": list(settings.regions), "partial": partial_run})
    return Target(
        name=host.name,
        started=started,
        seconds=round(time.monotonic() - begun, 3),
        facts=facts,
        causes=tuple(map(clean_cause, diagnose(findings, (*rules, *RULES), SYMPTOMS, BLAMING))),
        findings=findings,
    )


def _lanes(chosen: Sequence[Check]) -> tuple[Lane, Lane]:
    """Over SSH the checks wait for the same few sessions, and a thread costs more than most of them."""
    by_way = [place for place, check in enumerate(chosen) if check.topic in BY_WAY]
    others = [place for place in range(len(chosen)) if place not in by_way]
    return Lane(by_way, WORKERS), Lane(others, WORKERS)


def judge(check: Check, host: Recording, settings: Settings) -> list[Finding]:
    """A check's findings; one that fails to run gives an ERROR with its traceback as evidence."""
    found: list[Finding] = []
    if host.system == WINDOWS and check.id not in ON_WINDOWS:
        return [skipped(check.id, host.name, LINUX_ONLY)]
    try:
        found.extend(check.judge(host, settings))
    except HostUnreachable as error:
        lost = Lost.of(host.name, error).finding
        found.append(replace(lost, check=check.id, evidence={**lost.evidence, "because": LOST}))
    except AnywhereError as error:
        found.append(Finding(check.id, Status.ERROR, host.name, str(error), evidence={"because": type(error).__name__}))
    except Exception as error:
        lines = traceback.format_exc().strip().splitlines()
        summary = f"the check itself failed: {type(error).__name__}: {error}"
        found.append(Finding(check.id, Status.ERROR, host.name, summary, evidence={"traceback": lines}))
    return found


def _unfinished(check: Check, host: Recording) -> list[Finding]:
    """This check waits for something that hangs, such as a file on a dead NFS server: the others are reported without it."""
    return [Finding(check.id, Status.ERROR, host.name, "did not end in time", evidence={"because": "deadline"})]


def _limits(host: Recording) -> list[Finding]:
    """Findings for observations that exceeded a size limit, or were not regular files. Called last, when all are known."""
    return [
        Finding(
            LIMITS,
            Status.ERROR,
            subject,
            f"not read: {met}",
            evidence={"limit": met},
            remedy=Remedy(f"Find out what fills it: {subject}"),
        )
        for subject, met in host.limits_met()
    ]


def _summary(host: Recording) -> dict[str, object]:
    try:
        return within(host.deadline.left() + GRACE, partial(facts_summary, host))
    except TimeoutError:
        return {}


def _windows(host: Recording) -> dict[str, object]:
    """The facts of a Windows machine: its name alone."""
    return {"os": {"name": host.inventory().system}} if host.system == WINDOWS else {}


def choose(settings: Settings) -> tuple[Check, ...]:
    """The checks that `only` and `skip` leave. Raises BadInput for a word that is neither a check nor a topic."""
    for word in (*settings.only, *settings.skip, *settings.demote):
        validate(word)
    return tuple(
        check
        for check in CHECKS
        if (not settings.only or _named(check, settings.only)) and not _named(check, settings.skip)
    )


def validate(word: str) -> None:
    """Raise BadInput with the near misses for a word that is neither a check nor a topic."""
    known = [*TOPICS, *(check.id for check in CHECKS)]
    if word not in known:
        hint = did_you_mean(word, known, f"topics are {', '.join(TOPICS)}")
        raise BadInput(f"there is no check or topic named {word!r}: {hint}")


def _weighed(findings: Sequence[Finding], host: Recording, settings: Settings) -> Sequence[Finding]:
    try:
        return weighed(findings, host, settings)
    except (AnywhereError, OSError):
        return findings  # Whether this is root could not be asked: the checks say why.


def _named(check: Check, words: Sequence[str]) -> bool:
    return check.id in words or check.topic in words


def _demoted(finding: Finding, settings: Settings) -> Finding:
    if finding.status is not Status.FAIL or not (
        {finding.check, finding.check.partition(".")[0]} & set(settings.demote)
    ):
        return finding
    return replace(finding, status=Status.WARN, evidence={**finding.evidence, "demoted": True})
