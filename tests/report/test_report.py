"""The report for people and the JSON report: what is in them, in which order, and that each says what to do next."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anywhere.errors import BadInput
from anywhere.model import Cause, Finding, Reason, Remedy, Report, Stage, Status, Target, Verdict
from anywhere.report import FORMATS, renderer
from anywhere.report.json import render as render_json
from anywhere.report.style import PLAIN, Style, fill, style_for
from anywhere.report.table import SCREEN, Detail
from anywhere.report.table import render as render_table

HERE = Path(__file__).parent.parent
SCHEMA = json.loads((HERE.parent / "schemas" / "report-1.json").read_text())
CASES = HERE / "cases" / "report"
ESCAPES = re.compile(r"\x1b\[[\d;]*m")


def finding(check: str, status: Status, subject: str, summary: str, **more: Any) -> Finding:
    return Finding(check, status, subject, summary, **more)


def shard(number: int, status: Status = Status.PASS) -> Finding:
    subject = f"ecs-a-{number}.us-east-1.amazonaws.com:443"
    if status is Status.PASS:
        return finding("endpoints.reach", status, subject, "answers with 404", stage=Stage.DONE, seconds=0.05)
    more: dict[str, Any] = {"stage": Stage.CONNECT, "reason": Reason.TIMEOUT, "seconds": 2.5}
    return finding("endpoints.reach", status, subject, "no answer to the connection attempt", **more)


FACTS = {
    "registration": {"state": "none"},
    "os": {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)"},
    "arch": "x86_64",
    "kernel": "6.1.0",
    "regions": ["us-east-1"],
}
OPEN = Remedy(
    "Allow TCP 443 to these names.",
    ask="Ask the network team to allow TCP 443 to 1 name: `anywhere endpoints --region us-east-1`",
    look=(("curl", "-sv", "https://ssm.us-east-1.amazonaws.com/"),),
)
SKIPS = (
    finding("agents.ecs", Status.SKIP, "ecs-agent", "installed at registration", evidence={"because": "x"}),
    finding("containers.docker", Status.SKIP, "docker", "installed at registration", evidence={"because": "x"}),
    finding("network.ipv6", Status.SKIP, "IPv6", "no global IPv6 address here", evidence={"because": "x"}),
)
GOOD = (finding("system.os", Status.PASS, "Debian GNU/Linux 12", "is on AWS's list"), *SKIPS, shard(1), shard(2))


def ready(name: str = "local") -> Target:
    return Target(name, "host", "2026-11-21T10:00:00Z", 1.21, FACTS, (), GOOD)


def warned() -> Target:
    row = finding("system.clock", Status.WARN, "clock", "this host's clock is 120 s ahead of AWS's")
    cause = Cause(
        "clock.skewed", Status.WARN, row.summary, ("clock",), Remedy("Set it.", (("chronyc", "makestep"),)), (6,)
    )
    return Target("edge@server2:22", "host", "2026-11-21T10:00:00Z", 2.0, FACTS, (cause,), (*GOOD, row))


def unknown() -> Target:
    row = finding(
        "system.disk", Status.ERROR, "local", "the check itself failed: KeyError", evidence={"traceback": ["x"]}
    )
    return Target("bundle.json", "host", "", 0.0, {"regions": ["eu-west-1"]}, (), (row,))


def failed() -> Target:
    rows = (
        *GOOD,
        finding("endpoints.reach", Status.FAIL, "ssm.us-east-1.amazonaws.com:443", "connection refused", remedy=OPEN),
        *(shard(number, Status.WARN) for number in range(3, 12)),
        finding("network.proxy", Status.ERROR, "docker", "its settings could not be read"),
    )
    partial = Cause(
        "dns.shards-partial",
        Status.WARN,
        "ecs-a-3.us-east-1.amazonaws.com, ecs-a-4.us-east-1.amazonaws.com and 7 more cannot be reached while others of the "
        "same pattern can: a fixed list stands where a pattern is needed",
        tuple(shard(number).subject for number in range(3, 12)),
        Remedy("Allow the patterns ecs-a-* and ecs-t-*."),
        tuple(range(7, 16)),
    )
    blocked = Cause(
        "egress.endpoint-blocked",
        Status.FAIL,
        "1 endpoint of ssm-agent cannot be reached while others can",
        ("ssm.us-east-1.amazonaws.com:443",),
        OPEN,
        (6,),
    )
    return Target("local", "host", "2026-11-21T10:00:00Z", 6.04, FACTS, (partial, blocked), rows)


TARGETS = {"ready": ready(), "warned": warned(), "unknown": unknown(), "failed": failed()}


# --- the table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TARGETS)
def test_the_table_is_the_golden_one(name: str) -> None:
    """After a wanted change: look at the new text, then put it into tests/cases/report."""
    for detail, ending in ((Detail.PROBLEMS, "table"), (Detail.ALL, "all")):
        path, text = CASES / f"{name}.{ending}.txt", render_table(Report((TARGETS[name],)), detail=detail)
        assert path.exists(), f"no golden:\n{text}"
        assert text == path.read_text()


@pytest.mark.parametrize("name", TARGETS)
def test_colour_changes_nothing_but_colour(name: str) -> None:
    report = Report((TARGETS[name],))
    coloured = render_table(report, Style(colour=True))
    assert coloured != render_table(report)
    assert ESCAPES.sub("", coloured) == render_table(report)


def lines_of(*targets: Target, detail: Detail = Detail.PROBLEMS) -> list[str]:
    return render_table(Report(targets), detail=detail).splitlines()


def test_the_worst_is_last() -> None:
    lines = lines_of(failed(), detail=Detail.ALL)
    marks = [line[2] for line in lines if len(line) > 3 and line[:2] == "  " and line[2] in "✓·!?✗"]
    assert marks == sorted(marks, key="✓·!?✗".index) and set(marks) == set("✓·!?✗")
    for detail in (Detail.ALL, Detail.PROBLEMS):
        lines = lines_of(failed(), detail=detail)
        assert [line.split()[0] for line in lines if line.startswith(("WARN", "FAIL"))] == ["WARN", "FAIL"]


def test_a_host_is_its_problems() -> None:
    """A line a topic for what passed, the causes, the counts, the next step; the rest on request."""
    lines = lines_of(failed())
    assert "  ✓ system      1 passed" in lines and "  ? network     1 skipped, 1 not checked" in lines
    assert not any("agents.ecs" in line for line in lines)
    assert lines[-2] == "NOT READY: 1 failure, 1 warning, 1 not checked, 3 passed, 2 after registration, 1 skipped"
    assert any("agents.ecs" in line for line in lines_of(failed(), detail=Detail.ALL))


def test_quiet_is_the_codes_and_the_verdict() -> None:
    lines = lines_of(failed(), detail=Detail.VERDICT)
    assert lines[:2] == ["WARN dns.shards-partial", "FAIL egress.endpoint-blocked"]
    assert lines[2].startswith("NOT READY: 1 failure") and len(lines) == 3


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_host_fits_one_screen(number: int) -> None:
    """Of 80 columns, up to three causes of the longest summaries that are allowed."""
    target = failed()
    long = replace(target.causes[1], summary="word " * 30, remedy=replace(OPEN, text="word " * 30, look=OPEN.look * 3))
    lines = render_table(Report((replace(target, causes=(long,) * number),)), Style(width=80)).splitlines()
    assert len(lines) <= SCREEN


def test_the_worst_target_is_last() -> None:
    text = render_table(Report((failed(), ready("web1"))))
    assert text.index("web1") < text.index("not ready")
    assert text.rstrip().splitlines()[-1].startswith("Next: ") and text.index("web1") < text.index("FAIL  ")


@pytest.mark.parametrize("name", TARGETS)
def test_the_last_line_is_the_next_command(name: str) -> None:
    last = lines_of(TARGETS[name])[-1]
    assert last.startswith("Next: ") and len(last) > 8


def test_next_is_the_first_step_of_the_worst_cause() -> None:
    """A command of the fix, else the request to those who must act, else what the fix says; never a mere look."""
    assert lines_of(failed())[-1] == f"Next: {OPEN.ask}"
    for remedy, step in (
        (replace(OPEN, commands=(("sudo", "x"), ("y",))), "sudo x"),
        (Remedy("Attach the policy. It takes a minute."), "Attach the policy."),
        (replace(OPEN, commands=(("x",),), where=("web1",)), "on web1: x"),
    ):
        cause = replace(failed().causes[1], remedy=remedy)
        assert lines_of(replace(failed(), causes=(cause,)))[-1] == f"Next: {step}"
    assert any("To look closer: curl" in line for line in lines_of(failed(), detail=Detail.ALL))


REGISTER = "anywhere register --region us-east-1 --cluster CLUSTER --activation-file FILE"


def test_next_where_nothing_is_wrong() -> None:
    assert lines_of(ready())[-1] == f"Next: sudo {REGISTER}"
    assert lines_of(replace(ready(), reach=("--host", "web1")))[-1] == f"Next: {REGISTER} --host web1"
    registered = {**FACTS, "registration": {"state": "registered", "id": "mi-1"}}
    assert "anywhere rules verify" in lines_of(replace(ready(), facts=registered))[-1]
    assert "--only system.disk" in lines_of(unknown())[-1]
    for facts in ({}, {"registration": {"state": "unknown"}}, {"registration": {"state": "unfinished"}}):
        last = lines_of(replace(ready(), facts={"regions": ["us-east-1"], **facts}))[-1]
        assert " register " not in last and "sudo anywhere check --region us-east-1" in last


def test_next_of_many_hosts_where_nothing_is_wrong() -> None:
    registered = {**FACTS, "registration": {"state": "registered"}}
    hosts = [replace(ready(), name=f"web{number}", facts=registered) for number in range(4)]
    assert lines_of(*hosts)[-1] == "Next: anywhere rules verify --host local"
    assert lines_of(*hosts, replace(ready(), name="new", reach=("--host", "new")))[-1] == f"Next: {REGISTER} --host new"
    fresh = [replace(ready(), name=f"web{number}", reach=("--host", f"web{number}")) for number in range(4)]
    assert lines_of(*fresh)[-1] == f"Next: {REGISTER} --host web0 --host web1 --host web2 --host web3"


@pytest.mark.parametrize("detail", Detail)
@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_no_line_is_longer_than_the_terminal_but_for_names(width: int, detail: Detail) -> None:
    text = render_table(Report((failed(),)), Style(width=width), detail)
    for line in text.splitlines()[1:]:
        words = line.split()
        assert (
            len(line) <= width
            or max(map(len, words)) > width - 34
            or line.startswith(("      $", "Next: ", "      To look", "NOT READY"))
        ), line


def test_a_long_name_is_never_broken() -> None:
    name = "a" * 200 + ".us-east-1.amazonaws.com:443"
    row = finding("endpoints.reach", Status.FAIL, name, "connection refused")
    assert name in render_table(Report((replace(ready(), findings=(row,)),)), Style(width=60), Detail.ALL)


def test_nothing_was_checked() -> None:
    lines = lines_of(replace(ready(), findings=()))
    assert lines[-2] == "READY" and render_table(Report(())) == "\n"


# --- terminals ----------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_on_a_terminal_only() -> None:
    assert style_for(Terminal(), {"TERM": "xterm"}).colour
    assert style_for(io.StringIO(), {"TERM": "xterm"}) == PLAIN


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}])
def test_no_colour_where_none_is_wanted(environment: dict[str, str]) -> None:
    assert not style_for(Terminal(), environment).colour


def test_an_empty_no_color_is_none() -> None:
    assert style_for(Terminal(), {"NO_COLOR": "", "TERM": "xterm"}).colour


def test_the_width_stays_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, width in (("20", 40), ("48", 48), ("90", 90), ("4000", 140)):
        monkeypatch.setenv("COLUMNS", columns)
        assert style_for(Terminal(), {"TERM": "xterm"}).width == width


def test_filling() -> None:
    assert fill("", 40) == [""]
    assert fill("one two", 1) == ["one two"]
    assert fill("ecs-a-1.us-east-1.amazonaws.com", 20) == ["ecs-a-1.us-east-1.amazonaws.com"]


# --- JSON ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TARGETS)
def test_the_json_fits_its_schema(name: str) -> None:
    body = json.loads(render_json(Report((TARGETS[name],))))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(body, SCHEMA)
    assert body["targets"][0]["findings"][0]["check"] == TARGETS[name].findings[0].check


def test_the_schema_knows_every_word() -> None:
    properties = SCHEMA["$defs"]["finding"]["properties"]
    assert set(properties["stage"]["enum"]) == {*map(str, Stage), None}
    assert set(properties["reason"]["enum"]) == {*map(str, Reason), None}
    assert set(SCHEMA["$defs"]["status"]["enum"]) == set(map(str, Status))
    assert set(SCHEMA["$defs"]["verdict"]["enum"]) == set(map(str, Verdict))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "good"),
        (("targets", 0, "findings", 0, "status"), "ok"),
        (("targets", 0, "findings", 0, "reason"), "slow"),
        (("targets", 0, "findings", 0, "check"), "Endpoints"),
        (("targets", 0, "findings", 0, "seconds"), -1),
        (("targets", 0, "causes", 0, "findings"), []),
        (("targets", 0, "causes", 0, "remedy"), None),
        (("targets", 0, "started"), "today"),
        (("schema",), "anywhere/report/2"),
    ],
)
def test_the_schema_refuses_what_is_wrong(path: tuple[Any, ...], value: object) -> None:
    """A schema that lets everything through proves nothing."""
    body = json.loads(render_json(Report((failed(),))))
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, SCHEMA)


def test_a_newer_reader_may_find_more() -> None:
    body = json.loads(render_json(Report((failed(),))))
    body["targets"][0]["more"] = body["more"] = 1
    jsonschema.validate(body, SCHEMA)


# --- verdicts and exit codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "verdict", "code", "strict"),
    [
        (("ready",), Verdict.READY, 0, 0),
        (("warned",), Verdict.WARNINGS, 0, 1),
        (("unknown",), Verdict.UNKNOWN, 3, 3),
        (("failed",), Verdict.NOT_READY, 1, 1),
        (("ready", "warned"), Verdict.WARNINGS, 0, 1),
        (("warned", "unknown"), Verdict.UNKNOWN, 3, 1),
        (("unknown", "failed", "ready"), Verdict.NOT_READY, 1, 1),
        ((), Verdict.READY, 0, 0),
    ],
)
def test_exit_codes(names: tuple[str, ...], verdict: Verdict, code: int, strict: int) -> None:
    report = Report(tuple(TARGETS[name] for name in names))
    assert (report.verdict, report.exit_code(), report.exit_code(strict=True)) == (verdict, code, strict)


def test_formats_by_name() -> None:
    for name in FORMATS:
        assert renderer(name)(Report((ready(),)))
    with pytest.raises(BadInput, match="did you mean json"):
        renderer("jsno")
    with pytest.raises(BadInput, match="known are table"):
        renderer("zzzzz")


# --- fuzz ---------------------------------------------------------------------------------------------------------

TEXT = st.text(max_size=60)
FINDINGS = st.builds(
    Finding,
    st.sampled_from(["system.os", "endpoints.reach", "network.proxy"]),
    st.sampled_from(Status),
    TEXT,
    TEXT.filter(bool),
    st.sampled_from([None, *Stage]),
    st.sampled_from([None, *Reason]),
    st.dictionaries(
        st.sampled_from(["matrix", "tls", "x"]), st.one_of(TEXT, st.dictionaries(TEXT, TEXT, max_size=2)), max_size=2
    ),
    st.one_of(st.none(), st.builds(Remedy, TEXT, st.just((("a b", "c"),)))),
    st.floats(0, 100),
)


@settings(deadline=None)
@given(st.lists(FINDINGS, max_size=12), st.integers(40, 140))
def test_any_findings_can_be_shown(findings: list[Finding], width: int) -> None:
    report = Report((replace(ready(), findings=tuple(findings)),))
    assert "Next: " in render_table(report, Style(width=width)).splitlines()[-1]
    jsonschema.validate(json.loads(render_json(report)), SCHEMA)
