"""What `deregister`, `reset` and `move` have in common: the plan, the question, the result."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from anywhere.cli.changes import ended, interrupting, require_root
from anywhere.cli.output import write
from anywhere.cli.register.progress import Lines
from anywhere.cli.say import note
from anywhere.errors import BadInput
from anywhere.flows.change import held
from anywhere.flows.hosts import Hosts
from anywhere.flows.life.fleet import Leavers
from anywhere.flows.life.leaving import Leave
from anywhere.flows.life.update import Update
from anywhere.report.life.left import as_json, done, planned
from anywhere.report.style import PLAIN, Style, style_for

FORMATS = ("table", "json")
YES = typer.Option(False, "--yes", "-y", help="Do not ask. Needed where standard input is no terminal.")
DRY_RUN = typer.Option(False, "--dry-run", help="Print what would be done and what would be orphaned; change nothing.")
WAVE = typer.Option("", help="Hosts at once, as a number or a share (5%); one canary goes first. Default: all.")


def run(hosts: Hosts, order: Leave | Update, wave: str, yes: bool, dry: bool, format: str, output: str) -> int:
    """Plan, ask, do, print; the exit code is 0 when nothing failed anywhere."""
    BadInput.require("format", format, FORMATS)
    require_root(hosts)
    many = len(hosts.entries) > 1
    leavers = Leavers(hosts, order, wave, lambda name: Lines(name if many else ""), _wave)
    plan = leavers.plan()
    wanted = [one for one in plan if one.ok and one.steps]
    if dry or not wanted:
        write(as_json(order.verb, plan) if format == "json" else planned(order.verb, plan, _style(output)), output)
        if dry and wanted and format == "table":
            note("Nothing was changed: the same command without --dry-run does it.")
        return 0 if all(one.ok for one in plan) else 1
    if not yes:
        note(planned(order.verb, plan, style_for(sys.stderr)))
        _ask(order.verb, len(wanted))
    with held(interrupting):
        results = leavers.run(plan)
        write(as_json(order.verb, results) if format == "json" else done(order.verb, results, _style(output)), output)
        return ended(0 if all(one.ok for one in results) else 1)


def _style(output: str) -> Style:
    return PLAIN if output else style_for(sys.stdout)


def _ask(verb: str, hosts: int) -> None:
    """Raises BadInput where nobody can be asked, and Abort for a no."""
    if not sys.stdin.isatty():
        raise BadInput(
            f"{verb} changes this: give --yes where standard input is no terminal, or --dry-run to look first"
        )
    typer.confirm(f"{verb} {hosts} host{'' if hosts == 1 else 's'}?", abort=True, err=True)


def _wave(number: int, of: int, names: Sequence[str]) -> None:
    note(f"wave {number} of {of}{' (canary)' if number == 1 and of > 1 else ''}: {', '.join(names)}")
