"""`anywhere update`: newer agents."""

from __future__ import annotations

import sys

import typer

from anywhere.cli.helping import Grouped, single
from anywhere.cli.hosts import FORMAT, OUTPUT, with_hosts
from anywhere.cli.life.leaving import DRY_RUN, WAVE, run
from anywhere.cli.register.options import ARTIFACTS, ARTIFACTS_URL, KEYRING, check_artifacts, check_wait
from anywhere.flows.hosts import Hosts

EXAMPLES = """\b
Examples:
  sudo anywhere update --dry-run
  sudo anywhere update --version 1.105.1-1
  anywhere update --inventory hosts.ini --wave 5% --artifacts ./artifacts
"""
app = single()


@app.command(cls=Grouped, epilog=EXAMPLES)
@with_hosts
def update(
    hosts: Hosts,
    version: str = typer.Option("latest", help="Version of amazon-ecs-init, as in 1.105.1-1. Default: latest."),
    ssm_version: str = typer.Option("latest", help="Version of amazon-ssm-agent, as in 3.3.4108.0. Default: latest."),
    artifacts: str = ARTIFACTS,
    artifacts_url: str = ARTIFACTS_URL,
    keyring: str = KEYRING,
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask. Without a terminal nobody is asked."),
    dry_run: bool = DRY_RUN,
    wait: float = typer.Option(180.0, help="Seconds until the instance has to be healthy again. Default: 180."),
    wave: str = WAVE,
    format: str = FORMAT,
    output: str = OUTPUT,
) -> int:
    """Update ECS agent, ecs-init and SSM agent from verified packages; a host that is not healthy with them is rolled back.

    Running tasks go on. An older version is installed only where --version or --ssm-version names it. The packages
    before stay in /var/lib/anywhere/packages on the host.

    Exit codes: 0 healthy or nothing to do, 1 not, 2 usage.
    """
    from anywhere.flows.life.update import Update
    from anywhere.flows.lifecycle.artifacts import Origin

    check_artifacts(artifacts, artifacts_url, keyring)
    check_wait(wait)
    order = Update(Origin(artifacts, artifacts_url, keyring, version, ssm_version), wait)
    return run(hosts, order, wave, yes or unattended(), dry_run, format, output)


def unattended() -> bool:
    """Whether nobody is there to be asked. Scripts update without a terminal: a host that is not healthy afterwards goes
    back by itself."""
    return not sys.stdin.isatty()
