"""What dockerd writes before it ends for want of its network: kernel, packet filter, ranges. Sources: moby libnetwork; the
issues named in the rows."""

from __future__ import annotations

from anywhere.catalogue.daemon_lines.base import DaemonLine

NETWORK_LINES: tuple[DaemonLine, ...] = (
    DaemonLine(
        "without-ipv6",
        r"ip6tables.{0,300}Address family not supported by protocol|open /proc/sys/net/ipv6/\S+: no such file",
        "it sets up IPv6, and the running kernel has none (ipv6.disable=1 at boot, or it was built without)",
        'Write `"ip6tables": false` into /etc/docker/daemon.json, update Docker to 28.0.1 or later, which starts without IPv6, '
        "or boot with IPv6.",
        "moby#49504, moby#49525 (28.0.1)",
    ),
    DaemonLine(
        "ipset",
        r"creating ipset \S+: invalid|failed to register \"bridge\" driver: invalid argument|--match-set docker-ext-bridges",
        "Docker 28.0.0 ends like this where the kernel lacks a module of ipset (ip_set, ip_set_hash_net, xt_set)",
        "Update Docker to 28.0.1 or later, which does not need these modules, or go back to 27.",
        "moby#49505, moby#49530 (28.0.1)",
    ),
    DaemonLine(
        "nf-tables",
        r"Failed to initialize nft: Protocol not supported",
        "iptables speaks nf_tables, which the running kernel does not have",
        "Where the kernel was upgraded, reboot: the modules of the running kernel are gone. A kernel that is built without "
        "nf_tables needs legacy iptables (Debian, Ubuntu: `update-alternatives --set iptables /usr/sbin/iptables-legacy`, and "
        "the same for ip6tables).",
        "DietPi#3126, ansible-role-docker_arm#34, rk3568-kernel5.10-alldrivers#2",
    ),
    DaemonLine(
        "legacy-tables",
        r"\(legacy\): can't initialize ip6?tables table .*Table does not exist",
        "it uses legacy iptables, and the running kernel has no tables for that",
        "Where the kernel was upgraded, reboot: the modules of the running kernel are gone. A kernel built with "
        "nf_tables alone (Linux 7.0, and those of many boards) needs the other backend (Debian, Ubuntu: "
        "`update-alternatives --set iptables /usr/sbin/iptables-nft`, and the same for ip6tables); one with neither needs its "
        "modules (kernel-modules-extra on EL, "
        "linux-modules-extra on Ubuntu).",
        "Actions-bbr-v3#30, x13s-alarm#18, docker/for-linux#1437",
    ),
    DaemonLine(
        "modules",
        r"Module (?P<module>\S+) not found in directory (?P<folder>/lib/modules/\S+)|"
        r"do you need to insmod\?|modprobe: FATAL|"
        r"creating default \"bridge\" network: (?:package not installed|operation not supported)|"
        r"br_netfilter kernel module is loaded|/bridge-nf-call-ip6?tables: no such file",
        "the kernel loads no module for it {module} {folder}",
        "Where the kernel was upgraded, reboot: the modules of the running kernel are gone. Otherwise install the "
        "missing module (kernel-modules-extra on EL, linux-modules-extra on Ubuntu), or take it off the blacklist.",
        "moby libnetwork/iptables; DietPi#3126, docker/for-linux#598",
    ),
    DaemonLine(
        "match",
        r"Extension (?P<match>\w+) revision \d+ not supported, missing kernel module",
        "the kernel has no module for a match that its rules need (xt_{match})",
        "Install the package with the modules that the kernel's own lacks, load xt_{match}, then start docker. Where the "
        "repository no longer has that package for the running kernel, upgrade the kernel with it and reboot.",
        "docker-ce-packaging#1340, docker/for-linux#1559",
    ),
    DaemonLine(
        "forwarding",
        r"IPv(?P<version>[46]) forwarding is disabled: check your host's firewalling",
        "IPv{version} forwarding is off, and with its nftables backend docker does not switch it on",
        "Switch forwarding on, now and at boot, and see that the host's own rules forward nothing else.",
        "moby#50646 (daemon/libnetwork/drivers/bridge/setup_ip_forwarding.go)",
    ),
    DaemonLine(
        "zone",
        r"ZONE_CONFLICT: '?(?P<card>[\w.-]+)'? already bound to (?:'(?P<zone>[^']*)'|a zone)",
        "firewalld has {card} in a zone of the site {zone}, and docker needs it in its own",
        "Take {card} out of that zone: firewalld then lets docker bind it to the zone docker.",
        "moby libnetwork/iptables/firewalld.go; moby#42801",
        (
            ("firewall-cmd", "--permanent", "--zone={zone}", "--remove-interface={card}"),
            ("firewall-cmd", "--reload"),
        ),
        ready=True,
    ),
    DaemonLine(
        "firewalld",
        r"(?:INVALID_ZONE|COMMAND_FAILED|firewalld).{0,120}(?:docker|zone|iptables)|Failed to "
        r"(?:add|setup).{0,40}firewalld",
        "firewalld refuses what docker asks for",
        "Reload firewalld, then start docker: `firewall-cmd --check-config` names what is wrong in its files.",
        "moby libnetwork/iptables/firewalld.go",
        (("firewall-cmd", "--reload"),),
        ready=True,
    ),
    DaemonLine(
        "iptables-missing",
        r'failed to find (?P<program>ip6?tables)|exec: "(?P<name>ip6?tables|nft)": executable file not found',
        "{program}{name} is not installed, or not in the PATH of its unit",
        "Install the package iptables.",
        "moby libnetwork/iptables/iptables.go",
        ready=True,
    ),
    DaemonLine(
        "iptables-denied",
        r"(?:ip\w*tables|nf_tables).{0,160}(?:Permission denied|Operation not permitted|you must be root)",
        "it may not set rules: this host is a container without rights over its network",
        "Give this container nesting and net_admin (LXC: features nesting=1, privileged), or use a virtual machine.",
        "moby libnetwork/iptables",
    ),
    DaemonLine(
        "iptables",
        r"(?:ip6?tables failed|Failed to Setup IP tables|failed to "
        r"(?:create|add|append|setup|insert).{0,40}(?:chain|rule|iptables)"
        r"|failed to register \"bridge\" driver).{0,200}?(?P<why>No chain/target/match|Protocol wrong type|"
        r"[Ii]ncompatible|Another app is currently holding|Bad rule|Invalid argument|exit status \d|\Z)",
        "the packet filter refuses docker's rules ({why})",
        "Use one iptables backend for the host (`update-alternatives --config iptables` on Debian), see what holds the "
        "xtables lock, and start docker after the firewall.",
        "moby libnetwork/drivers/bridge/setup_ip_tables_linux.go",
    ),
    DaemonLine(
        "pools-ipv6",
        r"could not find an available, non-overlapping IPv6 address pool",
        "IPv6 is on for its bridge, and no IPv6 range is set for it",
        'Name a range in /etc/docker/daemon.json (`"fixed-cidr-v6": "fd00:a1b2:c3d4::/64"`, one that this site does not use), '
        "or take `ipv6` out.",
        "docker/for-linux#829, moby#29443",
    ),
    DaemonLine(
        "pools",
        r"could not find an available, non-overlapping IPv4 address pool|all predefined address pools have been "
        r"fully subnetted|PredefinedLocalScopeDefaultNetworks.*no available network",
        "it finds no free range for a network: the host's own routes cover all of its pools",
        'Name a free range in /etc/docker/daemon.json: `"bip": "10.200.0.1/24", "default-address-pools": [{{"base": '
        '"10.201.0.0/16", "size": 24}}]`, with ranges that this site does not use.',
        "moby libnetwork/ipamutils",
    ),
    DaemonLine(
        "bip",
        r"(?:invalid (?:CIDR|bip|IP).{0,80}|failed to allocate gateway \((?P<gateway>[^)]*)\).*|bad "
        r"parameter.*(?:bip|fixed-cidr).*|"
        r"(?:bip|fixed-cidr|default-address-pool).{0,80}(?:invalid|parse|subset|conflict).*|"
        r"failed to parse default-address-pools.*)",
        "an address or a range in daemon.json is not one that a bridge can have {gateway}",
        "`bip` takes an address of the bridge with its prefix (10.200.0.1/24, not 10.200.0.0/24), `fixed-cidr` a "
        "range within it.",
        "moby libnetwork/drivers/bridge",
    ),
    DaemonLine(
        "network-conflict",
        r"conflicts with (?:existing )?network|networks have (?:same bridge name|overlapping)|overlaps with "
        r"(?:other|existing)",
        "a bridge or range of its networks is in use already",
        "Remove the network or bridge that is in the way (`ip link delete NAME` for a bridge without a member), or "
        "give docker another range by `bip`.",
        "moby libnetwork/drivers/bridge/bridge_linux.go",
    ),
)
