"""`anywhere endpoints`: the hosts an instance connects to, in the form that a firewall team takes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from anywhere.catalogue.endpoints import endpoints, find_region
from anywhere.cli.output import write
from anywhere.errors import AnywhereError, BadInput
from anywhere.report.allowlist import configs
from anywhere.report.allowlist import sheet as documents
from anywhere.report.allowlist.sheet import Sheet
from anywhere.settings import FEATURES, PHASES
from anywhere.stamp import now

FORMATS = ("table", "json", "csv", "plain", "squid", "nftables")
FILE_WIDTH = 160  # columns of a table that does not go to a terminal
EXAMPLES = """\b
Examples:
  anywhere endpoints --region eu-west-1 --with ecr,logs
  anywhere endpoints --region eu-west-1 --format squid > /etc/squid/conf.d/ecs-anywhere.conf
  anywhere endpoints --region eu-west-1 --format nftables | sudo nft -f -
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class NothingResolved(AnywhereError):
    """No name has an address from here: a set without elements would shut everything out."""

    exit_code = 3


@app.command("endpoints", epilog=EXAMPLES)
def run(
    region: Annotated[
        list[str] | None, typer.Option(help="AWS region, for example us-east-1.", show_default=False)
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", help=f"Features to add, comma separated: {', '.join(FEATURES)}.", metavar="FEATURE,..."),
    ] = None,
    phase: Annotated[
        list[str] | None,
        typer.Option("--phase", help=f"Only what these phases need: {', '.join(PHASES)}.", metavar="PHASE,..."),
    ] = None,
    dualstack: Annotated[bool, typer.Option("--dualstack", help="IPv4 and IPv6 names where established.")] = False,
    fips: Annotated[bool, typer.Option("--fips", help="FIPS names where established.")] = False,
    shards: Annotated[int, typer.Option(help="How many ecs-a-N and ecs-t-N names to resolve.")] = 12,
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.")] = "table",
    output: Annotated[str, typer.Option(help="File to write instead of stdout.", metavar="FILE")] = "",
) -> None:
    """List every host that an instance connects to: who connects, when and why.

    For the network team: as a table to sign, a list of names, a squid access list or an nftables set.
    """
    if format not in FORMATS:
        raise BadInput.unknown("format", format, FORMATS)
    if not region or not region[0]:
        raise BadInput("--region is needed, for example --region us-east-1")
    if len(set(region)) > 1:
        raise BadInput(f"a list is for one region, not for {len(set(region))}: run it once for each --region")
    features = tuple(word for word in FEATURES if word in set(_words("feature", with_, FEATURES)))
    wanted = set(_words("phase", phase, PHASES))
    phases = tuple(word for word in PHASES if word in wanted) or PHASES
    found = endpoints(region[0], features=features, phases=phases, shards=shards, dualstack=dualstack, fips=fips)
    sheet = Sheet.of(find_region(region[0]), found, features=features, phases=phases, dualstack=dualstack, fips=fips)
    coloured = format == "table" and not output and sys.stdout.isatty()
    write(_renderer(format, to_file=bool(output))(sheet), output, coloured=coloured)


def _words(kind: str, given: list[str] | None, allowed: tuple[str, ...]) -> list[str]:
    words = [word.strip() for text in given or () for word in text.split(",") if word.strip()]
    for word in words:
        if word not in allowed:
            raise BadInput.unknown(kind, word, allowed)
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
