"""`watch`: a check and a status again and again; whoever has to know hears of each change of verdict, once."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from anywhere.errors import BadInput
from anywhere.files import append_lines, write_file
from anywhere.flows.hosts import Hosts
from anywhere.flows.lifecycle.status import status
from anywhere.frozen import frozen
from anywhere.hosts.base import Deadline
from anywhere.hosts.local import LocalHost
from anywhere.model import Report, Target
from anywhere.printable import json_text
from anywhere.report.json import render as as_json
from anywhere.report.life.drift import snapshot, words
from anywhere.report.life.metrics import render as as_metrics
from anywhere.report.shown.harmless import harmless
from anywhere.windows import IS_WINDOWS, is_root

ROOT_STATE = "/var/lib/anywhere-watch"
NAME = "history.jsonl"
SCHEMA = "anywhere/watch/1"
KEPT, MOST = 200, 400  # lines of the history: cut to the first number, and one a host, once the second is passed
COMMAND_SECONDS = 60.0
SHORTEST, LONGEST = 10.0, 86400.0  # seconds between two ticks
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


@frozen
class Change:
    """A verdict that is another than before. `was` is empty for the first, `drift` what else has changed meanwhile."""

    time: str
    host: str
    verdict: str
    was: str
    causes: tuple[tuple[str, str, str], ...]
    drift: tuple[str, ...]

    @property
    def line(self) -> str:
        """One line for the journal."""
        why = "; ".join(f"{code}: {said}" for code, _, said in reversed(self.causes)) or "no cause"
        changed = f" (changed: {'; '.join(self.drift[:5])})" if self.drift else ""
        return f"{self.host}: {self.verdict}{f', was {self.was}' if self.was else ''}: {why}{changed}"


@dataclass
class Watch:
    """Ticks over these hosts. `heard` gets each change, `complain` one line on what went wrong beside it."""

    hosts: Hosts
    folder: str
    heard: Callable[[Change], None]
    complain: Callable[[str], None]
    on_change: str = ""
    textfile: str = ""

    def tick(self) -> Report:
        """Check once: changes are reported and kept, the metrics written."""
        report = status(self.hosts, True)
        before = {str(row.get("host")): row for row in history(self.folder)}
        compared = [found for target in report.targets if (found := _compared(target, before.get(target.name)))]
        if compared:
            self._keep([row for _, row in compared])
        for change, _ in compared:
            self.heard(change)
        if compared and self.on_change:
            self._run(report)
        if self.textfile:
            write_file(self.textfile, as_metrics(harmless(report)).encode())
        return report

    def _keep(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append to the history, and cut it where it has grown."""
        path = os.path.join(self.folder, NAME)
        try:
            os.makedirs(self.folder, mode=0o750, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"the history cannot be kept in {self.folder}: {error.strerror}: set XDG_STATE_HOME to a folder that this "
                "user may write to, or run as root"
            ) from None
        append_lines(path, "".join(json_text(row, compact=True) + "\n" for row in rows).encode())
        lines = _lines(self.folder)
        if len(lines) > MOST:
            write_file(path, b"".join(_cut(lines)))

    def _run(self, report: Report) -> None:
        """The caller's command, with the report on its standard input; what it prints goes nowhere."""
        host = LocalHost(Deadline(COMMAND_SECONDS + 5))
        done = host.run(("/bin/sh", "-c", self.on_change), input=as_json(report).encode(), timeout=COMMAND_SECONDS)
        if not done.ok:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            self.complain(f"--on-change ended with {done.rc}{': ' + said[-1][:200] if said else ''}")

    def forever(self, every: float) -> None:
        """Tick until the process is ended; a tick that fails is a line, and the next one comes all the same."""
        while True:
            begun = time.monotonic()
            try:
                self.tick()
            except (BadInput, OSError) as error:
                self.complain(str(error))
            time.sleep(max(1.0, every - (time.monotonic() - begun)))


def _compared(target: Target, before: dict[str, Any] | None) -> tuple[Change, dict[str, Any]] | None:
    """What has changed, and its row of the history; None where nothing has."""
    verdict, causes = str(target.verdict), [(c.code, str(c.severity), c.summary) for c in target.causes]
    codes = sorted(code for code, _, _ in causes)
    now = snapshot(target)
    drift = words(before.get("snapshot", {}), now) if before else []
    if before and before.get("verdict") == verdict and before.get("codes") == codes and not drift:
        return None
    was = str(before.get("verdict", "")) if before else ""
    row = {
        "schema": SCHEMA, "time": target.started, "host": target.name, "verdict": verdict, "was": was,
        "codes": codes, "causes": [{"code": c, "severity": s, "summary": t} for c, s, t in causes],
        "drift": list(drift), "snapshot": now,
    }  # fmt: skip
    return Change(target.started, target.name, verdict, was, tuple(causes), tuple(drift)), row


def state_folder() -> str:
    """Where the history is: root's own folder, or the user's."""
    if is_root() and not IS_WINDOWS:
        return os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or ROOT_STATE
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(base, "anywhere-watch")


def history(folder: str) -> list[dict[str, Any]]:
    """The changes that are kept, oldest first; a line that was cut off counts for nothing."""
    return list(_rows(_lines(folder)))


def _cut(lines: Sequence[bytes]) -> list[bytes]:
    """The last KEPT lines, and the last one of every host: without it the host's state would be a change again."""
    last = {str(row.get("host")): at for at, line in enumerate(lines) for row in _rows([line])}
    kept = frozenset(last.values())
    return [line for at, line in enumerate(lines) if at >= len(lines) - KEPT or at in kept]


def _rows(lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("schema") == SCHEMA:
            yield row


def _lines(folder: str) -> list[bytes]:
    try:
        with open(os.path.join(folder, NAME), "rb") as file:
            return file.read(64 << 20).splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"{folder}/{NAME}: {error.strerror}") from None


def parse_every(text: str) -> float:
    """Seconds of `30s`, `5m`, `1h` or a number. Raises BadInput."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smh]?)", text.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not SHORTEST <= seconds <= LONGEST:
        raise BadInput(f"--every takes {SHORTEST:.0f}s to 24h, as in 30s, 5m or 1h, not {text[:20]!r}")
    return seconds
