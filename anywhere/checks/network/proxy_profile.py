"""`proxy verify`: every component has the profile, and works with it."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.catalogue.regions import find_region
from anywhere.catalogue.texts.proxy import set_proxy
from anywhere.changes.base import Step
from anywhere.changes.proxy import plan
from anywhere.changes.proxy.profile import Profile
from anywhere.checks.base import passed, trouble
from anywhere.facts.agents.registration import registration
from anywhere.hosts.base import Host, ProbeSpec
from anywhere.model import Finding, Reason, Remedy, Status

ID = "network.proxy-profile"


def judge_profile(host: Host, profile: Profile, packages: bool) -> Iterator[Finding]:
    """One failed finding a step that is still to be done, and one for each process that was not restarted since."""
    steps = plan.plan(host, profile, packages=packages)
    refused = _refused(host, profile) if profile.address and not steps else None
    if refused:
        yield refused
    elif not steps:
        yield passed(ID, "files", "every component has the profile")
    for step in steps:
        yield trouble(
            ID, Status.FAIL, step.key, f"still to do: {step.title}", cause=_cause(step), remedy=_write(profile)
        )
    for unit in plan.without_restart(host, profile) if profile.address and not steps else ():
        fix = Remedy(
            "Restart docker first, then the SSM agent, then ecs, as far as they are listed: containers stop with docker, "
            "unless live-restore is set.",
            (("sudo", "systemctl", "restart", unit),),
        )
        said = f"{unit} still runs without the profile: it was started before the profile was written"
        yield trouble(ID, Status.FAIL, unit, said, cause="proxy.not-set-for-component", remedy=fix)


def _refused(host: Host, profile: Profile) -> Finding | None:
    """A proxy that asks for credentials which the profile lacks, or takes other ones, lets nobody out."""
    region = find_region(registration(host).region or "us-east-1")
    name = f"ssm.{region.name}.{region.suffix}"
    probe = host.probe(ProbeSpec(name, proxy=profile.url, patience=1.0))
    if probe.reason is not Reason.PROXY_AUTH_REQUIRED:
        return None
    fix = Remedy(
        "Write the profile with the user and password that the proxy takes: the command reads one line user:password from "
        "standard input.",
        set_proxy(profile.address, "--credentials-file", "-"),
    )
    said = f"{profile.address} requires a user and password ({probe.detail}): no connection passes"
    return trouble(ID, Status.FAIL, profile.address, said, cause="proxy.auth-required", remedy=fix)


def _write(profile: Profile) -> Remedy:
    """The command is whole where it needs neither credentials nor a file of certificates."""
    text = "Write the profile: `anywhere proxy apply` with the options given here."
    if not profile.address or profile.is_secret or profile.certificates:
        return Remedy(text)
    exclusions = ("--no-proxy", ",".join(profile.no_proxy)) if profile.no_proxy else ()
    return Remedy(text, set_proxy(profile.address, *exclusions))


def _cause(step: Step) -> str:
    if step.key == "trust-store" or step.key.endswith((".crt", ".pem")):
        return "tls.component-untrusted"
    return "proxy.not-set-for-component"
