"""The formats for other tools and for many hosts: well-formed whatever the texts hold, and nothing secret in any."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anywhere.errors import BadInput
from anywhere.flows.clones import judge_fleet
from anywhere.model import Cause, Finding, Reason, Remedy, Report, Stage, Status, Target
from anywhere.printable import printable
from anywhere.report import FORMATS, renderer
from anywhere.report.json import as_dict
from anywhere.report.read import merged, read_report

SCHEMA = json.loads((Path(__file__).parent.parent.parent / "schemas" / "report-1.json").read_text())
CHROMIUM = shutil.which("chromium")
NASTY = "</script><script>alert(1)</script> | `x` *b* \"q\" 'a' \\ # \n\r\t <!--css--> é \u2028 {{ }} ]]> &amp; %s"


def target(name: str, *, fails: bool = False, text: str = "") -> Target:
    reach = Finding(
        "endpoints.reach",
        Status.FAIL if fails else Status.PASS,
        f"ssm.us-east-1.amazonaws.com:443{text}",
        f"no answer{text}" if fails else f"answers{text}",
        Stage.CONNECT if fails else Stage.DONE,
        Reason.TIMEOUT if fails else None,
        {"addresses": [{"address": "203.0.113.1", "timings": {"connect": 0.1}}], "note": text},
        Remedy(f"Open it{text}", (("sudo", f"open{text}"),)) if fails else None,
        0.25,
    )
    skip = Finding(
        "agents.ecs", Status.SKIP, f"ecs-agent{text}", f"installed at registration{text}", evidence={"because": "x"}
    )
    warn = Finding("system.time-sync", Status.WARN, f"clock{text}", f"drifts{text}", remedy=Remedy(f"Keep it{text}"))
    clock = Finding("system.clock", Status.PASS, "clock", "agrees", evidence={"timings": {"offset": 0.4}})
    causes = [Cause("clock.unsynchronised", Status.WARN, f"drifts{text}", (f"clock{text}",), Remedy("Keep it."), (2,))]
    if fails:
        causes.append(
            Cause(
                "egress.endpoint-blocked", Status.FAIL, f"blocked{text}", (f"ssm{text}",), Remedy(f"Open{text}"), (0,)
            )
        )
    facts = {"os": {"name": f"Debian{text}"}, "hostname": name, "machine_id": name, "arch": "x86_64"}
    return Target(name + text, "host", "2026-11-21T10:00:00Z", 1.5, facts, tuple(causes), (reach, skip, warn, clock))


def fleet(count: int = 6, text: str = "") -> Report:
    return Report(tuple(target(f"web{n}", fails=n % 3 == 0, text=text) for n in range(count)))


def render(name: str, report: Report) -> str:
    return renderer(name)(report)


# --- every format ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize(
    "report", [Report(()), fleet(1), fleet(6), fleet(3, NASTY), fleet(60)], ids=["none", "one", "six", "nasty", "sixty"]
)
def test_every_format_takes_every_report(name: str, report: Report) -> None:
    assert isinstance(render(name, report), str)
    assert render(name, report) == render(name, report)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_json_and_lines_are_read_back_as_they_were(text: str) -> None:
    report = fleet(3, text.replace("\ud800", ""))
    for name in ("json", "jsonl"):
        assert read_report(render(name, report), "x") == report.targets


def test_the_schema_holds_for_many_hosts() -> None:
    jsonschema.validate(json.loads(render("json", fleet(40))), SCHEMA)
    assert json.loads(render("json", fleet(4))) == json.loads(json.dumps(as_dict(fleet(4))))


# --- reading back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["anywhere/bundle/1", "anywhere/endpoints/1", "anywhere/changes/1"])
def test_documents_of_other_kinds_are_no_reports(schema: str) -> None:
    with pytest.raises(BadInput, match=r"^file.json: (a saved bundle, )?not a report"):
        read_report(json.dumps({"schema": schema, "targets": []}), "file.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "{}x", '{"schema": "anywhere/report/2", "targets": []}', '{"schema": 3}', '{"targets": 3}']
    + ['{"targets": [{"name": "a"}]}', '{"schema": "other/1"}', "[" * 100_000, '{"targets": [null]}'],
)
def test_what_is_no_report_is_one_line(text: str) -> None:
    try:
        found = read_report(text, "file.json")
    except BadInput as error:
        said = str(error)
    else:
        assert not found
        return
    assert said.startswith("file.json")
    assert "\n" not in said


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["fail", "pass", "host", "done"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "kind", "targets", "findings", "causes", "facts", "status", "started", "seconds", "schema"]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=14,
)


WHOLE = render("json", Report((Target("h", findings=(Finding("system.memory", Status.FAIL, "s", "s"),)),)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"evidence": {}', '"evidence": {"a": NaN}'),
        ('"evidence": {}', '"evidence": {"a": 1e999}'),
        ('"evidence": {}', '"evidence": ' + '{"a":' * 900 + "1" + "}" * 900),
        ('"seconds": 0.0', '"seconds": 1' + "0" * 400),
        ('"seconds": 0.0', '"seconds": ' + "1" * 5000),
    ],
)
@pytest.mark.parametrize("ending", ["", "\n"])
def test_what_could_not_be_written_again_is_no_report(old: str, new: str, ending: str) -> None:
    text = WHOLE.rstrip("\n").replace("\n", " ") + ending
    assert old in text and len(read_report(text, "x")) == 1
    with pytest.raises(BadInput) as caught:
        read_report(text.replace(old, new), "x")
    assert "cut off" not in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_json_is_a_report_or_refused(value: Any) -> None:
    try:
        read_report(json.dumps(value), "x")
    except BadInput as error:
        said = str(error)
        assert said


def test_merging_takes_the_newest_and_names_hosts_that_are_all_called_local() -> None:
    old = target("web1")
    new = replace(target("web1", fails=True), started="2026-11-22T10:00:00Z")
    here = [replace(target(name), name="local") for name in ("a", "b")]
    report = merged([[old, *here[:1]], [new], here[1:], [old]])
    assert [one.name for one in report.targets] == ["web1", "a", "b"]
    assert report.targets[0] == new


# --- TAP, Prometheus, Markdown -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", NASTY])
def test_tap_is_a_plan_and_its_points(text: str) -> None:
    lines = render("tap", fleet(4, text)).split("\n")
    assert lines[:2] == ["TAP version 14", "1..16"]
    points = [line for line in lines if re.match(r"(not )?ok \d+ - ", line)]
    assert [int(re.search(r"\d+", line)[0]) for line in points] == list(range(1, 17))
    assert sum(line.startswith("not ok") for line in points) == 2
    assert sum(" # SKIP " in line for line in points) == 4
    inside = False
    for line in lines[2:-1]:
        assert line == "  ---" or line == "  ..." or inside or line in points
        inside = (inside or line == "  ---") and line != "  ..."


SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (-?[0-9.e+-]+)')


@pytest.mark.parametrize("text", ["", NASTY])
def test_prometheus_text_is_well_formed(text: str) -> None:
    lines = render("prometheus", fleet(4, text)).removesuffix("\n").split("\n")
    known: set[str] = set()
    seen: set[str] = set()
    for line in lines:
        if line.startswith("# "):
            known |= {line.split()[2]} if line.startswith("# TYPE") else set()
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        assert found[1] in known
        assert found[1] + found[2] not in seen
        seen.add(found[1] + found[2])
        float(found[3])
    assert {"anywhere_ready", "anywhere_endpoint_seconds", "anywhere_clock_offset_seconds"} <= known


def test_markdown_says_what_to_fix_and_where() -> None:
    text = render("markdown", fleet(9))
    assert "# 9 hosts: not ready" in text
    assert "| `egress.endpoint-blocked` | fail | 3 of 9 | blocked |" in text
    assert "On web0, web3, web6." in text
    nasty = render("markdown", fleet(9, NASTY))
    assert all(row.count(" | ") == text_row.count(" | ") for row, text_row in zip(_rows(nasty), _rows(text)))


def test_commands_in_markdown_are_code_as_they_are_typed() -> None:
    look, fix = ("sh", "-c", "nft list ruleset | grep drop"), "Set it (`anywhere rules plan`), see *this*."
    cause = Cause("egress.blocked", Status.FAIL, "blocked", ("a:443",), Remedy(fix, look=(look,), ask="Ask `one"), (0,))
    finding = Finding("endpoints.reach", Status.FAIL, "a:443", "timed out")
    text = render("markdown", Report((Target("web", causes=(cause,), findings=(finding,)),)))
    assert "**Fix:** Set it (`anywhere rules plan`), see \\*this\\*." in text
    assert "To look closer: `sh -c 'nft list ruleset | grep drop'`" in text
    assert "**Request:** Ask \\`one" in text  # no pair: text


def _rows(text: str) -> list[str]:
    return [re.sub(r"\\\|", "", line) for line in text.splitlines() if line.startswith("| ")]


# --- the page ----------------------------------------------------------------------------------------------------


def test_the_page_holds_its_data_and_asks_nobody() -> None:
    page = render("html", fleet(6, NASTY))
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert data
    body = json.loads(data[1])
    assert [row[0] for row in body["hosts"]] == [printable(f"web{n}{NASTY}") for n in range(6)]
    assert page.count("<script") == page.count("</script>") == 2
    assert not re.search(r'(src|href)\s*=\s*["\']?(https?:)?//', page)
    assert "default-src 'none'" in page


def test_a_page_of_two_thousand_hosts_stays_small() -> None:
    page = render("html", fleet(2000))
    assert len(page) < 2_000_000


def dump(page: str, tmp_path: Path, script: str = "") -> str:
    """The page's elements after its script, and this one, have run in a browser."""
    assert CHROMIUM
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", f"<script>setTimeout(() => {{{script}}}, 50)</script></body>"))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"--user-data-dir={tmp_path}/profile", path.as_uri()], capture_output=True, text=True, timeout=120
    )
    return done.stdout


def shown(dom: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r"<details[^>]*><summary><b>([^<]*)</b>", dom)]


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_the_page_in_a_browser(tmp_path: Path) -> None:
    page = render("html", Report(judge_fleet(fleet(30).targets)))
    dom = dump(page, tmp_path)
    assert shown(dom)[:10] == [f"web{n}" for n in range(0, 30, 3)]
    assert len(shown(dom)) == 30
    assert re.search(r'<canvas id="heat"[^>]* width="[1-9]\d+"', dom)
    cause = dump(page, tmp_path, "document.querySelector('[data-cause=\"egress.endpoint-blocked\"]').click()")
    assert shown(cause) == [f"web{n}" for n in range(0, 30, 3)]
    typed = "const box = document.getElementById('search'); box.value = 'web17'; box.dispatchEvent(new Event('input'))"
    assert shown(dump(page, tmp_path, typed)) == ["web17"]
    opened = dump(page, tmp_path, "document.querySelector('details').open = true")
    assert '<a href="#cause-egress.endpoint-blocked">egress.endpoint-blocked</a>' in opened
    assert "ssm.us-east-1.amazonaws.com:443 (timeout)" in opened


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_the_map_is_read_and_opened_by_keyboard(tmp_path: Path) -> None:
    script = """
        const map = document.getElementById('heat');
        const press = (...keys) =>
            keys.forEach((key) => map.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })));
        map.focus();
        press('ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowLeft', 'Enter');
        document.title = document.activeElement.id;
    """
    dom = dump(render("html", Report(judge_fleet(fleet(30).targets))), tmp_path, script)
    names = shown(dom)
    assert "<title>heat</title>" in dom
    assert re.search(rf'id="tip"[^>]*>{names[2]}  →  ssm.us-east-1.amazonaws.com', dom)
    assert re.search(rf'<details[^>]*open=""[^>]*><summary><b>{names[2]}</b>', dom)


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_nothing_in_a_text_becomes_part_of_the_page(tmp_path: Path) -> None:
    dom = dump(
        render("html", fleet(2, NASTY)), tmp_path, "document.querySelectorAll('details').forEach((d) => d.open = true)"
    )
    assert dom.count("<script") == 3
    assert "&lt;script&gt;alert(1)" in dom


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_two_thousand_hosts_are_drawn_and_filtered_soon(tmp_path: Path) -> None:
    script = """
        const begun = performance.now();
        document.querySelector('[data-cause="egress.endpoint-blocked"]').click();
        document.title = `took ${Math.round(performance.now() - begun)} ms, ${document.getElementById('shown').textContent}`;
    """
    found = re.search(
        r"<title>took (\\d+) ms, 667 of 2000".replace("\\\\", "\\"), dump(render("html", fleet(2000)), tmp_path, script)
    )
    assert found
    assert int(found[1]) < 2000
