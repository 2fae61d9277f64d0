"""Prometheus' text format, for the node exporter's textfile collector or a push gateway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from anywhere.model import Report, Status, Target, Verdict
from anywhere.report.fleet.view import row

Sample = tuple[dict[str, str], float]
Metric = tuple[str, str, Callable[[Target], Iterator[Sample]]]


def render(report: Report) -> str:
    """All metrics, each with its help and type."""
    return lines(report, METRICS)


def lines(report: Report, metrics: Sequence[Metric]) -> str:
    """These metrics of every target."""
    text: list[str] = []
    for name, help, samples in metrics:
        rows = [sample for target in report.targets for sample in samples(target)]
        if rows:
            text += [f"# HELP anywhere_{name} {help}", f"# TYPE anywhere_{name} gauge"]
            series: dict[str, float] = {}
            for labels, value in rows:
                # Two samples with the same labels make the whole file invalid: the first one counts.
                series.setdefault(_series(f"anywhere_{name}", labels), value)
            text += [f"{labels} {_value(value)}" for labels, value in series.items()]
    return "\n".join(text) + "\n"


def _series(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{inside}}}"


def _value(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _ready(target: Target) -> Iterator[Sample]:
    yield {"host": target.name}, float(target.verdict in (Verdict.READY, Verdict.WARNINGS))


def _verdict(target: Target) -> Iterator[Sample]:
    for verdict in Verdict:
        yield {"host": target.name, "verdict": str(verdict)}, float(target.verdict is verdict)


def _findings(target: Target) -> Iterator[Sample]:
    counted = Counter(finding.status for finding in target.findings)
    for status in Status:
        yield {"host": target.name, "status": str(status)}, float(counted[status])


def _causes(target: Target) -> Iterator[Sample]:
    for cause in target.causes:
        labels = {"host": target.name, "code": cause.code, "severity": str(cause.severity)}
        yield labels, float(len(cause.findings))


def _reached(target: Target) -> Iterator[Sample]:
    for name, cell in row(target).items():
        if cell.status in (Status.PASS, Status.WARN, Status.FAIL):
            yield {"host": target.name, "endpoint": name}, float(cell.status is not Status.FAIL)


def _seconds(target: Target) -> Iterator[Sample]:
    for name, cell in row(target).items():
        if cell.status in (Status.PASS, Status.WARN) and cell.seconds:
            yield {"host": target.name, "endpoint": name}, round(cell.seconds, 4)


def _clock(target: Target) -> Iterator[Sample]:
    for finding in target.findings:
        timings = finding.evidence.get("timings")
        offset = timings.get("offset") if isinstance(timings, dict) else None
        if finding.check == "system.clock" and isinstance(offset, int | float):
            yield {"host": target.name}, float(offset)


def _duration(target: Target) -> Iterator[Sample]:
    yield {"host": target.name}, target.seconds


def _started(target: Target) -> Iterator[Sample]:
    try:
        moment = datetime.fromisoformat(target.started)
    except ValueError:
        return
    yield {"host": target.name}, moment.timestamp()


METRICS: tuple[Metric, ...] = (
    ("ready", "Whether the host is ready (1) or not (0).", _ready),
    ("verdict", "The verdict: 1 for the one that holds.", _verdict),
    ("findings", "How many findings have each status.", _findings),
    ("cause_findings", "How many findings a cause explains.", _causes),
    ("endpoint_reached", "Whether the endpoint is reached (1) or not (0).", _reached),
    ("endpoint_seconds", "How long connect, handshake and answer took.", _seconds),
    ("clock_offset_seconds", "The host's clock minus the endpoints' Date headers.", _clock),
    ("check_duration_seconds", "How long the check took.", _duration),
    ("check_timestamp_seconds", "When the check began.", _started),
)
