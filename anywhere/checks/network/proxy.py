"""The proxy settings of every component side by side: declared, effective, needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from anywhere.catalogue.texts.proxy import set_proxy
from anywhere.checks.base import check, needs_root, passed, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.evidence import Bare, Proxies
from anywhere.facts.agents.components import Component, components
from anywhere.facts.network.no_proxy import corrected, is_excluded, useless_entries
from anywhere.facts.network.proxy_environment import ProxyEnvironment, ProxyProblem
from anywhere.facts.network.visit import Visit
from anywhere.facts.system.ignored import Ignored, ignored_settings
from anywhere.facts.system.units import units
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Stage, Status
from anywhere.redact import redact_proxy, without_user
from anywhere.settings import Settings

AGENTS = ("ssm-agent", "ecs-agent", "docker")
CREDENTIALS, METADATA, SOCKET = "169.254.170.2", "169.254.169.254", "/var/run/docker.sock"
# Sources: AWS http_proxy_config page; awsdocs/amazon-ecs-developer-guide issue 166 for docker.
NEEDED = {"ecs-agent": (METADATA, CREDENTIALS, SOCKET), "docker": (METADATA, CREDENTIALS)}
PROXY_NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
ANY_HOST = "ecs.us-east-1.amazonaws.com"


@check("network.proxy")
def proxy(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    found = {component.name: component for component in components(host)}
    here = [found[name] for name in AGENTS if found[name].exists]
    caller = found["installer"]
    visits = [visit for seen in surveys(host, settings) for visit in (*seen.visits, *seen.extra)]
    if not here:
        yield _caller(caller)
        return
    model = next((one for one in here if _proxy(one)), caller if _proxy(caller) else None)
    for component in here:
        # docker's own names may not have been tried: then it stands as the agents do that go out directly.
        own = [v for v in visits if v.vantage.component == component.name] or [v for v in visits if not v.proxy]
        unit = units(host).get(component.unit)
        yield from _judge(component, model, model is caller, own, ignored_settings(host, unit) if unit else ())
    yield from _differing(here, visits)


def _differing(here: Sequence[Component], visits: Sequence[Visit]) -> Iterator[Finding]:
    """Components with proxies of their own. Two names of one address are one proxy; where an agent's own does not work its
    endpoints say so, and docker's is tried for this."""
    used = {one.name: url for one in here if not _is_stale(one) and (url := without_user(_proxy(one)))}
    addresses = {without_user(v.proxy): frozenset(p.address for p in v.probes) or v.proxy for v in visits if v.proxy}
    if len({(addresses.get(url, url), url.rpartition(":")[2]) for url in used.values()}) < 2:
        return
    works = {without_user(visit.proxy) for visit in visits if visit.proxy and visit.ok}
    tried = {without_user(visit.proxy) for visit in visits if visit.proxy and visit.probes}
    if any(name != "docker" and url in tried - works for name, url in used.items()):
        return
    right = next((url for url in used.values() if url in works), "")
    dead = [url for name, url in used.items() if name == "docker" and url in tried - works and right]
    shown = ", ".join(f"{name} uses {url}" for name, url in used.items())
    summary = f"components use different proxies: {shown}" + (f"; {dead[0]} does not work" if dead else "")
    remedy = Remedy(
        f"Give all components the proxy that works ({right})." if right else "Give all components the same proxy.",
        set_proxy(right, "--restart") if right.startswith("http:") else (),
    )
    status, evidence = Status.FAIL if dead else Status.WARN, Proxies(proxies=used, dead=dead)
    code = "proxy.components-differ"
    yield trouble(proxy.id, status, "components", summary, cause=code, remedy=remedy, evidence=evidence)


def _is_stale(component: Component) -> bool:
    """Whether a process still has the environment of its start, while its files say something else about the proxy."""
    if not component.running or not component.source.startswith("process") or "daemon.json" in component.source:
        return False
    declared = _intended(component)
    return bool(declared) and declared != _proxy(component)


def _intended(component: Component) -> str:
    environment = ProxyEnvironment.from_mapping(component.intended, _environment(component).flavour)
    return environment.for_host(ANY_HOST)


def _stale(component: Component) -> Finding | None:
    if not _is_stale(component):
        return None
    declared, effective = _intended(component), _proxy(component)
    place = next(
        (component.sources[name] for name in component.sources if name.upper() == "HTTPS_PROXY"), component.unit
    )
    now = f"still uses {redact_proxy(effective)}" if effective else "still goes out directly"
    matrix = {"source": component.source, **_matrix(component)}
    return trouble(
        proxy.id,
        Status.FAIL,
        component.name,
        f"{place} sets the proxy {redact_proxy(declared)}, and {component.name} {now}: it was started before",
        cause="agent.stale-environment",
        remedy=Remedy(
            f"Restart {component.name}{_stops(component)}.",
            (
                ("sudo", "systemctl", "daemon-reload"),
                ("sudo", "systemctl", "restart", component.unit or component.name),
            ),
        ),
        evidence={"matrix": matrix},
    )


def _stops(component: Component) -> str:
    return ": containers stop with docker, unless live-restore is set" if component.name == "docker" else ""


def _ignored(component: Component, environment: ProxyEnvironment, ignored: Sequence[Ignored]) -> Finding | None:
    """A proxy that is written down for a component and not in effect: the file, the line, and why."""
    in_effect = {"HTTPS_PROXY": environment.https, "HTTP_PROXY": environment.http, "NO_PROXY": environment.no_proxy}
    lost = [one for one in ignored if not in_effect.get(one.name)]
    if not any(one.name != "NO_PROXY" for one in lost) and not (lost and environment.for_host(ANY_HOST)):
        return None
    first = next((one for one in lost if one.name == "HTTPS_PROXY"), lost[0])
    names = ", ".join(dict.fromkeys(one.name for one in lost))
    commands = tuple(dict.fromkeys(("sudo", *command) for one in lost for command in one.commands))
    restart = (
        ("sudo", "systemctl", "daemon-reload"),
        ("sudo", "systemctl", "restart", component.unit or component.name),
    )
    return trouble(
        proxy.id,
        Status.FAIL,
        component.name,
        f"{first.place} sets {names}, without effect: {first.why}",
        cause="proxy.setting-ignored",
        remedy=Remedy(
            f"{first.fix} Then reload systemd and restart {component.name}{_stops(component)}.", (*commands, *restart)
        ),
        evidence={
            "matrix": {"source": component.source, **_matrix(component)},
            "ignored": [{"name": one.name, "file": one.path, "line": one.line, "why": one.why} for one in lost],
        },
    )


def _caller(caller: Component) -> Finding:
    url = _proxy(caller)
    problems = [problem for problem in _environment(caller).problems if problem.broken or problem.ignored]
    if problems:
        return _problem(caller, problems)
    summary = (
        f"the agents would use {redact_proxy(url)} as this shell does"
        if url
        else "no proxy is set, and no agent is here yet"
    )
    return passed(proxy.id, "calling environment", summary, matrix=_matrix(caller))


def _judge(
    component: Component,
    model: Component | None,
    only_shell: bool,
    visits: Sequence[Visit],
    ignored: Sequence[Ignored],
) -> Iterator[Finding]:
    environment, url = _environment(component), _proxy(component)
    matrix = {"source": component.source, **_matrix(component)}
    if not component.known and not url:
        yield needs_root(proxy.id, component.name, "its settings may not be read", matrix=matrix)
        return
    if stale := _stale(component):
        yield stale
        return
    if lost := _ignored(component, environment, ignored):
        yield lost
        return
    problems = [problem for problem in environment.problems if problem.broken or problem.ignored]
    if problems:
        yield _problem(component, problems)
        return
    if not url:
        yield _bare(component, model, only_shell, visits, matrix)
        return
    missing = [entry for entry in NEEDED.get(component.name, ()) if not _is_excluded(component, environment, entry)]
    if missing:
        yield _exclusions(component, missing, environment.no_proxy, url, matrix)
    else:
        yield passed(proxy.id, component.name, f"uses {redact_proxy(url)}", matrix=matrix)


def apply_command(url: str, *options: str) -> tuple[tuple[str, ...], ...]:
    """The command that sets this proxy, as `set_proxy`; credentials are read from standard input, never shown."""
    own = ("--credentials-file", "-") if "@" in url else ()
    return set_proxy(without_user(url), *own, *options)


def _bare(
    component: Component, model: Component | None, only_shell: bool, visits: Sequence[Visit], matrix: dict[str, object]
) -> Finding:
    blocked = bool(visits) and not any(visit.ok for visit in visits) and all(_not_out(visit) for visit in visits)
    if model is None or (only_shell and not blocked):
        return passed(proxy.id, component.name, "goes out directly", matrix=matrix)
    url = redact_proxy(_proxy(model))
    status = Status.FAIL if blocked else Status.WARN
    where = drop_in(component)
    remedy = Remedy(
        f"Set the proxy for {component.name} in {where}, with the exclusions "
        f"{', '.join(NEEDED.get(component.name, (METADATA,)))}; then reload systemd and restart it (docker first, then "
        f"the SSM agent, then ecs).{_plain(url)}",
        _with_restart(component, apply_command(url)),
    )
    summary = f"has no proxy while {model.name} uses {url}" + ("; going out directly fails" if blocked else "")
    return trouble(
        proxy.id,
        status,
        component.name,
        summary,
        cause="proxy.not-set-for-component",
        remedy=remedy,
        evidence=Bare(matrix=matrix, model=model.name),
    )


def _plain(url: str) -> str:
    """What a fix adds for a proxy that is spoken to by TLS (gorilla/websocket, x_net_proxy.go)."""
    return (
        " Name a port where the proxy takes plain HTTP: both agents' channels cannot use https://."
        if url[:6] == "https:"
        else ""
    )


def _with_restart(component: Component, write: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """The command that sets the proxy, and the restart; none where a person has to edit the setting first."""
    return (*write, ("sudo", "systemctl", "restart", component.unit or component.name)) if write else ()


def drop_in(component: Component) -> str:
    """The file where a component's proxy belongs (AWS http_proxy_config and configure-proxy-ssm-agent pages)."""
    if component.name == "ecs-agent":
        return "/etc/ecs/ecs.config and /etc/systemd/system/ecs.service.d/http-proxy.conf"
    return f"/etc/systemd/system/{component.unit or component.name}.d/http-proxy.conf"


def _not_out(visit: Visit) -> bool:
    return all(probe.stage is Stage.CONNECT for probe in visit.probes)


def _exclusions(component: Component, missing: Sequence[str], has: str, url: str, matrix: dict[str, object]) -> Finding:
    has, wrong = corrected(has), [why for _, why in useless_entries(has) if "commas" in why]
    whole = ",".join(dict.fromkeys(filter(None, (*has.split(","), *missing))))
    write = apply_command(url, *(("--no-proxy", has) if has else ())) if component.unit else ()
    remedy = Remedy(
        f"Set NO_PROXY={whole} for {component.name} in {drop_in(component)} and restart it.{_plain(url)}",
        _with_restart(component, write),
    )
    return trouble(
        proxy.id,
        Status.FAIL,
        component.name,
        f"NO_PROXY lacks {', '.join(missing)}: requests that must stay on the host go to the proxy"
        + (f" ({wrong[0]})" if wrong else ""),
        cause="proxy.exclusions-missing",
        remedy=remedy,
        evidence={"matrix": matrix, "missing": list(missing)},
    )


def _is_excluded(component: Component, environment: ProxyEnvironment, entry: str) -> bool:
    """The ECS agent fills in its own exclusions when NO_PROXY is unset (ecs-agent/wsclient/client.go)."""
    if component.name == "ecs-agent" and not environment.no_proxy:
        return True
    if entry.startswith("/"):
        return (
            entry in (part.strip() for part in environment.no_proxy.split(",")) or environment.no_proxy.strip() == "*"
        )
    return is_excluded(environment.no_proxy, entry, 80)


def _problem(component: Component, problems: Sequence[ProxyProblem]) -> Finding:
    text = "; ".join(problem.text for problem in problems)
    scheme = any(problem.code == "scheme-unknown" for problem in problems)
    place = (
        drop_in(component)
        if component.name != "installer"
        else "the environment of this shell (export HTTPS_PROXY=...)"
    )
    remedy = Remedy(f"Write the proxy of {component.name} as http://HOST:PORT in {place}.")
    code = "proxy.wrong-scheme" if scheme else "config.invalid"
    return trouble(
        proxy.id, Status.FAIL, component.name, text, cause=code, remedy=remedy, evidence={"matrix": _matrix(component)}
    )


def _environment(component: Component) -> ProxyEnvironment:
    flavour = component.name if component.name in AGENTS else "go"
    return ProxyEnvironment.from_mapping(component.effective, flavour)


def _proxy(component: Component) -> str:
    return _environment(component).for_host(ANY_HOST)


def _matrix(component: Component) -> dict[str, object]:
    """Component by setting: what the configuration declares, what works, what is needed."""

    def shown(environment: Mapping[str, str]) -> dict[str, str]:
        # What counts comes last: the upper case, unless it is empty.
        ordered = sorted(environment.items(), key=lambda item: (bool(item[1]), item[0].isupper()))
        upper = {name.upper(): redact_proxy(value) for name, value in ordered}
        return {name: upper[name] for name in PROXY_NAMES if name in upper}

    return {
        "component": component.name,
        "declared": shown(component.declared),
        "effective": shown(component.effective),
        "needed": {"NO_PROXY": ",".join(NEEDED.get(component.name, ()))},
        "trust": list(component.ca_paths) or ["the host's store"],
    }


CHECKS = (proxy,)
