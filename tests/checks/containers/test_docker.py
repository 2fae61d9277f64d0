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


def test_el10_gets_the_modules_that_docker_needs() -> None:
    kernel = {"/proc/sys/kernel/osrelease": "6.12.0-124.8.1.el10_1.x86_64\n"}
    host = registered(release('ID=rocky\nVERSION_ID="10.1"\nID_LIKE="rhel centos fedora"\n') | kernel, NO_DOCKER)
    commands = remedy_of(docker.docker_check, host).commands
    assert commands[1][-2:] == ("containerd.io", "kernel-modules-extra-6.12.0-124.8.1.el10_1.x86_64")


def test_suse_names_the_module_with_docker() -> None:
    host = registered(release('ID=sles\nVERSION_ID="15.7"\n'), NO_DOCKER)
    assert "sle-module-containers/15.7/x86_64" in remedy_of(docker.docker_check, host).text
