"""Where the packages of both agents lie, for a region, a processor and a package format.

URLs as the official installer builds them (scripts/ecs-anywhere-install.sh 1.105.1); `latest` names move, versions stay.
"""

from __future__ import annotations

import re

from anywhere.catalogue.regions import find_region
from anywhere.catalogue.signing_keys import ECS, SSM
from anywhere.errors import BadInput
from anywhere.frozen import frozen

ARCHES = {"x86_64": ("amd64", "x86_64"), "aarch64": ("arm64", "aarch64")}
_ALIASES = {"amd64": "x86_64", "arm64": "aarch64", "x86-64": "x86_64"}
LATEST = "latest"
_VERSION = re.compile(r"latest|[0-9]+(\.[0-9]+){1,3}(-[0-9]+)?")


@frozen
class Source:
    """One file to fetch: its package, the name it gets in a folder, its URL and its signature's."""

    package: str
    name: str
    url: str
    signature_url: str

    @property
    def signature_name(self) -> str:
        """The signature's name beside the file."""
        return self.name + "." + self.signature_url.rpartition(".")[2]


def machine(arch: str) -> str:
    """The kernel's name of a processor. Raises BadInput."""
    known = _ALIASES.get(arch, arch)
    if known not in ARCHES:
        raise BadInput.unknown("architecture", arch, (*ARCHES, "amd64", "arm64"))
    return known


def sources(
    region: str, arch: str, kind: str, ecs_version: str = LATEST, ssm_version: str = LATEST, dualstack: bool = False
) -> tuple[Source, ...]:
    """The packages of both agents; `kind` is `deb` or `rpm`. Raises BadInput."""
    BadInput.require("package format", kind, ("deb", "rpm"))
    for version in (ecs_version, ssm_version):
        if not _VERSION.fullmatch(version):
            raise BadInput(f"a package version is `latest` or as in 1.105.1-1, not {version[:40]!r}")
    info = find_region(region)
    debian, kernel = ARCHES[machine(arch)]
    own = debian if kind == "deb" else kernel
    base = f"https://s3.{'dualstack.' if dualstack else ''}{region}.{info.suffix}"
    ecs_name = f"amazon-ecs-init-{ecs_version}.{own}.{kind}"
    ecs_url = f"{base}/amazon-ecs-agent-{region}/{ecs_name}"
    folder = f"{'debian' if kind == 'deb' else 'linux'}_{debian}"
    ssm_url = f"{base}/amazon-ssm-{region}/{ssm_version}/{folder}/amazon-ssm-agent.{kind}"
    return (
        Source(SSM, f"amazon-ssm-agent-{ssm_version}.{own}.{kind}", ssm_url, ssm_url + ".sig"),
        Source(ECS, ecs_name, ecs_url, ecs_url + ".asc"),
    )
