"""`anywhere status` in the region: one screen, its exit code, and the cause of each way in which an instance fails."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from anywhere.diagnosis import SYMPTOMS
from anywhere.flows.clones import judge_fleet
from anywhere.model import Report, Target
from anywhere.report.life import identity
from tests.region.faults import table
from tests.region.region import Region
from tests.support.sample import spread
from tests.support.unprivileged import NOBODY, python, readable_copy

pytestmark = pytest.mark.region
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "report-1.json").read_text())
STATUS = (sys.executable, "-m", "anywhere", "status")
# Each way in which an instance fails, and where it shows: of two that show in one place only the first met is ever seen (a
# refusal ends the request, an agent that does not start opens no channel).
TEN = {
    "credentials-expired": {"channel", "ssm"},
    "deregistered-in-ecs": {"channel"},
    "deregistered-in-ssm": {"ssm"},
    "acs-cut-by-proxy": {"channel"},
    "cluster-deleted": {"channel"},
    "clock-stepped": {"channel", "ssm"},
    "disk-filled": set(),
    "docker-upgraded": {"start", "channel"},
    "state-corrupted": {"start", "channel"},
    "role-replaced": {"channel", "ssm"},
}
PAIRS = tuple(combinations(TEN, 2))
FAST = PAIRS[::9]


def status(*names: str, words: tuple[str, ...] = ("--format", "json")) -> tuple[int, str]:
    chosen = [table()[name] for name in names]
    faults = tuple(one.name for one in chosen if not one.is_healthy)
    with Region(faults, tuple(one.name for one in chosen if one.is_healthy)) as region:
        done = region.run([*STATUS, *words])
    assert done.stdout, done.stderr
    return done.returncode, done.stdout


def target(*names: str) -> Mapping[str, Any]:
    code, text = status(*names)
    report = json.loads(text)
    jsonschema.validate(report, SCHEMA)
    found: Mapping[str, Any] = report["targets"][0]
    fails = any(row["status"] == "fail" for row in found["findings"])
    assert code == (1 if fails else 0)
    return found


def codes(found: Mapping[str, Any]) -> set[str]:
    return {cause["code"] for cause in found["causes"]}


@pytest.mark.parametrize("name", spread(TEN, 2))
def test_the_cause_is_named_without_a_packet(name: str) -> None:
    found = target(name)
    assert codes(found) == table()[name].causes
    assert all(cause["remedy"]["text"] for cause in found["causes"])


@pytest.mark.parametrize(
    "pair", [pytest.param(pair, marks=[] if pair in FAST else [pytest.mark.soak]) for pair in PAIRS], ids="+".join
)
def test_two_at_once_are_named_as_far_as_they_show(pair: tuple[str, str]) -> None:
    first, second = (table()[name].causes for name in pair)
    found = codes(target(*pair))
    masked = TEN[pair[0]] & TEN[pair[1]]
    assert found <= first | second
    assert found if masked else found == roots(first | second)


def roots(causes: frozenset[str]) -> set[str]:
    """Without those that another of them explains: credentials expire because the instance is deregistered."""
    explained = {
        code for code, deeper in SYMPTOMS if code in causes and any(o.startswith(deeper) for o in causes - {code})
    }
    return set(causes) - explained


def test_a_healthy_instance_fits_on_one_screen() -> None:
    code, text = status("registered", words=())
    lines = text.splitlines()
    assert code == 0
    assert len(lines) <= 24 and max(map(len, lines)) <= 120
    assert "mi-0123456789abcdef0" in text and "connected since" in text and "0 running" in text
    assert lines[-2].startswith("READY: ")


def test_facts_tell_the_state_without_secrets() -> None:
    found = target("registered")["facts"]["status"]
    assert found["connected"] is True and found["since"].endswith("Z")
    assert found["cluster"] == "plant-7" and found["instance"] == "mi-0123456789abcdef0"
    assert found["credentials"]["left_seconds"] > 0 and found["credentials"]["age_seconds"] < 600
    assert found["units"]["ecs"]["active"] == "active" and found["tasks"] == []
    assert "ASIAEXAMPLE" not in json.dumps(found) and "secret" not in json.dumps(found)


def test_a_bare_host_is_no_instance() -> None:
    found = target()
    assert codes(found) == {"registration.missing"}


def test_metrics_and_the_map_of_identities() -> None:
    code, text = status("registered", words=("--format", "prometheus"))
    assert code == 0 and 'anywhere_agent_connected{host="local"} 1' in text
    assert text.count("# TYPE anywhere_ready gauge") == 1
    _, text = status("registered", words=("--format", "csv"))
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["instance"] == "mi-0123456789abcdef0" and row["connected"] == "yes" and len(row["machine_id"]) == 32
    _, text = status("registered", words=("--identity", "--format", "json"))
    body = json.loads(text)
    assert body["schema"] == "anywhere/identity/1" and body["duplicates"] == []


def test_no_packet_leaves_the_host() -> None:
    """The counter of the way out stands still."""
    with Region((), ("registered",)) as region:
        before = region.run(["cat", "/proc/net/dev"]).stdout
        done = region.run(STATUS)
        after = region.run(["cat", "/proc/net/dev"]).stdout
    assert done.returncode == 0, done.stderr
    assert _sent(before) == _sent(after)


def _sent(table: str) -> dict[str, int]:
    rows = [line.split(":", 1) for line in table.splitlines() if ":" in line]
    return {name.strip(): int(rest.split()[9]) for name, rest in rows if name.strip() == "eth0"}


def test_a_saved_bundle_and_a_user_without_rights_get_a_status_too(tmp_path: Path, shared_room: Path) -> None:
    bundle = tmp_path / "host.json.gz"
    check = [sys.executable, "-m", "anywhere", "check", "--region", "us-east-1", "--save", str(bundle)]
    readable = readable_copy(shared_room / "copy", "anywhere") | {"HOME": "/nonexistent"}
    with Region((), ("registered",)) as region:
        region.run(check)
        saved = region.run([*STATUS, "--host", str(bundle)])
        nobody = region.run([*NOBODY, python(), "-B", "-m", "anywhere", "status"], readable)
    assert saved.returncode in (0, 3) and "mi-0123456789abcdef0 in us-east-1" in saved.stdout, (
        saved.stdout + saved.stderr
    )
    assert nobody.returncode in (0, 3) and "Traceback" not in nobody.stderr, nobody.stdout + nobody.stderr
    assert "registration.missing" not in nobody.stdout


def test_many_hosts_are_a_map_with_duplicates() -> None:
    versions = {
        name: {"installed": "1.0", "newest": "1.1", "dated": "", "outdated": True} for name in ("ecs-agent", "docker")
    }

    def host(name: str, machine: str) -> Target:
        known = {
            "instance": f"mi-{name}",
            "cluster": "prod",
            "connected": True,
            "machine_id": machine,
            "versions": versions,
        }
        return Target(name, facts={"machine_id": machine, "hostname": name, "status": known})

    report = Report(judge_fleet((host("a", "x"), host("b", "x"), host("c", "y"))))
    body = json.loads(identity.as_json(report))
    jsonschema.validate(body, json.loads((Path(__file__).parents[2] / "schemas" / "identity-1.json").read_text()))
    (one,) = body["duplicates"]
    assert (one["mark"], one["hosts"]) == ("machine-id", ["a", "b"])
    text = identity.table(report)
    assert "duplicate machine-id: a, b" in text and "mi-c" in text
    rows = list(csv.DictReader(io.StringIO(identity.as_csv(report))))
    assert [row["instance"] for row in rows] == ["mi-a", "mi-b", "mi-c"] and rows[0]["ecs_agent"] == "1.0"
    assert report.exit_code() == 1
