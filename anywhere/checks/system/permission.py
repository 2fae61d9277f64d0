"""Whether what needs root could be seen at all."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import Check, check, passed, skipped
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings


@check("system.permission")
def permission(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    inventory = host.inventory()
    if inventory.is_root:
        yield passed("system.permission", "root", "what only root sees is seen")
    elif not inventory.refused:
        yield skipped("system.permission", "root", "not root: what only root sees is left out", because="needs root")
    else:
        yield Finding(
            "system.permission",
            Status.ERROR,
            "root",
            f"what only root sees is hidden: {inventory.refused}",
            evidence={"refused": inventory.refused},
            remedy=Remedy(
                "Let this user run commands by sudo without a password (a file in /etc/sudoers.d), give the password "
                "with --ask-become-pass, or log in as root.",
                (("sudo", "visudo", "-f", "/etc/sudoers.d/anywhere"),),
            ),
            cause="host.permission",
        )


CHECKS: tuple[Check, ...] = (permission,)
