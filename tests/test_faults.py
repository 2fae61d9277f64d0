"""Every named fault gives exactly its cause, every healthy variation none; a saved run replays to the same."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from anywhere.hosts.bundle import load, replay
from anywhere.report.json import target_dict
from anywhere.run import examine
from anywhere.settings import Settings
from tests.judged import codes, explain, judge, steady
from tests.region.faults import table

SCHEMA = json.loads((Path(__file__).parent.parent / "schemas" / "report-1.json").read_text())
TARGET_SCHEMA = {**SCHEMA, "required": [], "$ref": "#/$defs/target"}

pytestmark = pytest.mark.region


@pytest.mark.parametrize("name", sorted(table()))
def test_exactly_the_cause_is_named(name: str, tmp_path: Path) -> None:
    bundle = tmp_path / "host.json.gz"
    target = judge([name], save=bundle)
    assert codes(target) == sorted(table()[name].causes), explain(target)
    assert not [row for row in target["findings"] if row["status"] == "error"], explain(target)
    jsonschema.validate({key: value for key, value in target.items() if key != "exit_code"}, TARGET_SCHEMA)
    every_trouble_has_one_cause(target)
    fails = any(row["status"] == "fail" for row in target["findings"])
    assert target["exit_code"] == (1 if fails else 0)
    assert steady(replayed(bundle)) == steady({**target, "exit_code": None} | {"exit_code": None})


def every_trouble_has_one_cause(target: dict) -> None:
    explained = [index for cause in target["causes"] for index in cause["findings"]]
    troubled = [i for i, row in enumerate(target["findings"]) if row["status"] in ("warn", "fail")]
    assert sorted(explained) == troubled


def replayed(path: Path) -> dict:
    """The target that a bundle gives without the region."""
    body = load(str(path))
    saved = body["settings"]
    settings = Settings(**{key: _frozen(key, value) for key, value in saved.items()})
    target = target_dict(examine(replay(str(path)), settings, body["captured"]))
    return json.loads(json.dumps(target)) | {"exit_code": None}


def _frozen(key: str, value: object) -> object:
    if isinstance(value, list):
        return frozenset(value) if key == "features" else tuple(value)
    return value


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for name, one in table().items() if one.is_healthy))
def test_a_healthy_host_has_no_cause_twenty_times_in_a_row(name: str) -> None:
    for _ in range(20):
        target = judge([name])
        assert codes(target) == [], explain(target)
