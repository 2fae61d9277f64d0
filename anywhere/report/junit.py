"""The report as JUnit XML: a suite a target, a case a finding. Valid by the schema of Jenkins's xUnit plugin
(junit-10.xsd): `line.N` of a suite's properties is the line of its Nth case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from anywhere.model import Finding, Report, Status, Target
from anywhere.report.shown.commands import script_lines

# What XML 1.0 has no way to write.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """A fail is a failure, what could not be judged an error, a skip is skipped; a warning passes and says so."""
    counts = _counts([f for target in report.targets for f in target.findings])
    counts.pop("skipped")  # the schema has it for a suite only
    root = Element("testsuites", {"name": "anywhere", **counts})
    for target in report.targets:
        _suite(root, target)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts(findings: Sequence[Finding]) -> dict[str, str]:
    def count(status: Status) -> str:
        return str(sum(finding.status is status for finding in findings))

    return {
        "tests": str(len(findings)),
        "failures": count(Status.FAIL),
        "errors": count(Status.ERROR),
        "skipped": count(Status.SKIP),
    }


def _suite(root: Element, target: Target) -> None:
    attributes = {"name": _clean(target.name), "time": f"{target.seconds:.3f}", **_counts(target.findings)}
    suite = SubElement(root, "testsuite", attributes)
    if target.started:
        suite.set("timestamp", target.started.removesuffix("Z"))
    _places(suite, target)
    for finding in target.findings:
        _case(suite, finding)


def _places(suite: Element, target: Target) -> None:
    """Where in the document each finding is: as properties of the suite, as a case has no attribute for it."""
    lines = [(at, finding.evidence.get("line")) for at, finding in enumerate(target.findings, 1)]
    found = [(at, line) for at, line in lines if isinstance(line, int)]
    if found:
        properties = SubElement(suite, "properties")
        SubElement(properties, "property", name="file", value=suite.get("name", ""))
        for at, line in found:
            SubElement(properties, "property", name=f"line.{at}", value=str(line))


def _case(suite: Element, finding: Finding) -> None:
    case = SubElement(
        suite, "testcase", classname=_clean(finding.check), name=_clean(finding.subject), time=f"{finding.seconds:.3f}"
    )
    summary = _clean(finding.summary)
    if finding.status is Status.FAIL:
        SubElement(case, "failure", message=summary, type=str(finding.reason or "fail")).text = _body(finding)
    elif finding.status is Status.ERROR:
        SubElement(case, "error", message=summary, type=str(finding.reason or "error")).text = _body(finding)
    elif finding.status is Status.SKIP:
        SubElement(case, "skipped", message=summary)
    elif finding.status is Status.WARN:
        SubElement(case, "system-out").text = f"warning: {_body(finding)}"


def _body(finding: Finding) -> str:
    """What a person reads: the summary, where it is, how to fix it."""
    parts = [finding.summary]
    where = finding.evidence.get("pointer")
    if where:
        line = finding.evidence.get("line")
        parts.append(f"at {where}" + (f", line {line}" if line else ""))
    if finding.remedy:
        parts.append(f"fix: {finding.remedy.text}")
        parts += script_lines(finding.remedy)
    return _clean("\n".join(parts))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
