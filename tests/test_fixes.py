"""Fixes are complete: carried out by root on the host, in their order, the cause is gone.

Where the fix ends with a start of a daemon, the region has a script for it (tests/region/faults/restarts.py); where it is
left to an editor, the test types into it. A fix that sets a limit of the whole kernel is not carried out, where the region
does not keep that file to itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.region.faults import table
from tests.region.faults.restarts import STARTS
from tests.region.region import Region
from tests.support.judged import ANYWHERE, judge_in

# Faults whose fix is commands alone, and that this host can undo. All others ask somebody, or leave a choice to a person.
PROVEN = (
    "agent-ipv6-without-kernel",
    "apparmor-profile-not-loaded",
    "azure-metadata",
    "boolean-yes",
    "bridge-down",
    "bridge-larger-proven",
    "bridge-larger-than-uplink",
    "config-behind-link",
    "config-byte-order-mark",
    "config-quoted",
    "config-utf-16",
    "connection-table-full",
    "connection-table-near",
    "container-dns-behind",
    "containerd-mounts-private",
    "containers-answers-elsewhere",
    "containers-answers-refused",
    "containers-marked-away",
    "containers-rule-prohibits",
    "credentials-read-only",
    "data-read-only-after-error",
    "docker-bip-network",
    "docker-bridge-left",
    "docker-flag-twice-later",
    "docker-host-gone",
    "docker-host-of-unit",
    "docker-host-silent",
    "docker-ipv6-without-kernel",
    "endpoint-url-left",
    "fips-name-unknown",
    "docker-kernel-read-only",
    "docker-log-option",
    "docker-mounts-slave",
    "docker-option-of-devicemapper",
    "docker-own-mounts",
    "docker-seccomp-gone",
    "docker-setting-kind",
    "docker-setting-removed",
    "docker-size-without-quota",
    "docker-unix-alone",
    "ec2-role",
    "ec2-role-token",
    "ecs-private-network",
    "exec-certificates-missing",
    "exec-half-set",
    "exec-half-set-later",
    "exec-noexec",
    "expected-public-pinned",
    "forward-drops-answers",
    "forward-drops-dns",
    "forward-drops-legacy",
    "forward-rejects-all",
    "forwarding-off",
    "forwarding-off-for-new-cards",
    "gateway-dead-other-alive",
    "gcp-metadata",
    "host-output-dropped",
    "hosts-only",
    "hosts-pin-blocked",
    "hosts-pin-loopback",
    "hosts-pin-stale",
    "hosts-pin-working",
    "ip6tables-legacy-barred",
    "machine-id-volatile",
    "masquerade-other-address",
    "memory-reserved",
    "namespaces-off",
    "nft-forward-drops",
    "openstack-metadata",
    "own-address-of-ecs",
    "own-input-drops",
    "own-dnat-dead",
    "own-dnat-dead-nft",
    "own-redirect-chain",
    "own-redirect-dns-dead",
    "own-snat-gone",
    "own-legacy-drops",
    "own-mangle-drops",
    "own-output-drops",
    "own-output-drops-dns",
    "own-output-drops-proxy",
    "own-output-rejects",
    "ports-not-reserved",
    "private-channels-denied",
    "private-in-hosts-file",
    "private-other-region-excluded",
    "processes-used-up",
    "proxies-differ-one-dead",
    "proxy-not-a-drop-in",
    "nsswitch-without-dns",
    "proxy-not-for-docker",
    "proxy-not-for-ecs",
    "proxy-one-pair-of-quotes",
    "proxy-percent",
    "proxy-uneven",
    "proxy-wrong-section",
    "raw-drops-containers",
    "region-in-quotes",
    "region-note",
    "region-upper",
    "region-zone",
    "rules-captured",
    "rules-missing",
    "rules-shadowed",
    "rules-shadowed-early",
    "rules-shadowed-mangle",
    "rules-shadowed-out",
    "rules-unguarded",
    "rules-volatile",
    "rules-wrong-backend",
    "search-list-first",
    "source-rule-wrong",
    "specific-route-wrong",
    "ssm-denied-addresses",
    "ssm-not-enabled",
    "ssm-other-profile",
    "ssm-other-region",
    "ssm-other-user",
    "ssm-settings-kind",
    "ssm-shares-nothing",
    "ssm-shares-nothing-yet",
    "ssm-strict-system",
    "ssm-strict-twice",
    "ssm-without-home",
    "state-read-only",
    "static-keys",
    "static-keys-environment",
    "static-keys-of-systemd",
    "storage-card-first",
    "stub-off",
    "tags-of-ec2",
    "untracked-legacy",
    "vpn-table-dead",
)
# Faults whose fix ends with a start: what has to be true for the daemon to work then.
NO_HOSTS_FLAG = "! systemctl show -p ExecStart docker | grep -q -e ' -H '"
SSM_WRITES = "printf '[default]\\naws_access_key_id = ASIA\\naws_session_token = token\\n' >> /root/.aws/credentials"
STARTED: Mapping[str, Mapping[str, str]] = {
    "agent-deregistered": {"ecs": "! test -e /var/lib/ecs/data/agent.db"},
    "bridge-gone": {"docker": "true"},
    "bridge-other-address": {"docker": "test -s /etc/NetworkManager/conf.d/docker.conf"},
    "bridge-without-address": {"docker": "true"},
    "credentials-emptied": {"ssm": SSM_WRITES, "ecs": "test -s /root/.aws/credentials"},
    "credentials-other-profile": {"ssm": SSM_WRITES, "ecs": "grep -q '^.default' /root/.aws/credentials"},
    "cluster-renamed": {
        "ecs": "grep -qx ECS_CLUSTER=plant-7 /etc/ecs/ecs.config && test -e /var/lib/ecs/data/agent.db"
    },
    "deregistered-in-ecs": {"ecs": "! test -e /var/lib/ecs/data/agent.db"},
    "docker-bridge-not-there": {"docker": "! grep -q br-tasks /etc/docker/daemon.json"},
    "docker-containerd-masked": {"docker": "! systemctl show containerd | grep -q masked"},
    "docker-directive-unknown": {"docker": "! grep -q log-drivr /etc/docker/daemon.json"},
    "docker-hosts-twice": {"docker": NO_HOSTS_FLAG},
    "docker-failed-once-stopped": {"docker": "true", "ecs": "true"},
    "docker-forwarding-not-on": {"docker": "test $(cat /proc/sys/net/ipv4/ip_forward) = 1", "ecs": "true"},
    "docker-killed": {"docker": "true", "ecs": "true"},
    "docker-socket-folder": {"docker": "! test -d /run/docker.sock", "ecs": "true"},
    "docker-start-cut": {
        "docker": "grep -q 600 /etc/systemd/system/docker.service.d/zz-start-time.conf",
        "ecs": "true",
    },
    "docker-start-dropped": {"docker": "true", "ecs": "true"},
    "docker-stopped-in-order": {"docker": "true", "ecs": "true"},
    "docker-flag-tcp-alone": {
        "docker": "systemctl show -p ExecStart docker | grep -q -e '-H unix:///var/run/docker.sock'"
    },
    "docker-on-tcp-alone": {"docker": "grep -q unix:///var/run/docker.sock /etc/docker/daemon.json"},
    "docker-rules-gone": {"docker": "true"},
    "docker-size-refused": {"docker": "! grep -q overlay2.size /etc/docker/daemon.json"},
    "docker-socket-masked": {"docker": "! systemctl show docker.socket | grep -q masked"},
    "docker-stopped": {"docker": "true", "ecs": "true"},
    "docker-two-starts": {"docker": "grep -qx ExecStart= /etc/systemd/system/docker.service.d/debug.conf"},
    "external-missing": {"ecs": "grep -qx ECS_EXTERNAL=true /var/lib/ecs/ecs.config"},
    "inotify-instances-used-up": {"ssm": "test $(cat /proc/sys/fs/inotify/max_user_instances) -gt 128"},
    "nat-gone": {"docker": "true"},
    "inotify-watches-used-up": {"ssm": "test $(cat /proc/sys/fs/inotify/max_user_watches) -gt 65536"},
    "log-driver-unknown": {"ecs": "! grep -q ^ECS.*cloudwatch /etc/ecs/ecs.config"},
    "metrics-lost": {"ecs": "true"},
    "reserved-memory-too-large": {"ecs": "! grep -q ^ECS_RESERVED_MEMORY /etc/ecs/ecs.config"},
    "ssm-not-executable": {"ssm": "test -x /usr/bin/amazon-ssm-agent"},
    "state-corrupted": {"ecs": "! test -e /var/lib/ecs/data/agent.db"},
    "state-damaged": {"ecs": "! test -e /var/lib/ecs/data/agent.db"},
    "state-of-old-agent": {"ecs": "! test -e /var/lib/ecs/data/ecs_agent_data.json"},
    "state-without-limits": {
        "ecs": "test -e /var/lib/ecs/data/agent.db && ! grep -q ^ECS_ENABLE_TASK_CPU_MEM_LIMIT /etc/ecs/ecs.config"
    },
    "state-garbage": {"ecs": "! test -e /var/lib/ecs/data/agent.db"},
    "token-expired": {"ssm": "true", "ecs": "true"},
}
# Faults whose fix shows a line to a person in an editor: what is typed there (a command of sed's).
TYPED: Mapping[str, str] = {
    "config-duplicate": "d",
    "config-json": """s/=.*/=["json-file","awslogs"]/""",
    "duration-bare": "s/$/s/",
    "region-dash": "s/useast/us-east/",
    "setting-mistyped": "s/DURATON/DURATION/",
    "settings-out-of-range": "{s/=10s/=45s/;s/50000:60000/50000-60000/}",
    "ssm-identity-without-onprem": """{n;s/"EC2"/"OnPrem"/}""",
}


def typed(command: list[str], in_editor: str = "") -> list[str]:
    """The command as root types it: without sudo, this very program, and in an editor what belongs into the line."""
    words = command[1:] if command[:1] == ["sudo"] else command
    if in_editor and words[0] == "vi":
        return ["sed", "-i", words[1].removeprefix("+") + in_editor, words[2]]
    return [*ANYWHERE, *words[1:]] if words[:1] == ["anywhere"] else words


@pytest.mark.broad
@pytest.mark.region
@pytest.mark.parametrize("name", [*PROVEN, *STARTED, *TYPED])
def test_the_fix_makes_the_cause_go_away(name: str) -> None:
    fault, region = table()[name], Region((name,))
    for daemon, works in STARTED.get(name, {}).items():
        STARTS[daemon](region.world, works)
    with region as world:
        before = judge_in(world, fault.arguments)
        for cause in before["causes"]:
            for command in cause["remedy"]["commands"] if cause["code"] in fault.causes else ():
                world.run(typed(command, TYPED.get(name, "")))
        after = judge_in(world, fault.arguments)
        for link in region.world.host.links:
            assert world.run(["test", "-L", link]).returncode == 0, f"{link} was replaced"
    assert fault.causes <= codes(before) and not fault.causes & codes(after)


def test_as_many_are_proven_as_is_claimed() -> None:
    named = (*PROVEN, *STARTED, *TYPED)
    assert len(named) == len(set(named)) >= 130 and set(named) <= set(table())


def codes(target: dict[str, Any]) -> set[str]:
    return {cause["code"] for cause in target["causes"]}
