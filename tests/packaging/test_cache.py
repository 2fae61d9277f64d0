"""The cache of `packaging/build.sh`: made once for the same inputs, anew for others, and never half."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def step(cache: Path, inputs: str, script: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one step; the folder that it made is the last line."""
    text = '. packaging/common.sh; step part "$1" "$2"; echo "$made"'
    return subprocess.run(
        ["sh", "-eu", "-c", text, "sh", inputs, str(script), *more],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ANYWHERE_CACHE": str(cache), **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "make.sh"
    path.write_text(f"#!/bin/sh\nset -eu\necho x >>{tmp_path}/runs\necho made >$out/file\n")
    path.chmod(0o755)
    return path


def runs(script: Path) -> int:
    return len((script.parent / "runs").read_text().splitlines())


def test_the_same_inputs_are_made_once(cache: Path, script: Path) -> None:
    first, second = step(cache, "a", script), step(cache, "a", script)
    assert first.stdout == second.stdout and Path(first.stdout.strip(), "file").read_text() == "made\n"
    assert runs(script) == 1


def test_other_inputs_or_another_script_are_made_anew(cache: Path, script: Path) -> None:
    folders = {step(cache, "a", script).stdout, step(cache, "b", script).stdout}
    script.write_text(script.read_text() + "# changed\n")
    assert len({*folders, step(cache, "a", script).stdout}) == 3


def test_what_failed_or_was_killed_is_made_again(cache: Path, script: Path) -> None:
    good = script.read_text()
    script.write_text(good + "echo the reason\nfalse\n")
    failed = step(cache, "a", script)
    assert failed.returncode == 1 and "the reason" in failed.stderr and "part failed: see" in failed.stderr
    script.write_text(good + "kill -9 $$\n")
    assert step(cache, "a", script).returncode == 1
    script.write_text(good)
    done = step(cache, "a", script)
    assert sorted(path.name for path in Path(done.stdout.strip()).iterdir()) == ["file"]


def test_with_the_cache_alone_nothing_is_made_and_that_is_reported(cache: Path, script: Path) -> None:
    done = step(cache, "a", script, CACHED_ONLY="1")
    assert done.returncode == 75 and done.stderr == "packaging: part is not in the cache\n"
    assert not (script.parent / "runs").exists()


@pytest.mark.parametrize("argument", ["", "armv7", "X86_64"])
def test_an_unknown_architecture_is_a_usage_error(cache: Path, argument: str) -> None:
    done = subprocess.run(["packaging/build.sh", argument], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "usage: packaging/build.sh x86_64|aarch64\n")
