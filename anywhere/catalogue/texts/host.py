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
        "network.own-resolver",
        "a resolver on this host hides nothing",
        "Where resolv.conf names this host itself (systemd-resolved, dnsmasq, unbound), whoever stands behind it is asked too.",
    ),
)
KERNEL_ROWS: tuple[CheckText, ...] = ()
