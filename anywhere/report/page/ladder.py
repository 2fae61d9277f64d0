"""The ladder of one host: endpoints by component as rows, the steps of a probe as columns, each with its time."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence

from anywhere.model import Finding, Stage, Status, Target

REACH, UPGRADE = "endpoints.reach", "endpoints.websocket"
COLUMNS = (
    (Stage.RESOLVE, "resolve"),
    (Stage.CONNECT, "connect"),
    (Stage.PROXY, "proxy"),
    (Stage.TLS, "TLS"),
    (Stage.HTTP, "HTTP"),
)
ORDER = [stage for stage, _ in COLUMNS]
Cell = tuple[str, str, str]  # class, text, detail


def section(target: Target) -> Iterator[str]:
    """The table as HTML; nothing where no endpoint was probed."""
    rows = [finding for finding in target.findings if finding.check == REACH and finding.stage]
    if not rows:
        return
    upgrades = {f.subject: f for f in target.findings if f.check == UPGRADE}
    yield '<section id="ladder"><h2>Endpoints by step</h2><p class="legend"><i class="q1"></i>passed '
    yield '<i class="warn"></i>warned <i class="fail"></i>failed <i class="skip"></i>not reached. Select a cell for details.'
    yield '</p><div class="wide"><table><thead><tr><th scope="col">endpoint</th>'
    yield from (f'<th scope="col">{name}</th>' for _, name in (*COLUMNS, ("", "upgrade")))
    yield "</tr></thead>"
    for component, group in _by_component(rows).items():
        yield f'<tbody><tr><th class="group" scope="rowgroup" colspan="7">{_e(component)}</th></tr>'
        for row in group:
            yield f'<tr><th scope="row">{_e(row.subject.removesuffix(":443"))}</th>'
            yield from (_cell(row, cell, name) for cell, name in _cells(row, upgrades.get(row.subject)))
            yield "</tr>"
        yield "</tbody>"
    yield '</table></div><p id="step" role="status" aria-live="polite"></p></section>'


def _by_component(rows: Sequence[Finding]) -> Mapping[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for row in rows:
        found.setdefault(str(row.evidence.get("component") or "host"), []).append(row)
    return found


def _cells(row: Finding, upgrade: Finding | None) -> Iterator[tuple[Cell, str]]:
    reached = len(ORDER) if row.stage in (Stage.DONE, None) else ORDER.index(row.stage)
    direct = not row.evidence.get("proxy")
    for place, (stage, name) in enumerate(COLUMNS):
        if stage is Stage.PROXY and direct:
            yield ("none", "direct", "no proxy on this path"), name
        elif stage is Stage.RESOLVE and not direct and place < reached:
            yield ("none", "by proxy", "the proxy resolves this name"), name
        elif place < reached:
            yield ("pass", _time(row, stage), _passed(row, stage)), name
        elif place == reached:
            yield (str(row.status), str(row.reason or row.status), row.summary), name
        else:
            yield ("none", "\u2013", "not reached"), name
    if upgrade is None or upgrade.status is Status.SKIP:
        yield ("none", "\u2013", "no upgrade was tried"), "upgrade"
    else:
        said = "ok" if upgrade.status is Status.PASS else str(upgrade.reason or upgrade.status)
        yield (str(upgrade.status), said, upgrade.summary), "upgrade"


def _timings(row: Finding) -> Mapping[str, object]:
    addresses = row.evidence.get("addresses")
    first = addresses[0] if isinstance(addresses, list | tuple) and addresses else {}
    found = [one.get("timings") for one in (row.evidence, first) if isinstance(one, Mapping)]
    return {name: value for one in found if isinstance(one, Mapping) for name, value in one.items()}


def _time(row: Finding, stage: Stage) -> str:
    seconds = _timings(row).get(str(stage))
    return f"{float(seconds) * 1000:.0f} ms" if isinstance(seconds, int | float) else "ok"


def _passed(row: Finding, stage: Stage) -> str:
    resolved, proxy = row.evidence.get("resolved"), row.evidence.get("proxy")
    if stage is Stage.RESOLVE and isinstance(resolved, list | tuple):
        return ", ".join(map(str, resolved)) or "resolved"
    return f"through {proxy}" if stage is Stage.PROXY else "passed"


def _cell(row: Finding, cell: Cell, name: str) -> str:
    kind, text, detail = cell
    said = f"{row.subject}, {name}: {detail}"
    button = f'<button type="button" data-step="{_e(said)}" title="{_e(said)}">{_e(text)}</button>'
    return f'<td class="step {kind}" data-is="{_e(name)}">{button}</td>'


def _e(text: str) -> str:
    return html.escape(text, quote=True)
