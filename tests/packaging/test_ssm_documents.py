"""The Command documents of packaging/ssm: their form, and their steps as the SSM agent runs them, by a shell."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.region import Region

FOLDER = Path(__file__).parents[2] / "packaging" / "ssm"
DOCUMENTS = sorted(path.name for path in FOLDER.glob("*.yaml"))
KINDS = {"String", "StringList", "Integer", "Boolean", "MapList", "StringMap"}
HOSTILE = ("us-east-1; id", "$(id)", "`id`", "us-east-1\nid", "' id '", "--host=x", "US-EAST-1")


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


def step(name: str, **given: str) -> str:
    """The script with its parameters put in, as text, the way the agent does it."""
    known = document(name)
    values = {key: str(one.get("default", "")) for key, one in known["parameters"].items()} | given
    script = "\n".join(known["mainSteps"][0]["inputs"]["runCommand"])
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: values[found[1]], script)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_has_the_form_of_schema_2_2(name: str) -> None:
    """The data elements of a document, AWS Systems Manager user guide, "Data elements and parameters"."""
    found = document(name)
    assert set(found) <= {"schemaVersion", "description", "parameters", "mainSteps"} and found["schemaVersion"] == "2.2"
    for key, one in found["parameters"].items():
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", key) and one["type"] in KINDS and one["description"]
        allowed = one.get("allowedValues") or [one["default"]]
        assert one["default"] in allowed
        # Values are put into the script as text: no parameter takes what a shell could read as more than a word.
        assert "allowedValues" in one or (one["allowedPattern"].startswith("^") and one["allowedPattern"].endswith("$"))
    for one in found["mainSteps"]:
        assert one["action"] == "aws:runShellScript" and re.fullmatch(r"[A-Za-z0-9_-]{3,128}", one["name"])
        assert set(one["inputs"]) == {"timeoutSeconds", "runCommand"}
    used = set(re.findall(r"\{\{ (\w+) \}\}", (FOLDER / name).read_text()))
    assert used == set(found["parameters"])


@pytest.mark.parametrize("value", HOSTILE)
def test_a_region_is_a_region_and_no_shell(value: str) -> None:
    pattern = document("anywhere-check.yaml")["parameters"]["Region"]["allowedPattern"]
    assert not re.fullmatch(pattern, value)


@pytest.mark.parametrize("value", ["", "us-east-1", "us-gov-west-1", "ap-southeast-4", "eusc-de-east-1"])
def test_every_region_is_taken(value: str) -> None:
    pattern = document("anywhere-check.yaml")["parameters"]["Region"]["allowedPattern"]
    assert re.fullmatch(pattern, value)


@pytest.mark.region
def test_the_check_reports_and_ends_with_the_verdict() -> None:
    with Region(("endpoint-refused",)) as region:
        path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin:/usr/sbin:/sbin"}
        done = region.run(["sh", "-c", step("anywhere-check.yaml", Region="us-east-1")], path)
        assert done.returncode == 1 and json.loads(done.stdout)["targets"][0]["verdict"] == "not-ready", done.stderr
        done = region.run(["sh", "-c", step("anywhere-rules.yaml", Action="plan")], path)
        assert done.returncode in (0, 1) and "rules" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name", DOCUMENTS)
def test_without_the_package_a_step_says_so(name: str) -> None:
    done = subprocess.run(["/bin/sh", "-c", step(name)], capture_output=True, text=True, env={"PATH": "/nonexistent"})
    assert done.returncode == 3 and "install its package first" in done.stderr
