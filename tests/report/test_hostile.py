"""A report in which a host chose every string: escape sequences, new lines, reading direction, HTML, formulas.

Whatever the format, nothing steers the terminal, begins a line of its own, becomes an element or a formula.
"""

from __future__ import annotations

import csv
import html.parser
import io
import json
import re
import shlex
import shutil
import subprocess
import unicodedata
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from anywhere.catalogue.endpoints import find_region
from anywhere.model import Cause, Finding, Reason, Remedy, Report, Stage, Status, Target
from anywhere.printable import json_text, printable, printable_lines
from anywhere.report import FORMATS, documents, modes, renderer, table
from anywhere.report.allowlist import configs
from anywhere.report.allowlist import sheet as sheets
from anywhere.report.allowlist.table import table as sheet_table
from anywhere.report.bundle import differences, observations
from anywhere.report.shown.commands import command_line
from anywhere.report.shown.harmless import harmless
from anywhere.report.style import Style

MARK = "injected"
ATTACKS = {
    "escape": f"\x1b[2J\x1b]0;{MARK}\x07\x1bP{MARK}\x1b\\",
    "c1": f"\x9b2J\x9d0;{MARK}\x9c\x90{MARK}",
    "lines": f"\nok 999 - {MARK}\r\nanywhere_{MARK} 1\n| {MARK} |\n\n# {MARK}\n\n- {MARK}\v\f\x85\u2028\u2029{MARK}: x",
    "tap": f"\n  ...\nnot ok 1 - {MARK}\nBail out! {MARK}\n1..0",
    "prometheus": f'"}} 1\nanywhere_{MARK}{{host="x"}} 1\n# TYPE {MARK} gauge',
    "bidi": f"abc\u202e{MARK}\u202c\u2066x\u2069\u200e\u200f\u061c\ufeff\u200b\U000e0041",
    "html": f"<script>{MARK}()</script><img src=x onerror={MARK}()>\"' onmouseover={MARK}() x='<!--data--></title></style>",
    "script": f"</script ><!--<script>{MARK}()</script>--><svg/onload={MARK}()>",
    "xml": f"]]><{MARK}/>&{MARK};<!--",
    "markdown": f"```\n# {MARK}\n![x](http://{MARK}/) [x](javascript:{MARK}) `<b>{MARK}` ````sh &lt;{MARK}&gt; | {MARK} |",
    "formula": f'=HYPERLINK("http://{MARK}")',
    "formulas": f"\t@SUM({MARK})",
    "shell": f"$(touch {MARK}); `{MARK}` ' \" \\ && {MARK}\n{MARK}",
    "backspace": f"good\b\b\b\bevil\x7f\x00\x0e{MARK}\x8d",
    "surrogates": f"\udc1b\udc9b\ud800{MARK}",
}


def hostile(text: str) -> Report:
    """Three hosts, so that every view is drawn: the table of a fleet, outliers, groups, and each host in detail."""
    return Report(tuple(target(text, f"web{number}{text}") for number in range(6)))


def target(text: str, name: str) -> Target:
    remedy = Remedy(f"Fix {text}", (("sudo", "sed", f"s/{text}/x/", text), ("anywhere", "explain", text)))
    evidence = {
        text: text,
        "list": [text, {text: [text]}],
        "addresses": [{"address": text}],
        "pointer": text,
        "note": text,
    }
    evidence |= {
        "matrix": {"component": text, "declared": {text: text}, "effective": {text: text}, "needed": {"NO_PROXY": text}}
    }
    findings = tuple(
        Finding(check, status, f"{text}:443", text, Stage.TLS, Reason.TIMEOUT, evidence, remedy, 0.5, text)
        for check in (f"endpoints.{text}", "endpoints.reach", "taskdef.x")
        for status in Status
    )
    tls = {"issuer_organization": text}
    findings += (Finding("endpoints.reach", Status.PASS, text, text, Stage.DONE, evidence={"tls": tls}),)
    causes = (
        Cause(text, Status.WARN, text, (text, text + "2"), remedy, (1,)),
        Cause(f"egress.{text}", Status.FAIL, text, (text,), remedy, (0,)),
    )
    facts: dict[str, Any] = dict.fromkeys(("hostname", "arch", "kernel", "machine_id"), text)
    facts |= {"os": {"name": text}, "network": {"nameservers": [text], "mtu": text}, text: text, "regions": [text]}
    facts["kernel"] = text if name.startswith("web1") else "6.1"
    return Target(name, "host", f"2026-11-21T10:00:00Z{text}", 1.5, facts, causes, findings)


def one(text: str) -> Report:
    return Report(hostile(text).targets[:1])


def steers(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def quiet(text: str) -> None:
    """No character of it steers a terminal, and it can be written."""
    found = [hex(ord(character)) for character in text if steers(character)]
    assert found == []
    text.encode()


def formats(text: str) -> dict[str, str]:
    """Every format of every report, by name."""
    made = {}
    for report, count in ((one(text), "one"), (hostile(text), "many")):
        made |= {f"{name} {count}": renderer(name)(report) for name in FORMATS}
        made[f"documents {count}"] = documents.render(harmless(report))
        made[f"modes {count}"] = modes.render(harmless(report))
        coloured = table.render(harmless(report), Style(colour=True, width=100))
        made[f"coloured {count}"] = re.sub("\x1b\\[[0-9;]*m", "", coloured)
    return made


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_format_steers_a_terminal(attack: str) -> None:
    for text in formats(ATTACKS[attack]).values():
        quiet(text)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_begins_a_line_of_its_own(attack: str) -> None:
    """Each format has as many lines as the same report of plain words."""
    plain, made = formats("word"), formats(ATTACKS[attack])
    for name in ("tap", "prometheus", "jsonl", "json", "sarif", "markdown", "html"):
        for key in (f"{name} one", f"{name} many"):
            assert made[key].count("\n") == plain[key].count("\n"), key


@pytest.mark.parametrize("attack", ATTACKS)
def test_tap_has_its_points_and_nothing_else(attack: str) -> None:
    lines = renderer("tap")(hostile(ATTACKS[attack])).splitlines()
    points = sum(len(one.findings) for one in hostile("x").targets)
    assert lines[:2] == ["TAP version 14", f"1..{points}"]
    outer = [line for line in lines[2:] if not line.startswith("  ")]
    assert [re.match(r"(?:not )?ok (\d+) - ", line)[1] for line in outer] == [str(n + 1) for n in range(points)]
    assert not [line for line in outer if re.search(r"(?<!\\)#", line.partition(" # SKIP ")[0])]


@pytest.mark.parametrize("attack", ATTACKS)
def test_prometheus_has_its_metrics_and_nothing_else(attack: str) -> None:
    lines = renderer("prometheus")(hostile(ATTACKS[attack])).splitlines()
    sample = re.compile(r'anywhere_[a-z_]+\{(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*\} [0-9.e+-]+')
    assert all(sample.fullmatch(line) or re.fullmatch(r"# (HELP|TYPE) anywhere_\w+ .*", line) for line in lines)
    assert not [line for line in lines if line.startswith(f"anywhere_{MARK}")]
    series = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(series) == len(set(series))


def test_two_hosts_whose_names_come_out_alike_are_one_series() -> None:
    names = [replace(target("x", "x"), name=name) for name in ("a\x1b", "a\x07")]
    lines = renderer("prometheus")(Report(tuple(names))).splitlines()
    assert sum(line.startswith("anywhere_ready{") for line in lines) == 1


@pytest.mark.parametrize("attack", ATTACKS)
def test_json_keeps_every_value_exactly(attack: str) -> None:
    text = ATTACKS[attack]
    body = json.loads(renderer("json")(one(text)))
    assert body["targets"][0]["findings"][0]["summary"] == text
    assert json.loads(renderer("jsonl")(one(text)))["name"] == f"web0{text}"
    assert json.loads(json_text({text: text})) == {text: text}


@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown_has_no_element_link_or_heading_of_a_host(attack: str) -> None:
    made, plain = renderer("markdown")(hostile(ATTACKS[attack])), renderer("markdown")(hostile("word"))
    heads = [line.split(" ")[0] for line in made.splitlines() if line.startswith("#")]
    assert heads == [line.split(" ")[0] for line in plain.splitlines() if line.startswith("#")]
    fences = re.findall(r"^(`{3,})(?:sh)?$", made, re.M)
    assert len(fences) % 2 == 0
    outside = re.sub(r"^(`{3,})sh\n.*?^\1$", "", made, flags=re.M | re.S)
    spans = re.sub(r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert not re.search(r"(?<!\\)[<\[]", spans), spans
    assert not re.search(r"(?<!\\)&", spans)
    rows = [re.sub(r"\\.", "", line).count("|") for line in outside.splitlines() if line.startswith("|")]
    assert rows == [re.sub(r"\\.", "", line).count("|") for line in plain.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("attack", ATTACKS)
def test_xml_is_well_formed_and_holds_no_element_of_a_host(attack: str) -> None:
    root = ElementTree.fromstring(renderer("junit")(hostile(ATTACKS[attack])))
    known = {"testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out"}
    assert {element.tag for element in root.iter()} <= known


class Page(html.parser.HTMLParser):
    """The elements and attributes of a page, and all its script."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(name for name, _ in attrs)))


def elements(page: str) -> set[tuple[str, tuple[str, ...]]]:
    parser = Page()
    parser.feed(page)
    return set(parser.seen)


@pytest.mark.parametrize("attack", ATTACKS)
def test_html_has_no_element_and_no_attribute_of_a_host(attack: str) -> None:
    for report in (one, hostile):
        assert elements(renderer("html")(report(ATTACKS[attack]))) == elements(renderer("html")(report("word")))
        page = renderer("html")(report(ATTACKS[attack]))
        assert page.lower().count("<script") == page.lower().count("</script") == 2


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium: apt-get install chromium")
def test_nothing_of_a_host_runs_in_a_browser(tmp_path: Path) -> None:
    """All attacks in one page, every host opened; `injected()` would leave a mark."""
    from tests.report.page.test_page import visit

    page = renderer("html")(Report(tuple(target(text, f"web{text}") for text in ATTACKS.values())))
    watch = f"<script>window.ran = 0; window.{MARK} = () => {{ window.ran += 1; }};</script><title>"
    script = """document.querySelectorAll('details').forEach((one) => one.open = true);
        const of = (name) => document.querySelectorAll(name).length;
        return [window.ran, of('img'), of('svg'), of('[onerror],[onload],[onmouseover]'), of('#hosts > details')]"""
    result, seen, asked = visit(page.replace("<title>", watch, 1), tmp_path, script)
    assert result == [0, 0, 0, 0, len(ATTACKS)]
    assert (seen, asked) == ([], 0)


# --- commands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_command_comes_out_of_a_shell_as_it_went_in(attack: str, tmp_path: Path) -> None:
    """In one line, harmless, and with the very words."""
    words = ["-n", ATTACKS[attack].replace("\x00", ""), "plain", ""]
    line = command_line(("printf", r"%s\0", *words))
    quiet(line)
    assert "\n" not in line
    done = subprocess.run(["bash", "-c", line], capture_output=True, cwd=tmp_path)
    said = [word.decode("utf-8", "surrogateescape") for word in done.stdout.split(b"\0")[:-1]]
    wanted = [word.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") for word in words]
    assert said == wanted or attack == "surrogates"
    assert list(tmp_path.iterdir()) == []


def test_an_ordinary_command_is_quoted_as_usual() -> None:
    words = ("sed", "-i", "s/a b/'c'/", "/etc/ecs/ecs.config")
    assert command_line(words) == shlex.join(words)


# --- lists for firewalls -----------------------------------------------------------------------------------------


def sheet(text: str) -> sheets.Sheet:
    """A list whose every text is hostile, but for names, which the catalogue makes of a checked region."""
    rule = sheets.Rule("ecs.x", ("ecs.x",), 443, "https", (text,), text, True, text, text, text, text)
    return sheets.Sheet(
        replace(find_region("us-east-1"), note=text), (rule, replace(rule, required=False)), (text,), (text,)
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_list_for_a_firewall_holds_no_line_of_another(attack: str) -> None:
    made = sheet(printable(ATTACKS[attack]))
    answers = {"ecs.x": ("203.0.113.9", "2001:db8::1%x\nflush ruleset", "203.0.113.1\nflush ruleset")}
    texts = {
        "squid": configs.squid(made),
        "nftables": configs.nftables(made, answers, "2026-11-21T10:00:00Z"),
        "plain": sheets.plain(made),
        "table": sheet_table(made, width=160),
        "json": sheets.as_json(sheet(ATTACKS[attack])),
        "csv": sheets.as_csv(sheet(ATTACKS[attack])),
    }
    for text in texts.values():
        quiet(text)
    for name in ("squid", "nftables", "plain"):
        lines = [line.strip() for line in texts[name].splitlines() if MARK in line]
        assert all(line.startswith(("#", "ecs.x")) for line in lines)
        assert "flush ruleset" not in texts[name]
    rows = list(csv.reader(io.StringIO(texts["csv"])))
    assert len(rows) == 3
    assert not [cell for row in rows for cell in row if cell.lstrip()[:1] in tuple("=+-@")]


# --- bundles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_bundle_is_shown_harmlessly(attack: str) -> None:
    text = ATTACKS[attack]
    kept = {f"run {json.dumps(['cat', text])}": {"stdout": f"***{text}"}, f"read {text}": text, text: {text: text}}
    for one_seen in observations(kept):
        for shown in (one_seen.asked, *one_seen.masked):
            quiet(shown)
            assert "\n" not in shown
    old, new = (replace(target(word, "h"), facts={text: word}) for word in (text, "other"))
    for one_change in differences(old, new, kept, {text: {text: "x"}}):
        for shown in (one_change.subject, one_change.old, one_change.new, *one_change.lines):
            quiet(shown)
            assert "\n" not in shown


# --- the rule itself ---------------------------------------------------------------------------------------------


def test_every_character_that_steers_is_known() -> None:
    """Of all of Unicode: what is no character of a text is replaced, and what is one stays."""
    for number in range(0x110000):
        character = chr(number)
        if steers(character):
            assert printable(character) == "\ufffd" == printable_lines(character)
        elif character.isprintable():
            assert printable(character) == character


def test_every_text_of_a_report_is_cleaned() -> None:
    """A new field of the model is not forgotten: no string in a harmless report still holds the mark."""
    mark = "a\x1bb"

    def strings(value: Any, path: str) -> list[str]:
        if isinstance(value, str):
            return [path] if mark in value else []
        if isinstance(value, dict):
            return [
                found for key, inner in value.items() for found in strings(key, path) + strings(inner, f"{path}.{key}")
            ]
        if isinstance(value, list | tuple):
            return [found for inner in value for found in strings(inner, path)]
        if is_dataclass(value):
            names = [field.name for field in fields(value) if field.name != "commands"]
            return [found for name in names for found in strings(getattr(value, name), f"{path}.{name}")]
        return []

    assert strings(hostile(mark), "report")
    assert strings(harmless(hostile(mark)), "report") == []
