"""Every known line of docker, containerd and runc is found by its row, with the names in it."""

from __future__ import annotations

import re

import pytest

from anywhere.facts.logs.journal import Said
from anywhere.facts.logs.last_words import CONTAINERD_TABLES, DOCKER_TABLES, LastWords, choose

START = "failed to start daemon: "
NET = START + "Error initializing network controller: "
FILE = "unable to configure the Docker daemon with file /etc/docker/daemon.json: "
LINES = (
    (
        "dockerd",
        "given-twice",
        FILE
        + "the following directives are specified both as a flag and in the configuration file: hosts: (from flag: "
        "[fd://], from file: [unix:///var/run/docker.sock tcp://127.0.0.1:2375])",
    ),
    (
        "dockerd",
        "unknown-directive",
        FILE + "the following directives don't match any configuration option: log-driverr",
    ),
    ("dockerd", "bad-json", FILE + "invalid character '}' looking for beginning of object key string"),
    ("dockerd", "bad-json", FILE + "EOF"),
    ("dockerd", "bad-json", FILE + "json: cannot unmarshal string into Go struct field Config.debug of type bool"),
    ("dockerd", "unknown-flag", "unknown flag: --graph"),
    ("dockerd", "unknown-flag", "Status: unknown flag: --cluster-store, Code: 125"),
    (
        "dockerd",
        "driver-removed",
        START
        + "error initializing graphdriver: [graphdriver] ERROR: the overlay storage-driver has been deprecated and "
        "removed; visit https://docs.docker.com/go/storage-driver/ for more information: overlay",
    ),
    (
        "dockerd",
        "driver-removed",
        START + "error initializing graphdriver: prior storage driver aufs failed: driver not supported",
    ),
    (
        "dockerd",
        "d-type",
        START
        + "error initializing graphdriver: overlay2: the backing xfs filesystem is formatted without d_type support, "
        "which leads to incorrect behavior.",
    ),
    (
        "dockerd",
        "two-drivers",
        START + "error initializing graphdriver: /var/lib/docker contains several valid graphdrivers: overlay2, "
        "devicemapper; Please cleanup or explicitly choose storage driver (-s <DRIVER>)",
    ),
    (
        "dockerd",
        "zone",
        NET
        + "error creating default \"bridge\" network: Failed to program NAT chain: ZONE_CONFLICT: 'docker0' already "
        "bound to 'trusted'",
    ),
    (
        "dockerd",
        "zone",
        NET
        + "Error creating default \"bridge\" network: Failed to program NAT chain: ZONE_CONFLICT: 'docker0' already "
        "bound to a zone",
    ),
    (
        "dockerd",
        "pools",
        NET
        + "list bridge addresses failed: PredefinedLocalScopeDefaultNetworks List: [172.17.0.0/16 172.18.0.0/16]: no "
        "available network",
    ),
    (
        "dockerd",
        "pools",
        NET + 'error creating default "bridge" network: could not find an available, non-overlapping IPv4 address pool '
        "among the defaults to assign to the network",
    ),
    (
        "dockerd",
        "network-conflict",
        NET + 'Error creating default "bridge" network: cannot create network fb1bef (docker0): conflicts with network '
        "2ea0f6 (docker0): networks have same bridge name",
    ),
    ("dockerd", "address-in-use", "failed to load listeners: listen tcp 0.0.0.0:2375: bind: address already in use"),
    (
        "dockerd",
        "socket",
        "failed to load listeners: no sockets found via socket activation: make sure the service was started by systemd",
    ),
    (
        "dockerd",
        "socket",
        "failed to load listeners: can't create unix socket /var/run/docker.sock: device or resource busy",
    ),
    (
        "dockerd",
        "pid-file",
        "failed to start daemon, ensure docker is not running or delete /var/run/docker.pid: process with PID 1321 "
        "is still running",
    ),
    ("dockerd", "pid-file", START + "pid file found, ensure docker is not running or delete /var/run/docker.pid"),
    ("dockerd", "containerd", "failed to start containerd: timeout waiting for containerd to start"),
    (
        "dockerd",
        "containerd",
        START + 'failed to dial "/run/containerd/containerd.sock": failed to dial "/run/containerd/containerd.sock": '
        'context deadline exceeded: connection error: desc = "transport: error while dialing: dial '
        'unix:///run/containerd/containerd.sock: timeout"',
    ),
    ("dockerd", "cgroup", START + "Devices cgroup isn't mounted"),
    (
        "dockerd",
        "locked",
        START + "error while opening volume store metadata database (/var/lib/docker/volumes/metadata.db): timeout",
    ),
    (
        "dockerd",
        "iptables-missing",
        NET
        + 'failed to register "bridge" driver: failed to find iptables: exec: "iptables": executable file not found '
        "in $PATH",
    ),
    (
        "dockerd",
        "iptables",
        NET + 'error obtaining controller instance: failed to register "bridge" driver: unable to add return rule in '
        "DOCKER-ISOLATION-STAGE-1 chain:  (iptables failed: iptables --wait -A DOCKER-ISOLATION-STAGE-1 -j RETURN: "
        "iptables v1.8.7 (nf_tables):  RULE_APPEND failed (No such file or directory): rule in chain "
        "DOCKER-ISOLATION-STAGE-1 (exit status 4))",
    ),
    (
        "dockerd",
        "iptables",
        NET + 'error creating default "bridge" network: Failed to Setup IP tables: Unable to enable SKIP DNAT rule:  '
        "(iptables failed: iptables --wait -t nat -I DOCKER -i docker0 -j RETURN: iptables: No chain/target/match "
        "by that name. (exit status 1))",
    ),
    (
        "dockerd",
        "tls",
        START
        + 'could not read CA certificate "/etc/docker/ca.pem": open /etc/docker/ca.pem: no such file or directory',
    ),
    ("dockerd", "tls", START + "Could not load X509 key pair: open /etc/docker/cert.pem: no such file"),
    ("dockerd", "runtime", START + "specified default runtime 'nvidia' does not exist"),
    ("dockerd", "runtime", FILE + "runtime name 'runc' is reserved"),
    ("dockerd", "log-driver", START + "failed to set log opts: unknown log opt 'max-sizee' for json-file log driver"),
    ("dockerd", "log-driver", START + "logger: no log driver named 'jsonfile' is registered"),
    ("dockerd", "userns", START + 'Can\'t create ID mappings: No subuid ranges found for user "dockremap"'),
    ("dockerd", "swarm", START + "--live-restore daemon configuration is incompatible with swarm mode"),
    (
        "dockerd",
        "full",
        START + "Unable to get the TempDir under /var/lib/docker: mkdir /var/lib/docker/tmp: no space left on device",
    ),
    (
        "dockerd",
        "read-only",
        START + "Unable to get the TempDir under /var/lib/docker: mkdir /var/lib/docker/tmp: read-only file system",
    ),
    ("dockerd", "folder", START + "error initializing graphdriver: mkdir /mnt/data/docker: no such file or directory"),
    ("systemd", "timeout", "docker.service: start-pre operation timed out. Terminating."),
    ("systemd", "exec", "docker.service: Failed at step EXEC spawning /usr/bin/dockerd: No such file or directory"),
    (
        "systemd",
        "two-starts",
        "docker.service: Service has more than one ExecStart= setting, which is only allowed for Type=oneshot "
        "services. Refusing.",
    ),
    (
        "containerd",
        "containerd-config",
        "containerd: failed to load TOML: /etc/containerd/config.toml: (3, 1): parsing error: keys cannot contain { "
        "character",
    ),
    ("containerd", "containerd-config", 'containerd: invalid disabled plugin URI "cri" expect io.containerd.x.vx'),
    (
        "dockerd",
        "bip",
        'failed to create default "bridge" network: failed to allocate gateway (172.26.0.0): Address already in use',
    ),
    ("dockerd", "bip", NET + 'error creating default "bridge" network: invalid CIDR address: 10.200.0.1'),
    ("dockerd", "damaged", "panic: freepages: failed to get all reachable pages (page 1077: multiple references)"),
    ("dockerd", "driver-unsupported", START + "error initializing graphdriver: driver not supported"),
    ("dockerd", "bip", FILE + "failed to parse default-address-pools pool spec: ..."),
    (
        "dockerd",
        "modules",
        NET + "cannot restrict inter-container communication or run without the userland proxy: stat "
        "/proc/sys/net/bridge/bridge-nf-call-iptables: no such file or directory: set environment variable "
        "DOCKER_IGNORE_BR_NETFILTER_ERROR=1 to ignore",
    ),
    (
        "dockerd",
        "without-ipv6",
        NET + 'error creating default "bridge" network: failed to set IPv6 sysctl: open '
        "/proc/sys/net/ipv6/conf/docker0/disable_ipv6: no such file or directory",
    ),
    (
        "dockerd",
        "ipset",
        NET + 'error obtaining controller instance: failed to register "bridge" driver: invalid argument',
    ),
    (
        "dockerd",
        "nf-tables",
        NET
        + "error obtaining controller instance: failed to create NAT chain DOCKER: iptables failed: iptables -t nat -N DOCKER: "
        "iptables/1.8.7 Failed to initialize nft: Protocol not supported",
    ),
    (
        "dockerd",
        "legacy-tables",
        NET
        + 'failed to register "bridge" driver: failed to create NAT chain DOCKER: iptables failed: iptables --wait -t nat -N '
        "DOCKER: iptables v1.8.10 (legacy): can't initialize iptables table `nat': Table does not exist (do you need to "
        "insmod?)",
    ),
    ("dockerd", "modules", NET + 'Error creating default "bridge" network: package not installed'),
    (
        "dockerd",
        "pools-ipv6",
        NET
        + 'Error creating default "bridge" network: could not find an available, non-overlapping IPv6 address pool among '
        "the defaults to assign to the network",
    ),
    ("dockerd", "settings-denied", FILE + "open /etc/docker/daemon.json: permission denied"),
    (
        "containerd",
        "libraries",
        "/usr/bin/containerd: symbol lookup error: /usr/bin/containerd: undefined symbol: seccomp_api_set",
    ),
    (
        "dockerd",
        "libraries",
        "/usr/bin/dockerd: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /usr/bin/dockerd)",
    ),
    ("docker", "old-command", "`docker daemon` is not supported on Linux. Please run `dockerd` directly"),
    ("dockerd", "caps", "unable to start container process: unable to apply caps: operation not permitted: unknown"),
    (
        "dockerd",
        "apparmor-confined",
        "AppArmor enabled on system but the docker-default profile could not be loaded: Permission denied; attempted to load a "
        "profile while confined?",
    ),
    (
        "dockerd",
        "apparmor-denied",
        "apparmor failed to apply profile: write /proc/thread-self/attr/apparmor/exec: permission denied",
    ),
    ("dockerd", "crash", "panic: runtime error: invalid memory address or nil pointer dereference"),
)


@pytest.mark.parametrize(
    ("who", "kind", "line"), LINES, ids=[f"{kind}-{place}" for place, (_, kind, _) in enumerate(LINES)]
)
def test_a_line_has_its_row(who: str, kind: str, line: str) -> None:
    known = choose(CONTAINERD_TABLES if who == "containerd" else DOCKER_TABLES, [Said(who, line)]).known
    assert known is not None
    assert known.row.kind == kind
    assert not re.search(r"{\w+}", known.says + known.fix)
    assert all("{" not in word for command in known.commands for word in command)


def test_what_a_daemon_calls_harmless_is_no_reason() -> None:
    lines = [Said("dockerd", 'time="2026-11-29T08:00:00Z" level=warning msg="overlay2: no space left on device"')]
    assert choose(DOCKER_TABLES, lines).known is None


def test_systemds_words_alone_are_no_reason() -> None:
    assert choose(DOCKER_TABLES, [Said("systemd", "docker.service: Failed with result 'exit-code'.")]) == LastWords()


def test_the_first_line_of_one_error_is_quoted() -> None:
    first = (
        "failed to create NAT chain DOCKER: modprobe: FATAL: Module ip_tables not found in directory /lib/modules/6.1.0"
    )
    found = choose(
        DOCKER_TABLES, [Said("dockerd", first, "7"), Said("dockerd", "Perhaps iptables or your kernel", "7")]
    )
    assert found.line == first


def test_a_line_that_no_table_knows_is_quoted() -> None:
    lines = [
        Said("dockerd", "failed to start daemon: out of cheese"),
        Said("dockerd", "Processing signal 'terminated'"),
    ]
    assert choose(DOCKER_TABLES, lines).line == "failed to start daemon: out of cheese"


def test_a_right_that_is_missing_is_no_missing_module() -> None:
    """libiptc ends each error with a guess about the kernel; the reason is in the line before."""
    first = "iptables v1.8.7 (legacy): can't initialize iptables table `nat': Permission denied (you must be root)"
    guess = "Perhaps iptables or your kernel needs to be upgraded."
    found = choose(DOCKER_TABLES, [Said("dockerd", NET + first, "7"), Said("dockerd", guess, "7")])
    assert found.known is not None
    assert found.known.row.kind == "iptables-denied"
