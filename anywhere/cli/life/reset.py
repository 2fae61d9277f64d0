"""`anywhere reset`: the registration goes, the packages stay."""

from __future__ import annotations

import typer

from anywhere.cli.helping import Grouped, single
from anywhere.cli.hosts import FORMAT, OUTPUT, with_hosts
from anywhere.cli.life.leaving import DRY_RUN, WAVE, YES, run
from anywhere.errors import BadInput
from anywhere.flows.hosts import Hosts
from anywhere.flows.life.leaving import Leave

EXAMPLES = """\b
Examples:
  sudo anywhere reset --dry-run
  sudo anywhere reset --seal --yes        (before this machine becomes an image)
  sudo anywhere reset --reclaim --yes     (on a clone)
"""
app = single()


@app.command(cls=Grouped, epilog=EXAMPLES)
@with_hosts
def reset(
    hosts: Hosts,
    seal: bool = typer.Option(
        False, "--seal", help="Also take machine-id and SSH host keys off, for an image. Shut the machine down next."
    ),
    reclaim: bool = typer.Option(
        False, "--reclaim", help="Also make a new machine-id and new SSH host keys: this is a clone. AWS is not called."
    ),
    yes: bool = YES,
    dry_run: bool = DRY_RUN,
    wave: str = WAVE,
    format: str = FORMAT,
    output: str = OUTPUT,
) -> int:
    """Remove the registration, the saved state and the agents' keys; packages and settings stay for the next registration.

    Exit codes: 0 done or nothing to do, 1 not, 2 usage.
    """
    if seal and reclaim:
        raise BadInput("--seal and --reclaim exclude each other")
    mode = "seal" if seal else "reclaim" if reclaim else ""
    return run(hosts, Leave("reset", mode=mode), wave, yes, dry_run, format, output)
