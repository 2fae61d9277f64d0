"""`rules verify` and `proxy verify`: findings as a report, one target a host."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from anywhere.cli.changing import SECONDS, unique
from anywhere.cli.output import progress, show
from anywhere.diagnosis import RULES, diagnose
from anywhere.errors import AnywhereError, BadInput
from anywhere.hosts.base import Host
from anywhere.hosts.open import is_bundle, open_live, open_recorded
from anywhere.hosts.recording import Recording
from anywhere.model import Finding, Report, Status, Target
from anywhere.report import renderer
from anywhere.settings import Settings

Judge = Callable[[Host | None, Recording], Iterator[Finding]]


def rules(specs: Sequence[str], persist: bool, probe: bool, format: str, output: str) -> int:
    """Judge the rules of every host; the exit code."""
    from anywhere.checks.rulesproof import judge_plan, judge_proof

    def judge(live: Host | None, recorded: Recording) -> Iterator[Finding]:
        yield from judge_plan(recorded, Settings(), persist)
        if probe and live:
            yield from judge_proof(live, recorded)

    return verify(specs, judge, format, output)


def verify(specs: Sequence[str], judge: Judge, format: str, output: str) -> int:
    """Judge each host and show the report; the exit code."""
    renderer(format)
    targets = []
    for spec in unique(specs, changing=False):
        with progress(f"verifying {spec}"):
            targets.append(_target(spec, judge))
    report = Report(tuple(targets))
    show(report, format, output)
    return report.exit_code()


def guard() -> None:
    """Become the guard. Raises BadInput where nothing was applied yet."""
    from anywhere.changes.persist import SCRIPT

    if not os.access(SCRIPT, os.R_OK):
        raise BadInput(f"there is no {SCRIPT}: run `anywhere rules apply` first, as root")
    os.execvp("sh", ("sh", SCRIPT, "guard"))


def _target(spec: str, judge: Judge) -> Target:
    started, begun = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), time.monotonic()
    live = None if is_bundle(spec) else open_live(spec, SECONDS, seconds=SECONDS)
    recorded = Recording(live) if live else open_recorded(spec, SECONDS)
    findings: list[Finding] = []
    try:
        findings.extend(judge(live, recorded))
    except AnywhereError as error:
        because = {"because": type(error).__name__}
        findings.append(Finding("netfilter.plan", Status.ERROR, recorded.name, str(error), evidence=because))
    found = tuple(findings)
    seconds = round(time.monotonic() - begun, 3)
    return Target(recorded.name, started=started, seconds=seconds, causes=diagnose(found, RULES), findings=found)
