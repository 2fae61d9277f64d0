"""The settings of daemon.json: what each holds, and in which release of Docker it went. A dated table.

Sources: moby daemon/config/config.go and config_linux.go (JSON tags), opts; docker/cli docs/deprecated.md.
"""

from __future__ import annotations

from collections.abc import Mapping

DATED = "2026-11-29"
_SWITCHES = (
    *(
        "debug",
        "experimental",
        "icc",
        "init",
        "ip-forward",
        "ip-forward-no-drop",
        "ip-masq",
        "ip6tables",
        "iptables",
        "ipv6",
    ),
    *(
        "live-restore",
        "no-new-privileges",
        "raw-logs",
        "selinux-enabled",
        "tls",
        "tlsverify",
        "userland-proxy",
        "rootless",
    ),
    "allow-direct-routing",
)
_TEXTS = (
    *("bip", "bip6", "bridge", "bridge-accept-fwmark", "cgroup-parent", "containerd", "containerd-namespace"),
    *("containerd-plugin-namespace", "data-root", "default-cgroupns-mode", "default-gateway", "default-gateway-v6"),
    *("default-ipc-mode", "default-runtime", "default-shm-size", "exec-root", "firewall-backend", "fixed-cidr"),
    *("fixed-cidr-v6", "group", "host-gateway-ip", "init-path", "ip", "log-driver", "log-format", "log-level"),
    *(
        "metrics-addr",
        "min-api-version",
        "pidfile",
        "seccomp-profile",
        "storage-driver",
        "swarm-default-advertise-addr",
    ),
    *(
        "tlscacert",
        "tlscert",
        "tlskey",
        "userland-proxy-path",
        "userns-remap",
        "graph",
        "api-cors-header",
        "cluster-store",
    ),
    *("cluster-advertise", "deprecated-key-path", "http-proxy", "https-proxy", "no-proxy"),
)
_LISTS = (
    *("allow-nondistributable-artifacts", "authorization-plugins", "cdi-spec-dirs", "default-address-pools", "dns"),
    *("dns-opts", "dns-search", "exec-opts", "hosts", "host-gateway-ips", "insecure-registries", "labels"),
    *("node-generic-resources", "registry-mirrors", "storage-opts"),
)
_OBJECTS = (
    *(
        "builder",
        "cluster-store-opts",
        "default-network-opts",
        "default-ulimits",
        "features",
        "log-opts",
        "proxies",
        "runtimes",
    ),
    "nri-opts",
)
_NUMBERS = (
    *(
        "cpu-rt-period",
        "cpu-rt-runtime",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "mtu",
    ),
    *("network-control-plane-mtu", "oom-score-adjust", "shutdown-timeout"),
)
KINDS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    **dict.fromkeys(_SWITCHES, ("true or false", (bool,))),
    **dict.fromkeys(_TEXTS, ("a text in quotes", (str,))),
    **dict.fromkeys(_LISTS, ("a list", (list,))),
    **dict.fromkeys(_OBJECTS, ("an object", (dict,))),
    **dict.fromkeys(_NUMBERS, ("a number", (int,))),
    "default-shm-size": ("a size", (str, int)),
}

# The release that took a setting away (dockerd ends where it stands in daemon.json), and what to write instead.
REMOVED: Mapping[str, tuple[tuple[int, ...], str]] = {
    "graph": ((23,), "write data-root"),
    "cluster-store": ((23,), "take it out: classic swarm is gone"),
    "cluster-advertise": ((23,), "take it out: classic swarm is gone"),
    "cluster-store-opts": ((23,), "take it out: classic swarm is gone"),
    "disable-legacy-registry": ((19, 3), "take it out"),
    "oom-score-adjust": ((26,), "write OOMScoreAdjust= into docker's unit"),
}
# The same for storage and log drivers.
DRIVERS_REMOVED: Mapping[str, tuple[int, ...]] = {"aufs": (24,), "overlay": (24,), "devicemapper": (25,)}
LOGS_REMOVED: Mapping[str, tuple[int, ...]] = {"logentries": (25,)}
LOG_DRIVERS = (
    *("awslogs", "etwlogs", "fluentd", "gcplogs", "gelf", "journald", "json-file", "local", "none", "splunk", "syslog"),
)


def wrong_kind(name: str, value: object) -> str:
    """What a setting needs where its value is of another kind; empty for one that is right or not in the table."""
    known = KINDS.get(name)
    if known is None or (isinstance(value, known[1]) and not (known[1] == (int,) and isinstance(value, bool))):
        return ""
    return known[0]


def near_names(name: str) -> tuple[str, ...]:
    """The known settings that a name looks like, the nearest first; none for a name that is one, or like none."""
    from difflib import get_close_matches

    if name in KINDS or name in REMOVED:
        return ()
    given = name[:80].replace("_", "-").lower()
    return (given,) if given in KINDS else tuple(get_close_matches(given, KINDS, 3, 0.8))
