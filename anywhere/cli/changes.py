"""What the verbs that change hosts have in common: plan, apply in waves, revert, over one host or many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from anywhere import __version__
from anywhere.changes import engine
from anywhere.changes.base import Planner, PutBack, Step
from anywhere.changes.shell import script
from anywhere.changes.waves import Rollout, cut, roll
from anywhere.cli.output import progress, write
from anywhere.cli.say import note
from anywhere.errors import AnywhereError, BadInput
from anywhere.flows.hosts import Hosts, seconds_for
from anywhere.hosts.base import Host
from anywhere.hosts.open import is_bundle, open_live, open_recorded
from anywhere.hosts.recording import Recording
from anywhere.printable import json_text, printable
from anywhere.redact import redact
from anywhere.threads import fan_out

SCHEMA = "anywhere/changes/1"


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of change: its verb on the command line, its journal, its plan."""

    verb: str
    journal: str
    planner: Planner


@dataclass(frozen=True)
class _Fleet:
    """The hosts of a run by their names."""

    hosts: Hosts

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.hosts.entries)

    def on(self, name: str, act: Callable[[Host], Any]) -> Any:
        """Do something on a live host, and hang up."""
        seconds = seconds_for(self.hosts)
        host = open_live(self._spec(name), seconds, self.hosts.ssh, seconds)
        try:
            return act(host)
        finally:
            _hang_up(host)

    def look(self, name: str, see: Callable[[Recording], Any]) -> Any:
        """Look at a host, live or a saved bundle, and hang up."""
        seconds = seconds_for(self.hosts)
        recorded = open_recorded(self._spec(name), seconds, self.hosts.ssh, seconds)
        try:
            return see(recorded)
        finally:
            recorded.close()

    def _spec(self, name: str) -> Any:
        return next(entry.spec for entry in self.hosts.entries if entry.name == name)

    def each(self, names: Sequence[str], call: Callable[[str], Any]) -> list[Any]:
        """The result for each host, or the error that it ended with: one never keeps the others from being served."""

        def caught(name: str) -> Any:
            try:
                return call(name)
            except AnywhereError as error:
                return error

        if len(names) == 1:
            return [caught(names[0])]
        return fan_out([partial(caught, name) for name in names], self.hosts.parallel)


def _hang_up(host: Host) -> None:
    close = getattr(host, "close", None)
    if close:
        close()


def _changeable(hosts: Hosts) -> _Fleet:
    if any(isinstance(entry.spec, str) and is_bundle(entry.spec) for entry in hosts.entries):
        raise BadInput("a saved bundle cannot be changed: name a live host")
    return _Fleet(hosts)


def plan(work: Work, hosts: Hosts, format: str) -> int:
    """Print the steps of every host; nothing is changed. 0 unless a host could not be planned."""
    _known(format, "table", "json", "shell")
    fleet = _Fleet(hosts)
    names = fleet.names
    results = dict(zip(names, fleet.each(names, lambda name: fleet.look(name, work.planner))))
    failed = {name: str(found) for name, found in results.items() if isinstance(found, AnywhereError)}
    steps = {name: found for name, found in results.items() if isinstance(found, tuple)}
    if len(names) == 1 and failed:
        raise next(found for found in results.values() if isinstance(found, AnywhereError))
    if format == "json":
        rows = [
            _row(name, "planned" if name in steps else "failed", steps.get(name, ()), failed.get(name))
            for name in names
        ]
        write(_json(work, "plan", rows))
    elif format == "shell":
        write("\n".join(script(found, name) for name, found in steps.items()), exact=True)
    else:
        write("".join(_plan_text(name, steps.get(name), failed.get(name, "")) for name in names))
        _say(f"Nothing was changed: `anywhere {work.verb} apply` does it, `--format shell` prints it as a script.")
    return 1 if failed else 0


def apply(work: Work, hosts: Hosts, wave: str, format: str) -> int:
    """Apply, in waves where asked; the exit code is 0 when every host is as wanted, else 1."""
    _known(format, "table", "json")
    fleet = _changeable(hosts)
    names = fleet.names
    cut(names, wave)
    done: dict[str, engine.Applied] = {}

    def act(group: Sequence[str]) -> Mapping[str, str | None]:
        results = fleet.each(
            group, lambda name: fleet.on(name, lambda host: engine.apply(host, work.journal, work.planner))
        )
        done.update((name, found) for name, found in zip(group, results) if isinstance(found, engine.Applied))
        return {name: _why(found) for name, found in zip(group, results)}

    if len(names) == 1:
        why = act(names)[names[0]]
        result = _outcome(names[0], why, bool(names[0] in done and done[names[0]].done))
    else:
        result = roll(names, wave, lambda group: _pending(work, fleet, group), act, _told)
    _show(work, "apply", result, {name: found.done for name, found in done.items()}, format)
    return 0 if result.complete else 1


def plan_revert(work: Work, hosts: Hosts, format: str) -> int:
    """Print what a revert would undo, last first; nothing is changed. 0 unless a host could not be asked."""
    _known(format, "table", "json")
    fleet = _changeable(hosts)
    names = fleet.names
    results = fleet.each(names, lambda name: fleet.on(name, lambda host: engine.journaled(host, work.journal)))
    if len(names) == 1 and isinstance(results[0], AnywhereError):
        raise results[0]
    rows = []
    for name, found in zip(names, results):
        why = str(found) if isinstance(found, AnywhereError) else None
        titles = [] if why else [entry.title for entry in reversed(found)]
        rows.append(_row(name, "failed" if why else "planned", titles, why))
    if format == "json":
        write(_json(work, "revert", rows))
    else:
        write("".join(_revert_text(row) for row in rows))
        _say("Nothing was changed: the same command without --dry-run does it.")
    return 1 if any(row["error"] for row in rows) else 0


def _revert_text(row: Mapping[str, Any]) -> str:
    if row["error"]:
        return f"{row['name']}: could not be asked: {_shown(row['error'])}\n"
    if not row["steps"]:
        return f"{row['name']}: nothing to undo\n"
    said = "".join(f"  - {_shown(step['title'])}\n" for step in row["steps"])
    return f"{row['name']}: {len(row['steps'])} step{'' if len(row['steps']) == 1 else 's'} to undo\n{said}"


def revert(work: Work, hosts: Hosts, wave: str, format: str, after: Callable[[Host], object] | None = None) -> int:
    """Undo, in waves where asked, and do what comes after on each host where something was undone; the exit code is 0
    when all was undone everywhere, else 1."""
    _known(format, "table", "json")
    fleet = _changeable(hosts)
    names = fleet.names
    cut(names, wave)
    done: dict[str, tuple[str, ...]] = {}

    def act(group: Sequence[str]) -> Mapping[str, str | None]:
        results = fleet.each(group, lambda name: fleet.on(name, lambda host: _revert(host, work.journal, after)))
        done.update((name, found.undone) for name, found in zip(group, results) if isinstance(found, engine.Reverted))
        return {name: _why(found) for name, found in zip(group, results)}

    if len(names) == 1:
        result = _outcome(names[0], act(names)[names[0]], bool(done.get(names[0])))
    else:
        result = roll(names, wave, lambda group: _journaled(work, fleet, group), act, _told)
    _show(work, "revert", result, done, format)
    return 0 if result.complete else 1


def _outcome(name: str, why: str | None, changed: bool) -> Rollout:
    if why:
        return Rollout(failed=((name, why),))
    return Rollout(done=(name,)) if changed else Rollout(already=(name,))


def _revert(host: Host, journal: str, after: Callable[[Host], object] | None) -> engine.Reverted:
    found = engine.revert(host, journal)
    if after and found.undone:
        after(host)
    return found


def _pending(work: Work, fleet: _Fleet, names: Sequence[str]) -> Mapping[str, str | None]:
    with progress(f"planning {len(names)} hosts"):
        results = fleet.each(names, lambda name: fleet.look(name, work.planner))
    return {n: str(r) if isinstance(r, AnywhereError) else None if r else "" for n, r in zip(names, results)}


def _journaled(work: Work, fleet: _Fleet, names: Sequence[str]) -> Mapping[str, str | None]:
    results = fleet.each(names, lambda name: fleet.on(name, lambda host: engine.journaled(host, work.journal)))
    return {n: str(r) if isinstance(r, AnywhereError) else None if r else "" for n, r in zip(names, results)}


def _why(found: Any) -> str | None:
    if isinstance(found, AnywhereError):
        return str(found)
    if isinstance(found, engine.Applied) and found.left:
        return "done, but it did not last: " + "; ".join(step.title for step in found.left)
    if isinstance(found, engine.Reverted) and found.failed:
        return "not undone: " + "; ".join(f"{title} ({why})" for title, why in found.failed)
    return None


def _show(work: Work, command: str, result: Rollout, steps: Mapping[str, Any], format: str) -> None:
    failed = dict(result.failed)
    states = {
        **dict.fromkeys(result.already, "already"),
        **dict.fromkeys(result.done, "done"),
        **dict.fromkeys(failed, "failed"),
        **dict.fromkeys(result.untouched, "untouched"),
    }
    if format == "json":
        write(_json(work, command, [_row(n, s, steps.get(n, ()), failed.get(n)) for n, s in states.items()]))
        return
    for name, state in states.items():
        write(_line(command, name, state, steps.get(name, ()), failed.get(name, "")))
    if result.untouched:
        _say(
            f"Stopped at the first failing wave. Mend {', '.join(failed)}, then run the same command again: it goes on."
        )


def _line(command: str, name: str, state: str, steps: Sequence[Any], why: str) -> str:
    titles = [_shown(step.title if isinstance(step, Step) else str(step)) for step in steps]
    done = "".join(f"  {'+' if command == 'apply' else '-'} {title}\n" for title in titles)
    if state == "already":
        said = "already as wanted, nothing changed" if command == "apply" else "nothing to undo"
        return f"{name}: {said}\n"
    if state == "untouched":
        return f"{name}: not begun\n"
    if state == "failed":
        return f"{name}: FAILED: {_shown(why)}\n{done}"
    return f"{name}: {len(titles)} step{'' if len(titles) == 1 else 's'} {'done' if command == 'apply' else 'undone'}\n{done}"


def _plan_text(name: str, steps: Sequence[Step] | None, why: str) -> str:
    if steps is None:
        return f"{name}: could not be planned: {_shown(why)}\n"
    if not steps:
        return f"{name}: nothing to do, it is already so\n"
    rows = "".join(f"  {number:2}  {_shown(step.title)}\n" for number, step in enumerate(steps, 1))
    return f"{name}: {len(steps)} step{'' if len(steps) == 1 else 's'}\n{rows}"


def _shown(text: str) -> str:
    """In one line, and without secrets."""
    return printable(redact(text))


def _row(name: str, state: str, steps: Sequence[Any], why: str | None) -> dict[str, Any]:
    rows = [_step(step) if isinstance(step, Step) else {"title": redact(str(step))} for step in steps]
    return {"name": name, "state": state, "steps": rows, "error": redact(why) if why else None}


def _step(step: Step) -> dict[str, Any]:
    text = None if step.do.secret else redact(step.do.input.decode("utf-8", "replace"))
    row = {"key": step.key, "title": redact(step.title), "argv": list(step.do.shown or step.do.argv), "input": text}
    return {**row, **_file(step)}


def _file(step: Step) -> dict[str, Any]:
    """Of a step that writes a file: which, and what is there before; without that where it may hold credentials."""
    back = next((undo for undo in step.undo if isinstance(undo, PutBack)), None)
    if back is None:
        return {}
    if step.do.secret:
        return {"path": back.path}
    text = None if back.content is None else redact(back.content.decode("utf-8", "replace"))
    return {"path": back.path, "before": text}


def _json(work: Work, command: str, rows: list[dict[str, Any]]) -> str:
    tool = {"name": "anywhere", "version": __version__}
    body = {"schema": SCHEMA, "tool": tool, "command": f"{work.verb} {command}", "targets": rows}
    return json_text(body, 2) + "\n"


def _known(format: str, *formats: str) -> None:
    if format not in formats:
        raise BadInput(f"there is no format {format!r} here: formats are {', '.join(formats)}")


def _told(number: int, of: int, wave: Sequence[str]) -> None:
    _say(f"wave {number} of {of}{' (canary)' if number == 1 and of > 1 else ''}: {', '.join(wave)}")


def _say(text: str) -> None:
    note(text)
