"""packages.sh with stand-ins for apt, dnf, yum and zypper: what is called, and what comes of each failure.

Only apt runs for real here (tests/booted); the commands for the others are held against the facts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from anywhere.changes.agents.refusals import explain_install
from anywhere.changes.install.packages import LocalPackage, names_step, package_step, stage_command
from anywhere.hosts.base import Completed
from tests.support.barehost import BareHost

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

DEB = LocalPackage("amazon-ecs-init", "amazon-ecs-init-latest.amd64.deb", vouched="signed by X")
RPM = LocalPackage("amazon-ecs-init", "amazon-ecs-init-latest.x86_64.rpm")


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost() as made:
        made.sh("mkdir -p /usr/local/bin; : > /run/calls")
        stub(made, "dpkg", "exit 0")
        yield made


def stub(host: BareHost, name: str, body: str) -> None:
    text = f'#!/bin/sh\necho "{name} $*" >> /run/calls\n{body}\n'
    host.run(("install", "-m", "755", "/dev/stdin", f"/usr/local/bin/{name}"), input=text.encode())


def calls(host: BareHost) -> list[str]:
    return [line for line in host.read("/run/calls").decode().splitlines() if not line.startswith("dpkg --audit")]


def run(host: BareHost, manager: str, what: LocalPackage | tuple[str, ...] = DEB, wait: int = 1) -> Completed:
    if isinstance(what, LocalPackage):
        (step,) = package_step(manager, what, {})
    else:
        step = names_step(manager, "docker", "install Docker", what)
    argv = tuple(str(wait) if word == "120" else word for word in step.do.argv)
    return host.run(argv, timeout=60)


def test_a_file_is_installed_without_recommends_and_without_questions(host: BareHost) -> None:
    stub(host, "apt-get", '[ "$DEBIAN_FRONTEND" = noninteractive ] || exit 1; read -r line && exit 1; exit 0')
    assert run(host, "apt").ok
    (call,) = calls(host)
    assert call.endswith(f"install {DEB.staged}") and "--force-confold" in call and "Install-Recommends=false" in call
    assert host.run(("ls", "/run/anywhere/packages.log")).rc != 0


HELD = (
    "echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 77 (unattended-upgr)' >&2; exit 100"
)


def test_a_held_lock_is_waited_for(host: BareHost) -> None:
    stub(host, "apt-get", f"[ -e /run/second ] && exit 0; : > /run/second; {HELD}")
    assert run(host, "apt", wait=10).ok
    assert len(calls(host)) == 2


def test_a_lock_that_stays_names_its_holder(host: BareHost) -> None:
    stub(host, "apt-get", HELD)
    done = run(host, "apt")
    assert done.rc == 75 and "process 77 (unattended-upgr)" in done.stderr


def test_old_package_lists_are_read_anew_once(host: BareHost) -> None:
    stub(
        host,
        "apt-get",
        "case $* in *update*) : > /run/fresh;; *) [ -e /run/fresh ] || "
        "{ echo 'E: Unable to locate package docker.io'; exit 100; };; esac",
    )
    assert run(host, "apt", ("docker.io",)).ok
    assert [("update" in call) for call in calls(host)] == [False, True, False]


def test_mirrors_that_do_not_answer(host: BareHost) -> None:
    stub(
        host,
        "apt-get",
        "case $* in *update*) echo 'Err:1 http://deb.debian.org/debian bookworm InRelease'; "
        "echo 'W: Failed to fetch'; exit 0;; *) echo 'E: Unable to locate package docker.io'; exit 100;; esac",
    )
    done = run(host, "apt", ("docker.io",))
    assert done.rc == 76 and "deb.debian.org" in done.stderr


def test_a_full_disk_is_said(host: BareHost) -> None:
    stub(host, "apt-get", "echo 'dpkg: error: failed to write (No space left on device)'; exit 100")
    done = run(host, "apt")
    assert done.rc == 100 and "No space left" in done.stderr


def test_what_was_left_half_unpacked_is_configured_first(host: BareHost) -> None:
    stub(host, "dpkg", "case $* in *--audit*) echo broken;; esac; exit 0")
    stub(host, "apt-get", "exit 0")
    assert run(host, "apt").ok
    assert [call.split()[-1] for call in calls(host)] == ["-a", "install", DEB.staged]


def test_killed_from_outside_the_package_manager_goes_on_and_the_next_run_waits(host: BareHost) -> None:
    stub(host, "apt-get", "sleep 2; echo done >> /run/calls")
    (step,) = package_step("apt", DEB, {})
    with subprocess.Popen([*host.enter, *step.do.argv], start_new_session=True) as process:
        time.sleep(0.7)
        os.killpg(process.pid, signal.SIGKILL)
    begun = time.monotonic()
    assert run(host, "apt", wait=20).ok
    assert time.monotonic() - begun > 2.5, "the second one began after the first had ended"
    assert [line for line in calls(host) if line == "done"] == ["done", "done"]


@pytest.mark.parametrize(
    ("manager", "what", "words"),
    [
        ("dnf", RPM, f"dnf -y --setopt=localpkg_gpgcheck=0 --setopt=install_weak_deps=False install {RPM.staged}"),
        ("yum", RPM, f"yum -y --setopt=localpkg_gpgcheck=0 install {RPM.staged}"),
        (
            "zypper",
            RPM,
            f"zypper --non-interactive install --no-recommends --allow-unsigned-rpm {RPM.staged}",
        ),
        ("dnf", ("docker",), "dnf -y --setopt=install_weak_deps=False install docker"),
        ("yum", ("docker",), "yum -y install docker"),
        ("zypper", ("docker",), "zypper --non-interactive install --no-recommends docker"),
    ],
)
def test_the_commands_of_the_other_families(
    host: BareHost, manager: str, what: LocalPackage | tuple[str, ...], words: str
) -> None:
    """A verified file is taken without a second check; packages of a repository are checked by the manager itself."""
    stub(host, manager, "exit 0")
    assert run(host, manager, what).ok
    assert calls(host) == [words]


DOWN = {
    "dnf": "Errors during downloading metadata for repository 'baseos':\\n  - Curl error (7): Couldn't connect to server",
    "yum": "One of the configured repositories failed\\nCannot find a valid baseurl for repo: base/7/x86_64",
    "zypper": "Download (curl) error for 'https://updates.suse.com/x/repomd.xml'",
}


@pytest.mark.parametrize("manager", DOWN)
def test_repositories_that_do_not_answer_stop_no_file_that_needs_nothing_of_them(host: BareHost, manager: str) -> None:
    alone = "--no-refresh" if manager == "zypper" else "--disablerepo=*"
    stub(host, manager, f"case $* in *'{alone}'*) exit 0;; esac; printf \"{DOWN[manager]}\\n\"; exit 1")
    assert run(host, manager, RPM).ok
    assert [alone in call for call in calls(host)] == [False, True]
    done = run(host, manager, ("docker",))
    assert done.rc == 76 and "no package repository of this host answers" in done.stderr
    stub(
        host,
        manager,
        f"case $* in *'{alone}'*) echo 'nothing provides docker'; exit 1;; esac; printf \"{DOWN[manager]}\\n\"; exit 1",
    )
    done = run(host, manager, RPM)
    assert done.rc == 76 and explain_install(done.stderr).code == "package.mirror-down"


def test_a_package_signed_by_a_key_that_zypper_does_not_know_goes_to_rpm(host: BareHost) -> None:
    stub(
        host,
        "zypper",
        "echo 'Package header is not signed! [6-File is unsigned] Signature verification failed'; exit 4",
    )
    stub(host, "rpm", "exit 0")
    assert run(host, "zypper", RPM).ok
    assert calls(host)[-1] == f"rpm -U --nosignature --replacepkgs {RPM.staged}"


def test_a_copy_that_is_not_the_verified_file_is_not_kept(host: BareHost) -> None:
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello"
    package = LocalPackage("x", "x.deb", "", digest)
    for content, ok in ((b"hello", True), (b"hell", False)):
        command = stage_command(package, content)
        assert host.run(command.argv, input=command.input).ok is ok
        assert host.run(("test", "-e", package.staged)).ok is ok
        host.run(("rm", "-f", package.staged))
