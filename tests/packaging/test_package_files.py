"""What the packages are made of: their description, the services, the locked sources and tools."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from anywhere.changes.rules.persistence import UNIT_FILE
from anywhere.cli import run
from tests.tools.lock import pins

PACKAGING = Path(__file__).parents[2] / "packaging"
UNITS = sorted((PACKAGING / "systemd").glob("*.service"))


def description() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(re.sub(r"@\w+@", "/x", (PACKAGING / "nfpm.yaml").read_text()))
    return found


def settings(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_every_placeholder_of_the_description_is_filled_in() -> None:
    names = set(re.findall(r"@(\w+)@", (PACKAGING / "nfpm.yaml").read_text()))
    assert names == set(re.findall(r"[|/]@(\w+)@[|/]", (PACKAGING / "steps/packages.sh").read_text()))


def test_dependencies_are_those_of_the_oldest_systems() -> None:
    overrides = description()["overrides"]
    assert isinstance(overrides, dict)
    assert overrides["deb"]["depends"] == ["libc6 (>= 2.17)", "libgcc-s1 | libgcc1"]
    assert overrides["rpm"]["depends"] == ["glibc >= 2.17", "libgcc", "/bin/sh"]


@pytest.mark.parametrize("kind", ["deb", "rpm"])
def test_old_package_managers_can_unpack_it(kind: str) -> None:
    part = description()[kind]
    assert isinstance(part, dict)
    assert part["compression"] in ("gzip", "xz")  # zstd: not dpkg of Ubuntu 18.04, not rpm of RHEL 7


def test_what_an_administrator_edits_is_kept() -> None:
    contents = description()["contents"]
    assert isinstance(contents, list)
    assert [row["type"] for row in contents if row["dst"].endswith(".conf")] == ["config|noreplace"]


@pytest.mark.parametrize("unit", [unit for unit in UNITS if "rules" in unit.name], ids=lambda path: str(path.name))
def test_a_service_leaves_a_host_alone_where_apply_wrote_its_own(unit: Path) -> None:
    assert settings(unit)["ConditionPathExists"] == [f"!{UNIT_FILE}"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: str(path.name))
def test_a_service_runs_a_command_that_there_is(unit: Path) -> None:
    command = settings(unit)["ExecStart"][0].split()
    assert command[0] == "/usr/bin/anywhere"
    words = [word for word in command[1:] if word[0] not in "-$"]
    assert run([*words, "--help"]) == 0


def test_the_rules_are_there_before_docker_and_the_agent_start() -> None:
    before = " ".join(settings(PACKAGING / "systemd/anywhere-rules-restore.service")["Before"]).split()
    assert {"docker.service", "ecs.service", "network-pre.target"} <= set(before)


@pytest.mark.parametrize("lock", ["tools.txt", "compiler.txt"])
def test_tools_are_locked(lock: str) -> None:
    found, wrong = pins((PACKAGING / lock).read_text())
    assert found and not wrong


def test_sources_are_locked() -> None:
    rows = [line.split() for line in (PACKAGING / "sources.lock").read_text().splitlines() if line[:1] not in "#"]
    names = {row[0] for row in rows}
    assert {"python3.13", "openssl", "zlib", "libffi", "bzip2", "xz-utils"} <= names
    assert all(len(row) == 4 and (re.fullmatch("[0-9a-f]{64}", row[3]) or row[3] in names) for row in rows)


def test_no_script_names_a_host_but_public_ones() -> None:
    known = {"deb.debian.org", "docs.aws.amazon.com", "www.debian.org", "cyclonedx.org"}
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PACKAGING, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if name and not name.startswith("ansible/")]
    assert len(names) > 20
    text = "\n".join((PACKAGING / name).read_text() for name in names)
    assert set(re.findall(r"https?://([^/\s\"'$]+)", text)) <= known


def test_the_launcher_isolates_the_interpreter() -> None:
    line = (PACKAGING / "anywhere").read_text().splitlines()[-1]
    assert line == 'exec /usr/lib/ecs-anywhere-toolkit/bin/python3 -I -B -m anywhere "$@"'
