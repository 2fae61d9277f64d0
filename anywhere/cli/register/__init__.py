"""`anywhere register`: from a bare server to a healthy container instance."""

from __future__ import annotations

import typer

from anywhere.cli.helping import Grouped, single
from anywhere.cli.hosts import OUTPUT, with_hosts
from anywhere.cli.register.options import with_order
from anywhere.errors import BadInput
from anywhere.flows.hosts import Hosts
from anywhere.flows.lifecycle.order import Order

EXAMPLES = """\b
Examples:
  anywhere register --region eu-west-1 --cluster prod --activation-file activation.json --dry-run
  sudo anywhere register --region eu-west-1 --cluster prod --activation-file activation.json
  anywhere register --region eu-west-1 --cluster prod --activation-stdin -i hosts.ini --wave 10% --resume done.jsonl
  sudo anywhere register --region eu-west-1 --cluster prod --activation-file a.json --artifacts /media/artifacts
"""
app = single()


@app.command(cls=Grouped, epilog=EXAMPLES)
@with_hosts
@with_order
def register(
    hosts: Hosts,
    order: Order,
    dry_run: bool = typer.Option(False, "--dry-run", help="Show every step and file difference; change nothing."),
    wave: str = typer.Option("", help="Hosts at once, as a number or a share (5%); one canary goes first."),
    resume: str = typer.Option("", help="Keep results in this file, and go on with the hosts that are left."),
    format: str = typer.Option("table", help="table, json or csv."),
    output: str = OUTPUT,
) -> int:
    """Register hosts with ECS Anywhere and wait until each is proven healthy.

    The activation can also come in the variables ANYWHERE_ACTIVATION_ID and ANYWHERE_ACTIVATION_CODE.
    What is done already stays: run the same command again after an interruption.

    Exit codes: 0 healthy, 1 not, or the host is registered elsewhere, 2 usage.
    """
    from anywhere.cli.register.order import show
    from anywhere.report.fleet.registered import FORMATS

    BadInput.require("format", format, FORMATS)
    return show(hosts, order, wave, resume, dry_run, format, output)
