"""The proxy settings of every component side by side: declared, effective, needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from anywhere.checks.base import check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.facts.agents.components import Component, components
from anywhere.facts.network.no_proxy import is_excluded
from anywhere.facts.network.proxy_environment import ProxyEnvironment, ProxyProblem, redact
from anywhere.facts.network.survey import Visit
from anywhere.hosts.base import Host
from anywhere.model import Finding, Remedy, Stage, Status
from anywhere.settings import Settings

AGENTS = ("ssm-agent", "ecs-agent", "docker")
CREDENTIALS, METADATA, SOCKET = "169.254.170.2", "169.254.169.254", "/var/run/docker.sock"
# Sources: AWS http_proxy_config page; awsdocs/amazon-ecs-developer-guide issue 166 for docker.
NEEDED = {"ecs-agent": (METADATA, CREDENTIALS, SOCKET), "docker": (METADATA, CREDENTIALS)}
PROXY_NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


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
        yield from _judge(
            component, model, model is caller, [v for v in visits if v.vantage.component == component.name]
        )


def _caller(caller: Component) -> Finding:
    url = _proxy(caller)
    problems = [problem for problem in _environment(caller).problems if problem.broken or problem.ignored]
    if problems:
        return _problem(caller, problems)
    summary = (
        f"the agents would use {redact(url)} as this shell does" if url else "no proxy is set, and no agent is here yet"
    )
    return passed(proxy.id, "calling environment", summary, matrix=_matrix(caller))


def _judge(
    component: Component, model: Component | None, only_shell: bool, visits: Sequence[Visit]
) -> Iterator[Finding]:
    environment, url = _environment(component), _proxy(component)
    matrix = {"source": component.source, **_matrix(component)}
    if not component.known and not url:
        yield skipped(proxy.id, component.name, "its settings may not be read", because="run as root", matrix=matrix)
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
        yield _exclusions(component, missing, environment.no_proxy, matrix)
    else:
        yield passed(proxy.id, component.name, f"uses {redact(url)}", matrix=matrix)


def apply_command(url: str) -> tuple[str, ...]:
    """The command that writes this proxy; credentials are read from standard input, never shown."""
    scheme, mark, rest = url.partition("://")
    _, at, place = rest.rpartition("@")
    own = ("--credentials-file", "-") if at else ()
    return ("sudo", "anywhere", "proxy", "apply", "--url", f"{scheme}{mark}{place}", *own)


def _bare(
    component: Component, model: Component | None, only_shell: bool, visits: Sequence[Visit], matrix: dict[str, Any]
) -> Finding:
    blocked = bool(visits) and not any(visit.ok for visit in visits) and all(_not_out(visit) for visit in visits)
    if model is None or (only_shell and not blocked):
        return passed(proxy.id, component.name, "goes out directly", matrix=matrix)
    url = redact(_proxy(model))
    status = Status.FAIL if blocked else Status.WARN
    where = drop_in(component)
    remedy = Remedy(
        f"Set the proxy for {component.name} in {where}, with the exclusions "
        f"{', '.join(NEEDED.get(component.name, (METADATA,)))}; "
        "then reload systemd and restart it (docker first, then the SSM agent, then ecs).",
        (
            apply_command(url),
            ("sudo", "systemctl", "restart", component.unit or component.name),
        ),
    )
    summary = f"has no proxy while {model.name} uses {url}" + ("; going out directly fails" if blocked else "")
    return trouble(
        proxy.id,
        status,
        component.name,
        summary,
        cause="proxy.not-set-for-component",
        remedy=remedy,
        evidence={"matrix": matrix},
    )


def drop_in(component: Component) -> str:
    """The file where a component's proxy belongs (AWS http_proxy_config and configure-proxy-ssm-agent pages)."""
    if component.name == "ecs-agent":
        return "/etc/ecs/ecs.config and /etc/systemd/system/ecs.service.d/http-proxy.conf"
    return f"/etc/systemd/system/{component.unit or component.name}.d/http-proxy.conf"


def _not_out(visit: Visit) -> bool:
    return all(probe.stage is Stage.CONNECT for probe in visit.probes)


def _exclusions(component: Component, missing: Sequence[str], has: str, matrix: dict[str, Any]) -> Finding:
    whole = ",".join(filter(None, (has, *missing)))
    remedy = Remedy(
        f"Set NO_PROXY={whole} for {component.name} in {drop_in(component)} and restart it.",
        (("sudo", "systemctl", "restart", component.unit or component.name),),
    )
    return trouble(
        proxy.id,
        Status.FAIL,
        component.name,
        f"NO_PROXY lacks {', '.join(missing)}: requests that must stay on the host go to the proxy",
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
    remedy = Remedy(f"Write the proxy of {component.name} as http://HOST:PORT in {drop_in(component)}.")
    code = "proxy.wrong-scheme" if scheme else "config.invalid"
    return trouble(
        proxy.id, Status.FAIL, component.name, text, cause=code, remedy=remedy, evidence={"matrix": _matrix(component)}
    )


def _environment(component: Component) -> ProxyEnvironment:
    flavour = component.name if component.name in AGENTS else "go"
    return ProxyEnvironment.from_mapping(component.effective, flavour)


def _proxy(component: Component) -> str:
    return _environment(component).for_host("ecs.us-east-1.amazonaws.com")


def _matrix(component: Component) -> dict[str, Any]:
    """Component by setting: what the configuration declares, what works, what is needed."""

    def shown(environment: Any) -> dict[str, str]:
        # What counts comes last: the upper case, unless it is empty.
        ordered = sorted(environment.items(), key=lambda item: (bool(item[1]), item[0].isupper()))
        upper = {name.upper(): redact(value) for name, value in ordered}
        return {name: upper[name] for name in PROXY_NAMES if name in upper}

    return {
        "component": component.name,
        "declared": shown(component.declared),
        "effective": shown(component.effective),
        "needed": {"NO_PROXY": ",".join(NEEDED.get(component.name, ()))},
        "trust": list(component.ca_paths) or ["the host's store"],
    }


CHECKS = (proxy,)
