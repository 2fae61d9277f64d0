"""Every command that a page shows is one that the program takes, and those for one host are run as they stand."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.region.options import Options
from tests.region.region import Region
from tests.support.commands import in_text, refused

ROOT = Path(__file__).parents[2]
PLACEHOLDERS = {"...", "A", "B", "CLUSTER", "CODE", "FILE", "HOST", "ID", "NAME", "OLD", "R", "REGION"}
PAGES = sorted(
    path
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("packaging/**/*.md"),
        *(ROOT / "docs").rglob("*.md"),
    )
    if "decisions" not in path.parts
)
# Commands that need AWS, another machine or no end, and the tests that run them.
ELSEWHERE = {
    "register": "booted/test_register_options.py",
    "artifacts": "booted/test_register_options.py",
    "activation": "life/test_activation.py",
    "watch": "life/test_watch.py",
    "update": "life/test_update.py",
    "move": "life/test_leave.py",
    "reset": "life/test_leave.py",
    "deregister": "life/test_leave.py",
    "--host": "test_ssh_faults.py",
    "--limit": "test_ssh_faults.py",
}


def lines(page: Path) -> Iterator[str]:
    """The command lines of a page's blocks, without their comments."""
    for block in re.findall(r"^```(?:sh)?\n(.*?)^```", page.read_text(), re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            shown = line.partition("  #")[0].strip()
            if re.match(r"(sudo )?anywhere \w", shown):
                yield shown


def run_here() -> list[str]:
    """What one host can run, each once, in the order of the pages."""
    every = dict.fromkeys(line.removeprefix("sudo ") for page in PAGES for line in lines(page))
    return [line for line in every if not ELSEWHERE.keys() & set(shlex.split(line))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_is_taken(page: Path) -> None:
    shown = [shlex.split(line.partition(" > ")[0].partition(" | ")[0]) for line in lines(page)]
    quoted = [words for words in in_text(page.read_text()) if not PLACEHOLDERS & set(words)]
    assert [why for words in shown if (why := refused(words))] == []
    assert [why for words in quoted if (why := refused(words, is_prose=True))] == []


def test_what_is_run_elsewhere_has_its_test() -> None:
    assert all((ROOT / "tests" / name).exists() for name in ELSEWHERE.values())
    assert len(run_here()) >= 20
    assert any("how-to" in page.parts for page in PAGES)


@pytest.mark.region
def test_every_command_for_one_host_runs_as_it_stands(tmp_path: Path) -> None:
    """Whatever the host is like, none is a wrong use and none breaks."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "hosts.ini").write_text("local\n")
    (tmp_path / "corp-ca.pem").write_bytes(trustme.CA(organization_name="Corp Inspection CA").cert_pem.bytes())
    program = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m anywhere "$@"\n'
    with Region((), (), Options(regions=("eu-west-1",), binds=(str(tmp_path),))) as world:
        world.run(
            [
                "sh",
                "-c",
                f"printf %s {shlex.quote(program)} > /usr/local/bin/anywhere; chmod 755 /usr/local/bin/anywhere",
            ]
        )
        start = f"export PATH=/usr/local/bin:$PATH PYTHONPATH={shlex.quote(str(ROOT))}; cd {shlex.quote(str(tmp_path))}"
        for line in ("anywhere check --region eu-west-1 --format json > host.json; cp host.json reports", *run_here()):
            given = "printf 'user:password\\n' | " if line.endswith(" -") else ""
            done = world.run(["sh", "-c", f"{start}\n{given}{line}"])
            assert done.returncode in (0, 1, 3), f"{line}: {done.returncode} {done.stderr}"
            assert "Traceback" not in done.stderr and "internal error" not in done.stdout + done.stderr, line
    assert (tmp_path / "fleet.html").read_text().startswith("<!doctype html>")
