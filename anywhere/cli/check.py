"""`anywhere check`: judge one host or many."""

from __future__ import annotations

import typer

from anywhere.cli.hosts import with_hosts
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
"""
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
@with_hosts
def check(
    hosts: Hosts,
    more: list[str] = typer.Argument(None, metavar="[HOST]...", help="More hosts, as --host."),
    region: list[str] = typer.Option([], help="AWS region; may be given more than once."),
    phase: list[str] = typer.Option([], help="install, register or run; what still lies ahead when not given."),
    with_: list[str] = typer.Option([], "--with", help="More endpoints: ecr, logs, secrets, exec, s3, kms, sts ..."),
    only: list[str] = typer.Option([], help="Only this check or topic."),
    skip: list[str] = typer.Option([], help="Leave this check or topic out."),
    demote: list[str] = typer.Option([], help="Let this check or topic warn where it would fail."),
    accept_issuer: list[str] = typer.Option([], help="An inspecting CA that is wanted here, by its name."),
    budget: float = typer.Option(6.0, help="Seconds for the whole run."),
    idle: float = typer.Option(0.0, help="Hold a quiet connection for so many seconds (slow)."),
    shards: int = typer.Option(12, help="How many ecs-a-N and ecs-t-N names to try."),
    dualstack: bool = typer.Option(False, help="Use the dual-stack names."),
    fips: bool = typer.Option(False, help="Use the FIPS names."),
    format: str = typer.Option("table", help=f"{', '.join(FORMATS)}."),
    output: str = typer.Option("", help="Write the result to a file."),
    save: str = typer.Option(
        "", help="Save all observations as a bundle (.json or .json.gz); of many hosts, a folder."
    ),
    resume: str = typer.Option("", help="Keep results in this file as they come, and go on with what is left."),
    strict: bool = typer.Option(False, help="Exit 1 for warnings too."),
) -> int:
    """Judge hosts: resolve and probe every endpoint, look at the host itself, name what to mend.

    Exit codes: 0 ready, 1 not ready, 2 usage, 3 could not judge.
    """
    settings = Settings(
        regions=tuple(dict.fromkeys(_words(region))),
        features=frozenset(_words(with_)),
        phases=tuple(_words(phase)),
        only=tuple(_words(only)),
        skip=tuple(_words(skip)),
        demote=tuple(_words(demote)),
        accepted_issuers=tuple(accept_issuer),
        budget=budget,
        idle=idle,
        shards=shards,
        dualstack=dualstack,
        fips=fips,
    )
    from anywhere.cli.checking import run

    return run(settings, hosts, format=format, output=output, save=save, strict=strict, resume=resume)


def _words(values: list[str]) -> list[str]:
    return [word for value in values for word in value.replace(",", " ").split()]
