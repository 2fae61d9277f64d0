"""Reports read back: JSON of the report's own form to targets, for merging and for going on with a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from anywhere.documents.json import parse_record
from anywhere.errors import BadInput, ParseError
from anywhere.model import Cause, Finding, Reason, Remedy, Report, Stage, Status, Target

SCHEMA = "anywhere/report/1"


def read_report(text: str, name: str) -> tuple[Target, ...]:
    """The targets of a JSON report, or of JSON lines; what login scripts printed before it does not count. Raises BadInput,
    naming the file and the line."""
    text = without_banner(text)
    try:
        body = parse_record(text)
    except ParseError:
        found = tuple(_lines(text, name))
    else:
        found = tuple(_targets(body, name))
    if not found:
        raise BadInput(f"{name}: no host in it: not a report of `anywhere check --format json`")
    return found


def without_banner(text: str) -> str:
    """A report without what login scripts printed before it; lines keep their numbers."""
    place = text.find("\n{")
    if place < 0 or text.lstrip().startswith("{"):
        return text
    return "\n" * text.count("\n", 0, place + 1) + text[place + 1 :]


_CUT = "is cut off, since its run was ended early: remove that line, or check again"
_NO_JSON = "is no JSON: not a report of `anywhere check`"


def _lines(text: str, name: str) -> Iterator[Target]:
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                body = parse_record(line)
            except ParseError as error:
                # A whole line ends with a newline, or at least with its object.
                is_cut = number == len(lines) and line.startswith("{") and not line.endswith("}")
                raise BadInput(f"{name}: line {number} {_CUT if is_cut else _NO_JSON}") from error
            yield from _targets(body, f"{name}: line {number}")


def _targets(body: object, name: str) -> Iterator[Target]:
    if not isinstance(body, dict):
        raise BadInput(f"{name}: not a report of `anywhere check --format json`")
    schema = body.get("schema", SCHEMA)
    if not isinstance(schema, str) or not schema.startswith(("anywhere/report/", "anywhere/run/", "anywhere/bundle/")):
        raise BadInput(f"{name}: not a report of `anywhere check --format json`")
    if schema.startswith("anywhere/bundle/"):
        raise BadInput(f"{name}: a saved bundle, not a report: check it with `anywhere check {name}`")
    if schema.startswith("anywhere/report/") and schema != SCHEMA:
        raise BadInput(f"{name}: {schema} comes from another version of anywhere; this one reads {SCHEMA}")
    rows = body.get("targets", [body] if "findings" in body else [])
    if not isinstance(rows, list):
        raise BadInput(f"{name}: its targets are no list")
    for row in rows:
        yield target_of(row, name)


def target_of(row: Any, name: str) -> Target:
    """One target. Raises BadInput where a value is not of its kind."""
    try:
        target = Target(
            name=_text(row["name"]),
            kind=_text(row["kind"]),
            started=_text(row["started"]),
            seconds=_number(row["seconds"]),
            facts=_mapping(row["facts"]),
            causes=tuple(_cause(cause) for cause in row["causes"]),
            findings=tuple(_finding(finding) for finding in row["findings"]),
            reach=tuple(map(_text, row.get("reach", ()))),
        )
        if any(not 0 <= place < len(target.findings) for cause in target.causes for place in cause.findings):
            raise ValueError("a cause names a finding that is not there")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadInput(f"{name}: a target is not of the form of {SCHEMA} ({type(error).__name__}: {error})") from error
    return target


def _cause(row: Mapping[str, Any]) -> Cause:
    return Cause(
        _text(row["code"]),
        Status(row["severity"]),
        _text(row["summary"]),
        tuple(map(_text, row["subjects"])),
        _remedy(row["remedy"]),
        tuple(int(index) for index in row["findings"]),
    )


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        _text(row["check"]),
        Status(row["status"]),
        _text(row["subject"]),
        _text(row["summary"]),
        Stage(row["stage"]) if row["stage"] else None,
        Reason(row["reason"]) if row["reason"] else None,
        _mapping(row["evidence"]),
        _remedy(row["remedy"]) if row["remedy"] else None,
        _number(row["seconds"]),
    )


def _remedy(row: Mapping[str, Any]) -> Remedy:
    return Remedy(
        _text(row["text"]),
        _commands(row["commands"]),
        tuple(map(_text, row.get("where", ()))),
        _text(row.get("ask", "")),
        _commands(row.get("look", ())),
        tuple(map(_text, row.get("look_where", ()))),
    )


def _commands(rows: Iterable[Any]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(map(_text, command)) for command in rows)


def _number(value: Any) -> float:
    """Seconds: finite, since a report with anything else could not be written again."""
    if not math.isfinite(number := float(value)):
        raise ValueError(f"{value!r} is no time")
    return number


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return value


def merged(reports: Iterable[Iterable[Target]]) -> Report:
    """One report of many: of a target that stands in several the newest counts, at the place of its first mention.

    What other engines gathered is called `local` everywhere; it gets the name of its host.
    """
    found: dict[tuple[str, str], Target] = {}
    for targets in reports:
        for target in map(_by_its_name, targets):
            key = (target.kind, target.name)
            if key not in found or target.started >= found[key].started:
                found[key] = target
    return Report(tuple(found.values()))


def _by_its_name(target: Target) -> Target:
    hostname = target.facts.get("hostname")
    if target.name != "local" or not isinstance(hostname, str) or not hostname:
        return target
    return replace(target, name=hostname)
