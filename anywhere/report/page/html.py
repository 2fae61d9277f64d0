"""One HTML page that needs no network: summary, causes, host by endpoint, every host in detail.

What stands in `page.html` is filled in; `page.js` draws the hosts from the data that is in the page. The same finding
of a thousand hosts is stored once.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources

from anywhere import __version__
from anywhere.model import Finding, Report, Status, Target, Verdict
from anywhere.printable import json_text
from anywhere.report.fleet.view import Group, endpoints, groups, outliers, problems, row, verdicts
from anywhere.report.page.ladder import section
from anywhere.report.shown.commands import looks, prose, script_lines
from anywhere.report.shown.words import counts
from anywhere.wording import some

WORDS = {
    Verdict.READY: "ready",
    Verdict.WARNINGS: "ready, with warnings",
    Verdict.UNKNOWN: "not checked completely",
    Verdict.NOT_READY: "not ready",
}
VERDICTS = tuple(Verdict)
STATUSES = tuple(Status)
HOSTS_SHOWN, VARIANTS_SHOWN = 12, 3


def render(report: Report) -> str:
    """The page."""
    parts = {
        "title": _e(f"anywhere: {_title(report)}"),
        "heading": _e(_title(report)),
        "verdict": str(report.verdict),
        "sentence": _e(WORDS[report.verdict]),
        "when": _e(_when(report)),
        "version": _e(__version__),
        "summary": "".join(_summary(report)),
        "causes": "".join(_cause(group) for group in groups(report)) or _no_causes(report),
        "ladder": "".join(section(report.targets[0])) if len(report.targets) == 1 else "",
        "outliers": "".join(_outliers(report)),
        "list": "Findings" if len(report.targets) == 1 else "Hosts",
        "css": _asset("page.css"),
        "js": _asset("page.js"),
        "data": _data(report),
    }
    page = _asset("page.html")
    for name, text in parts.items():
        page = page.replace(f"<!--{name}-->", text)
    return page


def _no_causes(report: Report) -> str:
    """Findings on documents stand for themselves."""
    return f"<p>{'Each finding is listed below.' if problems(report) else 'No failures and no warnings.'}</p>"


def _asset(name: str) -> str:
    return resources.files("anywhere.report.page").joinpath(name).read_text(encoding="utf-8")


def _e(text: str) -> str:
    return html.escape(text, quote=True)


def _rich(text: str) -> str:
    """Text in which `commands` stand in backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _e(text))


def _title(report: Report) -> str:
    return report.targets[0].name if len(report.targets) == 1 else f"{len(report.targets)} hosts"


def _when(report: Report) -> str:
    moments = sorted(target.started for target in report.targets if target.started)
    if not moments:
        return ""
    first, last = moments[0].replace("T", " "), moments[-1].replace("T", " ")
    return first if first == last else f"{first} to {last}"


def _summary(report: Report) -> Iterator[str]:
    total = max(1, len(report.targets))
    yield '<div class="bar" role="img" aria-label="hosts by verdict">'
    for verdict, count in verdicts(report).items():
        yield f'<span class="{verdict}" style="flex:{count}" title="{count} {WORDS[verdict]}"></span>'
    if len(report.targets) == 1:
        yield f'</div><p class="counted">{_e(counts(report.targets[0].causes, report.targets[0].findings))}</p>'
        return
    yield '</div><ul class="counts">'
    for verdict, count in verdicts(report).items():
        share = f" <small>{100 * count / total:.0f}%</small>" if total > 1 else ""
        yield f'<li class="{verdict}"><b>{count}</b> {WORDS[verdict]}{share}</li>'
    yield "</ul>"


def _cause(group: Group) -> str:
    of = f'<span class="of">{len(group.hosts)} of {group.of}</span>' if group.of > 1 else ""
    share = f'<span class="share"><i style="width:{100 * len(group.hosts) / group.of:.1f}%"></i></span>'
    commands = "\n".join(script_lines(group.remedy))
    copy = '<button type="button" class="copy" aria-label="copy the commands">copy</button>'
    code = f'<div class="code"><pre><code>{_e(commands)}</code></pre>{copy}</div>' if commands else ""
    asked = prose(group.remedy.ask)
    again = f'<button type="button" class="copy" aria-label="copy the request" data-text="{_e(asked)}">copy</button>'
    ask = f"<p class=ask>{_rich(asked)} {again}</p>" if asked else ""
    look = "".join(f"<li><code>{_e(line)}</code>" for line in looks(group.remedy))
    closer = f"<details class=more><summary>To look closer</summary><ul>{look}</ul></details>" if look else ""
    hosts = f'<p class="on">{some(list(map(_e, group.hosts)), HOSTS_SHOWN)}</p>' if group.of > 1 else ""
    button = f'<button type="button" data-cause="{_e(group.code)}">show these hosts</button>' if group.of > 1 else ""
    return (
        f'<article class="cause {group.severity}" id="cause-{_e(group.code)}"><h3>{of}<code>{_e(group.code)}</code>'
        f'<span class="status {group.severity}">{group.severity}</span>{button}</h3>{share if group.of > 1 else ""}'
        f"<p>{_rich(group.summary)}</p>{''.join(_variants(group))}{hosts}"
        f"<p class=remedy>{_rich(prose(group.remedy.text))}</p>{code}{ask}{closer}</article>"
    )


def _variants(group: Group) -> Iterator[str]:
    """What the same cause says on other hosts."""
    if not group.variants:
        return
    shown = group.variants[:VARIANTS_SHOWN]
    yield '<ul class="variants">'
    yield from (f"<li>{_rich(text)} <small>({count} host{'s' * (count > 1)})</small>" for text, count in shown)
    if rest := sum(count for _, count in group.variants[VARIANTS_SHOWN:]):
        yield f"<li>in other words on {rest} host{'s' * (rest > 1)}"
    yield "</ul>"


def _outliers(report: Report) -> Iterator[str]:
    rows = outliers(report)
    if not rows:
        return
    yield "<section><h2>Unlike the rest</h2><table class=plain><thead><tr><th>what<th>here<th>elsewhere<th>hosts</thead>"
    for one in rows:
        hosts = some(list(map(_e, one.hosts)), HOSTS_SHOWN)
        yield f"<tr><td>{_e(one.fact)}<td data-is=here>{_e(one.value)}<td data-is=elsewhere>{_e(one.usual)}<td>{hosts}"
    yield "</table></section>"


# --- the data ----------------------------------------------------------------------------------------------------


class _Table:
    """Values stored once, and their places."""

    def __init__(self) -> None:
        self.rows: list[object] = []
        self._places: dict[str, int] = {}

    def place(self, value: object) -> int:
        key = json.dumps(value, sort_keys=True)
        if key not in self._places:
            self._places[key] = len(self.rows)
            self.rows.append(value)
        return self._places[key]


def _data(report: Report) -> str:
    names, table = endpoints(report), _Table()
    hosts = [_host(target, names, table) for target in report.targets]
    body = {
        "verdicts": [[str(verdict), WORDS[verdict]] for verdict in VERDICTS],
        "statuses": [str(status) for status in STATUSES],
        "endpoints": names,
        "findings": table.rows,
        "hosts": hosts,
    }
    # The text stands in a script element: nothing in it may end that element.
    return json_text(body, compact=True).replace("<", "\\u003c")


def _host(target: Target, names: tuple[str, ...], table: _Table) -> list[object]:
    cells = row(target)
    codes = {place: cause.code for cause in target.causes for place in cause.findings}
    reach = [
        [STATUSES.index(cells[name].status), round(cells[name].seconds * 1000)] if name in cells else 0
        for name in names
    ]
    return [
        target.name,
        VERDICTS.index(target.verdict),
        round(target.seconds, 2),
        _facts(target.facts),
        [cause.code for cause in target.causes],
        reach,
        [table.place(_finding(finding, codes.get(place, ""))) for place, finding in enumerate(target.findings)],
    ]


def _facts(facts: Mapping[str, object]) -> str:
    system = facts.get("os")
    name = system.get("name", "") if isinstance(system, Mapping) else ""
    words = (facts.get("hostname", ""), name, facts.get("arch", ""), facts.get("kernel", ""))
    return " · ".join(str(word) for word in words if word)


def _finding(finding: Finding, code: str) -> list[object]:
    plain = [finding.check, STATUSES.index(finding.status), finding.subject, finding.summary]
    if finding.status in (Status.PASS, Status.SKIP):
        return plain
    evidence = _untimed(finding.evidence)
    remedy = None if code else finding.remedy  # the cause says it once
    commands = script_lines(remedy) if remedy else []
    return [*plain, str(finding.reason or ""), remedy.text if remedy else "", commands, evidence, code]


def _untimed(value: object) -> object:
    """Without what differs from host to host for no reason."""
    if isinstance(value, Mapping):
        return {name: _untimed(inner) for name, inner in value.items() if name not in ("timings", "x-amzn-requestid")}
    return [_untimed(inner) for inner in value] if isinstance(value, list | tuple) else value
