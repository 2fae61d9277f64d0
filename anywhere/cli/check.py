"""`anywhere check`: one host or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import IO, Any

import typer

from anywhere.cli.helping import Grouped
from anywhere.cli.hosts import QUIET, VERBOSE, how_much, with_hosts
from anywhere.cli.say import say
from anywhere.declared.expect import read_expect
from anywhere.declared.own import join_as, read_own
from anywhere.errors import BadInput
from anywhere.files import open_file
from anywhere.flows.hosts import Hosts
from anywhere.model import Report, Target
from anywhere.report import FORMATS
from anywhere.settings import FEATURES, Settings

INTERRUPTED = 130

BUDGET, PATIENCE = 6.0, 14.0  # seconds
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
app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _option(panel: str, name: str | None, help: str, metavar: str) -> Any:
    """An option that may be given several times."""
    return typer.Option([], *([name] if name else []), help=help, metavar=metavar, rich_help_panel=panel)


class OwnEndpoints(Grouped):
    """Joins `--endpoint URL --as COMPONENT` into one value: `--as` belongs to the endpoint before it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See typer; its kind of context depends on the version."""
        words: list[str] = super().parse_args(ctx, join_as(args))
        return words


@app.command(cls=OwnEndpoints, epilog=EXAMPLES)
@with_hosts
def check(
    hosts: Hosts,
    more: list[str] = typer.Argument(None, metavar="[HOST]...", help="Hosts, as with --host."),
    config: str = typer.Option(
        "",
        help="Site defaults. Default: anywhere.toml here, or in /etc/anywhere.",
        metavar="FILE",
        rich_help_panel="Scope",
    ),
    region: list[str] = _option("Scope", None, "AWS region, such as eu-west-1; again for more.", "REGION"),
    phase: list[str] = _option(
        "Scope", None, "install, register or run. Default: the phases not yet completed.", "PHASE"
    ),
    with_: list[str] = _option("Scope", "--with", f"More endpoints: {', '.join(FEATURES)}.", "FEATURE"),
    only: list[str] = _option("Scope", None, "Run this check or topic only, such as network.", "ID"),
    skip: list[str] = _option("Scope", None, "Skip this check or topic.", "ID"),
    demote: list[str] = _option("Scope", None, "Report failures of this check or topic as warnings.", "ID"),
    accept_issuer: list[str] = _option("Scope", None, "Accept TLS inspection by the CA of this name.", "NAME"),
    expect: list[str] = _option(
        "Scope",
        None,
        "The declared path: private, public, proxy or direct; another one is a failure.",
        "[COMPONENT=]PATH",
    ),
    endpoint: list[str] = _option(
        "Scope",
        None,
        "Check this endpoint of the site too, as docker, ecs-agent, ssm-agent or host.",
        "URL [--as COMPONENT]",
    ),
    budget: float | None = typer.Option(
        None,
        help="Time budget of the run. Default: 6 s, and up to 20 s where a connection stalls.",
        metavar="SECONDS",
        show_default=False,
        rich_help_panel="Probes",
    ),
    idle: float = typer.Option(
        0.0, help="Hold a quiet connection, 120 for two minutes.", metavar="SECONDS", rich_help_panel="Probes"
    ),
    shards: int = typer.Option(
        12, help="Number of ecs-a-N and ecs-t-N names to probe.", metavar="N", rich_help_panel="Probes"
    ),
    dualstack: bool = typer.Option(False, "--dualstack", help="Use the dual-stack names.", rich_help_panel="Probes"),
    fips: bool = typer.Option(False, "--fips", help="Use the FIPS names.", rich_help_panel="Probes"),
    prove: bool = typer.Option(
        False,
        "--prove",
        help="Prove the containers' path from a throwaway namespace on Docker's bridge (root; 0.5 s).",
        rich_help_panel="Probes",
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
    given = Settings(
        regions=tuple(dict.fromkeys(_words(region))),
        features=frozenset(_words(with_)),
        phases=tuple(_words(phase)),
        only=tuple(_words(only)),
        skip=tuple(_words(skip)),
        demote=tuple(_words(demote)),
        accepted_issuers=tuple(accept_issuer),
        expect=read_expect(_words(expect)),
        own=read_own(endpoint),
        budget=BUDGET if budget is None else budget,
        patience=PATIENCE if budget is None else 0.0,
        idle=idle,
        shards=shards,
        dualstack=dualstack,
        fips=fips,
        prove=prove,
    )
    from anywhere.flows.reported.site import load

    site, today = load(config), date.today()
    settings, notes = site.applied(given, today), site.notes(given, today)
    hosts = site.paced(hosts)
    if plan:
        return announced(settings, hosts, format or "table", output)
    detail = how_much(verbose, quiet)
    return run(
        settings,
        hosts,
        format=format,
        output=output,
        save=save,
        strict=strict,
        resume=resume,
        detail=detail,
        notes=notes,
    )


def run(
    settings: Settings,
    hosts: Hosts,
    *,
    format: str,
    output: str = "",
    save: str = "",
    strict: bool,
    resume: str = "",
    detail: str = "problems",
    notes: Sequence[str] = (),
) -> int:
    """Check, show, save; the exit code. Bad options are reported before anything is done."""
    from anywhere.cli.output import format_for, show
    from anywhere.cli.progress import tallying
    from anywhere.files import writable
    from anywhere.flows.check import Check
    from anywhere.report import renderer

    format = format_for(format, output)
    renderer(format)
    if output:
        writable(output)
    work = Check(settings, hosts, save, resume)
    stream = Stream(output) if format == "jsonl" and work.many else None
    with tallying(hosts.entries[0].name, len(hosts.entries), len(work.done)) as tally:
        found = work.run(tally, *([stream.add] if stream else []))
    report = _noted(found.report, notes)
    for name in _unmatched(report, settings.accepted_issuers):
        say(f"--accept-issuer {name!r}: no endpoint presents a certificate of this issuer")
    for names in found.twins:
        say(f"one machine under {len(names)} names: {', '.join(names[:5])}")
    if stream:
        stream.close(report)
    elif found.whole or (report.targets and not output):
        show(report, format, output, detail)
    if found.whole:
        return report.exit_code(strict)
    of = len(hosts.entries)
    say("interrupted" + f": {found.left} of {of} hosts are not checked" * (of > 1))
    return INTERRUPTED


def announced(settings: Settings, hosts: Hosts, format: str, output: str) -> int:
    """Print what the run would do; the exit code."""
    from anywhere.cli.output import write
    from anywhere.flows.announced.plan import announce
    from anywhere.report.allowlist.contacts import FORMATS as PLAN_FORMATS

    if format not in PLAN_FORMATS:
        raise BadInput.unknown("format", format, tuple(PLAN_FORMATS))
    write(PLAN_FORMATS[format](announce(settings, hosts)), output)
    return 0


def _noted(report: Report, notes: Sequence[str]) -> Report:
    """The report with what the configuration file changed."""
    if not notes:
        return report
    return replace(
        report, targets=tuple(replace(one, facts={**one.facts, "config": list(notes)}) for one in report.targets)
    )


def _unmatched(report: Report, names: Sequence[str]) -> list[str]:
    """Accepted issuers that no host meets, where interception was checked at all."""
    rows = [f for target in report.targets for f in target.findings if f.check == "endpoints.interception"]
    met = " ".join(str(f.evidence).lower() for f in rows if f.evidence.get("accepted"))
    return [name for name in names if rows and name.lower() not in met]


class Stream:
    """JSON lines as the results come; what an earlier run checked is in its own file."""

    def __init__(self, output: str) -> None:
        self._file: IO[bytes] | None = None
        if output and output != "-":
            self._file = open_file(output)

    def add(self, target: Target) -> None:
        """Write one target."""
        from anywhere.report.jsonl import line

        self._write(line(target))

    def close(self, report: Report) -> None:
        """Write what only all of them together show."""
        from anywhere.report.jsonl import closing

        self._write(closing(report))
        if self._file:
            self._file.close()

    def _write(self, text: str) -> None:
        from anywhere.cli.output import write

        if self._file is None:
            write(text)
            return
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as error:
            raise BadInput(f"cannot write the result: {error.strerror}") from error


def _words(values: list[str]) -> list[str]:
    return [word for value in values for word in value.replace(",", " ").split()]
