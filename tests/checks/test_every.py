"""The host's own checks: silent on healthy hosts, one cause for each fault, and never a fault of what is not known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from anywhere.catalogue.causes.table import ROWS
from anywhere.checks.base import TOPICS, Check
from anywhere.errors import ParseError
from anywhere.facts.prefetch_list import wants
from anywhere.hosts.base import Completed, Disk, Inventory, Listener
from anywhere.model import Finding, Status
from tests.support.fakehost import FakeHost
from tests.support.judging import BARE_INVENTORY, CHECKS, bare, judge, registered

CODES = {text.code for text in ROWS}


def all_findings(host: FakeHost) -> Iterator[Finding]:
    for check in CHECKS:
        yield from judge(check, host)


def troubles(host: FakeHost) -> list[tuple[str, str, str]]:
    return [(one.check, str(one.status), one.cause) for one in all_findings(host) if one.is_trouble]


def test_a_bare_supported_server_is_without_fault() -> None:
    assert troubles(bare()) == []
    assert all(one.status in (Status.PASS, Status.SKIP) for one in all_findings(bare()))


def test_a_registered_healthy_host_is_without_fault() -> None:
    assert troubles(registered()) == []


def test_without_root_nothing_is_a_fault_and_nothing_fails_to_run() -> None:
    hidden: dict[str, str | bytes | None] = dict.fromkeys(
        ("/var/log/ecs/ecs-agent.log", "/var/log/amazon/ssm/amazon-ssm-agent.log", "/etc/ecs/ecs.config")
    )
    denied = {
        argv: Completed(argv, 2, "", "sed: Permission denied: /root/.aws/credentials") for argv in wants().commands
    }
    commands = {argv: done for argv, done in denied.items() if argv[0] in ("sed", "grep", "docker")}
    for host in (bare(hidden, commands, is_root=False), registered(hidden, commands, is_root=False)):
        host.probes = {}
        assert troubles(host) == []


def test_a_host_of_which_nothing_is_known_is_no_fault_but_for_what_is_proved() -> None:
    # No os-release, no systemd and no machine-id are facts; all the rest is unknown.
    found = {cause for _, _, cause in troubles(FakeHost(found=Inventory()))}
    assert found == {"os.unknown", "init.not-systemd", "identity.volatile"}


def test_every_trouble_has_a_known_cause_a_remedy_and_a_summary() -> None:
    worst = registered(
        {"/etc/os-release": "ID=alpine\n", "/etc/ecs/ecs.config": 'ECS_CLUSTER="x"\nECS_CLUSTER=y\n'},
        memory_total=2**26,
        disks=(Disk("/", 100, 1),),
        listeners=(Listener("0.0.0.0", 51678, 7, "nginx"),),
    )
    found = [one for one in all_findings(worst) if one.is_trouble]
    assert len(found) >= 6
    for one in found:
        assert one.cause in CODES and one.remedy and one.remedy.text.endswith((".", "both."))
        assert one.summary and one.subject
        assert all(command and all(command) for command in one.remedy.commands)


def test_ids_are_unique_and_in_a_topic() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert {check.topic for check in CHECKS} <= set(TOPICS)


def test_every_text_is_whole() -> None:
    assert len(CODES) == len(ROWS)
    for text in ROWS:
        assert text.severity in ("fail", "warn", "fail or warn", "error")
        assert all((text.title, text.meaning, text.found, text.fix, text.source))
        assert not text.title.endswith(".") and text.meaning.endswith(".") and text.fix.endswith(".")


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.binary(max_size=120), st.integers(0, 255), st.booleans())
def test_no_content_of_a_host_makes_a_check_fail_to_run(content: bytes, rc: int, root: bool) -> None:
    text = content.decode("latin-1")
    commands = {argv: Completed(argv, rc, text, text) for argv in wants().commands}
    wanted = wants()
    host = FakeHost(
        dict.fromkeys(wanted.files, content), commands, found=Inventory(**{**BARE_INVENTORY, "is_root": root})
    )
    for check in CHECKS:
        try:
            found = judge(check, host)
        except ParseError:
            continue
        assert all(not finding.is_trouble or finding.cause in CODES for finding in found)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_check_says_something_of_every_host(check: Check) -> None:
    for host in (bare(), registered(), FakeHost(found=Inventory())):
        assert judge(check, host)
