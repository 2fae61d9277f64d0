"""JUnit output by the rules of the Jenkins xUnit plugin (model/xsd/junit-10.xsd), which closes every element's content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hypothesis import given, settings
from hypothesis import strategies as st

from anywhere.model import Finding, Remedy, Report, Status, Target
from anywhere.report.junit import render
from anywhere.taskdef.judge import Options, judge
from anywhere.taskdef.source.load import link, load

CASES = Path(__file__).parent.parent / "cases" / "taskdef"
COUNTS = {"tests", "failures", "errors"}
# Element: attributes that must be there, those that may, elements that it holds in any order.
RULES: Mapping[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", *COUNTS}, {"testsuite"}),
    "testsuite": (
        {"name", *COUNTS},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"}
        | {"rerunFailure", "rerunError", "flakyFailure", "flakyError"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
    "system-err": (set(), set(), set()),
}
MIXED = {"failure", "error", "skipped", "system-out", "system-err"}  # those that hold text
SECONDS = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def faults(element: Element) -> list[str]:
    """Where an element breaks the schema."""
    required, optional, inside = RULES[element.tag]
    found = [f"{element.tag} lacks {name}" for name in required - set(element.attrib)]
    found += [f"{element.tag} has {name}" for name in set(element.attrib) - required - optional]
    if element.tag.startswith("testsuite") and not SECONDS.fullmatch(element.get("time", "")):
        found.append(f"time is {element.get('time')}")
    if element.tag not in MIXED and (element.text or "").strip():
        found.append(f"{element.tag} holds text")
    for child in element:
        found += faults(child) if child.tag in inside else [f"{element.tag} holds {child.tag}"]
        found += [f"{element.tag} holds text"] if (child.tail or "").strip() else []
    return found


def test_reports_on_documents_are_valid_and_keep_their_lines() -> None:
    files = [CASES / "documents" / name for name in ("template.yaml", "plan.json", "describe.json")]
    loaded = link([load(path.read_bytes(), path.name) for path in files])
    report = Report(tuple(judge(loaded, Options())))
    root = ElementTree.fromstring(render(report).encode())
    assert faults(root) == []
    suite, target = root.findall("testsuite")[0], report.targets[0]
    rows = {item.get("name"): item.get("value") for item in suite.iter("property")}
    lines = {f"line.{at}": str(finding.evidence["line"]) for at, finding in enumerate(target.findings, 1)}
    assert rows == {"file": "template.yaml", **lines}


texts = st.text(max_size=12)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            Finding,
            texts,
            st.sampled_from(Status),
            texts,
            texts,
            evidence=st.fixed_dictionaries({"line": st.integers(1, 9) | texts}),
            remedy=st.none() | st.builds(Remedy, texts),
            seconds=st.floats(0, 1e7),
        ),
        max_size=3,
    ),
    texts,
    st.floats(0, 1e7),
)
def test_every_report_is_valid(findings: list[Finding], name: str, seconds: float) -> None:
    report = Report((Target(name, "document", "2026-11-21T10:00:00Z", seconds, findings=tuple(findings)),))
    assert faults(ElementTree.fromstring(render(report).encode())) == []


def test_the_rules_find_what_is_invalid() -> None:
    suite = '<testsuite name="a" tests="1" errors="0" time="1s"><testcase line="3"/></testsuite>'
    text = f'<testsuites skipped="1">{suite}</testsuites>'
    assert sorted(faults(ElementTree.fromstring(text))) == [
        "testcase has line",
        "testcase lacks name",
        "testsuite lacks failures",
        "testsuites has skipped",
        "time is 1s",
    ]
