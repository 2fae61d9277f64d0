"""One proxy profile for every component that goes out: docker, the SSM agent, the ECS agent, the package manager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from anywhere.catalogue.distros import FAMILIES, family_of
from anywhere.changes.base import ChangeFailed, Command, Step
from anywhere.changes.files import file_step, present
from anywhere.changes.merging import bytes_of, json_of, merge_lines, merge_section, text_of
from anywhere.changes.proxy.castore import AGENT_FOLDER, needs_copy, own_certificates, trust_steps
from anywhere.changes.proxy.drop_ins import CONFIG, NAME, ORDER, UPPER, drop_in_steps, paths, satisfied
from anywhere.changes.proxy.private import complete
from anywhere.changes.proxy.profile import Profile
from anywhere.changes.script import run_script
from anywhere.facts.agents.components import components
from anywhere.facts.agents.daemon_json import PATH as DAEMON_JSON
from anywhere.facts.system.os_release import os_release
from anywhere.facts.system.quoting import parse_environment_file
from anywhere.facts.system.units import units
from anywhere.held import hold
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording

JOURNAL = "proxy"
APT_FILE = "/etc/apt/apt.conf.d/95anywhere-proxy"

_RESTART = Path(__file__).with_name("restart.sh")
_RELOAD_STEP = Step(
    "reload",
    "reload the configuration of systemd (systemctl daemon-reload)",
    Command(run_script(_RESTART), shown=("systemctl", "daemon-reload")),
)


def plan(host: Host, profile: Profile, *, restart: bool = False, packages: bool = False) -> tuple[Step, ...]:
    """The steps that give every component this profile; what is there is merged. Raises ChangeFailed where a file that
    has to be merged cannot be read."""
    found = units(host)
    profile = complete(host, with_kept_credentials(host, profile))
    steps = [*trust_steps(host, profile.certificates)]
    if profile.address:
        steps += [*drop_in_steps(host, found, profile), *_daemon_json(host, profile)]
    steps += _config(host, profile)
    if packages and profile.address:
        steps += _package_manager(host, profile)
    stale = any(unit.exists and unit.stale for unit in found.values())
    if not steps:
        late = without_restart(host, profile) if restart else ()
        return (_restart(late),) if late else (_RELOAD_STEP,) if stale else ()
    running = tuple(name for name in ORDER if found[name].is_running) if restart else ()
    return (*_undone_last(steps), _restart(running) if running else _RELOAD_STEP)


def with_kept_credentials(host: Host, profile: Profile) -> Profile:
    """The profile with the user and password of our own drop-in, where the caller names the same proxy without any:
    what adds a CA or an exclusion, or only verifies, takes no working credentials away. `revert` does."""
    for component in components(host) if profile.address and not profile.is_secret else ():
        for name, url in component.intended.items():
            scheme, _, rest = url.partition("://")
            userinfo, _, place = rest.rpartition("@")
            if userinfo and NAME in component.sources.get(name, "") and f"{scheme}://{place}" == profile.address:
                hold(unquote(userinfo.partition(":")[2]))
                return replace(profile, userinfo=userinfo)
    return profile


def traces(host: Host) -> tuple[str, ...]:
    """What of this change stands on a host: the files that are ours alone, by their names."""
    names = (*(path for unit in ORDER for path in paths(unit)), APT_FILE)
    folders = dict.fromkeys([*(family.ca_folder for family in FAMILIES.values() if family.ca_folder), AGENT_FOLDER])
    return (*present(host, names), *(f"{path}" for folder in folders for path in own_certificates(host, folder)))


def without_restart(host: Host, profile: Profile) -> tuple[str, ...]:
    """The units whose running process was started before the profile was there, in the order of a restart."""
    late = []
    for component in components(host):
        values = dict(zip(UPPER, (profile.url, profile.url, profile.exclusions("")))) if profile.address else {}
        seen = component.source.startswith("process") and component.running
        lower = {name.lower(): value for name, value in values.items()}
        if seen and not (satisfied(component.effective, values) or satisfied(component.effective, lower)):
            late.append(component.unit)
    return tuple(name for name in ORDER if name in late)


def _daemon_json(host: Host, profile: Profile) -> Iterator[Step]:
    """Proxies in daemon.json win over the environment from engine 23 on, so that where some are they must agree."""
    text = text_of(host, DAEMON_JSON)
    try:
        settings: object = json.loads(text.removeprefix("\ufeff") or "{}")
    except ValueError:
        raise ChangeFailed(
            f"{DAEMON_JSON} is not valid JSON, and Docker does not start with it: fix it first"
        ) from None
    if not isinstance(settings, dict):
        return
    proxies = settings.get("proxies")
    if not isinstance(proxies, dict) or not proxies:
        return
    exclusions = profile.exclusions(str(proxies.get("no-proxy", "")))
    wanted = {**proxies, "http-proxy": profile.url, "https-proxy": profile.url, "no-proxy": exclusions}
    if wanted == proxies:
        return
    merged = json_of({**settings, "proxies": wanted}, indent=2) + "\n"
    title = f"merge the proxy into {DAEMON_JSON}, whose own proxies win over the environment"
    yield from file_step(host, DAEMON_JSON, bytes_of(merged), title, mode="0600", secret=profile.is_secret)


def _config(host: Host, profile: Profile) -> Iterator[Step]:
    """ecs.config goes into the agent's container as it stands: upper case, no quotes (ecs-init/docker/docker.go)."""
    text = text_of(host, CONFIG)
    present = parse_environment_file(text)
    values: dict[str, str] = {}
    if profile.address:
        exclusions = profile.exclusions(present.get("NO_PROXY") or present.get("no_proxy", ""))
        values = dict(zip(UPPER, (profile.url, profile.url, exclusions)))
    if profile.certificates and needs_copy(host):
        folders = [folder for folder in present.get("SSL_CERT_DIR", "").split(":") if folder]
        values["SSL_CERT_DIR"] = ":".join(dict.fromkeys((*folders, AGENT_FOLDER)))
    values = {name: value for name, value in values.items() if not satisfied(present, {name: value})}
    if not values:
        return
    merged, lines = merge_lines(text, values)
    title = f"merge {', '.join(values)} into {CONFIG}"
    secret = profile.is_secret
    yield from file_step(
        host, CONFIG, bytes_of(merged), title, mode="0600" if secret else "0644", secret=secret, lines=lines
    )


def _package_manager(host: Host, profile: Profile) -> Iterator[Step]:
    family = family_of(os_release(host))
    manager = family.manager if family else ""
    mode, secret = ("0600", True) if profile.is_secret else ("0644", False)
    if manager == "apt":
        path = APT_FILE
        text = "".join(f'Acquire::{kind}::Proxy "{profile.url}";\n' for kind in ("http", "https"))
        yield from file_step(host, path, text.encode(), f"write {path}", mode=mode, secret=secret)
        return
    if manager not in ("dnf", "yum"):
        raise ChangeFailed("--packages knows apt, dnf and yum; for zypper use `yast2 proxy` or /etc/sysconfig/proxy")
    path = "/etc/dnf/dnf.conf" if manager == "dnf" else "/etc/yum.conf"
    old = text_of(host, path)
    merged, lines = merge_section(old, {"proxy": profile.url})
    if merged != old:
        yield from file_step(
            host, path, bytes_of(merged), f"merge proxy into {path}", mode=mode, secret=secret, lines=lines
        )


def _restart(running: tuple[str, ...]) -> Step:
    """Docker, then the SSM agent, then ecs: those that run. A unit that does not run takes the profile at its start."""
    return Step("restart", f"restart {', then '.join(running)}", _restarting(running))


def restart_running(host: Host) -> tuple[str, ...]:
    """Restart what runs on a live host, in that order, so that it takes what is written now. Raises ChangeFailed."""
    running = tuple(name for name, unit in units(Recording(host)).items() if name in ORDER and unit.is_running)
    running = tuple(name for name in ORDER if name in running)
    if running:
        command = _restarting(running)
        done = host.run(command.argv, timeout=command.timeout)
        if not done.ok:
            raise ChangeFailed(f"restart of {', '.join(running)}: {done.stderr.strip() or done.rc}")
    return running


def _restarting(running: tuple[str, ...]) -> Command:
    typed = " && ".join(("systemctl daemon-reload", *(f"systemctl restart {name}" for name in running)))
    return Command(run_script(_RESTART, *running), timeout=180, shown=("sh", "-c", typed))


def _undone_last(steps: list[Step]) -> Iterator[Step]:
    """The first step is undone last: then systemd reads its units again."""
    for number, step in enumerate(steps):
        yield replace(step, undo=(_RELOAD_STEP.do, *step.undo)) if number == 0 else step
