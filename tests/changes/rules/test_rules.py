"""The rules on a real kernel: both backends, both at once, nft alone; foreign rules stay as they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from anywhere.changes import engine
from anywhere.changes.base import ChangeFailed, Step, set_sysctl
from anywhere.changes.rules import plan as netfilter
from anywhere.changes.rules.desired import copies, observe, restore_input, take_back, wanted
from anywhere.facts.firewall.credential_path import obstacles
from anywhere.facts.firewall.iptables import parse_save
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording
from anywhere.settings import Settings
from tests.support.barehost import BareHost, snapshot
from tests.support.rulesetgen import RULESETS, SET

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

# As ecs-init leaves them, top rule last (observed after its pre-start).
ECS_INIT = """
iptables -w -t nat -A PREROUTING -p tcp -d 169.254.170.2 --dport 80 -j DNAT --to-destination 127.0.0.1:51679
iptables -w -I INPUT --dst 127.0.0.0/8 ! --src 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
iptables -w -I INPUT -p tcp --dport 51678 ! -i lo -j DROP
iptables -w -I INPUT -p tcp --dport 51678 -i docker0 -j ACCEPT
ip6tables -w -I INPUT -p tcp --dport 51678 ! -i lo -j DROP
ip6tables -w -I INPUT -p tcp --dport 51678 -i docker0 -j ACCEPT
iptables -w -t nat -A OUTPUT -d 169.254.170.2 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 51679
echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
"""
ECS_STOP = ECS_INIT.replace(" -A ", " -D ").replace(" -I ", " -D ").replace("echo 1", "echo 0")


def plan(host: Host) -> tuple[Step, ...]:
    return netfilter.plan(host, Settings(), persist=False)


def apply(host: Host) -> engine.Applied:
    return engine.apply(host, netfilter.JOURNAL, plan)


def revert(host: Host) -> engine.Reverted:
    return engine.revert(host, netfilter.JOURNAL)


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost() as made:
        yield made


@pytest.fixture(params=["nft", "legacy"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def use(host: BareHost, backend: str) -> None:
    """The alternative of the distribution, as `update-alternatives` sets it, and docker's chains there."""
    for word in ("iptables", "ip6tables"):
        for end in ("", "-save", "-restore"):
            host.sh(f"ln -sf /usr/sbin/{word}-{backend}{end} /etc/alternatives/{word}{end}")
    host.sh(
        f"iptables-{backend} -t nat -N DOCKER; iptables-{backend} -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"
    )


def test_apply_brings_the_rules_and_revert_takes_exactly_them(host: BareHost, backend: str) -> None:
    use(host, backend)
    # iptables-legacy makes a table when it is first used, and no program can unmake it.
    host.sh("iptables-legacy -S; iptables-legacy -t nat -S; ip6tables-legacy -S")
    before = snapshot(host)
    done = apply(host)
    assert len(done.done) >= 4 and not done.left
    saved = host.sh(f"iptables-{backend}-save")
    assert saved.count("anywhere-rules-") == 5
    assert host.sh("cat /proc/sys/net/ipv4/conf/all/route_localnet").strip() == "1"
    assert host.sh("cat /proc/sys/net/ipv4/ip_local_reserved_ports").strip() == "51678-51680"
    assert not apply(host).done
    assert not revert(host).missed
    assert snapshot(host) == before


def test_the_guards_come_before_the_loopback_is_opened(host: BareHost) -> None:
    keys = [step.key for step in plan(host)]
    opened = keys.index("sysctl:net.ipv4.conf.all.route_localnet")
    assert all(keys.index(key) < opened for key in keys if key.startswith("rules:"))


def test_copies_of_ecs_init_count_as_present_and_stay(host: BareHost, backend: str) -> None:
    use(host, backend)
    host.sh(ECS_INIT)
    rules = host.sh("iptables-save -t nat; iptables-save -t filter")
    done = apply(host)
    assert not [step for step in done.done if step.key.startswith("rules:")]
    revert(host)
    assert re.sub("#.*", "", host.sh("iptables-save -t nat; iptables-save -t filter")) == re.sub("#.*", "", rules)


def test_ours_and_those_of_ecs_init_do_not_pile_up(host: BareHost) -> None:
    use(host, "nft")
    apply(host)
    for _ in range(3):
        host.sh(ECS_INIT)
        assert not apply(host).done, "one copy of ours beside one of ecs-init is a stable state"
        host.sh(ECS_STOP)
        assert [step.key for step in apply(host).done] == ["sysctl:net.ipv4.conf.all.route_localnet"]
    assert host.sh("iptables-save").count("--to-destination 127.0.0.1:51679") == 1


def test_a_second_copy_of_ours_goes_and_a_foreign_duplicate_stays(host: BareHost) -> None:
    use(host, "nft")
    apply(host)
    host.sh(ECS_INIT + ECS_INIT)
    rule = next(line for line in host.sh("iptables-save").splitlines() if "anywhere-rules-credentials-output" in line)
    host.sh(f"iptables -t nat {rule}")
    done = apply(host)
    assert "remove credentials-output" in done.done[0].title
    saved = host.sh("iptables-save")
    assert saved.count("anywhere-rules-credentials-output") == 1
    assert saved.count("--to-ports 51679") == 3


def test_ours_in_the_backend_that_docker_does_not_use_move(host: BareHost) -> None:
    apply(host)
    assert "anywhere-rules-" in host.sh("iptables-nft-save")
    use(host, "legacy")
    assert not apply(host).left
    assert "anywhere-rules-" in host.sh("iptables-legacy-save")
    assert "anywhere-rules-" not in host.sh("iptables-nft-save; ip6tables-nft-save")
    revert(host)
    assert "anywhere-rules-" not in host.sh("iptables-legacy-save; iptables-nft-save; ip6tables-legacy-save")


def test_docker_decides_where_both_backends_are_in_use(host: BareHost) -> None:
    host.sh("iptables-nft -A INPUT -p tcp --dport 22 -j ACCEPT")
    host.sh("iptables-legacy -t nat -N DOCKER")
    assert observe(host).firewall.default == "nft"
    assert observe(host).firewall.docker_backend == "legacy"
    apply(host)
    assert "anywhere-rules-" not in host.sh("iptables-nft-save")


def test_a_dropping_input_gets_an_accept_for_the_containers(host: BareHost, backend: str) -> None:
    use(host, backend)
    host.sh("iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; iptables -P INPUT DROP")
    assert any(o.hop == f"filter INPUT ({backend})" for o in obstacles(*_seen(host)))
    assert "add credentials-bridge" in " ".join(step.title for step in apply(host).done)
    assert not any(o.path == "bridge" for o in obstacles(*_seen(host)))
    assert not apply(host).done


def test_a_rule_that_takes_the_packets_first_is_passed(host: BareHost) -> None:
    host.sh("iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.1.1.1:8080")
    apply(host)
    first = host.sh("iptables -t nat -S PREROUTING").splitlines()[1]
    assert "anywhere-rules-credentials-prerouting" in first
    assert not apply(host).done


def test_a_guard_below_an_accept_is_set_again_on_top(host: BareHost) -> None:
    apply(host)
    host.sh("iptables -I INPUT -j ACCEPT")
    assert "loopback-guard" in apply(host).done[0].title
    rules = host.sh("iptables -S INPUT").splitlines()
    assert rules.index("-A INPUT -j ACCEPT") == 4, "the policy, then ours"
    host.sh("iptables -I INPUT -p tcp --dport 22 -j ACCEPT")
    assert not apply(host).done, "a rule for one port does not undo the guard"


def test_an_exception_below_its_guard_is_set_again(host: BareHost) -> None:
    apply(host)
    rule = next(line for line in host.sh("iptables -S INPUT").splitlines() if "introspection-bridge" in line)
    host.sh(f"iptables {rule.replace('-A', '-D')}; iptables {rule}")
    assert apply(host).done
    lines = host.sh("iptables -S INPUT")
    assert lines.index("introspection-bridge") < lines.index("introspection-guard")


def test_nft_alone_holds_the_same_rules_in_tables_of_its_own() -> None:
    names = [f"{word}{kind}" for word in ("iptables", "ip6tables") for kind in ("", "-nft", "-legacy")]
    with BareHost(hidden=names) as host:
        host.sh("nft add table inet mine; nft add chain inet mine in '{ type filter hook input priority 0; }'")
        before = host.sh("nft list ruleset")
        done = apply(host)
        assert [step.key for step in done.done if step.key.startswith("rules")] == ["rules:native"] and not done.left
        assert host.sh("nft list ruleset").count("anywhere-rules-") == 7
        host.sh(
            "h=$(nft -a list chain ip anywhere_rules output | sed -n 's/.*redirect.*handle //p');"
            "nft delete rule ip anywhere_rules output handle $h"
        )
        assert [step.key for step in apply(host).done] == ["rules:native"]
        assert not apply(host).done
        assert not revert(host).missed
        assert host.sh("nft list ruleset") == before


def test_a_host_with_neither_is_refused_with_one_line() -> None:
    names = [f"{word}{kind}" for word in ("iptables", "ip6tables") for kind in ("", "-nft", "-legacy")]
    with BareHost(hidden=[*names, "nft"]) as host, pytest.raises(ChangeFailed, match="install iptables"):
        plan(host)


def test_reserved_ports_are_added_to_those_that_are_there(host: BareHost) -> None:
    host.sh("echo 8080,9000-9100 > /proc/sys/net/ipv4/ip_local_reserved_ports")
    apply(host)
    assert host.sh("cat /proc/sys/net/ipv4/ip_local_reserved_ports").strip() == "8080,9000-9100,51678-51680"
    revert(host)
    assert host.sh("cat /proc/sys/net/ipv4/ip_local_reserved_ports").strip() == "8080,9000-9100"


def test_the_host_route_is_for_hosts_without_a_default_route(host: BareHost) -> None:
    assert "route" in [step.key for step in plan(host)]
    host.sh(
        "ip link add d0 type veth peer name d1; ip link set d1 up; ip addr add 10.0.0.1/24 dev d0; ip link set d0 up;"
        "ip route add default via 10.0.0.2"
    )
    assert "route" not in [step.key for step in plan(host)]


def test_the_switches_of_ecs_init_are_the_operators_word(host: BareHost) -> None:
    host.sh("mkdir -p /etc/ecs; echo ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS=true > /etc/ecs/ecs.config")
    slugs = {want.slug for want in wanted(observe(host))}
    assert "introspection-guard" not in slugs and "loopback-guard" in slugs


def _seen(host: Host) -> tuple[object, object]:
    state = observe(host)
    return state.firewall, state.net


def _load(host: BareHost, backend: str, text: str) -> str:
    for program in (f"iptables-{backend}", f"ip6tables-{backend}"):
        host.sh(f"{program} -F; {program} -X", check=False)
    done = host.run((f"iptables-{backend}-restore",), input=text.encode())
    assert done.ok, done.stderr
    return host.sh(f"iptables-{backend}-save -t filter; iptables-{backend}-save -t nat")


def _bare(saved: str) -> list[str]:
    return [re.sub(r"\[\d+:\d+\]", "", line) for line in saved.splitlines() if not line.startswith("#")]


def _check_ruleset(host: BareHost, backend: str, text: str) -> None:
    """One generated ruleset: read, printed, loaded again as we understood it, changed and changed back."""
    saved = _load(host, backend, text)
    read = parse_save(saved)
    assert read.text == saved
    ours = [rule.text if (rule := _rule(line)) else line for line in saved.splitlines()]
    assert _bare(_load(host, backend, "\n".join(ours) + "\n")) == _bare(saved)
    state = observe(Recording(host))
    here = state.firewall.backend(backend)
    assert here is not None
    mine = tuple(w for w in wanted(state) if w.backend == backend and w.family == 4)
    told = restore_input(here, mine, 4)
    assert host.run((f"iptables-{backend}-restore", "-n", "-w"), input=told.encode()).ok
    after = host.sh(f"iptables-{backend}-save -t filter; iptables-{backend}-save -t nat")
    assert [line for line in _bare(after) if "anywhere-rules-" not in line] == _bare(saved)
    again = observe(Recording(host)).firewall.backend(backend)
    assert again is not None and all(len(copies(want, again)) >= 1 for want in mine)
    undo = take_back(state.firewall, here, 4)
    assert host.run(undo.argv, input=undo.input).ok
    assert _bare(host.sh(f"iptables-{backend}-save -t filter; iptables-{backend}-save -t nat")) == _bare(saved)


def _rule(line: str) -> object:
    if not line.startswith("-A"):
        return None
    return parse_save(f"*t\n{line}\nCOMMIT\n").tables[0].rules[0]


def _hold(backend: str, count: int) -> None:
    with BareHost() as host:
        use(host, backend)
        host.sh(f"ipset create {SET} hash:net")

        # Each example takes seconds: the first that fails is shown as it is.
        phases = (Phase.explicit, Phase.generate)

        @settings(
            max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=phases
        )
        @given(RULESETS)
        def check(text: str) -> None:
            _check_ruleset(host, backend, text)

        check()


def test_generated_rulesets_are_left_as_they_are(backend: str) -> None:
    _hold(backend, 8)


@pytest.mark.parametrize(
    "count", [pytest.param(60, marks=pytest.mark.broad), pytest.param(500, marks=pytest.mark.soak)]
)
def test_many_generated_rulesets_are_left_as_they_are(backend: str, count: int) -> None:
    _hold(backend, count)


RESERVED, OPENED = "/proc/sys/net/ipv4/ip_local_reserved_ports", "/proc/sys/net/ipv4/conf/all/route_localnet"


@pytest.mark.parametrize(
    ("before", "since", "after"),
    [
        ("", "", ""),
        ("", "8080,51678-51680", "8080"),
        ("", "51670-51690", "51670-51677,51681-51690"),
        ("51679", "51678-51681,60000", "51679,51681,60000"),
        ("8080", "", "8080"),
        ("", "9000", "9000"),
    ],
)
def test_a_revert_takes_out_the_ports_that_apply_reserved_and_no_other(
    host: BareHost, before: str, since: str, after: str
) -> None:
    host.sh(f"echo {before} > {RESERVED}")
    apply(host)
    if since:
        host.sh(f"echo {since} > {RESERVED}")
    assert not revert(host).missed
    assert host.sh(f"cat {RESERVED}").strip() == after


@pytest.mark.parametrize(("since", "after"), [("1", "0"), ("0", "0")])
def test_a_setting_goes_back_only_where_it_is_still_ours(host: BareHost, since: str, after: str) -> None:
    apply(host)
    host.sh(f"echo {since} > {OPENED}")
    assert not revert(host).missed
    assert host.sh(f"cat {OPENED}").strip() == after


def test_a_setting_that_somebody_else_has_set_since_stays(host: BareHost) -> None:
    path = "/proc/sys/net/ipv4/ip_default_ttl"
    step = set_sysctl("net.ipv4.ip_default_ttl", path, "64", "65", "a try")
    engine.apply(host, "t", lambda seen: () if seen.read(path) == b"65\n" else (step,))
    host.sh(f"echo 70 > {path}")
    assert not engine.revert(host, "t").missed and host.sh(f"cat {path}") == "70\n"
