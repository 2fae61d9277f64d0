"""`anywhere move`: into another cluster."""

from __future__ import annotations

import typer

from anywhere.cli.helping import Grouped, single
from anywhere.cli.hosts import FORCE, FORMAT, OUTPUT, with_hosts
from anywhere.cli.life.leaving import DRY_RUN, WAVE, YES, run
from anywhere.cli.register.options import check_wait
from anywhere.flows.hosts import Hosts
from anywhere.flows.life.leaving import Leave

EXAMPLES = """\b
Examples:
  sudo anywhere move --cluster prod --dry-run
  sudo anywhere move --cluster prod --yes
  anywhere move --cluster prod --inventory hosts.ini --wave 5% --yes
"""
app = single()


@app.command(cls=Grouped, epilog=EXAMPLES)
@with_hosts
def move(
    hosts: Hosts,
    cluster: str = typer.Option(..., help="Cluster to join, in the same account and region."),
    yes: bool = YES,
    dry_run: bool = DRY_RUN,
    force_missing: bool = FORCE,
    wait: float = typer.Option(180.0, help="Seconds until the instance has to be healthy there. Default: 180."),
    wave: str = WAVE,
    format: str = FORMAT,
    output: str = OUTPUT,
) -> int:
    """Move hosts to another cluster; a host that is not healthy there is moved back.

    The host becomes a new container instance, and its running tasks are orphaned: they are listed first. The old container
    instance is deregistered with the caller's AWS keys; without them the command is printed.

    Exit codes: 0 healthy there, 1 not, 2 usage.
    """
    from anywhere.flows.lifecycle.register import Wanted, check_wanted

    check_wanted(Wanted("us-east-1", cluster))
    check_wait(wait)
    order = Leave("move", cluster, wait=wait, force_missing=force_missing)
    return run(hosts, order, wave, yes, dry_run, format, output)
