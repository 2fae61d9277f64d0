"""Findings of many hosts are packed, and nobody who reads them sees a difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anywhere.cli.output import write_pieces
from anywhere.flows.check import Check
from anywhere.flows.hosts import chosen
from anywhere.flows.reported.packed import FEW, Packed, packed
from anywhere.model import Cause, Finding, Reason, Remedy, Report, Stage, Status, Target, Verdict
from anywhere.report.json import pieces, render
from anywhere.settings import Settings

SLOW = Finding(
    "endpoints.reach", Status.FAIL, "ecs", "silent", Stage.CONNECT, Reason.TIMEOUT, {"timings": {"tls": 0.1}, "on": [1]}
)
FINE = Finding("system.os", Status.PASS, "Debian", "is on the list", remedy=Remedy("No need", (("true",),)))
TARGET = Target(
    "h", causes=(Cause("egress.silent", Status.FAIL, "silent", ("ecs",), Remedy("Ask."), (0,)),), findings=(SLOW, FINE)
)


def test_packed_findings_are_the_same() -> None:
    found = packed(TARGET, FEW + 1)
    assert isinstance(found.findings, Packed) and found == TARGET and found.verdict is Verdict.NOT_READY
    assert len(found.findings) == 2 and found.findings[-1] == FINE and tuple(found.findings[:1]) == (SLOW,)
    assert (*found.findings, FINE) == (SLOW, FINE, FINE) and found.findings != (SLOW,)
    assert found.statuses == TARGET.statuses == {Status.FAIL, Status.PASS}
    assert found.findings[0].status is Status.FAIL  # the very member, by which statuses are compared


def test_what_was_told_is_in_the_report_also_where_ctrl_c_comes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(Settings(regions=("us-east-1",)), chosen(host=["10.0.0.1", "10.0.0.2"]))
    monkeypatch.setattr(check, "_examine", lambda entry, **_: replace(TARGET, name=entry.name))
    told: list[str] = []

    def interrupted(target: Target) -> None:
        told.append(target.name)
        if len(told) == 2:
            raise KeyboardInterrupt

    found = check.run(interrupted)
    assert not found.whole and sorted(target.name for target in found.report.targets) == sorted(told)
    assert len(told) == 2 and found.left == 0


def test_few_hosts_keep_theirs() -> None:
    assert packed(TARGET, FEW) is TARGET


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_in_pieces_is_json(count: int, capfd: pytest.CaptureFixture[str]) -> None:
    report = Report(tuple(packed(TARGET, FEW + 1) for _ in range(count)))
    write_pieces(pieces(report))
    written = capfd.readouterr().out
    assert written == render(report) == render(Report((TARGET,) * count))
    assert [one["findings"][0]["reason"] for one in json.loads(written)["targets"]] == ["timeout"] * count


def test_a_file_in_pieces_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_pieces(("a", "b"), str(path))

    def broken() -> Iterator[str]:
        yield "c"
        raise ValueError

    with pytest.raises(ValueError):
        write_pieces(broken(), str(path))
    assert path.read_text() == "ab"
