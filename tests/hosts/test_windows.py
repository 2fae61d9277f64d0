"""Without the names that Python has on POSIX systems only: what a Windows machine is asked for works, or says why not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AS_WINDOWS = [sys.executable, "-m", "tests.hosts.as_windows"]
TASK = {"family": "a", "containerDefinitions": [{"name": "a", "image": "a", "memory": 64}]}


def run(argv: list[str], *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*argv, *arguments], cwd=ROOT, capture_output=True, env={**os.environ, **environment})


def test_no_module_needs_them_to_be_imported() -> None:
    done = run(AS_WINDOWS, "import-all")
    assert (done.returncode, done.stderr.decode()) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("endpoints", "--region", "eu-west-1", "--format", "csv"),
        ("explain", "tls.expired"),
        ("taskdef", "check", "{file}"),
    ],
)
def test_the_same_words_as_on_linux_in_any_code_page(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    file = tmp_path / "Aufgabe é.json"
    file.write_text(json.dumps(TASK), encoding="utf-8")
    words = [word.format(file=file) for word in arguments]
    there = run(AS_WINDOWS, *words, PYTHONIOENCODING="cp1252")
    here = run([sys.executable, "-m", "anywhere"], *words)
    assert (there.returncode, there.stdout, there.stderr) == (here.returncode, here.stdout, here.stderr)


@pytest.mark.parametrize("before", [None, "before"])
def test_a_report_is_written_whole(tmp_path: Path, before: str | None) -> None:
    output = tmp_path / "report.csv"
    if before:
        output.write_text(before)
    words = ("endpoints", "--region", "eu-west-1", "--format", "csv")
    assert run(AS_WINDOWS, *words, "--output", str(output)).returncode == 0
    assert output.read_bytes() == run(AS_WINDOWS, *words).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = run(AS_WINDOWS, "endpoints", "--region", "eu-west-1", "--output", str(tmp_path / "none" / "x.csv"))
    assert done.returncode == 2 and done.stderr.decode().count("\n") == 1 and b"cannot write" in done.stderr


@pytest.mark.region
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize(("fault", "verdict"), [("", "ready"), ("endpoint-refused", "not-ready")])
def test_the_way_to_the_endpoints_is_judged_and_nothing_else(tmp_path: Path, fault: str, verdict: str) -> None:
    bundle = tmp_path / "bundle.json.gz"
    region = [sys.executable, "-m", "tests.region", *(["--fault", fault] if fault else []), "--", *AS_WINDOWS]
    done = run(region, "check", "--region", "us-east-1", "--format", "json", "--save", str(bundle))
    target = json.loads(done.stdout)["targets"][0]
    assert json.loads(done.stdout)["verdict"] == verdict, target["causes"]
    statuses = {row["check"]: row["status"] for row in target["findings"]}
    assert "error" not in statuses.values() and statuses["system.os"] == "skip"
    assert {row["summary"] for row in target["findings"] if row["check"] == "system.init"} == {
        "a fact of Linux: this machine runs Windows, where only the way to the endpoints is checked"
    }
    again = json.loads(run([sys.executable, "-m", "anywhere"], "check", str(bundle), "--format", "json").stdout)
    assert again["verdict"] == verdict and again["targets"][0]["facts"]["os"] == {"name": "Windows"}
