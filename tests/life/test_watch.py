"""`anywhere watch`: one line a change, the command with the report, the metrics, the history."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from anywhere.errors import BadInput
from anywhere.flows.hosts import chosen
from anywhere.flows.lifecycle import watch as flow
from anywhere.flows.lifecycle.watch import KEPT, MOST, NAME, SCHEMA, Watch, history, parse_every
from anywhere.model import Finding, Report, Status, Target
from anywhere.report.life.drift import words
from tests.region.region import Region

WATCH = f"{sys.executable} -m anywhere watch"
LOST = (
    'printf \'level=error time=2026-11-29T09:00:00Z msg="Failed to connect to ACS" error="InactiveInstanceException: gone"\\n\''
    " >> /var/log/ecs/ecs-agent.log"
)


@pytest.mark.region
def test_a_change_is_told_once_and_kept(tmp_path: Path) -> None:
    heard, metrics = tmp_path / "heard", tmp_path / "metrics.prom"
    tick = (
        f"{WATCH} --once --on-change 'cat > {heard}' --textfile {metrics} --log-file {tmp_path}/log >> {tmp_path}/lines"
    )
    tick += f"; echo $? >> {tmp_path}/codes"
    with Region((), ("registered",)) as region:
        region.run(
            ["sh", "-c", f"{tick}; {LOST}; {tick}; {tick}; {WATCH} --history --format json > {tmp_path}/history"]
        )
    codes = (tmp_path / "codes").read_text().split()
    lines = (tmp_path / "lines").read_text().splitlines()
    told = json.loads((tmp_path / "history").read_text())
    jsonschema.validate(told, json.loads((Path(__file__).parents[2] / "schemas/history-1.json").read_text()))
    changes = told["changes"]
    assert codes == ["0", "1", "1"], lines
    assert [(one["was"], one["verdict"]) for one in changes if "registration.broken" in str(one)] == [
        ("ready", "not-ready")
    ]
    assert sum("registration.broken" in line for line in lines) == 1
    assert [line.partition(" ")[2] for line in (tmp_path / "log").read_text().splitlines()] == lines
    assert json.loads(heard.read_text())["targets"][0]["causes"][0]["code"] == "registration.broken"
    assert 'anywhere_ready{host="local"} 0' in metrics.read_text()
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.region
def test_in_the_foreground_it_ends_by_a_signal(tmp_path: Path) -> None:
    with Region((), ("registered",)) as region:
        argv = [sys.executable, "-m", "anywhere", "watch", "--every", "10s"]
        with region.popen(argv, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            first = process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    assert first.startswith("local: ready") and process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)


class Ticks:
    """A watch whose report has one finding of the given status for each host."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, textfile: str = "") -> None:
        self.statuses: dict[str, Status] = {}
        self.heard: list[str] = []
        self.ran = 0
        monkeypatch.setattr(flow, "status", lambda *_: self._report())
        monkeypatch.setattr(Watch, "_run", lambda *_: self._count())
        said = self.heard
        self.watch = Watch(chosen(), str(folder), lambda change: said.append(change.host), print, "true", textfile)

    def _count(self) -> None:
        self.ran += 1

    def _report(self) -> Report:
        return Report(
            tuple(
                Target(name, findings=(Finding("system.memory", status, "", ""),))
                for name, status in self.statuses.items()
            )
        )

    def tick(self, **statuses: Status) -> list[str]:
        self.statuses |= statuses
        self.heard.clear()
        self.watch.tick()
        return list(self.heard)


def test_the_history_is_cut_to_the_last_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / NAME
    path.write_text("".join(json.dumps({"schema": SCHEMA, "host": "a", "n": n}) + "\n" for n in range(MOST)))
    assert Ticks(tmp_path, monkeypatch).tick(b=Status.PASS) == ["b"]
    kept = history(str(tmp_path))
    assert len(kept) == KEPT and kept[-1]["host"] == "b"


def test_a_fleet_larger_than_the_history_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = Ticks(tmp_path, monkeypatch)
    fleet = {f"web{number}": Status.PASS for number in range(MOST + 50)}
    assert len(ticks.tick(**fleet)) == len(fleet)
    assert ticks.tick() == []
    assert ticks.tick(web0=Status.FAIL) == ["web0"]
    assert ticks.tick() == []


def test_a_change_after_a_torn_line_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = Ticks(tmp_path, monkeypatch)
    assert ticks.tick(a=Status.PASS) == ["a"]
    with (tmp_path / NAME).open("a") as file:
        file.write('{"schema": "anywhere/wat')
    assert ticks.tick(a=Status.FAIL) == ["a"]
    assert ticks.tick() == []


def test_the_command_runs_where_the_metrics_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = Ticks(tmp_path, monkeypatch, textfile=str(tmp_path / "gone" / "metrics.prom"))
    with pytest.raises(BadInput, match="gone"):
        ticks.tick(a=Status.PASS)
    assert ticks.ran == 1


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("1h", 3600), ("45", 45)])
def test_times(text: str, seconds: float) -> None:
    assert parse_every(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "1s", "5 m", "25h", "-5m", "fast"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(BadInput, match="--every"):
        parse_every(text)


def test_drift_in_the_words_of_the_field() -> None:
    before = {
        "docker": "28.1.0",
        "rule rules credentials-output": "True",
        "HTTPS_PROXY of ecs-agent": "http://old:3128",
    }
    after = {
        "docker": "29.0.1",
        "rule rules credentials-output": "False",
        "HTTPS_PROXY of docker": "http://proxy:3128",
        "CA bundle": "/etc/ssl/certs/ca-certificates.crt",
    }
    assert words(before, after) == [
        "docker 28.1.0 -> 29.0.1",
        "rule rules credentials-output: deleted or without effect",
        "proxy (HTTPS_PROXY) of ecs-agent removed (was http://old:3128)",
        "proxy (HTTPS_PROXY) added to docker: http://proxy:3128",
        "CA bundle none -> /etc/ssl/certs/ca-certificates.crt",
    ]
    assert words(before, before) == []


def test_the_units_are_whole() -> None:
    folder = Path(__file__).parents[2] / "packaging" / "systemd"
    service, timer = (folder / f"anywhere-watch.{kind}" for kind in ("service", "timer"))
    assert "ExecStart=/usr/bin/anywhere watch --once" in service.read_text()
    assert "WantedBy=timers.target" in timer.read_text() and "[Install]" not in service.read_text()
