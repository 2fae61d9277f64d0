"""The texts of the causes in the host's network rules."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

_INIT = "amazon-ecs-agent: ecs-init/exec/iptables/iptables.go, ecs-init/exec/sysctl/sysctl.go"
_ROLES = "AWS: IAM roles for tasks, additional configuration for hosts outside the ECS-optimized AMI"

NETFILTER_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "rules.missing",
        "fail",
        "Rules for task credentials are missing",
        "Containers ask 169.254.170.2 for the credentials of their task. Two nat rules send that to the agent on "
        "127.0.0.1:51679, and route_localnet lets it in. Without them tasks start and then fail at their first call to AWS.",
        "iptables-save of both backends and nft are read; the rules that ecs-init sets count, whoever set them.",
        "Run `anywhere rules apply`. `systemctl restart ecs` sets them too, until something flushes them again.",
        _ROLES,
    ),
    CauseText(
        "rules.duplicate",
        "warn",
        "Rules are there more than once",
        "ecs-init adds its rules blindly at each start and removes one set at each stop, so crashes leave copies. They do "
        "no harm by themselves, but one stop then leaves rules behind while route_localnet is already off.",
        "The copies of each rule are counted, ours apart from others. One of each is expected.",
        "Restart the ecs service once for each surplus set. `anywhere rules apply` removes surplus copies of our own, "
        "never those of others.",
        _INIT,
    ),
    CauseText(
        "rules.wrong-backend",
        "fail",
        "Rules sit in the backend that docker does not use",
        "iptables-nft and iptables-legacy keep separate tables. docker and ecs-init call `iptables`, whatever that is at "
        "the moment; after a change of the alternative, or in a container with another iptables, rules land beside docker's.",
        "Both backends are read; docker's is the one that has its DOCKER chain.",
        "Run `anywhere rules apply`, make the alternatives agree, then restart docker and ecs.",
        _INIT,
    ),
    CauseText(
        "rules.shadowed",
        "fail",
        "A rule blocks task credentials",
        "The rules are there, but a request never reaches the agent: INPUT drops it, another rule takes it first, reverse "
        "path filtering refuses it, or a route for 169.254.0.0/16 leads elsewhere.",
        "A container's and the host's request are followed through every table, and `anywhere rules verify` sends real ones.",
        "The finding names the hop. For INPUT of iptables `anywhere rules apply` adds the one accept that is needed.",
        "aws/amazon-ecs-agent issue 2877",
    ),
    CauseText(
        "rules.ip6tables-fails",
        "fail or warn",
        "ip6tables does not work, and the kernel has IPv6",
        "ecs-init closes its introspection port to neighbours in IPv6 too wherever /proc/sys/net/ipv6 exists. An error of "
        "ip6tables ends it, and the agent never starts; without the program it only warns.",
        "ip6tables-save of the backend that `iptables` speaks is run; it fails although the kernel has IPv6.",
        "Give the kernel the module back, or boot with ipv6.disable=1.",
        _INIT,
    ),
    CauseText(
        "rules.volatile",
        "warn",
        "Rules will not outlive the next reload",
        "A firewall manager is active, and a reload of it takes the rules away. Only a start of the ecs service would set "
        "them again; until then tasks get no credentials, and the guards are gone too. `anywhere check` warns, `anywhere rules "
        "verify` fails on it.",
        "systemd is asked for firewalld, ufw, nftables and others, and for what would restore the rules.",
        "Run `anywhere rules apply`: its guard puts the rules back within seconds, and at boot before the network is up.",
        _INIT,
    ),
    CauseText(
        "rules.unguarded",
        "fail",
        "Neighbours can reach the loopback or the introspection port",
        "With route_localnet = 1 a neighbour on the network can send packets to 127.0.0.1 of this host, and reach services "
        "that trust the loopback. Port 51678 of the agent listens on all addresses and reports all tasks.",
        "A neighbour's packet is followed through INPUT of every backend; the first thing that decides must be a drop.",
        "Run `anywhere rules apply`. On a host that needs no task credentials, set route_localnet back to 0.",
        "CVE-2020-8558; " + _INIT,
    ),
)
