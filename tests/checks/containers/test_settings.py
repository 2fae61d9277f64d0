"""daemon.json: what this host has not, and the commands that correct an entry."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from anywhere.checks.containers import settings_edit
from anywhere.checks.containers.settings import settings_check
from anywhere.checks.containers.settings_edit import Edit, renamed, with_value, without_entry
from anywhere.facts.agents.daemon_json import PATH
from anywhere.facts.agents.docker import INFO, VERSION
from anywhere.facts.system.machine import MOUNTS
from tests.support.judging import ENGINE, judge, registered

SIZE = json.dumps({"storage-opts": ["overlay2.size=20G"]})
OVERLAY2 = json.dumps({"Driver": "overlay2", "DockerRootDir": "/var/lib/docker"})


@pytest.mark.parametrize(
    ("mount", "fits"),
    [
        ("/dev/sdb1 /var/lib/docker xfs rw,attr2,inode64,prjquota 0 0", True),
        ("/dev/sdb1 /var xfs rw,attr2,inode64,noquota 0 0", False),
        ("/dev/sdb1 /var/lib/docker ext4 rw,prjquota 0 0", False),
    ],
)
def test_a_limit_of_size_needs_xfs_with_project_quota(mount: str, fits: bool) -> None:
    table = f"/dev/sda1 / ext4 rw 0 0\n{mount}\n"
    found = judge(settings_check, registered({PATH: SIZE, MOUNTS: table}, {INFO: OVERLAY2}))
    assert [one.status for one in found] == ["pass" if fits else "warn"]


@pytest.mark.parametrize(("release", "says"), [("20.10.24", False), ("24.0.7", True)])
def test_dockerd_is_asked_to_validate_where_it_can(release: str, says: bool) -> None:
    host = registered({PATH: '{"dns": ["ns1.example.com"]}'}, {VERSION: ENGINE.replace("24.0.7", release)})
    (found,) = judge(settings_check, host)
    assert found.remedy and ("--validate" in found.remedy.text) is says


def test_an_address_without_its_prefix_is_no_network() -> None:
    (found,) = judge(settings_check, registered({PATH: '{"bip": "172.17.0.1"}'}))
    assert "has no prefix" in found.summary and found.remedy and not found.remedy.commands


def test_no_command_names_a_line_that_another_has_moved() -> None:
    text = json.dumps(
        {"log-driver": "local", "log-drivr": 1, "bip": "10.0.0.0/8", "live-restor": True, "graph": "/srv"}, indent=2
    )
    found = judge(settings_check, registered({PATH: text}))
    edits = [command for one in found if one.remedy for command in one.remedy.commands if command[-1] == PATH]
    away = [any(word.rstrip("0123456789") == "" or word.endswith("d") for word in command[3:-1]) for command in edits]
    assert len(found) > 2 and sum(away) == 1 and away[-1], edits


FILE = {
    "graph": "/srv/a|b&c",
    "log-opts": {"max-size": 10, "labels": "a.b"},
    "hosts": ["unix:///var/run/docker.sock", "tcp://127.0.0.1:2375"],
    "bip": "10.0.0.0/8",
}


@pytest.mark.parametrize(
    ("edit", "key", "wanted"),
    [
        (lambda host: renamed(host, "graph", "data-root"), "data-root", "/srv/a|b&c"),
        (lambda host: with_value(host, "/srv/x&y|z", "graph"), "graph", "/srv/x&y|z"),
        (lambda host: with_value(host, "10", "log-opts", "max-size"), "log-opts", {"max-size": "10", "labels": "a.b"}),
        (lambda host: without_entry(host, "log-opts", "labels"), "log-opts", {"max-size": 10}),
        (lambda host: with_value(host, "fd://", "hosts", 1), "hosts", ["unix:///var/run/docker.sock", "fd://"]),
        (lambda host: without_entry(host, "hosts"), "hosts", None),
        (lambda host: without_entry(host, "bip"), "bip", None),
    ],
)
def test_sed_changes_one_entry_and_no_other(
    edit: object, key: str, wanted: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "daemon.json"
    path.write_text(json.dumps(FILE, indent=4))
    monkeypatch.setattr(settings_edit, "PATH", str(path))
    host = registered({str(path): path.read_text(), PATH: path.read_text()})
    assert callable(edit)
    found = edit(host)
    assert isinstance(found, Edit)
    for command in found.commands:
        subprocess.run(command, check=True)
    after = json.loads(path.read_text())
    assert after.pop(key, None) == wanted
    assert after == {name: value for name, value in FILE.items() if name in after} and len(after) >= len(FILE) - 1


def test_an_entry_that_shares_its_line_is_left_to_a_person() -> None:
    assert without_entry(registered({PATH: '{"bip": "10.0.0.1/8", "debug": true}'}), "bip") is None
