"""Which operating systems run ECS Anywhere: one dated row a release, and the families that they belong to.

A row's `listing` says what AWS or its users say; whether a release is past its end is decided by comparing `ends` with
the host's own clock. Dates of Debian and Ubuntu are those of the distro-info-data package (Debian: end of LTS, Ubuntu:
end of standard support), the others those of the vendor's life-cycle page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from anywhere.frozen import frozen

CHECKED = "2026-11-22"


class Listing(StrEnum):
    """What is known of a release."""

    LISTED = "listed"  # on AWS's list, in one of its editions
    UNLISTED = "unlisted"  # not on it; users report that it works
    UNSUPPORTED = "unsupported"  # cannot work: no package, no package manager, no systemd
    BROKEN = "known-broken"  # looks like a listed one and is reported not to work


class DockerSource(StrEnum):
    """Where registration can take Docker from."""

    DISTRIBUTION = "distribution"
    REPOSITORY = "docker-repository"
    BRING_YOUR_OWN = "bring-your-own"


@frozen
class OsRelease:
    """What os-release says: identifiers in lower case, `like` in order of closeness, every other field in `fields`.
    `image_based` is whether the system was booted from an OSTree or bootc image, whose /usr no package manager changes."""

    id: str = ""
    version: str = ""
    name: str = ""
    like: tuple[str, ...] = ()
    codename: str = ""
    variant: str = ""
    image_based: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)


@frozen
class Family:
    """How software and trust are managed: `install` is put before package names."""

    name: str
    manager: str
    install: tuple[str, ...]
    ca_folder: str
    ca_command: tuple[str, ...]
    ca_bundle: str
    agent_build: str  # which build of amazon-ecs-init the official installer puts here

    @property
    def remove(self) -> tuple[str, ...]:
        """What is put before package names to remove them; empty where the manager is not known."""
        return tuple(word.replace("install", "remove") for word in self.install)


APT = ("apt-get", "install", "-y")
DNF = ("dnf", "install", "-y")
YUM = ("yum", "install", "-y")
ZYPPER = ("zypper", "--non-interactive", "install")
_ANCHORS, _EXTRACT = "/etc/pki/ca-trust/source/anchors", ("update-ca-trust", "extract")
_RPM_BUNDLE = "/etc/pki/tls/certs/ca-bundle.crt"

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            "debian",
            "apt",
            APT,
            "/usr/local/share/ca-certificates",
            ("update-ca-certificates",),
            "/etc/ssl/certs/ca-certificates.crt",
            "deb",
        ),
        Family("rhel", "dnf", DNF, _ANCHORS, _EXTRACT, _RPM_BUNDLE, "generic-rpm"),
        Family("rhel-yum", "yum", YUM, _ANCHORS, _EXTRACT, _RPM_BUNDLE, "generic-rpm"),
        Family(
            "suse",
            "zypper",
            ZYPPER,
            "/etc/pki/trust/anchors",
            ("update-ca-certificates",),
            "/etc/ssl/ca-bundle.pem",
            "generic-rpm",
        ),
        Family("windows", "", (), "", (), "", "windows"),
    )
}


@frozen
class Release:
    """One row. `version` is compared by whole dotted parts (`9` fits `9.4`); empty fits any. `ends` is the last day
    with free updates (ISO date), empty for rolling releases and where it is not known."""

    id: str
    version: str
    name: str
    listing: Listing
    family: str = ""
    docker: DockerSource = DockerSource.DISTRIBUTION
    ends: str = ""
    note: str = ""
    source: str = ""
    checked: str = CHECKED


@frozen
class Judgement:
    """A release against the table. `codes` are cause codes, worst first; empty for a listed release in its time.
    `derived` is whether only ID_LIKE led to the family."""

    codes: tuple[str, ...]
    family: Family | None
    release: Release | None = None
    derived: bool = False
    docker: DockerSource | None = None


_PAGE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere.html"
_SCRIPT = "amazon-ecs-agent scripts/ecs-anywhere-install.sh"
_ROCKY = "https://github.com/aws/containers-roadmap/issues/2418"
_RHEL10 = "https://github.com/aws/containers-roadmap/issues/2777"
_CORE = "https://github.com/aws/amazon-ecs-init/issues/425"
_NO_APT_KEY = "the official installer's own Docker step fails here (apt-key is gone): install Docker first"
_DNF5 = (
    "the official installer's own Docker step fails here (dnf5 has no config-manager --add-repo): install Docker first"
)
_SCRIPT_ID = (
    "the official installer's ID test knows neither Rocky, Alma nor Oracle Linux and falls to `dnf install docker`, which is "
    "Podman's: install Docker first and let it skip that step (--docker-install-source none)"
)
_XT_ADDRTYPE = (
    "docker needs the module xt_addrtype, which is in kernel-modules-extra since iptables 1.8.11-15.el10: "
    "dnf install kernel-modules-extra"
)
_WINDOWS_DOCKER = (
    "a fresh installation brings Docker 29 or later, whose oldest API (1.40) is newer than what the agent for Windows asks "
    "for (1.24 to 1.30): install an older engine"
)
_OWN = "install Docker first and let the installer skip it (--docker-install-source none)"
_MANAGER = "the installer knows apt, dnf, yum and zypper only"

_L, _U, _X, _B = Listing.LISTED, Listing.UNLISTED, Listing.UNSUPPORTED, Listing.BROKEN
_DISTRO, _REPO, _BYO = DockerSource.DISTRIBUTION, DockerSource.REPOSITORY, DockerSource.BRING_YOUR_OWN


def _row(
    id: str,
    version: str,
    name: str,
    listing: Listing,
    family: str = "",
    docker: DockerSource = _DISTRO,
    ends: str = "",
    note: str = "",
    source: str = _PAGE,
) -> Release:
    return Release(id, version, name, listing, family, docker, ends, note, source)


RELEASES: tuple[Release, ...] = (
    _row("amzn", "2018", "Amazon Linux 1", _X, note="no systemd", source=_SCRIPT),
    _row("amzn", "2", "Amazon Linux 2", _L, "rhel-yum", _DISTRO, "2026-06-30"),
    _row("amzn", "2023", "Amazon Linux 2023", _L, "rhel", _DISTRO, "2029-06-30"),
    _row(
        "centos",
        "6",
        "CentOS 6",
        _X,
        note="no systemd, and a kernel older than docker and the agent need",
        source=_PAGE,
    ),
    _row("centos", "7", "CentOS Linux 7", _L, "rhel-yum", _REPO, "2024-06-30", "dropped from the newest list"),
    _row("centos", "8", "CentOS 8", _L, "rhel", _REPO, "2024-05-31", "Stream 8 only; dropped from later lists"),
    _row("centos", "9", "CentOS Stream 9", _L, "rhel", _REPO, "2027-05-31"),
    _row("centos", "10", "CentOS Stream 10", _U, "rhel", _REPO, "2030-01-01", _XT_ADDRTYPE, _RHEL10),
    _row("rhel", "7", "Red Hat Enterprise Linux 7", _L, "rhel-yum", _BYO, "2024-06-30", _OWN),
    _row("rhel", "8", "Red Hat Enterprise Linux 8", _L, "rhel", _BYO, "2029-05-31", _OWN),
    _row("rhel", "9", "Red Hat Enterprise Linux 9", _L, "rhel", _BYO, "2032-05-31", "newest list only; " + _OWN),
    _row(
        "rhel", "10", "Red Hat Enterprise Linux 10", _U, "rhel", _BYO, "2035-05-31", f"{_OWN}; {_XT_ADDRTYPE}", _RHEL10
    ),
    _row("rocky", "8", "Rocky Linux 8", _U, "rhel", _REPO, "2029-05-31", _SCRIPT_ID, _ROCKY),
    _row("rocky", "9", "Rocky Linux 9", _U, "rhel", _REPO, "2032-05-31", _SCRIPT_ID, _ROCKY),
    _row("almalinux", "8", "AlmaLinux 8", _U, "rhel", _REPO, "2029-05-31", _SCRIPT_ID, _ROCKY),
    _row("almalinux", "9", "AlmaLinux 9", _U, "rhel", _REPO, "2032-05-31", _SCRIPT_ID, _ROCKY),
    _row("ol", "8", "Oracle Linux 8", _U, "rhel", _REPO, "2029-07-31", _SCRIPT_ID, _ROCKY),
    _row("ol", "9", "Oracle Linux 9", _U, "rhel", _REPO, "2032-06-30", _SCRIPT_ID, _ROCKY),
    _row("rocky", "10", "Rocky Linux 10", _U, "rhel", _REPO, "2035-05-31", f"{_SCRIPT_ID}; {_XT_ADDRTYPE}", _ROCKY),
    _row("almalinux", "10", "AlmaLinux 10", _U, "rhel", _REPO, "2035-05-31", f"{_SCRIPT_ID}; {_XT_ADDRTYPE}", _ROCKY),
    _row("ol", "10", "Oracle Linux 10", _U, "rhel", _REPO, "2035-06-30", f"{_SCRIPT_ID}; {_XT_ADDRTYPE}", _ROCKY),
    _row("fedora", "32", "Fedora 32", _L, "rhel", _REPO, "2021-05-25"),
    _row("fedora", "33", "Fedora 33", _L, "rhel", _REPO, "2021-11-30"),
    _row("fedora", "40", "Fedora 40", _L, "rhel", _REPO, "2025-05-13"),
    _row("fedora", "41", "Fedora 41", _U, "rhel", _REPO, "2025-12-15", _DNF5, _SCRIPT),
    _row("fedora", "42", "Fedora 42", _U, "rhel", _REPO, "2026-05-13", _DNF5, _SCRIPT),
    _row("fedora", "", "Fedora", _U, "rhel", _REPO, "", _DNF5, _SCRIPT),
    _row("opensuse-tumbleweed", "", "openSUSE Tumbleweed", _L, "suse", _DISTRO),
    _row("opensuse-leap", "", "openSUSE Leap", _U, "suse", _DISTRO, source=_SCRIPT),
    _row("sles", "15.3", "SUSE Linux Enterprise Server 15 SP3", _L, "suse", _DISTRO, "2022-12-31"),
    _row("sles", "15.4", "SUSE Linux Enterprise Server 15 SP4", _L, "suse", _DISTRO, "2023-12-31"),
    _row("sles", "15.5", "SUSE Linux Enterprise Server 15 SP5", _L, "suse", _DISTRO, "2024-12-31"),
    _row("sles", "15.6", "SUSE Linux Enterprise Server 15 SP6", _L, "suse", _DISTRO, "2025-12-31"),
    _row("sles", "15", "SUSE Linux Enterprise Server 15", _L, "suse", _DISTRO, "2031-07-31"),
    _row("sles", "", "SUSE Linux Enterprise Server", _U, "suse", _DISTRO, source=_SCRIPT),
    _row("ubuntu", "18.04", "Ubuntu 18.04", _L, "debian", _DISTRO, "2023-05-31"),
    _row("ubuntu", "20.04", "Ubuntu 20.04", _L, "debian", _DISTRO, "2025-05-29"),
    _row("ubuntu", "22.04", "Ubuntu 22.04", _L, "debian", _DISTRO, "2027-06-01"),
    _row("ubuntu", "24.04", "Ubuntu 24.04", _L, "debian", _DISTRO, "2029-05-31"),
    _row("ubuntu", "26.04", "Ubuntu 26.04", _U, "debian", _DISTRO, "2031-05-29", _NO_APT_KEY, _SCRIPT),
    _row("ubuntu", "25.04", "Ubuntu 25.04", _U, "debian", _DISTRO, "2026-01-15", _NO_APT_KEY, _SCRIPT),
    _row("ubuntu", "25.10", "Ubuntu 25.10", _U, "debian", _DISTRO, "2026-07-09", _NO_APT_KEY, _SCRIPT),
    _row("ubuntu", "16.04", "Ubuntu 16.04", _U, "debian", _DISTRO, "2021-04-30", source=_SCRIPT),
    _row("ubuntu", "", "Ubuntu", _U, "debian", _DISTRO, "", _NO_APT_KEY, _SCRIPT),
    _row("debian", "9", "Debian 9", _L, "debian", _REPO, "2022-06-30", "dropped from later lists"),
    _row("debian", "10", "Debian 10", _L, "debian", _DISTRO, "2024-06-30"),
    _row("debian", "11", "Debian 11", _L, "debian", _DISTRO, "2026-08-31"),
    _row("debian", "12", "Debian 12", _L, "debian", _DISTRO, "2028-06-30"),
    _row("debian", "13", "Debian 13", _U, "debian", _DISTRO, "2030-06-30", _NO_APT_KEY, _SCRIPT),
    _row("debian", "", "Debian", _U, "debian", _DISTRO, "", _NO_APT_KEY, _SCRIPT),
    _row("raspbian", "13", "Raspberry Pi OS 13", _U, "debian", _DISTRO, "", _NO_APT_KEY, _SCRIPT),
    _row("raspbian", "", "Raspberry Pi OS", _U, "debian", _DISTRO, source=_SCRIPT),
    _row("linuxmint", "", "Linux Mint", _U, "debian", _DISTRO, source=_SCRIPT),
    _row(
        "ubuntu-core",
        "",
        "Ubuntu Core",
        _B,
        note="read-only root, no apt: the agent's folders are missing",
        source=_CORE,
    ),
    _row("alpine", "", "Alpine Linux", _X, note=f"{_MANAGER}; no systemd", source=_SCRIPT),
    _row("arch", "", "Arch Linux", _X, note=_MANAGER, source=_SCRIPT),
    _row("gentoo", "", "Gentoo", _X, note=_MANAGER, source=_SCRIPT),
    _row("nixos", "", "NixOS", _X, note=_MANAGER, source=_SCRIPT),
    _row("void", "", "Void Linux", _X, note=f"{_MANAGER}; no systemd", source=_SCRIPT),
    _row("slackware", "", "Slackware", _X, note=f"{_MANAGER}; no systemd", source=_SCRIPT),
    _row("flatcar", "", "Flatcar", _X, note=f"{_MANAGER}; read-only /usr", source=_SCRIPT),
    _row("bottlerocket", "", "Bottlerocket", _X, note="read-only root; ships its own ECS variant", source=_SCRIPT),
    _row("windows", "2016", "Windows Server 2016", _L, "windows", ends="2027-01-12", note=_WINDOWS_DOCKER),
    _row("windows", "2019", "Windows Server 2019", _L, "windows", ends="2029-01-09", note=_WINDOWS_DOCKER),
    _row("windows", "2022", "Windows Server 2022", _L, "windows", ends="2031-10-14", note=_WINDOWS_DOCKER),
    _row(
        "windows",
        "20H2",
        "Windows Server 20H2",
        _B,
        "windows",
        ends="2022-08-09",
        note="listed, but the newer PowerShell installer refuses its build 19042",
    ),
    _row(
        "windows",
        "2025",
        "Windows Server 2025",
        _U,
        "windows",
        ends="2034-10-10",
        source="build 26100 is not in the installer",
    ),
)

# os-release VARIANT_ID values of editions with a read-only root, which the installer's package manager cannot change.
IMMUTABLE = frozenset({"coreos", "silverblue", "kinoite", "iot", "sericea", "onyx", "kiosk"})
# Those of SUSE, whose root only transactional-update changes.
TRANSACTIONAL = frozenset({"opensuse-microos", "opensuse-leap-micro", "sle-micro", "sl-micro"})
# Words of ID_LIKE, closest to a family first.
LIKE = {"debian": "debian", "ubuntu": "debian", "rhel": "rhel", "centos": "rhel", "fedora": "rhel", "suse": "suse"}


def find_release(os: OsRelease) -> Release | None:
    """The most exact row for a release, None when its ID has no row that fits."""
    rows = [row for row in RELEASES if row.id == os.id and _fits(row.version, os.version)]
    return max(rows, key=lambda row: len(row.version), default=None)


def judge_release(os: OsRelease, today: str = "") -> Judgement:
    """Judge a release on a day (ISO date by the host's clock; empty: not known, so no end is judged)."""
    row = find_release(os)
    if row is None:
        return _judge_derived(os)
    family = FAMILIES.get(row.family)
    if row.listing is Listing.UNSUPPORTED:
        return Judgement(("os.unsupported",), None, row)
    if row.listing is Listing.BROKEN or is_immutable(os):
        return Judgement(("os.known-broken",), family, row, docker=row.docker)
    doubts = {"os.end-of-life": bool(row.ends) and today > row.ends, "os.unlisted": row.listing is Listing.UNLISTED}
    return Judgement(tuple(code for code, holds in doubts.items() if holds), family, row, docker=row.docker)


def _judge_derived(os: OsRelease) -> Judgement:
    """A release without a row, by what it derives from: what cannot run there cannot run here."""
    family = _family_like(os)
    if os.id and family:
        docker = DockerSource.REPOSITORY if family.name == "rhel" else DockerSource.DISTRIBUTION
        code = "os.known-broken" if is_immutable(os) else "os.unlisted"
        return Judgement((code,), family, None, True, docker)
    parents = (row for word in os.like for row in RELEASES if (row.id, row.version) == (word, ""))
    parent = next((row for row in parents if row.listing is Listing.UNSUPPORTED), None)
    return Judgement(("os.unsupported",), None, parent, True) if parent else Judgement(("os.unknown",), None)


def is_immutable(os: OsRelease) -> bool:
    """Whether the system's root is read-only by design, so that the installer's package manager cannot change it."""
    return os.image_based or os.variant in IMMUTABLE or os.id in TRANSACTIONAL


def family_of(os: OsRelease) -> Family | None:
    """The family that a release belongs to, by its row or by ID_LIKE; None where neither tells."""
    row = find_release(os)
    return FAMILIES.get(row.family) if row else _family_like(os)


def _family_like(os: OsRelease) -> Family | None:
    name = next((LIKE[word] for word in os.like if word in LIKE), "")
    if (
        name == "rhel"
        and (os.id == "ol" or {"rhel", "centos"} & set(os.like))
        and os.version.partition(".")[0] in ("6", "7")
    ):
        name = "rhel-yum"  # dnf came with release 8
    return FAMILIES.get(name)


def rpm_repository(os: OsRelease) -> str:
    """Which of Docker's RPM repositories fits: those of Fedora's derivatives are Fedora's, all others those of CentOS, whose
    release numbers they share."""
    if os.id in ("fedora", "rhel"):
        return os.id
    return "centos" if {"rhel", "centos"} & set(os.like) or os.id == "ol" or "fedora" not in os.like else "fedora"


def _fits(wanted: str, version: str) -> bool:
    if not wanted:
        return True
    parts = wanted.lower().split(".")
    return version.lower().split(".")[: len(parts)] == parts
