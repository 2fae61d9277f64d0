"""The run of `anywhere check`: check, show, save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import IO

from anywhere.cli.say import say
from anywhere.errors import BadInput
from anywhere.files import open_file
from anywhere.flows.hosts import Hosts
from anywhere.model import Report, Target
from anywhere.settings import Settings

INTERRUPTED = 130


def run(
    settings: Settings,
    hosts: Hosts,
    *,
    format: str,
    output: str = "",
    save: str = "",
    strict: bool,
    resume: str = "",
    detail: str = "problems",
    notes: Sequence[str] = (),
) -> int:
    """Check, show, save; the exit code. Bad options are reported before anything is done."""
    from anywhere.cli.output import format_for, show
    from anywhere.cli.progress import tallying
    from anywhere.files import writable
    from anywhere.flows.check import Check
    from anywhere.report import renderer

    format = format_for(format, output)
    renderer(format)
    if output:
        writable(output)
    work = Check(settings, hosts, save, resume)
    stream = Stream(output) if format == "jsonl" and work.many else None
    with tallying(hosts.entries[0].name, len(hosts.entries), len(work.done)) as tally:
        found = work.run(tally, *([stream.add] if stream else []))
    report = _noted(found.report, notes)
    for name in _unmatched(report, settings.accepted_issuers):
        say(f"--accept-issuer {name!r}: no endpoint presents a certificate of this issuer")
    for names in found.twins:
        say(f"one machine under {len(names)} names: {', '.join(names[:5])}")
    if stream:
        stream.close(report)
    elif found.whole or (report.targets and not output):
        show(report, format, output, detail)
    if found.whole:
        return report.exit_code(strict)
    of = len(hosts.entries)
    say("interrupted" + f": {found.left} of {of} hosts are not checked" * (of > 1))
    return INTERRUPTED


def announced(settings: Settings, hosts: Hosts, format: str, output: str) -> int:
    """Print what the run would do; the exit code."""
    from anywhere.cli.output import write
    from anywhere.flows.announced.plan import announce
    from anywhere.report.allowlist.contacts import FORMATS as PLAN_FORMATS

    BadInput.require("format", format, PLAN_FORMATS)
    write(PLAN_FORMATS[format](announce(settings, hosts)), output)
    return 0


def _noted(report: Report, notes: Sequence[str]) -> Report:
    """The report with what the configuration file changed."""
    if not notes:
        return report
    return replace(
        report, targets=tuple(replace(one, facts={**one.facts, "config": list(notes)}) for one in report.targets)
    )


def _unmatched(report: Report, names: Sequence[str]) -> list[str]:
    """Accepted issuers that no host meets, where interception was checked at all."""
    rows = [f for target in report.targets for f in target.findings if f.check == "endpoints.interception"]
    met = " ".join(str(f.evidence).lower() for f in rows if f.evidence.get("accepted"))
    return [name for name in names if rows and name.lower() not in met]


class Stream:
    """JSON lines as the results come; what an earlier run checked is in its own file."""

    def __init__(self, output: str) -> None:
        self._file: IO[bytes] | None = None
        if output and output != "-":
            self._file = open_file(output)

    def add(self, target: Target) -> None:
        """Write one target."""
        from anywhere.report.jsonl import line

        self._write(line(target))

    def close(self, report: Report) -> None:
        """Write what only all of them together show."""
        from anywhere.report.jsonl import closing

        self._write(closing(report))
        if self._file:
            self._file.close()

    def _write(self, text: str) -> None:
        from anywhere.cli.output import write

        if self._file is None:
            write(text)
            return
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as error:
            raise BadInput(f"cannot write the result: {error.strerror}") from error
