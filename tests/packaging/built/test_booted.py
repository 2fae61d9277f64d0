"""The deb on booted Debian hosts without Python: install, check, rules, reboot, upgrade, remove, purge."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.machine import Machine, booted

pytestmark = [pytest.mark.booted, pytest.mark.soak, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
BASE = "systemd,systemd-sysv,dbus,kmod,procps,iproute2,iptables,ca-certificates"
SUITES = ("bullseye", "bookworm", "trixie")
GUARD, RESTORE = "anywhere-rules-guard.service", "anywhere-rules-restore.service"

# dpkg's own records and what systemd (a service's own /var/tmp too) and ldconfig keep are not the package's.
_FILES = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/lib/dpkg -o -path /var/log \
  -o -path /var/lib/systemd -o -path /var/cache -o -path /root/packages \
  -o -path "/var/tmp/systemd-private-*" \) -prune \
  -o -printf '%p %m %u:%g %y %l\n' | sort
find /etc -xdev -type f -exec md5sum {} + | sort -k2
"""


@pytest.fixture(scope="module", params=SUITES)
def machine(request: pytest.FixtureRequest, deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A host without Python, with the package and an older version of it in /root/packages."""
    with booted(request.param, only=BASE) as host:
        assert host.sh("command -v python3 || echo none").strip() == "none"
        folder = host.root / "root/packages"
        folder.mkdir()
        shutil.copy(deb, folder / "new.deb")
        older(deb, folder / "old.deb", tmp_path_factory.mktemp("old"))
        yield host


def older(deb: Path, target: Path, work: Path) -> None:
    """The same package with a lower version."""
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(work / "x")], check=True)
    control = work / "x/DEBIAN/control"
    control.write_text(
        "\n".join("Version: 0.0.1-1" if s.startswith("Version:") else s for s in control.read_text().split("\n"))
    )
    subprocess.run(
        ["dpkg-deb", "-Zgzip", "-z1", "--build", str(work / "x"), str(target)], check=True, capture_output=True
    )


def rules(host: Machine) -> bool:
    """Whether the rules of task credentials are in effect."""
    return (
        "anywhere-rules-" in host.sh("iptables-save")
        and host.sh("cat /proc/sys/net/ipv4/conf/all/route_localnet").strip() == "1"
    )


def test_the_life_of_the_package(machine: Machine) -> None:
    before = machine.sh(_FILES)
    # umask 077, no HOME, the C locale, programs may not be started from /tmp, no network.
    machine.sh(
        "mount -t tmpfs -o noexec tmpfs /tmp; umask 077; unset HOME; export LANG=C; dpkg -i /root/packages/old.deb"
    )
    assert machine.sh("dpkg -V ecs-anywhere-toolkit; apt-get check -qq") == ""
    assert machine.sh("setpriv --reuid 65534 --clear-groups anywhere --version").startswith("anywhere ")
    assert machine.sh(f"systemctl is-enabled {GUARD} {RESTORE}", check=False).split() == ["disabled", "disabled"]
    checked = machine.run(("anywhere", "check", "--region", "us-east-1", "--budget", "3", "--format", "json"))
    assert checked.rc == 1 and "Traceback" not in checked.stderr and '"anywhere/report/1"' in checked.stdout

    assert machine.run(("systemctl", "enable", "--now", GUARD, RESTORE)).ok
    assert rules(machine)
    machine.reboot()
    assert rules(machine) and machine.sh(f"systemctl is-active {GUARD}").strip() == "active"
    machine.sh("iptables -t nat -F")
    machine.until(
        lambda: rules(machine) and "anywhere-rules-" in machine.sh("iptables-save -t nat"), 15, "the guard's repair"
    )

    machine.sh(
        "echo '# ours' >> /etc/ecs-anywhere-toolkit/services.conf; dpkg -i --force-confold /root/packages/new.deb"
    )
    assert "# ours" in machine.sh("cat /etc/ecs-anywhere-toolkit/services.conf")
    assert machine.sh(f"systemctl is-active {GUARD}").strip() == "active"
    machine.sh("dpkg -i --force-downgrade /root/packages/old.deb")
    assert machine.sh(f"systemctl is-enabled {GUARD}").strip() == "enabled"
    assert machine.run(("anywhere", "rules", "revert")).ok

    machine.sh("dpkg -r ecs-anywhere-toolkit")
    assert machine.sh(
        "ls /etc/ecs-anywhere-toolkit /usr/bin/anywhere /usr/lib/ecs-anywhere-toolkit 2>/dev/null", check=False
    ).split() == [
        "/etc/ecs-anywhere-toolkit:",
        "services.conf",
    ]
    machine.sh("dpkg -P ecs-anywhere-toolkit")
    after = machine.sh(_FILES)
    assert set(after.splitlines()) - set(before.splitlines()) <= JOURNAL
    assert set(before.splitlines()) - set(after.splitlines()) == set()


# What `rules revert` itself keeps; the package leaves nothing.
JOURNAL: set[str] = set()


def test_applied_rules_outlive_the_package_and_a_new_one_reverts_them(machine: Machine) -> None:
    machine.sh("dpkg -i /root/packages/new.deb")
    assert machine.run(("anywhere", "rules", "apply")).ok
    machine.sh("dpkg -P ecs-anywhere-toolkit")
    machine.reboot()
    assert rules(machine)
    machine.sh("dpkg -i /root/packages/new.deb")
    assert machine.run(("anywhere", "rules", "revert")).ok
    assert not rules(machine)
    machine.sh("dpkg -P ecs-anywhere-toolkit")


def test_the_program_runs_with_a_full_folder_for_its_journals(machine: Machine) -> None:
    machine.sh("dpkg -i /root/packages/new.deb")
    machine.sh("mkdir -p /var/lib/anywhere; mount -t tmpfs -o size=64k tmpfs /var/lib/anywhere")
    machine.sh("dd if=/dev/zero of=/var/lib/anywhere/full bs=1k 2>/dev/null; true")
    done = machine.run(("anywhere", "check", "--region", "us-east-1", "--budget", "3"))
    assert done.rc == 1 and "Traceback" not in done.stderr
    machine.sh("umount /var/lib/anywhere; dpkg -P ecs-anywhere-toolkit")


def test_the_program_runs_with_a_read_only_usr_and_a_full_var(machine: Machine) -> None:
    check = ("anywhere", "check", "--region", "us-east-1", "--budget", "3")
    machine.sh("dpkg -i /root/packages/new.deb; mount --bind /usr /usr; mount -o remount,bind,ro /usr")
    done = machine.run(check)
    assert done.rc == 1 and "Traceback" not in done.stderr
    assert machine.run(("anywhere", "rules", "apply")).ok and rules(machine)
    assert machine.run(("anywhere", "rules", "revert")).ok and not rules(machine)

    machine.sh("mkdir /full; mount -t tmpfs -o size=400m tmpfs /full; cp -a /var/. /full; mount --bind /full /var")
    machine.sh("dd if=/dev/zero of=/var/full bs=4k 2>/dev/null; true")
    done = machine.run(check)
    assert done.rc == 1 and "Traceback" not in done.stderr
    done = machine.run(("anywhere", "rules", "apply"))
    assert done.rc == 1 and not rules(machine) and "Traceback" not in done.stderr
    assert "/var/lib has no room: the disk is full" in done.stdout
    machine.sh("umount -l /var /full; rmdir /full; umount -l /usr; dpkg -P ecs-anywhere-toolkit")
