"""Whether every check that decides could look: what only root may see is not known, and never a pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.checks.base import Check, check, is_hidden, passed, skipped
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

ID, SUBJECT, CODE = "system.permission", "root", "host.permission"


@check(ID)
def permission(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    inventory = host.inventory()
    if inventory.is_root:
        yield passed(ID, SUBJECT, "running as root: all checks can run")
    elif not inventory.refused:
        yield skipped(ID, SUBJECT, "not running as root", because="needs root")
    else:
        yield Finding(
            ID,
            Status.ERROR,
            SUBJECT,
            f"sudo is refused: {inventory.refused}",
            evidence={"refused": inventory.refused},
            remedy=Remedy(
                "Allow this user to run sudo without a password (a file in /etc/sudoers.d), give the password "
                "with --ask-become-pass, or log in as root.",
                (("sudo", "visudo", "-f", "/etc/sudoers.d/anywhere"),),
            ),
            cause=CODE,
        )


def weighed(findings: Sequence[Finding], host: Host, settings: Settings) -> tuple[Finding, ...]:
    """The findings of a run, in which `system.permission` is an error where a check that decides could not look.

    That also holds where the check itself was not chosen: hidden faults must not add up to a pass.
    """
    hidden = [finding for finding in findings if is_hidden(finding)]
    if not hidden or host.inventory().is_root or any(finding.cause == CODE for finding in findings):
        return tuple(findings)
    verdict = _hidden(hidden, host, settings)
    others = [finding for finding in findings if finding.check != ID]
    place = next((place for place, finding in enumerate(findings) if finding.check == ID), len(others))
    return (*others[:place], verdict, *others[place:])


def _hidden(hidden: Sequence[Finding], host: Host, settings: Settings) -> Finding:
    checks = tuple(dict.fromkeys(finding.check for finding in hidden))
    count = "1 check needs root" if len(checks) == 1 else f"{len(checks)} checks need root"
    return Finding(
        ID,
        Status.ERROR,
        SUBJECT,
        f"{count}: {', '.join(checks)}",
        evidence={"checks": list(checks)},
        remedy=Remedy("Run the check again as root.", (_again(settings),)),
        cause=CODE,
    )


def _again(settings: Settings) -> tuple[str, ...]:
    """The same check, as root."""
    words: list[str] = []
    for option, values in (
        ("--region", settings.regions),
        ("--with", sorted(settings.features)),
        ("--phase", settings.phases),
        ("--only", settings.only),
        ("--skip", settings.skip),
        ("--demote", settings.demote),
    ):
        words += [option, ",".join(values)] if values else []
    words += [word for issuer in settings.accepted_issuers for word in ("--accept-issuer", issuer)]
    return ("sudo", "anywhere", "check", *words)


CHECKS: tuple[Check, ...] = (permission,)
