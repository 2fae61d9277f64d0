"""One host from observations to a judged target: warm up, check, redact, diagnose."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial

from anywhere.checks import CHECKS
from anywhere.checks.base import TOPICS, Check
from anywhere.diagnosis import RULES, diagnose
from anywhere.errors import AnywhereError, BadInput
from anywhere.facts.summary import facts_summary
from anywhere.facts.survey import survey
from anywhere.facts.wants import wants
from anywhere.hosts.pool import fan_out
from anywhere.hosts.recording import Recording
from anywhere.hosts.redact import redact, redact_value
from anywhere.model import Finding, Status, Target
from anywhere.settings import Settings

COMMANDS_AT_ONCE = 8


def examine(host: Recording, settings: Settings, started: str = "") -> Target:
    """Judge one host. What a check does wrong becomes an ERROR finding; the others still run."""
    begun = time.monotonic()
    started = started or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    chosen = choose(settings)
    _warm_up(host, settings, chosen)
    findings = tuple(
        _clean(_demoted(finding, settings)) for check in chosen for finding in judge(check, host, settings)
    )
    facts = redact_value({**facts_summary(host), "regions": list(settings.regions)})
    return Target(
        name=host.name,
        started=started,
        seconds=round(time.monotonic() - begun, 3),
        facts=facts if isinstance(facts, dict) else {},
        causes=diagnose(findings, RULES),
        findings=findings,
    )


def judge(check: Check, host: Recording, settings: Settings) -> Iterator[Finding]:
    """A check's findings; one that fails to run gives an ERROR with its traceback as evidence."""
    try:
        yield from check.judge(host, settings)
    except AnywhereError as error:
        yield Finding(check.id, Status.ERROR, host.name, str(error), evidence={"because": type(error).__name__})
    except Exception as error:
        lines = traceback.format_exc().strip().splitlines()
        summary = f"the check itself failed: {type(error).__name__}: {error}"
        yield Finding(check.id, Status.ERROR, host.name, summary, evidence={"traceback": lines})


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
    """Raise BadInput with the near misses for what is no check and no topic."""
    known = [*TOPICS, *(check.id for check in CHECKS)]
    if word not in known:
        near = get_close_matches(word, known, 3, 0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"topics are {', '.join(TOPICS)}"
        raise BadInput(f"there is no check or topic named {word!r}: {hint}")


def _named(check: Check, words: Sequence[str]) -> bool:
    return check.id in words or check.topic in words


def _warm_up(host: Recording, settings: Settings, chosen: Sequence[Check]) -> None:
    """Everything slow at the same time: the probes, and the commands that most checks read."""
    wanted = wants()
    host.prefetch(wanted.commands, wanted.files, wanted.folders)
    calls: list[Callable[[], object]] = [partial(_quiet, partial(host.run, command)) for command in wanted.commands]
    calls.append(partial(_quiet, host.inventory))
    jobs: list[Callable[[], object]] = [partial(fan_out, calls, COMMANDS_AT_ONCE)]
    if any(check.topic in ("endpoints", "network") for check in chosen):
        jobs += [partial(_quiet, partial(survey, host, settings, region)) for region in settings.regions]
    fan_out(jobs)


def _quiet(call: Callable[[], object]) -> object:
    """What fails here fails again, with a name to it, in the check that needs it."""
    try:
        return call()
    except Exception:
        return None


def _demoted(finding: Finding, settings: Settings) -> Finding:
    if finding.status is not Status.FAIL or not (
        {finding.check, finding.check.partition(".")[0]} & set(settings.demote)
    ):
        return finding
    return replace(finding, status=Status.WARN, evidence={**finding.evidence, "demoted": True})


def _clean(finding: Finding) -> Finding:
    evidence = redact_value(dict(finding.evidence))
    return replace(
        finding,
        subject=redact(finding.subject),
        summary=redact(finding.summary),
        evidence=evidence if isinstance(evidence, dict) else {},
    )
