"""`anywhere proxy`: one proxy and CA profile for all components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from anywhere.cli.helping import Grouped, group
from anywhere.cli.hosts import (
    DRY_RUN,
    FORCE,
    FORMAT,
    OUTPUT,
    PLAN_FORMAT,
    REPORT_FORMAT,
    WAVE,
    Options,
    injected,
    with_hosts,
)
from anywhere.flows.hosts import Hosts

if TYPE_CHECKING:
    from anywhere.flows.proxy import Profile

app = group("Plan, apply, verify or revert one proxy and CA profile for all components.")

_OPTIONS: Options = {
    "url": (
        str,
        typer.Option("", help="The proxy, http://HOST:PORT, without credentials: those of the profile in place stay."),
    ),
    "url_file": (
        str,
        typer.Option("", help="A file with the proxy's URL, credentials included; - for standard input."),
    ),
    "credentials_file": (
        str,
        typer.Option("", help="A file with one line user:password, as it is; - for standard input."),
    ),
    "no_proxy": (
        list[str],
        typer.Option(
            [], help="Reach these names and networks without the proxy, comma separated: .corp.example,10.0.0.0/8."
        ),
    ),
    "ca": (str, typer.Option("", help="A PEM file with the company's CA certificates.")),
    "region": (
        str,
        typer.Option(
            "",
            help="AWS region whose names are looked up: those that resolve to private addresses and answer there are "
            "put into NO_PROXY. Default: where the host is registered.",
        ),
    ),
}
_PACKAGES = typer.Option(False, "--packages", help="Set the proxy for the package manager too.")
_LATER = "A service uses the profile from its next start on."
_RESTART = typer.Option(False, "--restart", help="Restart docker, then the SSM agent, then ecs, where they run.")


@dataclass(frozen=True)
class _Given:
    """The options of a profile, as they are given."""

    url: str
    url_file: str
    credentials_file: str
    no_proxy: list[str]
    ca: str
    region: str


def _with_profile(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options above; it gets them as one argument, `given`."""
    return injected(command, "given", _OPTIONS, _Given)


@app.command(cls=Grouped, epilog="\b\nExamples:\n  anywhere proxy plan --url http://proxy.example.com:3128\n")
@with_hosts
@_with_profile
def plan(
    hosts: Hosts,
    given: _Given,
    packages: bool = _PACKAGES,
    restart: bool = _RESTART,
    format: str = PLAN_FORMAT,
) -> int:
    """Print what would be written; change nothing."""
    from anywhere.cli import changes
    from anywhere.flows.proxy import work

    profile = _profile(hosts, given)
    return changes.plan(work(profile, packages, restart), hosts, format)


@app.command(
    cls=Grouped,
    epilog="\b\nExamples:\n  anywhere proxy apply --url http://proxy.example.com:3128 --ca corp-ca.pem --restart\n"
    "  anywhere proxy apply --url-file proxy.url --inventory hosts.ini --wave 5%\n",
    short_help="Write the profile to every component, merged with what is there.",
)
@with_hosts
@_with_profile
def apply(
    hosts: Hosts,
    given: _Given,
    packages: bool = _PACKAGES,
    restart: bool = _RESTART,
    wave: str = WAVE,
    format: str = FORMAT,
) -> int:
    """Write the profile to docker, the SSM agent, ecs and the host's CA store; merge what is there."""
    from anywhere.cli import changes
    from anywhere.flows.proxy import ORDER, work

    profile = _profile(hosts, given)
    said = "" if restart or not profile.address else f"{_LATER} Restart those that run: {ORDER} (or use --restart)."
    return changes.apply(work(profile, packages, restart), hosts, wave, format, said)


@app.command(cls=Grouped, epilog="\b\nExamples:\n  anywhere proxy verify --url http://proxy.example.com:3128\n")
@with_hosts
@_with_profile
def verify(
    hosts: Hosts,
    given: _Given,
    packages: bool = _PACKAGES,
    format: str = REPORT_FORMAT,
    output: str = OUTPUT,
) -> int:
    """Check that every component has the profile and works with it."""
    from anywhere.cli.output import verified
    from anywhere.flows.verify import proxy

    profile = _profile(hosts, given)
    return verified(hosts, lambda: proxy(hosts, profile, packages), format, output)


@app.command(cls=Grouped, epilog="\b\nExamples:\n  anywhere proxy revert --restart\n")
@with_hosts
def revert(
    hosts: Hosts,
    restart: bool = _RESTART,
    dry_run: bool = DRY_RUN,
    force_missing: bool = FORCE,
    wave: str = WAVE,
    format: str = FORMAT,
) -> int:
    """Take back exactly what apply wrote."""
    from anywhere.cli import changes
    from anywhere.flows.proxy import ORDER, restart_running, work

    if dry_run:
        return changes.plan_revert(work(), hosts, format)
    after = restart_running if restart else None
    said = "" if restart else f"What still runs keeps its old environment until it is restarted: {ORDER}."
    return changes.revert(work(), hosts, wave, format, after, force_missing=force_missing, said=said)


def _profile(hosts: Hosts, given: _Given) -> Profile:
    from anywhere.flows.proxy import profile, require_free_stdin

    require_free_stdin(hosts, given.url_file, given.credentials_file, given.ca)
    return profile(given.url, given.url_file, given.credentials_file, given.no_proxy, given.ca, given.region)
