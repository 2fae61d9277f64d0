"""SARIF, JUnit and the tables of judged documents."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from anywhere.model import Finding, Remedy, Report, Status, Target
from anywhere.report.documents import render as doctable
from anywhere.report.junit import render as junit
from anywhere.report.sarif import render as sarif
from anywhere.report.style import Style
from anywhere.taskdef import RULES

FINDINGS = (
    Finding("taskdef.memory", Status.PASS, "web", "memory is given and adds up", evidence={"pointer": "", "line": 1}),
    Finding(
        "taskdef.network-mode",
        Status.FAIL,
        "web",
        "no awsvpc <here> & \x07",
        evidence={"pointer": "/networkMode", "line": 3, "column": 5},
        remedy=Remedy("use bridge"),
    ),
    Finding(
        "taskdef.log-blocking", Status.WARN, "web/a", "blocking", evidence={"pointer": "/a", "line": 9, "column": 1}
    ),
    Finding(
        "taskdef.execution-role", Status.SKIP, "web", "Ref Role", evidence={"pointer": "/b", "line": 2, "column": 1}
    ),
    Finding("host.reach", Status.ERROR, "box", "no answer"),
)
REPORT = Report(
    (
        Target("dir/task def.json", "document", "2026-11-21T10:00:00Z", 0.5, findings=FINDINGS[:4]),
        Target("box", "host", findings=FINDINGS[4:]),
    )
)


def test_sarif_names_rules_files_and_lines() -> None:
    log = json.loads(sarif(REPORT, {rule.id: rule for rule in RULES}))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    results = {result["ruleId"]: result for result in run["results"]}
    assert list(results) == ["taskdef.network-mode", "taskdef.log-blocking", "taskdef.execution-role", "host.reach"]
    assert [r["level"] for r in results.values()] == ["error", "warning", "none", "error"]
    place = results["taskdef.network-mode"]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "dir/task%20def.json"
    assert place["region"] == {"startLine": 3, "startColumn": 5}
    assert "Fix: use bridge" in results["taskdef.network-mode"]["message"]["text"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert "physicalLocation" not in results["host.reach"]["locations"][0]
    prints = [result["partialFingerprints"]["anywhere/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_sarif_satisfies_what_the_standard_requires_of_each_object() -> None:
    """The required properties and closed word lists of SARIF 2.1.0 (OASIS), for the objects in use."""
    (run,) = json.loads(sarif(REPORT, {rule.id: rule for rule in RULES}))["runs"]
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert run["tool"]["driver"]["name"]
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["id"] and rule["shortDescription"]["text"]
    for result in run["results"]:
        assert result["message"]["text"] and result["level"] in ("none", "note", "warning", "error")
        assert result["kind"] in ("fail", "open") and (result["kind"] == "fail" or result["level"] == "none")


def test_junit_is_a_suite_a_target_and_a_case_a_finding() -> None:
    root = ElementTree.fromstring(junit(REPORT).encode())
    assert root.attrib == {"name": "anywhere", "tests": "5", "failures": "1", "errors": "1"}
    document, box = root.findall("testsuite")
    assert (document.get("name"), document.get("tests"), document.get("time")) == ("dir/task def.json", "4", "0.500")
    assert document.get("timestamp") == "2026-11-21T10:00:00"
    cases = {case.get("classname"): case for case in root.iter("testcase")}
    failure = cases["taskdef.network-mode"].find("failure")
    assert failure is not None and failure.get("message") == "no awsvpc <here> & \ufffd"
    assert "at /networkMode, line 3" in (failure.text or "") and "use bridge" in (failure.text or "")
    assert cases["taskdef.execution-role"].find("skipped") is not None
    assert cases["host.reach"].find("error") is not None and box.get("errors") == "1"
    assert list(cases["taskdef.memory"]) == []
    assert "warning: blocking" in (cases["taskdef.log-blocking"].findtext("system-out") or "")


def test_table_shows_place_fault_and_fix_and_folds_passes() -> None:
    text = doctable(Report(REPORT.targets[:1]))
    assert "✓ 1 passed" in text and "memory is given" not in text
    lines = text.splitlines()
    assert next(line for line in lines if "network-mode" in line).split()[:3] == ["✗", "3:5", "taskdef.network-mode"]
    assert any("→ use bridge" in line for line in lines)
    assert lines[-1] == "NOT READY: 1 document, 1 failure, 1 warning, 1 not known"
    assert all(len(line) <= 60 for line in doctable(Report(REPORT.targets[:1]), Style(False, 60)).splitlines()[:3])
    assert "\x1b[31m" in doctable(Report(REPORT.targets[:1]), Style(True, 100))
