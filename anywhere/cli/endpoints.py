"""`anywhere endpoints`: the hosts an instance connects to, in the form that a firewall team takes."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from anywhere.catalogue.endpoints import find_region
from anywhere.cli.helping import Grouped, single
from anywhere.cli.hosts import with_hosts
from anywhere.cli.output import write
from anywhere.cli.say import say
from anywhere.errors import AnywhereError, BadInput
from anywhere.flows.hosts import Hosts
from anywhere.report.allowlist import configs
from anywhere.report.allowlist import sheet as documents
from anywhere.report.allowlist.firewall_request import FORMATS as REQUEST_FORMATS
from anywhere.report.allowlist.sheet import Sheet
from anywhere.settings import FEATURES, PHASES, Settings
from anywhere.wording import now

FORMATS = ("table", "json", "csv", "plain", "squid", "nftables")
BUDGET = 6.0  # seconds of a host's probes, with --missing
FILE_WIDTH = 160  # columns of a table that does not go to a terminal
EXAMPLES = """\b
Examples:
  anywhere endpoints --region eu-west-1 --with ecr,logs
  anywhere endpoints --region eu-west-1 --format squid > /etc/squid/conf.d/ecs-anywhere.conf
  anywhere endpoints --region eu-west-1 --format nftables | sudo nft -f -
  anywhere endpoints --region eu-west-1 -i hosts.ini --missing --format csv > firewall-request.csv
"""

app = single()


class NothingResolved(AnywhereError):
    """No name has an address from here: a set without elements would shut everything out."""

    exit_code = 3


@app.command("endpoints", cls=Grouped, epilog=EXAMPLES)
@with_hosts
def run(
    hosts: Hosts,
    region: list[str] = typer.Option([], help="AWS region, for example us-east-1.", show_default=False),
    with_: list[str] = typer.Option(
        [], "--with", help=f"Features to add, comma separated: {', '.join(FEATURES)}.", metavar="FEATURE,..."
    ),
    phase: list[str] = typer.Option(
        [], "--phase", help=f"Only what these phases need: {', '.join(PHASES)}.", metavar="PHASE,..."
    ),
    dualstack: bool = typer.Option(False, "--dualstack", help="IPv4 and IPv6 names where established."),
    fips: bool = typer.Option(False, "--fips", help="FIPS names where established."),
    shards: int = typer.Option(12, help="How many ecs-a-N and ecs-t-N names to resolve."),
    account: str = typer.Option(
        "", help="Name this account's own registry in place of the wildcard, for example 123456789012."
    ),
    missing: bool = typer.Option(False, "--missing", help="Of the hosts that are given: only what fails now."),
    format: str = typer.Option("table", help=f"One of {', '.join(FORMATS)}."),
    output: str = typer.Option("", help="File to write instead of stdout.", metavar="FILE"),
) -> int:
    """List every host that an instance connects to: who connects, when and why.

    For the network team: as a table to sign, a list of names, a squid access list or an nftables set. With --inventory or
    --host, a firewall request with both ends: each host's address and its way, direct or through which proxy.
    """
    BadInput.require("format", format, FORMATS)
    if not region or not region[0]:
        raise BadInput("--region is needed, for example --region us-east-1")
    if len(set(region)) > 1:
        raise BadInput(f"a list is for one region, not for {len(set(region))}: run it once for each --region")
    features = tuple(word for word in FEATURES if word in set(_words("feature", with_, FEATURES)))
    wanted = set(_words("phase", phase, PHASES))
    phases = tuple(word for word in PHASES if word in wanted) or PHASES
    from anywhere.flows.announced.firewall_request import generic

    asked = Settings(
        (region[0],), frozenset(features), tuple(phases), shards=shards, dualstack=dualstack, fips=fips, budget=BUDGET
    )
    if hosts.given:
        return _request(hosts, asked, account, missing, format, output)
    if missing:
        raise BadInput("--missing is about hosts: name them by --host or --inventory")
    found = generic(asked, region[0], account)
    sheet = Sheet.of(find_region(region[0]), found, features=features, phases=phases, dualstack=dualstack, fips=fips)
    coloured = format == "table" and not output and sys.stdout.isatty()
    write(_renderer(format, to_file=bool(output))(sheet), output, coloured=coloured)
    return 0


def _request(hosts: Hosts, settings: Settings, account: str, missing: bool, format: str, output: str) -> int:
    """A firewall request for these hosts; 3 where one of them could not be asked."""
    from anywhere.flows.announced.firewall_request import request

    if format not in REQUEST_FORMATS:
        raise BadInput(f"a firewall request is written as {', '.join(REQUEST_FORMATS)}, not {format}")
    found = request(hosts, settings, account, missing)
    write(REQUEST_FORMATS[format](found.flows), output)
    for name, why in found.lost:
        say(f"{name}: {why}")
    if missing and not found.flows and not found.lost:
        say("nothing is missing: every endpoint can be reached from these hosts")
    return 3 if found.lost else 0


def _words(kind: str, given: list[str] | None, allowed: tuple[str, ...]) -> list[str]:
    words = [word.strip() for text in given or () for word in text.split(",") if word.strip()]
    for word in words:
        BadInput.require(kind, word, allowed)
    return words


def _renderer(format: str, *, to_file: bool) -> Callable[[Sheet], str]:
    if format == "table":
        return lambda sheet: _table(sheet, to_file=to_file)
    if format == "nftables":
        return _nftables
    simple = {"json": documents.as_json, "csv": documents.as_csv, "plain": documents.plain, "squid": configs.squid}
    return simple[format]


def _table(sheet: Sheet, *, to_file: bool) -> str:
    from anywhere.report.allowlist.table import table
    from anywhere.report.style import style_for

    if to_file or not sys.stdout.isatty():
        return table(sheet, width=FILE_WIDTH)
    style = style_for(sys.stdout)
    return table(sheet, width=style.width, colour=style.colour)


def _nftables(sheet: Sheet) -> str:
    from anywhere.flows.resolve import resolve

    when = now()
    answers = resolve(tuple(dict.fromkeys(host for rule in sheet.rules for host in rule.hosts)))
    if not any(answers.values()):
        raise NothingResolved(
            f"none of {len(answers)} names has an address from here, so there is no set to write: "
            "run this where DNS works, or take --format plain"
        )
    return configs.nftables(sheet, answers, when)
