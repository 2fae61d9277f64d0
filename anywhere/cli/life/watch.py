"""`anywhere watch`: tell somebody when the verdict changes."""

from __future__ import annotations

import typer

from anywhere.cli.helping import Grouped, single
from anywhere.cli.hosts import FORMATS, with_hosts
from anywhere.flows.hosts import Hosts

EXAMPLES = """\b
Examples:
  sudo anywhere watch --every 5m
  sudo anywhere watch --every 5m --on-change 'curl -fsS -d @- https://alerts.example.com/hook'
  sudo anywhere watch --once --textfile /var/lib/prometheus/node-exporter/anywhere.prom
  sudo anywhere watch --history
"""
app = single()


@app.command(cls=Grouped, epilog=EXAMPLES)
@with_hosts
def watch(
    hosts: Hosts,
    every: str = typer.Option("5m", help="Time between two checks, 10s to 24h, as in 30s, 5m or 1h. Default: 5m."),
    on_change: str = typer.Option("", help="Shell command to run at each change, with the JSON report on its input."),
    textfile: str = typer.Option("", help="Prometheus textfile to write at each check, complete or not at all."),
    once: bool = typer.Option(False, "--once", help="Check once and exit with the check's code (for a timer)."),
    show_history: bool = typer.Option(False, "--history", help="Print the last changes and exit."),
    format: str = typer.Option("table", help="Of --history: table or json."),
) -> int:
    """Check and take the status again and again; print one line when the verdict, a cause or the host's setup changes.

    The history is kept in /var/lib/anywhere-watch (root) or ~/.local/state/anywhere-watch.

    Exit codes: with --once those of check; else the command ends by a signal.
    """
    from anywhere.cli.output import write
    from anywhere.cli.say import log, note
    from anywhere.errors import BadInput
    from anywhere.files import writable
    from anywhere.flows.lifecycle.watch import Change, Watch, history, parse_every, state_folder
    from anywhere.printable import printable_lines
    from anywhere.redact import redact
    from anywhere.report.life.history import as_json, as_table

    BadInput.require("format", format, FORMATS)
    seconds = parse_every(every)
    folder = state_folder()
    if show_history:
        rows = history(folder)
        write(as_json(rows) if format == "json" else as_table(rows))
        return 0
    if textfile:
        writable(textfile)

    def print_line(change: Change) -> None:
        line = printable_lines(redact(change.line))
        log(line)
        try:
            write(line + "\n")
        except BadInput as error:  # --on-change still has to run
            note(f"anywhere: {error}")

    work = Watch(hosts, folder, print_line, note, on_change, textfile)
    if once:
        return work.tick().exit_code()
    work.forever(seconds)
    return 0
