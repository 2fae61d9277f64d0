"""What to check and how to probe: the options of `anywhere check` that make its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from anywhere.cli.hosts import injected
from anywhere.declared.expect import read_expect
from anywhere.declared.own import read_own
from anywhere.settings import FEATURES, Settings

BUDGET, PATIENCE = 6.0, 14.0  # seconds


def _option(panel: str, name: str | None, help: str, metavar: str) -> Any:
    """An option that may be given several times."""
    return typer.Option([], *([name] if name else []), help=help, metavar=metavar, rich_help_panel=panel)


OPTIONS: dict[str, tuple[Any, Any]] = {
    "region": (list[str], _option("Scope", None, "AWS region, such as eu-west-1; again for more.", "REGION")),
    "phase": (
        list[str],
        _option("Scope", None, "install, register or run. Default: the phases not yet completed.", "PHASE"),
    ),
    "with_": (list[str], _option("Scope", "--with", f"More endpoints: {', '.join(FEATURES)}.", "FEATURE")),
    "only": (list[str], _option("Scope", None, "Run this check or topic only, such as network.", "ID")),
    "skip": (list[str], _option("Scope", None, "Skip this check or topic.", "ID")),
    "demote": (list[str], _option("Scope", None, "Report failures of this check or topic as warnings.", "ID")),
    "accept_issuer": (list[str], _option("Scope", None, "Accept TLS inspection by the CA of this name.", "NAME")),
    "expect": (
        list[str],
        _option(
            "Scope",
            None,
            "The declared path: private, public, proxy or direct; another one is a failure.",
            "[COMPONENT=]PATH",
        ),
    ),
    "endpoint": (
        list[str],
        _option(
            "Scope",
            None,
            "Check this endpoint of the site too, as docker, ecs-agent, ssm-agent or host.",
            "URL [--as COMPONENT]",
        ),
    ),
    "budget": (
        float | None,
        typer.Option(
            None,
            help="Time budget of the run. Default: 6 s, and up to 20 s where a connection stalls.",
            metavar="SECONDS",
            show_default=False,
            rich_help_panel="Probes",
        ),
    ),
    "idle": (
        float,
        typer.Option(
            0.0, help="Hold a quiet connection, 120 for two minutes.", metavar="SECONDS", rich_help_panel="Probes"
        ),
    ),
    "shards": (
        int,
        typer.Option(12, help="Number of ecs-a-N and ecs-t-N names to probe.", metavar="N", rich_help_panel="Probes"),
    ),
    "dualstack": (bool, typer.Option(False, "--dualstack", help="Use the dual-stack names.", rich_help_panel="Probes")),
    "fips": (bool, typer.Option(False, "--fips", help="Use the FIPS names.", rich_help_panel="Probes")),
    "prove": (
        bool,
        typer.Option(
            False,
            "--prove",
            help="Prove the containers' path from a throwaway namespace on Docker's bridge (root; 0.5 s).",
            rich_help_panel="Probes",
        ),
    ),
}


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options above; it gets them as one argument, `given`."""
    return injected(command, "given", OPTIONS, settings_of)


def settings_of(
    *,
    region: list[str],
    phase: list[str],
    with_: list[str],
    only: list[str],
    skip: list[str],
    demote: list[str],
    accept_issuer: list[str],
    expect: list[str],
    endpoint: list[str],
    budget: float | None,
    idle: float,
    shards: int,
    dualstack: bool,
    fips: bool,
    prove: bool,
) -> Settings:
    """The options as settings. Raises BadInput."""
    return Settings(
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


def _words(values: list[str]) -> list[str]:
    return [word for value in values for word in value.replace(",", " ").split()]
