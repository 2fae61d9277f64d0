"""The rpm by rpm itself, in a root of its own: dependencies, scriptlets, files, upgrade and removal."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.booted.machine import base

pytestmark = [pytest.mark.soak, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
NAME = "ecs-anywhere-toolkit"


@pytest.fixture
def root(room: Path, rpm: Path) -> Path:
    """A system with a shell and glibc, and an empty database of rpm."""
    if not shutil.which("rpm"):
        pytest.skip("rpm is not installed: `make test-package` installs it")
    made = room / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", str(base("bookworm", "ca-certificates")), str(made)], check=True)
    subprocess.run(["rpm", "--root", str(made), "--initdb"], check=True)
    shutil.copy(rpm, made / "root/new.rpm")
    return made


def call(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """rpm on the root."""
    done = subprocess.run(["rpm", "--root", str(root), *arguments], capture_output=True, text=True)
    # Debian's rpm asks at each call whether alien would not do.
    done.stderr = "".join(line for line in done.stderr.splitlines(True) if not line.startswith("rpm: "))
    return done


def files(root: Path) -> set[str]:
    """What lies in the root, without rpm's own records and kernel file systems."""
    kept = ("var/lib/rpm", "var/log", "usr/lib/sysimage")
    found = (str(path.relative_to(root)) for path in root.rglob("*"))
    return {name for name in found if not name.startswith(kept)}


def test_the_dependencies_are_named(root: Path) -> None:
    done = call(root, "-i", str(root / "root/new.rpm"))
    assert done.returncode != 0
    assert {"glibc >= 2.17", "libgcc", "/bin/sh"} <= {
        line.strip().partition(" is needed")[0] for line in done.stderr.splitlines()
    }


def test_install_verify_run_and_remove(root: Path) -> None:
    before = files(root)
    package = str(root / "root/new.rpm")
    for again in (("-i",), ("-U", "--replacepkgs")):
        done = call(root, *again, "--nodeps", package)
        assert (done.returncode, done.stderr) == (0, "")
    assert call(root, "-V", "--nodeps", NAME).stdout == ""
    enter = 'mount --rbind /proc "$0/proc"; exec chroot "$0" anywhere --version'
    said = subprocess.run(["unshare", "--mount", "sh", "-c", enter, str(root)], capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "") and said.stdout.startswith("anywhere ")
    configuration = root / "etc/ecs-anywhere-toolkit/services.conf"
    configuration.write_text(configuration.read_text() + "# ours\n")
    assert call(root, "-U", "--replacepkgs", "--nodeps", package).returncode == 0
    assert configuration.read_text().endswith("# ours\n")
    wants = root / "etc/systemd/system/timers.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "anywhere-watch.timer").symlink_to("/usr/lib/systemd/system/anywhere-watch.timer")
    done = call(root, "-e", NAME)
    assert done.returncode == 0 and [line for line in done.stderr.splitlines() if "rpmsave" not in line] == []
    shutil.rmtree(root / "etc/ecs-anywhere-toolkit")  # services.conf.rpmsave: the administrator's own text
    assert files(root) - before <= {"etc/systemd", "etc/systemd/system", "etc/systemd/system/timers.target.wants"}


def test_the_payload_and_digests_are_those_that_old_rpms_read(rpm: Path) -> None:
    query = "%{PAYLOADFORMAT} %{PAYLOADCOMPRESSOR} %{FILEDIGESTALGO}"
    done = subprocess.run(["rpm", "-qp", "--qf", query, str(rpm)], capture_output=True, text=True)
    assert done.stdout == "cpio gzip 8"
    required = subprocess.run(["rpm", "-qp", "--requires", str(rpm)], capture_output=True, text=True).stdout
    assert not {"PayloadIsZstd", "LargeFiles", "RichDependencies"} & set(
        required.replace("(", " ").replace(")", " ").split()
    )
