"""The machine itself: release, architecture, kernel, init."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anywhere.catalogue.distros import CHECKED, Judgement, Listing, OsRelease, is_immutable, judge_release
from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.facts.agents.agents import agents
from anywhere.facts.agents.docker import docker
from anywhere.facts.system.machine import (
    architecture,
    init_name,
    is_systemd,
    is_wsl_1,
    kernel_version,
    parse_version,
    today,
    virtualization,
)
from anywhere.facts.system.os_release import os_release
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

MACHINES = ("x86_64", "aarch64")
DOCKER_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "arm": "arm", "386": "i386"}
OLDEST_KERNEL = (3, 10)

_OS_TEXT = {
    "os.unsupported": (Status.FAIL, "cannot run the agents", "move to a release that AWS lists"),
    "os.known-broken": (Status.FAIL, "is known not to work", "move to a release that AWS lists"),
    "os.end-of-life": (Status.WARN, "gets no more free updates since {ends}", "plan the upgrade to a newer release"),
    "os.unlisted": (Status.WARN, "is not on AWS's list", "it may work; AWS does not support it: try one host first"),
    "os.unknown": (Status.WARN, "is not known here", "compare /etc/os-release with AWS's list of supported releases"),
}

_GUEST_NAMES = {"wsl": "WSL 2", "openvz": "OpenVZ"}
_GUESTS = {
    "WSL 1": (
        Status.FAIL,
        "os.unsupported",
        "runs in WSL 1, which has no Linux kernel: no control groups, no packet filter, no container",
        "Use a Linux server or virtual machine. WSL 2 (in Windows: wsl --set-version NAME 2) serves for trials only.",
    ),
    "WSL 2": (
        Status.WARN,
        "os.unlisted",
        "runs in WSL 2, which AWS does not list: Windows stops it when nobody uses it, and its clock stops while Windows "
        "hibernates",
        "Use it for trials only; run the agents on a Linux server or virtual machine.",
    ),
    "OpenVZ": (
        Status.WARN,
        "os.unlisted",
        "is a container of OpenVZ, which AWS does not list: the kernel, its modules and its limits are the provider's",
        "Ask the provider to allow Docker for this container (bridge and netfilter features, overlay), or use a virtual "
        "machine (KVM).",
    ),
}


@check("system.os")
def os_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    release = os_release(host)
    judgement = judge_release(release, today(host.inventory().now))
    if _is_only_immutable(release, judgement) and agents(host).has_ecs:
        # Its image holds the agent, or a layer of its own does.
        judgement = replace(judgement, codes=("os.unlisted",))
    subject = release.name or " ".join(filter(None, (release.id, release.version))) or "operating system"
    if not judgement.codes:
        yield passed("system.os", subject, f"{subject} is on AWS's list", **_os_evidence(release, judgement))
    for code in judgement.codes:
        yield _os_trouble(subject, code, release, judgement)
    yield from _guest(host, subject)


def _guest(host: Host, subject: str) -> Iterator[Finding]:
    """Machines inside others whose kernel is not theirs, and which AWS lists for no release. LXC is judged by what runs."""
    kind = virtualization(host)
    name = "WSL 1" if kind == "wsl" and is_wsl_1(host) else _GUEST_NAMES.get(kind, "")
    if name:
        status, cause, says, fix = _GUESTS[name]
        yield trouble("system.os", status, name, f"{subject} {says}", cause=cause, remedy=Remedy(fix))


def _os_trouble(subject: str, code: str, release: OsRelease, judgement: Judgement) -> Finding:
    status, said, fix = _OS_TEXT[code]
    row = judgement.release
    said = said.format(ends=row.ends if row else "")
    if code == "os.known-broken" and release.image_based:
        fix += ", or build Docker and both agents' packages into the image"
    return trouble(
        "system.os",
        status,
        subject,
        f"{subject} {said}{_os_note(code, release, judgement)}",
        cause=code,
        remedy=Remedy(fix[0].upper() + fix[1:] + "."),
        evidence=_os_evidence(release, judgement),
    )


def _os_note(code: str, release: OsRelease, judgement: Judgement) -> str:
    row = judgement.release
    if code == "os.known-broken" and _is_only_immutable(release, judgement):
        return ": its root is read-only, so the installer's packages cannot be put on it"
    if judgement.derived:
        return f"; it derives from {' '.join(release.like)}{f' ({row.note})' if row and row.note else ''}"
    return f": {row.note}" if row and row.note and code != "os.end-of-life" else ""


def _is_only_immutable(release: OsRelease, judgement: Judgement) -> bool:
    row = judgement.release
    return is_immutable(release) and not (row and row.listing in (Listing.BROKEN, Listing.UNSUPPORTED))


def _os_evidence(release: OsRelease, judgement: Judgement) -> dict[str, str]:
    row = judgement.release
    said = {"id": release.id, "version": release.version, "id_like": " ".join(release.like), "checked": CHECKED}
    if row:
        said |= {"listing": row.listing, "ends": row.ends, "source": row.source, "note": row.note}
    return {name: value for name, value in said.items() if value}


@check("system.arch")
def arch_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    found = architecture(host)
    if not found.kernel:
        yield skipped("system.arch", "kernel", "the architecture could not be read", because="uname did not answer")
        return
    if found.kernel not in MACHINES:
        yield trouble(
            "system.arch",
            Status.FAIL,
            found.kernel,
            f"the agents exist for {' and '.join(MACHINES)} only, not for {found.kernel}",
            cause="arch.unsupported",
            remedy=Remedy(_other_image(found.kernel)),
        )
        return
    mixed = [
        (part, said)
        for part, said in (("programs", _userland(found.userland, found.bits)), ("docker", _docker_machine(host)))
        if said and said != found.kernel
    ]
    for part, said in mixed:
        yield trouble(
            "system.arch",
            Status.FAIL,
            part,
            f"the kernel is {found.kernel}, but {part} on this host are {said}",
            cause="arch.userland-mismatch",
            remedy=Remedy(f"Install a wholly 64-bit system image for {found.kernel}; the agents' packages are 64-bit."),
            evidence={"kernel": found.kernel, "userland": found.userland, "bits": found.bits},
        )
    if not mixed:
        yield passed("system.arch", found.kernel, f"{found.kernel}, kernel and programs", bits=found.bits)


def _userland(machine: str, bits: int) -> str:
    """What the programs are, where that differs from a 64-bit build of `machine`; empty where it is not known."""
    return f"32-bit {machine}".strip() if bits == 32 else machine


def _docker_machine(host: Host) -> str:
    arch = docker(host).version.arch
    return DOCKER_MACHINES.get(arch, arch)


def _other_image(machine: str) -> str:
    if machine.startswith("arm"):
        return (
            "Flash the 64-bit (arm64) image if the board has a 64-bit processor; ARMv6 and ARMv7 boards cannot run it."
        )
    return "Use a machine with a 64-bit x86 or Arm processor, with a 64-bit system on it."


@check("system.kernel")
def kernel_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    text = kernel_version(host)
    version = parse_version(text)
    if not version:
        yield skipped("system.kernel", "kernel", "the kernel's version could not be read")
    elif version < OLDEST_KERNEL:
        yield trouble(
            "system.kernel",
            Status.FAIL,
            text,
            f"kernel {text} is older than 3.10, the oldest that ECS works with",
            cause="kernel.too-old",
            remedy=Remedy("Upgrade the operating system to a release with a newer kernel."),
        )
    else:
        yield passed("system.kernel", text, f"kernel {text}")


@check("system.init")
def init_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    found, name = is_systemd(host), init_name(host)
    if found is None:
        yield skipped("system.init", "init", "it could not be seen whether systemd runs")
    elif found:
        yield passed("system.init", "systemd", "systemd runs the host")
    else:
        yield trouble(
            "system.init",
            Status.FAIL,
            name or "init",
            f"process 1 is {name or 'unknown'}, not systemd: the agents' services cannot be started",
            cause="init.not-systemd",
            remedy=_init_remedy(host),
            evidence={"init": name, "virtualization": virtualization(host)},
        )


def _init_remedy(host: Host) -> Remedy:
    if virtualization(host) == "wsl":
        return Remedy("Put systemd=true under [boot] in /etc/wsl.conf and restart WSL (wsl --shutdown).")
    return Remedy("Use a system that boots with systemd; inside a container, run the agents on the machine below it.")


CHECKS: tuple[Check, ...] = (os_check, arch_check, kernel_check, init_check)
