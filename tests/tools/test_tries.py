"""Second tries are for marked tests only, and known trouble is shown without failing the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tries import KNOWN_TROUBLE, known_trouble

ROOT = Path(__file__).parents[2]
TESTS = """
import os, pathlib, pytest
def flaps(name):
    path = pathlib.Path(__file__).with_name(name)
    first = not path.exists()
    path.touch()
    assert not first
{marker}
def test_one():
    flaps("one")
"""


def run(folder: Path, text: str, trouble: str = "") -> tuple[int, str]:
    (folder / "test_it.py").write_text(text)
    (folder / "known.toml").write_text(trouble)
    (folder / "conftest.py").write_text(
        "import pathlib\nimport tests.support.tries as tries\n"
        "tries.KNOWN_TROUBLE = pathlib.Path(__file__).with_name('known.toml')\npytest_plugins = ['tests.support.tries']\n"
    )
    (folder / "pytest.ini").write_text("[pytest]\n")
    argv = [sys.executable, "-m", "pytest", "-ra", "--rootdir", str(folder), "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=folder, env={"PYTHONPATH": str(ROOT)})
    return done.returncode, done.stdout + done.stderr


def test_a_marked_test_is_tried_twice_and_counted(tmp_path: Path) -> None:
    code, text = run(tmp_path, TESTS.format(marker="@pytest.mark.second_try(reason='waits for sshd')"))
    assert code == 0 and "tried twice: 1\n  test_it.py::test_one" in text, text


def test_any_other_test_is_tried_once(tmp_path: Path) -> None:
    code, text = run(tmp_path, TESTS.format(marker=""))
    assert code == 1 and "tried twice: 0" in text, text


def test_a_second_try_without_a_reason_is_refused(tmp_path: Path) -> None:
    code, text = run(tmp_path, TESTS.format(marker="@pytest.mark.second_try"))
    assert code == 4 and "second_try needs a reason" in text, text


def test_known_trouble_is_shown_and_does_not_fail_the_run(tmp_path: Path) -> None:
    entry = '[[trouble]]\ntest = "test_it.py::test_one"\ndate = 2026-11-01\nreason = "the daemon is slow"\n'
    code, text = run(tmp_path, TESTS.format(marker=""), entry)
    assert code == 0 and "known since 2026-11-01: the daemon is slow" in text, text
    assert "failed as known: test_it.py::test_one: " in text, text
    other = entry.replace("test_one", "test_other")
    (tmp_path / "one").unlink()
    assert run(tmp_path, TESTS.format(marker=""), other)[0] == 1


@pytest.mark.parametrize("lacks", ["test", "date", "reason"])
def test_an_entry_without_its_date_or_reason_is_refused(lacks: str) -> None:
    lines = {"test": 'test = "x"', "date": "date = 2026-11-01", "reason": 'reason = "y"'}
    del lines[lacks]
    with pytest.raises(pytest.UsageError):
        known_trouble("[[trouble]]\n" + "\n".join(lines.values()))


def test_every_entry_names_a_test_that_exists() -> None:
    for trouble in known_trouble(KNOWN_TROUBLE.read_text()):
        path, _, name = trouble.test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(), trouble.test
