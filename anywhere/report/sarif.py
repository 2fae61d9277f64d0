"""The report as SARIF 2.1.0, which code hosts show beside the changed lines of a pull request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Protocol
from urllib.parse import quote

from anywhere import __version__
from anywhere.model import Finding, Report, Status, Target
from anywhere.printable import json_text

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
DRIVER = {"name": "anywhere", "informationUri": "https://pypi.org/project/ecs-anywhere-toolkit/"}
LEVELS = {Status.FAIL: "error", Status.WARN: "warning", Status.ERROR: "error", Status.SKIP: "none"}
# SARIF's word for what was not judged; all others are faults.
KINDS = {Status.SKIP: "open"}


class Rule(Protocol):
    """What SARIF tells about a rule."""

    @property
    def title(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def source(self) -> str: ...


Rules = Mapping[str, Rule]
NO_RULES: Rules = {}


def render(report: Report, rules: Rules = NO_RULES) -> str:
    """Fails, warnings, errors and what could not be judged; passes are left out, as SARIF lists results to act on."""
    shown = [(target, finding) for target in report.targets for finding in target.findings if finding.status in LEVELS]
    ids = list(dict.fromkeys(finding.check for _, finding in shown))
    run = {
        "tool": {"driver": {**DRIVER, "version": __version__, "rules": list(_rules(ids, rules))}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(target, finding, ids.index(finding.check)) for target, finding in shown],
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, 2) + "\n"


def _rules(ids: list[str], rules: Rules) -> Iterator[dict[str, object]]:
    for id in ids:
        rule = rules.get(id)
        if rule is None:
            yield {"id": id, "shortDescription": {"text": id}}
            continue
        help = f"{rule.meaning}\n\nSource: {rule.source}"
        yield {
            "id": id,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.meaning},
            "help": {"text": help},
        }


def _result(target: Target, finding: Finding, rule: int) -> dict[str, object]:
    text = f"{finding.subject}: {finding.summary}"
    if finding.remedy:
        text += f". Fix: {finding.remedy.text}"
    pointer = str(finding.evidence.get("pointer", ""))
    key = f"{finding.check}|{finding.subject}|{pointer}|{finding.summary}"
    return {
        "ruleId": finding.check,
        "ruleIndex": rule,
        "level": LEVELS[finding.status],
        "kind": KINDS.get(finding.status, "fail"),
        "message": {"text": text},
        "locations": [_location(target, finding, pointer)],
        "partialFingerprints": {"anywhere/v1": hashlib.sha256(key.encode()).hexdigest()},
    }


def _location(target: Target, finding: Finding, pointer: str) -> dict[str, object]:
    logical = {"fullyQualifiedName": f"{finding.subject}{pointer}"}
    if target.kind != "document":
        return {"logicalLocations": [{"name": target.name, **logical}]}
    physical: dict[str, object] = {"artifactLocation": {"uri": quote(target.name.removeprefix("./"))}}
    line = finding.evidence.get("line")
    if isinstance(line, int):
        physical["region"] = {"startLine": line, "startColumn": finding.evidence.get("column", 1)}
    return {"physicalLocation": physical, "logicalLocations": [logical]}
