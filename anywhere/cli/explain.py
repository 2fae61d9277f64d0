"""`anywhere explain CODE`: what a cause, a check, a topic or a rule means."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from anywhere.catalogue.causes.base import CauseText
from anywhere.catalogue.texts.commands import FIX_COMMANDS
from anywhere.catalogue.texts.sources import url_of
from anywhere.cli.helping import Grouped, single
from anywhere.errors import BadInput, did_you_mean

app = single()
EXAMPLES = (
    "\b\nExamples:\n  anywhere explain\n  anywhere explain egress.blocked\n  anywhere explain network\n"
    "  anywhere explain network.nameservers\n"
)


@app.command(cls=Grouped, epilog=EXAMPLES)
def explain(
    code: str = typer.Argument(
        "", help="A cause, check, topic or rule, such as egress.blocked. Default: list the causes.", metavar="[CODE]"
    ),
) -> None:
    """Explain a cause, a check, a topic or a task definition rule: meaning, detection, fix and source."""
    from anywhere.catalogue.causes.table import causes
    from anywhere.cli.output import write

    known = causes()
    if not code:
        write("".join(_listed()))
        return
    word = code.lower()
    if word in known:
        write(_cause(known[word]))
        return
    write(_topic(word) or _rule(word, tuple(known)))


def _listed() -> Iterator[str]:
    from anywhere.catalogue.causes.table import causes

    width = max(map(len, causes()))
    for row in causes().values():
        yield f"{row.code:<{width}}  {row.severity:<12}  {row.title}\n"


def _cause(row: CauseText) -> str:
    head = (f"{row.code} ({row.severity})", row.title)
    texts = [_part(*one) for one in (head, ("Means", row.meaning), ("Found", row.found), ("Fix", row.fix))]
    if commands := FIX_COMMANDS.get(row.code):
        texts.append("Commands\n" + "\n".join(f"  $ {_typed(line)}" for line in commands))
    texts += [_part("Source", row.source), _part("Documentation", url_of(row.source))]
    return "\n\n".join(texts) + "\n"


def _typed(line: str) -> str:
    """A command as this program is started."""
    from anywhere.report.shown.commands import command_line

    words = line.split()
    return command_line(words) if "anywhere" in words[:2] else line


def _shown(*parts: tuple[str, str]) -> str:
    return "\n\n".join(_part(*part) for part in parts) + "\n"


def _part(head: str, text: str) -> str:
    from anywhere.report.shown.commands import prose
    from anywhere.report.style import fill

    return f"{head}\n" + "\n".join(f"  {line}" for line in fill(prose(text), 98))


def _topic(word: str) -> str:
    """A topic with its checks and the causes that start with its name; empty for what is none."""
    from anywhere.catalogue.causes.table import causes
    from anywhere.catalogue.checks import CHECK_TEXTS

    checks = [row for row in CHECK_TEXTS.values() if row.topic == word]
    codes = [row for row in causes().values() if row.code.partition(".")[0] == word]
    if not checks and not codes:
        return ""
    width = max(len(row.id) for row in checks) if checks else 0
    wide = max(len(row.code) for row in codes) if codes else 0
    lines = [f"{word} (topic)"]
    lines += ["", "Checks", *(f"  {row.id:<{width}}  {row.title}" for row in checks)] if checks else []
    lines += ["", "Causes", *(f"  {row.code:<{wide}}  {row.title}" for row in codes)] if codes else []
    return "\n".join(lines) + "\n"


def _rule(code: str, known: tuple[str, ...]) -> str:
    """A check or a rule for task definitions by its id. Raises BadInput with the near misses for what is neither."""
    from anywhere.catalogue.checks import CHECK, CHECK_TEXTS
    from anywhere.taskdef import RULES

    if check := CHECK_TEXTS.get(code):
        only = f" --only {code} -v" if check.asked_by == CHECK else ""
        asked = ("Run by", f"anywhere {check.asked_by}{only}")
        return _shown((f"{code} (check)", check.title), ("Means", check.means), asked)
    rules = {rule.id: rule for rule in RULES}
    if code not in rules:
        hint = did_you_mean(code, [*known, *CHECK_TEXTS, *rules], "`anywhere explain` lists the causes")
        raise BadInput(f"there is no cause, check, topic or rule {code!r}: {hint}")
    rule = rules[code]
    head = (f"{rule.id} ({', '.join(rule.launch)})", rule.title)
    return _shown(head, ("Means", rule.meaning), ("Source", rule.source), ("Documentation", url_of(rule.source)))
