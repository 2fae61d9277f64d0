"""The comparison of two versions: every difference has its place, none is made up."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.tools.compare_reports import by_name, differences, main

TARGET: dict[str, Any] = {
    "verdict": "not-ready",
    "findings": [
        {"check": "network.dns", "subject": "10.0.0.2", "status": "pass", "evidence": {"a/b": 1}},
        {"check": "system.disk", "subject": "/", "status": "fail", "evidence": {}},
    ],
    "causes": [{"code": "disk.low", "findings": [1]}],
}


def changed(pointer: str) -> Any:
    other = deepcopy(TARGET)
    if pointer == "/verdict":
        other["verdict"] = "ready"
    elif pointer == "/findings/network.dns 10.0.0.2/0/evidence/a~1b":
        other["findings"][0]["evidence"]["a/b"] = 2
    elif pointer == "/findings/system.clock":
        other["findings"].insert(0, {"check": "system.clock", "subject": "", "status": "pass", "evidence": {}})
        other["causes"][0]["findings"] = [2]
    elif pointer == "/causes/disk.low/findings/0":
        other["causes"][0]["findings"] = [0]
    return other


@pytest.mark.parametrize(
    "pointer",
    [
        "/verdict",
        "/findings/network.dns 10.0.0.2/0/evidence/a~1b",
        "/findings/system.clock",
        "/causes/disk.low/findings/0",
    ],
)
def test_one_change_is_one_difference_at_its_place(pointer: str) -> None:
    found = list(differences(by_name(TARGET), by_name(changed(pointer))))
    assert [row[0] for row in found] == [pointer]


def test_the_same_is_no_difference() -> None:
    assert list(differences(by_name(TARGET), by_name(deepcopy(TARGET)))) == []


def test_a_folder_that_is_no_checkout_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"{tmp_path}: healthy: ") and said.out == ""


@pytest.mark.region
def test_a_version_says_the_same_as_itself(capsys: pytest.CaptureFixture[str]) -> None:
    here = str(Path(__file__).parents[2])
    assert main([here, here]) == 0, capsys.readouterr().out
