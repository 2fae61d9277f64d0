"""`anywhere check`: one host or many."""

from __future__ import annotations

from datetime import date
from typing import Any

import typer

from anywhere.cli.check.options import with_settings
from anywhere.cli.check.run import announced, run
from anywhere.cli.helping import Grouped, single
from anywhere.cli.hosts import QUIET, VERBOSE, how_much, with_hosts
from anywhere.declared.own import join_as
from anywhere.flows.hosts import Hosts
from anywhere.report import FORMATS
from anywhere.settings import Settings

EXAMPLES = """\b
Examples:
  anywhere check --region eu-west-1
  anywhere check --region eu-west-1 --with ecr,logs --format json
  anywhere check --region eu-west-1 --host admin@10.0.0.7 --save before.json.gz
  anywhere check --region eu-west-1 -i hosts.ini --limit web --format html --output fleet.html
  anywhere check bundles/*.json.gz
  anywhere check --region eu-west-1 --plan --format csv
  anywhere check --region eu-west-1 --expect private --expect docker=proxy
  anywhere check --region eu-west-1 --endpoint https://registry.example.com/v2/ --as docker
"""
app = single()


class OwnEndpoints(Grouped):
    """Joins `--endpoint URL --as COMPONENT` into one value: `--as` belongs to the endpoint before it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See typer; its kind of context depends on the version."""
        words: list[str] = super().parse_args(ctx, join_as(args))
        return words


@app.command(cls=OwnEndpoints, epilog=EXAMPLES)
@with_hosts
@with_settings
def check(
    hosts: Hosts,
    given: Settings,
    more: list[str] = typer.Argument(None, metavar="[HOST]...", help="Hosts, as with --host."),
    config: str = typer.Option(
        "",
        help="Site defaults. Default: anywhere.toml here, or in /etc/anywhere.",
        metavar="FILE",
        rich_help_panel="Scope",
    ),
    format: str = typer.Option(
        "",
        help=f"{', '.join(FORMATS)}. Default: by the ending of --output, else table.",
        metavar="FORMAT",
        show_default=False,
        rich_help_panel="Output",
    ),
    output: str = typer.Option(
        "", help="Write the report to a file, such as report.html.", metavar="FILE", rich_help_panel="Output"
    ),
    save: str = typer.Option(
        "", help="Save all observations: a .json.gz file, or a folder.", metavar="PATH", rich_help_panel="Output"
    ),
    resume: str = typer.Option(
        "", help="Keep results in this file, and continue from it.", metavar="FILE", rich_help_panel="Output"
    ),
    strict: bool = typer.Option(False, "--strict", help="Exit 1 for warnings too.", rich_help_panel="Output"),
    verbose: bool = VERBOSE,
    quiet: bool = QUIET,
    plan: bool = typer.Option(
        False, "--plan", help="Contact nothing: list every name, address, port, file, command and login of this run."
    ),
) -> int:
    """Check hosts: resolve and probe every endpoint, inspect the host, name each cause and its fix.

    Exit codes: 0 ready, 1 not ready, 2 usage, 3 not checked completely.
    """
    from anywhere.flows.reported.site import load

    site, today = load(config), date.today()
    settings, notes = site.applied(given, today), site.notes(given, today)
    hosts = site.paced(hosts)
    if plan:
        return announced(settings, hosts, format or "table", output)
    shown = {"format": format, "output": output, "detail": how_much(verbose, quiet)}
    return run(settings, hosts, **shown, save=save, strict=strict, resume=resume, notes=notes)
