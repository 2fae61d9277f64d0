"""Without root: a fault that only root can see is never READY, near or over SSH, and what can be read is judged."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.region import Options, Region
from tests.region.faults import table
from tests.support.sample import spread
from tests.support.ssh.remote import Remote, remote
from tests.support.unprivileged import NOBODY, python, readable_copy

pytestmark = pytest.mark.region

HIDDEN = ("rules-missing", "rules-unguarded", "registration-destroyed", "static-keys", "registration-unfinished")
PLAIN = "plain:x:1234:1234::/tmp:/bin/sh\n"


Near = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def near(shared_room: Path) -> Near:
    """`anywhere` on the host as the user nobody, from a copy that everybody may read."""
    environment = readable_copy(shared_room / "copy", "anywhere") | {"HOME": "/nonexistent"}
    return lambda region, *words: region.run([*NOBODY, python(), "-B", "-m", "anywhere", *words], environment)


def judged(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The only target of a JSON report."""
    assert done.stdout, done.stderr
    target: dict[str, Any] = json.loads(done.stdout)["targets"][0]
    return target


def not_judged(target: dict[str, Any], code: int) -> None:
    """The verdict is unknown, for one cause, which says how many checks need root."""
    assert (code, target["verdict"]) == (3, "unknown")
    assert [cause["code"] for cause in target["causes"]] == ["host.permission"]
    hidden = [one for one in target["findings"] if str(one["evidence"].get("because", "")).startswith("root")]
    assert hidden
    assert not [one for one in target["findings"] if one["status"] == "fail"]


@pytest.mark.parametrize("name", spread(HIDDEN, 3))
def test_what_only_root_sees_is_not_known_to_nobody(name: str, near: Near) -> None:
    with Region((name,), (), Options()) as region:
        done = near(region, "check", "--region", "us-east-1", "--format", "json")
        not_judged(judged(done), done.returncode)
        shown = near(region, "check", "--region", "us-east-1").stdout
        assert "NOT CHECKED COMPLETELY" in shown and " root" in shown
        assert re.fullmatch(r"Next: sudo (anywhere|\S+ -m anywhere) check --region us-east-1", shown.splitlines()[-1])
        assert " register --region" not in shown
        part = near(region, "check", "--region", "us-east-1", "--only", "netfilter,agents", "--format", "json")
        assert part.returncode == 3


def test_what_can_be_read_is_judged_without_root(near: Near) -> None:
    """A fault that needs no root is found, and is the verdict."""
    with Region(("egress-dropped",), (), Options()) as region:
        done = near(region, "check", "--region", "us-east-1", "--format", "json")
        assert done.returncode == 1
        assert (
            {"egress.blocked"}
            <= {cause["code"] for cause in judged(done)["causes"]}
            <= {"egress.blocked", "host.permission"}
        )


def test_the_way_on_is_the_same_command_as_root(near: Near) -> None:
    """Not `check`, which needs a region where the host is not registered."""
    with Region((), (), Options()) as region:
        for words in (("status",), ("rules", "verify", "--no-persist")):
            done = near(region, *words)
            assert done.returncode == 3, done.stdout
            last = done.stdout.splitlines()[-1]
            assert re.fullmatch(rf"Next: sudo (anywhere|\S+ -m anywhere) {' '.join(words)}", last), done.stdout
            report = judged(near(region, *words, "--format", "json"))
            assert [cause["code"] for cause in report["causes"]] == ["host.permission"]


@pytest.mark.parametrize("name", spread(HIDDEN, 5))
def test_over_ssh_the_rule_is_the_same(name: str, shared_room: Path) -> None:
    passwd = Path("/etc/passwd").read_text()
    files = {"/etc/passwd": passwd + PLAIN, "/etc/group": Path("/etc/group").read_text() + "plain:x:1234:\n"}
    with remote(shared_room / name, (name,), Options(), files=files) as far:
        for path in (far.server.folder, *far.server.folder.parents):
            if path.stat().st_uid == os.geteuid() and path != Path("/") and shared_room in (path, *path.parents):
                path.chmod(0o755)
        for words in (("--no-sudo",), ()):
            done = over_ssh(far, "check", *words, "--region", "us-east-1", "--format", "json")
            not_judged(judged(done), done.returncode)
        shown = over_ssh(far, "check", "--no-sudo", "--region", "us-east-1").stdout
        assert "NOT CHECKED COMPLETELY" in shown
        assert " register --region" not in shown


def over_ssh(far: Remote, *words: str) -> subprocess.CompletedProcess[str]:
    return far.anywhere(words[0], "--host", f"plain@127.0.0.1:{far.server.port}", *words[1:])


def test_the_faults_are_those_of_the_region() -> None:
    assert set(HIDDEN) <= set(table())
