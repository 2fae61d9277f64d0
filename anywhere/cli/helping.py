"""Help as a person reads it: options in groups, commands by topic, hints that make sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from typer.core import TyperCommand

SHARED = ("Hosts", "Output")
NEAR = 0.75  # how alike an option must be to be suggested
TOPICS: Mapping[str, tuple[str, ...]] = {
    "Check": ("check", "status", "watch", "endpoints", "explain"),
    "Change": ("rules", "proxy", "register", "artifacts", "update", "move", "deregister", "reset", "activation"),
    "Task definitions": ("taskdef",),
    "Fleet": ("report",),
    "Saved runs": ("bundle",),
}
USUAL = """\
Check this host before registration:    anywhere check --region eu-west-1
List the names for a firewall request:  anywhere endpoints --region eu-west-1 --format csv
Check many hosts over SSH:              anywhere check --region eu-west-1 -i hosts.ini

All commands: anywhere help
"""


class Grouped(TyperCommand):
    """A command whose help shows its options by their panels, in the order of the first of each."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, the command's own options, then what many commands share."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                kind = "Arguments" if param.param_type_name == "argument" else ""
                panel = kind or getattr(param, "rich_help_panel", None) or "Options"
                sections.setdefault(panel, []).append(record)
        for name, rows in sorted(sections.items(), key=lambda row: row[0] in SHARED):
            with formatter.section(name):
                formatter.write_dl(rows)


def by_topic(verbs: Mapping[str, str]) -> Mapping[str, list[tuple[str, str]]]:
    """The commands with their words, by topic; what has none comes last."""
    placed = {name for names in TOPICS.values() for name in names}
    rows = {topic: [(name, verbs[name]) for name in names if name in verbs] for topic, names in TOPICS.items()}
    rows["More"] = [(name, text) for name, text in verbs.items() if name not in placed]
    return {topic: found for topic, found in rows.items() if found}


def unknown_option(option: str, possible: Sequence[str]) -> str:
    """The line for an option that is not known: names those that are really near."""
    near = [one for one in possible if SequenceMatcher(None, option, one).ratio() >= NEAR]
    return f"there is no option {option}" + (f": did you mean {' or '.join(near)}?" if near else ": --help lists them")
