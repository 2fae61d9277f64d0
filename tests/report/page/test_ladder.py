"""The page of one host: the endpoints by step, the causes with their fix, the findings that refer to their cause."""

from __future__ import annotations

import re
from dataclasses import replace

from anywhere.model import Finding, Reason, Remedy, Report, Stage, Status, Target
from anywhere.report import renderer
from anywhere.report.page.ladder import section
from tests.report.test_report import failed


def row(name: str, stage: Stage, reason: Reason | None = None, proxy: str = "") -> Finding:
    addresses = [{"address": "203.0.113.10", "timings": {"connect": 0.012, "tls": 0.034}}]
    evidence = {"component": "ecs-agent", "proxy": proxy, "addresses": addresses, "resolved": ["203.0.113.10"]}
    evidence["timings"] = {"resolve": 0.007}
    status = Status.FAIL if reason else Status.PASS
    return Finding("endpoints.reach", status, f"{name}:443", f"{reason or 'answers'}", stage, reason, evidence)


def cells(finding: Finding, *more: Finding) -> list[tuple[str, str]]:
    text = "".join(section(Target("x", findings=(finding, *more))))
    return re.findall(r'<td class="step (\w+)"[^>]*><button[^>]*>([^<]*)', text)


def test_the_steps_before_the_last_one_passed() -> None:
    assert [kind for kind, _ in cells(row("a", Stage.TLS, Reason.TLS_TIMEOUT, "http://p:3128"))] == [
        *("none", "pass", "pass", "fail", "none", "none")
    ]
    assert [kind for kind, _ in cells(row("a", Stage.RESOLVE, Reason.NAME_UNKNOWN))] == ["fail", *["none"] * 5]


def test_a_cell_shows_its_time_and_its_reason() -> None:
    found = cells(row("a", Stage.DONE))
    assert (
        found[0] == ("pass", "7 ms")
        and found[1] == ("pass", "12 ms")
        and found[2] == ("none", "direct")
        and found[3] == ("pass", "34 ms")
    )
    assert ("fail", "timeout") in cells(row("a", Stage.CONNECT, Reason.TIMEOUT))


def test_the_upgrade_has_its_own_column() -> None:
    upgrade = Finding("endpoints.websocket", Status.FAIL, "a:443", "refused", Stage.HTTP, Reason.UPGRADE_REFUSED)
    assert cells(row("a", Stage.DONE), upgrade)[-1] == ("fail", "upgrade-refused")


def test_what_a_host_says_is_text() -> None:
    text = "".join(section(Target("x", findings=(replace(row("a", Stage.DONE), subject='<b a="1">:443'),))))
    assert "<b a" not in text and "&lt;b a" in text


def test_a_cause_has_its_fix_once() -> None:
    target = failed()
    fix = Remedy("Set the profile.", (("sudo", "anywhere", "proxy", "apply"),))
    cause = replace(target.causes[1], remedy=fix)
    rows = tuple(replace(one, remedy=fix) if place == 6 else one for place, one in enumerate(target.findings))
    page = renderer("html")(Report((replace(target, causes=(cause,), findings=rows),)))
    assert (
        page.count("Set the profile.") == 1 and 'class="copy"' in page and 'id="cause-egress.endpoint-blocked"' in page
    )
