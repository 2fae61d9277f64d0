"""A cause that explains several findings has a fix for all of them: after its commands nothing is left of the fault."""

from __future__ import annotations

import pytest

from anywhere.checks.network.host_firewall import _accept
from anywhere.diagnosis import RULES, SYMPTOMS, diagnose
from anywhere.diagnosis.engine import in_order, joined
from anywhere.diagnosis.proxy.urls import bracketed
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.firewall.outgoing import Stop
from anywhere.model import Cause, Finding, Remedy, Status

RELOAD, DOCKER, SSM, ECS = (
    ("systemctl", "daemon-reload"),
    ("systemctl", "restart", "docker"),
    ("systemctl", "restart", "amazon-ssm-agent"),
    ("systemctl", "restart", "ecs"),
)


def found(check: str, subject: str, cause: str, remedy: Remedy, **evidence: object) -> Finding:
    return Finding(check, Status.FAIL, subject, f"{subject} is wrong", cause=cause, remedy=remedy, evidence=evidence)


def only_cause(*findings: Finding) -> Cause:
    (cause,) = diagnose(findings, RULES, SYMPTOMS)
    return cause


def test_every_component_with_an_old_environment_is_restarted_docker_first() -> None:
    """A proxy was written for all three, and none was restarted: three restarts, not one."""
    restarts = {"ssm-agent": SSM, "ecs-agent": ECS, "docker": DOCKER}
    rows = [
        found("network.proxy", name, "agent.stale-environment", Remedy(f"Restart {name}.", (RELOAD, command)))
        for name, command in restarts.items()
    ]
    cause = only_cause(*rows)
    assert cause.remedy.text == "Restart docker. Restart ssm-agent. Restart ecs-agent."
    assert cause.remedy.commands == (RELOAD, DOCKER, SSM, ECS)


def test_one_component_with_an_old_environment_is_restarted_alone() -> None:
    one = Remedy("Restart docker.", (RELOAD, DOCKER))
    assert only_cause(found("network.proxy", "docker", "agent.stale-environment", one)).remedy == one


def test_every_rule_of_the_own_filter_has_its_fix() -> None:
    first, second = Remedy("Change.", (("iptables", "1"),)), Remedy("Change.", (("nft", "2"),))
    rows = [
        found("network.host-firewall", "OUTPUT", "egress.host-firewall", first),
        found("network.host-firewall", "nft inet site out", "egress.host-firewall", second),
    ]
    assert only_cause(*rows).remedy == Remedy("Change.", (("iptables", "1"), ("nft", "2")))


def test_every_port_that_a_rule_drops_is_accepted() -> None:
    stop = Stop("nft inet site out", "drop", False)
    aims = [Aim("10.0.0.2", 53, "udp"), Aim("10.0.0.3", 53, "udp"), Aim("10.0.0.9", 3128, "tcp")]
    insert = ("nft", "insert", "rule", "inet", "site", "out")
    assert _accept(stop, aims) == (
        (*insert, "udp", "dport", "53", "accept"),
        (*insert, "tcp", "dport", "3128", "accept"),
    )


def test_a_declared_way_is_fixed_for_every_name_and_for_the_proxy() -> None:
    let, proxy = Remedy("Let it.", look=(("getent", "x"),)), Remedy("Set HTTPS_PROXY for docker.")
    names = [f"{name}.us-east-1.amazonaws.com:443" for name in ("ecs", "ssm", "ssmmessages", "ec2messages", "s3")]
    rows = [
        found("network.way", name, "network.way-unexpected", let, expected="private", answered_by=["10.0.0.2"])
        for name in names
    ]
    rows.append(found("network.way", "logs:443", "network.way-unexpected", proxy, expected="proxy"))
    text = only_cause(*rows).remedy.text
    assert text.startswith("Let 10.0.0.2 answer ecs.us-east-1.amazonaws.com, ssm.us-east-1.amazonaws.com")
    assert "and 2 more with private addresses of VPC endpoints" in text
    assert text.endswith("Set HTTPS_PROXY for docker.")


def test_fixes_that_say_the_same_are_said_once_and_many_are_counted() -> None:
    rows = [found("a.b", str(number), "x.y", Remedy(f"Fix {number % 6}.")) for number in range(12)]
    assert joined(rows).text == "Fix 0. Fix 1. Fix 2. Fix 3. 2 more: see the findings (-v)."


def test_commands_of_several_fixes_keep_the_order_of_each() -> None:
    edit, other = ("vi", "a"), ("vi", "b")
    assert in_order([(edit, DOCKER), (other, DOCKER, ECS)]) == (edit, other, DOCKER, ECS)
    assert in_order([(RELOAD, SSM), (RELOAD, DOCKER)]) == (RELOAD, SSM, DOCKER)
    assert set(in_order([(edit, other), (other, edit)])) == {edit, other}
    assert in_order([(edit, DOCKER, edit)]) == (edit, DOCKER)
    assert in_order([]) == ()


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("2001:db8::80:3128", "[2001:db8::80]:3128"),
        ("[2001:db8::80]:3128", "[2001:db8::80]:3128"),
        ("10.0.0.1:3128", "10.0.0.1:3128"),
        ("proxy.example", "proxy.example"),
    ],
)
def test_the_command_that_sets_a_proxy_has_its_ipv6_address_in_brackets(place: str, expected: str) -> None:
    assert bracketed(place) == expected
