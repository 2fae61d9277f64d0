"""What is looked at of the host's own routes, resolver and kernel."""

from __future__ import annotations

from anywhere.catalogue.texts.base import CheckText

OWN_ROWS: tuple[CheckText, ...] = (
    CheckText(
        "network.own-routes",
        "no other route of this host would do better",
        "For every address that gave no answer, the other cards, gateways and tables of this host are tried.",
    ),
    CheckText(
        "network.own-link",
        "nothing below this host's routes stops or slows the agents",
        "For what is silent, slow or lost: IPsec policies, a card's MTU, ARP entries set by hand, traffic shaping (tc).",
    ),
    CheckText(
        "network.own-resolver",
        "a resolver on this host hides nothing",
        "Where resolv.conf names this host itself (systemd-resolved, dnsmasq, unbound), the nameservers behind it are "
        "queried too.",
    ),
    CheckText(
        "network.client-ports",
        "ports for outgoing connections",
        "The kernel's range less the reserved ports: a warning below 1024, a failure where a connection found none left.",
    ),
)
KERNEL_ROWS: tuple[CheckText, ...] = (
    CheckText(
        "system.mounts",
        "file systems that agents and docker can use",
        "Read-only, noexec (with --with exec), or overlay without d_type, for every folder that they write to or start from.",
    ),
    CheckText(
        "system.kernel-limits",
        "limits of the kernel",
        "Connection table, open files, processes, the ARP table, and inotify where an agent says that it gave out.",
    ),
    CheckText(
        "system.kernel-modules",
        "modules that docker needs can be loaded",
        "After an upgrade the running kernel's modules may be gone until a reboot; modprobe may be configured to load none.",
    ),
    CheckText(
        "system.kernel-log",
        "what the kernel did to the agents",
        "Kills for want of memory, and denials of AppArmor and SELinux, of the agents' and docker's own processes.",
    ),
)
