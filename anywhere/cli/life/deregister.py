"""`anywhere deregister`: a host is a server again."""

from __future__ import annotations

from anywhere.cli.helping import Grouped, single
from anywhere.cli.hosts import FORCE, FORMAT, OUTPUT, with_hosts
from anywhere.cli.life.leaving import DRY_RUN, WAVE, YES, run
from anywhere.flows.hosts import Hosts
from anywhere.flows.life.leaving import Leave

EXAMPLES = """\b
Examples:
  sudo anywhere deregister --dry-run
  sudo anywhere deregister --yes
  anywhere deregister --inventory hosts.ini --limit old --wave 10% --yes
"""
app = single()


@app.command(cls=Grouped, epilog=EXAMPLES)
@with_hosts
def deregister(
    hosts: Hosts,
    yes: bool = YES,
    dry_run: bool = DRY_RUN,
    force_missing: bool = FORCE,
    wave: str = WAVE,
    format: str = FORMAT,
    output: str = OUTPUT,
) -> int:
    """Deregister hosts from ECS and Systems Manager, and put each back to what it was before its registration.

    AWS is called with the caller's keys (AWS_ACCESS_KEY_ID or AWS_PROFILE); without them the commands are printed. Tasks that
    run are orphaned: they are listed first. An interrupted run is finished by the same command.

    Exit codes: 0 done or nothing to do, 1 not, 2 usage.
    """
    return run(hosts, Leave("deregister", force_missing=force_missing), wave, yes, dry_run, format, output)
