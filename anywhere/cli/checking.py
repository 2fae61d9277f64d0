"""What `anywhere check` does once its words are read: judge all hosts, show, stream, save."""

from __future__ import annotations

import os
from typing import IO

from anywhere.catalogue.endpoints import endpoints
from anywhere.cli.output import show, write
from anywhere.cli.progress import tallying
from anywhere.cli.say import say
from anywhere.errors import BadInput
from anywhere.flows.clones import judge_fleet, same_machine
from anywhere.flows.examine import choose
from anywhere.flows.fleet import Fleet
from anywhere.flows.hosts import Hosts, titles
from anywhere.flows.resume import Journal
from anywhere.flows.target import Judge, as_dict
from anywhere.hosts.bundle import writable
from anywhere.model import Report, Target
from anywhere.report import renderer
from anywhere.report.jsonl import closing, line
from anywhere.settings import PHASES, Settings

LEAST_BUDGET, MOST_BUDGET, MOST_IDLE = 0.5, 600.0, 3600.0
INTERRUPTED = 130
GRACE = 5.0  # seconds past a host's own time limit, before it is given up


def run(
    settings: Settings, hosts: Hosts, *, format: str, output: str = "", save: str = "", strict: bool, resume: str = ""
) -> int:
    """Judge, show, save; the exit code. Everything that can be wrong with the words is said before anything is done."""
    renderer(format)
    validate(settings)
    for path in filter(None, (output, save.rstrip("/"))):
        writable(path)
    many = len(hosts.entries) > 1 or save.endswith("/") or os.path.isdir(save)
    if save and many:
        _make_folder(save)
    judge = Judge(settings, hosts, save, many, titles(hosts.entries) if many else {})
    journal = Journal(resume, as_dict(settings)) if resume else None
    stream = Stream(output) if format == "jsonl" and many else None
    targets, whole = _judge(judge, journal, stream)
    report = Report(judge_fleet(targets))
    for names in same_machine(targets):
        say(f"one machine under {len(names)} names: {', '.join(names[:5])}")
    if stream:
        stream.close(report)
    elif whole or (targets and not output):
        show(report, format, output)
    if whole:
        return report.exit_code(strict)
    left, of = len(hosts.entries) - len(targets), len(hosts.entries)
    say("interrupted" + (f": {left} of {of} hosts are not judged" if of > 1 else ""))
    return INTERRUPTED


def _judge(judge: Judge, journal: Journal | None, stream: Stream | None) -> tuple[tuple[Target, ...], bool]:
    """The targets in the inventory's order, and whether these are all."""
    entries = judge.hosts.entries
    done: dict[str, Target] = {}
    todo = []
    for entry in entries:
        if journal and journal.has(entry.name):
            done[entry.name] = journal.done[entry.name]
        else:
            todo.append(entry)
    limit = judge.hosts.seconds + judge.settings.budget + judge.settings.idle + GRACE
    fleet = Fleet(todo, judge, judge.give_up, judge.hosts.parallel, limit)
    keep = [call for call in (journal.add if journal else None, stream.add if stream else None) if call]
    whole = True
    with tallying(entries[0].name, len(entries), len(done)) as told:
        try:
            for result in fleet.run():
                done[todo[result.index].name] = result.result
                told(result.result)
                for call in keep:
                    call(result.result)
        except KeyboardInterrupt:
            whole = False
    return tuple(done[entry.name] for entry in entries if entry.name in done), whole


class Stream:
    """JSON lines as the results come; what an earlier run judged stands in its own file already."""

    def __init__(self, output: str) -> None:
        self._file: IO[bytes] | None = None
        if output and output != "-":
            try:
                self._file = open(output, "wb")  # noqa: SIM115 - open for the whole run
            except OSError as error:
                raise BadInput(f"cannot write {output}: {error.strerror}") from error

    def add(self, target: Target) -> None:
        """Write one target."""
        self._write(line(target))

    def close(self, report: Report) -> None:
        """Write what only all of them together show."""
        self._write(closing(report))
        if self._file:
            self._file.close()

    def _write(self, text: str) -> None:
        if self._file is None:
            write(text)
            return
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as error:
            raise BadInput(f"cannot write the result: {error.strerror}") from error


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--save {path}: {error.strerror}: of many hosts it is a folder") from error


def validate(settings: Settings) -> None:
    """Raise BadInput for what no run can use."""
    choose(settings)
    for region in settings.regions or ("us-east-1",):
        endpoints(region, features=settings.features, phases=settings.phases or PHASES, shards=settings.shards)
    if not LEAST_BUDGET <= settings.budget <= MOST_BUDGET:
        raise BadInput(f"--budget must be {LEAST_BUDGET:g} to {MOST_BUDGET:g} seconds, not {settings.budget:g}")
    if not 0 <= settings.idle <= MOST_IDLE:
        raise BadInput(f"--idle must be 0 to {MOST_IDLE:g} seconds, not {settings.idle:g}")
