"""The HTML page of a large fleet in headless Chromium: it loads, it filters, it raises nothing and asks nobody."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from anywhere.flows.clones import judge_fleet
from anywhere.model import Cause, Finding, Reason, Remedy, Report, Stage, Status, Target
from anywhere.report import renderer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs chromium: apt-get install chromium")]
NAMES = (
    "ecs",
    "ssm",
    "ssmmessages",
    "ec2messages",
    "s3",
    "logs",
    *(f"ecs-{kind}-{n}" for kind in "at" for n in range(6)),
)
CODES = ("", "", "", "egress.blocked", "proxy.auth-required", "dns.nameserver-degraded")
# What a page does behind its reader's back, gathered before the page's own scripts run.
WATCH = """<script>
window.seen = [];
addEventListener("error", (event) => window.seen.push(`error: ${event.message || event.target.src}`), true);
addEventListener("unhandledrejection", (event) => window.seen.push(`rejected: ${event.reason}`));
document.addEventListener("securitypolicyviolation", (event) => window.seen.push(`asked for ${event.blockedURI}`));
for (const name of ["error", "warn"]) console[name] = (...words) => window.seen.push(`${name}: ${words.join(" ")}`);
</script>"""


def host(number: int) -> Target:
    """A host with 18 endpoints and perhaps a cause, which differs from host to host."""
    code = CODES[number % len(CODES)]
    status = {"": Status.PASS, "dns.nameserver-degraded": Status.PASS}.get(code, Status.FAIL)
    findings = [
        Finding("endpoints.reach", status, f"{name}.us-east-1.amazonaws.com:443", "as it is", seconds=number % 90 / 100)
        for name in NAMES
    ]
    causes = ()
    if code:
        severity = Status.FAIL if status is Status.FAIL else Status.WARN
        places = tuple(range(len(findings))) if status is Status.FAIL else (len(findings),)
        findings.append(Finding("network.nameservers", severity, "10.0.0.53", "answers late"))
        causes = (Cause(code, severity, f"{code} is so", ("x",), Remedy("fix it", (("sudo", "fix", code),)), places),)
    facts = {"os": {"name": "Debian GNU/Linux 12"}, "arch": "x86_64", "hostname": f"web{number:04}"}
    return Target(f"web{number:04}", "host", "2026-11-21T10:00:00Z", 1.0, facts, causes, tuple(findings))


@pytest.fixture(scope="module")
def page() -> str:
    return renderer("html")(Report(judge_fleet([host(number) for number in range(2000)])))


# A window of Chromium is never narrower than 500 pixels; a frame in it is as narrow as a telephone.
FRAME = """<body><iframe style="width:390px;height:844px;border:0" srcdoc="{}"></iframe><script>
setTimeout(() => document.body.setAttribute('data-said', frames[0].document.body.dataset.said), 4000)</script></body>"""


def visit(page: str, folder: Path, script: str, *options: str, is_phone: bool = False) -> Any:
    """What a script gives that runs in the loaded page."""
    said = f"JSON.stringify([(() => {{{script}}})(), window.seen, performance.getEntriesByType('resource').length])"
    last = f"<script>setTimeout(() => document.body.setAttribute('data-said', btoa({said})), 300)</script>"
    path = folder / "page.html"
    page = page.replace("<title>", f"{WATCH}<title>", 1).replace("</body>", f"{last}</body>")
    path.write_text(FRAME.format(html.escape(page)) if is_phone else page)
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"--user-data-dir={folder}/profile", *options, path.as_uri()],
        capture_output=True,
        text=True,
        timeout=180,
    )
    found = re.search(r'data-said="([^"]+)"', done.stdout)
    assert found, done.stderr[-2000:]

    return json.loads(base64.b64decode(found[1]))


TYPE = "const box = document.getElementById('search'); box.value = '%s'; box.dispatchEvent(new Event('input'));"
ROWS = "document.querySelectorAll('#hosts > details').length"


@pytest.mark.parametrize("is_phone", [False, True], ids=["desk", "phone"])
def test_it_loads_whole_and_quietly(page: str, tmp_path: Path, is_phone: bool) -> None:
    script = f"""document.querySelectorAll('details').forEach((one) => one.open = true);
        const wide = document.documentElement.scrollWidth <= document.documentElement.clientWidth;
        return [{ROWS}, document.getElementById('heat').height > 1000, wide,
                document.querySelectorAll('.cause').length, innerWidth]"""
    result, seen, asked = visit(page, tmp_path, script, "--window-size=1280,900", is_phone=is_phone)
    assert result == [100, True, True, 3, 390 if is_phone else 1280]
    assert (seen, asked) == ([], 0)


def test_filters_narrow_the_rows(page: str, tmp_path: Path) -> None:
    script = f"""
        const shown = () => document.getElementById('shown').textContent, told = [shown()];
        document.querySelector('button[data-cause="proxy.auth-required"]').click(); told.push(shown());
        document.querySelector('button[data-cause="proxy.auth-required"]').click(); told.push(shown());
        document.querySelector('#chips button').click(); told.push(shown());
        document.getElementById('clear').click(); told.push(shown(), {ROWS});
        document.getElementById('more').click(); told.push({ROWS});
        return told"""
    result, seen, asked = visit(page, tmp_path, script)
    assert result == ["", "333 of 2000", "", "1001 of 2000", "", 100, 600]
    assert (seen, asked) == ([], 0)


def test_search_narrows_the_rows(page: str, tmp_path: Path) -> None:
    page = page.replace("</body>", f"<script>{TYPE % 'web017'}</script></body>")
    result, seen, _ = visit(page, tmp_path, f"return [{ROWS}, document.getElementById('shown').textContent]")
    assert (result, seen) == ([10, "10 of 2000"], [])


def test_the_worst_come_first_and_like_beside_like(page: str, tmp_path: Path) -> None:
    script = "return [...document.querySelectorAll('#hosts > details .codes')].map((one) => one.textContent)"
    result, _, _ = visit(page, tmp_path, script)
    assert set(result) == {"egress.blocked"}


CONTRAST = """
    document.documentElement.dataset.theme = '%s';
    document.querySelectorAll('details').forEach((one) => one.open = true);
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => parts(color).slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = (one) => {
        for (; one; one = one.parentElement) {
            const color = getComputedStyle(one).backgroundColor, found = parts(color);
            if (found.length < 4 || found[3] > 0) return color;
        }
        return 'rgb(255,255,255)';
    };
    const weak = new Set();
    for (const one of document.body.querySelectorAll('*')) {
        const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        if (!own || !one.getClientRects().length) continue;
        const [low, high] = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => a - b);
        const found = (high + 0.05) / (low + 0.05);
        if (found < 4.5) weak.add(`${one.tagName} ${one.className} ${found.toFixed(2)}`);
    }
    return [...weak]"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(page: str, tmp_path: Path, theme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    weak, seen, _ = visit(page, tmp_path, CONTRAST % theme)
    assert (weak, seen) == ([], [])


def test_what_this_page_must_not_do_is_seen(page: str, tmp_path: Path) -> None:
    """The watch itself sees an error and a request, so that its silence means something."""
    bad = "<img src='http://127.0.0.1:9/x.png'><script>nothing.there()</script></body>"
    _, seen, _ = visit(page.replace("</body>", bad, 1), tmp_path, "return 0")
    assert any("not defined" in one for one in seen) and any("127.0.0.1:9" in one for one in seen)


def test_on_paper_the_map_is_on_one_page(page: str, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page)
    paper = tmp_path / "page.pdf"
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={paper}"]
    subprocess.run(
        [*command, f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=8000", path.as_uri()],
        capture_output=True,
        timeout=180,
    )
    pages = len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))
    assert 2 <= pages <= 12


@pytest.mark.parametrize("is_phone", [False, True], ids=["desk", "phone"])
def test_no_cell_of_the_ladder_is_cut_off(tmp_path: Path, is_phone: bool) -> None:
    timings = {"connect": 0.01, "tls": 0.02, "http": 0.03}
    rows = [
        Finding(
            "endpoints.reach", Status.FAIL, f"{name}.us-east-1.amazonaws.com:443", "a certificate", Stage.TLS,
            Reason.CERT_UNTRUSTED, {"component": "ecs-agent", "addresses": [{"timings": timings}]},
        )
        for name in NAMES
    ]  # fmt: skip
    page = renderer("html")(Report((Target("web1", "host", findings=tuple(rows)),)))
    script = """const edge = document.documentElement.clientWidth;
        const cells = [...document.querySelectorAll('#ladder button, #ladder th')].filter((one) => one.offsetParent);
        return [cells.length > 100, cells.filter((one) => one.getBoundingClientRect().right > edge).length,
                document.getElementById('filter').hidden]"""
    result, seen, _ = visit(page, tmp_path, script, "--window-size=1280,900", is_phone=is_phone)
    assert (result, seen) == ([True, 0, True], [])
