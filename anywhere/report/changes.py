"""Plans and changes, as text for a person and as JSON in the form of schemas/changes-1.json."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anywhere import __version__
from anywhere.changes.base import PutBack, Step
from anywhere.changes.outcome import Outcome, State
from anywhere.printable import json_text, printable
from anywhere.redact import redact
from anywhere.report.json import cause_dict, finding_dict
from anywhere.report.shown.commands import prose
from anywhere.report.style import PLAIN, Style, hung
from anywhere.wording import count

SCHEMA = "anywhere/changes/1"
_PAST = {"remove": "removed", "restore": "restored", "stop": "stopped", "disable": "disabled", "start": "started"}
_PAST |= {"move": "moved", "rebuild": "rebuilt", "restart": "restarted", "undo": "undone:", "install": "installed"}


def as_json(verb: str, command: str, outcomes: Sequence[Outcome]) -> str:
    """All hosts as indented JSON; `verb` and `command` are as typed, such as `rules` and `plan`."""
    tool = {"name": "anywhere", "version": __version__}
    rows = [_row(outcome) for outcome in outcomes]
    body = {"schema": SCHEMA, "tool": tool, "command": f"{verb} {command}", "targets": rows}
    return json_text(body, 2) + "\n"


def planned(outcomes: Sequence[Outcome], style: Style = PLAIN) -> str:
    """What would be done, for a person."""
    return "".join(_lost(one, "could not be planned", style) or _plan(one, style) for one in outcomes)


def undoable(outcomes: Sequence[Outcome], style: Style = PLAIN) -> str:
    """What a revert would restore, for a person."""
    return "".join(_lost(one, "could not be asked", style) or _undoable(one, style) for one in outcomes)


def changed(command: str, outcomes: Sequence[Outcome], style: Style = PLAIN) -> str:
    """What `apply` or `revert` did, for a person. One that failed ends with the state that the host is in now."""
    return "".join(
        _lost(one, "FAILED", style) + hung("  ", _UNKNOWN, style) if one.cause else _changed(command, one, style)
        for one in outcomes
    )


_UNKNOWN = (
    "Now: not known, the host cannot be asked. What was done is recorded there; the same command goes on from it."
)


def _lost(outcome: Outcome, head: str, style: Style) -> str:
    if outcome.state is not State.FAILED:
        return ""
    advice = hung("  ", f"Fix: {_shown(outcome.cause.remedy.text)}", style) if outcome.cause else ""
    return hung(f"{outcome.name}: ", f"{head}: {_shown(outcome.error)}", style) + advice


def _plan(outcome: Outcome, style: Style) -> str:
    if not outcome.steps:
        return f"{outcome.name}: nothing to do, everything is in place\n"
    rows = "".join(hung(f"  {number:2}  ", title, style) for number, title in enumerate(_titles(outcome), 1))
    return f"{outcome.name}: {_count(outcome)}\n{rows}"


def _undoable(outcome: Outcome, style: Style) -> str:
    if not outcome.steps:
        return f"{outcome.name}: nothing to undo\n"
    rows = "".join(hung("  - ", title, style) for title in _titles(outcome))
    return f"{outcome.name}: {_count(outcome)} to undo\n{rows}{_now('Then', outcome, style)}"


def _changed(command: str, outcome: Outcome, style: Style) -> str:
    mark, word, nothing = (
        ("+", "done", "already in place, nothing changed") if command == "apply" else ("-", "undone", "nothing to undo")
    )
    titles = _titles(outcome) if command == "apply" else [past(title) for title in _titles(outcome)]
    rows = "".join(hung(f"  {mark} ", title, style) for title in titles)
    if outcome.state is State.FAILED:
        failed = hung(f"{outcome.name}: ", f"FAILED: {_shown(outcome.error)}", style)
        return rows + failed + _now("Now", outcome, style)
    said = {State.ALREADY: nothing, State.UNTOUCHED: "not begun"}.get(outcome.state, f"{_count(outcome)} {word}")
    return f"{outcome.name}: {said}\n{rows}{_now('Now', outcome, style)}"


def _now(head: str, outcome: Outcome, style: Style) -> str:
    return hung("  ", f"{head}: {prose(_shown(outcome.now))}.", style) if outcome.now else ""


def past(text: str) -> str:
    """The same once it is done. Only the verbs it begins with are changed."""
    first = re.match(rf"({'|'.join(_PAST)})( and ({'|'.join(_PAST)}))?\b", text)
    if not first:
        return text
    return re.sub(r"\w+", lambda verb: _PAST.get(verb[0], verb[0]), first[0]) + text[first.end() :]


def _count(outcome: Outcome) -> str:
    return count(outcome.steps, "step")


def _titles(outcome: Outcome) -> list[str]:
    return [_shown(step.title if isinstance(step, Step) else step) for step in outcome.steps]


def _shown(text: str) -> str:
    """In one line, and without secrets."""
    return printable(redact(text))


def _row(outcome: Outcome) -> dict[str, object]:
    row: dict[str, object] = {
        "name": outcome.name,
        "state": str(outcome.state),
        "steps": [_step(step) if isinstance(step, Step) else {"title": redact(step)} for step in outcome.steps],
        "error": redact(outcome.error) if outcome.error else None,
    }
    if outcome.now:
        row["now"] = redact(outcome.now)
    if outcome.finding and outcome.cause:
        row |= {"causes": [cause_dict(outcome.cause)], "findings": [finding_dict(outcome.finding)]}
    return row


def _step(step: Step) -> dict[str, object]:
    text = None if step.do.secret else redact(step.do.input.decode("utf-8", "replace"))
    row = {"key": step.key, "title": redact(step.title), "argv": list(step.do.shown or step.do.argv), "input": text}
    return {**row, **_file(step)}


def _file(step: Step) -> dict[str, object]:
    """Of a step that writes a file: which, and what is there before; without that where it may hold credentials."""
    back = next((undo for undo in step.undo if isinstance(undo, PutBack)), None)
    if back is None:
        return {}
    if step.do.secret:
        return {"path": back.path}
    text = None if back.content is None else redact(back.content.decode("utf-8", "replace"))
    return {"path": back.path, "before": text}
