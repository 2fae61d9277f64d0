"""Reports that another engine gathered: hosts that gave none keep nobody else's back."""

from __future__ import annotations

import json

import pytest

from anywhere.errors import BadInput
from anywhere.flows.reported.gathered import gathered as gathered_from
from anywhere.model import Finding, Report, Status, Target
from anywhere.report import renderer
from anywhere.report.read import merged

GOOD = renderer("json")(Report((Target("web1", findings=(Finding("system.os", Status.PASS, "web1", "fine"),)),)))


def gathered(files: list[tuple[str, str]]) -> list[tuple[Target, ...]]:
    return gathered_from([path for path, _ in files], dict(files).__getitem__)


@pytest.mark.parametrize(("text", "said"), [("", "empty"), ("\n", "empty"), (GOOD[:200], "cut off")])
def test_a_host_that_gave_no_report_is_one_that_was_not_checked(text: str, said: str) -> None:
    report = merged(gathered([("reports/web1.json", GOOD), ("reports/web2.example.com.json", text)]))
    assert [target.name for target in report.targets] == ["web1", "web2.example.com"]
    [cause] = report.targets[1].causes
    assert (cause.code, said in cause.summary) == ("host.unreachable", True)
    assert report.exit_code() == 3


def test_what_a_login_script_printed_before_a_report_does_not_count() -> None:
    [[target]] = gathered([("web1.json", "Welcome to web1\nLast login: today\n" + GOOD)])
    assert target.name == "web1"


def test_lines_of_several_hosts_are_no_report_that_was_cut_off() -> None:
    line = json.dumps(json.loads(GOOD)["targets"][0])
    found = gathered([("a.jsonl", f"{line}\n{line}\n"), ("b.json", GOOD)])
    assert [target.name for targets in found for target in targets] == ["web1"] * 3


def test_the_line_that_a_run_did_not_finish_is_named() -> None:
    line = json.dumps(json.loads(GOOD)["targets"][0])
    with pytest.raises(BadInput, match=r"^a\.jsonl: line 2 is cut off, since its run was ended early: remove that line"):
        gathered([("a.jsonl", f"{line}\n{line[:200]}")])


@pytest.mark.parametrize("text", ["", "hello\n", '{"schema": "other/1"}'])
def test_what_is_no_report_at_all_is_said(text: str) -> None:
    with pytest.raises(BadInput):
        gathered([("a.json", text)])
    if text:
        with pytest.raises(BadInput):
            gathered([("a.json", text), ("b.json", GOOD)])
