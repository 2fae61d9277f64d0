"""`anywhere status`: how an instance does."""

from __future__ import annotations

import sys

import typer

from anywhere.cli.helping import Grouped, single
from anywhere.cli.hosts import with_hosts
from anywhere.flows.hosts import Hosts

EXAMPLES = """\b
Examples:
  sudo anywhere status
  anywhere status --host admin@10.0.0.7 --format json
  anywhere status --inventory hosts.ini
  anywhere status --inventory hosts.ini --format csv --output identities.csv
  sudo anywhere status --format prometheus --output /var/lib/node_exporter/anywhere.prom
"""
FORMATS = ("table", "json", "csv", "prometheus")
app = single()


@app.command(cls=Grouped, epilog=EXAMPLES)
@with_hosts
def status(
    hosts: Hosts,
    probe: bool = typer.Option(False, "--probe", help="Probe the endpoints too. Default: no packet leaves the host."),
    identity: bool = typer.Option(
        False, "--identity", help="Show who each host is (table, json, csv), with duplicates; as for many hosts."
    ),
    latest: str = typer.Option("", help="Folder of `anywhere artifacts fetch`: compare versions with its packages."),
    keyring: str = typer.Option("", help="OpenPGP public keys of your own, for packages that a mirror signed again."),
    format: str = typer.Option("table", help="table, json, csv or prometheus."),
    output: str = typer.Option("", help="Write the result to a file, complete or not at all."),
    strict: bool = typer.Option(False, "--strict", help="Exit 1 for warnings too."),
) -> int:
    """Show the state of an instance: versions, units, credentials, connection, tasks, rules, disks, causes with fixes.

    Exit codes: 0 ready, 1 not ready, 2 usage, 3 not checked completely.
    """
    from anywhere.cli.output import progress, write
    from anywhere.errors import BadInput
    from anywhere.flows.lifecycle import status as flow
    from anywhere.report.json import render as json_render
    from anywhere.report.life import identity as map_of
    from anywhere.report.life import metrics
    from anywhere.report.life import status as screen
    from anywhere.report.shown.harmless import harmless
    from anywhere.report.style import PLAIN, style_for

    BadInput.require("format", format, FORMATS)
    versions = _newest(latest, keyring) if latest else None
    with progress(f"asking {hosts.entries[0].name if len(hosts.entries) == 1 else f'{len(hosts.entries)} hosts'}"):
        report = flow.status(hosts, probe, versions)
    style = style_for(sys.stdout) if not output else PLAIN
    shown = harmless(report)
    if format == "json":
        text = map_of.as_json(report) if identity else json_render(report)
    elif format == "csv":
        text = map_of.as_csv(shown)
    elif format == "prometheus":
        text = metrics.render(shown)
    else:
        text = map_of.table(shown, style) if identity else screen.render(shown, style)
    write(text, output, coloured=format == "table" and style.colour)
    return report.exit_code(strict)


def _newest(folder: str, keyring: str) -> dict[str, str]:
    """The versions in a folder of artifacts. Raises BadInput."""
    from anywhere.errors import BadInput
    from anywhere.flows.lifecycle.artifacts import Untrusted, newest

    try:
        return newest(folder, keyring)
    except Untrusted as error:
        raise BadInput(f"--latest {folder}: {error}") from None
