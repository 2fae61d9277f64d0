"""`anywhere proxy`: one proxy and CA profile for all components."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from anywhere.changes.profile import Profile

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Plan, apply, verify or revert one proxy and CA profile for all components.",
)

_URL = typer.Option("", help="The proxy, http://HOST:PORT, without credentials.")
_URL_FILE = typer.Option("", help="A file with the proxy's URL, credentials included; - for standard input.")
_CREDENTIALS = typer.Option("", help="A file with one line user:password, as it is; - for standard input.")
_NO_PROXY = typer.Option([], help="What must not go to the proxy; commas or more than once.")
_CA = typer.Option("", help="A PEM file with the company's CA certificates.")
_PACKAGES = typer.Option(False, "--packages", help="The package manager too.")
_RESTART = typer.Option(False, "--restart", help="Restart docker, then the SSM agent, then ecs, where they run.")
_HOST = typer.Option(["local"], help="local or [user@]host[:port]; may be given more than once.")
_WAVE = typer.Option("", help="Hosts at once, as a number or a share (5%); one canary goes first.")
_FORMAT = typer.Option("table", help="table or json.")


@app.command()
def plan(
    url: str = _URL,
    url_file: str = _URL_FILE,
    credentials_file: str = _CREDENTIALS,
    no_proxy: list[str] = _NO_PROXY,
    ca: str = _CA,
    packages: bool = _PACKAGES,
    restart: bool = _RESTART,
    host: list[str] = _HOST,
    format: str = typer.Option("table", help="table, json or shell."),
) -> int:
    """Print what would be written; change nothing."""
    from anywhere.cli import proxying

    profile = _profile(url, url_file, credentials_file, no_proxy, ca)
    return proxying.plan(profile, packages, restart, host, format)


@app.command()
def apply(
    url: str = _URL,
    url_file: str = _URL_FILE,
    credentials_file: str = _CREDENTIALS,
    no_proxy: list[str] = _NO_PROXY,
    ca: str = _CA,
    packages: bool = _PACKAGES,
    restart: bool = _RESTART,
    host: list[str] = _HOST,
    wave: str = _WAVE,
    format: str = _FORMAT,
) -> int:
    """Write the profile to docker, the SSM agent, ecs and the host's CA store; merge what is there."""
    from anywhere.cli import proxying

    profile = _profile(url, url_file, credentials_file, no_proxy, ca)
    return proxying.apply(profile, packages, restart, host, wave, format)


@app.command()
def verify(
    url: str = _URL,
    url_file: str = _URL_FILE,
    credentials_file: str = _CREDENTIALS,
    no_proxy: list[str] = _NO_PROXY,
    ca: str = _CA,
    packages: bool = _PACKAGES,
    host: list[str] = _HOST,
    format: str = typer.Option("table", help="table, json, ..."),
    output: str = typer.Option("", help="Write the result to a file."),
) -> int:
    """Judge whether every component has the profile and works with it."""
    from anywhere.cli import proxying

    return proxying.verify(_profile(url, url_file, credentials_file, no_proxy, ca), packages, host, format, output)


@app.command()
def revert(host: list[str] = _HOST, wave: str = _WAVE, format: str = _FORMAT) -> int:
    """Take back exactly what apply wrote."""
    from anywhere.cli import proxying

    return proxying.revert(host, wave, format)


def _profile(url: str, url_file: str, credentials: str, no_proxy: list[str], ca: str) -> Profile:
    from anywhere.cli import proxying

    return proxying.profile(url, url_file, credentials, no_proxy, ca)
