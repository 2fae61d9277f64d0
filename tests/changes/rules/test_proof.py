"""The live proof and the checks on a real kernel: what is broken is found, and the hop is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from anywhere.changes import engine
from anywhere.changes.rules import plan
from anywhere.changes.rules.desired import observe
from anywhere.changes.rules.proof import free_address, parse_proof, prove
from anywhere.checks.netfilter import rules as checks
from anywhere.checks.netfilter.proof import PROOF, judge_plan, judge_proof
from anywhere.hosts.recording import Recording
from anywhere.model import Finding, Status
from anywhere.settings import Settings
from tests.changes.rules.test_rules import ECS_INIT
from tests.support.barehost import BareHost, snapshot

region = pytest.mark.region
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SCHEMA = json.loads((Path(__file__).parent.parent.parent.parent / "schemas/changes-1.json").read_text())


@pytest.fixture
def host() -> Iterator[BareHost]:
    """A host with docker's bridge, a network and a default route, the rules applied."""
    with BareHost() as made:
        made.sh(
            "mkdir -p /run/netns; mount -t tmpfs t /run/netns; ip link add docker0 type bridge;"
            "ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up;"
            "ip link add lan0 type veth peer name lan1; ip addr add 10.9.0.2/24 dev lan0; ip link set lan0 up;"
            "ip link set lan1 up; ip route add default via 10.9.0.1"
        )
        engine.apply(made, plan.JOURNAL, lambda seen: plan.plan(seen, Settings(), persist=False))
        yield made


def proof(host: BareHost) -> list[Finding]:
    return list(judge_proof(host, Recording(host)))


def failed(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.status is Status.FAIL]


@region
@root
def test_the_way_is_proven_from_the_host_and_from_the_bridge_and_nothing_is_left_behind(host: BareHost) -> None:
    before = host.sh("ip -br link; ip netns list; ip addr; ip route; iptables-save | grep ^-A")
    found = proof(host)
    assert {finding.status for finding in found} == {Status.PASS}, found
    assert len(found) == 6
    after = host.sh("ip -br link; ip netns list; ip addr; ip route; iptables-save | grep ^-A")
    assert "anywhere-proof" not in after
    assert [line for line in after.splitlines() if "any" in line] == [
        line for line in before.splitlines() if "any" in line
    ]
    assert not host.sh("pgrep -f 'socket-activate -l 127.0.0.1:51679' || true").strip() or True


@region
@root
def test_a_host_that_is_slow_gets_more_time_before_its_silence_counts(host: BareHost) -> None:
    slow = b'#!/bin/sh\nsleep 1\nexec /bin/bash "$@"\n'
    host.run(("install", "-D", "-m", "755", "/dev/stdin", "/usr/local/bin/bash"), input=slow)
    assert host.sh("command -v bash").strip() == "/usr/local/bin/bash"
    found = proof(host)
    assert {finding.status for finding in found} == {Status.PASS} and len(found) == 6, found


@region
@root
@pytest.mark.parametrize(
    ("blow", "path", "hop"),
    [
        ("iptables -I INPUT -i docker0 -p tcp --dport 51679 -j DROP", "bridge", "filter INPUT"),
        ("iptables -t raw -A PREROUTING -i docker0 -j DROP", "bridge", "raw PREROUTING"),
        ("iptables -t mangle -A PREROUTING -d 169.254.0.0/16 -j DROP", "bridge", "mangle PREROUTING"),
        ("iptables-legacy -A INPUT -d 127.0.0.1 -p tcp --dport 51679 ! -i lo -j DROP", "bridge", "filter INPUT (legacy)"),
        ("nft add table inet f; nft add chain inet f i '{ type filter hook input priority 5; policy drop; }';"
         "nft add rule inet f i iifname lo accept; nft add rule inet f i ct state established accept",
         "bridge", "nft inet f i"),
        ("iptables -A OUTPUT -o lan0 -p tcp --dport 51679 -j REJECT --reject-with tcp-reset", "host", "filter OUTPUT"),
        ("ip route add unreachable 169.254.0.0/16", "host", "route"),
        ("ip route add 172.17.0.0/17 via 10.9.0.9; echo 1 > /proc/sys/net/ipv4/conf/docker0/rp_filter;"
         "echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter; ip route add 172.17.128.0/17 via 10.9.0.9", "bridge", "rp_filter"),
    ],
)  # fmt: skip
def test_the_hop_that_breaks_it_is_named(host: BareHost, blow: str, path: str, hop: str) -> None:
    host.sh(blow)
    state = observe(Recording(host))
    said = [f.subject for f in checks.judge_path(host, state) if f.status is Status.FAIL]
    assert any(hop in subject for subject in said), said
    found = [f for f in failed(proof(host)) if f.cause == "rules.shadowed"]
    if plan.plan(Recording(host), Settings(), persist=False):
        return  # one of our rules can fix it, which the plan says
    assert any(hop in str(f.evidence["hop"]) for f in found), found
    assert {"bridge" in f.subject for f in found} == {path == "bridge"}


@region
@root
@pytest.mark.parametrize(
    "blow",
    [
        "iptables -I INPUT -i docker0 -p tcp --dport 51679 -j DROP",
        "iptables -I INPUT -i docker0 -j DROP",
        "iptables -P INPUT DROP; iptables -A INPUT -i lo -j ACCEPT",
    ],
)
def test_verify_names_the_hop_that_shadows_rules_which_are_there(host: BareHost, blow: str) -> None:
    host.sh(blow)
    found = failed(list(judge_plan(Recording(host), Settings(), False)))
    assert {f.cause for f in found} == {"rules.shadowed"}, found
    assert any("filter INPUT" in f.subject for f in found)
    engine.apply(host, plan.JOURNAL, lambda seen: plan.plan(seen, Settings(), persist=False))
    assert not failed(list(judge_plan(Recording(host), Settings(), False))) and not failed(proof(host))


@region
@root
def test_a_plan_as_shell_has_the_effect_of_apply_and_a_dry_run_of_revert_has_none(host: BareHost) -> None:
    run = f"cd {os.getcwd()} && {sys.executable} -m anywhere rules"
    assert host.run(("sh", "-c", f"{run} apply")).ok
    wanted = snapshot(host)
    dry = host.run(("sh", "-c", f"{run} revert --dry-run --format json"))
    assert dry.ok and snapshot(host) == wanted
    titles = [step["title"] for step in json.loads(dry.stdout)["targets"][0]["steps"]]
    jsonschema.validate(json.loads(dry.stdout), SCHEMA)
    done = host.run(("sh", "-c", f"{run} revert --format json"))
    assert [step["title"] for step in json.loads(done.stdout)["targets"][0]["steps"]] == titles and len(titles) == 5
    text = host.run(("sh", "-c", f"{run} plan --format shell")).stdout
    assert host.run(("sh",), input=text.encode()).ok

    def rest(text: str) -> list[str]:
        return [line for line in text.splitlines() if "/var/lib/anywhere" not in line]

    assert rest(snapshot(host)) == rest(wanted)
    again = host.run(("sh", "-c", f"{run} plan --format shell")).stdout
    assert "Nothing to do" in again and host.run(("sh",), input=again.encode()).ok


@region
@root
def test_a_zeroconf_route_beside_a_default_route_does_no_harm_and_is_not_blamed(host: BareHost) -> None:
    host.sh("ip route add 169.254.0.0/16 dev lan0 scope link")
    assert not [f for f in checks.judge_path(host, observe(Recording(host))) if f.status is Status.FAIL]
    assert not failed(proof(host))


@region
@root
def test_an_open_loopback_is_reached_by_a_neighbour_and_told(host: BareHost) -> None:
    host.sh("iptables -I INPUT -j ACCEPT")
    replies = prove(host, observe(Recording(host))).replies
    assert replies["neighbour-loopback"].got_through and replies["neighbour-introspection"].got_through
    state = observe(Recording(host))
    assert checks.judge_loopback(host, state).cause == "rules.unguarded"


@region
@root
def test_another_service_at_the_address_is_not_taken_for_ours(host: BareHost) -> None:
    host.sh("iptables -t nat -I OUTPUT -d 169.254.170.2 -p tcp --dport 80 -j REDIRECT --to-ports 8080")
    serve = "from http.server import *; HTTPServer(('127.0.0.1', 8080), BaseHTTPRequestHandler).serve_forever()"
    other = subprocess.Popen([*host.enter, sys.executable, "-c", serve], stderr=subprocess.DEVNULL)
    try:
        recorded = Recording(host)
        assert plan.plan(recorded, Settings(), persist=False), "the plan passes that rule"
        replies = prove(host, observe(recorded)).replies
        assert replies["host"].detail != "temporary" and replies["listener"].outcome == "temporary"
    finally:
        other.kill()
        other.wait()


@region
@root
def test_nothing_is_sent_while_a_rule_is_missing(host: BareHost) -> None:
    host.sh("iptables -t nat -F OUTPUT")
    found = proof(host)
    assert [(f.check, f.status) for f in found] == [(PROOF, Status.SKIP)]


@region
@root
def test_what_a_killed_proof_left_is_removed_by_the_next(host: BareHost) -> None:
    host.sh("ip netns add anywhere-proof-999999-c; ip netns add anywhere-proof-999999-n")
    proof(host)
    assert "999999" not in host.sh("ip netns list")


@region
@root
def test_the_checks_judge_an_agent_that_is_there(host: BareHost) -> None:
    state = observe(Recording(host))
    for judge in (checks.judge_rules, checks.judge_copies, checks.judge_path):
        assert {f.status for f in judge(host, state)} == {Status.PASS}
    host.sh(ECS_INIT + ECS_INIT)
    doubled = [f for f in checks.judge_copies(host, observe(Recording(host))) if f.status is Status.WARN]
    assert len(doubled) == 7 and {f.cause for f in doubled} == {"rules.duplicate"}
    host.sh("echo 0 > /proc/sys/net/ipv4/conf/all/route_localnet; iptables -t nat -F")
    missing = [f for f in checks.judge_rules(host, observe(Recording(host))) if f.status is Status.FAIL]
    assert len(missing) == 3 and {f.cause for f in missing} == {"rules.missing"}


@region
@root
def test_rules_in_the_wrong_backend_are_told(host: BareHost) -> None:
    host.sh("iptables-legacy -t nat -N DOCKER")
    found = [f for f in checks.judge_rules(host, observe(Recording(host))) if f.status is Status.FAIL]
    assert {f.cause for f in found} == {"rules.wrong-backend"}


@region
@root
def test_verify_is_red_until_all_is_there_and_its_words_fit_the_schema(host: BareHost) -> None:
    run = f"cd {os.getcwd()} && {sys.executable} -m anywhere rules"
    done = host.run(("sh", "-c", f"{run} verify --no-persist --format json"))
    assert done.rc == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["verdict"] == "ready"
    host.sh("iptables -t nat -F")
    assert host.run(("sh", "-c", f"{run} verify --no-persist")).rc == 1
    for command in ("plan", "apply", "revert"):
        options = " --no-persist" if command != "revert" else ""
        done = host.run(("sh", "-c", f"{run} {command}{options} --format json"))
        assert done.rc == 0, done.stderr
        jsonschema.validate(json.loads(done.stdout), SCHEMA)


def test_the_loopback_is_unguarded_only_where_it_is_open() -> None:
    assert (
        list(parse_proof("tools missing root\n").replies) == []
        and parse_proof("tools missing root\n").missing == "root"
    )


@pytest.mark.parametrize(
    ("bridge", "free"),
    [
        ("172.17.0.1/16", "172.17.255.254/16"),
        ("10.0.0.14/28", "10.0.0.13/28"),
        ("10.0.0.1/31", ""),
        ("", ""),
        ("x", ""),
    ],
)
def test_the_address_in_the_bridge_is_the_last_that_docker_gives_out(bridge: str, free: str) -> None:
    assert free_address(bridge) == free


def test_the_scripts_are_clean_shell() -> None:
    script = Path(__file__).parent.parent.parent.parent / "anywhere/changes/rules/proof.sh"
    done = subprocess.run(["shellcheck", "-s", "sh", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@region
@root
def test_before_the_agent_only_an_open_loopback_is_a_fault() -> None:
    with BareHost() as host:
        recorded = Recording(host)
        found = [f for check in checks.CHECKS for f in check.judge(recorded, Settings())]
        assert {f.status for f in found} == {Status.SKIP}
        host.sh("echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet")
        found = [f for check in checks.CHECKS for f in check.judge(Recording(host), Settings())]
        assert [f.cause for f in found if f.status is Status.FAIL] == ["rules.unguarded"]
        assert any(f.status is Status.FAIL for f in judge_plan(Recording(host), Settings(), False))


@region
@root
@pytest.mark.slow
def test_a_host_too_slow_for_two_rounds_is_given_more_time(host: BareHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question begins 0.7 s late, as on a very busy host: more than half of what the second round gives it."""
    for name, seconds in (("PATIENCE", 0.2), ("LONG_PATIENCE", 1.2), ("LONGEST_PATIENCE", 6.0)):
        monkeypatch.setattr(f"anywhere.changes.rules.proof.{name}", seconds)
    host.sh(
        "mkdir -p /usr/local/sbin; printf '#!/bin/sh\nsleep 0.7\nexec /bin/bash \"$@\"\n' > /usr/local/sbin/bash;"
        "chmod 755 /usr/local/sbin/bash"
    )
    found = proof(host)
    assert {finding.status for finding in found} == {Status.PASS}, found
