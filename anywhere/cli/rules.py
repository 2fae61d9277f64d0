"""`anywhere rules`: the network rules for task credentials."""

from __future__ import annotations

import typer

from anywhere.cli.helping import Grouped, group
from anywhere.cli.hosts import (
    DRY_RUN,
    FORCE,
    FORMAT,
    OUTPUT,
    PLAN_FORMAT,
    QUIET,
    REPORT_FORMAT,
    VERBOSE,
    WAVE,
    how_much,
    with_hosts,
)
from anywhere.flows.hosts import Hosts

app = group("Plan, apply, verify or revert the network rules for task credentials.")

_PERSIST = typer.Option(False, "--no-persist", help="Use the running state alone: no files, no unit, no guard.")


@app.command(
    cls=Grouped,
    epilog="\b\nExamples:\n  anywhere rules plan\n"
    "  anywhere rules plan --format shell > rules.sh\n  anywhere rules plan --inventory hosts.ini\n",
)
@with_hosts
def plan(
    hosts: Hosts,
    no_persist: bool = _PERSIST,
    format: str = PLAN_FORMAT,
) -> int:
    """Print what would be done; change nothing."""
    from anywhere.cli import changes
    from anywhere.flows.change import rules

    return changes.plan(rules(not no_persist), hosts, format)


@app.command(
    cls=Grouped,
    epilog="\b\nExamples:\n  anywhere rules apply\n  anywhere rules apply --inventory hosts.ini --wave 5%\n",
)
@with_hosts
def apply(hosts: Hosts, no_persist: bool = _PERSIST, wave: str = WAVE, format: str = FORMAT) -> int:
    """Apply the missing rules, and keep them in place."""
    from anywhere.cli import changes
    from anywhere.flows.change import rules

    return changes.apply(rules(not no_persist), hosts, wave, format)


@app.command(cls=Grouped, epilog="\b\nExamples:\n  anywhere rules revert --dry-run\n  anywhere rules revert\n")
@with_hosts
def revert(
    hosts: Hosts,
    dry_run: bool = DRY_RUN,
    force_missing: bool = FORCE,
    wave: str = WAVE,
    format: str = FORMAT,
) -> int:
    """Take back exactly what apply did."""
    from anywhere.cli import changes
    from anywhere.flows.change import rules

    if dry_run:
        return changes.plan_revert(rules(), hosts, format)
    return changes.revert(rules(), hosts, wave, format, force_missing=force_missing)


@app.command(
    cls=Grouped,
    epilog="\b\nExamples:\n  anywhere rules verify\n  anywhere rules verify --no-probe --host admin@10.0.0.7\n",
    short_help="Verify the desired state, and prove it.",
)
@with_hosts
def verify(
    hosts: Hosts,
    no_persist: bool = _PERSIST,
    no_probe: bool = typer.Option(False, "--no-probe", help="Check what can be read, send no packet."),
    format: str = REPORT_FORMAT,
    output: str = OUTPUT,
    verbose: bool = VERBOSE,
    quiet: bool = QUIET,
) -> int:
    """Verify the desired state, registered or not, and prove it with real requests.

    Exit codes: 0 complete and proven, 1 something is missing, 3 not checked completely.
    """
    from anywhere.cli.output import verified
    from anywhere.flows.verify import rules

    return verified(hosts, lambda: rules(hosts, not no_persist, not no_probe), format, output, how_much(verbose, quiet))


@app.command(cls=Grouped, short_help="Stay and put back rules that are taken away.")
def guard() -> None:
    """Stay and put the rules back when they are removed: what the systemd units do. Needs root."""
    from anywhere.flows.verify import guard as run

    run()
