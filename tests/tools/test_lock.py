"""The lock files lock: one version with its hashes for every package, none but those, and no place to fetch from."""

from __future__ import annotations

import pytest

from tests.tools.lock import FOLDER, differs, missing, pins

HASH = "--hash=sha256:" + "0" * 64
GOOD = f"# by make lock\na-b==1.0 ; python_version >= '3' \\\n    {HASH} \\\n    {HASH}\n    # via c\nc==2 {HASH}\n"


def test_a_lock_file_is_read() -> None:
    found, wrong = pins(GOOD)
    assert (sorted(found), wrong) == (["a-b", "c"], [])


@pytest.mark.parametrize(
    "entry",
    ["d==1.0", f"d>=1.0 {HASH}", f"d {HASH}", f"d @ https://example.com/d.whl {HASH}", "--index-url https://example.com",
     "--find-links /opt/wheels", "-e ."],
)  # fmt: skip
def test_what_locks_nothing_is_found(entry: str) -> None:
    assert len(pins(GOOD + entry + "\n")[1]) == 1


def test_what_the_project_requires_and_the_lock_lacks_is_found() -> None:
    found, _ = pins(GOOD)
    assert list(missing(["A_B>=1", "c>=2,<3"], found)) == []
    assert len(list(missing(["a-b>=1.1", "e"], found))) == 2


def test_an_environment_that_is_not_the_locked_one_is_found() -> None:
    found, _ = pins(GOOD)
    assert list(differs(found, {"a-b": "1.0", "c": "2", "pip": "23"})) == []
    assert len(list(differs(found, {"a-b": "1.1", "f": "1"}))) == 3


@pytest.mark.parametrize("name", ["dev.txt", "release.txt"])
def test_the_files_here_name_no_index_and_pin_all(name: str) -> None:
    text = (FOLDER / name).read_text()
    found, wrong = pins(text)
    assert found and wrong == [] and "://" not in text
