"""Docker on the host: the way to it fits the distribution."""

from __future__ import annotations

import pytest

from anywhere.checks.containers import docker
from tests.support.judging import NO_DOCKER, RHEL, registered, release, remedy_of


@pytest.mark.parametrize(
    ("text", "root", "expected"),
    [
        (RHEL, True, ("dnf", "install", "-y", "docker-ce", "docker-ce-cli", "containerd.io")),
        (RHEL, False, ("sudo", "dnf", "install", "-y", "docker-ce", "docker-ce-cli", "containerd.io")),
        ('ID=ubuntu\nVERSION_ID="24.04"\n', True, ("apt-get", "install", "-y", "docker.io")),
        ('ID=amzn\nVERSION_ID="2"\n', True, ("yum", "install", "-y", "docker")),
        ('ID=sles\nVERSION_ID="15.7"\n', True, ("zypper", "--non-interactive", "install", "docker")),
    ],
)
def test_the_way_to_docker_fits_the_distribution(text: str, root: bool, expected: tuple[str, ...]) -> None:
    host = registered(release(text), NO_DOCKER, is_root=root)
    assert expected in remedy_of(docker.docker_check, host).commands
