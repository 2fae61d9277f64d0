"""What a report says to do about a fault is what ends it: the first command, and words that must not stand there."""

from __future__ import annotations

import pytest

from tests.support.judged import judge

pytestmark = pytest.mark.region

CASES = (
    (
        "own-redirect-chain",
        "iptables-nft -t nat -I OUTPUT 1 -p tcp --dport 443 -j ACCEPT",
        "transparent proxy",
        "network team",
    ),
    (
        "own-redirect-dns-dead",
        "iptables-nft -t nat -I OUTPUT 1 -p udp --dport 53 -j ACCEPT",
        "DNS forwarder",
        "nameserver",
    ),
    ("docker-bridge-left", "ip link delete br-706c616e745f", "left over", "bip"),
    (
        "specific-route-wrong",
        "ip route del 203.0.113.0/24 via 10.74.0.1 dev eth1",
        "Take the route away",
        "routing rule",
    ),
    ("two-ssm-agents", "snap remove amazon-ssm-agent", "Keep one", "Remove the package"),
    ("two-ssm-agents-snap", "apt-get remove -y amazon-ssm-agent", "Remove the package", "snap remove"),
    ("docker-stopped-in-order", "systemctl enable --now docker", "Start Docker", "quoted"),
    ("docker-failed-once-stopped", "systemctl enable --now docker", "Start Docker", "cgroup"),
    ("containerd-failed-later", "", "Move the damaged database away", "now and at boot"),
    ("containerd-stopped-later", "systemctl enable --now containerd", "now and at boot", "quoted"),
    ("ssm-words-of-its-own", "systemctl reset-failed amazon-ssm-agent.service", "Start it", "runtime"),
    ("docker-killed", "systemctl reset-failed docker", "signal", "quoted"),
    ("docker-start-dropped", "systemctl enable --now docker", "After=", "quoted"),
    ("ecs-start-dropped", "systemctl enable --now ecs.service", "After=", "why it stopped"),
    ("docker-start-cut", "mkdir -p /etc/systemd/system/docker.service.d", "600 s", "quoted"),
    ("docker-socket-folder", "rmdir /run/docker.sock", "folder", "docker.socket"),
    ("docker-match-missing", "", "xt_addrtype", "firewalld"),
    ("docker-value-refused", "", "Correct that value", "quoted"),
    ("init-without-iptables", "apt-get install -y iptables", "Install iptables", "rules"),
    ("init-without-sysctl", "apt-get install -y procps", "Install procps", "quoted"),
    ("init-image-refused", "", "amazon-ecs-init", "managed policies"),
    ("init-image-cut", "", "amazon-ecs-init", "quoted"),
    ("init-kernel-read-only", "", "/proc/sys/net", "quoted"),
    ("init-old-container", "systemctl restart docker", "Restart docker", "quoted"),
    ("gpu-driver-upgraded", "systemctl reboot", "Reboot", "Install"),
    ("own-address-of-ecs", "ip addr del 203.0.113.10/32 dev test0", "test0", "network team"),
    ("agent-by-hand", "", "stop and remove its container", "systemctl restart ecs"),
    ("port-51678-taken", "", "before the host is registered", "systemctl restart ecs"),
    ("config-is-folder", "mv /etc/ecs/ecs.config /etc/ecs/ecs.config.folder", "folder", "root"),
    ("card-network-wide", "", "virbr0", "routing rule"),
)


@pytest.mark.parametrize(("name", "first", "said", "unsaid"), CASES)
def test_the_advice_ends_the_fault(name: str, first: str, said: str, unsaid: str) -> None:
    (cause,) = judge([name])["causes"]
    remedy = cause["remedy"]
    commands = [" ".join(command) for command in remedy["commands"]]
    assert [one.removeprefix("sudo ") for one in commands[:1]] == ([first] if first else [])
    assert said in remedy["text"]
    assert unsaid not in remedy["text"]
