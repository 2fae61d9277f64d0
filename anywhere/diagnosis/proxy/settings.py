"""Causes in how the proxy is set: missing, not in effect, unreadable, different, or without an exclusion it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.catalogue.texts.proxy import set_proxy
from anywhere.diagnosis.engine import Case, Claim, Rule, joined
from anywhere.diagnosis.evidence import (
    REACH,
    WEBSOCKET,
    Seen,
    dead_proxies,
    look,
    private_names,
    proxy_of_whom,
    reached,
)
from anywhere.diagnosis.subjects import details, names, proxy_of
from anywhere.evidence import Look
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.redact import without_user
from anywhere.wording import some

PROXY = "network.proxy"
CALLER = "installer"  # the component that stands for the calling environment: judged only where no agent is here


def _missing(case: Case) -> Iterator[int]:
    """A component without the proxy that others have, and its endpoints that fail without it."""
    bare: set[str] = set()
    for index, finding in case.trouble(PROXY):
        if finding.cause == "proxy.not-set-for-component":
            bare.add(finding.subject)
            yield index
    for index, finding in reached(case, Stage.RESOLVE, Stage.CONNECT):
        if Seen(finding).component in bare and not Seen(finding).proxy:
            yield index


def _without_proxy(findings: Sequence[Finding]) -> str:
    bare = [finding for finding in findings if finding.check == PROXY]
    whose = "the shell alone has one" if proxy_of_whom(bare[0]) == CALLER else "other components have one"
    return f"{', '.join(f.subject for f in bare)} {'has' if len(bare) == 1 else 'have'} no proxy, {whose}"


def _give_proxy(findings: Sequence[Finding]) -> Remedy:
    """One command writes the profile, then each component restarts: docker first, since the ECS agent stops with it."""
    bare = sorted((f for f in findings if f.check == PROXY and f.remedy), key=lambda f: f.subject != "docker")
    fix = joined(bare)
    if len(bare) < 2:
        return fix
    stops = ": containers stop with docker, unless live-restore is set" if bare[0].subject == "docker" else ""
    text = f"Set the proxy for {', '.join(f.subject for f in bare)} (one command writes it for all), then restart them{stops}."
    return replace(
        fix, text=text, commands=tuple(dict.fromkeys(c for f in bare if f.remedy for c in f.remedy.commands))
    )


def _unreadable(code: str) -> Claim:
    """A setting that does not work, and the endpoints of its component that fail because of it."""

    def claim(case: Case) -> Iterator[int]:
        bad: set[str] = set()
        for index, finding in case.trouble(PROXY):
            if finding.cause == code:
                bad.add(finding.subject)
                yield index
        for index, finding in reached(case, Stage.RESOLVE, Stage.CONNECT, Stage.PROXY) if bad else ():
            unconnected = finding.stage is not Stage.PROXY or finding.reason is Reason.PROXY_UNREACHABLE
            if unconnected and (Seen(finding).component in bad or CALLER in bad):
                yield index

    return claim


def _differ(case: Case) -> Iterator[int]:
    """Components with different proxies, and the endpoints that fail through one that does not work."""
    dead: set[str] = set()
    for index, finding in case.trouble(PROXY):
        if finding.cause == "proxy.components-differ":
            dead |= set(dead_proxies(finding))
            yield index
    for index, finding in reached(case, Stage.PROXY):
        if without_user(Seen(finding).proxy) in dead:
            yield index


def _settings(findings: Sequence[Finding]) -> str:
    return "; ".join(dict.fromkeys(f.summary for f in findings if f.cause)) or findings[0].summary


RESTARTED = ("docker", "ssm-agent", "ecs-agent")  # docker first, since the ECS agent stops with it


def _write_it(findings: Sequence[Finding]) -> Remedy:
    """The fixes for every affected component, not only for the first."""
    named = [finding for finding in findings if finding.remedy and finding.cause]
    named.sort(key=lambda one: RESTARTED.index(one.subject) if one.subject in RESTARTED else 0)
    return joined(named) if named else Remedy("Write the proxy as http://HOST:PORT.")


PRIVATE = "proxy.private-endpoint"


def _private(case: Case) -> Iterator[int]:
    """Names whose private addresses answer directly, and that are sent through the proxy, whether that works or not."""
    for index, finding in case.trouble("network.private-answers", REACH, WEBSOCKET):
        if finding.cause == PRIVATE or (Seen(finding).proxy and look(finding, Look.DIRECT) == "passes"):
            yield index


def _private_said(findings: Sequence[Finding]) -> str:
    listed = private_names(findings)
    lacking = some(listed) if listed else names(findings)
    failing = [finding for finding in findings if finding.status is Status.FAIL]
    does = (
        f"fails for {names(failing)} ({'; '.join(details(failing)[:1])})"
        if failing
        else "carries them past PrivateLink"
    )
    return f"NO_PROXY lacks {lacking}, which have private addresses that answer directly; the proxy {does}"


def _past_the_proxy(findings: Sequence[Finding]) -> Remedy:
    known = next((f.remedy for f in findings if f.remedy and f.cause == PRIVATE), None)
    return known or Remedy(
        f"Add {names(findings)} to NO_PROXY of every component: their private addresses answer directly.",
        set_proxy(without_user(proxy_of(findings)), "--restart"),
    )


RULES: tuple[Rule, ...] = (
    Rule("proxy.components-differ", _differ, _settings, _write_it),
    *(
        Rule(code, _unreadable(code), _settings, _write_it)
        for code in ("proxy.setting-ignored", "agent.stale-environment", "config.invalid", "proxy.wrong-scheme")
    ),
    Rule(PRIVATE, _private, _private_said, _past_the_proxy),
    Rule("proxy.not-set-for-component", _missing, _without_proxy, _give_proxy),
)
