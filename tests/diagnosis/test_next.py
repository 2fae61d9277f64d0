"""Every cause has a fix or a request, and no command that only looks is sold as a fix."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from anywhere.catalogue.checks import CHECK_TEXTS
from anywhere.checks.endpoints.visit import WORDS, beyond
from anywhere.diagnosis import RULES
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.report.shown.commands import first_step
from tests.diagnosis.alike import is_look

ROOT = Path(__file__).parent.parent.parent / "anywhere"


def remedies() -> list[tuple[str, tuple[str, ...]]]:
    """The literal commands of every fix in the package: what is called `remedy(...)` or `Remedy(...)`, but for `look=`."""
    found = []
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in ("remedy", "Remedy"):
                for argument in node.args:
                    found += [(f"{path.name}:{node.lineno}", words) for words in literals(argument)]
    return found


def literals(node: ast.expr) -> list[tuple[str, ...]]:
    if not isinstance(node, ast.Tuple):
        return []
    words = tuple(one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str))
    return [words] if words else [inner for one in node.elts for inner in literals(one)]


def test_no_fix_is_a_look() -> None:
    assert len(remedies()) > 40
    assert [f"{place}: {' '.join(words)}" for place, words in remedies() if is_look(words)] == []


def seen(stage: Stage, reason: Reason) -> Finding:
    address = {"address": "203.0.113.10", "stage": str(stage), "reason": str(reason)}
    evidence = {"component": "ecs-agent", "addresses": [address], "proxy": "http://proxy.example.com:3128"}
    return Finding("endpoints.reach", Status.FAIL, "ecs.us-east-1.amazonaws.com:443", "x", stage, reason, evidence)


# A failing endpoint, and of every check a finding that has its own fix: many rules take it from there.
OWN = Remedy("Restart the unit on this host.", (("sudo", "systemctl", "restart", "x"),))
FINDINGS = [
    seen(Stage.TLS, Reason.TLS_TIMEOUT),
    *(Finding(id, Status.FAIL, "subject", "x", remedy=OWN, cause="x") for id in CHECK_TEXTS),
]


@pytest.mark.parametrize("rule", RULES, ids=[f"{rule.code}-{place}" for place, rule in enumerate(RULES)])
def test_the_next_step_of_every_rule_is_a_fix_or_a_request(rule) -> None:
    remedy = rule.fix if isinstance(rule.fix, Remedy) else rule.fix(FINDINGS)
    step = first_step(remedy)
    assert step and "explain" not in step and not is_look(tuple(step.split()))
    assert remedy.commands or remedy.ask or len(step.split()) > 3
    assert not any(is_look(command) for command in remedy.commands)
    assert all("***" not in word for command in remedy.commands for word in command)


# --- a summary does not contradict its findings ------------------------------------------------------------------

# What a reason is called, and what a summary of another reason must not say.
CALLED = {
    Reason.TIMEOUT: ("timed out", "dropped"),
    Reason.REFUSED: ("refused",),
    Reason.UNREACHABLE: ("no route",),
}


@pytest.mark.parametrize("reason", CALLED)
@pytest.mark.parametrize("number", [1, 2])
def test_a_cause_says_what_its_findings_met(reason: Reason, number: int) -> None:
    from anywhere.diagnosis import diagnose

    def reach(name: str, why: Reason | None) -> Finding:
        address = {"address": "203.0.113.10", "route": True, **({"reason": str(why)} if why else {})}
        evidence = {"component": "ecs-agent", "addresses": [address]}
        status, stage = (Status.FAIL, Stage.CONNECT) if why else (Status.PASS, Stage.DONE)
        return Finding("endpoints.reach", status, f"{name}.us-east-1.amazonaws.com:443", "x", stage, why, evidence)

    names = ["ecs", "ssm", "s3", "ecs-a-1"]
    for failing in (names[:number], names):
        findings = [reach(name, reason if name in failing else None) for name in names]
        (cause,) = diagnose(findings, RULES)
        assert any(word in cause.summary for word in CALLED[reason]), cause.summary
        others = [word for other, words in CALLED.items() if other is not reason for word in words]
        assert not any(word in cause.summary for word in others), cause.summary


def test_a_detail_does_not_repeat_its_reason() -> None:
    assert beyond(WORDS[Reason.REFUSED], "connection refused") == ""
    assert beyond(WORDS[Reason.CERT_NOT_YET_VALID], "certificate is not yet valid") == ""
    assert beyond(WORDS[Reason.CERT_EXPIRED], "certificate has expired") == ""
    assert beyond(WORDS[Reason.TIMEOUT], "timed out: packets are dropped silently") == "packets are dropped silently"
    assert beyond(WORDS[Reason.CERT_UNTRUSTED], "signed by an unknown authority: X").startswith("signed by")
